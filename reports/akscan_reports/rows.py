"""Findings as rows of a table, for spreadsheets and for programs that read such."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from akscan.sdk import (
    ArmId,
    Crash,
    Failure,
    Report,
    RuleInfo,
    SubjectRef,
    Unassessed,
    cluster_labels,
    plain,
    plain_lines,
)

#: What a cell of Excel holds, in UTF-16 code units:
#: https://support.microsoft.com/office/excel-specifications-and-limits-1672b34d-7043-467e-8e27-269d656771c3
CELL = 32_767
#: What makes spreadsheets take a cell for a formula, in full width too:
#: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULAS = tuple("=+-@\t\r＝＋－＠")


class Row(NamedTuple):
    """One open or waived finding, or one rule × subject pair of which nobody knows what it would have been. The names
    of the fields are those of the columns.
    """

    status: str
    change: str
    severity: str
    rule: str
    title: str
    pillar: str
    cluster: str
    subscription: str
    resource_group: str
    kind: str
    namespace: str
    name: str
    part: str
    message: str
    evidence: str
    permission: str
    fix: str
    disruption: str
    commands: str
    frameworks: str
    waived_by: str
    fingerprint: str
    subject: str


def rows(report: Report) -> Iterator[Row]:
    """The open findings, the waived ones, pairs that were not assessed, and those on which a rule failed."""
    table = _Table(report)
    yield from (table.finding(finding, "open") for finding in report.findings)
    yield from (table.finding(finding, "waived") for finding in report.waived)
    yield from (table.pair(pair, "not assessed", pair.reason) for pair in report.not_assessed)
    yield from (table.pair(crash, "error", crash.message) for crash in report.errors)


class _Table:
    def __init__(self, report: Report) -> None:
        self._labels = cluster_labels(report)
        self._waivers = [
            plain(f"{waiver.ticket}: {waiver.reason} ({waiver.owner}, until {waiver.expires})")
            for waiver in report.waivers
        ]

    def finding(self, finding: Failure, status: str) -> Row:
        return self._bare(finding.rule, finding.subject, status)._replace(
            change=str(finding.change or ""),
            severity=str(finding.severity),
            part=plain(finding.part),
            message=plain(finding.message),
            evidence=plain(msgspec.json.encode(finding.evidence).decode()) if finding.evidence else "",
            commands=plain_lines(finding.remediation.commands),
            waived_by="; ".join(self._waivers[number] for number in finding.waived_by),
            fingerprint=finding.fingerprint,
        )

    def pair(self, pair: Unassessed | Crash, status: str, message: str) -> Row:
        permission = pair.permission if isinstance(pair, Unassessed) else ""
        return self._bare(pair.rule, pair.subject, status)._replace(
            message=plain(message), permission=plain(permission)
        )

    def _bare(self, rule: RuleInfo, subject: SubjectRef, status: str) -> Row:
        cluster = ArmId(subject.cluster)
        return Row(
            status=status,
            change="",
            severity=str(rule.severity),
            rule=rule.id,
            title=plain(rule.title),
            pillar=str(rule.pillar),
            cluster=self._labels[subject.cluster],
            subscription=plain(cluster.subscription),
            resource_group=plain(cluster.resource_group),
            kind=plain(subject.kind),
            namespace=plain(subject.namespace),
            name=plain(subject.name),
            part="",
            message="",
            evidence="",
            permission="",
            fix=plain(rule.fix),
            disruption=str(rule.disruption),
            commands="",
            frameworks=plain(
                ", ".join(f"{name} {control}" for name, found in rule.frameworks.items() for control in found)
            ),
            waived_by="",
            fingerprint="",
            subject=plain(subject.id),
        )


def cut(text: str) -> str:
    """What fits in a cell; an ellipsis stands for the rest."""
    if len(text) * 2 <= CELL:
        return text
    units = text.encode("utf-16-le")
    return text if len(units) <= 2 * CELL else f"{units[: 2 * CELL - 2].decode('utf-16-le', 'ignore')}…"


def reads_as_formula(text: str) -> bool:
    """Whether a spreadsheet would take it for one."""
    return text.lstrip(" ").startswith(_FORMULAS)


def columns() -> Sequence[str]:
    """The headings."""
    return Row._fields
