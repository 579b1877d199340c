"""A drain of every node, played on what the inventory holds: what is evicted, and which budgets let nothing go.

By the eviction API (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/) and the disruption
controller (https://kubernetes.io/docs/tasks/run-application/configure-pdb/). The best case is assumed: whatever is
evicted comes back healthy on another node, and any node may go first. What is stuck even then stays stuck.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.gaps import NotCollected, untold
from akscan.model.kubernetes import Endpoint, Pod, PodDisruptionBudget, PodSpec
from akscan.model.needs import Need
from akscan.model.text import Token

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.pools import NodePool
    from akscan.model.workloads import Workload

_Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Allowance:
    """A budget and the pods that it guards, as the eviction API sees them."""

    expected: int
    healthy: int
    desired: int
    evicts_broken: bool = False

    @classmethod
    def now(cls, budget: PodDisruptionBudget) -> Allowance:
        """By the status that the disruption controller wrote."""
        status = budget.status
        return cls(status.expected_pods, status.current_healthy, status.desired_healthy, budget.evicts_broken)

    @classmethod
    def of_healthy(cls, budget: PodDisruptionBudget, pods: int) -> Allowance:
        """With so many pods, all of them healthy."""
        return cls(pods, pods, budget.desired_of(pods), budget.evicts_broken)

    @property
    def is_closed(self) -> bool:
        """Whether all pods must stay, however healthy they are."""
        return self.desired >= self.expected

    @property
    def waits_for_broken_pods(self) -> bool:
        """Whether nothing can be evicted before broken pods recover by themselves.

        Broken pods go when the budget says AlwaysAllow, or, with IfHealthyBudget, when enough others are healthy and
        at least one must be; everything else counts as a disruption, of which none is left.
        """
        if self.healthy > self.desired or self.healthy >= self.expected:
            return False
        return not (self.evicts_broken or self.healthy >= self.desired > 0)

    @property
    def lets_go(self) -> bool:
        """Whether each of its pods, and each that comes in its place, can be evicted."""
        return not (self.is_closed or self.waits_for_broken_pods)


class Drain:
    """The drain of a cluster's nodes, one after the other. Made once for a cluster, with indexes."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lists = cluster.lists
        self._selected: dict[tuple[str, _Labels], tuple[PodDisruptionBudget, ...]] = {}

    # --- budgets

    @cached_property
    def _budgets(self) -> dict[tuple[str, str, str], list[PodDisruptionBudget]]:
        """(namespace, key, value) of one label that a budget selects by -> the budgets; without key and value those
        whose selector names no such label.
        """
        found: dict[tuple[str, str, str], list[PodDisruptionBudget]] = defaultdict(list)
        for budget in self._lists.pod_disruption_budgets.items:
            for key, value in _anchors(budget):
                found[budget.namespace, key, value].append(budget)
        return found

    @cached_property
    def known_idle_budgets(self) -> dict[str, tuple[PodDisruptionBudget, ...]]:
        """The budgets of each namespace that guard no pod, among those that were read."""
        found: dict[str, list[PodDisruptionBudget]] = defaultdict(list)
        for budget in self._lists.pod_disruption_budgets.items:
            if budget.status.expected_pods == 0:
                found[budget.namespace].append(budget)
        return {namespace: tuple(budgets) for namespace, budgets in found.items()}

    def known_budgets(self, namespace: str, labels: Mapping[str, str]) -> tuple[PodDisruptionBudget, ...]:
        """The budgets that guard pods with these labels, among those that were read."""
        key = (namespace, frozenset(labels.items()))
        if key not in self._selected:
            places = (("", ""), *labels.items())
            candidates = (budget for place in places for budget in self._budgets.get((namespace, *place), ()))
            self._selected[key] = tuple(b for b in candidates if b.spec.selector and b.spec.selector.matches(labels))
        return self._selected[key]

    @cached_property
    def _pods_by_budget(self) -> dict[str, tuple[Pod, ...]]:
        found: dict[str, list[Pod]] = defaultdict(list)
        for pod in self._lists.pods.items:
            if pod.is_active:
                for budget in self.known_budgets(pod.namespace, pod.metadata.labels or {}):
                    found[budget.key].append(pod)
        return {key: tuple(pods) for key, pods in found.items()}

    def known_pods(self, budget: PodDisruptionBudget) -> tuple[Pod, ...]:
        """The active pods that a budget guards, among those that were read."""
        return self._pods_by_budget.get(budget.key, ())

    def known_rivals(self, budget: PodDisruptionBudget) -> tuple[PodDisruptionBudget, ...]:
        """The budgets that guard a pod together with this one: the eviction API refuses such a pod for ever."""
        shared = {
            other.key: other
            for pod in self.known_pods(budget)
            if pod.is_drained
            for other in self.known_budgets(pod.namespace, pod.metadata.labels or {})
            if other.key != budget.key
        }
        return tuple(shared.values())

    # --- pods

    @cached_property
    def _workloads(self) -> dict[tuple[str, str], Workload]:
        workloads = self._cluster.workload_set.items
        return {(w.namespace, pod.name): w for w in workloads for pod in w.pods_read}

    def known_workload(self, pod: Pod) -> Workload | None:
        """What owns a pod; None where that was not read."""
        return self._workloads.get((pod.namespace, pod.name))

    @cached_property
    def _specs(self) -> dict[str, PodSpec]:
        """Of the pods of one controller the newest, which alone keeps its spec, speaks for all."""
        return {
            pod.metadata.controller_key: pod.spec
            for pod in self._lists.pods.items
            if pod.spec is not None and pod.metadata.controller_key
        }

    def grace_seconds(self, pod: Pod) -> int | None:
        """How long a pod may take to end after its eviction; None where nothing tells: all pods of its controller are
        terminating already, and that has no template that was read.
        """
        spec = pod.spec or self._specs.get(pod.metadata.controller_key)
        if spec is None:
            owner = self.known_workload(pod)
            spec = owner.template.spec if owner and owner.template else None
        return spec.grace_period_seconds if spec else None

    @cached_property
    def _pods_by_pool(self) -> dict[Token, tuple[Pod, ...]]:
        pools = {node.name: Token(node.pool) for node in self._lists.nodes.items}
        found: dict[Token, list[Pod]] = defaultdict(list)
        for pod in self._lists.pods.items:
            if pod.is_drained and pod.node_name in pools:
                found[pools[pod.node_name]].append(pod)
        return {pool: tuple(pods) for pool, pods in found.items()}

    def known_evictions(self, pool: NodePool) -> tuple[Pod, ...]:
        """What a drain of the pool's nodes evicts, among the pods and nodes that were read."""
        return self._pods_by_pool.get(Token(pool.name), ())

    # --- endpoints

    @cached_property
    def _endpoints(self) -> dict[tuple[str, str], tuple[Endpoint, ...]]:
        found: dict[tuple[str, str], list[Endpoint]] = defaultdict(list)
        for piece in self._lists.endpoint_slices.complete():
            found[piece.namespace, piece.service].extend(e for e in piece.endpoints or () if e.is_ready)
        return {service: tuple(endpoints) for service, endpoints in found.items()}

    def ready_endpoints(self, namespace: str, service: str) -> tuple[Endpoint, ...]:
        """What answers for a Service. Raises `NotCollected` where EndpointSlices could not be listed."""
        return self._endpoints.get((namespace, service), ())


def emptied_by_one_node(endpoints: Iterable[Endpoint]) -> bool:
    """Whether the drain of a single node takes all that answers for a Service. Raises `NotCollected` where endpoints
    that name no node decide it.
    """
    nodes = {endpoint.node_name or "" for endpoint in endpoints}
    if "" in nodes and len(nodes) <= 2:  # noqa: PLR2004 at most one that is known
        raise NotCollected(untold("kubernetes", "an EndpointSlice", "an endpoint names no node", Need.ENDPOINT_SLICES))
    return len(nodes) <= 1


def _anchors(budget: PodDisruptionBudget) -> Iterator[tuple[str, str]]:
    """Labels of which a pod must bear one for the budget to select it; a pair of empty strings where none can be
    told.
    """
    selector = budget.spec.selector
    if selector is None:
        return
    if selector.match_labels:
        yield next(iter(selector.match_labels.items()))
        return
    listed = next((e for e in selector.match_expressions or () if e.operator == "In"), None)
    yield from ((listed.key, value) for value in dict.fromkeys(listed.values or ())) if listed else (("", ""),)
