"""What an eviction interrupts."""

import json
from collections.abc import Iterator

from akscan.sdk import (
    Disruption,
    Finding,
    Fix,
    Inventory,
    Job,
    Need,
    NotApplicable,
    Pillar,
    PodSpec,
    Severity,
    Workload,
    any_of,
    if_known,
    requires_spot,
    rule,
)

from akscan_rules.spot.placement import NEEDS_OF_PLACEMENT, OTHER_WORKLOADS, tolerations_of, where_it_runs

_JOBS = ("Job", "CronJob")
#: Less than the notice, to leave room.
_GRACE_SECONDS = 25


@rule(
    "SPT-007",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[*NEEDS_OF_PLACEMENT],
    optional_needs=[*OTHER_WORKLOADS, Need.POD_DISRUPTION_BUDGETS, Need.MANAGED_CLUSTERS],
    docs=[
        "https://learn.microsoft.com/azure/aks/node-auto-drain",
        "https://learn.microsoft.com/azure/virtual-machines/spot-vms",
    ],
    fix=Fix(
        """
        kubectl patch {kind} {name} --namespace {namespace} --type merge --patch {patch}
        kubectl patch pdb {pdb} --namespace {namespace} --type merge -p '{"spec":{"minAvailable":null,"maxUnavailable":1}}'
        """,  # noqa: E501 a command stands on one line
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "kubernetes_deployment_v1.spec.template.spec.termination_grace_period_seconds "
            "(manifest: spec.template.spec.terminationGracePeriodSeconds)"
        ),
    ),
)
def pods_finish_within_the_notice(
    workload: Workload, inventory: Inventory, *, notice_seconds: int = 30, checkpoint_key: str = ""
) -> Iterator[Finding]:
    """Pods on Spot can finish within the eviction notice.

    Azure announces an eviction about 30 seconds ahead, best effort. Whatever shuts down more slowly is cut off in the
    middle of a request or a write. AKS uses the notice to cordon and drain, and a PDB that allows no eviction blocks
    that drain, but never the eviction itself. (Jobs that checkpoint are left out by `checkpoint_key`, a label or
    annotation.)

    **Fix**: shorten grace period and preStop below 30 seconds (25 leaves some room), make work restartable with
    checkpoints, and give the PDB at least one allowed disruption. Shorten preStop together with the grace period, or
    the hook alone uses it up.
    """
    if workload.kind == "DaemonSet":
        raise NotApplicable("agents belong on every node")
    if workload.is_aks_managed:
        raise NotApplicable("the workload is the platform's")
    if checkpoint_key and workload.kind in _JOBS and workload.has_mark(checkpoint_key):
        raise NotApplicable(f"it checkpoints, says {checkpoint_key}")
    spec = workload.effective_spec
    if workload.spot_nodes or (workload.tolerates_spot and requires_spot(spec)):
        yield from any_of(_slow(workload, spec, notice_seconds), _undrainable(workload))


def _slow(workload: Workload, spec: PodSpec, notice_seconds: int) -> Iterator[Finding]:
    grace = spec.grace_period_seconds
    hooks = {c.name: c.pre_stop_pause_seconds for c in spec.all_containers if c.pre_stop_pause_seconds}
    evidence = {
        **where_it_runs(workload),
        "terminationGracePeriodSeconds": grace,
        "preStopSeconds": [f"{name}: {seconds}" for name, seconds in hooks.items()],
    }
    fill = _shorter(workload, spec)
    if grace > notice_seconds:
        yield Finding(f"its pods may take {grace} seconds to end", evidence, fill)
    slow = {name: f"{name} sleeps {seconds} seconds" for name, seconds in hooks.items() if seconds >= notice_seconds}
    if slow:
        yield Finding(f"before it stops, {', '.join(slow.values())}", evidence, fill, containers=list(slow))


def _shorter(workload: Workload, spec: PodSpec) -> dict[str, str]:
    """The patch of the manifest, where it can be patched."""
    patch: dict[str, object] = {"terminationGracePeriodSeconds": min(_GRACE_SECONDS, spec.grace_period_seconds)}
    for step in reversed(workload.spec_path.split("/")[1:]):
        patch = {step: patch}
    return {"patch": json.dumps(patch)} if workload.spec_path else {}


