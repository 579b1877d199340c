"""Kubernetes versions of control planes and pools, and until when they are supported."""

from collections.abc import Iterator

from akscan.sdk import (
    Cluster,
    Disruption,
    Finding,
    Fix,
    Inventory,
    KubernetesVersion,
    Need,
    NodePool,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    any_of,
    if_known,
    minor,
    rule,
    version_key,
)

from akscan_rules.calendar import (
    LONG_TERM_SUPPORT,
    covered_minors,
    lapse_of_support,
    support_calendar,
    support_evidence,
    unlisted,
)
from akscan_rules.upgrades import FLEET_NEEDS

_POOL_IS_CHANGING = ("Creating", "Upgrading", "Updating", "Deleting")
_PARTS_WITH_PATCH = 3
_MOVES_MINORS = ("stable", "rapid")
_LTS_PATCHES = 2
#: The control plane first, then pool by pool: an upgrade of the whole cluster would take the Spot pools along, whose
#: nodes go without a drain.
_UPGRADE = (
    "# AKS upgrades the control plane alone only while no upgrade channel is set\n"
    "az aks update --resource-group {resource_group} --name {cluster} --auto-upgrade-channel none\n"
    "az aks upgrade --resource-group {resource_group} --name {cluster} --kubernetes-version %(version)s"
    " --control-plane-only\n"
    "# then each pool by itself, Spot pools last and when their workloads allow it: they are not drained\n"
    "az aks nodepool upgrade --resource-group {resource_group} --cluster-name {cluster} --name {node_pool}"
    " --kubernetes-version %(version)s\n"
)


@rule(
    "UPG-001",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.KUBERNETES_VERSIONS],
    optional_needs=[Need.UPGRADE_PROFILES],
    frameworks={"mcsb": ["PV-6"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/supported-kubernetes-versions",
        "https://learn.microsoft.com/azure/aks/long-term-support",
    ],
    fix=Fix(
        "az aks get-versions --location {location} --output table\n"
        "az aks get-upgrades --resource-group {resource_group} --name {cluster} --output table\n"
        + _UPGRADE
        % {"version": "{target_version}"}
        + "# and set the channel that was there again\n"
        "az aks update --resource-group {resource_group} --name {cluster} --auto-upgrade-channel {upgrade_channel}\n"
        "# or keep the minor one year longer\n"
        "az aks update --resource-group {resource_group} --name {cluster} --tier premium"
        " --k8s-support-plan AKSLongTermSupport --auto-upgrade-channel patch",
        Disruption.NODE_REIMAGE,
        terraform="azurerm_kubernetes_cluster.kubernetes_version, .support_plan, .sku_tier",
        arm="properties.kubernetesVersion, properties.supportPlan, sku.tier",
    ),
)
def kubernetes_minor_is_supported(
    cluster: Cluster, inventory: Inventory, *, calendar_fallback: bool = True
) -> Iterator[Finding]:
    """The cluster runs a generally available Kubernetes minor version that its support plan still covers.

    Past the end of support nobody fixes CVEs in the API server, kubelet or AKS components of that minor, support
    tickets are answered with "upgrade first", and AKS may upgrade the cluster by itself once it falls far enough
    behind. Preview versions never enter the SLA.

    **Fix**: upgrade to a supported version that get-upgrades offers: one minor at a time while the version is
    supported; between LTS minors, and from a minor whose support is over, AKS may skip minors (the latter only as an
    upgrade of the whole cluster, and outside of support). Upgrade the control plane first and then the pools one by
    one, which reimages their nodes: an upgrade of the whole cluster takes Spot pools along, without a drain. If
    community support is over but long-term support is not, the Premium tier with the LTS plan buys about one year and
    disturbs nothing (from 1.33 on the Ubuntu 22.04 pools must move to Ubuntu 24.04 before). Where no target is offered,
    or the cluster is more than three minors behind, build a new cluster next to it and move the workloads (blue/green)
    instead of upgrading in place.
    """
    lapse = lapse_of_support(cluster, inventory, cluster.version, calendar_fallback=calendar_fallback)
    if not lapse:
        return
    covered = if_known(lambda: covered_minors(cluster, inventory))
    targets = if_known(lambda: inventory.upgrade_targets(cluster))
    yield Finding(
        lapse,
        {
            "currentKubernetesVersion": cluster.version,
            "sku.tier": cluster.resource.sku.tier,
            **support_evidence(cluster, inventory, cluster.version),
            "coveredVersions": covered,
            "upgrades": targets
            if isinstance(targets, str)
            else [f"{version} (preview)" if preview else version for version, preview in targets.items()],
        },
        {
            "target_version": "" if isinstance(targets, str) else _best_target(targets, covered),
            "upgrade_channel": str(cluster.properties.auto_upgrade_profile.upgrade_channel),
        },
    )


