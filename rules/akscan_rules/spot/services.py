"""Services that hang on Spot nodes."""

import json
from collections import Counter
from collections.abc import Iterator

from akscan.sdk import (
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Pod,
    Severity,
    Workload,
    if_known,
    requires_spot,
    rule,
)

from akscan_rules.spot.placement import (
    NEEDS_OF_PLACEMENT,
    names_of_spot_nodes,
    regular_pools,
    tolerations_of,
    where_it_runs,
)
from akscan_rules.spot.state import STORAGE_NEEDS, keeps_state

#: Kinds that keep a service up by a number of replicas, and the pod that nothing brings back.
_KINDS_WITH_REPLICAS = ("Deployment", "StatefulSet", "ReplicaSet", "Pod")
_FEWEST_REPLICAS = 2


@rule(
    "SPT-005",
    Severity.HIGH,
    Pillar.RELIABILITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        *NEEDS_OF_PLACEMENT,
        Need.SERVICES,
        Need.HORIZONTAL_POD_AUTOSCALERS,
        Need.SCALED_OBJECTS,
    ],
    optional_needs=[Need.RESOURCE_GROUPS, *STORAGE_NEEDS, Need.KARPENTER_NODE_POOLS],
    docs=["https://learn.microsoft.com/azure/aks/spot-node-pool"],
    fix=Fix(
        "kubectl scale {kind} {name} --namespace {namespace} --replicas 3",
        Disruption.NONE,
        terraform=(
            "kubernetes_deployment_v1.spec.{replicas,template.spec.toleration} "
            "(manifest: spec.replicas, spec.template.spec.tolerations)"
        ),
    ),
)
def service_on_spot_has_replicas(
    workload: Workload, inventory: Inventory, *, ignore_non_production: bool = True
) -> Iterator[Finding]:
    """No single-replica service runs on Spot.

    The only pod of a service sits on a VM that Azure may take back at any moment; each eviction is an outage until
    image pull and start-up on another node are done, and for as long as no Spot capacity exists.

    **Fix**: run at least two replicas with a floor on regular nodes (SPT-006), or take the Spot toleration away. Put a
    bare pod under a Deployment first. Where an autoscaler scales it, raise its minReplicas instead.
    """
    if workload.kind not in _KINDS_WITH_REPLICAS:
        raise NotApplicable(f"a {workload.kind} is not meant")
    if workload.is_aks_managed:
        raise NotApplicable("the workload is the platform's")
    if ignore_non_production and inventory.is_non_production(workload.cluster):
        raise NotApplicable("the cluster is not in production")
    floor = workload.floor
    if floor is None:
        raise NotApplicable("its controller is gone")
    if floor >= _FEWEST_REPLICAS or not workload.services or not workload.spot_nodes:
        return
    if workload.may_scale_to_zero:
        raise NotApplicable("KEDA may scale it to zero")
    if beside := _beside(workload):
        raise NotApplicable(f"{', '.join(beside)} serves on regular nodes beside it")
    if if_known(lambda: keeps_state(workload)) is True:
        raise NotApplicable("it keeps state, which SPT-004 reports")
    yield Finding(
        f"it may come down to {'1 pod' if floor else 'no pod'} behind Service"
        f" {', '.join(service.name for service in workload.services)}"
        f" and runs on Spot node {', '.join(node.name for node in workload.spot_nodes)}",
        _single_replica_evidence(workload),
    )


def _single_replica_evidence(workload: Workload) -> dict[str, str | int | list[str] | None]:
    scaler = workload.autoscaler
    return {
        **where_it_runs(workload),
        "minReplicas": scaler.min_replicas if scaler else None,
        "maxReplicas": scaler.spec.max_replicas if scaler else None,
        "services": [service.name for service in workload.services],
        "regularPools": regular_pools(workload),
    }


