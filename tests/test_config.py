"""``akscan.yaml``: what it changes, and where its errors point."""

import pytest
from akscan.config import load_config, select_rules
from akscan.errors import AkscanError
from akscan.plugins import load_rules
from akscan.results import Severity
from support import akscan

GOOD = """\
scope:
  subscriptions: [one]
rules:
  API-001:
    severity: low
    parameters: {widest_ipv4_prefix: 8}
  API-002: {enabled: false}
gates:
  failOn: high
  minCoverage: 80
systemNamespaces: [platform]
"""


def config(tmp_path, text):
    path = tmp_path / "akscan.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_anchor_that_leaves_the_repository_is_an_error(tmp_path):
    path = config(tmp_path, "anchors:\n  aks-shop: {file: infra/aks.tf, line: 12}\n  aks-lab:\n    file: ../up.tf\n")
    with pytest.raises(AkscanError, match=r"akscan.yaml:4: anchors.aks-lab.file: expected a path within"):
        load_config(path)


def test_what_a_file_changes(tmp_path):
    loaded = load_config(config(tmp_path, GOOD))
    assert loaded.config.gates.fail_on is Severity.HIGH
    assert "platform" in loaded.config.all_system_namespaces
    assert "kube-system" in loaded.config.all_system_namespaces
    selected = {s.rule.id: s for s in select_rules(load_rules(), loaded, [], [])}
    assert "API-002" not in selected
    assert selected["API-001"].severity is Severity.LOW
    assert selected["API-001"].parameters["widest_ipv4_prefix"] == 8
    assert selected["API-001"].parameters["widest_ipv6_prefix"] == 32


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("gates:\n  failon: high\n", 2, "gates.failon"),
        ("scope: {}\nrulez: {}\n", 2, "rulez"),
        ("rules:\n  API-001:\n    sevirity: low\n", 3, "rules.API-001.sevirity"),
        ("rules:\n  API-001: {}\n  API-002:\n    severity: bad\n", 4, "rules.API-002.severity"),
        ("rules:\n  NOP-001: {}\n", 2, "rules.NOP-001"),
        ("rules:\n  API-001:\n    parameters:\n      widest: 8\n", 4, "rules.API-001.parameters.widest"),
        ("rules:\n  API-001:\n    parameters:\n      widest_ipv4_prefix: wide\n", 4, "widest_ipv4_prefix"),
        ("scope:\n  names: [a]\n  names: [b]\n", 3, "scope.names"),
        ("scope:\n  names:\n  - 7\n", 3, "scope.names"),
        ("gates: [\n", 2, "no YAML"),
        ("- a\n", 1, "expected a mapping"),
        ("rules: [a]\n", 1, "rules"),
    ],
)
def test_errors_name_file_line_and_key(text, line, key, tmp_path):
    path = config(tmp_path, text)
    with pytest.raises(AkscanError) as caught:
        select_rules(load_rules(), load_config(path), [], [])
    assert f"{path}:{line}:" in str(caught.value)
    assert key in str(caught.value)


def test_the_file_of_the_working_directory_counts(tmp_path, monkeypatch, saved):
    monkeypatch.chdir(tmp_path)
    config(tmp_path, "gates: {failOn: critical}\nrules: {API-001: {severity: critical}}\n")
    assert akscan("scan", "--inventory", str(saved), "-f", "json", "-o", str(tmp_path)).code == 1
    config(tmp_path, "gates: {minCoverage: 100}\n")
    assert akscan("scan", "--inventory", str(saved), "-f", "json", "-o", str(tmp_path)).code == 2


@pytest.mark.parametrize("name", ["armEndpoint", "armAudience", "authority", "caFile"])
def test_a_file_that_merely_lies_there_does_not_say_whom_to_trust(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = config(tmp_path, f"cloud:\n  name: custom\n  {name}: https://elsewhere.example\n")
    found = akscan("scan")
    assert found.code == 2
    assert f"akscan.yaml:3: cloud.{name}: counts only in a file that --config names" in found.err
    named = akscan("scan", "--config", str(path))
    assert "counts only" not in named.err


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    outcome = akscan("scan", "--config", str(tmp_path / "no.yaml"))
    assert outcome.code == 2
    assert "no.yaml" in outcome.err


def test_rules_by_id_and_prefix(tmp_path):
    loaded = load_config(config(tmp_path, "rules: {API-001: {enabled: false}}\n"))

    def ids(only, skip):
        return [s.rule.id for s in select_rules(load_rules(), loaded, only, skip)]

    api = [rule.id for rule in load_rules() if rule.id.startswith("API-")]
    assert {"API-001", "API-002", "API-004"} <= set(api)
    assert ids(["api"], []) == api
    assert ids(["API"], ["API-004"]) == [rule_id for rule_id in api if rule_id != "API-004"]
    assert "API-001" not in ids([], [])
    with pytest.raises(AkscanError, match="fits no rule"):
        ids(["XYZ"], [])
    with pytest.raises(AkscanError, match="fits no rule"):
        ids([], ["XYZ-1"])


def test_an_information_uri_is_a_page_of_the_web(tmp_path):
    path = config(tmp_path, "gates: {}\ninformationUri: javascript:alert(1)\n")
    with pytest.raises(AkscanError, match=r"akscan.yaml:2: informationUri: Expected"):
        load_config(path)
