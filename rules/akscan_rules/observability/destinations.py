"""Whether what telemetry is sent to is there and takes it in."""

from collections.abc import Iterator, Mapping

from akscan.sdk import (
    ArmId,
    Cluster,
    Collector,
    DataCollectionEndpoint,
    DiagnosticSetting,
    Disruption,
    Egress,
    EventHubNamespace,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    Location,
    Need,
    NetworkRuleSet,
    NotApplicable,
    Pillar,
    Severity,
    StorageAccount,
    Telemetry,
    Workspace,
    any_of,
    require_no_perimeter,
    rule,
)


@rule(
    "OBS-012",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.DIAGNOSTIC_SETTINGS],
    optional_needs=[
        Need.WORKSPACES,
        Need.STORAGE_ACCOUNTS,
        Need.EVENT_HUB_NAMESPACES,
        Need.EVENT_HUB_NETWORK_RULE_SETS,
        Need.DATA_COLLECTION_RULE_ASSOCIATIONS,
        Need.DATA_COLLECTION_RULES,
        Need.DATA_COLLECTION_ENDPOINTS,
        Need.MONITOR_ACCOUNTS,
        Need.VIRTUAL_NETWORKS,
        Need.SUBNETS,
        Need.ROUTE_TABLES,
    ],
    docs=[
        "https://learn.microsoft.com/azure/azure-monitor/platform/diagnostic-settings",
        "https://learn.microsoft.com/azure/azure-monitor/containers/kubernetes-monitoring-private-link",
    ],
    fix=Fix(
        """
        az eventhubs namespace network-rule-set update --resource-group {event_hubs_resource_group} --namespace-name {event_hubs_namespace} --enable-trusted-service-access true
        az storage account update --ids {storage_account_id} --set networkRuleSet.bypass={bypass}
        az monitor private-link-scope scoped-resource create --resource-group {private_link_scope_resource_group} --scope-name {private_link_scope} --name {scoped_resource_name} --linked-resource {linked_resource_id}
        az monitor log-analytics workspace update --resource-group {workspace_resource_group} --workspace-name {workspace} --quota -1
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_monitor_diagnostic_setting.log_analytics_workspace_id, .storage_account_id,"
            " .eventhub_authorization_rule_id"
            " | azurerm_eventhub_namespace.network_rulesets.trusted_service_access_enabled"
            " | azurerm_storage_account.network_rules.bypass"
            " | azurerm_log_analytics_workspace.daily_quota_gb, .internet_ingestion_enabled"
        ),
        arm=(
            "Microsoft.Insights/diagnosticSettings"
            " properties.workspaceId | storageAccountId | eventHubAuthorizationRuleId"
        ),
    ),
)
def destinations_take_telemetry_in(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Every destination of the cluster telemetry exists and accepts it.

    A diagnostic setting is accepted even if its target is later deleted, firewalled or capped, and nothing turns red
    when delivery stops. Teams learn of it when the SIEM turns out to be empty for the day that matters.

    **Fix**: point the setting at a living destination in the cluster's region; let trusted Azure services through the
    firewall of the Event Hubs namespace or storage account; add the workspace or endpoint to an Azure Monitor Private
    Link Scope; take the daily cap off a workspace that holds audit logs. Run the command that belongs to the
    destination: those whose placeholders stay open do not.
    """
    telemetry = Telemetry(cluster, inventory)
    branches = [_agent_destinations(telemetry, collector) for collector in telemetry.collectors]
    settings = telemetry.log_settings if not branches else ()
    if not branches and not settings:
        raise NotApplicable("the cluster has no diagnostic setting and no Azure Monitor collector")
    yield from any_of(_log_destinations(telemetry), *branches)


def _log_destinations(telemetry: Telemetry) -> Iterator[Finding]:
    inventory, location = telemetry.inventory, telemetry.cluster.location
    branches = []
    for setting in telemetry.log_settings:
        properties = setting.properties
        if properties.workspace_id:
            branches.append(_workspace(setting, inventory))
        if properties.storage_account_id:
            branches.append(_storage_account(setting, location, inventory))
        if setting.event_hubs_namespace:
            branches.append(_event_hubs(setting, location, inventory))
    yield from any_of(*branches)


def _finding(
    source: str, destination: ArmId, problem: str, evidence: Mapping[str, EvidenceValue], fill: Mapping[str, str]
) -> Finding:
    return Finding(
        f"{source} sends to {destination.name}, {problem}",
        {"source": source, "destination": str(destination), **evidence},
        fill,
        part=f"destinations{destination.casefold()}",
    )


def _of(setting: DiagnosticSetting) -> str:
    return f"diagnostic setting {setting.name}"


def _workspace(setting: DiagnosticSetting, inventory: Inventory) -> Iterator[Finding]:
    destination = setting.properties.workspace_id
    found = inventory.find(Workspace, destination)
    if found is None:
        yield _finding(_of(setting), destination, "which does not exist", {}, {})
        return
    quota = found.properties.workspace_capping.daily_quota_gb
    if quota > 0 and setting.takes_audit:
        problem = f"which drops audit events beyond {quota:g} GB a day"
        fill = {"workspace": destination.name, "workspace_resource_group": destination.resource_group}
        yield _finding(_of(setting), destination, problem, {"workspaceCapping.dailyQuotaGb": quota}, fill)


def _storage_account(setting: DiagnosticSetting, location: Location, inventory: Inventory) -> Iterator[Finding]:
    destination = setting.properties.storage_account_id
    found = inventory.find(StorageAccount, destination)
    if found is None:
        yield _finding(_of(setting), destination, "which does not exist", {}, {})
        return
    yield from any_of(_storage_firewall(setting, found), _elsewhere(setting, destination, found.location, location))


def _storage_firewall(setting: DiagnosticSetting, found: StorageAccount) -> Iterator[Finding]:
    destination, acls = setting.properties.storage_account_id, found.properties.network_acls
    require_no_perimeter(destination, found.properties.public_network_access)
    if found.is_closed_to_azure:
        others = [part.strip() for part in acls.bypass.split(",") if part.strip() not in ("", "None")]
        evidence = {
            "networkAcls.defaultAction": acls.default_action,
            "networkAcls.bypass": acls.bypass,
            "publicNetworkAccess": found.properties.public_network_access,
        }
        fill = {"storage_account_id": str(destination), "bypass": ", ".join((*others, "AzureServices"))}
        yield _finding(_of(setting), destination, "whose firewall keeps Azure Monitor out", evidence, fill)


def _event_hubs(setting: DiagnosticSetting, location: Location, inventory: Inventory) -> Iterator[Finding]:
    destination = setting.event_hubs_namespace
    found = inventory.find(EventHubNamespace, destination)
    if found is None:
        yield _finding(_of(setting), destination, "which does not exist", {}, {})
        return
    yield from any_of(
        _elsewhere(setting, destination, found.location, location), _event_hubs_firewall(setting, inventory)
    )


def _event_hubs_firewall(setting: DiagnosticSetting, inventory: Inventory) -> Iterator[Finding]:
    destination = setting.event_hubs_namespace
    firewall = inventory.find(NetworkRuleSet, ArmId(f"{destination}/networkRuleSets/default"))
    if firewall is None:
        return
    require_no_perimeter(destination, firewall.properties.public_network_access)
    if firewall.is_closed_to_azure:
        evidence: dict[str, EvidenceValue] = {
            "networkRuleSets.defaultAction": firewall.properties.default_action,
            "networkRuleSets.publicNetworkAccess": firewall.properties.public_network_access,
            "networkRuleSets.trustedServiceAccessEnabled": firewall.properties.trusted_service_access_enabled,
        }
        fill = {
            "event_hubs_namespace": destination.name,
            "event_hubs_resource_group": destination.resource_group,
        }
        yield _finding(_of(setting), destination, "whose firewall keeps Azure Monitor out", evidence, fill)


def _elsewhere(setting: DiagnosticSetting, destination: ArmId, there: Location, here: Location) -> Iterator[Finding]:
    if there and there != here:
        evidence = {"location": there, "cluster.location": here}
        yield _finding(_of(setting), destination, f"which is in {there} and not in {here}", evidence, {})


def _agent_destinations(telemetry: Telemetry, collector: Collector) -> Iterator[Finding]:
    """What the agents in the cluster send to over its own network."""
    working = telemetry.working_rule(collector)
    if working is None:
        return
    if collector is Collector.LOGS:
        for workspace in working.workspaces:
            found = telemetry.inventory.find(Workspace, workspace)
            if found is not None:
                properties = found.properties
                access = {"publicNetworkAccessForIngestion": properties.public_network_access_for_ingestion}
                scoped = bool(properties.private_link_scoped_resources)
                yield from _private(telemetry, collector, workspace, access, is_scoped=scoped)
    elif endpoint_id := working.rule.properties.data_collection_endpoint_id:
        endpoint = telemetry.inventory.find(DataCollectionEndpoint, endpoint_id)
        if endpoint is not None:
            access = {"networkAcls.publicNetworkAccess": endpoint.properties.network_acls.public_network_access}
            scoped = bool(endpoint.properties.private_link_scoped_resources)
            yield from _private(telemetry, collector, endpoint_id, access, is_scoped=scoped)


def _private(
    telemetry: Telemetry, collector: Collector, destination: ArmId, access: Mapping[str, str], *, is_scoped: bool
) -> Iterator[Finding]:
    """Whether the agents can reach what has no private link."""
    if is_scoped:
        return
    cluster = telemetry.cluster
    for public_access in access.values():
        require_no_perimeter(destination, public_access)
    if "Disabled" in access.values():
        problem = "which is closed to the Internet and has no private link"
    elif cluster.resource.is_isolated and not Egress(cluster, telemetry.inventory).has_way_out:
        problem = f"which has no private link, while outboundType {cluster.outbound} leaves no other way"
    else:
        return
    evidence: dict[str, EvidenceValue] = {
        **access,
        "privateLinkScopedResources": (),
        "outboundType": cluster.outbound,
    }
    yield _finding(
        f"the agent of {collector}", destination, problem, evidence, {"linked_resource_id": str(destination)}
    )
