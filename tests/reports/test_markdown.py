"""The summary for pull requests, as a Markdown parser reads it."""

import io
import re
from html.parser import HTMLParser

import msgspec
import pytest
from akscan.comparison import against
from akscan.sdk import Change, Passed, Report, WaiverStatus, markdown_text
from akscan_reports import markdown
from markdown_it import MarkdownIt


def written(report: Report) -> str:
    out = io.BytesIO()
    markdown.write(report, out)
    return out.getvalue().decode()


class Reader(HTMLParser):
    """The elements of what is rendered, their texts, and pieces of text that stand alone, as a search for mentions in
    it sees them.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.pieces: list[str] = []
        self.cells: list[list[str]] = []
        self._in_cell = False
        self.feed(MarkdownIt("commonmark").enable("table").render(text))
        self.close()

    def handle_starttag(self, tag, attrs):  # noqa: ARG002 the parser calls it so
        self.elements.add(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in {"td", "th"}:
            self.cells[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        self._in_cell &= tag not in {"td", "th"}

    def handle_data(self, data):
        self.pieces.append(data)
        if self._in_cell:
            self.cells[-1][-1] += data


def test_verdict_counts_and_what_nobody_knows_come_first(compared):
    text = written(compared)
    assert text.startswith("### akscan: 9 findings (2 high, 7 medium), 20 waived; 86.4 % assessed\n")
    assert (
        "**Unknown**: 3 rule × subject pairs not assessed, 2 pairs on which a rule failed by its own fault.\n" in text
    )
    assert "Compared with the baseline: 2 new, 6 unchanged, 1 updated.\n" in text
    rows = Reader(text).cells
    severities = ["Critical", "High", "Medium", "Low", "Info"]
    assert rows[0] == ["Cluster", *severities, "New", "Waived", "Not assessed", "Errors", "Coverage"]
    assert rows[4] == ["all", "0", "2", "7", "0", "0", "2", "20", "3", "2", "86.4 %"]


def test_new_findings_come_before_known_ones(compared):
    text = written(compared)
    new, known = text.index("#### New findings (2)"), text.index("#### Known findings (7)")
    assert new < text.index("deployment shop/web-12 in") < known < text.index("API-901")
    assert "- updated: cluster rg-other/aks-shop: the API server answers on the internet\n" in text


def test_that_everything_is_fixed_is_told(fleet):
    passed = {(f.rule.id, f.subject.id): Passed(rule=f.rule, subject=f.subject) for f in fleet.findings}
    clean = msgspec.structs.replace(fleet, findings=(), passed=(*fleet.passed, *passed.values()))
    text = written(against(clean, fleet))
    assert f"Compared with the baseline: 0 new, 0 unchanged, 0 updated, {len(fleet.findings)} fixed" in text


def test_without_a_baseline_nothing_is_new(fleet):
    text = written(fleet)
    assert "#### Findings (29)\n" in text
    assert "baseline" not in text


def test_a_rule_shows_its_fix(compared):
    text = written(compared)
    assert "Fix (disturbs: workload restart): set `resources.requests.memory`.\n" in text
    assert "```sh\nkubectl --namespace {namespace} edit {kind} {name}\n```\n" in text


def test_waivers_and_gaps_are_listed(compared):
    rows = Reader(written(compared)).cells
    said = ["used", "rule WRK-901, name web-0*", '=HYPERLINK("https://evil.example")', "@team", "OPS-1", "2027-01-31"]
    assert [*said, "20"] in rows
    assert [WaiverStatus.UNUSED, "rule API-901, cluster none", "moved", "ops", "OPS-2", "2027-01-31", "0"] in rows
    assert ["aks-intranet", "list secrets is missing on aks-intranet", "list secrets", "1"] in rows


TRICKS = (
    "@octocat",
    "#123",
    "https://evil.example",
    "www.evil.example",
    "a@evil.example",
    "![x](https://evil.example/x.png)",
    "<img src=x onerror=alert(1)>",
    "a | b",
    "**bold** _x_ `code` ~~gone~~",
    "&lt;b&gt;",
    "$x$",
    "</details>",
)


@pytest.mark.parametrize("trick", TRICKS)
def test_text_is_shown_as_it_is(trick):
    reader = Reader(f"| a |\n|---|\n| {markdown_text(trick)} |\n\n- {markdown_text(trick)}")
    assert reader.elements == {"table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert "".join(reader.pieces).split("\n").count(trick) == 2
    for piece in reader.pieces:
        assert not re.search(r"[@#]\w", piece)


@pytest.mark.parametrize("scheme", ["://", "www."])
def test_github_finds_no_address_to_link(scheme):
    assert scheme not in markdown_text(f"see {scheme}evil.example")


def test_names_are_not_markup(make_report, public, deployments):
    reader = Reader(written(make_report(public(), deployments(*TRICKS, containers=TRICKS[:3]))))
    assert not reader.elements & {"a", "img", "script", "em", "s"}
    assert reader.elements >= {"details", "summary"}


def test_a_fence_holds_whatever_the_commands_hold(fleet):
    first = fleet.findings[0]
    remediation = msgspec.structs.replace(first.remediation, commands="echo\n```\n<script>alert(1)</script>")
    finding = msgspec.structs.replace(first, remediation=remediation)
    reader = Reader(written(msgspec.structs.replace(fleet, findings=(finding,))))
    assert "script" not in reader.elements
    assert "echo\n```\n<script>alert(1)</script>\n" in "".join(reader.pieces)


def test_it_fits_into_a_comment_and_counts_what_does_not(compared):
    rules = [msgspec.structs.replace(compared.rules[2], id=f"WRK-{number}") for number in range(1000, 1200)]
    findings = [
        msgspec.structs.replace(compared.findings[-1], rule=rule, change=change, message="@#" * 5_000)
        for rule in rules
        for change in (Change.NEW, Change.UPDATED)
    ]
    waivers = [msgspec.structs.replace(one, reason="@#" * 5_000) for one in compared.waivers * 20]
    gaps = [msgspec.structs.replace(one, reason="#@" * 5_000) for one in compared.coverage.gaps * 20]
    coverage = msgspec.structs.replace(compared.coverage, gaps=tuple(gaps))
    report = msgspec.structs.replace(
        compared, rules=tuple(rules), findings=tuple(findings), waivers=tuple(waivers), coverage=coverage
    )
    text = written(report)
    assert markdown.LIMIT * 0.8 < len(text.encode("utf-16-le")) / 2 <= markdown.LIMIT
    assert len(text.encode()) < 1024**2
    shown = text.count("<details>")
    assert f"**{len(findings) - shown} findings left out**" in text
    assert text.count("</details>") == shown > 5
    assert re.search(r"\.\.\. and \d+ more waivers", text)
    assert re.search(r"\.\.\. and \d+ more reasons", text)
    assert "Coverage 86.4 %" in text
