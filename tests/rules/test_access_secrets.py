"""Secrets and tokens as rights: who reads them, and whose they are."""

import pytest
from akscan.config import load_config, select_rules
from akscan.model.azure import AadProfile
from akscan.model.kubernetes import Job
from akscan.plugins import load_rules
from akscan.sdk import Need, Status
from akscan.testing import (
    SUBSCRIPTION,
    case,
    cluster,
    cluster_role,
    cluster_role_binding,
    container,
    evaluate,
    evaluate_all,
    inventory,
    pod,
    pod_spec,
    rbac_rule,
    rbac_subject,
    role_assignment,
    role_binding,
    role_definition,
    secret,
    service_account,
    workload,
)
from akscan_rules.access.secrets import (
    no_token_lives_in_a_secret,
    secrets_everywhere_are_readable_for_few,
    tokens_are_mounted_where_they_are_of_use,
)

DEFAULT = {"kubernetes.io/bootstrapping": "rbac-defaults"}
AKS = {"addonmanager.kubernetes.io/mode": "Reconcile"}
TEAM = rbac_subject("Group", "5f0c2c64-6f0c-4c5a-9d3a-0a7e1d6a0001")
SUPPORT = rbac_subject("User", "aks-support")
CONTROLLER = rbac_subject("ServiceAccount", "sync", "cert-manager")
CERT_MANAGER = rbac_subject("ServiceAccount", "cert-manager", "cert-manager")
VIEW = cluster_role("view", rbac_rule("get list watch", "pods"), labels=DEFAULT)
EDIT = cluster_role("edit", rbac_rule("get list watch", "secrets pods"), labels=DEFAULT)
SYNC = cluster_role("sync", rbac_rule("list", "secrets"))
CLUSTER = str(cluster().id)
WRITER = role_definition("a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb", "Azure Kubernetes Service RBAC Writer")
READER = role_definition("7f6c6a51-bcf8-42ba-9220-52d62157d7db", "Azure Kubernetes Service RBAC Reader")


SECRETS = "Microsoft.ContainerService/managedClusters/secrets/read"
OWN_ROLE = role_definition("c0", "Secret readers", custom=True, data_actions=[SECRETS])


def writer(principal_type, scope=CLUSTER, definition=WRITER):
    return [definition, role_assignment("someone", definition, scope, principal_type=principal_type)]


