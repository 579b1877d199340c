"""Kubernetes versions of control planes and pools, and until when they are supported."""

from datetime import UTC, datetime

import pytest
from akscan.model.azure import AutoUpgradeProfile, ManagedClusterSku, Upgrade
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import (
    NOW,
    World,
    case,
    cluster,
    evaluate,
    in_fleet,
    inventory,
    kubernetes_version,
    kubernetes_versions,
    node_pool,
    upgrade_profile,
)
from akscan_rules.upgrades.versions import (
    control_plane_runs_current_patch,
    kubernetes_minor_is_supported,
    pool_follows_control_plane,
    support_outlasts_the_horizon,
)
from msgspec.structs import replace

LTS = Token("AKSLongTermSupport")
BOTH = ("KubernetesOfficial", "AKSLongTermSupport")


def at(version, *, pool=None, **properties):
    """A cluster at a version, with one pool at the same or another one."""
    own = pool or version
    return cluster(
        kubernetes_version=version,
        current_kubernetes_version=version,
        pools=[node_pool(orchestrator_version=own, current_orchestrator_version=own)],
        **properties,
    )


def offers(*rows):
    return kubernetes_versions(*rows)


# --- UPG-001


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "row 1.35, supportPlan [KubernetesOfficial, AKSLongTermSupport], isPreview absent, cluster 1.35.6 "
            "without supportPlan",
            [at("1.35.6"), offers(kubernetes_version("1.35", plans=BOTH))],
            Status.PASS,
        ),
        case("no row for 1.30", [at("1.30.9"), offers(kubernetes_version("1.35"))], Status.FAIL),
        case(
            "row 1.33 with capabilities.supportPlan [AKSLongTermSupport], cluster plan absent",
            [at("1.33.9"), offers(kubernetes_version("1.33", plans=[LTS]))],
            Status.FAIL,
        ),
        case(
            "same row, cluster plan AKSLongTermSupport",
            [at("1.33.9", support_plan=LTS), offers(kubernetes_version("1.33", plans=[LTS]))],
            Status.PASS,
        ),
        case(
            "row 1.38 isPreview true",
            [at("1.38.0"), offers(kubernetes_version("1.38", preview=True))],
            Status.FAIL,
        ),
        case(
            "capabilities absent on the row, calendar eol in the future",
            [at("1.35.6"), offers(kubernetes_version("1.35", plans=()))],
            Status.PASS,
        ),
        case(
            "capabilities absent on the row, calendar eol passed",
            [at("1.33.9"), offers(kubernetes_version("1.33", plans=()))],
            Status.FAIL,
        ),
        case(
            "capabilities absent on the row, calendar eol passed, lts_eol in the future",
            [at("1.33.9", support_plan=LTS), offers(kubernetes_version("1.33", plans=()))],
            Status.PASS,
        ),
        case(
            "capabilities absent on the row of a minor that the calendar saw ahead",
            [at("1.37.0"), offers(kubernetes_version("1.37", plans=()))],
            Status.PASS,
        ),
        case(
            "capabilities absent on the row of a minor that the calendar does not know",
            [at("1.38.0"), offers(kubernetes_version("1.38", plans=()))],
            Status.NOT_ASSESSED,
        ),
        case(
            "capabilities absent on the row, calendar_fallback false",
            [at("1.35.6"), offers(kubernetes_version("1.35", plans=()))],
            Status.NOT_ASSESSED,
            parameters={"calendar_fallback": False},
        ),
        case(
            "call refused, calendar eol 2026-07-31, today 2026-11-22, plan absent",
            [at("1.33.9")],
            Status.FAIL,
            unreadable=[Need.KUBERNETES_VERSIONS],
        ),
        case(
            "call refused, calendar lts_eol passed",
            [at("1.30.9", support_plan=LTS)],
            Status.FAIL,
            unreadable=[Need.KUBERNETES_VERSIONS],
        ),
        case(
            "call refused, minor below the calendar",
            [at("1.28.9", support_plan=LTS)],
            Status.FAIL,
            unreadable=[Need.KUBERNETES_VERSIONS],
        ),
        case(
            "call refused, calendar eol in the future: the list might know better",
            [at("1.35.6")],
            Status.NOT_ASSESSED,
            unreadable=[Need.KUBERNETES_VERSIONS],
        ),
        case("call refused, minor 1.99", [at("1.99.0")], Status.NOT_ASSESSED, unreadable=[Need.KUBERNETES_VERSIONS]),
        case(
            "call refused, calendar_fallback false",
            [at("1.33.9")],
            Status.NOT_ASSESSED,
            unreadable=[Need.KUBERNETES_VERSIONS],
            parameters={"calendar_fallback": False},
        ),
        case("list empty, calendar eol in the future", [at("1.35.6"), offers()], Status.PASS),
        case("list empty, calendar eol passed", [at("1.33.9"), offers()], Status.FAIL),
        case("list empty, minor still ahead when the calendar was written", [at("1.37.0")], Status.NOT_ASSESSED),
        case(
            "list empty, calendar_fallback false",
            [at("1.33.9"), offers()],
            Status.NOT_ASSESSED,
            parameters={"calendar_fallback": False},
        ),
        case(
            "ARM row says supported, calendar eol passed",
            [at("1.33.9"), offers(kubernetes_version("1.33"))],
            Status.PASS,
        ),
        case(
            "currentKubernetesVersion absent, kubernetesVersion 1.35",
            [
                cluster(kubernetes_version="1.35", current_kubernetes_version=""),
                offers(kubernetes_version("1.35")),
            ],
            Status.PASS,
        ),
        case(
            "no version reported",
            [cluster(kubernetes_version="", current_kubernetes_version=""), offers(kubernetes_version("1.35"))],
            Status.NOT_ASSESSED,
        ),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_kubernetes_minor_is_supported(world, expected):
    assert evaluate(kubernetes_minor_is_supported, world).status is expected


