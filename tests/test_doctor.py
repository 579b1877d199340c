"""What doctor says, end to end: against what scans are really refused, and with exactly the roles that it prints."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterable

import pytest
import yaml
from akscan.collect.arm import READ_POSTS
from akscan.collect.cloud import cloud_named
from akscan.collect.connection import REVIEW_POSTS, from_context
from akscan.collect.limits import Limits
from akscan.model.needs import Need
from akscan.model.permissions import asked
from akscan.model.reads import KUBERNETES_READS
from akscan.plugins import load_rules
from akscan_fixtures.faults import Fault, FaultKind
from support import akscan, azure_options, report_of

GUID = "c0470500-0002-4000-8000-0c0000000000"
PRODUCTION = f"/subscriptions/{GUID}"
EVERYTHING = asked(need for rule in load_rules() for need in (*rule.needs, *rule.optional_needs))
ACTIONS = [str(need) for need in EVERYTHING if need.source == "arm"]
OPTIONAL = [str(read.need) for read in KUBERNETES_READS if read.optional]
LISTS = [need for need in EVERYTHING if need.source == "kubernetes"]


def doctor(simulator, *options, code):
    """Its JSON."""
    outcome = akscan("doctor", "--format", "json", *azure_options(simulator), *options)
    assert outcome.code == code, outcome.err
    return json.loads(outcome.out)


def statuses(diagnosis):
    return {rule["id"]: rule["status"] for rule in diagnosis["rules"]}


def standing(entries, name):
    """(status, scope) of one permission where it is not held."""
    entry = next(entry for entry in entries if entry["permission"] == name)
    return {(scope["status"], scope["name"]) for scope in entry["scopes"]}


def lacking(entries: Iterable[dict]):
    """Every place where a permission is not held, and how often it is."""
    return {
        entry["permission"]: (
            *(entry[status] for status in ("held", "missing", "unknown")),
            frozenset((scope["id"], scope["status"]) for scope in entry["scopes"]),
        )
        for entry in entries
    }


def reviews(simulator, cluster, plural):
    return sum(r.cluster == cluster and r.path.endswith(f"/{plural}") for r in simulator.requests)


# --- Contoso


def test_contoso(serve, contoso):
    diagnosis = doctor(serve(contoso), code=1)
    entries = diagnosis["permissions"]
    shut = {("unknown", "aks-ledger-prod"), ("unknown", "aks-dev-sandbox")}
    assert standing(entries, "list pods") == shut
    assert standing(entries, "list secrets") == shut | {("missing", "aks-partner")}
    assert [entry["permission"] for entry in entries if entry["missing"] and "list" not in entry["permission"]] == []
    unreached = {cluster["name"]: cluster["detail"] for cluster in diagnosis["clusters"] if not cluster["reached"]}
    assert set(unreached) == {"aks-ledger-prod", "aks-dev-sandbox"}
    assert "it is private" in unreached["aks-ledger-prod"]
    assert "stopped" in unreached["aks-dev-sandbox"]


def test_what_doctor_calls_assessed_a_scan_assesses(serve, contoso, tmp_path):
    simulator = serve(contoso)
    found = statuses(doctor(simulator, code=1))
    akscan("scan", "-f", "json", "-o", str(tmp_path), *azure_options(simulator))
    # what Azure itself does not tell no permission would mend
    unread = (entry for entry in report_of(tmp_path)["notAssessed"] if " does not tell" not in entry["reason"])
    unassessed = {entry["rule"] for entry in unread}
    assert unassessed.isdisjoint(rule for rule, status in found.items() if status == "assessed")
    assert {"assessed", "partly"} == set(found.values())


def test_the_text_names_every_place_and_price(serve, contoso):
    outcome = akscan("doctor", *azure_options(serve(contoso)))
    assert outcome.code == 1
    assert outcome.err == ""
    assert all(len(line) <= 100 and line == line.rstrip() for line in outcome.out.splitlines())
    for part in (
        "aks-partner",
        "list secrets",
        "SEC-001",
        f" of {len(list(contoso.managed_clusters()))} answer",
        " assessed, ",
    ):
        assert part in outcome.out
    assert "\x1b" not in outcome.out


def test_where_all_is_held_the_exit_code_says_so(serve, contoso):
    outcome = akscan("doctor", *azure_options(serve(contoso)), "-n", "aks-payments-prod")
    assert outcome.code == 0
    assert f"{len(load_rules())} assessed" in outcome.out


def test_without_a_cluster_nothing_is_known(serve, contoso):
    simulator = serve(contoso)
    found = statuses(doctor(simulator, "-n", "nobody", code=1))
    assert found["WKL-002"] == "unknown"
    outcome = akscan("doctor", *azure_options(simulator), "-n", "nobody", "--rule", "API-001")
    assert outcome.code == 1
    assert "no AKS cluster in scope" in outcome.err


# --- the same truth, by asking and by reading

DENIED = {
    "nothing": [],
    "networks of one subscription": [("Microsoft.Network/*", PRODUCTION)],
    "networks everywhere, in capitals": ["MICROSOFT.NETWORK/VIRTUALNETWORKS/READ"],
    "what is asked of clusters": [str(Need.IDENTITY_BINDINGS), str(Need.DIAGNOSTIC_SETTINGS)],
    "the clusters of one subscription": [(str(Need.MANAGED_CLUSTERS), PRODUCTION)],
    "lists": ["kubernetes:secrets", "kubernetes:aks-intranet/*", "kubernetes:*.apps"],
}


@pytest.mark.parametrize("denied", DENIED.values(), ids=DENIED)
def test_a_scan_finds_missing_what_doctor_does(denied, serve, contoso, tmp_path):
    simulator = serve(contoso, denied=denied)
    asked_for = lacking(doctor(simulator, code=1)["permissions"])
    akscan("scan", "-f", "json", "-o", str(tmp_path), *azure_options(simulator))
    read = lacking(report_of(tmp_path)["permissions"])
    assert set(read) == set(asked_for) == {str(need) for need in EVERYTHING}
    for permission, found in asked_for.items():
        assert read[permission] == found, permission


def test_of_a_stopped_cluster_a_scan_knows_less(serve, contoso, tmp_path):
    """Nobody asked for its kubeconfig, and a role might grant that at the cluster alone."""
    simulator = serve(contoso, denied=[str(Need.CLUSTER_USER_CREDENTIAL)])
    names = {cluster["name"] for cluster in contoso.managed_clusters()}
    diagnosis = doctor(simulator, code=1)
    assert standing(diagnosis["permissions"], Need.CLUSTER_USER_CREDENTIAL) == {("missing", name) for name in names}
    assert statuses(diagnosis)["WKL-002"] == "cannot"
    akscan("scan", "-f", "json", "-o", str(tmp_path), *azure_options(simulator))
    assert standing(report_of(tmp_path)["permissions"], Need.CLUSTER_USER_CREDENTIAL) == {
        ("unknown" if name == "aks-dev-sandbox" else "missing", name) for name in names
    }


def test_a_scan_learns_from_refusals_where_azure_does_not_tell(serve, contoso, tmp_path):
    simulator = serve(contoso, denied=[str(Need.PERMISSIONS), str(Need.ROUTE_TABLES)])
    akscan("scan", "-f", "json", "-o", str(tmp_path), *azure_options(simulator))
    report = report_of(tmp_path)
    found = lacking(report["permissions"])
    assert found[Need.ROUTE_TABLES][:3] == (0, 2, 0)
    assert found[Need.VIRTUAL_NETWORKS][:3] == (0, 0, 2)
    # what a cluster answers for itself proves that it may be asked
    assert found[Need.DIAGNOSTIC_SETTINGS][:3] == (len(list(contoso.managed_clusters())), 0, 0)
    # what one may do is no part of what is assessed
    assert {s["name"]: s["status"] for s in report["run"]["scope"]["subscriptions"]}[
        "contoso-connectivity"
    ] == "scanned"


def test_what_azure_refused_is_missing_whatever_it_says_of_roles(serve, contoso, tmp_path):
    """A deny assignment stands in no role."""
    cluster = contoso.managed_cluster("aks-intranet")["id"]
    simulator = serve(contoso, denied=[(str(Need.DIAGNOSTIC_SETTINGS), cluster)])
    akscan("scan", "-f", "json", "-o", str(tmp_path), *azure_options(simulator))
    assert standing(report_of(tmp_path)["permissions"], Need.DIAGNOSTIC_SETTINGS) == {("missing", "aks-intranet")}


def test_without_the_permissions_api_azure_is_unknown_and_never_missing(serve, contoso):
    diagnosis = doctor(serve(contoso, denied=[str(Need.PERMISSIONS)]), code=1)
    for entry in diagnosis["permissions"]:
        if entry["permission"] == Need.PERMISSIONS:
            assert (entry["held"], entry["missing"]) == (0, 3)
        elif Need(entry["permission"]).source == "arm":
            assert entry["missing"] == 0
            assert all("permissions/read" in scope["detail"] for scope in entry["scopes"])
    assert statuses(diagnosis)["OBS-008"] == "unknown"


def test_azure_is_asked_of_clusters_only_where_their_subscription_does_not_suffice(serve, contoso):
    everything = serve(contoso)
    doctor(everything, code=1)
    paths = [r.path for r in everything.requests if r.path.endswith("/Microsoft.Authorization/permissions")]
    assert len(paths) == len(contoso.subscriptions)
    one = serve(contoso, denied=[(str(Need.DIAGNOSTIC_SETTINGS), PRODUCTION)])
    doctor(one, code=1)
    paths = [r.path for r in one.requests if r.path.endswith("/Microsoft.Authorization/permissions")]
    assert len(paths) == len(contoso.subscriptions) + sum(GUID in c["id"] for c in contoso.managed_clusters())


def test_a_refused_subscription_costs_every_rule_something(serve, contoso):
    diagnosis = doctor(serve(contoso, denied=[(str(Need.MANAGED_CLUSTERS), PRODUCTION)]), code=1)
    assert "assessed" not in statuses(diagnosis).values()
    assert standing(diagnosis["permissions"], Need.MANAGED_CLUSTERS) == {("missing", "contoso-production")}


# --- inside the clusters


def test_a_role_binding_in_one_namespace_grants_no_list_of_all(serve, contoso):
    estate = contoso.copy()
    estate.clusters["aks-batch-spot"].forbidden = ["secrets", "services"]
    estate.clusters["aks-batch-spot"].bound_in_default = ["secrets"]
    simulator = serve(estate)
    diagnosis = doctor(simulator, "-n", "aks-batch-spot", code=1)
    assert standing(diagnosis["permissions"], "list secrets") == {("missing", "aks-batch-spot")}
    assert standing(diagnosis["permissions"], "list services") == {("missing", "aks-batch-spot")}
    # no rule names services, which proves it; a rule of the namespace names secrets, which had to be asked again
    # nor does one name what the cluster does not serve
    absent = {Need.AZURE_IDENTITIES, Need.AZURE_IDENTITY_BINDINGS, Need.CALICO_POLICIES, Need.CALICO_GLOBAL_POLICIES}
    absent |= {Need.ADMIN_NETWORK_POLICIES, Need.CLUSTER_NETWORK_POLICIES, Need.GATEWAYS}
    absent |= {Need.TRIGGER_AUTHENTICATIONS, Need.CLUSTER_TRIGGER_AUTHENTICATIONS}
    absent |= {need for need in LISTS if need.endswith(("fluxcd.io", "cert-manager.io", "external-secrets.io"))}
    assert reviews(simulator, "aks-batch-spot", "selfsubjectaccessreviews") == len(LISTS) - 1 - len(absent)
    assert statuses(diagnosis)["SEC-001"] == "cannot"
    assert statuses(diagnosis)["NET-002"] == "partly"


def test_where_rules_are_not_enumerated_each_list_is_asked_for(serve, contoso):
    simulator = serve(contoso)
    diagnosis = doctor(simulator, "-n", "aks-partner", code=1)
    assert reviews(simulator, "aks-partner", "selfsubjectrulesreviews") == 1
    assert reviews(simulator, "aks-partner", "selfsubjectaccessreviews") == len(LISTS)
    missing = {e["permission"] for e in diagnosis["permissions"] if e["missing"]}
    assert missing == {f"list {what}" for what in contoso.access("aks-partner").forbidden}


FAULTS = {
    "refused": (Fault(match="POST .*accessreviews", status=403, times=None), "selfsubjectaccessreviews"),
    "broken": (Fault(match="POST .*accessreviews", status=500, times=None), "answered with an error"),
    "no review": (Fault(match="POST .*accessreviews", status=201, body=b'{"status": {}}', times=None), "allowed"),
    "no JSON": (Fault(match="POST .*accessreviews", kind=FaultKind.TRUNCATE, times=None), "understood"),
    "a failed authorizer": (
        Fault(
            match="POST .*accessreviews",
            status=201,
            body=b'{"status": {"allowed": false, "evaluationError": "guard timed out"}}',
            times=None,
        ),
        "could not answer",
    ),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_review_that_says_nothing_leaves_the_permission_unknown(fault, reason, serve, contoso):
    simulator = serve(contoso)
    simulator.inject(fault)
    entries = doctor(simulator, "-n", "aks-payments-prod", code=1)["permissions"]
    for entry in entries:
        # of what is not installed discovery tells
        if entry["permission"].startswith("list ") and entry["permission"] not in OPTIONAL:
            assert (entry["held"], entry["missing"], entry["unknown"]) == (0, 0, 1)
            assert reason in entry["scopes"][0]["detail"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(match="POST .*rulesreviews", status=403, times=None),
        Fault(match="POST .*rulesreviews", status=201, body=b"{}", times=None),
        Fault(
            match="POST .*rulesreviews",
            status=201,
            body=b'{"status": {"incomplete": false, "resourceRules": [], "evaluationError": "no such role"}}',
            times=None,
        ),
    ],
    ids=["refused", "no review", "an error in some rule"],
)
def test_without_the_rules_each_list_is_asked_for(fault, serve, contoso):
    simulator = serve(contoso)
    simulator.inject(fault)
    diagnosis = doctor(simulator, "-n", "aks-batch-spot", code=0)
    assert set(statuses(diagnosis).values()) == {"assessed"}
    assert reviews(simulator, "aks-batch-spot", "selfsubjectaccessreviews") == len(LISTS)


def test_only_what_the_rules_need_is_asked_for(serve, contoso):
    simulator = serve(contoso)
    diagnosis = doctor(simulator, "-n", "aks-batch-spot", "--rule", "OBS-001", code=0)
    assert {entry["permission"] for entry in diagnosis["permissions"]} == {
        str(need) for need in asked([Need.DAEMON_SETS])
    }
    assert reviews(simulator, "aks-batch-spot", "selfsubjectaccessreviews") == 1


def test_doctor_reads_nothing_and_stores_nothing(serve, contoso):
    simulator = serve(contoso)
    doctor(simulator, code=1)
    for request in simulator.requests:
        if request.service == "kubernetes":
            path = request.path.removeprefix(f"/clusters/{request.cluster}")
            told = request.method == "GET" and path in ("/version", "/apis")
            assert told or path in REVIEW_POSTS, request
        else:
            assert request.method == "GET" or request.path.casefold().endswith(READ_POSTS), request


# --- a kubeconfig beside Azure


@pytest.fixture
def context(tmp_path, monkeypatch):
    """Make the kubeconfig of a cluster the user's own; the name of its context."""

    def install(simulator, name):
        document = simulator.kubeconfig(name)
        path = tmp_path / "config"
        path.write_text(yaml.safe_dump(document))
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        return document["contexts"][0]["name"]

    return install


