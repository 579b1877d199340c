"""Pseudonyms: no name is left in any format, the same name is the same word everywhere, and nothing else changes."""

import re
import zipfile
from importlib.metadata import EntryPoint

import msgspec
import pytest
from akscan.engine import Evaluation, SelectedRule
from akscan.inventory_file import InventoryFile, InventoryWriter
from akscan.model.azure import VirtualNetwork
from akscan.model.decode import encode
from akscan.model.inventory import SYSTEM_NAMESPACES
from akscan.model.kubernetes import OwnerReference, SecurityContext, StatefulSet
from akscan.plugins import load_rules, reporter_names
from akscan.pseudonyms.inventories import renamed
from akscan.pseudonyms.known import Known, known_to_rules
from akscan.pseudonyms.names import names_of_objects
from akscan.pseudonyms.reports import pseudonymized
from akscan.pseudonyms.words import replacer
from akscan.report_file import encode_report
from akscan.testing import container, inventory, node_class, pod_spec, secret_provider_class, workload
from hypothesis import given
from hypothesis import strategies as st
from support import akscan, azure_options, pairs, report_of

KEY = b"a key that nobody guesses"


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(KEY)
    return str(path)


def scan(saved, folder, *options, formats=("json",)):
    wanted = [part for name in formats for part in ("-f", name)]
    outcome = akscan("scan", "--inventory", str(saved), "-o", str(folder), *wanted, *options)
    assert outcome.code == 0, outcome.err
    return outcome


def names_of(report):
    """What identifies somebody: subscriptions, clusters, groups, and namespaces and objects of users."""
    subjects = [one for one in report["subjects"] if one["namespace"] not in SYSTEM_NAMESPACES]
    names = {one["name"] for one in subjects} | {one["namespace"] for one in subjects}
    names |= {one[key] for one in report["clusters"] for key in ("name", "subscription", "resourceGroup")}
    names |= {one["id"].split("/")[2] for one in report["clusters"]} | {report["run"]["identity"]}
    known = known_to_rules().words
    return {name for name in names if len(name) > 4 and name.casefold() not in known} - SYSTEM_NAMESPACES


def test_no_name_is_left_in_any_format(saved, key, tmp_path):
    scan(saved, tmp_path / "plain")
    names = names_of(report_of(tmp_path / "plain"))
    assert {"aks-payments-prod", "payments-api", "contoso"} & names
    scan(saved, tmp_path / "hidden", "--pseudonymize", key, formats=reporter_names())
    static = str(report_of(tmp_path / "plain")["rules"]).casefold()
    for path in (tmp_path / "hidden").iterdir():
        text = path.read_bytes().decode("utf-8", "replace").casefold()
        left = {name for name in names if name.casefold() in text and name.casefold() not in static}
        assert left == set(), path.name


def test_nothing_but_names_changes(saved, key, tmp_path):
    scan(saved, tmp_path / "plain")
    scan(saved, tmp_path / "hidden", "--pseudonymize", key)
    plain, hidden = report_of(tmp_path / "plain"), report_of(tmp_path / "hidden")
    assert [rule["counts"] for rule in plain["rules"]] == [rule["counts"] for rule in hidden["rules"]]
    assert [(one["rule"], one["severity"]) for one in plain["findings"]] == [
        (one["rule"], one["severity"]) for one in hidden["findings"]
    ]
    assert len({one["id"] for one in hidden["subjects"]}) == len(plain["subjects"])
    assert not {one["fingerprint"] for one in plain["findings"]} & {one["fingerprint"] for one in hidden["findings"]}


def test_a_later_report_of_the_same_key_can_be_compared(saved, key, tmp_path):
    scan(saved, tmp_path / "plain")
    scan(saved, tmp_path / "hidden", "--pseudonymize", key)
    again = ("report", str(tmp_path / "plain" / "akscan.json"), "-f", "json", "-o", str(tmp_path / "again"))
    assert akscan(*again, "--pseudonymize", key).code == 0
    outcome = akscan("diff", str(tmp_path / "hidden/akscan.json"), str(tmp_path / "again/akscan.json"), "-f", "json")
    assert msgspec.json.decode(outcome.out)["new"] == []
    (tmp_path / "other").write_bytes(KEY[::-1])
    scan(saved, tmp_path / "third", "--pseudonymize", str(tmp_path / "other"))
    ids = {one["id"] for one in report_of(tmp_path / "hidden")["clusters"]}
    assert not ids & {one["id"] for one in report_of(tmp_path / "third")["clusters"]}


def test_a_key_that_could_be_guessed_is_an_error(saved, tmp_path):
    (tmp_path / "short").write_bytes(b"secret")
    outcome = akscan("scan", "--inventory", str(saved), "--pseudonymize", str(tmp_path / "short"))
    assert (outcome.code, "at least 16 bytes" in outcome.err) == (2, True)


def test_names_that_only_the_inventory_knows_are_replaced_too(saved, key, tmp_path):
    with InventoryFile(saved) as file:
        networks = {one.name for one in file.azure().resources[VirtualNetwork.arm_type]}
    scan(saved, tmp_path / "hidden", "--pseudonymize", key)
    text = (tmp_path / "hidden" / "akscan.json").read_text("utf-8")
    assert [name for name in networks if name in text] == []


