"""Waivers: whom they are for, until when, and that nothing gets lost by them."""

from datetime import date

import msgspec
import pytest
import yaml
from akscan.model.subject import SubjectRef
from akscan.results import Failure, RuleInfo, Severity, WaiverStatus
from akscan.waivers import PlacedWaiver, Waiver, Waivers, fits
from hypothesis import given
from hypothesis import strategies as st
from support import akscan, report_of

TODAY = date(2026, 11, 24)
SAID = {"reason": "accepted", "owner": "platform", "ticket": "SEC-1", "expires": date(2027, 1, 31)}
CLUSTER = "/subscriptions/s/resourcegroups/rg/providers/microsoft.containerservice/managedclusters/aks-shop"

SHOP = SubjectRef(id=CLUSTER, kind="cluster", name="aks-shop", cluster=CLUSTER)


def rule_info(rule_id):
    text = {"name": "Rule", "title": "t", "module": "m", "why": "w", "fix": "f"}
    return RuleInfo(id=rule_id, severity="high", pillar="security", disruption="none", **text)


def failure(name="web", *, rule="WKL-002", containers=("app",), evidence=None, kind="Deployment"):
    subject = SubjectRef(id=f"{CLUSTER}/{name}", kind=kind, name=name, cluster=CLUSTER, namespace="shop")
    return Failure(
        rule=rule_info(rule),
        subject=subject,
        severity=Severity.HIGH,
        fingerprint=f"{rule}-{name}",
        message="m",
        evidence=evidence or {"privileged": True},
        containers=containers,
    )


def split(waivers, *failures, labels=None):
    held = Waivers(
        [PlacedWaiver(Waiver(**{**SAID, **waiver}), f"w.yaml:{n}") for n, waiver in enumerate(waivers)], TODAY
    )
    for one in failures:
        held.consider(one, labels or {})
    return held.split(failures)


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"rule": "wkl-*"},
        {"cluster": "aks-shop"},
        {"cluster": "AKS-*"},
        {"cluster": CLUSTER.upper()},
        {"kind": "deployment"},
        {"namespace": "sh*p"},
        {"name": "web"},
        {"container": "app"},
        {"container": "*"},
        {"labels": {"app": "w*"}},
        {"fingerprint": "WKL-002-web"},
        {"observed": failure().observed},
        {"max_subjects": 1},
        {"expires": TODAY},
    ],
)
def test_a_waiver_is_for_what_its_selectors_fit(selector):
    still_open, waived, (result,) = split([{"rule": "WKL-002", **selector}], failure(), labels={"app": "web"})
    assert still_open == ()
    assert waived[0].waived_by == (0,)
    assert (result.status, result.findings) == (WaiverStatus.USED, 1)


@pytest.mark.parametrize(
    "selector",
    [
        {"rule": "WKL-012"},
        {"cluster": "aks"},
        {"kind": "DaemonSet"},
        {"namespace": "Shop"},
        {"name": "WEB"},
        {"container": "sidecar"},
        {"labels": {"app": "other"}},
        {"labels": {"tier": "*"}},
        {"fingerprint": "WKL-002-other"},
    ],
)
def test_a_waiver_is_for_nothing_else(selector):
    still_open, waived, (result,) = split([{"rule": "WKL-002", **selector}], failure(), labels={"app": "web"})
    assert (len(still_open), waived) == (1, ())
    assert result.status is WaiverStatus.UNUSED


def test_names_of_kubernetes_compare_exactly_without_a_namespace_too():
    subject = SubjectRef(id=f"{CLUSTER}/clusterroles/Maker", kind="cluster_role", name="Maker", cluster=CLUSTER)
    found = msgspec.structs.replace(failure(), subject=subject)
    assert split([{"rule": "WKL-002", "name": "Maker"}], found)[0] == ()
    assert len(split([{"rule": "WKL-002", "name": "maker"}], found)[0]) == 1
    assert split([{"rule": "WKL-002", "name": "AKS-shop"}], msgspec.structs.replace(found, subject=SHOP))[0] == ()


