"""When and in which steps upgrades roll."""

from datetime import date

import pytest
from akscan.model.azure import (
    AutoUpgradeProfile,
    DailySchedule,
    DateSpan,
    MaintenanceWindow,
    MonthlySchedule,
    NodeProvisioningProfile,
    PowerState,
    Schedule,
    UpgradeSettings,
    WeeklySchedule,
)
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import case, cluster, evaluate, in_fleet, inventory, maintenance, node_pool
from akscan_rules.upgrades.windows import (
    automatic_upgrades_have_windows,
    pool_rolls_in_reasonable_steps,
    windows_suffice,
)

PRODUCTION = {"environment": "prod"}
NAP = NodeProvisioningProfile(mode=Token("Auto"))


STOPPED = PowerState(code=Token("Stopped"))
OF_CLUSTER, OF_NODE_OS = "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"
WEEKLY = Schedule(weekly=WeeklySchedule(interval_weeks=1))

# --- UPG-010


def upgraded(channel="none", os="None", *, tags=PRODUCTION, **fields):
    profile = AutoUpgradeProfile(upgrade_channel=Token(channel), node_os_upgrade_channel=Token(os))
    return cluster(auto_upgrade_profile=profile, tags=tags, **fields)


def window(name, schedule=WEEKLY, hours=4, **fields):
    return maintenance(name, MaintenanceWindow(schedule=schedule, duration_hours=hours, **fields))


BOTH = [window(OF_CLUSTER), window(OF_NODE_OS)]
DEFAULT = maintenance("default", None)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("patch + NodeImage with both schedules", [upgraded("patch", "NodeImage"), *BOTH], Status.PASS),
        case("patch + NodeImage with only `default`", [upgraded("patch", "NodeImage"), DEFAULT], Status.FAIL),
        case(
            "none + NodeImage with aksManagedNodeOSUpgradeSchedule",
            [upgraded("none", "NodeImage"), window(OF_NODE_OS)],
            Status.PASS,
        ),
        case("none + SecurityPatch without it", [upgraded("none", "SecurityPatch")], Status.FAIL),
        case(
            "node-image with the schedule of the node OS only",
            [upgraded("node-image"), window(OF_NODE_OS)],
            Status.FAIL,
        ),
        case("none + None", [upgraded()], Status.NOT_APPLICABLE),
        case("none + Unmanaged", [upgraded(os="Unmanaged")], Status.NOT_APPLICABLE),
        case("none + None, in a fleet", [upgraded(), in_fleet("Stable")], Status.FAIL),
        case(
            "none + None, in a fleet with a window", [upgraded(), in_fleet("Stable"), window(OF_CLUSTER)], Status.PASS
        ),
        case("none + None, fleets unreadable", [upgraded()], Status.NOT_ASSESSED, unreadable=[Need.FLEETS]),
        case(
            "configuration with only the old timeInWeek field",
            [upgraded("patch"), maintenance(OF_CLUSTER, None)],
            Status.FAIL,
        ),
        case(
            "maintenanceConfigurations unreadable",
            [upgraded("patch"), *BOTH],
            Status.NOT_ASSESSED,
            unreadable=[Need.MAINTENANCE_CONFIGURATIONS],
        ),
        case("non-production", [upgraded("patch", tags={"env": "dev"})], Status.NOT_APPLICABLE),
        case(
            "non-production, but not to be ignored",
            [upgraded("patch", tags={"env": "dev"})],
            Status.FAIL,
            parameters={"ignore_non_production": False},
        ),
    ],
)
def test_automatic_upgrades_have_windows(world, expected):
    assert evaluate(automatic_upgrades_have_windows, world).status is expected


def test_the_missing_windows_are_named():
    finding = evaluate(automatic_upgrades_have_windows, inventory(upgraded("patch", "NodeImage"), DEFAULT)).findings[0]
    assert finding.message == f"no window for {OF_CLUSTER} and {OF_NODE_OS}"


# --- UPG-011


def node_os(schedule=WEEKLY, *, pools=None, hours=4, nap=None, **fields):
    more = {"node_provisioning_profile": nap} if nap else {}
    return [upgraded(os="NodeImage", pools=pools, **more), window(OF_NODE_OS, schedule, hours, **fields)]


def monthly(months, kind="absolute_monthly"):
    schedule = Schedule(**{kind: MonthlySchedule(interval_months=months)})
    return [upgraded("patch"), window(OF_CLUSTER, schedule)]


