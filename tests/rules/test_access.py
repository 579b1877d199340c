"""Who may do what: Microsoft Entra ID, Azure roles, Kubernetes RBAC."""

import msgspec
import pytest
from akscan.model.azure import AadProfile, ManagedCluster
from akscan.model.decode import convert, encode
from akscan.model.kubernetes import DaemonSet
from akscan.sdk import Need, Status
from akscan.testing import (
    CONTRIBUTOR,
    GROUP,
    SUBSCRIPTION,
    case,
    cluster,
    cluster_role_binding,
    evaluate,
    evaluate_all,
    inventory,
    pod_spec,
    rbac_subject,
    role_assignment,
    role_binding,
    role_definition,
    workload,
)
from akscan_rules.access.administrators import (
    azure_roles_authorize_kubernetes_access,
    cluster_admin_is_bound_to_the_platform_only,
    kubernetes_rbac_is_enabled,
    local_accounts_are_disabled,
    users_sign_in_with_entra_id,
)

LEGACY = AadProfile(client_app_id="client-app", server_app_id="server-app", tenant_id="tenant")
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


def answered(**aad_profile):
    """The cluster as decoded from an answer of ARM with exactly these members in place of aadProfile and enableRBAC."""
    answer = msgspec.json.decode(encode(cluster()))
    del answer["properties"]["aadProfile"]
    del answer["properties"]["enableRBAC"]
    answer["properties"] |= aad_profile
    return convert(answer, ManagedCluster)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("aadProfile.managed true", [answered(aadProfile={"managed": True})], Status.PASS),
        case("aadProfile absent", [answered()], Status.FAIL),
        case("aadProfile null", [answered(aadProfile=None)], Status.FAIL),
        case("aadProfile with clientAppID and managed false", [cluster(aad_profile=LEGACY)], Status.FAIL),
        case("aadProfile without managed", [answered(aadProfile={"enableAzureRBAC": True})], Status.FAIL),
        case("managed null", [answered(aadProfile={"managed": None})], Status.FAIL),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_users_sign_in_with_entra_id(world, expected):
    assert evaluate(users_sign_in_with_entra_id, world).status is expected


def test_the_legacy_integration_is_shown_and_fills_the_fix():
    finding = evaluate(users_sign_in_with_entra_id, inventory(cluster(aad_profile=LEGACY))).findings[0]
    assert finding.evidence == {
        "managed": False,
        "tenantID": "tenant",
        "adminGroupObjectIDs": (),
        "enableAzureRBAC": False,
        "clientAppID": "client-app",
        "serverAppID": "server-app",
    }
    assert finding.fill["tenant_id"] == "tenant"


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("enableRBAC true", [answered(enableRBAC=True)], Status.PASS),
        case("enableRBAC false", [answered(enableRBAC=False)], Status.FAIL),
        case("enableRBAC absent in a live response", [answered()], Status.NOT_ASSESSED),
        # the provider sends its default, and the service returns it
        case("Terraform argument omitted", [answered(enableRBAC=True)], Status.PASS),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_kubernetes_rbac_is_enabled(world, expected):
    assert evaluate(kubernetes_rbac_is_enabled, world).status is expected


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("enableAzureRBAC true", [cluster(aad_profile=AadProfile(enable_azure_rbac=True))], Status.PASS),
        case("enableAzureRBAC false", [answered(aadProfile={"managed": True, "enableAzureRBAC": False})], Status.FAIL),
        case("enableAzureRBAC absent, aadProfile.managed true", [answered(aadProfile={"managed": True})], Status.FAIL),
        case("aadProfile absent", [answered()], Status.NOT_APPLICABLE),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
        case(
            "bindings unreadable",
            [answered(aadProfile={"managed": True})],
            Status.FAIL,
            unreadable=[Need.CLUSTER_ROLE_BINDINGS, Need.ROLE_BINDINGS],
        ),
    ],
)
def test_azure_roles_authorize_kubernetes_access(world, expected):
    assert evaluate(azure_roles_authorize_kubernetes_access, world).status is expected


