"""What workloads may do and what they state about themselves."""

import json

import pytest
from akscan.model.azure import BootstrapProfile
from akscan.model.decode import decode_answer
from akscan.model.kubernetes import (
    Condition,
    CronJob,
    DaemonSet,
    Deployment,
    Job,
    JobStatus,
    PodSecurityContext,
    ResourceRequirements,
    SecurityContext,
    WindowsOptions,
)
from akscan.model.text import ArmId
from akscan.sdk import Need, Status
from akscan.testing import (
    GROUP,
    case,
    cluster,
    container,
    cron_job,
    evaluate,
    evaluate_all,
    inventory,
    job,
    pod,
    pod_spec,
    workload,
)
from akscan_rules.workloads import containers_state_their_resources, no_container_is_privileged
from msgspec.structs import replace

PRIVILEGED = container(security_context=SecurityContext(privileged=True))
MANAGED = {"kubernetes.azure.com/managedby": "aks"}
HOST_PROCESS = PodSecurityContext(windows_options=WindowsOptions(host_process=True))
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/acrboot"


def host_process(value):
    return container(security_context=SecurityContext(windows_options=WindowsOptions(host_process=value)))


def over(condition, spec):
    return job(spec=spec, status=JobStatus(conditions=(Condition(type=condition, status="True"),)))


def scheduled(spec, *, ran=None, admitted=None):
    """A CronJob and the pod of its last run, which had another template."""
    made, run = cron_job(spec=spec, runs=[JobStatus()])
    template = replace(run.spec.template, spec=ran or spec)
    run = replace(run, spec=replace(run.spec, template=template))
    return [made, run, pod("nightly-0-a", owner=run, spec=admitted or template.spec, phase="Succeeded")]


