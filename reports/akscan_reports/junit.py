"""JUnit XML, which every CI system shows: a suite for each cluster, a test for each rule × subject pair.

There is no one schema; this keeps to the strict one of Jenkins:
https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from typing import BinaryIO
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from akscan.sdk import (
    CoverageFigure,
    Failure,
    Report,
    RuleInfo,
    SubjectRef,
    cluster_labels,
    plain,
    plain_lines,
    reporter,
    subject_label,
)
from msgspec import Struct

from akscan_reports.wording import fix, verdict

_MESSAGE = 1_000


class _Outcome(Struct):
    """What a pair came to: the element of JUnit that says so (none for a pass), its message, and a text."""

    rule: RuleInfo
    subject: SubjectRef
    element: str = ""
    message: str = ""
    kind: str = ""
    text: str = ""


@reporter("junit.xml")
def write(report: Report, out: BinaryIO) -> None:
    """Pairs with an open finding failed, those on which a rule failed are errors, and skipped are those that were not
    assessed, do not apply or are waived; the message says which.
    """
    suites: dict[str, list[_Outcome]] = {key: [] for key in sorted(cluster_labels(report))}
    for outcome in _outcomes(report):
        suites[outcome.subject.cluster].append(outcome)
    _Document(report, out).write(suites)


def _outcomes(report: Report) -> Iterator[_Outcome]:
    failed: dict[tuple[str, str], list[Failure]] = defaultdict(list)
    for finding in (*report.findings, *report.waived):
        failed[finding.rule.id, finding.subject.id].append(finding)
    for findings in failed.values():
        yield _failed(report, findings)
    for crash in report.errors:
        yield _Outcome(crash.rule, crash.subject, "error", plain(crash.message, _MESSAGE), "error")
    for gap in report.not_assessed:
        needed = f" ({gap.permission} would be needed)" if gap.permission and gap.permission not in gap.reason else ""
        yield _Outcome(gap.rule, gap.subject, "skipped", plain(f"not assessed: {gap.reason}{needed}", _MESSAGE))
    for pair in report.not_applicable:
        yield _Outcome(pair.rule, pair.subject, "skipped", plain(f"not applicable: {pair.reason}", _MESSAGE))
    for passed in report.passed:
        yield _Outcome(passed.rule, passed.subject)


def _failed(report: Report, findings: Sequence[Failure]) -> _Outcome:
    """A pair is waived where all of its findings are."""
    first = findings[0]
    still_open = [finding for finding in findings if not finding.waived_by]
    if not still_open:
        waiver = report.waivers[first.waived_by[0]]
        said = f"waived: {waiver.reason} ({waiver.owner}, {waiver.ticket}, until {waiver.expires})"
        return _Outcome(first.rule, first.subject, "skipped", plain(said, _MESSAGE))
    more = f" (and {len(still_open) - 1} more)" if len(still_open) > 1 else ""
    return _Outcome(
        first.rule,
        first.subject,
        "failure",
        f"{plain(still_open[0].message, _MESSAGE)}{more}",
        str(still_open[0].severity),
        "\n".join(filter(None, _told(still_open))),
    )


def _told(findings: Sequence[Failure]) -> Iterator[str]:
    for finding in findings:
        change = f"{finding.change}: " if finding.change else ""
        yield f"{change}{plain(finding.message, _MESSAGE)} [{finding.fingerprint}]"
    yield fix(findings[0])
    yield from dict.fromkeys(plain_lines(finding.remediation.commands) for finding in findings)


class _Document:
    def __init__(self, report: Report, out: BinaryIO) -> None:
        self._report = report
        self._labels = cluster_labels(report)
        self._xml = XMLGenerator(out, "utf-8", short_empty_elements=True)

    def write(self, suites: Mapping[str, Sequence[_Outcome]]) -> None:
        everything = [outcome for outcomes in suites.values() for outcome in outcomes]
        self._xml.startDocument()
        counts = _counts(everything)
        # the schema of Jenkins knows no skipped here
        del counts["skipped"]
        with self._element("testsuites", {"name": f"akscan: {verdict(self._report)}", **counts}):
            for key, outcomes in suites.items():
                self._xml.ignorableWhitespace("\n")
                self._suite(key, outcomes)
        self._xml.endDocument()

    def _suite(self, cluster: str, outcomes: Sequence[_Outcome]) -> None:
        run = self._report.run
        started = run.started.astimezone(UTC) if run.started.tzinfo else run.started
        attributes = {
            "name": self._labels[cluster],
            **_counts(outcomes),
            "timestamp": f"{started:%Y-%m-%dT%H:%M:%S}",
            "time": "0",
        }
        with self._element("testsuite", attributes):
            figure = self._report.coverage.clusters.get(cluster, CoverageFigure())
            properties = {"cluster": plain(cluster), "coveragePercent": str(figure.percent)}
            with self._element("properties"):
                for name, value in properties.items():
                    with self._element("property", {"name": name, "value": value}):
                        pass
            for outcome in outcomes:
                self._xml.ignorableWhitespace("\n")
                self._case(outcome)

    def _case(self, outcome: _Outcome) -> None:
        rule, cluster = outcome.rule, self._labels[outcome.subject.cluster]
        names = {"classname": f"{cluster}.{rule.id}", "name": f"{plain(rule.title)}: {subject_label(outcome.subject)}"}
        with self._element("testcase", {**names, "time": "0"}):
            if outcome.element:
                said = {"message": outcome.message, **({"type": outcome.kind} if outcome.kind else {})}
                with self._element(outcome.element, said):
                    self._xml.characters(outcome.text)

    @contextmanager
    def _element(self, name: str, attributes: Mapping[str, str] | None = None) -> Iterator[None]:
        self._xml.startElement(name, AttributesImpl(attributes or {}))
        yield
        self._xml.endElement(name)


def _counts(outcomes: Sequence[_Outcome]) -> dict[str, str]:
    elements = [outcome.element for outcome in outcomes]
    return {
        "tests": str(len(elements)),
        "failures": str(elements.count("failure")),
        "errors": str(elements.count("error")),
        "skipped": str(elements.count("skipped")),
    }