@rule(
    "UPG-002",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.KUBERNETES_VERSIONS, *FLEET_NEEDS],
    docs=[
        "https://learn.microsoft.com/azure/aks/supported-kubernetes-versions",
        "https://learn.microsoft.com/azure/aks/aks-end-of-support-notifications",
    ],
    fix=Fix(
        """
        az aks get-upgrades --resource-group {resource_group} --name {cluster} --output table
        az aks update --resource-group {resource_group} --name {cluster} --auto-upgrade-channel stable
        """,
        Disruption.NODE_REIMAGE,
        terraform="azurerm_kubernetes_cluster.kubernetes_version, .support_plan",
        arm="properties.kubernetesVersion, properties.supportPlan",
    ),
)
def support_outlasts_the_horizon(cluster: Cluster, inventory: Inventory, *, min_days: int = 60) -> Iterator[Finding]:
    """Support for the running Kubernetes version does not end within the planning horizon.

    A minor upgrade needs an API check, a test in pre-production and a window per environment. Learning about the end
    date from the expiry notice leaves days for work that takes weeks.

    **Fix**: plan the next minor now: check deprecated APIs (UPG-017), upgrade pre-production, then production; or enrol
    in LTS; or set the stable channel so that it happens by itself. The channel upgrades Spot pools too, and does not
    drain them; where that must not happen at any hour, upgrade the control plane and the pools by hand (UPG-001).
    """
    properties, today, calendar = cluster.properties, inventory.collected_at.date(), support_calendar()
    channel = properties.auto_upgrade_profile.upgrade_channel
    if cluster.resource.sku.name == "Automatic":
        raise NotApplicable("AKS Automatic upgrades the cluster")
    if channel in _MOVES_MINORS or any(c in _MOVES_MINORS for c in inventory.upgrades.known_fleet_channels(cluster)):
        raise NotApplicable("an upgrade channel leaves the minor in time")
    life = calendar.versions.get(minor(cluster.version))
    days = (life.ends(properties.support_plan) - today).days if life else None
    lapsed = if_known(lambda: bool(lapse_of_support(cluster, inventory, cluster.version)))
    if lapsed is True:
        raise NotApplicable("the version is not supported any more, which UPG-001 reports")
    inventory.upgrades.fleet_channels(cluster)
    if days is None:
        raise NotCollected(unlisted(cluster, f"Kubernetes {minor(cluster.version)} is not in the calendar"))
    if days >= min_days:
        lapse_of_support(cluster, inventory, cluster.version)
        return
    unit = "day" if abs(days) == 1 else "days"
    when = f"ends in {days} {unit}" if days >= 0 else f"ended {-days} {unit} ago"
    yield Finding(
        f"{properties.support_plan} support of Kubernetes {minor(cluster.version)} {when},"
        f" by {calendar.described(today)}",
        {
            "currentKubernetesVersion": cluster.version,
            "upgradeChannel": channel,
            "daysLeft": days,
            **support_evidence(cluster, inventory, cluster.version),
        },
    )


