"""Subjects between Azure and a cluster: identities in the part they play, subnets, vaults."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from akscan.model.azure import ManagedCluster, SubnetResource, Vault
from akscan.model.cidr import holds, usable_addresses
from akscan.model.cluster import Cluster
from akscan.model.gaps import Gap, NotCollected, untold
from akscan.model.needs import Need
from akscan.model.pools import NodePool
from akscan.model.subject import Absent, Subject, SubjectRef, Unreadable
from akscan.model.text import ArmId

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory

#: Addresses of the /28 in which pods get theirs from a pod subnet: as a batch, or as a block of their node.
_BLOCK = 16
#: A node asks for its next batch when fewer than these are free.
_BATCH_RESERVE = 8
#: The maxPods of nodes that node auto-provisioning makes.
_AUTO_PROVISIONED_MAX_PODS = 250
#: How `Cluster.vault_uses` names the API server.
_KMS = "KMS"
_SCALE_SETS = "Microsoft.Compute/virtualMachineScaleSets"
_INTERFACES = "Microsoft.Network/networkInterfaces"
_LOAD_BALANCERS = "Microsoft.Network/loadBalancers"


def no_principal(scope: ArmId, detail: str) -> NotCollected:
    """Why it is not known whom role assignments would name."""
    gap = untold("arm", scope, detail, Need.MANAGED_CLUSTERS)
    return NotCollected(gap)


class ClusterIdentity(Subject):
    """An identity in the part that it plays for one cluster; the cluster alone stands for one without a resource."""

    part = ""

    def __init__(self, cluster: Cluster, resource_id: ArmId) -> None:
        self.cluster = cluster
        self.resource_id = resource_id

    @property
    def ref(self) -> SubjectRef:
        own = self.cluster.ref
        if not self.resource_id:
            return own
        return SubjectRef(
            id=f"{own.id}/identities/{self.part}{self.resource_id.casefold()}",
            kind="identity",
            name=self.resource_id.name,
            cluster=own.id,
        )

    def placeholders(self) -> dict[str, str]:
        return {**self.cluster.placeholders(), f"{self.part.replace('-', '_')}_identity_id": str(self.resource_id)}


class SoleIdentity(ClusterIdentity):
    """An identity of a part that only one plays."""

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        try:
            yield cls(cluster, cls.of(cluster))
        except NotCollected as missing:
            yield Unreadable(cluster, missing.gap)

    @classmethod
    @abstractmethod
    def of(cls, cluster: Cluster) -> ArmId:
        """The identity's resource in this part; empty where it has none."""


class ControlPlaneIdentity(SoleIdentity):
    """The identity with which the control plane acts in Azure."""

    part = "control-plane"

    @classmethod
    def of(cls, cluster: Cluster) -> ArmId:
        return cluster.control_plane_identity

    @property
    def object_id(self) -> str:
        """The principal that role assignments name. Raises `NotCollected` where the cluster names none."""
        found = self.cluster.control_plane_object_id
        if not found:
            raise no_principal(self.cluster.id, "identity.principalId is absent")
        return found

    def placeholders(self) -> dict[str, str]:
        return {**super().placeholders(), "control_plane_object_id": self.cluster.control_plane_object_id}


class KubeletIdentity(SoleIdentity):
    """The identity that sits on every node and pulls images."""

    part = "kubelet"

    @classmethod
    def of(cls, cluster: Cluster) -> ArmId:
        reference = cluster.kubelet_identity
        return reference.resource_id if reference else ArmId()

    @property
    def object_id(self) -> str:
        """The principal that role assignments name. Raises `NotCollected` where the cluster names none."""
        reference = self.cluster.kubelet_identity
        if reference is None or not reference.object_id:
            raise no_principal(self.cluster.id, "identityProfile.kubeletidentity is absent")
        return str.__str__(reference.object_id)

    def placeholders(self) -> dict[str, str]:
        reference = self.cluster.kubelet_identity
        return {**super().placeholders(), "kubelet_object_id": reference.object_id if reference else ""}


