"""Components that others hang on."""

from collections.abc import Iterator, Sequence

from akscan.sdk import (
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    Workload,
    any_of,
    image_matches,
    rule,
)

from akscan_rules.spot.placement import (
    NEEDS_OF_PLACEMENT,
    OTHER_WORKLOADS,
    names_of_spot_nodes,
    regular_pools,
    tolerations_of,
    where_it_runs,
)

_SYSTEM_PRIORITIES = ("system-cluster-critical", "system-node-critical")
_KINDS_OF_COMPONENTS = ("Deployment", "StatefulSet", "ReplicaSet")


@rule(
    "SPT-008",
    Severity.HIGH,
    Pillar.RELIABILITY,
    needs=[*NEEDS_OF_PLACEMENT],
    optional_needs=[
        *OTHER_WORKLOADS,
        Need.SERVICES,
        Need.VALIDATING_WEBHOOKS,
        Need.MUTATING_WEBHOOKS,
        Need.AGENT_POOLS,
        Need.KARPENTER_NODE_POOLS,
    ],
    docs=[
        "https://learn.microsoft.com/azure/aks/spot-node-pool",
        "https://learn.microsoft.com/azure/aks/use-system-pools",
    ],
    fix=Fix(
        """
        kubectl get pods --all-namespaces --field-selector spec.nodeName={node} -o wide
        kubectl delete pod {pod} --namespace {namespace}
        """,
        Disruption.WORKLOAD_RESTART,
        terraform="helm_release.values (tolerations, nodeSelector)",
    ),
)
def no_critical_component_on_spot(
    workload: Workload,
    inventory: Inventory,
    *,
    critical_images: tuple[str, ...] = (
        "cluster-autoscaler",
        "cert-manager-controller",
        "ingress-nginx/controller",
        "nginx-ingress-controller",
        "keda",
    ),
) -> Iterator[Finding]:
    """No critical component runs on Spot.

    When DNS, an ingress controller or a fail-closed webhook goes with the Spot wave, the workloads on regular nodes
    fail as well, and new pods may not even be admitted to replace it.

    **Fix**: in this order: make sure that the Spot pool is tainted (SPT-001), remove blanket tolerations, pin the
    component to the system pool or a regular pool, and see that there is room; only then delete its pods, one at a
    time, or they come back where they were. A bare pod does not come back at all: put it under a Deployment first.
    """
    if not workload.cluster.spot.nodes:
        raise NotApplicable("the cluster has no Spot node")
    if workload.kind == "DaemonSet" or workload.is_static or not workload.spot_nodes:
        return
    yield from any_of(_named(workload, critical_images), _behind_a_webhook(workload))


def _named(workload: Workload, images: tuple[str, ...]) -> Iterator[Finding]:
    spec = workload.effective_spec
    if spec.priority_class_name in _SYSTEM_PRIORITIES:
        yield _misplaced(workload, f"it has priority class {spec.priority_class_name}")
    if workload.namespace == "kube-system" and workload.kind in _KINDS_OF_COMPONENTS:
        yield _misplaced(workload, "it is a component of kube-system")
    matching = [container for container in spec.all_containers if image_matches(container.image, images)]
    if matching:
        yield _misplaced(workload, f"it runs {', '.join(c.image for c in matching)}", [c.name for c in matching])


def _behind_a_webhook(workload: Workload) -> Iterator[Finding]:
    if workload.services and (webhooks := workload.cluster.webhooks.behind(workload.services)):
        yield _misplaced(workload, f"webhooks of {', '.join(webhooks)} refuse what they are asked without it")


def _misplaced(workload: Workload, why: str, containers: Sequence[str] = ()) -> Finding:
    spec = workload.effective_spec
    here = {node.name for node in workload.spot_nodes}
    pods = sorted(pod.name for pod in workload.pods if pod.node_name in here and pod.status.phase == "Running")
    return Finding(
        f"{why}; it runs on {names_of_spot_nodes(workload)}",
        {
            **where_it_runs(workload),
            "pods": pods,
            "priorityClassName": spec.priority_class_name,
            "tolerations": tolerations_of(spec),
            "regularPools": regular_pools(workload),
        },
        {"node": min(here), "pod": pods[0]},
        containers=containers,
    )
