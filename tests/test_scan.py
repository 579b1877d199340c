"""The main job, end to end: the real SDKs against Contoso on loopback."""

import gzip
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest
from akscan.collect.arm import READ_POSTS
from akscan.model.needs import Need
from akscan.model.reads import ARM_READS, IMPLIED_NEEDS, KUBERNETES_READS
from akscan.plugins import reporter_names
from support import akscan, azure_options, pairs, report_of

CANARY = "canary-"


@pytest.fixture(scope="module")
def baseline(saved, tmp_path_factory):
    folder = tmp_path_factory.mktemp("baseline")
    outcome = akscan("scan", "--inventory", str(saved), "--format", "json", "-o", str(folder))
    assert outcome.code == 0, outcome.err
    return report_of(folder)


def test_every_rule_passes_and_fails_somewhere_in_contoso(baseline):
    for rule in baseline["rules"]:
        assert rule["counts"]["pass"], rule["id"]
        assert rule["counts"]["fail"], rule["id"]


def test_the_exemplary_cluster_fails_nothing_of_medium_or_worse(baseline):
    worst = [
        (finding["rule"], finding["subject"])
        for finding in baseline["findings"]
        if "aks-payments-prod" in finding["subject"] and finding["severity"] in ("critical", "high", "medium")
    ]
    assert worst == []


def test_no_rule_crashes(baseline):
    assert baseline["errors"] == []


def test_counts_reconcile(baseline):
    statuses = list(pairs(baseline).values())
    for rule in baseline["rules"]:
        assert len(rule["passed"]) == rule["counts"]["pass"]
    for status in ("pass", "fail", "not_applicable", "not_assessed"):
        assert statuses.count(status) == sum(rule["counts"][status] for rule in baseline["rules"])
    assessed = statuses.count("pass") + statuses.count("fail")
    assert baseline["coverage"]["assessed"] == assessed
    assert baseline["coverage"]["applicable"] == assessed + statuses.count("not_assessed")


def test_a_saved_inventory_gives_the_same_report_as_the_live_scan_that_wrote_it(serve, contoso, tmp_path):
    simulator = serve(contoso)
    live, file = tmp_path / "live", tmp_path / "estate.akscan"
    outcome = akscan("scan", "--format", "json", "-o", str(live), "--save", str(file), *azure_options(simulator))
    assert outcome.code == 0, outcome.err
    akscan("scan", "--inventory", str(file), "--format", "json", "-o", str(tmp_path / "again"))
    assert (tmp_path / "again" / "akscan.json").read_bytes() == (live / "akscan.json").read_bytes()


def test_the_request_log_shows_reads_only_and_no_value_of_a_secret(serve, contoso, tmp_path):
    simulator = serve(contoso)
    assert akscan("collect", "-o", str(tmp_path / "x.akscan"), *azure_options(simulator)).code == 0
    for request in simulator.requests:
        assert request.method == "GET" or request.path.casefold().endswith(READ_POSTS), request
        if request.service == "kubernetes" and request.path.rstrip("/").endswith("/secrets"):
            assert "as=Table" in request.accept
    listed = {request.service for request in simulator.requests if request.path.endswith("/secrets")}
    assert listed == {"arm", "kubernetes"}
    assert any(request.method == "POST" for request in simulator.requests)


def test_no_canary_leaves_the_cluster(serve, contoso, tmp_path):
    simulator = serve(contoso)
    file, folder = tmp_path / "estate.akscan", tmp_path / "out"
    debugged = subprocess.run(
        [sys.executable, "-m", "akscan", "--debug", "collect", "-o", str(file), *azure_options(simulator)],
        env={**os.environ, **simulator.environment},
        capture_output=True,
        timeout=60,
        check=True,
    )
    outcome = akscan(
        "scan", "--inventory", str(file), *(f"--format={name}" for name in reporter_names()), f"-o{folder}"
    )
    assert outcome.code == 0
    texts = [debugged.stderr, debugged.stdout, outcome.out.encode(), outcome.err.encode()]
    texts += [path.read_bytes() for path in folder.iterdir()]
    for container in (file, folder / "akscan.xlsx"):
        with zipfile.ZipFile(container) as members:
            texts += [members.read(name) for name in members.namelist()]
    planted = str(contoso.kubernetes).encode()
    assert b"canary-" in planted
    for text in texts:
        assert CANARY.encode() not in text
        # base64 of "canary-"
        assert b"Y2FuYXJ5L" not in text


