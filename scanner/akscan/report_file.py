"""The JSON report, version 1: a contract of its own, which changes only with its version number.

``schemas/report-v1.schema.json`` publishes it. Within version 1 fields are only added, so a reader ignores what it does
not know. The file is one line, and passes name their subjects by position: with 20,000 workloads and 60 rules most of a
million pairs passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from akscan.errors import AkscanError
from akscan.model.inventory import ScopedCluster, ScopedSubscription, ScopeOfScan
from akscan.model.ledger import LedgerEntry, LedgerScope, PermissionStatus
from akscan.model.subject import SubjectRef
from akscan.model.text import ArmId
from akscan.results import (
    Carried,
    Change,
    ClusterFacts,
    ControlResult,
    ControlStatus,
    Coverage,
    CoverageFigure,
    Crash,
    Disruption,
    EvidenceValue,
    Failure,
    FrameworkResult,
    GapSummary,
    Inapplicable,
    Passed,
    Pillar,
    PoolFacts,
    Remediation,
    Report,
    RuleInfo,
    Run,
    Severity,
    Status,
    Unassessed,
    WaiverResult,
    WaiverStatus,
)

SCHEMA_VERSION = "1.0"
_TOOL = "akscan"
_HINT = "expected a file that akscan wrote with --format json"

S = TypeVar("S", bound=msgspec.Struct)
Index = Annotated[int, Meta(ge=0)]
RuleId = Annotated[str, Meta(description="The id of one of `rules`.")]
SubjectId = Annotated[str, Meta(description="The id of one of `subjects`.")]
Scopes = Annotated[int, Meta(ge=0, description="Subscriptions, clusters and resources.")]
Pairs = Annotated[int, Meta(ge=0, description="Rule × subject pairs.")]


class _Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Tool(_Entry, frozen=True, kw_only=True):
    """What wrote the report."""

    name: Annotated[str, Meta(description="Always akscan.")]
    version: Annotated[str, Meta(description="The version that read the inventory.")]


class SubscriptionEntry(_Entry, frozen=True, kw_only=True):
    """A subscription that the identity sees."""

    id: Annotated[str, Meta(description="The ARM id, /subscriptions/{guid}.")]
    name: Annotated[str, Meta(description="The display name.")]
    status: Annotated[str, Meta(description="scanned, partial, refused or skipped.")]
    detail: Annotated[str, Meta(description="Why it was not scanned whole; empty where it was.")]


class ScopedClusterEntry(_Entry, frozen=True, kw_only=True):
    """A cluster in scope."""

    id: Annotated[str, Meta(description="The ARM id as Azure spells it, or /contexts/{name} of a kubeconfig.")]
    name: Annotated[str, Meta(description="The name of the cluster.")]


class ScopeEntry(_Entry, frozen=True, kw_only=True):
    """What the scan was asked for, and what it found there."""

    selectors: Annotated[dict[str, tuple[str, ...]], Meta(description="The selection on the command line, by option.")]
    tenants: Annotated[tuple[str, ...], Meta(description="Ids of the tenants.")]
    subscriptions: Annotated[tuple[SubscriptionEntry, ...], Meta(description="Every subscription that was seen.")]
    clusters: Annotated[tuple[ScopedClusterEntry, ...], Meta(description="Every cluster in scope.")]


class RunEntry(_Entry, frozen=True, kw_only=True):
    """When, as whom and over what the inventory was read."""

    started: Annotated[datetime, Meta(tz=True, description="When reading began, UTC.")]
    finished: Annotated[datetime, Meta(tz=True, description="When reading ended, UTC.")]
    cloud: Annotated[str, Meta(description="The Azure cloud.")]
    identity: Annotated[str, Meta(description="Who akscan was signed in as.")]
    source: Annotated[str, Meta(description="live, or import for an inventory made of exported files.")]
    interrupted: Annotated[bool, Meta(description="Whether reading was stopped before its end.")]
    scope: ScopeEntry


class PoolEntry(_Entry, frozen=True, kw_only=True):
    """A node pool."""

    name: Annotated[str, Meta(description="The name of the pool.")]
    mode: Annotated[str, Meta(description="System or User.")]
    vm_size: Annotated[str, Meta(description="The size of its virtual machines.")]
    nodes: Annotated[int, Meta(description="How many nodes it has.")]
    nodes_max: Annotated[int, Meta(description="How many the autoscaler may give it.")]
    version: Annotated[str, Meta(description="Its Kubernetes version.")]
    priority: Annotated[str, Meta(description="Regular or Spot.")]


class ClusterEntry(_Entry, frozen=True, kw_only=True):
    """A cluster; texts are empty where Azure was not read."""

    id: Annotated[str, Meta(description="The id that subjects and coverage use: the ARM id in lower case.")]
    name: Annotated[str, Meta(description="The name of the cluster.")]
    subscription: Annotated[str, Meta(description="The name of its subscription, else the GUID.")]
    resource_group: Annotated[str, Meta(description="The name of its resource group.")]
    location: Annotated[str, Meta(description="Its region.")]
    version: Annotated[str, Meta(description="Its Kubernetes version.")]
    tier: Annotated[str, Meta(description="Its pricing tier.")]
    power_state: Annotated[str, Meta(description="Running or Stopped.")]
    private: Annotated[bool | None, Meta(description="Whether the API server is private; null where unknown.")]
    outbound_type: Annotated[str, Meta(description="How traffic leaves it.")]
    egress_through: Annotated[tuple[str, ...], Meta(description="The next hops of its default routes.")]
    network_plugin: Annotated[str, Meta(description="The network plugin and its mode.")]
    pools: Annotated[tuple[PoolEntry, ...], Meta(description="Its node pools.")]
    azure_gap: Annotated[str, Meta(description="Why Azure was not read for it; empty where it was.")]
    kubernetes_gap: Annotated[str, Meta(description="Why its Kubernetes API was not read; empty where it was.")]


class FigureEntry(_Entry, frozen=True, kw_only=True):
    """How much of what applies was assessed."""

    assessed: Pairs
    applicable: Pairs
    percent: Annotated[float, Meta(ge=0, le=100, description="assessed of applicable, rounded down to one decimal.")]


class GapEntry(_Entry, frozen=True, kw_only=True):
    """A reason behind pairs that were not assessed."""

    reason: Annotated[str, Meta(description="Why nobody knows.")]
    permission: Annotated[str, Meta(description="The permission that would mend it; empty where none would.")]
    cluster: Annotated[str, Meta(description="The id of the cluster.")]
    pairs: Pairs


class CoverageEntry(FigureEntry, frozen=True, kw_only=True):
    """Coverage in all, by cluster, and what is missing from it."""

    clusters: Annotated[dict[str, FigureEntry], Meta(description="By id of the cluster.")]
    gaps: Annotated[tuple[GapEntry, ...], Meta(description="The reasons, the costliest first.")]


class CountsEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Subjects per status; a subject with several findings of the rule counts once."""

    passed: Pairs = msgspec.field(name="pass")
    failed: Pairs = msgspec.field(name="fail")
    not_applicable: Pairs
    not_assessed: Pairs
    error: Pairs


