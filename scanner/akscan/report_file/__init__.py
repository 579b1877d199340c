"""The JSON report, version 1: a contract of its own, which changes only with its version number.

``schemas/report-v1.schema.json`` publishes it. Within version 1 fields are only added, so a reader ignores what it does
not know. The file is one line, and passes name their subjects by position: with 20,000 workloads and 60 rules most of a
million pairs passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from akscan.errors import AkscanError
from akscan.model.inventory import ScopedCluster, ScopedSubscription, ScopeOfScan
from akscan.model.ledger import LedgerEntry, LedgerScope
from akscan.model.subject import SubjectRef
from akscan.model.text import ArmId
from akscan.report_file.entries import (
    BaselineEntry,
    CarriedEntry,
    ClusterEntry,
    ControlEntry,
    CountsEntry,
    CoverageEntry,
    Entry,
    ErrorEntry,
    FigureEntry,
    FindingEntry,
    FrameworkEntry,
    GapEntry,
    HopEntry,
    IdentityEntry,
    NetworkEntry,
    NotApplicableEntry,
    NotAssessedEntry,
    PastEntry,
    PermissionEntry,
    PermissionScopeEntry,
    PoolEntry,
    RemediationEntry,
    ReportFile,
    RuleEntry,
    RunEntry,
    ScopedClusterEntry,
    ScopeEntry,
    SubjectEntry,
    SubnetEntry,
    SubscriptionEntry,
    Tool,
    WaiverEntry,
)
from akscan.results import (
    Baseline,
    Carried,
    ClusterFacts,
    ControlResult,
    Coverage,
    CoverageFigure,
    Crash,
    Failure,
    FrameworkResult,
    GapSummary,
    HopFacts,
    IdentityFacts,
    Inapplicable,
    NetworkFacts,
    Passed,
    Past,
    PoolFacts,
    Remediation,
    Report,
    RuleInfo,
    Run,
    Status,
    SubnetFacts,
    Unassessed,
    WaiverResult,
)

SCHEMA_VERSION = "1.0"
_TOOL = "akscan"
_HINT = "expected a file that akscan wrote with --format json"

S = TypeVar("S", bound=msgspec.Struct)


class _Head(Entry, frozen=True, kw_only=True):
    """What every version of the file has, by which it is recognised."""

    schema_version: str
    tool: Tool


# --- writing


def encode_report(report: Report) -> bytes:
    """The JSON report: one line of UTF-8, the same bytes for the same report.

    Expects the order that `Report` documents; times without a time zone count as UTC.
    """
    index = {subject.id: position for position, subject in enumerate(report.subjects)}
    file = ReportFile(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name=_TOOL, version=report.run.akscan),
        run=_run_entry(report.run),
        clusters=tuple(_cluster_entry(cluster) for cluster in report.clusters),
        coverage=_coverage_entry(report.coverage),
        rules=_rule_entries(report, index),
        subjects=tuple(_copy(SubjectEntry, subject) for subject in report.subjects),
        findings=tuple(map(_finding_entry, report.findings)),
        waived=tuple(map(_finding_entry, report.waived)),
        waivers=tuple(_copy(WaiverEntry, waiver) for waiver in report.waivers),
        carried=tuple(map(_carried_entry, report.carried)),
        not_applicable=tuple(_pair_entry(NotApplicableEntry, result) for result in report.not_applicable),
        not_assessed=tuple(_pair_entry(NotAssessedEntry, result) for result in report.not_assessed),
        errors=tuple(_pair_entry(ErrorEntry, result) for result in report.errors),
        baseline=None if report.baseline is None else _baseline_entry(report.baseline),
        permissions=tuple(map(permission_entry, report.ledger)),
        frameworks=tuple(
            _copy(FrameworkEntry, framework, controls=tuple(_copy(ControlEntry, one) for one in framework.controls))
            for framework in report.frameworks
        ),
    )
    return msgspec.json.encode(file, enc_hook=str) + b"\n"


def _copy(kind: type[S], source: msgspec.Struct, **given: object) -> S:
    """A struct of the same-named fields of another, and of those that are given."""
    names = [name for name in kind.__struct_fields__ if name not in given]
    return kind(**{name: getattr(source, name) for name in names}, **given)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _run_entry(run: Run) -> RunEntry:
    scope = ScopeEntry(
        selectors=run.scope.selectors,
        tenants=run.scope.tenants,
        subscriptions=tuple(map(subscription_entry, run.scope.subscriptions)),
        clusters=tuple(_copy(ScopedClusterEntry, cluster) for cluster in run.scope.clusters),
    )
    return _copy(RunEntry, run, started=_utc(run.started), finished=_utc(run.finished), scope=scope)


def subscription_entry(subscription: ScopedSubscription) -> SubscriptionEntry:
    """As this and other formats write it."""
    return _copy(SubscriptionEntry, subscription)


def permission_entry(entry: LedgerEntry) -> PermissionEntry:
    """As this and other formats write it."""
    return _copy(PermissionEntry, entry, scopes=tuple(_copy(PermissionScopeEntry, scope) for scope in entry.scopes))


#: The lists of a cluster: what the file calls an entry, and the report a fact.
_LISTS: Mapping[str, tuple[type[Entry], type[msgspec.Struct]]] = {
    "pools": (PoolEntry, PoolFacts),
    "networks": (NetworkEntry, NetworkFacts),
    "subnets": (SubnetEntry, SubnetFacts),
    "hops": (HopEntry, HopFacts),
    "identities": (IdentityEntry, IdentityFacts),
}


def _cluster_entry(cluster: ClusterFacts) -> ClusterEntry:
    return _copy(
        ClusterEntry,
        cluster,
        **{name: tuple(_copy(entry, one) for one in getattr(cluster, name)) for name, (entry, _) in _LISTS.items()},
    )


def _cluster_facts(cluster: ClusterEntry) -> ClusterFacts:
    return _copy(
        ClusterFacts,
        cluster,
        **{name: tuple(_copy(fact, one) for one in getattr(cluster, name)) for name, (_, fact) in _LISTS.items()},
    )


def _coverage_entry(coverage: Coverage) -> CoverageEntry:
    return _copy(
        CoverageEntry,
        coverage.total,
        clusters={cluster: _copy(FigureEntry, figure) for cluster, figure in coverage.clusters.items()},
        gaps=tuple(_copy(GapEntry, gap) for gap in coverage.gaps),
    )


def _rule_entries(report: Report, index: Mapping[str, int]) -> tuple[RuleEntry, ...]:
    passed: dict[str, list[int]] = {rule.id: [] for rule in report.rules}
    for result in report.passed:
        passed[result.rule.id].append(index[result.subject.id])
    counts = report.counts()
    return tuple(
        _copy(RuleEntry, rule, counts=_counts_entry(counts[rule.id]), passed=tuple(passed[rule.id]))
        for rule in report.rules
    )


def _counts_entry(counts: Mapping[Status, int]) -> CountsEntry:
    return CountsEntry(
        passed=counts[Status.PASS],
        failed=counts[Status.FAIL],
        not_applicable=counts[Status.NOT_APPLICABLE],
        not_assessed=counts[Status.NOT_ASSESSED],
        error=counts[Status.ERROR],
    )


def _finding_entry(failure: Failure) -> FindingEntry:
    return _copy(
        FindingEntry,
        failure,
        rule=failure.rule.id,
        subject=failure.subject.id,
        remediation=_copy(RemediationEntry, failure.remediation),
    )


def _carried_entry(carried: Carried) -> CarriedEntry:
    failure = carried.finding
    return _copy(
        CarriedEntry,
        failure,
        rule=failure.rule.id,
        subject=_copy(SubjectEntry, failure.subject),
        remediation=_copy(RemediationEntry, failure.remediation),
        since=_utc(carried.since),
        why=carried.why,
    )


def _baseline_entry(baseline: Baseline) -> BaselineEntry:
    def past(found: tuple[Past, ...]) -> tuple[PastEntry, ...]:
        return tuple(_copy(PastEntry, one, subject=_copy(SubjectEntry, one.subject)) for one in found)

    return _copy(
        BaselineEntry,
        baseline,
        started=_utc(baseline.started),
        coverage=_copy(FigureEntry, baseline.coverage),
        fixed=past(baseline.fixed),
        incomparable=past(baseline.incomparable),
    )


def _pair_entry(kind: type[S], result: Inapplicable | Unassessed | Crash) -> S:
    return _copy(kind, result, rule=result.rule.id, subject=result.subject.id)


# --- reading


def decode_report(data: bytes) -> Report:
    """The report that `encode_report` wrote. Raises `AkscanError` for a file of a newer version, a damaged or a foreign
    one.
    """
    head = _decode(data, _Head, "this is not a JSON report of akscan")
    if head.tool.name != _TOOL:
        raise AkscanError(f"this is a report of {head.tool.name!r}, not of {_TOOL}", _HINT)
    major = head.schema_version.partition(".")[0]
    if major != SCHEMA_VERSION.partition(".")[0]:
        raise AkscanError(
            f"this report has version {head.schema_version!r}; akscan reads versions 1.x",
            "expected a report of this akscan or an earlier one: read it with the akscan that wrote it, or a newer one",
        )
    file = _decode(data, ReportFile, "this JSON report of akscan is damaged")
    try:
        return _Reader(file).report()
    except LookupError as missing:
        raise AkscanError(f"this JSON report of akscan is damaged: {missing} is not in it", _HINT) from None


def _decode(data: bytes, kind: type[S], complaint: str) -> S:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AkscanError(f"{complaint}: {error}", _HINT) from None


class _Reader:
    """Puts the references of a file together again. Raises `LookupError` for one that leads nowhere."""

    def __init__(self, file: ReportFile) -> None:
        self._file = file
        self._rules = {entry.id: _copy(RuleInfo, entry) for entry in file.rules}
        self._subjects = tuple(_copy(SubjectRef, entry) for entry in file.subjects)
        self._by_id = {subject.id: subject for subject in self._subjects}

    def report(self) -> Report:
        file = self._file
        return Report(
            run=self._run(),
            rules=tuple(self._rules.values()),
            clusters=tuple(map(_cluster_facts, file.clusters)),
            subjects=self._subjects,
            findings=tuple(map(self._failure, file.findings)),
            waived=tuple(map(self._failure, file.waived)),
            waivers=tuple(_copy(WaiverResult, entry) for entry in file.waivers),
            carried=tuple(map(self._carried, file.carried)),
            passed=tuple(
                Passed(rule=self._rules[entry.id], subject=subject)
                for entry in file.rules
                for subject in self._at(entry.passed)
            ),
            not_applicable=tuple(self._pair(Inapplicable, entry) for entry in file.not_applicable),
            not_assessed=tuple(self._pair(Unassessed, entry) for entry in file.not_assessed),
            errors=tuple(self._pair(Crash, entry) for entry in file.errors),
            coverage=self._coverage(),
            baseline=None if file.baseline is None else self._baseline(file.baseline),
            ledger=tuple(
                _copy(LedgerEntry, entry, scopes=tuple(_copy(LedgerScope, scope) for scope in entry.scopes))
                for entry in file.permissions
            ),
            frameworks=tuple(
                _copy(FrameworkResult, entry, controls=tuple(_copy(ControlResult, one) for one in entry.controls))
                for entry in file.frameworks
            ),
        )

    def _pair(self, kind: type[S], entry: NotApplicableEntry | NotAssessedEntry | ErrorEntry) -> S:
        return _copy(kind, entry, rule=self._rules[entry.rule], subject=self._by_id[entry.subject])

    def _at(self, indices: Sequence[int]) -> Iterator[SubjectRef]:
        for index in indices:
            if index >= len(self._subjects):
                raise LookupError(f"subject number {index}")
            yield self._subjects[index]

    def _run(self) -> Run:
        entry = self._file.run
        scope = ScopeOfScan(
            selectors=entry.scope.selectors,
            tenants=entry.scope.tenants,
            subscriptions=tuple(_copy(ScopedSubscription, seen) for seen in entry.scope.subscriptions),
            clusters=tuple(_copy(ScopedCluster, seen, id=ArmId(seen.id)) for seen in entry.scope.clusters),
        )
        return _copy(Run, entry, akscan=self._file.tool.version, scope=scope)

    def _failure(self, entry: FindingEntry) -> Failure:
        return _copy(
            Failure,
            entry,
            rule=self._rules[entry.rule],
            subject=self._by_id[entry.subject],
            remediation=_copy(Remediation, entry.remediation),
        )

    def _carried(self, entry: CarriedEntry) -> Carried:
        failure = _copy(
            Failure,
            entry,
            rule=self._rules[entry.rule],
            subject=_copy(SubjectRef, entry.subject),
            remediation=_copy(Remediation, entry.remediation),
        )
        return Carried(finding=failure, since=entry.since, why=entry.why)

    @staticmethod
    def _baseline(entry: BaselineEntry) -> Baseline:
        def past(found: tuple[PastEntry, ...]) -> tuple[Past, ...]:
            return tuple(_copy(Past, one, subject=_copy(SubjectRef, one.subject)) for one in found)

        return _copy(
            Baseline,
            entry,
            coverage=_copy(CoverageFigure, entry.coverage),
            fixed=past(entry.fixed),
            incomparable=past(entry.incomparable),
        )

    def _coverage(self) -> Coverage:
        entry = self._file.coverage
        return Coverage(
            total=_copy(CoverageFigure, entry),
            clusters={cluster: _copy(CoverageFigure, figure) for cluster, figure in entry.clusters.items()},
            gaps=tuple(_copy(GapSummary, gap) for gap in entry.gaps),
        )
