"""Baselines, differences and gates: what is new, and that nothing is called fixed which nobody looked at again."""

import msgspec
import pytest
from akscan.comparison import carry
from akscan.gates import Gate
from akscan.sdk import Severity, decode_report, encode_report
from support import akscan, report_of

SHOP = "aks-legacy-shop"


def scan(saved, folder, *options):
    outcome = akscan("scan", "--inventory", str(saved), "-f", "json", "-o", str(folder), *options)
    assert outcome.code in (0, 1), outcome.err
    return folder / "akscan.json"


def edited(path, target, change):
    """The report with something changed, as another scan might have found it."""
    report = msgspec.json.decode(path.read_bytes())
    change(report)
    target.write_bytes(msgspec.json.encode(report))
    return target


@pytest.fixture(scope="module")
def report(saved, tmp_path_factory):
    return scan(saved, tmp_path_factory.mktemp("report"))


@pytest.fixture
def before(report, tmp_path):
    """The report of a time when the first finding was not there yet, and the second was another one."""

    def change(found):
        found["findings"].pop(0)
        found["findings"][0]["evidence"]["was"] = "otherwise"

    return edited(report, tmp_path / "before.json", change)


def difference(old, new):
    outcome = akscan("diff", str(old), str(new), "-f", "json")
    assert outcome.code == 0, outcome.err
    return msgspec.json.decode(outcome.out)


def test_nothing_changes_between_a_report_and_itself(report):
    found = difference(report, report)
    assert found["unchanged"] == len(report_of(report.parent)["findings"])
    assert [found[key] for key in ("new", "fixed", "changed", "waived", "noLongerWaived", "incomparable")] == [[]] * 6


def test_new_and_changed(before, report):
    first, second = report_of(report.parent)["findings"][:2]
    found = difference(before, report)
    assert [one["fingerprint"] for one in found["new"]] == [first["fingerprint"]]
    assert [(one["fingerprint"], one["why"]) for one in found["changed"]] == [(second["fingerprint"], "was")]


def test_what_passes_now_is_fixed(report, tmp_path):
    def change(found):
        gone = found["findings"].pop(0)
        place = [subject["id"] for subject in found["subjects"]].index(gone["subject"])
        next(rule for rule in found["rules"] if rule["id"] == gone["rule"])["passed"].append(place)

    after = edited(report, tmp_path / "after.json", change)
    found = difference(report, after)
    assert [one["fingerprint"] for one in found["fixed"]] == [report_of(report.parent)["findings"][0]["fingerprint"]]
    assert found["incomparable"] == []


def test_what_was_not_assessed_again_is_not_fixed(report, tmp_path):
    first = report_of(report.parent)["findings"][0]

    def unassessed(found):
        found["findings"].pop(0)
        entry = {"rule": first["rule"], "subject": first["subject"], "reason": "the API said no", "permission": ""}
        found["notAssessed"].append(entry)

    def without_cluster(found):
        found["findings"] = [one for one in found["findings"] if SHOP not in one["subject"]]
        found["clusters"] = [one for one in found["clusters"] if one["name"] != SHOP]

    def interrupted(found):
        found["findings"].pop(0)
        found["run"]["interrupted"] = True

    for change, why in (
        (unassessed, "the API said no"),
        (without_cluster, "the cluster was not scanned"),
        (interrupted, "the scan was interrupted"),
    ):
        found = difference(report, edited(report, tmp_path / "after.json", change))
        assert found["fixed"] == []
        assert why in {one["why"] for one in found["incomparable"]}


def test_a_rule_that_is_off_fixes_nothing(report, saved, tmp_path):
    found = difference(report, scan(saved, tmp_path, "--skip", "ACC"))
    assert found["fixed"] == []
    assert {one["why"] for one in found["incomparable"]} == {"the rule was off"}
    assert all(one["rule"].startswith("ACC") for one in found["incomparable"])


def test_a_subject_that_is_gone_is_fixed_where_its_cluster_was_read(report, tmp_path):
    def change(found):
        gone = next(one for one in found["findings"] if "/deployments/" in one["subject"])
        found["findings"] = [one for one in found["findings"] if one["subject"] != gone["subject"]]
        for key in ("notApplicable", "notAssessed"):
            found[key] = [one for one in found[key] if one["subject"] != gone["subject"]]
        place = [subject["id"] for subject in found["subjects"]].index(gone["subject"])
        for rule in found["rules"]:
            rule["passed"] = [one for one in rule["passed"] if one != place]

    found = difference(report, edited(report, tmp_path / "after.json", change))
    assert found["fixed"]
    assert {one["why"] for one in found["fixed"]} == {"the deployment is gone"}


def test_waiving_is_no_fixing(report, saved, tmp_path):
    (tmp_path / "w.yaml").write_text(
        "waivers: [{rule: ACC-002, reason: r, owner: o, ticket: t, expires: 2099-01-01}]", encoding="utf-8"
    )
    waived = scan(saved, tmp_path, "--waivers", str(tmp_path / "w.yaml"))
    assert [one["rule"] for one in difference(report, waived)["waived"]] == ["ACC-002"]
    back = difference(waived, report)
    assert [one["rule"] for one in back["noLongerWaived"]] == ["ACC-002"]
    assert back["new"] == back["fixed"] == []


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_people_read_it_too(form, before, report):
    outcome = akscan("diff", str(before), str(report), "-f", form)
    assert outcome.code == 0
    assert "New (1)" in outcome.out
    assert "Changed (1)" in outcome.out
    assert "1 new, 0 no longer waived, 1 changed" in outcome.out