class RuleEntry(_Entry, frozen=True, kw_only=True):
    """A rule that was on, and what it passed."""

    id: Annotated[str, Meta(description="The id of the rule.")]
    name: Annotated[str, Meta(description="Its name in PascalCase.")]
    title: Annotated[str, Meta(description="The desired state, one sentence.")]
    module: Annotated[str, Meta(description="Its topic.")]
    severity: Annotated[Severity, Meta(description="The rule's own; a finding has the one in force.")]
    pillar: Annotated[Pillar, Meta(description="The pillar of the Well-Architected Framework.")]
    why: Annotated[str, Meta(description="Why it matters, Markdown.")]
    fix: Annotated[str, Meta(description="How to mend a finding, Markdown.")]
    disruption: Annotated[Disruption, Meta(description="What the fix disturbs.")]
    needs: Annotated[tuple[str, ...], Meta(description="Permissions without which it decides nothing.")]
    optional_needs: Annotated[tuple[str, ...], Meta(description="Permissions that only some cases need.")]
    frameworks: Annotated[dict[str, tuple[str, ...]], Meta(description="Controls by framework.")]
    docs: Annotated[tuple[str, ...], Meta(description="Documentation.")]
    commands: Annotated[str, Meta(description="Shell commands of the fix, with {placeholders}.")]
    terraform: Annotated[str, Meta(description="The setting in Terraform.")]
    arm: Annotated[str, Meta(description="The property in an ARM template.")]
    parameters: Annotated[dict[str, EvidenceValue], Meta(description="The parameters in force.")]
    counts: CountsEntry
    passed: Annotated[tuple[Index, ...], Meta(description="Positions in `subjects`, counted from 0.")]


