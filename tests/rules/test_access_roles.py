"""Roles of Kubernetes RBAC: what they grant to those outside the platform."""

import pytest
from akscan.sdk import Need, Status
from akscan.testing import (
    case,
    cluster_role,
    cluster_role_binding,
    container,
    evaluate,
    evaluate_all,
    inventory,
    pod_spec,
    rbac_rule,
    rbac_subject,
    role,
    role_binding,
    workload,
)
from akscan_rules.access.roles import (
    nobody_escalates_binds_or_impersonates,
    roles_name_resources_and_verbs,
    ways_up_are_the_platforms,
)

DEFAULT = {"kubernetes.io/bootstrapping": "rbac-defaults"}
AKS = {"addonmanager.kubernetes.io/mode": "Reconcile"}
RBAC = "rbac.authorization.k8s.io"
ALICE = rbac_subject("User", "alice@contoso.example")
TEAM = rbac_subject("Group", "5f0c2c64-6f0c-4c5a-9d3a-0a7e1d6a0001")
AGENT = rbac_subject("ServiceAccount", "agent", "monitoring")
SUPPORT = rbac_subject("User", "aks-support")
PLATFORM = rbac_subject("ServiceAccount", "operator", "kube-system")
BINDINGS = [Need.CLUSTER_ROLE_BINDINGS, Need.ROLE_BINDINGS]
CLUSTER_ADMIN = cluster_role("cluster-admin", rbac_rule("*", "*", group="*"), labels=DEFAULT)


def held(*rules, by=ALICE, name="own", labels=None, marks=None):
    """A ClusterRole of these rules, bound cluster-wide."""
    return [cluster_role(name, *rules, labels=labels), cluster_role_binding("binding", by, role=name, labels=marks)]


def held_in(namespace, *rules, by=ALICE):
    """A ClusterRole of these rules, bound in one namespace."""
    return [cluster_role("own", *rules), role_binding("binding", namespace, by, role="own")]


