"""The way to the Kubernetes API server."""

import pytest
from akscan.model.azure import ApiServerAccessProfile
from akscan.model.text import ArmId
from akscan.sdk import Need, Status
from akscan.testing import case, cluster, evaluate, inventory
from akscan_rules.api_server import (
    api_server_is_closed_to_the_internet,
    api_server_is_private,
    private_cluster_has_no_public_name,
    run_command_is_off_behind_a_restriction,
)

PUBLIC = {"enable_private_cluster": False}


def open_to(*ranges, **api_server):
    """A public cluster with these authorized ranges."""
    return [cluster(api_server={**PUBLIC, "authorized_ip_ranges": ranges, **api_server}, fqdn="aks.example")]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "apiServerAccessProfile absent",
            [cluster(api_server_access_profile=ApiServerAccessProfile())],
            Status.FAIL,
        ),
        case("enablePrivateCluster true, no ranges", [cluster()], Status.NOT_APPLICABLE),
        case("authorizedIPRanges [203.0.113.0/24]", open_to("203.0.113.0/24"), Status.PASS),
        case("authorizedIPRanges [0.0.0.0/32]", open_to("0.0.0.0/32"), Status.PASS),
        case("authorizedIPRanges [0.0.0.0/0]", open_to("0.0.0.0/0"), Status.FAIL),
        case("authorizedIPRanges [52.0.0.0/8, 203.0.113.7]", open_to("52.0.0.0/8", "203.0.113.7"), Status.FAIL),
        case("authorizedIPRanges [10.0.0.0/8, 203.0.113.7]", open_to("10.0.0.0/8", "203.0.113.7"), Status.PASS),
        case("authorizedIPRanges [198.51.0.0/16]", open_to("198.51.0.0/16"), Status.PASS),
        case("authorizedIPRanges [AzureCloud.westeurope]", open_to("AzureCloud.westeurope"), Status.FAIL),
        case("authorizedIPRanges [2001:db8::/29]", open_to("2001:db8::/29"), Status.FAIL),
        case("one bit wider than the IPv4 limit", open_to("198.50.0.0/15"), Status.FAIL),
        case("equal to the IPv6 limit", open_to("2001:db8::/32"), Status.PASS),
        case("half of the private addresses is not private", open_to("10.0.0.0/7"), Status.FAIL),
        case("unique local addresses", open_to("fc00::/7"), Status.PASS),
        case("carrier-grade NAT", open_to("100.64.0.0/10"), Status.PASS),
        case("an address with host bits and a wide prefix", open_to("52.1.2.3/8"), Status.FAIL),
        case("an address with host bits and a narrow prefix", open_to("203.0.113.7/24"), Status.PASS),
        case("the whole tag, in another case", open_to("azurecloud"), Status.FAIL),
        case("tag Internet", open_to("Internet"), Status.FAIL),
        case("a tag of few addresses", open_to("AzureDevOps"), Status.PASS),
        case("a tag that only begins alike", open_to("AzureCloudX"), Status.PASS),
        case(
            "a tag that the user calls broad",
            open_to("AzureDevOps"),
            Status.FAIL,
            parameters={"broad_service_tags": ("azuredevops",)},
        ),
        case(
            "a wider limit",
            open_to("52.0.0.0/8", "2001:db8::/29"),
            Status.PASS,
            parameters={"widest_ipv4_prefix": 8, "widest_ipv6_prefix": 29},
        ),
        case("vnet_integrated and public", open_to(enable_vnet_integration=True), Status.FAIL),
        case("private, with ranges", open_to("0.0.0.0/0", enable_private_cluster=True), Status.NOT_APPLICABLE),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_api_server_is_closed_to_the_internet(world, expected):
    assert evaluate(api_server_is_closed_to_the_internet, world).status is expected


