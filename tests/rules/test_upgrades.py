"""Kubernetes versions, node images, maintenance, drains."""

from datetime import UTC, datetime

import pytest
from akscan.model.azure import Upgrade, UpgradeSettings
from akscan.model.gaps import Gap, Reason
from akscan.model.kubernetes import Condition, DaemonSet, Job, Listing, StatefulSet
from akscan.model.text import Token
from akscan.sdk import Inventory, Need, Status
from akscan.testing import (
    NOW,
    autoscaler,
    case,
    cluster,
    disruption_budget,
    evaluate,
    evaluate_all,
    inventory,
    kubernetes_version,
    kubernetes_versions,
    node,
    node_pool,
    pod,
    upgrade_profile,
    workload,
)
from akscan_rules.upgrades import (
    budget_lets_nodes_be_drained,
    kubernetes_minor_is_supported,
    pool_follows_control_plane,
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
    assert finding.fill == {"target_version": "1.34.10"}


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
    assert finding.fill == {"target_version": "1.34.9"}


def test_without_a_profile_the_list_of_the_region_tells_the_targets():
    row = kubernetes_version("1.33", plans=[LTS], patches={"1.33.9": ("1.33.10", "1.34.10", "1.36.0")})
    offered = offers(row, kubernetes_version("1.34", plans=BOTH), kubernetes_version("1.36", preview=True))
    world = inventory(at("1.33.9"), offered, unreadable=[Need.UPGRADE_PROFILES])
    finding = evaluate(kubernetes_minor_is_supported, world).findings[0]
    assert finding.evidence["upgrades"] == ["1.33.10", "1.34.10", "1.36.0 (preview)"]
    assert finding.fill == {"target_version": "1.34.10"}


def test_missing_row_is_shown_as_such():
    world = inventory(at("1.30.9"), offers(kubernetes_version("1.35")), unreadable=[Need.UPGRADE_PROFILES])
    finding = evaluate(kubernetes_minor_is_supported, world).findings[0]
    assert finding.evidence["values.version"] is None
    assert "values.isPreview" not in finding.evidence
    assert finding.evidence["upgrades"] == f"not read ({Need.UPGRADE_PROFILES})"
    assert finding.fill == {"target_version": ""}


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


# --- UPG-016

APP = workload(replicas=3)
CLOSED = {"max_unavailable": 0}
BROKEN = {"desired": 2, "healthy": 1}


def disallowed(moment):
    return Condition(type="DisruptionAllowed", status="False", last_transition_time=moment)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "minAvailable 1, expectedPods 3, desiredHealthy 1, currentHealthy 3",
            [APP, disruption_budget(min_available=1)],
            Status.PASS,
        ),
        case(
            "maxUnavailable 0, expectedPods 3, desiredHealthy 3",
            [APP, disruption_budget(desired=3, **CLOSED)],
            Status.FAIL,
        ),
        case(
            "minAvailable 50%, expectedPods 1, desiredHealthy 1",
            [workload(), disruption_budget(expected=1, min_available="50%")],
            Status.FAIL,
        ),
        case("minAvailable 100%", [APP, disruption_budget(desired=3, min_available="100%")], Status.FAIL),
        case(
            "minAvailable 2, HPA minReplicas 2, now 6 pods",
            [
                workload(replicas=6),
                autoscaler(min_replicas=2),
                disruption_budget(expected=6, desired=2, min_available=2),
            ],
            Status.FAIL,
        ),
        case(
            "minAvailable 2, HPA minReplicas 3",
            [
                workload(replicas=6),
                autoscaler(min_replicas=3),
                disruption_budget(expected=6, desired=2, min_available=2),
            ],
            Status.PASS,
        ),
        case(
            "minAvailable 51%, HPA minReplicas 2: rounded up, both must stay",
            [
                workload(replicas=6),
                autoscaler(min_replicas=2),
                disruption_budget(expected=6, desired=4, min_available="51%"),
            ],
            Status.FAIL,
        ),
        case(
            "minAvailable 50%, HPA minReplicas 2",
            [
                workload(replicas=6),
                autoscaler(min_replicas=2),
                disruption_budget(expected=6, desired=3, min_available="50%"),
            ],
            Status.PASS,
        ),
        case(
            "minAvailable 1, HPA without minReplicas",
            [workload(replicas=6), autoscaler(min_replicas=None), disruption_budget(expected=6, min_available=1)],
            Status.FAIL,
        ),
        case(
            "minAvailable 2, HPA minReplicas 2, and a second workload that keeps 2 more",
            [
                workload(replicas=4),
                autoscaler(min_replicas=2),
                workload(StatefulSet, "db", replicas=2, labels={"app": "app"}),
                disruption_budget(expected=6, desired=2, min_available=2),
            ],
            Status.PASS,
        ),
        case(
            "maxUnavailable 1, HPA minReplicas 1",
            [APP, autoscaler(min_replicas=1), disruption_budget(desired=2)],
            Status.PASS,
        ),
        case(
            "minAvailable 2 at 2 replicas of another workload's HPA",
            [APP, autoscaler("other", min_replicas=2), disruption_budget(desired=2, min_available=2)],
            Status.PASS,
        ),
        case(
            "minAvailable 2 without HPA, 2 replicas and one pod too many",
            [workload(replicas=2, pods=3), disruption_budget(desired=2, min_available=2)],
            Status.PASS,
        ),
        case("currentHealthy 1 < desiredHealthy 2, policy absent", [APP, disruption_budget(**BROKEN)], Status.FAIL),
        case(
            "same with AlwaysAllow",
            [APP, disruption_budget(max_unavailable=1, unhealthy_pod_eviction_policy="AlwaysAllow", **BROKEN)],
            Status.PASS,
        ),
        case(
            "same as (c), DisruptionAllowed False since 5 minutes",
            [APP, disruption_budget(conditions=[disallowed("2026-11-22T02:55:00Z")], **BROKEN)],
            Status.PASS,
        ),
        case(
            "DisruptionAllowed False for as long as the grace",
            [APP, disruption_budget(conditions=[disallowed("2026-11-22T02:45:00Z")], **BROKEN)],
            Status.FAIL,
        ),
        case(
            "DisruptionAllowed True since 5 minutes",
            [
                APP,
                disruption_budget(conditions=[replace(disallowed("2026-11-22T02:55:00Z"), status="True")], **BROKEN),
            ],
            Status.FAIL,
        ),
        case(
            "DisruptionAllowed False since 5 minutes, grace_minutes 5",
            [APP, disruption_budget(conditions=[disallowed("2026-11-22T02:55:00Z")], **BROKEN)],
            Status.FAIL,
            parameters={"grace_minutes": 5},
        ),
        case(
            "pod matched by two PDBs",
            [APP, disruption_budget(), disruption_budget("second")],
            Status.FAIL,
            subject="second",
        ),
        case(
            "another PDB of the namespace, other pods",
            [APP, disruption_budget(), disruption_budget("second", selector={"app": "web"})],
            Status.PASS,
            subject="app",
        ),
        case(
            "a PDB of the same pods' labels in another namespace",
            [APP, disruption_budget(), disruption_budget("second", "other")],
            Status.PASS,
            subject="app",
        ),
        case(
            "two PDBs over a pod that is not running",
            [pod(phase="Pending", labels={"app": "app"}), disruption_budget(), disruption_budget("second")],
            Status.PASS,
            subject="app",
        ),
        case(
            "coredns PDB in kube-system",
            [disruption_budget("coredns", "kube-system", desired=3, **CLOSED)],
            Status.NOT_APPLICABLE,
        ),
        case("expectedPods 0", [disruption_budget(expected=0, desired=0, **CLOSED)], Status.NOT_APPLICABLE),
        case(
            "minAvailable 3 over the pods of a DaemonSet on 3 nodes",
            [workload(DaemonSet, replicas=None, pods=3), disruption_budget(desired=3, min_available=3)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "minAvailable 3 over a DaemonSet and one more pod",
            [
                workload(DaemonSet, replicas=None, pods=2),
                pod(labels={"app": "app"}),
                disruption_budget(desired=3, min_available=3),
            ],
            Status.FAIL,
        ),
        case(
            "minAvailable 3 over a DaemonSet and a finished pod",
            [
                workload(DaemonSet, replicas=None, pods=2),
                pod(phase="Succeeded", labels={"app": "app"}),
                disruption_budget(desired=3, min_available=3),
            ],
            Status.NOT_APPLICABLE,
        ),
        case(
            "only pods of a DaemonSet have two budgets",
            [
                workload(DaemonSet, replicas=None, pods=2, labels={"app": "app", "part": "agent"}),
                pod(labels={"app": "app"}),
                disruption_budget(),
                disruption_budget("second", selector={"part": "agent"}),
            ],
            Status.PASS,
            subject="app",
        ),
        case("blocked although no pod is found", [disruption_budget(desired=3, **CLOSED)], Status.FAIL),
        case(
            "maxUnavailable 0, agent pools unreadable",
            [APP, disruption_budget(desired=3, **CLOSED)],
            Status.FAIL,
            unreadable=[Need.AGENT_POOLS],
        ),
        case(
            "maxUnavailable 0, autoscalers unreadable",
            [APP, disruption_budget(desired=3, **CLOSED)],
            Status.FAIL,
            unreadable=[Need.HORIZONTAL_POD_AUTOSCALERS, Need.NODES, Need.REPLICA_SETS],
        ),
        case(
            "maxUnavailable 0, pods unreadable: they may be a DaemonSet's",
            [APP, disruption_budget(desired=3, **CLOSED)],
            Status.NOT_ASSESSED,
            unreadable=[Need.PODS],
        ),
        case(
            "minAvailable 1, autoscalers unreadable",
            [APP, disruption_budget(min_available=1)],
            Status.NOT_ASSESSED,
            unreadable=[Need.HORIZONTAL_POD_AUTOSCALERS],
        ),
        case(
            "minAvailable 1, owners of the pods unreadable",
            [APP, disruption_budget(min_available=1)],
            Status.NOT_ASSESSED,
            unreadable=[Need.REPLICA_SETS],
        ),
        case(
            "minAvailable 1, lists unreadable that own none of the pods",
            [APP, workload(Job, "batch"), disruption_budget(min_available=1)],
            Status.PASS,
            unreadable=[Need.JOBS, Need.CRON_JOBS, Need.DAEMON_SETS],
        ),
        case(
            "maxUnavailable 1, autoscalers unreadable",
            [APP, disruption_budget()],
            Status.PASS,
            unreadable=[Need.HORIZONTAL_POD_AUTOSCALERS],
        ),
        case(
            "observedGeneration behind generation",
            [APP, disruption_budget(desired=3, observed_generation=0, **CLOSED)],
            Status.NOT_ASSESSED,
        ),
        case(
            "status never written",
            [APP, disruption_budget(expected=0, desired=0, observed_generation=None)],
            Status.NOT_ASSESSED,
        ),
    ],
)
def test_budget_lets_nodes_be_drained(world, expected):
    assert evaluate(budget_lets_nodes_be_drained, world).status is expected


