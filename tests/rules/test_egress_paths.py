"""The ways out of a cluster."""

import msgspec
import pytest
from akscan.model.azure import (
    AdvancedNetworking,
    AdvancedNetworkingSecurity,
    HostedSystemProfile,
    HttpProxyConfig,
    NodeProvisioningProfile,
    Reference,
    RoutingIntent,
    RoutingIntentProperties,
    RoutingPolicy,
)
from akscan.model.kubernetes import (
    CiliumCidr,
    CiliumClusterwideNetworkPolicy,
    CiliumDefaultDeny,
    CiliumEgress,
    CiliumPolicySpec,
    CiliumPort,
    CiliumPorts,
)
from akscan.model.selectors import Expression, LabelSelector
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    NETWORK,
    ROUTE_TABLE,
    VIRTUAL_HUB,
    case,
    cluster,
    connected_hub,
    evaluate,
    hosted_system,
    inventory,
    named,
    node_class,
    node_pool,
    peering,
    route,
    route_table,
    subnet,
    virtual_network,
)
from akscan_rules.egress.paths import egress_is_filtered

ACNS = AdvancedNetworking(enabled=True, security=AdvancedNetworkingSecurity(enabled=True))
ACCEPT = {"accept_fqdn_policies": True}
BARE = virtual_network(subnet(routed=False))
GATEWAY = virtual_network(
    subnet(routed=False), subnet("GatewaySubnet", "10.0.9.0/24", ip_configurations=(Reference(id=ArmId("/x")),))
)


def leaves(outbound="loadBalancer", **fields):
    """A cluster with an outbound type."""
    return cluster(network={"outbound_type": Token(outbound), **fields.pop("network", {})}, **fields)


def two_subnets(second):
    """A cluster with a pool in the routed subnet and one in ``second``, and their network."""
    pools = [node_pool(), node_pool("user", vnet_subnet_id=second.id)]
    return [leaves(pools=pools), virtual_network(subnet(), second), route_table()]


def hosting(*subnets):
    """A cluster without pools whose nodes stand in two of these subnets."""
    own = leaves(pools=[], hosted_system_profile=hosted_system())
    return [own, virtual_network(*subnets or [subnet("other")]), route_table()]


IN_NODE_GROUP = HostedSystemProfile(
    enabled=True,
    node_subnet_id=ArmId(f"{NETWORK.replace('rg-test', 'MC_rg-test_aks_westeurope')}/subnets/nodes"),
    system_node_subnet_id=ArmId(f"{NETWORK.replace('rg-test', 'MC_rg-test_aks_westeurope')}/subnets/system"),
)


BESIDE = node_class("beside", f"{NETWORK}/subnets/beside")


def auto(*classes):
    """A cluster with node auto-provisioning in a routed subnet, beside one without a route."""
    own = leaves(node_provisioning_profile=NodeProvisioningProfile(mode=Token("Auto")))
    return [own, virtual_network(subnet(), subnet("beside", "10.0.1.0/24", routed=False)), route_table(), *classes]


def halved(*others, first="10.1.0.4", second="10.1.0.4"):
    """A route table with a route for each half of all addresses: to an appliance, or to the Internet."""
    halves = {"0.0.0.0/1": first, "128.0.0.0/1": second}
    hops = (route(half, "VirtualAppliance" if hop else "Internet", hop) for half, hop in halves.items())
    return route_table(*others, *hops)


SOMETHING = (CiliumEgress(),)


def policy(*, keys=(), values=("kube-system",), labels=None, egress=SOMETHING, deny=None):
    """A clusterwide policy on all pods, the namespaces under ``keys`` aside."""
    expressions = tuple(Expression(key=key, operator="NotIn", values=values) for key in keys)
    return named(
        CiliumClusterwideNetworkPolicy,
        "egress",
        spec=CiliumPolicySpec(
            endpoint_selector=LabelSelector(match_labels=labels, match_expressions=expressions),
            egress=egress,
            enable_default_deny=CiliumDefaultDeny(egress=deny),
        ),
    )


def ports(*numbers):
    return (CiliumPorts(ports=tuple(CiliumPort(port=number) for number in numbers)),)


