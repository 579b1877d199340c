"""Administrators through Azure: who gets in, who else could, and which resources are let in."""

import pytest
from akscan.model.azure import AadProfile
from akscan.sdk import Need, Status
from akscan.testing import (
    CONTRIBUTOR,
    GROUP,
    SUBSCRIPTION,
    activated,
    case,
    cluster,
    cluster_role_binding,
    eligible,
    evaluate,
    evaluate_all,
    inventory,
    listed_resource,
    rbac_subject,
    role_assignment,
    role_definition,
    trusted_access,
)
from akscan_rules.access.azure_roles import (
    administrators_through_azure_are_few,
    an_administrator_gets_in,
    few_can_make_themselves_administrators,
    trusted_access_is_expected,
)

CLUSTER = str(cluster().id)
TEAM = "5f0c2c64-6f0c-4c5a-9d3a-0a7e1d6a0001"
ROOT_GROUP = "/providers/Microsoft.Management/managementGroups/root"
EVERYTHING = "Microsoft.ContainerService/managedClusters/*"
BIND = "Microsoft.ContainerService/managedClusters/rbac.authorization.k8s.io/rolebindings/write"
CLUSTER_ADMIN = role_definition(
    "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b", "Azure Kubernetes Service RBAC Cluster Admin", data_actions=[EVERYTHING]
)
RBAC_ADMIN = role_definition(
    "3498e952-d568-435e-9b2c-8d77e338d7f7",
    "Azure Kubernetes Service RBAC Admin",
    data_actions=[EVERYTHING],
    not_data_actions=["Microsoft.ContainerService/managedClusters/resourcequotas/write"],
)
ACCESS_PROFILE = "Microsoft.ContainerService/managedClusters/accessProfiles/listCredential/action"
CREDENTIALS = role_definition(
    "0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8",
    "Azure Kubernetes Service Cluster Admin Role",
    actions=[
        "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action",
        "Microsoft.ContainerService/managedClusters/runcommand/action",
    ],
)
CLUSTER_USER = role_definition(
    "4abbcc35-e782-43d8-92c5-2d3f1bd2253f",
    "Azure Kubernetes Service Cluster User Role",
    actions=["Microsoft.ContainerService/managedClusters/listClusterUserCredential/action"],
)
OWNER = role_definition("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", actions=["*"])
CONTRIBUTES = role_definition(CONTRIBUTOR, "Contributor", actions=["Microsoft.ContainerService/*"])
ROLES = [CLUSTER_ADMIN, RBAC_ADMIN, CREDENTIALS, CLUSTER_USER, OWNER, CONTRIBUTES]


def custom(*, actions=(), data_actions=()):
    return role_definition("c0", "Custom", custom=True, actions=actions, data_actions=data_actions)


def entra(*groups, azure=True, **properties):
    """A cluster without local accounts, with administrator groups and Azure RBAC or not."""
    aad = AadProfile(managed=True, enable_azure_rbac=azure, admin_group_object_ids=groups)
    return cluster(aad_profile=aad, **properties)


def held(role, scope=CLUSTER, *, by="g1", kind="Group"):
    return role_assignment(by, role, scope, principal_type=kind)


