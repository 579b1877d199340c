"""Which alert rules watch a cluster, and whom they reach."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.azure import (
    ActionGroup,
    ActionRule,
    ActivityLogAlert,
    MetricAlert,
    PrometheusRuleGroup,
    Resource,
    ScheduledQueryRule,
)
from akscan.model.gaps import NotCollected, untold
from akscan.model.text import ArmId, Location, Token

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.inventory import Inventory

_CLUSTERS = Token("Microsoft.ContainerService/managedClusters")
_KINDS: tuple[type[Resource], ...] = (
    MetricAlert,
    ScheduledQueryRule,
    ActivityLogAlert,
    PrometheusRuleGroup,
    ActionRule,
)
#: What AKS recommends to watch (https://learn.microsoft.com/azure/aks/monitor-aks), and the names of metrics that tell.
SIGNALS = {
    "node not ready": re.compile(r"kube_node_status_condition|NodeNotReady", re.IGNORECASE),
    "node CPU": re.compile(r"node_cpu|cpuUsage", re.IGNORECASE),
    "node memory": re.compile(r"node_memory", re.IGNORECASE),
    "node disk": re.compile(r"node_disk|node_filesystem", re.IGNORECASE),
    "pods restarting or not ready": re.compile(
        r"kube_pod_status|kube_pod_container_status|podReady|restartingContainer", re.IGNORECASE
    ),
}
#: The types of events in which Service Health tells of outages, and of retirements and forced upgrades
#: (https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema#service-health-category).
_EVENTS = ("Incident", "ActionRequired")
FAILED_OPERATION = "failed operation of the cluster or a node pool"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert rule that is on: what it is, what it watches, whom it names and what it tells."""

    kind: str
    name: str
    scopes: tuple[ArmId, ...]
    groups: tuple[ArmId, ...]
    signals: frozenset[str] = frozenset()
    #: the only cluster that it is about; empty for all of its scopes
    cluster_name: str = ""
    #: whether it watches clusters below its scopes, too
    from_above: bool = False
    #: whether it watches clusters by what a workspace holds of them
    by_workspace: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name} on {', '.join(scope.name for scope in self.scopes)}"


