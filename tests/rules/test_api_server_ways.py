"""How the nodes reach the API server, and where it stands."""

import pytest
from akscan.model.azure import Delegation, DelegationProperties, Encryption, NatGatewayProfile, SubnetUsage
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    NETWORK,
    case,
    cluster,
    evaluate,
    firewall,
    hub,
    inventory,
    nat_gateway,
    node_pool,
    peering,
    public_ip,
    public_prefix,
    references,
    route,
    route_table,
    subnet,
    virtual_network,
)
from akscan_rules.api_server import api_server_admits_the_nodes, api_server_subnet_has_room

PREFIX = public_prefix("prefix", "198.51.100.0/28")
OFFICE = "192.0.2.0/24"
UNROUTED = virtual_network(subnet(routed=False))


def public(*ranges, outbound="userDefinedRouting", pools=None, network=None, **api_server):
    """A public cluster with authorized ranges."""
    return cluster(
        pools=pools,
        api_server={"enable_private_cluster": False, "authorized_ip_ranges": ranges, **api_server},
        network={"outbound_type": Token(outbound), **(network or {})},
    )


def behind(*addresses, nat=None):
    """The firewall of the hub with these public addresses."""
    own = [public_ip(f"fw-{place}", address) for place, address in enumerate(addresses)]
    return [
        virtual_network(peerings=[peering()]),
        route_table(),
        hub(nat=nat.id if nat else ""),
        firewall(*own),
        *own,
        *([nat] if nat else []),
    ]


def by_nat(*addresses):
    """A NAT gateway on the node subnet."""
    gateway = nat_gateway("ng", *addresses)
    return [virtual_network(subnet(routed=False, nat_gateway=references(gateway.id)[0])), gateway, *addresses]


