"""What Azure Monitor collects from a cluster, by which data collection rule, and where it ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.azure import (
    DataCollectionRule,
    DataCollectionRuleAssociation,
    DataCollectionSettings,
    DiagnosticSetting,
    MonitorAccount,
    Workspace,
    WorkspaceTable,
)
from akscan.model.gaps import Gap, NotCollected, untold
from akscan.model.kubernetes import LogSettings
from akscan.model.needs import Need
from akscan.model.text import ArmId

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.inventory import Inventory

_AGENT_SETTINGS = "container-azm-ms-agentconfig"


class Collector(StrEnum):
    """What Azure Monitor collects by a data collection rule."""

    LOGS = "logs"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class WorkingRule:
    """A data collection rule that a cluster is tied to, and the existing workspaces that it ends in."""

    rule: DataCollectionRule
    workspaces: tuple[ArmId, ...]


@dataclass(frozen=True, slots=True)
class LogSchemaInForce:
    """The table that container logs go to, ``v1`` or ``v2``, and what decides it."""

    version: str
    source: str


@dataclass(frozen=True, slots=True)
class AuditStore:
    """Where a diagnostic setting sends audit events, and for how many days they stay there: None where that is set
    elsewhere, a gap where it could not be read.
    """

    setting: str
    destination: ArmId
    days: int | None = None
    gap: Gap | None = None

    def __str__(self) -> str:
        kept = "unknown" if self.gap else "as long as is set there" if self.days is None else f"{self.days} days"
        return f"{self.setting}: {self.destination} ({kept})"


class Telemetry:
    """What Azure Monitor collects from one cluster. What a lookup needs and was not read raises `NotCollected`."""

    def __init__(self, cluster: Cluster, inventory: Inventory) -> None:
        self.cluster = cluster
        self.inventory = inventory

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """What is collected by data collection rules; the agent with a workspace key works without."""
        resource = self.cluster.resource
        on = {Collector.LOGS: resource.collects_logs, Collector.METRICS: resource.collects_metrics}
        return tuple(collector for collector, is_on in on.items() if is_on)

    @property
    def has_container_insights(self) -> bool:
        """Whether Container Insights is on, however its agent signs in."""
        return self.cluster.resource.collects_logs or self.cluster.addon("omsagent").enabled

    @property
    def named_workspace(self) -> ArmId:
        """The workspace that the cluster names for its container logs; the data collection rule has the last word."""
        named = self.cluster.addon("omsagent").config.log_analytics_workspace_resource_id
        insights = self.cluster.properties.azure_monitor_profile.container_insights
        return named or insights.log_analytics_workspace_resource_id

    @property
    def associations(self) -> tuple[DataCollectionRuleAssociation, ...]:
        """What ties the cluster to data collection rules."""
        found = self.inventory.within(DataCollectionRuleAssociation, self.cluster.id)
        return tuple(association for association in found if association.properties.data_collection_rule_id)

    @property
    def known_rule_id(self) -> str:
        """The data collection rule of the only association that was read; empty where there are none or several."""
        known = self.inventory.known_within(DataCollectionRuleAssociation, self.cluster.id)
        found = {str(one.properties.data_collection_rule_id) for one in known if one.properties.data_collection_rule_id}
        return found.pop() if len(found) == 1 else ""

    def working_rule(self, collector: Collector) -> WorkingRule | None:
        """The first rule by which a collector reaches a workspace. Raises `NotCollected` where there is none, and one
        may be hidden.
        """
        return self._chains[collector][0]

    def broken_links(self, collector: Collector) -> tuple[str, ...]:
        """What is wrong with each rule that the cluster is tied to, for a collector without a working one."""
        return self._chains[collector][1]

    @cached_property
    def _chains(self) -> _Chains:
        return _Chains(self)

    @property
    def log_settings(self) -> tuple[DiagnosticSetting, ...]:
        return self.inventory.diagnostic_settings(self.cluster)

    @property
    def watched_workspaces(self) -> tuple[tuple[ArmId, ...], tuple[Gap, ...]]:
        """The workspaces that hold the cluster's logs or metrics, as far as they are known, and what hides others."""
        found: list[ArmId] = []
        gaps: list[Gap] = []
        for collector in self.collectors:
            try:
                working = self.working_rule(collector)
                found += working.workspaces if working else ()
            except NotCollected as missing:
                gaps.append(missing.gap)
        try:
            found += (s.properties.workspace_id for s in self.log_settings if s.properties.workspace_id)
        except NotCollected as missing:
            gaps.append(missing.gap)
        return tuple(dict.fromkeys(found)), tuple(gaps)

    @property
    def audit_stores(self) -> tuple[AuditStore, ...]:
        """Where audit events go: the tables of workspaces, and what keeps them by rules of its own."""
        found = []
        for setting in self.log_settings:
            if setting.takes_audit:
                others = (one for one in setting.destinations if one != setting.properties.workspace_id)
                found += [AuditStore(setting.name, one) for one in others]
                found += [self._audit_store(setting.name, table) for table in setting.audit_tables]
        return tuple(found)

    def _audit_store(self, setting: str, table_id: ArmId) -> AuditStore:
        try:
            return AuditStore(setting, table_id, self._days_kept(table_id))
        except NotCollected as missing:
            return AuditStore(setting, table_id, gap=missing.gap)

    def _days_kept(self, table_id: ArmId) -> int:
        """The total retention of a table, by itself or by its workspace; 0 where the workspace is gone."""
        table = self.inventory.find(WorkspaceTable, table_id)
        own = table.properties.total_retention_in_days if table else None
        if own is not None and own >= 0:
            return own
        workspace = self.inventory.find(Workspace, table_id.parent)
        if workspace is None:
            return 0
        if workspace.properties.retention_in_days is None:
            raise NotCollected(self._unknown(f"workspace {workspace.name} does not say how long it keeps data"))
        return workspace.properties.retention_in_days

    @property
    def namespace_filter(self) -> tuple[DataCollectionRule, DataCollectionSettings] | None:
        """The working rule of container logs with its settings, where it filters namespaces."""
        working = self.working_rule(Collector.LOGS) if Collector.LOGS in self.collectors else None
        insights = working.rule.container_insights if working else None
        if working is None or insights is None:
            return None
        settings = insights.extension_settings.data_collection_settings
        return (working.rule, settings) if settings.namespace_filtering_mode in ("Include", "Exclude") else None

    @property
    def agent_settings_known(self) -> LogSettings:
        """What the agent's ConfigMap says of logs, as far as it was read."""
        items = self.cluster.lists.agent_settings.items
        return next((item.logs for item in items if item.name == _AGENT_SETTINGS), LogSettings())

    @property
    def schema(self) -> LogSchemaInForce:
        """The table of container logs: by the agent's ConfigMap, else by the rule, else the old one. Raises
        `NotCollected` where nothing tells.
        """
        if told := self.agent_settings_known.schema:
            return LogSchemaInForce(told, f"ConfigMap kube-system/{_AGENT_SETTINGS}")
        by_rule = self._schema_of_rule() if self.cluster.resource.collects_logs else None
        # the ConfigMap beats the rule
        self.cluster.lists.agent_settings.complete()
        return by_rule or LogSchemaInForce("v1", "the agent's default under legacy authentication")

    def _schema_of_rule(self) -> LogSchemaInForce:
        working = self.working_rule(Collector.LOGS)
        insights = working.rule.container_insights if working else None
        if working is None or insights is None:
            raise NotCollected(self._unknown("there is no working data collection rule, which would tell"))
        is_v2 = insights.extension_settings.data_collection_settings.enable_container_log_v2
        if is_v2 or any(stream.casefold().startswith("microsoft-containerlogv2") for stream in insights.streams):
            return LogSchemaInForce("v2", f"data collection rule {working.rule.name}")
        if is_v2 is False or "Microsoft-ContainerLog" in insights.streams:
            return LogSchemaInForce("v1", f"data collection rule {working.rule.name}")
        raise NotCollected(self._unknown(f"data collection rule {working.rule.name} says nothing of it"))

    def _unknown(self, detail: str) -> Gap:
        return untold("arm", self.cluster.id, detail, Need.DATA_COLLECTION_RULES)