def test_bindings_of_people_are_counted_where_they_can_be_read():
    world = [
        answered(aadProfile={"managed": True, "adminGroupObjectIDs": ["g"]}),
        cluster_role_binding("masters", rbac_subject("Group", "system:masters")),
        cluster_role_binding("aks-cluster-admin-binding", rbac_subject("User", "clusterAdmin"), labels=AKS_LABELS),
        cluster_role_binding("aks-service", rbac_subject("User", "aks-support"), role="aks-service", labels=AKS_LABELS),
        cluster_role_binding("tools", rbac_subject("ServiceAccount", "tool", "ci")),
        cluster_role_binding("admins", rbac_subject("ServiceAccount", "tool", "ci"), rbac_subject("Group", "guid")),
        role_binding("devs", "shop", rbac_subject("User", "dev@contoso.com"), role="edit"),
        role_binding("ops", "shop", rbac_subject("User", "ops@contoso.com"), role="edit"),
    ]
    finding = evaluate(azure_roles_authorize_kubernetes_access, inventory(*world)).findings[0]
    assert finding.evidence == {
        "enableAzureRBAC": False,
        "managed": True,
        "adminGroupObjectIDs": ("g",),
        "clusterRoleBindingsOfPeople": 1,
        "roleBindingsOfPeople": 2,
    }
    partly = inventory(*world, unreadable=[Need.ROLE_BINDINGS])
    finding = evaluate(azure_roles_authorize_kubernetes_access, partly).findings[0]
    assert finding.evidence["clusterRoleBindingsOfPeople"] == 1
    assert finding.evidence["roleBindingsOfPeople"] == f"not read ({Need.ROLE_BINDINGS})"


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("disableLocalAccounts true", [cluster(disable_local_accounts=True)], Status.PASS),
        case("disableLocalAccounts false, aadProfile present", [cluster(disable_local_accounts=False)], Status.FAIL),
        case(
            "disableLocalAccounts absent, aadProfile present",
            [convert({"id": str(cluster().id), "name": "aks", "properties": {"aadProfile": {}}}, ManagedCluster)],
            Status.FAIL,
        ),
        case("aadProfile absent", [cluster(aad_profile=None, disable_local_accounts=False)], Status.NOT_APPLICABLE),
        case(
            "aadProfile absent, disableLocalAccounts true",
            [cluster(aad_profile=None, disable_local_accounts=True)],
            Status.NOT_APPLICABLE,
        ),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
        case(
            "role assignments unreadable",
            [cluster(disable_local_accounts=False)],
            Status.FAIL,
            unreadable=[Need.ROLE_ASSIGNMENTS],
        ),
    ],
)
def test_local_accounts_are_disabled(world, expected):
    assert evaluate(local_accounts_are_disabled, world).status is expected


def test_the_principals_that_can_list_the_administrator_credential_are_counted():
    contributor = role_definition(CONTRIBUTOR, "Contributor", actions=["*"])
    reader = role_definition(READER, "Reader", actions=["*/read"])
    own = cluster(disable_local_accounts=False)
    world = [
        own,
        contributor,
        reader,
        role_assignment("on-the-cluster", contributor, str(own.id)),
        role_assignment("above", contributor, SUBSCRIPTION),
        role_assignment("above", contributor, GROUP),
        role_assignment("reader", reader, SUBSCRIPTION),
        role_assignment("elsewhere", contributor, f"{SUBSCRIPTION}/resourceGroups/rg-other"),
    ]
    key = "principalsWithListClusterAdminCredential"
    assert evaluate(local_accounts_are_disabled, inventory(*world)).findings[0].evidence[key] == 2
    for need in (Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS):
        finding = evaluate(local_accounts_are_disabled, inventory(*world, unreadable=[need])).findings[0]
        assert finding.evidence[key] == f"not read ({need})"


MASTERS = rbac_subject("Group", "system:masters")
DEFAULT_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
AKS_LABELS = {"addonmanager.kubernetes.io/mode": "Reconcile"}
DEFAULTS = [
    cluster_role_binding("cluster-admin", MASTERS, labels=DEFAULT_LABELS),
    cluster_role_binding(
        "aks-cluster-admin-binding",
        rbac_subject("User", "clusterAdmin"),
        rbac_subject("User", "clusterUser"),
        labels=AKS_LABELS,
    ),
    cluster_role_binding("aks-cluster-admin-binding-aad", rbac_subject("Group", "guid"), labels=AKS_LABELS),
]
ENTRA = cluster(aad_profile=AadProfile(managed=True, admin_group_object_ids=("GUID",)))
CI = rbac_subject("ServiceAccount", "deployer", "ci")


