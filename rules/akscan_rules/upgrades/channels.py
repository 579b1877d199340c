"""What upgrades clusters and nodes by itself, and what must not run beside it."""

from collections.abc import Iterator

from akscan.sdk import (
    AgentPool,
    Cluster,
    DaemonSet,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    image_matches,
    rule,
    untold,
)

from akscan_rules.upgrades import FLEET_CHANNELS, FLEET_NEEDS

_CHANNELS = ("patch", "stable", "rapid")
_AUTOMATIC = "AKS Automatic presets the channel"
#: osSKUs and GPU pools of Azure Linux that a channel leaves alone
#: (https://learn.microsoft.com/azure/aks/auto-upgrade-node-os-image).
_WITHOUT_SECURITY_PATCH = ("AzureContainerLinux", "Flatcar", "AzureLinuxOSGuard")
_WITHOUT_UNATTENDED_UPGRADES = ("AzureContainerLinux", "AzureLinuxOSGuard")
_AZURE_LINUX = ("AzureLinux", "AzureLinux3")


@rule(
    "UPG-005",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, *FLEET_NEEDS],
    frameworks={"mcsb": ["PV-6"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/auto-upgrade-cluster",
        "https://learn.microsoft.com/azure/kubernetes-fleet/update-automation",
    ],
    fix=Fix(
        """
        az aks update --resource-group {resource_group} --name {cluster} --auto-upgrade-channel patch
        # several clusters, staged:
        az fleet member create --resource-group {resource_group} --fleet-name {fleet} --name {cluster} --member-cluster-id {cluster_id}
        az fleet autoupgradeprofile create --resource-group {resource_group} --fleet-name {fleet} --name stable --channel Stable --update-strategy-id {strategy_id}
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.automatic_upgrade_channel",
        arm="properties.autoUpgradeProfile.upgradeChannel",
    ),
)
def upgrades_are_automated(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Kubernetes upgrades are automated by a channel or by Fleet Manager.

    Support for a minor lasts about a year and patches appear every few weeks; upgrades that depend on somebody
    remembering them are the ones that end in an unsupported cluster.

    **Fix**: set patch for LTS clusters and for teams that move minors by hand, stable for the others; from a handful of
    clusters on, let Fleet Manager roll the upgrade through stages. Set the maintenance window first (UPG-010): a
    channel upgrades every pool, Spot pools without a drain. Control-plane-only upgrades are not possible while a
    channel is set.
    """
    if cluster.resource.sku.name == "Automatic":
        raise NotApplicable(_AUTOMATIC)
    channel = cluster.properties.auto_upgrade_profile.upgrade_channel
    by_fleet = inventory.upgrades.known_fleet_channels(cluster)
    if channel in _CHANNELS or any(one in FLEET_CHANNELS for one in by_fleet):
        return
    inventory.upgrades.fleet_channels(cluster)
    yield Finding(
        f"upgradeChannel {channel} never moves the Kubernetes version, and no fleet that was read does",
        {
            "upgradeChannel": channel,
            "supportPlan": cluster.properties.support_plan,
            "fleetChannels": by_fleet,
        },
    )


@rule(
    "UPG-006",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.AGENT_POOLS, *FLEET_NEEDS],
    docs=[
        "https://learn.microsoft.com/azure/aks/auto-upgrade-node-os-image",
        "https://learn.microsoft.com/azure/aks/azure-container-linux-overview",
    ],
    fix=Fix(
        "az aks update --resource-group {resource_group} --name {cluster} --node-os-upgrade-channel NodeImage",
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.node_os_upgrade_channel",
        arm="properties.autoUpgradeProfile.nodeOSUpgradeChannel",
    ),
)
def node_os_is_patched(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Every node pool receives OS security updates through the node OS upgrade channel.

    Without a working channel the kernel, container runtime and libraries of the nodes stay as they were on the day the
    node was created. A channel that does not support a pool's OS gives the same result while the setting looks right.

    **Fix**: use NodeImage when the cluster has Windows, Azure Container Linux or Azure Linux GPU pools, or when bug
    fixes should come along; use SecurityPatch on plain Ubuntu and Azure Linux pools for faster fixes with fewer
    reimages. Set the maintenance window first (UPG-010). The change itself reimages nothing, each later image does,
    Spot pools without a drain.
    """
    if cluster.resource.sku.name == "Automatic":
        raise NotApplicable(_AUTOMATIC)
    profile = cluster.properties.auto_upgrade_profile
    channel = profile.node_os_upgrade_channel
    by_fleet = inventory.upgrades.known_fleet_channels(cluster)
    pools = cluster.properties.agent_pool_profiles
    unpatched = [pool for pool in pools if _is_left_alone(channel, pool)]
    by_patches = [pool for pool in pools if _is_left_alone("SecurityPatch", pool)]
    if profile.upgrade_channel == "node-image" or channel == "NodeImage" or (pools and not unpatched):
        return
    if "NodeImage" in by_fleet or ("SecurityPatch" in by_fleet and pools and not by_patches):
        return
    inventory.upgrades.fleet_channels(cluster)
    if not pools:
        detail = f"the cluster lists no node pool, so what nodeOSUpgradeChannel {channel} leaves alone is not known"
        raise NotCollected(untold("arm", cluster.id, detail))
    yield Finding(
        f"nodeOSUpgradeChannel {channel} patches nothing on the nodes of {', '.join(pool.name for pool in unpatched)}",
        {
            "nodeOSUpgradeChannel": channel,
            "upgradeChannel": profile.upgrade_channel,
            "pools": [
                f"{pool.name}: {pool.os_type}, osSKU {pool.os_sku or 'not set'}, {', '.join(pool.sizes)},"
                f" {pool.node_image_version}"
                for pool in unpatched
            ],
        },
    )


@rule(
    "UPG-007",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.AGENT_POOLS, Need.DAEMON_SETS],
    docs=[
        "https://learn.microsoft.com/azure/aks/upgrade-node-image-kured",
        "https://learn.microsoft.com/azure/aks/auto-upgrade-node-os-image",
    ],
    fix=Fix(
        r"""
        az aks update --resource-group {resource_group} --name {cluster} --node-os-upgrade-channel SecurityPatch
        helm uninstall {release} --namespace {namespace}
        # or, when Unmanaged must stay:
        helm install kured kubereboot/kured --namespace kured --create-namespace --set controller.nodeSelector."kubernetes\.io/os"=linux
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.node_os_upgrade_channel; helm_release.chart",
        arm="properties.autoUpgradeProfile.nodeOSUpgradeChannel",
    ),
)
def reboots_fit_the_channel(
    cluster: Cluster, inventory: Inventory, *, daemon_images: tuple[str, ...] = ("kured",)
) -> Iterator[Finding]:
    """A reboot daemon such as kured runs exactly when the OS patches itself.

    With Unmanaged the patches are installed nightly but kernel fixes only act after a reboot that nobody performs. With
    the AKS-run channels unattended upgrades are off, so the daemon is a privileged workload left over that may still
    drain nodes outside the maintenance window.

    **Fix**: preferably move to SecurityPatch or NodeImage and remove kured, in this order: the other way round kernel
    patches wait for a reboot in between. If Unmanaged must stay, install kured with a reboot window and only on Linux
    nodes.
    """
    channel = cluster.properties.auto_upgrade_profile.node_os_upgrade_channel
    if channel == "None":
        raise NotApplicable("the node OS has no channel, which UPG-006 reports")
    if not any(pool.os_type == "Linux" for pool in cluster.properties.agent_pool_profiles):
        raise NotApplicable("the cluster has no Linux pool")
    daemons = cluster.lists.daemon_sets
    found = [daemon for daemon in daemons.items if _reboots(daemon, daemon_images)]
    evidence = {
        "nodeOSUpgradeChannel": channel,
        "daemonSets": [
            f"{daemon.namespace}/{daemon.name}: {', '.join(c.image for c in daemon.template.spec.containers)},"
            f" hostPID {daemon.template.spec.host_pid}, {daemon.status.desired_number_scheduled} scheduled"
            for daemon in found
        ],
    }
    if channel == "Unmanaged" and not found:
        daemons.complete()
        yield Finding("nobody reboots the nodes after the kernel patches that Unmanaged installs", evidence)
    elif channel != "Unmanaged":
        if found:
            names = ", ".join(f"{daemon.namespace}/{daemon.name}" for daemon in found)
            text = f"{names} may reboot nodes although AKS patches them ({channel})"
            yield Finding(text, evidence, {"namespace": found[0].namespace})
        daemons.complete()