def test_a_context_alone_suffices_for_what_asks_kubernetes_only(context, serve, contoso):
    name = context(serve(contoso), "aks-legacy-shop")
    outcome = akscan("doctor", "--format", "json", "--context", name, "--quiet")
    assert outcome.code == 1, outcome.err
    found = statuses(json.loads(outcome.out))
    assert found["ACC-012"] == "assessed"
    assert found["API-001"] == "unknown"


def test_azure_knows_nothing_of_a_cluster_from_elsewhere(context, serve, contoso):
    simulator = serve(contoso)
    name = context(simulator, "aks-legacy-shop")
    diagnosis = doctor(simulator, "-n", "aks-payments-prod", "--context", name, code=1)
    assert {cluster["name"] for cluster in diagnosis["clusters"]} == {"aks-payments-prod", name}
    assert statuses(diagnosis)["API-001"] == "partly"
    assert statuses(diagnosis)["ACC-012"] == "assessed"


def test_a_kubeconfig_of_ones_own_needs_none_from_azure(context, serve, contoso):
    estate = contoso.copy()
    estate.managed_cluster("aks-legacy-shop")["properties"]["fqdn"] = "127.0.0.1"
    simulator = serve(estate, denied=[str(Need.CLUSTER_USER_CREDENTIAL)])
    name = context(simulator, "aks-legacy-shop")
    diagnosis = doctor(simulator, "-n", "aks-legacy-shop", "--context", name, code=0)
    assert standing(diagnosis["permissions"], Need.CLUSTER_USER_CREDENTIAL) == set()