class Alerting:
    """The alert rules of an inventory, by what they watch."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    @cached_property
    def _by_scope(self) -> dict[ArmId, list[Alert]]:
        found: dict[ArmId, list[Alert]] = defaultdict(list)
        for alert in self._alerts():
            for scope in alert.scopes:
                found[scope].append(alert)
        return found

    def _alerts(self) -> Iterator[Alert]:
        known = self._inventory.known
        yield from (_of_metrics(alert) for alert in known(MetricAlert) if alert.properties.enabled)
        yield from (_of_logs(alert) for alert in known(ScheduledQueryRule) if alert.properties.enabled)
        yield from (_of_activity(alert) for alert in known(ActivityLogAlert) if _is_about_operations(alert))
        for group in known(PrometheusRuleGroup):
            if group.properties.enabled and group.alerts:
                yield _of_prometheus(group)

    def known_watchers(self, cluster: Cluster, workspaces: Iterable[ArmId]) -> tuple[Alert, ...]:
        """The alert rules that watch a cluster, by itself, from above or by the workspaces with its logs and metrics,
        among those that were read.
        """
        above = (_group(cluster.id), cluster.id.subscription_scope)
        found = [
            *self._by_scope.get(cluster.id, ()),
            *(alert for scope in workspaces for alert in self._by_scope.get(scope, ()) if alert.by_workspace),
            *(alert for scope in above for alert in self._by_scope.get(scope, ()) if alert.from_above),
        ]
        fitting = dict.fromkeys(alert for alert in found if alert.cluster_name in ("", cluster.name))
        return tuple(sorted(fitting, key=lambda alert: (alert.kind, alert.name)))

    def require_complete(self, scopes: Iterable[ArmId]) -> None:
        """Raises `NotCollected` where an alert rule of the subscriptions of these scopes may be missing."""
        for subscription in dict.fromkeys(scope.subscription_scope for scope in scopes):
            for kind in _KINDS:
                self._inventory.within(kind, subscription)

    def receivers(self, group_id: ArmId) -> int:
        """How many an action group tells; none where it is off or gone. Raises `NotCollected` where it was not read."""
        group = self._inventory.find(ActionGroup, group_id)
        return group.receivers if group is not None and group.properties.enabled else 0

    def described(self, group_id: ArmId) -> str:
        """An action group in words."""
        try:
            group = self._inventory.find(ActionGroup, group_id)
        except NotCollected as missing:
            return f"{group_id.name} (not read: {missing.gap.reason})"
        if group is None:
            return f"{group_id.name} (gone)"
        state = "" if group.properties.enabled else ", disabled"
        return f"{group_id.name} ({group.receivers} receivers{state})"

    def groups_of(self, alert: Alert, cluster: Cluster) -> tuple[ArmId, ...]:
        """The action groups that an alert of a cluster goes to: those that it names, and those that alert processing
        rules always add, among those that were read.
        """
        added = (
            group for rule in self._adders_of(alert, cluster) if not rule.is_limited for group in rule.added_groups
        )
        return tuple(dict.fromkeys((*alert.groups, *sorted(added))))

    def _adders_of(self, alert: Alert, cluster: Cluster) -> tuple[ActionRule, ...]:
        """The alert processing rules that add action groups to it, always or not."""
        targets = {scope for target in (cluster.id, *alert.scopes) for scope in _upwards(target)}
        found = {rule.id: rule for scope in targets for rule in self._adders.get(scope, ())}
        return tuple(rule for _, rule in sorted(found.items()))

    @cached_property
    def _adders(self) -> dict[ArmId, list[ActionRule]]:
        """Scope -> the alert processing rules that add action groups there."""
        found: dict[ArmId, list[ActionRule]] = defaultdict(list)
        for rule in self._inventory.known(ActionRule):
            for scope in rule.properties.scopes if rule.added_groups else ():
                found[scope].append(rule)
        return found

    @cached_property
    def _silencers(self) -> dict[ArmId, list[str]]:
        """Scope -> the alert processing rules that silence it."""
        found: dict[ArmId, list[str]] = defaultdict(list)
        for rule in self._inventory.known(ActionRule):
            for scope in rule.properties.scopes if rule.silences else ():
                found[scope].append(rule.name)
        return found

    def silencers_of(self, alert: Alert, cluster: Cluster) -> tuple[str, ...]:
        """The alert processing rules that keep an alert of a cluster from everybody, among those that were read."""
        by_target = [
            [name for scope in _upwards(target) for name in self._silencers.get(scope, ())]
            for target in _targets(alert, cluster)
        ]
        return tuple(dict.fromkeys(name for names in by_target for name in names)) if all(by_target) else ()

    def _require_silencers(self, alert: Alert, cluster: Cluster) -> None:
        """Raises `NotCollected` where one may be missing: such a rule stands in the subscription that it is about."""
        for target in _targets(alert, cluster):
            self._inventory.within(ActionRule, target.subscription_scope)

    def _require_no_limited_adder(self, alert: Alert, cluster: Cluster) -> None:
        """Raises `NotCollected` where an alert processing rule sends it to somebody, at times or under conditions."""
        for rule in self._adders_of(alert, cluster):
            if rule.is_limited and self._has_receivers(rule.added_groups):
                detail = f"{rule.name} adds action groups to some alerts or at times only"
                raise NotCollected(untold("arm", rule.id, detail))

    def can_notify(self, alerts: Sequence[Alert], cluster: Cluster) -> bool:
        """Whether one of these alerts reaches somebody. Raises `NotCollected` where none is known to, and an action
        group, or what may silence the alert, could not be read, or only a rule with a schedule or conditions adds one.
        """
        gap = None
        for alert in alerts:
            if self.silencers_of(alert, cluster):
                continue
            try:
                if self._has_receivers(self.groups_of(alert, cluster)):
                    self._require_silencers(alert, cluster)
                    return True
                self._require_no_limited_adder(alert, cluster)
            except NotCollected as missing:
                gap = missing
        if gap is not None:
            raise gap
        return False

    def _has_receivers(self, groups: Iterable[ArmId]) -> bool:
        gap = None
        for group in groups:
            try:
                if self.receivers(group):
                    return True
            except NotCollected as missing:
                gap = missing
        if gap is not None:
            raise gap
        return False

    # --- health

    def known_health_alerts(self, cluster: Cluster, category: str) -> tuple[ActivityLogAlert, ...]:
        """The activity log alerts of a category that cover a cluster and name an action group, among those that were
        read.
        """
        scopes = _upwards(cluster.id) if category == "ResourceHealth" else (cluster.id.subscription_scope,)
        found = {alert.id: alert for scope in scopes for alert in self._health.get((Token(category), scope), ())}
        return tuple(alert for _, alert in sorted(found.items()) if _is_about(alert, cluster))

    def untold_events(self, alerts: Iterable[ActivityLogAlert]) -> tuple[str, ...]:
        """Of outages and retirements what none of these service health alerts tells: one may be limited to types of
        events, and several may share them.
        """
        told = [alert.values_of("properties.incidentType") for alert in alerts]
        return tuple(event for event in _EVENTS if not any(not types or event in types for types in told))

    def require_health_alerts(self, cluster: Cluster) -> None:
        """Raises `NotCollected` where one may be missing: an activity log alert stands in the subscription that it
        watches (https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-types#activity-log-alerts).
        """
        self._inventory.within(ActivityLogAlert, cluster.id.subscription_scope)

    @cached_property
    def _health(self) -> dict[tuple[Token, ArmId], list[ActivityLogAlert]]:
        found: dict[tuple[Token, ArmId], list[ActivityLogAlert]] = defaultdict(list)
        for alert in self._inventory.known(ActivityLogAlert):
            if alert.properties.enabled and alert.properties.actions.action_groups:
                for category in alert.values_of("category"):
                    if _covers_health(alert, category):
                        for scope in alert.properties.scopes:
                            found[category, scope].append(alert)
        return found


def _covers_health(alert: ActivityLogAlert, category: Token) -> bool:
    """Whether a health alert is about AKS, among other things or alone."""
    if category == "ServiceHealth":
        services = alert.values_of("properties.impactedServices[*].ServiceName")
        return not services or any("kubernetes" in service.casefold() for service in services)
    types = alert.values_of("resourceType")
    return not types or _CLUSTERS in types


def _is_about(alert: ActivityLogAlert, cluster: Cluster) -> bool:
    """Whether a health alert that is limited to regions, groups or resources is limited to those of a cluster."""
    regions = alert.values_of("properties.impactedServices[*].ImpactedRegions[*].RegionName")
    groups, resources = alert.values_of("resourceGroup"), alert.values_of("resourceId")
    here = not regions or any(Location(region) == cluster.location for region in regions)
    limited = bool(groups or resources)
    return here and (not limited or cluster.id.resource_group in groups or cluster.id in resources)


def _targets(alert: Alert, cluster: Cluster) -> tuple[ArmId, ...]:
    """What an alert of a cluster is fired on."""
    return (cluster.id,) if alert.from_above or cluster.id in alert.scopes else alert.scopes


def _upwards(scope: ArmId) -> tuple[ArmId, ...]:
    """A resource, its group and its subscription."""
    return tuple(dict.fromkeys(one for one in (scope, _group(scope), scope.subscription_scope) if one))


def _group(scope: ArmId) -> ArmId:
    return ArmId(f"{scope.subscription_scope}/resourceGroups/{scope.resource_group}" if scope.resource_group else "")


def _signals(texts: Iterable[str]) -> frozenset[str]:
    found = tuple(texts)
    return frozenset(name for name, pattern in SIGNALS.items() if any(pattern.search(text) for text in found))


def _of_metrics(alert: MetricAlert) -> Alert:
    properties = alert.properties
    return Alert(
        "metric alert",
        alert.name,
        properties.scopes,
        tuple(action.action_group_id for action in properties.actions),
        _signals(criterion.metric_name for criterion in properties.criteria.all_of),
        from_above=properties.target_resource_type == _CLUSTERS,
    )


def _of_logs(alert: ScheduledQueryRule) -> Alert:
    properties = alert.properties
    return Alert("log search alert", alert.name, properties.scopes, properties.actions.action_groups, by_workspace=True)


def _is_about_operations(alert: ActivityLogAlert) -> bool:
    """Whether it is on and tells of what is done to clusters."""
    named = (*alert.values_of("resourceType"), *alert.values_of("operationName"))
    administrative = "Administrative" in alert.values_of("category")
    about = any(name.casefold().startswith(_CLUSTERS.casefold()) for name in named)
    return alert.properties.enabled and administrative and about


def _of_activity(alert: ActivityLogAlert) -> Alert:
    groups = tuple(action.action_group_id for action in alert.properties.actions.action_groups)
    signals = frozenset((FAILED_OPERATION,))
    return Alert("activity log alert", alert.name, alert.properties.scopes, groups, signals, from_above=True)


def _of_prometheus(group: PrometheusRuleGroup) -> Alert:
    groups = tuple(action.action_group_id for rule in group.alerts for action in rule.actions)
    signals = _signals(text for rule in group.alerts for text in (rule.alert, rule.expression))
    properties = group.properties
    return Alert(
        "Prometheus rules", group.name, properties.scopes, groups, signals, properties.cluster_name, by_workspace=True
    )