INTENT = RoutingIntent(
    id=ArmId(f"{VIRTUAL_HUB}/routingIntent/intent"),
    name="intent",
    properties=RoutingIntentProperties(
        routing_policies=(RoutingPolicy(name="internet", destinations=(Token("Internet"),)),)
    ),
)
FILTERED = leaves(network={"advanced_networking": ACNS})


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("outboundType absent, no route table", [leaves(), BARE], Status.FAIL),
        case("loadBalancer, every node subnet routes 0.0.0.0/0 to an appliance", [leaves()], Status.PASS),
        case(
            "loadBalancer, one of two node subnets has no route table",
            two_subnets(subnet("user", "10.0.1.0/24", routed=False)),
            Status.FAIL,
        ),
        case("managedNATGateway", [leaves("managedNATGateway"), BARE], Status.FAIL),
        case(
            "loadBalancer with httpProxyConfig only",
            [leaves(http_proxy_config=HttpProxyConfig()), BARE],
            Status.FAIL,
        ),
        case("userDefinedRouting", [leaves("userDefinedRouting"), BARE], Status.NOT_APPLICABLE),
        case("none", [leaves("none"), BARE], Status.NOT_APPLICABLE),
        case("no vnetSubnetID, loadBalancer", [leaves(pools=[node_pool(vnet_subnet_id=ArmId())])], Status.FAIL),
        case(
            "loadBalancer, no default route, peering with useRemoteGateways",
            [leaves(), virtual_network(subnet(routed=False), peerings=[peering(use_remote_gateways=True)])],
            Status.NOT_ASSESSED,
        ),
        case(
            "accept_fqdn_policies true, ACNS security on, clusterwide egress policy",
            [FILTERED, BARE, policy()],
            Status.PASS,
            parameters=ACCEPT,
        ),
        case("block", [leaves("block"), BARE], Status.NOT_APPLICABLE),
        case("an outbound type that akscan does not know", [leaves("wormhole"), BARE], Status.NOT_ASSESSED),
        case("managedNATGatewayV2", [leaves("managedNATGatewayV2"), BARE], Status.FAIL),
        case("userAssignedNATGateway, in another case", [leaves("UserAssignedNatGateway"), BARE], Status.FAIL),
        case(
            "a pool without vnetSubnetID beside one that is routed",
            [leaves(pools=[node_pool(), node_pool("x", vnet_subnet_id=ArmId())])],
            Status.FAIL,
        ),
        case(
            "the pod subnet has no route table",
            [
                leaves(
                    network={"network_plugin_mode": Token()},
                    pools=[node_pool(pod_subnet_id=ArmId(f"{NETWORK}/subnets/pods"))],
                ),
                virtual_network(subnet(), subnet("pods", "10.0.4.0/22", routed=False)),
                route_table(),
            ],
            Status.FAIL,
        ),
        # where the default route leads
        case(
            "default route to the Internet",
            [leaves(), virtual_network(), route_table(route(hop="Internet"))],
            Status.FAIL,
        ),
        case(
            "default route to a VPN gateway",
            [leaves(), virtual_network(), route_table(route(hop="VirtualNetworkGateway", address=""))],
            Status.PASS,
        ),
        case(
            "default route to several appliances",
            [leaves(), virtual_network(), route_table(route(hop="VirtualApplianceEcmp"))],
            Status.PASS,
        ),
        case(
            "a route table without a default route",
            [leaves(), virtual_network(), route_table(route("10.9.0.0/16"))],
            Status.FAIL,
        ),
        # system components on nodes of AKS
        case("hosted system, every subnet routed", hosting(subnet(), subnet("system", "10.0.1.0/26")), Status.PASS),
        case(
            "hosted system, the subnet of workloads not routed",
            hosting(subnet(routed=False), subnet("system", "10.0.1.0/26")),
            Status.FAIL,
        ),
        case(
            "hosted system, the subnet of components not routed",
            hosting(subnet(), subnet("system", "10.0.1.0/26", routed=False)),
            Status.FAIL,
        ),
        case("hosted system, subnets not read", hosting(), Status.NOT_ASSESSED),
        case(
            "hosted system in subnets of AKS beside a routed pool",
            [leaves(hosted_system_profile=hosted_system("", ""))],
            Status.FAIL,
        ),
        case(
            "hosted system in subnets of the node resource group",
            [leaves(pools=[], hosted_system_profile=IN_NODE_GROUP)],
            Status.FAIL,
        ),
        case(
            "hosted system that is off, subnets named all the same",
            [leaves(hosted_system_profile=msgspec.structs.replace(hosted_system("gone", "gone"), enabled=False))],
            Status.PASS,
        ),
        # subnets that node classes name
        case("NAP, every class in the cluster's subnet", auto(node_class()), Status.PASS),
        case("NAP, a class in a subnet without a route", auto(node_class(), BESIDE), Status.FAIL),
        case("the same class, NAP off", [leaves(), *auto(BESIDE)[1:]], Status.PASS),
        case("NAP, node classes unreadable", auto(), Status.NOT_ASSESSED, unreadable=[Need.AKS_NODE_CLASSES]),
        case(
            "NAP, node classes unreadable, the cluster's subnet unfiltered",
            [auto()[0], BARE],
            Status.FAIL,
            unreadable=[Need.AKS_NODE_CLASSES],
        ),
        case("NAP off, node classes unreadable", [leaves()], Status.PASS, unreadable=[Need.AKS_NODE_CLASSES]),
        # in two halves
        case("both halves to an appliance", [leaves(), virtual_network(), halved()], Status.PASS),
        case("both halves to appliances apart", [leaves(), virtual_network(), halved(second="10.1.0.5")], Status.PASS),
        case(
            "both halves to the Internet, past the appliance",
            [leaves(), virtual_network(), halved(route(), first="", second="")],
            Status.FAIL,
        ),
        case(
            "one half to the Internet, past the appliance",
            [leaves(), virtual_network(), route_table(route(), route("128.0.0.0/1", hop="Internet", address=""))],
            Status.FAIL,
        ),
        case(
            "one half to the Internet, one to an appliance",
            [leaves(), virtual_network(), halved(second="")],
            Status.FAIL,
        ),
        case(
            "one half to an appliance, the other has no route",
            [leaves(), virtual_network(), route_table(route("0.0.0.0/1"))],
            Status.FAIL,
        ),
        case(
            "both halves to an appliance, past a route to the Internet",
            [leaves(), virtual_network(), halved(route(hop="Internet", address=""))],
            Status.PASS,
        ),
        case(
            "a narrower route to the Internet",
            [leaves(), virtual_network(), route_table(route(), route("64.0.0.0/2", hop="Internet", address=""))],
            Status.PASS,
        ),
        case(
            "both halves to an appliance, gateway in the network",
            [leaves(), virtual_network(subnet(), *GATEWAY.properties.subnets[1:]), halved()],
            Status.PASS,
        ),
        case(
            "default route to the Internet, gateway in the network",
            [leaves(), virtual_network(subnet(), *GATEWAY.properties.subnets[1:]), route_table(route(hop="Internet"))],
            Status.FAIL,
        ),
        # what ARM does not show
        case("gateway in the network", [leaves(), GATEWAY], Status.NOT_ASSESSED),
        case(
            "gateway in the network, propagation off",
            [
                leaves(),
                virtual_network(subnet(), *GATEWAY.properties.subnets[1:]),
                route_table(route("10.9.0.0/16"), disable_bgp_route_propagation=True),
            ],
            Status.FAIL,
        ),
        case("virtual hub with routing intent", [leaves(), BARE, [*connected_hub(), INTENT]], Status.NOT_ASSESSED),
        case("virtual hub without routing intent", [leaves(), BARE, connected_hub()], Status.NOT_ASSESSED),
        case("a virtual hub that the network is not connected to", [leaves(), BARE, connected_hub()[:1]], Status.FAIL),
        case(
            "one subnet unfiltered, the network of the first unknown",
            [leaves(pools=[node_pool("far", vnet_subnet_id=ArmId(f"{NETWORK}2/subnets/far")), node_pool()]), BARE],
            Status.FAIL,
        ),
        case(
            "a subnet that its network does not have", [leaves(), virtual_network(subnet("other"))], Status.NOT_ASSESSED
        ),
        case("networks unreadable", [leaves()], Status.NOT_ASSESSED, unreadable=[Need.VIRTUAL_NETWORKS]),
        case("subnets unreadable", [leaves()], Status.NOT_ASSESSED, unreadable=[Need.SUBNETS]),
        case("route tables unreadable", [leaves()], Status.NOT_ASSESSED, unreadable=[Need.ROUTE_TABLES]),
        case("virtual hubs unreadable", [leaves(), BARE], Status.NOT_ASSESSED, unreadable=[Need.VIRTUAL_HUBS]),
        case(
            "hub connections unreadable",
            [leaves(), BARE, connected_hub()[:1]],
            Status.NOT_ASSESSED,
            unreadable=[Need.HUB_CONNECTIONS],
        ),
        case("hubs unreadable, every subnet routed", [leaves()], Status.PASS, unreadable=[Need.VIRTUAL_HUBS]),
        case(
            "no vnetSubnetID, networks unreadable",
            [leaves(pools=[node_pool(vnet_subnet_id=ArmId())])],
            Status.FAIL,
            unreadable=[Need.VIRTUAL_NETWORKS],
        ),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
        # policies by name
        case("policies do not count unless accepted", [FILTERED, BARE, policy()], Status.FAIL),
        case("accepted, ACNS security off", [leaves(), BARE, policy()], Status.FAIL, parameters=ACCEPT),
        case(
            "accepted, another dataplane",
            [leaves(network={"advanced_networking": ACNS, "network_dataplane": Token("azure")}), BARE, policy()],
            Status.FAIL,
            parameters=ACCEPT,
        ),
        case("accepted, no policy", [FILTERED, BARE], Status.FAIL, parameters=ACCEPT),
        case(
            "accepted, policy without egress section",
            [FILTERED, BARE, policy(egress=None)],
            Status.FAIL,
            parameters=ACCEPT,
        ),
        case(
            "the policy allows the whole world",
            [FILTERED, BARE, policy(egress=(CiliumEgress(), CiliumEgress(to_entities=("world",))))],
            Status.FAIL,
            parameters=ACCEPT,
        ),
        case(
            "the policy allows HTTPS to every address",
            [FILTERED, BARE, policy(egress=(CiliumEgress(to_cidr=("0.0.0.0/0",), to_ports=ports("443")),))],
            Status.FAIL,
            parameters=ACCEPT,
        ),
        case(
            "the policy allows the time to every address",
            [FILTERED, BARE, policy(egress=(CiliumEgress(to_cidr=("0.0.0.0/0",), to_ports=ports("123")),))],
            Status.PASS,
            parameters=ACCEPT,
        ),
        case(
            "the policy allows a range of addresses",
            [FILTERED, BARE, policy(egress=(CiliumEgress(to_cidr_set=(CiliumCidr(cidr="10.0.0.0/8"),)),))],
            Status.PASS,
            parameters=ACCEPT,
        ),
        case(
            "accepted, empty egress section, with which Cilium denies nothing",
            [FILTERED, BARE, policy(egress=())],
            Status.FAIL,
            parameters=ACCEPT,
        ),
        case(
            "accepted, policy that allows without denying the rest",
            [FILTERED, BARE, policy(deny=False)],
            Status.FAIL,
            parameters=ACCEPT,
        ),
        case(
            "accepted, policy on some pods",
            [FILTERED, BARE, policy(labels={"app": "a"})],
            Status.FAIL,
            parameters=ACCEPT,
        ),
        case(
            "accepted, policy spares system namespaces",
            [FILTERED, BARE, policy(keys=["k8s:io.kubernetes.pod.namespace"])],
            Status.PASS,
            parameters=ACCEPT,
        ),
        case(
            "accepted, policy spares a namespace of the user",
            [FILTERED, BARE, policy(keys=["io.kubernetes.pod.namespace"], values=("kube-system", "shop"))],
            Status.FAIL,
            parameters=ACCEPT,
        ),
        case(
            "accepted, policy selects by another label",
            [FILTERED, BARE, policy(keys=["tier"])],
            Status.FAIL,
            parameters=ACCEPT,
        ),
        case(
            "accepted, policies unreadable",
            [FILTERED, BARE],
            Status.NOT_ASSESSED,
            parameters=ACCEPT,
            unreadable=[Need.CILIUM_CLUSTERWIDE_POLICIES],
        ),
        case(
            "accepted, policies unreadable, routed anyway",
            [FILTERED],
            Status.PASS,
            parameters=ACCEPT,
            unreadable=[Need.CILIUM_CLUSTERWIDE_POLICIES],
        ),
        case(
            "accepted, policies unreadable, ACNS off",
            [leaves(), BARE],
            Status.FAIL,
            parameters=ACCEPT,
            unreadable=[Need.CILIUM_CLUSTERWIDE_POLICIES],
        ),
        case(
            "accepted, policy there, route tables unreadable",
            [FILTERED, policy()],
            Status.PASS,
            parameters=ACCEPT,
            unreadable=[Need.ROUTE_TABLES],
        ),
    ],
)
def test_egress_is_filtered(world, expected):
    assert evaluate(egress_is_filtered, world).status is expected