def test_nothing_but_reviews_can_be_posted(context, serve, contoso):
    simulator = serve(contoso)
    name = context(simulator, "aks-legacy-shop")
    cloud = cloud_named("public", arm_endpoint="", arm_audience="", authority="", ca_file=str(simulator.ca_file))
    with from_context(name, cloud, Limits().whole) as connection:
        for path in ("/api/v1/namespaces/default/pods", f"{REVIEW_POSTS[0]}?x=1", REVIEW_POSTS[0].upper()):
            with pytest.raises(PermissionError, match="does not write"):
                connection.post(path, {})
    assert all(request.method == "GET" for request in simulator.requests)


# --- the roles


def azure_actions(*options):
    outcome = akscan("doctor", "--role", "azure", "-s", GUID, *options)
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)["Actions"]


def test_the_azure_role_is_enough_for_every_rule(serve, contoso, tmp_path):
    simulator = serve(contoso, granted=azure_actions())
    diagnosis = doctor(simulator, "-n", "aks-payments-prod", code=0)
    assert set(statuses(diagnosis).values()) == {"assessed"}
    akscan("scan", "-f", "json", "-o", str(tmp_path / "role"), *azure_options(simulator))
    akscan("scan", "-f", "json", "-o", str(tmp_path / "all"), *azure_options(serve(contoso)))
    of_role, of_all = report_of(tmp_path / "role"), report_of(tmp_path / "all")
    for part in ("coverage", "rules", "findings", "notAssessed", "permissions"):
        assert of_role[part] == of_all[part], part


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_of_the_azure_role_is_needed(action, serve, contoso):
    granted = [other for other in azure_actions() if other != action]
    simulator = serve(contoso, granted=granted)
    outcome = akscan("doctor", "--format", "json", *azure_options(simulator), "-n", "aks-payments-prod")
    if action == Need.SUBSCRIPTIONS:
        assert outcome.code == 2
        assert "sees no subscription" in outcome.err
        return
    assert outcome.code == 1, outcome.err
    diagnosis = json.loads(outcome.out)
    assert [entry["permission"] for entry in diagnosis["permissions"] if entry["missing"]] == [action]
    assert set(statuses(diagnosis).values()) != {"assessed"}


