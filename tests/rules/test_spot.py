"""Spot capacity and what runs on it."""

import pytest
from akscan.model.azure import ResourceGroup
from akscan.model.gaps import Gap, Reason
from akscan.model.kubernetes import (
    Affinity,
    Container,
    DaemonSet,
    Listing,
    NodeAffinity,
    PodSpec,
    ReplicationController,
    Requirement,
    StatefulSet,
    Taint,
    Toleration,
)
from akscan.model.selectors import Expression, NodeSelector, NodeSelectorTerm
from akscan.model.text import ArmId, Token
from akscan.sdk import Inventory, Need, Status
from akscan.testing import (
    SUBSCRIPTION,
    autoscaler,
    case,
    cluster,
    evaluate,
    evaluate_all,
    inventory,
    karpenter_node_pool,
    node,
    node_pool,
    pod,
    scaled_object,
    service,
    spot_node,
    workload,
)
from akscan_rules.spot import service_on_spot_has_replicas, spot_capacity_is_tainted
from msgspec.structs import replace

SPOT_TAINT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
TOLERATION = Toleration(
    key="kubernetes.azure.com/scalesetpriority", operator="Equal", value="spot", effect="NoSchedule"
)
TOLERANT = PodSpec(containers=(Container(name="app", image="registry.example/app:1"),), tolerations=(TOLERATION,))


def spot_pool(*taints, name="spot", **fields):
    return node_pool(
        name,
        mode=Token("User"),
        scale_set_priority=Token("Spot"),
        node_taints=taints,
        enable_auto_scaling=True,
        **fields,
    )


def spot_cluster(*taints, pools=(), **fields):
    """In a resource group whose name is no test environment, unlike that of the builders."""
    return cluster(pools=[node_pool(), *pools, spot_pool(*taints)], resource_group="rg-shop", **fields)


# --- SPT-001


def capacity(operator, *values, key="karpenter.sh/capacity-type"):
    return Requirement(key=key, operator=operator, values=values or None)


def taint(effect):
    return Taint(key="team", value="batch", effect=effect)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "Spot pool with the AKS taint in nodeTaints and on its nodes",
            [spot_cluster(SPOT_TAINT), spot_node(), spot_node("spot-1")],
            Status.PASS,
            subject="spot",
        ),
        case("Spot pool with nodeTaints []", [spot_cluster()], Status.FAIL, subject="spot"),
        case(
            "Spot pool with the taint in nodeTaints but a node without it",
            [spot_cluster(SPOT_TAINT), spot_node(), spot_node("spot-1", tainted=False)],
            Status.FAIL,
            subject="spot",
        ),
        case(
            "a node of another pool without the taint",
            [spot_cluster(SPOT_TAINT), spot_node(), node(pool="system")],
            Status.PASS,
            subject="spot",
        ),
        case("Spot pool with another taint", [spot_cluster("team=batch:NoSchedule")], Status.FAIL, subject="spot"),
        case(
            "Spot pool whose taint only prefers",
            [spot_cluster(SPOT_TAINT.replace(":NoSchedule", ":PreferNoSchedule"))],
            Status.FAIL,
            subject="spot",
        ),
        case(
            "Spot pool whose taint evicts",
            [spot_cluster(SPOT_TAINT.replace(":NoSchedule", ":NoExecute"))],
            Status.PASS,
            subject="spot",
        ),
        case(
            "nodeTaints without it, nodes unreadable",
            [spot_cluster()],
            Status.FAIL,
            subject="spot",
            unreadable=[Need.NODES],
        ),
        case(
            "nodeTaints with it, nodes unreadable",
            [spot_cluster(SPOT_TAINT)],
            Status.NOT_ASSESSED,
            subject="spot",
            unreadable=[Need.NODES],
        ),
        case("regular pools only", [cluster()], Status.NOT_APPLICABLE),
        case("regular pool, nodes unreadable", [cluster()], Status.NOT_APPLICABLE, unreadable=[Need.NODES]),
        case(
            "Karpenter NodePool capacity-type [on-demand]",
            [karpenter_node_pool("nap", capacity("In", "on-demand"))],
            Status.NOT_APPLICABLE,
            subject="nap",
        ),
        case("Karpenter NodePool that says nothing", [karpenter_node_pool()], Status.NOT_APPLICABLE, subject="nap"),
        case(
            "Karpenter NodePool [spot, on-demand] without taints",
            [karpenter_node_pool("nap", capacity("In", "spot", "on-demand"))],
            Status.FAIL,
            subject="nap",
        ),
        case(
            "Karpenter NodePool capacity-type NotIn [on-demand] without taints",
            [karpenter_node_pool("nap", capacity("NotIn", "on-demand"))],
            Status.FAIL,
            subject="nap",
        ),
        case(
            "Karpenter NodePool capacity-type NotIn [spot]",
            [karpenter_node_pool("nap", capacity("NotIn", "spot"))],
            Status.NOT_APPLICABLE,
            subject="nap",
        ),
        case(
            "Karpenter NodePool kubernetes.azure.com/priority Exists",
            [karpenter_node_pool("nap", capacity("Exists", key="kubernetes.azure.com/priority"))],
            Status.FAIL,
            subject="nap",
        ),
        case(
            "Karpenter NodePool whose second requirement takes Spot away again",
            [karpenter_node_pool("nap", capacity("Exists"), capacity("In", "on-demand"))],
            Status.NOT_APPLICABLE,
            subject="nap",
        ),
        case(
            "Karpenter NodePool [spot] with a NoSchedule taint",
            [karpenter_node_pool("nap", capacity("In", "spot"), taints=[taint("NoSchedule")])],
            Status.PASS,
            subject="nap",
        ),
        case(
            "Karpenter NodePool [spot] with PreferNoSchedule only",
            [karpenter_node_pool("nap", capacity("In", "spot"), taints=[taint("PreferNoSchedule")])],
            Status.FAIL,
            subject="nap",
        ),
        case(
            "Karpenter NodePool [spot] without taints, nodes and pods unreadable",
            [karpenter_node_pool("nap", capacity("In", "spot"))],
            Status.FAIL,
            subject="nap",
            unreadable=[Need.NODES, Need.PODS],
        ),
        case(
            "Karpenter NodePools unreadable",
            [cluster()],
            Status.NOT_ASSESSED,
            subject="aks",
            unreadable=[Need.KARPENTER_NODE_POOLS],
        ),
        case("pools unreadable", [cluster()], Status.NOT_ASSESSED, subject="aks", unreadable=[Need.AGENT_POOLS]),
    ],
)
def test_spot_capacity_is_tainted(world, expected):
    assert evaluate(spot_capacity_is_tainted, world).status is expected


