"""Node pools of AKS: how large they may grow, and what their nodes bear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from akscan.model.azure import AgentPool
from akscan.model.expander import ExpanderPriorities
from akscan.model.gaps import Gap, NotCollected, untold
from akscan.model.kubernetes import SPOT_TAINT_KEY, Node, PodSpec, Taint
from akscan.model.needs import Need
from akscan.model.scheduling import NOT_SPOT, Place, may_run_on
from akscan.model.subject import Absent, Subject, SubjectRef, Unreadable
from akscan.model.text import Token

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.inventory import Inventory

#: The node labels of AKS and Kubernetes whose value, or presence, a pool alone does not tell
#: (https://learn.microsoft.com/azure/aks/use-labels#reserved-prefixes).
_UNKNOWN_LABELS = frozenset(
    {
        *(f"kubernetes.io/{name}" for name in ("arch", "hostname")),
        *(f"{domain}/zone" for domain in ("topology.kubernetes.io", "topology.disk.csi.azure.com")),
        *("beta.kubernetes.io/arch", "failure-domain.beta.kubernetes.io/zone"),
        *(
            f"kubernetes.azure.com/{name}"
            for name in (
                "accelerator",
                "cluster",
                "encrypted-set",
                "fips_enabled",
                "instance-sku",
                "node-image-version",
                "os-sku",
                "ppg",
                "role",
                "storageprofile",
                "storagetier",
                "subnet",
                "vnet",
            )
        ),
    }
)
#: The labels of Spot nodes that are no node auto-provisioning's: the second is deprecated and on Spot nodes only
#: (https://learn.microsoft.com/azure/aks/use-labels).
_SPOT_LABELS_OF_POOLS = ("kubernetes.azure.com/priority", SPOT_TAINT_KEY)
_UNKNOWN_LABELS_OF_REGULAR_POOLS = _UNKNOWN_LABELS | {"kubernetes.azure.com/priority"}
_DEFAULT_MAX_PODS = {"node_subnet": 30, "kubenet": 110, "overlay": 250, "pod_dynamic": 250, "pod_static": 250}


class NodePool(Subject):
    """One node pool of a cluster; ``properties`` are the fields of the API."""

    def __init__(self, cluster: Cluster, properties: AgentPool) -> None:
        self.cluster = cluster
        self.properties = properties
        self.name = properties.name

    @property
    def ref(self) -> SubjectRef:
        above = self.cluster.ref.id
        return SubjectRef(
            id=f"{above}/agentpools/{self.name.casefold()}", kind="node_pool", name=self.name, cluster=above
        )

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        try:
            pools = cluster.pools
        except NotCollected as missing:
            yield Unreadable(cluster, missing.gap)
            return
        for pool in pools:
            yield cls(cluster, pool.properties)

    def placeholders(self) -> dict[str, str]:
        return {**self.cluster.placeholders(), "node_pool": self.name}

    @property
    def version(self) -> str:
        """The Kubernetes version of its nodes; empty when the pool reports none."""
        return self.properties.current_orchestrator_version or self.properties.orchestrator_version

    @property
    def is_spot(self) -> bool:
        return self.properties.scale_set_priority == "Spot"

    @property
    def is_running(self) -> bool:
        """Not stopped, and not being deleted."""
        return self.properties.power_state.code != "Stopped" and self.properties.provisioning_state != "Deleting"

    @property
    def is_first(self) -> bool:
        """Whether the cluster lists this pool first."""
        return self.cluster.properties.agent_pool_profiles[0] is self.properties

    @property
    def taints(self) -> tuple[Taint, ...]:
        return tuple(Taint.parse(text) for text in self.properties.node_taints)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Raises `NotCollected` where the nodes could not be listed."""
        self.cluster.lists.nodes.complete()
        return self.nodes_read

    @property
    def nodes_read(self) -> tuple[Node, ...]:
        """Its nodes that were read, complete or not; for proving a failure, never for proving a pass."""
        return self.cluster.nodes_read_by_pool.get(Token(self.name), ())

    @property
    def nodes_min(self) -> int:
        """The fewest nodes that the autoscaler may leave, or the fixed count."""
        pool = self.properties
        if pool.type == "VirtualMachines":
            scale = pool.virtual_machines_profile.scale
            return sum(m.count for m in scale.manual) + sum(a.min_count for a in scale.autoscale)
        floor = pool.min_count if pool.enable_auto_scaling else pool.count
        return 1 if floor is None else floor

    @property
    def nodes_now(self) -> int:
        """How many nodes it has."""
        pool = self.properties
        if pool.type == "VirtualMachines":
            return sum(status.count for status in pool.virtual_machine_nodes_status)
        return pool.count or 0

    @property
    def nodes_max(self) -> int:
        """The most nodes that the autoscaler may add, or the fixed count."""
        pool = self.properties
        if pool.type == "VirtualMachines":
            scale = pool.virtual_machines_profile.scale
            return sum(m.count for m in scale.manual) + sum(a.max_count for a in scale.autoscale)
        top = pool.max_count if pool.enable_auto_scaling else pool.count
        return 1 if top is None else top

    def surge(self, nodes: int) -> int:
        """How many nodes an upgrade adds to a pool of that many (maxSurge absent counts as 10%); none for Spot."""
        if self.is_spot or nodes == 0:
            return 0
        return _share(self.properties.upgrade_settings.max_surge or "10%", nodes)

    def unavailable(self, nodes: int) -> int:
        """How many of so many nodes an upgrade takes away at a time (maxUnavailable absent counts as 0)."""
        return _share(self.properties.upgrade_settings.max_unavailable or "0", nodes)

    def step(self, nodes: int) -> int:
        """How many of so many nodes an upgrade does at a time."""
        return max(1, self.surge(nodes) or self.unavailable(nodes))

    @property
    def is_stopped(self) -> bool:
        return self.properties.power_state.code == "Stopped"

    @property
    def ipam(self) -> str:
        """Where its pods' addresses come from: kubenet, byo_cni, overlay, pod_dynamic, pod_static or node_subnet."""
        network, pool = self.cluster.properties.network_profile, self.properties
        match str(network.network_plugin).casefold():
            case "kubenet":
                return "kubenet"
            case "none":
                return "byo_cni"
            case "azure" if network.network_plugin_mode == "overlay":
                return "overlay"
            case "azure" if pool.pod_subnet_id:
                return "pod_static" if pool.pod_ip_allocation_mode == "StaticBlock" else "pod_dynamic"
            case "azure":
                return "node_subnet"
            case other:
                raise NotCollected(self._unknown(f"networkPlugin {other!r} says nothing about pod addresses"))

    @property
    def max_pods(self) -> int:
        """``maxPods`` or the default of the network plugin. Raises `NotCollected` for a plugin that AKS does not
        know.
        """
        if self.properties.max_pods is not None:
            return self.properties.max_pods
        if self.ipam not in _DEFAULT_MAX_PODS:
            raise NotCollected(self._unknown("maxPods is absent, and the network plugin is not one of AKS"))
        return _DEFAULT_MAX_PODS[self.ipam]

    def _unknown(self, detail: str) -> Gap:
        return untold("arm", f"node pool {self.name} of {self.cluster.name}", detail, Need.MANAGED_CLUSTERS)

    def is_chosen_by(self, priorities: ExpanderPriorities) -> bool:
        """Whether the priority expander can choose the pool: a pattern is found in the name of its scale set, or, as
        long as it has no node to tell that name, in one like it, or is written for the pool's name. Raises
        `NotCollected` where nodes could not be listed, or only a pattern that akscan does not read could tell.
        """
        names = tuple(sorted({node.scale_set for node in self.nodes} - {""}))
        if not names and any(self.name in line.partition(" ")[2] for line in priorities.lines):
            return True
        windows = self.properties.os_type == "Windows"
        chosen = priorities.choose(names or (f"aks{self.name}" if windows else f"aks-{self.name}-00000000-vmss",))
        if chosen is None:
            raise NotCollected(self._unknown("akscan does not read one of the patterns of the priority expander"))
        return chosen

    def bears(self, spec: PodSpec) -> bool:
        """Whether a pod may run on a Ready node of the pool (cordons aside), or, when it has none, on one that its
        settings would make.
        """
        ready = [node for node in self.nodes if node.is_ready]
        if ready:
            return any(may_run_on(spec, node, cordons=False) for node in ready)
        return self.place.admits(spec)

    @property
    def place(self) -> Place:
        """The nodes that its settings make."""
        pool = self.properties
        os, size, region = str(pool.os_type).casefold(), str(pool.vm_size), str(self.cluster.location).casefold()
        labels = dict(pool.node_labels) | {
            "kubernetes.azure.com/agentpool": pool.name,
            "agentpool": pool.name,
            "kubernetes.azure.com/mode": str(pool.mode).casefold(),
            "kubernetes.io/os": os,
            "beta.kubernetes.io/os": os,
            "node.kubernetes.io/instance-type": size,
            "beta.kubernetes.io/instance-type": size,
            "topology.kubernetes.io/region": region,
            "failure-domain.beta.kubernetes.io/region": region,
        }
        if self.is_spot:
            return Place(
                labels=labels | dict.fromkeys(_SPOT_LABELS_OF_POOLS, "spot"), taints=self.taints, open=_UNKNOWN_LABELS
            )
        return Place(labels=labels, taints=self.taints, open=_UNKNOWN_LABELS_OF_REGULAR_POOLS).that_is(*NOT_SPOT)


def _share(stated: str, nodes: int) -> int:
    """A number, or a percentage of the nodes rounded up; never more than there are."""
    wanted = -(-nodes * int(stated[:-1]) // 100) if stated.endswith("%") else int(stated)
    return min(nodes, wanted)