def test_the_azure_role_is_made_for_the_rules_that_are_on():
    assert azure_actions("--rule", "OBS-008") == sorted(map(str, asked([Need.DIAGNOSTIC_SETTINGS])))
    assert set(azure_actions("--skip", "EGR")) < set(azure_actions())


def test_assignable_scopes():
    scopes = [
        "--scope",
        f"{PRODUCTION}/resourceGroups/rg",
        "--scope",
        "/providers/Microsoft.Management/managementGroups/x",
    ]
    for options, expected in (
        (["-s", GUID, "-s", PRODUCTION], [PRODUCTION]),
        (["-s", "ignored", *scopes], scopes[1::2]),
    ):
        outcome = akscan("doctor", "--role", "azure", *options)
        assert json.loads(outcome.out)["AssignableScopes"] == expected


def kubernetes_role(*options):
    outcome = akscan("doctor", "--role", "kubernetes", *options)
    assert outcome.code == 0, outcome.err
    role, binding = yaml.safe_load_all(outcome.out)
    lists = {
        f"list {plural}.{rule['apiGroups'][0]}".rstrip(".")
        for rule in role["rules"]
        for plural in rule.get("resources", ())
    }
    lists |= {f"get {url}" for rule in role["rules"] for url in rule.get("nonResourceURLs", ())}
    return role, binding, lists, outcome.err