def test_a_bare_node_of_an_interrupted_list_is_proof():
    world = inventory(spot_cluster(SPOT_TAINT), spot_node(tainted=False))
    known = world.clusters[0]
    gap = Gap(source="kubernetes", scope="aks", reason=Reason.INTERRUPTED, permission=Need.NODES)
    lists = replace(known.lists, nodes=Listing(items=known.lists.nodes.items, gap=gap))
    cut = Inventory(world.manifest, world.azure, {known.id: lists})
    assert evaluate_all(spot_capacity_is_tainted, cut)["node_pool/spot"].status is Status.FAIL


def test_pool_evidence_names_what_strayed_there():
    world = inventory(
        spot_cluster("team=batch:NoSchedule"),
        spot_node(tainted=False),
        node(),
        workload(name="stray", on_node="spot-0"),
        workload(name="tolerant", spec=TOLERANT, on_node="spot-0"),
        workload(name="elsewhere"),
        workload(name="agent", namespace="kube-system", on_node="spot-0"),
    )
    finding = evaluate_all(spot_capacity_is_tainted, world)["node_pool/spot"].findings[0]
    assert finding.message == "nodeTaints lacks the Spot taint; nodes without the Spot taint: spot-0"
    assert finding.evidence == {
        "name": "spot",
        "taints": ["team=batch:NoSchedule"],
        "scaleSetPriority": "Spot",
        "workloads": ["shop/stray"],
    }


def test_karpenter_evidence_names_capacity_weight_and_what_strayed_there():
    made = replace(
        node("nap-0", pool=""), metadata=replace(node("nap-0").metadata, labels={"karpenter.sh/nodepool": "nap"})
    )
    world = inventory(
        karpenter_node_pool("nap", capacity("In", "spot", "on-demand"), capacity("Exists"), weight=10),
        made,
        node(),
        workload(name="stray", on_node="nap-0"),
        workload(name="elsewhere"),
    )
    finding = evaluate_all(spot_capacity_is_tainted, world)["karpenter_node_pool/nap"].findings[0]
    assert finding.evidence == {
        "name": "nap",
        "taints": [],
        "requirements": [
            "karpenter.sh/capacity-type In spot,on-demand",
            "karpenter.sh/capacity-type Exists",
        ],
        "weight": 10,
        "workloads": ["shop/stray"],
    }


def test_evidence_says_that_pods_were_not_read():
    world = inventory(spot_cluster(), spot_node(), unreadable=[Need.PODS])
    finding = evaluate_all(spot_capacity_is_tainted, world)["node_pool/spot"].findings[0]
    assert finding.evidence["workloads"] == f"not read ({Need.PODS})"


# --- SPT-005

SPOT = spot_cluster(SPOT_TAINT)
NODES = [spot_node(), node()]
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
            "StatefulSet of 1 behind a Service on Spot",
            [SPOT, *NODES, service(), workload(StatefulSet, on_node="spot-0")],
            Status.FAIL,
            subject="app",
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
            Status.PASS,
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
    two_pools = NodeSelector(
        node_selector_terms=(
            NodeSelectorTerm(
                match_expressions=(
                    Expression(key="kubernetes.azure.com/agentpool", operator="In", values=("other", "spot")),
                )
            ),
        )
    )
    spec = replace(TOLERANT, affinity=Affinity(node_affinity=NodeAffinity(required=two_pools)))
    world = inventory(
        spot_cluster(SPOT_TAINT, pools=[node_pool("other")]),
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
        "regularPools": ["other"],
    }
