"""Draining nodes: budgets that allow it, budgets that are missing, pods that end in time."""

import pytest
from akscan.model.azure import PowerState, UpgradeSettings
from akscan.model.gaps import Gap, Reason
from akscan.model.kubernetes import Condition, DaemonSet, Job, Listing, Pod, StatefulSet
from akscan.model.selectors import Expression, LabelSelector
from akscan.model.text import Token
from akscan.sdk import Inventory, Need, Status
from akscan.testing import (
    NOW,
    autoscaler,
    case,
    cluster,
    disruption_budget,
    evaluate,
    evaluate_all,
    inventory,
    node,
    node_pool,
    pod,
    pod_spec,
    workload,
)
from akscan_rules.upgrades.drains import (
    budget_lets_nodes_be_drained,
    pods_end_within_the_drain_timeout,
    replicas_have_a_budget,
)
from msgspec.structs import replace
from spot_worlds import OPERATED

# --- UPG-014


def drained(minutes=None, **fields):
    settings = UpgradeSettings(drain_timeout_in_minutes=minutes)
    return [cluster(pools=[node_pool(upgrade_settings=settings, **fields)]), node()]


def ending(seconds, kind=StatefulSet, **fields):
    return workload(kind, spec=pod_spec(termination_grace_period_seconds=seconds), **fields)


STOPPED = PowerState(code=Token("Stopped"))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("default 30 min, longest grace 30 s", [*drained(), ending(30)], Status.PASS),
        case("default 30 min, no grace stated", [*drained(), ending(None)], Status.PASS),
        case("default 30 min, pod with 3600 s", [*drained(), ending(3600)], Status.FAIL),
        case("drainTimeoutInMinutes 90, pod with 3600 s", [*drained(90), ending(3600)], Status.PASS),
        case("pod with exactly 1800 s and default timeout", [*drained(), ending(1800)], Status.FAIL),
        case("pod with 1799 s and default timeout", [*drained(), ending(1799)], Status.PASS),
        case(
            "only a DaemonSet pod has 7200 s",
            [*drained(), ending(7200, DaemonSet, replicas=None, pods=1), ending(30, name="web")],
            Status.PASS,
        ),
        case(
            "a pod of another pool",
            [*drained(), node("node-1", pool="user"), ending(3600, on_node="node-1")],
            Status.PASS,
        ),
        case(
            "a finished pod",
            [*drained(), pod(spec=pod_spec(termination_grace_period_seconds=3600), phase="Failed")],
            Status.PASS,
        ),
        case("Spot pool", [*drained(scale_set_priority=Token("Spot")), ending(3600)], Status.NOT_APPLICABLE),
        case("pool stopped", [*drained(power_state=STOPPED), ending(3600)], Status.NOT_APPLICABLE),
        case("pool without nodes", [*drained(count=0), ending(3600)], Status.NOT_APPLICABLE),
        case(
            "cluster stopped", [cluster(power_state=STOPPED)], Status.NOT_ASSESSED, unreadable=[Need.PODS, Need.NODES]
        ),
        case("pods unreadable", drained(), Status.NOT_ASSESSED, unreadable=[Need.PODS]),
        case("nodes unreadable", [*drained(), ending(3600)], Status.NOT_ASSESSED, unreadable=[Need.NODES]),
        case("owners unreadable", [*drained(), ending(3600)], Status.FAIL, unreadable=[Need.STATEFUL_SETS]),
    ],
)
def test_pods_end_within_the_drain_timeout(world, expected):
    assert evaluate(pods_end_within_the_drain_timeout, world).status is expected


def test_a_slow_end_names_its_workload_and_a_timeout_that_fits():
    world = inventory(*drained(), ending(3600, replicas=2), ending(1800, name="web"))
    finding = evaluate(pods_end_within_the_drain_timeout, world).findings[0]
    assert finding.message == "a pod may take 3600 s to end, and a drain gives up after 1800 s"
    assert finding.evidence["workloads"] == ["StatefulSet shop/app: 3600 s", "StatefulSet shop/web: 1800 s"]
    assert finding.fill == {"minutes": "65"}


