"""Every way in which the other side can fail, over every list that akscan reads, through the real clients.

One scan a fault: it hits every list of one subscription and every Kubernetes list of one cluster at once, and nothing
of the others.
"""

import base64
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from email.utils import formatdate

import msgspec
import pytest
import yaml
from akscan.collect.limits import Limit
from akscan.engine import Evaluation, SelectedRule
from akscan.inventory_file import InventoryFile
from akscan.model.gaps import Gap, Reason
from akscan.model.inventory import Azure, Inventory
from akscan.model.kubernetes import Listing
from akscan.model.reads import ARM_READS, KUBERNETES_READS, Scope
from akscan.plugins import load_rules
from akscan_fixtures.faults import Fault, FaultKind
from akscan_fixtures.simulator import Simulator
from support import akscan, azure_options, pairs, report_of

PRODUCTION = "/subscriptions/c0470500-0002-4000-8000-0c0000000000"
CONNECTIVITY = "/subscriptions/c0470500-0001-4000-8000-0c0000000000"
CLUSTER, LOCKED, UNHARMED = "aks-payments-prod", "aks-legacy-shop", "aks-intranet"
ELSEWHERE = "aks-partner"
MONITORING = f"{CONNECTIVITY}/resourceGroups/rg-hub-monitoring/providers"
NAMESPACE = f"{MONITORING}/Microsoft.EventHub/namespaces/evhns-contoso-siem"
HUB = f"{CONNECTIVITY}/resourceGroups/rg-hub/providers/Microsoft.Network/virtualHubs/vhub"
FOLLOWED = f"{CONNECTIVITY}/resourceGroups/rg-hub-network-neu/providers/Microsoft.Network/virtualNetworks/vnet-hub-neu"
_ROOTED = (Scope.HUB, Scope.FLEET, Scope.FIREWALL_POLICY, Scope.PRIVATE_LINK_ZONE)
_ROOTS = (Scope.TENANT, Scope.MANAGEMENT_GROUP)
_DEADLINE_SECONDS = 180


@dataclass(frozen=True)
class Cell:
    """One thing that is read: how its requests look, and where the inventory keeps what became of it."""

    name: str
    match: str
    type: str = ""
    field: str = ""
    where: str = PRODUCTION

    def gap(self, inventory):
        """What became of it: a gap, or None."""
        azure, lists = inventory
        if self.field:
            return getattr(lists[self.name.partition(" ")[0]], self.field).gap
        reads = [r for r in azure.reads if r.type == self.type and str(r.scope).startswith(self.where)]
        gaps = {r.gap.reason: r.gap for r in reads if r.gap is not None}
        assert len(gaps) <= 1, (self.name, gaps)
        assert reads, self.name
        return next(iter(gaps.values()), None)


_ROOT_TYPES = ("Microsoft.ContainerService/managedClusters", "Microsoft.KeyVault/vaults")


def _arm_cells():
    for read in ARM_READS:
        if read.scope in _ROOTS:
            continue
        kind = str(read.struct.arm_type)
        last = kind.rpartition("/")[2]
        # what other reads hang on stays in sight in production
        rooted = kind in _ROOT_TYPES or read.scope in _ROOTED
        where, query = CONNECTIVITY if rooted else PRODUCTION, r"\?"
        if last == "assignedTo":
            last, query = "roleAssignments", r"\?.*assignedTo"
        elif last == "roleAssignments":
            query = r"\?(?!.*assignedTo)"
        elif last == "upgradeProfiles":
            last = f"{kind.split('/')[-2]}/[^/]+/upgradeProfiles/default"
        elif read.scope is Scope.TELEMETRY:
            where, query = CONNECTIVITY, r"/[^/?]+\?"
        elif last in ("keys", "versions"):
            last = rf"{last}(/[^/]+)?"
        yield Cell(kind, rf"(?i)GET {where}/(.*/)?{last}{query}", type=kind, where=where)
    kind = "Microsoft.Network/virtualNetworks"
    yield Cell("virtual network of the hub", rf"(?i)GET {FOLLOWED}\?", type=kind, where=CONNECTIVITY)


ARM_CELLS = tuple(_arm_cells())
KUBERNETES_CELLS = (
    *(
        Cell(f"{CLUSTER} {read.field}", rf"GET /clusters/{CLUSTER}{read.path}(\?|$)", field=read.field)
        for read in KUBERNETES_READS
    ),
    Cell(f"{LOCKED} kubeconfig", rf"(?i)POST .*/{LOCKED}/listClusterUserCredential\?", field="pods"),
)

