"""Spot pools: taints, evictions, scale-out."""

import json
from collections.abc import Iterator

from akscan.sdk import (
    SPOT_TAINT,
    Cluster,
    Disruption,
    Finding,
    Fix,
    Gap,
    Inventory,
    KarpenterNodePool,
    Need,
    Node,
    NodePool,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    if_known,
    rule,
    untold,
)

#: spotMaxPrice: up to the regular price.
_NO_CAP = -1


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
        " --node-taints {node_taints}\n"
        "kubectl patch nodepools.karpenter.sh {karpenter_node_pool} --type merge --patch {patch}",
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
    interrupted as a toleration plus affinity, before the next node is made. Both commands replace the whole list of
    taints, so they name those that are there as well. Running pods on a pool stay where they are; Karpenter replaces
    drifted nodes.
    """
    if isinstance(pool, KarpenterNodePool):
        if pool.capacity_requirements and not pool.admits_spot:
            raise NotApplicable("the NodePool makes no Spot nodes")
        if any(taint.repels for taint in pool.taints):
            return
        if pool.admits_spot or any(node.is_spot for node in pool.nodes_read):
            yield _untainted(pool, "it makes Spot nodes that no taint protects")
            return
        # without a requirement Karpenter may take either (https://github.com/aws/karpenter-provider-aws/issues/5015)
        raise NotCollected(_untold(pool))
    if not pool.is_spot:
        raise NotApplicable("the pool has regular capacity")
    if not any(taint.is_spot for taint in pool.taints):
        yield _untainted(pool, "nodeTaints lacks the Spot taint")
    bare = [node.name for node in pool.nodes_read if not any(taint.is_spot for taint in node.taints)]
    if bare:
        yield _untainted(pool, f"nodes without the Spot taint: {', '.join(bare)}")
    pool.cluster.lists.nodes.complete()


@rule(
    "SPT-002",
    Severity.LOW,
    Pillar.RELIABILITY,
    needs=[Need.AGENT_POOLS],
    docs=["https://learn.microsoft.com/azure/aks/spot-node-pool"],
    fix=Fix(
        """
        az aks nodepool add --resource-group {resource_group} --cluster-name {cluster} --name {new_pool} --priority Spot --eviction-policy Delete --spot-max-price -1 --enable-cluster-autoscaler --min-count 0 --max-count {max_count}
        az aks nodepool delete --resource-group {resource_group} --cluster-name {cluster} --name {node_pool}
        """,  # noqa: E501 a command stands on one line
        Disruption.NEW_POOL,
        terraform="azurerm_kubernetes_cluster_node_pool.{eviction_policy,spot_max_price}",
        arm="properties.agentPoolProfiles[].{scaleSetEvictionPolicy,spotMaxPrice}",
    ),
)
def spot_pool_deletes_what_is_evicted(
    pool: NodePool, inventory: Inventory, *, allowed_pools: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Spot pools delete evicted nodes and are not capped by price.

    Deallocated nodes stay registered, count against the quota, keep paying for disks and get in the way of scaling and
    upgrades. A price cap adds a second reason for eviction although the Spot price never exceeds the regular price.

    **Fix**: both are fixed at creation: add a new Spot pool with Delete and -1, of the size, zones, labels and taints
    of the old one; cordon the old one, move the workloads; delete it only when nothing but agents is left on it.
    """
    if not pool.is_spot:
        raise NotApplicable("the pool has regular capacity")
    if pool.name in allowed_pools:
        raise NotApplicable("the pool is allowed")
    policy, price = pool.properties.scale_set_eviction_policy, pool.properties.spot_max_price
    faults = []
    if policy == "Deallocate":
        faults.append("evicted nodes are deallocated, not deleted")
    if price != _NO_CAP:
        faults.append(f"nodes go when the price passes {price}")
    if faults:
        yield Finding(
            "; ".join(faults),
            {"scaleSetEvictionPolicy": policy, "spotMaxPrice": price, "count": pool.properties.count},
        )


@rule(
    "SPT-003",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.MANAGED_CLUSTERS, Need.AGENT_POOLS],
    docs=[
        "https://learn.microsoft.com/azure/aks/spot-node-pool",
        "https://learn.microsoft.com/azure/aks/cluster-autoscaler-overview",
    ],
    fix=Fix(
        "az aks nodepool update --resource-group {resource_group} --cluster-name {cluster} --name {node_pool}"
        " --enable-cluster-autoscaler --min-count 0 --max-count {max_count}",
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster_node_pool.auto_scaling_enabled",
        arm="properties.agentPoolProfiles[].enableAutoScaling",
    ),
)
def spot_pool_comes_back(pool: NodePool, inventory: Inventory) -> Iterator[Finding]:
    """Spot pools come back after evictions.

    Without the autoscaler an evicted Spot node is never replaced: the pool melts down to zero while its workloads wait
    as Pending, and nothing brings the nodes back when Azure has capacity again.

    **Fix**: autoscale every Spot pool, with minimum 0 unless some capacity has to stand ready. With node
    auto-provisioning pools cannot autoscale: use a tainted Karpenter NodePool with capacity type spot instead.
    """
    if not pool.is_spot:
        raise NotApplicable("the pool has regular capacity")
    if not pool.is_running:
        raise NotApplicable("the pool is stopped, or is being deleted")
    properties = pool.properties
    if not properties.enable_auto_scaling:
        nodes = "only node" if properties.count == 1 else f"{properties.count or 0} nodes"
        yield Finding(
            f"nothing brings back what is evicted of its {nodes}",
            {
                "enableAutoScaling": properties.enable_auto_scaling,
                "vmSize": properties.vm_size,
                "count": properties.count,
                "minCount": properties.min_count,
                "maxCount": properties.max_count,
                "spotMaxPrice": properties.spot_max_price,
                "scaleSetEvictionPolicy": properties.scale_set_eviction_policy,
            },
        )


