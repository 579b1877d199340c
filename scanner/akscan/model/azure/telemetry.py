"""Where telemetry goes: data collection rules, and the workspaces, accounts and namespaces that take it in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from akscan.model.azure.base import Resource, Rest
from akscan.model.text import ArmId, Location, Token

_METRICS_STREAM = Token("Microsoft-PrometheusMetrics")


class DataCollectionSettings(Rest, frozen=True, kw_only=True):
    """https://learn.microsoft.com/azure/azure-monitor/containers/container-insights-data-collection-configure"""

    enable_container_log_v2: bool | None = None
    namespace_filtering_mode: Token = Token("Off")
    namespaces: tuple[str, ...] = ()


class ExtensionSettings(Rest, frozen=True, kw_only=True):
    """Other extensions have other settings, which are dropped."""

    data_collection_settings: DataCollectionSettings = DataCollectionSettings()


class ExtensionDataSource(Rest, frozen=True, kw_only=True):
    extension_name: Token = Token()
    streams: tuple[Token, ...] = ()
    extension_settings: ExtensionSettings = ExtensionSettings()


class DataSources(Rest, frozen=True, kw_only=True):
    extensions: tuple[ExtensionDataSource, ...] = ()


class LogAnalyticsDestination(Rest, frozen=True, kw_only=True):
    name: Token = Token()
    workspace_resource_id: ArmId = ArmId()


class MonitoringAccountDestination(Rest, frozen=True, kw_only=True):
    name: Token = Token()
    account_resource_id: ArmId = ArmId()


class Destinations(Rest, frozen=True, kw_only=True):
    log_analytics: tuple[LogAnalyticsDestination, ...] = ()
    monitoring_accounts: tuple[MonitoringAccountDestination, ...] = ()


class DataFlow(Rest, frozen=True, kw_only=True):
    streams: tuple[Token, ...] = ()
    destinations: tuple[Token, ...] = ()


class DataCollectionRuleProperties(Rest, frozen=True, kw_only=True):
    data_collection_endpoint_id: ArmId = ArmId()
    data_sources: DataSources = DataSources()
    destinations: Destinations = Destinations()
    data_flows: tuple[DataFlow, ...] = ()


