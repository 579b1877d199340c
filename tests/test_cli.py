"""The command line itself: help, errors, packs, and what a start costs."""

import json
import os
import subprocess
import sys
import textwrap

import pytest
from akscan.collect.cloud import cloud_named
from akscan.errors import AkscanError
from akscan.plugins import load_rules
from support import akscan


def test_help_names_every_command():
    outcome = akscan("--help")
    assert outcome.code == 0
    for command in ("scan", "collect", "doctor", "rules", "report", "demo"):
        assert command in outcome.out


@pytest.mark.parametrize("arguments", [["--help"], ["rules"], ["scan", "--help"], ["doctor", "--help"]])
def test_a_start_imports_neither_azure_nor_kubernetes(arguments):
    program = f"""
        import sys
        from akscan.cli import run
        assert run({arguments!r}) == 0
        heavy = [name for name in sys.modules if name.split(".")[0] in ("azure", "kubernetes", "aiohttp", "requests")]
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True)


def test_rules_are_listed_and_explained():
    listed = json.loads(akscan("rules", "--format", "json").out)
    assert [rule["id"] for rule in listed["rules"]] == [rule.id for rule in load_rules()]
    text = akscan("rules").out
    shown = akscan("rules", "show", "api-001")
    assert shown.code == 0
    for rule in listed["rules"]:
        assert rule["id"] in text
    title = next(rule["title"] for rule in listed["rules"] if rule["id"] == "API-001")
    for part in (title, "Fix:", "az aks update", "widest_ipv4_prefix", "cis_aks"):
        assert part in shown.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rules", "show", "NOP-001"], "there is no rule 'NOP-001'"),
        (["scan", "--format", "pdf", "--inventory", "x"], "there is no format 'pdf'"),
        (["scan", "--nonsense"], "No such option"),
        (["nonsense"], "No such command"),
        (["scan", "--cloud", "custom"], "--arm-endpoint"),
        (["scan", "--arm-endpoint", "https://x"], "--cloud custom"),
        (["scan", "--cloud", "custom", "--arm-endpoint", "http://x"], "https"),
        (["scan", "--ca-file", "/no/such/file"], "/no/such/file"),
        (["scan", "--fail-on", "terrible"], "terrible"),
        (["scan", "--inventory", "a", "--save", "b"], "--save"),
        (["collect", "-o", "/no/such/folder/x.akscan"], "cannot be written"),
    ],
)
def test_wrong_calls_end_with_two_and_a_sentence(arguments, message):
    outcome = akscan(*arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("name", "host", "authority"),
    [
        ("public", "management.azure.com", "login.microsoftonline.com"),
        ("usgov", "management.usgovcloudapi.net", "login.microsoftonline.us"),
        ("china", "management.chinacloudapi.cn", "login.chinacloudapi.cn"),
    ],
)
def test_clouds(name, host, authority):
    cloud = cloud_named(name, arm_endpoint="", arm_audience="", authority="", ca_file="")
    assert cloud.arm_endpoint == f"https://{host}"
    assert cloud.arm_scope == f"https://{host}/.default"
    assert cloud.authority == authority


def test_a_custom_cloud_takes_its_audience_from_the_endpoint():
    cloud = cloud_named("custom", arm_endpoint="https://arm.example/", arm_audience="", authority="", ca_file="")
    assert cloud.arm_scope == "https://arm.example/.default"


PACK = '''
from collections.abc import Iterator
from akscan.sdk import Cluster, Disruption, Finding, Fix, Inventory, Need, Pillar, Severity, rule

@rule("{id}", Severity.LOW, Pillar.SECURITY, needs=[Need.MANAGED_CLUSTERS], fix=Fix("az x", Disruption.NONE))
def from_elsewhere({signature}) -> Iterator[Finding]:
    """{doc}"""
    {body}
'''
DOC = "Title.\n\n    Why.\n\n    **Fix**: how.\n    "
SIGNATURE = "cluster: Cluster, inventory: Inventory"


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """Install a third-party pack by entry point."""

    def install(*, rule_id="EXT-001", signature=SIGNATURE, doc=DOC, body='yield Finding("always")'):
        name = f"pack_{abs(hash((rule_id, signature, doc, body)))}"
        (tmp_path / f"{name}.py").write_text(PACK.format(id=rule_id, signature=signature, doc=doc, body=body))
        meta = tmp_path / f"{name}-1.dist-info"
        meta.mkdir()
        (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (meta / "entry_points.txt").write_text(f"[akscan.rules]\nextra = {name}\n")
        monkeypatch.syspath_prepend(tmp_path)
        return tmp_path / f"{name}.py"

    return install


def test_a_third_party_pack_comes_through_the_same_door(pack, saved, tmp_path):
    pack()
    assert "EXT-001" in akscan("rules").out
    outcome = akscan(
        "scan", "--inventory", str(saved), "--rule", "EXT", "--fail-on", "low", "-f", "json", "-o", str(tmp_path)
    )
    assert outcome.code == 1


def test_a_rule_that_crashes_is_an_error_and_the_others_go_on(pack, saved, tmp_path):
    pack(body='raise RuntimeError("boom")\n    yield')
    outcome = akscan("scan", "--inventory", str(saved), "-f", "json", "-o", str(tmp_path))
    assert outcome.code == 2
    assert "EXT-001" in outcome.err
    report = json.loads((tmp_path / "akscan.json").read_text())
    assert {error["rule"] for error in report["errors"]} == {"EXT-001"}
    assert "RuntimeError: boom" in report["errors"][0]["message"]
    assert report["findings"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signature": "cluster: Cluster"}, "it takes"),
        ({"signature": "cluster: Cluster, inventory: Inventory, extra: int"}, "it takes"),
        ({"signature": "cluster: int, inventory: Inventory"}, "kind of subject"),
        ({"signature": "cluster, inventory: Inventory"}, "kind of subject"),
        ({"signature": "cluster: Cluster, inventory: int"}, "annotated Inventory"),
        ({"signature": "cluster: Cluster, inventory: Inventory, *, days: int"}, "days has a type and a default"),
        ({"signature": "cluster: Cluster, inventory: Inventory, *, days=3"}, "days has a type and a default"),
        ({"body": "return iter(())"}, "no generator"),
        ({"doc": "Title only."}, "docstring"),
        ({"rule_id": "API-001"}, "stands twice"),
    ],
)
def test_a_bad_rule_fails_at_load_with_file_and_line(change, message, pack):
    path = pack(**change)
    outcome = akscan("rules", "--format", "json")
    assert outcome.code == 2
    assert message in outcome.err
    assert str(path) in outcome.err


def test_without_a_sign_in_two_lines_say_so(tmp_path):
    path = os.environ | {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    path = {key: value for key, value in path.items() if not key.startswith(("AZURE_", "IDENTITY_", "MSI_"))}
    scan = [sys.executable, "-m", "akscan", "scan", "--auth", "cli"]
    ended = subprocess.run(scan, env=path, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "akscan: error: no sign-in to Azure: Azure CLI not found on path",
        "  hint: az login, or choose another --auth; akscan --debug shows every attempt",
    ]


def test_errors_are_for_people():
    error = AkscanError("what", "hint")
    assert (str(error), error.hint) == ("what", "hint")
