"""State and components on Spot nodes."""

import pytest
from akscan.model.kubernetes import (
    DaemonSet,
    Deployment,
    MutatingWebhookConfiguration,
    Node,
    ReplicaSet,
    SomeSource,
    StatefulSet,
    StorageClass,
    Toleration,
)
from akscan.sdk import Need, Status
from akscan.testing import (
    case,
    claim,
    container,
    ephemeral_claim,
    evaluate,
    evaluate_all,
    inventory,
    job,
    mounting,
    named,
    node,
    pod,
    pod_spec,
    service,
    spot_node,
    webhook_configuration,
    workload,
)
from akscan_rules.spot.components import no_critical_component_on_spot
from akscan_rules.spot.state import no_stateful_workload_on_spot
from msgspec.structs import replace
from spot_worlds import NODES, OPERATED, SPOT, TOLERANT, strange_pod

# --- SPT-004

LOCAL = "localdisk.csi.acstor.io"
MOUNTS = mounting("data")


def on_spot(*others, spec=MOUNTS, kind=Deployment, **fields):
    return [SPOT, *NODES, *others, workload(kind, spec=spec, on_node="spot-0", **fields)]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "StatefulSet with a pod on a Spot node",
            on_spot(kind=StatefulSet, spec=TOLERANT),
            Status.FAIL,
            subject="app",
        ),
        case(
            "StatefulSet of an operator with a pod on a Spot node",
            on_spot(kind=StatefulSet, spec=TOLERANT, owner_references=OPERATED),
            Status.FAIL,
            subject="app",
        ),
        case(
            "DaemonSet of an operator with a claim on Spot",
            on_spot(claim(), kind=DaemonSet, owner_references=OPERATED),
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case(
            "StatefulSet that tolerates Spot but runs only on regular nodes",
            [SPOT, *NODES, workload(StatefulSet, spec=TOLERANT)],
            Status.PASS,
            subject="app",
        ),
        case("Deployment on Spot without volumes", on_spot(spec=TOLERANT), Status.PASS, subject="app"),
        case("Deployment on Spot with an Azure Disk RWO claim", on_spot(claim()), Status.FAIL, subject="app"),
        case("Azure Disk RWOP", on_spot(claim(mode="ReadWriteOncePod")), Status.FAIL, subject="app"),
        case("Azure Disk from before CSI", on_spot(claim(azure_disk=SomeSource())), Status.FAIL, subject="app"),
        case("Azure Disk that many nodes may share", on_spot(claim(mode="ReadWriteMany")), Status.PASS, subject="app"),
        case(
            "Deployment on Spot with Azure Files RWX",
            on_spot(claim(mode="ReadWriteMany", driver="file.csi.azure.com")),
            Status.PASS,
            subject="app",
        ),
        case("Azure Files RWO", on_spot(claim(driver="file.csi.azure.com")), Status.PASS, subject="app"),
        case("Deployment on Spot with a local NVMe class", on_spot(claim(driver=LOCAL)), Status.FAIL, subject="app"),
        case(
            "a local NVMe class, volumes unreadable",
            on_spot(claim(storage_class="nvme"), named(StorageClass, "nvme", provisioner=LOCAL)),
            Status.FAIL,
            subject="app",
            unreadable=[Need.PERSISTENT_VOLUMES],
        ),
        case("PV with spec.local", on_spot(claim(local=SomeSource())), Status.FAIL, subject="app"),
        case("PV with spec.hostPath", on_spot(claim(host_path=SomeSource())), Status.FAIL, subject="app"),
        case(
            "DaemonSet with hostPath on Spot",
            on_spot(claim(host_path=SomeSource()), kind=DaemonSet),
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        case("emptyDir only on Spot", on_spot(spec=mounting()), Status.PASS, subject="app"),
        case("a disk on a regular node", [SPOT, *NODES, claim(), workload(spec=MOUNTS)], Status.PASS, subject="app"),
        case("a claim of another namespace", on_spot(claim(namespace="other")), Status.PASS, subject="app"),
        case(
            "a Deployment with an ephemeral disk",
            on_spot(ephemeral_claim("app-5d9c7b-0", "scratch"), spec=mounting(ephemeral=["scratch"])),
            Status.FAIL,
            subject="app",
        ),
        case(
            "a Job with an ephemeral disk",
            [
                *(SPOT, *NODES, ephemeral_claim("run-0", "scratch")),
                *job(spec=mounting(ephemeral=["scratch"]), on_node="spot-0"),
            ],
            Status.PASS,
            subject="run",
        ),
        case(
            "a Job with a disk",
            [SPOT, *NODES, claim(), job(spec=MOUNTS, on_node="spot-0")],
            Status.FAIL,
            subject="run",
        ),
        case(
            "opted out by label",
            on_spot(claim(), labels={"app": "app", "ha": "yes"}),
            Status.NOT_APPLICABLE,
            subject="app",
            parameters={"opt_out_key": "ha"},
        ),
        case(
            "opted out by annotation",
            on_spot(claim(), annotations="example/ha other"),
            Status.NOT_APPLICABLE,
            subject="app",
            parameters={"opt_out_key": "example/ha"},
        ),
        case(
            "not opted out",
            on_spot(claim(), annotations="example/ha-too"),
            Status.FAIL,
            subject="app",
            parameters={"opt_out_key": "example/ha"},
        ),
        case(
            "of the platform",
            on_spot(namespace="kube-system", kind=StatefulSet, spec=pod_spec(container(image="mcr.microsoft.com/x:1"))),
            Status.NOT_APPLICABLE,
            subject="app",
        ),
        *(
            case(f"{need} unreadable", on_spot(claim()), Status.NOT_ASSESSED, subject="app", unreadable=[need])
            for need in (Need.NODES, Need.PODS, Need.PERSISTENT_VOLUME_CLAIMS, Need.PERSISTENT_VOLUMES)
        ),
        case(
            "a claim that is not bound, classes unreadable",
            on_spot(claim(bound=False, storage_class="nvme")),
            Status.NOT_ASSESSED,
            subject="app",
            unreadable=[Need.STORAGE_CLASSES],
        ),
        case(
            "StatefulSet on Spot, claims unreadable",
            on_spot(claim(), kind=StatefulSet),
            Status.FAIL,
            subject="app",
            unreadable=[Need.PERSISTENT_VOLUME_CLAIMS],
        ),
        case(
            "claims unreadable, but it mounts none",
            on_spot(spec=TOLERANT),
            Status.PASS,
            subject="app",
            unreadable=[Need.PERSISTENT_VOLUME_CLAIMS, Need.PERSISTENT_VOLUMES, Need.STORAGE_CLASSES],
        ),
    ],
)
def test_no_stateful_workload_on_spot(world, expected):
    assert evaluate(no_stateful_workload_on_spot, world).status is expected


