"""Who should be on Spot, and who is there by accident."""

from collections.abc import Iterator
from decimal import Decimal

from akscan.sdk import (
    Cluster,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    Workload,
    if_known,
    prefers_spot,
    requires_spot,
    rule,
)

from akscan_rules.spot.placement import NEEDS_OF_PLACEMENT, tolerations_of
from akscan_rules.spot.state import STORAGE_NEEDS

_KINDS = ("Deployment", "StatefulSet", "ReplicaSet", "Job", "CronJob")
_SYSTEM_PRIORITIES = ("system-cluster-critical", "system-node-critical")
_NOTICE_SECONDS = 30
_WORKERS = 3
#: As many candidates as a reader looks through.
_SHOWN = 20
#: The series without Spot offers (https://learn.microsoft.com/azure/virtual-machines/spot-vms#limitations).
_NO_SPOT_OFFER = ("standard_b", "_promo")


@rule(
    "SPT-009",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.AGENT_POOLS, *NEEDS_OF_PLACEMENT, Need.JOBS, Need.CRON_JOBS],
    docs=[
        "https://learn.microsoft.com/azure/aks/spot-node-pool",
        "https://learn.microsoft.com/azure/aks/operator-best-practices-advanced-scheduler",
    ],
    fix=Fix(
        """
        kubectl get {kind} {name} --namespace {namespace} --output yaml
        kubectl edit {kind} {name} --namespace {namespace}
        """,
        Disruption.WORKLOAD_RESTART,
        terraform="kubernetes_deployment_v1.spec.template.spec.toleration (manifest: spec.template.spec.tolerations)",
    ),
)
def spot_is_reached_on_purpose(workload: Workload, inventory: Inventory) -> Iterator[Finding]:
    """Workloads reach Spot on purpose, not through a blanket toleration.

    A toleration for everything, copied from an agent's chart, also tolerates the Spot taint. Whoever wrote it did not
    decide that the service may vanish with 30 seconds notice.

    **Fix**: name the taints the workload really has to tolerate, then drop the toleration without a key; if Spot is
    wanted, say so with the Spot toleration and a preferred affinity.
    """
    if workload.kind not in _KINDS or workload.template is None:
        raise NotApplicable(f"a {workload.kind} is not meant")
    if workload.namespace in workload.cluster.system_namespaces:
        raise NotApplicable("the workload is the platform's")
    if not workload.cluster.spot.exists:
        raise NotApplicable("the cluster has no Spot capacity")
    spec = workload.template.spec
    if not workload.tolerates_spot or workload.tolerates_spot_by_name or requires_spot(spec) or prefers_spot(spec):
        return
    if workload.cluster.spot.admits(spec):
        yield Finding(
            "it tolerates every taint, Spot among them",
            {
                "kind": workload.kind,
                "replicas": workload.replicas,
                "tolerations": tolerations_of(spec),
                "nodes": if_known(lambda: [node.name for node in workload.spot_nodes]),
            },
        )


