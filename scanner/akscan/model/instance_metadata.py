"""Which pods can reach the instance metadata service, and with it the identities of their node
(https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from akscan.model.gaps import Gap, NotCollected, untold
from akscan.model.kubernetes import CiliumPolicySpec, Listing, NetworkPolicy, Pod, PodSpec
from akscan.model.needs import Need

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster

ADDRESS = "169.254.169.254"
_PORT = 80
_ENGINES = ("azure", "calico", "cilium")
#: DaemonSets that enforce policies where AKS manages no network plugin.
_OWN_ENGINES = {"calico-node": "calico", "cilium": "cilium", "antrea-agent": "antrea"}
_NAMESPACE_LABEL = "io.cilium.k8s.namespace.labels."


def policy_engine(cluster: Cluster) -> str:
    """What enforces network policies; empty where nothing does. Raises `NotCollected` where only DaemonSets would tell
    and these could not be listed.
    """
    network = cluster.properties.network_profile
    if network.network_dataplane == "cilium":
        return "cilium"
    if network.network_policy.casefold() in _ENGINES:
        return network.network_policy.casefold()
    if network.network_plugin != "none":
        return ""
    daemon_sets = cluster.lists.daemon_sets
    ready = (item.name for item in daemon_sets.items if item.status.number_ready)
    found = next((_OWN_ENGINES[name] for name in ready if name in _OWN_ENGINES), "")
    if not found:
        daemon_sets.complete()
    return found


@dataclass(frozen=True, slots=True)
class OpenPods:
    """The running pods of a namespace that can reach the service and what lets them, and what hides more of them."""

    pods: tuple[tuple[Pod, str], ...]
    gap: Gap | None
    judged: int


class MetadataAccess:
    """Judges the pods of one cluster; its policies are indexed by namespace, and pods of equal labels judged once."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lists = cluster.lists
        self._policies: dict[str, list[NetworkPolicy]] = defaultdict(list)
        for policy in self._lists.network_policies.items:
            if policy.restricts_egress:
                self._policies[policy.namespace].append(policy)
        self._cilium: dict[str, list[tuple[str, CiliumPolicySpec]]] = defaultdict(list)
        for found in (*self._lists.cilium_policies.items, *self._lists.cilium_clusterwide_policies.items):
            named = [(f"{found.kind} {found.name}", spec) for spec in found.all_specs]
            self._cilium[found.namespace] += [pair for pair in named if pair[1].egress or pair[1].egress_deny]
        self._spaces = {space.name: space.metadata.labels or {} for space in self._lists.namespaces.items}
        self._verdicts: dict[tuple[str, frozenset[tuple[str, str]]], str | Gap | None] = {}

    @cached_property
    def _engine(self) -> str:
        return policy_engine(self._cluster)

    @cached_property
    def _specs(self) -> dict[str, PodSpec]:
        return {pod.maker: pod.spec for pod in self._lists.pods.items if pod.spec is not None}

    def of(self, namespace: str) -> OpenPods:
        """The running pods of one namespace, host network aside."""
        opened: list[tuple[Pod, str]] = []
        gaps = [] if self._lists.pods.gap is None else [self._lists.pods.gap]
        judged = 0
        for pod in self._cluster.pods_read_by_namespace.get(namespace, ()):
            spec = self._specs.get(pod.maker)
            if pod.status.phase != "Running" or spec is None or spec.host_network:
                continue
            judged += 1
            verdict = self._verdict(namespace, pod.metadata.labels or {}) or self._unenforced(pod)
            if isinstance(verdict, Gap):
                gaps.append(verdict)
            elif verdict:
                opened.append((pod, verdict))
        return OpenPods(tuple(opened), gaps[0] if gaps else None, judged)

    def _verdict(self, namespace: str, labels: Mapping[str, str]) -> str | Gap | None:
        key = (namespace, frozenset(labels.items()))
        if key not in self._verdicts:
            try:
                self._verdicts[key] = self._judge(namespace, labels)
            except NotCollected as missing:
                self._verdicts[key] = missing.gap
        return self._verdicts[key]

    def _unenforced(self, pod: Pod) -> Gap | None:
        """What hides whether a policy that keeps a pod from the service is enforced: on Windows Azure NPM is out of
        support since September 2026, and never knew all that a policy may say
        (https://learn.microsoft.com/azure/aks/use-network-policies).
        """
        if self._engine != "azure" or not self._cluster.has_windows_pools:
            return None
        try:
            node = self._cluster.node(pod.node_name)
        except NotCollected as missing:
            return missing.gap
        if node is not None and not node.is_windows:
            return None
        detail = f"{pod.node_name} may be a Windows node, where Azure NPM may not enforce policies"
        return self._gap(pod.namespace, Need.NETWORK_POLICIES, detail)

    def _judge(self, namespace: str, labels: Mapping[str, str]) -> str | None:
        """What lets pods with these labels reach the service; None where a policy keeps them from it."""
        if not self._engine:
            return "no policy engine is active"
        if self._engine == "cilium" and self._is_denied_by_cilium(namespace, labels):
            return None
        self._require_no_other_policy(namespace)
        selecting = [p for p in self._policies.get(namespace, ()) if p.spec.pod_selector.matches(labels)]
        for policy in selecting:
            if any(rule.admits(ADDRESS, _PORT) for rule in policy.spec.egress or ()):
                return f"NetworkPolicy {policy.name} admits it"
        self._lists.network_policies.complete()
        return None if selecting else "no NetworkPolicy restricts egress"

    def _is_denied_by_cilium(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Raises `NotCollected` where another policy of Cilium may allow or forbid more than is looked at here."""
        others: list[str] = []
        endpoint = {
            **labels,
            "io.kubernetes.pod.namespace": namespace,
            **{f"{_NAMESPACE_LABEL}{key}": value for key, value in self._spaces.get(namespace, {}).items()},
        }
        for where in (namespace, ""):
            for name, spec in self._cilium.get(where, ()):
                if not spec.may_select(endpoint):
                    continue
                if spec.denies(ADDRESS) and not spec.selects_by_more:
                    return True
                others.append(name)
        for listing in (self._lists.cilium_policies, self._lists.cilium_clusterwide_policies):
            listing.complete()
        if self._cilium:
            self._lists.namespaces.complete()
        if others:
            raise self._unknown(namespace, others[0], Need.CILIUM_POLICIES)
        return False

    def _require_no_other_policy(self, namespace: str) -> None:
        """Raises `NotCollected` where a policy of another API may apply, whose meaning akscan does not read."""
        lists = self._lists
        by_need: tuple[tuple[Need, Listing[Any]], ...] = (
            (Need.CALICO_POLICIES, lists.calico_policies),
            (Need.CALICO_GLOBAL_POLICIES, lists.calico_global_policies),
            (Need.ADMIN_NETWORK_POLICIES, lists.admin_network_policies),
            (Need.CLUSTER_NETWORK_POLICIES, lists.cluster_network_policies),
        )
        for need, listing in by_need:
            for found in listing.complete():
                if found.namespace in ("", namespace):
                    raise self._unknown(namespace, f"{found.kind} {found.name}", need)

    def _unknown(self, namespace: str, policy: str, need: Need) -> NotCollected:
        return NotCollected(self._gap(namespace, need, f"{policy} may apply, and akscan does not judge what it allows"))

    def _gap(self, namespace: str, need: Need, detail: str) -> Gap:
        scope = f"{self._cluster.name}/{namespace}"
        return untold("kubernetes", scope, detail, need)
