"""Spot pools: taints, evictions, scale-out."""

import json

import pytest
from akscan.model.azure import AutoScalerProfile, NodeProvisioningProfile, PowerState
from akscan.model.gaps import Gap, Reason
from akscan.model.kubernetes import Listing, NodeSpec, Requirement, Taint
from akscan.model.text import Token
from akscan.sdk import Inventory, Need, Status
from akscan.testing import (
    case,
    cluster,
    evaluate,
    evaluate_all,
    inventory,
    karpenter_node_pool,
    node,
    node_pool,
    priority_expander,
    spot_node,
    workload,
)
from akscan_rules.spot.capacity import (
    scale_out_goes_by_priority,
    spot_capacity_is_tainted,
    spot_pool_comes_back,
    spot_pool_deletes_what_is_evicted,
)
from msgspec.structs import replace
from spot_worlds import SPOT_TAINT, TOLERANT, spot_cluster, spot_pool

# --- SPT-001


def capacity(operator, *values, key="karpenter.sh/capacity-type"):
    return Requirement(key=key, operator=operator, values=values or None)


def taint(effect):
    return Taint(key="team", value="batch", effect=effect)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "Spot pool with the AKS taint in nodeTaints and on its nodes",
            [spot_cluster(SPOT_TAINT), spot_node(), spot_node("spot-1")],
            Status.PASS,
            subject="spot",
        ),
        case("Spot pool with nodeTaints []", [spot_cluster()], Status.FAIL, subject="spot"),
        case(
            "Spot pool with the taint in nodeTaints but a node without it",
            [spot_cluster(SPOT_TAINT), spot_node(), spot_node("spot-1", tainted=False)],
            Status.FAIL,
            subject="spot",
        ),
        case(
            "a node of another pool without the taint",
            [spot_cluster(SPOT_TAINT), spot_node(), node(pool="system")],
            Status.PASS,
            subject="spot",
        ),
        case("Spot pool with another taint", [spot_cluster("team=batch:NoSchedule")], Status.FAIL, subject="spot"),
        case(
            "Spot pool whose taint only prefers",
            [spot_cluster(SPOT_TAINT.replace(":NoSchedule", ":PreferNoSchedule"))],
            Status.FAIL,
            subject="spot",
        ),
        case(
            "Spot pool whose taint evicts",
            [spot_cluster(SPOT_TAINT.replace(":NoSchedule", ":NoExecute"))],
            Status.PASS,
            subject="spot",
        ),
        case(
            "nodeTaints without it, nodes unreadable",
            [spot_cluster()],
            Status.FAIL,
            subject="spot",
            unreadable=[Need.NODES],
        ),
        case(
            "nodeTaints with it, nodes unreadable",
            [spot_cluster(SPOT_TAINT)],
            Status.NOT_ASSESSED,
            subject="spot",
            unreadable=[Need.NODES],
        ),
        case("regular pools only", [cluster()], Status.NOT_APPLICABLE),
        case("regular pool, nodes unreadable", [cluster()], Status.NOT_APPLICABLE, unreadable=[Need.NODES]),
        case(
            "Karpenter NodePool capacity-type [on-demand]",
            [karpenter_node_pool("nap", capacity("In", "on-demand"))],
            Status.NOT_APPLICABLE,
            subject="nap",
        ),
        case("Karpenter NodePool that says nothing", [karpenter_node_pool()], Status.NOT_ASSESSED, subject="nap"),
        case(
            "Karpenter NodePool that says nothing, with a NoSchedule taint",
            [karpenter_node_pool("nap", taints=[taint("NoSchedule")])],
            Status.PASS,
            subject="nap",
        ),
        case(
            "Karpenter NodePool that says nothing, but has made a Spot node",
            [
                karpenter_node_pool(),
                node(labels={"karpenter.sh/nodepool": "nap", "karpenter.sh/capacity-type": "spot"}),
            ],
            Status.FAIL,
            subject="nap",
        ),
        case(
            "Karpenter NodePool that says nothing, and has made a regular node",
            [
                karpenter_node_pool(),
                node(labels={"karpenter.sh/nodepool": "nap", "karpenter.sh/capacity-type": "on-demand"}),
            ],
            Status.NOT_ASSESSED,
            subject="nap",
        ),
        case(
            "Karpenter NodePool [spot, on-demand] without taints",
            [karpenter_node_pool("nap", capacity("In", "spot", "on-demand"))],
            Status.FAIL,
            subject="nap",
        ),
        case(
            "Karpenter NodePool capacity-type NotIn [on-demand] without taints",
            [karpenter_node_pool("nap", capacity("NotIn", "on-demand"))],
            Status.FAIL,
            subject="nap",
        ),
        case(
            "Karpenter NodePool capacity-type NotIn [spot]",
            [karpenter_node_pool("nap", capacity("NotIn", "spot"))],
            Status.NOT_APPLICABLE,
            subject="nap",
        ),
        case(
            "Karpenter NodePool kubernetes.azure.com/priority Exists",
            [karpenter_node_pool("nap", capacity("Exists", key="kubernetes.azure.com/priority"))],
            Status.FAIL,
            subject="nap",
        ),
        case(
            "Karpenter NodePool whose second requirement takes Spot away again",
            [karpenter_node_pool("nap", capacity("Exists"), capacity("In", "on-demand"))],
            Status.NOT_APPLICABLE,
            subject="nap",
        ),
        case(
            "Karpenter NodePool [spot] with a NoSchedule taint",
            [karpenter_node_pool("nap", capacity("In", "spot"), taints=[taint("NoSchedule")])],
            Status.PASS,
            subject="nap",
        ),
        case(
            "Karpenter NodePool [spot] with PreferNoSchedule only",
            [karpenter_node_pool("nap", capacity("In", "spot"), taints=[taint("PreferNoSchedule")])],
            Status.FAIL,
            subject="nap",
        ),
        case(
            "Karpenter NodePool [spot] without taints, nodes and pods unreadable",
            [karpenter_node_pool("nap", capacity("In", "spot"))],
            Status.FAIL,
            subject="nap",
            unreadable=[Need.NODES, Need.PODS],
        ),
        case(
            "Karpenter NodePools unreadable",
            [cluster()],
            Status.NOT_ASSESSED,
            subject="aks",
            unreadable=[Need.KARPENTER_NODE_POOLS],
        ),
        case("pools unreadable", [cluster()], Status.NOT_ASSESSED, subject="aks", unreadable=[Need.AGENT_POOLS]),
    ],
)
def test_spot_capacity_is_tainted(world, expected):
    assert evaluate(spot_capacity_is_tainted, world).status is expected