@pytest.mark.parametrize(("day", "expected"), [(31, Status.PASS), (1, Status.FAIL)])
def test_last_day_of_support_still_counts(day, expected):
    today = datetime(2027, 4 if day == 1 else 3, day, 23, 0, tzinfo=UTC)
    world = inventory(at("1.35.6"), offers(), collected_at=today)
    assert evaluate(kubernetes_minor_is_supported, world).status is expected


def test_finding_names_the_calendar_that_decided():
    finding = evaluate(
        kubernetes_minor_is_supported, inventory(at("1.33.9"), unreadable=[Need.KUBERNETES_VERSIONS])
    ).findings[0]
    assert finding.message == (
        "KubernetesOfficial support of Kubernetes 1.33 ended on 2026-07-31, by the calendar of 2026-08-21"
    )
    assert finding.evidence["calendar.is_stale"] is False
    assert "not read" in finding.evidence["values.version"]
    assert "not read" in finding.evidence["coveredVersions"]


@pytest.mark.parametrize(("days", "stale"), [(200, False), (201, True)])
def test_old_calendar_marks_the_finding(days, stale):
    today = datetime.fromtimestamp(datetime(2026, 8, 21, tzinfo=UTC).timestamp() + days * 86400, UTC)
    finding = evaluate(kubernetes_minor_is_supported, inventory(at("1.33.9"), offers(), collected_at=today)).findings[0]
    assert finding.message.endswith(", which is stale") is stale
    assert finding.evidence["calendar.is_stale"] is stale


def test_evidence_shows_the_row_the_calendar_and_the_way_out():
    world = inventory(
        at("1.33.9"),
        offers(
            kubernetes_version("1.33", plans=[LTS]),
            kubernetes_version("1.34", plans=BOTH),
            kubernetes_version("1.35", plans=()),
            kubernetes_version("1.38", preview=True),
        ),
        upgrade_profile("1.34.9", "1.34.10", "1.36.0"),
    )
    finding = evaluate(kubernetes_minor_is_supported, world).findings[0]
    assert finding.message == "westeurope offers Kubernetes 1.33 for AKSLongTermSupport only"
    assert finding.evidence == {
        "currentKubernetesVersion": "1.33.9",
        "sku.tier": "Standard",
        "location": "westeurope",
        "supportPlan": "KubernetesOfficial",
        "values.version": "1.33",
        "values.isPreview": False,
        "values.capabilities.supportPlan": (LTS,),
        "calendar.as_of": "2026-08-21",
        "calendar.is_stale": False,
        "calendar.eol": "2026-07-31",
        "calendar.lts_eol": "2027-07-31",
        "coveredVersions": ["1.34", "1.35"],
        "upgrades": ["1.34.9", "1.34.10", "1.36.0"],
    }
    assert finding.fill == {"target_version": "1.34.10", "upgrade_channel": "patch"}