HOUR = 3600
LOOP = b'{"value": [], "nextLink": "%s", "items": [], "metadata": {"continue": "again"}, "rows": []}'
OPTIONAL = {f"{CLUSTER} {read.field}" for read in KUBERNETES_READS if read.optional}

#: name -> the fault, and the reason of the gap that it leaves; None where it heals or is no fault.
FAULTS = {
    "401": ({"status": 401}, Reason.UNAUTHORIZED),
    "403": ({"status": 403}, Reason.FORBIDDEN),
    "404": ({"status": 404}, Reason.NOT_FOUND),
    "409": ({"status": 409}, Reason.CONFLICT),
    "410 again and again": ({"status": 410}, Reason.EXPIRED),
    "410 once": ({"status": 410, "times": 1}, "once"),
    "429 again and again": ({"status": 429}, Reason.THROTTLED),
    "429 once": ({"status": 429, "times": 1}, None),
    "429, wait an hour": ({"status": 429, "retry_after": HOUR}, Reason.THROTTLED),
    "429, wait until a date in an hour": (
        {"status": 429, "retry_after": formatdate(time.time() + HOUR, usegmt=True)},
        Reason.THROTTLED,
    ),
    "429 once, wait until a date that is over": (
        {"status": 429, "retry_after": formatdate(time.time() - HOUR, usegmt=True), "times": 1},
        None,
    ),
    "429 once, wait for nonsense": ({"status": 429, "retry_after": "soon", "times": 1}, None),
    "500": ({"status": 500}, Reason.SERVER_ERROR),
    "502": ({"status": 502}, Reason.SERVER_ERROR),
    "503": ({"status": 503}, Reason.SERVER_ERROR),
    "503 once": ({"status": 503, "times": 1}, None),
    "504": ({"status": 504}, Reason.TIMEOUT),
    "no answer": ({"delay_seconds": HOUR}, Reason.TIMEOUT),
    "a body that dribbles": ({"kind": FaultKind.DRIBBLE}, Reason.TIMEOUT),
    "reset in the body": ({"kind": FaultKind.RESET}, Reason.UNREACHABLE),
    "reset in the body once": ({"kind": FaultKind.RESET, "times": 1}, None),
    "truncated": ({"kind": FaultKind.TRUNCATE}, Reason.MALFORMED),
    "a page instead of JSON": ({"kind": FaultKind.HTML, "status": 200}, Reason.MALFORMED),
    "a page of a gateway": ({"kind": FaultKind.HTML, "status": 502}, Reason.SERVER_ERROR),
    "a page that says 404": ({"kind": FaultKind.HTML, "status": 404}, Reason.NOT_FOUND),
    "a redirect": ({"status": 302, "headers": {"Location": "https://127.0.0.1:9/sign-in"}}, Reason.MALFORMED),
    "no JSON": ({"status": 200, "body": b"nonsense"}, Reason.MALFORMED),
    "a list instead of an object": ({"status": 200, "body": b"[]"}, Reason.MALFORMED),
    "null": ({"status": 200, "body": b"null"}, Reason.MALFORMED),
    "wrong types": (
        {"status": 200, "body": b'{"value": 7, "values": 7, "items": 7, "rows": 7, "properties": 7, "kubeconfigs": 7}'},
        Reason.MALFORMED,
    ),
    "items of wrong types": (
        {
            "status": 200,
            "body": b'{"value": [7], "values": [7], "items": [7], "rows": [7], "properties": 7, "kubeconfigs": [7]}',
        },
        Reason.MALFORMED,
    ),
    "a link in a circle": ({"status": 200, "body": LOOP}, Reason.MALFORMED),
}


def expected(name, cell):
    """The reason of the gap that a fault leaves in a cell."""
    reason = FAULTS[name][1]
    if reason == "once":
        # only lists of Kubernetes have tokens that expire; elsewhere 410 is an answer like others
        return None if cell.field and "kubeconfig" not in cell.name else Reason.EXPIRED
    if name == "404" and cell.name in OPTIONAL:
        return Reason.NOT_READ  # discovery tells that it is served
    if name == "a link in a circle" and cell.type.endswith("kubernetesVersions"):
        return None  # one object, which has no pages
    return reason


