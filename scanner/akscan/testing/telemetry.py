"""Builders of what Azure Monitor collects by, of where telemetry goes, and of alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from akscan.model import azure
from akscan.model.text import ArmId, Location, Token
from akscan.testing.azure import GROUP, cluster

WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/log-shared"
MONITOR_ACCOUNT = f"{GROUP}/providers/Microsoft.Monitor/accounts/amw-shared"
STORAGE_ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/starchive"
EVENT_HUBS = f"{GROUP}/providers/Microsoft.EventHub/namespaces/ehns"
ACTION_GROUP = f"{GROUP}/providers/Microsoft.Insights/actionGroups/ag-oncall"
_RULES = f"{GROUP}/providers/Microsoft.Insights/dataCollectionRules"
_ALERTS = f"{GROUP}/providers/Microsoft.Insights"
_GROUP_DEFAULT = Token("Microsoft-ContainerInsights-Group-Default")


def logs_rule(
    name: str = "MSCI",
    *,
    workspace: str = WORKSPACE,
    streams: Sequence[str] = (_GROUP_DEFAULT,),
    v2: bool | None = True,
    mode: str = "Off",
    namespaces: Sequence[str] = (),
) -> azure.DataCollectionRule:
    """A data collection rule for Container Insights, as ``az aks enable-addons`` makes it."""
    settings = azure.DataCollectionSettings(
        enable_container_log_v2=v2, namespace_filtering_mode=Token(mode), namespaces=tuple(namespaces)
    )
    sent = tuple(Token(stream) for stream in streams)
    source = azure.ExtensionDataSource(
        extension_name=Token("ContainerInsights"),
        streams=sent,
        extension_settings=azure.ExtensionSettings(data_collection_settings=settings),
    )
    destination = azure.LogAnalyticsDestination(name=Token("ciworkspace"), workspace_resource_id=ArmId(workspace))
    return azure.DataCollectionRule(
        id=ArmId(f"{_RULES}/{name}"),
        name=name,
        properties=azure.DataCollectionRuleProperties(
            data_sources=azure.DataSources(extensions=(source,)),
            destinations=azure.Destinations(log_analytics=(destination,)),
            data_flows=(azure.DataFlow(streams=sent, destinations=(destination.name,)),),
        ),
    )


def metrics_rule(
    name: str = "MSProm", *, account: str = MONITOR_ACCOUNT, endpoint: str = ""
) -> azure.DataCollectionRule:
    """A data collection rule for Prometheus metrics."""
    destination = azure.MonitoringAccountDestination(name=Token("account"), account_resource_id=ArmId(account))
    flow = azure.DataFlow(streams=(Token("Microsoft-PrometheusMetrics"),), destinations=(destination.name,))
    return azure.DataCollectionRule(
        id=ArmId(f"{_RULES}/{name}"),
        name=name,
        properties=azure.DataCollectionRuleProperties(
            data_collection_endpoint_id=ArmId(endpoint),
            destinations=azure.Destinations(monitoring_accounts=(destination,)),
            data_flows=(flow,),
        ),
    )


def rule_association(
    rule: azure.DataCollectionRule | str, *, cluster_name: str = "aks"
) -> azure.DataCollectionRuleAssociation:
    """What ties a cluster to a data collection rule."""
    rule_id = ArmId(f"{_RULES}/{rule}") if isinstance(rule, str) else rule.id
    name = f"{rule_id.name}-association"
    return azure.DataCollectionRuleAssociation(
        id=ArmId(
            f"{cluster(cluster_name).id}/providers/{azure.DataCollectionRuleAssociation.arm_type}/{name}",
        ),
        name=name,
        properties=azure.DataCollectionRuleAssociationProperties(data_collection_rule_id=rule_id),
    )


def tied(rule: azure.DataCollectionRule) -> list[azure.Resource]:
    """A data collection rule with its association."""
    return [rule, rule_association(rule)]


def workspace(resource_id: str = WORKSPACE, *, quota: float = -1, **properties: Any) -> azure.Workspace:
    """A Log Analytics workspace without a cap that keeps data for 180 days."""
    capping = azure.WorkspaceCapping(daily_quota_gb=quota)
    return azure.Workspace(
        id=ArmId(resource_id),
        name=ArmId(resource_id).name,
        location=Location("westeurope"),
        properties=azure.WorkspaceProperties(
            **{"retention_in_days": 180, "workspace_capping": capping, **properties},
        ),
    )


def scoped() -> tuple[azure.PrivateLinkScopedResource, ...]:
    """That something has a private link."""
    link = ArmId(f"{_ALERTS}/privateLinkScopes/ampls/scopedResources/it")
    return (azure.PrivateLinkScopedResource(resource_id=link),)


def table(
    name: str, *, days: int | None = None, plan: str = "Analytics", workspace_id: str = WORKSPACE
) -> azure.WorkspaceTable:
    """A table of a workspace, by default with the workspace's retention."""
    return azure.WorkspaceTable(
        id=ArmId(f"{workspace_id}/tables/{name}"),
        name=name,
        properties=azure.WorkspaceTableProperties(plan=Token(plan), total_retention_in_days=days),
    )