def manager(image="quay.io/jetstack/cert-manager-controller:v1.19.1"):
    spec = pod_spec(container(image=image), service_account_name="cert-manager")
    return workload(name="cert-manager", namespace="cert-manager", spec=spec, pods=1)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("view bound cluster-wide", [VIEW, cluster_role_binding("x", TEAM, role="view")], Status.PASS),
        case("edit bound cluster-wide to a group", [EDIT, cluster_role_binding("x", TEAM, role="edit")], Status.FAIL),
        case(
            "own ClusterRole with list secrets bound cluster-wide to a controller in namespace cert-manager",
            [SYNC, cluster_role_binding("x", CONTROLLER, role="sync")],
            Status.FAIL,
        ),
        case(
            "same subject in allowed_subjects",
            [SYNC, cluster_role_binding("x", CONTROLLER, role="sync")],
            Status.PASS,
            parameters={"allowed_subjects": ("ServiceAccount:cert-manager/sync",)},
        ),
        case(
            "same ClusterRole bound by RoleBinding in one namespace",
            [SYNC, role_binding("x", "shop", CONTROLLER, role="sync")],
            Status.PASS,
        ),
        case(
            "resourceNames set",
            [
                cluster_role("one", rbac_rule("get", "secrets", names=["tls"])),
                cluster_role_binding("x", TEAM, role="one"),
            ],
            Status.PASS,
        ),
        case("RBAC Writer for a User on the cluster", writer("User"), Status.FAIL),
        case("RBAC Writer for a Group on the cluster", writer("Group"), Status.PASS),
        case("RBAC Writer for nobody knows whom", writer(""), Status.NOT_ASSESSED),
        case("RBAC Writer on <cluster>/namespaces/a", writer("User", f"{CLUSTER}/namespaces/a"), Status.PASS),
        case(
            "RBAC Writer for an application on the subscription", writer("ServicePrincipal", SUBSCRIPTION), Status.FAIL
        ),
        case("RBAC Writer on another group", writer("User", f"{SUBSCRIPTION}/resourceGroups/other"), Status.PASS),
        case("RBAC Reader for a User", writer("User", definition=READER), Status.PASS),
        case(
            "RBAC Reader among azure_roles",
            writer("User", definition=READER),
            Status.FAIL,
            parameters={"azure_roles": {"Reader": "7f6c6a51-bcf8-42ba-9220-52d62157d7db"}},
        ),
        case("a custom role that reads Secrets for a User", writer("User", definition=OWN_ROLE), Status.FAIL),
        case("a custom role that reads Secrets for a Group", writer("Group", definition=OWN_ROLE), Status.PASS),
        case(
            "a custom role that reads Secrets for nobody knows whom",
            writer("", definition=OWN_ROLE),
            Status.NOT_ASSESSED,
        ),
        case(
            "a custom role that reads Secrets on <cluster>/namespaces/a",
            writer("User", f"{CLUSTER}/namespaces/a", OWN_ROLE),
            Status.PASS,
        ),
        case(
            "a custom role of all reads for an application on the subscription",
            writer(
                "ServicePrincipal", SUBSCRIPTION, role_definition("c0", "All", custom=True, data_actions=["*/read"])
            ),
            Status.FAIL,
        ),
        case(
            "a custom role that leaves Secrets out",
            writer(
                "User",
                definition=role_definition(
                    "c0", "Others", custom=True, data_actions=["*/read"], not_data_actions=[SECRETS]
                ),
            ),
            Status.PASS,
        ),
        case(
            "a built-in role that is not among azure_roles",
            writer("User", definition=role_definition("b0", "Built in", data_actions=[SECRETS])),
            Status.PASS,
        ),
        case(
            "role definitions unreadable, some role for a User",
            writer("User", definition=OWN_ROLE)[1:],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_DEFINITIONS],
        ),
        case(
            "role definitions unreadable, some role for a Group",
            writer("Group", definition=OWN_ROLE)[1:],
            Status.PASS,
            unreadable=[Need.ROLE_DEFINITIONS],
        ),
        case(
            "role definitions unreadable, RBAC Writer for a User",
            [*writer("User")[1:], *writer("User", definition=OWN_ROLE)[1:]],
            Status.FAIL,
            unreadable=[Need.ROLE_DEFINITIONS],
        ),
        case(
            "RBAC Writer where Azure roles do not count",
            [cluster(aad_profile=AadProfile(managed=True, enable_azure_rbac=False)), *writer("User")],
            Status.PASS,
        ),
        case("RBAC Writer without Entra ID", [cluster(aad_profile=None), *writer("User")], Status.PASS),
        case("ARM unreadable, no Kubernetes hit", [VIEW], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
        case("role assignments unreadable", [VIEW], Status.NOT_ASSESSED, unreadable=[Need.ROLE_ASSIGNMENTS]),
        case(
            "ARM unreadable, a Kubernetes hit",
            [EDIT, cluster_role_binding("x", TEAM, role="edit")],
            Status.FAIL,
            unreadable=[Need.MANAGED_CLUSTERS],
        ),
        case("Kubernetes unreadable, an Azure hit", writer("User"), Status.FAIL, unreadable=[Need.CLUSTER_ROLES]),
        case("roles unreadable", [VIEW], Status.NOT_ASSESSED, unreadable=[Need.CLUSTER_ROLES]),
        case("bindings unreadable", [VIEW], Status.NOT_ASSESSED, unreadable=[Need.CLUSTER_ROLE_BINDINGS]),
        case("RoleBindings unreadable", [VIEW], Status.PASS, unreadable=[Need.ROLE_BINDINGS, Need.ROLES]),
        case(
            "* in resources",
            [cluster_role("all", rbac_rule("get", "*")), cluster_role_binding("x", TEAM, role="all")],
            Status.PASS,
        ),
        case(
            "AKS's own, which its support uses",
            [
                cluster_role("aks-service", rbac_rule("get list watch", "secrets"), labels=AKS),
                cluster_role_binding("aks-service-rolebinding", SUPPORT, role="aks-service", labels=AKS),
            ],
            Status.PASS,
        ),
        case(
            "a role of AKS, bound by somebody else",
            [
                cluster_role("aks-service", rbac_rule("get list watch", "secrets"), labels=AKS),
                cluster_role_binding("x", SUPPORT, role="aks-service"),
            ],
            Status.FAIL,
        ),
        case(
            "* in resources of a role of the platform, which ACC-012 does not report",
            [
                cluster_role("system:controller:resourcequota-controller", rbac_rule("list", "*"), labels=DEFAULT),
                cluster_role_binding("x", TEAM, role="system:controller:resourcequota-controller"),
            ],
            Status.FAIL,
        ),
        case(
            "cluster-admin, a matter of ACC-009",
            [
                cluster_role("cluster-admin", rbac_rule("*", "*", group="*"), labels=DEFAULT),
                cluster_role_binding("x", TEAM),
            ],
            Status.PASS,
        ),
        case(
            "a known operator",
            [SYNC, cluster_role_binding("x", CERT_MANAGER, role="sync"), manager()],
            Status.PASS,
        ),
        case(
            "a known operator's account, another image",
            [SYNC, cluster_role_binding("x", CERT_MANAGER, role="sync"), manager("evil.example/x:1")],
            Status.FAIL,
        ),
        case(
            "a known operator's account, pods unreadable",
            [SYNC, cluster_role_binding("x", CERT_MANAGER, role="sync"), manager()],
            Status.NOT_ASSESSED,
            unreadable=[Need.PODS],
        ),
    ],
)
def test_secrets_everywhere_are_readable_for_few(world, expected):
    assert evaluate(secrets_everywhere_are_readable_for_few, world).status is expected


