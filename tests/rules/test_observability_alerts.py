"""Whether somebody is told."""

import pytest
from akscan.model.azure import AzureMonitorProfile, Switch
from akscan.model.kubernetes import ControllerStatus, StatefulSet
from akscan.sdk import Need, Status
from akscan.testing import (
    GROUP,
    SUBSCRIPTION,
    WORKSPACE,
    action_group,
    activity_alert,
    case,
    cluster,
    container,
    diagnostic_setting,
    evaluate,
    inventory,
    logs_rule,
    metric_alert,
    metrics_rule,
    monitor_account,
    pod_spec,
    processing_rule,
    prometheus_rules,
    query_alert,
    silencing_rule,
    tied,
    workload,
    workspace,
)
from akscan_rules.observability.alerts import alerts_reach_someone, health_alerts_cover_the_cluster

CLUSTERS = "Microsoft.ContainerService/managedClusters"
TYPE = "properties.incidentType"
REGION = "properties.impactedServices[*].ImpactedRegions[*].RegionName"
ELSEWHERE = f"{GROUP}/providers/Microsoft.Monitor/accounts/amw-elsewhere"
METRICS = [
    cluster(addon_profiles={}, azure_monitor_profile=AzureMonitorProfile(metrics=Switch(enabled=True))),
    *tied(metrics_rule()),
    monitor_account(),
]
LOGS = [*tied(logs_rule()), workspace()]
ALERTS = (
    Need.METRIC_ALERTS,
    Need.SCHEDULED_QUERY_RULES,
    Need.ACTIVITY_LOG_ALERTS,
    Need.PROMETHEUS_RULE_GROUPS,
    Need.ACTION_RULES,
)


