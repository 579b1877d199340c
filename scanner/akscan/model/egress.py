"""The ways out of a cluster: routes, firewalls, NAT gateways and public addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.azure import (
    AzureFirewall,
    HubConnection,
    NatGateway,
    NetworkSecurityGroup,
    PublicIpAddress,
    PublicIpPrefix,
    Route,
    SubnetResource,
    VirtualNetwork,
)
from akscan.model.azure.network import firewalls_in
from akscan.model.cidr import AddressSet, holds, network_of
from akscan.model.gaps import Gap, NotCollected, untold
from akscan.model.needs import Need
from akscan.model.text import ArmId, Token

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.inventory import Inventory
    from akscan.model.pools import NodePool

#: Azure's own resolver (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
AZURE_DNS = "168.63.129.16"
_NAT = frozenset({Token("managedNATGateway"), Token("managedNATGatewayV2"), Token("userAssignedNATGateway")})


class Egress:
    """The ways out of one cluster. What a lookup needs and was not read raises `NotCollected`."""

    def __init__(self, cluster: Cluster, inventory: Inventory) -> None:
        self.cluster = cluster
        self.inventory = inventory

    # --- networks and routes

    @property
    def subnet_ids(self) -> tuple[ArmId, ...]:
        """The subnets of nodes and pods."""
        return tuple(dict.fromkeys((*self.cluster.node_subnets, *self.cluster.pod_subnets)))

    @cached_property
    def network(self) -> VirtualNetwork:
        """The virtual network of the nodes; that of AKS stands in the node resource group."""
        for subnet_id in self.cluster.node_subnets[:1]:
            return self.inventory.existing_network(subnet_id.parent)
        group = self.cluster.node_resource_group_id
        for network in self.inventory.known_in_group(VirtualNetwork, group):
            return network
        self.inventory.within(VirtualNetwork, self.cluster.id.subscription_scope)
        raise NotCollected(self._unknown("its node resource group holds no virtual network", Need.VIRTUAL_NETWORKS))

    @cached_property
    def networks_in_reach(self) -> frozenset[ArmId]:
        """The cluster's network and those behind its peerings that carry traffic."""
        peerings = self.network.properties.virtual_network_peerings
        remote = (p.properties.remote_virtual_network.id for p in peerings if p.carries_traffic)
        return frozenset((self.network.id, *remote))

    def network_with(self, address: str) -> VirtualNetwork | None:
        """The network in reach whose address space holds an address; networks that are peered never overlap. Raises
        `NotCollected` where only one that was not read may hold it.
        """
        gap = None
        for network_id in sorted(self.networks_in_reach):
            try:
                network = self.inventory.virtual_network(network_id)
            except NotCollected as missing:
                gap = gap or missing
                continue
            if network is not None and holds(network.properties.address_space.address_prefixes, address):
                return network
        if gap is not None:
            raise gap
        return None

    def is_dns_server(self, addresses: Iterable[str]) -> bool:
        """Whether the cluster's network sends its queries to one of these addresses."""
        return not set(self.network.properties.dhcp_options.dns_servers).isdisjoint(addresses)

    def appliance_route(self, subnet: SubnetResource) -> Route | None:
        """The default route of a subnet where it leads to an appliance."""
        route = self.inventory.default_route(subnet)
        return route if route is not None and route.properties.leads_to_appliance else None

    def _leaves_by_gateway(self, subnet: SubnetResource) -> bool:
        """Whether the default route of a subnet leads to a VPN or ExpressRoute gateway, and on from there by a way that
        ARM does not show.
        """
        route = self.inventory.default_route(subnet)
        return route is not None and route.properties.next_hop_type == "VirtualNetworkGateway"

    @cached_property
    def path(self) -> str:
        """How the nodes leave: ``appliance`` where the default route of a node subnet leads to one, else ``nat``,
        ``lb`` or ``none`` by the outbound type; ``nat`` also where every node subnet has a NAT gateway, which takes
        precedence over a load balancer (https://learn.microsoft.com/azure/nat-gateway/nat-overview).
        """
        gap = None
        subnets = []
        for subnet_id in self.cluster.node_subnets:
            try:
                subnets.append(self.inventory.existing_subnet(subnet_id))
                if self.appliance_route(subnets[-1]) is not None:
                    return "appliance"
            except NotCollected as missing:
                gap = missing
        if gap is not None:
            raise gap
        outbound, behind = self.cluster.outbound, [bool(subnet.properties.nat_gateway.id) for subnet in subnets]
        if outbound in _NAT or (outbound == "loadBalancer" and behind and all(behind)):
            return "nat"
        return "lb" if self.cluster.outbound == "loadBalancer" else "none"

    @cached_property
    def has_way_out(self) -> bool:
        """Whether a node subnet has a NAT gateway, or a default route that does not drop everything."""
        gap = None
        for subnet_id in self.cluster.node_subnets:
            try:
                subnet = self.inventory.existing_subnet(subnet_id)
                if subnet.properties.nat_gateway.id:
                    return True
                route = self.inventory.default_route(subnet)
                if route is not None and route.properties.next_hop_type not in ("None", "VnetLocal"):
                    return True
            except NotCollected as missing:
                gap = missing
        if gap is not None:
            raise gap
        return False

    def lends_an_address(self, subnet: SubnetResource) -> bool:
        """Whether Azure may lend the nodes of a subnet an implicit outbound address: it has no way out of its own (a
        route to the Internet is none), and neither its settings nor a security group forbid it
        (https://learn.microsoft.com/azure/virtual-network/ip-services/default-outbound-access).
        """
        properties = subnet.properties
        if properties.default_outbound_access is False or properties.nat_gateway.id:
            return False
        route = self.inventory.default_route(subnet)
        if route is not None and route.properties.next_hop_type != "Internet":
            return False
        group = properties.network_security_group.id
        found = self.inventory.find(NetworkSecurityGroup, group) if group else None
        return found is None or not found.closes_internet(AddressSet.of(subnet.prefixes))

    # --- firewalls

    def forced(self, subnet_ids: Iterable[ArmId]) -> Iterator[tuple[SubnetResource, Route]]:
        """Those of the subnets whose default route leads to an appliance."""
        for subnet_id in subnet_ids:
            subnet = self.inventory.existing_subnet(subnet_id)
            if (route := self.appliance_route(subnet)) is not None:
                yield subnet, route

    def filtered(self, subnet_ids: Iterable[ArmId]) -> Iterator[tuple[SubnetResource, AzureFirewall]]:
        """Those of the subnets that leave through Azure Firewalls, with each of these."""
        for subnet, route in self.forced(subnet_ids):
            found = {self.firewall_at(address).id: address for address in self.hops(route)}
            yield from ((subnet, self.firewall_at(address)) for address in found.values())

    @cached_property
    def firewalls(self) -> tuple[AzureFirewall, ...]:
        """The Azure Firewalls that nodes and pods leave through."""
        return tuple({firewall.id: firewall for _, firewall in self.filtered(self.subnet_ids)}.values())

    def firewall_at(self, address: str) -> AzureFirewall:
        """The firewall with that private address in reach of the cluster's network."""
        found = [firewall for firewall in self.inventory.firewalls.at(address) if self._reaches(firewall)]
        if len(found) == 1:
            return found[0]
        self.inventory.require_complete(AzureFirewall)
        detail = f"no Azure Firewall that was read holds {address}, to which the default route leads"
        raise NotCollected(self._unknown(detail, Need.AZURE_FIREWALLS))

    def _reaches(self, firewall: AzureFirewall) -> bool:
        hub = firewall.properties.virtual_hub.id
        return any(subnet.parent in self.networks_in_reach for subnet in firewall.subnets) or any(
            connection.properties.remote_virtual_network.id == self.network.id
            for connection in (self.inventory.known_within(HubConnection, hub) if hub else ())
        )

    def firewall_fault(self, address: str) -> str:
        """What is wrong with the Azure Firewall that a route leads to: none holds the address although it lies in a
        subnet for firewalls, or the firewall failed. Empty where nothing is.
        """
        network = self.network_with(address)
        for subnet in network.properties.subnets if network else ():
            if Token(subnet.name) == "AzureFirewallSubnet" and holds(subnet.prefixes, address):
                return self._fault_in(subnet, address)
        return ""

    def _fault_in(self, subnet: SubnetResource, address: str) -> str:
        for firewall_id in firewalls_in(subnet):
            firewall = self.inventory.find(AzureFirewall, firewall_id)
            if firewall is not None and address in firewall.private_addresses:
                failed = firewall.properties.provisioning_state == "Failed"
                return f"firewall {firewall.name} failed to provision" if failed else ""
        return f"no firewall holds {address} in {subnet.id.parent.name}/{subnet.name}"

    def hops(self, route: Route) -> tuple[str, ...]:
        """The addresses of an appliance route. Raises `NotCollected` where it names none."""
        found = route.properties.next_hop_addresses
        if not found:
            detail = "a default route leads to an appliance and does not say to which"
            raise NotCollected(self._unknown(detail, Need.ROUTE_TABLES))
        return found

    def unreachable_hops(self, route: Route) -> tuple[str, ...]:
        """The addresses of an appliance route that lie neither in the cluster's network nor behind a peering of it that
        carries traffic.
        """
        peerings = [p for p in self.network.properties.virtual_network_peerings if p.carries_traffic]
        near = (
            *self.network.properties.address_space.address_prefixes,
            *(prefix for peering in peerings for prefix in peering.remote_prefixes),
        )
        lost = tuple(hop for hop in self.hops(route) if not holds(near, hop))
        blank = next((peering.name for peering in peerings if not peering.remote_prefixes), "")
        if lost and blank:
            raise NotCollected(self._unknown(f"peering {blank} does not say what lies behind it", Need.PEERINGS))
        return lost

    def forces_another(self, subnet_id: ArmId) -> bool:
        """Whether another subnet of the cluster leaves through an appliance."""
        gap = None
        for other in self.subnet_ids:
            try:
                if other != subnet_id and any(self.forced([other])):
                    return True
            except NotCollected as missing:
                gap = missing
        if gap is not None:
            raise gap
        return False

    def route_to(self, subnet: SubnetResource, address: str) -> Route | None:
        """The route of the subnet's table that a packet to an address takes; None where a system route does."""
        table = self.inventory.route_table(subnet)
        own = [(route.properties.address_prefix, route) for route in (table.properties.routes if table else ())]
        peerings = (p for p in self.network.properties.virtual_network_peerings if p.carries_traffic)
        near = (
            *self.network.properties.address_space.address_prefixes,
            *(prefix for peering in peerings for prefix in peering.remote_prefixes),
        )
        best: tuple[int, Route | None] = (-1, None)
        for prefix, route in (*own, *((prefix, None) for prefix in near)):
            network = network_of(prefix)
            if network is not None and holds([prefix], address) and network.prefixlen > best[0]:
                best = (network.prefixlen, route)
        return best[1]

    def forced_dns_servers(self, subnet: SubnetResource, firewall: AzureFirewall) -> tuple[str, ...]:
        """The DNS servers of the network that a subnet reaches through the firewall; it needs no rule for itself, nor
        for Azure's own, to which no route leads.
        """
        own = firewall.private_addresses
        aside = own | {AZURE_DNS}
        servers = (server for server in self.network.properties.dhcp_options.dns_servers if server not in aside)
        hops = ((server, self.route_to(subnet, server)) for server in servers)
        return tuple(
            server
            for server, route in hops
            if route is not None
            and route.properties.leads_to_appliance
            and not own.isdisjoint(route.properties.next_hop_addresses)
        )

    def answers_directly(self, subnet: SubnetResource, clients: str) -> bool:
        """Whether what goes to an address, prefix or service tag leaves the subnet straight to the Internet."""
        table = self.inventory.route_table(subnet)
        return table is not None and table.sends_to_internet(clients)

    def translates(self, subnet: SubnetResource, addresses: Iterable[str]) -> bool:
        """Whether the firewall of a subnet translates to these addresses, and gets the answers back at its own
        (https://learn.microsoft.com/azure/firewall/integrate-lb).
        """
        for _, firewall in self.filtered([subnet.id]):
            rules = self.inventory.firewalls.translations(firewall)
            if set(addresses) - {rule.translated_address for rule in rules}:
                return False
            if not all(self.answers_directly(subnet, own) for own in self.own_addresses(firewall)):
                return False
        return True

    def internet_routes(self, subnets: Iterable[SubnetResource]) -> tuple[str, ...]:
        """The prefixes that the route tables of subnets send straight to the Internet."""
        tables = (self.inventory.route_table(subnet) for subnet in subnets)
        routes = (route.properties for table in tables if table for route in table.properties.routes)
        return tuple(dict.fromkeys(route.address_prefix for route in routes if route.next_hop_type == "Internet"))

    # --- NAT gateways

    def nat_gateways_of(self, subnet: SubnetResource) -> tuple[NatGateway, ...]:
        """The NAT gateway of a subnet, else those of its whole network."""
        if own := subnet.properties.nat_gateway.id:
            return tuple(gateway for gateway in [self.inventory.find(NatGateway, own)] if gateway is not None)
        network = subnet.id.parent
        known = self.inventory.within(NatGateway, network.subscription_scope)
        return tuple(gateway for gateway in known if gateway.properties.source_virtual_network.id == network)

    @cached_property
    def nat_gateways(self) -> tuple[tuple[NatGateway, tuple[ArmId, ...]], ...]:
        """The NAT gateways of the nodes with the node subnets behind each; those that AKS manages stand in the node
        resource group, and all pools are behind them.
        """
        found: dict[ArmId, tuple[NatGateway, tuple[ArmId, ...]]] = {}
        for subnet_id in self.cluster.node_subnets:
            for gateway in self.nat_gateways_of(self.inventory.existing_subnet(subnet_id)):
                found[gateway.id] = (gateway, (*found.get(gateway.id, (gateway, ()))[1], subnet_id))
        if not self.cluster.node_subnets:
            group = self.cluster.node_resource_group_id
            self.inventory.within(NatGateway, group.subscription_scope)
            found |= {g.id: (g, ()) for g in self.inventory.known_in_group(NatGateway, group)}
        return tuple(found.values())

    @cached_property
    def pools_by_gateway(self) -> tuple[tuple[NatGateway, tuple[NodePool, ...]], ...]:
        """The NAT gateways of a cluster that leaves by them, with the pools behind each."""
        if self.path != "nat":
            return ()
        return tuple(
            (gateway, tuple(p for p in self.cluster.pools if p.properties.vnet_subnet_id in (subnets or (ArmId(),))))
            for gateway, subnets in self.nat_gateways
        )

    def require_gateway(self) -> None:
        """Raises `NotCollected` where the nodes leave by no NAT gateway that was read."""
        if not self.pools_by_gateway:
            raise NotCollected(self._unknown("no NAT gateway stands on its subnets", Need.NAT_GATEWAYS))

    # --- public addresses

    def public_range(self, resource_id: ArmId) -> str:
        """The address or prefix of a public IP resource."""
        text = ""
        if resource_id.type == PublicIpPrefix.arm_type:
            prefix = self.inventory.find(PublicIpPrefix, resource_id)
            text = prefix.properties.ip_prefix if prefix else ""
        else:
            address = self.inventory.find(PublicIpAddress, resource_id)
            text = address.properties.ip_address if address else ""
        if not text:
            raise NotCollected(self._unknown(f"{resource_id.name} has no address", Need.PUBLIC_IP_ADDRESSES))
        return text

    def addresses_of(self, firewall: AzureFirewall) -> Iterator[str]:
        """The public addresses and prefixes that a firewall leaves from: those of the NAT gateway on its subnet, else
        its own.
        """
        if gateways := self.nat_gateways_before(firewall):
            yield from (self.public_range(one) for gateway in gateways for one in gateway.public_ids)
        else:
            yield from self.own_addresses(firewall)

    def own_addresses(self, firewall: AzureFirewall) -> Iterator[str]:
        """The public addresses at which a firewall is reached."""
        yield from (self.public_range(one) for one in firewall.public_address_ids)
        yield from (public.address for public in firewall.properties.hub_ip_addresses.public_ips.addresses)

    def node_addresses(self, subnet_id: ArmId) -> Iterator[tuple[str, str]]:
        """What the nodes of a subnet leave from, as (way, public address or prefix): the firewalls of its default
        route, else its NAT gateway, which takes precedence over a load balancer. None where AKS's load balancer lets
        them out or nothing does.
        """
        subnet = self.inventory.existing_subnet(subnet_id)
        if self.appliance_route(subnet) is not None:
            for _, firewall in self.filtered([subnet_id]):
                yield from ((f"firewall {firewall.name}", address) for address in self.addresses_of(firewall))
            return
        if self._leaves_by_gateway(subnet):
            detail = f"the default route of {subnet.name} leads to a virtual network gateway"
            raise NotCollected(self._unknown(detail, Need.ROUTE_TABLES))
        gateways = self.nat_gateways_of(subnet)
        for gateway in gateways:
            yield from ((f"NAT gateway {gateway.name}", self.public_range(one)) for one in gateway.public_ids)
        if not gateways and self.cluster.outbound == "userDefinedRouting":
            raise NotCollected(self._unknown(f"where {subnet.name} leaves from stands on no route", Need.ROUTE_TABLES))

    def managed_addresses(self) -> Iterator[tuple[str, str]]:
        """The same of the NAT gateway that AKS manages."""
        profile = self.cluster.properties.network_profile.nat_gateway_profile
        if not profile.effective_outbound_ips and self.cluster.outbound != "userAssignedNATGateway":
            detail = "natGatewayProfile names no effective outbound address"
            raise NotCollected(self._unknown(detail, Need.MANAGED_CLUSTERS))
        yield from (("NAT gateway of AKS", self.public_range(one.id)) for one in profile.effective_outbound_ips)

    def pool_addresses(self, pool: NodePool) -> Iterator[tuple[str, str]]:
        """The same of a pool whose nodes leave from public addresses out of a prefix."""
        prefix = pool.properties.node_public_ip_prefix_id
        if prefix and self.leaves_by_own_addresses(pool):
            yield f"nodes of {pool.name}", self.public_range(prefix)

    def leaves_by_own_addresses(self, pool: NodePool) -> bool:
        """Whether nodes with public addresses of their own leave from these: a default route to an appliance or a
        gateway takes precedence, and so does a NAT gateway
        (https://learn.microsoft.com/azure/nat-gateway/nat-gateway-resource).
        """
        subnet_id = pool.properties.vnet_subnet_id
        if not subnet_id:
            return self.cluster.outbound not in ("managedNATGateway", "managedNATGatewayV2")
        subnet = self.inventory.existing_subnet(subnet_id)
        if self.appliance_route(subnet) is not None or self._leaves_by_gateway(subnet):
            return False
        return not self.nat_gateways_of(subnet)

    def nat_gateways_before(self, firewall: AzureFirewall) -> tuple[NatGateway, ...]:
        """The NAT gateway on a firewall's own subnet, which then translates."""
        references = (
            self.inventory.existing_subnet(subnet).properties.nat_gateway.id for subnet in firewall.subnets[:1]
        )
        found = (self.inventory.find(NatGateway, reference) for reference in references if reference)
        return tuple(gateway for gateway in found if gateway is not None)

    def public_count(self, resource_ids: Iterable[ArmId]) -> int:
        """How many IPv4 addresses stand behind public IP resources; a prefix counts as many as it holds."""
        count = 0
        for one in resource_ids:
            network = network_of(self.public_range(one)) if one.type == PublicIpPrefix.arm_type else None
            count += network.num_addresses if network else 1
        return count

    def _unknown(self, detail: str, permission: Need) -> Gap:
        return untold("arm", self.cluster.id, detail, permission)
