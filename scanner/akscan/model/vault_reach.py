"""Whether the nodes of a cluster reach a key vault, and on which way
(https://learn.microsoft.com/azure/key-vault/general/network-security).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.azure import AgentPool, PrivateEndpoint, Vault
from akscan.model.cidr import AddressSet
from akscan.model.egress import Egress
from akscan.model.gaps import Gap, NotCollected, untold
from akscan.model.names import resolves_privately
from akscan.model.pools import NodePool
from akscan.model.text import ArmId

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.inventory import Inventory

#: On a system pool that the customer's workloads stay away from, unless they tolerate it
#: (https://learn.microsoft.com/azure/aks/use-system-pools).
_FOR_ADDONS = "CriticalAddonsOnly=true:NoSchedule"


class VaultReach:
    """One cluster and one vault. What a lookup needs and was not read raises `NotCollected`."""

    def __init__(self, cluster: Cluster, vault: Vault, inventory: Inventory) -> None:
        self.cluster = cluster
        self._vault = vault
        self._inventory = inventory
        self._egress = Egress(cluster, inventory)
        self._addresses: dict[tuple[ArmId, bool, ArmId], frozenset[str]] = {}

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Its approved private endpoints in the cluster's network or a peered one; one that cannot be read counts."""
        return tuple(endpoint.name for endpoint in self._endpoints)

    def require_endpoint(self) -> None:
        """Raises `NotCollected` where none of these was read, so that all may stand elsewhere."""
        gaps = [gap for gap in self._endpoints.values() if gap is not None]
        if gaps and len(gaps) == len(self._endpoints):
            raise NotCollected(gaps[0])

    @cached_property
    def _endpoints(self) -> dict[ArmId, Gap | None]:
        """Their ids, with what hides where they stand."""
        ids: dict[ArmId, Gap | None] = {}
        for connection in self._vault.approved_private_endpoints:
            endpoint = connection.properties.private_endpoint.id
            try:
                found = self._inventory.find(PrivateEndpoint, endpoint)
            except NotCollected as missing:
                ids[endpoint] = missing.gap
                continue
            if found is not None and found.properties.subnet.id.parent in self._egress.networks_in_reach:
                ids[endpoint] = None
        return ids

    def resolves_privately(self, zones: Iterable[str]) -> bool:
        """Whether the cluster's queries for it are answered from a private DNS zone of one of these names."""
        known = [zone for zone in zones if self._inventory.known_zones(zone)]
        return any(resolves_privately(self._egress, zone, self._vault.name) for zone in known or list(zones)[:1])

    @property
    def kept_out(self) -> tuple[tuple[str, ...], Gap | None]:
        """The node pools that its firewall does not let in, and what hides whether it lets in others. It lets a pool in
        by its subnet, or by every IPv4 address that its nodes leave from
        (https://learn.microsoft.com/azure/key-vault/general/network-security).
        """
        kept_out: list[str] = []
        gap = None
        for pool in self._pools:
            try:
                is_let_in = self._lets_in(pool)
            except NotCollected as missing:
                gap = gap or missing.gap
                continue
            if not is_let_in and _FOR_ADDONS in pool.properties.node_taints:
                gap = gap or self._unknown(f"whether workloads mount from it on nodes of {pool.name}")
            elif not is_let_in:
                kept_out.append(pool.name)
        if gap is None:
            try:
                self.cluster.require_class_subnets()
            except NotCollected as missing:
                gap = missing.gap
        return tuple(kept_out), gap

    def _lets_in(self, pool: NodePool) -> bool:
        acls, subnet = self._vault.network_acls, pool.properties.vnet_subnet_id
        if subnet and any(rule.id == subnet for rule in acls.virtual_network_rules):
            return True
        allowed = AddressSet.of(rule.get("value", "") for rule in acls.ip_rules)
        return bool(allowed.ranges) and allowed.covers(AddressSet.of(self._addresses_of(pool)))

    @property
    def outbound(self) -> tuple[str, ...]:
        """The public addresses and prefixes that the nodes leave from."""
        return tuple(sorted({address for pool in self._pools for address in self._addresses_of(pool)}))

    @property
    def _pools(self) -> tuple[NodePool, ...]:
        """The pools, and for nodes that none lists one in each other subnet of nodes; one in AKS's own network where
        there is neither.
        """
        listed = {pool.properties.vnet_subnet_id for pool in self.cluster.pools}
        others = (
            NodePool(self.cluster, AgentPool(name=f"nodes in {subnet.name}", vnet_subnet_id=subnet))
            for subnet in self.cluster.node_subnets
            if subnet not in listed
        )
        return (*self.cluster.pools, *others) or (NodePool(self.cluster, AgentPool()),)

    def _addresses_of(self, pool: NodePool) -> frozenset[str]:
        """What the nodes of a pool leave from: the firewall or NAT gateway of their subnet, else addresses of their
        own, else what AKS manages (https://learn.microsoft.com/azure/nat-gateway/nat-overview). Empty where the cluster
        has no way out.
        """
        properties = pool.properties
        key = (properties.vnet_subnet_id, properties.enable_node_public_ip, properties.node_public_ip_prefix_id)
        if key not in self._addresses:
            found = frozenset(self._ways(pool))
            if not found and self.cluster.outbound not in ("none", "block"):
                raise NotCollected(
                    self._unknown(f"from which addresses nodes{f' of {pool.name}' * bool(pool.name)} leave")
                )
            self._addresses[key] = found
        return self._addresses[key]

    def _ways(self, pool: NodePool) -> Iterator[str]:
        egress, subnet = self._egress, pool.properties.vnet_subnet_id
        own = [address for _, address in egress.node_addresses(subnet)] if subnet else []
        if own:
            yield from own
        elif pool.properties.enable_node_public_ip:
            yield from (address for _, address in egress.pool_addresses(pool))
        elif self.cluster.outbound == "loadBalancer":
            profile = self.cluster.properties.network_profile.load_balancer_profile
            yield from (egress.public_range(one.id) for one in profile.effective_outbound_ips)
        elif egress.path == "nat":
            yield from (address for _, address in egress.managed_addresses())

    def _unknown(self, what: str) -> Gap:
        return untold("arm", self.cluster.id, f"{what} is not known")