def test_the_subnet_is_named_and_fills_the_fix():
    world = inventory(two_subnets(subnet("user", "10.0.1.0/24", routed=False)))
    (finding,) = evaluate(egress_is_filtered, world).findings
    assert finding.message == "subnet user lets traffic out unfiltered: no route table"
    assert finding.fill == {"vnet_resource_group": "rg-test", "vnet": "vnet", "subnet": "user", "route_table": ""}
    assert finding.evidence == {
        "outboundType": "loadBalancer",
        "httpProxyConfig": False,
        "advancedNetworking.security.enabled": False,
        "subnets": (
            f"{NETWORK}/subnets/nodes: 0.0.0.0/0 to VirtualAppliance 10.1.0.4 in route table rt-egress",
            f"{NETWORK}/subnets/user: no route table",
        ),
    }


def test_a_route_table_of_another_group_is_left_to_the_reader():
    elsewhere = ROUTE_TABLE.replace("rg-test", "rg-routes")
    apart = subnet(routed=False, route_table=Reference(id=ArmId(elsewhere)))
    table = msgspec.structs.replace(route_table(route(hop="Internet", address="")), id=ArmId(elsewhere))
    (finding,) = evaluate(egress_is_filtered, inventory(leaves(), virtual_network(apart), table)).findings
    assert finding.fill["route_table"] == ""