def alertmanager(*, ready=1, image="quay.io/prometheus/alertmanager:v0.28"):
    spec = pod_spec(container(image=image))
    status = ControllerStatus(ready_replicas=ready)
    return workload(StatefulSet, "alertmanager", "monitoring", spec=spec, status=status)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "Prometheus rule group on the workspace with one action group that has an email receiver",
            [*METRICS, prometheus_rules(), action_group()],
            Status.PASS,
        ),
        case(
            "same group, rules[].actions empty, no processing rule",
            [*METRICS, prometheus_rules(groups=[]), action_group()],
            Status.FAIL,
        ),
        case(
            "same group, actions empty, AddActionGroups processing rule on the resource group",
            [*METRICS, prometheus_rules(groups=[]), processing_rule(GROUP), action_group()],
            Status.PASS,
        ),
        case(
            "the processing rule has a schedule",
            [*METRICS, prometheus_rules(groups=[]), processing_rule(GROUP, sometimes=True), action_group()],
            Status.NOT_ASSESSED,
        ),
        case(
            "the processing rule is limited to some alerts",
            [*METRICS, prometheus_rules(groups=[]), processing_rule(GROUP, some=True), action_group()],
            Status.NOT_ASSESSED,
        ),
        case(
            "the processing rule has a schedule, and its action group no receiver",
            [*METRICS, prometheus_rules(groups=[]), processing_rule(GROUP, sometimes=True), action_group(emails=0)],
            Status.FAIL,
        ),
        case(
            "the processing rule has a schedule and is off",
            [
                *METRICS,
                prometheus_rules(groups=[]),
                processing_rule(GROUP, sometimes=True, enabled=False),
                action_group(),
            ],
            Status.FAIL,
        ),
        case(
            "the processing rule has a schedule, and the alert names the action group, too",
            [metric_alert(), processing_rule(GROUP, sometimes=True), action_group()],
            Status.PASS,
        ),
        case(
            "the processing rule is off",
            [*METRICS, prometheus_rules(groups=[]), processing_rule(GROUP, enabled=False), action_group()],
            Status.FAIL,
        ),
        case(
            "the processing rule is for another group",
            [*METRICS, prometheus_rules(groups=[]), processing_rule(f"{GROUP}-other"), action_group()],
            Status.FAIL,
        ),
        case(
            "silenced with the subscription",
            [metric_alert(), action_group(), silencing_rule(SUBSCRIPTION)],
            Status.FAIL,
        ),
        case(
            "silenced, and sent to somebody by another processing rule",
            [metric_alert(), action_group(), processing_rule(GROUP), silencing_rule(GROUP)],
            Status.FAIL,
        ),
        case("silenced at times", [metric_alert(), action_group(), silencing_rule(GROUP, sometimes=True)], Status.PASS),
        case("silenced in part", [metric_alert(), action_group(), silencing_rule(GROUP, some=True)], Status.PASS),
        case("no longer silenced", [metric_alert(), action_group(), silencing_rule(GROUP, enabled=False)], Status.PASS),
        case(
            "the silence is for another group",
            [metric_alert(), action_group(), silencing_rule(f"{GROUP}-other")],
            Status.PASS,
        ),
        case(
            "one alert is silenced, another is not",
            [*LOGS, metric_alert(), query_alert(), action_group(), silencing_rule(cluster().id)],
            Status.PASS,
        ),
        case(
            "processing rules forbidden, which may silence it",
            [metric_alert(), action_group()],
            Status.NOT_ASSESSED,
            unreadable=[Need.ACTION_RULES],
        ),
        case("metric alert on the cluster", [metric_alert(), action_group()], Status.PASS),
        case("metric alert on the cluster, action group 404", [metric_alert()], Status.FAIL),
        case("metric alert, action group enabled false", [metric_alert(), action_group(enabled=False)], Status.FAIL),
        case("metric alert, action group without receivers", [metric_alert(), action_group(emails=0)], Status.FAIL),
        case("metric alert, off", [metric_alert(enabled=False), action_group()], Status.FAIL),
        case(
            "metric alert on the subscription for clusters",
            [metric_alert(SUBSCRIPTION, target=CLUSTERS), action_group()],
            Status.PASS,
        ),
        case(
            "metric alert on the subscription for machines",
            [metric_alert(SUBSCRIPTION, target="Microsoft.Compute/virtualMachines"), action_group()],
            Status.FAIL,
        ),
        case("metric alert on another cluster", [metric_alert(cluster("two").id), action_group()], Status.FAIL),
        case("metric alert on the workspace", [*LOGS, metric_alert(WORKSPACE), action_group()], Status.FAIL),
        case("log search alert on the workspace of the agent", [*LOGS, query_alert(), action_group()], Status.PASS),
        case(
            "log search alert on the workspace of a diagnostic setting",
            [
                cluster(addon_profiles={}),
                diagnostic_setting(categories=["kube-audit"], workspace_id=WORKSPACE),
                query_alert(),
                action_group(),
            ],
            Status.PASS,
        ),
        case("log search alert on the cluster", [query_alert(cluster().id), action_group()], Status.PASS),
        case("log search alert on another workspace", [*LOGS, query_alert(ELSEWHERE), action_group()], Status.FAIL),
        case(
            "activity log alert on what is done to clusters",
            [activity_alert(SUBSCRIPTION, "Administrative", ("resourceType", CLUSTERS)), action_group()],
            Status.PASS,
        ),
        case(
            "activity log alert on what is done to machines",
            [
                activity_alert(SUBSCRIPTION, "Administrative", ("resourceType", "Microsoft.Compute/virtualMachines")),
                action_group(),
            ],
            Status.FAIL,
        ),
        case("no Azure rule, Alertmanager StatefulSet ready", [alertmanager()], Status.PASS),
        case("no Azure rule, Alertmanager not ready", [alertmanager(ready=0)], Status.FAIL),
        case(
            "an own stack that is accepted",
            [alertmanager(image="registry.example/platform/pager:1")],
            Status.PASS,
            parameters={"accepted_alerting": ("platform/pager",)},
        ),
        case("no Azure rule, nothing in the cluster", [], Status.FAIL),
        case(
            "rule group with clusterName of another cluster only",
            [*METRICS, prometheus_rules(cluster_name="two"), action_group()],
            Status.FAIL,
        ),
        case(
            "rule group with clusterName of this cluster",
            [*METRICS, prometheus_rules(cluster_name="AKS"), action_group()],
            Status.PASS,
        ),
        case("rule group that records only", [*METRICS, prometheus_rules(alert=""), action_group()], Status.FAIL),
        case("rule group, off", [*METRICS, prometheus_rules(enabled=False), action_group()], Status.FAIL),
        case(
            "rule group on another workspace",
            [*METRICS, prometheus_rules(scope=ELSEWHERE), action_group()],
            Status.FAIL,
        ),
        case("alert reads forbidden", [], Status.NOT_ASSESSED, unreadable=ALERTS),
        *(
            case(f"nothing found, {need} missing", [], Status.NOT_ASSESSED, unreadable=[need])
            for need in (*ALERTS, Need.DEPLOYMENTS, Need.STATEFUL_SETS, Need.DAEMON_SETS, Need.DIAGNOSTIC_SETTINGS)
        ),
        case(
            "a rule reaches somebody, others forbidden",
            [metric_alert(), action_group()],
            Status.PASS,
            unreadable=[Need.SCHEDULED_QUERY_RULES, Need.DEPLOYMENTS],
        ),
        case(
            "action groups forbidden",
            [metric_alert(), action_group()],
            Status.NOT_ASSESSED,
            unreadable=[Need.ACTION_GROUPS],
        ),
        case(
            "associations forbidden",
            METRICS,
            Status.NOT_ASSESSED,
            unreadable=[Need.DATA_COLLECTION_RULE_ASSOCIATIONS],
        ),
    ],
)
def test_alerts_reach_someone(world, expected):
    assert evaluate(alerts_reach_someone, world).status is expected


