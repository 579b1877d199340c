"""Findings as the log commands that GitHub Actions and Azure Pipelines turn into annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from akscan.sdk import Change, Failure, Report, Severity, cluster_labels, plain, reporter

from akscan_reports.wording import counted, fix, harmless, place, verdict, without_commands

#: GitHub shows this many of each level of a step, and the agent of Azure Pipelines keeps as many of each type:
#: https://docs.github.com/en/rest/checks/runs
SHOWN = 10
_TITLE = 200
_MESSAGE = 1_000

_GITHUB = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}
#: Azure Pipelines knows two types.
_AZDO = {severity: "error" if level == "error" else "warning" for severity, level in _GITHUB.items()}


@reporter(to_stdout=True)
def write_github(report: Report, out: BinaryIO) -> None:
    """Workflow commands:
    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    _write(report, out, _GITHUB, _github)


@reporter(to_stdout=True)
def write_azdo(report: Report, out: BinaryIO) -> None:
    """Logging commands: https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands"""
    _write(report, out, _AZDO, _azdo)


def _write(
    report: Report,
    out: BinaryIO,
    levels: Mapping[Severity, str],
    command: Callable[[str, str, str, str], str],
) -> None:
    """What is new comes first, then the worst; behind the commands what else there is, in a line for the log."""
    labels = cluster_labels(report)
    groups: dict[str, list[Failure]] = {level: [] for level in levels.values()}
    for finding in sorted(report.findings, key=lambda finding: finding.change not in {None, Change.NEW}):
        groups[levels[finding.severity]].append(finding)
    lines = []
    for level, findings in groups.items():
        for finding in findings[:SHOWN]:
            said = without_commands(_message(finding, labels))
            lines.append(command(level, finding.rule.id, without_commands(_title(finding)), said))
    lines += map(harmless, _rest(report, groups))
    out.write("".join(f"{line}\n" for line in lines).encode())


def _title(finding: Failure) -> str:
    new = "new: " if finding.change is Change.NEW else ""
    return plain(f"{new}{finding.severity} {finding.rule.id} {finding.rule.title}", _TITLE)


def _message(finding: Failure, labels: Mapping[str, str]) -> str:
    said = plain(f"{place(finding.subject, labels)}: {finding.message}", _MESSAGE)
    command = finding.remediation.commands.partition("\n")[0]
    return "\n".join(filter(None, (said, plain(fix(finding), _MESSAGE), plain(command, _MESSAGE))))


def _rest(report: Report, groups: Mapping[str, list[Failure]]) -> Iterator[str]:
    yield f"akscan: {verdict(report)}"
    more = [counted(len(found) - SHOWN, f"more {level}") for level, found in groups.items() if len(found) > SHOWN]
    if more:
        yield f"akscan: {', '.join(more)} without an annotation, since at most {SHOWN} of a level are shown"


def _github(level: str, _rule: str, title: str, message: str) -> str:
    """As the toolkit escapes: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts"""
    title = _escaped(title, "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{_escaped(message, '%25')}"


def _azdo(level: str, rule: str, title: str, message: str) -> str:
    """As the task library escapes:
    https://github.com/microsoft/azure-pipelines-task-lib/blob/master/node/taskcommand.ts
    """
    code = _escaped(rule, "%AZP25").replace(";", "%3B").replace("]", "%5D")
    return f"##vso[task.logissue type={level};code={code}]{_escaped(f'{title}: {message}', '%AZP25')}"


def _escaped(text: str, percent: str) -> str:
    return text.replace("%", percent).replace("\r", "%0D").replace("\n", "%0A")
