"""Container logs: whether they leave the nodes, how, and all of them."""

from collections.abc import Iterator

from akscan.sdk import (
    Cluster,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    Telemetry,
    any_of,
    if_known,
    image_matches,
    rule,
)

from akscan_rules.observability.stacks import known_stacks

_RULE_NEEDS = (Need.MANAGED_CLUSTERS, Need.DATA_COLLECTION_RULE_ASSOCIATIONS, Need.DATA_COLLECTION_RULES)


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
    cluster: Cluster, inventory: Inventory, *, accepted_log_collectors: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Container logs leave the nodes.

    Container output lives on the node's disk only and is gone once the pod is deleted or the node is reimaged, so after
    a crash or an intrusion there is nothing left to read. Any collector will do; having none is the problem.

    **Fix**: turn on Container Insights with a Log Analytics workspace, or run your own collector as a DaemonSet; an
    image that akscan does not know belongs into accepted_log_collectors.
    """
    addon, insights = cluster.addon("omsagent"), cluster.properties.azure_monitor_profile.container_insights
    if addon.enabled or insights.enabled:
        return
    stacks = known_stacks()
    accepted = stacks.images("logs", accepted_log_collectors)
    collectors = {
        f"{daemon_set.namespace}/{daemon_set.name} ({container.image})": daemon_set.status.number_available
        for daemon_set in cluster.lists.daemon_sets.complete()
        for container in daemon_set.template.spec.containers
        if image_matches(container.image, accepted)
    }
    if not any(collectors.values()):
        idle = f"no pod of {', '.join(collectors)} is available"
        yield Finding(
            idle if collectors else f"nothing collects container logs{stacks.note(inventory)}",
            {
                "omsagent.enabled": addon.enabled,
                "containerInsights.enabled": insights.enabled,
                "daemonSets": tuple(collectors),
                **stacks.evidence(inventory),
            },
            {"workspace_id": str(addon.config.log_analytics_workspace_resource_id)},
        )


@rule(
    "OBS-002",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS],
    docs=[
        "https://learn.microsoft.com/azure/azure-monitor/containers/container-insights-authentication",
        "https://learn.microsoft.com/azure/aks/monitor-aks",
    ],
    fix=Fix(
        """
        az aks disable-addons --addons monitoring --resource-group {resource_group} --name {cluster}
        az aks enable-addons --addons monitoring --resource-group {resource_group} --name {cluster} --workspace-resource-id {workspace_id}
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.oms_agent.msi_auth_for_monitoring_enabled",
        arm="properties.addonProfiles.omsagent.config.useAADAuth",
    ),
)
def monitoring_agent_has_a_managed_identity(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """The Container Insights agent signs in with a managed identity.

    The older sign-in of the agent depends on the shared key of the workspace and has been retired: rotating that key
    silently stops collection, and data collection rules (namespace filters, ContainerLogV2, cost settings) have no
    effect.

    **Fix**: disable the monitoring add-on and enable it again; current clients enable it with managed identity. A
    cluster that runs on a service principal has to move to a managed identity first. Workloads are not disturbed, the
    collected logs get a gap of some minutes.
    """
    addon = cluster.addon("omsagent")
    if not addon.enabled:
        raise NotApplicable("the monitoring add-on is off")
    if addon.config.use_aad_auth != "true":
        workspace = str(addon.config.log_analytics_workspace_resource_id)
        first = "; the cluster itself runs on a service principal" if cluster.uses_service_principal else ""
        yield Finding(
            f"the agent signs in with the key of workspace {workspace.rpartition('/')[2] or 'unknown'}{first}",
            {
                "config.useAADAuth": addon.config.use_aad_auth,
                "config.logAnalyticsWorkspaceResourceID": workspace,
                "usesServicePrincipal": cluster.uses_service_principal,
            },
            {"workspace_id": workspace},
        )


@rule(
    "OBS-004",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.CONFIG_MAPS],
    optional_needs=[
        Need.DATA_COLLECTION_RULE_ASSOCIATIONS,
        Need.DATA_COLLECTION_RULES,
        Need.WORKSPACES,
    ],
    docs=["https://learn.microsoft.com/azure/azure-monitor/containers/container-insights-logs-schema"],
    fix=Fix(
        """
        az aks disable-addons --addons monitoring --resource-group {resource_group} --name {cluster}
        az aks enable-addons --addons monitoring --resource-group {resource_group} --name {cluster} --workspace-resource-id {workspace_id}
        az monitor data-collection rule show --ids {data_collection_rule_id} --query "dataSources.extensions[].extensionSettings"
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_monitor_data_collection_rule.data_sources.extension.extension_json"
            " (dataCollectionSettings.enableContainerLogV2), .streams"
        ),
        arm=(
            "Microsoft.Insights/dataCollectionRules"
            " properties.dataSources.extensions[].extensionSettings.dataCollectionSettings.enableContainerLogV2"
        ),
    ),
)
def container_logs_have_the_new_schema(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Container logs are stored in the ContainerLogV2 table.

    The ContainerLog table lost its support on 30 September 2026. The older table also forces joins for the pod and
    namespace name and cannot be put on the cheaper Basic plan.

    **Fix**: set the schema to V2 in the data collection rule (or in the agent's ConfigMap, which beats the rule), and
    change queries and log alerts that still name ContainerLog first: they stop matching.
    """
    telemetry = Telemetry(cluster, inventory)
    if not telemetry.has_container_insights:
        raise NotApplicable("Container Insights is off")
    schema = telemetry.schema
    if schema.version == "v1":
        rules = if_known(lambda: ", ".join(a.properties.data_collection_rule_id for a in telemetry.associations))
        yield Finding(
            f"{schema.source} keeps container logs in the table ContainerLog",
            {
                "schema": schema.version,
                "decidedBy": schema.source,
                "dataCollectionRuleId": rules,
                "workspaceResourceId": str(telemetry.named_workspace),
            },
            {"workspace_id": str(telemetry.named_workspace), "data_collection_rule_id": telemetry.known_rule_id},
        )


@rule(
    "OBS-005",
    Severity.LOW,
    Pillar.OPERATIONS,
    needs=[*_RULE_NEEDS, Need.PODS, Need.CONFIG_MAPS],
    optional_needs=[Need.WORKSPACES, Need.NAMESPACES],
    docs=["https://learn.microsoft.com/azure/azure-monitor/containers/container-insights-cost-config"],
    fix=Fix(
        """
        az monitor data-collection rule show --ids {data_collection_rule_id} --query "dataSources.extensions[].extensionSettings.dataCollectionSettings"
        az monitor data-collection rule update --ids {data_collection_rule_id} --set dataSources.extensions[0].extensionSettings.dataCollectionSettings.namespaces='["kube-system"]'
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_monitor_data_collection_rule.data_sources.extension.extension_json"
            " (dataCollectionSettings.namespaces)"
        ),
        arm=(
            "Microsoft.Insights/dataCollectionRules"
            " properties.dataSources.extensions[].extensionSettings.dataCollectionSettings.namespaces"
        ),
    ),
)
def no_application_is_left_out_of_the_logs(
    cluster: Cluster, inventory: Inventory, *, ignored_namespaces: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """No application namespace is filtered out of log collection.

    A namespace filter is set once to save money and then outlives the list it was written for: a team that deploys to
    a new or renamed namespace finds out during its first incident that its logs were never collected.

    **Fix**: correct the namespace list of the rule, or list the namespace in ignored_namespaces if it is left out on
    purpose. The second command is for mode Exclude, replaces the whole list and is meant for a rule with one extension:
    look at what the first one shows. What `exclude_namespaces` of ConfigMap kube-system/container-azm-ms-agentconfig
    names is dropped whatever the rule says: take it out there. More data is ingested and paid for.
    """
    telemetry = Telemetry(cluster, inventory)
    if not telemetry.has_container_insights:
        raise NotApplicable("Container Insights is off")
    ignored = ignored_namespaces
    yield from any_of(_left_out_by_rule(telemetry, ignored), _left_out_by_agent(telemetry, ignored))
    if telemetry.namespace_filter is None and not telemetry.agent_settings_known.excluded:
        raise NotApplicable("neither a working data collection rule nor the agent's ConfigMap filters namespaces")


def _left_out_by_rule(telemetry: Telemetry, ignored: tuple[str, ...]) -> Iterator[Finding]:
    found = telemetry.namespace_filter
    if found is None:
        return
    cluster, (filtering, settings) = telemetry.cluster, found
    mode, listed = settings.namespace_filtering_mode, frozenset(settings.namespaces)
    left_out = {
        name: pods
        for name, pods in cluster.application_namespaces.items()
        if (name in listed) is (mode == "Exclude") and name not in ignored
    }
    if left_out:
        existing = if_known(lambda: {namespace.name for namespace in cluster.lists.namespaces.complete()})
        gone = existing if isinstance(existing, str) else tuple(sorted(listed - existing))
        yield Finding(
            f"rule {filtering.name} leaves out the logs of {', '.join(left_out)}",
            {
                "namespaceFilteringMode": mode,
                "namespaces": settings.namespaces,
                "leftOut": tuple(f"{name} ({pods} pods)" for name, pods in left_out.items()),
                "listedButGone": gone,
            },
            {"data_collection_rule_id": str(filtering.id)},
        )


def _left_out_by_agent(telemetry: Telemetry, ignored: tuple[str, ...]) -> Iterator[Finding]:
    excluded = telemetry.agent_settings_known.excluded
    if excluded:
        left_out = {
            name: f"{name} ({', '.join(excluded[name])}, {pods} pods)"
            for name, pods in telemetry.cluster.application_namespaces.items()
            if name in excluded and name not in ignored
        }
        if left_out:
            yield Finding(
                f"ConfigMap kube-system/container-azm-ms-agentconfig leaves out the logs of {', '.join(left_out)}",
                {"exclude_namespaces": tuple(left_out.values())},
            )
    telemetry.cluster.lists.agent_settings.complete()
