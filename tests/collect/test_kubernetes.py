"""Reading Kubernetes: ways in, paging, Secrets, and every way to be refused."""

import json
import os

import pytest
import yaml
from akscan.inventory_file import InventoryFile
from akscan.model.gaps import Reason
from akscan_fixtures.faults import Fault, FaultKind
from support import akscan, azure_options


def lists_of(simulator, tmp_path, name, *options):
    """The Kubernetes lists of one cluster, read through ARM."""
    target = tmp_path / "x.akscan"
    outcome = akscan("collect", "-o", str(target), *azure_options(simulator), "-n", name, *options)
    assert outcome.code == 0, outcome.err
    with InventoryFile(target) as file:
        (only,) = file.members
        return file.cluster(only)


def gaps_of(lists):
    listings = {name: getattr(lists, name) for name in lists.__struct_fields__}
    return {name: listing.gap for name, listing in listings.items() if listing.gap is not None}


def test_a_reachable_cluster_is_read_whole(serve, contoso, tmp_path):
    lists = lists_of(serve(contoso), tmp_path, "aks-payments-prod")
    assert gaps_of(lists) == {}
    assert lists.pods.items
    assert lists.secrets.items
    assert all(secret.type for secret in lists.secrets.items)


def test_of_the_annotations_of_secrets_only_the_account_of_a_token_is_read(serve, contoso, tmp_path):
    secrets = {item.name: item for item in lists_of(serve(contoso), tmp_path, "aks-legacy-shop").secrets.items}
    token = secrets["jenkins-token"]
    assert token.is_service_account_token
    assert token.service_account == "jenkins"
    assert token.annotation_keys == ("kubernetes.io/service-account.name", "kubernetes.io/service-account.uid")
    assert secrets["db-credentials"].annotation_keys
    assert {item.service_account for name, item in secrets.items() if name != "jenkins-token"} == {""}


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        ("aks-dev-sandbox", Reason.STOPPED, "stopped"),
        ("aks-ledger-prod", Reason.UNREACHABLE, "run akscan where its name resolves"),
    ],
)
def test_a_cluster_that_nobody_answers_for_says_why(name, reason, hint, serve, contoso, tmp_path):
    gaps = gaps_of(lists_of(serve(contoso), tmp_path, name))
    assert {gap.reason for gap in gaps.values()} == {reason}
    assert all(hint in str(gap) for gap in gaps.values())


def test_forbidden_lists_name_their_permission(serve, contoso, tmp_path):
    gaps = gaps_of(lists_of(serve(contoso), tmp_path, "aks-partner"))
    assert {gap.reason for gap in gaps.values()} == {Reason.FORBIDDEN}
    assert gaps["secrets"].permission == "list secrets"
    assert set(gaps) == {"secrets", "pod_disruption_budgets", "cluster_role_bindings"}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(match="/version", status=401, times=None), Reason.UNAUTHORIZED),
        (Fault(match="/version", kind=FaultKind.HTML, status=503, times=None), Reason.SERVER_ERROR),
        (Fault(match="/version", status=500, times=None), Reason.SERVER_ERROR),
        (Fault(match="listClusterUserCredential", status=403, times=None), Reason.FORBIDDEN),
        (
            Fault(match="listClusterUserCredential", status=200, body=b'{"kubeconfigs": []}', times=None),
            Reason.MALFORMED,
        ),
    ],
)
def test_no_way_in_is_a_gap_of_every_list(fault, reason, serve, contoso, tmp_path):
    simulator = serve(contoso)
    simulator.inject(fault)
    gaps = gaps_of(lists_of(simulator, tmp_path, "aks-payments-prod"))
    assert {gap.reason for gap in gaps.values()} == {reason}
    assert "pods" in gaps


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(match="/services", status=403, times=None), Reason.FORBIDDEN),
        (Fault(match="/services", status=500, times=None), Reason.SERVER_ERROR),
        (Fault(match="/services", status=404, times=None), Reason.NOT_FOUND),
        (Fault(match="/services", kind=FaultKind.TRUNCATE, times=None), Reason.MALFORMED),
        (Fault(match="/services", kind=FaultKind.RESET, times=None), Reason.UNREACHABLE),
        (Fault(match="/services", kind=FaultKind.HTML, status=200, times=None), Reason.MALFORMED),
        (Fault(match="/services", status=200, body=b'{"items": 7}', times=None), Reason.MALFORMED),
        (
            Fault(match="/secrets", status=200, body=b'{"kind": "SecretList", "items": []}', times=None),
            Reason.MALFORMED,
        ),
    ],
)
def test_one_failing_list_is_one_gap(fault, reason, serve, contoso, tmp_path):
    simulator = serve(contoso)
    simulator.inject(fault)
    gaps = gaps_of(lists_of(simulator, tmp_path, "aks-payments-prod"))
    assert list(gaps) == [fault.match.strip("/")]
    assert next(iter(gaps.values())).reason is reason