class SubjectEntry(_Entry, frozen=True, kw_only=True):
    """Something that rules judged."""

    id: Annotated[str, Meta(description="An ARM id in lower case, or a path below the id of the cluster.")]
    kind: Annotated[str, Meta(description="What it is: cluster, node_pool, Deployment ...")]
    name: Annotated[str, Meta(description="Its name.")]
    namespace: Annotated[str, Meta(description="Its Kubernetes namespace; empty where it has none.")]
    cluster: Annotated[str, Meta(description="The id of its cluster, or of the first of those that share it.")]


class RemediationEntry(_Entry, frozen=True, kw_only=True):
    """The fix of one finding."""

    commands: Annotated[str, Meta(description="Shell commands, filled in as far as the inventory knows.")]
    open: Annotated[tuple[str, ...], Meta(description="The placeholders that the reader must fill in.")]


class FindingEntry(_Entry, frozen=True, kw_only=True):
    """Something wrong with a subject."""

    fingerprint: Annotated[str, Meta(description="Stays the same while the rule finds fault with the same place.")]
    rule: RuleId
    subject: SubjectId
    severity: Annotated[Severity, Meta(description="The severity in force.")]
    message: Annotated[str, Meta(description="What was observed.")]
    evidence: Annotated[dict[str, EvidenceValue], Meta(description="Observed values under the API's own names.")]
    remediation: RemediationEntry
    part: Annotated[str, Meta(description="The path of the sub-object that is meant; empty where all is.")]
    containers: Annotated[tuple[str, ...], Meta(description="The containers that it is about.")] = ()
    waived_by: Annotated[tuple[Index, ...], Meta(description="Positions in `waivers`, counted from 0.")] = ()
    change: Annotated[Change | None, Meta(description="What it is to the baseline; null without one.")] = None


class CarriedEntry(FindingEntry, frozen=True, kw_only=True):
    """A finding of an earlier scan that this one could not reassess."""

    subject: SubjectEntry  # type: ignore[assignment]
    since: Annotated[datetime, Meta(tz=True, description="When the scan began that saw it last.")]
    why: Annotated[str, Meta(description="Why it was not reassessed.")]


class WaiverEntry(_Entry, frozen=True, kw_only=True):
    """A waiver that was in force, or should have been."""

    place: Annotated[str, Meta(description="The file and line that it stands in.")]
    selector: Annotated[str, Meta(description="What it is meant for.")]
    reason: Annotated[str, Meta(description="Why the findings are accepted.")]
    owner: Annotated[str, Meta(description="Who answers for it.")]
    ticket: Annotated[str, Meta(description="Where it was decided.")]
    expires: Annotated[str, Meta(description="Its last day.")]
    status: Annotated[WaiverStatus, Meta(description="used, unused, expired, or lapsed: something has changed.")]
    findings: Annotated[int, Meta(ge=0, description="How many findings it waived.")]
    detail: Annotated[str, Meta(description="Why it waived none.")]


class NotApplicableEntry(_Entry, frozen=True, kw_only=True):
    """A subject for which the question of a rule does not arise."""

    rule: RuleId
    subject: SubjectId
    reason: Annotated[str, Meta(description="Why the question does not arise.")]


class NotAssessedEntry(_Entry, frozen=True, kw_only=True):
    """A subject that a rule could not decide. Unknown is never a pass."""

    rule: RuleId
    subject: SubjectId
    reason: Annotated[str, Meta(description="Why nobody knows.")]
    permission: Annotated[str, Meta(description="The permission that would mend it; empty where none would.")]


class ErrorEntry(_Entry, frozen=True, kw_only=True):
    """A rule that failed on a subject by its own fault."""

    rule: RuleId
    subject: SubjectId
    message: Annotated[str, Meta(description="The error.")]


class PermissionScopeEntry(_Entry, frozen=True, kw_only=True):
    """A scope where a permission is not held."""

    id: Annotated[
        str, Meta(description="An ARM id in lower case, or that of the cluster whose Kubernetes API was asked.")
    ]
    name: Annotated[str, Meta(description="Its name, with the resource group where clusters share one.")]
    status: Annotated[PermissionStatus, Meta(description="missing or unknown.")]
    detail: Annotated[str, Meta(description="What the other side said, or why nobody knows.")]


class PermissionEntry(_Entry, frozen=True, kw_only=True):
    """A permission that rules need, and at how many scopes the identity has it."""

    permission: Annotated[str, Meta(description="An ARM action, or list and a resource of the Kubernetes API.")]
    held: Scopes
    missing: Scopes
    unknown: Scopes
    scopes: Annotated[tuple[PermissionScopeEntry, ...], Meta(description="The first of those where it is not held.")]
    rules: Annotated[tuple[str, ...], Meta(description="Ids of the rules that decide nothing without it.")]
    optional_rules: Annotated[tuple[str, ...], Meta(description="Ids of the rules that need it for some cases.")]


