"""The page in a real browser: what it does when somebody looks for something, prints it, or cannot see it."""

import base64
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from akscan.results import Change, WaiverResult, WaiverStatus
from akscan.sdk import Presentation, Report
from akscan_reports.html import write
from browser import CHROMIUM, WHY_NOT, Browser

CI = os.environ.get("CI") == "true"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "akscan" / "axe"
AXE = CACHE / "node_modules" / "axe-core" / "axe.min.js"
PLAIN = Presentation()
SHOWN = "[...document.querySelectorAll('.finding')].filter((it) => it.checkVisibility()).map((it) => it.id)"

pytestmark = pytest.mark.skipif(CHROMIUM is None and not CI, reason=WHY_NOT)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as found:
        yield found


@pytest.fixture
def report(framed) -> Report:
    """Every kind of result, with a baseline and a waiver."""
    kinds = (Change.NEW, Change.UNCHANGED, Change.UPDATED)
    found = [msgspec.structs.replace(f, change=kinds[i % 3]) for i, f in enumerate(framed.findings)]
    waived = tuple(msgspec.structs.replace(f, waived_by=(0,)) for f in found[3:6])
    waiver = WaiverResult(
        place="akscan.yaml:3", selector="rule WRK-901", reason="until the move", owner="shop@contoso.example",
        ticket="SEC-1", expires="2026-12-31", status=WaiverStatus.USED, findings=len(waived),
    )  # fmt: skip
    return msgspec.structs.replace(framed, findings=(*found[:3], *found[6:]), waived=waived, waivers=(waiver,))


@pytest.fixture
def crowd(make_report, public, deployments) -> Report:
    """More findings than a page holds as text."""
    return make_report(public(), deployments(*(f"web-{number:04}" for number in range(1_200)), "<b>&'\"ünï"))


def saved(report: Report, folder: Path, presentation: Presentation = PLAIN) -> str:
    file = folder / "report.html"
    with file.open("wb") as out:
        write(report, out, presentation)
    return file.as_uri()


def ids(findings) -> set[str]:
    return {f"finding-{finding.fingerprint}" for finding in findings}


def test_nothing_is_complained_about_and_the_address_opens_a_finding(report, browser, tmp_path):
    last = report.findings[-1].fingerprint
    browser.open(f"{saved(report, tmp_path)}#finding-{last}")
    assert browser.complaints == []
    assert browser.evaluate(f"document.getElementById('finding-{last}').open")
    assert browser.evaluate("document.querySelectorAll('button.copy').length") > 0
    assert browser.evaluate(f"document.getElementById('finding-{last}').getBoundingClientRect().top < innerHeight")


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("severity=high", lambda f: f.severity == "high"),
        ("severity=high&severity=low", lambda f: f.severity in ("high", "low")),
        ("topic={topic}", lambda _: True),
        ("status=open", lambda f: not f.waived_by),
        ("status=waived", lambda f: f.waived_by),
        ("status=new", lambda f: f.change == "new"),
        ("status=updated&severity=medium", lambda f: f.change == "updated" and f.severity == "medium"),
        ("framework=cis_aks", lambda f: f.rule.id == "API-901"),
        ("framework=mcsb+NS-2", lambda f: f.rule.id == "API-901"),
        ("text=WEB-07", lambda f: f.subject.name == "web-07"),
        ("text=api-901", lambda f: f.rule.id == "API-901"),
        ("text=requests+MEMORY", lambda f: f.rule.id == "WRK-901"),
        ("text=no+such+thing", lambda _: False),
    ],
)
def test_filter_in_the_address_shows_what_fits(report, browser, tmp_path, query, fits):
    browser.open(f"{saved(report, tmp_path)}#findings?{query.format(topic=report.rules[0].module)}")
    everything = (*report.findings, *report.waived)
    wanted = [finding for finding in everything if fits(finding)]
    assert set(browser.evaluate(SHOWN)) == ids(wanted)
    said = browser.evaluate("document.getElementById('matching').textContent")
    assert said.startswith(f"{len(wanted)} of {len(everything)} findings match")


def test_filter_by_cluster_tells_clusters_of_one_name_apart(report, browser, tmp_path):
    browser.open(saved(report, tmp_path))
    options = browser.evaluate("[...document.querySelector('[name=cluster]').options].map((it) => it.value)")
    seen = set()
    for option in options[1:]:
        browser.open(f"{saved(report, tmp_path)}#findings?cluster={option}")
        seen.add(frozenset(browser.evaluate(SHOWN)))
    by_cluster = {f.subject.cluster for f in (*report.findings, *report.waived)}
    assert seen == {
        frozenset(ids(f for f in (*report.findings, *report.waived) if f.subject.cluster == cluster))
        for cluster in by_cluster
    }
    assert len(seen) == 3


def test_choosing_writes_the_address_and_a_link_keeps_it(report, browser, tmp_path):
    browser.open(saved(report, tmp_path))
    browser.evaluate("document.querySelector('[name=severity][value=high]').click()")
    assert browser.evaluate("location.hash") == "#findings?severity=high"
    browser.evaluate(
        "document.querySelector('.rules a[href=\"#API-901\"]').click(); new Promise((d) => setTimeout(d, 300))"
    )
    assert browser.evaluate("location.hash") == "#API-901?severity=high"
    browser.evaluate("document.querySelector('[type=reset]').click(); new Promise((d) => setTimeout(d, 300))")
    assert browser.evaluate("location.hash") == "#findings"
    assert len(browser.evaluate("[...document.querySelectorAll('.finding')].filter((it) => it.hidden)")) == 0