@dataclass(frozen=True, slots=True)
class PoolInSubnet:
    """A pool that takes addresses from a subnet: of its nodes, or of its pods."""

    pool: NodePool
    for_pods: bool

    def addresses_per_node(self, max_pods: int, dynamic_pods: int | None) -> int:
        """What one full node takes here; ``dynamic_pods`` is how many pods to expect on a node whose addresses come in
        batches (None: ``max_pods``). https://learn.microsoft.com/azure/aks/concepts-network-ip-address-planning
        """
        match self.pool.ipam:
            case "node_subnet":
                return 1 + max_pods
            case "pod_dynamic" if self.for_pods:
                pods = max_pods if dynamic_pods is None else min(max_pods, dynamic_pods)
                return _BLOCK * -(-(pods + _BATCH_RESERVE) // _BLOCK)
            case "pod_static" if self.for_pods:
                return _BLOCK * -(-(max_pods + 1) // _BLOCK)
            case _:
                return 0 if self.for_pods else 1


@dataclass(frozen=True, slots=True)
class Demand:
    """The addresses that a pool (or node auto-provisioning in its place) can come to need in a subnet."""

    user: PoolInSubnet
    nodes: int
    surge: int
    max_pods: int
    per_node: int
    auto_provisioned: bool = False

    @property
    def addresses(self) -> int:
        return (self.nodes + self.surge) * self.per_node

    def largest_fitting(self, addresses: int) -> int:
        """The most nodes, their surge included in the sum, that these addresses hold."""
        both = addresses // self.per_node if self.per_node else 0
        return next((n for n in range(both, 0, -1) if n + self.user.pool.surge(n) <= both), 0)

    def __str__(self) -> str:
        pool = self.user.pool
        name = "node auto-provisioning" if self.auto_provisioned else pool.name
        return (
            f"{pool.cluster.name}/{name}: {pool.ipam}, {self.nodes} nodes + {self.surge} surge, "
            f"maxPods {self.max_pods}, {self.per_node} addresses per node, {self.addresses}"
        )


@dataclass(frozen=True, slots=True)
class Demands:
    """The demands on a subnet that are known; ``gap`` stands for what keeps their sum a lower bound."""

    items: tuple[Demand, ...]
    gap: Gap | None

    @property
    def addresses(self) -> int:
        return sum(demand.addresses for demand in self.items)

    @property
    def largest(self) -> Demand | None:
        """The one that takes the most."""
        return max(self.items, key=lambda demand: demand.addresses, default=None)

    def complete(self) -> tuple[Demand, ...]:
        """Raises `NotCollected` where one is not known."""
        if self.gap is not None:
            raise NotCollected(self.gap)
        return self.items


class Subnet(Subject):
    """A subnet that nodes or pods of one or more clusters use, judged once for all of them: ``clusters``, by id."""

    fleet_wide = True

    def __init__(self, subnet_id: ArmId, clusters: tuple[Cluster, ...]) -> None:
        self.id = subnet_id
        self.clusters = clusters
        self.users = tuple(_users(subnet_id, clusters))

    @property
    def ref(self) -> SubjectRef:
        first = self.clusters[0].ref.id
        return SubjectRef(id=self.id.casefold(), kind="subnet", name=self.id.name, cluster=first)

    @classmethod
    def each(cls, inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        try:
            if not cluster.is_byo_vnet:
                yield Absent(cluster, "the network is AKS's own")
                return
            wanted = tuple(dict.fromkeys((*cluster.node_subnets, *cluster.pod_subnets)))
        except NotCollected as missing:
            yield Unreadable(cluster, missing.gap)
            return
        for subnet_id in wanted:
            subnet = cls(subnet_id, inventory.users_of(subnet_id))
            if subnet.clusters[0].id == cluster.id:
                yield subnet
        try:
            cluster.require_class_subnets()
        except NotCollected as missing:
            yield Unreadable(cluster, missing.gap)

    def placeholders(self) -> dict[str, str]:
        return {
            **self.clusters[0].placeholders(),
            "subnet": self.id.name,
            "subnet_id": str(self.id),
            "vnet": self.id.parent.name,
            "vnet_resource_group": self.id.resource_group,
        }

    @property
    def hosting(self) -> tuple[Cluster, ...]:
        """The clusters of which nodes stand here that no pool lists."""
        return tuple(c for c in self.clusters if self.id in (*c.resource.hosted_subnets, *c.class_subnets))

    def resource(self, inventory: Inventory) -> SubnetResource:
        """The subnet itself. Raises `NotCollected` where its network could not be read or does not hold it (any
        more).
        """
        return inventory.existing_subnet(self.id)

    # --- addresses

    def capacity(self, inventory: Inventory) -> int:
        """The addresses that its users can have: whole blocks only, where nodes take blocks."""
        free = usable(self.resource(inventory))
        blocks = any(u.for_pods and u.pool.properties.pod_ip_allocation_mode == "StaticBlock" for u in self.users)
        return _BLOCK * (free // _BLOCK) if blocks else free

    def demands(self, *, dynamic_pods: int | None, auto_provisioned_nodes: int | None) -> Demands:
        """What every pool here needs at its largest, surge included; nodes of node auto-provisioning stand in the
        subnet of the first pool.
        """
        items: list[Demand] = []
        gaps = [cluster.unlisted_nodes for cluster in self.hosting]
        for user in self.users:
            pool = user.pool
            try:
                pods, nodes = _counted_max_pods(user), pool.nodes_max
                per_node = user.addresses_per_node(pods, dynamic_pods)
                items.append(Demand(user, nodes, pool.surge(nodes), pods, per_node))
                if not pool.cluster.has_node_auto_provisioning:
                    continue
                if auto_provisioned_nodes is None:
                    gaps.append(pool.cluster.unlimited_nodes)
                elif pool.is_first:
                    pods = _AUTO_PROVISIONED_MAX_PODS
                    per_node = user.addresses_per_node(pods, dynamic_pods)
                    items.append(Demand(user, auto_provisioned_nodes, 0, pods, per_node, auto_provisioned=True))
            except NotCollected as missing:
                gaps.append(missing.gap)
        return Demands(tuple(items), gaps[0] if gaps else None)

    @property
    def api_server_endpoints(self) -> int:
        """The private endpoints of API servers, which stand in the subnet of the first pool."""
        return sum(cluster.is_private_link and self._has_first_pool_of(cluster) for cluster in self.clusters)

    def _has_first_pool_of(self, cluster: Cluster) -> bool:
        return any(u.pool.is_first and not u.for_pods for u in self.users if u.pool.cluster.id == cluster.id)

    def internal_load_balancer_addresses(self, inventory: Inventory) -> tuple[str, ...]:
        """The addresses here that Services of the network's clusters hold, as far as Services were read."""
        own = prefixes(self.resource(inventory))
        found = {
            address
            for cluster in self._neighbourhood(inventory)
            for service in cluster.lists.services.items
            if service.is_internal_load_balancer
            for address in service.addresses
            if holds(own, address)
        }
        return tuple(sorted(found))

    def other_addresses(self, inventory: Inventory) -> tuple[ArmId, ...]:
        """What else holds an address here: neither a node of these clusters nor counted by the other methods."""
        clusters = {cluster.node_resource_group_id: cluster for cluster in self._neighbourhood(inventory)}
        holders = (reference.id for reference in self.resource(inventory).properties.ip_configurations)
        return tuple(holder for holder in holders if not self._counts(clusters.get(holder.group), holder))

    def _counts(self, cluster: Cluster | None, configuration: ArmId) -> bool:
        """Whether an IP configuration in the node resource group of a cluster is part of the other sums."""
        if cluster is None:
            return False
        if configuration.ancestor(_LOAD_BALANCERS):
            return cluster.lists.services.gap is None
        interface = configuration.ancestor(_INTERFACES).name.casefold()
        if interface.startswith("kube-apiserver"):
            return cluster.is_private_link and self._has_first_pool_of(cluster)
        here = any(own.id == cluster.id for own in self.clusters)
        return here and (bool(configuration.ancestor(_SCALE_SETS)) or interface.startswith("aks-"))

    def require_users(self, inventory: Inventory) -> None:
        """Raises `NotCollected` where scale sets stand here whose cluster, if they belong to one, was not read, or
        where a cluster's internal load balancers are unknown: neither Services were read nor does ARM list what the
        cluster holds.
        """
        own = {cluster.node_resource_group_id for cluster in self.clusters}
        for reference in self.resource(inventory).properties.ip_configurations:
            if reference.id.group not in own and reference.id.ancestor(_SCALE_SETS):
                inventory.within(ManagedCluster, reference.id.subscription_scope)
        unread = [cluster for cluster in self._neighbourhood(inventory) if cluster.lists.services.gap is not None]
        network = inventory.virtual_network(self.id.parent) if unread else None
        subnets = network.properties.subnets if network else ()
        groups = {reference.id.group for subnet in subnets for reference in subnet.properties.ip_configurations}
        for cluster in unread:
            if cluster.node_resource_group_id not in groups:
                cluster.lists.services.complete()

    def _neighbourhood(self, inventory: Inventory) -> tuple[Cluster, ...]:
        """The clusters with nodes in this network: an internal load balancer may stand in any subnet of it."""
        network = inventory.virtual_network(self.id.parent)
        subnets = network.properties.subnets if network else ()
        return inventory.clusters_in(subnet.id for subnet in subnets)


def prefixes(subnet: SubnetResource) -> tuple[str, ...]:
    """The address prefixes of a subnet, however ARM states them."""
    return subnet.prefixes


def usable(subnet: SubnetResource) -> int:
    """The addresses that Azure leaves in a subnet."""
    return usable_addresses(prefixes(subnet))


def _counted_max_pods(user: PoolInSubnet) -> int:
    """The maxPods of the pool; 0 where it is neither stated nor of any weight, as with a network plugin of one's
    own.
    """
    stated = user.pool.properties.max_pods
    return user.pool.max_pods if user.pool.ipam != "byo_cni" else stated or 0


def _users(subnet_id: ArmId, clusters: tuple[Cluster, ...]) -> Iterator[PoolInSubnet]:
    return (
        PoolInSubnet(pool, for_pods=for_pods)
        for cluster in clusters
        for pool in cluster.pools
        for for_pods, used in ((False, pool.properties.vnet_subnet_id), (True, pool.properties.pod_subnet_id))
        if used == subnet_id
    )


@dataclass(frozen=True, slots=True)
class VaultUse:
    """Who reads a vault: a SecretProviderClass as ``namespace/name``, or ``KMS``."""

    cluster: Cluster
    by: str


class ClusterVault(Subject):
    """A vault that clusters depend on, judged once for all of them; a vault that was not found stands under its
    name.
    """

    fleet_wide = True

    def __init__(self, name: str, vault: Vault | None, users: tuple[VaultUse, ...]) -> None:
        self.name = name
        self.vault = vault
        self.users = users

    @property
    def ref(self) -> SubjectRef:
        first = self.users[0].cluster.ref.id
        own = self.vault.id.casefold() if self.vault else f"{first}/vaults/{self.name.casefold()}"
        return SubjectRef(id=own, kind="vault", name=self.name, cluster=first)

    @classmethod
    def each(cls, inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        uses, gaps = cluster.vault_uses
        for name in uses:
            users = tuple(
                VaultUse(other, by) for other in inventory.clusters for by in other.vault_uses[0].get(name, ())
            )
            if users[0].cluster.id == cluster.id:
                yield cls(name, inventory.vault_named(name), users)
        if gaps:
            yield Unreadable(cluster, gaps[0])
        elif not uses:
            yield Absent(cluster, "the cluster uses no vault")

    def placeholders(self) -> dict[str, str]:
        known = {**self.users[0].cluster.placeholders(), "vault": self.name}
        if self.vault:
            known |= {"vault_id": str(self.vault.id), "resource_group": self.vault.id.resource_group}
        return known

    def resource(self, inventory: Inventory) -> Vault:
        """The vault itself. Raises `NotCollected` where it is in no subscription that was read."""
        return self.vault or read_vault(inventory, self.name)

    @property
    def classes(self) -> tuple[VaultUse, ...]:
        """The SecretProviderClasses among its users."""
        return tuple(user for user in self.users if user.by != _KMS)


def read_vault(inventory: Inventory, name: str) -> Vault:
    """The vault of a name. Raises `NotCollected` where it is in no subscription that was read."""
    found = inventory.vault_named(name)
    if found is None:
        inventory.require_complete(Vault)
        raise NotCollected(untold("arm", name, "no subscription that was read holds a vault of this name", Need.VAULTS))
    return found