def users_and(*things):
    """With bindings that belong to the platform, which are nobody's way in."""
    aks = {"addonmanager.kubernetes.io/mode": "Reconcile"}
    return [
        cluster_role_binding("cluster-admin", rbac_subject("Group", "system:masters")),
        cluster_role_binding("aks-cluster-admin-binding", rbac_subject("User", "clusterAdmin"), labels=aks),
        *things,
    ]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("local accounts disabled, one admin group", [entra("g1")], Status.PASS),
        case(
            "local accounts disabled, Azure RBAC, RBAC Cluster Admin for a group",
            [entra(), *ROLES, held(CLUSTER_ADMIN)],
            Status.PASS,
        ),
        case(
            "local accounts disabled, Azure RBAC, no assignment, no group, no binding", users_and(entra()), Status.FAIL
        ),
        case(
            "local accounts disabled, Azure RBAC off, no group, no binding", users_and(entra(azure=False)), Status.FAIL
        ),
        case(
            "local accounts disabled, Azure RBAC off, cluster-admin bound to a Group GUID",
            users_and(entra(azure=False), cluster_role_binding("ours", rbac_subject("Group", TEAM))),
            Status.PASS,
        ),
        case(
            "cluster-admin bound to a User",
            users_and(entra(azure=False), cluster_role_binding("ours", rbac_subject("User", "alice@contoso.example"))),
            Status.PASS,
        ),
        case(
            "cluster-admin bound to a group by a name that Entra ID does not send",
            users_and(entra(azure=False), cluster_role_binding("ours", rbac_subject("Group", "platform-admins"))),
            Status.FAIL,
        ),
        case(
            "cluster-admin bound to a group of another issuer",
            users_and(entra(azure=False), cluster_role_binding("ours", rbac_subject("Group", "aks:jwt:admins"))),
            Status.PASS,
        ),
        case(
            "local accounts disabled, no path in ARM, clusterrolebindings not listable",
            [entra()],
            Status.NOT_ASSESSED,
            unreadable=[Need.CLUSTER_ROLE_BINDINGS],
        ),
        case("local accounts disabled, aadProfile absent", [cluster(aad_profile=None)], Status.FAIL),
        case("local accounts enabled", [entra(disable_local_accounts=False)], Status.NOT_APPLICABLE),
        case(
            "Azure RBAC on, no group, assignments unreadable",
            [entra(), *ROLES],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_ASSIGNMENTS],
        ),
        case("role only eligible in PIM", [entra(), *ROLES, eligible(held(CLUSTER_ADMIN))], Status.PASS),
        case(
            "eligible above the subscription",
            [entra(), *ROLES, eligible(held(CLUSTER_ADMIN, ROOT_GROUP))],
            Status.PASS,
        ),
        case(
            "eligible on another cluster",
            [entra(), *ROLES, eligible(held(CLUSTER_ADMIN, f"{CLUSTER}2"))],
            Status.FAIL,
        ),
        case(
            "no active assignment, eligibility unreadable",
            [entra()],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_ELIGIBILITY],
        ),
        case(
            "an assignment of a role that is not readable",
            [entra(), held(CLUSTER_ADMIN)],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_DEFINITIONS],
        ),
        case("roles unreadable, no assignment", [entra()], Status.FAIL, unreadable=[Need.ROLE_DEFINITIONS]),
        case("an assignment of a role that is gone", [entra(), held(CLUSTER_ADMIN)], Status.FAIL),
        case("a role that leaves something out", [entra(), *ROLES, held(RBAC_ADMIN)], Status.FAIL),
        case("a wider wildcard", [entra(), custom(data_actions=["*"]), held("c0")], Status.PASS),
        case("a narrower wildcard", [entra(), custom(data_actions=[f"{EVERYTHING}/read"]), held("c0")], Status.FAIL),
        case("an assignment while Azure RBAC is off", [entra(azure=False), *ROLES, held(CLUSTER_ADMIN)], Status.FAIL),
        case(
            "eligibility unreadable while Azure RBAC is off",
            [entra(azure=False)],
            Status.FAIL,
            unreadable=[Need.ROLE_ELIGIBILITY, Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS],
        ),
        case("on a namespace only", [entra(), *ROLES, held(CLUSTER_ADMIN, f"{CLUSTER}/namespaces/a")], Status.FAIL),
        case("cluster unreadable", [entra()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_an_administrator_gets_in(world, expected):
    assert evaluate(an_administrator_gets_in, world).status is expected


TONIGHT = held(CLUSTER_ADMIN, by="u1", kind="User")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("one admin group, no role assignment", [entra("g1"), *ROLES], Status.PASS),
        case("RBAC Cluster Admin for one group on the cluster", [entra(), *ROLES, held(CLUSTER_ADMIN)], Status.PASS),
        case("RBAC Cluster Admin for a User, standing", [entra(), *ROLES, TONIGHT], Status.FAIL),
        case(
            "RBAC Cluster Admin for a User, Activated until tonight",
            [entra(), *ROLES, TONIGHT, activated(TONIGHT)],
            Status.PASS,
        ),
        case(
            "assigned for a User until tonight",
            [entra(), *ROLES, TONIGHT, activated(TONIGHT, kind="Assigned")],
            Status.PASS,
        ),
        case(
            "assigned for a User without an end",
            [entra(), *ROLES, TONIGHT, activated(TONIGHT, kind="Assigned", until="")],
            Status.FAIL,
        ),
        case(
            "activated for the same User elsewhere",
            [entra(), *ROLES, TONIGHT, activated(held(CLUSTER_ADMIN, GROUP, by="u1", kind="User"))],
            Status.FAIL,
        ),
        case(
            "RBAC Cluster Admin for a group on the subscription",
            [entra(), *ROLES, held(CLUSTER_ADMIN, SUBSCRIPTION)],
            Status.FAIL,
        ),
        case(
            "on the resource group", [entra(), *ROLES, held(CLUSTER_ADMIN, GROUP), held(RBAC_ADMIN, GROUP)], Status.PASS
        ),
        case("on a management group", [entra(), *ROLES, held(RBAC_ADMIN, ROOT_GROUP)], Status.FAIL),
        case("on everything", [entra(), *ROLES, held(RBAC_ADMIN, "/")], Status.FAIL),
        case(
            "RBAC Admin on <cluster>/namespaces/team-a for a group",
            [entra(), *ROLES, held(RBAC_ADMIN, f"{CLUSTER}/namespaces/team-a")],
            Status.PASS,
        ),
        case(
            "five distinct principals",
            [entra("g1"), *ROLES, *(held(RBAC_ADMIN, by=f"g{number}") for number in range(2, 6))],
            Status.FAIL,
        ),
        case(
            "four distinct principals, one of them twice",
            [entra("g2"), *ROLES, *(held(RBAC_ADMIN, by=f"g{number}") for number in range(2, 6))],
            Status.PASS,
        ),
        case(
            "enableAzureRBAC false, assignments exist",
            [entra("g1", azure=False), *ROLES, held(CLUSTER_ADMIN, SUBSCRIPTION), TONIGHT],
            Status.PASS,
        ),
        case(
            "enableAzureRBAC false, assignments unreadable",
            [entra("g1", azure=False)],
            Status.PASS,
            unreadable=[Need.ROLE_ASSIGNMENTS],
        ),
        case("assignments unreadable", [entra("g1"), *ROLES], Status.NOT_ASSESSED, unreadable=[Need.ROLE_ASSIGNMENTS]),
        case(
            "schedules unreadable, a User",
            [entra(), *ROLES, TONIGHT],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_ASSIGNMENT_SCHEDULES],
        ),
        case(
            "schedules unreadable, no User",
            [entra(), *ROLES, held(CLUSTER_ADMIN)],
            Status.PASS,
            unreadable=[Need.ROLE_ASSIGNMENT_SCHEDULES],
        ),
        case(
            "schedules unreadable, a User of the subscription",
            [entra(), *ROLES, held(CLUSTER_ADMIN, SUBSCRIPTION, kind="User")],
            Status.FAIL,
            unreadable=[Need.ROLE_ASSIGNMENT_SCHEDULES],
        ),
        case("of unknown kind", [entra(), *ROLES, held(CLUSTER_ADMIN, kind="")], Status.NOT_ASSESSED),
        case(
            "a custom role that binds roles, for a User",
            [entra(), custom(data_actions=[BIND]), held("c0", kind="User")],
            Status.FAIL,
        ),
        case(
            "a custom role that reads, for a User",
            [entra(), custom(data_actions=["*/read"]), held("c0", kind="User")],
            Status.PASS,
        ),
        case(
            "a role that is not readable",
            [entra(), held("c0", kind="User")],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_DEFINITIONS],
        ),
        case(
            "more principals allowed",
            [entra("g1"), *ROLES, *(held(RBAC_ADMIN, by=f"g{number}") for number in range(2, 6))],
            Status.PASS,
            parameters={"max_principals": 5},
        ),
        case("no Entra integration", [cluster(aad_profile=None)], Status.NOT_APPLICABLE),
        case("cluster unreadable", [entra()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_administrators_through_azure_are_few(world, expected):
    assert evaluate(administrators_through_azure_are_few, world).status is expected


def test_every_administrator_is_shown_and_the_one_to_remove_fills_the_fix():
    world = inventory(entra("g0"), *ROLES, TONIGHT, held(RBAC_ADMIN, GROUP), held(CLUSTER_USER))
    (finding,) = evaluate(administrators_through_azure_are_few, world).findings
    assert finding.message == f"User u1 holds a standing role on {CLUSTER}"
    assert finding.evidence == {
        "adminGroupObjectIDs": ("g0",),
        "enableAzureRBAC": True,
        "holders": [
            (
                f"Group g1, Azure Kubernetes Service RBAC Admin (3498e952-d568-435e-9b2c-8d77e338d7f7), on {GROUP}, "
                "inherited, standing"
            ),
            (
                "User u1, Azure Kubernetes Service RBAC Cluster Admin (b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b), "
                f"on {CLUSTER}, direct, standing"
            ),
        ],
        "holdersAboveTheCluster": 1,
    }
    assert finding.fill == {"role_assignment_id": str(TONIGHT.id)}


OF_GROUP = held(CONTRIBUTES, GROUP, by="u1", kind="User")


def circle(size, role=OWNER, scope=SUBSCRIPTION):
    return [held(role, scope, by=f"g{number}") for number in range(size)]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "local accounts disabled, one group as Contributor on the subscription",
            [entra(), *ROLES, held(CONTRIBUTES, SUBSCRIPTION)],
            Status.PASS,
        ),
        case(
            "local accounts disabled, Contributor for a User on the resource group, standing",
            [entra(), *ROLES, OF_GROUP],
            Status.FAIL,
        ),
        case("same, activated through PIM with an end", [entra(), *ROLES, OF_GROUP, activated(OF_GROUP)], Status.PASS),
        case(
            "same, schedules unreadable",
            [entra(), *ROLES, OF_GROUP],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_ASSIGNMENT_SCHEDULES],
        ),
        case(
            "local accounts enabled, Cluster Admin Role for a User on the cluster",
            [entra(disable_local_accounts=False), *ROLES, held(CREDENTIALS, kind="User")],
            Status.FAIL,
        ),
        case(
            "local accounts disabled, Cluster Admin Role for a User on the cluster",
            [entra(), *ROLES, held(CREDENTIALS, kind="User")],
            Status.PASS,
        ),
        case(
            "Owner for a User inherited from the subscription",
            [entra(), *ROLES, held(OWNER, SUBSCRIPTION, kind="User")],
            Status.PASS,
        ),
        case("nine distinct principals", [entra(), *ROLES, *circle(9)], Status.FAIL),
        case("eight distinct principals", [entra(), *ROLES, *circle(8), *circle(8, CONTRIBUTES)], Status.PASS),
        case("nine allowed", [entra(), *ROLES, *circle(9)], Status.PASS, parameters={"max_principals": 9}),
        case(
            "no Entra integration, nine holders of Cluster User Role",
            [cluster(aad_profile=None), *ROLES, *circle(9, CLUSTER_USER)],
            Status.FAIL,
        ),
        case("nine holders of Cluster User Role", [entra(), *ROLES, *circle(9, CLUSTER_USER)], Status.PASS),
        case(
            "custom role with managedClusters/*",
            [entra(), custom(actions=[EVERYTHING]), held("c0", kind="User")],
            Status.FAIL,
        ),
        case(
            "custom role that lists access profiles",
            [entra(disable_local_accounts=False), custom(actions=[ACCESS_PROFILE]), held("c0", kind="User")],
            Status.FAIL,
        ),
        case(
            "local accounts disabled, custom role that lists access profiles",
            [entra(), custom(actions=[ACCESS_PROFILE]), held("c0", kind="User")],
            Status.PASS,
        ),
        case("assignments unreadable", [entra(), *ROLES], Status.NOT_ASSESSED, unreadable=[Need.ROLE_ASSIGNMENTS]),
        case("roles unreadable", [entra(), held(OWNER)], Status.NOT_ASSESSED, unreadable=[Need.ROLE_DEFINITIONS]),
        case("of unknown kind", [entra(), *ROLES, held(OWNER, kind="")], Status.NOT_ASSESSED),
        case("of unknown kind, far away", [entra(), *ROLES, held(OWNER, SUBSCRIPTION, kind="")], Status.PASS),
        case("cluster unreadable", [entra()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_few_can_make_themselves_administrators(world, expected):
    assert evaluate(few_can_make_themselves_administrators, world).status is expected


def test_local_accounts_can_be_disabled_with_entra_id_only():
    world = inventory(entra(disable_local_accounts=False), *ROLES, held(CREDENTIALS, kind="User"))
    (finding,) = evaluate(few_can_make_themselves_administrators, world).findings
    assert finding.fill["sign_in_flag"] == "--disable-local-accounts"
    world = inventory(cluster(aad_profile=None, disable_local_accounts=False), *ROLES, *circle(9, CLUSTER_USER))
    (finding,) = evaluate(few_can_make_themselves_administrators, world).findings
    assert finding.fill["sign_in_flag"] == "--enable-aad"


def test_a_road_to_root_is_named_with_the_action():
    world = inventory(entra(disable_local_accounts=False), *ROLES, held(CREDENTIALS, kind="User"), *circle(1))
    (finding,) = evaluate(few_can_make_themselves_administrators, world).findings
    assert finding.evidence["principals"] == 2
    assert finding.evidence["assignments"] == [
        (
            f"Group g0, Owner (8e3af657-a8ff-443c-a75c-2fe8c4bcb635), on {SUBSCRIPTION}, inherited, standing, "
            f"Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action {ACCESS_PROFILE} "
            "Microsoft.ContainerService/managedClusters/write Microsoft.Authorization/roleAssignments/write"
        ),
        (
            "User g1, Azure Kubernetes Service Cluster Admin Role (0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8), "
            f"on {CLUSTER}, direct, standing, "
            "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action"
        ),
    ]


VAULT = f"{GROUP}/providers/Microsoft.DataProtection/backupVaults/bv"
CONNECTOR = f"{GROUP}/providers/Microsoft.Logic/workflows/flow"
DEFENDER = f"{SUBSCRIPTION}/providers/Microsoft.Security/pricings/Containers/securityOperators/DefenderCSPM"


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("no binding", [cluster()], Status.NOT_APPLICABLE),
        case("backup vault that exists", [trusted_access(VAULT), listed_resource(VAULT)], Status.PASS),
        case(
            "backup vault that exists, spelled otherwise",
            [trusted_access(VAULT.upper()), listed_resource(VAULT)],
            Status.PASS,
        ),
        case("backup vault that was deleted", [trusted_access(VAULT)], Status.FAIL),
        case("source of another type", [trusted_access(CONNECTOR), listed_resource(CONNECTOR)], Status.FAIL),
        case(
            "type added to allowed_source_types",
            [trusted_access(CONNECTOR), listed_resource(CONNECTOR)],
            Status.PASS,
            parameters={"allowed_source_types": ["microsoft.logic/workflows"]},
        ),
        case("Defender, which is in no list", [trusted_access(DEFENDER)], Status.PASS),
        case("Defender, not allowed", [trusted_access(DEFENDER)], Status.FAIL, parameters={"allowed_source_types": []}),
        case(
            "source subscription unreadable",
            [trusted_access(VAULT)],
            Status.NOT_ASSESSED,
            unreadable=[Need.RESOURCES],
        ),
        case(
            "another type, and a source that is unreadable",
            [trusted_access(VAULT), trusted_access(CONNECTOR, name="flow")],
            Status.FAIL,
            unreadable=[Need.RESOURCES],
        ),
        case("bindings unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.TRUSTED_ACCESS]),
    ],
)
def test_trusted_access_is_expected(world, expected):
    assert evaluate(trusted_access_is_expected, world).status is expected


def test_every_unexpected_binding_is_a_finding_of_its_own():
    role = "Microsoft.DataProtection/backupVaults/backup-operator"
    world = inventory(trusted_access(VAULT, role), trusted_access(CONNECTOR, name="flow"))
    (verdict,) = evaluate_all(trusted_access_is_expected, world).values()
    first, second = verdict.findings
    assert first.message == "backup lets in bv, which does not exist (any more)"
    assert first.evidence == {
        "name": "backup",
        "provisioningState": "Succeeded",
        "sourceResourceId": VAULT,
        "roles": (role,),
    }
    assert (first.part, first.fill) == ("trustedAccessRoleBindings/backup", {"name": "backup"})
    assert second.message == "flow lets in flow, a Microsoft.Logic/workflows"