@rule(
    "SPT-011",
    Severity.INFO,
    Pillar.COST,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.AGENT_POOLS,
        Need.DEPLOYMENTS,
        Need.REPLICA_SETS,
        Need.PODS,
        Need.JOBS,
        Need.CRON_JOBS,
    ],
    optional_needs=[*STORAGE_NEEDS, Need.SERVICES, Need.HORIZONTAL_POD_AUTOSCALERS, Need.RESOURCE_GROUPS],
    docs=[
        "https://learn.microsoft.com/azure/aks/spot-node-pool",
        "https://learn.microsoft.com/azure/aks/best-practices-cost",
    ],
    fix=Fix(
        "az aks nodepool add --resource-group {resource_group} --cluster-name {cluster} --name spot1 --priority Spot"
        " --eviction-policy Delete --spot-max-price -1 --enable-cluster-autoscaler --min-count 0 --max-count 10"
        " --node-vm-size Standard_D4as_v5",
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster_node_pool.priority",
        arm="properties.agentPoolProfiles[].scaleSetPriority",
    ),
)
def interruptible_work_is_on_spot(
    cluster: Cluster, inventory: Inventory, *, min_total_vcpus: int = 8, spot_allowed: bool = True
) -> Iterator[Finding]:
    """Interruptible work is a candidate for Spot.

    Spot nodes cost a fraction of the regular price for the same size. Work that retries by itself, or that nobody waits
    for, does not need the guarantee it is paying for.

    **Fix**: add a tainted, autoscaled Spot pool with minimum zero and move the batch work first: toleration, preferred
    affinity, retries, checkpoints. With node auto-provisioning, make a tainted NodePool of capacity type spot instead.
    """
    if not spot_allowed:
        raise NotApplicable("Spot is not allowed, says spot_allowed")
    if cluster.location.casefold().startswith("china"):
        raise NotApplicable("Azure offers no Spot in China")
    asked = {workload: _known_vcpus(workload, inventory) for workload in cluster.workload_set.items}
    candidates = {w: cpu for w, cpu in asked.items() if isinstance(cpu, Decimal) and cpu}
    total = sum(candidates.values(), Decimal(0))
    if total >= min_total_vcpus:
        what = "1 workload that may be interrupted requests"
        if len(candidates) != 1:
            what = f"{len(candidates)} workloads that may be interrupted request"
        text = f"{what} {total:.1f} vCPUs of regular capacity"
        yield Finding(text, _candidate_evidence(cluster, candidates))
        return
    for workload in (w for w, cpu in asked.items() if isinstance(cpu, str)):
        _vcpus(workload, inventory)
    for listing in (cluster.lists.deployments, cluster.lists.jobs, cluster.lists.cron_jobs):
        listing.complete()


def _known_vcpus(workload: Workload, inventory: Inventory) -> Decimal | str:
    return if_known(lambda: _vcpus(workload, inventory))


def _vcpus(workload: Workload, inventory: Inventory) -> Decimal:
    """What a candidate requests; 0 of what is none. Raises `NotCollected` where nobody knows whether it is one."""
    if not _may_be_interrupted(workload, inventory):
        return Decimal(0)
    spec = workload.effective_spec
    if spec.grace_period_seconds > _NOTICE_SECONDS or spec.priority_class_name in _SYSTEM_PRIORITIES:
        return Decimal(0)
    if any(mount.claim.is_exclusive or mount.is_on_node for mount in workload.mounts):
        return Decimal(0)
    return _pods(workload) * spec.request("cpu")


def _pods(workload: Workload) -> int:
    """How many run now; of a CronJob, how many run at its time, none while it is suspended."""
    job = workload.job_spec
    if workload.kind == "CronJob" and job is not None:
        if not workload.is_to_run:
            return 0
        return 1 if job.parallelism is None else job.parallelism
    return sum(pod.is_active for pod in workload.pods)


def _may_be_interrupted(workload: Workload, inventory: Inventory) -> bool:
    cluster, job = workload.cluster, workload.job_spec
    if workload.namespace in cluster.system_namespaces or workload.template is None or workload.tolerates_spot:
        return False
    if job is not None:
        return job.retries > 0
    if workload.kind != "Deployment":
        return False
    worker = (workload.floor or 0) >= _WORKERS and not workload.services
    return worker or inventory.is_non_production(cluster)


def _candidate_evidence(cluster: Cluster, candidates: dict[Workload, Decimal]) -> dict[str, str | int | list[str]]:
    largest = sorted(candidates.items(), key=lambda pair: (-pair[1], pair[0].namespace, pair[0].name))
    memory = sum(_pods(workload) * workload.effective_spec.request("memory") for workload in candidates)
    sizes = (str(pool.properties.vm_size) for pool in cluster.pools)
    return {
        "candidates": [_shown(workload, cpu) for workload, cpu in largest[:_SHOWN]],
        "vcpus": f"{sum(candidates.values()):.1f}",
        "memoryGiB": f"{memory / 2**30:.1f}",
        "spotPools": [pool.name for pool in cluster.spot.pools],
        "sizesWithoutSpotOffer": sorted({size for size in sizes if _has_no_offer(size)}),
    }


def _shown(workload: Workload, cpu: Decimal) -> str:
    schedule = f", {workload.schedule}" if workload.schedule else ""
    return f"{workload.kind} {workload.namespace}/{workload.name}: {cpu:.1f} vCPUs{schedule}"


def _has_no_offer(size: str) -> bool:
    series, suffix = _NO_SPOT_OFFER
    return size.casefold().startswith(series) or size.casefold().endswith(suffix)