def test_no_timeout_fits_more_than_a_day():
    finding = evaluate(pods_end_within_the_drain_timeout, inventory(*drained(), ending(86400))).findings[0]
    assert finding.fill == {"minutes": ""}


def test_the_newest_pod_speaks_for_those_that_lost_their_spec():
    made = ending(3600, replicas=2)
    old, new = made[-2:]
    world = inventory(
        *drained(), node("node-1", pool="other"), *made[:-2], replace(old, spec=None), replace(new, node_name="node-1")
    )
    assert evaluate(pods_end_within_the_drain_timeout, world).status is Status.FAIL


def without_spec(made):
    """The same, as pods are kept while all of one controller terminate."""
    return [replace(item, spec=None) if isinstance(item, Pod) else item for item in made]


def test_the_template_speaks_where_all_pods_lost_their_spec():
    world = inventory(*drained(), *without_spec(ending(3600)))
    assert evaluate(pods_end_within_the_drain_timeout, world).status is Status.FAIL
    world = inventory(*drained(), *without_spec(ending(60)))
    assert evaluate(pods_end_within_the_drain_timeout, world).status is Status.PASS


def test_nobody_knows_where_nothing_speaks_for_a_pod():
    made = [item for item in without_spec(ending(3600)) if isinstance(item, Pod)]
    verdict = evaluate(pods_end_within_the_drain_timeout, inventory(*drained(), *made))
    assert verdict.status is Status.NOT_ASSESSED
    assert "Pod shop/app-0" in verdict.reason


# --- UPG-015

EXPRESSION = LabelSelector(match_expressions=(Expression(key="app", operator="In", values=("web", "app")),))
EVERYTHING = LabelSelector()


def selecting(selector, **fields):
    budget = disruption_budget(**fields)
    return replace(budget, spec=replace(budget.spec, selector=selector))


PRODUCTION = cluster(tags={"environment": "prod"})
THREE = [PRODUCTION, *workload(replicas=3)]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("Deployment 3 replicas with matching PDB", [*THREE, disruption_budget()], Status.PASS),
        case("Deployment 3 replicas, no PDB", THREE, Status.FAIL),
        case("PDB in another namespace", [*THREE, disruption_budget(namespace="other")], Status.FAIL),
        case("PDB of other labels", [*THREE, disruption_budget(selector={"app": "web"})], Status.FAIL),
        case("PDB selector {} in the namespace", [*THREE, selecting(EVERYTHING)], Status.PASS),
        case("PDB without a selector", [*THREE, selecting(None)], Status.FAIL),
        case("PDB matches by matchExpressions", [*THREE, selecting(EXPRESSION)], Status.PASS),
        case("PDB matches labels but expectedPods 0", [*THREE, disruption_budget(expected=0)], Status.FAIL),
        case("1 replica, HPA minReplicas 2", [PRODUCTION, workload(), autoscaler(min_replicas=2)], Status.FAIL),
        case("3 replicas, HPA minReplicas 1", [*THREE, autoscaler(min_replicas=1)], Status.NOT_APPLICABLE),
        case("1 replica without HPA", [PRODUCTION, workload()], Status.NOT_APPLICABLE),
        case("replicas 0", [PRODUCTION, workload(replicas=0)], Status.NOT_APPLICABLE),
        case(
            "2 replicas, min_replicas 3",
            [PRODUCTION, workload(replicas=2)],
            Status.NOT_APPLICABLE,
            parameters={"min_replicas": 3},
        ),
        case(
            "kube-system Deployment", [PRODUCTION, workload(namespace="kube-system", replicas=3)], Status.NOT_APPLICABLE
        ),
        case("StatefulSet 3 replicas, no PDB", [PRODUCTION, workload(StatefulSet, replicas=3)], Status.FAIL),
        case("DaemonSet", [workload(DaemonSet, replicas=None)], Status.NOT_APPLICABLE),
        case("non-production", [cluster(tags={"env": "dev"}), *THREE[1:]], Status.NOT_APPLICABLE),
        case(
            "non-production, but not to be ignored",
            [cluster(tags={"env": "dev"}), *THREE[1:]],
            Status.FAIL,
            parameters={"ignore_non_production": False},
        ),
        case(
            "StatefulSet of an operator with 2 replicas and no PDB",
            [PRODUCTION, workload(StatefulSet, replicas=2, owner_references=OPERATED)],
            Status.FAIL,
        ),
        case(
            "StatefulSet of an operator with 2 replicas and a PDB",
            [PRODUCTION, workload(StatefulSet, replicas=2, owner_references=OPERATED), disruption_budget(expected=2)],
            Status.PASS,
        ),
        case("budgets unreadable", THREE, Status.NOT_ASSESSED, unreadable=[Need.POD_DISRUPTION_BUDGETS], subject="app"),
        case("autoscalers unreadable", THREE, Status.NOT_ASSESSED, unreadable=[Need.HORIZONTAL_POD_AUTOSCALERS]),
        case(
            "tags of the resource group unreadable", THREE[1:], Status.NOT_ASSESSED, unreadable=[Need.RESOURCE_GROUPS]
        ),
    ],
)
def test_replicas_have_a_budget(world, expected):
    assert evaluate(replicas_have_a_budget, world).status is expected


