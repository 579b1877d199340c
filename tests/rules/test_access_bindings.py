"""Bindings of Kubernetes RBAC: whom they name."""

import pytest
from akscan.model.kubernetes import ClusterRoleBinding, Deployment, Namespace, PolicyRule, RoleRef
from akscan.sdk import Need, Status
from akscan.testing import (
    NOW,
    case,
    cluster,
    cluster_role,
    cluster_role_binding,
    container,
    evaluate,
    evaluate_all,
    inventory,
    named,
    pod_spec,
    rbac_rule,
    rbac_subject,
    role,
    role_binding,
    service_account,
    workload,
)
from akscan_rules.access.bindings import (
    anonymous_callers_have_default_rights_only,
    bindings_lead_somewhere,
    default_accounts_hold_no_rights,
    no_rights_for_catch_all_groups,
    pods_are_made_and_entered_by_few,
)

DEFAULT = {"kubernetes.io/bootstrapping": "rbac-defaults"}
AKS = {"addonmanager.kubernetes.io/mode": "Reconcile"}
GUID = "5f0c2c64-6f0c-4c5a-9d3a-0a7e1d6a0001"
TEAM = rbac_subject("Group", GUID)
ALICE = rbac_subject("User", "alice@contoso.example")
CI = rbac_subject("ServiceAccount", "deployer", "ci")
ANONYMOUS = rbac_subject("User", "system:anonymous")
UNAUTHENTICATED = rbac_subject("Group", "system:unauthenticated")
AUTHENTICATED = rbac_subject("Group", "system:authenticated")
MASTERS = rbac_subject("Group", "system:masters")
BOTH_KINDS = [Need.CLUSTER_ROLE_BINDINGS, Need.ROLE_BINDINGS]


PUBLIC_INFO = rbac_rule("get", urls=["/healthz", "/livez", "/readyz", "/version", "/version/"])


def public_info(*rules, by=UNAUTHENTICATED, aggregates=()):
    """The default role and binding of callers without a credential."""
    name = "system:public-info-viewer"
    return [
        bound(name, by, AUTHENTICATED, role=name, labels=DEFAULT),
        cluster_role(name, *rules, labels=DEFAULT, aggregates=aggregates),
    ]


def bound(name="binding", *subjects, role="view", labels=None):
    return cluster_role_binding(name, *subjects, role=role, labels=labels)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        # the binding is a subject of its own, about which the question does not arise
        case(
            "only system:public-info-viewer",
            [bound("system:public-info-viewer", UNAUTHENTICATED, role="system:public-info-viewer", labels=DEFAULT)],
            Status.NOT_APPLICABLE,
        ),
        case("its default rules", public_info(PUBLIC_INFO), Status.NOT_APPLICABLE),
        case("one of its default rules", public_info(rbac_rule("get", urls=["/version"])), Status.NOT_APPLICABLE),
        case("a resource added to it", public_info(PUBLIC_INFO, rbac_rule("get", "configmaps")), Status.FAIL),
        case("a path added to it", public_info(PUBLIC_INFO, rbac_rule("get", urls=["/metrics"])), Status.FAIL),
        case("a verb added to it", public_info(rbac_rule("get post", urls=["/version"])), Status.FAIL),
        case(
            "a role aggregated into it",
            [
                *public_info(PUBLIC_INFO, aggregates=[{"to": "public"}]),
                cluster_role("own", rbac_rule("list", "pods"), labels={"to": "public"}),
            ],
            Status.FAIL,
        ),
        case(
            "a resource added to it, anonymous callers taken out of the binding",
            public_info(rbac_rule("get", "configmaps"), by=TEAM),
            Status.NOT_APPLICABLE,
        ),
        case(
            "only system:public-info-viewer, roles unreadable",
            public_info(PUBLIC_INFO),
            Status.NOT_ASSESSED,
            unreadable=[Need.CLUSTER_ROLES],
        ),
        case("view bound to system:unauthenticated", [bound("open", UNAUTHENTICATED)], Status.FAIL),
        case(
            "RoleBinding in one namespace for system:anonymous", [role_binding("open", "shop", ANONYMOUS)], Status.FAIL
        ),
        case(
            "binding named system:public-info-viewer without the bootstrapping label and with roleRef edit",
            [bound("system:public-info-viewer", UNAUTHENTICATED, role="edit")],
            Status.FAIL,
        ),
        case(
            "the label of the defaults on another role",
            [bound("open", UNAUTHENTICATED, role="edit", labels=DEFAULT)],
            Status.FAIL,
        ),
        case("a group", [bound("team", TEAM)], Status.PASS),
        case("a user named like the group", [bound("x", rbac_subject("User", "system:unauthenticated"))], Status.PASS),
        case("no subjects", [bound("nobody")], Status.PASS),
        case(
            "roles and cluster unreadable",
            [bound("open", UNAUTHENTICATED)],
            Status.FAIL,
            unreadable=[Need.CLUSTER_ROLES, Need.MANAGED_CLUSTERS],
        ),
        case("bindings unreadable", [], Status.NOT_ASSESSED, unreadable=BOTH_KINDS),
    ],
)
def test_anonymous_callers_have_default_rights_only(world, expected):
    assert evaluate(anonymous_callers_have_default_rights_only, world).status is expected


