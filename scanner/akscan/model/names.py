"""Private names: which networks answer a cluster's queries, and what their zones say."""

from __future__ import annotations

from collections.abc import Iterable

from akscan.model.azure import AzureFirewall, PrivateDnsLink, PrivateDnsRecord, PrivateDnsZone
from akscan.model.egress import AZURE_DNS, Egress
from akscan.model.gaps import NotCollected, untold
from akscan.model.needs import Need
from akscan.model.text import ArmId, Token


def resolver_networks(egress: Egress) -> frozenset[ArmId]:
    """The virtual networks whose links to private DNS zones decide what a cluster can resolve. Raises `NotCollected`
    where a DNS server stands in no network that was read.
    """
    return _networks_of(egress, egress.network.properties.dhcp_options.dns_servers, egress.network.id, frozenset())


def _networks_of(egress: Egress, servers: Iterable[str], own: ArmId, via: frozenset[str]) -> frozenset[ArmId]:
    """What these servers resolve for a network; a proxy that was asked on the way (``via``) adds nothing."""
    asked = [server for server in servers if server != AZURE_DNS and server not in via]
    if not asked:
        return frozenset({own})
    return frozenset().union(*(_network_of(egress, server, via | {server}) for server in asked))


def _network_of(egress: Egress, server: str, via: frozenset[str]) -> frozenset[ArmId]:
    network = egress.network_with(server)
    if network is not None:
        proxies = [fw for fw in egress.inventory.firewalls.at(server) if _stands_in(fw, network.id)]
        if proxies and egress.inventory.firewalls.dns_proxy(proxies[0]):
            upstream = egress.inventory.firewalls.dns_settings(proxies[0]).servers
            return _networks_of(egress, upstream, network.id, via)
        return frozenset({network.id})
    raise NotCollected(
        untold("arm", egress.network.id, f"what DNS server {server} resolves is not known", Need.VIRTUAL_NETWORKS)
    )


def _stands_in(firewall: AzureFirewall, network: ArmId) -> bool:
    return any(subnet.parent == network for subnet in firewall.subnets)


def resolves_privately(egress: Egress, zone_name: str, record: str = "") -> bool:
    """Whether every network that answers the cluster's queries sees a private DNS zone of that name, with an A record
    where one is named.
    """
    inventory = egress.inventory
    inventory.require_complete(PrivateDnsZone)
    zones = inventory.known_zones(zone_name)
    linked = {
        link.properties.virtual_network.id
        for zone in zones
        if not record or any(Token(found.name) == record for found in inventory.within(PrivateDnsRecord, zone.id))
        for link in inventory.within(PrivateDnsLink, zone.id)
        if link.properties.virtual_network_link_state == "Completed"
    }
    return bool(zones) and resolver_networks(egress) <= linked
