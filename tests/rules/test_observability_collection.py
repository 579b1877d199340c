"""Whether what is switched on collects: data collection rules, Prometheus, and agents on every node."""

from datetime import timedelta

import pytest
from akscan.model.azure import (
    AddonProfile,
    AzureMonitorProfile,
    ContainerInsights,
    Defender,
    HostedSystemProfile,
    PowerState,
    SecurityProfile,
    Switch,
)
from akscan.model.kubernetes import (
    ContainerState,
    ContainerStatus,
    ControllerStatus,
    DaemonSet,
    Deployment,
    PodCondition,
    PodStatus,
    StatefulSet,
    WaitingState,
)
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import (
    NOW,
    case,
    cluster,
    container,
    evaluate,
    inventory,
    logs_rule,
    metrics_rule,
    monitor_account,
    node_pool,
    pod,
    pod_spec,
    rule_association,
    tied,
    workload,
    workspace,
)
from akscan_rules.observability.collection import (
    collectors_end_in_a_workspace,
    prometheus_metrics_are_collected,
    promised_agents_run,
)

METRICS_ON = AzureMonitorProfile(metrics=Switch(enabled=True))
METRICS = cluster(addon_profiles={}, azure_monitor_profile=METRICS_ON)
BOTH = cluster(azure_monitor_profile=METRICS_ON)
OFF = cluster(addon_profiles={})
LEGACY = cluster(addon_profiles={Token("omsagent"): AddonProfile(enabled=True)})
INSIGHTS = cluster(
    addon_profiles={}, azure_monitor_profile=AzureMonitorProfile(container_insights=ContainerInsights(enabled=True))
)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "logs on, association to a rule with the ContainerInsights extension and an existing workspace",
            [*tied(logs_rule()), workspace()],
            Status.PASS,
        ),
        case("containerInsights.enabled, no association", [INSIGHTS], Status.FAIL),
        case("logs on, no association", [workspace()], Status.FAIL),
        case("logs on, association to a rule that answers 404", [rule_association("gone"), workspace()], Status.FAIL),
        case("logs on, rule fine, workspace 404", tied(logs_rule()), Status.FAIL),
        case(
            "the second of two rules works",
            [*tied(metrics_rule()), *tied(logs_rule()), workspace()],
            Status.PASS,
        ),
        case("a rule whose streams flow nowhere", [*tied(logs_rule(streams=[])), workspace()], Status.FAIL),
        case(
            "metrics on, rule has only ContainerInsights streams",
            [METRICS, *tied(logs_rule()), workspace()],
            Status.FAIL,
        ),
        case(
            "metrics on, Microsoft-PrometheusMetrics to an existing account",
            [METRICS, *tied(metrics_rule()), monitor_account()],
            Status.PASS,
        ),
        case("metrics on, account 404", [METRICS, *tied(metrics_rule())], Status.FAIL),
        case(
            "logs on, workspace 403",
            [*tied(logs_rule()), workspace()],
            Status.NOT_ASSESSED,
            unreadable=[Need.WORKSPACES],
        ),
        case(
            "metrics on, account 403",
            [METRICS, *tied(metrics_rule()), monitor_account()],
            Status.NOT_ASSESSED,
            unreadable=[Need.MONITOR_ACCOUNTS],
        ),
        case(
            "one rule hidden, another broken",
            [*tied(metrics_rule()), *tied(logs_rule()), workspace()],
            Status.NOT_ASSESSED,
            unreadable=[Need.WORKSPACES],
        ),
        case(
            "metrics broken for certain, logs hidden",
            [BOTH, *tied(logs_rule()), workspace()],
            Status.FAIL,
            unreadable=[Need.WORKSPACES],
        ),
        case(
            "associations forbidden",
            [*tied(logs_rule()), workspace()],
            Status.NOT_ASSESSED,
            unreadable=[Need.DATA_COLLECTION_RULE_ASSOCIATIONS],
        ),
        case(
            "rules forbidden",
            [*tied(logs_rule()), workspace()],
            Status.NOT_ASSESSED,
            unreadable=[Need.DATA_COLLECTION_RULES],
        ),
        case("both collectors off", [OFF], Status.NOT_APPLICABLE),
        case("legacy authentication", [LEGACY], Status.NOT_APPLICABLE),
    ],
)
def test_collectors_end_in_a_workspace(world, expected):
    assert evaluate(collectors_end_in_a_workspace, world).status is expected