def test_four_reports_agree_on_every_count(saved, tmp_path):
    formats = [argument for name in ("html", "json", "sarif", "text") for argument in ("--format", name)]
    assert akscan("scan", "--inventory", str(saved), *formats, "-o", str(tmp_path)).code == 0
    report = report_of(tmp_path)
    fingerprints = {finding["fingerprint"] for finding in report["findings"]}
    sarif = msgspec.json.decode((tmp_path / "akscan.sarif").read_bytes())
    results = [result for run in sarif["runs"] for result in run["results"]]
    assert len(results) == len(report["findings"])
    assert {result["partialFingerprints"]["akscan/v1"] for result in results} == fingerprints
    html = (tmp_path / "akscan.html").read_text(encoding="utf-8")
    assert all(f"finding-{fingerprint}" in html for fingerprint in fingerprints)
    text = (tmp_path / "akscan.txt").read_text(encoding="utf-8")
    assert f"{len(report['findings'])} findings" in text
    assert f"{report['coverage']['percent']}" in text
    assert f"{report['coverage']['percent']}" in html


# --- permissions


def test_every_report_tells_which_permissions_are_missing_where(saved, contoso, tmp_path):
    formats = [argument for name in ("html", "json", "sarif", "text") for argument in ("--format", name)]
    assert akscan("scan", "--inventory", str(saved), *formats, "-o", str(tmp_path)).code == 0
    entries = {entry["permission"]: entry for entry in report_of(tmp_path)["permissions"]}
    secrets = entries["list secrets"]
    assert (secrets["held"], secrets["missing"], secrets["unknown"]) == (
        len(list(contoso.managed_clusters())) - 3,
        1,
        2,
    )
    assert {(s["name"], s["status"]) for s in secrets["scopes"]} >= {("aks-partner", "missing")}
    assert secrets["rules"] == ["ACC-019", "SEC-001", "SEC-016", "SEC-017", "SEC-018"]
    for run in msgspec.json.decode((tmp_path / "akscan.sarif").read_bytes())["runs"]:
        told = {entry["permission"]: entry for entry in run["properties"]["permissions"]}
        assert set(told) == set(entries)
        assert {"name": "aks-partner", "status": "missing"} in told["list secrets"]["scopes"]
    text = (tmp_path / "akscan.txt").read_text(encoding="utf-8")
    assert "missing on aks-partner: " in text
    html = (tmp_path / "akscan.html").read_text(encoding="utf-8")
    section = html.partition('id="permissions"')[2].partition("</section>")[0]
    assert "<code>list secrets</code>" in section
    assert "aks-partner" in section
    held = sum(not entry["missing"] + entry["unknown"] for entry in entries.values() if entry["held"])
    assert f"{held} of {len(entries)} " in text
    assert f"{held} of {len(entries)} " in section


def _withdrawable() -> list[str]:
    implied = {*IMPLIED_NEEDS, Need.SUBSCRIPTIONS, Need.MANAGEMENT_GROUP_DESCENDANTS}
    arm = dict.fromkeys(str(read.need) for read in ARM_READS if read.need not in implied)
    listed = [
        f"kubernetes:{read.need.url.removeprefix('/') or read.need.removeprefix('list ')}" for read in KUBERNETES_READS
    ]
    return [*arm, str(Need.CLUSTER_USER_CREDENTIAL), *listed]


