"""Whether every subnet has its way out."""

import pytest
from akscan.model.azure import AddressSpace, NextHop, NodeProvisioningProfile, Route, RouteProperties
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    GROUP,
    NETWORK,
    case,
    cluster,
    connected_hub,
    evaluate,
    firewall,
    hosted_system,
    hub,
    inventory,
    nat_gateway,
    node_class,
    node_pool,
    peering,
    public_ip,
    references,
    route,
    route_table,
    subnet,
    virtual_network,
)
from akscan_rules.egress.paths import subnets_have_their_way_out


def leaves(outbound="loadBalancer", **fields):
    """A cluster with an outbound type."""
    return cluster(network={"outbound_type": Token(outbound), **fields.pop("network", {})}, **fields)


GATEWAY_SUBNET = subnet("GatewaySubnet", "10.0.9.0/24", ip_configurations=references("/x"))
UDR = leaves("userDefinedRouting")
NAT = leaves("userAssignedNATGateway")
BARE = subnet(routed=False)
PEERED = {"peerings": [peering()]}
PUBLIC = public_ip("pip", "203.0.113.30")
ELSEWHERE = peering(
    "to-elsewhere",
    remote=NETWORK.replace("0001/", "0000/"),
    remote_address_space=AddressSpace(address_prefixes=("10.7.0.0/24",)),
)


def behind(*subnets, table=None, peerings=None):
    """The network of the cluster with the hub behind a peering, and the firewall in it."""
    return [
        virtual_network(*subnets, peerings=[peering()] if peerings is None else peerings),
        table or route_table(),
        hub(),
        firewall(),
    ]


def pods_apart(hop="", outbound="loadBalancer"):
    """Nodes that leave through the firewall, pods in a subnet of their own with another route table or none."""
    table = f"{GROUP}/providers/Microsoft.Network/routeTables/rt-pods"
    own = route_table(route(hop=hop, address="")) if hop else None
    pods = subnet("pods", "10.0.4.0/22", routed=False, **({"route_table": references(table)[0]} if hop else {}))
    pool = node_pool(pod_subnet_id=ArmId(f"{NETWORK}/subnets/pods"))
    tables = [type(own)(id=ArmId(table), name="rt-pods", properties=own.properties)] if own else []
    return [leaves(outbound, pools=[pool]), *behind(subnet(), pods), *tables]


def second_pool(**fields):
    """Two pools, the second in a subnet without route table."""
    pools = [node_pool(), node_pool("user", vnet_subnet_id=ArmId(f"{NETWORK}/subnets/user"))]
    return [
        leaves("userDefinedRouting", pools=pools),
        *behind(subnet(), subnet("user", "10.0.1.0/24", routed=False, **fields)),
    ]


BESIDE = node_class("beside", f"{NETWORK}/subnets/beside")


def auto(*classes):
    """A cluster with node auto-provisioning, its subnet routed, another one not."""
    profile = NodeProvisioningProfile(mode=Token("Auto"))
    own = leaves("userDefinedRouting", node_provisioning_profile=profile)
    return [own, *behind(subnet(), subnet("beside", "10.0.1.0/24", routed=False)), *classes]


def with_gateway(gateway):
    return virtual_network(subnet(routed=False, nat_gateway=references(gateway.id)[0]))