def image(reference, *, privileged=True):
    return pod_spec(container(image=reference, security_context=SecurityContext(privileged=privileged)))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "privileged absent", [workload(spec=pod_spec(container(security_context=SecurityContext())))], Status.PASS
        ),
        case("no security context", [workload()], Status.PASS),
        case("privileged false", [workload(spec=image("contoso.azurecr.io/app:1", privileged=False))], Status.PASS),
        case("privileged true on a container", [workload(spec=pod_spec(PRIVILEGED))], Status.FAIL),
        case(
            "privileged true on the second container",
            [workload(spec=pod_spec(container("a"), PRIVILEGED))],
            Status.FAIL,
        ),
        case(
            "privileged true on an init container",
            [workload(spec=pod_spec(init_containers=(PRIVILEGED,)))],
            Status.FAIL,
        ),
        case(
            "privileged true on an ephemeral container",
            [workload(admitted=pod_spec(ephemeral_containers=(PRIVILEGED,)))],
            Status.FAIL,
        ),
        case(
            "pod-level windowsOptions.hostProcess true",
            [workload(spec=pod_spec(security_context=HOST_PROCESS))],
            Status.FAIL,
        ),
        case("container hostProcess true", [workload(spec=pod_spec(host_process(value=True)))], Status.FAIL),
        case(
            "container hostProcess false over pod hostProcess true",
            [workload(spec=pod_spec(host_process(value=False), security_context=HOST_PROCESS))],
            Status.PASS,
        ),
        case(
            "kube-proxy in kube-system (managed label)",
            [workload(DaemonSet, "kube-proxy", "kube-system", spec=pod_spec(PRIVILEGED), pods=1, labels=MANAGED)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "managed label outside the system namespaces",
            [workload(spec=pod_spec(PRIVILEGED), labels=MANAGED)],
            Status.FAIL,
        ),
        case(
            "privileged DaemonSet from docker.io in kube-system",
            [workload(DaemonSet, "miner", "kube-system", spec=image("miner:1"), pods=1)],
            Status.FAIL,
        ),
        case(
            "privileged DaemonSet from mcr.microsoft.com in kube-system",
            [workload(DaemonSet, "csi", "kube-system", spec=image("mcr.microsoft.com/oss/csi:1"), pods=1)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "image of the bootstrap registry in kube-system",
            [
                cluster(bootstrap_profile=BootstrapProfile(container_registry_id=ArmId(REGISTRY))),
                workload(DaemonSet, "csi", "kube-system", spec=image("acrboot.azurecr.io/oss/csi:1"), pods=1),
            ],
            Status.NOT_APPLICABLE,
        ),
        case(
            "image of another registry in kube-system",
            [
                cluster(bootstrap_profile=BootstrapProfile(container_registry_id=ArmId(REGISTRY))),
                workload(DaemonSet, "csi", "kube-system", spec=image("other.azurecr.io/oss/csi:1"), pods=1),
            ],
            Status.FAIL,
        ),
        case(
            "image of a registry in kube-system, cluster unreadable",
            [workload(DaemonSet, "csi", "kube-system", spec=image("acrboot.azurecr.io/oss/csi:1"), pods=1)],
            Status.NOT_ASSESSED,
            unreadable=[Need.MANAGED_CLUSTERS],
        ),
        case("three pods of one Deployment", [workload(spec=pod_spec(PRIVILEGED), replicas=3)], Status.FAIL),
        case("set by admission", [workload(admitted=pod_spec(PRIVILEGED))], Status.FAIL),
        case("taken away by admission", [workload(spec=pod_spec(PRIVILEGED), admitted=pod_spec())], Status.PASS),
        case("privileged workload without pods", [workload(spec=pod_spec(PRIVILEGED), replicas=0)], Status.FAIL),
        case("privileged bare pod", [pod(spec=pod_spec(PRIVILEGED))], Status.FAIL),
        case(
            "privileged bare pod that has ended",
            [pod(spec=pod_spec(PRIVILEGED), phase="Failed")],
            Status.NOT_APPLICABLE,
        ),
        case("CronJob, privileged since its last run", scheduled(pod_spec(PRIVILEGED), ran=pod_spec()), Status.FAIL),
        case("CronJob, privileged until its last run", scheduled(pod_spec(), ran=pod_spec(PRIVILEGED)), Status.PASS),
        case("CronJob, set by admission", scheduled(pod_spec(), admitted=pod_spec(PRIVILEGED)), Status.FAIL),
        case("privileged Job that has failed", over("Failed", pod_spec(PRIVILEGED)), Status.NOT_APPLICABLE),
        case("privileged Job that is to fail", over("FailureTarget", pod_spec(PRIVILEGED)), Status.FAIL),
        case(
            "in ignored_workloads",
            [workload(spec=pod_spec(PRIVILEGED))],
            Status.NOT_APPLICABLE,
            parameters={"ignored_workloads": ("shop/app",)},
        ),
        case(
            "another namespace in ignored_workloads",
            [workload(spec=pod_spec(PRIVILEGED))],
            Status.FAIL,
            parameters={"ignored_workloads": ("web/app", "app", "shop/*")},
        ),
        case("pods forbidden", [workload()], Status.NOT_ASSESSED, subject="app", unreadable=[Need.PODS]),
        case("ReplicaSets forbidden", [workload()], Status.NOT_ASSESSED, subject="app", unreadable=[Need.REPLICA_SETS]),
        case("DaemonSets forbidden", [workload(DaemonSet)], Status.NOT_ASSESSED, unreadable=[Need.DAEMON_SETS]),
    ],
)
def test_no_container_is_privileged(world, expected):
    assert evaluate(no_container_is_privileged, world).status is expected


def test_three_privileged_pods_make_one_finding():
    verdicts = evaluate_all(no_container_is_privileged, inventory(workload(spec=pod_spec(PRIVILEGED), replicas=3)))
    assert list(verdicts) == ["deployment/shop/app"]
    assert len(verdicts["deployment/shop/app"].findings) == 1


def test_the_evidence_names_each_container_and_field():
    agent = container("agent", image="contoso.azurecr.io/agent:2", security_context=SecurityContext(privileged=True))
    spec = pod_spec(agent, container("beside"), service_account_name="agent", init_containers=(PRIVILEGED,))
    finding = evaluate(no_container_is_privileged, inventory(workload(DaemonSet, spec=spec, pods=1))).findings[0]
    assert finding.evidence == {
        "containers": [
            "agent (contoso.azurecr.io/agent:2): privileged",
            "app (registry.example/app:1.0): privileged",
        ],
        "serviceAccountName": "agent",
        "kind": "DaemonSet",
        "onEveryNode": True,
    }


def test_a_container_that_denies_host_process_is_not_named():
    own, inherited = host_process(value=False), container("inherits")
    spec = pod_spec(own, inherited, security_context=HOST_PROCESS)
    finding = evaluate(no_container_is_privileged, inventory(workload(spec=spec))).findings[0]
    assert finding.evidence["containers"] == ["inherits (registry.example/app:1.0): hostProcess"]