def test_the_cluster_role_lists_what_rules_need_and_nothing_else():
    role, binding, lists, err = kubernetes_role()
    assert lists == {str(need) for need in LISTS}
    assert {verb for rule in role["rules"] if "resources" in rule for verb in rule["verbs"]} == {"list"}
    assert {verb for rule in role["rules"] if "resources" not in rule for verb in rule["verbs"]} == {"get"}
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "akscan-readers"}]
    assert err == ""


def test_the_price_of_what_is_left_out_is_said_beside_the_role():
    _, _, lists, err = kubernetes_role("--without", "secrets", "--without", "services")
    assert lists == {str(need) for need in LISTS} - {"list secrets", "list services"}
    of_secrets, of_services = err.splitlines()
    assert of_secrets == "akscan: without list secrets: not assessed: ACC-019, SEC-001, SEC-016, SEC-017, SEC-018"
    assert of_services == (
        "akscan: without list services: not assessed: EGR-008, SPT-005, SPT-006, UPG-019;"
        " in part: IDN-006, NET-002, SPT-008, SPT-011"
    )


def test_what_no_chosen_rule_needs_costs_nothing():
    err = kubernetes_role("--rule", "WKL-012", "--without", "configmaps")[3]
    assert err == "akscan: without list configmaps: no rule is the poorer\n"