@pytest.mark.parametrize(
    ("version", "plan", "message"),
    [
        (
            "1.29.9",
            LTS,
            "AKSLongTermSupport support of Kubernetes 1.29 ended on 2026-04-30, by the calendar of 2026-08-21",
        ),
        ("1.28.9", LTS, "Kubernetes 1.28 is older than everything in the calendar of 2026-08-21"),
    ],
)
def test_oldest_minor_of_the_calendar_has_a_date(version, plan, message):
    world = inventory(at(version, support_plan=plan), offers())
    assert evaluate(kubernetes_minor_is_supported, world).findings[0].message == message


def test_preview_is_shown_but_never_the_target():
    profile = upgrade_profile("1.34.9")
    plane = profile.properties.control_plane_profile
    both = replace(plane, upgrades=(*plane.upgrades, Upgrade(kubernetes_version="1.35.0", is_preview=True)))
    world = inventory(
        at("1.33.9"),
        replace(profile, properties=replace(profile.properties, control_plane_profile=both)),
        unreadable=[Need.KUBERNETES_VERSIONS],
    )
    finding = evaluate(kubernetes_minor_is_supported, world).findings[0]
    assert finding.evidence["upgrades"] == ["1.34.9", "1.35.0 (preview)"]
    assert finding.fill == {"target_version": "1.34.9", "upgrade_channel": "patch"}


def test_without_a_profile_the_list_of_the_region_tells_the_targets():
    row = kubernetes_version("1.33", plans=[LTS], patches={"1.33.9": ("1.33.10", "1.34.10", "1.36.0")})
    offered = offers(row, kubernetes_version("1.34", plans=BOTH), kubernetes_version("1.36", preview=True))
    world = inventory(at("1.33.9"), offered, unreadable=[Need.UPGRADE_PROFILES])
    finding = evaluate(kubernetes_minor_is_supported, world).findings[0]
    assert finding.evidence["upgrades"] == ["1.33.10", "1.34.10", "1.36.0 (preview)"]
    assert finding.fill == {"target_version": "1.34.10", "upgrade_channel": "patch"}


def test_missing_row_is_shown_as_such():
    world = inventory(at("1.30.9"), offers(kubernetes_version("1.35")), unreadable=[Need.UPGRADE_PROFILES])
    finding = evaluate(kubernetes_minor_is_supported, world).findings[0]
    assert finding.evidence["values.version"] is None
    assert "values.isPreview" not in finding.evidence
    assert finding.evidence["upgrades"] == f"not read ({Need.UPGRADE_PROFILES})"
    assert finding.fill == {"target_version": "", "upgrade_channel": "patch"}


# --- UPG-002

NO_CHANNEL = {"auto_upgrade_profile": AutoUpgradeProfile(node_os_upgrade_channel=Token("NodeImage"))}
ALL_OFFERED = offers(*(kubernetes_version(minor, plans=BOTH) for minor in ("1.33", "1.34", "1.35", "1.36", "1.99")))


