"""Addresses and plugins: the network that a cluster stands in."""

from datetime import UTC, datetime

import msgspec
import pytest
from akscan.model.azure import ManualScale, NodeProvisioningProfile, Reference, ScaleProfile, UpgradeSettings
from akscan.model.azure import VirtualMachinesProfile as VmProfile
from akscan.model.kubernetes import ServiceAnnotations
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    NETWORK,
    ROUTE_TABLE,
    SUBSCRIPTION,
    case,
    cluster,
    evaluate,
    evaluate_all,
    hosted_system,
    inventory,
    node_class,
    node_pool,
    on,
    route_table,
    service,
    subnet,
    system_assigned,
    virtual_network,
)
from akscan_rules.network import cluster_does_not_use_kubenet, subnet_holds_the_cluster_at_its_largest

KUBENET = {"network_plugin": Token("kubenet"), "network_plugin_mode": Token()}
CNI = {"network_plugin": Token("azure"), "network_plugin_mode": Token()}
OWN_CNI = {"network_plugin": Token("none"), "network_plugin_mode": Token()}
FUTURE = {"network_plugin": Token("new"), "network_plugin_mode": Token()}
PODS = ArmId(f"{NETWORK}/subnets/pods")
#: A cluster whose API server takes no address of the node subnet.
PUBLIC = {"enable_private_cluster": False}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("networkPlugin azure", [cluster()], Status.PASS),
        case("networkPlugin kubenet", [cluster(network=KUBENET)], Status.FAIL),
        case(
            "networkPlugin Kubenet (other case)",
            [cluster(network={**KUBENET, "network_plugin": Token("Kubenet")})],
            Status.FAIL,
        ),
        case("networkPlugin none", [cluster(network=OWN_CNI)], Status.PASS),
        case("networkPlugin absent", [cluster(network={"network_plugin": Token()})], Status.NOT_ASSESSED),
        case(
            "two kubenet clusters on one subnet",
            [cluster("a", network=KUBENET), cluster("b", network=KUBENET)],
            Status.FAIL,
            subject="b",
        ),
        case("the subnets are evidence only", [cluster(network=KUBENET)], Status.FAIL, unreadable=[Need.SUBNETS]),
        case("networkPlugin azure, subnets unreadable", [cluster()], Status.PASS, unreadable=[Need.SUBNETS]),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_cluster_does_not_use_kubenet(world, expected):
    assert evaluate(cluster_does_not_use_kubenet, world).status is expected


def test_clusters_that_share_a_subnet_name_each_other():
    first, second = cluster("a", network=KUBENET), cluster("b", network=KUBENET)
    verdicts = evaluate_all(cluster_does_not_use_kubenet, inventory(first, second))
    for name, other in (("cluster/a", second), ("cluster/b", first)):
        (finding,) = verdicts[name].findings
        assert finding.evidence["clustersInSameSubnet"] == (other.id,)
        assert finding.evidence["clustersBehindSameRouteTable"] == (other.id,)
        assert finding.evidence["routeTables"] == (ROUTE_TABLE,)


def test_clusters_that_share_a_route_table_only():
    elsewhere = node_pool(vnet_subnet_id=ArmId(f"{NETWORK}/subnets/other"))
    clusters = [cluster("a", network=KUBENET, identity=system_assigned()), cluster("b", pools=[elsewhere])]
    world = inventory(clusters, virtual_network(subnet(), subnet("other", "10.0.1.0/24")), route_table())
    (finding,) = evaluate_all(cluster_does_not_use_kubenet, world)["cluster/a"].findings
    assert finding.evidence["clustersInSameSubnet"] == ()
    assert finding.evidence["clustersBehindSameRouteTable"] == (clusters[1].id,)
    assert finding.evidence["identity.type"] == "SystemAssigned"


def test_unreadable_networks_stand_in_the_evidence():
    (finding,) = evaluate(
        cluster_does_not_use_kubenet, inventory(cluster(network=KUBENET), unreadable=[Need.VIRTUAL_NETWORKS])
    ).findings
    assert finding.evidence["routeTables"] == f"not read ({Need.VIRTUAL_NETWORKS})"
    assert finding.evidence["clustersBehindSameRouteTable"] == f"not read ({Need.VIRTUAL_NETWORKS})"
    assert finding.evidence["clustersInSameSubnet"] == ()


