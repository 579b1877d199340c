"""The identities with which a cluster acts in Azure."""

import msgspec
import pytest
from akscan.engine import SelectedRule, judge
from akscan.model.azure import IdentityReference, ManagedServiceIdentity, ServicePrincipalProfile
from akscan.model.inventory import Read
from akscan.model.text import ArmId, Token
from akscan.sdk import (
    ControlPlaneIdentity,
    Gap,
    Inventory,
    KubeletIdentity,
    ManagedCluster,
    Need,
    Reason,
    Status,
)
from akscan.testing import (
    ACR_PULL,
    CONTRIBUTOR,
    GROUP,
    IDENTITIES,
    KUBELET_OBJECT_ID,
    SUBSCRIPTION,
    case,
    cluster,
    evaluate,
    federated_credential,
    identity_binding,
    inventory,
    member_of,
    node_pool,
    role_assignment,
    role_definition,
    system_assigned,
    user_assigned,
)
from akscan_rules.identity.cluster import (
    cluster_runs_on_a_managed_identity,
    control_plane_identity_serves_one_cluster,
)
from akscan_rules.identity.kubelet import kubelet_identity_only_pulls_images

APPLICATION = "00000000-0000-0000-0000-0000000000c1"
NO_IDENTITY = ManagedServiceIdentity()


def principal(client_id):
    """The service principal block of a cluster."""
    return ServicePrincipalProfile(client_id=Token(client_id))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "identity.type SystemAssigned, clientId msi",
            [cluster(identity=system_assigned(), service_principal_profile=principal("msi"))],
            Status.PASS,
        ),
        case(
            "identity.type UserAssigned, servicePrincipalProfile absent",
            [cluster(service_principal_profile=ServicePrincipalProfile())],
            Status.PASS,
        ),
        case(
            "identity absent, clientId a GUID",
            [cluster(identity=NO_IDENTITY, service_principal_profile=principal(APPLICATION))],
            Status.FAIL,
        ),
        case(
            "identity.type None, clientId a GUID",
            [
                cluster(
                    identity=ManagedServiceIdentity(type=Token("none")),
                    service_principal_profile=principal(APPLICATION),
                )
            ],
            Status.FAIL,
        ),
        case(
            "identity.type SystemAssigned, clientId a GUID (migration not finished)",
            [cluster(identity=system_assigned(), service_principal_profile=principal(APPLICATION))],
            Status.FAIL,
        ),
        case(
            'clientId "MSI" in upper case',
            [cluster(identity=system_assigned(), service_principal_profile=principal("MSI"))],
            Status.PASS,
        ),
        case("identity absent, clientId msi", [cluster(identity=NO_IDENTITY)], Status.FAIL),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_cluster_runs_on_a_managed_identity(world, expected):
    assert evaluate(cluster_runs_on_a_managed_identity, world).status is expected


def test_image_versions_tell_which_pools_still_use_the_old_principal():
    pools = [node_pool(node_image_version="AKSUbuntu-2204-1"), node_pool("user", node_image_version="AKSUbuntu-2204-2")]
    world = inventory(cluster(pools=pools, service_principal_profile=principal(APPLICATION)))
    (finding,) = evaluate(cluster_runs_on_a_managed_identity, world).findings
    assert finding.evidence == {
        "identity.type": "UserAssigned",
        "servicePrincipalProfile.clientId": APPLICATION,
        "nodeImageVersion": ("system: AKSUbuntu-2204-1", "user: AKSUbuntu-2204-2"),
    }


# --- IDN-002

A = f"{IDENTITIES}/id-a"
B = f"{IDENTITIES}/id-b"
C = f"{IDENTITIES}/id-c"


def kubelet(resource_id):
    """The identity profile of a cluster with this kubelet identity."""
    reference = IdentityReference(resource_id=ArmId(resource_id), object_id=Token(KUBELET_OBJECT_ID))
    return {Token("kubeletidentity"): reference}


def with_a(name="aks", **fields):
    """A cluster whose control plane acts as A and its kubelet as B."""
    return cluster(name, **{"identity": user_assigned(A), "identity_profile": kubelet(B), **fields})