def test_a_budget_that_selects_nothing_is_shown():
    labels = {"app": "app", "part": "web", "pod-template-hash": "5d9c7b"}
    world = inventory(
        PRODUCTION, workload(replicas=3, labels=labels), disruption_budget("typo", expected=0, selector={"app": "ap"})
    )
    finding = evaluate(replicas_have_a_budget, world).findings[0]
    assert finding.evidence["budgetsThatSelectNothing"] == ["typo"]
    assert finding.fill == {"label_selector": "app=app,part=web"}


def test_the_owner_of_what_an_operator_made_is_named():
    owned = workload(StatefulSet, replicas=2, owner_references=OPERATED)
    finding = evaluate(replicas_have_a_budget, inventory(PRODUCTION, owned)).findings[0]
    assert (finding.evidence["kind"], finding.evidence["ownerReferences"]) == ("StatefulSet", "Prometheus k8s")
    closed = disruption_budget(expected=1, desired=1, min_available=1)
    finding = evaluate(
        budget_lets_nodes_be_drained, inventory(workload(StatefulSet, owner_references=OPERATED), closed)
    ).findings[0]
    assert (finding.fill["workload_kind"], finding.fill["workload"]) == ("prometheus", "k8s")


# --- UPG-016

APP = workload(replicas=3)
CLOSED = {"max_unavailable": 0}
BROKEN = {"desired": 2, "healthy": 1}


