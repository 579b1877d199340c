"""What several formats say in the same words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from akscan.sdk import (
    Baseline,
    Change,
    CoverageFigure,
    Crash,
    Failure,
    Report,
    Severity,
    SubjectRef,
    Unassessed,
    cluster_labels,
    plain,
    subject_label,
)

_LISTED = 10
_ITEM = 120
_PIPELINE_COMMAND = re.compile(r"##(?=(?:vso)?\[)")


def counted(number: int, noun: str) -> str:
    """``1 finding``, ``2 findings``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def headline(report: Report) -> str:
    """How many findings of which severity, how many waived, and how much was assessed."""
    figures = ", ".join(f"{count} {severity}" for severity, count in report.severities().items() if count)
    total = report.coverage.total
    assessed = f"{total.percent} % assessed" if total.applicable else "nothing to assess"
    excused = f", {len(report.waived)} waived" if report.waived else ""
    found = counted(len(report.findings), "finding")
    return f"{found}{f' ({figures})' if figures else ''}{excused}; {assessed}"


def unknown(report: Report) -> str:
    """What nobody knows, counted; empty where everything was assessed."""
    pairs, errors = len(report.not_assessed), len(report.errors)
    said = {
        "the scan was interrupted": report.run.interrupted,
        f"{counted(pairs, 'rule × subject pair')} not assessed": pairs,
        f"{counted(errors, 'pair')} on which a rule failed by its own fault": errors,
    }
    return ", ".join(text for text, is_so in said.items() if is_so)


def verdict(report: Report) -> str:
    """The headline, and what nobody knows."""
    return ". ".join(filter(None, (headline(report), unknown(report))))


class Figures(NamedTuple):
    """What is counted of a cluster, or of all: open findings by severity, the new ones among them, and the rest."""

    label: str
    severities: Mapping[Severity, int]
    new: int
    waived: int
    not_assessed: int
    errors: int
    coverage: CoverageFigure


def cluster_figures(report: Report) -> list[Figures]:
    """The clusters, those with the worst findings first."""
    found = Counter((finding.subject.cluster, finding.severity) for finding in report.findings)
    new = _by_cluster(finding for finding in report.findings if finding.change is Change.NEW)
    waived, missing, errors = (_by_cluster(one) for one in (report.waived, report.not_assessed, report.errors))
    labels = cluster_labels(report)
    return [
        Figures(
            label=labels[key],
            severities={severity: found[key, severity] for severity in Severity},
            new=new[key],
            waived=waived[key],
            not_assessed=missing[key],
            errors=errors[key],
            coverage=report.coverage.clusters.get(key, CoverageFigure()),
        )
        for key in sorted(labels, key=lambda key: ([-found[key, severity] for severity in Severity], key))
    ]


def total_figures(report: Report) -> Figures:
    """Of all clusters together."""
    return Figures(
        label="all",
        severities=report.severities(),
        new=sum(finding.change is Change.NEW for finding in report.findings),
        waived=len(report.waived),
        not_assessed=len(report.not_assessed),
        errors=len(report.errors),
        coverage=report.coverage.total,
    )


def _by_cluster(results: Iterable[Failure | Unassessed | Crash]) -> Counter[str]:
    return Counter(result.subject.cluster for result in results)


def is_compared(report: Report) -> bool:
    """Whether the findings were compared with a baseline."""
    return report.baseline is not None or any(finding.change for finding in (*report.findings, *report.waived))


def changes(report: Report) -> str:
    """Open findings by what they are to the baseline, and what has become of those that are not here."""
    counts = Counter(finding.change for finding in report.findings)
    told = [f"{counts[change]} {change}" for change in Change]
    baseline = report.baseline or Baseline(started=report.run.started)
    past = ((baseline.fixed, "fixed"), (baseline.incomparable, "not reassessed"))
    return ", ".join([*told, *(f"{len(found)} {what}" for found, what in past if found)])


def place(subject: SubjectRef, clusters: Mapping[str, str]) -> str:
    """The subject and its cluster in a line."""
    cluster = clusters[subject.cluster]
    return f"cluster {cluster}" if subject.id == subject.cluster else f"{subject_label(subject)} in {cluster}"


def fix(finding: Failure) -> str:
    """The first paragraph of the fix, Markdown in a line, behind what it disturbs; empty where there is none."""
    rule = finding.rule
    disturbs = "" if rule.disruption == "none" else f" (disturbs: {rule.disruption})"
    paragraph = " ".join(rule.fix.partition("\n\n")[0].split())
    return f"Fix{disturbs}: {plain(paragraph)}" if rule.fix else ""


def commands(findings: Sequence[Failure], most: int) -> Iterator[tuple[str, str]]:
    """The commands of a rule's findings and a note on them: as they are where all are the same, the template where they
    differ in what is filled in, and each where there is no template.
    """
    remediations = {finding.remediation.commands: finding.remediation.open for finding in findings}
    template = findings[0].rule.commands
    if len(remediations) > 1 and template:
        yield template, "fill in the names in braces; the JSON report has them filled in for each subject"
        return
    for filled_in, still_open in list(remediations.items())[:most]:
        if filled_in:
            yield filled_in, f"fill in {listed(still_open)}" if still_open else ""


def listed(items: Sequence[str]) -> str:
    """The first ten, and how many more there are."""
    hidden = f" ... and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return ", ".join(plain(item, _ITEM) for item in items[:_LISTED]) + hidden


def without_commands(text: str) -> str:
    """Text in which no CI system finds a command to itself: Azure Pipelines and older runners of GitHub look for
    ``##vso[`` and ``##[`` anywhere in a line.
    """
    return _PIPELINE_COMMAND.sub("# #", text)


def harmless(line: str) -> str:
    """A line that no CI system takes for a command to itself: GitHub takes those that begin with ``::``."""
    line = without_commands(line)
    return line.replace("::", ": :", 1) if line.lstrip().startswith("::") else line
