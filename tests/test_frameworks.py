"""What reports say of the controls of frameworks, and the door through which packs bring frameworks along."""

import json
from collections.abc import Iterator

import pytest
from akscan.engine import Evaluation, SelectedRule
from akscan.errors import AkscanError
from akscan.frameworks import By, CoveredFramework, Framework
from akscan.plugins import load_frameworks, load_rules
from akscan.sdk import (
    Cluster,
    ControlStatus,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    Vault,
    rule,
)
from akscan.testing import cluster, inventory, node_pool
from support import akscan, report_of

TEXT = """
id: house_rules
title: Rules of the house
version: "3"
as_of: 2026-11-01
stale_after_days: 21
sources: [https://house.example/rules]
controls:
- {id: H-1, title: The door is shut}
- {id: H-2, title: Somebody looks, by: hand}
- {id: H-3, title: AKS looks, by: AKS}
"""


def judge(name, number):
    """A rule on clusters whose label on nodes says what becomes of it."""

    @rule(
        f"TST-{number:03}", Severity.LOW, Pillar.SECURITY, needs=[Need.MANAGED_CLUSTERS], fix=Fix("", Disruption.NONE)
    )
    def judged(subject: Cluster, inventory: Inventory) -> Iterator[Finding]:
        """Title.

        Why.

        **Fix**: how.
        """
        what = subject.pools[0].properties.node_labels.get(name, "pass")
        if what == "fail":
            yield Finding("wrong", {})
        elif what == "not_applicable":
            raise NotApplicable("no question")
        elif what == "not_assessed":
            inventory.require_complete(Vault)
        elif what == "error":
            raise RuntimeError("boom")

    return judged


FIRST, SECOND = judge("first", 1), judge("second", 2)
COVERING = [("TST-001", {"house_rules": ("H-1",)}), ("TST-002", {"house_rules": ("H-1", "H-9"), "other": ("H-2",)})]


def status(clusters, rules=(FIRST, SECOND), covering=COVERING):
    clusters = [cluster(f"aks-{n}", pools=[node_pool(node_labels=labels)]) for n, labels in enumerate(clusters)]
    world = inventory(*clusters, unreadable=[Need.VAULTS])
    covered = CoveredFramework.of(Framework.read(TEXT, "house.yaml"), covering)
    report = Evaluation([SelectedRule.of(one) for one in rules], world, [covered]).finish(world.manifest)
    return report.frameworks[0]


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [
        pytest.param([{}], "pass", id="all pass"),
        pytest.param([{}, {"first": "fail"}], "fail", id="one fails on one cluster"),
        pytest.param([{"first": "fail", "second": "not_assessed"}], "fail", id="failed and unknown"),
        pytest.param([{}, {"second": "not_assessed"}], "not_assessed", id="one is unknown on one cluster"),
        pytest.param([{}, {"second": "error"}], "not_assessed", id="one broke on one cluster"),
        pytest.param([{"first": "not_applicable"}], "pass", id="one does not apply"),
        pytest.param(
            [{"first": "not_applicable", "second": "not_applicable"}], "not_applicable", id="none of them applies"
        ),
        pytest.param(
            [{"first": "not_applicable", "second": "not_assessed"}], "not_assessed", id="the other is unknown"
        ),
    ],
)
def test_the_status_of_a_control_is_that_of_its_rules(clusters, expected):
    result = status(clusters)
    assert result.controls[0].status == expected
    assert result.controls[0].rules == ("TST-001", "TST-002")


def test_a_rule_that_is_off_is_unknown():
    (control, *_) = status([{}], rules=[FIRST]).controls
    assert (control.status, control.rules, control.rules_off) == ("not_assessed", ("TST-001",), ("TST-002",))
    assert status([{"first": "fail"}], rules=[FIRST]).controls[0].status == "fail"


def test_without_rules_a_control_is_what_the_framework_says():
    assert [control.status for control in status([{}], covering=[]).controls] == [
        ControlStatus.NONE,
        ControlStatus.MANUAL,
        ControlStatus.MANAGED,
    ]


def test_an_old_list_is_called_stale():
    assert not status([{}]).is_stale
    older = TEXT.replace("2026-11-01", "2026-10-31")
    world = inventory(cluster())
    covered = CoveredFramework.of(Framework.read(older, "house.yaml"), [])
    assert Evaluation([], world, [covered]).finish(world.manifest).frameworks[0].is_stale


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("title: Rules", "titel: Rules"), "house.yaml: Object contains unknown field `titel`"),
        (("by: hand", "by: nobody"), "house.yaml: Invalid enum value 'nobody' - at `$.controls[1].by`"),
        (("id: H-2", "id: H-1"), "house.yaml: control H-1 stands twice"),
        (("2026-11-01", "soon"), "house.yaml: Invalid RFC3339 encoded date - at `$.as_of`"),
        (("- {id: H-1", "- {id: [H-1"), "house.yaml: while parsing"),
    ],
)
def test_bad_lists_are_errors_that_say_where(change, message):
    with pytest.raises(AkscanError, match=message.replace("[", r"\[").replace("$", r"\$")):
        Framework.read(TEXT.replace(*change), "house.yaml")


