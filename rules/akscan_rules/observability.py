"""Logs, metrics, alerts and their destinations."""

from collections.abc import Iterator

from akscan.sdk import (
    Cluster,
    DiagnosticSetting,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    Pillar,
    Severity,
    image_matches,
    rule,
)

_LOG_COLLECTORS = (
    "fluent/fluent-bit",
    "oss/fluent/fluent-bit",
    "fluent/fluentd",
    "fluent/fluentd-kubernetes-daemonset",
    "beats/filebeat",
    "elastic/filebeat",
    "elastic-agent/elastic-agent",
    "elastic/elastic-agent",
    "timberio/vector",
    "grafana/promtail",
    "grafana/alloy",
    "grafana/agent",
    "otel/opentelemetry-collector",
    "otel/opentelemetry-collector-contrib",
    "otel/opentelemetry-collector-k8s",
    "opentelemetry-collector-releases/opentelemetry-collector-k8s",
    "datadog/agent",
    "datadoghq/agent",
    "signalfx/splunk-otel-collector",
    "splunk/fluentd-hec",
    "newrelic/newrelic-fluentbit-output",
    "dynatrace/dynatrace-oneagent",
    "dynatrace/dynatrace-logmodule",
    "sumologic/sumologic-otel-collector",
    "kube-logging/fluentd",
    "logdna/logdna-agent",
)
#: Categories and category groups that hold the audit events of the API server
#: (https://learn.microsoft.com/azure/aks/monitor-aks).
_AUDIT_CATEGORIES = ("kube-audit", "kube-audit-admin")
_AUDIT_GROUPS = ("audit", "allLogs")


@rule(
    "OBS-001",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.DAEMON_SETS],
    frameworks={"mcsb": ["LT-3"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/monitor-aks",
        "https://learn.microsoft.com/azure/azure-monitor/containers/kubernetes-monitoring-enable",
    ],
    fix=Fix(
        "az aks enable-addons --addons monitoring --resource-group {resource_group} --name {cluster}"
        " --workspace-resource-id {workspace_id}",
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.oms_agent",
        arm="properties.addonProfiles.omsagent.enabled | properties.azureMonitorProfile.containerInsights.enabled",
    ),
)
def container_logs_leave_the_nodes(
    cluster: Cluster, inventory: Inventory, *, accepted_log_collectors: tuple[str, ...] = _LOG_COLLECTORS
) -> Iterator[Finding]:
    """Container logs leave the nodes.

    Container output lives on the node's disk only and is gone once the pod is deleted or the node is reimaged, so after
    a crash or an intrusion there is nothing left to read. Any collector will do; having none is the problem.

    **Fix**: turn on Container Insights with a Log Analytics workspace, or run your own collector as a DaemonSet and add
    its image to accepted_log_collectors.
    """
    addon, insights = cluster.addon("omsagent"), cluster.properties.azure_monitor_profile.container_insights
    if addon.enabled or insights.enabled:
        return
    collectors = {
        f"{daemon_set.namespace}/{daemon_set.name} ({container.image})": daemon_set.status.number_available
        for daemon_set in cluster.lists.daemon_sets.complete()
        for container in daemon_set.template.spec.containers
        if image_matches(container.image, accepted_log_collectors)
    }
    if not any(collectors.values()):
        yield Finding(
            f"no pod of {', '.join(collectors)} is available" if collectors else "nothing collects container logs",
            {
                "omsagent.enabled": addon.enabled,
                "containerInsights.enabled": insights.enabled,
                "daemonSets": tuple(collectors),
            },
            {"workspace_id": str(addon.config.log_analytics_workspace_resource_id)},
        )


@rule(
    "OBS-008",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.DIAGNOSTIC_SETTINGS],
    frameworks={"cis_aks": ["2.1.1"], "mcsb": ["LT-3"], "nsa_cisa": ["C-0067"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/monitor-aks",
        "https://learn.microsoft.com/azure/azure-monitor/platform/diagnostic-settings",
    ],
    fix=Fix(
        "az monitor diagnostic-settings create --name aks-audit --resource {cluster_id} --workspace {workspace_id}"
        " --export-to-resource-specific true"
        ' --logs \'[{"category":"kube-audit-admin","enabled":true},{"category":"guard","enabled":true}]\'\n'
        "az monitor diagnostic-settings create --name aks-audit-stream --resource {cluster_id}"
        " --event-hub {event_hub} --event-hub-rule {event_hub_rule_id}"
        ' --logs \'[{"category":"kube-audit-admin","enabled":true},{"category":"guard","enabled":true}]\'',
        Disruption.NONE,
        terraform="azurerm_monitor_diagnostic_setting.enabled_log.category | .category_group",
        arm="Microsoft.Insights/diagnosticSettings properties.logs[].category",
    ),
)
def audit_logs_are_kept(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Audit logs of the Kubernetes API are kept outside the cluster.

    AKS throws its audit events away unless a diagnostic setting routes them. Without them nobody can tell who created a
    pod, replaced a Secret or bound a role, which turns an incident into guesswork. (Who merely read something is only
    in kube-audit.)

    **Fix**: route kube-audit-admin (changes) or kube-audit (changes and reads) to Log Analytics, to Event Hubs for a
    SIEM such as Elastic or Splunk, or to a storage account. Nothing is disturbed; ingestion is paid for.
    """
    settings = inventory.diagnostic_settings(cluster)
    if any(setting.destinations and _has_audit(setting) for setting in settings):
        return
    yield Finding(
        _missing(settings),
        {"diagnosticSettings": tuple(_summary(setting) for setting in settings)},
        {"workspace_id": next((str(s.properties.workspace_id) for s in settings if s.properties.workspace_id), "")},
    )


def _missing(settings: tuple[DiagnosticSetting, ...]) -> str:
    if not settings:
        return "no diagnostic setting routes the logs of the control plane"
    idle = [setting.name for setting in settings if _has_audit(setting)]
    if idle:
        return f"diagnostic setting {', '.join(idle)} has audit events but no destination"
    names = ", ".join(setting.name for setting in settings)
    return f"no diagnostic setting ({names}) routes kube-audit or kube-audit-admin"


def _has_audit(setting: DiagnosticSetting) -> bool:
    return any(
        log.enabled and (log.category in _AUDIT_CATEGORIES or log.category_group in _AUDIT_GROUPS)
        for log in setting.properties.logs
    )


def _summary(setting: DiagnosticSetting) -> str:
    logs, destinations = ", ".join(setting.enabled_logs), ", ".join(setting.destinations)
    return f"{setting.name}: {logs or 'nothing'} to {destinations or 'nowhere'}"