def discovery(version, resource, freshness="Current"):
    """An answer of aggregated discovery with one version of KEDA's group and one resource."""
    entry = {"version": version, "resources": [{"resource": resource}], "freshness": freshness}
    items = [{"metadata": {"name": "keda.sh"}, "versions": [entry]}]
    return json.dumps({"kind": "APIGroupDiscoveryList", "items": items}).encode()


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (403, {"body": discovery("v1alpha1", "scaledjobs")}, None),
        (404, {"body": discovery("v1alpha1", "scaledjobs")}, None),
        (403, {"body": discovery("v1alpha1", "scaledobjects")}, Reason.FORBIDDEN),
        (404, {"body": discovery("v1alpha1", "scaledobjects")}, Reason.NOT_READ),
        (404, {"body": discovery("v2", "scaledobjects")}, Reason.NOT_READ),
        (403, {"body": discovery("v1alpha1", "scaledjobs", "Stale")}, Reason.FORBIDDEN),
        (404, {"body": discovery("v1alpha1", "scaledjobs", "Stale")}, Reason.NOT_READ),
        # discovery tells nothing: what a list answers counts
        (403, {"status": 403}, Reason.FORBIDDEN),
        (404, {"status": 403}, None),
        (403, {"body": b'{"kind": "APIGroupList", "groups": []}'}, Reason.FORBIDDEN),
        (403, {"body": b'{"kind": "APIGroupList", "items": []}'}, Reason.FORBIDDEN),
        (404, {"body": b'{"kind": "APIGroupDiscoveryList", "items": null}'}, None),
        (403, {"kind": FaultKind.TRUNCATE}, Reason.FORBIDDEN),
        (404, {"kind": FaultKind.RESET}, None),
    ],
)
def test_discovery_tells_what_is_not_there_from_what_may_not_be_listed(
    status, answer, reason, serve, contoso, tmp_path
):
    simulator = serve(contoso)
    simulator.inject(Fault(match="/scaledobjects", status=status, times=None))
    simulator.inject(Fault(match=r"/apis\?$", times=None, **{"status": 200, **answer}))
    gaps = gaps_of(lists_of(simulator, tmp_path, "aks-payments-prod"))
    of_its_group = {"trigger_authentications", "cluster_trigger_authentications"}
    found = {name: gap.reason for name, gap in gaps.items() if name not in of_its_group}
    assert found == ({"scaled_objects": reason} if reason else {})


def test_another_version_is_named(serve, contoso, tmp_path):
    simulator = serve(contoso)
    simulator.inject(Fault(match="/scaledobjects", status=404, times=None))
    simulator.inject(Fault(match=r"/apis\?$", status=200, body=discovery("v2", "scaledobjects"), times=None))
    gap = gaps_of(lists_of(simulator, tmp_path, "aks-payments-prod"))["scaled_objects"]
    assert "/apis/keda.sh/v1alpha1/scaledobjects was not found" in str(gap)
    assert "discovery tells of v2" in str(gap)


