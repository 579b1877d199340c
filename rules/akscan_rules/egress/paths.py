"""Which way traffic leaves."""

from collections.abc import Iterator

from akscan.sdk import (
    ArmId,
    Cluster,
    ClusterNatGateway,
    Disruption,
    Egress,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    Subnet,
    SubnetResource,
    any_of,
    if_known,
    rule,
    untold,
)

#: Outbound types with which nothing but a route of the customer's keeps pods from the Internet.
_DIRECT = ("loadBalancer", "managedNATGateway", "managedNATGatewayV2", "userAssignedNATGateway")
#: Outbound types that other rules look at.
_OTHERS = ("userDefinedRouting", "none", "block")
#: Where a default route has to lead for something to look at the traffic.
_FILTERS = ("VirtualAppliance", "VirtualApplianceEcmp", "VirtualNetworkGateway")


@rule(
    "EGR-001",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.VIRTUAL_NETWORKS,
        Need.SUBNETS,
        Need.ROUTE_TABLES,
        Need.PEERINGS,
        Need.VIRTUAL_HUBS,
        Need.HUB_CONNECTIONS,
    ],
    optional_needs=[Need.ROUTING_INTENT, Need.CILIUM_CLUSTERWIDE_POLICIES, Need.AKS_NODE_CLASSES],
    frameworks={"mcsb": ["NS-3"], "nist_800_53": ["AC-4", "SC-7", "SC-7(3)", "SI-4"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/limit-egress-traffic",
        "https://learn.microsoft.com/azure/aks/egress-outboundtype",
    ],
    fix=Fix(
        """
        az network route-table route create --resource-group {vnet_resource_group} --route-table-name {route_table} --name default --address-prefix 0.0.0.0/0 --next-hop-type VirtualAppliance --next-hop-ip-address {firewall_private_ip}
        az network vnet subnet update --resource-group {vnet_resource_group} --vnet-name {vnet} --name {subnet} --route-table {route_table}
        az aks update --resource-group {resource_group} --name {cluster} --outbound-type userDefinedRouting
        """,  # noqa: E501 a command is one line
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "azurerm_kubernetes_cluster.network_profile.outbound_type with azurerm_subnet_route_table_association"
        ),
        arm="properties.networkProfile.outboundType; Microsoft.Network/routeTables properties.routes",
    ),
)
def egress_is_filtered(
    cluster: Cluster, inventory: Inventory, *, accept_fqdn_policies: bool = False
) -> Iterator[Finding]:
    """Traffic that leaves the cluster is filtered.

    By default every pod can reach any host on the Internet. A compromised container then downloads tools, talks to its
    operator and carries data out, and nobody has a log of it. A proxy in httpProxyConfig is no filter: a process that
    ignores the proxy variables still leaves directly.

    **Fix**: send 0.0.0.0/0 of the node and pod subnets to a firewall that allows only what AKS and the workloads need
    (EGR-003, EGR-005), then set outboundType userDefinedRouting; or make the cluster network isolated (EGR-009).
    Existing outbound connections drop and the outbound addresses change: have the firewall rules and API-003 ready
    first.
    """
    if cluster.outbound in _OTHERS:
        raise NotApplicable(f"outboundType is {cluster.outbound}")
    if cluster.outbound not in _DIRECT:
        detail = f"akscan does not know outboundType {cluster.outbound}"
        raise NotCollected(untold("arm", cluster.id, detail))
    policies = (
        cluster.lists.cilium_clusterwide_policies if accept_fqdn_policies and cluster.enforces_fqdn_policies else None
    )
    if policies and any(p.restricts_egress_of_all_pods(outside=cluster.system_namespaces) for p in policies.items):
        return
    for finding in _unfiltered(cluster, inventory):
        if policies:
            policies.complete()
        yield finding


