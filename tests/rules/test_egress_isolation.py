"""Clusters that nothing leaves."""

import pytest
from akscan.model.azure import (
    AutoUpgradeProfile,
    BootstrapProfile,
    CacheRule,
    CacheRuleProperties,
    ContainerRegistry,
    Extension,
    ExtensionProperties,
    NetworkSecurityGroup,
    NodeProvisioningProfile,
    PolicyStatus,
    PrivateEndpointConnection,
    PrivateEndpointConnectionProperties,
    PrivateLinkServiceConnectionState,
    RegistryPolicies,
    RegistryProperties,
    RegistrySku,
    SecurityGroupProperties,
    SecurityRule,
    SecurityRuleProperties,
)
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    GROUP,
    SUBSCRIPTION,
    case,
    cluster,
    evaluate,
    inventory,
    nat_gateway,
    node_pool,
    references,
    route,
    route_table,
    subnet,
    virtual_network,
)
from akscan_rules.egress.isolation import isolation_is_complete

NODE_GROUP = f"{SUBSCRIPTION}/resourceGroups/MC_rg-test_aks_westeurope"
MANAGED = f"{NODE_GROUP}/providers/Microsoft.ContainerRegistry/registries/managed"
OWN = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/own"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"
CLOSED = virtual_network(subnet(routed=False, default_outbound_access=False))
OPEN = virtual_network(subnet(routed=False))
GUARDED = virtual_network(subnet(routed=False, network_security_group=references(NSG)[0]))
WINDOWS = [node_pool(), node_pool("win", os_type=Token("Windows"))]


def isolated(outbound="none", *, source="Cache", registry=MANAGED, **fields):
    """A cluster without a way out whose images come from a cache."""
    profile = BootstrapProfile(artifact_source=Token(source), container_registry_id=ArmId(registry))
    network = {"outbound_type": Token(outbound), **fields.pop("network", {})}
    return cluster(network=network, bootstrap_profile=profile, **fields)


def registry(
    *, sku="Premium", state="Approved", target="aks-managed-repository/*", source="mcr.microsoft.com/*", arm="enabled"
):
    """A registry of the customer with its cache rule."""
    connection = PrivateEndpointConnection(
        properties=PrivateEndpointConnectionProperties(
            private_link_service_connection_state=PrivateLinkServiceConnectionState(status=Token(state))
        )
    )
    rule = CacheRuleProperties(source_repository=Token(source), target_repository=Token(target))
    return [
        ContainerRegistry(
            id=ArmId(OWN),
            name="own",
            sku=RegistrySku(name=Token(sku)),
            properties=RegistryProperties(
                private_endpoint_connections=(connection,),
                policies=RegistryPolicies(azure_ad_authentication_as_arm_policy=PolicyStatus(status=Token(arm))),
            ),
        ),
        CacheRule(id=ArmId(f"{OWN}/cacheRules/aks-managed-mcr"), name="aks-managed-mcr", properties=rule),
    ]


def group(*rules):
    """A network security group with these outbound rules."""
    found = (
        SecurityRule(properties=SecurityRuleProperties(direction=Token("Outbound"), priority=priority, **fields))
        for priority, fields in enumerate(rules, start=100)
    )
    return NetworkSecurityGroup(
        id=ArmId(NSG), name="nsg", properties=SecurityGroupProperties(security_rules=tuple(found))
    )


def outbound(access, to="Internet", ports="*", source="*", protocol="*"):
    return {
        "access": Token(access),
        "destination_address_prefix": Token(to),
        "destination_port_range": ports,
        "source_address_prefix": Token(source),
        "protocol": Token(protocol),
    }


def extension(kind):
    """An extension of the cluster."""
    return Extension(
        id=ArmId(f"{cluster().id}/providers/Microsoft.KubernetesConfiguration/extensions/{kind}"),
        name=kind,
        properties=ExtensionProperties(extension_type=Token(kind)),
    )


