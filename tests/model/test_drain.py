"""Drains, against a slow and obviously right reference: the eviction API and the disruption controller, pod by pod."""

import math
from dataclasses import dataclass, field

from akscan.model.drain import Allowance, emptied_by_one_node
from akscan.model.kubernetes import StatefulSet
from akscan.model.objects import DisruptionBudget
from akscan.model.selectors import Expression, LabelSelector
from akscan.testing import autoscaler, disruption_budget, endpoints_on, inventory, workload
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

# --- the reference


@dataclass(eq=False)
class SlowPod:
    namespace: str
    labels: dict
    healthy: bool


@dataclass
class SlowBudget:
    name: str
    namespace: str
    selector: LabelSelector
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    always_allow: bool = False

    def selects(self, pod):
        return pod.namespace == self.namespace and self.selector.matches(pod.labels)


def scaled(value, total):
    """intstr.GetScaledValueFromIntOrPercent, rounding up."""
    return math.ceil(int(value[:-1]) * total / 100) if isinstance(value, str) else value


@dataclass
class SlowCluster:
    pods: list[SlowPod]
    budgets: list[SlowBudget]
    refused: list[SlowPod] = field(default_factory=list)

    def status(self, budget):
        """What the disruption controller writes: expected, healthy, desired, allowed."""
        selected = [pod for pod in self.pods if budget.selects(pod)]
        expected, healthy = len(selected), sum(pod.healthy for pod in selected)
        if budget.max_unavailable is not None:
            desired = max(0, expected - scaled(budget.max_unavailable, expected))
        else:
            desired = scaled(budget.min_available, expected)
        return expected, healthy, desired, max(0, healthy - desired) if expected else 0

    def evict(self, pod):
        """POST pods/eviction: whether the pod is gone; if so, a healthy one stands in its place."""
        budgets = [budget for budget in self.budgets if budget.selects(pod)]
        if len(budgets) > 1:
            return False
        if budgets:
            _, healthy, desired, allowed = self.status(budgets[0])
            broken_may_go = budgets[0].always_allow or (healthy >= desired > 0)
            if not (not pod.healthy and broken_may_go) and allowed == 0:
                return False
        self.pods[self.pods.index(pod)] = SlowPod(pod.namespace, pod.labels, healthy=True)
        return True

    def drain(self):
        """Round after round every pod that is there is tried; what the last round refuses is stuck."""
        for _ in range(len(self.pods) + 3):
            self.refused = [pod for pod in list(self.pods) if not self.evict(pod)]
        return self.refused


# --- worlds

LABELS = st.fixed_dictionaries({"app": st.sampled_from("xy"), "tier": st.sampled_from("tu")})
SELECTORS = st.one_of(
    st.builds(
        LabelSelector, match_labels=st.sampled_from([{}, {"app": "x"}, {"tier": "t"}, {"app": "y", "tier": "u"}])
    ),
    st.builds(
        lambda *expressions: LabelSelector(match_expressions=expressions),
        st.builds(
            Expression,
            key=st.sampled_from(["app", "tier"]),
            operator=st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
            values=st.sampled_from([("x",), ("x", "y"), ("t",), ("x", "u")]),
        ),
    ),
)
SHARES = st.sampled_from([0, 1, 2, 3, "0%", "30%", "50%", "100%"])


@st.composite
def budgets(draw):
    name, namespace = f"b{draw(st.integers(0, 99))}", draw(st.sampled_from("mn"))
    field = draw(st.sampled_from(["min_available", "max_unavailable"]))
    return SlowBudget(name, namespace, draw(SELECTORS), **{field: draw(SHARES)}, always_allow=draw(st.booleans()))


@dataclass
class SlowWorkload:
    name: str
    namespace: str
    labels: dict
    healthy: list[bool]
    floor: int | None

    def pods(self, states):
        return [SlowPod(self.namespace, self.labels, healthy) for healthy in states]

    @property
    def at_floor(self):
        return [True] * (len(self.healthy) if self.floor is None else max(1, self.floor))


@st.composite
def workloads(draw):
    return SlowWorkload(
        f"w{draw(st.integers(0, 99))}",
        draw(st.sampled_from("mn")),
        draw(LABELS),
        draw(st.lists(st.booleans(), min_size=1, max_size=3)),
        draw(st.none() | st.integers(0, 3)),
    )


def made(budget, status):
    expected, healthy, desired, _ = status
    share = {"min_available": budget.min_available, "max_unavailable": budget.max_unavailable}
    found = disruption_budget(
        budget.name,
        budget.namespace,
        expected=expected,
        healthy=healthy,
        desired=desired,
        unhealthy_pod_eviction_policy="AlwaysAllow" if budget.always_allow else "IfHealthyBudget",
        **share,
    )
    return replace(found, spec=replace(found.spec, selector=budget.selector))


def by_name(things):
    return list({(thing.namespace, thing.name): thing for thing in things}.values())


@settings(max_examples=300, deadline=None)
@given(st.lists(workloads(), min_size=1, max_size=4).map(by_name), st.lists(budgets(), max_size=4).map(by_name))
def test_what_a_drain_cannot_evict_is_what_the_eviction_api_refuses(some_workloads, some_budgets):
    slow = SlowCluster([pod for w in some_workloads for pod in w.pods(w.healthy)], some_budgets)
    world = inventory(
        [workload(StatefulSet, w.name, w.namespace, replicas=len(w.healthy), labels=w.labels) for w in some_workloads],
        [
            autoscaler(w.name, w.namespace, kind="StatefulSet", min_replicas=w.floor)
            for w in some_workloads
            if w.floor is not None
        ],
        [made(budget, slow.status(budget)) for budget in some_budgets],
    )
    (cluster,) = world.clusters
    found = {(s.namespace, s.name): s for s in DisruptionBudget.each(world, cluster)}
    stuck = slow.drain()
    for budget in some_budgets:
        subject = found[budget.namespace, budget.name]
        if not subject.pods:
            continue
        blocks = not Allowance.now(subject.object).lets_go or bool(cluster.drain.known_rivals(subject.object))
        assert blocks == any(budget.selects(pod) for pod in stuck)

        mine = [w for w in some_workloads if any(budget.selects(pod) for pod in w.pods([True]))]
        alone = SlowCluster([pod for w in mine for pod in w.pods(w.at_floor)], [budget])
        at_floor = subject.at_floor
        if at_floor is not None:
            assert at_floor.lets_go == (not alone.drain())
        else:
            assert budget.min_available is None or all(w.floor is None for w in mine)


def test_one_node_may_hold_all_endpoints():
    assert emptied_by_one_node(endpoints_on("a", "a").endpoints)
    assert emptied_by_one_node(())
    assert not emptied_by_one_node(endpoints_on("a", "a", "b").endpoints)
