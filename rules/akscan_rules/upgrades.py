"""Kubernetes versions, node images, maintenance, drains."""

from collections.abc import Iterator
from datetime import timedelta

from akscan.sdk import (
    Cluster,
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
    Reason,
    Severity,
    Workload,
    any_of,
    if_known,
    minor,
    rule,
    version_key,
)

from akscan_rules.calendar import covered_minors, lapse_of_support, support_calendar, support_evidence, unlisted

_POOL_IS_CHANGING = ("Creating", "Upgrading", "Updating", "Deleting")
_PARTS_WITH_PATCH = 3


@rule(
    "UPG-001",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.KUBERNETES_VERSIONS],
    optional_needs=[Need.UPGRADE_PROFILES],
    frameworks={"mcsb": ["PV-6"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/supported-kubernetes-versions",
        "https://learn.microsoft.com/azure/aks/long-term-support",
    ],
    fix=Fix(
        "az aks get-versions --location {location} --output table\n"
        "az aks get-upgrades --resource-group {resource_group} --name {cluster} --output table\n"
        "az aks upgrade --resource-group {resource_group} --name {cluster} --kubernetes-version {target_version}\n"
        "# or keep the minor one year longer\n"
        "az aks update --resource-group {resource_group} --name {cluster} --tier premium"
        " --k8s-support-plan AKSLongTermSupport --auto-upgrade-channel patch",
        Disruption.NODE_REIMAGE,
        terraform="azurerm_kubernetes_cluster.kubernetes_version, .support_plan, .sku_tier",
        arm="properties.kubernetesVersion, properties.supportPlan, sku.tier",
    ),
)
def kubernetes_minor_is_supported(
    cluster: Cluster, inventory: Inventory, *, calendar_fallback: bool = True
) -> Iterator[Finding]:
    """The cluster runs a generally available Kubernetes minor version that its support plan still covers.

    Past the end of support nobody fixes CVEs in the API server, kubelet or AKS components of that minor, support
    tickets are answered with "upgrade first", and AKS may upgrade the cluster by itself once it falls far enough
    behind. Preview versions never enter the SLA.

    **Fix**: upgrade to a supported version that get-upgrades offers: one minor at a time while the version is
    supported; between LTS minors, and from a minor whose support is over, AKS may skip minors (the latter only as an
    upgrade of the whole cluster, and outside of support). The upgrade reimages the nodes, pool by pool. If community
    support is over but long-term support is not, the Premium tier with the LTS plan buys about one year and disturbs
    nothing (from 1.33 on the Ubuntu 22.04 pools must move to Ubuntu 24.04 before). Where no target is offered, or the
    cluster is more than three minors behind, build a new cluster next to it and move the workloads (blue/green) instead
    of upgrading in place.
    """
    lapse = lapse_of_support(cluster, inventory, cluster.version, calendar_fallback=calendar_fallback)
    if not lapse:
        return
    covered = if_known(lambda: covered_minors(cluster, inventory))
    targets = if_known(lambda: inventory.upgrade_targets(cluster))
    yield Finding(
        lapse,
        {
            "currentKubernetesVersion": cluster.version,
            "sku.tier": cluster.resource.sku.tier,
            **support_evidence(cluster, inventory, cluster.version),
            "coveredVersions": covered,
            "upgrades": targets
            if isinstance(targets, str)
            else [f"{version} (preview)" if preview else version for version, preview in targets.items()],
        },
        {"target_version": "" if isinstance(targets, str) else _best_target(targets, covered)},
    )