def disallowed(moment):
    return Condition(type="DisruptionAllowed", status="False", last_transition_time=moment)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "minAvailable 1, expectedPods 3, desiredHealthy 1, currentHealthy 3",
            [APP, disruption_budget(min_available=1)],
            Status.PASS,
        ),
        case(
            "maxUnavailable 0, expectedPods 3, desiredHealthy 3",
            [APP, disruption_budget(desired=3, **CLOSED)],
            Status.FAIL,
        ),
        case(
            "minAvailable 50%, expectedPods 1, desiredHealthy 1",
            [workload(), disruption_budget(expected=1, min_available="50%")],
            Status.FAIL,
        ),
        case("minAvailable 100%", [APP, disruption_budget(desired=3, min_available="100%")], Status.FAIL),
        case(
            "minAvailable 2, HPA minReplicas 2, now 6 pods",
            [
                workload(replicas=6),
                autoscaler(min_replicas=2),
                disruption_budget(expected=6, desired=2, min_available=2),
            ],
            Status.FAIL,
        ),
        case(
            "minAvailable 2, HPA minReplicas 3",
            [
                workload(replicas=6),
                autoscaler(min_replicas=3),
                disruption_budget(expected=6, desired=2, min_available=2),
            ],
            Status.PASS,
        ),
        case(
            "minAvailable 51%, HPA minReplicas 2: rounded up, both must stay",
            [
                workload(replicas=6),
                autoscaler(min_replicas=2),
                disruption_budget(expected=6, desired=4, min_available="51%"),
            ],
            Status.FAIL,
        ),
        case(
            "minAvailable 50%, HPA minReplicas 2",
            [
                workload(replicas=6),
                autoscaler(min_replicas=2),
                disruption_budget(expected=6, desired=3, min_available="50%"),
            ],
            Status.PASS,
        ),
        case(
            "minAvailable 1, HPA without minReplicas",
            [workload(replicas=6), autoscaler(min_replicas=None), disruption_budget(expected=6, min_available=1)],
            Status.FAIL,
        ),
        case(
            "minAvailable 2, HPA minReplicas 2, and a second workload that keeps 2 more",
            [
                workload(replicas=4),
                autoscaler(min_replicas=2),
                workload(StatefulSet, "db", replicas=2, labels={"app": "app"}),
                disruption_budget(expected=6, desired=2, min_available=2),
            ],
            Status.PASS,
        ),
        case(
            "maxUnavailable 1, HPA minReplicas 1",
            [APP, autoscaler(min_replicas=1), disruption_budget(desired=2)],
            Status.PASS,
        ),
        case(
            "minAvailable 2 at 2 replicas of another workload's HPA",
            [APP, autoscaler("other", min_replicas=2), disruption_budget(desired=2, min_available=2)],
            Status.PASS,
        ),
        case(
            "minAvailable 2 without HPA, 2 replicas and one pod too many",
            [workload(replicas=2, pods=3), disruption_budget(desired=2, min_available=2)],
            Status.PASS,
        ),
        case("currentHealthy 1 < desiredHealthy 2, policy absent", [APP, disruption_budget(**BROKEN)], Status.FAIL),
        case(
            "same with AlwaysAllow",
            [APP, disruption_budget(max_unavailable=1, unhealthy_pod_eviction_policy="AlwaysAllow", **BROKEN)],
            Status.PASS,
        ),
        case(
            "same as (c), DisruptionAllowed False since 5 minutes",
            [APP, disruption_budget(conditions=[disallowed("2026-11-22T02:55:00Z")], **BROKEN)],
            Status.PASS,
        ),
        case(
            "DisruptionAllowed False for as long as the grace",
            [APP, disruption_budget(conditions=[disallowed("2026-11-22T02:45:00Z")], **BROKEN)],
            Status.FAIL,
        ),
        case(
            "DisruptionAllowed True since 5 minutes",
            [
                APP,
                disruption_budget(conditions=[replace(disallowed("2026-11-22T02:55:00Z"), status="True")], **BROKEN),
            ],
            Status.FAIL,
        ),
        case(
            "DisruptionAllowed False since 5 minutes, grace_minutes 5",
            [APP, disruption_budget(conditions=[disallowed("2026-11-22T02:55:00Z")], **BROKEN)],
            Status.FAIL,
            parameters={"grace_minutes": 5},
        ),
        case(
            "pod matched by two PDBs",
            [APP, disruption_budget(), disruption_budget("second")],
            Status.FAIL,
            subject="second",
        ),
        case(
            "another PDB of the namespace, other pods",
            [APP, disruption_budget(), disruption_budget("second", selector={"app": "web"})],
            Status.PASS,
            subject="app",
        ),
        case(
            "a PDB of the same pods' labels in another namespace",
            [APP, disruption_budget(), disruption_budget("second", "other")],
            Status.PASS,
            subject="app",
        ),
        case(
            "two PDBs over a pod that is not running",
            [pod(phase="Pending", labels={"app": "app"}), disruption_budget(), disruption_budget("second")],
            Status.PASS,
            subject="app",
        ),
        case(
            "coredns PDB in kube-system",
            [disruption_budget("coredns", "kube-system", desired=3, **CLOSED)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "no pod healthy, of which none must be",
            [workload(), disruption_budget(expected=1, desired=0, healthy=0)],
            Status.FAIL,
        ),
        case(
            "no pod healthy, of which none must be, with AlwaysAllow",
            [
                workload(),
                disruption_budget(
                    expected=1, desired=0, healthy=0, max_unavailable=1, unhealthy_pod_eviction_policy="AlwaysAllow"
                ),
            ],
            Status.PASS,
        ),
        case("as many healthy as must be, one broken", [APP, disruption_budget(desired=2, healthy=2)], Status.PASS),
        case("expectedPods 0", [disruption_budget(expected=0, desired=0, **CLOSED)], Status.NOT_APPLICABLE),
        case(
            "minAvailable 3 over the pods of a DaemonSet on 3 nodes",
            [workload(DaemonSet, replicas=None, pods=3), disruption_budget(desired=3, min_available=3)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "minAvailable 3 over a DaemonSet and one more pod",
            [
                workload(DaemonSet, replicas=None, pods=2),
                pod(labels={"app": "app"}),
                disruption_budget(desired=3, min_available=3),
            ],
            Status.FAIL,
        ),
        case(
            "minAvailable 3 over a DaemonSet and a finished pod",
            [
                workload(DaemonSet, replicas=None, pods=2),
                pod(phase="Succeeded", labels={"app": "app"}),
                disruption_budget(desired=3, min_available=3),
            ],
            Status.NOT_APPLICABLE,
        ),
        case(
            "only pods of a DaemonSet have two budgets",
            [
                workload(DaemonSet, replicas=None, pods=2, labels={"app": "app", "part": "agent"}),
                pod(labels={"app": "app"}),
                disruption_budget(),
                disruption_budget("second", selector={"part": "agent"}),
            ],
            Status.PASS,
            subject="app",
        ),
        case("blocked although no pod is found", [disruption_budget(desired=3, **CLOSED)], Status.FAIL),
        case(
            "maxUnavailable 0, agent pools unreadable",
            [APP, disruption_budget(desired=3, **CLOSED)],
            Status.FAIL,
            unreadable=[Need.AGENT_POOLS],
        ),
        case(
            "maxUnavailable 0, autoscalers unreadable",
            [APP, disruption_budget(desired=3, **CLOSED)],
            Status.FAIL,
            unreadable=[Need.HORIZONTAL_POD_AUTOSCALERS, Need.NODES, Need.REPLICA_SETS],
        ),
        case(
            "maxUnavailable 0, pods unreadable: they may be a DaemonSet's",
            [APP, disruption_budget(desired=3, **CLOSED)],
            Status.NOT_ASSESSED,
            unreadable=[Need.PODS],
        ),
        case(
            "minAvailable 1, autoscalers unreadable",
            [APP, disruption_budget(min_available=1)],
            Status.NOT_ASSESSED,
            unreadable=[Need.HORIZONTAL_POD_AUTOSCALERS],
        ),
        case(
            "minAvailable 1, owners of the pods unreadable",
            [APP, disruption_budget(min_available=1)],
            Status.NOT_ASSESSED,
            unreadable=[Need.REPLICA_SETS],
        ),
        case(
            "minAvailable 1, lists unreadable that own none of the pods",
            [APP, workload(Job, "batch"), disruption_budget(min_available=1)],
            Status.PASS,
            unreadable=[Need.JOBS, Need.CRON_JOBS, Need.DAEMON_SETS],
        ),
        case(
            "maxUnavailable 1, autoscalers unreadable",
            [APP, disruption_budget()],
            Status.PASS,
            unreadable=[Need.HORIZONTAL_POD_AUTOSCALERS],
        ),
        case(
            "observedGeneration behind generation",
            [APP, disruption_budget(desired=3, observed_generation=0, **CLOSED)],
            Status.NOT_ASSESSED,
        ),
        case(
            "status never written",
            [APP, disruption_budget(expected=0, desired=0, observed_generation=None)],
            Status.NOT_ASSESSED,
        ),
    ],
)
def test_budget_lets_nodes_be_drained(world, expected):
    assert evaluate(budget_lets_nodes_be_drained, world).status is expected


