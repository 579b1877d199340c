"""When and in which steps upgrades roll."""

from collections.abc import Iterator
from datetime import date

from akscan.sdk import (
    Cluster,
    Disruption,
    EvidenceValue,
    Finding,
    Fix,
    Gap,
    Inventory,
    MaintenanceWindow,
    Need,
    NodePool,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    Token,
    any_of,
    rule,
    untold,
)

from akscan_rules.upgrades import FLEET_CHANNELS, FLEET_NEEDS

_OF_CLUSTER = Token("aksManagedAutoUpgradeSchedule")
_OF_NODE_OS = Token("aksManagedNodeOSUpgradeSchedule")

_FEWEST_NODES_OF_A_LARGE_POOL = 3
_FEWEST_NODES_LEFT = 2


@rule(
    "UPG-010",
    Severity.LOW,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.MAINTENANCE_CONFIGURATIONS, *FLEET_NEEDS],
    optional_needs=[Need.RESOURCE_GROUPS],
    docs=["https://learn.microsoft.com/azure/aks/planned-maintenance"],
    fix=Fix(
        """
        az aks maintenanceconfiguration add --resource-group {resource_group} --cluster-name {cluster} --name aksManagedNodeOSUpgradeSchedule --schedule-type Weekly --day-of-week Sunday --interval-weeks 1 --duration 8 --utc-offset +00:00 --start-time 00:00
        az aks maintenanceconfiguration add --resource-group {resource_group} --cluster-name {cluster} --name aksManagedAutoUpgradeSchedule --schedule-type RelativeMonthly --day-of-week Saturday --interval-months 1 --week-index First --duration 8 --utc-offset +00:00 --start-time 00:00
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.maintenance_window_auto_upgrade, .maintenance_window_node_os",
        arm="Microsoft.ContainerService/managedClusters/maintenanceConfigurations (name)",
    ),
)
def automatic_upgrades_have_windows(
    cluster: Cluster, inventory: Inventory, *, ignore_non_production: bool = True
) -> Iterator[Finding]:
    """Automatic upgrades have their own maintenance windows.

    Without a window AKS starts rolling nodes whenever the release reaches the region, which can be Monday morning. The
    `default` configuration steers only the weekly AKS releases, not these two kinds of upgrade.

    **Fix**: create both schedules outside business hours: weekly for the node OS, at least monthly for Kubernetes, four
    hours or longer, and stagger the windows of several clusters of one subscription.
    """
    wanted = _wanted(cluster, inventory)
    if ignore_non_production and inventory.is_non_production(cluster):
        raise NotApplicable("the cluster is not in production")
    windows = inventory.upgrades.windows(cluster)
    missing = [str(name) for name in wanted if name not in windows]
    if missing:
        profile = cluster.properties.auto_upgrade_profile
        yield Finding(
            f"no window for {' and '.join(missing)}",
            {
                "upgradeChannel": profile.upgrade_channel,
                "nodeOSUpgradeChannel": profile.node_os_upgrade_channel,
                "maintenanceConfigurations": sorted(map(str, windows)),
            },
        )


@rule(
    "UPG-011",
    Severity.LOW,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.AGENT_POOLS, Need.MAINTENANCE_CONFIGURATIONS],
    optional_needs=FLEET_NEEDS,
    docs=[
        "https://learn.microsoft.com/azure/aks/planned-maintenance",
        "https://learn.microsoft.com/azure/aks/upgrade-aks-node-pools-rolling",
    ],
    fix=Fix(
        """
        az aks maintenanceconfiguration update --resource-group {resource_group} --cluster-name {cluster} --name {configuration} --schedule-type Weekly --day-of-week Sunday --interval-weeks 1 --duration 8 --start-time 00:00
        az aks nodepool update --resource-group {resource_group} --cluster-name {cluster} --name {node_pool} --max-surge 33%
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform=(
            "azurerm_kubernetes_cluster.maintenance_window_node_os.{frequency,interval,duration,start_date,not_allowed}"
        ),
        arm=(
            "maintenanceConfigurations.properties.maintenanceWindow.{schedule,durationHours,startDate,notAllowedDates}"
        ),
    ),
)
def windows_suffice(
    cluster: Cluster,
    inventory: Inventory,
    *,
    max_gap_days_node_os: int = 14,
    max_gap_days_cluster: int = 35,
    max_freeze_days: int = 45,
    minutes_per_node: int = 10,
) -> Iterator[Finding]:
    """Maintenance windows come often enough and last long enough for the roll-out.

    Images appear weekly, so a quarterly window means three months of unpatched nodes. When the window closes AKS starts
    nothing new, so a pool that cannot finish in time stays mixed until the next window.

    **Fix**: shorten the interval, lengthen the window, raise maxSurge or lower the soak time of the large pools.
    """
    _wanted(cluster, inventory)
    windows, today = inventory.upgrades.windows(cluster), inventory.collected_at.date()
    limits = {_OF_NODE_OS: max_gap_days_node_os, _OF_CLUSTER: max_gap_days_cluster}
    judged = {name: windows[name] for name in limits if name in windows}
    if not judged:
        raise NotApplicable("there is no window, which UPG-010 reports")
    minutes = {pool.name: _minutes(pool, minutes_per_node) for pool in _rolled(cluster)}
    for name, window in judged.items():
        for text in _shortcomings(window, today, limits[name], max_freeze_days, sum(minutes.values())):
            yield Finding(
                f"{name}: {text}",
                {
                    f"{name}.longestGapInDays": window.schedule.longest_gap_days,
                    f"{name}.durationHours": window.duration_hours,
                    f"{name}.startDate": str(window.start_date) if window.start_date else None,
                    "estimatedMinutes": [f"{pool}: {needed}" for pool, needed in minutes.items()],
                },
                {
                    "node_pool": max(minutes, key=lambda pool: minutes[pool], default=""),
                    "configuration": str(name),
                },
            )
    for name, window in judged.items():
        if not window.schedule.longest_gap_days:
            raise NotCollected(_untold(cluster, f"how often {name} comes"))