def test_a_bare_node_of_an_interrupted_list_is_proof():
    world = inventory(spot_cluster(SPOT_TAINT), spot_node(tainted=False))
    known = world.clusters[0]
    gap = Gap(source="kubernetes", scope="aks", reason=Reason.INTERRUPTED, permission=Need.NODES)
    lists = replace(known.lists, nodes=Listing(items=known.lists.nodes.items, gap=gap))
    cut = Inventory(world.manifest, world.azure, {known.id: lists})
    assert evaluate_all(spot_capacity_is_tainted, cut)["node_pool/spot"].status is Status.FAIL


def test_pool_evidence_names_what_strayed_there():
    world = inventory(
        spot_cluster("team=batch:NoSchedule"),
        spot_node(tainted=False),
        node(),
        workload(name="stray", on_node="spot-0"),
        workload(name="tolerant", spec=TOLERANT, on_node="spot-0"),
        workload(name="elsewhere"),
        workload(name="agent", namespace="kube-system", on_node="spot-0"),
    )
    finding = evaluate_all(spot_capacity_is_tainted, world)["node_pool/spot"].findings[0]
    assert finding.message == "nodeTaints lacks the Spot taint; nodes without the Spot taint: spot-0"
    assert finding.evidence == {
        "name": "spot",
        "taints": ["team=batch:NoSchedule"],
        "scaleSetPriority": "Spot",
        "workloads": ["shop/stray"],
    }


