"""What wakes people: alert rules, alert processing rules and action groups. Of receivers only the number is kept: their
addresses may be secrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from akscan.model.azure.base import Resource, Rest
from akscan.model.text import ArmId, Token


class AlertAction(Rest, frozen=True, kw_only=True):
    action_group_id: ArmId = ArmId()


class MetricCriterion(Rest, frozen=True, kw_only=True):
    metric_name: Token = Token()


class MetricCriteria(Rest, frozen=True, kw_only=True):
    all_of: tuple[MetricCriterion, ...] = ()


class MetricAlertProperties(Rest, frozen=True, kw_only=True):
    enabled: bool = False
    scopes: tuple[ArmId, ...] = ()
    target_resource_type: Token = Token()
    criteria: MetricCriteria = MetricCriteria()
    actions: tuple[AlertAction, ...] = ()


class MetricAlert(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Insights/metricAlerts")
    properties: MetricAlertProperties = MetricAlertProperties()


class QueryActions(Rest, frozen=True, kw_only=True):
    action_groups: tuple[ArmId, ...] = ()


class ScheduledQueryRuleProperties(Rest, frozen=True, kw_only=True):
    enabled: bool = False
    scopes: tuple[ArmId, ...] = ()
    actions: QueryActions = QueryActions()


class ScheduledQueryRule(Resource, frozen=True, kw_only=True):
    """A log search alert; the query is dropped."""

    arm_type: ClassVar = Token("Microsoft.Insights/scheduledQueryRules")
    properties: ScheduledQueryRuleProperties = ScheduledQueryRuleProperties()


class Leaf(Rest, frozen=True, kw_only=True):
    """A comparison of one field of an event with one value or with several."""

    field: Token = Token()
    equals: Token = Token()
    contains_any: tuple[Token, ...] = ()

    @property
    def values(self) -> tuple[Token, ...]:
        return (self.equals,) if self.equals else self.contains_any


class Clause(Leaf, frozen=True, kw_only=True):
    """A comparison, or several of which one has to hold."""

    any_of: tuple[Leaf, ...] = ()


class AlertCondition(Rest, frozen=True, kw_only=True):
    all_of: tuple[Clause, ...] = ()


class ActivityActions(Rest, frozen=True, kw_only=True):
    action_groups: tuple[AlertAction, ...] = ()


class ActivityLogAlertProperties(Rest, frozen=True, kw_only=True):
    enabled: bool = True
    scopes: tuple[ArmId, ...] = ()
    condition: AlertCondition = AlertCondition()
    actions: ActivityActions = ActivityActions()


class ActivityLogAlert(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Insights/activityLogAlerts")
    properties: ActivityLogAlertProperties = ActivityLogAlertProperties()

    def values_of(self, field: str) -> tuple[Token, ...]:
        """What its condition compares a field with; empty where it compares the field with nothing."""
        return tuple(value for leaf in self._leaves() if leaf.field == field for value in leaf.values)

    def _leaves(self) -> Iterator[Leaf]:
        for clause in self.properties.condition.all_of:
            yield clause
            yield from clause.any_of


class PrometheusRule(Rest, frozen=True, kw_only=True):
    """An alert, or without a name of one a recording."""

    alert: str = ""
    expression: str = ""
    enabled: bool = True
    actions: tuple[AlertAction, ...] = ()


class PrometheusRuleGroupProperties(Rest, frozen=True, kw_only=True):
    enabled: bool = True
    scopes: tuple[ArmId, ...] = ()
    cluster_name: Token = Token()
    rules: tuple[PrometheusRule, ...] = ()


class PrometheusRuleGroup(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.AlertsManagement/prometheusRuleGroups")
    properties: PrometheusRuleGroupProperties = PrometheusRuleGroupProperties()

    @property
    def alerts(self) -> tuple[PrometheusRule, ...]:
        """Its alerts that are on."""
        return tuple(rule for rule in self.properties.rules if rule.alert and rule.enabled)


class ProcessingAction(Rest, frozen=True, kw_only=True):
    action_type: Token = Token()
    action_group_ids: tuple[ArmId, ...] = ()


class ProcessingCondition(Rest, frozen=True, kw_only=True):
    """What alerts a rule is limited to."""


class ProcessingSchedule(Rest, frozen=True, kw_only=True):
    """When a rule acts."""


class ActionRuleProperties(Rest, frozen=True, kw_only=True):
    enabled: bool = True
    scopes: tuple[ArmId, ...] = ()
    actions: tuple[ProcessingAction, ...] = ()
    conditions: tuple[ProcessingCondition, ...] = ()
    schedule: ProcessingSchedule | None = None


class ActionRule(Resource, frozen=True, kw_only=True):
    """An alert processing rule."""

    arm_type: ClassVar = Token("Microsoft.AlertsManagement/actionRules")
    properties: ActionRuleProperties = ActionRuleProperties()

    @property
    def is_limited(self) -> bool:
        """Whether it acts at times only, or on some alerts of its scopes."""
        return bool(self.properties.conditions) or self.properties.schedule is not None

    @property
    def added_groups(self) -> tuple[ArmId, ...]:
        """The action groups that it adds to the alerts of its scopes."""
        actions = self.properties.actions if self.properties.enabled else ()
        added = (action for action in actions if action.action_type == "AddActionGroups")
        return tuple(group for action in added for group in action.action_group_ids)

    @property
    def silences(self) -> bool:
        """Whether it takes the action groups away from all alerts of its scopes, at all times; it comes before those
        that add some (https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-processing-rules).
        """
        if not self.properties.enabled or self.is_limited:
            return False
        return any(action.action_type == "RemoveAllActionGroups" for action in self.properties.actions)


class Receiver(Rest, frozen=True, kw_only=True):
    """Somebody or something that is told."""


class ActionGroupProperties(Rest, frozen=True, kw_only=True):
    enabled: bool = True
    arm_role_receivers: tuple[Receiver, ...] = ()
    automation_runbook_receivers: tuple[Receiver, ...] = ()
    azure_app_push_receivers: tuple[Receiver, ...] = ()
    azure_function_receivers: tuple[Receiver, ...] = ()
    email_receivers: tuple[Receiver, ...] = ()
    event_hub_receivers: tuple[Receiver, ...] = ()
    incident_receivers: tuple[Receiver, ...] = ()
    itsm_receivers: tuple[Receiver, ...] = ()
    logic_app_receivers: tuple[Receiver, ...] = ()
    sms_receivers: tuple[Receiver, ...] = ()
    voice_receivers: tuple[Receiver, ...] = ()
    webhook_receivers: tuple[Receiver, ...] = ()


class ActionGroup(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Insights/actionGroups")
    properties: ActionGroupProperties = ActionGroupProperties()

    @property
    def receivers(self) -> int:
        """How many it tells, whatever way."""
        lists = (name for name in ActionGroupProperties.__struct_fields__ if name.endswith("_receivers"))
        return sum(len(getattr(self.properties, name)) for name in lists)