@pytest.mark.parametrize(
    ("day", "days", "message"),
    [
        (datetime(2028, 3, 30, 12, tzinfo=UTC), 1, "support ends in 1 day ("),
        (datetime(2028, 3, 29, 12, tzinfo=UTC), 2, "support ends in 2 days ("),
        (datetime(2028, 3, 31, 12, tzinfo=UTC), 0, "support has ended"),
        (datetime(2028, 4, 10, 12, tzinfo=UTC), -10, "support has ended"),
    ],
)
def test_days_are_counted_from_the_reading(day, days, message):
    world = inventory(cluster(network=KUBENET), collected_at=day)
    (finding,) = evaluate(cluster_does_not_use_kubenet, world).findings
    assert finding.evidence["daysUntilSupportEnds"] == days
    assert message in finding.message


# --- NET-002


def surge(text="1", unavailable=""):
    return {"upgrade_settings": UpgradeSettings(max_surge=text, max_unavailable=unavailable)}


def network_of(*prefixes, holders=()):
    """The test network with a node subnet that these IP configurations stand in."""
    return virtual_network(
        subnet("nodes", *prefixes, ip_configurations=tuple(Reference(id=ArmId(holder)) for holder in holders))
    )


def filled(plugin, *prefixes, holders=(), name="aks", **pool):
    """A public cluster of one pool in the node subnet."""
    pool = node_pool(**{**surge(), **pool})
    return [
        cluster(name, network=plugin, api_server=PUBLIC, pools=[pool]),
        network_of(*(prefixes or ("10.0.0.0/24",)), holders=holders),
    ]


def pods_in(prefix, **pool):
    """A public cluster whose pods take addresses of a pod subnet, in a node subnet with room."""
    pool = node_pool(**{**surge(), "pod_subnet_id": PODS, **pool})
    return [
        cluster(network=CNI, api_server=PUBLIC, pools=[pool]),
        virtual_network(subnet("nodes", "10.0.0.0/20"), subnet("pods", prefix)),
    ]


def in_group(cluster_name, provider, resource_group=None, subscription=SUBSCRIPTION):
    """The id of an IP configuration in a node resource group."""
    group = resource_group or f"mc_RG-TEST_{cluster_name}_westeurope"
    return f"{subscription}/resourceGroups/{group}/providers/{provider}/ipConfigurations/ip"


SCALE_SET = "Microsoft.Compute/virtualMachineScaleSets/aks-system-vmss/virtualMachines/0/networkInterfaces/nic"
FRONTEND = "Microsoft.Network/loadBalancers/kubernetes-internal"
API_SERVER = "Microsoft.Network/networkInterfaces/kube-apiserver.nic.1234"
INTERNAL = ServiceAnnotations(internal="true")
STATIC = {"pod_ip_allocation_mode": Token("StaticBlock")}
TEN = {"count": 10}
NAP = {"node_provisioning_profile": NodeProvisioningProfile(mode=Token("Auto"))}