def test_only_what_is_too_wide_is_named():
    (finding,) = evaluate(
        api_server_is_closed_to_the_internet, inventory(open_to("52.0.0.0/8", "203.0.113.7", "AzureCloud"))
    ).findings
    assert finding.evidence["tooWide"] == (
        "52.0.0.0/8 (admits 16777216 addresses)",
        "AzureCloud (service tag of many customers)",
    )
    assert "203.0.113.7" not in finding.message
    assert finding.evidence["authorizedIPRanges"] == ("52.0.0.0/8", "203.0.113.7", "AzureCloud")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("enablePrivateCluster true", [cluster(api_server={"enable_private_cluster": True})], Status.PASS),
        case(
            "apiServerAccessProfile absent",
            [cluster(api_server_access_profile=ApiServerAccessProfile())],
            Status.FAIL,
        ),
        case("enablePrivateCluster false with authorized ranges", open_to("203.0.113.0/24"), Status.FAIL),
        case(
            "enablePrivateCluster null, enableVnetIntegration true",
            [cluster(api_server_access_profile=ApiServerAccessProfile(enable_vnet_integration=True))],
            Status.FAIL,
        ),
        case(
            "enablePrivateCluster true, enableVnetIntegration true",
            [cluster(api_server={"enable_private_cluster": True, "enable_vnet_integration": True})],
            Status.PASS,
        ),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_api_server_is_private(world, expected):
    assert evaluate(api_server_is_private, world).status is expected


def test_evidence_shows_what_restricts_access_today():
    (finding,) = evaluate(api_server_is_private, inventory(open_to("203.0.113.0/24", "198.51.100.7"))).findings
    assert finding.message == "the API server stands at aks.example"
    assert finding.evidence["authorizedIPRanges.length"] == 2
    assert finding.fill == {"apiserver_subnet_id": ""}


def test_the_delegated_subnet_fills_the_fix():
    subnet = ArmId("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/api")
    (finding,) = evaluate(
        api_server_is_private, inventory(open_to(enable_vnet_integration=True, subnet_id=subnet))
    ).findings
    assert finding.fill == {"apiserver_subnet_id": subnet}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "private, enablePrivateClusterPublicFQDN true",
            [cluster(api_server={"enable_private_cluster_public_fqdn": True}, fqdn="aks.example")],
            Status.FAIL,
        ),
        case(
            "private, enablePrivateClusterPublicFQDN false",
            [cluster(api_server={"enable_private_cluster_public_fqdn": False}, fqdn="aks.example")],
            Status.PASS,
        ),
        case(
            "private, field absent, fqdn set",
            [cluster(api_server={"enable_private_cluster_public_fqdn": None}, fqdn="aks.example")],
            Status.FAIL,
        ),
        case(
            "private, field absent, fqdn absent",
            [cluster(api_server={"enable_private_cluster_public_fqdn": None})],
            Status.PASS,
        ),
        case(
            "private, privateDNSZone none, public FQDN true",
            [cluster(api_server={"private_dns_zone": ArmId("None"), "enable_private_cluster_public_fqdn": True})],
            Status.NOT_APPLICABLE,
        ),
        case("public cluster", [cluster(api_server=PUBLIC)], Status.NOT_APPLICABLE),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_private_cluster_has_no_public_name(world, expected):
    assert evaluate(private_cluster_has_no_public_name, world).status is expected


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("private, disableRunCommand true", [cluster(api_server={"disable_run_command": True})], Status.PASS),
        case("private, disableRunCommand absent", [cluster()], Status.FAIL),
        case("public with ranges, disableRunCommand false", open_to("203.0.113.0/24"), Status.FAIL),
        case("public without ranges", open_to(), Status.NOT_APPLICABLE),
        case(
            "public with ranges, disableRunCommand true",
            open_to("203.0.113.0/24", disable_run_command=True),
            Status.PASS,
        ),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_run_command_is_off_behind_a_restriction(world, expected):
    assert evaluate(run_command_is_off_behind_a_restriction, world).status is expected
