"""SARIF as GitHub code scanning takes it."""

import copy
import io
import itertools
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest
from akscan.sdk import (
    Anchor,
    Carried,
    Change,
    CoverageFigure,
    Need,
    Presentation,
    Report,
    SarifProfile,
    Severity,
    SubjectRef,
    WaiverResult,
    WaiverStatus,
)
from akscan.testing import cluster
from akscan.writing import write_reports
from akscan_reports import sarif
from jsonschema import Draft4Validator, FormatChecker

SCHEMA = json.loads((Path(__file__).parents[1] / "data" / "sarif" / "sarif-schema-2.1.0.json").read_text("utf-8"))


def written(report: Report, profile: SarifProfile = SarifProfile.GITHUB, **presentation: object) -> dict:
    out = io.BytesIO()
    sarif.write(report, out, Presentation(sarif_profile=profile, **presentation))
    return json.loads(out.getvalue())


def results(log: dict) -> list[dict]:
    return [result for run in log["runs"] for result in run["results"]]


def uri(result: dict) -> str:
    return result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


def notes(run: dict) -> list[dict]:
    return run["invocations"][0].get("toolExecutionNotifications", [])


def renumbered(report: Report, clusters: int, each: int) -> Report:
    """As many findings in as many clusters, after the pattern of the report's first one."""
    pattern = next(finding for finding in report.findings if finding.subject.kind == "deployment")
    base = report.clusters[0].id
    ids = [f"{base}{number:03}" for number in range(clusters)]
    severities = itertools.cycle([Severity.MEDIUM] * 9 + [Severity.HIGH])
    findings = [
        msgspec.structs.replace(
            pattern,
            severity=severity,
            fingerprint=f"{number * each + position:032x}",
            subject=SubjectRef(
                id=f"{key}/deployments/{position}", kind="deployment", name=f"d{position}", namespace="n", cluster=key
            ),
        )
        for number, key in enumerate(ids)
        for position, severity in zip(range(each), severities, strict=False)
    ]
    facts = [
        msgspec.structs.replace(report.clusters[0], id=key, name=f"aks{number:03}") for number, key in enumerate(ids)
    ]
    return msgspec.structs.replace(
        report,
        clusters=tuple(facts),
        subjects=tuple(finding.subject for finding in findings),
        findings=tuple(sorted(findings, key=lambda f: (f.severity.rank, f.rule.id, f.subject.id))),
        passed=(),
        not_applicable=(),
        not_assessed=(),
        errors=(),
        coverage=msgspec.structs.replace(
            report.coverage, clusters=dict.fromkeys(ids, CoverageFigure(assessed=each, applicable=each))
        ),
    )


# --- the form


def test_it_keeps_to_the_schema_of_oasis(fleet, hostile):
    validator = Draft4Validator(SCHEMA, format_checker=FormatChecker())
    for report in (fleet, hostile, renumbered(fleet, 21, 1), Report(run=fleet.run)):
        validator.validate(written(report))


def test_every_finding_is_a_result_of_its_cluster(fleet):
    log = written(fleet)
    assert len(results(log)) == len(fleet.findings) == 29
    assert [run["automationDetails"]["id"] for run in log["runs"]] == [
        "akscan/00000000/rg-other/aks-shop/",
        "akscan/00000000/rg-test/aks-intranet/",
        "akscan/00000000/rg-test/aks-shop/",
    ]
    assert [len(run["results"]) for run in log["runs"]] == [14, 1, 14]


def test_a_result_says_where_and_what(fleet):
    result = next(r for r in results(written(fleet)) if r["ruleId"] == "WRK-901")
    finding = next(f for f in fleet.findings if f.fingerprint == result["partialFingerprints"]["akscan/v1"])
    assert result["message"]["text"] == (
        "deployment shop/web-00 in rg-other/aks-shop: container app requests no memory."
    )
    assert uri(result) == "akscan/00000000/rg-other/aks-shop/deployment/shop/web-00.json"
    assert result["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 1,
        "startColumn": 1,
        "endLine": 1,
        "endColumn": 1,
    }
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == finding.subject.id
    assert result["partialFingerprints"]["primaryLocationLineHash"] == f"{finding.fingerprint[:16]}:1"


