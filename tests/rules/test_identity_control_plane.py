"""What the control plane identity may do."""

import pytest
from akscan.model.azure import (
    AzureKeyVaultKms,
    IdentityReference,
    LoadBalancerProfile,
    NodeProvisioningProfile,
    OutboundIpPrefixes,
    OutboundIps,
    SecurityProfile,
    ServicePrincipalProfile,
)
from akscan.model.kubernetes import ServiceAnnotations
from akscan.model.text import ArmId, Token
from akscan.sdk import ControlPlaneIdentity, Need, Status
from akscan.testing import (
    CONTRIBUTOR,
    CONTROL_PLANE_OBJECT_ID,
    GROUP,
    IDENTITIES,
    KUBELET_OBJECT_ID,
    NETWORK,
    NODE_SUBNET,
    ROUTE_TABLE,
    SUBSCRIPTION,
    case,
    cluster,
    evaluate,
    hosted_system,
    inventory,
    member_of,
    node_class,
    node_pool,
    references,
    role_assignment,
    role_definition,
    route_table,
    service,
    subnet,
    system_assigned,
    virtual_network,
)
from akscan_rules.identity.control_plane import control_plane_identity_is_narrow, control_plane_identity_is_sufficient

NODE_GROUP = f"{SUBSCRIPTION}/resourceGroups/MC_rg-test_aks_westeurope"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-app"
KMS_VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-kms"
MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/corp"
GROUP_ID = "00000000-0000-0000-0000-0000000000e1"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
ZONE_CONTRIBUTOR = "b12aa53e-6015-4669-85d0-8515ebb3ae7f"
IDENTITY_OPERATOR = "f1a07417-d97a-45cb-824c-7a7467783830"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
CRYPTO_USER = "12338af0-0e69-4776-bea7-57ae8d297424"
VAULT_CONTRIBUTOR = "f25e0fa2-a7c8-4377-a976-54943a77a395"
EVERYTHING = role_definition("00000000-0000-0000-0000-0000000000f1", "Everything", custom=True, actions=["*"])
JOINS = role_definition(
    "00000000-0000-0000-0000-0000000000f2",
    "Joins subnets",
    custom=True,
    actions=[f"Microsoft.Network/virtualNetworks/subnets/{action}" for action in ("read", "join/action")],
)
ROLES = [
    EVERYTHING,
    JOINS,
    role_definition(OWNER, "Owner", actions=["*"]),
    role_definition(CONTRIBUTOR, "Contributor", actions=["*"], not_actions=["Microsoft.Authorization/*/Write"]),
    role_definition(NETWORK_CONTRIBUTOR, "Network Contributor", actions=["Microsoft.Network/*"]),
    role_definition(ZONE_CONTRIBUTOR, "Private DNS Zone Contributor", actions=["Microsoft.Network/privateDnsZones/*"]),
    role_definition(
        IDENTITY_OPERATOR,
        "Managed Identity Operator",
        actions=["Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action"],
    ),
    role_definition(READER, "Reader", actions=["*/read"]),
    role_definition(SECRETS_USER, "Key Vault Secrets User", data_actions=["Microsoft.KeyVault/vaults/secrets/*"]),
    role_definition(CRYPTO_USER, "Key Vault Crypto User", data_actions=["Microsoft.KeyVault/vaults/keys/*"]),
    role_definition(VAULT_CONTRIBUTOR, "Key Vault Contributor", actions=["Microsoft.KeyVault/*"]),
]
SERVICE_PRINCIPAL = ServicePrincipalProfile(client_id=Token("00000000-0000-0000-0000-0000000000c1"))
ON_NODE_GROUP = role_assignment(CONTROL_PLANE_OBJECT_ID, CONTRIBUTOR, NODE_GROUP)
UNREADABLE_ROLES = {"unreadable": [Need.ROLE_DEFINITIONS]}


def holds(role, scope, **fields):
    return role_assignment(CONTROL_PLANE_OBJECT_ID, role, scope, **fields)


def granted(*assignments):
    return [*ROLES, *assignments]


def kms(key="https://kv-kms.vault.azure.net/keys/etcd/1"):
    """A cluster whose Secrets are encrypted with a key of this vault."""
    return cluster(security_profile=SecurityProfile(azure_key_vault_kms=AzureKeyVaultKms(enabled=True, key_id=key)))