WILD = rbac_rule("get", "*")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("explicit resources and verbs", held(rbac_rule("get list", "pods")), Status.PASS),
        case('resources * in apiGroups "" bound to a user', held(WILD), Status.FAIL),
        case("resources * in all groups", held(rbac_rule("get", "*", group="*")), Status.FAIL),
        case("resources * in another group", held(rbac_rule("get", "*", group="metrics.k8s.io")), Status.PASS),
        case("resources */scale", held(rbac_rule("get", "*/scale", group="*")), Status.PASS),
        case("verbs * on apiGroups cert-manager.io", held(rbac_rule("*", "x", group="cert-manager.io")), Status.PASS),
        case("verbs * on apiGroups apps", held(rbac_rule("*", "deployments", group="apps")), Status.FAIL),
        case(
            "verbs * on a group that core_groups adds",
            held(rbac_rule("*", "x", group="cert-manager.io")),
            Status.FAIL,
            parameters={"core_groups": ("cert-manager.io",)},
        ),
        case("wildcard role that nothing binds", [cluster_role("own", WILD)], Status.PASS),
        case(
            "wildcard role that nothing binds, bindings unreadable",
            [cluster_role("own", WILD)],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_BINDINGS],
        ),
        case("wildcard role bound only to a kube-system service account", held(WILD, by=PLATFORM), Status.PASS),
        case(
            "RoleBinding to cluster-admin in namespace team-a",
            [CLUSTER_ADMIN, role_binding("x", "team-a", TEAM)],
            Status.FAIL,
        ),
        case(
            "the same RoleBinding for a service account of flux-system only",
            [CLUSTER_ADMIN, role_binding("x", "team-a", rbac_subject("ServiceAccount", "x", "flux-system"))],
            Status.NOT_APPLICABLE,
        ),
        case(
            "RoleBinding to cluster-admin in kube-system",
            [CLUSTER_ADMIN, role_binding("x", "kube-system", TEAM)],
            Status.FAIL,
        ),
        case(
            "the same for a service account of kube-system",
            [CLUSTER_ADMIN, role_binding("x", "kube-system", PLATFORM)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "cluster-admin by a ClusterRoleBinding",
            [CLUSTER_ADMIN, cluster_role_binding("x", TEAM)],
            Status.NOT_APPLICABLE,
        ),
        case("cluster-admin, bindings unreadable", [CLUSTER_ADMIN], Status.NOT_ASSESSED, unreadable=BINDINGS),
        case("nonResourceURLs * only", held(rbac_rule("*", urls=["*"])), Status.PASS),
        case(
            "a Role", [role("own", "shop", WILD), role_binding("x", "shop", TEAM, role="own", kind="Role")], Status.FAIL
        ),
        case(
            "a Role, ClusterRoleBindings unreadable",
            [role("own", "shop", WILD)],
            Status.PASS,
            unreadable=[Need.CLUSTER_ROLE_BINDINGS],
        ),
        case(
            "a Role of the same name in another namespace",
            [role("own", "shop", WILD), role_binding("x", "ci", TEAM, role="own", kind="Role")],
            Status.PASS,
        ),
        case("a default role", held(WILD, name="admin", labels=DEFAULT), Status.NOT_APPLICABLE),
        case("the label of the defaults on another name", held(WILD, labels=DEFAULT), Status.FAIL),
        case("a role of AKS", held(WILD, labels=AKS, by=PLATFORM), Status.NOT_APPLICABLE),
        case("a role of AKS, bound by somebody else", held(WILD, labels=AKS), Status.FAIL),
        case("a role of AKS, bound by AKS", held(WILD, labels=AKS, marks=AKS, by=SUPPORT), Status.NOT_APPLICABLE),
        case(
            "a role of AKS, bound with its mark outside the system namespaces",
            [cluster_role("own", WILD, labels=AKS), role_binding("x", "shop", TEAM, role="own", labels=AKS)],
            Status.FAIL,
        ),
        case("a name of the system", held(WILD, name="system:metrics", by=PLATFORM), Status.NOT_APPLICABLE),
        case("a name of the system for people", held(WILD, name="system:metrics"), Status.FAIL),
        case(
            "a role of Kubernetes with the mark of AKS on the binding",
            held(WILD, name="system:controller:generic-garbage-collector", labels=DEFAULT, marks=AKS),
            Status.FAIL,
        ),
        case("a role of the system that nothing binds", [cluster_role("system:x", WILD)], Status.NOT_APPLICABLE),
        case(
            "a role of the system, bindings unreadable",
            [cluster_role("system:x", WILD)],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_BINDINGS],
        ),
        case(
            "a role of the system without a wildcard, bindings unreadable",
            [cluster_role("system:x", rbac_rule("get", "pods"))],
            Status.NOT_APPLICABLE,
            unreadable=[Need.ROLE_BINDINGS],
        ),
        case(
            "a part of the roles for people",
            [
                cluster_role("system:aggregate-to-edit", WILD, labels={"to": "edit", **DEFAULT}),
                cluster_role("edit", aggregates=[{"to": "edit"}], labels=DEFAULT),
                cluster_role_binding("x", TEAM, role="edit"),
            ],
            Status.NOT_APPLICABLE,
            subject="system:aggregate-to-edit",
        ),
        case(
            "the mark of AKS on a Role outside the system namespaces",
            [role("own", "shop", WILD, labels=AKS), role_binding("x", "shop", TEAM, role="own", kind="Role")],
            Status.FAIL,
        ),
        case(
            "held through a role that it is aggregated into",
            [
                cluster_role("own", WILD, labels={"to": "edit"}),
                cluster_role("edit", aggregates=[{"to": "edit"}], labels=DEFAULT),
                cluster_role_binding("x", TEAM, role="edit"),
            ],
            Status.FAIL,
            subject="own",
        ),
        case(
            "a sum whose part answers for itself",
            [
                cluster_role("part", WILD, labels={"to": "sum"}),
                cluster_role("sum", WILD, aggregates=[{"to": "sum"}]),
                cluster_role_binding("x", TEAM, role="sum"),
            ],
            Status.PASS,
            subject="sum",
        ),
        case(
            "a sum of a default role",
            [
                cluster_role("admin", WILD, labels={"to": "sum", **DEFAULT}),
                cluster_role("sum", aggregates=[{"to": "sum"}]),
                cluster_role_binding("x", TEAM, role="sum"),
            ],
            Status.FAIL,
            subject="sum",
        ),
        case("roles unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.ROLES, Need.CLUSTER_ROLES]),
    ],
)
def test_roles_name_resources_and_verbs(world, expected):
    assert evaluate(roles_name_resources_and_verbs, world).status is expected


