"""Logs, metrics, alerts and their destinations."""

import pytest
from akscan.model.azure import AddonConfig, AddonProfile, AzureMonitorProfile, ContainerInsights
from akscan.model.kubernetes import ControllerStatus, DaemonSet, Deployment
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import GROUP, case, cluster, container, diagnostic_setting, evaluate, inventory, pod_spec, workload
from akscan_rules.observability import audit_logs_are_kept, container_logs_leave_the_nodes

WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/log-shared"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/starchive"
HUB = f"{GROUP}/providers/Microsoft.EventHub/namespaces/ehns/authorizationRules/send"
PARTNER = f"{GROUP}/providers/Microsoft.Elastic/monitors/elastic"


def agent(key="omsagent", *, enabled=True, workspace=""):
    config = AddonConfig(log_analytics_workspace_resource_id=ArmId(workspace))
    return {Token(key): AddonProfile(enabled=enabled, config=config)}


NO_AGENT = cluster(addon_profiles={})


def collector(image="docker.io/fluent/fluent-bit:3.1", *, available=3, kind=DaemonSet):
    return workload(
        kind,
        "logs",
        "logging",
        spec=pod_spec(container(image=image)),
        replicas=None,
        status=ControllerStatus(number_available=available),
    )


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("addonProfiles.omsagent.enabled true", [cluster(addon_profiles=agent())], Status.PASS),
        case(
            "addonProfiles key spelled omsAgent, enabled true",
            [cluster(addon_profiles=agent("omsAgent"))],
            Status.PASS,
        ),
        case(
            "azureMonitorProfile.containerInsights.enabled true, no omsagent",
            [
                cluster(
                    addon_profiles={},
                    azure_monitor_profile=AzureMonitorProfile(container_insights=ContainerInsights(enabled=True)),
                )
            ],
            Status.PASS,
        ),
        case(
            "omsagent false, DaemonSet with image docker.io/fluent/fluent-bit:3.1 and numberAvailable 3",
            [cluster(addon_profiles=agent(enabled=False)), collector()],
            Status.PASS,
        ),
        case(
            "omsagent false, fluent-bit DaemonSet with numberAvailable 0",
            [cluster(addon_profiles=agent(enabled=False)), collector(available=0)],
            Status.FAIL,
        ),
        case("numberAvailable 1", [NO_AGENT, collector(available=1)], Status.PASS),
        case(
            "omsagent absent, no DaemonSet matches",
            [NO_AGENT, collector("registry.example/node-exporter:1")],
            Status.FAIL,
        ),
        case(
            "an image whose name only ends alike", [NO_AGENT, collector("evil.example/xfluent/fluent-bit")], Status.FAIL
        ),
        case("a collector that is no DaemonSet", [NO_AGENT, collector(kind=Deployment)], Status.FAIL),
        case(
            "an own collector that is accepted",
            [NO_AGENT, collector("registry.example/platform/shipper@sha256:00")],
            Status.PASS,
            parameters={"accepted_log_collectors": ("platform/shipper",)},
        ),
        case("omsagent absent, DaemonSets forbidden", [NO_AGENT], Status.NOT_ASSESSED, unreadable=[Need.DAEMON_SETS]),
        case(
            "omsagent on, DaemonSets forbidden",
            [cluster(addon_profiles=agent())],
            Status.PASS,
            unreadable=[Need.DAEMON_SETS],
        ),
        case(
            "cluster unreadable",
            [cluster(addon_profiles=agent())],
            Status.NOT_ASSESSED,
            unreadable=[Need.MANAGED_CLUSTERS],
        ),
    ],
)
def test_container_logs_leave_the_nodes(world, expected):
    assert evaluate(container_logs_leave_the_nodes, world).status is expected


