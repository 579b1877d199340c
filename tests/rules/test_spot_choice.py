"""Who should be on Spot, and who is there by accident."""

import pytest
from akscan.model.kubernetes import (
    Condition,
    DaemonSet,
    JobStatus,
    ResourceRequirements,
    SomeSource,
    StatefulSet,
    Toleration,
)
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import (
    autoscaler,
    case,
    claim,
    cluster,
    container,
    cron_job,
    evaluate,
    evaluate_all,
    inventory,
    job,
    mounting,
    node,
    node_pool,
    pod_spec,
    service,
    spot_node,
    workload,
)
from akscan_rules.spot.choice import interruptible_work_is_on_spot, spot_is_reached_on_purpose
from msgspec.structs import replace
from spot_worlds import DEV, NODES, SPOT, SPOT_TAINT, TOLERATION, on, preferring, requiring, spot_cluster

PRIORITY = "kubernetes.azure.com/priority"
EVERYTHING = Toleration(operator="Exists")
BLANKET = pod_spec(tolerations=(EVERYTHING,))
OVER = JobStatus(conditions=(Condition(type="Complete", status="True"),))

# --- SPT-009


def tolerating(*tolerations, kind=None, **fields):
    return [SPOT, *NODES, workload(*([kind] if kind else []), spec=pod_spec(tolerations=tolerations), **fields)]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "toleration {operator: Exists} on a Deployment, Spot pool present",
            tolerating(EVERYTHING),
            Status.FAIL,
            subject="app",
        ),
        case("explicit Spot toleration", tolerating(TOLERATION), Status.PASS, subject="app"),
        case("both", tolerating(EVERYTHING, TOLERATION), Status.PASS, subject="app"),
        case("none", tolerating(), Status.PASS, subject="app"),
        case(
            "{operator: Exists} plus required affinity NotIn [spot]",
            [
                SPOT,
                *NODES,
                workload(
                    spec=requiring(
                        on("kubernetes.azure.com/scalesetpriority", "NotIn", "spot"), tolerations=(EVERYTHING,)
                    )
                ),
            ],
            Status.PASS,
            subject="app",
        ),
        case(
            "pinned to a regular pool",
            [SPOT, *NODES, workload(spec=replace(BLANKET, node_selector={"agentpool": "system"}))],
            Status.PASS,
            subject="app",
        ),
        case(
            "{operator: Exists} plus preferred Spot affinity",
            [SPOT, *NODES, workload(spec=preferring(on(PRIORITY, "In", "spot"), tolerations=(EVERYTHING,)))],
            Status.PASS,
            subject="app",
        ),
        case(
            "a preference for regular nodes only prefers",
            [SPOT, *NODES, workload(spec=preferring(on(PRIORITY, "NotIn", "spot"), tolerations=(EVERYTHING,)))],
            Status.FAIL,
            subject="app",
        ),
        case(
            "requires Spot",
            [SPOT, *NODES, workload(spec=requiring(on(PRIORITY, "In", "spot"), tolerations=(EVERYTHING,)))],
            Status.PASS,
            subject="app",
        ),
        case(
            "{operator: Exists, effect: NoExecute}",
            tolerating(Toleration(operator="Exists", effect="NoExecute")),
            Status.PASS,
            subject="app",
        ),
        case(
            "{operator: Exists, effect: NoSchedule}",
            tolerating(Toleration(operator="Exists", effect="NoSchedule")),
            Status.FAIL,
            subject="app",
        ),
        case(
            "{operator: Exists} on a DaemonSet",
            tolerating(EVERYTHING, kind=DaemonSet),
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case(
            "{operator: Exists} on a StatefulSet", tolerating(EVERYTHING, kind=StatefulSet), Status.FAIL, subject="app"
        ),
        case("{operator: Exists} on a CronJob", [SPOT, *NODES, cron_job(spec=BLANKET)], Status.FAIL, subject="nightly"),
        case(
            "{operator: Exists} on a Job that is over",
            [SPOT, *NODES, job(spec=BLANKET, pods=0, status=OVER)],
            Status.NOT_APPLICABLE,
            subject="run",
        ),
        case("{operator: Exists} on a Job", [SPOT, *NODES, job(spec=BLANKET)], Status.FAIL, subject="run"),
        case(
            "of a system namespace",
            tolerating(EVERYTHING, namespace="kube-system"),
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case("no Spot pool or node", [cluster(), node(), workload(spec=BLANKET)], Status.NOT_APPLICABLE, subject="app"),
        case("a Spot pool without nodes", [SPOT, node(), workload(spec=BLANKET)], Status.FAIL, subject="app"),
        *(
            case(
                f"a Spot pool without nodes, selected by {key}",
                [SPOT, node(), workload(spec=replace(BLANKET, node_selector={key: value}))],
                Status.FAIL,
                subject="app",
            )
            for key, value in (
                ("kubernetes.io/arch", "amd64"),
                ("beta.kubernetes.io/os", "linux"),
                ("kubernetes.azure.com/os-sku", "Ubuntu"),
                ("topology.disk.csi.azure.com/zone", "westeurope-1"),
            )
        ),
        case(
            "a Spot pool without nodes, a label that no node of it has",
            [SPOT, node(), workload(spec=replace(BLANKET, node_selector={"team": "a"}))],
            Status.PASS,
            subject="app",
        ),
        case(
            "a Spot pool of Linux without nodes, a workload of Windows",
            [SPOT, node(), workload(spec=replace(BLANKET, node_selector={"beta.kubernetes.io/os": "windows"}))],
            Status.PASS,
            subject="app",
        ),
        case(
            "a Spot node of no pool",
            [cluster(), spot_node(pool=""), workload(spec=BLANKET)],
            Status.FAIL,
            subject="app",
        ),
        case(
            "a Spot node, cluster unreadable",
            [SPOT, *NODES, workload(spec=BLANKET)],
            Status.FAIL,
            subject="app",
            unreadable=[Need.AGENT_POOLS],
        ),
        case(
            "pools unreadable",
            [cluster(), node(), workload(spec=BLANKET)],
            Status.NOT_ASSESSED,
            subject="app",
            unreadable=[Need.AGENT_POOLS],
        ),
        case(
            "nodes unreadable",
            [cluster(), workload(spec=BLANKET)],
            Status.NOT_ASSESSED,
            subject="app",
            unreadable=[Need.NODES],
        ),
        case("pods unreadable", tolerating(EVERYTHING), Status.FAIL, subject="app", unreadable=[Need.PODS]),
    ],
)
def test_spot_is_reached_on_purpose(world, expected):
    assert evaluate(spot_is_reached_on_purpose, world).status is expected