@pytest.mark.parametrize(
    ("things", "message"),
    [
        ([APP, disruption_budget(desired=3, **CLOSED)], "3 of 3 pods must stay, so none may be evicted"),
        (
            [
                workload(replicas=6),
                autoscaler(min_replicas=2),
                disruption_budget(expected=6, desired=2, min_available=2),
            ],
            "once the autoscaler leaves 2 pods of Deployment app, 2 must stay, so none may be evicted",
        ),
        ([APP, disruption_budget(**BROKEN)], "1 of 2 pods that must stay are healthy; broken ones block"),
    ],
)
def test_budget_finding_names_the_branch(things, message):
    (finding,) = evaluate(budget_lets_nodes_be_drained, inventory(*things)).findings
    assert finding.message == message


def test_shared_pods_name_the_other_budget():
    world = inventory(APP, disruption_budget(), disruption_budget("second"))
    finding = evaluate_all(budget_lets_nodes_be_drained, world)["pod_disruption_budget/shop/app"].findings[0]
    assert finding.message == "second selects the same pods, and the eviction API refuses pods with two budgets"
    assert finding.evidence["sharedWith"] == ["second"]


def test_unreadable_budgets_are_not_assessed():
    world = inventory(APP, disruption_budget(), unreadable=[Need.POD_DISRUPTION_BUDGETS])
    assert evaluate(budget_lets_nodes_be_drained, world).status is Status.NOT_ASSESSED