def test_what_anonymous_callers_may_do_is_shown():
    world = [
        cluster(api_server={"enable_private_cluster": False, "authorized_ip_ranges": ("192.0.2.0/24",)}),
        cluster_role("view", rbac_rule("get list", "pods")),
        bound("open", UNAUTHENTICATED, ALICE),
    ]
    (finding,) = evaluate(anonymous_callers_have_default_rights_only, inventory(*world)).findings
    assert finding.evidence == {
        "kind": "ClusterRoleBinding",
        "metadata.namespace": "",
        "metadata.name": "open",
        "metadata.creationTimestamp": "2026-08-01T00:00:00Z",
        "roleRef": "ClusterRole view",
        "subjects": ["Group:system:unauthenticated"],
        "rules": ("verbs [get, list] apiGroups [''] resources [pods]",),
        "apiServerAccessProfile.enablePrivateCluster": False,
        "apiServerAccessProfile.authorizedIPRanges": ("192.0.2.0/24",),
    }
    blind = inventory(*world, unreadable=[Need.CLUSTER_ROLES, Need.MANAGED_CLUSTERS])
    (finding,) = evaluate(anonymous_callers_have_default_rights_only, blind).findings
    assert finding.evidence["rules"] == f"not read ({Need.CLUSTER_ROLES})"
    assert finding.evidence["apiServerAccessProfile.enablePrivateCluster"] == f"not read ({Need.MANAGED_CLUSTERS})"


def test_only_what_was_added_to_the_default_role_is_named():
    world = inventory(*public_info(PUBLIC_INFO, rbac_rule("get", "configmaps")))
    (finding,) = evaluate(anonymous_callers_have_default_rights_only, world).findings
    added = "verbs [get] apiGroups [''] resources [configmaps]"
    assert finding.message == f"callers without any credential hold {added} beyond the default rights"
    assert finding.evidence["rules"] == (str(PUBLIC_INFO), added)
    assert finding.fill == {"name": ""}


def accounts_of(namespace):
    return rbac_subject("Group", f"system:serviceaccounts:{namespace}")