@pytest.fixture
def collected(saved, serve, contoso, key, tmp_path):
    """Contoso collected under pseudonyms, at the time of ``saved``."""
    live, target = tmp_path / "live.akscan", tmp_path / "hidden.akscan"
    outcome = akscan("collect", "--pseudonymize", key, "-o", str(live), *azure_options(serve(contoso)))
    assert outcome.code == 0, outcome.err
    with InventoryFile(saved) as file, InventoryFile(live) as hidden, InventoryWriter(target) as writer:
        writer.add_azure(hidden.azure())
        for cluster_id in hidden.members:
            writer.add_cluster(cluster_id, hidden.cluster(cluster_id))
        times = {"started": file.manifest.started, "finished": file.manifest.finished}
        writer.finish(msgspec.structs.replace(hidden.manifest, **times))
    return target


def test_an_inventory_under_pseudonyms_holds_no_name(saved, collected, tmp_path):
    scan(saved, tmp_path / "plain")
    names = {name.casefold() for name in names_of(report_of(tmp_path / "plain"))}
    with zipfile.ZipFile(collected) as file:
        for member in file.infolist():
            words = set(re.findall(r"[a-z0-9][a-z0-9.-]*", f"{member.filename} {file.read(member)}".casefold()))
            assert names & words == set(), member.filename


def test_an_inventory_is_judged_alike_with_and_without_pseudonyms(saved, collected, key, tmp_path):
    scan(saved, tmp_path / "plain", "--pseudonymize", key)
    scan(collected, tmp_path / "hidden")
    plain, hidden = pairs(report_of(tmp_path / "plain")), pairs(report_of(tmp_path / "hidden"))
    assert plain.keys() == hidden.keys()
    different = {(key[0], status) for key, status in hidden.items() if plain[key] != status}
    # by patterns, which fit no pseudonym, the priority expander chooses pools
    assert different == {("SPT-012", "not_assessed")}


def test_what_is_saved_beside_a_report_without_names_has_none_either(serve, contoso, key, tmp_path):
    kept = tmp_path / "kept.akscan"
    options = ("--save", str(kept), "-f", "json", "-o", str(tmp_path / "out"), "--pseudonymize", key)
    assert akscan("scan", *options, *azure_options(serve(contoso))).code == 0
    with InventoryFile(kept) as file:
        assert {one.name for one in file.manifest.scope.clusters} == {
            one["name"] for one in report_of(tmp_path / "out")["clusters"]
        }
        assert "aks-payments-prod" not in {one.name for one in file.manifest.scope.clusters}


def test_the_owner_of_what_an_operator_made_has_a_pseudonym():
    owner = OwnerReference(
        kind="Prometheus", name="zz-payments", uid="p", controller=True, api_version="example.com/v1"
    )
    privileged = container(security_context=SecurityContext(privileged=True))
    world = inventory(workload(StatefulSet, spec=pod_spec(privileged), owner_references=(owner,)))
    assert "zz-payments" in set(names_of_objects(world.clusters[0].lists))
    rules = [SelectedRule.of(rule) for rule in load_rules() if rule.id == "WKL-002"]
    report = Evaluation(rules, world).finish(world.manifest)
    (finding,) = report.findings
    assert finding.evidence["ownerReferences"] == "Prometheus zz-payments"
    assert b"zz-payments" not in encode_report(pseudonymized(report, KEY))


def test_names_of_azure_that_only_kubernetes_tells_are_replaced_too():
    elsewhere = "/subscriptions/99999999-0000-4000-8000-000000000001/resourceGroups/rg-faraway/providers"
    subnet = f"{elsewhere}/Microsoft.Network/virtualNetworks/vnet-faraway/subnets/snet-faraway"
    image = "acrfaraway.azurecr.io/team/app:1"
    spec = pod_spec(container("app", image=image))
    things = [node_class(subnet_id=subnet), secret_provider_class("kv-faraway"), *workload(spec=spec)]
    lists = inventory(*things).clusters[0].lists
    hidden = renamed(lists, replacer(names_of_objects(lists), KEY, known_to_rules()))
    assert "faraway" in str(encode(lists))
    assert "faraway" not in str(encode(hidden))
    assert ".azurecr.io/team/" in str(encode(hidden))


def test_a_pack_that_is_one_module_keeps_its_literals(monkeypatch, tmp_path):
    (tmp_path / "one_rule.py").write_text('NAMES = ("contoso-agent",)\n', encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint(name="one", value="one_rule", group="akscan.rules")
    with monkeypatch.context() as patch:
        patch.setattr("akscan.plugins.entry_points", lambda group: [entry] if group == entry.group else [])
        known_to_rules.cache_clear()
        assert "contoso-agent" in known_to_rules().words
    known_to_rules.cache_clear()


@given(st.lists(st.text(alphabet="ab-.", min_size=2, max_size=8), max_size=5), st.text(alphabet="ab-. ", max_size=30))
def test_what_stands_by_itself_is_replaced_whole(names, text):
    names = [name for name in names if name[0] not in "-." and name[-1] not in "-."]
    replaced = replacer(names, KEY, Known())(text)
    assert replacer(names, KEY, Known())(text) == replaced
    for name in names:
        assert f" {name} " not in f" {replaced} "
    if not names:
        assert replaced == text
