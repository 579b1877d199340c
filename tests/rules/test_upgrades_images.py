"""Node images, and upgrades that stopped half way."""

from datetime import date

import pytest
from akscan.model.azure import (
    AgentPoolStatus,
    AutoUpgradeProfile,
    PowerState,
    ProvisioningError,
    image_date,
    image_kind,
    image_without_patches,
)
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import (
    case,
    cluster,
    evaluate,
    evaluate_all,
    inventory,
    karpenter_node_pool,
    latest_image,
    node,
    node_pool,
)
from akscan_rules.upgrades.images import no_upgrade_is_half_finished, node_images_are_current

FRESH = "AKSUbuntu-2404gen2containerd-202611.12.0"
STALE = "AKSUbuntu-2204gen2containerd-202608.20.0"
NEWEST = "AKSUbuntu-2204gen2containerd-202611.15.0"
FIFTY = "AKSUbuntu-2204gen2containerd-202610.03.0"
SIXTY = "AKSUbuntu-2204gen2containerd-202609.23.0"
WINDOWS = "AKSWindows-2022-containerd-20348.5386.260715"
STOPPED = PowerState(code=Token("Stopped"))
STRANGE = "MyOwnImage"

# --- UPG-008


def imaged(image, *, channel="NodeImage", **fields):
    profile = AutoUpgradeProfile(node_os_upgrade_channel=Token(channel))
    return cluster(auto_upgrade_profile=profile, pools=[node_pool(node_image_version=image, **fields)])


def patched(image, *suffixes, **labels):
    """Nodes with what security patches added to their image."""
    names = [f"{image}{suffix}" for suffix in suffixes]
    return [
        node(f"node-{place}", labels={"kubernetes.azure.com/node-image-version": name, **labels})
        for place, name in enumerate(names)
    ]


def newest(image, *, pool="system"):
    return latest_image(image, pool=pool)