def test_each_binding_and_each_assignment_is_a_finding_of_its_own():
    world = [
        EDIT,
        SYNC,
        cluster_role_binding("editors", TEAM, role="edit"),
        cluster_role_binding("sync", CONTROLLER, CERT_MANAGER, role="sync"),
        workload(name="sync", namespace="cert-manager", spec=pod_spec(service_account_name="sync"), pods=1),
        manager(),
        *writer("User"),
    ]
    editors, sync, assigned = evaluate(secrets_everywhere_are_readable_for_few, inventory(*world)).findings
    assert editors.part == "clusterrolebindings/editors"
    assert editors.evidence["verbs"] == ["get", "list", "watch"]
    assert sync.evidence["subjects"] == [str(CONTROLLER)]
    assert sync.evidence["acceptedSubjects"] == (f"{CERT_MANAGER} (cert-manager)",)
    assert sync.evidence["workloads"] == ["Deployment cert-manager/sync"]
    assert assigned.part.startswith("roleAssignments/")
    assert assigned.evidence["principalType"] == "User"
    assert assigned.evidence["scope"] == CLUSTER


def test_a_custom_role_is_shown_by_its_name():
    (finding,) = evaluate(
        secrets_everywhere_are_readable_for_few, inventory(*writer("User", definition=OWN_ROLE))
    ).findings
    assert finding.evidence["roleDefinition"] == "Secret readers"
    assert finding.message.endswith(f"holds Secret readers on {CLUSTER}")


def test_a_default_binding_is_not_to_be_deleted():
    role = cluster_role("system:x", rbac_rule("get", "secrets"), labels=DEFAULT)
    world = [role, cluster_role_binding("system:x", TEAM, role="system:x", labels=DEFAULT)]
    (finding,) = evaluate(secrets_everywhere_are_readable_for_few, inventory(*world)).findings
    assert finding.fill == {"binding": ""}


def test_the_roles_can_be_told_in_the_settings_and_are_shown_with_their_ids(tmp_path):
    file = tmp_path / "akscan.yaml"
    file.write_text("rules: {ACC-015: {parameters: {azure_roles: {Reader: 7f6c6a51}}}}", encoding="utf-8")
    (selected,) = select_rules(load_rules(), load_config(file), ["ACC-015"], [])
    assert selected.info.parameters["azure_roles"] == ("Reader=7f6c6a51",)