@pytest.mark.parametrize(
    ("things", "message"),
    [
        ([APP, disruption_budget(desired=3, **CLOSED)], "3 of 3 pods must stay, so none may be evicted"),
        (
            [
                workload(replicas=6),
                autoscaler(min_replicas=2),
                disruption_budget(expected=6, desired=2, min_available=2),
            ],
            "once the autoscaler leaves 2 pods of Deployment app, 2 must stay, so none may be evicted",
        ),
        ([APP, disruption_budget(**BROKEN)], "1 of 2 pods that must stay are healthy; broken ones block"),
    ],
)
def test_budget_finding_names_the_branch(things, message):
    (finding,) = evaluate(budget_lets_nodes_be_drained, inventory(*things)).findings
    assert finding.message == message


def test_shared_pods_name_the_other_budget():
    world = inventory(APP, disruption_budget(), disruption_budget("second"))
    finding = evaluate_all(budget_lets_nodes_be_drained, world)["pod_disruption_budget/shop/app"].findings[0]
    assert finding.message == "second selects the same pods, and the eviction API refuses pods with two budgets"
    assert finding.evidence["sharedWith"] == ["second"]


def test_unreadable_budgets_are_not_assessed():
    world = inventory(APP, disruption_budget(), unreadable=[Need.POD_DISRUPTION_BUDGETS])
    assert evaluate(budget_lets_nodes_be_drained, world).status is Status.NOT_ASSESSED


