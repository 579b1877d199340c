"""What an eviction interrupts."""

import json

import pytest
from akscan.model.kubernetes import (
    Condition,
    DaemonSet,
    ExecAction,
    JobStatus,
    Lifecycle,
    LifecycleHandler,
    OnPodCondition,
    OwnerReference,
    PodFailurePolicy,
    PodFailureRule,
    SleepAction,
    Toleration,
)
from akscan.model.literals import Pause
from akscan.sdk import Need, Status
from akscan.testing import (
    case,
    container,
    cron_job,
    disruption_budget,
    evaluate,
    evaluate_all,
    inventory,
    job,
    pod,
    pod_spec,
    workload,
)
from akscan_rules.spot.eviction import jobs_survive_an_eviction, pods_finish_within_the_notice
from msgspec.structs import replace
from spot_worlds import NODES, SPOT, TOLERANT, TOLERATION, on, requiring, strange_pod

# --- SPT-007

PRIORITY = "kubernetes.azure.com/priority"
SLOW = replace(TOLERANT, termination_grace_period_seconds=120)
NEEDS_SPOT = replace(
    requiring(on(PRIORITY, "In", "spot"), tolerations=(TOLERATION,)), termination_grace_period_seconds=120
)
MARKED = {"labels": {"example/checkpoints": "yes"}}


def on_spot(spec=TOLERANT, *others, **fields):
    return [SPOT, *NODES, *others, workload(spec=spec, on_node="spot-0", **fields)]


def stopping(**handler):
    return pod_spec(container(lifecycle=Lifecycle(pre_stop=LifecycleHandler(**handler))))


def command(*words):
    return stopping(exec=ExecAction(command=Pause.of(list(words))))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("on Spot, grace period absent (30)", on_spot(), Status.PASS, subject="app"),
        case("on Spot, 120 seconds", on_spot(SLOW), Status.FAIL, subject="app"),
        case(
            "on Spot, 31 seconds",
            on_spot(replace(TOLERANT, termination_grace_period_seconds=31)),
            Status.FAIL,
            subject="app",
        ),
        case(
            "on Spot, 120 seconds, notice of 120",
            on_spot(SLOW),
            Status.PASS,
            subject="app",
            parameters={"notice_seconds": 120},
        ),
        case("on Spot, preStop sleep 45", on_spot(stopping(sleep=SleepAction(seconds=45))), Status.FAIL, subject="app"),
        case("preStop sleep 29", on_spot(stopping(sleep=SleepAction(seconds=29))), Status.PASS, subject="app"),
        case("preStop sleep 30", on_spot(stopping(sleep=SleepAction(seconds=30))), Status.FAIL, subject="app"),
        case(
            'on Spot, exec ["/bin/sh","-c","sleep 10"]',
            on_spot(command("/bin/sh", "-c", "sleep 10")),
            Status.PASS,
            subject="app",
        ),
        case("on Spot, exec sleep 60", on_spot(command("/bin/sleep", "60")), Status.FAIL, subject="app"),
        case(
            "on Spot, PDB minAvailable equal to replicas",
            on_spot(TOLERANT, disruption_budget(expected=3, desired=3, min_available=3), replicas=3),
            Status.FAIL,
            subject="app",
        ),
        case(
            "PDB that allows one",
            on_spot(TOLERANT, disruption_budget(expected=3, desired=2)),
            Status.PASS,
            subject="app",
        ),
        case(
            "PDB over no pods", on_spot(TOLERANT, disruption_budget(expected=0, desired=0)), Status.PASS, subject="app"
        ),
        case(
            "PDB over others",
            on_spot(TOLERANT, disruption_budget(selector={"app": "web"}, expected=3, desired=3)),
            Status.PASS,
            subject="app",
        ),
        case(
            "PDB over the whole namespace",
            on_spot(TOLERANT, disruption_budget(selector={}, expected=3, desired=3)),
            Status.FAIL,
            subject="app",
        ),
        case(
            "PDB over the pods of a kind that akscan does not read",
            [SPOT, *NODES, strange_pod("spot-0"), disruption_budget(expected=3, desired=3)],
            Status.FAIL,
            subject="cache",
        ),
        case(
            "tolerates Spot, runs on regular nodes only, 120 seconds",
            [SPOT, *NODES, workload(spec=SLOW)],
            Status.PASS,
            subject="app",
        ),
        case(
            "requires Spot, currently Pending, 120 seconds",
            [SPOT, *NODES, pod("lone", spec=NEEDS_SPOT, on_node="", phase="Pending")],
            Status.FAIL,
            subject="lone",
        ),
        case(
            "requires Spot without tolerating it",
            [SPOT, *NODES, workload(spec=replace(NEEDS_SPOT, tolerations=None), pods=0)],
            Status.PASS,
            subject="app",
        ),
        case(
            "DaemonSet",
            [SPOT, *NODES, workload(DaemonSet, spec=SLOW, on_node="spot-0")],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case(
            "Job that checkpoints",
            [SPOT, *NODES, job(spec=SLOW, on_node="spot-0", metadata=MARKED)],
            Status.NOT_APPLICABLE,
            subject="run",
            parameters={"checkpoint_key": "example/checkpoints"},
        ),
        case("Job of 120 seconds", [SPOT, *NODES, job(spec=SLOW, on_node="spot-0")], Status.FAIL, subject="run"),
        case(
            "a service that says it checkpoints",
            on_spot(SLOW, labels={"app": "app", "example/checkpoints": "yes"}),
            Status.FAIL,
            subject="app",
            parameters={"checkpoint_key": "example/checkpoints"},
        ),
        *(
            case(f"{need} unreadable", on_spot(), Status.NOT_ASSESSED, subject="app", unreadable=[need])
            for need in (Need.NODES, Need.PODS, Need.POD_DISRUPTION_BUDGETS)
        ),
        case(
            "120 seconds, budgets unreadable",
            on_spot(SLOW),
            Status.FAIL,
            subject="app",
            unreadable=[Need.POD_DISRUPTION_BUDGETS],
        ),
    ],
)
def test_pods_finish_within_the_notice(world, expected):
    assert evaluate(pods_finish_within_the_notice, world).status is expected