@rule(
    "UPG-003",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.KUBERNETES_VERSIONS],
    docs=[
        "https://learn.microsoft.com/azure/aks/supported-kubernetes-versions",
        "https://learn.microsoft.com/azure/aks/long-term-support",
    ],
    fix=Fix(
        _UPGRADE % {"version": "{newest_patch}"}
        + "az aks update --resource-group {resource_group} --name {cluster} --auto-upgrade-channel {upgrade_channel}",
        Disruption.NODE_REIMAGE,
        terraform="azurerm_kubernetes_cluster.kubernetes_version, .automatic_upgrade_channel",
        arm="properties.kubernetesVersion, properties.autoUpgradeProfile.upgradeChannel",
    ),
)
def control_plane_runs_current_patch(
    cluster: Cluster, inventory: Inventory, *, max_patches_behind: int = 2
) -> Iterator[Finding]:
    """The control plane runs a current patch of its minor version.

    Patches carry the Kubernetes and AKS security fixes. A withdrawn patch can no longer be used for new pools and loses
    support 30 days later; an LTS cluster that is two patches behind has paid for support it does not get.

    **Fix**: upgrade to the newest patch, the control plane first and then the pools one by one (an upgrade of the whole
    cluster takes Spot pools along, without a drain), and let the channel that was there, else the patch channel, keep
    it there.
    """
    own, plan = version_key(cluster.version), cluster.properties.support_plan
    channel = cluster.properties.auto_upgrade_profile.upgrade_channel
    row = inventory.offered_version(cluster, cluster.version)
    if row is None:
        raise NotApplicable("the region does not offer the minor, which UPG-001 reports")
    offered = _patches(row, plan)
    if len(own) < _PARTS_WITH_PATCH or not offered:
        raise NotCollected(unlisted(cluster, f"no patches of Kubernetes {minor(cluster.version)} are told apart"))
    newer = [patch for patch in offered if version_key(patch) > own]
    if own > version_key(offered[-1]):
        raise NotApplicable("the region's list lags behind the cluster")
    lapses = {
        f"AKS has withdrawn {cluster.version}": newer and own not in map(version_key, offered),
        f"of {len(newer)} newer patches LTS covers {_LTS_PATCHES} only": (
            plan == LONG_TERM_SUPPORT and len(newer) >= _LTS_PATCHES
        ),
        "1 newer patch is offered" if len(newer) == 1 else f"{len(newer)} newer patches are offered": (
            len(newer) > max_patches_behind
        ),
    }
    for text in (text for text, holds in lapses.items() if holds):
        yield Finding(
            f"{text}, {offered[-1]} is the newest",
            {
                "currentKubernetesVersion": cluster.version,
                "patchVersions": offered,
                "newerPatches": len(newer),
                "supportPlan": plan,
                "upgradeChannel": channel,
            },
            {"newest_patch": offered[-1], "upgrade_channel": str(channel) if channel in _MOVES_MINORS else "patch"},
        )


@rule(
    "UPG-004",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.AGENT_POOLS, Need.KUBERNETES_VERSIONS],
    docs=[
        "https://learn.microsoft.com/azure/aks/upgrade-aks-control-plane",
        "https://learn.microsoft.com/azure/aks/supported-kubernetes-versions",
    ],
    fix=Fix(
        "az aks nodepool get-upgrades --resource-group {resource_group} --cluster-name {cluster}"
        " --nodepool-name {node_pool}\n"
        "az aks nodepool upgrade --resource-group {resource_group} --cluster-name {cluster} --name {node_pool}"
        " --kubernetes-version {control_plane_version}",
        Disruption.NODE_REIMAGE,
        terraform=(
            "azurerm_kubernetes_cluster.default_node_pool.orchestrator_version, "
            "azurerm_kubernetes_cluster_node_pool.orchestrator_version"
        ),
        arm="properties.agentPoolProfiles[].orchestratorVersion",
    ),
)
def pool_follows_control_plane(
    pool: NodePool, inventory: Inventory, *, max_minor_behind: int = 0, max_patches_behind: int = 2
) -> Iterator[Finding]:
    """Node pools run the Kubernetes version of the control plane.

    A pool left behind keeps running an unpatched kubelet and container runtime, loses features the control plane
    already advertises, and blocks the next control plane upgrade as soon as the gap would pass three minors.

    **Fix**: upgrade the pool to the control plane's version, which reimages its nodes; within seven days a failed pool
    upgrade can be reverted with the pool rollback command.
    """
    cluster, properties = pool.cluster, pool.properties
    if properties.provisioning_state in _POOL_IS_CHANGING:
        raise NotApplicable(f"the pool is in state {properties.provisioning_state}")
    excuse = ""
    if cluster.properties.provisioning_state == "Upgrading":
        excuse = "the cluster is being upgraded, one pool after the other"
    elif properties.power_state.code == "Stopped":
        excuse = "the pool is stopped"
    lapsed = _pool_without_support(pool, inventory)
    if excuse:
        yield from lapsed
        raise NotApplicable(excuse)
    yield from any_of(_pool_behind(pool, inventory, max_minor_behind, max_patches_behind), lapsed)