def _unfiltered(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """What leaves without a filter, by the routes alone."""
    subnets = tuple(dict.fromkeys((*cluster.node_subnets, *cluster.pod_subnets)))
    evidence: dict[str, EvidenceValue] = {
        "outboundType": cluster.outbound,
        "httpProxyConfig": cluster.properties.http_proxy_config is not None,
        "advancedNetworking.security.enabled": cluster.properties.network_profile.advanced_networking.security.enabled,
        "subnets": tuple(f"{subnet_id}: {_known_way_out(subnet_id, inventory)}" for subnet_id in subnets),
    }
    if not cluster.is_byo_vnet:
        yield Finding(f"the nodes stand in AKS's own network and leave through {cluster.outbound}", evidence)
    yield from any_of(*(_unfiltered_subnet(subnet_id, inventory, evidence) for subnet_id in subnets))
    cluster.require_class_subnets()


def _unfiltered_subnet(subnet_id: ArmId, inventory: Inventory, evidence: dict[str, EvidenceValue]) -> Iterator[Finding]:
    subnet = inventory.existing_subnet(subnet_id)
    route = inventory.default_route(subnet)
    if route is not None and route.properties.next_hop_type in _FILTERS:
        return
    inventory.require_no_learned_route(subnet)
    table = subnet.properties.route_table.id
    yield Finding(
        f"subnet {subnet_id.name} lets traffic out unfiltered: {_way_out(subnet_id, inventory)}",
        evidence,
        fill={
            "vnet_resource_group": subnet_id.resource_group,
            "vnet": subnet_id.parent.name,
            "subnet": subnet_id.name,
            # the commands look for it in the group of the network
            "route_table": table.name if table.group == subnet_id.group else "",
        },
    )


def _known_way_out(subnet_id: ArmId, inventory: Inventory) -> str:
    return if_known(lambda: _way_out(subnet_id, inventory))


def _way_out(subnet_id: ArmId, inventory: Inventory) -> str:
    """The route table and the default route of a subnet, for people."""
    subnet = inventory.existing_subnet(subnet_id)
    table = subnet.properties.route_table.id
    if not table:
        return "no route table"
    route = inventory.default_route(subnet)
    if route is None:
        return f"no default route in route table {table.name}"
    properties = route.properties
    hop = " ".join((properties.next_hop_type, *properties.next_hop_addresses))
    return f"{properties.address_prefix} to {hop} in route table {table.name}"


@rule(
    "EGR-002",
    Severity.HIGH,
    Pillar.RELIABILITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.VIRTUAL_NETWORKS,
        Need.SUBNETS,
        Need.ROUTE_TABLES,
        Need.PEERINGS,
        Need.NAT_GATEWAYS,
        Need.AZURE_FIREWALLS,
    ],
    optional_needs=[Need.VIRTUAL_HUBS, Need.HUB_CONNECTIONS, Need.AKS_NODE_CLASSES],
    docs=["https://learn.microsoft.com/azure/aks/egress-udr", "https://learn.microsoft.com/azure/aks/nat-gateway"],
    fix=Fix(
        """
        az network vnet subnet update --resource-group {vnet_resource_group} --vnet-name {vnet} --name {subnet} --route-table {route_table}
        # or, for userAssignedNATGateway
        az network vnet subnet update --resource-group {vnet_resource_group} --vnet-name {vnet} --name {subnet} --nat-gateway {nat_gateway}
        """,  # noqa: E501 a command is one line
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "azurerm_subnet_route_table_association / azurerm_subnet_nat_gateway_association for each "
            "azurerm_kubernetes_cluster_node_pool.vnet_subnet_id and pod_subnet_id"
        ),
        arm=(
            "Microsoft.Network/virtualNetworks/subnets properties.routeTable, properties.natGateway; "
            "Microsoft.Network/routeTables properties.routes[].properties"
        ),
    ),
)
def subnets_have_their_way_out(subnet: Subnet, inventory: Inventory) -> Iterator[Finding]:
    """Every node and pod subnet has the way out that the cluster relies on.

    AKS checks the route once, when the cluster is made. A node pool or pod subnet that is added later without route
    table or NAT gateway gets no way out, so its nodes never join; or, in a cluster that leaves through a load balancer,
    it gets a way out that the firewall never sees. A next hop behind a broken peering drops everything.

    **Fix**: associate the same route table (or a NAT gateway with an address) with every subnet of the cluster, and
    point the default route at an appliance that the virtual network can reach. Where the subnet had a way out, existing
    outbound connections drop.
    """
    resource = subnet.resource(inventory)
    clusters = [cluster for cluster in subnet.clusters if not _needs_no_way_out(cluster, resource)]
    if not clusters:
        raise NotApplicable("no cluster here relies on a way out of its subnet")
    evidence: dict[str, EvidenceValue] = {
        "subnet": str(subnet.id),
        "routeTable": str(resource.properties.route_table.id),
        "natGateway": str(resource.properties.nat_gateway.id),
        "defaultRoute": _known_way_out(subnet.id, inventory),
        "pools": (
            *(
                f"{use.pool.cluster.name}/{use.pool.name}: {'pods' if use.for_pods else 'nodes'}"
                for use in subnet.users
            ),
            *(f"{cluster.name}: nodes beside the pools" for cluster in subnet.hosting),
        ),
    }
    branches = (fault(Egress(cluster, inventory), resource) for cluster in clusters for fault in _FAULTS)
    for finding in any_of(*branches):
        yield Finding(finding.message, {**evidence, **finding.evidence})