def test_the_patch_goes_where_the_kind_has_its_pod_spec_and_lengthens_nothing():
    world = inventory(
        on_spot(SLOW),
        cron_job(spec=replace(NEEDS_SPOT, termination_grace_period_seconds=31)),
        disruption_budget(selector={"app": "quick"}, expected=1, desired=1),
        workload(name="quick", spec=replace(TOLERANT, termination_grace_period_seconds=5), on_node="spot-0"),
    )
    found = evaluate_all(pods_finish_within_the_notice, world)
    template = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 25}}}}
    assert json.loads(found["deployment/shop/app"].findings[0].fill["patch"]) == template
    nightly = found["cronjob/shop/nightly"].findings[0].fill["patch"]
    assert json.loads(nightly) == {"spec": {"jobTemplate": template}}
    quick = found["deployment/shop/quick"].findings[0].fill
    assert quick["pdb"] == "app"
    assert '"terminationGracePeriodSeconds": 5' in quick["patch"]


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        (["sleep", "45"], 45),
        (["/bin/sh", "-c", "sleep 1m && nginx -s quit; sleep 20"], 60),
        (["sh", "-c", "sleep 2.5"], 2),
        (["sh", "-c", "sleep $SECONDS"], 0),
        (["nosleep", "45"], 0),
        (["curl", "-H", "token: canary", "http://localhost/drain"], 0),
    ],
)
def test_of_a_command_only_its_sleep_is_kept(words, seconds):
    assert Pause.of(words).seconds == seconds
    assert str(Pause.of(words)) in ("", str(seconds))


@pytest.mark.parametrize(
    ("grace", "containers"), [(30, ("proxy",)), (60, ())], ids=["slow hook", "slow hook, and a slow pod"]
)
def test_the_containers_are_named_whose_hook_is_slow(grace, containers):
    hook = Lifecycle(pre_stop=LifecycleHandler(sleep=SleepAction(seconds=30)))
    proxy = container("proxy", restart_policy="Always", lifecycle=hook)
    spec = pod_spec(container(), init_containers=(proxy,), termination_grace_period_seconds=grace)
    (finding,) = evaluate(pods_finish_within_the_notice, inventory(*on_spot(spec))).findings
    assert finding.containers == containers


# --- SPT-010

IGNORES = PodFailurePolicy(
    rules=(PodFailureRule(action="Ignore", on_pod_conditions=(OnPodCondition(type="DisruptionTarget"),)),)
)
COUNTS = PodFailurePolicy(
    rules=(PodFailureRule(action="Count", on_pod_conditions=(OnPodCondition(type="DisruptionTarget"),)),)
)
OVER = JobStatus(conditions=(Condition(type="Complete", status="True"),))


def once(*others, **fields):
    return [SPOT, *NODES, *others, job(**{"spec": TOLERANT, "backoff_limit": 0, **fields})]