@pytest.mark.parametrize("field", ["pod_disruption_budgets", "pods"])
def test_an_interrupted_list_may_hide_a_second_budget(field):
    whole = inventory(APP, disruption_budget())
    known = whole.clusters[0]
    gap = Gap(source="kubernetes", scope="aks", reason=Reason.INTERRUPTED)
    cut = replace(known.lists, **{field: Listing(items=getattr(known.lists, field).items, gap=gap)})
    verdicts = evaluate_all(budget_lets_nodes_be_drained, Inventory(whole.manifest, whole.azure, {known.id: cut}))
    assert verdicts["pod_disruption_budget/shop/app"].status is Status.NOT_ASSESSED


def test_budget_evidence_names_workloads_and_pools():
    pool = node_pool(upgrade_settings=UpgradeSettings(drain_timeout_in_minutes=20))
    world = inventory(
        cluster(pools=[pool, node_pool("other")]),
        APP,
        node(),
        autoscaler(min_replicas=2),
        disruption_budget(desired=3, **CLOSED),
    )
    finding = evaluate(budget_lets_nodes_be_drained, world).findings[0]
    assert finding.evidence["workloads"] == ["Deployment app: replicas 3, minReplicas 2, maxReplicas None"]
    assert finding.evidence["pools"] == ["system: undrainableNodeBehavior Schedule, drainTimeoutInMinutes 20"]
    assert finding.evidence["maxUnavailable"] == 0
    assert finding.fill == {"workload": "app", "node_pool": "system"}


def test_budget_evidence_says_what_was_not_read():
    world = inventory(APP, disruption_budget(desired=3, **CLOSED), unreadable=[Need.NODES, Need.REPLICA_SETS])
    finding = evaluate(budget_lets_nodes_be_drained, world).findings[0]
    assert finding.evidence["pools"] == f"not read ({Need.NODES})"
    assert finding.evidence["workloads"] == f"not read ({Need.REPLICA_SETS})"
    assert finding.fill == {"workload": "", "node_pool": ""}


def test_now_is_when_the_inventory_was_collected():
    later = NOW.replace(hour=4)
    world = inventory(
        APP, disruption_budget(conditions=[disallowed("2026-11-22T02:55:00Z")], **BROKEN), collected_at=later
    )
    assert evaluate(budget_lets_nodes_be_drained, world).status is Status.FAIL
