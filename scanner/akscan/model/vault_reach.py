"""Whether the nodes of a cluster reach a key vault, and on which way
(https://learn.microsoft.com/azure/key-vault/general/network-security).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.azure import PrivateEndpoint, Vault
from akscan.model.cidr import is_within, network_of
from akscan.model.egress import Egress
from akscan.model.gaps import Gap, NotCollected
from akscan.model.names import resolves_privately
from akscan.model.text import ArmId

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.inventory import Inventory


class VaultReach:
    """One cluster and one vault. What a lookup needs and was not read raises `NotCollected`."""

    def __init__(self, cluster: Cluster, vault: Vault, inventory: Inventory) -> None:
        self.cluster = cluster
        self._vault = vault
        self._inventory = inventory
        self._egress = Egress(cluster, inventory)

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
    def subnets_let_in(self) -> tuple[str, ...]:
        """The node subnets that its firewall lets in."""
        allowed = {rule.id for rule in self._vault.network_acls.virtual_network_rules}
        return tuple(subnet.name for subnet in self.cluster.node_subnets if subnet in allowed)

    def addresses_let_in(self) -> Iterator[str]:
        """The outbound addresses of the nodes that its firewall lets in."""
        rules = [network_of(rule.get("value", "")) for rule in self._vault.network_acls.ip_rules]
        for address in self.outbound:
            own = network_of(address)
            if own is not None and any(rule is not None and is_within(own, rule) for rule in rules):
                yield address

    @cached_property
    def outbound(self) -> tuple[str, ...]:
        """The public addresses and prefixes that the nodes leave from."""
        egress = self._egress
        subnets = self.cluster.node_subnets
        own = {address for subnet in subnets for _, address in egress.node_addresses(subnet)}
        profile = self.cluster.properties.network_profile.load_balancer_profile
        if not own and egress.path == "lb":
            own.update(egress.public_range(one.id) for one in profile.effective_outbound_ips)
        if egress.path == "nat":
            own.update(address for _, address in egress.managed_addresses())
        return tuple(sorted(own))