def estate_with_hub(contoso):
    estate = contoso.copy()
    for below in ("", "/hubVirtualNetworkConnections/spoke", "/routingIntent/intent"):
        kind = re.sub(r"(virtualHubs)/vhub(/[^/]+)?.*", r"\1\2", f"{HUB}{below}".partition("/providers/")[2])
        identifier = f"{HUB}{below}"
        estate.resources[identifier.lower()] = {
            "id": identifier,
            "name": identifier.rpartition("/")[2],
            "type": kind,
            "properties": {},
            **({"location": "westeurope"} if not below else {}),
        }
    estate.managed_cluster(CLUSTER)["properties"]["currentKubernetesVersion"] = "1.35.99"
    # lets in a resource of production from a cluster elsewhere, whose bindings no fault hits
    own = next(resource for resource in estate.resources.values() if resource["name"] == "backup")
    identifier = f"{estate.managed_cluster(ELSEWHERE)['id']}/trustedAccessRoleBindings/{own['name']}"
    estate.resources[identifier.lower()] = {**own, "id": identifier}
    # sends telemetry from elsewhere to all that there is
    own = estate.managed_cluster(ELSEWHERE)["id"]
    setting = {
        "workspaceId": f"{MONITORING}/Microsoft.OperationalInsights/workspaces/log-contoso-platform",
        "storageAccountId": f"{MONITORING}/Microsoft.Storage/storageAccounts/stcontosoaudit",
        "eventHubAuthorizationRuleId": f"{NAMESPACE}/authorizationRules/diagnostics",
        "logs": [{"categoryGroup": "allLogs", "enabled": True}],
    }
    rule = next(resource for resource in estate.resources.values() if resource["name"].startswith("MSProm"))
    rule_id = f"{own.partition('/providers/')[0]}/providers/{rule['type']}/{rule['name']}"
    estate.resources[rule_id.lower()] = {**rule, "id": rule_id}
    for kind, properties in (
        ("diagnosticSettings", setting),
        ("dataCollectionRuleAssociations", {"dataCollectionRuleId": rule_id}),
    ):
        identifier = f"{own}/providers/Microsoft.Insights/{kind}/all"
        found = {"id": identifier, "name": "all", "type": f"Microsoft.Insights/{kind}", "properties": properties}
        estate.resources[identifier.lower()] = found
    definitions = estate.kubernetes[CLUSTER].setdefault("customresourcedefinitions.apiextensions.k8s.io", [])
    known = {definition["metadata"]["name"] for definition in definitions}
    for read in KUBERNETES_READS:
        name = read.need.removeprefix("list ")
        if read.optional and name not in known:
            plural, _, group = name.partition(".")
            spec = {
                "group": group,
                "names": {"plural": plural, "kind": read.struct.__name__},
                "scope": "Cluster",
                "versions": [{"name": read.path.split("/")[3], "served": True, "storage": True}],
            }
            definitions.append({"metadata": {"name": name}, "spec": spec})
    return estate


def inventory_of(path):
    """Azure, and the Kubernetes lists by the name of the cluster."""
    with InventoryFile(path) as file:
        return file.azure(), {key.name: file.cluster(key) for key in file.members}


def scan(simulator, folder):
    """Scan and save, within the time that a cluster may take; the outcome, the inventory and the JSON report."""
    saved = folder / "estate.akscan"
    options = ["--cluster-timeout", "3", "--save", str(saved), "-f", "json", "-o", str(folder)]
    outcome = akscan("scan", *azure_options(simulator), *options)
    return outcome, inventory_of(saved), report_of(folder)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(Limit, "backoff_seconds", 0.01)