def owned(api_version, *, controller):
    owner = OwnerReference(kind="Workflow", name="w", uid="w", api_version=api_version, controller=controller)
    return {"owner_references": (owner,)}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("Spot toleration, backoffLimit 0", once(), Status.FAIL, subject="run"),
        case("Spot toleration, backoffLimit absent (6)", once(backoff_limit=None), Status.PASS, subject="run"),
        case("backoffLimit 1", once(backoff_limit=1), Status.PASS, subject="run"),
        case(
            "backoffLimit 0 with podFailurePolicy Ignore DisruptionTarget",
            once(pod_failure_policy=IGNORES),
            Status.PASS,
            subject="run",
        ),
        case("podFailurePolicy Count DisruptionTarget", once(pod_failure_policy=COUNTS), Status.FAIL, subject="run"),
        case("backoffLimit 0 without Spot toleration", once(spec=pod_spec()), Status.PASS, subject="run"),
        case(
            "a blanket toleration, on a regular node",
            once(spec=pod_spec(tolerations=(Toleration(operator="Exists"),))),
            Status.PASS,
            subject="run",
        ),
        case("no toleration, on a Spot node", once(spec=pod_spec(), on_node="spot-0"), Status.FAIL, subject="run"),
        case(
            "CronJob jobTemplate with backoffLimit 0 and Spot toleration",
            [SPOT, *NODES, cron_job(spec=TOLERANT, backoff_limit=0)],
            Status.FAIL,
            subject="nightly",
        ),
        case(
            "Job owned by an Argo Workflow",
            once(metadata=owned("argoproj.io/v1alpha1", controller=True)),
            Status.NOT_APPLICABLE,
            subject="w",
        ),
        case(
            "Job owned, but not managed, by a Kueue Workload",
            once(metadata=owned("kueue.x-k8s.io/v1beta1", controller=False)),
            Status.NOT_APPLICABLE,
            subject="run",
        ),
        case(
            "Job owned by something that does not retry",
            once(metadata=owned("example.com/v1", controller=False)),
            Status.FAIL,
            subject="run",
        ),
        case("Job that is over", once(status=OVER), Status.NOT_APPLICABLE, subject="run"),
        case("backoffLimitPerIndex 1", once(backoff_limit_per_index=1), Status.NOT_APPLICABLE, subject="run"),
        case("backoffLimitPerIndex 0", once(backoff_limit_per_index=0), Status.FAIL, subject="run"),
        case(
            "backoffLimitPerIndex 0, backoffLimit as the API server sets it",
            once(backoff_limit_per_index=0, backoff_limit=2147483647),
            Status.FAIL,
            subject="run",
        ),
        case(
            "backoffLimitPerIndex 0 with podFailurePolicy Ignore DisruptionTarget",
            once(backoff_limit_per_index=0, backoff_limit=2147483647, pod_failure_policy=IGNORES),
            Status.PASS,
            subject="run",
        ),
        case("of a system namespace", once(namespace="kube-system"), Status.NOT_APPLICABLE, subject="run"),
        case("a Deployment", [SPOT, *NODES, workload(spec=TOLERANT)], Status.NOT_APPLICABLE, subject="app"),
        *(
            case(f"{need} unreadable", once(spec=pod_spec()), Status.NOT_ASSESSED, subject="run", unreadable=[need])
            for need in (Need.NODES, Need.PODS)
        ),
        case(
            "Spot toleration, nodes and pods unreadable",
            once(),
            Status.FAIL,
            subject="run",
            unreadable=[Need.NODES, Need.PODS],
        ),
    ],
)
def test_jobs_survive_an_eviction(world, expected):
    assert evaluate(jobs_survive_an_eviction, world).status is expected


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"backoff_limit": 0}, "backoffLimit is 0, and an eviction counts"),
        (
            {"backoff_limit": 2147483647, "backoff_limit_per_index": 0},
            "backoffLimitPerIndex is 0, and an eviction counts",
        ),
    ],
)
def test_the_limit_that_an_eviction_meets_is_named(limits, message):
    world = inventory(*once(**limits))
    finding = evaluate_all(jobs_survive_an_eviction, world)["job/shop/run"].findings[0]
    assert finding.message == message


def test_evidence_tells_how_long_the_last_runs_took():
    runs = [
        JobStatus(start_time="2026-11-20T01:00:00Z", completion_time="2026-11-20T03:00:00Z"),
        JobStatus(start_time="2026-11-21T01:00:00Z"),
    ]
    world = inventory(SPOT, *NODES, cron_job(spec=TOLERANT, backoff_limit=0, parallelism=2, runs=runs))
    finding = evaluate_all(jobs_survive_an_eviction, world)["cronjob/shop/nightly"].findings[0]
    assert finding.evidence["durationSeconds"] == ["7200"]
    assert finding.evidence["parallelism"] == 2