class ControlEntry(_Entry, frozen=True, kw_only=True):
    """A control of a framework."""

    id: Annotated[str, Meta(description="Its number in the framework.")]
    title: Annotated[str, Meta(description="What should be so, in akscan's words.")]
    status: Annotated[
        ControlStatus,
        Meta(
            description="By its rules: fail before not_assessed before pass; manual, managed (by AKS), none: no rule."
        ),
    ]
    rules: Annotated[tuple[str, ...], Meta(description="Ids of the `rules` that cover it.")]
    rules_off: Annotated[tuple[str, ...], Meta(description="Ids of rules that cover it and were off.")]


class FrameworkEntry(_Entry, frozen=True, kw_only=True):
    """What the report says of each control of a framework."""

    name: Annotated[str, Meta(description="As in akscan rules --framework.")]
    title: Annotated[str, Meta(description="Its full name.")]
    version: Annotated[str, Meta(description="Its version.")]
    as_of: Annotated[str, Meta(description="The day of which the list of controls is.")]
    is_stale: Annotated[bool, Meta(description="Whether the list was too old when the scan began.")]
    sources: Annotated[tuple[str, ...], Meta(description="Where the list comes from.")]
    controls: Annotated[tuple[ControlEntry, ...], Meta(description="In the framework's order.")]


class ReportFile(_Entry, frozen=True, kw_only=True):
    """A report of akscan, version 1."""

    schema_version: Annotated[str, Meta(pattern=r"^1\.[0-9]+$", description="major.minor; 1.x only ever adds fields.")]
    tool: Tool
    run: RunEntry
    clusters: Annotated[tuple[ClusterEntry, ...], Meta(description="By id.")]
    coverage: CoverageEntry
    rules: Annotated[tuple[RuleEntry, ...], Meta(description="The rules that were on, by id.")]
    subjects: Annotated[tuple[SubjectEntry, ...], Meta(description="Everything that was judged, by id.")]
    findings: Annotated[tuple[FindingEntry, ...], Meta(description="Open ones: the worst first, by rule and subject.")]
    not_applicable: Annotated[tuple[NotApplicableEntry, ...], Meta(description="By rule and reason.")]
    not_assessed: Annotated[tuple[NotAssessedEntry, ...], Meta(description="By rule and reason.")]
    errors: Annotated[tuple[ErrorEntry, ...], Meta(description="By rule and subject.")]
    waived: Annotated[tuple[FindingEntry, ...], Meta(description="Findings that a waiver is for, likewise.")] = ()
    waivers: Annotated[tuple[WaiverEntry, ...], Meta(description="In the order of the files.")] = ()
    carried: Annotated[tuple[CarriedEntry, ...], Meta(description="Findings that nobody looked at again.")] = ()
    permissions: Annotated[tuple[PermissionEntry, ...], Meta(description="The ledger; empty for an import.")] = ()
    frameworks: Annotated[tuple[FrameworkEntry, ...], Meta(description="The frameworks of the packs, by name.")] = ()


class _Head(_Entry, frozen=True, kw_only=True):
    """What every version of the file has, by which it is recognised."""

    schema_version: str
    tool: Tool


def report_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `encode_report` writes. Stricter than a reader, it allows no other
    fields.

    ``schemas/report-v1.schema.json`` is its output; a test holds both together.
    """
    schema = msgspec.json.schema(ReportFile)
    for definition in schema["$defs"].values():
        if "enum" in definition:
            del definition["description"]  # speaks of the class; the field has one of its own
        else:
            definition["additionalProperties"] = False
            # a field that older files lack has a default for the reader; what is written has all of them
            definition["required"] = list(definition["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:akscan:report:1.0",
        "title": "akscan report, version 1",
        **schema,
    }


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


def _cluster_entry(cluster: ClusterFacts) -> ClusterEntry:
    return _copy(ClusterEntry, cluster, pools=tuple(_copy(PoolEntry, pool) for pool in cluster.pools))


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
            clusters=tuple(
                _copy(ClusterFacts, entry, pools=tuple(_copy(PoolFacts, pool) for pool in entry.pools))
                for entry in file.clusters
            ),
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

    def _coverage(self) -> Coverage:
        entry = self._file.coverage
        return Coverage(
            total=_copy(CoverageFigure, entry),
            clusters={cluster: _copy(CoverageFigure, figure) for cluster, figure in entry.clusters.items()},
            gaps=tuple(_copy(GapSummary, gap) for gap in entry.gaps),
        )
