"""What workloads may do and what they state about themselves."""

from collections.abc import Iterator, Mapping

from akscan.sdk import (
    Container,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    PodSpec,
    Severity,
    Workload,
    rule,
)

_NEEDS = (
    Need.PODS,
    Need.DEPLOYMENTS,
    Need.REPLICA_SETS,
    Need.STATEFUL_SETS,
    Need.DAEMON_SETS,
    Need.JOBS,
    Need.CRON_JOBS,
    Need.REPLICATION_CONTROLLERS,
)


@rule(
    "WKL-002",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=_NEEDS,
    optional_needs=[Need.MANAGED_CLUSTERS, Need.NAMESPACES],
    frameworks={
        "cis_aks": ["4.2.1"],
        "mcsb": ["PV-2"],
        "nsa_cisa": ["C-0057"],
        "pss": ["baseline: Privileged Containers", "baseline: HostProcess"],
        "nist_800_53": ["CM-6"],
        "mitre": ["Privilege escalation"],
    },
    docs=[
        "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        "https://learn.microsoft.com/azure/aks/developer-best-practices-pod-security",
    ],
    fix=Fix(
        """
        kubectl patch {kind} {name} --namespace {namespace} --type json --patch '[{"op":"remove","path":"{field_path}"}]'
        """,  # noqa: E501 a command stands on one line
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "kubernetes_deployment_v1.spec.template.spec.container.security_context.privileged"
            " (manifest: spec.template.spec.containers[].securityContext.privileged)"
        ),
    ),
)
def no_container_is_privileged(
    workload: Workload, inventory: Inventory, *, ignored_workloads: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """No container is privileged or a Windows HostProcess.

    A privileged container holds all capabilities and all devices and can mount the node's disk, so its compromise is
    the node's compromise, with the kubelet's credentials and every Secret mounted there. HostProcess is the same on
    Windows.

    **Fix**: remove the flag and add only the capability that is needed; where an agent really needs it, give it a
    namespace of its own with few writers, and name it as `namespace/name` in `ignored_workloads`. The workload rolls
    once; a bare pod or a Job has to be deleted and made anew, since its spec cannot be changed.
    """
    if workload.is_aks_managed:
        raise NotApplicable("AKS manages the workload")
    if f"{workload.namespace}/{workload.name}" in ignored_workloads:
        raise NotApplicable("the workload is in ignored_workloads")
    spec = workload.effective_spec
    found = [(container, field) for container in spec.all_containers for field in _powers_over_node(spec, container)]
    if found:
        yield Finding(
            f"{', '.join(f'{container.name} ({field})' for container, field in found)} can take over the node",
            {
                "containers": [f"{container.name} ({container.image}): {field}" for container, field in found],
                "serviceAccountName": spec.service_account_name or "default",
                "kind": workload.kind,
                "onEveryNode": workload.kind == "DaemonSet",
            },
            {"field_path": _first_flag_path(workload)},
            containers=[container.name for container, _ in found],
        )


def _powers_over_node(spec: PodSpec, container: Container) -> Iterator[str]:
    """The fields that lift the border between container and node."""
    if spec.is_privileged(container):
        yield "privileged"
    if spec.is_host_process(container):
        yield "hostProcess"


def _first_flag_path(workload: Workload) -> str:
    """Where the workload's manifest sets the first of the flags, as a JSON pointer; empty where it does not, since
    admission or a debugging session did, and where it cannot be changed.
    """
    if workload.template is None or not workload.spec_path:
        return ""
    spec = workload.template.spec
    for section, containers in (("containers", spec.containers), ("initContainers", spec.init_containers or ())):
        for position, container in enumerate(containers):
            path = f"{workload.spec_path}/{section}/{position}/securityContext"
            if spec.is_privileged(container):
                return f"{path}/privileged"
            if spec.is_host_process(container):
                options = container.security_context.windows_options if container.security_context else None
                inherited = options is None or options.host_process is None
                context = f"{workload.spec_path}/securityContext" if inherited else path
                return f"{context}/windowsOptions/hostProcess"
    return ""


@rule(
    "WKL-012",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=_NEEDS,
    optional_needs=[Need.MANAGED_CLUSTERS, Need.NAMESPACES],
    frameworks={"mcsb": ["PV-2"], "nsa_cisa": ["C-0270", "C-0271"], "nist_800_53": ["CM-6"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/developer-best-practices-resource-management",
        "https://learn.microsoft.com/azure/aks/deployment-safeguards",
    ],
    fix=Fix(
        """
        kubectl set resources {kind} {name} --namespace {namespace} --containers {container} --requests cpu={cpu_request},memory={memory_request} --limits memory={memory_limit}
        """,  # noqa: E501 a command stands on one line
        Disruption.WORKLOAD_RESTART,
        terraform="kubernetes_deployment_v1.spec.template.spec.container.resources",
    ),
)
def containers_state_their_resources(
    workload: Workload,
    inventory: Inventory,
    *,
    required: tuple[str, ...] = ("requests.cpu", "requests.memory", "limits.memory"),
    include_jobs: bool = True,
) -> Iterator[Finding]:
    """Containers state what they request and how much memory they may use.

    The scheduler and the cluster autoscaler count requests only: without them nodes are overfilled, nothing scales out,
    and BestEffort pods are the first to be killed. A container without a memory limit can take its neighbours and the
    kubelet down with it. (A missing CPU limit is no fault by default; it is a matter of taste.)

    **Fix**: set requests from observed use and a memory limit; let a LimitRange supply defaults for the namespace. The
    workload rolls once; a bare pod or a Job has to be deleted and made anew.
    """
    if workload.is_aks_managed:
        raise NotApplicable("AKS manages the workload")
    if workload.kind in ("Job", "CronJob") and not include_jobs:
        raise NotApplicable("jobs are left out by include_jobs")
    spec = workload.effective_spec
    checked = {c.name: [item for item in required if not spec.states(c, item)] for c in spec.app_containers}
    missing = {name: ", ".join(items) for name, items in checked.items() if items}
    declared = {c.name for c in workload.template.spec.app_containers} if workload.template else set()
    own = [c for c in spec.app_containers if c.name in missing and c.name in declared]
    if missing:
        yield Finding(
            "; ".join(f"{name} states no {items}" for name, items in missing.items()),
            {
                "missing": [f"{name}: {items}" for name, items in missing.items()],
                "requests": [f"{c.name}: {_quantities(c.resources.requests)}" for c in spec.app_containers],
                "limits": [f"{c.name}: {_quantities(c.resources.limits)}" for c in spec.app_containers],
                "spec.resources.requests": _quantities(spec.resources.requests),
                "spec.resources.limits": _quantities(spec.resources.limits),
                "qosClass": sorted({pod.status.qos_class for pod in workload.pods if pod.status.qos_class}),
            },
            _stated(own[0]) if own else {},
            containers=list(missing),
        )


def _stated(container: Container) -> dict[str, str]:
    """A container and what it states already, which the command would set anew; a limit stands in for a request."""
    requests, limits = container.resources.requests or {}, container.resources.limits or {}
    return {
        "container": container.name,
        "cpu_request": str(requests.get("cpu", limits.get("cpu", ""))),
        "memory_request": str(requests.get("memory", limits.get("memory", ""))),
        "memory_limit": str(limits.get("memory", "")),
    }


def _quantities(stated: Mapping[str, object] | None) -> str:
    return ", ".join(f"{resource}={quantity}" for resource, quantity in sorted((stated or {}).items())) or "none"