DISCOVERY = [
    bound("system:basic-user", AUTHENTICATED, role="system:basic-user", labels=DEFAULT),
    bound("system:discovery", AUTHENTICATED, role="system:discovery", labels=DEFAULT),
]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "default bindings system:basic-user, system:discovery",
            DISCOVERY,
            Status.NOT_APPLICABLE,
            subject="system:discovery",
        ),
        case("view bound to system:authenticated", [bound("all", AUTHENTICATED)], Status.FAIL),
        case(
            "edit bound to system:serviceaccounts:ci in namespace ci",
            [role_binding("all", "ci", accounts_of("ci"), role="edit")],
            Status.FAIL,
        ),
        case(
            "system:serviceaccounts:kube-system bound by AKS",
            [bound("aks", accounts_of("kube-system"), role="aks-service", labels=AKS)],
            Status.NOT_APPLICABLE,
        ),
        case("the accounts of a system namespace", [bound("x", accounts_of("kube-system"))], Status.PASS),
        case("own ClusterRoleBinding for system:masters", [bound("masters", MASTERS)], Status.FAIL),
        case(
            "default binding cluster-admin for system:masters",
            [bound("cluster-admin", MASTERS, role="cluster-admin", labels=DEFAULT)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "the default binding cluster-admin with one more group",
            [bound("cluster-admin", MASTERS, AUTHENTICATED, role="cluster-admin", labels=DEFAULT)],
            Status.FAIL,
        ),
        case(
            "the label of the defaults on another role",
            [bound("all", AUTHENTICATED, role="edit", labels=DEFAULT)],
            Status.FAIL,
        ),
        case(
            "a default binding with one more group",
            [bound("system:volume-scheduler", AUTHENTICATED, role="system:volume-scheduler", labels=DEFAULT)],
            Status.FAIL,
        ),
        case(
            "a default binding that names none",
            [bound("system:monitoring", rbac_subject("Group", "system:monitoring"), role="system:x", labels=DEFAULT)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "the default binding for all service accounts",
            [
                bound(
                    "system:service-account-issuer-discovery",
                    rbac_subject("Group", "system:serviceaccounts"),
                    role="system:service-account-issuer-discovery",
                    labels=DEFAULT,
                )
            ],
            Status.NOT_APPLICABLE,
        ),
        case("the mark of AKS on another role", [bound("all", AUTHENTICATED, role="edit", labels=AKS)], Status.FAIL),
        case("all service accounts", [bound("all", rbac_subject("Group", "system:serviceaccounts"))], Status.FAIL),
        case("a group of people", [bound("team", TEAM)], Status.PASS),
        case("roles unreadable", [bound("all", AUTHENTICATED)], Status.FAIL, unreadable=[Need.CLUSTER_ROLES]),
        case("bindings unreadable", [], Status.NOT_ASSESSED, unreadable=BOTH_KINDS),
    ],
)
def test_no_rights_for_catch_all_groups(world, expected):
    assert evaluate(no_rights_for_catch_all_groups, world).status is expected


def test_the_accounts_behind_the_group_of_a_namespace_are_counted():
    world = [
        role_binding("all", "ci", accounts_of("ci"), ALICE, role="edit"),
        service_account("default", "ci"),
        service_account("deployer", "ci"),
        service_account("default", "shop"),
    ]
    (finding,) = evaluate(no_rights_for_catch_all_groups, inventory(*world)).findings
    assert finding.evidence["subjects"] == ["Group:system:serviceaccounts:ci"]
    assert finding.evidence["serviceAccounts"] == 2
    assert finding.evidence["rules"] == ()
    blind = inventory(*world, unreadable=[Need.SERVICE_ACCOUNTS])
    (finding,) = evaluate(no_rights_for_catch_all_groups, blind).findings
    assert finding.evidence["serviceAccounts"] == f"not read ({Need.SERVICE_ACCOUNTS})"


EDIT = cluster_role("edit", rbac_rule("create", "deployments", group="apps"), rbac_rule("create", "pods pods/exec"))
VIEW = cluster_role("view", rbac_rule("get list watch", "pods"))
ENTER = cluster_role("enter", rbac_rule("create", "pods/exec"))
KEDA = rbac_subject("ServiceAccount", "keda-operator", "keda")
JOBS = cluster_role("keda-operator", rbac_rule("create delete", "jobs", group="batch"))