def weekly(weeks):
    return Schedule(weekly=WeeklySchedule(interval_weeks=weeks))


def pool(count=3, surge="", soak=None, **fields):
    settings = UpgradeSettings(max_surge=surge, node_soak_duration_in_minutes=soak)
    return node_pool(fields.pop("name", "system"), count=count, upgrade_settings=settings, **fields)


FREEZE = DateSpan(start=date(2026, 11, 15), end=date(2027, 1, 10))
PAST = DateSpan(start=date(2026, 8, 1), end=date(2026, 10, 30))
SHORT = DateSpan(start=date(2026, 11, 15), end=date(2026, 12, 30))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("node OS weekly interval 1, 4 h, 3 nodes surge 1", node_os(pools=[pool(3, "1")]), Status.PASS),
        case("node OS weekly interval 4", node_os(weekly(4)), Status.FAIL),
        case("node OS weekly interval 2", node_os(weekly(2)), Status.PASS),
        case("cluster absoluteMonthly intervalMonths 3", monthly(3), Status.FAIL),
        case("cluster relativeMonthly intervalMonths 1", monthly(1, "relative_monthly"), Status.PASS),
        case("startDate in 60 days", node_os(start_date=date(2027, 1, 21)), Status.FAIL),
        case("startDate long ago", node_os(start_date=date(2026, 1, 21)), Status.PASS),
        case(
            "freeze from 2026-11-15 to 2027-01-10, today 2026-11-22", node_os(not_allowed_dates=(FREEZE,)), Status.FAIL
        ),
        case("a freeze that is over", node_os(not_allowed_dates=(PAST,)), Status.PASS),
        case("a freeze of 45 days", node_os(not_allowed_dates=(SHORT,)), Status.PASS),
        case("40 nodes, surge 1, 4 h window", node_os(pools=[pool(40, "1")]), Status.FAIL),
        case("24 nodes, surge 1, 4 h window", node_os(pools=[pool(24, "1")]), Status.PASS),
        case("40 nodes, surge 33% (14)", node_os(pools=[pool(40, "33%")]), Status.PASS),
        case("3 nodes that soak for two hours", node_os(pools=[pool(3, "1", soak=120)]), Status.FAIL),
        case("two pools one after the other", node_os(pools=[pool(20, "1"), pool(20, "1", name="b")]), Status.FAIL),
        case("40 Spot nodes", node_os(pools=[pool(40, "1", scale_set_priority=Token("Spot"))]), Status.PASS),
        case("40 nodes of a stopped pool", node_os(pools=[pool(40, "1", power_state=STOPPED)]), Status.PASS),
        case("40 nodes, node auto-provisioning", node_os(pools=[pool(40, "1")], nap=NAP), Status.PASS),
        case("daily intervalDays 1", node_os(Schedule(daily=DailySchedule(interval_days=1))), Status.PASS),
        case("a schedule of an unknown kind", node_os(Schedule()), Status.NOT_ASSESSED),
        case("a schedule of an unknown kind, too short a window", node_os(Schedule(), hours=0), Status.FAIL),
        case("no window", [upgraded("patch")], Status.NOT_APPLICABLE),
        case("nothing is upgraded automatically", [upgraded()], Status.NOT_APPLICABLE),
        case(
            "maintenanceConfigurations unreadable",
            node_os(),
            Status.NOT_ASSESSED,
            unreadable=[Need.MAINTENANCE_CONFIGURATIONS],
        ),
    ],
)
def test_windows_suffice(world, expected):
    assert evaluate(windows_suffice, world).status is expected


def test_all_that_is_wrong_with_a_window_is_said():
    world = inventory(*node_os(weekly(4), pools=[pool(40, "1"), pool(2, "1", name="b")], not_allowed_dates=(FREEZE,)))
    finding = evaluate(windows_suffice, world).findings[0]
    assert finding.message.split("; ") == [
        f"{OF_NODE_OS}: 28 days pass between windows",
        f"{OF_NODE_OS}: a freeze from 2026-11-15 to 2027-01-10 lasts 56 days",
        f"{OF_NODE_OS}: the pools take about 420 minutes, the window lasts 4 hours",
    ]
    assert finding.evidence["estimatedMinutes"] == ["system: 400", "b: 20"]
    assert finding.fill == {"node_pool": "system", "configuration": OF_NODE_OS}


