"""The way to the Kubernetes API server."""

import pytest
from akscan.model.text import ArmId
from akscan.sdk import Status
from akscan.testing import case, cluster, evaluate
from akscan_rules.api_server import private_cluster_has_no_public_name

PUBLIC = {"enable_private_cluster": False}


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
    ],
)
def test_private_cluster_has_no_public_name(world, expected):
    assert evaluate(private_cluster_has_no_public_name, world).status is expected