def channel(name):
    return {"auto_upgrade_profile": AutoUpgradeProfile(upgrade_channel=Token(name))}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "1.34, no plan, today 2026-11-22 (ends 2026-11-30)",
            [at("1.34.9", **NO_CHANNEL), ALL_OFFERED],
            Status.FAIL,
        ),
        case("1.35, today 2026-11-22", [at("1.35.6", **NO_CHANNEL), ALL_OFFERED], Status.PASS),
        case(
            "1.34 with AKSLongTermSupport, today 2026-11-22", [at("1.34.9", support_plan=LTS), ALL_OFFERED], Status.PASS
        ),
        case(
            "1.34 with upgradeChannel stable", [at("1.34.9", **channel("stable")), ALL_OFFERED], Status.NOT_APPLICABLE
        ),
        case("1.34 with upgradeChannel rapid", [at("1.34.9", **channel("Rapid")), ALL_OFFERED], Status.NOT_APPLICABLE),
        case("1.34 with upgradeChannel patch", [at("1.34.9", **channel("patch")), ALL_OFFERED], Status.FAIL),
        case("1.34, Fleet channel Stable", [at("1.34.9"), ALL_OFFERED, in_fleet("Stable")], Status.NOT_APPLICABLE),
        case("1.34, Fleet channel NodeImage", [at("1.34.9"), ALL_OFFERED, in_fleet("NodeImage")], Status.FAIL),
        case(
            "1.34, disabled Fleet profile", [at("1.34.9"), ALL_OFFERED, in_fleet("Stable", disabled=True)], Status.FAIL
        ),
        case("1.34, Fleet of another cluster", [at("1.34.9"), ALL_OFFERED, in_fleet("Stable", of="b")], Status.FAIL),
        case("1.34, fleets unreadable", [at("1.34.9"), ALL_OFFERED], Status.NOT_ASSESSED, unreadable=[Need.FLEETS]),
        case(
            "1.34, profiles of the fleet unreadable",
            [at("1.34.9"), ALL_OFFERED, in_fleet("Stable")],
            Status.NOT_ASSESSED,
            unreadable=[Need.FLEET_AUTO_UPGRADE_PROFILES],
        ),
        case(
            "sku.name Automatic",
            [replace(at("1.34.9"), sku=ManagedClusterSku(name=Token("Automatic"))), ALL_OFFERED],
            Status.NOT_APPLICABLE,
        ),
        case("1.32 without LTS (UPG-001 fails)", [at("1.32.9"), ALL_OFFERED], Status.NOT_APPLICABLE),
        case("minor missing from the calendar", [at("1.99.0"), ALL_OFFERED], Status.NOT_ASSESSED),
        pytest.param(
            World(inventory(at("1.34.9", **NO_CHANNEL), ALL_OFFERED, collected_at=datetime(2026, 11, 30, tzinfo=UTC))),
            Status.FAIL,
            id="end == today",
        ),
        case("one day less than wanted", [at("1.35.6"), ALL_OFFERED], Status.FAIL, parameters={"min_days": 130}),
        case("exactly as many days as wanted", [at("1.35.6"), ALL_OFFERED], Status.PASS, parameters={"min_days": 129}),
        case(
            "1.33, no plan, ended 2026-07-31, ARM still lists it (UPG-001 passes)",
            [at("1.33.9"), ALL_OFFERED],
            Status.FAIL,
        ),
        case("1.34, versions unreadable", [at("1.34.9")], Status.FAIL, unreadable=[Need.KUBERNETES_VERSIONS]),
        case("1.35, versions unreadable", [at("1.35.6")], Status.NOT_ASSESSED, unreadable=[Need.KUBERNETES_VERSIONS]),
        case("1.33, versions unreadable", [at("1.33.9")], Status.NOT_APPLICABLE, unreadable=[Need.KUBERNETES_VERSIONS]),
    ],
)
def test_support_outlasts_the_horizon(world, expected):
    assert evaluate(support_outlasts_the_horizon, world).status is expected


@pytest.mark.parametrize(
    ("version", "today", "when"),
    [
        ("1.34.9", NOW, "ends in 8 days"),
        ("1.34.9", datetime(2026, 11, 30, 23, 0, tzinfo=UTC), "ends in 0 days"),
        ("1.34.9", datetime(2026, 11, 29, 23, 0, tzinfo=UTC), "ends in 1 day"),
        ("1.34.9", datetime(2026, 12, 1, 23, 0, tzinfo=UTC), "ended 1 day ago"),
        ("1.33.9", NOW, "ended 114 days ago"),
    ],
)
def test_the_horizon_says_how_many_days_are_left(version, today, when):
    finding = evaluate(support_outlasts_the_horizon, inventory(at(version), ALL_OFFERED, collected_at=today)).findings[
        0
    ]
    minor = version.rpartition(".")[0]
    assert finding.message == f"KubernetesOfficial support of Kubernetes {minor} {when}, by the calendar of 2026-08-21"