THROUGH_GROUP = role_assignment(GROUP_ID, OWNER, GROUP, principal_type="Group")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("Contributor on NRG only", granted(ON_NODE_GROUP), Status.PASS),
        case(
            "Contributor on NRG and Network Contributor on a subnet",
            granted(ON_NODE_GROUP, holds(NETWORK_CONTRIBUTOR, NODE_SUBNET)),
            Status.PASS,
        ),
        case("Network Contributor on the VNet resource group", granted(holds(NETWORK_CONTRIBUTOR, GROUP)), Status.PASS),
        case("Network Contributor on the subscription", granted(holds(NETWORK_CONTRIBUTOR, SUBSCRIPTION)), Status.FAIL),
        case("Contributor on the resource group of the cluster", granted(holds(CONTRIBUTOR, GROUP)), Status.FAIL),
        case("Owner on NRG", granted(holds(OWNER, NODE_GROUP)), Status.FAIL),
        case('custom role with actions "*" on the subscription', granted(holds(EVERYTHING, SUBSCRIPTION)), Status.FAIL),
        case(
            "service principal cluster",
            [cluster(service_principal_profile=SERVICE_PRINCIPAL), *granted(holds(OWNER, GROUP))],
            Status.NOT_APPLICABLE,
        ),
        case("Key Vault Secrets User on an application vault", granted(holds(SECRETS_USER, VAULT)), Status.FAIL),
        case("Key Vault Crypto User on the KMS vault", [kms(), *granted(holds(CRYPTO_USER, KMS_VAULT))], Status.PASS),
        case(
            "Key Vault Contributor on the KMS vault",
            [kms(), *granted(holds(VAULT_CONTRIBUTOR, KMS_VAULT))],
            Status.PASS,
        ),
        case("assignments unreadable", granted(), Status.NOT_ASSESSED, unreadable=[Need.ROLE_ASSIGNMENTS]),
        case(
            "Key Vault Crypto User on a key of the KMS vault",
            [kms("https://KV-KMS.vault.azure.net/keys/etcd/1"), *granted(holds(CRYPTO_USER, f"{KMS_VAULT}/keys/etcd"))],
            Status.PASS,
        ),
        case("Key Vault Crypto User on another vault", [kms(), *granted(holds(CRYPTO_USER, VAULT))], Status.FAIL),
        case("Key Vault Crypto User, no KMS", granted(holds(CRYPTO_USER, KMS_VAULT)), Status.FAIL),
        case("Key Vault Secrets User on the KMS vault", [kms(), *granted(holds(SECRETS_USER, KMS_VAULT))], Status.FAIL),
        case(
            "a role that the parameter leaves out",
            granted(holds(SECRETS_USER, VAULT)),
            Status.PASS,
            parameters={"key_vault_data_roles": {}},
        ),
        case("Contributor inside NRG", granted(holds(CONTRIBUTOR, f"{NODE_GROUP}/providers/x/y/z")), Status.PASS),
        case("Contributor on a group named like NRG", granted(holds(CONTRIBUTOR, f"{NODE_GROUP}2")), Status.FAIL),
        case("Reader on a management group", granted(holds(READER, MANAGEMENT_GROUP)), Status.FAIL),
        case("Reader on everything", granted(holds(READER, "/")), Status.FAIL),
        case(
            "Reader on the subscription, allowed",
            granted(holds(READER, SUBSCRIPTION)),
            Status.PASS,
            parameters={"allowed_wide_roles": (READER.upper(),)},
        ),
        case(
            "Owner on the subscription, allowed as a wide role",
            granted(holds(OWNER, SUBSCRIPTION)),
            Status.FAIL,
            parameters={"allowed_wide_roles": (OWNER,)},
        ),
        case(
            "Owner through a group",
            granted(THROUGH_GROUP, member_of(CONTROL_PLANE_OBJECT_ID, THROUGH_GROUP)),
            Status.FAIL,
        ),
        case("Owner of a group that it is not in", granted(THROUGH_GROUP), Status.PASS),
        case("Owner of another principal", granted(role_assignment(KUBELET_OBJECT_ID, OWNER, GROUP)), Status.PASS),
        case(
            "system-assigned, Owner",
            [cluster(identity=system_assigned()), *granted(holds(OWNER, GROUP))],
            Status.FAIL,
            subject="aks",
        ),
        case(
            "roles unreadable, a role on the subscription",
            [holds(READER, SUBSCRIPTION)],
            Status.FAIL,
            **UNREADABLE_ROLES,
        ),
        case("roles unreadable, a vault role", [holds(SECRETS_USER, VAULT)], Status.FAIL, **UNREADABLE_ROLES),
        case("roles unreadable, Contributor beside NRG", [holds(CONTRIBUTOR, GROUP)], Status.FAIL, **UNREADABLE_ROLES),
        case("roles unreadable, a role on NRG", [holds(READER, NODE_GROUP)], Status.NOT_ASSESSED, **UNREADABLE_ROLES),
        case(
            "the principal is not named",
            [cluster(identity=type(system_assigned())(type=Token("SystemAssigned")))],
            Status.NOT_ASSESSED,
        ),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_control_plane_identity_is_narrow(world, expected):
    assert evaluate(control_plane_identity_is_narrow, world).status is expected