@rule(
    "UPG-013",
    Severity.LOW,
    Pillar.RELIABILITY,
    needs=[Need.AGENT_POOLS, Need.MANAGED_CLUSTERS],
    optional_needs=[Need.RESOURCE_GROUPS],
    docs=[
        "https://learn.microsoft.com/azure/aks/upgrade-aks-node-pools-rolling",
        "https://learn.microsoft.com/azure/aks/upgrade-capacity-cost-planning",
    ],
    fix=Fix(
        "az aks nodepool update --resource-group {resource_group} --cluster-name {cluster} --name {node_pool}"
        " --max-surge 33%",
        Disruption.NONE,
        terraform=(
            "azurerm_kubernetes_cluster_node_pool.upgrade_settings.max_surge, "
            "azurerm_kubernetes_cluster.default_node_pool.upgrade_settings.max_surge"
        ),
        arm="properties.agentPoolProfiles[].upgradeSettings.{maxSurge,maxUnavailable}",
    ),
)
def pool_rolls_in_reasonable_steps(
    pool: NodePool,
    inventory: Inventory,
    *,
    max_steps: int = 12,
    max_surge_percent: int = 50,
    max_unavailable_percent: int = 34,
) -> Iterator[Finding]:
    """Surge settings roll the pool in reasonable steps and keep its capacity.

    One node at a time makes a large pool's upgrade last longer than any window and tempts people to skip it; surging
    the whole pool drains everything at once; no surge at all takes capacity away exactly when pods are being moved.

    **Fix**: use 33% surge for production pools, once the subnet and the quota hold the nodes that it adds (NET-002).
    Where they forbid surge, use a small maxUnavailable on user pools with spare room (it cannot be set on system
    pools).
    """
    properties, nodes = pool.properties, pool.nodes_now
    if pool.is_spot:
        raise NotApplicable("Spot pools get no surge nodes")
    if pool.is_stopped or nodes == 0:
        raise NotApplicable("the pool is stopped" if pool.is_stopped else "the pool has no nodes")
    if properties.mode == "Gateway":
        raise NotApplicable("a gateway pool runs no workloads")
    if pool.cluster.has_node_auto_provisioning and properties.enable_auto_scaling:
        raise NotApplicable("the pool has no fixed size")
    surge, away = pool.surge(nodes), pool.unavailable(nodes)
    steps = -(-nodes // max(surge, away, 1))
    evidence: dict[str, EvidenceValue] = {
        "count": nodes,
        "maxSurge": properties.upgrade_settings.max_surge,
        "maxUnavailable": properties.upgrade_settings.max_unavailable,
        "surge": surge,
        "steps": steps,
        "remainingNodes": nodes - (0 if surge else away),
    }
    for finding in any_of(
        _rolls_slowly(nodes, steps, max_steps),
        _drains_many(pool, inventory, surge, max_surge_percent),
        _shrinks(nodes, surge, away, max_unavailable_percent),
    ):
        yield Finding(finding.message, evidence)


def _rolls_slowly(nodes: int, steps: int, most: int) -> Iterator[Finding]:
    if steps > most:
        yield Finding(f"{nodes} nodes take {steps} steps")


def _drains_many(pool: NodePool, inventory: Inventory, surge: int, percent: int) -> Iterator[Finding]:
    nodes = pool.nodes_now
    many = nodes >= _FEWEST_NODES_OF_A_LARGE_POOL and surge > -(-nodes * percent // 100)
    if many and not inventory.is_non_production(pool.cluster):
        yield Finding(f"{surge} of {nodes} nodes are drained at once")


def _shrinks(nodes: int, surge: int, away: int, percent: int) -> Iterator[Finding]:
    left = nodes - away
    if surge == 0 and away > 0 and (left < _FEWEST_NODES_LEFT or away * 100 > nodes * percent):
        yield Finding(f"without surge nodes {left} of {nodes} are left while it is upgraded")


# --- windows


def _wanted(cluster: Cluster, inventory: Inventory) -> list[Token]:
    """The windows of the upgrades that come by themselves. Raises `NotApplicable` where none does."""
    profile = cluster.properties.auto_upgrade_profile
    by_fleet = any(channel in FLEET_CHANNELS for channel in inventory.upgrades.known_fleet_channels(cluster))
    if not (profile.upgrades_kubernetes or by_fleet):
        # a fleet that was not read may upgrade it
        inventory.upgrades.fleet_channels(cluster)
    wanted = {_OF_CLUSTER: profile.upgrades_kubernetes or by_fleet, _OF_NODE_OS: profile.upgrades_node_os}
    if not any(wanted.values()):
        raise NotApplicable("nothing upgrades the cluster automatically")
    return [name for name, is_active in wanted.items() if is_active]


def _untold(cluster: Cluster, detail: str) -> Gap:
    return untold("arm", cluster.id, detail, Need.MAINTENANCE_CONFIGURATIONS)


def _rolled(cluster: Cluster) -> list[NodePool]:
    """The pools whose upgrade takes a time that can be told."""
    if cluster.has_node_auto_provisioning:
        return []
    return [pool for pool in cluster.pools if not (pool.is_spot or pool.is_stopped) and pool.nodes_now > 0]


def _minutes(pool: NodePool, minutes_per_node: int) -> int:
    soak = pool.properties.upgrade_settings.node_soak_duration_in_minutes or 0
    return -(-pool.nodes_now // pool.step(pool.nodes_now)) * (minutes_per_node + soak)


def _shortcomings(window: MaintenanceWindow, today: date, max_gap: int, max_freeze: int, minutes: int) -> Iterator[str]:
    gap = window.schedule.longest_gap_days
    if gap > max_gap:
        yield f"{gap} days pass between windows"
    if window.start_date is not None and (window.start_date - today).days > max_gap:
        yield f"the first window comes in {(window.start_date - today).days} days"
    for freeze in window.not_allowed_dates:
        if freeze.start <= today <= freeze.end and (freeze.end - freeze.start).days > max_freeze:
            yield f"a freeze from {freeze.start} to {freeze.end} lasts {(freeze.end - freeze.start).days} days"
    if minutes > window.duration_hours * 60:
        yield f"the pools take about {minutes} minutes, the window lasts {window.duration_hours} hours"