def test_rules_carry_their_texts_and_scores(fleet):
    rules = {rule["id"]: rule for rule in written(fleet)["runs"][0]["tool"]["driver"]["rules"]}
    private = rules["API-901"]
    assert private["name"] == "ApiServerIsPrivate"
    assert private["helpUri"] == "https://learn.microsoft.com/azure/aks/private-clusters"
    assert private["shortDescription"]["text"] == "The API server has no public address."
    assert private["fullDescription"]["text"].endswith("answers in the virtual network only.")
    assert "**Fix** (disturbs: recreate cluster): create the cluster anew" in private["help"]["markdown"]
    assert "```sh\naz aks create" in private["help"]["markdown"]
    assert private["properties"]["security-severity"] == "8.0"
    assert {"security", "cis_aks/5.4.2"} <= set(private["properties"]["tags"])
    assert rules["SEC-901"]["properties"]["security-severity"] == "9.5"
    assert rules["WRK-901"]["properties"]["problem.severity"] == "warning"
    assert "security-severity" not in rules["WRK-901"]["properties"]


def test_the_severity_in_force_counts(fleet):
    findings = tuple(msgspec.structs.replace(finding, severity=Severity.LOW) for finding in fleet.findings)
    log = written(msgspec.structs.replace(fleet, findings=findings))
    rules = {rule["id"]: rule for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    assert rules["API-901"]["properties"]["security-severity"] == "2.5"
    assert {result["level"] for result in results(log)} == {"note"}


# --- what is unknown


def test_what_is_not_assessed_is_a_notification_and_no_result(fleet):
    run = written(fleet)["runs"][0]
    unknown, failed = notes(run)
    assert unknown["message"]["text"] == ("SEC-901 is not assessed for 1 subject: list secrets is missing on aks-shop.")
    assert unknown["associatedRule"] == {"id": "SEC-901", "index": 1}
    assert unknown["level"] == "warning"
    assert (
        failed["message"]["text"] == "WRK-901 failed on deployment shop/crash in rg-other/aks-shop: ValueError: crash."
    )
    assert failed["level"] == "error"


def test_a_run_in_which_a_rule_failed_was_not_successful(fleet):
    run, sound = written(fleet)["runs"][:2]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert {note["level"] for note in notes(sound)} <= {"warning"}
    assert sound["invocations"][0]["executionSuccessful"] is True


def test_an_interrupted_scan_was_not_successful(fleet):
    run = msgspec.structs.replace(fleet.run, interrupted=True)
    log = written(msgspec.structs.replace(fleet, run=run))
    assert [run["invocations"][0]["executionSuccessful"] for run in log["runs"]] == [False] * 3


def test_a_cluster_of_which_nothing_was_assessed_has_no_category(make_report):
    """An upload without results would close its alerts."""
    report = make_report(cluster("lost"), unreadable=(Need.MANAGED_CLUSTERS, Need.SECRETS, Need.PODS))
    (run,) = written(report)["runs"]
    assert run["automationDetails"]["id"] == "akscan/without-results/"
    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"] is False
    assert {note["associatedRule"]["id"] for note in notes(run)} == {"API-901", "SEC-901", "WRK-901"}


def test_a_clean_cluster_has_an_empty_list_of_results(make_report):
    (run,) = written(make_report(cluster("clean")))["runs"]
    assert run["automationDetails"]["id"] == "akscan/00000000/rg-test/clean/"
    assert run["results"] == []


# --- names


def test_names_make_relative_paths_and_whole_sentences(hostile, hostile_names):
    log = written(hostile)
    assert len(results(log)) == 3 * len(hostile_names) + 1
    for result in results(log):
        assert re.fullmatch(r"akscan(/([a-z0-9._~-]|%[0-9A-F]{2})+)+\.json", uri(result))
        assert len(uri(result)) < 1_500
        assert not set(uri(result).split("/")) & {".", ".."}
        text = result["message"]["text"]
        assert text.isprintable()
        assert text.endswith(".")
        assert not re.search(r"(?<!\{)\{\d+\}", text)
        assert not re.search(r"(?<!\\)\[[^\]]*[^\\\]]\]\(", text)
    assert any(r"\[click\](https://evil.example)" in result["message"]["text"] for result in results(log))
    assert any(unquote(uri(result)).endswith("/<script>alert(1)</script>.json") for result in results(log))


def test_long_names_that_differ_at_their_end_have_different_paths(make_report, deployments):
    paths = {uri(result) for result in results(written(make_report(deployments("n" * 9_000 + "a", "n" * 9_000 + "b"))))}
    assert len(paths) == 2


def test_two_clusters_never_share_a_category(fleet):
    twin = fleet.clusters[0].id.replace("00000000-0000", "00000000-ffff", 1)
    figure = fleet.coverage.clusters[fleet.clusters[0].id]
    report = msgspec.structs.replace(
        fleet,
        clusters=(*fleet.clusters, msgspec.structs.replace(fleet.clusters[0], id=twin)),
        coverage=msgspec.structs.replace(fleet.coverage, clusters={**fleet.coverage.clusters, twin: figure}),
    )
    categories = [run["automationDetails"]["id"] for run in written(report)["runs"]]
    assert len(categories) == len({category.casefold() for category in categories}) == 4


# --- limits


def test_twenty_clusters_fit(fleet):
    log = written(renumbered(fleet, 20, 1))
    assert len(log["runs"]) == 20
    assert all(len(run["results"]) == 1 for run in log["runs"])


def test_more_clusters_take_more_files(fleet):
    report = renumbered(fleet, 43, 1)
    assert sarif.parts(report, Presentation()) == 3
    logs = [written(report, part=part) for part in range(3)]
    assert [len(log["runs"]) for log in logs] == [20, 20, 3]
    categories = [run["automationDetails"]["id"] for log in logs for run in log["runs"]]
    assert len(set(categories)) == 43


def test_clusters_without_results_are_named_in_the_last_file(fleet):
    report = renumbered(fleet, 21, 1)
    first, *others = report.coverage.clusters.items()
    unread = {first[0]: CoverageFigure(assessed=0, applicable=5), **dict(others)}
    report = msgspec.structs.replace(
        report, coverage=msgspec.structs.replace(report.coverage, clusters=unread), findings=report.findings[1:]
    )
    assert sarif.parts(report, Presentation()) == 2
    assert len(written(report)["runs"]) == 20
    (last,) = written(report, part=1)["runs"]
    assert (last["results"], last["automationDetails"]["id"]) == ([], "akscan/without-results/")


def test_files_of_an_earlier_report_do_not_stay_behind(fleet, tmp_path):
    def names(clusters):
        write_reports(renumbered(fleet, clusters, 1), ["sarif"], tmp_path, Presentation())
        return sorted(path.name for path in tmp_path.iterdir())

    assert names(43) == ["akscan-2.sarif", "akscan-3.sarif", "akscan.sarif"]
    assert names(3) == ["akscan.sarif"]


def test_five_thousand_results_fit(fleet):
    (run,) = written(renumbered(fleet, 1, 5_000))["runs"]
    assert len(run["results"]) == 5_000
    assert {result["ruleId"] for result in run["results"]} == {"WRK-901"}


def test_of_more_results_the_worst_are_written_and_the_others_counted(fleet):
    (run,) = written(renumbered(fleet, 1, 5_010))["runs"]
    assert len(run["results"]) == 5_000
    assert sum(result["level"] == "error" for result in run["results"]) == 501
    last = run["results"][-1]
    assert last["message"]["text"].startswith("11 more findings of cluster aks000 are left out")
    assert run["tool"]["driver"]["rules"][last["ruleIndex"]]["id"] == last["ruleId"] == "AKSCAN-001"


def test_25000_results_are_written(fleet):
    report = renumbered(fleet, 5, 5_000)
    out = io.BytesIO()
    sarif.write(report, out, Presentation())
    assert len(results(json.loads(out.getvalue()))) == 25_000


# --- the check


@pytest.fixture
def good(fleet) -> dict:
    log = written(fleet)
    assert sarif.check(log) == []
    return log


# --- profiles


@pytest.fixture
def known(fleet):
    """The fleet with a finding that is waived, one that is new and one that is carried on from another day."""
    waived, new, *others = fleet.findings
    waiver = WaiverResult(
        place="akscan.yaml:3",
        selector=f"rule {waived.rule.id}",
        reason="it ends soon",
        owner="shop",
        ticket="SHOP-7",
        expires="2099-01-01",
        status=WaiverStatus.USED,
        findings=1,
    )
    gone = msgspec.structs.replace(new, fingerprint="c" * 32)
    return msgspec.structs.replace(
        fleet,
        findings=(msgspec.structs.replace(new, change=Change.NEW), *others),
        waived=(msgspec.structs.replace(waived, waived_by=(0,)),),
        waivers=(waiver,),
        carried=(Carried(finding=gone, since=datetime(2026, 11, 1, tzinfo=UTC), why="list pods is forbidden"),),
    )


@pytest.mark.parametrize("profile", SarifProfile)
def test_every_profile_keeps_to_the_schema(known, profile):
    log = written(known, profile)
    assert list(Draft4Validator(SCHEMA, format_checker=FormatChecker()).iter_errors(log)) == []
    assert sarif.check(log, profile) == []


def test_waived_findings_are_suppressed_where_that_is_understood_and_left_out_elsewhere(known):
    prints = {one["partialFingerprints"]["akscan/v1"]: one for one in results(written(known, SarifProfile.GENERIC))}
    (suppression,) = prints[known.waived[0].fingerprint]["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert "SHOP-7" in suppression["justification"]
    for profile in (SarifProfile.GITHUB, SarifProfile.AZDO):
        assert known.waived[0].fingerprint not in str(written(known, profile))


def test_viewers_see_what_is_new_and_what_nobody_knows(known):
    log = written(known, SarifProfile.GENERIC)
    states = {one["partialFingerprints"]["akscan/v1"]: one.get("baselineState") for one in results(log)}
    assert states[known.findings[0].fingerprint] == "new"
    unknown = [one for one in results(log) if one.get("kind") == "open"]
    assert len(unknown) == len(known.not_assessed) > 0
    assert {one["level"] for one in unknown} == {"none"}
    for one in results(written(known)):
        assert "baselineState" not in one
        assert "kind" not in one


def test_the_upload_task_of_azure_devops_names_the_category(known):
    log = written(known, SarifProfile.AZDO)
    assert all("automationDetails" not in run for run in log["runs"])
    assert sarif.check(written(known), SarifProfile.AZDO)
    assert sarif.check(log, SarifProfile.GITHUB)


@pytest.mark.parametrize("profile", SarifProfile)
def test_what_was_not_reassessed_keeps_its_alert(known, profile):
    (kept,) = (one for one in results(written(known, profile)) if one["properties"].get("notReassessedSince"))
    assert kept["partialFingerprints"]["akscan/v1"] == "c" * 32
    assert kept["properties"]["notReassessedSince"] == "2026-11-01"
    assert "not reassessed since 2026-11-01: list pods is forbidden" in kept["message"]["text"]


def test_a_cluster_that_was_covered_too_little_replaces_no_alert(fleet):
    covered = {key: figure.percent for key, figure in fleet.coverage.clusters.items()}
    least = max(covered.values())
    log = written(fleet, min_coverage=least)
    shown = {run["properties"]["cluster"] for run in log["runs"] if "cluster" in run.get("properties", {})}
    assert shown == {key for key, percent in covered.items() if percent >= least} != set(covered)


def test_an_anchor_is_where_the_cluster_is_defined(fleet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = fleet.clusters[0].name
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "my clusters.yaml").write_text(f"clusters:\n- other\n- {name}\n", encoding="utf-8")
    for anchor, line in (
        (Anchor(file="infra/my clusters.yaml"), 3),
        (Anchor(file="infra/my clusters.yaml", key="other"), 2),
        (Anchor(file="infra/my clusters.yaml", line=7), 7),
        (Anchor(file="infra/gone.yaml"), 1),
    ):
        log = written(fleet, anchors={name: anchor})
        assert sarif.check(log) == []
        found = {
            (place["artifactLocation"]["uri"], place["region"]["startLine"])
            for run in log["runs"]
            if run.get("properties", {}).get("cluster") == fleet.clusters[0].id
            for one in run["results"]
            for place in [one["locations"][0]["physicalLocation"]]
        }
        assert found == {(anchor.file.replace(" ", "%20"), line)}


@pytest.mark.parametrize("file", ["/etc/passwd", "../up.yaml", "a/./b", "a\\b", "c:/x", "a//b", ""])
def test_an_anchor_stays_in_the_repository(file):
    assert not Anchor(file=file).is_relative
    assert Anchor(file="infra/clusters.tf").is_relative


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("version", "2.0.0", "version"),
        ("runs", [], "0 runs"),
        ("runs/0/automationDetails/id", "x", "end with a slash"),
        ("runs/0/automationDetails/id", "akscan/00000000/rg-test/aks-shop/", "2 times"),
        ("runs/0/results", None, "results, are wanted"),
        ("runs/0/tool/driver/name", "", "driver's name"),
        ("runs/0/tool/driver/rules/1/id", "API-901", "a rule twice"),
        ("runs/0/tool/driver/rules/0/name", "N" * 256, "255"),
        ("runs/0/tool/driver/rules/0/shortDescription/text", "", "shortDescription"),
        ("runs/0/tool/driver/rules/0/fullDescription/text", "t" * 1025, "fullDescription"),
        ("runs/0/tool/driver/rules/0/help/text", "", "help.text"),
        ("runs/0/tool/driver/rules/0/properties/tags", [str(number) for number in range(21)], "21 tags"),
        ("runs/0/tool/driver/rules/0/properties/tags", [], "beside the tag security"),
        ("runs/0/tool/driver/rules/0/properties/security-severity", 8.0, "as a string"),
        ("runs/0/tool/driver/rules/0/properties/security-severity", None, "neither"),
        ("runs/0/results/0/ruleId", "NET-999", "the same rule"),
        ("runs/0/results/0/ruleIndex", 99, "the same rule"),
        ("runs/0/results/0/message/text", "no period", "whole sentence"),
        ("runs/0/results/0/message/text", "The pool {0} is small.", "placeholders"),
        ("runs/0/results/0/partialFingerprints/primaryLocationLineHash", "abc", "primaryLocationLineHash"),
        ("runs/0/results/0/locations", [], "not a relative path"),
        ("runs/0/results/0/locations/0/physicalLocation/region/endColumn", 0, "lines and columns"),
        *(
            ("runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri", uri, "not a relative path")
            for uri in ("", "/a.json", "azure:a.json", "a/../b.json", "a//b", "a\\b", "a b", "ä", "%zz", "a/b:c")
        ),
    ],
)
def test_what_github_refuses_is_found(good, path, value, complaint):
    *parents, last = path.split("/")
    broken = copy.deepcopy(good)
    place = broken
    for step in parents:
        place = place[int(step) if isinstance(place, list) else step]
    place[last] = value
    assert any(complaint in problem for problem in sarif.check(broken))


def test_too_many_results_are_found(good):
    good["runs"][0]["results"] *= 400
    assert any("at most" in problem for problem in sarif.check(good))