def test_what_one_half_could_not_read_stands_beside_the_findings_of_the_other():
    world = inventory(*writer("User"), unreadable=[Need.CLUSTER_ROLES])
    (finding,) = evaluate(secrets_everywhere_are_readable_for_few, world).findings
    assert Need.CLUSTER_ROLES in finding.evidence["notAssessed"]


OWN = pod_spec(service_account_name="app")
OFF = pod_spec(service_account_name="app", automount_service_account_token=False)
ON = pod_spec(service_account_name="app", automount_service_account_token=True)
APP = rbac_subject("ServiceAccount", "app", "shop")


def running(spec, *others, namespace="shop"):
    return [*workload(namespace=namespace, spec=spec, pods=1), *others]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("automount false in the template", running(OFF, service_account("app")), Status.PASS),
        case(
            "automount false on the account, unset in the template",
            running(OWN, service_account("app", automount=False)),
            Status.PASS,
        ),
        case(
            "template true, account false, no binding",
            running(ON, service_account("app", automount=False)),
            Status.FAIL,
        ),
        case(
            "both unset, account has a RoleBinding",
            running(OWN, service_account("app"), role_binding("x", "shop", APP, role="view")),
            Status.PASS,
        ),
        case("both unset, no binding", running(OWN, service_account("app")), Status.FAIL),
        case("default account, unset, no binding", running(pod_spec(), service_account()), Status.FAIL),
        case(
            "only the default binding system:service-account-issuer-discovery covers it",
            running(
                OWN,
                service_account("app"),
                cluster_role_binding(
                    "system:service-account-issuer-discovery",
                    rbac_subject("Group", "system:serviceaccounts"),
                    role="system:service-account-issuer-discovery",
                    labels=DEFAULT,
                ),
            ),
            Status.FAIL,
        ),
        case(
            "added to the default binding of cluster-admin",
            running(OWN, service_account("app"), cluster_role_binding("cluster-admin", APP, labels=DEFAULT)),
            Status.PASS,
        ),
        case("kube-system workload", running(OWN, namespace="kube-system"), Status.NOT_APPLICABLE),
        case(
            "bound as a user",
            running(
                OWN, cluster_role_binding("x", rbac_subject("User", "system:serviceaccount:shop:app"), role="view")
            ),
            Status.PASS,
        ),
        case(
            "bound through the group of all accounts",
            running(OWN, cluster_role_binding("x", rbac_subject("Group", "system:serviceaccounts"), role="view")),
            Status.PASS,
        ),
        case(
            "bound through the group of its namespace",
            running(OWN, role_binding("x", "ci", rbac_subject("Group", "system:serviceaccounts:shop"), role="view")),
            Status.PASS,
        ),
        case(
            "bound in its namespace, without naming it",
            running(OWN, role_binding("x", "shop", rbac_subject("ServiceAccount", "app"), role="view")),
            Status.PASS,
        ),
        case(
            "an account of the same name elsewhere is bound",
            running(OWN, role_binding("x", "ci", rbac_subject("ServiceAccount", "app"), role="view")),
            Status.FAIL,
        ),
        case("accounts unreadable", running(OWN), Status.NOT_ASSESSED, unreadable=[Need.SERVICE_ACCOUNTS]),
        case("accounts unreadable, set in the pod", running(ON), Status.FAIL, unreadable=[Need.SERVICE_ACCOUNTS]),
        case(
            "bindings unreadable",
            running(OWN, service_account("app")),
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_BINDINGS],
        ),
        case(
            "one list unreadable, bound by the other",
            running(OWN, cluster_role_binding("x", APP, role="view")),
            Status.PASS,
            unreadable=[Need.ROLE_BINDINGS],
        ),
        case("pods unreadable", running(OFF), Status.NOT_ASSESSED, subject="app", unreadable=[Need.PODS]),
        case("a pod that has ended", [service_account("app"), pod(spec=OWN, phase="Succeeded")], Status.NOT_APPLICABLE),
    ],
)
def test_tokens_are_mounted_where_they_are_of_use(world, expected):
    assert evaluate(tokens_are_mounted_where_they_are_of_use, world).status is expected