# --- the frameworks of the built-in pack


def test_every_control_of_the_benchmark_has_its_place():
    cis, mcsb = load_frameworks()
    sections = {}
    for control in cis.framework.controls:
        sections.setdefault(control.id.rpartition(".")[0], []).append(int(control.id.rpartition(".")[2]))
    sizes = {"2.1": 1, "3.1": 4, "3.2": 9, "4.1": 12, "4.2": 5, "4.4": 2, "4.5": 2, "4.6": 3}
    sizes |= {"5.1": 4, "5.2": 1, "5.3": 1, "5.4": 5, "5.5": 2}
    assert sections == {section: list(range(1, size + 1)) for section, size in sizes.items()}
    assert mcsb.framework.name == "mcsb"


def test_a_scan_reports_every_framework(saved, tmp_path):
    outcome = akscan("scan", "--inventory", str(saved), "-f", "json", "-o", str(tmp_path))
    assert outcome.code == 0
    report = report_of(tmp_path)
    failed = {finding["rule"] for finding in report["findings"]}
    by_rule = {rule["id"]: rule for rule in report["rules"]}
    for covered, told in zip(load_frameworks(), report["frameworks"], strict=True):
        assert told["name"] == covered.framework.name
        for control in told["controls"]:
            assert tuple(control["rules"]) == covered.rules[control["id"]]
            assert (control["status"] == "fail") == bool(failed & set(control["rules"]))
            if control["status"] == "pass":
                counts = [by_rule[one]["counts"] for one in control["rules"]]
                assert sum(one["pass"] for one in counts)
                assert not sum(one["fail"] + one["not_assessed"] + one["error"] for one in counts)
            if not control["rules"]:
                assert control["status"] in ("manual", "managed", "none")


def test_one_rule_alone_passes_no_control_of_several(saved, tmp_path):
    akscan("scan", "--inventory", str(saved), "--rule", "API-004", "-f", "json", "-o", str(tmp_path))
    for framework in report_of(tmp_path)["frameworks"]:
        assert "pass" not in {control["status"] for control in framework["controls"] if control["rulesOff"]}


def test_controls_are_listed_with_their_rules():
    listed = akscan("rules", "--framework", "cis-aks")
    assert listed.code == 0
    lines = {line.partition(" ")[0]: line for line in listed.out.splitlines() if line[:1].isdigit()}
    cis = load_frameworks()[0]
    assert list(lines) == [control.id for control in cis.framework.controls]
    for control in cis.framework.controls:
        assert control.title in lines[control.id]
        assert lines[control.id].endswith(", ".join(cis.rules[control.id]) or control.by.status.label)
    told = json.loads(akscan("rules", "--framework", "CIS_AKS", "--format", "json").out)["framework"]
    assert [control["id"] for control in told["controls"]] == list(lines)
    assert {control["id"]: tuple(control["rules"]) for control in told["controls"]} == cis.rules
    named = {one for found in load_rules() for one in found.frameworks.get("cis_aks", ())}
    assert {control["id"] for control in told["controls"] if control["rules"]} == named


def test_an_unknown_framework_is_an_error_that_lists_the_known():
    outcome = akscan("rules", "--framework", "pci")
    assert outcome.code == 2
    assert "there is no framework 'pci'" in outcome.err
    assert "frameworks: cis-aks, mcsb" in outcome.err


# --- the door


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """Install a pack without rules, by entry point."""

    def install(text):
        name = f"house_{abs(hash(text))}"
        (tmp_path / f"{name}.py").write_text(f"from akscan.sdk import Framework\nTEXT = '''{TEXT}'''\n{text}\n")
        meta = tmp_path / f"{name}-1.dist-info"
        meta.mkdir()
        (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (meta / "entry_points.txt").write_text(f"[akscan.rules]\nhouse = {name}\n")
        monkeypatch.syspath_prepend(tmp_path)

    return install


def test_a_pack_brings_frameworks_along(pack):
    pack("def frameworks():\n    return [Framework.read(TEXT, 'house.yaml')]")
    outcome = akscan("rules", "--framework", "house-rules")
    assert outcome.code == 0
    assert "H-2  Somebody looks    manual" in outcome.out
    assert "H-3  AKS looks         managed by AKS" in outcome.out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def frameworks():\n    return [3]", "returns 3, which is no Framework"),
        ("def frameworks():\n    return [Framework.read(TEXT, 'x')] * 2", "framework house-rules stands twice"),
        ("def frameworks():\n    return [Framework.read('id: 3', 'x.yaml')]", "x.yaml: "),
    ],
)
def test_a_pack_that_brings_nonsense_is_an_error(pack, text, message):
    pack(text)
    outcome = akscan("rules", "--framework", "house-rules")
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_who_sees_to_a_control_is_told_apart():
    assert len({by.status for by in By}) == len(By)