# --- UPG-003


def patched(version, patches, **properties):
    minor = ".".join(version.split(".")[:2])
    plans = [properties.get("support_plan", "KubernetesOfficial")]
    return [at(version, **properties), offers(kubernetes_version(minor, plans=plans, patches=patches))]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "cur 1.35.6, patches [1.35.4,1.35.5,1.35.6]", patched("1.35.6", ["1.35.4", "1.35.5", "1.35.6"]), Status.PASS
        ),
        case(
            "cur 1.35.1 absent from [1.35.4,1.35.5,1.35.6]",
            patched("1.35.1", ["1.35.4", "1.35.5", "1.35.6"]),
            Status.FAIL,
        ),
        case("cur 1.35.5 withdrawn, one newer", patched("1.35.5", ["1.35.4", "1.35.6"]), Status.FAIL),
        case(
            "cur 1.35.4 with [1.35.4,1.35.5,1.35.6,1.35.7]",
            patched("1.35.4", ["1.35.4", "1.35.5", "1.35.6", "1.35.7"]),
            Status.FAIL,
        ),
        case(
            "the same, max_patches_behind 3",
            patched("1.35.4", ["1.35.4", "1.35.5", "1.35.6", "1.35.7"]),
            Status.PASS,
            parameters={"max_patches_behind": 3},
        ),
        case("cur 1.35.5 with newest 1.35.6", patched("1.35.5", ["1.35.5", "1.35.6"]), Status.PASS),
        case(
            "LTS cluster 1.33.11 with [1.33.11,1.33.12,1.33.13]",
            patched("1.33.11", ["1.33.11", "1.33.12", "1.33.13"], support_plan=LTS),
            Status.FAIL,
        ),
        case(
            "LTS cluster 1.33.12 with newest 1.33.13",
            patched("1.33.12", ["1.33.12", "1.33.13"], support_plan=LTS),
            Status.PASS,
        ),
        case("cur 1.35.9 above every offered patch", patched("1.35.9", ["1.35.6"]), Status.NOT_APPLICABLE),
        case("no row of the minor", [at("1.35.6"), offers(kubernetes_version("1.36"))], Status.NOT_APPLICABLE),
        case("patchVersions absent", patched("1.35.6", []), Status.NOT_ASSESSED),
        case("official cluster, patches for LTS only", patched("1.30.14", ["1.30.101-akslts"]), Status.NOT_ASSESSED),
        case("version without a patch", patched("1.35", ["1.35.6"]), Status.NOT_ASSESSED),
        case("1.35.10 sorts after 1.35.9", patched("1.35.10", ["1.35.9", "1.35.10"]), Status.PASS),
        case(
            "LTS cluster 1.30.101-akslts with [1.30.14, 1.30.100-akslts, 1.30.101-akslts]",
            patched("1.30.101-akslts", ["1.30.14", "1.30.100-akslts", "1.30.101-akslts"], support_plan=LTS),
            Status.PASS,
        ),
        case(
            "LTS cluster 1.30.14 with the same list",
            patched("1.30.14", ["1.30.14", "1.30.100-akslts", "1.30.101-akslts"], support_plan=LTS),
            Status.FAIL,
        ),
        case(
            "official cluster 1.30.14 with the same list",
            patched("1.30.14", ["1.30.14", "1.30.100-akslts", "1.30.101-akslts"]),
            Status.PASS,
        ),
        case("versions unreadable", [at("1.35.6")], Status.NOT_ASSESSED, unreadable=[Need.KUBERNETES_VERSIONS]),
    ],
)
def test_control_plane_runs_current_patch(world, expected):
    assert evaluate(control_plane_runs_current_patch, world).status is expected


