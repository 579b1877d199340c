"""APIs that the next minor version does not serve any more."""

import json

import pytest
from akscan.collect.metrics import requested_apis
from akscan.model.decode import Malformed, decode_answer
from akscan.model.kubernetes import (
    Deployment,
    Ingress,
    MarkedMeta,
    PodDisruptionBudget,
    RequestedApi,
)
from akscan.model.literals import AnnotationKeys, AppliedAs
from akscan.sdk import Need, Status
from akscan.testing import case, cluster, evaluate, inventory
from akscan_rules.upgrades.apis import no_client_uses_removed_apis

FLOWS = RequestedApi(
    group="flowcontrol.apiserver.k8s.io", version="v1beta3", resource="flowschemas", removed_release="1.32"
)
UNDATED = RequestedApi(version="v1", resource="endpoints")


def at(version):
    return cluster(current_kubernetes_version=version)


def applied(api_version, kind=PodDisruptionBudget, namespace="shop", name="app"):
    annotations = AnnotationKeys(f"\n{api_version} {kind.kind}")
    metadata = MarkedMeta(name=name, namespace=namespace, annotations=annotations)
    return kind(metadata=metadata)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("no series with a removed_release", [at("1.35.6")], Status.PASS),
        case("series flowcontrol v1beta3 removed_release 1.32, cluster 1.31", [at("1.31.9"), FLOWS], Status.FAIL),
        case("same series, cluster 1.28 (next 1.29)", [at("1.28.9"), FLOWS], Status.PASS),
        case(
            "same series, cluster 1.28, target_minor 1.32",
            [at("1.28.9"), FLOWS],
            Status.FAIL,
            parameters={"target_minor": "1.32"},
        ),
        case(
            "target_minor that is no version",
            [at("1.31.9"), FLOWS],
            Status.NOT_ASSESSED,
            parameters={"target_minor": "next"},
        ),
        case("series with empty removed_release", [at("1.35.6"), UNDATED], Status.PASS),
        case(
            "last-applied policy/v1beta1 PodDisruptionBudget, cluster 1.35",
            [at("1.35.6"), applied("policy/v1beta1")],
            Status.FAIL,
        ),
        case("last-applied policy/v1", [at("1.35.6"), applied("policy/v1")], Status.PASS),
        case(
            "an API of the kind that the version never had",
            [at("1.35.6"), applied("policy/v1beta1", Ingress)],
            Status.PASS,
        ),
        case(
            "last-applied extensions/v1beta1 Ingress",
            [at("1.35.6"), applied("extensions/v1beta1", Ingress)],
            Status.FAIL,
        ),
        case("last-applied policy/v1beta1, cluster 1.23", [at("1.23.9"), applied("policy/v1beta1")], Status.PASS),
        case("last-applied policy/v1beta1, cluster 1.24", [at("1.24.9"), applied("policy/v1beta1")], Status.FAIL),
        case("/metrics refused, nothing in (b)", [at("1.35.6")], Status.NOT_ASSESSED, unreadable=[Need.METRICS]),
        case(
            "/metrics refused, (b) finds one",
            [at("1.35.6"), applied("apps/v1beta2", Deployment)],
            Status.FAIL,
            unreadable=[Need.METRICS],
        ),
        case("ingresses refused", [at("1.35.6")], Status.NOT_ASSESSED, unreadable=[Need.INGRESSES]),
        case("object in kube-system", [at("1.35.6"), applied("policy/v1beta1", namespace="kube-system")], Status.PASS),
        case(
            "no version reported", [cluster(kubernetes_version="", current_kubernetes_version="")], Status.NOT_ASSESSED
        ),
    ],
)
def test_no_client_uses_removed_apis(world, expected):
    assert evaluate(no_client_uses_removed_apis, world).status is expected


def test_apis_and_manifests_are_named():
    world = inventory(at("1.31.9"), FLOWS, applied("policy/v1beta1"))
    (finding,) = evaluate(no_client_uses_removed_apis, world).findings
    assert finding.message == (
        "(a) somebody asked for flowcontrol.apiserver.k8s.io/v1beta3 flowschemas, removed in 1.32; "
        "(b) the next apply of 1 manifest is refused: "
        "PodDisruptionBudget shop/app as policy/v1beta1 (use policy/v1)"
    )
    assert finding.fill == {"group_version": "policy/v1"}


METRICS = b"""# HELP apiserver_requested_deprecated_apis [STABLE] Gauge of deprecated APIs that have been requested.
# TYPE apiserver_requested_deprecated_apis gauge
apiserver_requested_deprecated_apis{group="policy",removed_release="1.9",resource="pods",subresource="x",version="v1"} 1
apiserver_requested_deprecated_apis{group="policy",removed_release="1.25",resource="old",version="v1"} 0
apiserver_requested_deprecated_apis_of_others{group="x"} 1
"""


def test_metrics_are_read_series_by_series():
    told = RequestedApi(group="policy", version="v1", resource="pods", subresource="x", removed_release="1.9")
    assert requested_apis(METRICS) == (told,)


@pytest.mark.parametrize("text", [b"", b"null", b"<html>\n</html>\n", METRICS[:-1], METRICS[:150]])
def test_what_are_no_metrics_is_not_taken_for_none(text):
    with pytest.raises(Malformed):
        requested_apis(text)


def test_of_a_manifest_only_its_head_is_kept():
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"password": "canary"}}
    key = "kubectl.kubernetes.io/last-applied-configuration"
    text = json.dumps({"metadata": {"name": "app", "annotations": {key: json.dumps(manifest), "x": "canary"}}})
    found = decode_answer(text.encode(), Deployment)
    assert found.applied_as == "apps/v1 Deployment"
    assert "canary" not in repr(found)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"apiVersion": "hunter2 x", "kind": "y"}', '{"kind": 7}'])
def test_what_is_no_manifest_leaves_nothing(text):
    assert AppliedAs.of(text) == ""
