"""NAT gateways and their ports."""

import pytest
from akscan.model.azure import (
    HubIpAddresses,
    HubPublicAddress,
    HubPublicAddresses,
    LoadBalancerProfile,
    ManagedOutboundIps,
    NodeProvisioningProfile,
    OutboundIps,
    UpgradeSettings,
)
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    GROUP,
    NETWORK,
    SUBSCRIPTION,
    case,
    cluster,
    evaluate,
    evaluate_all,
    firewall,
    hosted_system,
    hub,
    inventory,
    nat_gateway,
    node_pool,
    peering,
    public_ip,
    public_prefix,
    references,
    route_table,
    subnet,
    virtual_network,
)
from akscan_rules.egress.paths import outbound_survives_a_zone
from akscan_rules.egress.ports import snat_ports_suffice

AUTO = {"node_provisioning_profile": NodeProvisioningProfile(mode=Token("Auto"))}
NODES = f"{SUBSCRIPTION}/resourceGroups/MC_rg-test_aks_westeurope"


def by_nat(gateway, *zones, pools=None, **fields):
    """A cluster whose nodes leave by the NAT gateway of their subnet."""
    return [
        cluster(
            network={"outbound_type": Token("userAssignedNATGateway")},
            pools=pools or [node_pool(availability_zones=zones)],
            **fields,
        ),
        virtual_network(subnet(routed=False, nat_gateway=references(gateway.id)[0])),
        gateway,
    ]


def zonal(*numbers, in_zone=None):
    """A subnet, a pool and a gateway for each zone; ``in_zone`` moves the gateways."""
    gateways = [nat_gateway(f"ng-{n}", zones=[in_zone or n]) for n in numbers]
    subnets = [
        subnet(f"nodes-{n}", f"10.0.{n}.0/24", routed=False, nat_gateway=references(gateway.id)[0])
        for n, gateway in zip(numbers, gateways, strict=True)
    ]
    pools = [
        node_pool(f"p{n}", availability_zones=(n,), vnet_subnet_id=s.id) for n, s in zip(numbers, subnets, strict=True)
    ]
    return [
        cluster(network={"outbound_type": Token("userAssignedNATGateway")}, pools=pools),
        virtual_network(*subnets),
        *gateways,
    ]


def managed(*zones, sku="Standard", outbound="managedNATGateway"):
    """A cluster in AKS's own network, with the gateway that AKS made."""
    return [
        cluster(
            network={"outbound_type": Token(outbound)},
            pools=[node_pool(availability_zones=zones, vnet_subnet_id=ArmId())],
        ),
        nat_gateway("aks-managed", sku=sku, group=NODES),
    ]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "StandardV2, pools in zones 1,2,3",
            by_nat(nat_gateway(sku="StandardV2"), "1", "2", "3"),
            Status.NOT_APPLICABLE,
        ),
        case("Standard without zones, pools in zones 1,2,3", by_nat(nat_gateway(), "1", "2", "3"), Status.FAIL),
        case(
            "Standard in zone 1, pools in zones 1,2 on one subnet",
            by_nat(
                nat_gateway(zones=["1"]),
                pools=[node_pool("a", availability_zones=("1",)), node_pool("b", availability_zones=("2",))],
            ),
            Status.FAIL,
        ),
        case(
            "three subnets, each pool and its Standard gateway in the same single zone",
            zonal("1", "2", "3"),
            Status.PASS,
            subject="ng-2",
        ),
        case("Standard, no pool has zones", by_nat(nat_gateway()), Status.NOT_APPLICABLE),
        case(
            "managed NAT gateway in the node resource group, sku Standard, three zones",
            managed("1", "2", "3"),
            Status.FAIL,
        ),
        case(
            "the gateways of three zones all stand in one",
            zonal("1", "2", "3", in_zone="1"),
            Status.FAIL,
            subject="ng-2",
        ),
        case(
            "hosted system, whose zones nothing tells",
            by_nat(nat_gateway(zones=["1"]), "1", hosted_system_profile=hosted_system("nodes", "nodes")),
            Status.NOT_ASSESSED,
        ),
        case(
            "NAP, whose nodes may stand in any zone",
            by_nat(nat_gateway(zones=["1"]), "1", **AUTO),
            Status.NOT_ASSESSED,
        ),
        case("one zone only", by_nat(nat_gateway(zones=["1"]), "1"), Status.NOT_APPLICABLE),
        case("managed, StandardV2", managed("1", "2", sku="StandardV2"), Status.NOT_APPLICABLE),
        case("managedNATGatewayV2", managed("1", "2", outbound="managedNATGatewayV2"), Status.FAIL),
        case(
            "a gateway that serves the whole network",
            [
                *by_nat(nat_gateway(source=NETWORK), "1", "2")[:1],
                virtual_network(subnet(routed=False)),
                nat_gateway(source=NETWORK),
            ],
            Status.FAIL,
        ),
        case(
            "userAssignedNATGateway without a gateway",
            [by_nat(nat_gateway())[0], virtual_network(subnet(routed=False))],
            Status.NOT_APPLICABLE,
        ),
        case("nodes leave through a firewall", [cluster()], Status.NOT_APPLICABLE),
        case(
            "NAT gateways unreadable",
            by_nat(nat_gateway(), "1", "2"),
            Status.NOT_ASSESSED,
            unreadable=[Need.NAT_GATEWAYS],
        ),
        case(
            "managed, NAT gateways unreadable", managed("1", "2"), Status.NOT_ASSESSED, unreadable=[Need.NAT_GATEWAYS]
        ),
        case("subnets unreadable", by_nat(nat_gateway(), "1", "2"), Status.NOT_ASSESSED, unreadable=[Need.SUBNETS]),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_outbound_survives_a_zone(world, expected):
    assert evaluate(outbound_survives_a_zone, world).status is expected