def test_evidence_names_zones_and_the_spot_nodes_in_them():
    zones = {"kubernetes.azure.com/scalesetpriority": "spot", "topology.kubernetes.io/zone": "westeurope-1"}
    world = inventory(
        SPOT,
        replace(spot_node(), metadata=replace(spot_node().metadata, labels=zones)),
        spot_node("spot-1"),
        claim(zone="westeurope-1"),
        claim("scratch", local=SomeSource()),
        workload(spec=mounting("data", "scratch"), on_node="spot-0"),
    )
    finding = evaluate_all(no_stateful_workload_on_spot, world)["deployment/shop/app"].findings[0]
    assert finding.message == (
        "claim data is an Azure Disk of zone westeurope-1; the data of claim scratch stand on the node and go with it"
    )
    assert finding.evidence == {
        "kind": "Deployment",
        "replicas": 1,
        "nodes": ["spot-0"],
        "agentpool": [],
        "claims": ["data", "scratch"],
        "volumes": ["pv-shop-data (32Gi)", "pv-shop-scratch (32Gi)"],
        "zones": ["westeurope-1"],
        "spotNodesInZones": ["westeurope-1: 1"],
    }


# --- SPT-008

CRITICAL = pod_spec(priority_class_name="system-cluster-critical")


def image(name):
    return pod_spec(container(image=name))


def component(name="dns", namespace="kube-system", **fields):
    return [SPOT, *NODES, workload(name=name, namespace=namespace, on_node="spot-0", **fields)]