@pytest.mark.parametrize(
    ("assignment", "letters"),
    [
        (holds(EVERYTHING, SUBSCRIPTION), ["(b)", "(a)"]),
        (holds(OWNER, NODE_GROUP), ["(a)"]),
        (holds(CONTRIBUTOR, GROUP), ["(b)"]),
        (holds(CONTRIBUTOR, SUBSCRIPTION), ["(b)"]),
        (holds(READER, SUBSCRIPTION), ["(c)"]),
        (holds(SECRETS_USER, VAULT), ["(d)"]),
        (holds(SECRETS_USER, SUBSCRIPTION), ["(d)", "(c)"]),
    ],
)
def test_every_condition_that_holds_is_named(assignment, letters):
    (finding,) = evaluate(control_plane_identity_is_narrow, inventory(*ROLES, assignment)).findings
    assert [part.split()[-1] for part in finding.message.split("; ")] == letters


def test_the_evidence_says_whom_and_where():
    held = holds(OWNER, GROUP, condition="@Resource[x] StringEquals 'y'")
    (finding,) = evaluate(control_plane_identity_is_narrow, inventory(*ROLES, held)).findings
    assert finding.evidence == {
        "identity.userAssignedIdentities": f"{IDENTITIES}/id-aks-control-plane",
        "identity.principalId": CONTROL_PLANE_OBJECT_ID,
        "searchedSubscriptions": (ArmId(SUBSCRIPTION).subscription,),
        "groups": "direct assignments only",
        f"roleAssignments/{held.name}": (
            "Owner",
            f"roleDefinitionId {OWNER}",
            f"scope {GROUP}",
            "condition @Resource[x] StringEquals 'y'",
        ),
    }
    assert finding.fill == {"role_assignment_id": held.id}


# --- IDN-006

OTHER_SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000002"
ZONE = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.westeurope.azmk8s.io"
KUBELET = f"{IDENTITIES}/id-aks-kubelet"
KUBELET_OF_AKS = f"{NODE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/aks-agentpool"
ENCRYPTION = f"{GROUP}/providers/Microsoft.Compute/diskEncryptionSets/des"
PUBLIC_IP = f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/ip"
PREFIX = f"{GROUP}/providers/Microsoft.Network/publicIPPrefixes/prefix"
IN_NODE_GROUP = f"{NODE_GROUP}/providers/Microsoft.Network/virtualNetworks/aks-vnet/subnets/aks-subnet"


def kubelet(resource_id):
    reference = IdentityReference(resource_id=ArmId(resource_id), object_id=Token(KUBELET_OBJECT_ID))
    return {Token("kubeletidentity"): reference}


def built(*subnets, zone="", kubelet_id=KUBELET_OF_AKS, **fields):
    """A cluster of a pool in each subnet, everything else as AKS makes it."""
    pools = [node_pool(f"pool{n}", vnet_subnet_id=ArmId(one)) for n, one in enumerate(subnets or (NODE_SUBNET,))]
    return cluster(
        **{
            "pools": pools,
            "api_server": {"private_dns_zone": ArmId(zone)},
            "identity_profile": kubelet(kubelet_id),
            **fields,
        }
    )


def managed(**fields):
    return built("", **fields)


