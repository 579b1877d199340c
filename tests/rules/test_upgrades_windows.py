"""When and in which steps upgrades roll."""

import pytest
from akscan.model.azure import NodeProvisioningProfile, PowerState, UpgradeSettings
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import case, cluster, evaluate, inventory, node_pool
from akscan_rules.upgrades.windows import pool_rolls_in_reasonable_steps

PRODUCTION = {"environment": "prod"}
NAP = NodeProvisioningProfile(mode=Token("Auto"))


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
