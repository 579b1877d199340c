"""Microsoft.Insights: diagnostic settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from akscan.model.azure.base import Resource, Rest
from akscan.model.text import ArmId, Token

#: Categories and category groups that hold the audit events of the API server
#: (https://learn.microsoft.com/azure/aks/monitor-aks), and the tables of their own that take them in
#: (https://learn.microsoft.com/azure/aks/monitor-aks-reference).
_AUDIT_TABLES = {Token("kube-audit"): "AKSAudit", Token("kube-audit-admin"): "AKSAuditAdmin"}
_ALL_LOGS = Token("allLogs")
#: The categories of the category group audit.
_AUDIT_GROUP = frozenset({*_AUDIT_TABLES, Token("guard")})


class RetentionPolicy(Rest, frozen=True, kw_only=True):
    """Deletes nothing any more (https://learn.microsoft.com/azure/azure-monitor/platform/diagnostic-settings)."""

    enabled: bool = False
    days: int = 0


class LogSettings(Rest, frozen=True, kw_only=True):
    category: Token = Token()
    category_group: Token = Token()
    enabled: bool = False
    retention_policy: RetentionPolicy = RetentionPolicy()


class DiagnosticSettingProperties(Rest, frozen=True, kw_only=True):
    workspace_id: ArmId = ArmId()
    storage_account_id: ArmId = ArmId()
    event_hub_authorization_rule_id: ArmId = ArmId()
    marketplace_partner_id: ArmId = ArmId()
    log_analytics_destination_type: Token = Token("AzureDiagnostics")
    logs: tuple[LogSettings, ...] = ()


class DiagnosticSetting(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Insights/diagnosticSettings")
    properties: DiagnosticSettingProperties = DiagnosticSettingProperties()

    @property
    def destinations(self) -> tuple[ArmId, ...]:
        """Where this setting sends to; empty for a setting that goes nowhere."""
        properties = self.properties
        candidates = (
            properties.workspace_id,
            properties.storage_account_id,
            properties.event_hub_authorization_rule_id,
            properties.marketplace_partner_id,
        )
        return tuple(candidate for candidate in candidates if candidate)

    @property
    def event_hubs_namespace(self) -> ArmId:
        """The Event Hubs namespace that it streams to; empty without one."""
        return self.properties.event_hub_authorization_rule_id.ancestor("Microsoft.EventHub/namespaces")

    @property
    def enabled_logs(self) -> tuple[Token, ...]:
        """The categories and category groups that are on."""
        return tuple(log.category_group or log.category for log in self.properties.logs if log.enabled)

    def takes(self, category: str) -> bool:
        """Whether a category is on, by itself or in a group."""
        wanted = Token(category)
        groups = {_ALL_LOGS, Token("audit")} if wanted in _AUDIT_GROUP else {_ALL_LOGS}
        return any(log in groups or log == wanted for log in self.enabled_logs)

    @property
    def takes_audit(self) -> bool:
        """Whether audit events of the API server are on."""
        return any(self.takes(category) for category in _AUDIT_TABLES)

    @property
    def is_resource_specific(self) -> bool:
        """Whether each category goes to a table of its own."""
        return self.properties.log_analytics_destination_type == "Dedicated"

    @property
    def audit_tables(self) -> tuple[ArmId, ...]:
        """The tables of its workspace that take in audit events."""
        if not self.properties.workspace_id or not self.takes_audit:
            return ()
        own = [table for category, table in _AUDIT_TABLES.items() if self.takes(category)]
        names = own if self.is_resource_specific else ["AzureDiagnostics"]
        return tuple(ArmId(f"{self.properties.workspace_id}/tables/{name}") for name in names)

    def references(self) -> Iterator[ArmId]:
        yield self.properties.workspace_id
        yield from self.audit_tables
        yield self.properties.storage_account_id
        if namespace := self.event_hubs_namespace:
            yield namespace
            yield ArmId(f"{namespace}/networkRuleSets/default")
