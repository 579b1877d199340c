"""Microsoft.Network: virtual networks, routes, hubs, firewalls, private DNS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from akscan.model.azure.base import Reference, Resource, Rest
from akscan.model.text import ArmId, Location, Token


class SubnetProperties(Rest, frozen=True, kw_only=True):
    address_prefix: str = ""
    address_prefixes: tuple[str, ...] = ()
    route_table: Reference = Reference()
    network_security_group: Reference = Reference()
    nat_gateway: Reference = Reference()
    ip_configurations: tuple[Reference, ...] = ()


class SubnetResource(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/virtualNetworks/subnets")
    properties: SubnetProperties = SubnetProperties()


class PeeringProperties(Rest, frozen=True, kw_only=True):
    peering_state: Token = Token()
    remote_virtual_network: Reference = Reference()
    use_remote_gateways: bool = False


class Peering(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/virtualNetworks/virtualNetworkPeerings")
    properties: PeeringProperties = PeeringProperties()


class AddressSpace(Rest, frozen=True, kw_only=True):
    address_prefixes: tuple[str, ...] = ()


class DhcpOptions(Rest, frozen=True, kw_only=True):
    dns_servers: tuple[str, ...] = ()


class VirtualNetworkProperties(Rest, frozen=True, kw_only=True):
    address_space: AddressSpace = AddressSpace()
    dhcp_options: DhcpOptions = DhcpOptions()
    subnets: tuple[SubnetResource, ...] = ()
    virtual_network_peerings: tuple[Peering, ...] = ()


class VirtualNetwork(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/virtualNetworks")
    location: Location = Location()
    properties: VirtualNetworkProperties = VirtualNetworkProperties()

    @property
    def has_gateway(self) -> bool:
        """Whether a VPN or ExpressRoute gateway stands in this network."""
        return any(
            Token(subnet.name) == "GatewaySubnet" and bool(subnet.properties.ip_configurations)
            for subnet in self.properties.subnets
        )

    def references(self) -> Iterator[ArmId]:
        for peering in self.properties.virtual_network_peerings:
            yield peering.properties.remote_virtual_network.id
        for subnet in self.properties.subnets:
            yield subnet.properties.route_table.id
            if Token(subnet.name) == "AzureFirewallSubnet":
                yield from (
                    configuration.id.ancestor(AzureFirewall.arm_type)
                    for configuration in subnet.properties.ip_configurations
                )


class NextHop(Rest, frozen=True, kw_only=True):
    next_hop_ip_addresses: tuple[str, ...] = ()


class RouteProperties(Rest, frozen=True, kw_only=True):
    address_prefix: str = ""
    next_hop_type: Token = Token()
    next_hop_ip_address: str = ""
    next_hop: NextHop = NextHop()

    @property
    def next_hop_addresses(self) -> tuple[str, ...]:
        """The appliance's addresses; several for VirtualApplianceEcmp."""
        return self.next_hop.next_hop_ip_addresses or ((self.next_hop_ip_address,) if self.next_hop_ip_address else ())


class Route(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/routeTables/routes")
    properties: RouteProperties = RouteProperties()


class RouteTableProperties(Rest, frozen=True, kw_only=True):
    disable_bgp_route_propagation: bool = False
    routes: tuple[Route, ...] = ()


class RouteTable(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/routeTables")
    properties: RouteTableProperties = RouteTableProperties()

    @property
    def default_route(self) -> Route | None:
        """The route whose prefix is 0.0.0.0/0."""
        return next((route for route in self.properties.routes if route.properties.address_prefix == "0.0.0.0/0"), None)


class VirtualHub(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/virtualHubs")


class HubConnectionProperties(Rest, frozen=True, kw_only=True):
    remote_virtual_network: Reference = Reference()


class HubConnection(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/virtualHubs/hubVirtualNetworkConnections")
    properties: HubConnectionProperties = HubConnectionProperties()


class RoutingPolicy(Rest, frozen=True, kw_only=True):
    name: str = ""
    destinations: tuple[Token, ...] = ()
    next_hop: ArmId = ArmId()


class RoutingIntentProperties(Rest, frozen=True, kw_only=True):
    routing_policies: tuple[RoutingPolicy, ...] = ()


class RoutingIntent(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/virtualHubs/routingIntent")
    properties: RoutingIntentProperties = RoutingIntentProperties()

    @property
    def covers_internet(self) -> bool:
        """Whether the hub sends Internet traffic of its spokes to a next hop."""
        return any("Internet" in policy.destinations for policy in self.properties.routing_policies)


class FirewallAddress(Rest, frozen=True, kw_only=True):
    private_ip_address: str = msgspec.field(name="privateIPAddress", default="")


class FirewallIpConfiguration(Rest, frozen=True, kw_only=True):
    properties: FirewallAddress = FirewallAddress()


class AzureFirewallProperties(Rest, frozen=True, kw_only=True):
    ip_configurations: tuple[FirewallIpConfiguration, ...] = ()
    hub_ip_addresses: FirewallAddress = msgspec.field(name="hubIPAddresses", default=FirewallAddress())


class AzureFirewall(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/azureFirewalls")
    properties: AzureFirewallProperties = AzureFirewallProperties()

    @property
    def private_addresses(self) -> frozenset[str]:
        """The addresses that routes name as next hop."""
        own = {configuration.properties.private_ip_address for configuration in self.properties.ip_configurations}
        return frozenset((own | {self.properties.hub_ip_addresses.private_ip_address}) - {""})


class PrivateDnsZone(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/privateDnsZones")