def operator(image="ghcr.io/kedacore/keda:2.18.1", **fields):
    spec = pod_spec(container(image=image), service_account_name="keda-operator", **fields)
    return workload(Deployment, "keda-operator", "keda", spec=spec, pods=1)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "edit bound by RoleBinding in one namespace",
            [EDIT, role_binding("team", "shop", TEAM, role="edit"), bound("viewers", TEAM), VIEW],
            Status.PASS,
        ),
        case("edit bound cluster-wide to a group", [EDIT, bound("team", TEAM, role="edit")], Status.FAIL),
        case(
            "role with pods/exec bound cluster-wide to a user",
            [ENTER, bound("alice", ALICE, role="enter")],
            Status.FAIL,
        ),
        case("role with get pods only", [VIEW, bound("team", TEAM)], Status.PASS),
        case(
            "GitOps account in allowed_subjects",
            [EDIT, bound("ci", CI, role="edit")],
            Status.PASS,
            parameters={"allowed_subjects": ("ServiceAccount:ci/deployer",)},
        ),
        case(
            "controller in kube-system",
            [EDIT, bound("x", rbac_subject("ServiceAccount", "x", "kube-system"), role="edit")],
            Status.PASS,
        ),
        case("cluster-admin", [bound("ci", CI, role="cluster-admin")], Status.NOT_APPLICABLE),
        case("AKS's own", [EDIT, bound("x", ALICE, role="aks-service", labels=AKS)], Status.NOT_APPLICABLE),
        case("the mark of AKS on another role", [EDIT, bound("x", ALICE, role="edit", labels=AKS)], Status.FAIL),
        case(
            "a role with * in resources of the core group",
            [cluster_role("all", rbac_rule("create", "*")), bound("ci", CI, role="all")],
            Status.NOT_APPLICABLE,
        ),
        case(
            "a role of the platform with * in resources, which ACC-012 does not report",
            [cluster_role("system:all", rbac_rule("create", "*")), bound("ci", CI, role="system:all")],
            Status.FAIL,
        ),
        case(
            "a role with * in resources of apps, which ACC-012 does not report",
            [cluster_role("all", rbac_rule("create", "*", group="apps")), bound("ci", CI, role="all")],
            Status.FAIL,
        ),
        case(
            "a wildcard beside the right itself",
            [cluster_role("all", rbac_rule("get", "*"), rbac_rule("create", "pods")), bound("ci", CI, role="all")],
            Status.FAIL,
        ),
        case(
            "into one pod by name",
            [cluster_role("one", rbac_rule("create", "pods/exec", names=["web-0"])), bound("ci", CI, role="one")],
            Status.PASS,
        ),
        case(
            "by a role that is aggregated",
            [
                cluster_role("sum", aggregates=[{"to": "sum"}]),
                cluster_role("part", rbac_rule("create", "jobs", group="batch"), labels={"to": "sum"}),
                bound("ci", CI, role="sum"),
            ],
            Status.FAIL,
        ),
        case("a role that does not exist", [bound("ci", CI, role="gone")], Status.PASS),
        case("a known operator", [JOBS, bound("keda", KEDA, role="keda-operator"), operator()], Status.PASS),
        case(
            "a known operator's account with another image",
            [JOBS, bound("keda", KEDA, role="keda-operator"), operator("evil.example/miner:1")],
            Status.FAIL,
        ),
        case(
            "a known operator's account with one more image",
            [
                JOBS,
                bound("keda", KEDA, role="keda-operator"),
                operator(),
                workload(Deployment, "x", "keda", spec=pod_spec(service_account_name="keda-operator"), pods=1),
            ],
            Status.FAIL,
        ),
        case("a known operator's account without pods", [JOBS, bound("keda", KEDA, role="keda-operator")], Status.FAIL),
        case(
            "a known operator beside somebody else",
            [JOBS, bound("keda", KEDA, ALICE, role="keda-operator"), operator()],
            Status.FAIL,
        ),
        case(
            "pods unreadable, an operator's account",
            [JOBS, bound("keda", KEDA, role="keda-operator"), operator()],
            Status.NOT_ASSESSED,
            subject="keda",
            unreadable=[Need.PODS],
        ),
        case(
            "pods unreadable, any other account",
            [EDIT, bound("ci", CI, role="edit")],
            Status.FAIL,
            unreadable=[Need.PODS],
        ),
        case(
            "roles unreadable",
            [EDIT, bound("ci", CI, role="edit")],
            Status.NOT_ASSESSED,
            unreadable=[Need.CLUSTER_ROLES],
        ),
        case("bindings unreadable", [EDIT], Status.NOT_ASSESSED, unreadable=[Need.CLUSTER_ROLE_BINDINGS]),
    ],
)
def test_pods_are_made_and_entered_by_few(world, expected):
    assert evaluate(pods_are_made_and_entered_by_few, world).status is expected