@rule(
    "UPG-012",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS],
    docs=[
        "https://learn.microsoft.com/azure/aks/stop-cluster-upgrade-api-breaking-changes",
        "https://learn.microsoft.com/azure/aks/upgrade-options",
    ],
    fix=Fix(
        "az aks update --resource-group {resource_group} --name {cluster} --disable-force-upgrade",
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.upgrade_override.{force_upgrade_enabled,effective_until}",
        arm="properties.upgradeSettings.overrideSettings.{forceUpgrade,until}",
    ),
)
def no_upgrade_is_forced(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """No force-upgrade override is open.

    While it is open every upgrade, also an automatic one, skips the check for deprecated APIs and drains past pod
    disruption budgets. AKS accepts any future date, so one emergency can switch the protection off for months.

    **Fix**: close the override as soon as the upgrade that needed it is done.
    """
    override = cluster.properties.upgrade_settings.override_settings
    if override is None:
        raise NotApplicable("there is no override")
    if override.until is not None and override.is_open(inventory.collected_at):
        days = (override.until - inventory.collected_at).days
        yield Finding(
            f"upgrades skip their checks until {override.until.isoformat()}",
            {
                "forceUpgrade": override.force_upgrade,
                "until": override.until.isoformat(),
                "daysLeft": days,
                "upgradeChannel": cluster.properties.auto_upgrade_profile.upgrade_channel,
            },
        )


def _is_left_alone(channel: str, pool: AgentPool) -> bool:
    """Whether a node OS channel brings nothing to the nodes of a pool."""
    has_gpu = any(size.casefold().startswith("standard_n") for size in pool.sizes)
    is_gpu_on_azure_linux = has_gpu and pool.os_sku in _AZURE_LINUX
    match channel:
        case "NodeImage":
            return False
        case "SecurityPatch":
            return pool.os_type == "Windows" or pool.os_sku in _WITHOUT_SECURITY_PATCH or is_gpu_on_azure_linux
        case "Unmanaged":
            return pool.os_type == "Windows" or pool.os_sku in _WITHOUT_UNATTENDED_UPGRADES or is_gpu_on_azure_linux
        case _:
            return True


def _reboots(daemon: DaemonSet, images: tuple[str, ...]) -> bool:
    """Whether a DaemonSet with pods on some node is a reboot daemon."""
    return daemon.status.desired_number_scheduled > 0 and any(
        image_matches(container.image, images) for container in daemon.template.spec.all_containers
    )
