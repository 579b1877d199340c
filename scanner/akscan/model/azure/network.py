"""Microsoft.Network: virtual networks, routes, hubs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from akscan.model.azure.base import Reference, Resource, Rest
from akscan.model.cidr import is_within, network_of
from akscan.model.text import ArmId, Location, Token

AZURE_FIREWALLS = Token("Microsoft.Network/azureFirewalls")
_EVERYTHING = "0.0.0.0/0"
_HALVES = ("0.0.0.0/1", "128.0.0.0/1")


class DelegationProperties(Rest, frozen=True, kw_only=True):
    service_name: Token = Token()


class Delegation(Rest, frozen=True, kw_only=True):
    properties: DelegationProperties = DelegationProperties()


class SubnetProperties(Rest, frozen=True, kw_only=True):
    address_prefix: str = ""
    address_prefixes: tuple[str, ...] = ()
    route_table: Reference = Reference()
    network_security_group: Reference = Reference()
    nat_gateway: Reference = Reference()
    ip_configurations: tuple[Reference, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    default_outbound_access: bool | None = None


class SubnetResource(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/virtualNetworks/subnets")
    properties: SubnetProperties = SubnetProperties()

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Its address prefixes, however ARM states them."""
        properties = self.properties
        return properties.address_prefixes or ((properties.address_prefix,) if properties.address_prefix else ())


class AddressSpace(Rest, frozen=True, kw_only=True):
    address_prefixes: tuple[str, ...] = ()


class PeeringProperties(Rest, frozen=True, kw_only=True):
    peering_state: Token = Token()
    remote_virtual_network: Reference = Reference()
    use_remote_gateways: bool = False
    allow_virtual_network_access: bool = True
    remote_address_space: AddressSpace = AddressSpace()
    remote_virtual_network_address_space: AddressSpace = AddressSpace()


class Peering(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/virtualNetworks/virtualNetworkPeerings")
    properties: PeeringProperties = PeeringProperties()

    @property
    def carries_traffic(self) -> bool:
        """Whether packets pass from this network to the other one."""
        return self.properties.peering_state == "Connected" and self.properties.allow_virtual_network_access

    @property
    def remote_prefixes(self) -> tuple[str, ...]:
        """What lies behind it: the remote network's address space of now, else that of the last synchronisation."""
        properties = self.properties
        now, then = properties.remote_virtual_network_address_space, properties.remote_address_space
        return now.address_prefixes or then.address_prefixes


class DhcpOptions(Rest, frozen=True, kw_only=True):
    dns_servers: tuple[str, ...] = ()


class Encryption(Rest, frozen=True, kw_only=True):
    enabled: bool = False


class VirtualNetworkProperties(Rest, frozen=True, kw_only=True):
    encryption: Encryption = Encryption()
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
            yield from (subnet.properties.route_table.id, subnet.properties.nat_gateway.id)
            yield subnet.properties.network_security_group.id
            yield from firewalls_in(subnet)


class SubnetUsage(Resource, frozen=True, kw_only=True):
    """How many addresses of a subnet are taken; the id is that of the subnet, which has no name of its own here."""

    arm_type: ClassVar = Token("Microsoft.Network/virtualNetworks/usages")
    name: str = msgspec.field(name="subnetName", default="")
    current_value: float = 0
    limit: float = 0


def firewalls_in(subnet: SubnetResource) -> tuple[ArmId, ...]:
    """The Azure Firewalls that stand in a subnet: only in one of this name can they."""
    if Token(subnet.name) != "AzureFirewallSubnet":
        return ()
    holders = (configuration.id.ancestor(AZURE_FIREWALLS) for configuration in subnet.properties.ip_configurations)
    return tuple(dict.fromkeys(holder for holder in holders if holder))


class NextHop(Rest, frozen=True, kw_only=True):
    next_hop_ip_addresses: tuple[str, ...] = ()


class RouteProperties(Rest, frozen=True, kw_only=True):
    address_prefix: str = ""
    next_hop_type: Token = Token()
    next_hop_ip_address: str = ""
    next_hop: NextHop = NextHop()

    @property
    def leads_to_appliance(self) -> bool:
        return self.next_hop_type in ("VirtualAppliance", "VirtualApplianceEcmp")

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

    def sends_to_internet(self, prefix: str) -> bool:
        """Whether a route of the customer's sends all of an address or prefix straight to the Internet, or of a service
        tag, of which a route may be, too (https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview).
        """
        wanted = network_of(prefix)
        routes = [route.properties for route in self.properties.routes if route.properties.next_hop_type == "Internet"]
        if wanted is None:
            return any(Token(route.address_prefix) == prefix for route in routes)
        networks = (network_of(route.address_prefix) for route in routes)
        return any(network is not None and is_within(wanted, network) for network in networks)

    @property
    def default_route(self) -> Route | None:
        """The route whose prefix is 0.0.0.0/0, or those of its two halves, which win over it. Of halves that lead apart
        the one past the appliances counts, else both as one route to all their appliances.
        """
        routes = {route.properties.address_prefix: route for route in self.properties.routes}
        first, second = (routes.get(half, routes.get(_EVERYTHING)) for half in _HALVES)
        if first is None or second is None or first is second:
            return first and second
        return _joined(*sorted((first, second), key=_order))


def _order(half: Route) -> tuple[bool, ...]:
    """The Internet before other ways past appliances, and an appliance without address before the others."""
    properties = half.properties
    return properties.next_hop_type != "Internet", properties.leads_to_appliance, bool(properties.next_hop_addresses)


def _joined(first: Route, second: Route) -> Route:
    """Two halves in their order as one route."""
    properties = first.properties
    if not (properties.leads_to_appliance and properties.next_hop_addresses):
        return first
    hops = dict.fromkeys((*properties.next_hop_addresses, *second.properties.next_hop_addresses))
    prefixes = sorted((properties.address_prefix, second.properties.address_prefix))
    both = msgspec.structs.replace(
        properties, address_prefix=" and ".join(prefixes), next_hop=NextHop(next_hop_ip_addresses=tuple(hops))
    )
    return msgspec.structs.replace(first, properties=both)


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