NAP_NODE = {"karpenter.sh/nodepool": "nap"}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("AKSUbuntu-2404gen2containerd-202611.12.0, today 2026-11-22", [imaged(FRESH)], Status.PASS),
        case("AKSUbuntu-2204gen2containerd-202608.20.0, latest newer", [imaged(STALE), newest(NEWEST)], Status.FAIL),
        case(
            "AKSWindows-2022-containerd-20348.5386.260715, latest newer",
            [imaged(WINDOWS, os_type=Token("Windows")), newest("AKSWindows-2022-containerd-20348.5500.261110")],
            Status.FAIL,
        ),
        case("old, latest unreadable", [imaged(STALE)], Status.FAIL, unreadable=[Need.AGENT_POOL_UPGRADE_PROFILES]),
        case("image equal to latest but 50 days old", [imaged(FIFTY), newest(FIFTY)], Status.NOT_APPLICABLE),
        case(
            "the newest of another pool with this kind of image",
            [
                cluster(pools=[node_pool(node_image_version=FIFTY), node_pool("b", node_image_version=STALE)]),
                newest(FIFTY),
            ],
            Status.FAIL,
            subject="b",
        ),
        case(
            "image 60 days old, every node label ends in -2026.11.15 (SecurityPatch)",
            [imaged(SIXTY, channel="SecurityPatch"), newest(NEWEST), *patched(SIXTY, "-2026.11.15", "-2026.11.15")],
            Status.PASS,
        ),
        case(
            "one node patched long ago",
            [imaged(SIXTY, channel="SecurityPatch"), newest(NEWEST), *patched(SIXTY, "-2026.11.15", "-2026.10.01")],
            Status.FAIL,
        ),
        case(
            "one node never patched",
            [imaged(SIXTY, channel="SecurityPatch"), newest(NEWEST), *patched(SIXTY, "-2026.11.15", "")],
            Status.FAIL,
        ),
        case(
            "SecurityPatch, nodes unreadable",
            [imaged(SIXTY, channel="SecurityPatch"), newest(NEWEST)],
            Status.NOT_ASSESSED,
            unreadable=[Need.NODES],
        ),
        case("NodeImage, nodes unreadable", [imaged(SIXTY), newest(NEWEST)], Status.FAIL, unreadable=[Need.NODES]),
        case("AKSUbuntu-1804-2022.10.17", [imaged("AKSUbuntu-1804-2022.10.17")], Status.NOT_APPLICABLE),
        case(
            "unparsable image, latest unreadable",
            [imaged(STRANGE)],
            Status.NOT_ASSESSED,
            unreadable=[Need.AGENT_POOL_UPGRADE_PROFILES],
        ),
        case("unparsable image, latest different", [imaged(STRANGE), newest("MyNextImage")], Status.FAIL),
        case("unparsable image, the latest", [imaged(STRANGE), newest(STRANGE)], Status.NOT_APPLICABLE),
        case("image not told", [imaged("")], Status.NOT_ASSESSED),
        case(
            "image not told, unknown image elsewhere in the location",
            [cluster(pools=[node_pool(node_image_version=""), node_pool("b", node_image_version="")]), newest(NEWEST)],
            Status.NOT_ASSESSED,
            subject="b",
        ),
        case("pool stopped", [imaged(STALE, power_state=STOPPED)], Status.NOT_APPLICABLE),
        case("pool without nodes", [imaged(STALE, count=0)], Status.NOT_APPLICABLE),
        case("pool Upgrading", [imaged(STALE, provisioning_state=Token("Upgrading"))], Status.NOT_APPLICABLE),
        case("exactly as old as it may be", [imaged("AKSUbuntu-2204-202610.23.0")], Status.PASS),
        case("a day older", [imaged("AKSUbuntu-2204-202610.22.0")], Status.FAIL),
        case(
            "Windows of the same age", [imaged("AKSWindows-2022-20348.1.261022", os_type=Token("Windows"))], Status.PASS
        ),
        case("max_age_days_linux 100", [imaged(STALE)], Status.PASS, parameters={"max_age_days_linux": 100}),
        case(
            "an old node of node auto-provisioning",
            [imaged(FRESH), karpenter_node_pool(), *patched(STALE, "", **NAP_NODE)],
            Status.FAIL,
            subject="nap",
        ),
        case(
            "a fresh node of node auto-provisioning",
            [imaged(FRESH), karpenter_node_pool(), *patched(FRESH, "", **NAP_NODE)],
            Status.PASS,
            subject="nap",
        ),
        case(
            "a node of node auto-provisioning whose image is not told",
            [imaged(FRESH), karpenter_node_pool(), node(labels=NAP_NODE)],
            Status.NOT_ASSESSED,
            subject="nap",
        ),
        case(
            "such a node beside a fresh one",
            [imaged(FRESH), karpenter_node_pool(), *patched(FRESH, "", **NAP_NODE), node("bare", labels=NAP_NODE)],
            Status.NOT_ASSESSED,
            subject="nap",
        ),
        case(
            "an image without a date beside a fresh one, latest unreadable",
            [imaged(FRESH), karpenter_node_pool(), *patched("", FRESH, STRANGE, **NAP_NODE)],
            Status.NOT_ASSESSED,
            subject="nap",
            unreadable=[Need.AGENT_POOL_UPGRADE_PROFILES],
        ),
        case(
            "such a node beside an old one",
            [imaged(FRESH), karpenter_node_pool(), *patched(STALE, "", **NAP_NODE), node("bare", labels=NAP_NODE)],
            Status.FAIL,
            subject="nap",
        ),
        case("node auto-provisioning without nodes", [karpenter_node_pool()], Status.NOT_APPLICABLE, subject="nap"),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.AGENT_POOLS]),
    ],
)
def test_node_images_are_current(world, expected):
    assert evaluate(node_images_are_current, world).status is expected


@pytest.mark.parametrize(
    ("image", "day", "kind"),
    [
        (FRESH, date(2026, 11, 12), "aksubuntu-2404gen2containerd"),
        (WINDOWS, date(2026, 7, 15), "akswindows-2022-containerd-20348.5386"),
        ("AKSUbuntu-1804-2022.10.17", date(2022, 10, 17), "aksubuntu-1804"),
        (f"{SIXTY}-2026.11.15", date(2026, 11, 15), "aksubuntu-2204gen2containerd"),
        (STRANGE, None, "myownimage"),
        ("AKSUbuntu-2204-202613.45.0", None, "aksubuntu-2204"),
    ],
)
def test_the_name_of_an_image_tells_its_day_and_kind(image, day, kind):
    assert image_date(image) == day
    assert image_kind(image) == kind


def test_patches_are_cut_off_the_name_of_an_image():
    assert image_without_patches(f"{SIXTY}-2026.11.15") == SIXTY
    assert image_without_patches("AKSUbuntu-1804-2022.10.17") == "AKSUbuntu-1804-2022.10.17"


@pytest.mark.parametrize(("image", "age"), [(STALE, "94 days old"), (STRANGE, "of unknown age")])
def test_the_finding_says_how_old_the_image_is(image, age):
    finding = evaluate(node_images_are_current, inventory(imaged(image), newest(NEWEST))).findings[0]
    assert finding.message == f"the node image is {age}"
    assert finding.evidence["nodeImageVersion"] == [image]
    assert finding.evidence["latestNodeImageVersion"] == [NEWEST]