def test_containers_are_waived_one_by_one_and_the_finding_when_all_are():
    pod = failure(containers=("app", "proxy"))
    proxy, app = {"rule": "WKL-002", "container": "proxy"}, {"rule": "WKL-002", "container": "app"}
    still_open, _, (result,) = split([proxy], pod)
    assert len(still_open) == 1
    assert (result.status, "containers" in result.detail) == (WaiverStatus.UNUSED, True)
    still_open, waived, _ = split([proxy, app], pod)
    assert still_open == ()
    assert waived[0].waived_by == (1, 0)
    assert len(split([{"rule": "WKL-002", "container": "app"}], failure(containers=()))[0]) == 1


def test_a_waiver_ends_with_its_last_day_lapses_with_what_it_was_for_and_never_grows():
    yesterday = split([{"rule": "WKL-002", "expires": date(2026, 11, 23)}], failure())
    assert (len(yesterday[0]), yesterday[2][0].status) == (1, WaiverStatus.EXPIRED)
    changed = split([{"rule": "WKL-002", "observed": failure().observed}], failure(evidence={"privileged": False}))
    assert (len(changed[0]), changed[2][0].status) == (1, WaiverStatus.LAPSED)
    grown = split([{"rule": "WKL-002", "max_subjects": 1}], failure("one"), failure("two"))
    assert (len(grown[0]), grown[2][0].status) == (2, WaiverStatus.LAPSED)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"rule": st.sampled_from(["WKL-*", "WKL-002", "*"])},
            optional={
                "name": st.sampled_from(["web", "api*", "x"]),
                "container": st.sampled_from(["app", "*", "x"]),
                "max_subjects": st.integers(1, 3),
                "expires": st.sampled_from([date(2026, 1, 1), date(2027, 1, 1)]),
            },
        ),
        max_size=4,
    ),
    st.lists(st.sampled_from(["web", "api", "api-2", "job"]), unique=True),
)
def test_every_finding_is_open_or_waived(waivers, names):
    failures = [failure(name) for name in names]
    still_open, waived, results = split(waivers, *failures)
    assert sorted(one.fingerprint for one in (*still_open, *waived)) == sorted(one.fingerprint for one in failures)
    assert all(one.waived_by for one in waived)
    assert sum(result.findings for result in results) == len(waived)


@given(st.text(alphabet="ab*.", max_size=6), st.text(alphabet="ab.", max_size=6))
def test_a_pattern_fits_as_its_pieces_come_in_order(pattern, text):
    def slowly(pattern, text):
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(slowly(pattern[1:], text[n:]) for n in range(len(text) + 1))
        return text[:1] == pattern[0] and slowly(pattern[1:], text[1:])

    assert fits(pattern, text, exact=True) == (not pattern or slowly(pattern, text))


# --- files


GOOD = """\
waivers:
- rule: ACC-002
  cluster: aks-legacy-shop
  reason: a new cluster is on its way
  owner: shop
  ticket: SHOP-7
  expires: 2027-03-31
"""


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (GOOD.replace("owner", "ownr"), "waivers.yaml:5: waivers[0].ownr: unknown key"),
        (GOOD.replace("  ticket: SHOP-7\n", ""), "waivers.yaml:2: waivers[0]: "),
        (GOOD.replace("SHOP-7", "' '"), "waivers.yaml:6: waivers[0].ticket: "),
        (GOOD.replace("2027-03-31", "someday"), "waivers.yaml:7: waivers[0].expires: "),
        (GOOD.replace("ACC-002", "ACC-2"), "waivers.yaml:2: rule: ACC-2 fits no rule"),
        (GOOD.replace("waivers:", "waivrs:"), "waivers.yaml:1: waivrs: unknown key"),
        (f"{GOOD}  rule: ACC-003\n", "waivers.yaml:8: waivers[0].rule: stands twice"),
    ],
)
def test_a_slip_is_an_error_with_file_and_line(text, error, saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "waivers.yaml").write_text(text, encoding="utf-8")
    outcome = akscan("scan", "--inventory", str(saved), "--waivers", "waivers.yaml")
    assert outcome.code == 2
    assert error in outcome.err


def test_a_missing_file_is_an_error(saved, tmp_path):
    outcome = akscan("scan", "--inventory", str(saved), "--waivers", str(tmp_path / "none.yaml"))
    assert (outcome.code, "cannot be read" in outcome.err) == (2, True)