def test_each_namespace_with_a_cluster_admin_is_a_finding_of_its_own():
    world = [
        CLUSTER_ADMIN,
        role_binding("x", "team-a", TEAM),
        role_binding("y", "team-b", ALICE, TEAM),
        role_binding("z", "team-c", ALICE, role="edit"),
    ]
    findings = evaluate(roles_name_resources_and_verbs, inventory(*world)).findings
    assert [finding.part for finding in findings] == ["rolebindings/team-a/x", "rolebindings/team-b/y"]
    assert findings[1].evidence["subjects"] == [str(ALICE), str(TEAM)]
    assert findings[0].message == f"{TEAM} is cluster-admin of namespace team-a"
    assert findings[1].message == f"{ALICE}, {TEAM} are cluster-admin of namespace team-b"
    assert findings[1].fill == {"namespace": "team-b"}


def test_a_holder_of_whom_nobody_knows_hides_no_other_namespace():
    argo = rbac_subject("ServiceAccount", "argocd-server", "argocd")
    world = [CLUSTER_ADMIN, role_binding("x", "team-a", argo), role_binding("y", "team-b", ALICE)]
    verdict = evaluate(roles_name_resources_and_verbs, inventory(*world, unreadable=[Need.PODS]))
    assert verdict.status is Status.FAIL
    assert [finding.part for finding in verdict.findings] == ["rolebindings/team-b/y"]
    assert Need.PODS in verdict.findings[0].evidence["notAssessed"]


def test_the_offending_rules_and_their_holders_are_shown():
    world = [
        *held(rbac_rule("get", "pods"), rbac_rule("*", "deployments", group="apps"), by=AGENT),
        role_binding("more", "shop", PLATFORM, ALICE, role="own"),
    ]
    (finding,) = evaluate(roles_name_resources_and_verbs, inventory(*world)).findings
    assert finding.evidence["rules"] == ["rules[1] verbs [*] apiGroups [apps] resources [deployments]"]
    assert finding.message == f"{AGENT}, {ALICE} hold rules[1] verbs [*] apiGroups [apps] resources [deployments]"
    assert finding.evidence["bindings"] == ["ClusterRoleBinding binding", "RoleBinding shop/more"]
    assert finding.evidence["subjects"] == [str(AGENT), str(ALICE)]
    assert finding.evidence["clusterWide"] is True
    assert finding.fill == {
        "subject": "system:serviceaccount:monitoring:agent",
        "namespace": "monitoring",
        "service_account": "agent",
    }


def test_what_an_aggregation_rule_adds_has_no_place_in_the_role():
    world = [
        cluster_role("admin", WILD, labels={"to": "sum", **DEFAULT}),
        cluster_role("sum", rbac_rule("get", "pods"), aggregates=[{"to": "sum"}]),
        role_binding("x", "shop", TEAM, role="sum"),
    ]
    verdicts = evaluate_all(roles_name_resources_and_verbs, inventory(*world))
    (finding,) = verdicts["cluster_role/sum"].findings
    assert finding.evidence["rules"] == ["aggregated verbs [get] apiGroups [''] resources [*]"]
    assert finding.evidence["clusterWide"] is False
    assert finding.fill == {"subject": ""}


INJECTOR = rbac_subject("ServiceAccount", "cert-manager-cainjector", "cert-manager")


def injector(image="quay.io/jetstack/cert-manager-cainjector:v1.19.1"):
    spec = pod_spec(container(image=image), service_account_name="cert-manager-cainjector")
    return workload(name="cainjector", namespace="cert-manager", spec=spec, pods=1)


