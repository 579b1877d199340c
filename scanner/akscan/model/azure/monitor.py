"""Microsoft.Insights: diagnostic settings."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.azure.base import Resource, Rest
from akscan.model.text import ArmId, Token


class LogSettings(Rest, frozen=True, kw_only=True):
    category: Token = Token()
    category_group: Token = Token()
    enabled: bool = False


class DiagnosticSettingProperties(Rest, frozen=True, kw_only=True):
    workspace_id: ArmId = ArmId()
    storage_account_id: ArmId = ArmId()
    event_hub_authorization_rule_id: ArmId = ArmId()
    marketplace_partner_id: ArmId = ArmId()
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
    def enabled_logs(self) -> tuple[Token, ...]:
        """The categories and category groups that are on."""
        return tuple(log.category_group or log.category for log in self.properties.logs if log.enabled)
