"""What applications and their network connections tell."""

import pytest
from akscan.model.azure import (
    AdvancedNetworking,
    AdvancedNetworkingObservability,
    AppMonitoring,
    AzureMonitorProfile,
    HostedSystemProfile,
    NodeProvisioningProfile,
    Switch,
    VirtualMachineNodes,
)
from akscan.model.kubernetes import ControllerStatus, Deployment, EnvVar
from akscan.model.literals import Literal
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import case, cluster, container, evaluate, inventory, node, node_pool, pod_spec, workload
from akscan_rules.observability.applications import applications_send_traces, network_flows_can_be_seen

SHOP = workload()
ON = Switch(enabled=True)


def monitored(**switches):
    return cluster(azure_monitor_profile=AzureMonitorProfile(app_monitoring=AppMonitoring(**switches)))


def tool(image, *, ready=1, namespace="kube-system"):
    spec = pod_spec(container(image=image))
    return workload(Deployment, "tool", namespace, spec=spec, status=ControllerStatus(ready_replicas=ready))


def traced(name="OTEL_EXPORTER_OTLP_ENDPOINT"):
    return pod_spec(container(env=(EnvVar(name=name, value=Literal("harmless")),)))


MACHINES = cluster(
    pools=[
        node_pool(
            type=Token("VirtualMachines"),
            count=None,
            virtual_machine_nodes_status=(VirtualMachineNodes(count=1), VirtualMachineNodes(count=2)),
        )
    ]
)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("appMonitoring.autoInstrumentation.enabled true", [monitored(auto_instrumentation=ON), SHOP], Status.PASS),
        case("openTelemetryMetrics.enabled", [monitored(open_telemetry_metrics=ON), SHOP], Status.PASS),
        case("openTelemetryLogsAndTraces.enabled", [monitored(open_telemetry_logs_and_traces=ON), SHOP], Status.PASS),
        case("OpenTelemetry collector ready", [SHOP, tool("otel/opentelemetry-collector-k8s:0.130")], Status.PASS),
        case(
            "OpenTelemetry collector not ready",
            [SHOP, tool("otel/opentelemetry-collector-k8s:0.130", ready=0)],
            Status.FAIL,
        ),
        case(
            "one container declares OTEL_EXPORTER_OTLP_ENDPOINT", [SHOP, workload(name="b", spec=traced())], Status.PASS
        ),
        case("only a pod has it, by admission", [workload(admitted=traced())], Status.PASS),
        case("another variable", [workload(spec=traced("HOME"))], Status.FAIL),
        case(
            "a variable of the platform's own",
            [workload(spec=traced("SHOP_TRACES"))],
            Status.PASS,
            parameters={"telemetry_env_names": ("SHOP_TRACES",)},
        ),
        case("in a system namespace only", [SHOP, workload(namespace="kube-system", spec=traced())], Status.FAIL),
        case("nothing found", [SHOP], Status.FAIL),
        case("no application namespace", [workload(namespace="kube-system")], Status.NOT_APPLICABLE),
        case("pods forbidden", [SHOP], Status.NOT_ASSESSED, unreadable=[Need.PODS]),
        case("workloads forbidden", [SHOP], Status.NOT_ASSESSED, unreadable=[Need.STATEFUL_SETS]),
        case("found, workloads forbidden", [workload(spec=traced())], Status.PASS, unreadable=[Need.STATEFUL_SETS]),
    ],
)
def test_applications_send_traces(world, expected):
    assert evaluate(applications_send_traces, world).status is expected


def test_workloads_without_traces_are_counted():
    finding = evaluate(applications_send_traces, inventory(SHOP, workload(name="b"))).findings[0]
    assert finding.message == "none of 2 workload(s) in 1 application namespace(s) sends traces"


AUTOMATIC = NodeProvisioningProfile(mode=Token("Auto"))
AUTO = [cluster(pools=[node_pool(count=2)], node_provisioning_profile=AUTOMATIC), node("a"), node("b")]
HOSTED = cluster(pools=[], hosted_system_profile=HostedSystemProfile(enabled=True))


def networked(**fields):
    return cluster(network={"advanced_networking": AdvancedNetworking(**fields)})


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("advancedNetworking.enabled true, observability absent", [networked(enabled=True)], Status.PASS),
        case(
            "advancedNetworking.enabled true, observability.enabled false",
            [networked(enabled=True, observability=AdvancedNetworkingObservability(enabled=False))],
            Status.FAIL,
        ),
        case("advancedNetworking.enabled false", [networked(enabled=False)], Status.FAIL),
        case("advancedNetworking absent, hubble-relay ready", [tool("quay.io/cilium/hubble-relay:v1.17")], Status.PASS),
        case(
            "advancedNetworking absent, hubble-relay not ready",
            [tool("quay.io/cilium/hubble-relay:v1.17", ready=0)],
            Status.FAIL,
        ),
        case("advancedNetworking absent, nothing else", [], Status.FAIL),
        case(
            "an own tool that is accepted",
            [tool("registry.example/platform/flows:1")],
            Status.PASS,
            parameters={"accepted_network_observability": ("platform/flows",)},
        ),
        case("three virtual machines in a pool that counts them by size", [MACHINES], Status.FAIL),
        case("two nodes in all", [cluster(pools=[node_pool(count=2)])], Status.NOT_APPLICABLE),
        case("three nodes in two pools", [cluster(pools=[node_pool(count=2), node_pool("b", count=1)])], Status.FAIL),
        case("a pool of two, node auto-provisioning made a third", [*AUTO, node("c", pool="")], Status.FAIL),
        case("a pool of two, node auto-provisioning made none", AUTO, Status.NOT_APPLICABLE),
        case("a pool of two, node auto-provisioning, nodes forbidden", AUTO, Status.NOT_ASSESSED,
             unreadable=[Need.NODES]),
        case("a pool of three, node auto-provisioning, nodes forbidden", [cluster(node_provisioning_profile=AUTOMATIC)],
             Status.FAIL, unreadable=[Need.NODES]),
        case("hosted system pools, three nodes", [HOSTED, node("a"), node("b"), node("c")], Status.FAIL),
        case("hosted system pools, nodes forbidden", [HOSTED], Status.NOT_ASSESSED, unreadable=[Need.NODES]),
        case("two nodes in all, nodes forbidden", [cluster(pools=[node_pool(count=2)])], Status.NOT_APPLICABLE,
             unreadable=[Need.NODES]),
        case(
            "two nodes, two are enough",
            [cluster(pools=[node_pool(count=2)])],
            Status.FAIL,
            parameters={"min_nodes": 2},
        ),
        case("Deployments forbidden", [], Status.NOT_ASSESSED, unreadable=[Need.DEPLOYMENTS]),
    ],
)  # fmt: skip
def test_network_flows_can_be_seen(world, expected):
    assert evaluate(network_flows_can_be_seen, world).status is expected