class _Chains(dict[Collector, tuple[WorkingRule | None, tuple[str, ...]]]):
    """For each collector the first working rule, or what is broken in each."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__()
        self._telemetry = telemetry

    def __missing__(self, collector: Collector) -> tuple[WorkingRule | None, tuple[str, ...]]:
        broken: list[str] = []
        gap = None
        for association in self._telemetry.associations:
            try:
                found = self._follow(collector, association)
            except NotCollected as missing:
                gap = missing
                continue
            if isinstance(found, WorkingRule):
                self[collector] = found, ()
                return self[collector]
            broken.append(found)
        if gap is not None:
            raise gap
        self[collector] = None, tuple(broken)
        return self[collector]

    def _follow(self, collector: Collector, association: DataCollectionRuleAssociation) -> WorkingRule | str:
        """The rule if it works, else its first broken link."""
        inventory = self._telemetry.inventory
        rule_id = association.properties.data_collection_rule_id
        rule = inventory.find(DataCollectionRule, rule_id)
        if rule is None:
            return f"rule {rule_id.name} of association {association.name} is gone"
        logs = collector is Collector.LOGS
        targets = rule.log_workspaces if logs else rule.metrics_accounts
        if not targets:
            wanted = "streams of Container Insights" if logs else "stream Microsoft-PrometheusMetrics"
            return f"rule {rule.name} sends no {wanted} to a workspace"
        existing, gap = [], None
        for target in targets:
            try:
                if inventory.find(Workspace if logs else MonitorAccount, target) is not None:
                    existing.append(target)
            except NotCollected as missing:
                gap = missing
        if not existing and gap is not None:
            raise gap
        gone = ", ".join(target.name for target in targets)
        return WorkingRule(rule, tuple(existing)) if existing else f"workspace {gone} of rule {rule.name} is gone"