def monitor_account() -> azure.MonitorAccount:
    """An Azure Monitor workspace."""
    return azure.MonitorAccount(id=ArmId(MONITOR_ACCOUNT), name="amw-shared")


def collection_endpoint(*, access: str = "Enabled", links: Any = ()) -> azure.DataCollectionEndpoint:
    """A data collection endpoint that is open to the Internet."""
    return azure.DataCollectionEndpoint(
        id=ArmId(f"{_ALERTS}/dataCollectionEndpoints/dce"),
        name="dce",
        properties=azure.DataCollectionEndpointProperties(
            network_acls=azure.EndpointNetworkAcls(public_network_access=Token(access)),
            private_link_scoped_resources=links,
        ),
    )


def storage_account(
    *, action: str = "Allow", bypass: str = "AzureServices", access: str = "Enabled", location: str = "westeurope"
) -> azure.StorageAccount:
    """A storage account that is open to the Internet."""
    acls = azure.StorageNetworkAcls(default_action=Token(action), bypass=bypass)
    return azure.StorageAccount(
        id=ArmId(STORAGE_ACCOUNT),
        name="starchive",
        location=Location(location),
        properties=azure.StorageAccountProperties(network_acls=acls, public_network_access=Token(access)),
    )


def event_hubs(
    *, action: str = "Allow", trusted: bool = False, access: str = "Enabled", location: str = "westeurope"
) -> list[azure.Resource]:
    """An Event Hubs namespace with its firewall, which lets everybody in."""
    firewall = azure.NetworkRuleSetProperties(
        default_action=Token(action), trusted_service_access_enabled=trusted, public_network_access=Token(access)
    )
    return [
        azure.EventHubNamespace(id=ArmId(EVENT_HUBS), name="ehns", location=Location(location)),
        azure.NetworkRuleSet(id=ArmId(f"{EVENT_HUBS}/networkRuleSets/default"), name="default", properties=firewall),
    ]


def action_group(*, emails: int = 1, enabled: bool = True) -> azure.ActionGroup:
    """An action group that mails to one address."""
    return azure.ActionGroup(
        id=ArmId(ACTION_GROUP),
        name="ag-oncall",
        properties=azure.ActionGroupProperties(enabled=enabled, email_receivers=(azure.Receiver(),) * emails),
    )


def _actions(groups: Sequence[str]) -> tuple[azure.AlertAction, ...]:
    return tuple(azure.AlertAction(action_group_id=ArmId(group)) for group in groups)


def metric_alert(
    *scopes: str,
    groups: Sequence[str] = (ACTION_GROUP,),
    metric: str = "apiserver_cpu_usage_percentage",
    target: str = "",
    enabled: bool = True,
) -> azure.MetricAlert:
    """A metric alert, of the test cluster unless scopes are given."""
    criterion = azure.MetricCriterion(metric_name=Token(metric))
    return azure.MetricAlert(
        id=ArmId(f"{_ALERTS}/metricAlerts/aks-cpu"),
        name="aks-cpu",
        properties=azure.MetricAlertProperties(
            enabled=enabled,
            scopes=tuple(ArmId(scope) for scope in scopes or (cluster().id,)),
            target_resource_type=Token(target),
            criteria=azure.MetricCriteria(all_of=(criterion,)),
            actions=_actions(groups),
        ),
    )