def test_the_newest_patch_is_the_target_by_number():
    world = inventory(*patched("1.35.1", ["1.35.10", "1.35.9", "1.35.8"]))
    findings = evaluate(control_plane_runs_current_patch, world).findings
    assert findings[0].message == (
        "AKS has withdrawn 1.35.1, 1.35.10 is the newest; 3 newer patches are offered, 1.35.10 is the newest"
    )
    assert findings[0].fill["newest_patch"] == "1.35.10"


def test_an_upgrade_never_takes_the_spot_pools_along():
    for rule in (kubernetes_minor_is_supported, control_plane_runs_current_patch):
        whole = [line for line in rule.fix.cli.splitlines() if line.startswith("az aks upgrade ")]
        assert whole
        assert all(line.endswith("--control-plane-only") for line in whole)


@pytest.mark.parametrize(
    ("before", "of_minor", "of_patch"),
    [("stable", "stable", "stable"), ("none", "none", "patch"), ("node-image", "node-image", "patch")],
)
def test_the_channel_that_an_upgrade_needs_off_comes_back(before, of_minor, of_patch):
    world = inventory(at("1.30.9", **channel(before)), ALL_OFFERED)
    assert evaluate(kubernetes_minor_is_supported, world).findings[0].fill["upgrade_channel"] == of_minor
    world = inventory(*patched("1.35.1", ["1.35.6"], **channel(before)))
    assert evaluate(control_plane_runs_current_patch, world).findings[0].fill["upgrade_channel"] == of_patch
    for rule in (kubernetes_minor_is_supported, control_plane_runs_current_patch):
        off, on = rule.fix.cli.index("channel none"), rule.fix.cli.index("channel {upgrade_channel}")
        assert off < on


# --- UPG-004