# --- SPT-011


def asking(cpu, **fields):
    requests = ResourceRequirements(requests={"cpu": cpu, "memory": "1Gi"})
    return pod_spec(container(resources=requests), **fields)


SIX, TWO = asking("6"), asking("2")
HERE = cluster(resource_group="rg-shop")
BATCH = [cron_job("a", spec=SIX), cron_job("b", spec=SIX)]


def suspended(made):
    return [replace(made[0], spec=replace(made[0].spec, suspend=True)), *made[1:]]


def workers(replicas=5, spec=TWO, **fields):
    return workload(replicas=replicas, spec=spec, **fields)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("CronJobs with 12 vCPUs of requests, no Spot toleration", [HERE, BATCH], Status.FAIL),
        case(
            "same with Spot tolerations",
            [HERE, [cron_job(name, spec=asking("6", tolerations=(TOLERATION,))) for name in "ab"]],
            Status.PASS,
        ),
        case("2 vCPUs of candidates", [HERE, cron_job(spec=TWO)], Status.PASS),
        case("7 vCPUs of candidates", [HERE, job(spec=asking("7"))], Status.PASS),
        case("8 vCPUs of candidates", [HERE, job(spec=asking("8"))], Status.FAIL),
        case("2 vCPUs, 2 wanted", [HERE, cron_job(spec=TWO)], Status.FAIL, parameters={"min_total_vcpus": 2}),
        case("parallel runs of a CronJob", [HERE, cron_job(spec=TWO, parallelism=4)], Status.FAIL),
        case("a CronJob that is suspended", [HERE, suspended(cron_job(spec=asking("9")))], Status.PASS),
        case("Deployment of 5 replicas behind a Service in production", [HERE, service(), workers()], Status.PASS),
        case("worker Deployment of 5 replicas x 2 vCPUs, no Service, production", [HERE, workers()], Status.FAIL),
        case("worker Deployment that may come down to 2", [HERE, autoscaler(min_replicas=2), workers()], Status.PASS),
        case(
            "Deployment of 5 replicas behind a Service in a dev cluster",
            [cluster(tags=DEV, resource_group="rg-shop"), service(), workers()],
            Status.FAIL,
        ),
        case("StatefulSet of 5 replicas", [HERE, workload(StatefulSet, replicas=5, spec=TWO)], Status.PASS),
        case(
            "Job with an Azure Disk claim",
            [HERE, claim(), job(spec=replace(SIX, volumes=mounting("data").volumes), pods=3)],
            Status.PASS,
        ),
        case(
            "Job with data on the node",
            [
                HERE,
                claim(mode="ReadWriteMany", local=SomeSource()),
                job(spec=replace(SIX, volumes=mounting("data").volumes), pods=3),
            ],
            Status.PASS,
        ),
        case(
            "Job with Azure Files",
            [
                HERE,
                claim(mode="ReadWriteMany", driver="file.csi.azure.com"),
                job(spec=replace(SIX, volumes=mounting("data").volumes), pods=3),
            ],
            Status.FAIL,
        ),
        case("Job with backoffLimit 0", [HERE, job(spec=SIX, pods=3, backoff_limit=0)], Status.PASS),
        case("Job that ends slowly", [HERE, job(spec=asking("9", termination_grace_period_seconds=31))], Status.PASS),
        case(
            "Job of a system class",
            [HERE, job(spec=asking("9", priority_class_name="system-node-critical"))],
            Status.PASS,
        ),
        case("Job in a system namespace", [HERE, job(namespace="kube-system", spec=asking("9"))], Status.PASS),
        case("Job without pods", [HERE, job(spec=asking("9"), pods=0)], Status.PASS),
        case("spot_allowed false", [HERE, BATCH], Status.NOT_APPLICABLE, parameters={"spot_allowed": False}),
        case("China", [cluster(location="chinanorth3"), BATCH], Status.NOT_APPLICABLE),
        *(
            case(f"{need} unreadable", [HERE, workers(3)], Status.NOT_ASSESSED, unreadable=[need])
            for need in (
                Need.MANAGED_CLUSTERS,
                Need.DEPLOYMENTS,
                Need.REPLICA_SETS,
                Need.PODS,
                Need.JOBS,
                Need.CRON_JOBS,
                Need.HORIZONTAL_POD_AUTOSCALERS,
            )
        ),
        case(
            "tags unreadable, a Deployment that is no worker",
            [HERE, workers(1)],
            Status.NOT_ASSESSED,
            unreadable=[Need.RESOURCE_GROUPS],
        ),
        case("Services unreadable, workers", [HERE, workers()], Status.NOT_ASSESSED, unreadable=[Need.SERVICES]),
        case(
            "claims unreadable",
            [HERE, claim(), job(spec=replace(SIX, volumes=mounting("data").volumes), pods=3)],
            Status.NOT_ASSESSED,
            unreadable=[Need.PERSISTENT_VOLUME_CLAIMS],
        ),
        case("12 vCPUs, Services and Deployments unreadable", [HERE, BATCH], Status.FAIL, unreadable=[Need.SERVICES]),
    ],
)
def test_interruptible_work_is_on_spot(world, expected):
    assert evaluate(interruptible_work_is_on_spot, world).status is expected


def test_one_candidate_is_one_workload():
    finding = evaluate_all(interruptible_work_is_on_spot, inventory(HERE, job(spec=asking("8"))))[
        "cluster/aks"
    ].findings[0]
    assert finding.message == "1 workload that may be interrupted requests 8.0 vCPUs of regular capacity"


def test_evidence_names_candidates_pools_and_sizes_without_an_offer():
    pools = [node_pool("burst", vm_size=Token("Standard_B4ms"))]
    world = inventory(spot_cluster(SPOT_TAINT, pools=pools), BATCH, workers(3))
    finding = evaluate_all(interruptible_work_is_on_spot, world)["cluster/aks"].findings[0]
    assert finding.message == "3 workloads that may be interrupted request 18.0 vCPUs of regular capacity"
    assert finding.evidence == {
        "candidates": [
            "CronJob shop/a: 6.0 vCPUs, 0 1 * * *",
            "Deployment shop/app: 6.0 vCPUs",
            "CronJob shop/b: 6.0 vCPUs, 0 1 * * *",
        ],
        "vcpus": "18.0",
        "memoryGiB": "5.0",
        "spotPools": ["spot"],
        "sizesWithoutSpotOffer": ["Standard_B4ms"],
    }