class DataCollectionRule(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Insights/dataCollectionRules")
    properties: DataCollectionRuleProperties = DataCollectionRuleProperties()

    @property
    def container_insights(self) -> ExtensionDataSource | None:
        """What it says to the agent of Container Insights, if anything."""
        extensions = self.properties.data_sources.extensions
        return next((source for source in extensions if source.extension_name == "ContainerInsights"), None)

    @property
    def log_workspaces(self) -> tuple[ArmId, ...]:
        """The workspaces that it sends container logs to."""
        insights = self.container_insights
        reached = self._reached(insights.streams) if insights else frozenset()
        found = self.properties.destinations.log_analytics
        return tuple(one.workspace_resource_id for one in found if one.name in reached)

    @property
    def metrics_accounts(self) -> tuple[ArmId, ...]:
        """The Azure Monitor workspaces that it sends Prometheus metrics to."""
        reached = self._reached((_METRICS_STREAM,))
        found = self.properties.destinations.monitoring_accounts
        return tuple(one.account_resource_id for one in found if one.name in reached)

    def _reached(self, streams: Iterable[Token]) -> frozenset[Token]:
        """The names of the destinations that one of these streams flows to."""
        wanted = frozenset(streams)
        flows = (flow for flow in self.properties.data_flows if not wanted.isdisjoint(flow.streams))
        return frozenset(name for flow in flows for name in flow.destinations)

    def references(self) -> Iterator[ArmId]:
        yield self.properties.data_collection_endpoint_id
        yield from self.log_workspaces
        yield from self.metrics_accounts


class DataCollectionRuleAssociationProperties(Rest, frozen=True, kw_only=True):
    data_collection_rule_id: ArmId = ArmId()


class DataCollectionRuleAssociation(Resource, frozen=True, kw_only=True):
    """What ties a cluster to a data collection rule; one that ties it to an endpoint alone names no rule."""

    arm_type: ClassVar = Token("Microsoft.Insights/dataCollectionRuleAssociations")
    properties: DataCollectionRuleAssociationProperties = DataCollectionRuleAssociationProperties()

    def references(self) -> Iterator[ArmId]:
        yield self.properties.data_collection_rule_id


class PrivateLinkScopedResource(Rest, frozen=True, kw_only=True):
    resource_id: ArmId = ArmId()


class EndpointNetworkAcls(Rest, frozen=True, kw_only=True):
    public_network_access: Token = Token("Enabled")


class DataCollectionEndpointProperties(Rest, frozen=True, kw_only=True):
    network_acls: EndpointNetworkAcls = EndpointNetworkAcls()
    private_link_scoped_resources: tuple[PrivateLinkScopedResource, ...] = ()


class DataCollectionEndpoint(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Insights/dataCollectionEndpoints")
    properties: DataCollectionEndpointProperties = DataCollectionEndpointProperties()


class WorkspaceCapping(Rest, frozen=True, kw_only=True):
    #: -1 is no cap
    daily_quota_gb: float = -1


class WorkspaceProperties(Rest, frozen=True, kw_only=True):
    retention_in_days: int | None = None
    workspace_capping: WorkspaceCapping = WorkspaceCapping()
    public_network_access_for_ingestion: Token = Token("Enabled")
    private_link_scoped_resources: tuple[PrivateLinkScopedResource, ...] = ()


class Workspace(Resource, frozen=True, kw_only=True):
    """A Log Analytics workspace."""

    arm_type: ClassVar = Token("Microsoft.OperationalInsights/workspaces")
    location: Location = Location()
    properties: WorkspaceProperties = WorkspaceProperties()


class WorkspaceTableProperties(Rest, frozen=True, kw_only=True):
    plan: Token = Token("Analytics")
    #: None and -1 stand for what the workspace says
    total_retention_in_days: int | None = None


class WorkspaceTable(Resource, frozen=True, kw_only=True):
    """A table of a Log Analytics workspace (https://learn.microsoft.com/rest/api/loganalytics/tables/get)."""

    arm_type: ClassVar = Token("Microsoft.OperationalInsights/workspaces/tables")
    properties: WorkspaceTableProperties = WorkspaceTableProperties()


class MonitorAccount(Resource, frozen=True, kw_only=True):
    """An Azure Monitor workspace, which holds Prometheus metrics."""

    arm_type: ClassVar = Token("Microsoft.Monitor/accounts")


class StorageNetworkAcls(Rest, frozen=True, kw_only=True):
    default_action: Token = Token("Allow")
    #: a list with commas
    bypass: str = "AzureServices"


class StorageAccountProperties(Rest, frozen=True, kw_only=True):
    public_network_access: Token = Token("Enabled")
    network_acls: StorageNetworkAcls = StorageNetworkAcls()


class StorageAccount(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Storage/storageAccounts")
    location: Location = Location()
    properties: StorageAccountProperties = StorageAccountProperties()

    @property
    def is_closed_to_azure(self) -> bool:
        """Whether its firewall keeps out the services of Azure that Microsoft trusts, Azure Monitor among them."""
        acls = self.properties.network_acls
        closed = acls.default_action == "Deny" or self.properties.public_network_access == "Disabled"
        return closed and Token("AzureServices") not in [Token(part.strip()) for part in acls.bypass.split(",")]


class EventHubNamespace(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.EventHub/namespaces")
    location: Location = Location()


class NetworkRuleSetProperties(Rest, frozen=True, kw_only=True):
    default_action: Token = Token("Allow")
    trusted_service_access_enabled: bool = False
    public_network_access: Token = Token("Enabled")


class NetworkRuleSet(Resource, frozen=True, kw_only=True):
    """The firewall of an Event Hubs namespace."""

    arm_type: ClassVar = Token("Microsoft.EventHub/namespaces/networkRuleSets")
    properties: NetworkRuleSetProperties = NetworkRuleSetProperties()

    @property
    def is_closed_to_azure(self) -> bool:
        """Whether it keeps out the services of Azure that Microsoft trusts, Azure Monitor among them."""
        closed = self.properties.default_action == "Deny" or self.properties.public_network_access == "Disabled"
        return closed and not self.properties.trusted_service_access_enabled