def _needs_no_way_out(cluster: Cluster, subnet: SubnetResource) -> bool:
    """None is wanted, or kubenet has the route table under AKS's own control."""
    if cluster.outbound in ("none", "block"):
        return True
    network = cluster.properties.network_profile
    group = subnet.properties.route_table.id.resource_group
    return (
        network.network_plugin == "kubenet"
        and cluster.outbound == "loadBalancer"
        and cluster.properties.node_resource_group == group
    )


def _no_route(egress: Egress, subnet: SubnetResource) -> Iterator[Finding]:
    """(a) and (c): the default route is missing, or leads past the appliance that others leave through."""
    outbound = egress.cluster.outbound
    route = egress.inventory.default_route(subnet)
    hop = route.properties.next_hop_type if route else None
    if outbound == "userDefinedRouting":
        bad = hop in (None, "Internet", "None", "VnetLocal")
        what = f"(a) {egress.cluster.name} relies on the routes of {subnet.name}"
    else:
        bad = hop in (None, "Internet") and egress.forces_another(subnet.id)
        what = f"(c) other subnets of {egress.cluster.name} leave through an appliance, {subnet.name} goes around it"
    if not bad:
        return
    if route is None:
        egress.inventory.require_no_learned_route(subnet)
    leads = f"{route.properties.address_prefix} leads to {hop}" if route else "there is no default route"
    yield Finding(f"{what}: {leads}", {"outboundType": outbound})


def _no_gateway(egress: Egress, subnet: SubnetResource) -> Iterator[Finding]:
    """(b): the NAT gateway is missing, or has no address."""
    outbound = egress.cluster.outbound
    if outbound != "userAssignedNATGateway" or egress.appliance_route(subnet) is not None:
        return
    gateways = egress.nat_gateways_of(subnet)
    if not any(gateway.has_address for gateway in gateways):
        lack = f"NAT gateway {gateways[0].name} has no public address" if gateways else "there is no NAT gateway"
        yield Finding(
            f"(b) {egress.cluster.name} relies on the NAT gateway of {subnet.name}: {lack}", {"outboundType": outbound}
        )