@pytest.fixture(scope="module")
def baseline(contoso, tmp_path_factory):
    with Simulator(estate_with_hub(contoso)) as simulator, pytest.MonkeyPatch.context() as patch:
        for name, value in simulator.environment.items():
            patch.setenv(name, value)
        outcome, inventory, report = scan(simulator, tmp_path_factory.mktemp("baseline"))
    assert outcome.code == 0, outcome.err
    return inventory, report


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_costs_what_it_hits_and_no_more(name, serve, contoso, baseline, tmp_path):
    simulator = serve(estate_with_hub(contoso))
    for cell in (*ARM_CELLS, *KUBERNETES_CELLS):
        given = {"times": None, **FAULTS[name][0]}
        if given.get("body") is LOOP:
            given["body"] = (
                LOOP % f"{simulator.arm_endpoint}{PRODUCTION}/x/{cell.name[-9:-1].strip('/')}?circle=1".encode()
            )
            simulator.inject(Fault(match=rf"/x/{cell.name[-9:-1].strip('/')}\?circle", **given))
        simulator.inject(Fault(match=cell.match, **given))
    started = time.monotonic()
    outcome, inventory, report = scan(simulator, tmp_path)
    assert time.monotonic() - started < _DEADLINE_SECONDS
    assert outcome.code == 0, outcome.err

    wrong = {}
    for cell in (*ARM_CELLS, *KUBERNETES_CELLS):
        gap = cell.gap(inventory)
        if (gap.reason if gap else None) != expected(name, cell):
            wrong[cell.name] = str(gap)
    assert wrong == {}

    azure, lists = inventory
    whole_azure, whole_lists = baseline[0]
    for cluster, found in lists.items():
        if cluster not in (CLUSTER, LOCKED):
            assert found == whole_lists[cluster], cluster
    if FAULTS[name][1] is None:
        assert azure == whole_azure
        assert lists == whole_lists

    before, after = pairs(baseline[1]), pairs(report)
    assert [pair for pair, status in after.items() if status == "pass" and before.get(pair) != "pass"] == []
    assert report["errors"] == []
    statuses = list(after.values())
    for rule in report["rules"]:
        assert sum(rule["counts"].values()) == sum(pair[0] == rule["id"] for pair in after), rule["id"]
    assert report["coverage"]["applicable"] == sum(s in ("pass", "fail", "not_assessed") for s in statuses)
    assert report["coverage"]["assessed"] == sum(s in ("pass", "fail") for s in statuses)
    for entry in report["notAssessed"]:
        assert entry["reason"]
        assert not re.search(r"Traceback|Exception|object at 0x|\bNone\b|<html", entry["reason"]), entry["reason"]


def test_every_list_has_a_cell():
    arm = {str(read.struct.arm_type) for read in ARM_READS if read.scope not in _ROOTS}
    assert {cell.type for cell in ARM_CELLS} == arm
    assert {cell.field for cell in KUBERNETES_CELLS} == {read.field for read in KUBERNETES_READS}


@pytest.mark.parametrize("name", [n for n, (_, reason) in FAULTS.items() if isinstance(reason, Reason)])
@pytest.mark.parametrize("match", [r"GET /subscriptions\?", r"/descendants\?"])
def test_what_says_which_subscriptions_there_are_must_not_fail(match, name, serve, contoso, tmp_path):
    simulator = serve(contoso)
    given = {"times": None, **FAULTS[name][0]}
    if given.get("body") is LOOP:
        given["body"] = LOOP % f"{simulator.arm_endpoint}/subscriptions?circle=1".encode()
    simulator.inject(Fault(match=match, **given))
    good = tmp_path / "akscan.json"
    good.write_text("a good report")
    options = ["--cluster-timeout", "2", "--management-group", "contoso", "-f", "json", "-o", str(tmp_path)]
    outcome = akscan("scan", *azure_options(simulator), *options)
    assert outcome.code == 2
    assert "error" in outcome.err
    assert "Traceback" not in outcome.err
    assert good.read_text() == "a good report"


# --- what a gap costs


def evaluated(manifest, azure, lists):
    """(rule, subject) -> its verdict and, where it has none, the reason."""
    evaluation = Evaluation([SelectedRule.of(rule) for rule in load_rules()], Inventory(manifest, azure))
    for key, found in lists.items():
        evaluation.add(key, found)
    report = evaluation.finish(manifest)
    assert report.errors == ()
    verdicts = {(found.rule.id, found.subject.id): ("fail", "") for found in report.findings}
    verdicts |= {(passed.rule.id, passed.subject.id): ("pass", "") for passed in report.passed}
    return verdicts | {(n.rule.id, n.subject.id): ("not assessed", n.reason) for n in report.not_assessed}


@pytest.fixture(scope="module")
def whole(saved):
    with InventoryFile(saved) as file:
        inventory = file.manifest, file.azure(), {key: file.cluster(key) for key in file.members}
    return inventory, evaluated(*inventory)


def costs(before, after):
    """The verdicts that are gone, with the reasons in their place; nothing may have become a pass."""
    assert not [pair for pair, (v, _) in after.items() if v == "pass" and before.get(pair, ("", ""))[0] != "pass"]
    return {
        pair: reason for pair, (v, reason) in after.items() if v == "not assessed" and before.get(pair) != (v, reason)
    }


