"""Markdown for a comment on a pull request, or the summary of a step of GitHub Actions."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from itertools import groupby
from typing import BinaryIO

from akscan.sdk import (
    Change,
    Failure,
    Report,
    Severity,
    cluster_labels,
    markdown_text,
    plain,
    plain_lines,
    reporter,
)

from akscan_reports.wording import (
    Figures,
    changes,
    cluster_figures,
    commands,
    counted,
    fix,
    headline,
    is_compared,
    place,
    total_figures,
    unknown,
)

#: What a comment on GitHub holds, in characters; the summary of a step holds 1 MiB, which they never fill:
#: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits
LIMIT = 65_536
_NOTE = 300
_SHOWN = 10
_LINES = 20
_TABLE = 10_000
_MESSAGE = 300
_COMMANDS = 4_000


@reporter("md")
def write(report: Report, out: BinaryIO) -> None:
    """A verdict, counts, the worst findings with their fix (those first that a baseline does not have), what is waived
    and what nobody knows. What does not fit in a comment is counted.
    """
    out.write(_Page(report).text().encode())


class _Page:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._labels = cluster_labels(report)

    def text(self) -> str:
        head, tail = _joined(self._head()), _joined([*self._waivers(), *self._unknown(), *self._foot()])
        room = LIMIT - _size(head) - _size(tail) - _NOTE
        return head + _joined(self._findings(room)) + tail

    # --- before the findings

    def _head(self) -> Iterator[str]:
        yield f"### akscan: {headline(self._report)}\n"
        if said := unknown(self._report):
            yield f"**Unknown**: {said}.\n"
        if is_compared(self._report):
            yield f"Compared with the baseline: {changes(self._report)}.\n"
        clusters = cluster_figures(self._report)
        columns = [*(severity.capitalize() for severity in Severity), "New", "Waived", "Not assessed", "Errors"]
        total = [_figures(total_figures(self._report))] if len(clusters) > 1 else []
        yield from _table(["Cluster", *columns, "Coverage"], list(map(_figures, clusters)), "cluster", total)

    # --- findings

    def _findings(self, room: int) -> Iterator[str]:
        """As many rules as there is room for; the rest is counted."""
        news = [finding for finding in self._report.findings if finding.change is Change.NEW]
        known = [finding for finding in self._report.findings if finding.change is not Change.NEW]
        sections = [("New findings", news), ("Known findings" if is_compared(self._report) else "Findings", known)]
        left_out = 0
        for title, findings in sections:
            heading = f"#### {title} ({len(findings)})\n\n"
            for _, group in groupby(findings, key=lambda finding: (finding.severity.rank, finding.rule.id)):
                same_rule = list(group)
                block = f"{heading}{_joined(self._rule(same_rule))}"
                room -= _size(block)
                if room < 0:
                    left_out += len(same_rule)
                    continue
                yield block
                heading = ""
        if left_out:
            yield (
                f"**{counted(left_out, 'finding')} left out**: a comment on GitHub holds {LIMIT} characters. "
                "The JSON and HTML reports have all.\n"
            )

    def _rule(self, findings: Sequence[Failure]) -> Iterator[str]:
        first = findings[0]
        rule = first.rule
        title = html.escape(plain(f"{rule.id} {rule.title}", _MESSAGE))
        said = f"<b>{first.severity.upper()}</b> {title} ({counted(len(findings), 'finding')})"
        opened = " open" if first.severity is Severity.CRITICAL else ""
        yield f"<details{opened}><summary>{said}</summary>\n"
        for finding in findings[:_SHOWN]:
            change = "updated: " if finding.change is Change.UPDATED else ""
            said = plain(f"{place(finding.subject, self._labels)}: {finding.message}", _MESSAGE)
            yield f"- {change}{markdown_text(said)}"
        if len(findings) > _SHOWN:
            yield f"- ... and {len(findings) - _SHOWN} more"
        yield ""
        if rule.fix:
            yield f"{fix(first)}\n"
        for text, note in commands(findings, _SHOWN):
            yield from _code(text)
            if note:
                yield f"({markdown_text(note)})\n"
        yield "</details>"

    # --- behind the findings

    def _waivers(self) -> Iterator[str]:
        waivers = self._report.waivers
        if not waivers:
            return
        yield f"#### Waivers ({counted(len(self._report.waived), 'waived finding')})\n"
        lines = [
            (one.status, one.selector, one.reason, one.owner, one.ticket, one.expires, one.findings) for one in waivers
        ]
        columns = ["Status", "For", "Reason", "Owner", "Ticket", "Until", "Findings"]
        yield from _table(columns, lines, "waiver")

    def _unknown(self) -> Iterator[str]:
        gaps = self._report.coverage.gaps
        if not gaps:
            return
        yield f"#### Not assessed ({counted(len(self._report.not_assessed), 'pair')})\n"
        lines = [(self._labels.get(gap.cluster, gap.cluster), gap.reason, gap.permission, gap.pairs) for gap in gaps]
        yield from _table(["Cluster", "Reason", "Permission", "Pairs"], lines, "reason")

    def _foot(self) -> Iterator[str]:
        total, run = self._report.coverage.total, self._report.run
        started = run.started.astimezone(UTC) if run.started.tzinfo else run.started
        person = f" as {markdown_text(plain(run.identity, _MESSAGE))}" if run.identity else ""
        yield (
            f"Coverage {total.percent} %: {total.assessed} of {total.applicable} applicable rule × subject pairs were "
            f"assessed. Read {started:%Y-%m-%d %H:%M} UTC{person} by akscan {markdown_text(run.akscan)}."
        )


Line = Sequence[str | int]


def _figures(figures: Figures) -> Line:
    counts = (figures.new, figures.waived, figures.not_assessed, figures.errors, f"{figures.coverage.percent} %")
    return [figures.label, *figures.severities.values(), *counts]


def _table(columns: Sequence[str], lines: Sequence[Line], noun: str, last: Sequence[Line] = ()) -> Iterator[str]:
    """As many lines as there is room for, since names grow where they are escaped, and the last ones."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    shown, size = 0, 0
    for row in map(_row, lines[:_LINES]):
        size += _size(row)
        if size > _TABLE:
            break
        shown += 1
        yield row
    yield from map(_row, last)
    hidden = len(lines) - shown
    yield f"\n... and {counted(hidden, f'more {noun}')}\n" if hidden else ""


def _row(line: Line) -> str:
    return f"| {' | '.join(markdown_text(plain(str(cell), _MESSAGE)) for cell in line)} |"


def _code(text: str) -> Iterator[str]:
    """Behind a fence that is longer than any in it."""
    if len(text) > _COMMANDS:
        yield "(commands too long for a comment: see the JSON report)\n"
        return
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    yield f"{fence}sh\n{plain_lines(text)}\n{fence}\n"


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _size(text: str) -> int:
    """In UTF-16 code units, which is never less than what anybody counts as characters."""
    return len(text.encode("utf-16-le")) // 2