def test_the_evidence_names_accepted_operators_and_the_age_of_their_list():
    world = inventory(JOBS, bound("keda", KEDA, ALICE, role="keda-operator"), operator())
    (finding,) = evaluate(pods_are_made_and_entered_by_few, world).findings
    assert finding.evidence["subjects"] == ["User:alice@contoso.example"]
    assert finding.evidence["acceptedSubjects"] == ("ServiceAccount:keda/keda-operator (KEDA)",)
    assert finding.evidence["permissions"] == ["create jobs.batch"]
    assert finding.evidence["platformOperators.is_stale"] is False
    assert finding.fill == {"role": "keda-operator"}


def test_findings_say_when_the_list_of_operators_is_stale():
    world = inventory(EDIT, bound("ci", CI, role="edit"), collected_at=NOW.replace(year=2028))
    (finding,) = evaluate(pods_are_made_and_entered_by_few, world).findings
    assert finding.evidence["platformOperators.is_stale"] is True


def default_of(namespace):
    return rbac_subject("ServiceAccount", "default", namespace)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("no binding names default", [bound("ci", CI)], Status.PASS),
        case(
            "RoleBinding in team-a for default of team-a",
            [role_binding("x", "team-a", default_of("team-a"))],
            Status.FAIL,
        ),
        case("ClusterRoleBinding for default of team-a", [bound("x", default_of("team-a"))], Status.FAIL),
        case("binding for default of kube-system", [bound("x", default_of("kube-system"))], Status.PASS),
        case(
            "subject without namespace in a RoleBinding of team-a",
            [role_binding("x", "team-a", default_of(""))],
            Status.FAIL,
        ),
        case("AKS's own", [bound("x", default_of("kube-system"), labels=AKS)], Status.NOT_APPLICABLE),
        case("the mark of AKS on another's", [bound("x", default_of("team-a"), labels=AKS)], Status.FAIL),
        case("a user named default", [bound("x", rbac_subject("User", "default"))], Status.PASS),
        case(
            "the account named as a user",
            [bound("x", rbac_subject("User", "system:serviceaccount:team-a:default"))],
            Status.FAIL,
        ),
        case(
            "the account of kube-system named as a user",
            [bound("x", rbac_subject("User", "system:serviceaccount:kube-system:default"))],
            Status.PASS,
        ),
        case("pods unreadable", [bound("x", default_of("team-a"))], Status.FAIL, unreadable=[Need.PODS]),
        case("bindings unreadable", [], Status.NOT_ASSESSED, unreadable=BOTH_KINDS),
    ],
)
def test_default_accounts_hold_no_rights(world, expected):
    assert evaluate(default_accounts_hold_no_rights, world).status is expected


def test_the_workloads_that_run_as_default_are_named():
    world = [
        role_binding("x", "shop", default_of(""), role="edit"),
        workload(pods=1),
        workload(name="own", spec=pod_spec(service_account_name="own"), pods=1),
        workload(name="far", namespace="ci", pods=1),
    ]
    (finding,) = evaluate(default_accounts_hold_no_rights, inventory(*world)).findings
    assert finding.evidence["subjects.namespace"] == ["shop"]
    assert finding.evidence["workloads"] == ["Deployment shop/app"]
    assert finding.fill == {
        "namespace": "shop",
        "account_namespace": "shop",
        "role": "edit",
        "role_kind": "clusterrole",
    }