MANAGED_IP = public_ip("managed", "203.0.113.60")
MANAGED = {
    "outbound": "managedNATGateway",
    "pools": [node_pool(vnet_subnet_id=ArmId())],
    "network": {"nat_gateway_profile": NatGatewayProfile(effective_outbound_ips=references(MANAGED_IP.id))},
}
NAT = public_ip("nat", "203.0.113.30")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "outbound userDefinedRouting, firewall address 203.0.113.10, ranges [203.0.113.10/32]",
            [public("203.0.113.10/32"), *behind("203.0.113.10")],
            Status.PASS,
        ),
        case(
            "outbound userDefinedRouting, firewall with two addresses, ranges hold one",
            [public("203.0.113.10/32"), *behind("203.0.113.10", "203.0.113.11")],
            Status.FAIL,
        ),
        case(
            "outbound loadBalancer but node subnet routes 0.0.0.0/0 to a firewall that is not in the ranges",
            [public(OFFICE, outbound="loadBalancer"), *behind("203.0.113.10")],
            Status.FAIL,
        ),
        case(
            "outbound loadBalancer, no route table, no natGateway",
            [public(OFFICE, outbound="loadBalancer"), UNROUTED],
            Status.NOT_APPLICABLE,
        ),
        case(
            "outbound loadBalancer, node subnet with a NAT gateway whose address is not in the ranges",
            [public(OFFICE, outbound="loadBalancer"), *by_nat(NAT)],
            Status.FAIL,
        ),
        case(
            "ranges [0.0.0.0/32], firewall address 203.0.113.10",
            [public("0.0.0.0/32"), *behind("203.0.113.10")],
            Status.FAIL,
        ),
        case(
            "userAssignedNATGateway with prefix 198.51.100.0/28, ranges [198.51.100.0/28]",
            [public("198.51.100.0/28", outbound="userAssignedNATGateway"), *by_nat(PREFIX)],
            Status.PASS,
        ),
        case(
            "userAssignedNATGateway with prefix 198.51.100.0/28, ranges [198.51.100.0/29]",
            [public("198.51.100.0/29", outbound="userAssignedNATGateway"), *by_nat(PREFIX)],
            Status.FAIL,
        ),
        case(
            "pool with enableNodePublicIP and no nodePublicIPPrefixID",
            [public(OFFICE, outbound="loadBalancer", pools=[node_pool(enable_node_public_ip=True)]), UNROUTED],
            Status.FAIL,
        ),
        case(
            "managedNATGateway on an AKS-managed network, its effective outbound address not in the ranges",
            [public(OFFICE, **MANAGED), MANAGED_IP],
            Status.FAIL,
        ),
        case(
            "managedNATGateway, its effective outbound address in the ranges",
            [public("203.0.113.0/24", **MANAGED), MANAGED_IP],
            Status.PASS,
        ),
        case(
            "managedNATGateway that names no effective outbound address",
            [public(OFFICE, outbound="managedNATGateway", pools=[node_pool(vnet_subnet_id=ArmId())])],
            Status.NOT_ASSESSED,
        ),
        case("ranges [AzureCloud]", [public("AzureCloud"), *behind("203.0.113.10")], Status.PASS),
        case("a regional form of it", [public("AzureCloud.westeurope"), *behind("203.0.113.10")], Status.PASS),
        case("next hop belongs to no readable Azure Firewall", [public(OFFICE), *behind()[:3]], Status.NOT_ASSESSED),
        case("vnet_integrated", [public(OFFICE, enable_vnet_integration=True)], Status.NOT_APPLICABLE),
        case("private", [cluster()], Status.NOT_APPLICABLE),
        case("no ranges", [public(), *behind("203.0.113.10")], Status.NOT_APPLICABLE),
        case(
            "a pool with a prefix that is in the ranges",
            [
                public(
                    "198.51.100.0/24",
                    outbound="loadBalancer",
                    pools=[node_pool(enable_node_public_ip=True, node_public_ip_prefix_id=PREFIX.id)],
                ),
                UNROUTED,
                PREFIX,
            ],
            Status.PASS,
        ),
        case(
            "a pool with a prefix that is not",
            [
                public(
                    OFFICE,
                    outbound="loadBalancer",
                    pools=[node_pool(enable_node_public_ip=True, node_public_ip_prefix_id=PREFIX.id)],
                ),
                UNROUTED,
                PREFIX,
            ],
            Status.FAIL,
        ),
        case(
            "a NAT gateway on the firewall's subnet replaces the firewall's addresses",
            [public("203.0.113.30/32"), *behind("203.0.113.10", nat=nat_gateway("ng", NAT)), NAT],
            Status.PASS,
        ),
        case(
            "leaves through a gateway that nobody sees",
            [public(OFFICE), virtual_network(), route_table(route(hop="VirtualNetworkGateway", address=""))],
            Status.NOT_ASSESSED,
        ),
        case(
            "outbound loadBalancer, but the default route leads through a gateway that nobody sees",
            [
                public(OFFICE, outbound="loadBalancer"),
                virtual_network(),
                route_table(route(hop="VirtualNetworkGateway", address="")),
            ],
            Status.NOT_ASSESSED,
        ),
        case(
            "outbound loadBalancer, default route to the Internet",
            [
                public(OFFICE, outbound="loadBalancer"),
                virtual_network(),
                route_table(route(hop="Internet", address="")),
            ],
            Status.NOT_APPLICABLE,
        ),
        case("outbound none", [public(OFFICE, outbound="none"), UNROUTED], Status.NOT_APPLICABLE),
        case(
            "addresses unreadable",
            [public(OFFICE), *behind("203.0.113.10")],
            Status.NOT_ASSESSED,
            unreadable=[Need.PUBLIC_IP_ADDRESSES],
        ),
        case(
            "prefixes unreadable",
            [public(OFFICE, outbound="userAssignedNATGateway"), *by_nat(PREFIX)],
            Status.NOT_ASSESSED,
            unreadable=[Need.PUBLIC_IP_PREFIXES],
        ),
        case(
            "prefixes unreadable, an address is kept out",
            [public(OFFICE, outbound="userAssignedNATGateway"), *by_nat(NAT, PREFIX)],
            Status.FAIL,
            unreadable=[Need.PUBLIC_IP_PREFIXES],
        ),
        case(
            "firewalls unreadable, a pool without prefix",
            [public(OFFICE, outbound="loadBalancer", pools=[node_pool(enable_node_public_ip=True)]), UNROUTED],
            Status.FAIL,
            unreadable=[Need.AZURE_FIREWALLS],
        ),
        case(
            "a pool without prefix behind a firewall that is in the ranges",
            [public("203.0.113.10/32", pools=[node_pool(enable_node_public_ip=True)]), *behind("203.0.113.10")],
            Status.PASS,
        ),
        case(
            "a pool without prefix behind a firewall that is not readable",
            [public(OFFICE, pools=[node_pool(enable_node_public_ip=True)]), *behind("203.0.113.10")],
            Status.NOT_ASSESSED,
            unreadable=[Need.AZURE_FIREWALLS],
        ),
        case(
            "a pool with a prefix that is not in the ranges, behind a firewall that is",
            [
                public(
                    "203.0.113.10/32",
                    pools=[node_pool(enable_node_public_ip=True, node_public_ip_prefix_id=PREFIX.id)],
                ),
                *behind("203.0.113.10"),
                PREFIX,
            ],
            Status.PASS,
        ),
        case(
            "a pool without prefix, with a NAT gateway that is in the ranges on its subnet",
            [
                public("203.0.113.30", outbound="loadBalancer", pools=[node_pool(enable_node_public_ip=True)]),
                *by_nat(NAT),
            ],
            Status.PASS,
        ),
        case(
            "a pool without prefix behind the NAT gateway of AKS",
            [
                public(
                    "203.0.113.0/24",
                    **{**MANAGED, "pools": [node_pool(vnet_subnet_id=ArmId(), enable_node_public_ip=True)]},
                ),
                MANAGED_IP,
            ],
            Status.PASS,
        ),
        case(
            "a pool without prefix on the network of AKS",
            [
                public(
                    OFFICE,
                    outbound="loadBalancer",
                    pools=[node_pool(vnet_subnet_id=ArmId(), enable_node_public_ip=True)],
                )
            ],
            Status.FAIL,
        ),
        case(
            "a pool without prefix, default route to the Internet",
            [
                public(OFFICE, outbound="loadBalancer", pools=[node_pool(enable_node_public_ip=True)]),
                virtual_network(),
                route_table(route(hop="Internet", address="")),
            ],
            Status.FAIL,
        ),
        case(
            "a pool without prefix, route tables unreadable",
            [
                public(OFFICE, outbound="loadBalancer", pools=[node_pool(enable_node_public_ip=True)]),
                virtual_network(),
                route_table(),
            ],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROUTE_TABLES],
        ),
        case(
            "NAT gateways unreadable",
            [public(OFFICE, outbound="loadBalancer"), UNROUTED],
            Status.NOT_ASSESSED,
            unreadable=[Need.NAT_GATEWAYS],
        ),
        case("route tables unreadable", [public(OFFICE)], Status.NOT_ASSESSED, unreadable=[Need.ROUTE_TABLES]),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_api_server_admits_the_nodes(world, expected):
    assert evaluate(api_server_admits_the_nodes, world).status is expected


