"""What several formats say in the same words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from akscan.sdk import Change, Failure, Report, SubjectRef, plain, subject_label

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
    said = [f"{counted(pairs, 'rule × subject pair')} not assessed"] if pairs else []
    return ", ".join([*said, *([f"{counted(errors, 'pair')} on which a rule failed"] if errors else [])])


def is_compared(report: Report) -> bool:
    """Whether the findings were compared with a baseline."""
    return any(finding.change for finding in (*report.findings, *report.waived))


def changes(report: Report) -> dict[Change, int]:
    """Open findings by what they are to the baseline."""
    table = dict.fromkeys(Change, 0)
    for finding in report.findings:
        if finding.change:
            table[finding.change] += 1
    return table


def place(subject: SubjectRef, clusters: Mapping[str, str]) -> str:
    """The subject and its cluster in a line."""
    cluster = clusters[subject.cluster]
    return f"cluster {cluster}" if subject.id == subject.cluster else f"{subject_label(subject)} in {cluster}"


def fix(finding: Failure) -> str:
    """The first paragraph of the fix, as Markdown in a line, and what it disturbs."""
    rule = finding.rule
    disturbs = "" if rule.disruption == "none" else f" (disturbs: {rule.disruption})"
    return f"{plain(rule.fix.partition(chr(10) * 2)[0])}{disturbs}" if rule.fix else ""


def without_commands(text: str) -> str:
    """Text in which no CI system finds a command to itself: Azure Pipelines and older runners of GitHub look for
    ``##vso[`` and ``##[`` anywhere in a line.
    """
    return _PIPELINE_COMMAND.sub("# #", text)


def harmless(line: str) -> str:
    """A line that no CI system takes for a command to itself: GitHub takes those that begin with ``::``."""
    line = without_commands(line)
    return line.replace("::", ": :", 1) if line.lstrip().startswith("::") else line