def test_a_gateway_that_two_clusters_share_is_judged_once():
    gateway = nat_gateway()
    world = inventory(
        *by_nat(gateway, "1", "2"),
        cluster(
            "b",
            pools=[node_pool(availability_zones=("3",))],
            network={"outbound_type": Token("userAssignedNATGateway")},
        ),
    )
    (finding,) = evaluate(outbound_survives_a_zone, world).findings
    assert finding.evidence["pools"] == ["aks/system: 1, 2", "b/system: 3"]
    assert finding.message == (
        "Standard NAT gateway ng stands in a zone that Azure chose, and nodes in zones 1, 2, 3 leave by it"
    )
    assert GROUP in str(finding.evidence["natGateway"])


def test_the_message_names_the_zones_behind_the_gateway_itself():
    found = evaluate_all(outbound_survives_a_zone, inventory(*zonal("1", "2", in_zone="1")))
    assert found["nat_gateway/ng-2"].findings[0].message == (
        "Standard NAT gateway ng-2 stands in zone 1, and nodes in zone 2 leave by it"
    )


def by_load_balancer(*pools, ports=0, ips=1, effective=(), **fields):
    """A cluster that leaves through its load balancer."""
    profile = LoadBalancerProfile(
        managed_outbound_ips=ManagedOutboundIps(count=ips),
        allocated_outbound_ports=ports,
        effective_outbound_ips=references(*(one.id for one in effective)),
    )
    network = {"outbound_type": Token("loadBalancer"), "load_balancer_profile": profile}
    return [cluster(network=network, pools=pools, **fields), virtual_network(subnet(routed=False)), *effective]


def grows(most, surge="", **fields):
    """A pool that autoscales to so many nodes."""
    settings = UpgradeSettings(max_surge=surge)
    return node_pool(enable_auto_scaling=True, min_count=1, max_count=most, upgrade_settings=settings, **fields)


def fixed(nodes):
    """A pool of so many nodes that an upgrade adds none to."""
    return node_pool(count=nodes, upgrade_settings=UpgradeSettings(max_surge="0"))


def gateway_for(nodes, *public):
    """A NAT gateway, with one address unless others are given, for a pool of so many nodes."""
    public = public or (public_ip("pip", "203.0.113.30"),)
    return [*by_nat(nat_gateway("ng", *public), pools=[fixed(nodes)]), *public]


def firewall_for(nodes, *, nat=None, addresses=1, firewall_fields=None):
    """A cluster of so many nodes behind a firewall."""
    public = [public_ip(f"fw-{n}", f"203.0.113.{n}") for n in range(addresses)]
    return [
        cluster(pools=[fixed(nodes)]),
        virtual_network(peerings=[peering()]),
        route_table(),
        hub(nat=nat.id if nat else ""),
        firewall(*public, **(firewall_fields or {})),
        *public,
        *([nat, public_ip("pip", "203.0.113.30")] if nat else []),
    ]