def test_karpenter_evidence_names_capacity_weight_and_what_strayed_there():
    made = replace(
        node("nap-0", pool=""), metadata=replace(node("nap-0").metadata, labels={"karpenter.sh/nodepool": "nap"})
    )
    world = inventory(
        karpenter_node_pool("nap", capacity("In", "spot", "on-demand"), capacity("Exists"), weight=10),
        made,
        node(),
        workload(name="stray", on_node="nap-0"),
        workload(name="elsewhere"),
    )
    finding = evaluate_all(spot_capacity_is_tainted, world)["karpenter_node_pool/nap"].findings[0]
    assert finding.evidence == {
        "name": "nap",
        "taints": [],
        "requirements": [
            "karpenter.sh/capacity-type In spot,on-demand",
            "karpenter.sh/capacity-type Exists",
        ],
        "weight": 10,
        "workloads": ["shop/stray"],
    }


def test_evidence_says_that_pods_were_not_read():
    world = inventory(spot_cluster(), spot_node(), unreadable=[Need.PODS])
    finding = evaluate_all(spot_capacity_is_tainted, world)["node_pool/spot"].findings[0]
    assert finding.evidence["workloads"] == f"not read ({Need.PODS})"


@pytest.mark.parametrize(
    ("taints", "filled"),
    [
        ((), SPOT_TAINT),
        (("team=batch:NoSchedule", "x:NoExecute"), f"team=batch:NoSchedule,x:NoExecute,{SPOT_TAINT}"),
        (("kubernetes.azure.com/scalesetpriority=yes:NoSchedule",), SPOT_TAINT),
    ],
)
def test_the_command_keeps_the_taints_of_others(taints, filled):
    finding = evaluate_all(spot_capacity_is_tainted, inventory(spot_cluster(*taints)))["node_pool/spot"].findings[0]
    assert finding.fill["node_taints"] == filled


def test_the_patch_of_a_karpenter_node_pool_keeps_the_taints_of_others():
    world = inventory(karpenter_node_pool("nap", capacity("In", "spot"), taints=[taint("PreferNoSchedule")]))
    finding = evaluate_all(spot_capacity_is_tainted, world)["karpenter_node_pool/nap"].findings[0]
    taints = json.loads(finding.fill["patch"])["spec"]["template"]["spec"]["taints"]
    assert [(t["key"], t["effect"]) for t in taints] == [
        ("team", "PreferNoSchedule"),
        ("kubernetes.azure.com/scalesetpriority", "NoSchedule"),
    ]


# --- SPT-002


def pool_of(**fields):
    return [cluster(pools=[node_pool(), spot_pool(SPOT_TAINT, **fields)])]


DEALLOCATES = {"scale_set_eviction_policy": Token("Deallocate")}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "Spot, Delete, -1",
            pool_of(scale_set_eviction_policy=Token("Delete"), spot_max_price=-1.0),
            Status.PASS,
            subject="spot",
        ),
        case("Spot, both absent", pool_of(), Status.PASS, subject="spot"),
        case("Spot, Deallocate", pool_of(**DEALLOCATES), Status.FAIL, subject="spot"),
        case("Spot, Delete, 0.05", pool_of(spot_max_price=0.05), Status.FAIL, subject="spot"),
        case(
            "Regular pool with scaleSetEvictionPolicy Deallocate",
            [cluster(pools=[node_pool(**DEALLOCATES)])],
            Status.NOT_APPLICABLE,
        ),
        case(
            "allowed",
            pool_of(**DEALLOCATES),
            Status.NOT_APPLICABLE,
            subject="spot",
            parameters={"allowed_pools": ("spot",)},
        ),
        case(
            "another is allowed",
            pool_of(**DEALLOCATES),
            Status.FAIL,
            subject="spot",
            parameters={"allowed_pools": ("other",)},
        ),
        case("pools unreadable", pool_of(), Status.NOT_ASSESSED, subject="aks", unreadable=[Need.AGENT_POOLS]),
    ],
)
def test_spot_pool_deletes_what_is_evicted(world, expected):
    assert evaluate(spot_pool_deletes_what_is_evicted, world).status is expected