def test_what_silences_an_alert_is_named():
    things = [metric_alert(), action_group(), silencing_rule(GROUP)]
    finding = evaluate(alerts_reach_someone, inventory(*things)).findings[0]
    assert finding.message == "none of 1 alert rule(s) reaches anybody"
    assert finding.evidence["silencedBy"] == ("silence",)


def test_rules_that_reach_nobody_are_named():
    things = [
        *METRICS,
        prometheus_rules(),
        metric_alert(metric="node_cpu_usage_percentage", groups=[]),
        action_group(emails=0),
    ]
    finding = evaluate(alerts_reach_someone, inventory(*things)).findings[0]
    assert finding.message == "none of 2 alert rule(s) reaches anybody"
    assert finding.evidence["alertRules"] == (
        "Prometheus rules KubernetesAlert on amw-shared",
        "metric alert aks-cpu on aks",
    )
    assert finding.evidence["actionGroups"] == ("ag-oncall (0 receivers)",)
    assert finding.evidence["recommendedButNotWatched"] == (
        "failed operation of the cluster or a node pool",
        "node not ready",
        "node memory",
        "node disk",
    )


SERVICE = activity_alert(SUBSCRIPTION, "ServiceHealth", name="service")
RESOURCE = activity_alert(SUBSCRIPTION, "ResourceHealth", name="resource")
EACH_TYPE = [
    activity_alert(SUBSCRIPTION, "ServiceHealth", (TYPE, one), name=one) for one in ("Incident", "ActionRequired")
]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("both alerts on the subscription with action groups", [SERVICE, RESOURCE], Status.PASS),
        case("ServiceHealth only", [SERVICE], Status.FAIL),
        case("ResourceHealth only", [RESOURCE], Status.FAIL),
        case("ResourceHealth of the cluster's group", [SERVICE, activity_alert(GROUP, "ResourceHealth")], Status.PASS),
        case("ResourceHealth of the cluster", [SERVICE, activity_alert(cluster().id, "ResourceHealth")], Status.PASS),
        case(
            "ServiceHealth of the cluster's group, where it says nothing",
            [RESOURCE, activity_alert(GROUP, "ServiceHealth")],
            Status.FAIL,
        ),
        case(
            "ResourceHealth with resourceType Microsoft.Compute/virtualMachines only",
            [
                SERVICE,
                activity_alert(SUBSCRIPTION, "ResourceHealth", ("resourceType", "Microsoft.Compute/virtualMachines")),
            ],
            Status.FAIL,
        ),
        case(
            "ResourceHealth with the type of clusters",
            [SERVICE, activity_alert(SUBSCRIPTION, "ResourceHealth", ("resourceType", CLUSTERS))],
            Status.PASS,
        ),
        case(
            "ServiceHealth alert without action group",
            [RESOURCE, activity_alert(SUBSCRIPTION, "ServiceHealth", groups=[])],
            Status.FAIL,
        ),
        case(
            "ServiceHealth limited to Azure SQL",
            [RESOURCE, activity_alert(SUBSCRIPTION, "ServiceHealth", services=["SQL Database"])],
            Status.FAIL,
        ),
        case(
            "ServiceHealth limited to two services, one of them AKS",
            [
                RESOURCE,
                activity_alert(
                    SUBSCRIPTION, "ServiceHealth", services=["SQL Database", "Azure Kubernetes Service (AKS)"]
                ),
            ],
            Status.PASS,
        ),
        case(
            "ServiceHealth limited to maintenance",
            [RESOURCE, activity_alert(SUBSCRIPTION, "ServiceHealth", (TYPE, "Maintenance"))],
            Status.FAIL,
        ),
        case(
            "ServiceHealth limited to outages, where retirements say nothing",
            [RESOURCE, activity_alert(SUBSCRIPTION, "ServiceHealth", (TYPE, "Incident"))],
            Status.FAIL,
        ),
        case("ServiceHealth, an alert for each type", [RESOURCE, *EACH_TYPE], Status.PASS),
        case(
            "ServiceHealth, an alert for each type, that for advisories limited to another region",
            [
                RESOURCE,
                EACH_TYPE[0],
                activity_alert(SUBSCRIPTION, "ServiceHealth", (TYPE, "ActionRequired"), (REGION, "North Europe")),
            ],
            Status.FAIL,
        ),
        case(
            "ServiceHealth limited to maintenance, beside one of every type",
            [RESOURCE, SERVICE, activity_alert(SUBSCRIPTION, "ServiceHealth", (TYPE, "Maintenance"))],
            Status.PASS,
        ),
        case(
            "ServiceHealth limited to another region",
            [RESOURCE, activity_alert(SUBSCRIPTION, "ServiceHealth", (REGION, "North Europe"))],
            Status.FAIL,
        ),
        case(
            "ServiceHealth limited to the region of the cluster, spelled out",
            [RESOURCE, activity_alert(SUBSCRIPTION, "ServiceHealth", (REGION, "West Europe"))],
            Status.PASS,
        ),
        case(
            "ResourceHealth limited to another group",
            [SERVICE, activity_alert(SUBSCRIPTION, "ResourceHealth", ("resourceGroup", "rg-other"))],
            Status.FAIL,
        ),
        case(
            "ResourceHealth limited to the cluster's group",
            [SERVICE, activity_alert(SUBSCRIPTION, "ResourceHealth", ("resourceGroup", "RG-Test"))],
            Status.PASS,
        ),
        case(
            "ResourceHealth limited to another resource",
            [SERVICE, activity_alert(SUBSCRIPTION, "ResourceHealth", ("resourceId", cluster("other").id))],
            Status.FAIL,
        ),
        case(
            "ResourceHealth limited to the cluster",
            [SERVICE, activity_alert(SUBSCRIPTION, "ResourceHealth", ("resourceId", cluster().id))],
            Status.PASS,
        ),
        case("off", [RESOURCE, activity_alert(SUBSCRIPTION, "ServiceHealth", enabled=False)], Status.FAIL),
        case(
            "activityLogAlerts forbidden",
            [SERVICE, RESOURCE],
            Status.NOT_ASSESSED,
            unreadable=[Need.ACTIVITY_LOG_ALERTS],
        ),
    ],
)
def test_health_alerts_cover_the_cluster(world, expected):
    assert evaluate(health_alerts_cover_the_cluster, world).status is expected


def test_what_nobody_tells_is_named():
    finding = evaluate(health_alerts_cover_the_cluster, inventory(SERVICE)).findings[0]
    assert finding.message == "no alert with an action group tells of ResourceHealth"
    assert finding.evidence["ServiceHealth"] == ("service",)


def test_types_of_events_that_nobody_tells_are_named():
    finding = evaluate(health_alerts_cover_the_cluster, inventory(RESOURCE, EACH_TYPE[0])).findings[0]
    assert finding.message == "no alert with an action group tells of ServiceHealth (ActionRequired)"