def test_an_object_of_the_wrong_shape_makes_its_list_incomplete_and_names_the_path(serve, contoso, tmp_path):
    estate = contoso.copy()
    service = estate.kubernetes["aks-payments-prod"]["services"][0]
    service["spec"]["selector"] = "app=web"
    lists = lists_of(serve(estate), tmp_path, "aks-payments-prod")
    assert "$.spec.selector" in lists.services.gap.detail
    assert service["metadata"]["name"] in lists.services.gap.detail
    assert len(lists.services.items) == len(contoso.kubernetes["aks-payments-prod"]["services"]) - 1


def test_nulls_are_absent(serve, contoso, tmp_path):
    estate = contoso.copy()
    for service in estate.kubernetes["aks-payments-prod"]["services"]:
        service["spec"]["type"] = None
    assert lists_of(serve(estate), tmp_path, "aks-payments-prod").services.gap is None


def test_pages_and_an_expired_token(serve, contoso, tmp_path, monkeypatch):
    monkeypatch.setattr("akscan.collect.kubernetes.PAGE_ITEMS", 7)
    whole = lists_of(serve(contoso), tmp_path, "aks-payments-prod")
    simulator = serve(contoso)
    simulator.inject(Fault(match=r"/api/v1/pods\?.*continue=", status=410, times=1))
    paged = lists_of(simulator, tmp_path, "aks-payments-prod")
    assert paged == whole
    firsts = [r for r in simulator.requests if r.path.endswith("/api/v1/pods") and "continue" not in r.query]
    assert len(firsts) == 2


def test_a_list_that_expires_twice_is_a_gap(serve, contoso, tmp_path, monkeypatch):
    monkeypatch.setattr("akscan.collect.kubernetes.PAGE_ITEMS", 7)
    simulator = serve(contoso)
    simulator.inject(Fault(match=r"/api/v1/pods\?.*continue=", status=410, times=None))
    gaps = gaps_of(lists_of(simulator, tmp_path, "aks-payments-prod"))
    assert list(gaps) == ["pods"]


def test_a_kubeconfig_context_needs_no_azure(serve, contoso, tmp_path, monkeypatch):
    simulator = serve(contoso)
    document = simulator.kubeconfig("aks-legacy-shop")
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    before = path.read_bytes()
    context = document["contexts"][0]["name"]
    target = tmp_path / "x.akscan"
    outcome = akscan("collect", "-o", str(target), "--context", context, "--quiet")
    assert outcome.code == 0, outcome.err
    with InventoryFile(target) as file:
        (only,) = file.members
        assert str(only) == f"/contexts/{context}"
        assert gaps_of(file.cluster(only)) == {}
    assert not [request for request in simulator.requests if request.service == "arm"]
    assert path.read_bytes() == before
    scanned = akscan("scan", "--inventory", str(target), "--rule", "ACC-001")
    assert "not assessed" in scanned.out.casefold()


def test_an_unknown_context_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "contexts": [], "clusters": [], "users": []}))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    outcome = akscan("collect", "-o", str(tmp_path / "x.akscan"), "--context", "nowhere")
    assert outcome.code == 2
    assert "nowhere" in outcome.err


def test_a_server_that_nobody_vouches_for_is_a_gap(serve, contoso, tmp_path):
    """A kubeconfig whose certificate authority is another than the server's."""
    simulator, stranger = serve(contoso), serve(contoso)
    foreign = yaml.safe_dump(stranger.kubeconfig("aks-legacy-shop"))
    document = simulator.kubeconfig("aks-legacy-shop")
    authority = yaml.safe_load(foreign)["clusters"][0]["cluster"]["certificate-authority-data"]
    document["clusters"][0]["cluster"]["certificate-authority-data"] = authority
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(document))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        target = tmp_path / "x.akscan"
        assert akscan("collect", "-o", str(target), "--context", document["contexts"][0]["name"], "-q").code == 0
    with InventoryFile(target) as file:
        (only,) = file.members
        assert {gap.reason for gap in gaps_of(file.cluster(only)).values()} == {Reason.TLS}
    assert os.environ.get("KUBECONFIG") != str(path)