def internal(subnet_name="apps-subnet"):
    annotations = ServiceAnnotations(internal="true", internal_subnet=subnet_name)
    return service("orders", annotations=annotations, type="LoadBalancer")


def outbound(**fields):
    return managed(network={"load_balancer_profile": LoadBalancerProfile(**fields)})


ON_NETWORK = holds(NETWORK_CONTRIBUTOR, NETWORK)
OF_GROUP = role_assignment(GROUP_ID, NETWORK_CONTRIBUTOR, NODE_SUBNET, principal_type="Group")
# whose groups an identity is in is asked for in the subscription of its cluster
FAR_SUBNET = NODE_SUBNET.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION)
OF_FAR_GROUP = role_assignment(GROUP_ID, NETWORK_CONTRIBUTOR, FAR_SUBNET, principal_type="Group")
KUBENET = {"network": {"network_plugin": Token("kubenet"), "network_plugin_mode": Token()}}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("subnet in another group, Network Contributor on the VNet", [built(), *granted(ON_NETWORK)], Status.PASS),
        case(
            "subnet in another group, custom role with read and join",
            [built(), *granted(holds(JOINS, NODE_SUBNET))],
            Status.PASS,
        ),
        case("subnet in another group, no assignment", [built(), *granted(ON_NODE_GROUP)], Status.FAIL),
        case(
            "custom private DNS zone without Private DNS Zone Contributor",
            [built(zone=ZONE), *granted(ON_NETWORK)],
            Status.FAIL,
        ),
        case(
            "own kubelet identity outside the node group without Managed Identity Operator",
            [built(kubelet_id=KUBELET), *granted(ON_NETWORK)],
            Status.FAIL,
        ),
        case(
            "SystemAssigned with custom private DNS zone",
            [
                built(zone=ZONE, identity=system_assigned()),
                *granted(ON_NETWORK, holds(ZONE_CONTRIBUTOR, ZONE)),
            ],
            Status.FAIL,
        ),
        case(
            "VirtualMachines pool on own subnet with SystemAssigned",
            [
                built(pools=[node_pool(type=Token("VirtualMachines"))], identity=system_assigned()),
                *granted(ON_NETWORK),
            ],
            Status.FAIL,
        ),
        case("managed VNet, System DNS, default kubelet identity", [managed(zone="system")], Status.NOT_APPLICABLE),
        case(
            "assignments of the subnet's subscription unreadable",
            [built(FAR_SUBNET), *granted()],
            Status.NOT_ASSESSED,
        ),
        case(
            "Network Contributor on one of two node subnets",
            [built(NODE_SUBNET, f"{NETWORK}/subnets/late"), *granted(holds(NETWORK_CONTRIBUTOR, NODE_SUBNET))],
            Status.FAIL,
        ),
        case("Reader on the virtual network", [built(), *granted(holds(READER, NETWORK))], Status.FAIL),
        case("Contributor on the subscription", [built(), *granted(holds(CONTRIBUTOR, SUBSCRIPTION))], Status.PASS),
        case(
            "own route table with kubenet, subnet role only",
            [built(**KUBENET), *granted(holds(NETWORK_CONTRIBUTOR, NODE_SUBNET))],
            Status.FAIL,
        ),
        case(
            "a group holds Network Contributor on the subnet, P nothing, members unreadable",
            [built(FAR_SUBNET), *granted(OF_FAR_GROUP)],
            Status.NOT_ASSESSED,
        ),
        case(
            "internal load balancer subnet apps-subnet without join",
            [built(), *granted(holds(NETWORK_CONTRIBUTOR, NODE_SUBNET)), internal()],
            Status.FAIL,
        ),
        case("service principal", [built(service_principal_profile=SERVICE_PRINCIPAL)], Status.NOT_ASSESSED),
        case(
            "service principal, nothing outside the node group",
            [managed(service_principal_profile=SERVICE_PRINCIPAL)],
            Status.NOT_APPLICABLE,
        ),
        case("a subnet in the node resource group", [built(IN_NODE_GROUP), *granted()], Status.NOT_APPLICABLE),
        case(
            "join without read",
            [
                built(),
                *ROLES,
                one := role_definition("f9", "Join", actions=["Microsoft.Network/virtualNetworks/subnets/join/action"]),
                holds(one, NODE_SUBNET),
            ],
            Status.FAIL,
        ),
        case(
            "read by one assignment and join by another",
            [built(), *ROLES, one, holds(one, NODE_SUBNET), holds(READER, GROUP)],
            Status.PASS,
        ),
        case(
            "pod subnet without a role",
            [
                built(pools=[node_pool(pod_subnet_id=ArmId(f"{NETWORK}/subnets/pods"))]),
                *granted(holds(NETWORK_CONTRIBUTOR, NODE_SUBNET)),
            ],
            Status.FAIL,
        ),
        case(
            "API server subnet without a role",
            [managed(api_server={"subnet_id": ArmId(f"{NETWORK}/subnets/api")}), *granted()],
            Status.FAIL,
        ),
        case(
            "custom private DNS zone with Private DNS Zone Contributor",
            [managed(zone=ZONE), *granted(holds(ZONE_CONTRIBUTOR, ZONE))],
            Status.PASS,
        ),
        case(
            "own kubelet identity with Managed Identity Operator",
            [managed(kubelet_id=KUBELET), *granted(holds(IDENTITY_OPERATOR, KUBELET))],
            Status.PASS,
        ),
        case(
            "own kubelet identity with Contributor",
            [managed(kubelet_id=KUBELET), *granted(holds(CONTRIBUTOR, KUBELET))],
            Status.PASS,
        ),
        case(
            "kubenet, roles on subnet and route table",
            [built(**KUBENET), *granted(ON_NETWORK, holds(NETWORK_CONTRIBUTOR, ROUTE_TABLE))],
            Status.PASS,
        ),
        case(
            "kubenet, no route table",
            [built(**KUBENET), virtual_network(subnet(routed=False)), *granted(ON_NETWORK)],
            Status.PASS,
        ),
        case(
            "kubenet, networks unreadable",
            [built(**KUBENET), *granted(ON_NETWORK)],
            Status.NOT_ASSESSED,
            unreadable=[Need.VIRTUAL_NETWORKS],
        ),
        case(
            "disk encryption set without a role",
            [managed(disk_encryption_set_id=ArmId(ENCRYPTION)), *ROLES],
            Status.FAIL,
        ),
        case(
            "disk encryption set with Reader",
            [managed(disk_encryption_set_id=ArmId(ENCRYPTION)), *granted(holds(READER, ENCRYPTION))],
            Status.PASS,
        ),
        case(
            "own outbound addresses without a role",
            [outbound(outbound_ips=OutboundIps(public_ips=references(PUBLIC_IP))), *ROLES],
            Status.FAIL,
        ),
        case(
            "own outbound prefixes with a role on the addresses only",
            [
                outbound(
                    outbound_ips=OutboundIps(public_ips=references(PUBLIC_IP)),
                    outbound_ip_prefixes=OutboundIpPrefixes(public_ip_prefixes=references(PREFIX)),
                ),
                *granted(holds(NETWORK_CONTRIBUTOR, PUBLIC_IP)),
            ],
            Status.FAIL,
        ),
        case(
            "own outbound addresses and prefixes with roles",
            [
                outbound(
                    outbound_ips=OutboundIps(public_ips=references(PUBLIC_IP)),
                    outbound_ip_prefixes=OutboundIpPrefixes(public_ip_prefixes=references(PREFIX)),
                ),
                *granted(holds(NETWORK_CONTRIBUTOR, PUBLIC_IP), holds(NETWORK_CONTRIBUTOR, PREFIX)),
            ],
            Status.PASS,
        ),
        case("internal load balancer in the network", [built(), *granted(ON_NETWORK), internal()], Status.PASS),
        case("Services unreadable", [built(), *granted(ON_NETWORK)], Status.NOT_ASSESSED, unreadable=[Need.SERVICES]),
        case("Services unreadable, managed VNet", [managed()], Status.NOT_APPLICABLE, unreadable=[Need.SERVICES]),
        case("Services unreadable, no role", [built(), *granted()], Status.FAIL, unreadable=[Need.SERVICES]),
        case(
            "a group of the principal holds Network Contributor",
            [built(), *granted(OF_GROUP, member_of(CONTROL_PLANE_OBJECT_ID, OF_GROUP))],
            Status.PASS,
        ),
        case(
            "a group that the principal is not in holds Network Contributor",
            [built(), *granted(OF_GROUP, member_of(CONTROL_PLANE_OBJECT_ID))],
            Status.FAIL,
        ),
        case(
            "a group that holds an assignment here, too, holds Network Contributor far away",
            [built(FAR_SUBNET), *granted(OF_FAR_GROUP, OF_GROUP)],
            Status.FAIL,
        ),
        case(
            "a user holds Network Contributor",
            [built(), *granted(role_assignment(GROUP_ID, NETWORK_CONTRIBUTOR, NODE_SUBNET, principal_type="User"))],
            Status.FAIL,
        ),
        case("assignments unreadable", [built(), *granted()], Status.NOT_ASSESSED, unreadable=[Need.ROLE_ASSIGNMENTS]),
        case("roles unreadable", [built(), ON_NETWORK], Status.NOT_ASSESSED, **UNREADABLE_ROLES),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_control_plane_identity_is_sufficient(world, expected):
    assert evaluate(control_plane_identity_is_sufficient, world).status is expected