def test_what_is_kept_out_is_named_and_fills_the_fix():
    world = inventory(public("203.0.113.10/32", "0.0.0.0/32"), *behind("203.0.113.10", "203.0.113.11"))
    (finding,) = evaluate(api_server_admits_the_nodes, world).findings
    assert finding.message == "203.0.113.11 of firewall fw is in no authorized range"
    assert finding.fill == {"existing_ranges": "203.0.113.10/32", "missing_addresses": "203.0.113.11"}


AKS = Delegation(properties=DelegationProperties(service_name=Token("Microsoft.ContainerService/managedClusters")))
API_SUBNET = ArmId(f"{NETWORK}/subnets/apiserver")


def integrated(prefix="10.0.7.0/28", *, clusters=1, delegations=(AKS,), used=3, limit=11, encrypted=False, pools=None):
    """Clusters whose API servers stand in one subnet."""
    names = [f"aks-{number}" for number in range(clusters)]
    own = subnet("apiserver", prefix, routed=False, delegations=delegations)
    return [
        *(
            cluster(n, api_server={"enable_vnet_integration": True, "subnet_id": API_SUBNET}, pools=pools)
            for n in names
        ),
        virtual_network(subnet(), own, encryption=Encryption(enabled=encrypted)),
        route_table(),
        SubnetUsage(id=API_SUBNET, current_value=used, limit=limit),
    ]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("/28, delegated, one cluster", integrated(), Status.PASS),
        case("/28, delegated, two clusters", integrated(clusters=2), Status.FAIL),
        case("/27, three clusters", integrated("10.0.7.0/27", clusters=3, limit=27), Status.PASS),
        case("/27, four clusters", integrated("10.0.7.0/27", clusters=4, limit=27), Status.FAIL),
        case("/29", integrated("10.0.7.0/29"), Status.FAIL),
        case("no delegation", integrated(delegations=()), Status.FAIL),
        case(
            "delegated to another service",
            integrated(
                delegations=(Delegation(properties=DelegationProperties(service_name=Token("Microsoft.Web/x"))),)
            ),
            Status.FAIL,
        ),
        case("usages limit 11, currentValue 10", integrated(used=10), Status.FAIL),
        case("usages limit 11, currentValue 9", integrated(used=9), Status.PASS),
        case("one address is enough", integrated(used=10), Status.PASS, parameters={"min_free": 1}),
        # a full subnet would fail, so that nobody knows is no pass
        case(
            "usages unreadable, everything else sound",
            integrated(),
            Status.NOT_ASSESSED,
            unreadable=[Need.SUBNET_USAGES],
        ),
        case("usages unreadable, /29", integrated("10.0.7.0/29"), Status.FAIL, unreadable=[Need.SUBNET_USAGES]),
        case("usages without the subnet", integrated()[:-1], Status.NOT_ASSESSED),
        case("virtual network encryption enabled", integrated(encrypted=True), Status.FAIL),
        case("a pool in the same subnet", integrated(pools=[node_pool(vnet_subnet_id=API_SUBNET)]), Status.FAIL),
        case("pods in the same subnet", integrated(pools=[node_pool(pod_subnet_id=API_SUBNET)]), Status.FAIL),
        case("enableVnetIntegration absent", [cluster()], Status.NOT_APPLICABLE),
        case("AKS owns the subnet", [cluster(api_server={"enable_vnet_integration": True})], Status.NOT_APPLICABLE),
        case("networks unreadable", integrated(), Status.NOT_ASSESSED, unreadable=[Need.VIRTUAL_NETWORKS]),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_api_server_subnet_has_room(world, expected):
    assert evaluate(api_server_subnet_has_room, world).status is expected


def test_every_fault_is_named():
    (finding,) = evaluate(
        api_server_subnet_has_room, inventory(*integrated(clusters=2, delegations=(), used=10))
    ).findings
    assert finding.message == (
        "(a) it is not delegated to AKS; (c) 2 clusters take 18 addresses, it has 11; (d) 1 address is free"
    )
    assert finding.evidence["clusters"] == ["aks-0", "aks-1"]


def test_one_cluster_is_named_as_one():
    (finding,) = evaluate(api_server_subnet_has_room, inventory(*integrated("10.0.7.0/29", used=11))).findings
    assert finding.message == (
        "(b) longer than /28: 10.0.7.0/29; (c) 1 cluster takes 9 addresses, it has 3; (d) 0 addresses are free"
    )