def test_collector_without_pods_is_named():
    world = inventory(cluster(addon_profiles=agent(enabled=False, workspace=WORKSPACE)), collector(available=0))
    finding = evaluate(container_logs_leave_the_nodes, world).findings[0]
    assert finding.message == "no pod of logging/logs (docker.io/fluent/fluent-bit:3.1) is available"
    assert finding.evidence == {
        "omsagent.enabled": False,
        "containerInsights.enabled": False,
        "daemonSets": ("logging/logs (docker.io/fluent/fluent-bit:3.1)",),
    }
    assert finding.fill == {"workspace_id": WORKSPACE}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "kube-audit-admin enabled with workspaceId",
            [diagnostic_setting(categories=["kube-audit-admin"], workspace_id=WORKSPACE)],
            Status.PASS,
        ),
        case(
            "kube-audit enabled with eventHubAuthorizationRuleId only",
            [diagnostic_setting(categories=["kube-audit"], event_hub_authorization_rule_id=HUB)],
            Status.PASS,
        ),
        case(
            "categoryGroup allLogs enabled to storage",
            [diagnostic_setting(groups=["allLogs"], storage_account_id=STORAGE)],
            Status.PASS,
        ),
        case(
            "categoryGroup audit enabled to a partner",
            [diagnostic_setting(groups=["audit"], marketplace_partner_id=PARTNER)],
            Status.PASS,
        ),
        case(
            "kube-audit present with enabled false",
            [diagnostic_setting(off=["kube-audit"], workspace_id=WORKSPACE)],
            Status.FAIL,
        ),
        case(
            "only kube-apiserver enabled",
            [diagnostic_setting(categories=["kube-apiserver"], workspace_id=WORKSPACE)],
            Status.FAIL,
        ),
        case("no diagnostic setting", [], Status.FAIL),
        case(
            "kube-audit in one setting without destination, none elsewhere",
            [diagnostic_setting(categories=["kube-audit"])],
            Status.FAIL,
        ),
        case(
            "kube-audit without destination, the destination in another setting",
            [
                diagnostic_setting(categories=["kube-audit"]),
                diagnostic_setting("other", categories=["guard"], workspace_id=WORKSPACE),
            ],
            Status.FAIL,
        ),
        case(
            "the second of two settings keeps them",
            [
                diagnostic_setting("other", categories=["guard"], workspace_id=WORKSPACE),
                diagnostic_setting(categories=["kube-audit"], storage_account_id=STORAGE),
            ],
            Status.PASS,
        ),
        case(
            "a setting of another cluster",
            [
                cluster(),
                cluster("two"),
                diagnostic_setting(categories=["kube-audit"], workspace_id=WORKSPACE, cluster_name="two"),
            ],
            Status.FAIL,
            subject="aks",
        ),
        case(
            "diagnosticSettings forbidden",
            [diagnostic_setting(categories=["kube-audit"], workspace_id=WORKSPACE)],
            Status.NOT_ASSESSED,
            unreadable=[Need.DIAGNOSTIC_SETTINGS],
        ),
    ],
)
def test_audit_logs_are_kept(world, expected):
    assert evaluate(audit_logs_are_kept, world).status is expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "no diagnostic setting routes the logs of the control plane"),
        (
            [diagnostic_setting(categories=["guard"], workspace_id=WORKSPACE)],
            "no diagnostic setting (audit) routes kube-audit or kube-audit-admin",
        ),
        (
            [diagnostic_setting(categories=["kube-audit"])],
            "diagnostic setting audit has audit events but no destination",
        ),
    ],
)
def test_audit_finding_says_what_is_missing(settings, message):
    assert evaluate(audit_logs_are_kept, inventory(*settings)).findings[0].message == message


def test_audit_evidence_names_every_setting():
    world = inventory(
        diagnostic_setting("a", categories=["guard"], off=["kube-audit"], workspace_id=WORKSPACE),
        diagnostic_setting("b", groups=["audit"]),
    )
    finding = evaluate(audit_logs_are_kept, world).findings[0]
    assert finding.evidence["diagnosticSettings"] == (f"a: guard to {WORKSPACE}", "b: audit to nowhere")
    assert finding.fill == {"workspace_id": WORKSPACE}