PREFIX = public_prefix("prefix", "198.51.100.0/29")
HUB_ADDRESSES = HubIpAddresses(public_ips=HubPublicAddresses(addresses=(HubPublicAddress(address="203.0.113.77"),)))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "autoscaler maximum 40, maxSurge absent (4), ports 0, 1 IP",
            by_load_balancer(grows(40)),
            Status.PASS,
        ),
        case("maximum 48, surge 5 -> N 53", by_load_balancer(grows(48, "5")), Status.FAIL),
        case(
            "ports 4000, 7 IPs, maximum 100, maxSurge 2",
            by_load_balancer(grows(100, "2"), ports=4000, ips=7),
            Status.PASS,
        ),
        case(
            "ports 4000, 7 IPs, maximum 112, maxSurge 2",
            by_load_balancer(grows(112, "2"), ports=4000, ips=7),
            Status.FAIL,
        ),
        case("ports 512, 2 IPs, 10 nodes", by_load_balancer(fixed(10), ports=512, ips=2), Status.FAIL),
        case("NAT gateway with 1 address, N 250", gateway_for(250), Status.PASS),
        case("NAT gateway with 1 address, N 300", gateway_for(300), Status.FAIL),
        case("firewall with 1 address, N 12", firewall_for(12), Status.PASS),
        case("firewall with 1 address, N 24", firewall_for(24), Status.FAIL),
        case(
            "firewall with 1 address and a NAT gateway on its subnet, N 24",
            firewall_for(24, nat=nat_gateway("ng", public_ip("pip", "203.0.113.30"))),
            Status.PASS,
        ),
        case(
            "outbound none without route",
            [cluster(network={"outbound_type": Token("none")}), virtual_network(subnet(routed=False))],
            Status.NOT_APPLICABLE,
        ),
        case(
            "NAP, nap_max_nodes 40, node classes unreadable",
            by_load_balancer(fixed(3), **AUTO),
            Status.NOT_ASSESSED,
            parameters={"nap_max_nodes": 40},
            unreadable=[Need.AKS_NODE_CLASSES],
        ),
        case("NAP, nap_max_nodes null", by_load_balancer(fixed(3), **AUTO), Status.NOT_ASSESSED),
        case(
            "hosted system, no pool",
            by_load_balancer(hosted_system_profile=hosted_system("nodes", "nodes"), **AUTO),
            Status.NOT_ASSESSED,
        ),
        case(
            "hosted system, no pool, too many nodes by nap_max_nodes",
            by_load_balancer(hosted_system_profile=hosted_system("nodes", "nodes"), **AUTO),
            Status.FAIL,
            parameters={"nap_max_nodes": 51},
        ),
        case(
            "NAP, nap_max_nodes 40", by_load_balancer(fixed(3), **AUTO), Status.PASS, parameters={"nap_max_nodes": 40}
        ),
        case(
            "NAP, nap_max_nodes 48", by_load_balancer(fixed(3), **AUTO), Status.FAIL, parameters={"nap_max_nodes": 48}
        ),
        case(
            "outbound loadBalancer, NAT gateways on all node subnets, 51 nodes",
            [*by_load_balancer(fixed(51))[:1], *gateway_for(51)[1:]],
            Status.PASS,
        ),
        case(
            "outbound loadBalancer, NAT gateways on all node subnets, too many nodes for one address",
            [*by_load_balancer(fixed(300), ports=8000, ips=40)[:1], *gateway_for(300)[1:]],
            Status.FAIL,
        ),
        case(
            "outbound loadBalancer, a NAT gateway on one of two node subnets",
            [
                *by_load_balancer(fixed(51), node_pool("b", vnet_subnet_id=ArmId(f"{NETWORK}/subnets/b")))[:1],
                virtual_network(
                    subnet(routed=False, nat_gateway=references(nat_gateway().id)[0]),
                    subnet("b", "10.0.8.0/24", routed=False),
                ),
                nat_gateway(),
            ],
            Status.FAIL,
        ),
        # boundaries
        case("exactly 50 nodes", by_load_balancer(fixed(50)), Status.PASS),
        case("one node above 50", by_load_balancer(fixed(51)), Status.FAIL),
        case("exactly as many ports as there are", by_load_balancer(fixed(112), ports=4000, ips=7), Status.PASS),
        case("one node more than the ports suffice for", by_load_balancer(fixed(113), ports=4000, ips=7), Status.FAIL),
        case("exactly 252 shared ports", gateway_for(252), Status.PASS),
        case("253 nodes share an address", gateway_for(253), Status.FAIL),
        case(
            "more than 1000 nodes without an allocation",
            by_load_balancer(fixed(1001)),
            Status.NOT_ASSESSED,
            parameters={"min_ports_per_node": 16},
        ),
        case(
            "Spot pools have no surge", by_load_balancer(grows(50, "5", scale_set_priority=Token("Spot"))), Status.PASS
        ),
        # addresses
        case(
            "a prefix of eight addresses on the load balancer",
            by_load_balancer(fixed(112), ports=4000, effective=[PREFIX]),
            Status.PASS,
        ),
        case(
            "addresses win over the wished number",
            by_load_balancer(fixed(112), ports=4000, ips=7, effective=[public_ip("a", "203.0.113.1")]),
            Status.FAIL,
        ),
        case("a prefix of eight addresses on the NAT gateway", gateway_for(2016, PREFIX), Status.PASS),
        case("a NAT gateway without address", [*gateway_for(1)[:2], nat_gateway()], Status.FAIL),
        case("two addresses of the firewall", firewall_for(24, addresses=2), Status.PASS),
        case(
            "a firewall in a virtual hub",
            firewall_for(24, firewall_fields={"hub_ip_addresses": HUB_ADDRESSES}),
            Status.PASS,
        ),
        case("each zone by a gateway of its own, none with an address", zonal("1", "2"), Status.FAIL),
        # what is not known
        case(
            "no NAT gateway on the subnet",
            [*gateway_for(3)[:1], virtual_network(subnet(routed=False))],
            Status.NOT_ASSESSED,
        ),
        case(
            "a third-party appliance",
            [cluster(), virtual_network(peerings=[peering()]), route_table(), hub(held_by="")],
            Status.NOT_ASSESSED,
        ),
        case("NAT gateways unreadable", gateway_for(3), Status.NOT_ASSESSED, unreadable=[Need.NAT_GATEWAYS]),
        case("firewalls unreadable", firewall_for(12), Status.NOT_ASSESSED, unreadable=[Need.AZURE_FIREWALLS]),
        case(
            "addresses of the firewall unreadable",
            firewall_for(12),
            Status.NOT_ASSESSED,
            unreadable=[Need.PUBLIC_IP_ADDRESSES],
        ),
        case("prefixes unreadable", gateway_for(3, PREFIX), Status.NOT_ASSESSED, unreadable=[Need.PUBLIC_IP_PREFIXES]),
        case("route tables unreadable", firewall_for(12), Status.NOT_ASSESSED, unreadable=[Need.ROUTE_TABLES]),
        case("networks unreadable", firewall_for(12), Status.NOT_ASSESSED, unreadable=[Need.VIRTUAL_NETWORKS]),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_snat_ports_suffice(world, expected):
    assert evaluate(snat_ports_suffice, world).status is expected


