"""Every format that is installed tells the same numbers, and none lets a name speak for itself."""

import csv
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import openpyxl
import pytest
from akscan.plugins import load_reporter, reporter_names
from akscan.sdk import Report, Status, decode_report
from support import akscan


@dataclass(frozen=True)
class Counts:
    """What a format says there is. None: it does not tell, as its documentation says."""

    findings: int | None
    waived: int | None
    not_assessed: int | None
    errors: int | None


def written(name: str, report: Report) -> bytes:
    out = io.BytesIO()
    load_reporter(name)(report, out)
    return out.getvalue()


def of_statuses(statuses: Counter) -> Counts:
    return Counts(statuses["open"], statuses["waived"], statuses["not assessed"], statuses["error"])


def of_csv(data: bytes) -> Counts:
    return of_statuses(Counter(row["status"] for row in csv.DictReader(io.StringIO(data.decode(), newline=""))))


def of_xlsx(data: bytes) -> Counts:
    _, *rows = openpyxl.load_workbook(io.BytesIO(data))["findings"].iter_rows(max_col=1, values_only=True)
    return of_statuses(Counter(status for (status,) in rows))


def of_json(data: bytes) -> Counts:
    file = json.loads(data)
    return Counts(*(len(file[name]) for name in ("findings", "waived", "notAssessed", "errors")))


def of_sarif(data: bytes) -> Counts:
    runs = json.loads(data)["runs"]
    results = [result for run in runs for result in run["results"] if not result.get("suppressions")]
    notes = [note for run in runs for note in run["invocations"][0].get("toolExecutionNotifications", ())]
    texts = [note["message"]["text"] for note in notes]
    unknown = [re.search(r"is not assessed for (\d+) subject", text) for text in texts]
    crashes = sum(" failed on " in text for text in texts)
    return Counts(len(results), None, sum(int(found[1]) for found in unknown if found), crashes)


def of_html(data: bytes) -> Counts:
    def entry(anchor: str) -> int:
        found = re.search(rf'href="#{anchor}">[^<]*</a> <small>(\d+)<', data.decode())
        return int(found[1]) if found else 0

    return Counts(entry("findings"), entry("waived"), entry("missing"), entry("errors"))


def of_words(data: bytes) -> Counts:
    """Of the formats for people: what they say in words."""
    text = " ".join(data.decode().split())

    def number(pattern: str) -> int:
        found = re.search(pattern, text)
        return int(found[1]) if found else 0

    return Counts(
        number(r"(\d+) findings? ?[(;,]"),
        number(r"(\d+) waived;"),
        number(r"(\d+) rule × subject pairs? not assessed"),
        number(r"(\d+) pairs? on which a rule failed"),
    )


def of_text(data: bytes) -> Counts:
    """It lists what is unknown by its cause."""
    text = data.decode()
    said = of_words(data)
    missing = sum(int(pairs) for pairs in re.findall(r"(\d+) pairs? of \d+ rules?", text))
    errors = text.partition("\nErrors\n")[2].partition("\nNot assessed\n")[0]
    return Counts(said.findings, said.waived, missing, errors.count("\n  - "))


def of_ocsf(data: bytes) -> Counts:
    events = [json.loads(line) for line in data.splitlines()]
    statuses = Counter((event["compliance"]["status"], event["status"] == "Suppressed") for event in events)
    return Counts(statuses["Fail", False], statuses["Fail", True], statuses["Warning", False], statuses["Error", False])


def of_junit(data: bytes) -> Counts:
    """Pairs; findings by the fingerprints in the texts of failures."""
    suites = ET.fromstring(data)  # noqa: S314 written a moment ago
    failures = "".join(failure.text for failure in suites.iter("failure"))
    skipped = Counter(entry.get("message").partition(":")[0] for entry in suites.iter("skipped"))
    found = len(re.findall(r"\[[0-9a-f]{32}\]", failures))
    return Counts(found, skipped["waived"], skipped["not assessed"], len(list(suites.iter("error"))))


READERS: dict[str, Callable[[bytes], Counts]] = {
    "azdo": of_words,
    "csv": of_csv,
    "github": of_words,
    "html": of_html,
    "json": of_json,
    "junit": of_junit,
    "markdown": of_words,
    "ocsf": of_ocsf,
    "sarif": of_sarif,
    "text": of_text,
    "xlsx": of_xlsx,
}


