"""What reports tell of a cluster before its findings."""

import io
import re

import msgspec
import pytest
from akscan.engine import Evaluation
from akscan.model.azure import Reference
from akscan.report_file import decode_report, encode_report
from akscan.results import HopFacts, NetworkFacts, Report, SubnetFacts
from akscan.sdk import ClusterFacts, Need, Token
from akscan.testing import (
    cluster,
    firewall,
    hosted_system,
    hub,
    inventory,
    nat_gateway,
    node_pool,
    peering,
    route_table,
    subnet,
    virtual_network,
)
from akscan_reports.html import write

FIREWALL = HopFacts(name="fw", kind="Azure Firewall", address="10.1.0.4", network="hub")
HUB = NetworkFacts(name="hub", prefixes=("10.1.0.0/24",), peering="Connected")


def report(*things, unreadable=()) -> Report:
    world = inventory(*things, unreadable=unreadable)
    return Evaluation([], world).finish(world.manifest)


def facts(*things, unreadable=()) -> ClusterFacts:
    return report(*things, unreadable=unreadable).clusters[0]


def spoke(*things):
    """The test cluster behind the firewall of a hub."""
    return (*things, virtual_network(peerings=[peering()]), route_table(), firewall(), hub())


def picture(found: Report) -> str:
    out = io.BytesIO()
    write(found, out)
    drawn = re.search('<svg class="network-picture".*?</svg>', out.getvalue().decode(), re.DOTALL)
    return drawn[0] if drawn else ""


def test_a_spoke_leaves_through_the_firewall_of_its_hub():
    found = facts(*spoke(cluster()))
    assert found.networks == (NetworkFacts(name="vnet"), HUB)
    assert found.hops == (FIREWALL,)
    held = ("nodes of system", "private endpoint of the API server")
    assert found.subnets == (SubnetFacts(name="nodes", network="vnet", prefixes=("10.0.0.0/24",), holds=held),)
    assert found.network_gap == ""


def test_pods_and_the_api_server_have_subnets_of_their_own():
    network = virtual_network(subnet(), subnet("pods", "10.0.4.0/22"), subnet("api", "10.0.8.0/28"))
    there = network.properties.subnets
    found = facts(
        cluster(
            pools=[node_pool(pod_subnet_id=there[1].id), node_pool("user", pod_subnet_id=there[1].id)],
            api_server={"enable_vnet_integration": True, "subnet_id": there[2].id},
        ),
        network,
        route_table(),
    )
    assert {one.name: one.holds for one in found.subnets} == {
        "nodes": ("nodes of system", "nodes of user"),
        "pods": ("pods of system", "pods of user"),
        "api": ("API server",),
    }


def test_the_subnets_of_a_hosted_system_are_named():
    network = virtual_network(subnet(), subnet("system", "10.0.1.0/26"))
    public = {"enable_private_cluster": False}
    found = facts(cluster(pools=[], api_server=public, hosted_system_profile=hosted_system()), network, route_table())
    assert {one.name: one.holds for one in found.subnets} == {
        "nodes": ("nodes beside the pools",),
        "system": ("nodes beside the pools",),
    }


def test_what_was_not_read_is_not_made_up():
    found = facts(*spoke(cluster()), unreadable=(Need.VIRTUAL_NETWORKS,))
    assert (found.networks, found.hops) == ((), ())
    assert [one.prefixes for one in found.subnets] == [()]
    assert "Microsoft.Network/virtualNetworks/read is missing" in found.network_gap


def test_an_appliance_that_is_no_known_firewall_keeps_its_address():
    found = facts(cluster(), virtual_network(), route_table())
    assert found.hops == (HopFacts(name="", kind="appliance", address="10.1.0.4"),)


@pytest.mark.parametrize(
    ("outbound", "gateways", "hop"),
    [
        ("userAssignedNATGateway", ["ng"], HopFacts(name="ng", kind="NAT gateway")),
        ("loadBalancer", [], HopFacts(name="", kind="load balancer")),
        ("none", [], None),
    ],
)
def test_ways_out_that_need_no_route(outbound, gateways, hop):
    made = [nat_gateway(name) for name in gateways]
    behind = Reference(id=made[0].id) if made else Reference()
    network = virtual_network(subnet(routed=False, nat_gateway=behind))
    found = facts(cluster(network={"outbound_type": Token(outbound)}), network, *made)
    assert found.hops == ((hop,) if hop else ())


def test_identities_are_told_by_their_part():
    found = facts(*spoke(cluster()))
    assert [(one.part, one.kind, one.name) for one in found.identities] == [
        ("control plane", "user-assigned", "id-aks-control-plane"),
        ("kubelet", "user-assigned", "id-aks-kubelet"),
    ]


def test_facts_survive_the_report_file_and_older_files_lack_them():
    found = report(*spoke(cluster()))
    assert decode_report(encode_report(found)) == found
    older = msgspec.json.decode(encode_report(found))
    for name in ("networks", "subnets", "hops", "networkGap", "identities"):
        del older["clusters"][0][name]
    read = decode_report(msgspec.json.encode(older)).clusters[0]
    assert (read.networks, read.identities, read.name) == ((), (), "aks")


def test_picture_shows_the_way_out_and_no_internet_where_none_leads():
    drawn = picture(report(*spoke(cluster())))
    for text in ("vnet", "10.0.0.0/24", "nodes of system (3 nodes)", "private endpoint of the API server", "fw"):
        assert f">{text}</text>" in drawn
    assert ">Azure Firewall 10.1.0.4</text>" in drawn
    assert ">Internet</text>" in drawn
    closed = picture(report(cluster(network={"outbound_type": "none"}), virtual_network(subnet(routed=False))))
    assert ">No way out</text>" in closed
    assert ">Internet</text>" not in closed


def test_picture_shows_a_public_api_server():
    assert ">has a public address</text>" not in picture(report(*spoke(cluster())))
    public = cluster(api_server={"enable_private_cluster": False})
    assert ">has a public address</text>" in picture(report(*spoke(public)))


def test_nothing_is_drawn_of_a_cluster_that_azure_does_not_tell_of():
    assert picture(report(cluster(), unreadable=(Need.MANAGED_CLUSTERS,))) == ""


def test_hostile_names_stay_text_and_inside_their_box():
    hostile = "<script>alert(1)</script>\u202e" * 9
    network = msgspec.structs.replace(virtual_network(peerings=[peering()]), name=hostile)
    drawn = picture(report(cluster(), network, route_table(), firewall(), hub()))
    assert "<script" not in drawn
    assert "\u202e" not in drawn
    assert "&lt;script&gt;alert(1)" in drawn
    assert max(len(text) for text in re.findall(">([^<]*)</text>", drawn)) < 80
