"""What upgrades clusters and nodes by itself, and what must not run beside it."""

from datetime import timedelta

import pytest
from akscan.model.azure import AutoUpgradeProfile, ClusterUpgradeSettings, ManagedClusterSku, UpgradeOverride
from akscan.model.kubernetes import ControllerStatus, DaemonSet
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import (
    NOW,
    case,
    cluster,
    container,
    evaluate,
    in_fleet,
    inventory,
    node_pool,
    pod_spec,
    workload,
)
from akscan_rules.upgrades.channels import (
    no_upgrade_is_forced,
    node_os_is_patched,
    reboots_fit_the_channel,
    upgrades_are_automated,
)
from msgspec.structs import replace

UNREAD_FLEETS = (Need.FLEETS, Need.FLEET_MEMBERS, Need.FLEET_AUTO_UPGRADE_PROFILES)
AUTOMATIC = ManagedClusterSku(name=Token("Automatic"))
WINDOWS = node_pool("win", os_type=Token("Windows"), os_sku=Token("Windows2022"))
UBUNTU = node_pool("ubuntu", os_sku=Token("Ubuntu"))
CONTAINER_LINUX = node_pool("acl", os_sku=Token("AzureContainerLinux"))
GPU = node_pool("gpu", os_sku=Token("AzureLinux"), vm_size=Token("Standard_NC4as_T4_v3"))


def upgraded(channel="none", *pools, os="NodeImage", **fields):
    """A cluster with these channels."""
    profile = AutoUpgradeProfile(upgrade_channel=Token(channel), node_os_upgrade_channel=Token(os))
    return cluster(auto_upgrade_profile=profile, pools=pools or None, **fields)


def patched(os, *pools):
    return upgraded("none", *pools, os=os)


def without_pools(os):
    return [cluster(auto_upgrade_profile=AutoUpgradeProfile(node_os_upgrade_channel=Token(os)), pools=[])]


# --- UPG-005


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("upgradeChannel patch", [upgraded("patch")], Status.PASS),
        case("upgradeChannel stable", [upgraded("stable")], Status.PASS),
        case("upgradeChannel Rapid", [upgraded("Rapid")], Status.PASS),
        case("autoUpgradeProfile absent", [cluster(auto_upgrade_profile=AutoUpgradeProfile())], Status.FAIL),
        case("upgradeChannel none", [upgraded("none")], Status.FAIL),
        case("upgradeChannel node-image", [upgraded("node-image")], Status.FAIL),
        case("none, fleet member with Stable profile", [upgraded(), in_fleet("Stable")], Status.PASS),
        case(
            "none, fleet profile TargetKubernetesVersion",
            [upgraded(), in_fleet("TargetKubernetesVersion")],
            Status.PASS,
        ),
        case("none, fleet profile disabled true", [upgraded(), in_fleet("Stable", disabled=True)], Status.FAIL),
        case("none, fleet profile channel NodeImage only", [upgraded(), in_fleet("NodeImage")], Status.FAIL),
        case("none, another cluster in the fleet", [upgraded(), in_fleet("Stable", of="other")], Status.FAIL),
        case("sku.name Automatic", [replace(upgraded(), sku=AUTOMATIC)], Status.NOT_APPLICABLE),
        case("fleet reads refused and channel none", [upgraded()], Status.NOT_ASSESSED, unreadable=UNREAD_FLEETS),
        case("fleet reads refused and channel patch", [upgraded("patch")], Status.PASS, unreadable=UNREAD_FLEETS),
        case(
            "members of the fleet refused",
            [upgraded(), in_fleet("Stable")],
            Status.NOT_ASSESSED,
            unreadable=[Need.FLEET_MEMBERS],
        ),
        case("cluster unreadable", [upgraded("patch")], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_upgrades_are_automated(world, expected):
    assert evaluate(upgrades_are_automated, world).status is expected


# --- UPG-006


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("NodeImage with Linux and Windows pools", [patched("NodeImage", UBUNTU, WINDOWS)], Status.PASS),
        case("SecurityPatch with Ubuntu pools only", [patched("SecurityPatch", UBUNTU)], Status.PASS),
        case("None", [patched("None")], Status.FAIL),
        case("autoUpgradeProfile absent", [cluster(auto_upgrade_profile=AutoUpgradeProfile())], Status.FAIL),
        case("SecurityPatch with a Windows pool", [patched("SecurityPatch", UBUNTU, WINDOWS)], Status.FAIL),
        case("SecurityPatch with osSKU AzureContainerLinux", [patched("SecurityPatch", CONTAINER_LINUX)], Status.FAIL),
        case("SecurityPatch with AzureLinux on Standard_NC4as_T4_v3", [patched("SecurityPatch", GPU)], Status.FAIL),
        case("Unmanaged with Ubuntu pools", [patched("Unmanaged", UBUNTU)], Status.PASS),
        case("Unmanaged with a Windows pool", [patched("Unmanaged", WINDOWS)], Status.FAIL),
        case("Unmanaged with AzureLinux on Standard_NC4as_T4_v3", [patched("Unmanaged", GPU)], Status.FAIL),
        case("None, Fleet profile with channel NodeImage", [patched("None"), in_fleet("NodeImage")], Status.PASS),
        case("None, Fleet profile SecurityPatch", [patched("None", UBUNTU), in_fleet("SecurityPatch")], Status.PASS),
        case(
            "None, Fleet profile SecurityPatch, a Windows pool",
            [patched("None", UBUNTU, WINDOWS), in_fleet("SecurityPatch")],
            Status.FAIL,
        ),
        case("None, fleet reads refused", [patched("None")], Status.NOT_ASSESSED, unreadable=UNREAD_FLEETS),
        case("NodeImage, fleet reads refused", [patched("NodeImage")], Status.PASS, unreadable=UNREAD_FLEETS),
        case(
            "nodeOSUpgradeChannel absent and upgradeChannel node-image",
            [cluster(auto_upgrade_profile=AutoUpgradeProfile(upgrade_channel=Token("node-image")))],
            Status.PASS,
        ),
        case("sku.name Automatic", [replace(patched("None"), sku=AUTOMATIC)], Status.NOT_APPLICABLE),
        # whose nodes no pool describes
        case("None, no pool", without_pools("None"), Status.NOT_ASSESSED),
        case("SecurityPatch, no pool", without_pools("SecurityPatch"), Status.NOT_ASSESSED),
        case("NodeImage, no pool", without_pools("NodeImage"), Status.PASS),
        case(
            "None, no pool, Fleet profile SecurityPatch",
            [*without_pools("None"), in_fleet("SecurityPatch")],
            Status.NOT_ASSESSED,
        ),
        case(
            "None, no pool, Fleet profile with channel NodeImage",
            [*without_pools("None"), in_fleet("NodeImage")],
            Status.PASS,
        ),
    ],
)
def test_node_os_is_patched(world, expected):
    assert evaluate(node_os_is_patched, world).status is expected