def added(name, *subjects):
    """A binding of AKS to which somebody added subjects."""
    return [ENTRA, cluster_role_binding(name, *subjects, labels=AKS_LABELS)]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        # each of the three is a subject of its own, about which the question does not arise
        case("only the default and AKS bindings", DEFAULTS, Status.NOT_APPLICABLE, subject="aks-cluster-admin-binding"),
        case("the default binding", DEFAULTS, Status.NOT_APPLICABLE, subject="cluster-admin"),
        case(
            "the AKS binding of the Entra groups",
            [ENTRA, *DEFAULTS],
            Status.NOT_APPLICABLE,
            subject="aks-cluster-admin-binding-aad",
        ),
        case(
            "the AKS binding of the Entra groups, cluster unreadable",
            DEFAULTS,
            Status.NOT_ASSESSED,
            subject="aks-cluster-admin-binding-aad",
            unreadable=[Need.MANAGED_CLUSTERS],
        ),
        case(
            "the AKS binding of the local accounts, cluster unreadable",
            DEFAULTS,
            Status.NOT_APPLICABLE,
            subject="aks-cluster-admin-binding",
            unreadable=[Need.MANAGED_CLUSTERS],
        ),
        case(
            "a group added to the AKS binding of the Entra groups",
            added("aks-cluster-admin-binding-aad", rbac_subject("Group", "guid"), rbac_subject("Group", "other")),
            Status.FAIL,
        ),
        case(
            "a user added to the AKS binding",
            added("aks-cluster-admin-binding", rbac_subject("User", "boss@contoso.com")),
            Status.FAIL,
        ),
        case(
            "a service account added to the AKS binding of the Entra groups, cluster unreadable",
            added("aks-cluster-admin-binding-aad", rbac_subject("Group", "guid"), CI),
            Status.FAIL,
            unreadable=[Need.MANAGED_CLUSTERS],
        ),
        case(
            "a group added to the AKS binding and in allowed_subjects",
            added("aks-cluster-admin-binding-aad", rbac_subject("Group", "other")),
            Status.NOT_APPLICABLE,
            parameters={"allowed_subjects": ("Group:other",)},
        ),
        case(
            "binding to a ServiceAccount in kube-system",
            [cluster_role_binding("operator", rbac_subject("ServiceAccount", "operator", "kube-system"))],
            Status.PASS,
        ),
        case("binding to a ServiceAccount in namespace ci", [cluster_role_binding("ci", CI)], Status.FAIL),
        case(
            "binding to a Group GUID",
            [cluster_role_binding("admins", rbac_subject("Group", "5f0c2c64-6f0c-4c5a-9d3a-0a7e1d6a0001"))],
            Status.FAIL,
        ),
        case(
            "binding to a User", [cluster_role_binding("boss", rbac_subject("User", "boss@contoso.com"))], Status.FAIL
        ),
        case(
            "binding named aks-cluster-admin-binding without the addon label",
            [cluster_role_binding("aks-cluster-admin-binding", rbac_subject("User", "clusterAdmin"))],
            Status.FAIL,
        ),
        case(
            "another binding with the addon label",
            [cluster_role_binding("my-binding", rbac_subject("User", "clusterAdmin"), labels=AKS_LABELS)],
            Status.FAIL,
        ),
        case(
            "subject in allowed_subjects",
            [cluster_role_binding("ci", CI)],
            Status.PASS,
            parameters={"allowed_subjects": ("ServiceAccount:ci/deployer",)},
        ),
        case(
            "one of two subjects in allowed_subjects",
            [cluster_role_binding("ci", CI, rbac_subject("User", "boss@contoso.com"))],
            Status.FAIL,
            parameters={"allowed_subjects": ("ServiceAccount:ci/*",)},
        ),
        case(
            "cluster-admin through a RoleBinding",
            [
                role_binding("ci", "ci", CI),
                cluster_role_binding("viewers", rbac_subject("User", "dev@contoso.com"), role="view"),
            ],
            Status.PASS,
        ),
        case(
            "system:masters by another binding than the default one",
            [cluster_role_binding("masters", MASTERS)],
            Status.FAIL,
        ),
        case("the default binding without its label", [cluster_role_binding("cluster-admin", MASTERS)], Status.FAIL),
        case(
            "the default binding with one more subject",
            [cluster_role_binding("cluster-admin", MASTERS, CI, labels=DEFAULT_LABELS)],
            Status.FAIL,
        ),
        case(
            "the group of a user namespace's service accounts",
            [cluster_role_binding("all", rbac_subject("Group", "system:serviceaccounts:ci"))],
            Status.FAIL,
        ),
        case(
            "the group of kube-system's service accounts",
            [cluster_role_binding("all", rbac_subject("Group", "system:serviceaccounts:kube-system"))],
            Status.FAIL,
        ),
        case("the group of all nodes", [cluster_role_binding("x", rbac_subject("Group", "system:nodes"))], Status.FAIL),
        case(
            "the group of those that want to become nodes",
            [cluster_role_binding("x", rbac_subject("Group", "system:bootstrappers"))],
            Status.FAIL,
        ),
        case("one node", [cluster_role_binding("x", rbac_subject("User", "system:node:aks-1"))], Status.FAIL),
        case(
            "a component of the control plane",
            [cluster_role_binding("x", rbac_subject("User", "system:kube-controller-manager"))],
            Status.PASS,
        ),
        case("binding without subjects", [cluster_role_binding("nobody")], Status.PASS),
        case("bindings unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.CLUSTER_ROLE_BINDINGS]),
        case("pods unreadable", [cluster_role_binding("ci", CI)], Status.FAIL, unreadable=[Need.PODS]),
    ],
)
def test_cluster_admin_is_bound_to_the_platform_only(world, expected):
    assert evaluate(cluster_admin_is_bound_to_the_platform_only, world).status is expected