ECMP = Route(
    name="default",
    properties=RouteProperties(
        address_prefix="0.0.0.0/0",
        next_hop_type=Token("VirtualApplianceEcmp"),
        next_hop=NextHop(next_hop_ip_addresses=("10.1.0.4", "10.9.0.4")),
    ),
)
SYSTEM_TABLE = f"{GROUP.replace('rg-test', 'MC_rg-test_aks_westeurope')}/providers/Microsoft.Network/routeTables/aks"


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "userDefinedRouting, 0.0.0.0/0 VirtualAppliance in the peered hub, peering Connected",
            [UDR, *behind()],
            Status.PASS,
        ),
        case(
            "userDefinedRouting, second pool's subnet without route table", second_pool(), Status.FAIL, subject="user"
        ),
        case(
            "hosted system, the subnet of components without route table",
            [
                leaves("userDefinedRouting", pools=[], hosted_system_profile=hosted_system()),
                *behind(subnet(), subnet("system", "10.0.1.0/26", routed=False)),
            ],
            Status.FAIL,
            subject="system",
        ),
        case(
            "hosted system, the subnet of workloads",
            [
                leaves("userDefinedRouting", pools=[], hosted_system_profile=hosted_system()),
                *behind(subnet(), subnet("system", "10.0.1.0/26", routed=False)),
            ],
            Status.PASS,
            subject="nodes",
        ),
        case("NAP, a node class in a subnet without route table", auto(BESIDE), Status.FAIL, subject="beside"),
        case("NAP, the subnet of the pool", auto(BESIDE), Status.PASS, subject="nodes"),
        case(
            "NAP, node classes unreadable",
            auto(),
            Status.NOT_ASSESSED,
            subject="aks",
            unreadable=[Need.AKS_NODE_CLASSES],
        ),
        case(
            "hosted system in subnets of AKS",
            [leaves("userDefinedRouting", pools=[], hosted_system_profile=hosted_system("", ""))],
            Status.NOT_APPLICABLE,
        ),
        case(
            "userDefinedRouting, 0.0.0.0/0 -> Internet",
            [UDR, *behind(table=route_table(route(hop="Internet")))],
            Status.FAIL,
        ),
        case(
            "userDefinedRouting, 0.0.0.0/0 -> None", [UDR, *behind(table=route_table(route(hop="None")))], Status.FAIL
        ),
        case(
            "userDefinedRouting, 0.0.0.0/0 -> VnetLocal",
            [UDR, *behind(table=route_table(route(hop="VnetLocal")))],
            Status.FAIL,
        ),
        case(
            "userDefinedRouting, 0.0.0.0/0 -> VirtualNetworkGateway",
            [UDR, *behind(table=route_table(route(hop="VirtualNetworkGateway", address="")))],
            Status.PASS,
        ),
        case(
            "pod subnet without the route table of the node subnet, outbound loadBalancer",
            pods_apart(),
            Status.FAIL,
            subject="pods",
        ),
        case(
            "the same pod subnet, cluster_vnet with a virtual network gateway",
            [
                pods_apart()[0],
                virtual_network(subnet(), subnet("pods", "10.0.4.0/22", routed=False), GATEWAY_SUBNET, **PEERED),
                *behind()[1:],
            ],
            Status.NOT_ASSESSED,
            subject="pods",
        ),
        case(
            "outbound loadBalancer, pod subnet 0.0.0.0/0 -> VirtualNetworkGateway, node subnet to a firewall",
            pods_apart("VirtualNetworkGateway"),
            Status.PASS,
            subject="pods",
        ),
        case(
            "pod subnet 0.0.0.0/0 -> Internet, node subnet to a firewall",
            pods_apart("Internet"),
            Status.FAIL,
            subject="pods",
        ),
        case("the node subnet of the same cluster", pods_apart(), Status.PASS, subject="nodes"),
        case("loadBalancer, no subnet is routed", [leaves(), virtual_network(BARE)], Status.PASS),
        case(
            "userAssignedNATGateway, no natGateway on the subnet, a gateway whose sourceVirtualNetwork is cluster_vnet",
            [NAT, virtual_network(BARE), nat_gateway("ng", PUBLIC, source=NETWORK.upper()), PUBLIC],
            Status.PASS,
        ),
        case(
            "next hop 10.0.1.4, hub peering Disconnected",
            [UDR, *behind(peerings=[peering(peering_state=Token("Disconnected"))])],
            Status.FAIL,
        ),
        case(
            "the peering lets no traffic through",
            [UDR, *behind(peerings=[peering(allow_virtual_network_access=False)])],
            Status.FAIL,
        ),
        case(
            "next hop in the cluster's own network",
            [UDR, virtual_network(address_space=AddressSpace(address_prefixes=("10.1.0.0/16",))), route_table()],
            Status.PASS,
        ),
        case(
            "userAssignedNATGateway, NAT gateway without public address",
            [NAT, with_gateway(nat_gateway()), nat_gateway()],
            Status.FAIL,
        ),
        case(
            "userAssignedNATGateway, NAT gateway with an address",
            [NAT, with_gateway(nat_gateway()), nat_gateway("ng", PUBLIC)],
            Status.PASS,
        ),
        case("userAssignedNATGateway, no gateway at all", [NAT, virtual_network(BARE)], Status.FAIL),
        case("userAssignedNATGateway, the gateway is gone", [NAT, with_gateway(nat_gateway())], Status.FAIL),
        case("userAssignedNATGateway, routed to the firewall", [NAT, *behind()], Status.PASS),
        case(
            "userDefinedRouting, no default route, virtual hub connection",
            [UDR, virtual_network(BARE), *connected_hub()],
            Status.NOT_ASSESSED,
        ),
        case("userDefinedRouting, no default route", [UDR, virtual_network(BARE)], Status.FAIL),
        case(
            "VirtualApplianceEcmp with one unreachable address of two",
            [UDR, *behind(table=route_table(ECMP))],
            Status.FAIL,
        ),
        case(
            "next hop in AzureFirewallSubnet that no firewall holds", [UDR, *behind()[:2], hub(held_by="")], Status.FAIL
        ),
        case(
            "VirtualApplianceEcmp whose addresses were not returned",
            [UDR, *behind(table=route_table(route(hop="VirtualApplianceEcmp", address="")))],
            Status.NOT_ASSESSED,
        ),
        case(
            "another network behind a peering is unreadable, the next hop lies in the hub",
            [UDR, *behind(peerings=[peering(), ELSEWHERE])],
            Status.PASS,
        ),
        case(
            "the next hop lies in a network that is unreadable",
            [UDR, *behind(table=route_table(route(address="10.7.0.4")), peerings=[peering(), ELSEWHERE])],
            Status.NOT_ASSESSED,
        ),
        case("the firewall in that subnet is gone", [UDR, *behind()[:3]], Status.FAIL),
        case(
            "the firewall in that subnet has another address",
            [UDR, *behind()[:3], firewall(address="10.1.0.5")],
            Status.FAIL,
        ),
        case(
            "the firewall failed to provision",
            [UDR, *behind()[:3], firewall(provisioning_state=Token("Failed"))],
            Status.FAIL,
        ),
        case(
            "cluster without vnetSubnetID",
            [leaves(pools=[node_pool(vnet_subnet_id=ArmId())])],
            Status.NOT_APPLICABLE,
            subject="aks",
        ),
        case("outbound none", [leaves("none"), virtual_network(BARE)], Status.NOT_APPLICABLE),
        case(
            "kubenet with the route table of AKS",
            [
                leaves(network={"network_plugin": Token("kubenet")}),
                virtual_network(subnet(route_table=references(SYSTEM_TABLE)[0])),
            ],
            Status.NOT_APPLICABLE,
        ),
        # what is not known
        case(
            "the peering does not say what lies behind it",
            [UDR, *behind(peerings=[peering(remote_address_space=AddressSpace())])],
            Status.NOT_ASSESSED,
        ),
        case("route tables unreadable", [UDR, *behind()], Status.NOT_ASSESSED, unreadable=[Need.ROUTE_TABLES]),
        case("networks unreadable", [UDR, *behind()], Status.NOT_ASSESSED, unreadable=[Need.VIRTUAL_NETWORKS]),
        case("firewalls unreadable", [UDR, *behind()], Status.NOT_ASSESSED, unreadable=[Need.AZURE_FIREWALLS]),
        case(
            "NAT gateways unreadable",
            [NAT, with_gateway(nat_gateway()), nat_gateway()],
            Status.NOT_ASSESSED,
            unreadable=[Need.NAT_GATEWAYS],
        ),
        case(
            "hubs unreadable, no default route",
            [UDR, virtual_network(BARE)],
            Status.NOT_ASSESSED,
            unreadable=[Need.VIRTUAL_HUBS],
        ),
        case(
            "firewalls unreadable, peering Disconnected",
            [UDR, *behind(peerings=[peering(peering_state=Token("Disconnected"))])],
            Status.FAIL,
            unreadable=[Need.AZURE_FIREWALLS],
        ),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS], subject="aks"),
    ],
)
def test_subnets_have_their_way_out(world, expected):
    assert evaluate(subnets_have_their_way_out, world).status is expected


def test_the_fault_is_named():
    (finding,) = evaluate(subnets_have_their_way_out, inventory(UDR, *behind(table=route_table(ECMP)))).findings
    assert finding.message == "(d) no network in reach of nodes holds 10.9.0.4"
    (finding,) = evaluate(subnets_have_their_way_out, inventory(UDR, *behind()[:2], hub(held_by=""))).findings
    assert finding.message == "(e) no firewall holds 10.1.0.4 in hub/AzureFirewallSubnet"
    assert finding.evidence["pools"] == ("aks/system: nodes",)


def test_what_node_classes_name_is_kept_for_rules_on_all_clusters():
    (own,) = inventory(*auto(BESIDE)).clusters
    assert own.residue().node_subnets == own.node_subnets
    assert own.residue().class_subnets == (BESIDE.spec.vnet_subnet_id,)