@pytest.mark.parametrize(
    ("kind", "spec", "path"),
    [
        (
            Deployment,
            pod_spec(container("beside"), PRIVILEGED),
            "/spec/template/spec/containers/1/securityContext/privileged",
        ),
        (
            DaemonSet,
            pod_spec(init_containers=(PRIVILEGED,)),
            "/spec/template/spec/initContainers/0/securityContext/privileged",
        ),
        (
            DaemonSet,
            pod_spec(host_process(value=True)),
            "/spec/template/spec/containers/0/securityContext/windowsOptions/hostProcess",
        ),
        (
            DaemonSet,
            pod_spec(security_context=HOST_PROCESS),
            "/spec/template/spec/securityContext/windowsOptions/hostProcess",
        ),
        (Job, pod_spec(PRIVILEGED), ""),
    ],
)
def test_the_command_removes_the_flag_where_the_manifest_sets_it(kind, spec, path):
    finding = evaluate(no_container_is_privileged, inventory(workload(kind, spec=spec))).findings[0]
    assert finding.fill == {"field_path": path}


def test_the_command_for_a_cron_job_goes_through_its_job_template():
    answer = {
        "metadata": {"name": "nightly", "namespace": "shop", "uid": "u"},
        "spec": {
            "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"securityContext": {"privileged": True}}]}}}}
        },
    }
    world = inventory(decode_answer(json.dumps(answer).encode(), CronJob))
    finding = evaluate(no_container_is_privileged, world).findings[0]
    path = "/spec/jobTemplate/spec/template/spec/containers/0/securityContext/privileged"
    assert finding.fill == {"field_path": path}


@pytest.mark.parametrize(
    "world", [workload(admitted=pod_spec(PRIVILEGED)), [pod(spec=pod_spec(PRIVILEGED))]], ids=["admission", "bare pod"]
)
def test_no_path_is_named_that_cannot_be_patched(world):
    finding = evaluate(no_container_is_privileged, inventory(*world)).findings[0]
    assert finding.fill == {"field_path": ""}


def stating(name="app", *, requests=None, limits=None, **fields):
    """A container with these quantities and no other."""
    return container(name, resources=ResourceRequirements(requests=requests, limits=limits), **fields)