def test_role_bindings_are_not_judged():
    world = inventory(role_binding("ci", "ci", CI))
    assert evaluate_all(cluster_admin_is_bound_to_the_platform_only, world) == {}


def test_only_the_subject_that_was_added_to_the_default_binding_is_named():
    world = inventory(cluster_role_binding("cluster-admin", MASTERS, CI, labels=DEFAULT_LABELS))
    finding = evaluate(cluster_admin_is_bound_to_the_platform_only, world).findings[0]
    assert finding.evidence["subjects"] == ["ServiceAccount:ci/deployer"]
    assert finding.fill == {"name": "", "namespace": "ci", "service_account": "deployer"}


def test_of_the_binding_of_aks_only_what_was_added_is_named():
    world = inventory(*added("aks-cluster-admin-binding-aad", rbac_subject("Group", "guid"), CI))
    finding = evaluate(cluster_admin_is_bound_to_the_platform_only, world).findings[0]
    assert finding.evidence["subjects"] == ["ServiceAccount:ci/deployer"]
    assert finding.fill == {"name": "", "namespace": "ci", "service_account": "deployer"}


def test_the_evidence_tells_which_service_accounts_running_pods_use():
    binding = cluster_role_binding(
        "ci",
        CI,
        rbac_subject("ServiceAccount", "idle", "ci"),
        rbac_subject("ServiceAccount", "default", "ci"),
        labels={"team": "ci"},
    )
    made = workload(DaemonSet, "runner", "ci", spec=pod_spec(service_account_name="deployer"), pods=1)
    newest = msgspec.structs.replace(made[-1], status=msgspec.structs.replace(made[-1].status, phase="Pending"))
    older = msgspec.structs.replace(
        made[-1], metadata=msgspec.structs.replace(made[-1].metadata, name="older", uid="older"), spec=None
    )
    finished = workload(DaemonSet, "finished", "ci", spec=pod_spec(service_account_name="idle"), pods=1)[-1]
    finished = msgspec.structs.replace(finished, status=msgspec.structs.replace(finished.status, phase="Succeeded"))
    world = inventory(binding, made[0], newest, older, finished)
    finding = evaluate(cluster_admin_is_bound_to_the_platform_only, world).findings[0]
    assert finding.evidence == {
        "metadata.name": "ci",
        "metadata.creationTimestamp": "2026-08-01T00:00:00Z",
        "metadata.labels": ["team=ci"],
        "subjects": ["ServiceAccount:ci/deployer", "ServiceAccount:ci/idle", "ServiceAccount:ci/default"],
        "serviceAccountsOfRunningPods": ["ServiceAccount:ci/deployer"],
    }
    assert finding.fill == {"namespace": "ci", "service_account": "deployer"}
    blind = evaluate(cluster_admin_is_bound_to_the_platform_only, inventory(binding, unreadable=[Need.PODS]))
    assert blind.findings[0].evidence["serviceAccountsOfRunningPods"] == f"not read ({Need.PODS})"


def test_a_pod_without_a_service_account_acts_as_the_default_one():
    binding = cluster_role_binding("all", rbac_subject("ServiceAccount", "default", "shop"))
    finding = evaluate(cluster_admin_is_bound_to_the_platform_only, inventory(binding, workload(pods=1))).findings[0]
    assert finding.evidence["serviceAccountsOfRunningPods"] == ["ServiceAccount:shop/default"]