OTHER = cluster("other", identity=user_assigned(C))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("UserAssigned A, kubelet identity B, only this cluster", [with_a()], Status.PASS),
        case(
            "UserAssigned A, kubelet identity A (different letter case)",
            [with_a(identity_profile=kubelet(A.upper()))],
            Status.FAIL,
        ),
        case(
            "UserAssigned A used by two clusters as control plane identity",
            [with_a(), with_a("other")],
            Status.FAIL,
        ),
        case(
            "A is the kubelet identity of another cluster",
            [with_a(), cluster("other", identity=user_assigned(C), identity_profile=kubelet(A.upper()))],
            Status.FAIL,
            subject="id-a",
        ),
        case(
            "A has a federated credential with this cluster's issuer", [with_a(), federated_credential(A)], Status.FAIL
        ),
        case("an identity binding of the cluster names A", [with_a(), identity_binding(A.upper())], Status.FAIL),
        case("SystemAssigned", [cluster(identity=system_assigned())], Status.NOT_APPLICABLE),
        case(
            "federated credentials of A unreadable, no other hit",
            [with_a()],
            Status.NOT_ASSESSED,
            unreadable=[Need.FEDERATED_CREDENTIALS],
        ),
        case("another cluster with an identity of its own", [with_a(), OTHER], Status.PASS, subject="id-a"),
        case(
            "A has a federated credential of another cluster's issuer",
            [with_a(), OTHER, federated_credential(A, issuer="https://oidc.example/other")],
            Status.FAIL,
            subject="id-a",
        ),
        case(
            "the issuer differs by a trailing slash only",
            [with_a(), federated_credential(A, issuer="https://oidc.example/aks")],
            Status.FAIL,
        ),
        case(
            "A trusts an issuer outside the inventory",
            [with_a(), federated_credential(A, issuer="https://token.actions.example")],
            Status.PASS,
        ),
        case(
            "a credential without issuer, a cluster without one",
            [
                with_a(oidc_issuer_profile=type(OTHER.properties.oidc_issuer_profile)()),
                federated_credential(A, issuer=""),
            ],
            Status.PASS,
        ),
        case(
            "another identity of the inventory trusts the cluster",
            [with_a(), OTHER, federated_credential(C)],
            Status.PASS,
            subject="id-a",
        ),
        case(
            "an identity binding of another cluster names A",
            [with_a(), OTHER, identity_binding(A, cluster_name="other")],
            Status.FAIL,
            subject="id-a",
        ),
        case("an identity binding names another identity", [with_a(), identity_binding(C)], Status.PASS),
        case("service principal", [with_a(service_principal_profile=principal(APPLICATION))], Status.NOT_APPLICABLE),
        case("no identity at all", [cluster(identity=NO_IDENTITY)], Status.NOT_APPLICABLE),
        case(
            "identity bindings unreadable, no other hit",
            [with_a()],
            Status.NOT_ASSESSED,
            unreadable=[Need.IDENTITY_BINDINGS],
        ),
        case(
            "kubelet identity A, nothing else readable",
            [with_a(identity_profile=kubelet(A))],
            Status.FAIL,
            unreadable=[Need.IDENTITY_BINDINGS, Need.FEDERATED_CREDENTIALS],
        ),
        case(
            "federated credentials unreadable, a binding names A",
            [with_a(), identity_binding(A)],
            Status.FAIL,
            unreadable=[Need.FEDERATED_CREDENTIALS],
        ),
        case(
            "SystemAssigned, nothing else readable",
            [cluster(identity=system_assigned())],
            Status.NOT_APPLICABLE,
            unreadable=[Need.IDENTITY_BINDINGS, Need.FEDERATED_CREDENTIALS],
        ),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_control_plane_identity_serves_one_cluster(world, expected):
    assert evaluate(control_plane_identity_serves_one_cluster, world).status is expected


def test_a_shared_identity_is_judged_for_each_cluster():
    world = inventory(with_a(), with_a("other"))
    selected = SelectedRule.of(control_plane_identity_serves_one_cluster)
    others = {}
    for own in world.clusters:
        (identity,) = ControlPlaneIdentity.each(world, own)
        (finding,) = judge(selected, identity, world).findings
        others[own.name] = finding.evidence["otherClusters"]
    assert others == {
        "aks": (f"{with_a('other').id} (control plane)",),
        "other": (f"{with_a().id} (control plane)",),
    }


def test_the_fix_assigns_no_identity_again_that_others_hold():
    world = inventory(with_a(), with_a("other"))
    (identity,) = ControlPlaneIdentity.each(world, world.clusters[0])
    (finding,) = judge(SelectedRule.of(control_plane_identity_serves_one_cluster), identity, world).findings
    filled = {**identity.placeholders(), **finding.fill}
    assert not filled["control_plane_identity_id"]
    assert not filled["control_plane_object_id"]
    world = inventory(with_a(identity_profile=kubelet(A)))
    (identity,) = ControlPlaneIdentity.each(world, world.clusters[0])
    (finding,) = judge(SelectedRule.of(control_plane_identity_serves_one_cluster), identity, world).findings
    assert {**identity.placeholders(), **finding.fill}["control_plane_identity_id"] == A


