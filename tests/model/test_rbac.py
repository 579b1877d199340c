"""The index of roles and bindings, against a slow reference that follows the sentences of the documentation."""

from itertools import product

import pytest
from akscan.model.gaps import NotCollected
from akscan.model.kubernetes import ClusterRole, PolicyRule, Request, RoleBinding
from akscan.model.selectors import Expression, LabelSelector
from akscan.sdk import Need
from akscan.testing import (
    cluster_role,
    cluster_role_binding,
    inventory,
    rbac_rule,
    rbac_subject,
    role,
    role_binding,
)
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

NAMES, SPACES = ["a", "b", "c"], ["x", "y"]
VERBS, GROUPS = ["get", "create"], ["", "apps"]
RESOURCES, URLS = ["pods", "pods/exec", "jobs/exec"], ["/healthz", "/healthz/etcd", "/metrics"]
LABELS = [{"to": "a"}, {"to": "b"}, {}]


def some(values, extra=()):
    return st.lists(st.sampled_from([*values, *extra]), min_size=1, max_size=2, unique=True).map(tuple)


rules = st.builds(
    PolicyRule,
    verbs=some(VERBS, ["*"]),
    api_groups=some(GROUPS, ["*"]),
    resources=some(RESOURCES, ["*", "*/exec"]),
    resource_names=st.sampled_from([None, (), ("one",)]),
) | st.builds(PolicyRule, verbs=some(VERBS, ["*"]), non_resource_urls=some(URLS, ["*", "/healthz/*", "/healthz*"]))
rule_lists = st.lists(rules, max_size=2)
selectors = st.lists(
    st.sampled_from(
        [
            LabelSelector(match_labels={"to": "a"}),
            LabelSelector(match_labels={"to": "b"}),
            LabelSelector(match_expressions=(Expression(key="to", operator="Exists"),)),
            LabelSelector(),
        ]
    ),
    max_size=2,
)


@st.composite
def cluster_roles(draw):
    made = []
    for name in draw(st.sets(st.sampled_from(NAMES))):
        one = cluster_role(name, *draw(rule_lists), labels=draw(st.sampled_from(LABELS)), aggregates=[{}])
        chosen = tuple(draw(selectors))
        aggregation = replace(one.aggregation_rule, cluster_role_selectors=chosen) if chosen else None
        made.append(replace(one, aggregation_rule=aggregation))
    return made


@st.composite
def bindings(draw):
    subjects = draw(
        st.lists(
            st.sampled_from(
                [rbac_subject("User", "u"), rbac_subject("ServiceAccount", "s"), rbac_subject("Group", "g")]
            ),
            max_size=2,
        )
    )
    name, target = draw(st.sampled_from(["p", "q"])), draw(st.sampled_from(NAMES))
    if draw(st.booleans()):
        return cluster_role_binding(name, *subjects, role=target)
    kind = draw(st.sampled_from(["Role", "ClusterRole"]))
    return role_binding(name, draw(st.sampled_from(SPACES)), *subjects, role=target, kind=kind)


namespaced_roles = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(SPACES)), unique=True, max_size=3
).flatmap(lambda keys: st.tuples(*(rule_lists.map(lambda own, key=key: role(*key, *own)) for key in keys)))

requests = st.builds(
    Request,
    verb=st.sampled_from(VERBS),
    resource=st.sampled_from(RESOURCES),
    group=st.sampled_from(GROUPS),
    namespace=st.sampled_from(["", *SPACES]),
    name=st.sampled_from(["", "one", "two"]),
) | st.builds(Request, verb=st.sampled_from(VERBS), url=st.sampled_from(URLS))


def aggregated(roles):
    """The rules of each ClusterRole once the controller has copied until nothing changes any more."""
    rules_of = {one.name: set(one.rules) for one in roles}
    for _ in roles:
        for target, source in product(roles, roles):
            if target.aggregation_rule is None:
                continue
            chosen = target.aggregation_rule.cluster_role_selectors
            if any(selector.matches(source.metadata.labels) for selector in chosen):
                rules_of[target.name] |= rules_of[source.name]
    return rules_of


def says_yes(rule, request):
    """Whether a rule covers a request, word by word."""
    if "*" not in rule.verbs and request.verb not in rule.verbs:
        return False
    if request.url:
        return any(
            pattern == request.url or (pattern[-1] == "*" and request.url.startswith(pattern[:-1]))
            for pattern in rule.non_resource_urls or ()
        )
    spellings = {"*", request.resource}
    if "/" in request.resource:
        spellings.add("*/" + request.resource.split("/")[1])
    return (
        bool({"*", request.group} & set(rule.api_groups or ()))
        and bool(spellings & set(rule.resources or ()))
        and (not rule.resource_names or request.name in rule.resource_names)
    )