@rule(
    "SPT-006",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.MANAGED_CLUSTERS, *NEEDS_OF_PLACEMENT, Need.SERVICES, Need.HORIZONTAL_POD_AUTOSCALERS],
    optional_needs=[Need.RESOURCE_GROUPS],
    docs=[
        "https://learn.microsoft.com/azure/aks/spot-node-pool",
        "https://learn.microsoft.com/azure/aks/cluster-autoscaler-overview",
    ],
    fix=Fix(
        """
        kubectl edit {kind} {name} --namespace {namespace}
        kubectl patch {kind} {name} --namespace {namespace} --type strategic --patch {patch}
        """,
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "kubernetes_deployment_v1.spec.template.spec.affinity "
            "(manifest: spec.template.spec.affinity.nodeAffinity, nodeSelector)"
        ),
    ),
)
def service_keeps_a_floor_on_regular_nodes(
    workload: Workload, inventory: Inventory, *, ignore_non_production: bool = True
) -> Iterator[Finding]:
    """Services on Spot keep a floor of replicas on regular nodes.

    Azure reclaims capacity by size and zone, so Spot nodes of one pool tend to vanish together. A service that lives on
    them alone loses all replicas in one wave, and a hard node selector forbids the fallback.

    **Fix**: first replace the required affinity or the node selector by a preferred affinity, then spread over the
    label kubernetes.azure.com/priority: while Spot is required, a spread has nowhere to go. The patch adds one
    constraint and leaves those over other keys alone. Or split into a small Deployment on regular nodes and a larger
    one on Spot. Use two Spot pools of different sizes.
    """
    if workload.kind not in ("Deployment", "StatefulSet", "ReplicaSet"):
        raise NotApplicable(f"a {workload.kind} is not meant")
    if workload.is_aks_managed:
        raise NotApplicable("the workload is the platform's")
    if ignore_non_production and inventory.is_non_production(workload.cluster):
        raise NotApplicable("the cluster is not in production")
    if (floor := workload.floor) is None:
        raise NotApplicable("its controller is gone")
    if floor < _FEWEST_REPLICAS or not workload.services or not workload.spot_nodes:
        return
    if beside := _beside(workload):
        raise NotApplicable(f"{', '.join(beside)} serves on regular nodes beside it")
    ready, fill = workload.ready_pods, {"patch": _spread(workload)}
    if requires_spot(workload.effective_spec):
        yield Finding("node selector or required affinity keep it off regular nodes", _floor_evidence(workload), fill)
    if ready and not any(_is_on_regular(workload, pod) for pod in ready):
        text = f"all {len(ready)} Ready pods are on {names_of_spot_nodes(workload)}"
        yield Finding(text, _floor_evidence(workload), fill)


def _beside(workload: Workload) -> list[str]:
    """The other Deployments of its Services with a Ready pod on a regular node."""
    return [other.name for other in workload.companions if any(_is_on_regular(other, p) for p in other.ready_pods)]


def _is_on_regular(workload: Workload, pod: Pod) -> bool:
    node = workload.cluster.node(pod.node_name)
    return node is not None and not node.is_spot


def _spread(workload: Workload) -> str:
    constraint = {
        "maxSkew": 2,
        "topologyKey": "kubernetes.azure.com/priority",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": workload.pod_labels},
    }
    return json.dumps({"spec": {"template": {"spec": {"topologySpreadConstraints": [constraint]}}}})


def _floor_evidence(workload: Workload) -> dict[str, str | int | list[str] | None]:
    spec = workload.effective_spec
    counted = Counter(pod.node_name for pod in workload.ready_pods)
    return {
        **where_it_runs(workload),
        "readyPods": [f"{node}: {number}" for node, number in sorted(counted.items())],
        "sizes": sorted({node.metadata.label("node.kubernetes.io/instance-type") for node in workload.spot_nodes}),
        "zones": sorted({node.metadata.label("topology.kubernetes.io/zone") for node in workload.spot_nodes} - {""}),
        "nodeSelector": [f"{key}={value}" for key, value in (spec.node_selector or {}).items()],
        "tolerations": tolerations_of(spec),
        "services": [service.name for service in workload.services],
    }