@rule(
    "UPG-004",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.AGENT_POOLS, Need.KUBERNETES_VERSIONS],
    docs=[
        "https://learn.microsoft.com/azure/aks/upgrade-aks-control-plane",
        "https://learn.microsoft.com/azure/aks/supported-kubernetes-versions",
    ],
    fix=Fix(
        "az aks nodepool get-upgrades --resource-group {resource_group} --cluster-name {cluster}"
        " --nodepool-name {node_pool}\n"
        "az aks nodepool upgrade --resource-group {resource_group} --cluster-name {cluster} --name {node_pool}"
        " --kubernetes-version {control_plane_version}",
        Disruption.NODE_REIMAGE,
        terraform=(
            "azurerm_kubernetes_cluster.default_node_pool.orchestrator_version, "
            "azurerm_kubernetes_cluster_node_pool.orchestrator_version"
        ),
        arm="properties.agentPoolProfiles[].orchestratorVersion",
    ),
)
def pool_follows_control_plane(
    pool: NodePool, inventory: Inventory, *, max_minor_behind: int = 0, max_patches_behind: int = 2
) -> Iterator[Finding]:
    """Node pools run the Kubernetes version of the control plane.

    A pool left behind keeps running an unpatched kubelet and container runtime, loses features the control plane
    already advertises, and blocks the next control plane upgrade as soon as the gap would pass three minors.

    **Fix**: upgrade the pool to the control plane's version, which reimages its nodes; within seven days a failed pool
    upgrade can be reverted with the pool rollback command.
    """
    cluster, properties = pool.cluster, pool.properties
    if properties.provisioning_state in _POOL_IS_CHANGING:
        raise NotApplicable(f"the pool is in state {properties.provisioning_state}")
    excuse = ""
    if cluster.properties.provisioning_state == "Upgrading":
        excuse = "the cluster is being upgraded, one pool after the other"
    elif properties.power_state.code == "Stopped":
        excuse = "the pool is stopped"
    lapsed = _pool_without_support(pool, inventory)
    if excuse:
        yield from lapsed
        raise NotApplicable(excuse)
    yield from any_of(_pool_behind(pool, inventory, max_minor_behind, max_patches_behind), lapsed)


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
        "kubectl scale deployment {workload} --namespace {namespace} --replicas 2\n"
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
        raise NotCollected(_untold(budget, "its status is older than its specification"))
    if budget.object.status.expected_pods == 0:
        raise NotApplicable("the budget covers no pod")
    if all(pod.is_of_daemon_set for pod in budget.pods_read) and budget.pods:
        raise NotApplicable("a drain leaves the pods of DaemonSets alone")
    for blocked in any_of(
        _allows_nothing(budget),
        _allows_nothing_at_floor(budget),
        _waits_for_broken_pods(budget, inventory, timedelta(minutes=grace_minutes)),
        _shares_pods(budget),
    ):
        yield Finding(blocked.message, {**_budget_evidence(budget), **blocked.evidence}, _budget_fill(budget))


# --- what the control plane can go to


def _best_target(targets: dict[str, bool], covered: list[str] | str) -> str:
    """The newest target that is no preview and stays covered; empty where there is none."""
    fitting = [v for v, preview in targets.items() if not preview and (isinstance(covered, str) or minor(v) in covered)]
    return max(fitting, key=version_key, default="")


# --- pools and their control plane


def _pool_without_support(pool: NodePool, inventory: Inventory) -> Iterator[Finding]:
    lapse = lapse_of_support(pool.cluster, inventory, pool.version)
    if lapse:
        yield _pool_finding(pool, inventory, lapse)


def _pool_behind(pool: NodePool, inventory: Inventory, minors: int, patches: int) -> Iterator[Finding]:
    behind = _minors_behind(pool)
    if behind > minors:
        step = "version" if behind == 1 else "versions"
        text = f"{pool.version} is {behind} minor {step} behind the control plane's {pool.cluster.version}"
        yield _pool_finding(pool, inventory, text)
    elif behind == 0:
        missed = _patches_behind(pool, inventory, patches)
        if missed > patches:
            text = f"{pool.version} is {missed} offered patches behind the control plane's {pool.cluster.version}"
            yield _pool_finding(pool, inventory, text)


def _minors_behind(pool: NodePool) -> int:
    own, above = version_key(pool.version), version_key(pool.cluster.version)
    if len(own) < 2 or len(above) < 2:  # noqa: PLR2004 major and minor
        raise NotCollected(unlisted(pool.cluster, f"no Kubernetes version is reported for pool {pool.name}"))
    return above[1] - own[1]


