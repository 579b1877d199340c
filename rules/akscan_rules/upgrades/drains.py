"""Draining nodes: budgets that allow it, budgets that are missing, pods that end in time."""

from collections.abc import Iterator
from datetime import timedelta

from akscan.sdk import (
    Allowance,
    Disruption,
    DisruptionBudget,
    EvidenceValue,
    Finding,
    Fix,
    Gap,
    Inventory,
    Need,
    NodePool,
    NotApplicable,
    NotCollected,
    Pillar,
    Pod,
    Severity,
    Workload,
    any_of,
    if_known,
    rule,
    untold,
)

_DRAIN_MINUTES = 30
_LONGEST_DRAIN_MINUTES = 24 * 60
_MARGIN_MINUTES = 5
_MOST_SHOWN = 10
_TEMPLATE_HASH = "pod-template-hash"


@rule(
    "UPG-014",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.AGENT_POOLS, Need.NODES, Need.PODS],
    optional_needs=[
        Need.DEPLOYMENTS,
        Need.REPLICA_SETS,
        Need.STATEFUL_SETS,
        Need.JOBS,
        Need.CRON_JOBS,
        Need.REPLICATION_CONTROLLERS,
    ],
    docs=["https://learn.microsoft.com/azure/aks/upgrade-aks-node-pools-rolling"],
    fix=Fix(
        "az aks nodepool update --resource-group {resource_group} --cluster-name {cluster} --name {node_pool}"
        " --drain-timeout {minutes}",
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster_node_pool.upgrade_settings.drain_timeout_in_minutes",
        arm="properties.agentPoolProfiles[].upgradeSettings.drainTimeoutInMinutes",
    ),
)
def pods_end_within_the_drain_timeout(pool: NodePool, inventory: Inventory) -> Iterator[Finding]:
    """Pods can terminate within the drain timeout of their node pool.

    AKS gives up on a node when the timeout passes while a pod is still shutting down, and the whole upgrade fails half
    way.

    **Fix**: raise the drain timeout above the longest grace period (5 minutes to 24 hours are allowed), or shorten the
    grace period if the application does not need it.
    """
    if pool.is_spot:
        raise NotApplicable("Spot nodes are upgraded without a drain")
    if pool.properties.power_state.code == "Stopped":
        raise NotApplicable("the pool is stopped")
    if pool.nodes_now == 0:
        raise NotApplicable("the pool has no nodes")
    stated = pool.properties.upgrade_settings.drain_timeout_in_minutes
    limit = 60 * (_DRAIN_MINUTES if stated is None else stated)
    drain = pool.cluster.drain
    graces = [(pod, drain.grace_seconds(pod)) for pod in drain.known_evictions(pool)]
    slow = [(pod, seconds) for pod, seconds in graces if seconds is not None and seconds >= limit]
    if slow:
        worst = max(seconds for _, seconds in slow)
        wanted = worst // 60 + _MARGIN_MINUTES
        yield Finding(
            f"a pod may take {worst} s to end, and a drain gives up after {limit} s",
            {
                "drainTimeoutInMinutes": stated,
                "workloads": sorted({f"{_owner(pool, pod)}: {seconds} s" for pod, seconds in slow}),
            },
            {"minutes": str(wanted) if wanted <= _LONGEST_DRAIN_MINUTES else ""},
        )
    pool.cluster.lists.pods.complete()
    pool.cluster.lists.nodes.complete()
    for pod in (pod for pod, seconds in graces if seconds is None):
        raise NotCollected(_untold(f"Pod {pod.namespace}/{pod.name}", Need.PODS, "it is terminating"))