def internal_service(*addresses, name="app", subnet_name=""):
    annotations = msgspec.structs.replace(INTERNAL, internal_subnet=subnet_name)
    return service(name, type="LoadBalancer", annotations=annotations, addresses=addresses)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("/24, node_subnet, maxPods 30, count 7, maxSurge 1", filled(CNI, max_pods=30, count=7), Status.PASS),
        case("/24, node_subnet, maxPods 30, count 8, maxSurge 1", filled(CNI, max_pods=30, count=8), Status.FAIL),
        case(
            "/24, node_subnet, count 3, enableAutoScaling, maxCount 20, maxSurge absent",
            filled(CNI, enable_auto_scaling=True, max_count=20, upgrade_settings=UpgradeSettings()),
            Status.FAIL,
        ),
        case(
            "/24, overlay, maxCount 200, maxSurge 33%",
            filled({}, enable_auto_scaling=True, max_count=200, **surge("33%")),
            Status.FAIL,
        ),
        case(
            "/24, overlay, maxCount 200, maxSurge 10%",
            filled({}, enable_auto_scaling=True, max_count=200, **surge("10%")),
            Status.PASS,
        ),
        case(
            "/27, kubenet, maxCount 24, maxSurge 1",
            filled(KUBENET, "10.0.0.0/27", enable_auto_scaling=True, max_count=24),
            Status.PASS,
        ),
        case(
            "pod subnet /22, pod_dynamic, 10 nodes + 1, maxPods 110, parameter 50",
            pods_in("10.0.16.0/22", max_pods=110, **TEN),
            Status.PASS,
            subject="pods",
        ),
        case(
            "the same with parameter 110",
            pods_in("10.0.16.0/22", max_pods=110, **TEN),
            Status.FAIL,
            subject="pods",
            parameters={"dynamic_pods_per_node": 110},
        ),
        case(
            "pod subnet /24, pod_static, maxPods 31, 6 nodes + 1",
            pods_in("10.0.16.0/24", max_pods=31, count=6, **STATIC),
            Status.PASS,
            subject="pods",
        ),
        case(
            "pod subnet /24, pod_static, maxPods 32, 5 nodes + 1",
            pods_in("10.0.16.0/24", max_pods=32, count=5, **STATIC),
            Status.FAIL,
            subject="pods",
        ),
        case(
            "Spot pool maxCount 10",
            filled(
                {},
                "10.0.0.0/28",
                enable_auto_scaling=True,
                max_count=10,
                scale_set_priority=Token("Spot"),
                **surge("100%"),
            ),
            Status.PASS,
        ),
        case(
            "two clusters share one subnet, each fits alone, together not",
            [
                cluster("a", network=CNI, api_server=PUBLIC, pools=[node_pool(count=4, max_pods=30, **surge())]),
                cluster("b", network=CNI, api_server=PUBLIC, pools=[node_pool(count=3, max_pods=30, **surge())]),
                network_of("10.0.0.0/24"),
            ],
            Status.FAIL,
        ),
        case("maxSurge 0 with maxUnavailable 1", filled({}, "10.0.0.0/28", count=11, **surge("0", "1")), Status.PASS),
        case("two prefixes /26 and /26", filled({}, "10.0.0.0/26", "10.0.0.64/26", count=117), Status.PASS),
        case("AKS-managed network", [cluster(pools=[node_pool(vnet_subnet_id=ArmId())])], Status.NOT_APPLICABLE),
        case("NAP, nap_max_nodes null", [cluster(**NAP)], Status.NOT_ASSESSED),
        # boundaries
        case(
            "two prefixes /26 and /26, one node more", filled({}, "10.0.0.0/26", "10.0.0.64/26", count=118), Status.FAIL
        ),
        case(
            "one of the two clusters alone",
            [
                cluster("a", network=CNI, api_server=PUBLIC, pools=[node_pool(count=4, max_pods=30, **surge())]),
                network_of("10.0.0.0/24"),
            ],
            Status.PASS,
        ),
        case("node_subnet, maxPods absent counts as 30", filled(CNI, count=8), Status.FAIL),
        case(
            "hosted system, nodes that no pool lists",
            [cluster(pools=[], hosted_system_profile=hosted_system("nodes", "nodes")), virtual_network()],
            Status.NOT_ASSESSED,
        ),
        case(
            "NAP, nodes of a node class in a subnet of their own",
            [
                cluster(node_provisioning_profile=NodeProvisioningProfile(mode=Token("Auto"))),
                virtual_network(subnet(), subnet("beside", "10.0.1.0/24")),
                node_class("beside", f"{NETWORK}/subnets/beside"),
            ],
            Status.NOT_ASSESSED,
            subject="beside",
            parameters={"nap_max_nodes": 3},
        ),
        case("own CNI: only nodes take addresses", filled(OWN_CNI, "10.0.0.0/28", count=10), Status.PASS),
        case("own CNI, one node more", filled(OWN_CNI, "10.0.0.0/28", count=11), Status.FAIL),
        case(
            "pod_dynamic takes one address per node of the node subnet",
            pods_in("10.0.16.0/24", max_pods=110, count=15),
            Status.PASS,
            subject="nodes",
        ),
        case(
            "pod_dynamic, few pods: one batch for each node",
            pods_in("10.0.16.0/26", max_pods=8, count=2),
            Status.PASS,
            subject="pods",
        ),
        case(
            "pod_dynamic, a ninth pod: two batches for each node",
            pods_in("10.0.16.0/26", max_pods=9, count=2),
            Status.FAIL,
            subject="pods",
        ),
        case(
            "pod_static, one block more than there is",
            pods_in("10.0.16.0/26", max_pods=15, count=3, **STATIC),
            Status.FAIL,
            subject="pods",
        ),
        case(
            "pod_static, three blocks",
            pods_in("10.0.16.0/26", max_pods=15, count=2, **STATIC),
            Status.PASS,
            subject="pods",
        ),
        case(
            "pod_static, whole blocks only: 59 addresses are 48",
            [*pods_in("10.0.16.0/26", max_pods=15, count=2, **STATIC), internal_service("10.0.16.9")],
            Status.FAIL,
            subject="pods",
        ),
        case(
            "pool of type VirtualMachines",
            filled(
                {},
                "10.0.0.0/28",
                type=Token("VirtualMachines"),
                count=None,
                virtual_machines_profile=VmProfile(scale=ScaleProfile(manual=(ManualScale(count=11),))),
            ),
            Status.FAIL,
        ),
        case(
            "addressPrefix instead of addressPrefixes",
            [
                cluster(api_server=PUBLIC, pools=[node_pool(count=11, **surge())]),
                virtual_network(subnet("nodes", address_prefixes=(), address_prefix="10.0.0.0/28")),
            ],
            Status.FAIL,
        ),
        case("IPv6 prefixes hold no IPv4 address", filled({}, "10.0.0.0/28", "fd00::/64", count=11), Status.FAIL),
        # what else takes addresses
        case(
            "private endpoint of the API server",
            [cluster(pools=[node_pool(count=10, **surge())]), network_of("10.0.0.0/28")],
            Status.FAIL,
        ),
        case(
            "API Server VNet Integration has a subnet of its own",
            [
                cluster(api_server={"enable_vnet_integration": True}, pools=[node_pool(count=10, **surge())]),
                network_of("10.0.0.0/28"),
            ],
            Status.PASS,
        ),
        case(
            "the private endpoint stands with the first pool",
            [
                cluster(
                    pools=[
                        node_pool(vnet_subnet_id=ArmId(f"{NETWORK}/subnets/first")),
                        node_pool("second", count=10, **surge()),
                    ]
                ),
                virtual_network(subnet("first", "10.0.1.0/24"), subnet("nodes", "10.0.0.0/28")),
            ],
            Status.PASS,
            subject="nodes",
        ),
        case(
            "the private endpoint's interface is not counted twice",
            [
                cluster(pools=[node_pool(count=9, **surge())]),
                network_of("10.0.0.0/28", holders=[in_group("aks", API_SERVER)]),
            ],
            Status.PASS,
        ),
        case(
            "internal load balancer", [*filled({}, "10.0.0.0/28", count=10), internal_service("10.0.0.9")], Status.FAIL
        ),
        case(
            "two Services with one address",
            [*filled({}, "10.0.0.0/28", count=9), internal_service("10.0.0.9"), internal_service("10.0.0.9", name="b")],
            Status.PASS,
        ),
        case(
            "internal load balancer in another subnet",
            [*filled({}, "10.0.0.0/28", count=10), internal_service("10.0.1.9", subnet_name="other")],
            Status.PASS,
        ),
        case(
            "internal load balancer of a cluster whose nodes stand beside",
            [
                cluster(api_server=PUBLIC, pools=[node_pool(count=10, **surge())]),
                cluster("b", pools=[node_pool(vnet_subnet_id=ArmId(f"{NETWORK}/subnets/beside"))]),
                virtual_network(subnet("nodes", "10.0.0.0/28"), subnet("beside", "10.0.1.0/24")),
                on("b", internal_service("10.0.0.9", subnet_name="nodes")),
            ],
            Status.FAIL,
            subject="nodes",
        ),
        case(
            "a wish that is no address", [*filled({}, "10.0.0.0/28", count=10), internal_service("soon")], Status.PASS
        ),
        case(
            "public load balancer",
            [*filled({}, "10.0.0.0/28", count=10), service(type="LoadBalancer", addresses=["10.0.0.9"])],
            Status.PASS,
        ),
        case(
            "Services unreadable, ARM lists the nodes and no frontend",
            filled({}, "10.0.0.0/28", count=10, holders=[in_group("aks", SCALE_SET)]),
            Status.PASS,
            unreadable=[Need.SERVICES],
        ),
        case(
            "Services unreadable, ARM lists nothing of the cluster",
            filled({}, "10.0.0.0/28", count=10),
            Status.NOT_ASSESSED,
            unreadable=[Need.SERVICES],
        ),
        case(
            "Services unreadable, full anyway",
            filled({}, "10.0.0.0/28", count=11),
            Status.FAIL,
            unreadable=[Need.SERVICES],
        ),
        case(
            "a scale set in a group of the same name elsewhere",
            filled({}, "10.0.0.0/28", count=10, holders=[in_group("aks", SCALE_SET, subscription=f"{SUBSCRIPTION}2")]),
            Status.FAIL,
        ),
        case(
            "a scale set of a cluster whose pools stand beside",
            [
                cluster(api_server=PUBLIC, pools=[node_pool(count=10, **surge())]),
                cluster("b", pools=[node_pool(vnet_subnet_id=ArmId(f"{NETWORK}/subnets/beside"))]),
                virtual_network(
                    subnet("nodes", "10.0.0.0/28", ip_configurations=(Reference(id=ArmId(in_group("b", SCALE_SET))),)),
                    subnet("beside", "10.0.1.0/24"),
                ),
            ],
            Status.FAIL,
            subject="nodes",
        ),
        case(
            "Services unreadable, a frontend here",
            filled({}, "10.0.0.0/28", count=10, holders=[in_group("aks", FRONTEND)]),
            Status.FAIL,
            unreadable=[Need.SERVICES],
        ),
        case(
            "a frontend is not counted beside its Service",
            [*filled({}, "10.0.0.0/28", count=9, holders=[in_group("aks", FRONTEND)]), internal_service("10.0.0.9")],
            Status.PASS,
        ),
        case(
            "scale sets of the cluster are its nodes",
            filled({}, "10.0.0.0/28", count=10, holders=[in_group("aks", SCALE_SET)]),
            Status.PASS,
        ),
        case(
            "virtual machines of the cluster are its nodes",
            filled(
                {}, "10.0.0.0/28", count=10, holders=[in_group("aks", "Microsoft.Network/networkInterfaces/aks-np-1")]
            ),
            Status.PASS,
        ),
        case(
            "a foreign virtual machine",
            filled(
                {}, "10.0.0.0/28", count=10, holders=[in_group("aks", "Microsoft.Network/networkInterfaces/vm", "rg-x")]
            ),
            Status.FAIL,
        ),
        case(
            "an interface called aks- elsewhere",
            filled(
                {},
                "10.0.0.0/28",
                count=10,
                holders=[in_group("aks", "Microsoft.Network/networkInterfaces/aks-1", "rg-x")],
            ),
            Status.FAIL,
        ),
        # who else may be here
        case(
            "scale set of a read subscription that is no cluster's",
            filled({}, count=3, holders=[in_group("aks", SCALE_SET, "rg-vmss")]),
            Status.PASS,
        ),
        case(
            "scale set of a subscription that was not read",
            filled({}, count=3, holders=[in_group("aks", SCALE_SET, "MC_x", "/subscriptions/2")]),
            Status.NOT_ASSESSED,
        ),
        case(
            "scale set of a subscription that was not read, full anyway",
            filled({}, "10.0.0.0/28", count=11, holders=[in_group("aks", SCALE_SET, "MC_x", "/subscriptions/2")]),
            Status.FAIL,
        ),
        # node auto-provisioning
        case(
            "NAP, nap_max_nodes null, full without it",
            [cluster(api_server=PUBLIC, pools=[node_pool(count=11, **surge())], **NAP), network_of("10.0.0.0/28")],
            Status.FAIL,
        ),
        case(
            "NAP, nap_max_nodes fits",
            [cluster(api_server=PUBLIC, pools=[node_pool(count=5, **surge())], **NAP), network_of("10.0.0.0/28")],
            Status.PASS,
            parameters={"nap_max_nodes": 5},
        ),
        case(
            "NAP, nap_max_nodes does not fit",
            [cluster(api_server=PUBLIC, pools=[node_pool(count=5, **surge())], **NAP), network_of("10.0.0.0/28")],
            Status.FAIL,
            parameters={"nap_max_nodes": 6},
        ),
        case(
            "NAP, node_subnet: 250 pods on a node",
            [
                cluster(api_server=PUBLIC, network=CNI, pools=[node_pool(count=1, **surge())], **NAP),
                network_of("10.0.0.0/24"),
            ],
            Status.FAIL,
            parameters={"nap_max_nodes": 1},
        ),
        case(
            "NAP, the nodes of two pools are added once",
            [
                cluster(
                    api_server=PUBLIC, pools=[node_pool(count=1, **surge()), node_pool("b", count=1, **surge())], **NAP
                ),
                network_of("10.0.0.0/28"),
            ],
            Status.PASS,
            parameters={"nap_max_nodes": 7},
        ),
        # gaps
        case("a network plugin that is not known", filled(FUTURE), Status.NOT_ASSESSED),
        case(
            "a network plugin that is not known beside a pool that fills the subnet",
            [
                cluster("a", network=FUTURE),
                cluster("b", api_server=PUBLIC, pools=[node_pool(count=11, **surge())]),
                network_of("10.0.0.0/28"),
            ],
            Status.FAIL,
        ),
        case(
            "a subnet that its network does not have",
            [cluster(), virtual_network(subnet("other"))],
            Status.NOT_ASSESSED,
        ),
        case("networks unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.VIRTUAL_NETWORKS]),
        case("subnets unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.SUBNETS]),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_subnet_holds_the_cluster_at_its_largest(world, expected):
    assert evaluate(subnet_holds_the_cluster_at_its_largest, world).status is expected


def test_the_sum_stands_in_the_evidence():
    things = [
        cluster("a", network=CNI, pools=[node_pool(enable_auto_scaling=True, min_count=2, max_count=8, **surge())]),
        cluster("b", network=CNI, api_server=PUBLIC, pools=[node_pool("user", count=1, **surge())]),
        network_of("10.0.0.0/24", holders=[in_group("a", "Microsoft.Network/networkInterfaces/vm", "rg-x")]),
        internal_service("10.0.0.9"),
    ]
    (finding,) = evaluate(subnet_holds_the_cluster_at_its_largest, inventory(things)).findings
    assert finding.message == "344 addresses wanted, 251 there"
    assert [str(line) for line in finding.evidence["agentPoolProfiles"]] == [
        "a/system: node_subnet, 8 nodes + 1 surge, maxPods 30, 31 addresses per node, 279",
        "b/user: node_subnet, 1 nodes + 1 surge, maxPods 30, 31 addresses per node, 62",
    ]
    assert {key: value for key, value in finding.evidence.items() if key != "agentPoolProfiles"} == {
        "addressPrefixes": ("10.0.0.0/24",),
        "usableAddresses": 251,
        "apiServerPrivateEndpoints": 1,
        "internalLoadBalancerAddresses": 1,
        "otherIpConfigurations": 1,
        "neededAddresses": 344,
        "neededAddressesAtFullMaxPods": 344,
        # (251 - 62 - 3) / 31 = 6 nodes, one of them surge
        "largestNodeCountThatFits": "system: 5",
    }
    filled_in = {key: finding.fill[key] for key in ("cluster", "node_pool", "min", "max_that_fits")}
    assert filled_in == {"cluster": "a", "node_pool": "system", "min": "2", "max_that_fits": "5"}


def test_the_need_at_full_max_pods_is_shown_too():
    things = pods_in("10.0.16.0/24", max_pods=110, count=10)
    found = evaluate_all(subnet_holds_the_cluster_at_its_largest, inventory(things))
    (finding,) = found["subnet/pods"].findings
    assert finding.evidence["neededAddresses"] == 11 * 64
    assert finding.evidence["neededAddressesAtFullMaxPods"] == 11 * 128
    assert "max_that_fits" not in finding.fill


def test_a_gap_of_nap_names_the_parameter():
    verdict = evaluate(subnet_holds_the_cluster_at_its_largest, inventory(cluster(**NAP)))
    assert "nap_max_nodes" in verdict.reason
