"""Logs of the control plane: which are kept, for how long, and at what price."""

from collections.abc import Iterator

from akscan.sdk import (
    ArmId,
    Cluster,
    DiagnosticSetting,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    Telemetry,
    Token,
    Workspace,
    WorkspaceTable,
    any_of,
    rule,
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
    if any(setting.destinations and setting.takes_audit for setting in settings):
        return
    yield Finding(
        _missing(settings),
        {"diagnosticSettings": tuple(_summary(setting) for setting in settings)},
        {"workspace_id": _workspace(settings)},
    )


def _missing(settings: tuple[DiagnosticSetting, ...]) -> str:
    if not settings:
        return "no diagnostic setting routes the logs of the control plane"
    idle = [setting.name for setting in settings if setting.takes_audit]
    if idle:
        return f"diagnostic setting {', '.join(idle)} has audit events but no destination"
    names = ", ".join(setting.name for setting in settings)
    return f"no diagnostic setting ({names}) routes kube-audit or kube-audit-admin"


def _summary(setting: DiagnosticSetting) -> str:
    logs, destinations = ", ".join(setting.enabled_logs), ", ".join(setting.destinations)
    return f"{setting.name}: {logs or 'nothing'} to {destinations or 'nowhere'}"


def _workspace(settings: tuple[DiagnosticSetting, ...]) -> str:
    return next((str(s.properties.workspace_id) for s in settings if s.properties.workspace_id), "")


@rule(
    "OBS-009",
    Severity.LOW,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.DIAGNOSTIC_SETTINGS],
    frameworks={"mcsb": ["LT-3"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/monitor-aks-reference",
        "https://learn.microsoft.com/azure/aks/pci-monitor",
    ],
    fix=Fix(
        'az monitor diagnostic-settings categories list --resource {cluster_id} --query "value[].name"\n'
        "az monitor diagnostic-settings create --name aks-control-plane --resource {cluster_id}"
        " --workspace {workspace_id} --export-to-resource-specific true"
        ' --logs \'[{"category":"guard","enabled":true},{"category":"kube-apiserver","enabled":true},'
        '{"category":"kube-controller-manager","enabled":true},{"category":"cluster-autoscaler","enabled":true}]\'',
        Disruption.NONE,
        terraform="azurerm_monitor_diagnostic_setting.enabled_log.category",
        arm="Microsoft.Insights/diagnosticSettings properties.logs[].category",
    ),
)
def control_plane_logs_are_kept(
    cluster: Cluster,
    inventory: Inventory,
    *,
    always_required: tuple[str, ...] = ("kube-apiserver", "kube-controller-manager"),
) -> Iterator[Finding]:
    """The other control plane logs that this cluster produces are kept.

    guard holds every decision on who was let in through Microsoft Entra ID and Azure RBAC; the autoscaler, controller
    and API server logs are the only explanation for a scale-out that did not happen or for an Azure permission that the
    cluster lacks. None of it can be fetched afterwards.

    **Fix**: add the missing categories to the diagnostic setting, in resource-specific mode. The first command lists
    what the cluster offers; leave out of the second what another setting already sends to the same workspace. Nothing
    is disturbed; ingestion is paid for.
    """
    aad, pools = cluster.properties.aad_profile, cluster.properties.agent_pool_profiles
    required = dict.fromkeys(always_required, "always")
    if aad is not None and aad.managed:
        required["guard"] = "sign-in through Microsoft Entra ID"
    if any(pool.enable_auto_scaling or pool.virtual_machines_profile.scale.autoscale for pool in pools):
        required["cluster-autoscaler"] = "a pool autoscales"
    if cluster.has_node_auto_provisioning:
        required["karpenter-events"] = "node auto-provisioning"
    settings = inventory.diagnostic_settings(cluster)
    kept = [setting for setting in settings if setting.destinations]
    missing = [category for category in required if not any(setting.takes(category) for setting in kept)]
    if missing:
        yield Finding(
            f"no diagnostic setting keeps {', '.join(missing)}",
            {
                "missing": tuple(missing),
                "required": tuple(f"{category}: {why}" for category, why in required.items()),
                "diagnosticSettings": tuple(_summary(setting) for setting in settings),
            },
            {"workspace_id": _workspace(settings)},
        )


@rule(
    "OBS-010",
    Severity.LOW,
    Pillar.COST,
    needs=[Need.MANAGED_CLUSTERS, Need.DIAGNOSTIC_SETTINGS],
    optional_needs=[Need.WORKSPACES, Need.WORKSPACE_TABLES],
    frameworks={"waf": ["CO:07"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/monitor-aks",
        "https://learn.microsoft.com/azure/azure-monitor/logs/logs-table-plans",
    ],
    fix=Fix(
        "az monitor diagnostic-settings create --name aks-audit --resource {cluster_id} --workspace {workspace_id}"
        " --export-to-resource-specific true"
        ' --logs \'[{"category":"kube-audit-admin","enabled":true},{"category":"guard","enabled":true}]\'\n'
        "az monitor log-analytics workspace table update --resource-group {workspace_resource_group}"
        " --workspace-name {workspace} --name AKSAudit --plan Basic",
        Disruption.NONE,
        terraform=(
            "azurerm_monitor_diagnostic_setting.enabled_log.category, .log_analytics_destination_type"
            " | azurerm_log_analytics_workspace_table.plan"
        ),
        arm="Microsoft.Insights/diagnosticSettings properties.logs[].category, properties.logAnalyticsDestinationType",
    ),
)
def read_auditing_is_cheap(
    cluster: Cluster, inventory: Inventory, *, read_audit_on_analytics: bool = False
) -> Iterator[Finding]:
    """Full read auditing is not paid for at the Analytics rate.

    Get and list calls are most of the audit volume. kube-audit-admin leaves them out, and where reads are needed the
    resource-specific AKSAudit table can sit on the Basic plan; anything else is often the largest line of a cluster's
    monitoring bill.

    **Fix**: collect kube-audit-admin instead (the first command; take kube-audit out of the other setting when its
    events have arrived), or switch the setting to resource-specific tables and then put AKSAudit on the Basic plan
    (the second command, which counts for all that send to this workspace). Queries on AzureDiagnostics must move to the
    AKS tables.
    """
    if read_audit_on_analytics:
        raise NotApplicable("read events have to be at hand for queries")
    found = inventory.diagnostic_settings(cluster)
    reading = [setting for setting in found if setting.properties.workspace_id and setting.takes("kube-audit")]
    if not reading:
        raise NotApplicable("no workspace takes in kube-audit")
    yield from any_of(*(_costly(setting, inventory) for setting in reading))
    if all(_has_no_workspace(setting, inventory) for setting in reading):
        raise NotApplicable("the workspace is gone, which OBS-012 reports")


def _has_no_workspace(setting: DiagnosticSetting, inventory: Inventory) -> bool:
    """Whether what it sends to was deleted; where there is the table, nobody need ask for the workspace."""
    table = inventory.find(WorkspaceTable, _table(setting)) if setting.is_resource_specific else None
    return table is None and inventory.find(Workspace, setting.properties.workspace_id) is None


def _table(setting: DiagnosticSetting) -> ArmId:
    return ArmId(f"{setting.properties.workspace_id}/tables/AKSAudit")


def _costly(setting: DiagnosticSetting, inventory: Inventory) -> Iterator[Finding]:
    workspace = setting.properties.workspace_id
    plan = Token()
    if setting.is_resource_specific:
        plan = (inventory.find(WorkspaceTable, _table(setting)) or WorkspaceTable()).properties.plan
        if plan != "Analytics":
            return
    if _has_no_workspace(setting, inventory):
        return
    where = "table AKSAudit on plan Analytics" if plan else "table AzureDiagnostics"
    yield Finding(
        f"diagnostic setting {setting.name} sends kube-audit to {workspace.name}, {where}",
        {
            "diagnosticSetting": _summary(setting),
            "logAnalyticsDestinationType": setting.properties.log_analytics_destination_type,
            "AKSAudit.plan": plan,
            "takesKubeAuditAdmin": setting.takes("kube-audit-admin"),
        },
        {
            "workspace_id": str(workspace),
            "workspace": workspace.name,
            "workspace_resource_group": workspace.resource_group,
        },
    )


@rule(
    "OBS-011",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.DIAGNOSTIC_SETTINGS],
    optional_needs=[Need.WORKSPACES, Need.WORKSPACE_TABLES],
    docs=[
        "https://learn.microsoft.com/azure/azure-monitor/logs/data-retention-configure",
        "https://learn.microsoft.com/azure/aks/pci-monitor",
    ],
    fix=Fix(
        """
        az monitor log-analytics workspace table update --resource-group {workspace_resource_group} --workspace-name {workspace} --name {table} --total-retention-time 365
        az monitor log-analytics workspace update --resource-group {workspace_resource_group} --workspace-name {workspace} --retention-time 90
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_log_analytics_workspace.retention_in_days"
            " | azurerm_log_analytics_workspace_table.total_retention_in_days"
        ),
        arm=(
            "Microsoft.OperationalInsights/workspaces properties.retentionInDays;"
            " .../tables properties.totalRetentionInDays"
        ),
    ),
)
def audit_logs_are_retained(
    cluster: Cluster, inventory: Inventory, *, min_retention_days: int = 90
) -> Iterator[Finding]:
    """Audit logs are retained long enough to investigate.

    Intrusions are usually found weeks after they began. A workspace left at 30 days has already dropped the first steps
    of the attack by then; PCI DSS asks for a year, with three months at hand.

    **Fix**: raise the total retention of the table that the finding names (the first command; long-term retention is
    cheaper than keeping the data interactive), or that of the whole workspace (the second). Retention is paid for.
    """
    stores = Telemetry(cluster, inventory).audit_stores
    if not stores:
        raise NotApplicable("audit events are not collected at all")
    if any(not store.gap and (store.days is None or store.days >= min_retention_days) for store in stores):
        return
    for store in stores:
        if store.gap:
            raise NotCollected(store.gap)
    longest = max(stores, key=lambda store: store.days or 0)
    workspace = longest.destination.parent
    policies = (log.retention_policy for s in inventory.diagnostic_settings(cluster) for log in s.properties.logs)
    yield Finding(
        f"{longest.destination.name} of workspace {workspace.name} keeps audit events for {longest.days} days,"
        f" {min_retention_days} are required",
        {
            "destinations": tuple(str(store) for store in stores),
            "requiredDays": min_retention_days,
            "retentionPolicyWithoutEffect": any(policy.enabled for policy in policies),
        },
        {
            "workspace": workspace.name,
            "workspace_resource_group": workspace.resource_group,
            "table": longest.destination.name,
        },
    )