@rule(
    "UPG-015",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.DEPLOYMENTS,
        Need.STATEFUL_SETS,
        Need.HORIZONTAL_POD_AUTOSCALERS,
        Need.POD_DISRUPTION_BUDGETS,
    ],
    optional_needs=[Need.RESOURCE_GROUPS],
    docs=[
        "https://learn.microsoft.com/azure/aks/operator-best-practices-scheduler",
        "https://learn.microsoft.com/azure/aks/automatic-pod-disruption-budget-management",
    ],
    fix=Fix(
        "kubectl create poddisruptionbudget {name} --namespace {namespace} --selector {label_selector}"
        " --max-unavailable 1",
        Disruption.NONE,
        terraform="kubernetes_pod_disruption_budget_v1.spec (manifest: PodDisruptionBudget.spec.selector)",
    ),
)
def replicas_have_a_budget(
    workload: Workload, inventory: Inventory, *, min_replicas: int = 2, ignore_non_production: bool = True
) -> Iterator[Finding]:
    """Replicated workloads are covered by a pod disruption budget.

    A drain evicts every pod of a node at once. Without a budget a node image roll-out can take all replicas of a
    service down together, although enough replicas exist.

    **Fix**: add a budget with maxUnavailable 1 (or a percentage for large sets); the AKS automatic PDB management
    extension (preview) can create budgets for Deployments by itself. Its selector must not take in pods that another
    budget guards: a pod with two budgets is never evicted (UPG-016).
    """
    if workload.kind not in ("Deployment", "StatefulSet"):
        raise NotApplicable(f"a {workload.kind} is not meant")
    if workload.namespace in workload.cluster.system_namespaces:
        raise NotApplicable("the workload is the platform's")
    if ignore_non_production and inventory.is_non_production(workload.cluster):
        raise NotApplicable("the cluster is not in production")
    floor = workload.floor
    if floor is None or floor < min_replicas:
        raise NotApplicable("its controller is gone" if floor is None else f"it may come down to {floor} pods")
    known = workload.cluster.drain.known_budgets(workload.namespace, workload.pod_labels)
    if any(budget.status.expected_pods > 0 for budget in known):
        return
    workload.cluster.lists.pod_disruption_budgets.complete()
    empty = workload.cluster.drain.known_idle_budgets.get(workload.namespace, ())
    scaler = workload.autoscaler
    labels = {key: value for key, value in workload.pod_labels.items() if key != _TEMPLATE_HASH}
    yield Finding(
        f"no disruption budget guards the {floor} pods that it has at least",
        {
            "kind": workload.kind,
            "replicas": workload.replicas,
            "minReplicas": scaler.min_replicas if scaler else None,
            "maxReplicas": scaler.spec.max_replicas if scaler else None,
            "budgetsThatSelectNothing": [budget.name for budget in empty[:_MOST_SHOWN]],
        },
        {"label_selector": ",".join(f"{key}={value}" for key, value in labels.items())},
    )


@rule(
    "UPG-016",
    Severity.HIGH,
    Pillar.RELIABILITY,
    needs=[
        Need.POD_DISRUPTION_BUDGETS,
        Need.PODS,
        Need.HORIZONTAL_POD_AUTOSCALERS,
        Need.DEPLOYMENTS,
        Need.STATEFUL_SETS,
        Need.REPLICA_SETS,
    ],
    optional_needs=[
        Need.AGENT_POOLS,
        Need.NODES,
        Need.DAEMON_SETS,
        Need.JOBS,
        Need.CRON_JOBS,
        Need.REPLICATION_CONTROLLERS,
    ],
    docs=[
        "https://learn.microsoft.com/azure/aks/upgrade-options",
        "https://learn.microsoft.com/azure/aks/upgrade-conceptual",
    ],
    fix=Fix(
        "kubectl get pdb --all-namespaces\n"
        "kubectl patch pdb {name} --namespace {namespace} --type merge -p"
        ' \'{"spec":{"minAvailable":null,"maxUnavailable":1,"unhealthyPodEvictionPolicy":"AlwaysAllow"}}\'\n'
        "# where there is one replica only, and no autoscaler\n"
        "kubectl scale {workload_kind} {workload} --namespace {namespace} --replicas 2\n"
        "az aks nodepool update --resource-group {resource_group} --cluster-name {cluster} --name {node_pool}"
        " --undrainable-node-behavior Cordon",
        Disruption.NONE,
        terraform=(
            "kubernetes_pod_disruption_budget_v1.spec.{min_available,max_unavailable}"
            " (manifest: PodDisruptionBudget.spec)"
        ),
        arm="properties.agentPoolProfiles[].upgradeSettings.undrainableNodeBehavior",
    ),
)
def budget_lets_nodes_be_drained(
    budget: DisruptionBudget, inventory: Inventory, *, grace_minutes: int = 15
) -> Iterator[Finding]:
    """Pod disruption budgets let nodes be drained.

    One budget that allows no eviction stops the drain of its node, and with the default undrainable-node behaviour the
    whole AKS upgrade fails: no patches and no version until somebody deletes the budget in the middle of the night.

    **Fix**: use maxUnavailable 1 instead of a minAvailable that equals the replica count, run at least two replicas,
    set unhealthyPodEvictionPolicy to AlwaysAllow, keep one PDB per pod. As a safety net set undrainable nodes to Cordon
    so that the other nodes go on.
    """
    if budget.is_aks_managed:
        raise NotApplicable("the budget is the platform's")
    if budget.is_stale:
        name = f"budget {budget.namespace}/{budget.name}"
        raise NotCollected(_untold(name, Need.POD_DISRUPTION_BUDGETS, "its status is older than its specification"))
    if budget.object.status.expected_pods == 0:
        raise NotApplicable("the budget covers no pod")
    if all(pod.is_of_daemon_set for pod in budget.pods_read) and budget.pods:
        raise NotApplicable("a drain leaves the pods of DaemonSets alone")
    for blocked in any_of(
        _closed(budget),
        _closed_at_floor(budget),
        _waits_for_broken_pods(budget, inventory, timedelta(minutes=grace_minutes)),
        _shares_pods(budget),
    ):
        yield Finding(blocked.message, {**_budget_evidence(budget), **blocked.evidence}, _budget_fill(budget))


