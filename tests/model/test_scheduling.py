"""Where pods may run, against a slow reference that repeats the sentences of the Kubernetes documentation."""

import itertools

import pytest
from akscan.model.kubernetes import Affinity, NodeAffinity, PreferredTerm, Requirement, Taint, Toleration
from akscan.model.objects import KarpenterNodePool
from akscan.model.scheduling import NOT_SPOT, Place, common_place, may_run_on, place_of, prefers_spot, requires_spot
from akscan.model.selectors import Expression, NodeSelector, NodeSelectorTerm
from akscan.testing import cluster, inventory, karpenter_node_pool, node, node_pool, pod_spec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

KEYS = ("disk", "cores")
VALUES = ("ssd", "hdd", "4", "8", "08", "+4", " 4", "4_0", "9223372036854775808")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

keys, values = st.sampled_from(KEYS), st.sampled_from(VALUES)
labels = st.dictionaries(keys, values)
expressions = st.one_of(
    st.builds(
        Expression,
        key=keys,
        operator=st.sampled_from(["In", "NotIn"]),
        values=st.lists(values, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(Expression, key=keys, operator=st.sampled_from(["Exists", "DoesNotExist"])),
    st.builds(Expression, key=keys, operator=st.sampled_from(["Gt", "Lt"]), values=values.map(lambda v: (v,))),
)
fields = st.builds(
    Expression,
    key=st.just("metadata.name"),
    operator=st.sampled_from(["In", "NotIn"]),
    values=st.sampled_from(["node-0", "node-1"]).map(lambda name: (name,)),
)
terms = st.builds(
    NodeSelectorTerm,
    match_expressions=st.none() | st.lists(expressions, max_size=2).map(tuple),
    match_fields=st.none() | st.lists(fields, max_size=1).map(tuple),
)
affinities = st.none() | st.lists(terms, max_size=3).map(
    lambda found: Affinity(node_affinity=NodeAffinity(required=NodeSelector(node_selector_terms=tuple(found))))
)
taints = st.builds(
    Taint, key=st.sampled_from(["gpu", "spot"]), value=st.sampled_from(["", "yes"]), effect=st.sampled_from(EFFECTS)
)
tolerations = st.builds(
    Toleration,
    key=st.sampled_from(["", "gpu", "spot"]),
    operator=st.sampled_from(["Equal", "Exists", ""]),
    value=st.sampled_from(["", "yes"]),
    effect=st.sampled_from(["", *EFFECTS]),
)
specs = st.builds(
    lambda tolerated, selector, affinity: pod_spec(
        tolerations=tuple(tolerated), node_selector=selector, affinity=affinity
    ),
    st.lists(tolerations, max_size=3),
    st.none() | labels,
    affinities,
)


def number(text):
    """What ``strconv.ParseInt(text, 10, 64)`` makes of it."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits or any(digit not in "0123456789" for digit in digits):
        return None
    found = int(digits) * (-1 if text[0] == "-" else 1)
    return found if -(2**63) <= found <= 2**63 - 1 else None


def expression_holds(expression, own):
    """Operators of node affinity, one sentence each."""
    key, listed = expression.key, expression.values or ()
    if expression.operator == "In":
        return key in own and own[key] in listed
    if expression.operator == "NotIn":
        return not (key in own and own[key] in listed)
    if expression.operator == "Exists":
        return key in own
    if expression.operator == "DoesNotExist":
        return key not in own
    if key not in own or number(own[key]) is None or number(listed[0]) is None:
        return False
    if expression.operator == "Gt":
        return number(own[key]) > number(listed[0])
    return number(own[key]) < number(listed[0])


def toleration_matches(toleration, taint):
    """A toleration matches a taint if the keys are the same and the effects are the same, and the operator is Exists,
    or it is Equal and the values are equal. Two special cases: an empty key with operator Exists matches all keys and
    values; an empty effect matches all effects.
    """
    effects_agree = toleration.effect in ("", taint.effect)
    if toleration.key == "":
        return toleration.operator == "Exists" and effects_agree
    operator = toleration.operator or "Equal"
    values_agree = operator == "Exists" or toleration.value == taint.value
    return toleration.key == taint.key and values_agree and effects_agree


def selected(spec, own, name):
    """Both nodeSelector and nodeAffinity must be satisfied; one of the terms must be, with all of its expressions; a
    null or empty term matches no objects.
    """
    for key, value in (spec.node_selector or {}).items():
        if own.get(key) != value:
            return False
    if spec.affinity is None:
        return True
    for term in spec.affinity.node_affinity.required.node_selector_terms:
        holding = [expression_holds(e, own) for e in term.match_expressions or ()]
        holding += [expression_holds(e, {"metadata.name": name}) for e in term.match_fields or ()]
        if holding and all(holding):
            return True
    return False


def tolerated(spec, own):
    left = [taint for taint in own if not any(toleration_matches(t, taint) for t in spec.tolerations)]
    return all(taint.effect not in ("NoSchedule", "NoExecute") for taint in left)


@given(specs, labels, st.lists(taints, max_size=3))
def test_nodes_like_the_reference(spec, own, tainted):
    there = replace(node(taints=tainted), metadata=replace(node().metadata, labels=own))
    assert may_run_on(spec, there) is (tolerated(spec, tainted) and selected(spec, own, "node-0"))


@given(specs, st.sampled_from([(), ("disk",), ("cores",), KEYS]), labels, st.lists(expressions, max_size=2))
def test_a_place_admits_what_one_of_its_possible_nodes_admits(spec, unknown, own, demanded):
    """Every value that anybody names, the numbers around them, and one that nobody names are tried for each label."""
    known = {key: value for key, value in own.items() if key not in unknown}
    place = Place(labels=known, open=frozenset(unknown), requirements=tuple(demanded), name="node-0")
    tried = (None, *VALUES, "other", *(str(n) for n in range(12)))
    possible = (
        known | {key: value for key, value in zip(unknown, chosen, strict=True) if value is not None}
        for chosen in itertools.product(tried, repeat=len(unknown))
    )
    expected = any(
        all(expression_holds(e, made) for e in demanded) and selected(spec, made, "node-0") for made in possible
    )
    assert place.is_selected_by(spec) is expected


@given(specs, st.lists(st.tuples(labels, st.lists(taints, max_size=2)), min_size=1, max_size=3))
def test_what_nodes_have_in_common_admits_whatever_one_of_them_admits(spec, made):
    nodes = [
        replace(node(f"node-{place}", taints=tainted), metadata=replace(node(f"node-{place}").metadata, labels=own))
        for place, (own, tainted) in enumerate(made)
    ]
    if any(may_run_on(spec, found) for found in nodes):
        assert common_place(nodes).admits(spec)


@pytest.mark.parametrize(("cordons", "expected"), [(True, False), (False, True)])
def test_a_cordon_may_be_left_aside_with_its_taint(cordons, expected):
    taint = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")
    cordoned = node(taints=[taint])
    cordoned = replace(cordoned, spec=replace(cordoned.spec, unschedulable=True))
    assert may_run_on(pod_spec(), cordoned, cordons=cordons) is expected


def test_nothing_runs_on_a_node_that_is_not_ready():
    assert not may_run_on(pod_spec(), node(ready=False))


def on(key, operator, *listed):
    return Expression(key=key, operator=operator, values=listed or None)


def requiring(*found):
    """A pod whose required affinity has one term for each expression."""
    terms = tuple(NodeSelectorTerm(match_expressions=(expression,)) for expression in found)
    return pod_spec(affinity=Affinity(node_affinity=NodeAffinity(required=NodeSelector(node_selector_terms=terms))))


PRIORITY, DEPRECATED, CAPACITY = (
    "kubernetes.azure.com/priority",
    "kubernetes.azure.com/scalesetpriority",
    "karpenter.sh/capacity-type",
)


@pytest.mark.parametrize(
    ("spec", "required"),
    [
        (pod_spec(), False),
        *((pod_spec(node_selector={key: "spot"}), True) for key in (PRIORITY, DEPRECATED, CAPACITY)),
        (pod_spec(node_selector={DEPRECATED: "regular"}), False),
        (requiring(on(PRIORITY, "In", "spot")), True),
        (requiring(on(PRIORITY, "In", "spot", "regular")), False),
        (requiring(on(PRIORITY, "In", "spot"), on(CAPACITY, "In", "spot")), True),
        (requiring(on(PRIORITY, "In", "spot"), on("agentpool", "In", "other")), False),
        (requiring(on(PRIORITY, "NotIn", "spot")), False),
        (requiring(on(PRIORITY, "Exists")), False),
        (requiring(), False),
    ],
)
def test_what_requires_spot(spec, required):
    assert requires_spot(spec) is required


@pytest.mark.parametrize(
    ("expression", "preferred"),
    [(on(PRIORITY, "In", "spot"), True), (on(PRIORITY, "NotIn", "spot"), False), (on("disk", "In", "ssd"), False)],
)
def test_what_prefers_spot(expression, preferred):
    term = PreferredTerm(preference=NodeSelectorTerm(match_expressions=(expression,)))
    assert prefers_spot(pod_spec(affinity=Affinity(node_affinity=NodeAffinity(preferred=(term,))))) is preferred


def demanded(*listed):
    return [Requirement(key=CAPACITY, operator="In", values=listed)]


@pytest.mark.parametrize(
    ("requirements", "regular"),
    [
        ([], True),
        (demanded("spot"), False),
        (demanded("spot", "on-demand"), True),
        ([Requirement(key="karpenter.azure.com/sku-cpu", operator="Lt", values=("5",))], False),
    ],
)
def test_a_karpenter_node_pool_bears_what_it_may_make_a_node_for(requirements, regular):
    world = inventory(cluster())
    made = KarpenterNodePool(world.clusters[0], karpenter_node_pool("nap", *requirements))
    wants_eight_cores = requiring(on("karpenter.azure.com/sku-cpu", "Gt", "7"))
    assert made.regular_place.admits(wants_eight_cores) is regular
    assert not made.place.admits(pod_spec(node_selector={"team": "a"}))
    assert made.place.admits(pod_spec(node_selector={"karpenter.sh/nodepool": "nap"}))


@pytest.mark.parametrize(
    ("spec", "pools"),
    [
        (pod_spec(), ["system"]),
        (pod_spec(tolerations=(Toleration(operator="Exists"),)), ["system", "spot"]),
        (pod_spec(tolerations=(Toleration(operator="Exists"),), node_selector={DEPRECATED: "spot"}), ["spot"]),
        (pod_spec(node_selector={"topology.kubernetes.io/zone": "westeurope-1"}), ["system"]),
        (pod_spec(node_selector={"agentpool": "system"}), ["system"]),
        (pod_spec(node_selector={"disk": "ssd"}), []),
    ],
)
def test_a_pool_without_nodes_bears_what_its_settings_say(spec, pools):
    spot = node_pool("spot", scale_set_priority="Spot", node_taints=(f"{DEPRECATED}=spot:NoSchedule",))
    (here,) = inventory(cluster(pools=[node_pool("system"), spot])).clusters
    assert [pool.name for pool in here.pools if pool.bears(spec)] == pools


def test_the_name_of_a_node_to_come_may_be_any():
    named = NodeSelectorTerm(match_fields=(on("metadata.name", "In", "node-7"),))
    spec = pod_spec(affinity=Affinity(node_affinity=NodeAffinity(required=NodeSelector(node_selector_terms=(named,)))))
    assert Place(name=None).admits(spec)
    assert not place_of(node()).admits(spec)
    assert Place(open=None, requirements=NOT_SPOT).is_possible