def test_what_is_missing_is_named_and_filled_in():
    late = f"{NETWORK}/subnets/late"
    things = [built(NODE_SUBNET, late, zone=ZONE, kubelet_id=KUBELET), route_table(), virtual_network(subnet())]
    world = inventory(things, granted(holds(NETWORK_CONTRIBUTOR, NODE_SUBNET), holds(READER, late)))
    (finding,) = evaluate(control_plane_identity_is_sufficient, world).findings
    assert finding.message == (
        "late (agentPoolProfiles.vnetSubnetID): Microsoft.Network/virtualNetworks/subnets/join/action is missing; "
        "privatelink.westeurope.azmk8s.io (apiServerAccessProfile.privateDNSZone): "
        "Microsoft.Network/privateDnsZones/read, Microsoft.Network/privateDnsZones/A/write is missing; "
        "id-aks-kubelet (identityProfile.kubeletidentity.resourceId): "
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action is missing"
    )
    assert finding.evidence[late] == (
        "agentPoolProfiles.vnetSubnetID",
        "missing: Microsoft.Network/virtualNetworks/subnets/join/action",
        f"held: Reader on {late}",
    )
    assert finding.fill["subnet_id"] == late
    assert finding.fill["private_dns_zone_id"] == ZONE
    assert finding.fill["kubelet_identity_id"] == KUBELET
    assert finding.fill["control_plane_object_id"] == CONTROL_PLANE_OBJECT_ID