PATCHES = kubernetes_version("1.35", patches=["1.35.2", "1.35.3", "1.35.4", "1.35.5", "1.35.6", "1.35.7"])
OFFICIAL = offers(kubernetes_version("1.34"), PATCHES, kubernetes_version("1.36"))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("cp 1.35.6, pool 1.35.6", [at("1.35.6"), OFFICIAL], Status.PASS),
        case("cp 1.35.6, pool 1.34.9", [at("1.35.6", pool="1.34.9"), OFFICIAL], Status.FAIL),
        case(
            "cp 1.35.6, pool 1.34.9, max_minor_behind 1, 1.34 supported",
            [at("1.35.6", pool="1.34.9"), OFFICIAL],
            Status.PASS,
            parameters={"max_minor_behind": 1},
        ),
        case(
            "cp 1.36.2, pool 1.33.1 with 1.33 LTS-only and plan official",
            [
                at("1.36.2", pool="1.33.1"),
                offers(kubernetes_version("1.33", plans=[LTS]), kubernetes_version("1.36")),
            ],
            Status.FAIL,
            parameters={"max_minor_behind": 3},
        ),
        case(
            "the same with plan LTS",
            [
                at("1.36.2", pool="1.33.1", support_plan=LTS),
                offers(kubernetes_version("1.33", plans=[LTS]), kubernetes_version("1.36", plans=[LTS])),
            ],
            Status.PASS,
            parameters={"max_minor_behind": 3},
        ),
        case("cp 1.35.6, pool 1.35.5", [at("1.35.6", pool="1.35.5"), OFFICIAL], Status.PASS),
        case("two offered patches behind", [at("1.35.6", pool="1.35.4"), OFFICIAL], Status.PASS),
        case("three offered patches behind", [at("1.35.6", pool="1.35.3"), OFFICIAL], Status.FAIL),
        case(
            "three numbers behind, of which two are offered",
            [
                at("1.35.6", pool="1.35.3"),
                offers(kubernetes_version("1.35", patches=["1.35.3", "1.35.5", "1.35.6", "1.35.7"])),
            ],
            Status.PASS,
        ),
        case(
            "1.35.10 comes after 1.35.9",
            [
                at("1.35.10", pool="1.35.8"),
                offers(kubernetes_version("1.35", patches=["1.35.8", "1.35.9", "1.35.10"])),
            ],
            Status.FAIL,
            parameters={"max_patches_behind": 1},
        ),
        case(
            "far behind, patches not listed",
            [at("1.35.6", pool="1.35.0"), offers(kubernetes_version("1.35"))],
            Status.NOT_ASSESSED,
        ),
        case("far behind, list empty", [at("1.35.6", pool="1.35.0"), offers()], Status.NOT_ASSESSED),
        case("pool without patch number", [at("1.35.6", pool="1.35"), OFFICIAL], Status.NOT_ASSESSED),
        case(
            "list refused, pool at the control plane's version",
            [at("1.35.6")],
            Status.NOT_ASSESSED,
            unreadable=[Need.KUBERNETES_VERSIONS],
        ),
        case(
            "list refused, pool a minor behind",
            [at("1.35.6", pool="1.34.9")],
            Status.FAIL,
            unreadable=[Need.KUBERNETES_VERSIONS],
        ),
        case(
            "list refused, far behind in patches, support of the minor over by the calendar",
            [at("1.33.9", pool="1.33.1")],
            Status.FAIL,
            unreadable=[Need.KUBERNETES_VERSIONS],
        ),
        case(
            "provisioningState Upgrading",
            [
                cluster(
                    pools=[node_pool(current_orchestrator_version="1.34.9", provisioning_state=Token("Upgrading"))]
                ),
                OFFICIAL,
            ],
            Status.NOT_APPLICABLE,
        ),
        case(
            "cluster Upgrading, pool Succeeded at 1.34.9, cp 1.35.6",
            [at("1.35.6", pool="1.34.9", provisioning_state=Token("Upgrading")), OFFICIAL],
            Status.NOT_APPLICABLE,
        ),
        case(
            "cluster Upgrading, pool at a minor without support",
            [at("1.35.6", pool="1.33.9", provisioning_state=Token("Upgrading")), OFFICIAL],
            Status.FAIL,
        ),
        case(
            "cluster Upgrading, list refused",
            [at("1.35.6", pool="1.34.9", provisioning_state=Token("Upgrading"))],
            Status.NOT_ASSESSED,
            unreadable=[Need.KUBERNETES_VERSIONS],
        ),
        case(
            "pool stopped at 1.34.9",
            [
                cluster(
                    pools=[
                        replace(
                            node_pool(current_orchestrator_version="1.34.9"),
                            power_state=replace(node_pool().power_state, code=Token("Stopped")),
                        )
                    ]
                ),
                OFFICIAL,
            ],
            Status.NOT_APPLICABLE,
        ),
        case(
            "pool without currentOrchestratorVersion and orchestratorVersion",
            [cluster(pools=[node_pool(orchestrator_version="", current_orchestrator_version="")]), OFFICIAL],
            Status.NOT_ASSESSED,
        ),
    ],
)
def test_pool_follows_control_plane(world, expected):
    assert evaluate(pool_follows_control_plane, world).status is expected


def test_pools_of_an_unreadable_cluster_are_not_assessed():
    world = inventory(cluster(), unreadable=[Need.AGENT_POOLS])
    assert evaluate(pool_follows_control_plane, world).status is Status.NOT_ASSESSED


def test_pool_finding_says_how_far_behind():
    finding = evaluate(pool_follows_control_plane, inventory(at("1.36.2", pool="1.34.9"), OFFICIAL)).findings[0]
    assert finding.message == "1.34.9 is 2 minor versions behind the control plane's 1.36.2"
    assert finding.fill == {"control_plane_version": "1.36.2"}
    assert {key: finding.evidence[key] for key in ("name", "mode", "minorsBehind", "maxMinorsBehind")} == {
        "name": "system",
        "mode": "System",
        "minorsBehind": 2,
        "maxMinorsBehind": 3,
    }
    assert finding.evidence["values.version"] == "1.34"


@pytest.mark.parametrize(
    ("version", "behind"), [("1.35.5", "1 offered patch behind"), ("1.35.4", "2 offered patches behind")]
)
def test_pool_finding_counts_patches(version, behind):
    world = World(inventory(at("1.35.6", pool=version), OFFICIAL), parameters={"max_patches_behind": 0})
    assert evaluate(pool_follows_control_plane, world).findings[0].message == (
        f"{version} is {behind} the control plane's 1.35.6"
    )