def identities(binding):
    """As whom the API server knows the subjects."""
    for subject in binding.subjects:
        match subject.kind, subject.namespace or binding.namespace:
            case "ServiceAccount", namespace:
                yield f"User:system:serviceaccount:{namespace}:{subject.name}"
            case kind, _:
                yield f"{kind}:{subject.name}"


def reference(roles, others, all_bindings, request):
    """(binding, role, rule) of every grant: each binding, each rule, one after another."""
    wide = aggregated(roles)
    found = set()
    for place, binding in enumerate(all_bindings):
        narrow = isinstance(binding, RoleBinding)
        if narrow and (request.url or request.namespace != binding.namespace):
            continue
        granted = set()
        if binding.role_ref.kind == "ClusterRole":
            granted = wide.get(binding.role_ref.name, set())
        for other in others:
            if binding.role_ref.kind == "Role" and (other.namespace, other.name) == (
                binding.namespace,
                binding.role_ref.name,
            ):
                granted = set(other.rules)
        found |= {(place, rule) for rule in granted if says_yes(rule, request)}
    return found


@given(cluster_roles(), namespaced_roles, st.lists(bindings(), max_size=4), requests)
def test_the_index_knows_the_grants_of_the_reference(roles, others, all_bindings, request):
    (cluster,) = inventory(roles, list(others), all_bindings).clusters
    places = {id(binding): place for place, binding in enumerate(all_bindings)}
    grants = cluster.rbac.grants(request)
    found = [(places[id(grant.binding)], grant.rule) for grant in grants]
    assert set(found) == reference(roles, others, all_bindings, request)
    for grant in grants:
        assert [holder.identity for holder in grant.holders] == list(identities(grant.binding))


@given(cluster_roles(), st.lists(bindings(), max_size=4))
def test_a_role_is_held_through_every_binding_that_grants_its_rules(roles, all_bindings):
    """By marking one rule and asking who can do it."""
    for marked in roles:
        own = replace(marked, rules=(*marked.rules, rbac_rule("mark", "pods")))
        (cluster,) = inventory([own if one is marked else one for one in roles], all_bindings).clusters
        found = {(b.namespace, b.name, b.role_ref) for b in cluster.rbac.bindings_of(own)}
        granted = {
            (grant.binding.namespace, grant.binding.name, grant.binding.role_ref)
            for space in ("", *SPACES)
            for grant in cluster.rbac.grants(Request("mark", "pods", namespace=space))
            if "mark" in grant.rule.verbs
        }
        assert found == granted


def test_aggregation_in_a_circle_ends():
    circle = [
        cluster_role("a", rbac_rule("get", "pods"), labels={"to": "b"}, aggregates=[{"to": "a"}]),
        cluster_role("b", rbac_rule("get", "jobs"), labels={"to": "a"}, aggregates=[{"to": "b"}]),
    ]
    (cluster,) = inventory(circle).clusters
    assert {rule.resources for rule in cluster.rbac.rules_of(circle[0])} == {("pods",), ("jobs",)}


def test_a_role_without_rules_grants_nothing():
    empty = ClusterRole(metadata=cluster_role("none").metadata, rules=None)
    (cluster,) = inventory(empty, cluster_role_binding("x", rbac_subject("User", "u"), role="none")).clusters
    assert cluster.rbac.rules_of(empty) == ()
    assert cluster.rbac.grants(Request("get", "pods")) == ()


@pytest.mark.parametrize(("kind", "need"), [("ClusterRole", Need.CLUSTER_ROLES), ("Role", Need.ROLES)])
def test_a_role_that_was_not_read_is_not_a_role_that_is_gone(kind, need):
    dangling = role_binding("x", "shop", rbac_subject("User", "u"), role="gone", kind=kind)
    (cluster,) = inventory(dangling).clusters
    assert cluster.rbac.role_of(dangling) is None
    (cluster,) = inventory(dangling, unreadable=[need]).clusters
    with pytest.raises(NotCollected, match=need):
        cluster.rbac.role_of(dangling)


def test_the_identities_of_a_service_account():
    account = rbac_subject("ServiceAccount", "app", "shop")
    world = [
        cluster_role_binding("direct", account),
        cluster_role_binding("user", rbac_subject("User", "system:serviceaccount:shop:app")),
        role_binding("group", "x", rbac_subject("Group", "system:serviceaccounts:shop"), account),
        role_binding("local", "shop", rbac_subject("ServiceAccount", "app")),
        cluster_role_binding("other", rbac_subject("ServiceAccount", "app", "x")),
        cluster_role_binding(
            "default",
            rbac_subject("Group", "system:serviceaccounts"),
            labels={"kubernetes.io/bootstrapping": "rbac-defaults"},
        ),
    ]
    (cluster,) = inventory(*world).clusters
    assert {b.name for b in cluster.rbac.bindings_for_account("shop", "app")} == {"direct", "user", "group", "local"}
