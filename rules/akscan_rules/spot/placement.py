"""What the rules on Spot say of where a workload runs, and what lets it."""

from akscan.sdk import Need, PodSpec, Toleration, Workload, if_known

#: What tells where the pods of a workload are.
NEEDS_OF_PLACEMENT = (Need.NODES, Need.PODS, Need.DEPLOYMENTS, Need.STATEFUL_SETS, Need.REPLICA_SETS)
#: Whose other lists can hide a workload, or the way from its pods to it.
OTHER_WORKLOADS = (Need.DAEMON_SETS, Need.JOBS, Need.CRON_JOBS, Need.REPLICATION_CONTROLLERS)


def names_of_spot_nodes(workload: Workload) -> str:
    """For a message; a long list is cut."""
    nodes = [node.name for node in workload.spot_nodes]
    more = f" and {len(nodes) - 3} more" if len(nodes) > 3 else ""  # noqa: PLR2004 as many as a line holds
    return f"Spot node {', '.join(nodes[:3])}{more}"


def where_it_runs(workload: Workload) -> dict[str, str | int | list[str] | None]:
    """Evidence of any workload on Spot."""
    nodes = workload.spot_nodes
    return {
        "kind": workload.kind,
        "replicas": workload.replicas,
        "nodes": [node.name for node in nodes],
        "agentpool": sorted({node.pool for node in nodes} - {""}),
    }


def tolerations_of(spec: PodSpec) -> list[str]:
    """Tolerations as ``key=value:Effect``; an asterisk stands for anything."""
    return [_shown(toleration) for toleration in spec.tolerations or ()]


def _shown(toleration: Toleration) -> str:
    value = "" if toleration.operator == "Exists" else f"={toleration.value}"
    return f"{toleration.key or '*'}{value}:{toleration.effect or '*'}"


def regular_pools(workload: Workload) -> list[str] | str:
    """Where it could run instead: pools, and Karpenter NodePools, of regular capacity."""
    return if_known(lambda: _regular_pools(workload))


def _regular_pools(workload: Workload) -> list[str]:
    spec, cluster = workload.effective_spec, workload.cluster
    pools = [pool.name for pool in cluster.pools if not pool.is_spot and pool.bears(spec)]
    made = [pool.name for pool in cluster.karpenter_node_pools if pool.regular_place.admits(spec)]
    return pools + made
