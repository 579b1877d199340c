"""The list of known platform operators, and what it takes to be one."""

from akscan.model.kubernetes import DaemonSet
from akscan.plugins import load_rules
from akscan.sdk import Need
from akscan.testing import cluster_role_binding, container, inventory, pod_spec, rbac_subject, workload
from akscan_rules.access.operators import holders_of, known_operators, summary

OPERATOR = next(operator for operator in known_operators().operators if operator.name == "ingress-nginx")
ACCOUNT = rbac_subject("ServiceAccount", OPERATOR.accounts[0], OPERATOR.namespaces[0])
(RULE,) = OPERATOR.rules


def judged(*objects, subject=ACCOUNT, rule=RULE, unreadable=()):
    (cluster,) = inventory(*objects, unreadable=unreadable).clusters
    return holders_of(cluster, [cluster_role_binding("x", subject)], rule)


def controller(*images, account=OPERATOR.accounts[0], **fields):
    containers = [container(f"c{place}", image=image) for place, image in enumerate(images)]
    spec = pod_spec(*containers, service_account_name=account, **fields)
    return workload(DaemonSet, "controller", OPERATOR.namespaces[0], spec=spec, pods=1)


def test_each_entry_names_rules_that_exist_and_where_it_is_from():
    known = {rule.id for rule in load_rules()}
    for operator in known_operators().operators:
        assert known.issuperset(operator.rules), operator.name
        assert all((operator.namespaces, operator.accounts, operator.images, operator.rules))
        assert operator.source.startswith("https://")


def test_namespace_account_and_every_image_agree():
    mirrored = "mirror.example/k8s/ingress-nginx/controller:v1.14.0"
    found = judged(controller(mirrored))
    assert found.accepted == ("ServiceAccount:ingress-nginx/ingress-nginx (ingress-nginx)",)
    assert (found.outside, found.undecided) == ((), ())


def test_whatever_does_not_agree_is_somebody_else():
    right = "registry.k8s.io/ingress-nginx/controller:v1.14.0"
    elsewhere = rbac_subject("ServiceAccount", ACCOUNT.name, "elsewhere")
    as_user = rbac_subject("User", f"system:serviceaccount:{ACCOUNT.namespace}:{ACCOUNT.name}")
    for found in (
        judged(controller("x.example/other:1")),
        judged(controller("registry.k8s.io/not-ingress-nginx/controller:1")),
        judged(controller(right, "x.example/sidecar:1")),
        judged(controller(right, init_containers=(container("i", image="x.example/other:1"),))),
        judged(controller(right, account="other")),
        judged(),
        judged(controller(right), subject=elsewhere),
        judged(controller(right), subject=as_user),
        judged(controller(right), rule="ACC-013"),
    ):
        assert len(found.outside) == 1
        assert found.accepted == ()


def test_nobody_knows_where_its_pods_were_not_read():
    found = judged(unreadable=[Need.PODS])
    assert found.undecided == (ACCOUNT,)
    assert found.outside == ()


def test_a_subject_of_several_bindings_counts_once():
    (cluster,) = inventory().clusters
    alice = rbac_subject("User", "alice@contoso.example")
    bindings = [cluster_role_binding("x", alice), cluster_role_binding("y", alice, ACCOUNT)]
    assert holders_of(cluster, bindings, RULE).outside == (alice, ACCOUNT)


def test_of_many_the_first_are_named():
    assert summary("abcde") == "a, b, c, d, e"
    assert summary("abcdefg") == "a, b, c, d, e and 2 more"