def _owner(pool: NodePool, pod: Pod) -> str:
    owner = pool.cluster.drain.known_workload(pod)
    return f"{owner.kind} {owner.namespace}/{owner.name}" if owner else f"Pod {pod.namespace}/{pod.name}"


# --- budgets


def _closed(budget: DisruptionBudget) -> Iterator[Finding]:
    allowance = Allowance.now(budget.object)
    if allowance.is_closed:
        yield Finding(f"{allowance.desired} of {allowance.expected} pods must stay, so none may be evicted")


def _closed_at_floor(budget: DisruptionBudget) -> Iterator[Finding]:
    at_floor = budget.at_floor
    if at_floor and at_floor.is_closed:
        names = ", ".join(f"{workload.kind} {workload.name}" for workload in budget.scaled_workloads)
        yield Finding(
            f"once the autoscaler leaves {at_floor.expected} pods of {names}, {at_floor.desired} must stay,"
            " so none may be evicted",
            {"minReplicas": at_floor.expected},
        )


def _waits_for_broken_pods(budget: DisruptionBudget, inventory: Inventory, grace: timedelta) -> Iterator[Finding]:
    allowance = Allowance.now(budget.object)
    since = budget.object.disallowed_since
    restarting = since is not None and inventory.collected_at - since < grace
    if allowance.waits_for_broken_pods and not restarting:
        text = f"{allowance.healthy} of {allowance.desired} pods that must stay are healthy"
        if allowance.desired == 0:
            text = f"none of {allowance.expected} pods is healthy"
        yield Finding(f"{text}; broken ones block", {"disallowedSince": since.isoformat() if since else None})


def _shares_pods(budget: DisruptionBudget) -> Iterator[Finding]:
    others = sorted(other.name for other in budget.cluster.drain.known_rivals(budget.object))
    if others:
        yield Finding(
            f"{', '.join(others)} selects the same pods, and the eviction API refuses pods with two budgets",
            {"sharedWith": others},
        )
    budget.cluster.lists.pod_disruption_budgets.complete()
    budget.cluster.lists.pods.complete()


def _budget_evidence(budget: DisruptionBudget) -> dict[str, EvidenceValue | list[str]]:
    spec, status = budget.object.spec, budget.object.status
    return {
        "namespace": budget.namespace,
        "name": budget.name,
        "minAvailable": spec.min_available,
        "maxUnavailable": spec.max_unavailable,
        "unhealthyPodEvictionPolicy": spec.unhealthy_pod_eviction_policy,
        "expectedPods": status.expected_pods,
        "desiredHealthy": status.desired_healthy,
        "currentHealthy": status.current_healthy,
        "disruptionsAllowed": status.disruptions_allowed,
        "workloads": if_known(lambda: [_scale(workload) for workload in budget.workloads]),
        "pools": if_known(lambda: [_drain_settings(pool) for pool in budget.node_pools]),
    }


def _scale(workload: Workload) -> str:
    scaler = workload.autoscaler
    bounds = f", minReplicas {scaler.min_replicas}, maxReplicas {scaler.spec.max_replicas}" if scaler else ""
    return f"{workload.kind} {workload.name}: replicas {workload.replicas}{bounds}"


def _drain_settings(pool: NodePool) -> str:
    settings = pool.properties.upgrade_settings
    minutes = settings.drain_timeout_in_minutes
    timeout = "" if minutes is None else f", drainTimeoutInMinutes {minutes}"
    return f"{pool.name}: undrainableNodeBehavior {settings.undrainable_node_behavior}{timeout}"


def _budget_fill(budget: DisruptionBudget) -> dict[str, str]:
    workloads = if_known(lambda: budget.workloads)
    pools = if_known(lambda: budget.node_pools)
    single = [] if isinstance(workloads, str) else [w.placeholders() for w in workloads if w.replicas == 1]
    names = [] if isinstance(pools, str) else [pool.name for pool in pools]
    return {
        "workload_kind": single[0]["kind"] if single else "",
        "workload": single[0]["name"] if single else "",
        "node_pool": next(iter(names), ""),
    }


def _untold(scope: str, need: Need, detail: str) -> Gap:
    return untold("kubernetes", scope, detail, need)