def test_the_command_changes_the_window_that_falls_short():
    world = inventory(upgraded("patch", "NodeImage"), window(OF_CLUSTER, weekly(8)), window(OF_NODE_OS))
    finding = evaluate(windows_suffice, world).findings[0]
    assert finding.fill["configuration"] == OF_CLUSTER


# --- UPG-013


def rolling(nodes, surge="", away="", *, tags=PRODUCTION, nap=None, **fields):
    settings = UpgradeSettings(max_surge=surge, max_unavailable=away)
    properties = {"node_provisioning_profile": nap} if nap else {}
    return [cluster(pools=[node_pool(count=nodes, upgrade_settings=settings, **fields)], tags=tags, **properties)]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("3 nodes, upgradeSettings absent", rolling(3), Status.PASS),
        case("30 nodes, maxSurge 1", rolling(30, "1"), Status.FAIL),
        case("30 nodes, maxSurge 33%", rolling(30, "33%"), Status.PASS),
        case("30 nodes, maxSurge 10%", rolling(30, "10%"), Status.PASS),
        case("12 nodes, maxSurge 1", rolling(12, "1"), Status.PASS),
        case("13 nodes, maxSurge 1", rolling(13, "1"), Status.FAIL),
        case("13 nodes, maxSurge 1, max_steps 13", rolling(13, "1"), Status.PASS, parameters={"max_steps": 13}),
        case("6 nodes, maxSurge 100%, production", rolling(6, "100%"), Status.FAIL),
        case("6 nodes, maxSurge 50%, production", rolling(6, "50%"), Status.PASS),
        case("2 nodes, maxSurge 100%, production", rolling(2, "100%"), Status.PASS),
        case("6 nodes, maxSurge 100%, non-production", rolling(6, "100%", tags={"env": "dev"}), Status.PASS),
        case("2 nodes, maxSurge 0, maxUnavailable 1", rolling(2, "0", "1"), Status.FAIL),
        case("9 nodes, maxSurge 0, maxUnavailable 3", rolling(9, "0", "3"), Status.PASS),
        case("9 nodes, maxSurge 0, maxUnavailable 4", rolling(9, "0", "4"), Status.FAIL),
        case("10 nodes, maxSurge 0, maxUnavailable 30%", rolling(10, "0", "30%"), Status.PASS),
        case("9 nodes, maxSurge 3, maxUnavailable 4", rolling(9, "3", "4"), Status.PASS),
        case("Spot pool", rolling(30, "1", scale_set_priority=Token("Spot")), Status.NOT_APPLICABLE),
        case("pool stopped", rolling(30, "1", power_state=PowerState(code=Token("Stopped"))), Status.NOT_APPLICABLE),
        case("pool without nodes", rolling(0), Status.NOT_APPLICABLE),
        case("mode Gateway", rolling(30, "1", mode=Token("Gateway")), Status.NOT_APPLICABLE),
        case(
            "node auto-provisioning, pool without a fixed size",
            rolling(30, "1", nap=NAP, enable_auto_scaling=True),
            Status.NOT_APPLICABLE,
        ),
        case("node auto-provisioning, pool of a fixed size", rolling(30, "1", nap=NAP), Status.FAIL),
        case("cluster unreadable", rolling(3), Status.NOT_ASSESSED, unreadable=[Need.AGENT_POOLS]),
        case(
            "6 nodes, maxSurge 100%, tags of the resource group unreadable",
            rolling(6, "100%", tags=None),
            Status.NOT_ASSESSED,
            unreadable=[Need.RESOURCE_GROUPS],
        ),
        case("3 nodes, the same", rolling(3, tags=None), Status.PASS, unreadable=[Need.RESOURCE_GROUPS]),
    ],
)
def test_pool_rolls_in_reasonable_steps(world, expected):
    assert evaluate(pool_rolls_in_reasonable_steps, world).status is expected


def test_all_that_is_wrong_with_a_roll_is_said():
    finding = evaluate(pool_rolls_in_reasonable_steps, inventory(*rolling(60, "0", "1"))).findings[0]
    assert finding.message == "60 nodes take 60 steps"
    finding = evaluate(pool_rolls_in_reasonable_steps, inventory(*rolling(2, "0", "1"))).findings[0]
    assert finding.message == "without surge nodes 1 of 2 are left while it is upgraded"
    assert finding.evidence["remainingNodes"] == 1
