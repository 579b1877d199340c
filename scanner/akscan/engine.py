"""From an inventory and rules to a report: which rule is asked about what, and what its silence means."""

from __future__ import annotations

import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from akscan.facts import facts_of
from akscan.frameworks import CoveredFramework
from akscan.model.cluster import Cluster
from akscan.model.gaps import Gap, NotCollected, Reason
from akscan.model.inventory import Inventory, Manifest
from akscan.model.kubernetes import KubernetesLists
from akscan.model.ledger import Ledger, LedgerEntry, Wants
from akscan.model.subject import Absent, Subject, SubjectRef, Unreadable
from akscan.model.text import ArmId
from akscan.results import (
    ClusterFacts,
    Coverage,
    CoverageFigure,
    Crash,
    EvidenceValue,
    Failure,
    GapSummary,
    Inapplicable,
    Passed,
    Remediation,
    Report,
    RuleInfo,
    Run,
    Severity,
    Status,
    Unassessed,
    fingerprint,
)
from akscan.sdk import Finding, NotApplicable, Rule
from akscan.signatures import Signature, signature_of
from akscan.waivers import PlacedWaiver, Waivers

#: How many scopes a report names for each permission that is not held there.
_SCOPES_IN_LEDGER = 10
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_OBJECT = "{kind} {name}"


@dataclass(frozen=True)
class SelectedRule:
    """A rule that is on, with the severity and the parameters in force."""

    rule: Rule
    signature: Signature
    severity: Severity
    parameters: Mapping[str, Any]
    info: RuleInfo

    @property
    def wants(self) -> Wants:
        return Wants(self.rule.needs, self.rule.optional_needs)

    @classmethod
    def of(
        cls, rule: Rule, *, severity: Severity | None = None, parameters: Mapping[str, Any] | None = None
    ) -> SelectedRule:
        """With the defaults of the rule where nothing else is said. Raises `AkscanError` for a bad signature."""
        signature = signature_of(rule)
        in_force = {**signature.defaults, **(parameters or {})}
        info = rule.info({name: _scalar(value) for name, value in in_force.items()})
        return cls(rule, signature, severity or rule.severity, in_force, info)


@dataclass(frozen=True)
class Verdict:
    """What one rule says about one subject."""

    status: Status
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    gap: Gap | None = None


def judge(selected: SelectedRule, subject: Subject, inventory: Inventory) -> Verdict:
    """Ask one rule about one subject. A failure that is proven stays one, whatever could not be read beside it."""
    findings: list[Finding] = []
    beside: dict[str, EvidenceValue] = {**subject.background}
    if subject.end and not selected.rule.of_ended:
        return Verdict(Status.NOT_APPLICABLE, reason=subject.end)
    try:
        for finding in selected.rule.function(subject, inventory, **selected.parameters):
            findings.append(finding)  # noqa: PERF402 what came before an exception counts
    except NotApplicable as verdict:
        if not findings:
            return Verdict(Status.NOT_APPLICABLE, reason=str(verdict))
    except NotCollected as missing:
        if not findings:
            return Verdict(Status.NOT_ASSESSED, reason=str(missing.gap), gap=missing.gap)
        beside["notAssessed"] = str(missing.gap)
    except Exception as error:  # noqa: BLE001 a rule's fault must not end the others
        return Verdict(Status.ERROR, reason=f"{type(error).__name__}: {error}")
    return Verdict(Status.FAIL, tuple(_merged(findings, beside))) if findings else Verdict(Status.PASS)


def _merged(findings: Sequence[Finding], beside: Mapping[str, EvidenceValue]) -> Iterator[Finding]:
    """One finding for each part: messages joined, evidence united, and with it what could not be read beside it. Where
    findings tell different things of one field, as a template and its pods may, it holds them all. What is about the
    pod as a whole is about no container, whatever else is.
    """
    parts: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        parts[finding.part].append(finding)
    for part, group in parts.items():
        evidence: dict[str, Any] = {}
        fill: dict[str, str] = {}
        named = all(finding.containers for finding in group)
        containers = dict.fromkeys(name for finding in group for name in finding.containers) if named else ()
        for finding in group:
            for key, value in finding.evidence.items():
                evidence[key] = _united(evidence[key], value) if key in evidence else value
            fill |= finding.fill
        message = "; ".join(dict.fromkeys(finding.message for finding in group))
        yield Finding(message, {**evidence, **beside}, fill, part, tuple(containers))


def _united(known: object, further: object) -> object:
    """Both values of one field of evidence, each thing once."""
    if known is None or further is None or known == further:
        return further if known is None else known
    values = (_scalar(known), _scalar(further))
    return list(dict.fromkeys(item for value in values for item in (value if isinstance(value, tuple) else (value,))))