def test_what_would_suffice_is_said():
    (finding,) = evaluate(snat_ports_suffice, inventory(*gateway_for(300))).findings
    assert finding.message == "NAT gateway ng has 215 ports for each of 300 nodes, 256 are wanted"
    assert finding.evidence["publicIPsThatSuffice"] == 2
    assert "idleTimeoutInMinutes" not in finding.evidence
    (finding,) = evaluate(snat_ports_suffice, inventory(*by_load_balancer(fixed(113), ports=4000, ips=7))).findings
    assert finding.message == "113 nodes of 4000 ports need 452000, 7 addresses have 448000"
    assert finding.fill == {"ips": "8", "ports_multiple_of_8": "4000"}


def test_the_fix_counts_no_addresses_of_aks_for_a_load_balancer_with_addresses_of_the_customer():
    own = public_ip("own", "203.0.113.1")
    profile = LoadBalancerProfile(
        outbound_ips=OutboundIps(public_ips=references(own.id)), effective_outbound_ips=references(own.id)
    )
    network = {"outbound_type": Token("loadBalancer"), "load_balancer_profile": profile}
    world = inventory(cluster(network=network, pools=[fixed(51)]), virtual_network(subnet(routed=False)), own)
    (finding,) = evaluate(snat_ports_suffice, world).findings
    assert finding.fill["ips"] == ""