def test_the_pools_that_nothing_patches_are_named():
    finding = evaluate(node_os_is_patched, inventory(patched("SecurityPatch", UBUNTU, WINDOWS, GPU))).findings[0]
    assert finding.message == "nodeOSUpgradeChannel SecurityPatch patches nothing on the nodes of win, gpu"
    assert [pool.partition(":")[0] for pool in finding.evidence["pools"]] == ["win", "gpu"]


# --- UPG-007


def kured(image="ghcr.io/kubereboot/kured:1.20", *, scheduled=3):
    spec = pod_spec(container(image=image), host_pid=True)
    status = ControllerStatus(desired_number_scheduled=scheduled)
    return workload(DaemonSet, "kured", "kube-ops", spec=spec, status=status, pods=scheduled)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("Unmanaged, Linux pool, kured DaemonSet with 3 scheduled", [patched("Unmanaged"), kured()], Status.PASS),
        case("Unmanaged, Linux pool, no kured", [patched("Unmanaged")], Status.FAIL),
        case("Unmanaged, kured with 0 scheduled", [patched("Unmanaged"), kured(scheduled=0)], Status.FAIL),
        case("NodeImage, kured present", [patched("NodeImage"), kured()], Status.FAIL),
        case("SecurityPatch, no kured", [patched("SecurityPatch")], Status.PASS),
        case(
            "image myacr.azurecr.io/kubereboot/kured:1.20",
            [patched("Unmanaged"), kured("myacr.azurecr.io/kubereboot/kured:1.20")],
            Status.PASS,
        ),
        case("image example/kured-exporter:1", [patched("Unmanaged"), kured("example/kured-exporter:1")], Status.FAIL),
        case(
            "another daemon by parameter",
            [patched("Unmanaged"), kured("ghcr.io/weaveworks/rebooter:2")],
            Status.PASS,
            parameters={"daemon_images": ["rebooter"]},
        ),
        case("channel None", [patched("None"), kured()], Status.NOT_APPLICABLE),
        case("no Linux pool", [patched("Unmanaged", WINDOWS)], Status.NOT_APPLICABLE),
        case("Unmanaged, list refused", [patched("Unmanaged")], Status.NOT_ASSESSED, unreadable=[Need.DAEMON_SETS]),
        case("NodeImage, list refused", [patched("NodeImage")], Status.NOT_ASSESSED, unreadable=[Need.DAEMON_SETS]),
    ],
)
def test_reboots_fit_the_channel(world, expected):
    assert evaluate(reboots_fit_the_channel, world).status is expected


def test_the_daemon_left_over_is_named():
    finding = evaluate(reboots_fit_the_channel, inventory(patched("NodeImage"), kured())).findings[0]
    assert finding.message == "kube-ops/kured may reboot nodes although AKS patches them (NodeImage)"
    assert finding.evidence["daemonSets"] == [
        "kube-ops/kured: ghcr.io/kubereboot/kured:1.20, hostPID True, 3 scheduled"
    ]
    assert finding.fill == {"namespace": "kube-ops"}


# --- UPG-012


def forced(until, *, force=True):
    override = UpgradeOverride(force_upgrade=force, until=until)
    return [cluster(upgrade_settings=ClusterUpgradeSettings(override_settings=override))]


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("upgradeSettings absent", [cluster()], Status.NOT_APPLICABLE),
        case("forceUpgrade true, until tomorrow", forced(NOW + DAY), Status.FAIL),
        case("forceUpgrade true, until yesterday", forced(NOW - DAY), Status.PASS),
        case("forceUpgrade true, until this very moment", forced(NOW), Status.PASS),
        case("forceUpgrade true, until absent", forced(None), Status.PASS),
        case("forceUpgrade false, until tomorrow", forced(NOW + DAY, force=False), Status.PASS),
        case("cluster unreadable", forced(NOW + DAY), Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_no_upgrade_is_forced(world, expected):
    assert evaluate(no_upgrade_is_forced, world).status is expected