class Evaluation:
    """An evaluation in progress. Clusters are added one at a time, in any order, and may be forgotten afterwards; the
    report is the same whatever the order.
    """

    def __init__(
        self,
        rules: Iterable[SelectedRule],
        inventory: Inventory,
        frameworks: Sequence[CoveredFramework] = (),
        waivers: Sequence[PlacedWaiver] = (),
    ) -> None:
        self._frameworks = frameworks
        self._rules = tuple(sorted(rules, key=lambda selected: selected.rule.id))
        self._inventory = inventory
        self._results = _Results(Waivers(waivers, inventory.manifest.started.date()))
        self._facts: dict[str, ClusterFacts] = {}
        self._pending = {cluster.id for cluster in inventory.clusters}
        wants = {selected.rule.id: selected.wants for selected in self._rules}
        self._ledger = Ledger(wants, inventory.manifest, inventory.azure)

    def add(self, cluster_id: ArmId, lists: KubernetesLists) -> None:
        """Judge everything that belongs to one cluster."""
        self._pending.discard(cluster_id)
        cluster = self._inventory.with_kubernetes(cluster_id, lists)
        self._facts[cluster.ref.id] = facts_of(cluster, self._inventory)
        self._ledger.add(cluster_id, lists)
        self._judge_all(cluster, fleet_wide=False)

    def finish(self, manifest: Manifest) -> Report:
        """Judge what several clusters share, and what was never added as not read; the whole report. ``manifest`` is
        the one that knows how the scan ended.
        """
        for cluster in self._inventory.clusters:
            if cluster.id in self._pending:
                self.add(cluster.id, cluster.lists)
        for cluster in self._inventory.clusters:
            self._judge_all(cluster, fleet_wide=True)
        run = Run(
            akscan=manifest.akscan,
            started=manifest.started,
            finished=manifest.finished,
            cloud=manifest.cloud,
            identity=manifest.identity,
            source=manifest.source,
            interrupted=manifest.interrupted,
            scope=manifest.scope,
        )
        clusters = tuple(self._facts[key] for key in sorted(self._facts))
        ledger = self._ledger.entries(scopes=_SCOPES_IN_LEDGER) if manifest.source == "live" else ()
        report = self._results.report(run, tuple(selected.info for selected in self._rules), clusters, ledger)
        if not self._frameworks:
            return report
        counts = report.counts()
        judged = tuple(framework.judged(run.started, counts) for framework in self._frameworks)
        return msgspec.structs.replace(report, frameworks=judged)

    def _judge_all(self, cluster: Cluster, *, fleet_wide: bool) -> None:
        by_kind: dict[type[Subject], list[Subject | Unreadable | Absent]] = {}
        for selected in self._rules:
            for kind in selected.signature.subjects:
                if kind.fleet_wide is not fleet_wide:
                    continue
                if kind not in by_kind:
                    by_kind[kind] = list(kind.each(self._inventory, cluster))
                for subject in by_kind[kind]:
                    self._record(selected, subject)

    def _record(self, selected: SelectedRule, subject: Subject | Unreadable | Absent) -> None:
        match subject:
            case Unreadable(cluster, gap):
                self._results.add(selected, cluster, Verdict(Status.NOT_ASSESSED, reason=str(gap), gap=gap))
            case Absent(cluster, why):
                self._results.add(selected, cluster, Verdict(Status.NOT_APPLICABLE, reason=why))
            case _:
                self._results.add(selected, subject, judge(selected, subject, self._inventory))