@pytest.mark.parametrize(
    ("spec", "account", "decided"),
    [(OWN, None, "the default"), (ON, False, "the pod"), (OWN, True, "the service account")],
)
def test_the_evidence_says_who_decided(spec, account, decided):
    world = inventory(*running(spec, service_account("app", automount=account)))
    (finding,) = evaluate(tokens_are_mounted_where_they_are_of_use, world).findings
    assert finding.evidence["automountDecidedBy"] == decided
    assert finding.fill == {"service_account": "app", "spec_path": "/spec/template/spec"}


def test_a_job_is_judged_too():
    job = workload(Job, "nightly", spec=OWN, pods=1)
    verdicts = evaluate_all(tokens_are_mounted_where_they_are_of_use, inventory(*job))
    assert verdicts["job/shop/nightly"].status is Status.FAIL


TOKEN = "kubernetes.io/service-account-token"
LAST_USED = "kubernetes.io/legacy-token-last-used"


def token(namespace="ci", **labels):
    return secret("token", namespace, of_type=TOKEN, service_account="deployer", labels=labels.get("labels", {}))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("no such Secret", [secret()], Status.PASS),
        case(
            "token Secret in namespace ci, last used yesterday",
            [token(labels={LAST_USED: "2026-11-21"})],
            Status.FAIL,
        ),
        case("token Secret without last-used label", [token()], Status.FAIL),
        case(
            "token Secret labelled legacy-token-invalid-since",
            [token(labels={"kubernetes.io/legacy-token-invalid-since": "2026-06-01"})],
            Status.PASS,
        ),
        case("token Secret in kube-system", [token("kube-system")], Status.NOT_APPLICABLE),
        case("listing secrets forbidden", [token()], Status.NOT_ASSESSED, unreadable=[Need.SECRETS]),
        case(
            "accounts and bindings unreadable",
            [token()],
            Status.FAIL,
            unreadable=[Need.SERVICE_ACCOUNTS, Need.ROLE_BINDINGS, Need.CLUSTER_ROLE_BINDINGS],
        ),
    ],
)
def test_no_token_lives_in_a_secret(world, expected):
    assert evaluate(no_token_lives_in_a_secret, world).status is expected


@pytest.mark.parametrize(
    ("last_used", "days", "unused"),
    [
        ("2026-11-21", 90, False),
        ("2026-08-24", 90, False),
        ("2026-08-23", 90, True),
        ("2026-11-20", 1, True),
        (None, 90, True),
    ],
)
def test_a_token_that_nobody_used_for_long_is_marked(last_used, days, unused):
    world = inventory(token(labels={LAST_USED: last_used} if last_used else {}))
    (verdict,) = evaluate_all(no_token_lives_in_a_secret, world, unused_after_days=days).values()
    assert verdict.findings[0].evidence["unused"] is unused


def test_what_the_token_opens_is_shown():
    ci = rbac_subject("ServiceAccount", "deployer", "ci")
    world = [token(), service_account("deployer", "ci"), role_binding("deploy", "shop", ci, role="edit")]
    (finding,) = evaluate(no_token_lives_in_a_secret, inventory(*world)).findings
    assert finding.evidence == {
        "metadata.annotations.kubernetes.io/service-account.name": "deployer",
        "metadata.creationTimestamp": "2026-08-01T00:00:00Z",
        f"metadata.labels.{LAST_USED}": None,
        "unused": True,
        "serviceAccountExists": True,
        "bindings": ["RoleBinding shop/deploy"],
    }
    assert "never used" in finding.message
    blind = inventory(*world, unreadable=[Need.SERVICE_ACCOUNTS, Need.ROLE_BINDINGS])
    (finding,) = evaluate(no_token_lives_in_a_secret, blind).findings
    assert finding.evidence["bindings"] == f"not read ({Need.ROLE_BINDINGS})"