# --- what the control plane can go to


def _best_target(targets: dict[str, bool], covered: list[str] | str) -> str:
    """The newest target that is no preview and stays covered; empty where there is none."""
    fitting = [v for v, preview in targets.items() if not preview and (isinstance(covered, str) or minor(v) in covered)]
    return max(fitting, key=version_key, default="")


def _patches(row: KubernetesVersion, plan: str) -> list[str]:
    """The offered patches that a support plan covers, oldest first."""
    fitting = (patch for patch in row.patch_versions if plan == LONG_TERM_SUPPORT or not patch.endswith("-akslts"))
    return sorted(fitting, key=version_key)


# --- pools and their control plane


def _pool_without_support(pool: NodePool, inventory: Inventory) -> Iterator[Finding]:
    lapse = lapse_of_support(pool.cluster, inventory, pool.version)
    if lapse:
        yield _pool_finding(pool, inventory, lapse)


def _pool_behind(pool: NodePool, inventory: Inventory, minors: int, patches: int) -> Iterator[Finding]:
    behind = _minors_behind(pool)
    if behind > minors:
        step = "version" if behind == 1 else "versions"
        text = f"{pool.version} is {behind} minor {step} behind the control plane's {pool.cluster.version}"
        yield _pool_finding(pool, inventory, text)
    elif behind == 0:
        missed = _patches_behind(pool, inventory, patches)
        if missed > patches:
            step = "patch" if missed == 1 else "patches"
            text = f"{pool.version} is {missed} offered {step} behind the control plane's {pool.cluster.version}"
            yield _pool_finding(pool, inventory, text)


def _minors_behind(pool: NodePool) -> int:
    own, above = version_key(pool.version), version_key(pool.cluster.version)
    if len(own) < 2 or len(above) < 2:  # noqa: PLR2004 major and minor
        raise NotCollected(unlisted(pool.cluster, f"no Kubernetes version is reported for pool {pool.name}"))
    return above[1] - own[1]


def _patches_behind(pool: NodePool, inventory: Inventory, limit: int) -> int:
    """How many offered patches lie above the pool's and up to the control plane's.

    Where the numbers of the two alone keep within the limit, no list is asked: no more patches can lie between.
    """
    own, above = version_key(pool.version), version_key(pool.cluster.version)
    if len(own) < _PARTS_WITH_PATCH or len(above) < _PARTS_WITH_PATCH:
        raise NotCollected(unlisted(pool.cluster, f"no patch version is reported for pool {pool.name}"))
    if above[2] - own[2] <= limit:
        return above[2] - own[2]
    row = inventory.offered_version(pool.cluster, pool.version)
    if row is None or not row.patch_versions:
        raise NotCollected(unlisted(pool.cluster, f"no patches of Kubernetes {minor(pool.version)} are listed"))
    return len({key for key in map(version_key, row.patch_versions) if own < key <= above})


def _pool_finding(pool: NodePool, inventory: Inventory, text: str) -> Finding:
    return Finding(
        text,
        {
            "currentKubernetesVersion": pool.cluster.version,
            "name": pool.name,
            "mode": pool.properties.mode,
            "currentOrchestratorVersion": pool.version,
            "minorsBehind": if_known(lambda: _minors_behind(pool)),
            "maxMinorsBehind": support_calendar().policy.max_minor_skew_pool,
            **support_evidence(pool.cluster, inventory, pool.version),
        },
        {"control_plane_version": pool.cluster.version},
    )