HOOKED = [SPOT, *NODES, service(), workload(on_node="spot-0")]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("coredns pod on a Spot node", component("coredns"), Status.FAIL, subject="coredns"),
        case(
            "DaemonSet pod in kube-system on Spot",
            [SPOT, *NODES, workload(DaemonSet, "agent", "kube-system", spec=CRITICAL, on_node="spot-0")],
            Status.PASS,
            subject="agent",
        ),
        case(
            "pod with system-cluster-critical in another namespace on Spot",
            component(namespace="shop", spec=CRITICAL),
            Status.FAIL,
            subject="dns",
        ),
        case(
            "bare pod with system-node-critical",
            [SPOT, *NODES, pod("lone", spec=pod_spec(priority_class_name="system-node-critical"), on_node="spot-0")],
            Status.FAIL,
            subject="lone",
        ),
        case(
            "another priority class",
            component(namespace="shop", spec=pod_spec(priority_class_name="high")),
            Status.PASS,
            subject="dns",
        ),
        case(
            "mirror pod of a kubelet",
            [SPOT, *NODES, pod("proxy", "kube-system", spec=CRITICAL, owner=named(Node, "spot-0"), on_node="spot-0")],
            Status.PASS,
            subject="proxy",
        ),
        case(
            "webhook pod with failurePolicy Ignore on Spot",
            [*HOOKED, webhook_configuration(service="shop/app", failure_policy="Ignore")],
            Status.PASS,
            subject="app",
        ),
        case(
            "webhook pod with failurePolicy Fail on Spot",
            [*HOOKED, webhook_configuration(service="shop/app")],
            Status.FAIL,
            subject="app",
        ),
        case(
            "mutating webhook",
            [*HOOKED, webhook_configuration(MutatingWebhookConfiguration, service="shop/app")],
            Status.FAIL,
            subject="app",
        ),
        case(
            "webhook pod of a kind that akscan does not read",
            [SPOT, *NODES, service(), strange_pod("spot-0"), webhook_configuration(service="shop/app")],
            Status.FAIL,
            subject="cache",
        ),
        case(
            "webhook of another namespace",
            [*HOOKED, webhook_configuration(service="x/app")],
            Status.PASS,
            subject="app",
        ),
        case(
            "cert-manager-controller on Spot",
            component(namespace="shop", spec=image("quay.io/jetstack/cert-manager-controller:v1.19")),
            Status.FAIL,
            subject="dns",
        ),
        case(
            "image cleaner worker pod in kube-system on Spot",
            [SPOT, *NODES, job("eraser", "kube-system", on_node="spot-0")],
            Status.PASS,
            subject="eraser",
        ),
        case(
            "image example/mykeda on Spot",
            component(namespace="shop", spec=image("example/mykeda:1")),
            Status.PASS,
            subject="dns",
        ),
        case(
            "an image of the user's list",
            component(namespace="shop", spec=image("example/mykeda:1")),
            Status.FAIL,
            subject="dns",
            parameters={"critical_images": ("mykeda",)},
        ),
        case("ReplicaSet in kube-system", component(kind=ReplicaSet), Status.FAIL, subject="dns"),
        case(
            "coredns on a regular node",
            [SPOT, *NODES, workload(name="dns", namespace="kube-system")],
            Status.PASS,
            subject="dns",
        ),
        case(
            "its pod on Spot is finished",
            [SPOT, *NODES, pod("dns", "shop", spec=CRITICAL, on_node="spot-0", phase="Succeeded")],
            Status.NOT_APPLICABLE,
            subject="dns",
        ),
        case("no Spot nodes", [SPOT, node(), workload()], Status.NOT_APPLICABLE, subject="app"),
        *(
            case(f"{need} unreadable", component("coredns"), Status.NOT_ASSESSED, subject="coredns", unreadable=[need])
            for need in (Need.NODES, Need.PODS)
        ),
        *(
            case(f"{need} unreadable, it has a Service", HOOKED, Status.NOT_ASSESSED, subject="app", unreadable=[need])
            for need in (
                Need.SERVICES,
                Need.VALIDATING_WEBHOOKS,
                Need.MUTATING_WEBHOOKS,
            )
        ),
        case(
            "coredns, webhooks and Services unreadable",
            component("coredns"),
            Status.FAIL,
            subject="coredns",
            unreadable=[Need.SERVICES, Need.VALIDATING_WEBHOOKS],
        ),
    ],
)
def test_no_critical_component_on_spot(world, expected):
    assert evaluate(no_critical_component_on_spot, world).status is expected


def test_a_webhook_is_said_to_refuse_what_it_is_asked():
    world = inventory(*HOOKED, webhook_configuration(service="shop/app"))
    finding = evaluate_all(no_critical_component_on_spot, world)["deployment/shop/app"].findings[0]
    assert finding.message.startswith("webhooks of policy refuse what they are asked without it; ")


def test_evidence_names_pods_nodes_and_what_let_them_in():
    blanket = pod_spec(tolerations=(Toleration(operator="Exists"), Toleration(key="a", value="b", effect="NoSchedule")))
    world = inventory(SPOT, *NODES, workload(name="dns", namespace="kube-system", spec=blanket, on_node="spot-0"))
    finding = evaluate_all(no_critical_component_on_spot, world)["deployment/kube-system/dns"].findings[0]
    assert finding.message == "it is a component of kube-system; it runs on Spot node spot-0"
    assert finding.evidence["pods"] == ["dns-5d9c7b-0"]
    assert finding.evidence["tolerations"] == ["*:*", "a=b:NoSchedule"]
    assert finding.evidence["regularPools"] == ["system"]
    assert finding.fill == {"node": "spot-0", "pod": "dns-5d9c7b-0"}


@pytest.mark.parametrize(
    ("fields", "containers"),
    [({}, ("debugger",)), ({"priority_class_name": "system-cluster-critical"}, ())],
    ids=["image", "image, and the priority of the pod"],
)
def test_the_containers_are_named_that_run_a_critical_image(fields, containers):
    debugger = container("debugger", image="registry.k8s.io/ingress-nginx/controller:v1")
    admitted = pod_spec(container(), ephemeral_containers=(debugger,), **fields)
    world = inventory(SPOT, *NODES, workload(admitted=admitted, on_node="spot-0"))
    (finding,) = evaluate(no_critical_component_on_spot, world).findings
    assert finding.containers == containers