def _patches_behind(pool: NodePool, inventory: Inventory, limit: int) -> int:
    """How many offered patches lie above the pool's and up to the control plane's.

    Where the numbers of the two alone keep within the limit, no list is asked: no more patches can lie between.
    """
    own, above = version_key(pool.version), version_key(pool.cluster.version)
    if len(own) < _PARTS_WITH_PATCH or len(above) < _PARTS_WITH_PATCH:
        raise NotCollected(unlisted(pool.cluster, f"no patch version is reported for pool {pool.name}"))
    if above[2] - own[2] <= limit:
        return above[2] - own[2]
    row = inventory.offered_version(pool.cluster, pool.version)
    if row is None or not row.patch_versions:
        raise NotCollected(unlisted(pool.cluster, f"no patches of Kubernetes {minor(pool.version)} are listed"))
    return len({key for key in map(version_key, row.patch_versions) if own < key <= above})


def _pool_finding(pool: NodePool, inventory: Inventory, text: str) -> Finding:
    return Finding(
        text,
        {
            "currentKubernetesVersion": pool.cluster.version,
            "name": pool.name,
            "mode": pool.properties.mode,
            "currentOrchestratorVersion": pool.version,
            "minorsBehind": if_known(lambda: _minors_behind(pool)),
            "maxMinorsBehind": support_calendar().policy.max_minor_skew_pool,
            **support_evidence(pool.cluster, inventory, pool.version),
        },
        {"control_plane_version": pool.cluster.version},
    )


# --- budgets


def _allows_nothing(budget: DisruptionBudget) -> Iterator[Finding]:
    status = budget.object.status
    if status.desired_healthy >= status.expected_pods:
        yield Finding(f"{status.desired_healthy} of {status.expected_pods} pods must stay, so none may be evicted")


def _allows_nothing_at_floor(budget: DisruptionBudget) -> Iterator[Finding]:
    if budget.object.spec.min_available is None:
        return
    workloads = budget.workloads
    scaled = [workload for workload in workloads if workload.autoscaler]
    floor = sum(map(_least_pods, workloads))
    must_stay = budget.object.min_available_of(floor)
    if scaled and must_stay >= floor:
        names = ", ".join(f"{workload.kind} {workload.name}" for workload in scaled)
        yield Finding(
            f"once the autoscaler leaves {floor} pods of {names}, {must_stay} must stay, so none may be evicted",
            {"minReplicas": floor},
        )


def _least_pods(workload: Workload) -> int:
    if workload.autoscaler:
        return max(1, workload.autoscaler.min_replicas)
    return len(workload.pods_read) if workload.floor is None else workload.floor


def _waits_for_broken_pods(budget: DisruptionBudget, inventory: Inventory, grace: timedelta) -> Iterator[Finding]:
    status = budget.object.status
    since = budget.object.disallowed_since
    restarting = since is not None and inventory.collected_at - since < grace
    protected = budget.object.spec.unhealthy_pod_eviction_policy == "IfHealthyBudget"
    if status.current_healthy < status.desired_healthy and protected and not restarting:
        yield Finding(
            f"{status.current_healthy} of {status.desired_healthy} pods that must stay are healthy; broken ones block",
            {"disallowedSince": since.isoformat() if since else None},
        )


def _shares_pods(budget: DisruptionBudget) -> Iterator[Finding]:
    others = list(budget.rivals_read)
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
    deployments = [] if isinstance(workloads, str) else [w.name for w in workloads if w.kind == "Deployment"]
    names = [] if isinstance(pools, str) else [pool.name for pool in pools]
    return {"workload": next(iter(deployments), ""), "node_pool": next(iter(names), "")}


def _untold(budget: DisruptionBudget, detail: str) -> Gap:
    return Gap(
        source="kubernetes",
        scope=f"budget {budget.namespace}/{budget.name}",
        reason=Reason.UNKNOWN,
        permission=Need.POD_DISRUPTION_BUDGETS,
        detail=detail,
    )