# --- SPT-003

TWO = [cluster(pools=[node_pool(), spot_pool(name="spota"), spot_pool(name="spotb", enable_auto_scaling=False)])]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("Spot pool, enableAutoScaling true", pool_of(), Status.PASS, subject="spot"),
        case("Spot pool fixed at 3", pool_of(enable_auto_scaling=False, count=3), Status.FAIL, subject="spot"),
        case(
            "Spot pool, enableAutoScaling absent",
            [cluster(pools=[node_pool("spot", scale_set_priority=Token("Spot"))])],
            Status.FAIL,
            subject="spot",
        ),
        case("regular pool fixed at 3", [cluster(pools=[node_pool(count=3)])], Status.NOT_APPLICABLE),
        case(
            "Spot pool stopped",
            pool_of(enable_auto_scaling=False, power_state=PowerState(code=Token("Stopped"))),
            Status.NOT_APPLICABLE,
            subject="spot",
        ),
        case(
            "Spot pool that is being deleted",
            pool_of(enable_auto_scaling=False, provisioning_state=Token("Deleting")),
            Status.NOT_APPLICABLE,
            subject="spot",
        ),
        case("two Spot pools, one fixed", TWO, Status.FAIL, subject="spotb"),
        case("two Spot pools, the other", TWO, Status.PASS, subject="spota"),
        case("pools unreadable", pool_of(), Status.NOT_ASSESSED, subject="aks", unreadable=[Need.AGENT_POOLS]),
    ],
)
def test_spot_pool_comes_back(world, expected):
    assert evaluate(spot_pool_comes_back, world).status is expected


@pytest.mark.parametrize(("count", "text"), [(1, "its only node"), (3, "its 3 nodes"), (None, "its 0 nodes")])
def test_the_nodes_that_nothing_brings_back_are_counted(count, text):
    world = inventory(*pool_of(enable_auto_scaling=False, count=count))
    finding = evaluate_all(spot_pool_comes_back, world)["node_pool/spot"].findings[0]
    assert finding.message == f"nothing brings back what is evicted of {text}"


# --- SPT-012


def scaled(expander=None, *, regular=None, spot=None, **properties):
    """A Spot pool and a regular one, both autoscaled."""
    profile = {"auto_scaler_profile": AutoScalerProfile(expander=Token(expander))} if expander else {}
    user = {"mode": Token("User"), "enable_auto_scaling": True, "min_count": 1, "max_count": 5, **(regular or {})}
    pools = [node_pool(), node_pool("work", **user), spot_pool(SPOT_TAINT, **(spot or {}))]
    return cluster(pools=pools, **profile, **properties)


def instance(pool, scale_set):
    """A node of a scale set."""
    found = node(f"{scale_set}000000", pool=pool)
    provider = (
        f"azure:///subscriptions/s/resourceGroups/mc/providers/Microsoft.Compute/virtualMachineScaleSets/{scale_set}"
    )
    return replace(found, spec=NodeSpec(provider_id=f"{provider}/virtualMachines/0"))