def needed_by_rules(need):
    return any(need in rule.needs for rule in load_rules())


#: Shares its permission with another list, and no rule looks at it.
IDLE = "config_maps"


@pytest.mark.parametrize(
    "read", [r for r in KUBERNETES_READS if needed_by_rules(r.need) and r.field != IDLE], ids=lambda r: r.field
)
def test_a_kubernetes_list_that_fails_costs_its_rules_by_name(read, whole):
    (manifest, azure, lists), before = whole
    gap = Gap(source="kubernetes", scope="the API server", reason=Reason.SERVER_ERROR, permission=read.need, detail="?")
    broken = {key: msgspec.structs.replace(found, **{read.field: Listing(gap=gap)}) for key, found in lists.items()}
    lost = costs(before, evaluated(manifest, azure, broken))
    assert lost
    assert str(gap) in lost.values()


@pytest.mark.parametrize(
    "read", [r for r in ARM_READS if needed_by_rules(r.need)], ids=lambda r: str(r.struct.arm_type)
)
def test_an_arm_list_that_fails_costs_its_rules_by_name(read, whole):
    (manifest, azure, lists), before = whole
    kind = read.struct.arm_type
    gap = Gap(source="arm", scope="Azure", reason=Reason.SERVER_ERROR, permission=read.need, detail="?")
    broken = Azure(
        resources={stored: found for stored, found in azure.resources.items() if stored != kind},
        reads=tuple(msgspec.structs.replace(r, gap=gap) if r.type == kind else r for r in azure.reads),
    )
    if read.scope in (Scope.HUB, Scope.NODE_IMAGE) or kind == "Microsoft.ContainerService/managedClusters":
        # Contoso has no hub; an old image of which nobody knows whether it is the newest counts as old; without their
        # list there are no clusters to judge
        return
    lost = costs(before, evaluated(manifest, broken, lists))
    assert lost
    assert str(gap) in lost.values()


# --- the sign-in


@pytest.mark.parametrize(
    "match",
    [
        rf"GET {PRODUCTION}/.*vaults\?",
        rf"(?i)POST .*/{CLUSTER}/listClusterUserCredential\?",
        rf"GET /clusters/{CLUSTER}/api/v1/nodes\?",
        rf"GET /clusters/{CLUSTER}/apis/apps/v1/daemonsets\?",
    ],
)
def test_a_token_that_ends_in_the_middle_of_a_scan_is_renewed(match, serve, contoso, baseline, tmp_path):
    simulator = serve(estate_with_hub(contoso))
    simulator.inject(Fault(match=match, kind=FaultKind.EXPIRE))
    outcome, inventory, _ = scan(simulator, tmp_path)
    assert outcome.code == 0, outcome.err
    assert inventory == baseline[0]
    assert any(request.status == 401 for request in simulator.requests)
    tokens = [request for request in simulator.requests if request.service == "token"]
    assert len(tokens) <= 6  # ARM and AKS, once, again after the end, and once more where a thread was late


def test_a_token_that_never_was_any_good_is_not_renewed(serve, contoso, tmp_path):
    simulator = serve(contoso)
    simulator.inject(Fault(match="GET /subscriptions", status=401, times=None))
    outcome = akscan("collect", "-o", str(tmp_path / "x.akscan"), *azure_options(simulator))
    assert outcome.code == 2
    assert "did not accept the sign-in" in outcome.err
    assert len([request for request in simulator.requests if request.service == "token"]) <= 2


# --- names and certificates


@pytest.fixture
def stranger(serve, contoso):
    """A simulator whose certificates nobody else vouches for."""
    return serve(contoso)


@pytest.mark.parametrize(("kind", "reason"), [("dns", Reason.UNREACHABLE), ("tls", Reason.TLS)])
def test_an_api_server_behind_a_broken_name_or_certificate(kind, reason, stranger, serve, contoso, tmp_path):
    simulator = serve(contoso)
    document = simulator.kubeconfig(CLUSTER)
    (cluster,) = document["clusters"]
    if kind == "dns":
        cluster["cluster"]["server"] = "https://gone.invalid"
    else:
        (other,) = stranger.kubeconfig(CLUSTER)["clusters"]
        cluster["cluster"]["server"] = other["cluster"]["server"]
    kubeconfig = base64.b64encode(yaml.safe_dump(document).encode()).decode()
    body = msgspec.json.encode({"kubeconfigs": [{"name": "clusterUser", "value": kubeconfig}]})
    simulator.inject(Fault(match=rf"/{CLUSTER}/listClusterUserCredential", status=200, body=body, times=None))
    target = tmp_path / "x.akscan"
    outcome = akscan("collect", "-o", str(target), *azure_options(simulator))
    assert outcome.code == 0, outcome.err
    _, lists = inventory_of(target)
    assert lists[CLUSTER].pods.gap.reason is reason
    assert lists[UNHARMED].pods.gap is None


