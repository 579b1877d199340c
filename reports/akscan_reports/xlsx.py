"""A workbook for Excel: summary, findings, coverage, rules, waivers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import BinaryIO

from akscan.sdk import Report, Severity, Status, cluster_labels, plain, plain_lines, reporter
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from akscan_reports.rows import CELL, columns, cut, reads_as_formula, rows
from akscan_reports.wording import Figures, cluster_figures, headline, total_figures, unknown

#: The rows of a sheet, the headings among them:
#: https://support.microsoft.com/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3
ROWS = 1_048_576
_WIDTHS = {
    "title": 50,
    "message": 60,
    "evidence": 40,
    "fix": 50,
    "reason": 80,
    "detail": 50,
    "subject": 60,
    "fact": 24,
    "value": 40,
}
_WIDTH = 16

Value = str | int | float
Line = Sequence[Value]


@reporter("xlsx")
def write(report: Report, out: BinaryIO) -> None:
    """Every cell is a string or a number, never a formula. Findings beyond the rows of a sheet stand on further ones,
    and the summary says so, as it says how many cells were cut.
    """
    write_workbook(report, out, ROWS)


def write_workbook(report: Report, out: BinaryIO, most_rows: int) -> None:
    """With another number of rows to a sheet."""
    with Workbook(out, {"constant_memory": True}) as workbook:
        workbook.set_properties({"title": "akscan", "created": _naive(report.run.finished)})
        book = _Book(workbook, most_rows)
        summary = book.sheet("summary", ["fact", "value"])
        book.table("findings", columns(), rows(report))
        book.table("coverage", ["cluster", "assessed", "applicable", "percent"], _coverage(report))
        book.table("gaps", ["cluster", "reason", "permission", "pairs"], _gaps(report))
        book.table("rules", _RULES, _rules(report))
        book.table("waivers", _WAIVERS, _waivers(report))
        for number, line in enumerate(chain(_facts(report), book.remarks(), _figures(report)), start=1):
            book.write(summary, number, line)


class _Book:
    def __init__(self, workbook: Workbook, most_rows: int) -> None:
        self._workbook = workbook
        self._most_rows = most_rows
        self._bold: Format = workbook.add_format({"bold": True})
        #: what Excel shows as an apostrophe before the text: it stays text when somebody edits the cell
        self._quoted: Format = workbook.add_format({"quote_prefix": True})
        self._continued: dict[str, int] = {}
        self._cuts = 0

    def sheet(self, name: str, headings: Sequence[str]) -> Worksheet:
        sheet = self._workbook.add_worksheet(name)
        for column, heading in enumerate(headings):
            sheet.set_column(column, column, _WIDTHS.get(heading, _WIDTH))
            sheet.write_string(0, column, heading.replace("_", " "), self._bold)
        sheet.freeze_panes(1, 0)
        return sheet

    def table(self, name: str, headings: Sequence[str], lines: Iterable[Line]) -> None:
        """On as many sheets as it takes."""
        sheet, row, parts = self.sheet(name, headings), 0, 1
        for line in lines:
            if row + 1 == self._most_rows:
                sheet.autofilter(0, 0, row, len(headings) - 1)
                parts += 1
                self._continued[name] = parts
                sheet, row = self.sheet(f"{name} {parts}", headings), 0
            row += 1
            self.write(sheet, row, line)
        sheet.autofilter(0, 0, row, len(headings) - 1)

    def write(self, sheet: Worksheet, row: int, line: Line) -> None:
        for column, value in enumerate(line):
            if isinstance(value, str):
                self._write_text(sheet, row, column, value)
            else:
                sheet.write_number(row, column, value)

    def _write_text(self, sheet: Worksheet, row: int, column: int, text: str) -> None:
        shown = cut(text)
        self._cuts += shown != text
        if shown.startswith("<r>"):
            # XlsxWriter takes it for markup of its own, and writes it as it stands
            shown = f" {shown}"
        if shown:
            sheet.write_string(row, column, shown, self._quoted if reads_as_formula(shown) else None)

    def remarks(self) -> Iterator[Line]:
        """What Excel has no room for."""
        for name, parts in self._continued.items():
            yield name, f"continue on further sheets, up to {name} {parts}: a sheet has {self._most_rows} rows"
        if self._cuts:
            end = "cell ends" if self._cuts == 1 else "cells end"
            yield "cut", f"{self._cuts} {end} in an ellipsis: a cell holds {CELL} characters"


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _facts(report: Report) -> Iterator[Line]:
    run = report.run
    yield "result", headline(report)
    if said := unknown(report):
        yield "unknown", said
    yield "akscan", plain(run.akscan)
    yield "read (UTC)", f"{_naive(run.started):%Y-%m-%d %H:%M:%S} to {_naive(run.finished):%Y-%m-%d %H:%M:%S}"
    yield "source", plain(run.source)
    yield "cloud", plain(run.cloud)
    yield "identity", plain(run.identity)
    for subscription in run.scope.subscriptions:
        detail = f": {subscription.detail}" if subscription.detail else ""
        yield "subscription", plain(f"{subscription.name} ({subscription.id}) {subscription.status}{detail}")
    for framework in report.frameworks:
        counts = ", ".join(f"{number} {status.label}" for status, number in framework.counts().items())
        yield "framework", f"{plain(f'{framework.title} {framework.version}')}: {counts}"


def _figures(report: Report) -> Iterator[Line]:
    yield ()
    yield "cluster", *map(str, Severity), "new", "waived", "not assessed", "errors", "coverage %"
    yield from map(_counts, [*cluster_figures(report), total_figures(report)])


def _counts(figures: Figures) -> Line:
    counts = (figures.new, figures.waived, figures.not_assessed, figures.errors, figures.coverage.percent)
    return figures.label, *figures.severities.values(), *counts


def _coverage(report: Report) -> Iterator[Line]:
    for figures in [*cluster_figures(report), total_figures(report)]:
        coverage = figures.coverage
        yield figures.label, coverage.assessed, coverage.applicable, coverage.percent


def _gaps(report: Report) -> Iterator[Line]:
    labels = cluster_labels(report)
    for gap in report.coverage.gaps:
        yield labels.get(gap.cluster, plain(gap.cluster)), plain(gap.reason), plain(gap.permission), gap.pairs


_RULES = ("rule", "title", "severity", "pillar", "module", *map(str, Status), "fix", "disruption", "commands", "docs")


def _rules(report: Report) -> Iterator[Line]:
    counts = report.counts()
    for rule in report.rules:
        yield (
            rule.id,
            plain(rule.title),
            str(rule.severity),
            str(rule.pillar),
            plain(rule.module),
            *(counts[rule.id][status] for status in Status),
            plain(rule.fix),
            str(rule.disruption),
            plain_lines(rule.commands),
            plain(" ".join(rule.docs)),
        )


_WAIVERS = ("status", "selector", "reason", "owner", "ticket", "expires", "findings", "detail", "place")


def _waivers(report: Report) -> Iterator[Line]:
    for waiver in report.waivers:
        said = (waiver.selector, waiver.reason, waiver.owner, waiver.ticket, waiver.expires)
        yield str(waiver.status), *map(plain, said), waiver.findings, plain(waiver.detail), plain(waiver.place)