@pytest.mark.parametrize(
    ("things", "message"),
    [
        ([], "logs go nowhere: no association ties the cluster to a data collection rule"),
        ([rule_association("MSCI")], "logs go nowhere: rule MSCI of association MSCI-association is gone"),
        (tied(metrics_rule()), "logs go nowhere: rule MSProm sends no streams of Container Insights to a workspace"),
        (tied(logs_rule()), "logs go nowhere: workspace log-shared of rule MSCI is gone"),
    ],
)
def test_the_first_broken_link_is_named(things, message):
    assert evaluate(collectors_end_in_a_workspace, inventory(*things)).findings[0].message == message


def test_each_broken_collector_has_a_finding():
    findings = evaluate(collectors_end_in_a_workspace, inventory(BOTH)).findings
    assert [finding.part for finding in findings] == ["collectors/logs", "collectors/metrics"]


def stack(image="quay.io/prometheus/prometheus:v3.1", *, ready=2, kind=StatefulSet):
    status = ControllerStatus(number_ready=ready) if kind is DaemonSet else ControllerStatus(ready_replicas=ready)
    return workload(kind, "prometheus", "monitoring", spec=pod_spec(container(image=image)), status=status)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("metrics.enabled true", [METRICS], Status.PASS),
        case(
            "azureMonitorProfile absent, StatefulSet quay.io/prometheus/prometheus:v3.1 readyReplicas 2",
            [stack()],
            Status.PASS,
        ),
        case("a DaemonSet", [stack("gcr.io/datadoghq/agent:7", kind=DaemonSet)], Status.PASS),
        case("a Deployment", [stack("grafana/alloy:1.9", ready=1, kind=Deployment)], Status.PASS),
        case("azureMonitorProfile absent, nothing matches", [stack("registry.example/app:1")], Status.FAIL),
        case("metrics.enabled false, prometheus StatefulSet with readyReplicas 0", [stack(ready=0)], Status.FAIL),
        case(
            "an own stack that is accepted",
            [stack("registry.example/platform/scraper:1")],
            Status.PASS,
            parameters={"accepted_metric_stacks": ("platform/scraper",)},
        ),
        case("metrics off, workloads forbidden", [OFF], Status.NOT_ASSESSED, unreadable=[Need.STATEFUL_SETS]),
        case("found, other workloads forbidden", [stack()], Status.PASS, unreadable=[Need.DAEMON_SETS]),
        case("cluster unreadable", [stack()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_prometheus_metrics_are_collected(world, expected):
    assert evaluate(prometheus_metrics_are_collected, world).status is expected


READY = PodStatus(phase="Running", conditions=(PodCondition(type="Ready", status="True"),))
CRASHING = PodStatus(
    phase="Running",
    conditions=(PodCondition(type="Ready", status="False"),),
    container_statuses=(
        ContainerStatus(restart_count=7, state=ContainerState(waiting=WaitingState(reason="ImagePullBackOff"))),
    ),
)


def before(minutes):
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def agent(
    name, *, wanted=3, ready=None, minutes=120, ends=None, kind=DaemonSet, namespace="kube-system", pods=None, seen=None
):
    """An agent, of whose pods the last ones are not ready, were made some minutes ago, and had to end some minutes
    ago, if at all; ``seen`` is how many are ready by themselves.
    """
    ready = wanted if ready is None else ready
    if kind is DaemonSet:
        status = ControllerStatus(desired_number_scheduled=wanted, number_ready=ready)
    else:
        status = ControllerStatus(ready_replicas=ready)
    made = workload(kind, name, namespace, replicas=wanted, pods=0, status=status)
    owner = made[-1]
    deletion = None if ends is None else before(ends)
    ready = ready if seen is None else seen
    for index in range(wanted if pods is None else pods):
        marks = {"creation_timestamp": before(minutes), "deletion_timestamp": None if index < ready else deletion}
        found = pod(f"{name}-{index}", namespace, owner=owner, **marks)
        made.append(
            type(found)(metadata=found.metadata, node_name="node-2", status=READY if index < ready else CRASHING)
        )
    return made


def replica(name, **fields):
    return agent(name, wanted=1, kind=Deployment, **fields)


LOGS = [*agent("ama-logs"), *replica("ama-logs-rs")]
METRICS_AGENTS = [*replica("ama-metrics"), *replica("ama-metrics-ksm"), *agent("ama-metrics-node")]
WINDOWS = [node_pool(), node_pool("win", os_type=Token("Windows"), count=2)]
DEFENDER = cluster(
    addon_profiles={},
    security_profile=SecurityProfile(defender=Defender(security_monitoring=Switch(enabled=True))),
)
POLICY = cluster(addon_profiles={Token("azurepolicy"): AddonProfile(enabled=True)})


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("omsagent on, ama-logs ready 3 of 3, ama-logs-rs 1 of 1", LOGS, Status.PASS),
        case(
            "omsagent on, ama-logs ready 2 of 3, the third pod is 2 hours old",
            [*agent("ama-logs", ready=2), *replica("ama-logs-rs")],
            Status.FAIL,
        ),
        case(
            "omsagent on, ama-logs ready 2 of 3, the third pod is 3 minutes old",
            [*agent("ama-logs", ready=2, minutes=3), *replica("ama-logs-rs")],
            Status.PASS,
        ),
        case(
            "the third pod is 2 hours old and about to end",
            [*agent("ama-logs", ready=2, ends=-1), *replica("ama-logs-rs")],
            Status.PASS,
        ),
        case(
            "the third pod should have ended an hour ago",
            [*agent("ama-logs", ready=2, ends=60), *replica("ama-logs-rs")],
            Status.FAIL,
        ),
        case("15 minutes old", [*agent("ama-logs", ready=2, minutes=15), *replica("ama-logs-rs")], Status.PASS),
        case("16 minutes old", [*agent("ama-logs", ready=2, minutes=16), *replica("ama-logs-rs")], Status.FAIL),
        case(
            "a longer grace",
            [*agent("ama-logs", ready=2, minutes=16), *replica("ama-logs-rs")],
            Status.PASS,
            parameters={"grace_minutes": 60},
        ),
        case("omsagent on, ama-logs absent", replica("ama-logs-rs"), Status.FAIL),
        case("no pod at all", [*agent("ama-logs", ready=0, pods=0), *replica("ama-logs-rs")], Status.FAIL),
        case(
            "the third pod was never made",
            [*agent("ama-logs", ready=2, pods=2), *replica("ama-logs-rs")],
            Status.NOT_ASSESSED,
        ),
        case(
            "the third pod is 3 minutes old, the fourth was never made",
            [*agent("ama-logs", wanted=4, ready=2, pods=3, minutes=3), *replica("ama-logs-rs")],
            Status.NOT_ASSESSED,
        ),
        case(
            "the third pod is 2 hours old, the fourth was never made",
            [*agent("ama-logs", wanted=4, ready=2, pods=3), *replica("ama-logs-rs")],
            Status.FAIL,
        ),
        case(
            "one collector's pod was never made, another's waits for 2 hours",
            [DEFENDER, *agent("microsoft-defender-a", ready=2, pods=2), *agent("microsoft-defender-b", ready=2)],
            Status.FAIL,
        ),
        case(
            "the second replica was never made",
            [*agent("ama-logs"), *agent("ama-logs-rs", wanted=2, ready=1, pods=1, kind=Deployment)],
            Status.NOT_ASSESSED,
        ),
        case(
            "all three pods are ready, which the DaemonSet does not know yet",
            [*agent("ama-logs", ready=2, seen=3), *replica("ama-logs-rs")],
            Status.PASS,
        ),
        case("the replica waits", [*agent("ama-logs"), *replica("ama-logs-rs", ready=0)], Status.FAIL),
        case(
            "an agent of that name elsewhere",
            [*agent("ama-logs", namespace="mine"), *replica("ama-logs-rs")],
            Status.FAIL,
        ),
        case("containerInsights.enabled", [INSIGHTS, *LOGS], Status.PASS),
        case("metrics on", [METRICS, *METRICS_AGENTS], Status.PASS),
        case("metrics on, nothing there", [METRICS], Status.FAIL),
        case("defender on, no DaemonSet with prefix microsoft-defender-", [DEFENDER], Status.FAIL),
        case("defender on", [DEFENDER, *agent("microsoft-defender-collector-ds")], Status.PASS),
        case(
            "metrics on, Windows pool present, ama-metrics-win-node absent",
            [cluster(addon_profiles={}, azure_monitor_profile=METRICS_ON, pools=WINDOWS), *METRICS_AGENTS],
            Status.FAIL,
        ),
        case(
            "metrics on, the Windows pool is empty",
            [
                cluster(
                    addon_profiles={},
                    azure_monitor_profile=METRICS_ON,
                    pools=[node_pool(), node_pool("win", os_type=Token("Windows"), count=0)],
                ),
                *METRICS_AGENTS,
            ],
            Status.PASS,
        ),
        case(
            "policy on",
            [POLICY, *replica("azure-policy"), *replica("gatekeeper-controller", namespace="gatekeeper-system")],
            Status.PASS,
        ),
        case("policy on, gatekeeper absent", [POLICY, *replica("azure-policy")], Status.FAIL),
        case(
            "AKS runs the Deployments elsewhere",
            [cluster(hosted_system_profile=HostedSystemProfile(enabled=True)), *agent("ama-logs")],
            Status.PASS,
        ),
        case("all profiles off", [OFF], Status.NOT_APPLICABLE),
        case("cluster stopped", [cluster(power_state=PowerState(code=Token("Stopped"))), *LOGS], Status.NOT_ASSESSED),
        case("DaemonSets forbidden", LOGS, Status.NOT_ASSESSED, unreadable=[Need.DAEMON_SETS]),
        case(
            "DaemonSets forbidden, the replica absent for certain",
            agent("ama-logs"),
            Status.FAIL,
            unreadable=[Need.DAEMON_SETS],
        ),
        case(
            "short of pods, pods forbidden",
            [*agent("ama-logs", ready=2), *replica("ama-logs-rs")],
            Status.NOT_ASSESSED,
            unreadable=[Need.PODS],
        ),
        case("all ready, pods forbidden", LOGS, Status.PASS, unreadable=[Need.PODS]),
    ],
)
def test_promised_agents_run(world, expected):
    assert evaluate(promised_agents_run, world).status is expected


def test_pods_that_wait_are_shown():
    world = inventory(*agent("ama-logs", ready=2), *replica("ama-logs-rs"))
    (finding,) = evaluate(promised_agents_run, world).findings
    assert finding.message == "DaemonSet/kube-system/ama-logs has 2 of 3 pods ready"
    assert finding.part == "profiles/logs"
    shown = finding.evidence["DaemonSet/kube-system/ama-logs pods"]
    assert shown == ("ama-logs-2 on node-2: Running, ImagePullBackOff, 7 restarts",)


def test_each_profile_has_a_finding():
    findings = evaluate(promised_agents_run, inventory(BOTH, *agent("ama-logs"))).findings
    assert [finding.part for finding in findings] == ["profiles/logs", "profiles/metrics"]
    assert [finding.message.split("; ") for finding in findings] == [
        ["Deployment/kube-system/ama-logs-rs is missing"],
        [
            "Deployment/kube-system/ama-metrics is missing",
            "Deployment/kube-system/ama-metrics-ksm is missing",
            "DaemonSet/kube-system/ama-metrics-node is missing",
        ],
    ]
