"""What several clusters may leave by: NAT gateways and Azure Firewalls, each judged once for all its clusters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self, TypeVar

from akscan.model.azure import AzureFirewall, NatGateway, SubnetUsage
from akscan.model.cluster import Cluster
from akscan.model.egress import Egress
from akscan.model.gaps import NotCollected, untold
from akscan.model.needs import Need
from akscan.model.pools import NodePool
from akscan.model.subject import Absent, Subject, SubjectRef, Unreadable
from akscan.model.text import ArmId

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory

User = TypeVar("User")


@dataclass(frozen=True, slots=True)
class GatewayUse:
    """A cluster and those of its pools that leave by a NAT gateway."""

    cluster: Cluster
    pools: tuple[NodePool, ...]

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones of all pools of the cluster, also of those that leave elsewhere."""
        return tuple(sorted({zone for pool in self.cluster.pools for zone in pool.properties.availability_zones}))


class SharedWays:
    """Which clusters leave by which NAT gateways and firewalls, as far as was read. Every cluster is asked once."""

    def __init__(self, clusters: Iterable[Cluster], inventory: Inventory) -> None:
        self._egresses = tuple(Egress(cluster, inventory) for cluster in clusters)

    @cached_property
    def by_gateway(self) -> dict[ArmId, list[GatewayUse]]:
        return self._users(
            lambda egress: [(g.id, GatewayUse(egress.cluster, pools)) for g, pools in egress.pools_by_gateway]
        )

    @cached_property
    def by_firewall(self) -> dict[ArmId, list[Cluster]]:
        return self._users(lambda egress: [(firewall.id, egress.cluster) for firewall in egress.firewalls])

    @cached_property
    def by_api_server_subnet(self) -> dict[ArmId, list[Cluster]]:
        return self._users(
            lambda egress: [(s, egress.cluster) for s in (egress.cluster.resource.api_server_subnet,) if s]
        )

    def _users(self, of: Callable[[Egress], list[tuple[ArmId, User]]]) -> dict[ArmId, list[User]]:
        found: dict[ArmId, list[User]] = defaultdict(list)
        for egress in self._egresses:
            try:
                for resource_id, user in of(egress):
                    found[resource_id].append(user)
            except NotCollected:  # its own cluster is not assessed for it
                continue
        return found


class ClusterNatGateway(Subject):
    """A NAT gateway that the nodes of one or more clusters leave by."""

    fleet_wide = True

    def __init__(self, resource: NatGateway, uses: tuple[GatewayUse, ...]) -> None:
        self.resource = resource
        self.uses = uses

    @property
    def ref(self) -> SubjectRef:
        first = self.uses[0].cluster.ref.id
        return SubjectRef(id=self.resource.id.casefold(), kind="nat_gateway", name=self.resource.name, cluster=first)

    @classmethod
    def each(cls, inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        egress = Egress(cluster, inventory)
        try:
            path, gateways = egress.path, egress.pools_by_gateway
        except NotCollected as missing:
            yield Unreadable(cluster, missing.gap)
            return
        if not gateways:
            yield Absent(cluster, "there is no NAT gateway" if path == "nat" else "the nodes leave by no NAT gateway")
        for gateway, _ in gateways:
            uses = inventory.shared_ways.by_gateway[gateway.id]
            if uses[0].cluster.id == cluster.id:
                yield cls(gateway, tuple(uses))

    def require_zones(self) -> None:
        """Raises `NotCollected` where nodes leave by it whose zones no pool tells."""
        for cluster in (use.cluster for use in self.uses):
            if cluster.hosts_nodes or cluster.has_node_auto_provisioning:
                raise NotCollected(cluster.unlisted_nodes)

    def placeholders(self) -> dict[str, str]:
        subnets = {pool.properties.vnet_subnet_id for use in self.uses for pool in use.pools} - {ArmId()}
        known = {**self.uses[0].cluster.placeholders(), "nat_gateway": self.resource.name}
        if len(subnets) == 1:
            (subnet,) = subnets
            known |= {"vnet_resource_group": subnet.resource_group, "vnet": subnet.parent.name, "subnet": subnet.name}
        return known


class ClusterFirewall(Subject):
    """An Azure Firewall that nodes or pods of one or more clusters leave through."""

    fleet_wide = True

    def __init__(self, resource: AzureFirewall, clusters: tuple[Cluster, ...]) -> None:
        self.resource = resource
        self.clusters = clusters

    @property
    def ref(self) -> SubjectRef:
        first = self.clusters[0].ref.id
        return SubjectRef(id=self.resource.id.casefold(), kind="firewall", name=self.resource.name, cluster=first)

    @classmethod
    def each(cls, inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        try:
            firewalls = Egress(cluster, inventory).firewalls
        except NotCollected as missing:
            yield Unreadable(cluster, missing.gap)
            return
        if not firewalls:
            yield Absent(cluster, "no default route of the cluster leads to an appliance")
        for firewall in firewalls:
            clusters = inventory.shared_ways.by_firewall[firewall.id]
            if clusters[0].id == cluster.id:
                yield cls(firewall, tuple(clusters))

    def placeholders(self) -> dict[str, str]:
        return {**self.clusters[0].placeholders(), **firewall_placeholders(self.resource)}


class ApiServerSubnet(Subject):
    """A subnet of the customer in which the API servers of one or more clusters stand."""

    fleet_wide = True

    def __init__(self, subnet_id: ArmId, clusters: tuple[Cluster, ...]) -> None:
        self.id = subnet_id
        self.clusters = clusters

    @property
    def ref(self) -> SubjectRef:
        first = self.clusters[0].ref.id
        return SubjectRef(id=self.id.casefold(), kind="subnet", name=self.id.name, cluster=first)

    @classmethod
    def each(cls, inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        try:
            subnet_id = cluster.resource.api_server_subnet
        except NotCollected as missing:
            yield Unreadable(cluster, missing.gap)
            return
        if not subnet_id:
            yield Absent(cluster, "the API server stands in no subnet of the customer")
            return
        clusters = inventory.shared_ways.by_api_server_subnet[subnet_id]
        if clusters[0].id == cluster.id:
            yield cls(subnet_id, tuple(clusters))

    def placeholders(self) -> dict[str, str]:
        return {
            **self.clusters[0].placeholders(),
            "apiserver_subnet": self.id.name,
            "vnet": self.id.parent.name,
            "vnet_resource_group": self.id.resource_group,
        }

    def usage(self, inventory: Inventory) -> SubnetUsage:
        """How full it is. Raises `NotCollected` where the usages of its network were not read, or leave it out."""
        for usage in inventory.within(SubnetUsage, self.id.parent):
            if usage.id == self.id:
                return usage
        raise NotCollected(untold("arm", self.id, "the usages of its network leave it out", Need.SUBNET_USAGES))


def firewall_placeholders(firewall: AzureFirewall) -> dict[str, str]:
    """What names a firewall and its policy in a fix; the resource group is that of the policy, where it has one."""
    policy = firewall.properties.firewall_policy.id
    return {
        "firewall": firewall.name,
        "firewall_resource_group": (policy or firewall.id).resource_group,
        "firewall_policy": policy.name,
    }
