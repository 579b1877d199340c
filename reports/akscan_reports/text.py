"""The report for a terminal: what is wrong, the worst first, and what nobody knows."""

from __future__ import annotations

import io
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import BinaryIO

from akscan.sdk import (
    ControlStatus,
    EvidenceValue,
    Failure,
    Report,
    Severity,
    SubjectRef,
    Unassessed,
    cluster_labels,
    places,
    plain,
    plain_lines,
    reporter,
    subject_label,
)
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from akscan_reports.wording import (
    Figures,
    changes,
    cluster_figures,
    commands,
    counted,
    harmless,
    headline,
    is_compared,
    listed,
    total_figures,
)

_WIDTH = 80
_WIDEST = 100
_SHOWN = 10
_VALUE = 120
_SENTENCES = 600
_COMMANDS = 4000
_STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


@reporter("txt", to_stdout=True)
def write(report: Report, out: BinaryIO) -> None:
    """UTF-8 text of 80 columns (of a terminal up to 100), in colour on a terminal only. Commands are never wrapped, so
    that they can be copied.
    """
    terminal = out.isatty()
    text = io.StringIO()
    console = Console(
        file=text,
        width=_terminal_width(out) if terminal else _WIDTH,
        force_terminal=terminal,
        force_jupyter=False,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
    )
    _Page(report, console).print()
    lines = (harmless(line.rstrip()) for line in text.getvalue().splitlines())
    out.write("".join(f"{line}\n" for line in lines).encode())


def _terminal_width(out: BinaryIO) -> int:
    try:
        columns = os.get_terminal_size(out.fileno()).columns
    except OSError:
        columns = 0
    return min(columns or _WIDTH, _WIDEST)