def test_what_replaces_the_default_account_of_another_namespace_stands_there():
    world = inventory(role_binding("x", "shop", default_of("ci"), role="reader", kind="Role"))
    (finding,) = evaluate(default_accounts_hold_no_rights, world).findings
    assert finding.fill == {"namespace": "shop", "account_namespace": "ci", "role": "reader", "role_kind": "role"}


THERE = [
    VIEW,
    role("reader", "ci", rbac_rule("get", "pods")),
    service_account("deployer", "ci"),
    named(Namespace, "ci"),
    named(Namespace, "kube-system"),
]
NO_ENTRA = cluster(aad_profile=None)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("all references resolve", [*THERE, bound("x", CI, TEAM, ALICE, MASTERS)], Status.PASS),
        case(
            "all references of a RoleBinding resolve",
            [*THERE, role_binding("x", "ci", rbac_subject("ServiceAccount", "deployer"), role="reader", kind="Role")],
            Status.PASS,
        ),
        case("roleRef to a deleted ClusterRole", [*THERE, bound("x", CI, role="gone")], Status.FAIL),
        case(
            "roleRef to a Role of another namespace",
            [*THERE, role_binding("x", "shop", TEAM, role="reader", kind="Role")],
            Status.FAIL,
        ),
        case(
            "a ClusterRole where a Role is meant",
            [*THERE, role_binding("x", "ci", TEAM, role="view", kind="Role")],
            Status.FAIL,
        ),
        case(
            "subject account deleted",
            [*THERE, bound("x", rbac_subject("ServiceAccount", "gone", "ci"))],
            Status.FAIL,
        ),
        case(
            "subject namespace deleted",
            [*THERE, bound("x", rbac_subject("ServiceAccount", "deployer", "gone"))],
            Status.FAIL,
        ),
        case(
            'Group "platform-admins" on an Entra cluster',
            [*THERE, bound("x", rbac_subject("Group", "platform-admins"))],
            Status.FAIL,
        ),
        case("Group GUID", [*THERE, bound("x", TEAM)], Status.PASS),
        case('Group "aks:jwt:team"', [*THERE, bound("x", rbac_subject("Group", "aks:jwt:team"))], Status.PASS),
        case(
            'Group "dev" on a cluster without Entra',
            [NO_ENTRA, *THERE, bound("x", rbac_subject("Group", "dev"))],
            Status.PASS,
        ),
        case(
            "roles not listable",
            [*THERE, bound("x", CI, role="other")],
            Status.NOT_ASSESSED,
            unreadable=[Need.CLUSTER_ROLES],
        ),
        case(
            "a default binding whose account AKS does not have",
            [
                *THERE,
                bound(
                    "system:kube-dns",
                    rbac_subject("ServiceAccount", "kube-dns", "kube-system"),
                    role="system:kube-dns",
                    labels=DEFAULT,
                ),
            ],
            Status.NOT_APPLICABLE,
        ),
        case(
            "a RoleBinding in kube-system",
            [*THERE, role_binding("x", "kube-system", TEAM, role="gone")],
            Status.NOT_APPLICABLE,
        ),
        case(
            "AKS's own",
            [*THERE, bound("x", rbac_subject("ServiceAccount", "gone", "kube-system"), labels=AKS)],
            Status.NOT_APPLICABLE,
        ),
        case("accounts unreadable", [*THERE, bound("x", CI)], Status.NOT_ASSESSED, unreadable=[Need.SERVICE_ACCOUNTS]),
        case(
            "accounts unreadable, no such namespace",
            [*THERE, bound("x", rbac_subject("ServiceAccount", "deployer", "gone"), CI)],
            Status.FAIL,
            unreadable=[Need.SERVICE_ACCOUNTS],
        ),
        case("namespaces unreadable", [*THERE, bound("x", CI)], Status.PASS, unreadable=[Need.NAMESPACES]),
        case(
            "cluster unreadable, a name for a group",
            [*THERE, bound("x", rbac_subject("Group", "dev"))],
            Status.NOT_ASSESSED,
            unreadable=[Need.MANAGED_CLUSTERS],
        ),
        case(
            "cluster unreadable, a role that is gone",
            [*THERE, bound("x", rbac_subject("Group", "dev"), role="gone")],
            Status.FAIL,
            unreadable=[Need.MANAGED_CLUSTERS],
        ),
        case(
            "cluster unreadable, only ids", [*THERE, bound("x", TEAM)], Status.PASS, unreadable=[Need.MANAGED_CLUSTERS]
        ),
    ],
)
def test_bindings_lead_somewhere(world, expected):
    assert evaluate(bindings_lead_somewhere, world).status is expected