def query_alert(
    *scopes: str, groups: Sequence[str] = (ACTION_GROUP,), enabled: bool = True
) -> azure.ScheduledQueryRule:
    """A log search alert, on the test workspace unless scopes are given."""
    return azure.ScheduledQueryRule(
        id=ArmId(f"{_ALERTS}/scheduledQueryRules/aks-errors"),
        name="aks-errors",
        properties=azure.ScheduledQueryRuleProperties(
            enabled=enabled,
            scopes=tuple(ArmId(scope) for scope in scopes or (WORKSPACE,)),
            actions=azure.QueryActions(action_groups=tuple(ArmId(group) for group in groups)),
        ),
    )


def activity_alert(
    scope: str,
    category: str,
    *leaves: tuple[str, str],
    name: str = "activity",
    groups: Sequence[str] = (ACTION_GROUP,),
    services: Sequence[str] = (),
    enabled: bool = True,
) -> azure.ActivityLogAlert:
    """An activity log alert; ``leaves`` are further fields and what they equal."""
    clauses = [azure.Clause(field=Token(f), equals=Token(v)) for f, v in (("category", category), *leaves)]
    if services:
        field = Token("properties.impactedServices[*].ServiceName")
        listed = azure.Leaf(field=field, contains_any=tuple(Token(service) for service in services))
        clauses.append(azure.Clause(any_of=(listed,)))
    return azure.ActivityLogAlert(
        id=ArmId(f"{_ALERTS}/activityLogAlerts/{name}"),
        name=name,
        properties=azure.ActivityLogAlertProperties(
            enabled=enabled,
            scopes=(ArmId(scope),),
            condition=azure.AlertCondition(all_of=tuple(clauses)),
            actions=azure.ActivityActions(action_groups=_actions(groups)),
        ),
    )


def prometheus_rules(
    *,
    scope: str = MONITOR_ACCOUNT,
    cluster_name: str = "",
    groups: Sequence[str] = (ACTION_GROUP,),
    alert: str = "KubePodCrashLooping",
    enabled: bool = True,
) -> azure.PrometheusRuleGroup:
    """A group of Prometheus rules with one alert."""
    rule = azure.PrometheusRule(
        alert=alert, expression="kube_pod_container_status_restarts_total > 0", actions=_actions(groups)
    )
    return azure.PrometheusRuleGroup(
        id=ArmId(f"{GROUP}/providers/{azure.PrometheusRuleGroup.arm_type}/KubernetesAlert"),
        name="KubernetesAlert",
        properties=azure.PrometheusRuleGroupProperties(
            enabled=enabled, scopes=(ArmId(scope),), cluster_name=Token(cluster_name), rules=(rule,)
        ),
    )


def silencing_rule(
    scope: str, *, enabled: bool = True, sometimes: bool = False, some: bool = False
) -> azure.ActionRule:
    """An alert processing rule that takes all action groups away, always and from all alerts."""
    action = azure.ProcessingAction(action_type=Token("RemoveAllActionGroups"))
    return azure.ActionRule(
        id=ArmId(f"{GROUP}/providers/{azure.ActionRule.arm_type}/silence"),
        name="silence",
        properties=azure.ActionRuleProperties(
            enabled=enabled,
            scopes=(ArmId(scope),),
            actions=(action,),
            schedule=azure.ProcessingSchedule() if sometimes else None,
            conditions=(azure.ProcessingCondition(),) if some else (),
        ),
    )


def processing_rule(
    scope: str,
    *,
    groups: Sequence[str] = (ACTION_GROUP,),
    enabled: bool = True,
    sometimes: bool = False,
    some: bool = False,
) -> azure.ActionRule:
    """An alert processing rule that adds action groups, always and to all alerts."""
    action = azure.ProcessingAction(
        action_type=Token("AddActionGroups"), action_group_ids=tuple(ArmId(group) for group in groups)
    )
    return azure.ActionRule(
        id=ArmId(f"{GROUP}/providers/{azure.ActionRule.arm_type}/notify"),
        name="notify",
        properties=azure.ActionRuleProperties(
            enabled=enabled,
            scopes=(ArmId(scope),),
            actions=(action,),
            schedule=azure.ProcessingSchedule() if sometimes else None,
            conditions=(azure.ProcessingCondition(),) if some else (),
        ),
    )