def test_every_condition_that_holds_is_named():
    things = [with_a(identity_profile=kubelet(A)), federated_credential(A), identity_binding(A)]
    (finding,) = evaluate(control_plane_identity_serves_one_cluster, inventory(things)).findings
    assert finding.message == (
        "id-a is the kubelet identity too; pods can become the control plane through federated credentials "
        "(app: system:serviceaccount:shop:app); pods can become the control plane through identity bindings (binding)"
    )
    assert finding.evidence == {
        "identityProfile.kubeletidentity.resourceId": A,
        "userAssignedIdentities": A,
        "federatedIdentityCredentials": ("app: system:serviceaccount:shop:app",),
        "identityBindings": (f"{with_a().id}/identityBindings/binding",),
    }


@pytest.mark.parametrize(
    ("own", "expected"), [(with_a(), Status.NOT_ASSESSED), (with_a(identity_profile=kubelet(A)), Status.FAIL)]
)
def test_clusters_of_a_subscription_that_refuses_may_share_the_identity(own, expected):
    world = inventory(own)
    gap = Gap(source="arm", scope="/subscriptions/2", reason=Reason.FORBIDDEN, permission=Need.MANAGED_CLUSTERS)
    refused = Read(type=ManagedCluster.arm_type, scope=ArmId("/subscriptions/2"), gap=gap)
    azure = msgspec.structs.replace(world.azure, reads=(*world.azure.reads, refused))
    assert evaluate(control_plane_identity_serves_one_cluster, Inventory(world.manifest, azure)).status is expected


# --- IDN-003

REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/acr"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
NODE_GROUP = f"{SUBSCRIPTION}/resourceGroups/MC_rg-test_aks_westeurope"
MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/corp"
GROUP_ID = "00000000-0000-0000-0000-0000000000e1"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
ROLES = [
    role_definition(ACR_PULL, "AcrPull", actions=["Microsoft.ContainerRegistry/registries/pull/read"]),
    role_definition(CONTRIBUTOR, "Contributor", actions=["*"]),
    role_definition(SECRETS_USER, "Key Vault Secrets User", data_actions=["Microsoft.KeyVault/vaults/secrets/read"]),
]
UNREADABLE_ROLES = {"unreadable": [Need.ROLE_DEFINITIONS]}


def holds(role, scope, **fields):
    """An assignment of the kubelet identity."""
    return role_assignment(KUBELET_OBJECT_ID, role, scope, **fields)


def custom(*actions):
    """A custom role of these actions on registries."""
    guid = "00000000-0000-0000-0000-0000000000f1"
    return role_definition(
        guid, "Puller", custom=True, actions=[f"Microsoft.ContainerRegistry/registries/{action}" for action in actions]
    )


def granted_custom(*actions):
    return [*ROLES, custom(*actions), holds(custom(*actions), REGISTRY)]


