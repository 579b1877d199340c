"""``akscan diff``: what has become of the findings between two reports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from akscan.commands.gating import read_report
from akscan.comparison import Comparison, Difference, compare
from akscan.plain import cluster_labels, plain, subject_label
from akscan.results import Report

#: The lists that are shown, worst news first, and what they are called.
_SECTIONS = {
    "new": "New",
    "no_longer_waived": "No longer waived",
    "changed": "Changed",
    "incomparable": "Not comparable: not assessed now",
    "waived": "Waived",
    "fixed": "Fixed",
}
_MESSAGE = 300


@click.command(short_help="What is new, fixed, changed between two reports.")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("-f", "--format", "form", type=click.Choice(("text", "json", "markdown")), default="text")
def diff(old: Path, new: Path, form: str) -> int:
    """Compare OLD with NEW, two JSON reports that `akscan scan --format json` wrote.

    A finding counts as fixed only where NEW assessed the same place again.
    """
    before, now = read_report(old), read_report(new)
    shown: Mapping[str, Callable[[Report, Report, Comparison], Iterator[str]]] = {
        "text": _text,
        "json": _json,
        "markdown": _markdown,
    }
    sys.stdout.writelines(f"{line}\n" for line in shown[form](before, now, compare(before, now)))
    return 0


def _lists(comparison: Comparison) -> Iterator[tuple[str, str, tuple[Difference, ...]]]:
    for name, title in _SECTIONS.items():
        yield name, title, getattr(comparison, name)


def _text(before: Report, now: Report, comparison: Comparison) -> Iterator[str]:
    labels = {**cluster_labels(before), **cluster_labels(now)}
    yield f"{before.run.started:%Y-%m-%d %H:%M} to {now.run.started:%Y-%m-%d %H:%M} UTC: {_summary(comparison)}"
    for _, title, differences in _lists(comparison):
        if differences:
            yield f"\n{title} ({len(differences)})"
        for difference in differences:
            finding = difference.finding
            place = f"{subject_label(finding.subject)} in {labels[finding.subject.cluster]}"
            yield f"  {finding.severity:<8}  {finding.rule.id}  {place}: {plain(finding.message, _MESSAGE)}"
            if difference.why:
                yield f"            {plain(difference.why, _MESSAGE)}"


def _summary(comparison: Comparison) -> str:
    counts = ", ".join(f"{len(found)} {title.partition(':')[0].lower()}" for _, title, found in _lists(comparison))
    return f"{counts}, {len(comparison.unchanged)} unchanged"


def _markdown(before: Report, now: Report, comparison: Comparison) -> Iterator[str]:
    labels = {**cluster_labels(before), **cluster_labels(now)}
    yield f"### akscan: {before.run.started:%Y-%m-%d %H:%M} to {now.run.started:%Y-%m-%d %H:%M} UTC\n"
    yield f"{_summary(comparison)}."
    for _, title, differences in _lists(comparison):
        if differences:
            yield f"\n#### {title} ({len(differences)})\n"
            yield "| Severity | Rule | Subject | Cluster | What was observed |\n|---|---|---|---|---|"
        for difference in differences:
            finding = difference.finding
            said = ". ".join(filter(None, (finding.message, difference.why)))
            cells = (
                finding.severity,
                f"{finding.rule.id} {finding.rule.title}",
                subject_label(finding.subject),
                labels[finding.subject.cluster],
                plain(said, _MESSAGE),
            )
            yield f"| {' | '.join(map(markdown_cell, cells))} |"


def markdown_cell(text: str) -> str:
    """Text in a table, without what GitHub would take for markup."""
    marked = "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+!|~@" else c for c in plain(text))
    return marked.replace("://", "&#58;//")


def _json(before: Report, now: Report, comparison: Comparison) -> Iterator[str]:
    answer = {
        "schemaVersion": "1.0",
        "old": {"started": before.run.started},
        "new": {"started": now.run.started},
        **{_camel(name): [_entry(one) for one in found] for name, _, found in _lists(comparison)},
        "unchanged": len(comparison.unchanged),
    }
    yield msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _entry(difference: Difference) -> dict[str, Any]:
    finding = difference.finding
    return {
        "fingerprint": finding.fingerprint,
        "rule": finding.rule.id,
        "severity": finding.severity,
        "subject": finding.subject.id,
        "cluster": finding.subject.cluster,
        "part": finding.part,
        "message": finding.message,
        "why": difference.why,
    }
