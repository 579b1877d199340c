"""Spot capacity and what runs on it."""

from collections.abc import Iterator

from akscan.sdk import (
    Cluster,
    Disruption,
    Finding,
    Fix,
    Inventory,
    KarpenterNodePool,
    Need,
    Node,
    NodePool,
    NotApplicable,
    Pillar,
    Severity,
    Workload,
    if_known,
    rule,
)

#: Kinds that keep a service up by a number of replicas, and the pod that nothing brings back.
_KINDS_WITH_REPLICAS = ("Deployment", "StatefulSet", "ReplicaSet", "Pod")
_FEWEST_REPLICAS = 2


@rule(
    "SPT-001",
    Severity.HIGH,
    Pillar.RELIABILITY,
    needs=[Need.AGENT_POOLS, Need.NODES, Need.KARPENTER_NODE_POOLS],
    optional_needs=[
        Need.PODS,
        Need.DEPLOYMENTS,
        Need.REPLICA_SETS,
        Need.STATEFUL_SETS,
        Need.DAEMON_SETS,
        Need.JOBS,
        Need.CRON_JOBS,
        Need.REPLICATION_CONTROLLERS,
    ],
    docs=[
        "https://learn.microsoft.com/azure/aks/spot-node-pool",
        "https://learn.microsoft.com/azure/aks/node-auto-provisioning-node-pools",
    ],
    fix=Fix(
        "az aks nodepool update --resource-group {resource_group} --cluster-name {cluster} --name {node_pool}"
        " --node-taints kubernetes.azure.com/scalesetpriority=spot:NoSchedule\n"
        "kubectl patch nodepools.karpenter.sh {name} --type merge -p"
        ' \'{"spec":{"template":{"spec":{"taints":'
        '[{"key":"kubernetes.azure.com/scalesetpriority","value":"spot","effect":"NoSchedule"}]}}}}\'',
        Disruption.WORKLOAD_RESTART,
        terraform="azurerm_kubernetes_cluster_node_pool.{priority,node_taints}",
        arm="properties.agentPoolProfiles[].{scaleSetPriority,nodeTaints}",
    ),
)
def spot_capacity_is_tainted(pool: NodePool | KarpenterNodePool, inventory: Inventory) -> Iterator[Finding]:
    """Spot capacity is tainted so that only workloads that ask for it land there.

    A scale-set Spot pool gets the taint from AKS, but templates and later updates can drop it; node auto-provisioning
    adds none at all and prefers Spot whenever it is allowed. Untainted Spot nodes take production pods that can then
    disappear with 30 seconds notice.

    **Fix**: put the taint on the pool or into the Karpenter NodePool and give it to the workloads that may be
    interrupted as a toleration plus affinity. Both commands replace the whole list of taints: name the existing ones as
    well. Running pods on a pool stay where they are; Karpenter replaces drifted nodes.
    """
    if isinstance(pool, KarpenterNodePool):
        if not pool.admits_spot:
            raise NotApplicable("the NodePool makes no Spot nodes")
        if not any(taint.repels for taint in pool.taints):
            yield _untainted(pool, "it makes Spot nodes that no taint protects")
        return
    if not pool.is_spot:
        raise NotApplicable("the pool has regular capacity")
    if not any(taint.is_spot for taint in pool.taints):
        yield _untainted(pool, "nodeTaints lacks the Spot taint")
    bare = [node.name for node in pool.nodes_read if not any(taint.is_spot for taint in node.taints)]
    if bare:
        yield _untainted(pool, f"nodes without the Spot taint: {', '.join(bare)}")
    pool.cluster.lists.nodes.complete()


@rule(
    "SPT-005",
    Severity.HIGH,
    Pillar.RELIABILITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.NODES,
        Need.PODS,
        Need.DEPLOYMENTS,
        Need.STATEFUL_SETS,
        Need.REPLICA_SETS,
        Need.SERVICES,
        Need.HORIZONTAL_POD_AUTOSCALERS,
        Need.SCALED_OBJECTS,
    ],
    optional_needs=[Need.RESOURCE_GROUPS],
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

    **Fix**: run at least two replicas with a floor on regular nodes, or take the Spot toleration away. Put a bare pod
    under a Deployment first.
    """
    if workload.kind not in _KINDS_WITH_REPLICAS:
        raise NotApplicable(f"a {workload.kind} has no number of replicas")
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
    yield Finding(
        f"it may come down to {floor} pod behind Service {', '.join(s.name for s in workload.services)}"
        f" and runs on Spot node {', '.join(node.name for node in workload.spot_nodes)}",
        _single_replica_evidence(workload),
    )


def _untainted(pool: NodePool | KarpenterNodePool, text: str) -> Finding:
    return Finding(
        text,
        {
            "name": pool.name,
            "taints": [f"{taint.key}={taint.value}:{taint.effect}" for taint in pool.taints],
            **_capacity(pool),
            "workloads": if_known(lambda: _intruders(pool.cluster, pool.nodes)),
        },
    )


def _capacity(pool: NodePool | KarpenterNodePool) -> dict[str, str | int | list[str] | None]:
    if isinstance(pool, NodePool):
        return {"scaleSetPriority": pool.properties.scale_set_priority}
    requirements = (f"{r.key} {r.operator} {','.join(r.values or ())}" for r in pool.capacity_requirements)
    return {"requirements": [text.rstrip() for text in requirements], "weight": pool.object.spec.weight}


def _intruders(cluster: Cluster, nodes: tuple[Node, ...]) -> list[str]:
    """The workloads of users that run on some of the nodes without tolerating Spot."""
    here = {node.name for node in nodes}
    return [
        f"{workload.namespace}/{workload.name}"
        for workload in cluster.workload_set.complete()
        if workload.namespace not in cluster.system_namespaces
        and not here.isdisjoint(node.name for node in workload.nodes)
        and not workload.tolerates_spot
    ]


def _single_replica_evidence(workload: Workload) -> dict[str, str | int | list[str] | None]:
    scaler, nodes = workload.autoscaler, workload.spot_nodes
    return {
        "kind": workload.kind,
        "replicas": workload.replicas,
        "minReplicas": scaler.min_replicas if scaler else None,
        "maxReplicas": scaler.spec.max_replicas if scaler else None,
        "services": [service.name for service in workload.services],
        "nodes": [node.name for node in nodes],
        "agentpool": sorted({node.pool for node in nodes} - {""}),
        "regularPools": if_known(lambda: _regular_pools(workload)),
    }


def _regular_pools(workload: Workload) -> list[str]:
    spec = workload.effective_spec
    return [pool.name for pool in workload.cluster.pools if not pool.is_spot and pool.bears(spec)]