@pytest.mark.parametrize("permission", _withdrawable())
def test_withdrawing_a_permission_never_makes_a_pass(permission, serve, contoso, baseline, tmp_path):
    simulator = serve(contoso, denied=[permission])
    outcome = akscan("scan", "--format", "json", "-o", str(tmp_path), *azure_options(simulator))
    assert outcome.code == (2 if permission == Need.MANAGED_CLUSTERS else 0), outcome.err
    before, after = pairs(baseline), pairs(report_of(tmp_path))
    made = [pair for pair, status in after.items() if status == "pass" and before.get(pair) != "pass"]
    assert made == []


def test_a_refused_subscription_says_so_and_stops_nothing_else(serve, contoso, tmp_path):
    production = next(s for s in contoso.subscriptions if s.display_name == "contoso-production")
    refused = (str(Need.MANAGED_CLUSTERS), f"/subscriptions/{production.subscription_id}")
    simulator = serve(contoso, denied=[refused])
    assert akscan("scan", "--format", "json", "-o", str(tmp_path), *azure_options(simulator)).code == 0
    report = report_of(tmp_path)
    scope = {s["name"]: (s["status"], s["detail"]) for s in report["run"]["scope"]["subscriptions"]}
    assert scope["contoso-production"][0] == "refused"
    assert str(Need.MANAGED_CLUSTERS) in scope["contoso-production"][1]
    assert scope["contoso-development"][0] == "scanned"
    assert report["findings"]


@pytest.mark.parametrize("options", [("-n", "aks-of-nobody"), ("-g", "rg-of-nobody")])
def test_a_scan_that_finds_no_cluster_is_no_success(options, serve, contoso, tmp_path):
    outcome = akscan("scan", "-f", "json", "-o", str(tmp_path), *azure_options(serve(contoso)), *options)
    assert outcome.code == 2
    assert "no AKS cluster in scope" in outcome.err
    assert report_of(tmp_path)["coverage"]["assessed"] == 0


# --- ways to end


def test_gates_decide_the_exit_code(saved, tmp_path):
    scan = ["scan", "--inventory", str(saved), "--format", "json", "-o", str(tmp_path)]
    assert akscan(*scan).code == 0
    assert akscan(*scan, "--fail-on", "high").code == 1
    assert akscan(*scan, "--rule", "API-001", "--fail-on", "critical").code == 0
    outcome = akscan(*scan, "--min-coverage", "100")
    assert outcome.code == 2
    assert "coverage" in outcome.err
    assert akscan(*scan, "--fail-on", "high", "--min-coverage", "100").code == 2


def test_a_failing_scan_leaves_the_good_report_alone(serve, contoso, tmp_path):
    good = tmp_path / "akscan.json"
    good.write_text("a good report")
    simulator = serve(contoso, denied=[str(Need.SUBSCRIPTIONS)])
    outcome = akscan("scan", "-f", "json", "-o", str(tmp_path), *azure_options(simulator))
    assert outcome.code == 2
    assert "no subscription" in outcome.err
    assert good.read_text() == "a good report"
    assert [path.name for path in tmp_path.iterdir()] == ["akscan.json"]


def test_reports_compress(saved, tmp_path):
    akscan("scan", "--inventory", str(saved), "-f", "sarif", "-o", str(tmp_path))
    assert len(gzip.compress((tmp_path / "akscan.sarif").read_bytes())) < 10_000_000


def test_a_json_report_renders_again(saved, tmp_path):
    akscan("scan", "--inventory", str(saved), "-f", "json", "-f", "html", "-o", str(tmp_path / "first"))
    outcome = akscan("report", str(tmp_path / "first" / "akscan.json"), "-f", "html", "-o", str(tmp_path / "second"))
    assert outcome.code == 0, outcome.err
    again = (tmp_path / "second" / "akscan.html").read_bytes()
    assert again == (tmp_path / "first" / "akscan.html").read_bytes()


@pytest.mark.parametrize("content", ["", "{", "{}", '{"schemaVersion": "2.0"}', "[]"])
def test_a_foreign_json_report_is_a_clear_error(content, tmp_path):
    path = Path(tmp_path / "old.json")
    path.write_text(content)
    outcome = akscan("report", str(path), "-f", "text")
    assert outcome.code == 2
    assert str(path) in outcome.err
    assert "Traceback" not in outcome.err