@rule(
    "SPT-012",
    Severity.LOW,
    Pillar.RELIABILITY,
    needs=[Need.MANAGED_CLUSTERS, Need.AGENT_POOLS],
    optional_needs=[Need.CONFIG_MAPS, Need.NODES],
    docs=[
        "https://learn.microsoft.com/azure/aks/spot-node-pool",
        "https://learn.microsoft.com/azure/aks/cluster-autoscaler-overview",
    ],
    fix=Fix(
        """
        kubectl apply -f cluster-autoscaler-priority-expander.yaml
        az aks update --resource-group {resource_group} --name {cluster} --cluster-autoscaler-profile expander=priority
        """,
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.auto_scaler_profile.expander",
        arm="properties.autoScalerProfile.expander",
    ),
)
def scale_out_goes_by_priority(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Scale-out chooses between Spot and regular pools by priority.

    With the random expander nobody decides whether new load goes to Spot first or to regular nodes, so the saving, or
    the stability, is left to chance. A priority list that misses a pool takes it out of service without a word.

    **Fix**: list all autoscaled pools in the ConfigMap first, the highest number first, Spot high for cost or regular
    high for stability; then set the priority expander, which until then would find no list.
    """
    if cluster.has_node_auto_provisioning:
        raise NotApplicable("node auto-provisioning weighs Spot itself")
    scaled = [pool for pool in cluster.pools if pool.is_running and pool.properties.enable_auto_scaling]
    if not any(pool.is_spot for pool in scaled):
        raise NotApplicable("no Spot pool is autoscaled")
    if not any(pool.properties.mode == "User" and not pool.is_spot for pool in scaled):
        raise NotApplicable("no regular user pool is autoscaled beside it")
    expander = cluster.properties.auto_scaler_profile.expander
    if expander != "priority":
        yield Finding(f"the expander is {expander}", _expander_evidence(cluster, scaled))
        return
    priorities = cluster.expander_priorities
    if priorities is None or priorities.is_malformed:
        what = "is not there" if priorities is None else "is no list of priorities"
        yield Finding(f"the ConfigMap of the priority expander {what}", _expander_evidence(cluster, scaled))
        return
    left_out = [pool.name for pool in scaled if not pool.is_chosen_by(priorities)]
    if left_out:
        evidence = {**_expander_evidence(cluster, scaled), "priorities": list(priorities.lines), "leftOut": left_out}
        yield Finding(f"no pattern of the priority expander chooses {', '.join(left_out)}", evidence)


def _expander_evidence(cluster: Cluster, scaled: list[NodePool]) -> dict[str, str | list[str]]:
    return {
        "expander": cluster.properties.auto_scaler_profile.expander,
        "pools": [
            f"{pool.name}: {pool.properties.scale_set_priority}, {pool.properties.mode}, "
            f"{pool.properties.min_count} to {pool.properties.max_count}"
            for pool in scaled
        ],
    }


def _untainted(pool: NodePool | KarpenterNodePool, text: str) -> Finding:
    return Finding(
        text,
        {
            "name": pool.name,
            "taints": [str(taint) for taint in pool.taints],
            **_capacity(pool),
            "workloads": if_known(lambda: _intruders(pool.cluster, pool.nodes)),
        },
        _all_taints(pool),
    )


def _untold(pool: KarpenterNodePool) -> Gap:
    return untold(
        "kubernetes",
        f"NodePool {pool.name} of {pool.cluster.name}",
        "no requirement says whether its nodes may be Spot, and no taint protects them",
        Need.KARPENTER_NODE_POOLS,
    )


def _all_taints(pool: NodePool | KarpenterNodePool) -> dict[str, str]:
    """What fills the command for this kind of pool: its taints and that of Spot."""
    kept = [taint for taint in pool.taints if (taint.key, taint.repels) != (SPOT_TAINT.key, True)]
    if isinstance(pool, NodePool):
        return {"node_taints": ",".join(str(taint) for taint in (*kept, SPOT_TAINT))}
    taints = [{"key": t.key, "value": t.value, "effect": t.effect} for t in (*kept, SPOT_TAINT)]
    patch = {"spec": {"template": {"spec": {"taints": taints}}}}
    return {"karpenter_node_pool": pool.name, "patch": json.dumps(patch)}


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