def _dead_hop(egress: Egress, subnet: SubnetResource) -> Iterator[Finding]:
    """(d) and (e): the appliance cannot be reached, or is no more."""
    route = egress.appliance_route(subnet)
    if route is None:
        return
    lost = egress.unreachable_hops(route)
    peerings = egress.network.properties.virtual_network_peerings
    evidence: dict[str, EvidenceValue] = {
        "outboundType": egress.cluster.outbound,
        "peerings": tuple(f"{p.name}: {p.properties.peering_state}, {', '.join(p.remote_prefixes)}" for p in peerings),
    }
    if lost:
        yield Finding(f"(d) no network in reach of {subnet.name} holds {', '.join(lost)}", evidence)
    faults = (egress.firewall_fault(hop) for hop in route.properties.next_hop_addresses if hop not in lost)
    for fault in filter(None, faults):
        yield Finding(f"(e) {fault}", evidence)


_FAULTS = (_no_route, _no_gateway, _dead_hop)


@rule(
    "EGR-011",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.MANAGED_CLUSTERS, Need.SUBNETS, Need.NAT_GATEWAYS, Need.ROUTE_TABLES],
    docs=["https://learn.microsoft.com/azure/aks/nat-gateway"],
    fix=Fix(
        """
        az network public-ip create --resource-group {vnet_resource_group} --name {public_ip} --sku StandardV2 --allocation-method Static --version IPv4 --zone 1 2 3
        az network nat gateway create --resource-group {vnet_resource_group} --name {nat_gateway} --sku StandardV2 --public-ip-addresses {public_ip} --idle-timeout 4
        az network vnet subnet update --resource-group {vnet_resource_group} --vnet-name {vnet} --name {subnet} --nat-gateway {nat_gateway}
        """,  # noqa: E501 a command is one line
        Disruption.WORKLOAD_RESTART,
        terraform="azurerm_nat_gateway.sku_name, azurerm_nat_gateway.zones",
        arm="Microsoft.Network/natGateways sku.name, zones; managed: properties.networkProfile.natGatewayProfile.sku",
    ),
)
def outbound_survives_a_zone(gateway: ClusterNatGateway, inventory: Inventory) -> Iterator[Finding]:
    """Outbound traffic survives the loss of a zone.

    A Standard NAT gateway lives in one zone, also when none was asked for. Nodes in the other zones then lose the
    Internet, their registry and the Azure APIs when that one zone fails, although the pools were spread with care.

    **Fix**: use the StandardV2 SKU (with new StandardV2 public addresses; for a gateway that AKS manages,
    --outbound-type managedNATGateway --outbound-type-sku StandardV2), or give each zone its own subnet, pool and zonal
    NAT gateway. Azure Firewall needs no check: it is zone-redundant by default. Existing outbound connections drop and
    the outbound addresses change.
    """
    resource = gateway.resource
    if resource.sku.name == "StandardV2":
        raise NotApplicable("a StandardV2 gateway is zone-redundant")
    if not any(len(use.zones) > 1 for use in gateway.uses):
        gateway.require_zones()
        raise NotApplicable("no cluster behind it is in two zones")
    pools = [pool for use in gateway.uses for pool in use.pools]
    if len(resource.zones) == 1 and all(pool.properties.availability_zones == resource.zones for pool in pools):
        gateway.require_zones()
        return
    where = f"in zone {', '.join(resource.zones)}" if resource.zones else "in a zone that Azure chose"
    zones = sorted({zone for pool in pools for zone in pool.properties.availability_zones})
    nodes = f"nodes in zone{'s' if len(zones) > 1 else ''} {', '.join(zones)}" if zones else "nodes without a zone"
    yield Finding(
        f"{resource.sku.name} NAT gateway {resource.name} stands {where}, and {nodes} leave by it",
        {
            "natGateway": resource.id,
            "sku.name": resource.sku.name,
            "zones": resource.zones,
            "subnets": sorted({str(pool.properties.vnet_subnet_id) for pool in pools} - {""}),
            "pools": [
                f"{pool.cluster.name}/{pool.name}: {', '.join(pool.properties.availability_zones) or 'no zone'}"
                for pool in pools
            ],
        },
    )
