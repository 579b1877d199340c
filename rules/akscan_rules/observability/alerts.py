"""Whether somebody is told."""

from collections.abc import Iterator

from akscan.sdk import (
    FAILED_OPERATION,
    SIGNALS,
    Cluster,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotCollected,
    Pillar,
    Severity,
    Telemetry,
    rule,
)

from akscan_rules.observability.stacks import known_stacks


@rule(
    "OBS-013",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.METRIC_ALERTS,
        Need.SCHEDULED_QUERY_RULES,
        Need.ACTIVITY_LOG_ALERTS,
        Need.ACTION_GROUPS,
        Need.PROMETHEUS_RULE_GROUPS,
        Need.ACTION_RULES,
    ],
    optional_needs=[
        Need.DIAGNOSTIC_SETTINGS,
        Need.DATA_COLLECTION_RULE_ASSOCIATIONS,
        Need.DATA_COLLECTION_RULES,
        Need.WORKSPACES,
        Need.MONITOR_ACCOUNTS,
        Need.DEPLOYMENTS,
        Need.STATEFUL_SETS,
        Need.DAEMON_SETS,
    ],
    docs=[
        "https://learn.microsoft.com/azure/aks/best-practices-monitoring-proactive",
        "https://learn.microsoft.com/azure/azure-monitor/containers/kubernetes-metric-alerts",
    ],
    fix=Fix(
        """
        az monitor action-group create --resource-group {resource_group} --name aks-oncall --short-name aksoncall --action email oncall {email}
        az monitor metrics alert create --resource-group {resource_group} --name aks-apiserver-cpu --scopes {cluster_id} --condition "avg apiserver_cpu_usage_percentage > 90" --action aks-oncall
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_monitor_alert_prometheus_rule_group.rule.action | azurerm_monitor_metric_alert.action"
            " | azurerm_monitor_scheduled_query_rules_alert_v2.action"
        ),
        arm=(
            "Microsoft.AlertsManagement/prometheusRuleGroups properties.rules[].actions"
            " | Microsoft.Insights/metricAlerts properties.actions"
        ),
    ),
)
def alerts_reach_someone(
    cluster: Cluster, inventory: Inventory, *, accepted_alerting: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Alert rules watch the cluster and reach someone.

    Dashboards do not wake anyone. The usual finding is a set of recommended rules that was deployed once with an empty
    action list: they fire into the portal and nobody is told.

    **Fix**: enable the recommended Prometheus rules for the cluster and give them an action group with a living
    receiver; where an alert processing rule silences them for good, take it off the cluster or give it a schedule.
    """
    alerting, stacks = inventory.alerting, known_stacks()
    images = stacks.images("alerts", accepted_alerting)
    if cluster.running_images.known(images):
        return
    workspaces, gaps = Telemetry(cluster, inventory).watched_workspaces
    alerts = alerting.known_watchers(cluster, workspaces)
    if alerting.can_notify(alerts, cluster):
        return
    cluster.running_images.of(images)
    for gap in gaps:
        raise NotCollected(gap)
    alerting.require_complete((cluster.id, *workspaces))
    told = {signal for alert in alerts for signal in alert.signals}
    groups = {group: None for alert in alerts for group in alerting.groups_of(alert, cluster)}
    watched = f"none of {len(alerts)} alert rule(s) reaches anybody" if alerts else "no alert rule watches the cluster"
    yield Finding(
        f"{watched}{stacks.note(inventory)}",
        {
            "alertRules": tuple(str(alert) for alert in alerts),
            "actionGroups": tuple(alerting.described(group) for group in groups),
            "silencedBy": tuple(dict.fromkeys(name for a in alerts for name in alerting.silencers_of(a, cluster))),
            "recommendedButNotWatched": tuple(s for s in (FAILED_OPERATION, *SIGNALS) if s not in told),
            **stacks.evidence(inventory),
        },
    )


@rule(
    "OBS-014",
    Severity.LOW,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.ACTIVITY_LOG_ALERTS],
    docs=[
        "https://learn.microsoft.com/azure/service-health/resource-health-alert-monitor-guide",
        "https://learn.microsoft.com/azure/service-health/alerts-activity-log-service-notifications-portal",
    ],
    fix=Fix(
        """
        az monitor activity-log alert create --resource-group {resource_group} --name aks-service-health --scope /subscriptions/{subscription_id} --condition category=ServiceHealth --action-group {action_group_id}
        az monitor activity-log alert create --resource-group {resource_group} --name aks-resource-health --scope {cluster_id} --condition category=ResourceHealth --action-group {action_group_id}
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform="azurerm_monitor_activity_log_alert.criteria.category",
        arm="Microsoft.Insights/activityLogAlerts properties.condition.allOf[].equals",
    ),
)
def health_alerts_cover_the_cluster(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Service health and resource health alerts cover the cluster.

    Retirements, forced upgrades and regional outages of AKS are announced through Service Health, and a control plane
    that became unreachable through Resource Health. Both are free; without an alert the mail goes to whoever owns the
    subscription.

    **Fix**: create both activity log alerts with an action group; where that of Service Health is limited to types of
    events, let Incident and ActionRequired be among them.
    """
    alerting = inventory.alerting
    found = {
        category: alerting.known_health_alerts(cluster, category) for category in ("ServiceHealth", "ResourceHealth")
    }
    untold = alerting.untold_events(found["ServiceHealth"]) if found["ServiceHealth"] else ()
    missing = [category for category, alerts in found.items() if not alerts]
    missing += [f"ServiceHealth ({', '.join(untold)})"] if untold else []
    if missing:
        alerting.require_health_alerts(cluster)
        named = {category: tuple(alert.name for alert in alerts) for category, alerts in found.items()}
        yield Finding(
            f"no alert with an action group tells of {' and '.join(missing)}",
            {"missing": tuple(missing), **named},
            {"subscription_id": cluster.id.subscription},
        )