@dataclass
class _Results:
    """Verdicts as they come, sorted only once."""

    waivers: Waivers
    subjects: dict[str, SubjectRef] = field(default_factory=dict)
    findings: list[Failure] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    not_applicable: dict[tuple[str, str], Inapplicable] = field(default_factory=dict)
    not_assessed: dict[tuple[str, str], Unassessed] = field(default_factory=dict)
    errors: list[Crash] = field(default_factory=list)

    def add(self, selected: SelectedRule, subject: Subject, verdict: Verdict) -> None:
        ref = subject.ref
        ref = self.subjects.setdefault(ref.id, ref)
        info = selected.info
        match verdict.status:
            case Status.PASS:
                self.passed.append(Passed(rule=info, subject=ref))
            case Status.FAIL:
                for finding in verdict.findings:
                    failure = _failure(selected, subject, ref, finding)
                    self.waivers.consider(failure, subject.labels)
                    self.findings.append(failure)
            case Status.NOT_APPLICABLE:
                inapplicable = Inapplicable(rule=info, subject=ref, reason=verdict.reason)
                self.not_applicable.setdefault((info.id, ref.id), inapplicable)
            case Status.NOT_ASSESSED:
                gap = verdict.gap
                permission = gap.permission if gap and gap.reason is Reason.FORBIDDEN else ""
                missing = Unassessed(rule=info, subject=ref, reason=verdict.reason, permission=permission)
                self.not_assessed.setdefault((info.id, ref.id), missing)
            case Status.ERROR:
                self.errors.append(Crash(rule=info, subject=ref, message=verdict.reason))

    def report(
        self,
        run: Run,
        rules: tuple[RuleInfo, ...],
        clusters: tuple[ClusterFacts, ...],
        ledger: tuple[LedgerEntry, ...],
    ) -> Report:
        found = sorted(self.findings, key=lambda f: (f.severity.rank, f.rule.id, f.subject.id, f.part))
        still_open, waived, waivers = self.waivers.split(found)
        return Report(
            run=run,
            rules=rules,
            clusters=clusters,
            subjects=tuple(self.subjects[key] for key in sorted(self.subjects)),
            findings=still_open,
            waived=waived,
            waivers=waivers,
            passed=tuple(sorted(self.passed, key=_by_rule)),
            # a rule on two kinds of subject may find one kind absent and the other unreadable: then nobody knows
            not_applicable=tuple(
                sorted((n for key, n in self.not_applicable.items() if key not in self.not_assessed), key=_by_rule)
            ),
            not_assessed=tuple(sorted(self.not_assessed.values(), key=_by_rule)),
            errors=tuple(sorted(self.errors, key=_by_rule)),
            coverage=self._coverage(),
            ledger=ledger,
        )

    def _coverage(self) -> Coverage:
        assessed: Counter[str] = Counter()
        applicable: Counter[str] = Counter()
        failed = {(f.rule.id, f.subject.id): f.subject.cluster for f in self.findings}
        for cluster in (*failed.values(), *(p.subject.cluster for p in self.passed)):
            assessed[cluster] += 1
            applicable[cluster] += 1
        gaps: Counter[tuple[str, str, str]] = Counter()
        for missing in self.not_assessed.values():
            applicable[missing.subject.cluster] += 1
            gaps[(missing.reason, missing.permission, missing.subject.cluster)] += 1
        for crash in self.errors:
            applicable[crash.subject.cluster] += 1
        return Coverage(
            total=CoverageFigure(assessed=assessed.total(), applicable=applicable.total()),
            clusters={
                cluster: CoverageFigure(assessed=assessed[cluster], applicable=applicable[cluster])
                for cluster in sorted(applicable)
            },
            gaps=tuple(
                GapSummary(reason=reason, permission=permission, cluster=cluster, pairs=pairs)
                for (reason, permission, cluster), pairs in sorted(gaps.items(), key=lambda item: (-item[1], item[0]))
            ),
        )


def _by_rule(result: Passed | Inapplicable | Unassessed | Crash) -> tuple[str, str]:
    return result.rule.id, result.subject.id


def _failure(selected: SelectedRule, subject: Subject, ref: SubjectRef, finding: Finding) -> Failure:
    return Failure(
        rule=selected.info,
        subject=ref,
        severity=selected.severity,
        fingerprint=fingerprint(selected.rule.id, ref.id, finding.part),
        message=finding.message,
        evidence={key: _scalar(value) for key, value in finding.evidence.items()},
        remediation=remediation(selected.rule.fix.cli, {**subject.placeholders(), **finding.fill}),
        part=finding.part,
        containers=tuple(finding.containers),
    )


def remediation(template: str, values: Mapping[str, str]) -> Remediation:
    """The commands with every known placeholder filled in, quoted for a POSIX shell: names of objects are not ours.
    An object of the whole cluster is named without a namespace.
    """
    still_open: dict[str, None] = {}
    if "kind" in values and "namespace" not in values:
        template = template.replace(f"{_OBJECT} --namespace {{namespace}}", _OBJECT)

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if values.get(name):
            return shlex.quote(values[name])
        still_open[name] = None
        return match[0]

    return Remediation(commands=_PLACEHOLDER.sub(fill, template), open=tuple(still_open))


def _scalar(value: object) -> EvidenceValue:
    """Evidence is scalars and lists of them; strings of the model become plain ones."""
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return tuple(f"{key}={item if isinstance(item, str) else ', '.join(item)}" for key, item in value.items())
    if isinstance(value, Iterable):
        return tuple(str(item) if not isinstance(item, bool | int | float) else item for item in value)
    return str(value)