def test_a_waived_finding_stays_visible_and_fails_no_gate(saved, tmp_path):
    (tmp_path / "akscan.yaml").write_text(f"waiverFiles: [waivers.yaml]\n{GOOD.replace('aks-legacy-shop', 'aks-l*')}")
    (tmp_path / "waivers.yaml").write_text(GOOD.replace("ACC-002", "API-001"), encoding="utf-8")
    scan = ["scan", "--inventory", str(saved), "--rule", "ACC-002", "--rule", "API-001", "--fail-on", "info"]
    assert akscan(*scan).code == 1
    formats = [part for name in ("json", "html", "text", "sarif") for part in ("-f", name)]
    outcome = akscan(*scan, "--config", str(tmp_path / "akscan.yaml"), "-n", "x", "-o", str(tmp_path), *formats)
    report = report_of(tmp_path)
    waived = {(one["rule"], one["subject"].rpartition("/")[2]) for one in report["waived"]}
    assert waived == {("ACC-002", "aks-legacy-shop"), ("API-001", "aks-legacy-shop")}
    assert not any("aks-legacy-shop" in one["subject"] for one in report["findings"])
    assert [one["status"] for one in report["waivers"]] == ["used", "used"]
    assert next(rule for rule in report["rules"] if rule["id"] == "ACC-002")["counts"]["fail"] == 1
    for name in ("akscan.html", "akscan.txt"):
        assert "SHOP-7" in (tmp_path / name).read_text(encoding="utf-8")
    again = akscan("report", str(tmp_path / "akscan.json"))
    assert "SHOP-7" in again.out
    assert outcome.code == (1 if report["findings"] else 0)


# --- the command


@pytest.fixture
def report(saved, tmp_path):
    assert akscan("scan", "--inventory", str(saved), "-f", "json", "-o", str(tmp_path)).code == 0
    return tmp_path / "akscan.json"


def add(report, target, fingerprint, *more, expires="2099-01-31"):
    said = ["--reason", "it's: fine", "--owner", "shop", "--ticket", "SHOP-7", "--expires", expires]
    return akscan("waivers", "add", fingerprint, "--report", str(report), "--file", str(target), *said, *more)


def test_add_writes_a_waiver_that_the_next_scan_uses(report, saved, tmp_path):
    first, second = (one["fingerprint"] for one in report_of(tmp_path)["findings"][:2])
    target = tmp_path / "waivers.yaml"
    target.write_text(
        "# approved by the board\nwaivers:\n  - rule: SPT-001  # for ever\n    reason: r\n    owner: o\n"
        "    ticket: t\n    expires: 2099-01-01\n    name: nobody\n",
        encoding="utf-8",
    )
    assert add(report, target, first[:12], "--bind").code == 0
    assert add(report, target, second).code == 0
    assert "# approved by the board" in target.read_text(encoding="utf-8")
    assert yaml.safe_load(target.read_text(encoding="utf-8"))["waivers"][0]["rule"] == "SPT-001"
    outcome = akscan("scan", "--inventory", str(saved), "--waivers", str(target), "-f", "json", "-o", str(tmp_path))
    assert outcome.code == 0
    assert "waivers.yaml:3 (rule SPT-001, name nobody) unused" in outcome.err
    written = msgspec.json.decode(report.read_bytes())
    assert {one["fingerprint"] for one in written["waived"]} == {first, second}
    audit = akscan("waivers", "--report", str(report))
    assert (audit.code, audit.out.count("used")) == (1, 3)


@pytest.mark.parametrize(
    ("fingerprint", "more", "error"),
    [("zz", {}, "fits 0 findings"), ("", {}, "1 is wanted"), (None, {"expires": "2020-01-01"}, "that day is over")],
)
def test_add_refuses_what_would_not_hold(fingerprint, more, error, report, tmp_path):
    wanted = report_of(tmp_path)["findings"][0]["fingerprint"] if fingerprint is None else fingerprint
    outcome = add(report, tmp_path / "w.yaml", wanted, **more)
    assert (outcome.code, error in outcome.err) == (2, True)
    assert not (tmp_path / "w.yaml").exists()


def test_the_audit_tells_what_has_expired(tmp_path):
    target = tmp_path / "waivers.yaml"
    target.write_text(GOOD.replace("2027-03-31", "2099-03-31"), encoding="utf-8")
    assert akscan("waivers", "--waivers", str(target)).code == 0
    target.write_text(GOOD.replace("2027-03-31", "2020-03-31"), encoding="utf-8")
    outcome = akscan("waivers", "--waivers", str(target))
    assert (outcome.code, outcome.out.startswith("expired")) == (1, True)