def test_a_link_to_what_the_filter_hides_ends_the_filter(report, browser, tmp_path):
    hidden = next(finding for finding in report.findings if finding.severity != "high").fingerprint
    browser.open(f"{saved(report, tmp_path)}#finding-{hidden}?severity=high")
    assert browser.evaluate(f"document.getElementById('finding-{hidden}').checkVisibility()")
    assert browser.evaluate("location.hash") == f"#finding-{hidden}"


def test_a_cell_of_the_matrix_leads_to_its_findings(report, browser, tmp_path):
    browser.open(saved(report, tmp_path))
    browser.evaluate("document.querySelector('.matrix td a').click(); new Promise((d) => setTimeout(d, 300))")
    first = browser.evaluate("document.querySelector('.matrix tbody th').textContent")
    shown = set(browser.evaluate(SHOWN))
    everything = (*report.findings, *report.waived)
    of = Counter(f.subject.cluster for f in everything if f"finding-{f.fingerprint}" in shown)
    assert len(of) == 1, first
    assert shown == ids(f for f in everything if f.subject.cluster in of)


def test_very_many_findings_are_drawn_when_they_come_into_view(crowd, browser, tmp_path):
    address = saved(crowd, tmp_path)
    assert len(crowd.findings) > 1_000
    browser.open(address)
    assert browser.complaints == []
    assert browser.evaluate("document.querySelectorAll('.finding').length") < 50
    last = crowd.findings[-1]
    browser.open(f"{address}#finding-{last.fingerprint}")
    there = f"document.getElementById('finding-{last.fingerprint}')"
    assert browser.evaluate(f"{there}.open && {there}.checkVisibility()")
    assert last.subject.name in browser.evaluate(f"{there}.textContent")
    assert browser.evaluate("document.querySelectorAll('.finding').length") < 500


@pytest.mark.parametrize("text", ["web-0777", "<b>&'\"ünï"])
def test_text_is_found_among_what_stands_compressed(crowd, browser, tmp_path, text):
    browser.open(saved(crowd, tmp_path))
    browser.evaluate(
        f"document.querySelector('[name=text]').value = {msgspec.json.encode(text).decode()};"
        "document.getElementById('filter').dispatchEvent(new Event('input'));"
        "new Promise((done) => setTimeout(done, 1500))"
    )
    wanted = [finding for finding in crowd.findings if finding.subject.name == text]
    assert len(wanted) == 1
    assert set(browser.evaluate(SHOWN)) == ids(wanted)


def test_a_button_copies_the_commands(report, browser, tmp_path):
    browser.open(saved(report, tmp_path))
    browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.call("Emulation.setFocusEmulationEnabled", enabled=True)
    button = "document.querySelector('#API-901 pre button.copy')"
    copied = browser.evaluate(
        f"{button}.click(); new Promise((done) => setTimeout(done, 300)).then(() => navigator.clipboard.readText())"
    )
    assert copied in {finding.remediation.commands for finding in report.findings if finding.rule.id == "API-901"}
    assert browser.evaluate(f"{button}.textContent") == "Copied"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_no_serious_problem(report, browser, tmp_path, width, dark):
    if not AXE.exists():
        if CI and shutil.which("npm"):
            pytest.fail("run make axe first")
        pytest.skip(f"{AXE} is not there: make axe installs it (needs npm)")
    cover = Presentation(title="Review", customer="Contoso", author="Jane Doe", classification="Confidential")
    browser.open(saved(report, tmp_path, cover), width=width, dark=dark)
    browser.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    browser.evaluate(f"{AXE.read_text('utf-8')}; 0")
    found = browser.evaluate("axe.run().then((results) => results.violations)")
    serious = [
        (it["id"], it["help"], [node["target"] for node in it["nodes"]][:5])
        for it in found
        if it["impact"] in ("serious", "critical")
    ]
    assert serious == []


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_runs_over_the_edge(report, browser, tmp_path, width):
    browser.open(saved(report, tmp_path), width=width)
    browser.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_print_has_a_cover_contents_and_every_finding(report, browser, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    cover = Presentation(title="Review of the shop", customer="Contoso", classification="Top secret!")
    browser.open(saved(report, tmp_path, cover))
    printed = browser.call("Page.printToPDF", preferCSSPageSize=True, generateDocumentOutline=True)
    file = tmp_path / "report.pdf"
    file.write_bytes(base64.b64decode(printed["data"]))
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    pages = text.split("\f")
    assert "Review of the shop" in pages[0]
    assert "Verdict" not in pages[0]
    assert "Contents" in pages[1]
    assert "API-901" in pages[1]
    assert all("Top secret!" in page for page in pages[:-1])
    assert f"2 / {len(pages) - 1}" in pages[1]
    assert "Subscriptions that the identity sees" in pages[-2]
    assert "Show all" not in text
    assert "Copy" not in text
    for finding in (*report.findings, *report.waived):
        assert finding.fingerprint in text