def test_the_right_that_waits_is_shown():
    gone = rbac_subject("ServiceAccount", "gone", "ci")
    (finding,) = evaluate(bindings_lead_somewhere, inventory(*THERE, bound("x", gone, CI))).findings
    assert finding.evidence["missingAccounts"] == ["ServiceAccount:ci/gone"]
    assert finding.evidence["rules"] == ("verbs [get, list, watch] apiGroups [''] resources [pods]",)


@pytest.mark.parametrize(
    ("binding", "role_kind"),
    [
        (role_binding("x", "ci", rbac_subject("Group", "dev"), role="reader", kind="Role"), "role"),
        (bound("x", rbac_subject("Group", "dev"), role="view"), "clusterrole"),
    ],
)
def test_a_binding_is_made_again_to_the_same_kind_of_role(binding, role_kind):
    (finding,) = evaluate(bindings_lead_somewhere, inventory(*THERE, binding)).findings
    assert finding.fill == {"group_name": "dev", "role": binding.role_ref.name, "role_kind": role_kind}


@pytest.mark.parametrize(
    ("rule", "subject"),
    [
        (anonymous_callers_have_default_rights_only, UNAUTHENTICATED),
        (no_rights_for_catch_all_groups, AUTHENTICATED),
        (pods_are_made_and_entered_by_few, ALICE),
        (default_accounts_hold_no_rights, default_of("shop")),
    ],
)
def test_a_default_binding_is_not_to_be_deleted(rule, subject):
    system = cluster_role("system:x", rbac_rule("create", "pods"), labels=DEFAULT)
    by_default = bound("system:x", subject, role="system:x", labels=DEFAULT)
    (finding,) = evaluate(rule, inventory(system, by_default)).findings
    assert finding.fill["name"] == ""
    (finding,) = evaluate(rule, inventory(system, bound("own", subject, role="system:x"))).findings
    assert "name" not in finding.fill


def test_both_kinds_of_binding_are_judged():
    world = inventory(bound("wide", UNAUTHENTICATED), role_binding("narrow", "shop", ANONYMOUS))
    verdicts = evaluate_all(anonymous_callers_have_default_rights_only, world)
    assert {name: verdict.status for name, verdict in verdicts.items()} == {
        "cluster_role_binding/wide": Status.FAIL,
        "role_binding/shop/narrow": Status.FAIL,
    }


def test_a_binding_that_names_nothing_is_no_crash():
    empty = ClusterRoleBinding(role_ref=RoleRef(), subjects=(rbac_subject("", ""),))
    for rule in (anonymous_callers_have_default_rights_only, no_rights_for_catch_all_groups, bindings_lead_somewhere):
        assert evaluate(rule, inventory(empty)).status in (Status.PASS, Status.FAIL)


def test_a_rule_is_shown_in_the_words_of_its_manifest():
    shown = PolicyRule(
        verbs=("get",), api_groups=("", "apps"), resources=("a", "b"), resource_names=("c",), non_resource_urls=("/d",)
    )
    assert str(shown) == "verbs [get] apiGroups ['', apps] resources [a, b] resourceNames [c] nonResourceURLs [/d]"
