"""Services that hang on Spot nodes."""

import json

import pytest
from akscan.model.azure import ResourceGroup
from akscan.model.kubernetes import (
    Container,
    CrossReference,
    DaemonSet,
    PodSpec,
    ReplicationController,
    ScaledObjectSpec,
    StatefulSet,
)
from akscan.model.text import ArmId
from akscan.sdk import Need, Status
from akscan.testing import (
    SUBSCRIPTION,
    autoscaler,
    case,
    claim,
    evaluate,
    evaluate_all,
    inventory,
    karpenter_node_pool,
    mounting,
    node_pool,
    pod,
    scaled_object,
    service,
    spot_node,
    workload,
)
from akscan_rules.spot.services import service_keeps_a_floor_on_regular_nodes, service_on_spot_has_replicas
from msgspec.structs import replace
from spot_worlds import (
    DEV,
    NODES,
    OPERATED,
    SPOT,
    SPOT_TAINT,
    TOLERANT,
    TOLERATION,
    on,
    preferring,
    requiring,
    spot_cluster,
    spread,
)

# --- SPT-005

LONE = [SPOT, *NODES, service(), workload(spec=TOLERANT, on_node="spot-0")]


def group(**tags):
    return ResourceGroup(id=ArmId(f"{SUBSCRIPTION}/resourceGroups/rg-shop"), name="rg-shop", tags=tags)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("1 replica behind a Service on Spot, production", LONE, Status.FAIL, subject="app"),
        case(
            "3 replicas on Spot",
            [SPOT, *NODES, service(), workload(replicas=3, on_node="spot-0")],
            Status.PASS,
            subject="app",
        ),
        case(
            "1 replica of an operator behind a Service on Spot",
            [SPOT, *NODES, service(), workload(on_node="spot-0", owner_references=OPERATED)],
            Status.FAIL,
            subject="app",
        ),
        case(
            "1 replica whose owner KEDA may scale to zero",
            [
                SPOT,
                *NODES,
                service(),
                replace(
                    scaled_object("k8s"),
                    spec=ScaledObjectSpec(scale_target_ref=CrossReference(kind="Prometheus", name="k8s")),
                ),
                workload(on_node="spot-0", owner_references=OPERATED),
            ],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case(
            "2 replicas on Spot",
            [SPOT, *NODES, service(), workload(replicas=2, on_node="spot-0")],
            Status.PASS,
            subject="app",
        ),
        case(
            "1 replica without Service on Spot (worker)",
            [SPOT, *NODES, workload(on_node="spot-0")],
            Status.PASS,
            subject="app",
        ),
        case(
            "1 replica, the Service selects another",
            [SPOT, *NODES, service(selector={"app": "web"}), workload(on_node="spot-0")],
            Status.PASS,
            subject="app",
        ),
        case(
            "HPA minReplicas 2, now 2 on Spot",
            [SPOT, *NODES, service(), autoscaler(min_replicas=2), workload(replicas=2, on_node="spot-0")],
            Status.PASS,
            subject="app",
        ),
        case(
            "HPA minReplicas 1, now 3 on Spot",
            [SPOT, *NODES, service(), autoscaler(min_replicas=1), workload(replicas=3, on_node="spot-0")],
            Status.FAIL,
            subject="app",
        ),
        case(
            "1 replica behind a Service on a regular node, tolerates Spot",
            [SPOT, *NODES, service(), workload(spec=TOLERANT, on_node="node-0")],
            Status.PASS,
            subject="app",
        ),
        case(
            "DaemonSet with a Service (a node exporter), pods on Spot",
            [SPOT, *NODES, service(), workload(DaemonSet, replicas=None, pods=2, on_node="spot-0")],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case(
            "a ReplicationController",
            [SPOT, *NODES, service(), workload(ReplicationController, on_node="spot-0")],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case(
            "tag environment=dev",
            [spot_cluster(SPOT_TAINT, tags={"environment": "dev"}), *LONE[1:]],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case("tag env=test of the resource group", [*LONE, group(Env="Test")], Status.NOT_APPLICABLE, subject="app"),
        case(
            "tag environment=dev, ignore_non_production false",
            [spot_cluster(SPOT_TAINT, tags={"environment": "dev"}), *LONE[1:]],
            Status.FAIL,
            subject="app",
            parameters={"ignore_non_production": False},
        ),
        case(
            "tags of the resource group unreadable",
            LONE,
            Status.NOT_ASSESSED,
            subject="app",
            unreadable=[Need.RESOURCE_GROUPS],
        ),
        case(
            "tag environment=prod, tags of the resource group unreadable",
            [spot_cluster(SPOT_TAINT, tags={"environment": "prod"}), *LONE[1:]],
            Status.FAIL,
            subject="app",
            unreadable=[Need.RESOURCE_GROUPS],
        ),
        case(
            "StatefulSet of 1 behind a Service on Spot, which SPT-004 reports",
            [SPOT, *NODES, service(), workload(StatefulSet, on_node="spot-0")],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case(
            "1 replica with a disk, which SPT-004 reports",
            [SPOT, *NODES, service(), claim(), workload(spec=mounting("data"), on_node="spot-0")],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case(
            "1 replica with a claim that cannot be read",
            [SPOT, *NODES, service(), claim(), workload(spec=mounting("data"), on_node="spot-0")],
            Status.FAIL,
            subject="app",
            unreadable=[Need.PERSISTENT_VOLUME_CLAIMS],
        ),
        case(
            "bare pod behind a Service on Spot",
            [SPOT, *NODES, service(), pod("lone", on_node="spot-0", labels={"app": "app"})],
            Status.FAIL,
            subject="lone",
        ),
        case(
            "its pod on Spot is finished",
            [SPOT, *NODES, service(), pod("lone", on_node="spot-0", phase="Succeeded", labels={"app": "app"})],
            Status.NOT_APPLICABLE,
            subject="lone",
        ),
        case(
            "1 replica of the platform",
            [
                SPOT,
                *NODES,
                service("dns", "kube-system"),
                workload(
                    name="dns",
                    namespace="kube-system",
                    on_node="spot-0",
                    spec=PodSpec(containers=(Container(image="mcr.microsoft.com/oss/coredns:1"),)),
                ),
            ],
            Status.NOT_APPLICABLE,
            subject="dns",
        ),
        case(
            "a Deployment of the same Service has a Ready pod on a regular node",
            [*LONE, spread("node-0", name="base", labels={"app": "app", "part": "base"})],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case(
            "a Deployment of the same Service has a pod on a regular node, but it is not Ready",
            [*LONE, spread("node-0", name="base", labels={"app": "app", "part": "base"}, ready=False)],
            Status.FAIL,
            subject="app",
        ),
        case(
            "a Deployment of the same Service is on Spot, too",
            [*LONE, spread("spot-0", name="base", labels={"app": "app", "part": "base"})],
            Status.FAIL,
            subject="app",
        ),
        case("KEDA minReplicaCount 0", [*LONE, scaled_object()], Status.NOT_APPLICABLE, subject="app"),
        case(
            "KEDA minReplicaCount absent",
            [*LONE, scaled_object(min_replicas=None)],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case("KEDA minReplicaCount 1", [*LONE, scaled_object(min_replicas=1)], Status.FAIL, subject="app"),
        case("KEDA in another namespace", [*LONE, scaled_object(namespace="other")], Status.FAIL, subject="app"),
        case("KEDA scales another workload", [*LONE, scaled_object("web")], Status.FAIL, subject="app"),
        *(
            case(f"{need} unreadable", LONE, Status.NOT_ASSESSED, subject="app", unreadable=[need])
            for need in (Need.SCALED_OBJECTS, Need.SERVICES, Need.HORIZONTAL_POD_AUTOSCALERS, Need.NODES, Need.PODS)
        ),
        case(
            "3 replicas, KEDA objects and Services unreadable",
            [SPOT, *NODES, service(), workload(replicas=3, on_node="spot-0")],
            Status.PASS,
            subject="app",
            unreadable=[Need.SCALED_OBJECTS, Need.SERVICES],
        ),
        case("cluster unreadable", LONE, Status.NOT_ASSESSED, subject="app", unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_service_on_spot_has_replicas(world, expected):
    assert evaluate(service_on_spot_has_replicas, world).status is expected


@pytest.mark.parametrize("name", ["aks-dev", "dev.aks", "aks_DEV"])
def test_a_part_of_the_name_makes_it_non_production(name):
    here = spot_cluster(SPOT_TAINT, name=name)
    verdict = evaluate_all(service_on_spot_has_replicas, inventory(here, *LONE[1:]))["deployment/shop/app"]
    assert verdict.status is Status.NOT_APPLICABLE


def test_devices_is_no_part_of_development():
    here = spot_cluster(SPOT_TAINT, name="aks-devices")
    verdict = evaluate_all(service_on_spot_has_replicas, inventory(here, *LONE[1:]))["deployment/shop/app"]
    assert verdict.status is Status.FAIL


def test_evidence_names_nodes_services_and_where_it_would_fit():
    spec = requiring(on("kubernetes.azure.com/agentpool", "In", "other", "spot"), tolerations=(TOLERATION,))
    world = inventory(
        spot_cluster(SPOT_TAINT, pools=[node_pool("other")]),
        karpenter_node_pool("nap", labels={"kubernetes.azure.com/agentpool": "other"}),
        spot_node(),
        service(),
        service("second", selector={"app": "app"}),
        autoscaler(min_replicas=1),
        workload(spec=spec, on_node="spot-0"),
    )
    finding = evaluate_all(service_on_spot_has_replicas, world)["deployment/shop/app"].findings[0]
    assert finding.message == "it may come down to 1 pod behind Service app, second and runs on Spot node spot-0"
    assert finding.evidence == {
        "kind": "Deployment",
        "replicas": 1,
        "minReplicas": 1,
        "maxReplicas": None,
        "services": ["app", "second"],
        "nodes": ["spot-0"],
        "agentpool": ["spot"],
        "regularPools": ["other", "nap"],
    }


# --- SPT-006

PRIORITY = "kubernetes.azure.com/priority"
WITH_SERVICE = [SPOT, *NODES, spot_node("spot-1"), service()]
PREFERS = preferring(on(PRIORITY, "In", "spot"), tolerations=(TOLERATION,))
ALL_ON_SPOT = spread("spot-0", "spot-1", "spot-0", "spot-1", spec=PREFERS)
HALF = spread("spot-0", "node-0", "spot-1", "node-0", spec=PREFERS)


def split(*nodes, ready=True):
    """A second Deployment behind the same Service."""
    return spread(*nodes, name="base", labels={"app": "app", "part": "base"}, ready=ready)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("4 Ready pods, 2 on regular nodes", [*WITH_SERVICE, HALF], Status.PASS, subject="app"),
        case("4 Ready pods all on Spot, preferred affinity", [*WITH_SERVICE, ALL_ON_SPOT], Status.FAIL, subject="app"),
        case(
            "nodeSelector kubernetes.azure.com/scalesetpriority=spot",
            [
                *WITH_SERVICE,
                spread(
                    "spot-0",
                    "node-0",
                    spec=PodSpec(
                        containers=(Container(),), node_selector={"kubernetes.azure.com/scalesetpriority": "spot"}
                    ),
                ),
            ],
            Status.FAIL,
            subject="app",
        ),
        case(
            "required affinity In [spot] or another pool in a second term",
            [
                *WITH_SERVICE,
                spread("spot-0", "node-0", spec=requiring(on(PRIORITY, "In", "spot"), on("agentpool", "In", "other"))),
            ],
            Status.PASS,
            subject="app",
        ),
        case(
            "required affinity In [spot] in every term",
            [
                *WITH_SERVICE,
                spread(
                    "spot-0",
                    "node-0",
                    spec=requiring(on(PRIORITY, "In", "spot"), on("karpenter.sh/capacity-type", "In", "spot")),
                ),
            ],
            Status.FAIL,
            subject="app",
        ),
        case(
            "all on Spot, but a second Deployment of the same Service runs on regular nodes",
            [*WITH_SERVICE, ALL_ON_SPOT, split("node-0")],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case(
            "a second Deployment on Spot as well",
            [*WITH_SERVICE, ALL_ON_SPOT, split("spot-0")],
            Status.FAIL,
            subject="app",
        ),
        case(
            "a second Deployment on regular nodes that is not Ready",
            [*WITH_SERVICE, ALL_ON_SPOT, split("node-0", ready=False)],
            Status.FAIL,
            subject="app",
        ),
        case(
            "a second Deployment of another Service",
            [*WITH_SERVICE, ALL_ON_SPOT, service("web"), spread("node-0", name="web")],
            Status.FAIL,
            subject="app",
        ),
        case(
            "all replicas of an operator on Spot",
            [*WITH_SERVICE, spread("spot-0", "spot-1", owner_references=OPERATED)],
            Status.FAIL,
            subject="app",
        ),
        case("worker without Service", [*WITH_SERVICE[:-1], ALL_ON_SPOT], Status.PASS, subject="app"),
        case(
            "dev cluster",
            [spot_cluster(SPOT_TAINT, tags=DEV), *WITH_SERVICE[1:], ALL_ON_SPOT],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case(
            "dev cluster, ignore_non_production false",
            [spot_cluster(SPOT_TAINT, tags=DEV), *WITH_SERVICE[1:], ALL_ON_SPOT],
            Status.FAIL,
            subject="app",
            parameters={"ignore_non_production": False},
        ),
        case(
            "no pod is Ready",
            [*WITH_SERVICE, spread("spot-0", "spot-1", spec=PREFERS, ready=False)],
            Status.PASS,
            subject="app",
        ),
        case(
            "autoscaled from 1",
            [*WITH_SERVICE, autoscaler(min_replicas=1), ALL_ON_SPOT],
            Status.PASS,
            subject="app",
        ),
        case(
            "StatefulSet on Spot",
            [*WITH_SERVICE, spread("spot-0", "spot-1", kind=StatefulSet)],
            Status.FAIL,
            subject="app",
        ),
        case(
            "DaemonSet",
            [*WITH_SERVICE, spread("spot-0", "spot-1", kind=DaemonSet)],
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        *(
            case(
                f"{need} unreadable",
                [*WITH_SERVICE, ALL_ON_SPOT],
                Status.NOT_ASSESSED,
                subject="app",
                unreadable=[need],
            )
            for need in (
                Need.NODES,
                Need.PODS,
                Need.REPLICA_SETS,
                Need.SERVICES,
                Need.HORIZONTAL_POD_AUTOSCALERS,
                Need.MANAGED_CLUSTERS,
                Need.RESOURCE_GROUPS,
            )
        ),
        case(
            "StatefulSet on Spot, a Deployment beside it may be hidden",
            [*WITH_SERVICE, spread("spot-0", "spot-1", kind=StatefulSet)],
            Status.NOT_ASSESSED,
            subject="app",
            unreadable=[Need.DEPLOYMENTS],
        ),
    ],
)
def test_service_keeps_a_floor_on_regular_nodes(world, expected):
    assert evaluate(service_keeps_a_floor_on_regular_nodes, world).status is expected


def test_the_patch_adds_a_constraint_over_the_labels_of_the_pods():
    world = inventory(*WITH_SERVICE, spread("spot-0", "spot-0", spec=PREFERS, labels={"app": "app", "tier": "web"}))
    finding = evaluate_all(service_keeps_a_floor_on_regular_nodes, world)["deployment/shop/app"].findings[0]
    (constraint,) = json.loads(finding.fill["patch"])["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert constraint["labelSelector"] == {"matchLabels": {"app": "app", "tier": "web"}}
    assert finding.message == "all 2 Ready pods are on Spot node spot-0"
    assert finding.evidence["readyPods"] == ["spot-0: 2"]
