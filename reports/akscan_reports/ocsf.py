"""OCSF for security lakes and SIEMs: a Compliance Finding in each line.

The schema: https://schema.ocsf.io/1.8.0/classes/compliance_finding
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec
from akscan.sdk import (
    ArmId,
    Change,
    ClusterFacts,
    Crash,
    Failure,
    Report,
    RuleInfo,
    Severity,
    SubjectRef,
    Unassessed,
    cluster_labels,
    fingerprint,
    reporter,
)

from akscan_reports.wording import place

VERSION = "1.8.0"
_CLASS = 2003
_SEVERITIES = {
    Severity.CRITICAL: (5, "Critical"),
    Severity.HIGH: (4, "High"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.LOW: (2, "Low"),
    Severity.INFO: (1, "Informational"),
}
_CREATE, _UPDATE = (1, "Create"), (2, "Update")
_NEW, _IN_PROGRESS, _SUPPRESSED = (1, "New"), (2, "In Progress"), (3, "Suppressed")
_FAIL, _WARNING, _OTHER = (3, "Fail"), (2, "Warning"), (99, "Error")


@reporter("ocsf.jsonl")
def write(report: Report, out: BinaryIO) -> None:
    """Open and waived findings, and, with another status of their compliance, the pairs that were not assessed and
    those on which a rule failed. Names stand as they are: JSON escapes them.
    """
    events = _Events(report)
    out.writelines(map(_line, map(events.finding, report.findings)))
    out.writelines(map(_line, map(events.finding, report.waived)))
    out.writelines(map(_line, map(events.unknown, report.not_assessed)))
    out.writelines(map(_line, map(events.unknown, report.errors)))


def _line(event: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(event) + b"\n"


class _Events:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._labels = cluster_labels(report)
        self._facts = {cluster.id: cluster for cluster in report.clusters}
        self._titles = {one.name: f"{one.title} {one.version}".strip() for one in report.frameworks}
        self._time = _milliseconds(report.run.finished)
        self._product = {"name": "akscan", "vendor_name": "akscan", "version": report.run.akscan}

    def finding(self, finding: Failure) -> dict[str, Any]:
        """In progress is what a baseline knows already: somebody has seen it."""
        known = finding.change not in {None, Change.NEW}
        status = _SUPPRESSED if finding.waived_by else _IN_PROGRESS if known else _NEW
        waivers = [self._report.waivers[number] for number in finding.waived_by]
        fields = {"evidence": finding.evidence, "part": finding.part, "change": finding.change, "waivers": waivers}
        event = self._event(
            finding.rule,
            finding.subject,
            _UPDATE if known else _CREATE,
            status,
            finding.severity,
            finding.message,
            _FAIL,
        )
        event["finding_info"]["uid"] = finding.fingerprint
        event["unmapped"] = {name: value for name, value in fields.items() if value}
        if waivers:
            event["status_detail"] = "; ".join(f"{one.ticket}: {one.reason}, until {one.expires}" for one in waivers)
        remediation = _remediation(finding.rule, finding.remediation.commands)
        return {**event, **({"remediation": remediation} if remediation else {})}

    def unknown(self, pair: Unassessed | Crash) -> dict[str, Any]:
        """Under the fingerprint of a finding on the whole subject, of which nobody knows now."""
        match pair:
            case Unassessed(reason=message, permission=permission):
                compliance = _WARNING
            case Crash(message=message):
                compliance, permission = _OTHER, ""
        event = self._event(pair.rule, pair.subject, _CREATE, _NEW, pair.rule.severity, message, compliance)
        if permission:
            event["unmapped"] = {"permission": permission}
        return event

    def _event(
        self,
        rule: RuleInfo,
        subject: SubjectRef,
        activity: tuple[int, str],
        status: tuple[int, str],
        severity: Severity,
        message: str,
        compliance: tuple[int, str],
    ) -> dict[str, Any]:
        severity_id, severity_name = _SEVERITIES[severity]
        run = self._report.run
        return {
            "category_uid": 2,
            "category_name": "Findings",
            "class_uid": _CLASS,
            "class_name": "Compliance Finding",
            "activity_id": activity[0],
            "activity_name": activity[1],
            "type_uid": _CLASS * 100 + activity[0],
            "type_name": f"Compliance Finding: {activity[1]}",
            "time": self._time,
            "start_time": _milliseconds(run.started),
            "severity_id": severity_id,
            "severity": severity_name,
            "status_id": status[0],
            "status": status[1],
            "message": f"{place(subject, self._labels)}: {message}",
            "metadata": {"version": VERSION, "product": self._product, "profiles": ["cloud"]},
            "finding_info": self._finding_info(rule, subject, message),
            "compliance": self._compliance(rule, message, compliance),
            "resources": [_resource(subject)],
            "cloud": _cloud(ArmId(subject.cluster), self._facts.get(subject.cluster)),
        }

    @staticmethod
    def _finding_info(rule: RuleInfo, subject: SubjectRef, message: str) -> dict[str, Any]:
        return {
            "uid": fingerprint(rule.id, subject.id, ""),
            "title": rule.title,
            "desc": message,
            "types": [rule.pillar],
            "analytic": {"type_id": 1, "type": "Rule", "uid": rule.id, "name": rule.name},
            **({"src_url": rule.docs[0]} if rule.docs else {}),
        }

    def _compliance(self, rule: RuleInfo, message: str, status: tuple[int, str]) -> dict[str, Any]:
        names = {name: self._titles.get(name, name) for name in rule.frameworks}
        return {
            "control": rule.id,
            "desc": rule.title,
            "standards": list(names.values()),
            "requirements": [f"{names[name]} {one}" for name, found in rule.frameworks.items() for one in found],
            "status_id": status[0],
            "status": status[1],
            "status_details": [message],
        }


def _remediation(rule: RuleInfo, commands: str) -> dict[str, Any]:
    said = "\n\n".join(filter(None, (rule.fix, commands)))
    return {"desc": said, "references": rule.docs} if said else {}


def _resource(subject: SubjectRef) -> Mapping[str, str]:
    fields = {"uid": subject.id, "name": subject.name, "type": subject.kind, "namespace": subject.namespace}
    return {name: value for name, value in fields.items() if value}


def _cloud(cluster: ArmId, facts: ClusterFacts | None) -> dict[str, Any]:
    account = {"uid": cluster.subscription, "type_id": 13, "type": "Azure Subscription"}
    return {
        "provider": "Azure",
        **({"region": facts.location} if facts and facts.location else {}),
        **({"account": account} if cluster.subscription else {}),
    }


def _milliseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)