@pytest.fixture(scope="module")
def contoso_report(saved, tmp_path_factory) -> Report:
    """Contoso as it is scanned, with waivers for a part of its findings."""
    folder = tmp_path_factory.mktemp("contoso")
    entry = '{rule: "NET-*", reason: known, owner: ops, ticket: OPS-1, expires: 2099-01-01}'
    (folder / "waivers.yaml").write_text(f"waivers: [{entry}]\n")
    options = ("--waivers", str(folder / "waivers.yaml"), "-f", "json", "-o", str(folder))
    assert akscan("scan", "--inventory", str(saved), *options).code == 0
    return decode_report((folder / "akscan.json").read_bytes())


def test_every_format_is_held_to_this():
    assert set(READERS) == set(reporter_names())


@pytest.mark.parametrize("name", sorted(READERS))
@pytest.mark.parametrize("which", ["fleet", "compared", "hostile", "contoso_report"])
def test_every_format_tells_the_same_numbers(name, which, request):
    report = request.getfixturevalue(which)
    wanted = Counts(len(report.findings), len(report.waived), len(report.not_assessed), len(report.errors))
    said = READERS[name](written(name, report))
    for field in ("findings", "waived", "not_assessed", "errors"):
        assert getattr(said, field) in {getattr(wanted, field), None}, field
    assert said.findings is not None


def test_the_reports_of_these_tests_hold_everything(fleet, compared):
    assert len(compared.waived) == 20
    assert {str(finding.change) for finding in compared.findings} == {"new", "unchanged", "updated"}
    for report in (fleet, compared):
        assert all(sum(table[status] for table in report.counts().values()) for status in Status)


@pytest.mark.parametrize("name", sorted(READERS))
def test_an_empty_report_can_be_written(name, fleet):
    said = READERS[name](written(name, Report(run=fleet.run)))
    assert {said.findings, said.waived, said.not_assessed, said.errors} <= {0, None}


@pytest.mark.parametrize("name", sorted(READERS))
def test_the_same_report_gives_the_same_bytes(name, compared):
    assert written(name, compared) == written(name, compared)


HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


#: JSON says what a character is that cannot be seen; everybody else leaves it out or names it.
@pytest.mark.parametrize("name", sorted(set(READERS) - {"json", "ocsf", "sarif", "xlsx"}))
def test_no_name_hides_what_a_reader_sees(name, hostile):
    text = written(name, hostile).decode()
    assert not {c for c in text if c not in "\r\n\t" and unicodedata.category(c) in HIDDEN}


@pytest.mark.parametrize("name", ["html", "junit", "markdown"])
def test_no_name_is_markup(name, hostile):
    assert "<script>alert" not in written(name, hostile).decode()


@pytest.mark.parametrize("name", ["azdo", "github", "text"])
def test_no_name_gives_a_command_to_a_pipeline(name, make_report, public, deployments):
    commands = ("::stop-commands::x", "##vso[task.complete result=Succeeded;]", "a\n::add-mask::x", "##[error]x")
    report = make_report(public(), deployments("web", *commands, containers=commands))
    given = {"azdo": "##vso[task.logissue ", "github": tuple(f"::{level} title=" for level in ("error", "warning"))}
    for line in written(name, report).decode().splitlines():
        bare = line.removeprefix("##vso[") if name == "azdo" else line
        assert "##vso[" not in bare
        assert "##[" not in bare
        assert not line.lstrip().startswith(("::", "##")) or line.startswith(given[name])


@pytest.mark.parametrize("name", ["azdo", "github", "html", "json", "junit", "markdown", "text", "xlsx"])
def test_an_interrupted_scan_says_so(name, fleet):
    run = msgspec.structs.replace(fleet.run, interrupted=True)
    for report, is_said in ((fleet, False), (msgspec.structs.replace(fleet, run=run), True)):
        data = written(name, report)
        if name == "xlsx":
            data = str(list(openpyxl.load_workbook(io.BytesIO(data))["summary"].values)).encode()
        assert bool(re.search(rb'was interrupted|"interrupted":true', data)) is is_said