@pytest.mark.parametrize(("kind", "said"), [("dns", "the name does not resolve"), ("tls", "self-signed|issuer")])
def test_arm_behind_a_broken_name_or_certificate_is_an_error(kind, said, stranger, serve, contoso, tmp_path):
    simulator = serve(contoso)
    options = azure_options(simulator)
    options[options.index("--ca-file" if kind == "tls" else "--arm-endpoint") + 1] = (
        str(stranger.ca_file) if kind == "tls" else "https://gone.invalid"
    )
    outcome = akscan("collect", "-o", str(tmp_path / "x.akscan"), *options)
    assert outcome.code == 2
    assert re.search(said, outcome.err)
    assert not list(tmp_path.iterdir())


# --- time


def test_the_end_of_the_time_for_all_is_reported(serve, contoso, tmp_path):
    simulator = serve(contoso)
    simulator.inject(Fault(match=rf"GET /clusters/{CLUSTER}/api/v1/pods\?", delay_seconds=HOUR, times=None))
    options = ["--timeout", "5", "-f", "json", "-o", str(tmp_path)]
    outcome = akscan("scan", *azure_options(simulator), *options)
    assert outcome.code == 2
    assert "interrupted" in outcome.err
    report = report_of(tmp_path)
    assert report["run"]["interrupted"] is True
    assert any("of --timeout were used up" in entry["reason"] for entry in report["notAssessed"])
    assert report["findings"]


def test_a_cluster_that_takes_too_long_stops_no_other(serve, contoso, tmp_path):
    simulator = serve(contoso)
    simulator.inject(Fault(match=rf"GET /clusters/{CLUSTER}/api/v1/pods\?", kind=FaultKind.DRIBBLE, times=None))
    outcome, (_, lists), report = scan(simulator, tmp_path)
    assert outcome.code == 0, outcome.err
    assert lists[CLUSTER].nodes.gap is None
    assert lists[CLUSTER].pods.gap.reason is Reason.TIMEOUT
    assert "--cluster-timeout" in lists[CLUSTER].pods.gap.detail
    assert lists[UNHARMED].pods.gap is None
    assert report["run"]["interrupted"] is False


def test_settings_hold_the_times_too(serve, contoso, tmp_path):
    simulator = serve(contoso)
    simulator.inject(Fault(match=rf"GET /clusters/{CLUSTER}/api/v1/pods\?", delay_seconds=HOUR, times=None))
    config = tmp_path / "akscan.yaml"
    config.write_text("limits: {timeout: 600, clusterTimeout: 1}")
    target = tmp_path / "x.akscan"
    outcome = akscan("collect", "-o", str(target), "--config", str(config), *azure_options(simulator))
    assert outcome.code == 0, outcome.err
    assert "the 1 s of --cluster-timeout" in inventory_of(target)[1][CLUSTER].pods.gap.detail


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("phase", [r"GET .*routeTables\?", rf"GET /clusters/{CLUSTER}/api/v1/pods\?"])
def test_a_signal_ends_the_scan_with_what_came_in(phase, number, contoso, serve, tmp_path):
    simulator = serve(contoso)
    simulator.inject(Fault(match=phase, delay_seconds=HOUR, times=None))
    # a shell starts background jobs with SIGINT ignored, and this test may run in one
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from akscan.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "scan", "-f", "json", "-o", str(tmp_path), *azure_options(simulator)],
        env={**os.environ, **simulator.environment},
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not simulator.faults_served and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=_DEADLINE_SECONDS)
    assert process.returncode == 2, err
    assert b"Traceback" not in err
    report = report_of(tmp_path)
    assert report["run"]["interrupted"] is True
    assert any("interrupted" in entry["reason"] for entry in report["notAssessed"])
    if "clusters" in phase:
        assert report["findings"]