# --- what is carried on


def test_what_could_not_be_reassessed_stays_known_from_scan_to_scan(report, saved, tmp_path):
    found = report_of(report.parent)["findings"]
    secret = next(one for one in found if one["rule"] == "ACC-015")

    def unread(changed):
        changed["findings"] = [one for one in changed["findings"] if one["fingerprint"] != secret["fingerprint"]]
        entry = {"rule": "ACC-015", "subject": secret["subject"], "reason": "the API said no", "permission": ""}
        changed["notAssessed"].append(entry)

    today = edited(report, tmp_path / "today.json", unread)
    second = carry(decode_report(today.read_bytes()), decode_report(report.read_bytes()))
    assert [(one.finding.fingerprint, one.why) for one in second.carried] == [
        (secret["fingerprint"], "the API said no")
    ]
    third = carry(decode_report(today.read_bytes()), decode_report(encode_report(second)))
    assert third.carried == second.carried
    assert difference(report, tmp_path / "today.json")["fixed"] == []
    (tmp_path / "second.json").write_bytes(encode_report(second))
    gate = Gate(fail_on=Severity(secret["severity"]))
    assert secret["fingerprint"] in {one.fingerprint for one in gate.failing(second)}
    assert Gate(new_only=True).failing(second) == ()
    again = scan(saved, tmp_path / "again", "--previous", str(tmp_path / "second.json"), "-f", "text", "-f", "sarif")
    assert report_of(again.parent)["carried"] == []
    assert difference(tmp_path / "second.json", again)["new"] == []


def test_what_a_rule_found_that_is_off_now_is_not_carried_on(report, saved, tmp_path):
    scan(saved, tmp_path, "--skip", "ACC", "--previous", str(report))
    assert report_of(tmp_path)["carried"] == []


def test_a_cluster_that_was_left_out_stays_known(report, tmp_path):
    def without(changed):
        changed["findings"] = [one for one in changed["findings"] if SHOP not in one["subject"]]
        changed["clusters"] = [one for one in changed["clusters"] if one["name"] != SHOP]

    today = decode_report(edited(report, tmp_path / "today.json", without).read_bytes())
    before = decode_report(report.read_bytes())
    kept = {one.finding.fingerprint for one in carry(today, before).carried}
    assert kept == {one.fingerprint for one in before.findings if SHOP in one.subject.id}


# --- gates


def test_only_new_findings_fail_a_gate_on_new_ones(before, report, saved, tmp_path):
    new = report_of(report.parent)["findings"][0]
    gate = ["scan", "--inventory", str(saved), "-f", "json", "-o", str(tmp_path), "--fail-on-new", "--baseline"]
    assert akscan(*gate, str(report)).code == 0
    outcome = akscan(*gate, str(before))
    assert outcome.code == 1
    assert "1 new finding" in outcome.err
    assert new["rule"] in outcome.err
    assert "fix: " in outcome.err
    assert akscan(*gate, str(before), "--fail-on", "critical").code == (1 if new["severity"] == "critical" else 0)
    changes = [one["change"] for one in report_of(tmp_path)["findings"]]
    assert (changes.count("new"), changes.count("updated"), changes.count(None)) == (1, 1, 0)


def test_a_gate_on_new_findings_wants_a_baseline(saved, tmp_path):
    outcome = akscan("scan", "--inventory", str(saved), "--fail-on-new")
    assert (outcome.code, "--baseline" in outcome.err) == (2, True)
    broken = tmp_path / "broken.json"
    broken.write_text("{}", encoding="utf-8")
    outcome = akscan("scan", "--inventory", str(saved), "--fail-on-new", "--baseline", str(broken))
    assert (outcome.code, "broken.json" in outcome.err) == (2, True)


def test_a_red_gate_says_what_where_and_how_to_fix_it(saved):
    outcome = akscan("scan", "--inventory", str(saved), "--fail-on", "critical", "-f", "json", "-o", "/dev/null/x")
    assert outcome.code == 2, "the reports come first"
    outcome = akscan("scan", "--inventory", str(saved), "--fail-on", "high")
    lines = outcome.err.splitlines()
    start = next(n for n, line in enumerate(lines) if "findings at or above --fail-on high" in line)
    assert lines[start + 1].startswith("  critical ACC-002 cluster aks-legacy-shop")
    assert lines[start + 2].startswith("    fix: az aks show")
    assert lines[-1].strip().endswith("more")


def test_coverage_is_demanded_of_each_cluster(saved):
    outcome = akscan("scan", "--inventory", str(saved), "--min-coverage", "60")
    assert outcome.code == 2
    assert "coverage of aks-ledger-prod is" in outcome.err
    assert "coverage is" not in outcome.err