THROUGH_GROUP = role_assignment(GROUP_ID, CONTRIBUTOR, NODE_GROUP)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("only AcrPull on one registry", [*ROLES, holds(ACR_PULL, REGISTRY)], Status.PASS),
        case("AcrPull on the resource group of the registry", [*ROLES, holds(ACR_PULL, GROUP)], Status.PASS),
        case("AcrPull on the subscription", [*ROLES, holds(ACR_PULL, SUBSCRIPTION)], Status.FAIL),
        case(
            "AcrPull and Contributor on the node resource group",
            [*ROLES, holds(ACR_PULL, NODE_GROUP), holds(CONTRIBUTOR, NODE_GROUP)],
            Status.FAIL,
        ),
        case("Key Vault Secrets User on a vault", [*ROLES, holds(SECRETS_USER, VAULT)], Status.FAIL),
        case("custom role with only pull/read", granted_custom("pull/read"), Status.PASS),
        case("custom role with pull/read and push/write", granted_custom("pull/read", "push/write"), Status.FAIL),
        case(
            "Contributor inherited through a group",
            [*ROLES, THROUGH_GROUP, member_of(KUBELET_OBJECT_ID, THROUGH_GROUP)],
            Status.FAIL,
        ),
        case(
            "role assignments unreadable",
            [*ROLES, holds(CONTRIBUTOR, NODE_GROUP)],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_ASSIGNMENTS],
        ),
        case(
            "role named in extra_allowed_roles on its resource",
            [*ROLES, holds(SECRETS_USER, VAULT)],
            Status.PASS,
            parameters={"extra_allowed_roles": ("key vault secrets user",)},
        ),
        case("no assignment", ROLES, Status.PASS),
        case(
            "a role allowed by id",
            [*ROLES, holds(SECRETS_USER, VAULT)],
            Status.PASS,
            parameters={"extra_allowed_roles": (SECRETS_USER.upper(),)},
        ),
        case(
            "another role allowed",
            [*ROLES, holds(CONTRIBUTOR, VAULT)],
            Status.FAIL,
            parameters={"extra_allowed_roles": ("Key Vault Secrets User",)},
        ),
        case(
            "an allowed role on the subscription",
            [*ROLES, holds(SECRETS_USER, SUBSCRIPTION)],
            Status.FAIL,
            parameters={"extra_allowed_roles": (SECRETS_USER,)},
        ),
        case("AcrPull on a management group", [*ROLES, holds(ACR_PULL, MANAGEMENT_GROUP)], Status.FAIL),
        case("AcrPull on everything", [*ROLES, holds(ACR_PULL, "/")], Status.FAIL),
        case("Contributor of another group", [*ROLES, THROUGH_GROUP, member_of(KUBELET_OBJECT_ID)], Status.PASS),
        case(
            "Contributor of another principal", [*ROLES, role_assignment(APPLICATION, CONTRIBUTOR, GROUP)], Status.PASS
        ),
        case("a role that is gone", [*ROLES, holds("00000000-0000-0000-0000-0000000000f9", REGISTRY)], Status.FAIL),
        case(
            "service principal",
            [*ROLES, cluster(service_principal_profile=principal(APPLICATION)), holds(CONTRIBUTOR, GROUP)],
            Status.NOT_APPLICABLE,
        ),
        case("kubeletidentity absent", [cluster(identity_profile={})], Status.NOT_ASSESSED),
        case("roles unreadable, AcrPull on a registry", [holds(ACR_PULL, REGISTRY)], Status.PASS, **UNREADABLE_ROLES),
        case("roles unreadable, another role", [holds(SECRETS_USER, VAULT)], Status.NOT_ASSESSED, **UNREADABLE_ROLES),
        case(
            "roles unreadable, another role allowed by id",
            [holds(SECRETS_USER, VAULT)],
            Status.PASS,
            parameters={"extra_allowed_roles": (SECRETS_USER,)},
            **UNREADABLE_ROLES,
        ),
        case(
            "roles unreadable, any role on the subscription beside one that only its definition would tell",
            [holds(SECRETS_USER, VAULT), holds(SECRETS_USER, SUBSCRIPTION)],
            Status.FAIL,
            **UNREADABLE_ROLES,
        ),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_kubelet_identity_only_pulls_images(world, expected):
    assert evaluate(kubelet_identity_only_pulls_images, world).status is expected


def test_the_offending_assignments_are_named():
    direct = holds(SECRETS_USER, VAULT, condition="@Resource[x] StringEquals 'y'")
    things = [direct, THROUGH_GROUP, member_of(KUBELET_OBJECT_ID, THROUGH_GROUP), holds(ACR_PULL, GROUP)]
    world = inventory(*ROLES, *things)
    (finding,) = evaluate(kubelet_identity_only_pulls_images, world).findings
    assert finding.message == (
        f"Key Vault Secrets User on {VAULT}; Contributor on {NODE_GROUP} through group {GROUP_ID}"
    )
    assert finding.evidence == {
        "identityProfile.kubeletidentity.resourceId": f"{IDENTITIES}/id-aks-kubelet",
        "identityProfile.kubeletidentity.objectId": KUBELET_OBJECT_ID,
        "searchedSubscriptions": (ArmId(SUBSCRIPTION).subscription,),
        "groups": ("00000000-0000-0000-0000-0000000000e1",),
        "pullRolesOnResourceGroups": (GROUP,),
        f"roleAssignments/{direct.name}": (
            "Key Vault Secrets User",
            f"roleDefinitionId {SECRETS_USER}",
            f"scope {VAULT}",
            "condition @Resource[x] StringEquals 'y'",
        ),
        f"roleAssignments/{THROUGH_GROUP.name}": (
            "Contributor",
            f"roleDefinitionId {CONTRIBUTOR}",
            f"scope {NODE_GROUP}",
            f"group {GROUP_ID}",
        ),
    }
    assert finding.fill == {"role_assignment_id": THROUGH_GROUP.id}


def test_the_kubelet_fills_the_fix():
    world = inventory(*ROLES)
    (identity,) = KubeletIdentity.each(world, world.clusters[0])
    assert identity.placeholders()["kubelet_object_id"] == KUBELET_OBJECT_ID


def test_without_an_answer_about_groups_the_evidence_says_so():
    owner = role_definition("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", actions=["*"])
    world = inventory(owner, role_assignment(KUBELET_OBJECT_ID, owner, GROUP))
    (finding,) = evaluate(kubelet_identity_only_pulls_images, world).findings
    assert finding.evidence["groups"] == "direct assignments only"