INSTANCES = [instance("work", "aks-work-12345678-vmss"), instance("spot", "aks-spot-12345678-vmss")]
BY_PRIORITY = scaled("priority")
NO_SPOT = [cluster(pools=[node_pool(mode=Token("User"), enable_auto_scaling=True)])]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("Spot and regular autoscaled, expander absent (random)", [scaled()], Status.FAIL),
        case("expander least-waste", [scaled("least-waste")], Status.FAIL),
        case(
            "expander priority, ConfigMap matches all pools",
            [BY_PRIORITY, *INSTANCES, priority_expander("10: ['.*-spot-.*']\n5: ['.*-work-.*']")],
            Status.PASS,
        ),
        case("expander priority, ConfigMap missing", [BY_PRIORITY, *INSTANCES], Status.FAIL),
        case(
            "ConfigMap lists only the Spot pool",
            [BY_PRIORITY, *INSTANCES, priority_expander("10: ['.*-spot-.*']")],
            Status.FAIL,
        ),
        case(
            "pattern ^aks-spot-.*, pool spot scaled to 0",
            [BY_PRIORITY, INSTANCES[0], priority_expander("10: ['^aks-spot-.*']\n5: ['work']")],
            Status.PASS,
        ),
        case(
            "a pattern that holds the name of a pool scaled to 0",
            [BY_PRIORITY, INSTANCES[0], priority_expander("10: ['^aks-spot-8.*']\n5: ['work']")],
            Status.PASS,
        ),
        case(
            "a pattern for another scale set of the pool",
            [BY_PRIORITY, *INSTANCES, priority_expander("10: ['^aks-spot-8.*']\n5: ['work']")],
            Status.FAIL,
        ),
        case(
            "Windows pool scaled to 0",
            [
                scaled("priority", regular={"os_type": Token("Windows")}),
                INSTANCES[1],
                priority_expander("1: ['^akswork$', spot]"),
            ],
            Status.PASS,
        ),
        case(
            "no list of priorities",
            [BY_PRIORITY, *INSTANCES, priority_expander("- '.*'")],
            Status.FAIL,
        ),
        case("an empty list", [BY_PRIORITY, *INSTANCES, priority_expander("")], Status.FAIL),
        case(
            "a pattern that nobody should search for",
            [BY_PRIORITY, *INSTANCES, priority_expander("10: ['(a+)+$']\n5: [work]")],
            Status.NOT_ASSESSED,
        ),
        case(
            "Spot pool autoscaled, no autoscaled regular user pool",
            [scaled(regular={"enable_auto_scaling": False})],
            Status.NOT_APPLICABLE,
        ),
        case(
            "the autoscaled regular pool is stopped",
            [scaled(regular={"power_state": PowerState(code=Token("Stopped"))})],
            Status.NOT_APPLICABLE,
        ),
        case("no Spot pool", NO_SPOT, Status.NOT_APPLICABLE),
        case(
            "node auto-provisioning",
            [scaled(node_provisioning_profile=NodeProvisioningProfile(mode=Token("Auto")))],
            Status.NOT_APPLICABLE,
        ),
        case(
            "ConfigMap unreadable and expander priority",
            [BY_PRIORITY, *INSTANCES],
            Status.NOT_ASSESSED,
            unreadable=[Need.CONFIG_MAPS],
        ),
        case(
            "ConfigMap unreadable and expander random",
            [scaled("random"), *INSTANCES],
            Status.FAIL,
            unreadable=[Need.CONFIG_MAPS],
        ),
        case(
            "nodes unreadable",
            [BY_PRIORITY, *INSTANCES, priority_expander("1: ['.*']")],
            Status.NOT_ASSESSED,
            unreadable=[Need.NODES],
        ),
        case("cluster unreadable", [BY_PRIORITY], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_scale_out_goes_by_priority(world, expected):
    assert evaluate(scale_out_goes_by_priority, world).status is expected


def test_evidence_names_the_pools_that_no_pattern_chooses():
    world = inventory(BY_PRIORITY, *INSTANCES, priority_expander("5: ['-web-']\n10: ['-spot-']"))
    finding = evaluate_all(scale_out_goes_by_priority, world)["cluster/aks"].findings[0]
    assert finding.message == "no pattern of the priority expander chooses work"
    assert finding.evidence == {
        "expander": "priority",
        "pools": ["work: Regular, User, 1 to 5", "spot: Spot, User, None to None"],
        "priorities": ["10 -spot-", "5 -web-"],
        "leftOut": ["work"],
    }