BIND = rbac_rule("bind", "clusterroles", group=RBAC)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("no such verb", held(rbac_rule("get", "clusterroles", group=RBAC)), Status.PASS),
        case("bind on clusterroles without resourceNames", held(BIND), Status.FAIL),
        case(
            "bind on clusterroles with resourceNames [view]",
            held(rbac_rule("bind", "clusterroles", group=RBAC, names=["view"])),
            Status.PASS,
        ),
        case("escalate on roles", held_in("shop", rbac_rule("escalate", "roles", group=RBAC)), Status.FAIL),
        case("escalate on * of the group", held(rbac_rule("escalate", "*", group=RBAC)), Status.FAIL),
        case("bind in all groups", held(rbac_rule("bind", "roles", group="*")), Status.FAIL),
        case("bind in another group", held(rbac_rule("bind", "roles", group="x.example")), Status.PASS),
        case("bind on something else", held(rbac_rule("bind", "rolebindings", group=RBAC)), Status.PASS),
        case("impersonate on groups", held(rbac_rule("impersonate", "groups")), Status.FAIL),
        case(
            "impersonate on extras",
            held(rbac_rule("impersonate", "userextras/scopes", group="authentication.k8s.io")),
            Status.FAIL,
        ),
        case("impersonate on uids", held(rbac_rule("impersonate", "uids", group="authentication.k8s.io")), Status.FAIL),
        case(
            "impersonate on groups in one namespace", held_in("shop", rbac_rule("impersonate", "groups")), Status.PASS
        ),
        case(
            "impersonate on users in a Role",
            [
                role("own", "shop", rbac_rule("impersonate", "users")),
                role_binding("x", "shop", TEAM, role="own", kind="Role"),
            ],
            Status.PASS,
        ),
        case(
            "impersonate on serviceaccounts in one namespace",
            held_in("shop", rbac_rule("impersonate", "users serviceaccounts")),
            Status.FAIL,
        ),
        case("bind on clusterroles in one namespace", held_in("shop", BIND), Status.FAIL),
        case(
            "impersonate on serviceaccounts with resourceNames",
            held(rbac_rule("impersonate", "serviceaccounts", names=["builder"])),
            Status.PASS,
        ),
        case("* in verbs", held(rbac_rule("*", "clusterroles", group=RBAC)), Status.PASS),
        case(
            "* in verbs of a group that ACC-012 does not report",
            held(rbac_rule("*", "uids", group="authentication.k8s.io")),
            Status.FAIL,
        ),
        case(
            "built-in edit role bound to a group",
            held(rbac_rule("impersonate", "serviceaccounts"), by=TEAM, name="edit", labels=DEFAULT),
            Status.NOT_APPLICABLE,
        ),
        case(
            "a controller of Kubernetes's role, bound to a user",
            held(
                rbac_rule("escalate", "clusterroles", group=RBAC),
                name="system:controller:clusterrole-aggregation-controller",
                labels=DEFAULT,
            ),
            Status.FAIL,
        ),
        case(
            "a user added to the default binding of it",
            [
                cluster_role("system:controller:x", BIND, labels=DEFAULT),
                cluster_role_binding(
                    "system:controller:x", PLATFORM, ALICE, role="system:controller:x", labels=DEFAULT
                ),
            ],
            Status.FAIL,
        ),
        case(
            "the same role in the hands of its controller",
            held(BIND, name="system:controller:x", labels=DEFAULT, by=PLATFORM),
            Status.NOT_APPLICABLE,
        ),
        case("role bound only in kube-system by AKS", held_in("kube-system", BIND, by=PLATFORM), Status.PASS),
        case(
            "subject in allowed_subjects",
            held(BIND),
            Status.PASS,
            parameters={"allowed_subjects": ("User:alice@contoso.example",)},
        ),
        case("a known operator whose right this is not", [*held(BIND, by=INJECTOR), injector()], Status.FAIL),
        case("bindings unreadable", [cluster_role("own", BIND)], Status.NOT_ASSESSED, unreadable=BINDINGS),
        case("RoleBindings unreadable, bound cluster-wide", held(BIND), Status.FAIL, unreadable=[Need.ROLE_BINDINGS]),
    ],
)
def test_nobody_escalates_binds_or_impersonates(world, expected):
    assert evaluate(nobody_escalates_binds_or_impersonates, world).status is expected