def test_every_unfiltered_subnet_is_named():
    second = subnet("user", "10.0.1.0/24")
    things = [*two_subnets(second)[:2], route_table(route("10.9.0.0/16"))]
    (finding,) = evaluate(egress_is_filtered, inventory(things)).findings
    assert finding.message.count("no default route in route table rt-egress") == 2
    assert finding.fill["route_table"] == "rt-egress"


def test_what_could_not_be_read_stands_in_the_evidence():
    away = ArmId(f"{NETWORK}2/subnets/far".replace("0001/", "0002/"))
    world = inventory(leaves(pools=[node_pool(), node_pool("far", vnet_subnet_id=away)]), BARE)
    (finding,) = evaluate(egress_is_filtered, world).findings
    assert finding.evidence["subnets"][1] == f"{away}: not read ({Need.VIRTUAL_NETWORKS})"


def test_an_unknown_route_says_whence_it_may_come():
    assert (
        "virtual hub hub with routing intent"
        in evaluate(egress_is_filtered, inventory(leaves(), BARE, [*connected_hub(), INTENT])).reason
    )


def test_the_halves_of_a_default_route_are_named():
    world = inventory(leaves(), virtual_network(), halved(route(), first=""))
    (finding,) = evaluate(egress_is_filtered, world).findings
    assert finding.message.endswith("0.0.0.0/1 to Internet in route table rt-egress")
    pools = [node_pool(), node_pool("user", vnet_subnet_id=ArmId(f"{NETWORK}/subnets/user"))]
    network = virtual_network(subnet(), subnet("user", "10.0.1.0/24", routed=False))
    (finding,) = evaluate(
        egress_is_filtered, inventory(leaves(pools=pools), network, halved(second="10.1.0.5"))
    ).findings
    assert finding.evidence["subnets"][0].endswith(
        "0.0.0.0/1 and 128.0.0.0/1 to VirtualAppliance 10.1.0.4 10.1.0.5 in route table rt-egress"
    )


def test_subnets_of_aks_are_no_subnets_of_the_customer():
    world = inventory(leaves(pools=[], hosted_system_profile=IN_NODE_GROUP))
    (finding,) = evaluate(egress_is_filtered, world).findings
    assert finding.message == "the nodes stand in AKS's own network and leave through loadBalancer"