@pytest.mark.parametrize(
    ("options", "subject"),
    [
        (["--group", "g"], {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "g"}),
        (["--user", "u@x"], {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "u@x"}),
        (["--service-account", "ns:sa"], {"kind": "ServiceAccount", "namespace": "ns", "name": "sa"}),
    ],
)
def test_who_gets_the_cluster_role(options, subject):
    assert kubernetes_role(*options)[1]["subjects"] == [subject]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--role", "azure"], "where shall the role be assignable"),
        (["--role", "azure", "-s", "contoso-production"], "'contoso-production' is no scope"),
        (["--role", "azure", "--scope", "/subscriptions/x"], "'/subscriptions/x' is no scope"),
        (["--role", "azure", "-s", GUID, "--group", "g"], "--group goes with --role kubernetes"),
        (["--role", "kubernetes", "--scope", PRODUCTION], "--scope goes with --role azure"),
        (["--without", "secrets"], "--without goes with --role kubernetes"),
        (["--role", "kubernetes", "--without", "nonsense"], "nonsense"),
        (["--role", "kubernetes", "--group", "g", "--user", "u"], "give one of them"),
        (["--role", "kubernetes", "--service-account", "sa"], "expected NAMESPACE:NAME"),
        (["--role", "helm"], "helm"),
        (["--rule", "NOP"], "fits no rule"),
        (["--skip", "A", "--rule", "API"], "no rule is on"),
    ],
)
def test_wrong_calls_say_what_was_expected(options, message):
    outcome = akscan("doctor", *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.out == ""
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("options", [["azure", "-s", GUID], ["kubernetes", "--without", "secrets"]])
def test_a_role_needs_neither_network_nor_sdk(options):
    program = f"""
        import socket, sys
        def refuse(*_, **__): raise AssertionError("a socket")
        socket.socket.connect = refuse
        from akscan.cli import run
        assert run(["doctor", "--role", *{options!r}]) == 0
        heavy = [name for name in sys.modules if name.split(".")[0] in ("azure", "kubernetes", "aiohttp", "requests")]
        assert not heavy, heavy
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True, env={**os.environ}
    )