CERTIFICATES = "certificates.k8s.io"
ADMISSION = "admissionregistration.k8s.io"
WEBHOOKS = rbac_rule("update", "validatingwebhookconfigurations", group=ADMISSION)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("none of the items", held(rbac_rule("get", "nodes")), Status.PASS),
        case(
            "get on nodes/proxy for a monitoring account in namespace monitoring",
            held(rbac_rule("get", "nodes/proxy"), by=AGENT),
            Status.FAIL,
        ),
        case("nodes/metrics only", held(rbac_rule("get", "nodes/metrics nodes/stats"), by=AGENT), Status.PASS),
        case(
            "update on certificatesigningrequests/approval",
            held(rbac_rule("update", "certificatesigningrequests/approval", group=CERTIFICATES)),
            Status.FAIL,
        ),
        case("approve on signers", held(rbac_rule("approve", "signers", group=CERTIFICATES)), Status.FAIL),
        case("everything in certificates", held(rbac_rule("update", "*", group=CERTIFICATES)), Status.FAIL),
        case(
            "create on serviceaccounts/token in a RoleBinding",
            held_in("shop", rbac_rule("create", "serviceaccounts/token")),
            Status.FAIL,
        ),
        case(
            "create on serviceaccounts/token with resourceNames",
            held(rbac_rule("create", "serviceaccounts/token", names=["builder"])),
            Status.PASS,
        ),
        case(
            "patch on mutatingwebhookconfigurations with resourceNames",
            held(rbac_rule("patch", "mutatingwebhookconfigurations", group=ADMISSION, names=["own"])),
            Status.PASS,
        ),
        case("patch on mutatingwebhookconfigurations", held(WEBHOOKS), Status.FAIL),
        case(
            "create on persistentvolumes bound by RoleBinding only",
            held_in("shop", rbac_rule("create", "persistentvolumes")),
            Status.PASS,
        ),
        case("create on persistentvolumes", held(rbac_rule("create", "persistentvolumes")), Status.FAIL),
        case("update on services/status", held_in("shop", rbac_rule("update", "services/status")), Status.FAIL),
        case("* on nodes/proxy", held(rbac_rule("*", "nodes/proxy")), Status.FAIL),
        case("* in resources", held(rbac_rule("create", "*")), Status.PASS),
        case(
            "subject in allowed_subjects",
            held(WEBHOOKS),
            Status.PASS,
            parameters={"allowed_subjects": ("User:alice*",)},
        ),
        case(
            "endpoints for every editor",
            [cluster_role("system:aggregate-to-edit", rbac_rule("create", "endpoints"), labels=DEFAULT)],
            Status.FAIL,
        ),
        case(
            "endpointslices for every editor",
            [
                cluster_role(
                    "system:aggregate-to-edit",
                    rbac_rule("patch", "endpointslices", group="discovery.k8s.io"),
                    labels=DEFAULT,
                )
            ],
            Status.FAIL,
        ),
        case(
            "no endpoints for editors",
            [cluster_role("system:aggregate-to-edit", rbac_rule("get", "endpoints"), labels=DEFAULT)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "the role of the kubelet's clients, bound to a monitoring account",
            held(rbac_rule("*", "nodes/proxy"), name="system:kubelet-api-admin", labels=DEFAULT, by=AGENT),
            Status.FAIL,
        ),
        case(
            "the role of AKS's controller, bound by somebody else in kube-system",
            [
                role("own", "kube-system", rbac_rule("create", "serviceaccounts/token"), labels=AKS),
                role_binding("x", "kube-system", ALICE, role="own", kind="Role"),
            ],
            Status.FAIL,
        ),
        case("a known operator", [*held(WEBHOOKS, by=INJECTOR), injector()], Status.PASS),
        case("a known operator's account, another image", [*held(WEBHOOKS, by=INJECTOR), injector("x:1")], Status.FAIL),
        case(
            "a known operator's account, pods unreadable",
            [*held(WEBHOOKS, by=INJECTOR), injector()],
            Status.NOT_ASSESSED,
            unreadable=[Need.PODS],
        ),
        case("bindings unreadable", [cluster_role("own", WEBHOOKS)], Status.NOT_ASSESSED, unreadable=BINDINGS),
    ],
)
def test_ways_up_are_the_platforms(world, expected):
    assert evaluate(ways_up_are_the_platforms, world).status is expected


def test_only_what_the_binding_reaches_is_reported():
    world = held_in("shop", rbac_rule("create", "persistentvolumes"), rbac_rule("create", "serviceaccounts/token"))
    (finding,) = evaluate(ways_up_are_the_platforms, inventory(*world)).findings
    assert finding.evidence["rules"] == ["rules[1] verbs [create] apiGroups [''] resources [serviceaccounts/token]"]


def test_a_role_of_the_platform_is_not_to_be_edited():
    world = held(BIND, name="system:controller:x", labels=DEFAULT, by=AGENT)
    (finding,) = evaluate(nobody_escalates_binds_or_impersonates, inventory(*world)).findings
    assert finding.fill["name"] == ""
    assert finding.evidence["subjects"] == [str(AGENT)]