def _undrainable(workload: Workload) -> Iterator[Finding]:
    for budget in workload.cluster.drain.known_budgets(workload.namespace, workload.pod_labels):
        status = budget.status
        if 0 < status.expected_pods <= status.desired_healthy:
            yield Finding(
                f"PodDisruptionBudget {budget.name} lets none of {status.expected_pods} pods go",
                {
                    **where_it_runs(workload),
                    "budget": budget.name,
                    "expectedPods": status.expected_pods,
                    "desiredHealthy": status.desired_healthy,
                },
                {"pdb": budget.name, **_shorter(workload, workload.effective_spec)},
            )
    workload.cluster.lists.pod_disruption_budgets.complete()


@rule(
    "SPT-010",
    Severity.LOW,
    Pillar.RELIABILITY,
    needs=[Need.AGENT_POOLS, Need.NODES, Need.PODS, Need.JOBS, Need.CRON_JOBS],
    docs=["https://learn.microsoft.com/azure/aks/spot-node-pool"],
    fix=Fix(
        "kubectl get {kind} {name} --namespace {namespace} --output yaml",
        Disruption.NONE,
        terraform=(
            "kubernetes_job_v1.spec.{backoff_limit,pod_failure_policy} "
            "(manifest: Job.spec.backoffLimit, podFailurePolicy)"
        ),
    ),
)
def jobs_survive_an_eviction(
    workload: Workload,
    inventory: Inventory,
    *,
    retrying_groups: tuple[str, ...] = ("argoproj.io", "tekton.dev", "kueue.x-k8s.io"),
) -> Iterator[Finding]:
    """Jobs on Spot survive an eviction.

    Batch work is the best customer of Spot, but with a retry limit of zero the first eviction fails the whole job, and
    the nightly run is missed for a reason that has nothing to do with the job.

    **Fix**: add a podFailurePolicy that ignores DisruptionTarget (evictions then do not count), or allow retries;
    checkpoint jobs that run for hours. A Job cannot be changed: make it anew; of a CronJob the next run uses it.
    """
    job = workload.job_spec
    if job is None:
        raise NotApplicable(f"a {workload.kind} is no job of Kubernetes")
    if workload.namespace in workload.cluster.system_namespaces:
        raise NotApplicable("the workload is the platform's")
    owners = workload.metadata.owner_references or ()
    if any(owner.api_version.partition("/")[0] in retrying_groups for owner in owners):
        raise NotApplicable("what owns it tries again")
    if job.backoff_limit_per_index:
        raise NotApplicable("each index tries again")
    # by index the API server sets a backoffLimit without bound, and the first eviction fails its index for good
    by_index = job.backoff_limit_per_index is not None
    if (job.retries and not by_index) or job.ignores_disruptions:
        return
    if workload.tolerates_spot_by_name or workload.spot_nodes:
        limit = "backoffLimitPerIndex" if by_index and job.retries else "backoffLimit"
        yield Finding(f"{limit} is 0, and an eviction counts", _job_evidence(workload))


def _job_evidence(workload: Workload) -> dict[str, str | int | list[str] | None]:
    job = workload.job_spec
    template = workload.template
    return {
        "kind": workload.kind,
        "backoffLimit": job.backoff_limit if job else None,
        "backoffLimitPerIndex": job.backoff_limit_per_index if job else None,
        "completions": job.completions if job else None,
        "parallelism": job.parallelism if job else None,
        "restartPolicy": template.spec.restart_policy if template else "",
        "tolerations": tolerations_of(template.spec) if template else [],
        "nodes": if_known(lambda: [node.name for node in workload.spot_nodes]),
        "durationSeconds": [str(seconds) for run in _runs(workload) if (seconds := run.duration_seconds) is not None],
    }


def _runs(workload: Workload) -> tuple[Job, ...]:
    return workload.cluster.jobs_by_owner.get(workload.controller.key, ())[-5:] if workload.controller else ()