def channel(name):
    return {"auto_upgrade_profile": AutoUpgradeProfile(node_os_upgrade_channel=Token(name))}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "none, Cache, private, managed registry in the node resource group, "
            "subnets with defaultOutboundAccess false",
            [isolated(), CLOSED],
            Status.PASS,
        ),
        case("none, artifactSource absent, no default route", [isolated(source="Direct"), CLOSED], Status.FAIL),
        case(
            "none, Cache, public API server",
            [isolated(api_server={"enable_private_cluster": False}), CLOSED],
            Status.FAIL,
        ),
        case(
            "none, Cache, public with VNet integration",
            [isolated(api_server={"enable_private_cluster": False, "enable_vnet_integration": True}), CLOSED],
            Status.PASS,
        ),
        case("none, node subnet without route and defaultOutboundAccess absent", [isolated(), OPEN], Status.FAIL),
        case(
            "the same subnet with an NSG that denies Internet outbound",
            [isolated(), GUARDED, group(outbound("Deny"))],
            Status.PASS,
        ),
        case(
            "an NSG that allows the Internet first",
            [isolated(), GUARDED, group(outbound("Allow", ports="443"), outbound("Deny"))],
            Status.FAIL,
        ),
        case(
            "an NSG that allows a service first",
            [isolated(), GUARDED, group(outbound("Allow", "AzureMonitor"), outbound("Deny", "*"))],
            Status.PASS,
        ),
        case("an NSG that denies one port", [isolated(), GUARDED, group(outbound("Deny", ports="443"))], Status.FAIL),
        case("an NSG that denies TCP", [isolated(), GUARDED, group(outbound("Deny", protocol="Tcp"))], Status.FAIL),
        case(
            "an NSG that denies half of the subnet",
            [isolated(), GUARDED, group(outbound("Deny", source="10.0.0.0/25"))],
            Status.FAIL,
        ),
        case(
            "an NSG that denies the whole subnet",
            [isolated(), GUARDED, group(outbound("Deny", source="10.0.0.0/16"))],
            Status.PASS,
        ),
        case("an NSG without rules of its own", [isolated(), GUARDED, group()], Status.FAIL),
        case(
            "none, pool with enableNodePublicIP",
            [isolated(pools=[node_pool(enable_node_public_ip=True)]), CLOSED],
            Status.FAIL,
        ),
        case("block with vnetSubnetID set", [isolated("block"), CLOSED], Status.FAIL),
        case(
            "block in an AKS-managed network",
            [isolated("block", pools=[node_pool(vnet_subnet_id=ArmId())])],
            Status.PASS,
        ),
        case("a registry with everything", [isolated(registry=OWN), CLOSED, *registry()], Status.PASS),
        case("registry sku Standard", [isolated(registry=OWN), CLOSED, *registry(sku="Standard")], Status.FAIL),
        case(
            "Premium registry whose cache rule targets another repository",
            [isolated(registry=OWN), CLOSED, *registry(target="mcr/*")],
            Status.FAIL,
        ),
        case(
            "cache rule of another source",
            [isolated(registry=OWN), CLOSED, *registry(source="docker.io/*")],
            Status.FAIL,
        ),
        case("private endpoint pending", [isolated(registry=OWN), CLOSED, *registry(state="Pending")], Status.FAIL),
        case(
            "no tokens for Azure Resource Manager",
            [isolated(registry=OWN), CLOSED, *registry(arm="disabled")],
            Status.FAIL,
        ),
        case("the registry is gone", [isolated(registry=OWN), CLOSED], Status.FAIL),
        case("node OS channel SecurityPatch", [isolated(**channel("SecurityPatch")), CLOSED], Status.FAIL),
        case("node OS channel None", [isolated(**channel("None")), CLOSED], Status.PASS),
        case(
            "registry in a subscription that cannot be read",
            [isolated(registry=OWN.replace("0001/", "0002/")), CLOSED],
            Status.NOT_ASSESSED,
        ),
        case(
            "none, artifactSource Direct, node subnet with a default route to a firewall",
            [isolated(source="Direct")],
            Status.PASS,
        ),
        case(
            "none, artifactSource Direct, node subnet with a NAT gateway",
            [
                isolated(source="Direct"),
                virtual_network(subnet(routed=False, nat_gateway=references(nat_gateway().id)[0])),
            ],
            Status.PASS,
        ),
        case("none, Cache, Windows pool", [isolated(pools=WINDOWS), CLOSED], Status.FAIL),
        case("none, Cache, kubenet", [isolated(network={"network_plugin": Token("kubenet")}), CLOSED], Status.FAIL),
        case("none, Cache, extension microsoft.flux", [isolated(), CLOSED, extension("Microsoft.Flux")], Status.FAIL),
        case("none, Cache, another extension", [isolated(), CLOSED, extension("microsoft.azuremonitor")], Status.PASS),
        case("loadBalancer, Cache", [isolated("loadBalancer"), OPEN], Status.FAIL),
        case(
            "none, Cache, NAP, node classes unreadable",
            [isolated(node_provisioning_profile=NodeProvisioningProfile(mode=Token("Auto"))), CLOSED],
            Status.NOT_ASSESSED,
            unreadable=[Need.AKS_NODE_CLASSES],
        ),
        case("loadBalancer behind a firewall, Cache", [isolated("loadBalancer")], Status.NOT_APPLICABLE),
        case("loadBalancer, Direct", [isolated("loadBalancer", source="Direct"), OPEN], Status.NOT_APPLICABLE),
        case("userDefinedRouting to a firewall, Cache", [isolated("userDefinedRouting")], Status.NOT_APPLICABLE),
        case(
            "none, artifactSource Direct, default route to a firewall, Windows pool",
            [isolated(source="Direct", pools=WINDOWS)],
            Status.PASS,
        ),
        case("extensions unreadable", [isolated(), CLOSED], Status.NOT_ASSESSED, unreadable=[Need.EXTENSIONS]),
        case(
            "extensions unreadable, default route to a firewall",
            [isolated(source="Direct")],
            Status.PASS,
            unreadable=[Need.EXTENSIONS],
        ),
        case(
            "extensions unreadable, Windows pool",
            [isolated(pools=WINDOWS), CLOSED],
            Status.FAIL,
            unreadable=[Need.EXTENSIONS],
        ),
        case(
            "security groups unreadable",
            [isolated(), GUARDED, group(outbound("Deny"))],
            Status.NOT_ASSESSED,
            unreadable=[Need.NETWORK_SECURITY_GROUPS],
        ),
        case(
            "cache rules unreadable",
            [isolated(registry=OWN), CLOSED, *registry()],
            Status.NOT_ASSESSED,
            unreadable=[Need.CACHE_RULES],
        ),
        case(
            "cache rules unreadable, sku Standard",
            [isolated(registry=OWN), CLOSED, *registry(sku="Standard")],
            Status.FAIL,
            unreadable=[Need.CACHE_RULES],
        ),
        case(
            "registries unreadable",
            [isolated(registry=OWN), CLOSED, *registry()],
            Status.NOT_ASSESSED,
            unreadable=[Need.REGISTRIES],
        ),
        case(
            "route tables unreadable", [isolated(source="Direct")], Status.NOT_ASSESSED, unreadable=[Need.ROUTE_TABLES]
        ),
        case("networks unreadable", [isolated(), CLOSED], Status.NOT_ASSESSED, unreadable=[Need.VIRTUAL_NETWORKS]),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
        case(
            "artifactSource Direct, a default route that drops everything",
            [isolated(source="Direct"), virtual_network(), route_table(route(hop="None", address=""))],
            Status.FAIL,
        ),
        case(
            "none, Cache, a default route that drops everything",
            [isolated(), virtual_network(), route_table(route(hop="None", address=""))],
            Status.PASS,
        ),
        case(
            "Windows pool, a default route that drops everything",
            [isolated(pools=WINDOWS), virtual_network(), route_table(route(hop="None", address=""))],
            Status.FAIL,
        ),
        case(
            "none, Cache, a default route to the Internet and defaultOutboundAccess absent",
            [isolated(), virtual_network(), route_table(route(hop="Internet", address=""))],
            Status.FAIL,
        ),
    ],
)
def test_isolation_is_complete(world, expected):
    assert evaluate(isolation_is_complete, world).status is expected


def test_every_open_part_is_named():
    world = inventory(isolated(source="Direct", registry=OWN, pools=WINDOWS), OPEN, *registry(sku="Basic"))
    (finding,) = evaluate(isolation_is_complete, world).findings
    assert finding.message == (
        "(a) nodes depend on public registries that they cannot reach; "
        "(c) not supported without a way out: Windows pools; "
        "(f) Azure may lend nodes in nodes an outbound address; (g) registry own: its SKU is Basic"
    )
    assert finding.fill["registry"] == "own"
    assert finding.fill["subnet"] == "nodes"
