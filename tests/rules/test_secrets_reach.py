"""The way from the nodes to the vaults."""

import pytest
from akscan.model.azure import (
    DhcpOptions,
    LoadBalancerProfile,
    NetworkAcls,
    NodeProvisioningProfile,
    PrivateEndpoint,
    PrivateEndpointConnection,
    PrivateEndpointConnectionProperties,
    PrivateEndpointProperties,
    PrivateLinkServiceConnectionState,
    Reference,
)
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    GROUP,
    HUB_NETWORK,
    NETWORK,
    NODE_SUBNET,
    case,
    cluster,
    evaluate,
    evaluate_all,
    firewall,
    hub,
    inventory,
    kms_cluster,
    nat_gateway,
    node_class,
    node_pool,
    on,
    peering,
    private_zone,
    public_ip,
    public_prefix,
    references,
    route_table,
    secret_provider_class,
    subnet,
    vault,
    virtual_network,
)
from akscan_rules.secrets.reach import nodes_reach_their_vaults

USED = secret_provider_class("kv-test")
ZONE = "privatelink.vaultcore.azure.net"
ENDPOINT = f"{GROUP}/providers/Microsoft.Network/privateEndpoints/pe-kv"


def connection(status="Approved"):
    return PrivateEndpointConnection(
        properties=PrivateEndpointConnectionProperties(
            private_endpoint=Reference(id=ArmId(ENDPOINT)),
            private_link_service_connection_state=PrivateLinkServiceConnectionState(status=Token(status)),
        )
    )


def endpoint(network=NETWORK):
    subnet_of_it = Reference(id=ArmId(f"{network}/subnets/endpoints"))
    return PrivateEndpoint(id=ArmId(ENDPOINT), name="pe-kv", properties=PrivateEndpointProperties(subnet=subnet_of_it))


def closed(*statuses, access="Disabled", **fields):
    connections = tuple(connection(status) for status in statuses)
    return vault(public_network_access=Token(access), private_endpoint_connections=connections, **fields)


def denying(*addresses, subnets=(), connections=()):
    acls = NetworkAcls(
        default_action=Token("Deny"),
        ip_rules=tuple({"value": address} for address in addresses),
        virtual_network_rules=references(*subnets),
    )
    return closed(*connections, access="Enabled", network_acls=acls)


OPEN = {"access": "Enabled"}
LINKED = private_zone(ZONE, "kv-test")
UNROUTED = virtual_network(subnet(routed=False))
NAT = nat_gateway("ng", public_prefix("out", "203.0.113.16/30"))
BEHIND_NAT = virtual_network(subnet(routed=False, nat_gateway=Reference(id=NAT.id)))
BY_NAT = cluster(network={"outbound_type": Token("userAssignedNATGateway")})
TWO = [node_pool(), node_pool("user", vnet_subnet_id=ArmId(f"{NETWORK}/subnets/user"))]
TWO_SUBNETS = virtual_network(subnet(), subnet("user", "10.0.1.0/24"))
USER = f"{NETWORK}/subnets/user"
PROVISIONED = cluster(node_provisioning_profile=NodeProvisioningProfile(mode=Token("Auto")))
PREFIX = public_prefix("nodes", "203.0.113.32/31")
HALF_PUBLIC = [
    node_pool(),
    node_pool("public", enable_node_public_ip=True, node_public_ip_prefix_id=PREFIX.id),
]
ADDRESS = public_ip("out", "203.0.113.7")
SECOND_ADDRESS = public_ip("out-2", "203.0.113.8")


def balanced(*addresses, pools=None):
    out = references(*(one.id for one in addresses))
    profile = LoadBalancerProfile(effective_outbound_ips=out)
    network = {"outbound_type": Token("loadBalancer"), "load_balancer_profile": profile}
    return [cluster(pools=pools, network=network), *addresses]