class _Page:
    def __init__(self, report: Report, console: Console) -> None:
        self._report = report
        self._console = console
        self._clusters = cluster_labels(report)

    def print(self) -> None:
        self._header()
        self._summary()
        self._findings()
        self._waived()
        self._carried()
        self._errors()
        self._not_assessed()
        self._frameworks()
        self._permissions()
        self._scope()
        self._coverage()

    # --- lines

    def _line(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        """Text, or pairs of text and style, wrapped behind an indent."""
        self._console.print(Padding(Text.assemble(*parts), (0, 0, 0, indent), expand=False))

    def _item(self, *parts: str | tuple[str, str], indent: int = 2) -> None:
        """An entry of a list, whose further lines stand behind its dash."""
        entry = Table.grid(padding=(0, 1))
        entry.add_row("-", Text.assemble(*parts))
        self._console.print(Padding(entry, (0, 0, 0, indent), expand=False))

    def _heading(self, title: str) -> None:
        self._console.print()
        self._line((title, "bold underline"))

    def _rest(self, hidden: int, *, indent: int) -> None:
        if hidden > 0:
            self._line((f"... and {hidden} more", "dim"), indent=indent)

    # --- sections

    def _header(self) -> None:
        run = self._report.run
        self._line((f"akscan {plain(run.akscan)}", "bold"), f"  {_scanned(self._report)}")
        place = f" in {plain(run.cloud)}" if run.cloud else ""
        person = f" as {plain(run.identity, _VALUE)}" if run.identity else ""
        self._line(f"Read {_period(run.started, run.finished)}{place}{person} ({plain(run.source)})")
        self._line((headline(self._report), "bold"))
        if is_compared(self._report):
            self._line(f"Compared with the baseline: {changes(self._report)}")
        if run.interrupted:
            self._line(("The scan was interrupted: what was not read by then is not assessed.", "bold red"))

    def _summary(self) -> None:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
        table.add_column("Cluster", overflow="fold")
        for severity in Severity:
            table.add_column(severity.capitalize(), justify="right")
        table.add_column("Coverage", justify="right", no_wrap=True)
        clusters = cluster_figures(self._report)
        for figures in clusters:
            table.add_row(Text(figures.label), *_figures(figures))
        if len(clusters) > 1:
            table.add_section()
            table.add_row(Text("all"), *_figures(total_figures(self._report)))
        self._console.print()
        self._console.print(table)

    def _findings(self) -> None:
        self._heading("Findings")
        if not self._report.findings:
            self._line("None.")
        for _, group in groupby(self._report.findings, key=lambda finding: (finding.severity.rank, finding.rule.id)):
            self._rule(list(group))

    def _waived(self) -> None:
        if not self._report.waivers:
            return
        self._heading("Waivers")
        for number, waiver in enumerate(self._report.waivers):
            said = f"{waiver.reason}; {waiver.owner}, {waiver.ticket}, until {waiver.expires}"
            self._item((f"{waiver.status}", "bold"), f"  {plain(waiver.selector, _VALUE)}: {plain(said, _SENTENCES)}")
            if waiver.detail:
                self._line((plain(waiver.detail, _VALUE), "dim"), indent=4)
            found = [finding for finding in self._report.waived if number in finding.waived_by]
            for finding in found[:_SHOWN]:
                what, where = self._named(finding.subject)
                message = f"{where}: {plain(finding.message, _SENTENCES)}"
                self._line(f"{finding.severity} {plain(finding.rule.id)} ", what, message, indent=4)
            self._rest(len(found) - _SHOWN, indent=4)

    def _carried(self) -> None:
        if not self._report.carried:
            return
        self._heading("Found before, and not reassessed")
        for carried in self._report.carried[:_SHOWN]:
            finding = carried.finding
            what, where = self._named(finding.subject)
            self._item(
                (f"{finding.severity} {plain(finding.rule.id)}  ", "bold"),
                what,
                f"{where}: {plain(finding.message, _SENTENCES)}",
            )
            self._line((f"seen {carried.since:%Y-%m-%d}; {plain(carried.why, _VALUE)}", "dim"), indent=4)
        self._rest(len(self._report.carried) - _SHOWN, indent=2)

    def _rule(self, findings: Sequence[Failure]) -> None:
        first = findings[0]
        rule = first.rule
        self._console.print()
        self._line(
            (f" {first.severity.upper()} ", _STYLES[first.severity]),
            (f" {plain(rule.id)}  {plain(rule.title)}", "bold"),
            f"  ({counted(len(findings), 'finding')})",
        )
        if rule.why:
            self._line((_first_paragraph(rule.why, 2 * self._console.width - 10), "italic"), indent=2)
        subjects = [list(group) for _, group in groupby(findings, key=lambda finding: finding.subject.id)]
        for same_subject in subjects[:_SHOWN]:
            self._subject(same_subject)
        self._rest(len(subjects) - _SHOWN, indent=2)
        self._fix(findings)

    def _subject(self, findings: Sequence[Failure]) -> None:
        self._item(*self._named(findings[0].subject))
        for finding in findings[:_SHOWN]:
            change = f"{finding.change}: " if finding.change and finding.change != "unchanged" else ""
            self._line(f"{change}{plain(finding.message, _SENTENCES)}", indent=4)
            if finding.evidence:
                values = "; ".join(f"{plain(name)} = {_value(value)}" for name, value in finding.evidence.items())
                self._line((plain(values, 2 * _SENTENCES), "dim"), indent=4)
        self._rest(len(findings) - _SHOWN, indent=4)

    def _named(self, subject: SubjectRef) -> tuple[tuple[str, str], str]:
        """What it is, to stand out, and where."""
        cluster = self._clusters[subject.cluster]
        if subject.id == subject.cluster:
            return (f"cluster {cluster}", "bold"), ""
        return (subject_label(subject), "bold"), f" in {cluster}"

    def _fix(self, findings: Sequence[Failure]) -> None:
        rule = findings[0].rule
        disturbs = "" if rule.disruption == "none" else f" (disturbs: {rule.disruption})"
        if rule.fix:
            self._line(("Fix", "bold green"), f"{disturbs}: {_first_paragraph(rule.fix, _SENTENCES)}", indent=2)
        for filled_in, note in commands(findings, _SHOWN):
            self._command_lines(filled_in)
            if note:
                self._line((f"({note})", "dim"), indent=4)
        for page in rule.docs[:1]:
            self._line((plain(page), "dim"), indent=2)

    def _command_lines(self, text: str) -> None:
        if len(text) > _COMMANDS:
            self._line("(commands too long for the terminal: see the JSON report)", indent=4)
            return
        for line in plain_lines(text).split("\n"):
            shown = Text(f"    {line}", "green")
            self._console.print(shown, soft_wrap=True)

    def _errors(self) -> None:
        errors = self._report.errors
        if not errors:
            return
        self._heading("Errors")
        self._line("These rules failed by their own fault; what they would have said is unknown.")
        for error in errors[:_SHOWN]:
            message = f": {plain(error.message, _SENTENCES)}"
            self._item((plain(error.rule.id), "bold"), " on ", *self._named(error.subject), message)
        self._rest(len(errors) - _SHOWN, indent=2)

    def _not_assessed(self) -> None:
        missing = self._report.not_assessed
        if not missing:
            return
        self._heading("Not assessed")
        groups: dict[str, list[Unassessed]] = defaultdict(list)
        for result in missing:
            groups[result.permission or result.reason].append(result)
        for cause, results in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
            rules = list(dict.fromkeys(result.rule.id for result in results))
            clusters = {result.subject.cluster for result in results}
            how_many = (
                f"{counted(len(results), 'pair')} of {counted(len(rules), 'rule')} "
                f"on {counted(len(clusters), 'cluster')}"
            )
            self._item((plain(cause, _VALUE), "bold"), f": {how_many} ({listed(rules)})")
            reasons = list(dict.fromkeys(result.reason for result in results if result.reason != cause))
            for reason in reasons[:1]:
                self._line(plain(reason, _SENTENCES), indent=4)
            self._rest(len(reasons) - 1, indent=4)

    def _frameworks(self) -> None:
        if not self._report.frameworks:
            return
        self._heading("Frameworks")
        for framework in self._report.frameworks:
            counts = ", ".join(f"{number} {status.label}" for status, number in framework.counts().items())
            stale = ", a stale list" if framework.is_stale else ""
            name = plain(f"{framework.title} {framework.version}", _VALUE)
            self._item((name, "bold"), f" (as of {plain(framework.as_of)}{stale}): {counts}")
            failed = [control.id for control in framework.controls if control.status is ControlStatus.FAIL]
            if failed:
                self._line(f"failed: {', '.join(plain(one) for one in failed)}", indent=4)

    def _permissions(self) -> None:
        ledger = self._report.ledger
        if not ledger:
            return
        self._heading("Permissions")
        held = sum(entry.is_held for entry in ledger)
        self._line(f"{held} of {len(ledger)} that rules need are held wherever they were asked for.", indent=2)
        for place in places(ledger):
            permissions = [entry.permission for entry in place.entries]
            self._item((f"{place.status} on {listed(place.names)}", "bold"), f": {listed(permissions)}", indent=4)
            for detail in place.details[:1]:
                self._line(plain(detail, _SENTENCES), indent=6)
            self._rest(len(place.details) - 1, indent=6)
        unnamed = max(entry.missing + entry.unknown - len(entry.scopes) for entry in ledger)
        if unnamed:
            self._line((f"... and up to {unnamed} more scopes of each", "dim"), indent=4)

    def _scope(self) -> None:
        self._heading("Scope")
        scope = self._report.run.scope
        states = Counter(subscription.status for subscription in scope.subscriptions)
        counted = "".join(f", {number} {plain(state)}" for state, number in sorted(states.items()))
        self._line(f"Subscriptions: {len(scope.subscriptions)} seen{counted}", indent=2)
        for subscription in scope.subscriptions:
            if subscription.status != "scanned":
                name = plain(f"{subscription.name} ({subscription.id})", 2 * _VALUE)
                detail = f": {plain(subscription.detail, _SENTENCES)}" if subscription.detail else ""
                self._item(f"{plain(subscription.status)}: {name}{detail}", indent=4)
        self._line(f"Clusters: {len(self._report.clusters)}", indent=2)
        for cluster in self._report.clusters:
            for source, gap in (("Azure", cluster.azure_gap), ("Kubernetes", cluster.kubernetes_gap)):
                if gap:
                    name = self._clusters[cluster.id]
                    self._item(f"{name}: {source} not read: {plain(gap, _SENTENCES)}", indent=4)
        for option, values in sorted(scope.selectors.items()):
            self._line(f"Selected by {plain(option)}: {listed(values)}", indent=2)

    def _coverage(self) -> None:
        total = self._report.coverage.total
        self._heading("Coverage")
        if not total.applicable:
            self._line("No rule applied to anything that was seen, so this report proves nothing.", indent=2)
            return
        self._line(
            (f"{total.percent:.1f} %", "bold"),
            f": {total.assessed} of {total.applicable} applicable rule × subject pairs were assessed",
            indent=2,
        )


def _scanned(report: Report) -> str:
    scanned = sum(subscription.status == "scanned" for subscription in report.run.scope.subscriptions)
    return (
        f"{counted(len(report.clusters), 'cluster')} in {counted(scanned, 'scanned subscription')}, "
        f"{counted(len(report.rules), 'rule')}, {counted(len(report.subjects), 'subject')}"
    )


def _period(started: datetime, finished: datetime) -> str:
    start, end = (moment.astimezone(UTC) if moment.tzinfo else moment for moment in (started, finished))
    day = "" if start.date() == end.date() else f"{end:%Y-%m-%d} "
    return f"{start:%Y-%m-%d %H:%M:%S} to {day}{end:%H:%M:%S} UTC"


def _figures(figures: Figures) -> Iterator[Text]:
    for severity, number in figures.severities.items():
        yield Text(str(number), _STYLES[severity] if number else "dim")
    yield Text(f"{figures.coverage.percent:.1f} %")


def _value(value: EvidenceValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{listed([_value(item) for item in value])}]"
        case _:
            return plain(str(value), _VALUE)


def _first_paragraph(markdown: str, limit: int) -> str:
    """On one line, cut behind its last sentence that fits, or else behind a word."""
    text = plain(" ".join(markdown.partition("\n\n")[0].split()))
    if len(text) <= limit:
        return text
    fitting = text[: limit - 1]
    sentence, stop, _ = fitting.rpartition(". ")
    return f"{sentence}." if stop else f"{fitting.rpartition(' ')[0] or fitting}…"