BOTH = {"cpu": "100m", "memory": "128Mi"}
MEMORY = {"memory": "256Mi"}
SILENT = stating()


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("all three set", [workload(spec=pod_spec(stating(requests=BOTH, limits=MEMORY)))], Status.PASS),
        case("limits.cpu absent", [workload(spec=pod_spec(stating(requests=BOTH, limits=MEMORY)))], Status.PASS),
        case("limits.memory absent", [workload(spec=pod_spec(stating(requests=BOTH)))], Status.FAIL),
        case(
            "requests.memory alone absent, limits.memory set",
            [workload(spec=pod_spec(stating(requests={"cpu": "1"}, limits=MEMORY)))],
            Status.PASS,
        ),
        case("requests.cpu absent", [workload(spec=pod_spec(stating(requests=MEMORY, limits=MEMORY)))], Status.FAIL),
        case(
            "requests.cpu absent, limits.cpu set",
            [workload(spec=pod_spec(stating(requests=MEMORY, limits={"cpu": "1", "memory": "256Mi"})))],
            Status.PASS,
        ),
        case("nothing stated", [workload(spec=pod_spec(SILENT))], Status.FAIL),
        case(
            "template empty, LimitRange default on the pods",
            [workload(spec=pod_spec(SILENT), admitted=pod_spec())],
            Status.PASS,
        ),
        case("template empty, no pods", [workload(spec=pod_spec(SILENT), replicas=0)], Status.FAIL),
        case(
            "pod-level spec.resources with all three",
            [workload(spec=pod_spec(SILENT, resources=ResourceRequirements(requests=BOTH, limits=MEMORY)))],
            Status.PASS,
        ),
        case(
            "pod-level requests, no memory limit",
            [workload(spec=pod_spec(SILENT, resources=ResourceRequirements(requests=BOTH)))],
            Status.FAIL,
        ),
        case("sidecar without resources", [workload(spec=pod_spec(container(), stating("sidecar")))], Status.FAIL),
        case(
            "restartable init container without resources",
            [workload(spec=pod_spec(init_containers=(stating("proxy", restart_policy="Always"),)))],
            Status.FAIL,
        ),
        case(
            "init container without resources",
            [workload(spec=pod_spec(init_containers=(stating("setup"),)))],
            Status.PASS,
        ),
        case(
            "required extended by limits.cpu, absent",
            [workload()],
            Status.FAIL,
            parameters={"required": ("requests.cpu", "requests.memory", "limits.memory", "limits.cpu")},
        ),
        case("required empty", [workload(spec=pod_spec(SILENT))], Status.PASS, parameters={"required": ()}),
        case("Job", [workload(Job, spec=pod_spec(SILENT))], Status.FAIL),
        case("CronJob, stated since its last run", scheduled(pod_spec(), ran=pod_spec(SILENT)), Status.PASS),
        case("CronJob, stated until its last run", scheduled(pod_spec(SILENT), ran=pod_spec()), Status.FAIL),
        case("CronJob, a LimitRange states it", scheduled(pod_spec(SILENT), admitted=pod_spec()), Status.PASS),
        case("Job that is complete", over("Complete", pod_spec(SILENT)), Status.NOT_APPLICABLE),
        case(
            "Job, include_jobs false",
            [workload(Job, spec=pod_spec(SILENT))],
            Status.NOT_APPLICABLE,
            parameters={"include_jobs": False},
        ),
        case(
            "Deployment, include_jobs false",
            [workload(spec=pod_spec(SILENT))],
            Status.FAIL,
            parameters={"include_jobs": False},
        ),
        case(
            "AKS-managed",
            [workload(DaemonSet, "csi", "kube-system", spec=pod_spec(SILENT), labels=MANAGED, pods=1)],
            Status.NOT_APPLICABLE,
        ),
        case("pods unreadable", [workload()], Status.NOT_ASSESSED, subject="app", unreadable=[Need.PODS]),
        case(
            "template empty, pods unreadable",
            [workload(spec=pod_spec(SILENT))],
            Status.NOT_ASSESSED,
            subject="app",
            unreadable=[Need.PODS],
        ),
    ],
)
def test_containers_state_their_resources(world, expected):
    assert evaluate(containers_state_their_resources, world).status is expected


def test_the_evidence_tells_what_is_stated_and_what_is_missing():
    spec = pod_spec(
        stating("web", requests={"memory": "1Gi", "cpu": 1}, limits={"memory": "1Gi"}),
        stating("sidecar", requests=MEMORY),
        resources=ResourceRequirements(limits={"cpu": "2"}),
    )
    finding = evaluate(containers_state_their_resources, inventory(workload(spec=spec, replicas=2))).findings[0]
    assert finding.message == "sidecar states no limits.memory"
    assert finding.evidence == {
        "missing": ["sidecar: limits.memory"],
        "requests": ["web: cpu=1, memory=1Gi", "sidecar: memory=256Mi"],
        "limits": ["web: memory=1Gi", "sidecar: none"],
        "spec.resources.requests": "none",
        "spec.resources.limits": "cpu=2",
        "qosClass": ["Burstable"],
    }
    assert finding.fill == {"container": "sidecar", "cpu_request": "", "memory_request": "256Mi", "memory_limit": ""}


def test_the_command_keeps_what_the_container_states():
    spec = pod_spec(
        stating(requests={"memory": "4Gi"}, limits={"cpu": 2, "ephemeral-storage": "1Gi"}), stating("beside")
    )
    finding = evaluate(containers_state_their_resources, inventory(workload(spec=spec))).findings[0]
    assert finding.fill == {"container": "app", "cpu_request": "2", "memory_request": "4Gi", "memory_limit": ""}


def test_no_command_is_for_a_container_that_admission_added():
    world = inventory(workload(admitted=pod_spec(container(), stating("istio-proxy"))))
    finding = evaluate(containers_state_their_resources, world).findings[0]
    assert finding.message == "istio-proxy states no requests.cpu, requests.memory, limits.memory"
    assert finding.fill == {}
    world = inventory(
        workload(spec=pod_spec(SILENT), admitted=pod_spec(stating("istio-proxy"), SILENT)),
    )
    assert evaluate(containers_state_their_resources, world).findings[0].fill["container"] == "app"