def asking(*servers, peerings=()):
    return virtual_network(dhcp_options=DhcpOptions(dns_servers=servers), peerings=peerings)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("public access disabled, approved endpoint, zone linked, record present",
             [USED, closed("Approved"), endpoint(), *LINKED], Status.PASS),
        case("public access disabled, approved endpoint that cannot be read",
             [USED, closed("Approved"), endpoint(), *LINKED], Status.PASS, subject="kv-test",
             unreadable=[Need.PRIVATE_ENDPOINTS]),
        case("public access disabled, endpoint that is gone", [USED, closed("Approved"), *LINKED], Status.FAIL),
        case("public access disabled, no endpoint", [USED, closed(), *LINKED], Status.FAIL),
        case("public access disabled, endpoint Pending", [USED, closed("Pending"), endpoint(), *LINKED], Status.FAIL),
        case("endpoint in a network that is not peered", [USED, closed("Approved"), endpoint(HUB_NETWORK), *LINKED],
             Status.FAIL),
        case("endpoint approved, no zone", [USED, closed("Approved"), endpoint()], Status.FAIL),
        case("endpoint approved, zone without the record",
             [USED, closed("Approved"), endpoint(), *private_zone(ZONE, "kv-other")], Status.FAIL),
        case("endpoint approved, zone linked only to another network, Azure DNS",
             [USED, closed("Approved"), endpoint(), *private_zone(ZONE, "kv-test", linked_to=HUB_NETWORK)],
             Status.FAIL),
        case("zone of another cloud", [USED, closed("Approved"), endpoint(),
             *private_zone("privatelink.vaultcore.azure.cn", "kv-test")], Status.PASS),
        case("zone that the parameter does not name", [USED, closed("Approved"), endpoint(), *LINKED], Status.FAIL,
             parameters={"zone_names": ("privatelink.vaultcore.azure.cn",)}),
        case("endpoint in the hub, DNS server in the hub, zone linked to the hub",
             [USED, closed("Approved"), endpoint(HUB_NETWORK), hub(), asking("10.1.0.10", peerings=[peering()]),
              route_table(), *private_zone(ZONE, "kv-test", linked_to=HUB_NETWORK)], Status.PASS),
        case("DNS server in no readable network",
             [USED, closed("Approved"), endpoint(), asking("192.0.2.53"), route_table(), *LINKED],
             Status.NOT_ASSESSED),
        case("Deny with the node subnet allowed", [USED, denying(subnets=[NODE_SUBNET])], Status.PASS),
        case("a node class in another subnet", [PROVISIONED, TWO_SUBNETS, route_table(), node_class(subnet_id=USER),
             USED, denying(subnets=[NODE_SUBNET])], Status.FAIL),
        case("a node class in a subnet that is let in", [PROVISIONED, TWO_SUBNETS, route_table(),
             node_class(subnet_id=USER), USED, denying(subnets=[NODE_SUBNET, USER])], Status.PASS),
        case("node classes unreadable", [PROVISIONED, USED, denying(subnets=[NODE_SUBNET])], Status.NOT_ASSESSED,
             unreadable=[Need.AKS_NODE_CLASSES]),
        case("no node auto-provisioning, node classes unreadable", [USED, denying(subnets=[NODE_SUBNET])], Status.PASS,
             unreadable=[Need.AKS_NODE_CLASSES]),
        case("Deny, another subnet allowed", [USED, denying(subnets=[f"{NETWORK}/subnets/other"])], Status.FAIL),
        case("Deny, load balancer address in ipRules",
             [*balanced(ADDRESS), UNROUTED, USED, denying("203.0.113.0/24")], Status.PASS),
        case("Deny, load balancer address beside ipRules",
             [*balanced(ADDRESS), UNROUTED, USED, denying("203.0.113.8")], Status.FAIL),
        case("Deny, prefix of the user-assigned NAT gateway in ipRules",
             [BY_NAT, NAT, public_prefix("out", "203.0.113.16/30"), BEHIND_NAT, USED, denying("203.0.113.16/28")],
             Status.PASS),
        case("Deny, address of the firewall in ipRules",
             [virtual_network(peerings=[peering()]), route_table(), hub(), firewall(public_ip("fw", "203.0.113.4")),
              public_ip("fw", "203.0.113.4"), USED, denying("203.0.113.4")], Status.PASS),
        case("Deny with one of two node subnets allowed",
             [cluster(pools=TWO), TWO_SUBNETS, route_table(), USED, denying(subnets=[NODE_SUBNET])], Status.FAIL),
        case("Deny with one of two node subnets allowed, the other for system pods only",
             [cluster(pools=[node_pool(node_taints=("CriticalAddonsOnly=true:NoSchedule",)), TWO[1]]), TWO_SUBNETS,
              route_table(), USED, denying(subnets=[TWO[1].vnet_subnet_id])], Status.NOT_ASSESSED),
        case("Deny with both node subnets allowed",
             [cluster(pools=TWO), TWO_SUBNETS, route_table(), USED, denying(subnets=[p.vnet_subnet_id for p in TWO])],
             Status.PASS),
        case("Deny with one node subnet allowed, the other leaves by an allowed address",
             [*balanced(ADDRESS, pools=TWO), virtual_network(subnet(routed=False), subnet("user", routed=False)), USED,
              denying("203.0.113.7", subnets=[NODE_SUBNET])], Status.PASS),
        case("Deny with one node subnet allowed, the other leaves by an appliance that is no readable firewall",
             [cluster(pools=TWO), TWO_SUBNETS, route_table(), USED, denying("203.0.113.4", subnets=[NODE_SUBNET])],
             Status.NOT_ASSESSED),
        case("Deny, one node subnet leaves by an appliance, the other by an address in ipRules",
             [*balanced(ADDRESS, pools=TWO), virtual_network(subnet(), subnet("user", routed=False)), route_table(),
              USED, denying("203.0.113.7", subnets=[NODE_SUBNET])], Status.PASS),
        case("Deny, one of two load balancer addresses in ipRules",
             [*balanced(ADDRESS, SECOND_ADDRESS), UNROUTED, USED, denying("203.0.113.7")], Status.FAIL),
        case("Deny, both load balancer addresses in ipRules",
             [*balanced(ADDRESS, SECOND_ADDRESS), UNROUTED, USED, denying("203.0.113.7", "203.0.113.8")], Status.PASS),
        case("Deny, load balancer address in ipRules, beside an IPv6 one",
             [*balanced(ADDRESS, public_ip("out-6", "2001:db8::7")), UNROUTED, USED, denying("203.0.113.7")],
             Status.PASS),
        case("Deny, load balancer address in ipRules, prefix of the nodes' own addresses not",
             [*balanced(ADDRESS, pools=HALF_PUBLIC), PREFIX, UNROUTED, USED, denying("203.0.113.7")], Status.FAIL),
        case("Deny, load balancer address and every address of the nodes' prefix in ipRules",
             [*balanced(ADDRESS, pools=HALF_PUBLIC), PREFIX, UNROUTED, USED,
              denying("203.0.113.7", "203.0.113.32", "203.0.113.33")], Status.PASS),
        case("Deny, load balancer address in ipRules, nodes with addresses out of no prefix",
             [*balanced(ADDRESS, pools=[node_pool(), node_pool("public", enable_node_public_ip=True)]), UNROUTED, USED,
              denying("203.0.113.7")], Status.NOT_ASSESSED),
        case("Deny, address of the NAT gateway in ipRules, which nodes with addresses of their own leave by",
             [cluster(pools=HALF_PUBLIC, network={"outbound_type": Token("userAssignedNATGateway")}), NAT,
              public_prefix("out", "203.0.113.16/30"), PREFIX, BEHIND_NAT, USED, denying("203.0.113.16/28")],
             Status.PASS),
        case("Deny, no node pool, an address in ipRules", [cluster(pools=[]), USED, denying("203.0.113.7")],
             Status.NOT_ASSESSED),
        case("Deny, no way out, an address in ipRules",
             [cluster(network={"outbound_type": Token("none")}), UNROUTED, USED, denying("203.0.113.7")], Status.FAIL),
        case("Deny, nothing matches", [USED, denying()], Status.FAIL),
        case("Deny, appliance that is no readable firewall, only ipRules, endpoint in reach, zone not linked",
             [USED, denying("203.0.113.4", connections=["Approved"]), endpoint()], Status.FAIL),
        case("Deny, endpoint in reach, zone linked", [USED, denying(connections=["Approved"]), endpoint(), *LINKED],
             Status.PASS),
        case("Deny with the node subnet allowed, endpoint in reach, zone not linked",
             [USED, denying(subnets=[NODE_SUBNET], connections=["Approved"]), endpoint()], Status.FAIL),
        case("Deny, appliance that is no readable firewall, only ipRules", [USED, denying("203.0.113.4")],
             Status.NOT_ASSESSED),
        case("open vault with an endpoint in reach, zone not linked", [USED, closed("Approved", **OPEN), endpoint()],
             Status.FAIL),
        case("open vault with an endpoint that cannot be read, zone not linked",
             [USED, closed("Approved", **OPEN), endpoint()], Status.NOT_ASSESSED, subject="kv-test",
             unreadable=[Need.PRIVATE_ENDPOINTS]),
        case("Deny, nothing matches, an endpoint that cannot be read, zone not linked",
             [USED, denying(connections=["Approved"]), endpoint()], Status.FAIL, subject="kv-test",
             unreadable=[Need.PRIVATE_ENDPOINTS]),
        case("public access disabled, approved endpoint that cannot be read, zone not linked",
             [USED, closed("Approved"), endpoint()], Status.FAIL, subject="kv-test",
             unreadable=[Need.PRIVATE_ENDPOINTS]),
        case("open vault with an endpoint in reach, zone linked",
             [USED, closed("Approved", **OPEN), endpoint(), *LINKED], Status.PASS),
        case("open vault, no endpoint", [USED, closed(**OPEN)], Status.NOT_APPLICABLE),
        case("open vault, endpoint out of reach", [USED, closed("Approved", **OPEN), endpoint(HUB_NETWORK)],
             Status.NOT_APPLICABLE),
        case("vault of the key of etcd only", [kms_cluster(), closed()], Status.NOT_APPLICABLE),
        case("SecuredByPerimeter", [USED, closed(access="SecuredByPerimeter")], Status.NOT_ASSESSED),
        case("vault not in the inventory", [USED], Status.NOT_ASSESSED),
        case("networks unreadable", [USED, closed("Approved"), endpoint()], Status.NOT_ASSESSED, subject="kv-test",
             unreadable=[Need.VIRTUAL_NETWORKS]),
        case("zones unreadable", [USED, closed("Approved"), endpoint(), *LINKED], Status.NOT_ASSESSED,
             unreadable=[Need.PRIVATE_DNS_ZONES]),
        case("zones unreadable, no endpoint", [USED, closed()], Status.FAIL, unreadable=[Need.PRIVATE_DNS_ZONES]),
        case("public addresses unreadable",
             [*balanced(ADDRESS), UNROUTED, USED, denying("203.0.113.0/24")],
             Status.NOT_ASSESSED, unreadable=[Need.PUBLIC_IP_ADDRESSES]),
        case("SecretProviderClasses unreadable", [USED, closed()], Status.NOT_ASSESSED,
             unreadable=[Need.SECRET_PROVIDER_CLASSES]),
    ],
)  # fmt: skip
def test_nodes_reach_their_vaults(world, expected):
    assert evaluate(nodes_reach_their_vaults, world).status is expected


def test_every_cluster_is_judged_by_its_own_way():
    world = inventory(cluster(), cluster("second"), USED, on("second", USED), closed())
    verdicts = evaluate_all(nodes_reach_their_vaults, world)
    assert list(verdicts) == ["vault/kv-test"]
    (finding,) = verdicts["vault/kv-test"].findings
    assert "(a) aks needs" in finding.message
    assert "(a) second needs" in finding.message