# --- UPG-009

EVEN = [node("node-0"), node("node-1")]
MIXED = [node("node-0"), node("node-1", version="1.34.9")]
QUARANTINED = {"kubernetes.azure.com/upgrade-status": "Quarantined"}


def in_state(state, *pools, **fields):
    pools = pools or [node_pool()]
    return cluster(provisioning_state=Token(state), pools=pools, **fields)


def pool_in(state, name="system", **fields):
    return node_pool(name, provisioning_state=Token(state), **fields)


ERROR = AgentPoolStatus(provisioning_error=ProvisioningError(code="DrainFailed", message="pdb"))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("all nodes v1.35.6 and one image, Succeeded", [cluster(), *EVEN], Status.PASS),
        case("two kubelet versions, Succeeded", [cluster(), *MIXED], Status.FAIL),
        case(
            "two kubelet versions, pool Upgrading, other pools even",
            [cluster(pools=[pool_in("Upgrading"), node_pool("user")]), *MIXED, node("node-2", pool="user")],
            Status.PASS,
        ),
        case(
            "two kubelet versions, pool stopped", [cluster(pools=[node_pool(power_state=STOPPED)]), *MIXED], Status.PASS
        ),
        case("cluster Upgrading", [in_state("Upgrading"), *MIXED], Status.NOT_APPLICABLE),
        case(
            "images differ only in the -2026.11.01 suffix",
            [cluster(), *patched(SIXTY, "", "-2026.11.01")],
            Status.PASS,
        ),
        case("two images", [cluster(), *patched(SIXTY, ""), *patched(STALE, "", "")[1:]], Status.FAIL),
        case("node labelled Quarantined", [cluster(), node(labels=QUARANTINED)], Status.FAIL),
        case("pool Failed, cluster Succeeded", [cluster(pools=[pool_in("Failed")]), *EVEN], Status.FAIL),
        case("pool with a provisioningError", [cluster(pools=[node_pool(status=ERROR)]), *EVEN], Status.FAIL),
        case("cluster Failed, all pools Succeeded", [in_state("Failed"), *EVEN], Status.FAIL),
        case("cluster and one pool Failed", [in_state("Failed", pool_in("Failed")), *EVEN], Status.FAIL),
        case(
            "pool Canceled, no Kubernetes access",
            [cluster(pools=[pool_in("Canceled")])],
            Status.FAIL,
            unreadable=[Need.NODES],
        ),
        case("all Succeeded, no Kubernetes access", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.NODES]),
        case(
            "cluster stopped",
            [cluster(power_state=STOPPED, pools=[node_pool(power_state=STOPPED)])],
            Status.NOT_ASSESSED,
            unreadable=[Need.NODES],
        ),
        case(
            "cluster Failed and stopped",
            [in_state("Failed", node_pool(power_state=STOPPED), power_state=STOPPED)],
            Status.FAIL,
            unreadable=[Need.NODES],
        ),
    ],
)
def test_no_upgrade_is_half_finished(world, expected):
    assert evaluate(no_upgrade_is_half_finished, world).status is expected


def test_one_finding_names_all_that_is_left_over():
    pools = [pool_in("Failed", status=ERROR), node_pool("user")]
    world = inventory(
        in_state("Failed", *pools), *MIXED, node("node-2", pool="user"), node("node-3", pool="user", version="1.34.9")
    )
    (finding,) = evaluate_all(no_upgrade_is_half_finished, world)["cluster/aks"].findings
    assert finding.message == (
        "(a) the cluster is in state Failed; (b) state Failed, DrainFailed in pool system; "
        "(d) 2 values of kubeletVersion in pool user"
    )
    assert finding.evidence["system.provisioningError"] == "DrainFailed: pdb"
    assert finding.evidence["user.kubeletVersion"] == ["v1.34.9: 1 node", "v1.35.6: 1 node"]


def test_the_quarantined_node_is_the_one_to_look_at():
    (finding,) = evaluate(no_upgrade_is_half_finished, inventory(cluster(), node(labels=QUARANTINED))).findings
    assert finding.message == "(c) 1 quarantined node in pool system"
    assert finding.fill == {"node_pool": "system", "node": "node-0"}


def test_the_quarantined_node_stays_the_one_to_look_at_whatever_else_is_left_over():
    pools = [node_pool(), pool_in("Failed", "user")]
    quarantined = node(labels=QUARANTINED, version="1.34.9")
    world = inventory(cluster(pools=pools), quarantined, node("node-1"), node("node-2", pool="user"))
    (finding,) = evaluate(no_upgrade_is_half_finished, world).findings
    assert finding.fill == {"node_pool": "system", "node": "node-0"}