def test_the_subnets_of_a_hosted_system_are_joined():
    apart = subnet("system", "10.0.1.0/26")
    things = [
        built(pools=[], hosted_system_profile=hosted_system("nodes", "system"), kubelet_id=""),
        virtual_network(subnet(), apart),
        route_table(),
    ]
    world = inventory(things, granted(holds(NETWORK_CONTRIBUTOR, NODE_SUBNET), holds(READER, apart.id)))
    (finding,) = evaluate(control_plane_identity_is_sufficient, world).findings
    assert finding.message.startswith("system (hostedSystemProfile): ")


def test_the_subnets_of_node_classes_are_joined():
    apart = subnet("beside", "10.0.1.0/24")
    auto = NodeProvisioningProfile(mode=Token("Auto"))
    things = [
        built(node_provisioning_profile=auto, kubelet_id=""),
        virtual_network(subnet(), apart),
        route_table(),
        node_class("beside", apart.id),
    ]
    held = granted(holds(NETWORK_CONTRIBUTOR, NODE_SUBNET), holds(READER, apart.id))
    (finding,) = evaluate(control_plane_identity_is_sufficient, inventory(things, held)).findings
    assert finding.message.startswith("beside (AKSNodeClass vnetSubnetID): ")
    held = granted(holds(NETWORK_CONTRIBUTOR, NODE_SUBNET), holds(NETWORK_CONTRIBUTOR, apart.id))
    verdict = evaluate(
        control_plane_identity_is_sufficient, inventory(things[:-1], held, unreadable=[Need.AKS_NODE_CLASSES])
    )
    assert verdict.status is Status.NOT_ASSESSED


def test_the_control_plane_fills_the_fix():
    world = inventory(*ROLES)
    (identity,) = ControlPlaneIdentity.each(world, world.clusters[0])
    assert identity.placeholders()["control_plane_object_id"] == CONTROL_PLANE_OBJECT_ID