@pytest.mark.parametrize("field", ["pod_disruption_budgets", "pods"])
def test_an_interrupted_list_may_hide_a_second_budget(field):
    whole = inventory(APP, disruption_budget())
    known = whole.clusters[0]
    gap = Gap(source="kubernetes", scope="aks", reason=Reason.INTERRUPTED)
    cut = replace(known.lists, **{field: Listing(items=getattr(known.lists, field).items, gap=gap)})
    verdicts = evaluate_all(budget_lets_nodes_be_drained, Inventory(whole.manifest, whole.azure, {known.id: cut}))
    assert verdicts["pod_disruption_budget/shop/app"].status is Status.NOT_ASSESSED


def test_budget_evidence_names_workloads_and_pools():
    pool = node_pool(upgrade_settings=UpgradeSettings(drain_timeout_in_minutes=20))
    world = inventory(
        cluster(pools=[pool, node_pool("other")]),
        APP,
        node(),
        autoscaler(min_replicas=2),
        disruption_budget(desired=3, **CLOSED),
    )
    finding = evaluate(budget_lets_nodes_be_drained, world).findings[0]
    assert finding.evidence["workloads"] == ["Deployment app: replicas 3, minReplicas 2, maxReplicas None"]
    assert finding.evidence["pools"] == ["system: undrainableNodeBehavior Schedule, drainTimeoutInMinutes 20"]
    assert finding.evidence["maxUnavailable"] == 0
    assert finding.fill == {"workload_kind": "", "workload": "", "node_pool": "system"}


def test_budget_evidence_says_what_was_not_read():
    world = inventory(APP, disruption_budget(desired=3, **CLOSED), unreadable=[Need.NODES, Need.REPLICA_SETS])
    finding = evaluate(budget_lets_nodes_be_drained, world).findings[0]
    assert finding.evidence["pools"] == f"not read ({Need.NODES})"
    assert finding.evidence["workloads"] == f"not read ({Need.REPLICA_SETS})"
    assert finding.fill == {"workload_kind": "", "workload": "", "node_pool": ""}


def test_now_is_when_the_inventory_was_collected():
    later = NOW.replace(hour=4)
    world = inventory(
        APP, disruption_budget(conditions=[disallowed("2026-11-22T02:55:00Z")], **BROKEN), collected_at=later
    )
    assert evaluate(budget_lets_nodes_be_drained, world).status is Status.FAIL


def test_only_a_single_replica_is_scaled():
    world = inventory(
        workload(StatefulSet, "db", labels={"app": "app"}), disruption_budget(expected=1, min_available=1)
    )
    finding = evaluate(budget_lets_nodes_be_drained, world).findings[0]
    assert finding.fill == {"workload_kind": "statefulset", "workload": "db", "node_pool": ""}
