"""The report in the groups in which the page shows it. Every number is counted from the report."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from akscan.sdk import (
    Change,
    ClusterFacts,
    Crash,
    Disruption,
    Failure,
    Passed,
    Past,
    Place,
    Remediation,
    Report,
    RuleInfo,
    Severity,
    Status,
    SubjectRef,
    Unassessed,
    places,
)
from markupsafe import Markup

from akscan_reports.html.network import Picture, picture

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

#: More names than these are told as "all but".
_NAMES_IN_FULL = 8
#: The ids of clusters in the page begin with this.
_CLUSTER = "cluster-"


@dataclass(frozen=True)
class Group:
    """The findings of one rule."""

    rule: RuleInfo
    findings: tuple[Failure, ...]

    @property
    def severity(self) -> Severity:
        return min((finding.severity for finding in self.findings), key=lambda severity: severity.rank)

    @cached_property
    def subjects(self) -> int:
        return len({finding.subject.id for finding in self.findings})

    @cached_property
    def by_cluster(self) -> dict[str, list[Failure]]:
        """By the id of the cluster."""
        return _grouped((finding.subject.cluster, finding) for finding in self.findings)

    @cached_property
    def open(self) -> tuple[str, ...]:
        """The placeholders of the commands that the inventory cannot fill."""
        return tuple(dict.fromkeys(name for finding in self.findings for name in finding.remediation.open))

    @cached_property
    def remediation(self) -> Remediation | None:
        """The commands where they are the same for all findings, which are then told once."""
        first = self.findings[0].remediation
        return first if all(finding.remediation == first for finding in self.findings) else None


@dataclass(frozen=True)
class Looked:
    """Subjects of one kind that passed: ``names`` of those, or of the ``others`` among all where that is shorter."""

    kind: str
    cluster: str
    passed: int
    names: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class Trend(NamedTuple):
    """Findings of one severity: open in the baseline, what has become of them, and open now."""

    then: int
    fixed: int
    not_reassessed: int
    new: int
    updated: int
    unchanged: int
    waived: int
    now: int


class Page:
    """A report as the page shows it."""

    #: how many findings of a rule that are gone are named
    past_shown = 20

    def __init__(self, report: Report) -> None:
        self._report = report
        self._clusters = {cluster.id: cluster for cluster in report.clusters}
        self._names = Counter(cluster.name for cluster in report.clusters)

    # --- names

    def cluster_name(self, cluster_id: str) -> str:
        """The name of a cluster, with its resource group where two share it."""
        cluster = self._clusters.get(cluster_id)
        if cluster is None:
            return cluster_id
        if self._names[cluster.name] == 1:
            return cluster.name
        place = " / ".join(filter(None, (cluster.subscription, cluster.resource_group)))
        return f"{cluster.name} ({place or cluster_id})"

    def cluster_anchor(self, cluster_id: str) -> str:
        """An id that is the same in every report."""
        name = re.sub(r"[^a-z0-9]+", "-", cluster_id.rpartition("/")[2].casefold())[:40]
        return f"{_CLUSTER}{name}-{hashlib.sha256(cluster_id.encode()).hexdigest()[:8]}"

    # --- verdict

    @cached_property
    def verdict(self) -> tuple[str, str, str]:
        """What was looked at, what was found, and how much is not known."""
        report = self._report
        scanned = sum(subscription.status == "scanned" for subscription in report.run.scope.subscriptions)
        looked = (
            f"akscan looked at {_count(len(report.clusters), 'cluster')} "
            f"in {_count(scanned, 'fully read subscription')} "
            f"with {_count(len(report.rules), 'rule')} on {report.run.started:%Y-%m-%d}"
        )
        if report.run.interrupted:
            looked += ", and was interrupted"
        return f"{looked}.", self._found(), self._unknown()

    def _found(self) -> str:
        report = self._report
        counts = [f"{number:,} {severity}" for severity, number in report.severities().items() if number]
        if counts:
            subjects = len({finding.subject.id for finding in report.findings})
            found = _count(len(report.findings), "finding")
            return f"It reports {found} on {_count(subjects, 'subject')}: {_listed(counts)}."
        return f"It found nothing{' wrong in what it could assess' if report.coverage.total.assessed else ''}."

    def _unknown(self) -> str:
        total = self._report.coverage.total
        if not total.applicable:
            return "No rule applied to anything it saw, so this report proves nothing."
        if total.assessed == total.applicable:
            return f"It assessed all that applies: {_count(total.applicable, 'check')}."
        causes = [
            f"{len(results):,} {what}"
            for results, what in (
                (self._report.not_assessed, "not assessed"),
                (self._report.errors, "ended by an error of the rule"),
            )
            if results
        ]
        return (
            f"It assessed {total.percent} % of the checks that apply ({total.assessed:,} of {total.applicable:,}); "
            f"the rest is unknown, not passed: {_listed(causes)}."
        )

    @cached_property
    def warnings(self) -> tuple[tuple[str, str], ...]:
        """What makes the scan incomplete: of what, and why."""
        run = self._report.run
        found = [("The scan", "was interrupted before everything was read")] if run.interrupted else []
        for subscription in run.scope.subscriptions:
            if subscription.status in {"refused", "partial"}:
                detail = f": {subscription.detail}" if subscription.detail else ""
                found.append((f"Subscription {subscription.name}", f"{subscription.status}{detail}"))
        for cluster in self._report.clusters:
            name = f"Cluster {self.cluster_name(cluster.id)}"
            found += [(name, f"Azure not read: {cluster.azure_gap}")] if cluster.azure_gap else []
            found += [(name, f"Kubernetes not read: {cluster.kubernetes_gap}")] if cluster.kubernetes_gap else []
        return tuple(found)

    # --- findings

    def waived_by(self, waiver: int) -> tuple[Failure, ...]:
        """The findings that a waiver is for, by its position; what several are for stands with the first."""
        return tuple(finding for finding in self._report.waived if finding.waived_by[0] == waiver)

    @cached_property
    def _all(self) -> tuple[Failure, ...]:
        return (*self._report.findings, *self._report.waived)

    @cached_property
    def changes(self) -> dict[Severity, dict[Change, int]]:
        """What findings, waived ones included, are to the baseline, by severity; empty without one."""
        counts = Counter((f.severity, f.change) for f in self._all if f.change is not None)
        present = [severity for severity in Severity if any(counts[severity, change] for change in Change)]
        order = (Change.NEW, Change.UPDATED, Change.UNCHANGED)
        return {severity: {change: counts[severity, change] for change in order} for severity in present}

    @cached_property
    def trends(self) -> dict[Severity, Trend]:
        """What has become of the findings of the baseline, by severity; empty without one."""
        baseline = self._report.baseline
        if baseline is None:
            return {}
        fixed, unsure = (Counter(one.severity for one in found) for found in (baseline.fixed, baseline.incomparable))
        changes = Counter((finding.severity, finding.change) for finding in self._report.findings)
        waived, now = Counter(finding.severity for finding in self._report.waived), self._report.severities()
        trends = {
            severity: Trend(
                then=baseline.open.get(severity, 0),
                fixed=fixed[severity],
                not_reassessed=unsure[severity],
                new=changes[severity, Change.NEW],
                updated=changes[severity, Change.UPDATED],
                unchanged=changes[severity, Change.UNCHANGED],
                waived=waived[severity],
                now=now[severity],
            )
            for severity in Severity
        }
        return {severity: trend for severity, trend in trends.items() if any(trend)}

    @staticmethod
    def by_rule(past: Iterable[Past]) -> dict[tuple[str, str], list[Past]]:
        """What was found once, by the id and the title of its rule."""
        return _grouped(((one.rule, one.title), one) for one in past)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Worst first, as the report has them."""
        by_rule = _grouped((finding.rule.id, finding) for finding in self._report.findings)
        return tuple(Group(findings[0].rule, tuple(findings)) for findings in by_rule.values())

    @cached_property
    def rules_with_findings(self) -> frozenset[str]:
        """Ids of the rules that have a place of their own among the findings."""
        return frozenset(group.rule.id for group in self.groups)

    @cached_property
    def windows(self) -> dict[Disruption, list[Group]]:
        """Groups by what their fix disturbs, the mildest window first; in each the worst, then the widest first."""
        ranked = sorted(self.groups, key=lambda group: (group.severity.rank, -group.subjects, group.rule.id))
        windows = {kind: [group for group in ranked if group.rule.disruption is kind] for kind in Disruption}
        return {kind: groups for kind, groups in windows.items() if groups}

    # --- what findings are filtered by

    @property
    def rules(self) -> tuple[RuleInfo, ...]:
        return self._report.rules

    def facets(self, finding: Failure) -> str:
        """Rule, cluster (its position in `cluster_keys`), severity and change of a finding, in one line."""
        cluster = self._positions[finding.subject.cluster]
        return f"{finding.rule.id} {cluster} {finding.severity} {finding.change or ''}"

    @cached_property
    def _positions(self) -> dict[str, int]:
        found = dict.fromkeys((*(c.id for c in self._report.clusters), *(f.subject.cluster for f in self._all)))
        return {cluster: position for position, cluster in enumerate(found)}

    @property
    def cluster_keys(self) -> list[str]:
        """Of each cluster what an address names it by."""
        return [self.cluster_key(cluster) for cluster in self._positions]

    def cluster_key(self, cluster_id: str) -> str:
        return self.cluster_anchor(cluster_id).removeprefix(_CLUSTER)

    @staticmethod
    def controls(rule: RuleInfo) -> list[str]:
        """The frameworks that a rule serves, and the controls of each."""
        named = [f"{name} {control}" for name, controls in rule.frameworks.items() for control in controls]
        return [*rule.frameworks, *named]

    @cached_property
    def all_severities(self) -> Counter[Severity]:
        found = Counter(finding.severity for finding in self._all)
        return Counter({severity: found[severity] for severity in Severity})

    @cached_property
    def cluster_options(self) -> list[tuple[str, str]]:
        found = dict.fromkeys(finding.subject.cluster for finding in self._all)
        return sorted(((self.cluster_key(c), self.cluster_name(c)) for c in found), key=lambda option: option[1])

    @cached_property
    def topic_options(self) -> list[tuple[str, str]]:
        return [(topic, topic.replace("_", " ")) for topic in sorted({f.rule.module for f in self._all})]

    @cached_property
    def status_options(self) -> list[tuple[str, str]]:
        changes = [(str(change), str(change)) for change in Change] if self.changes else []
        waived = [("open", "open"), ("waived", "waived")] if self._report.waived else []
        return [*waived, *changes]

    @cached_property
    def framework_options(self) -> list[tuple[str, str]]:
        """Each framework, and its controls that rules with findings cover."""
        rules = {finding.rule.id: finding.rule for finding in self._all}.values()
        found = {control for rule in rules for control in self.controls(rule)}
        return [(one, one.replace("_", " ")) for one in sorted(found, key=_by_numbers)]

    # --- risk

    @cached_property
    def topics(self) -> tuple[str, ...]:
        return tuple(sorted({rule.module for rule in self._report.rules}))

    @cached_property
    def cells(self) -> Mapping[tuple[str, str], Counter[str]]:
        """Findings by severity, other results by status, of each cluster and topic; empty strings stand for all."""
        report = self._report
        results: Iterable[tuple[str, Failure | Passed | Unassessed | Crash]] = chain(
            ((finding.severity, finding) for finding in report.findings),
            ((Status.PASS, passed) for passed in report.passed),
            ((Status.NOT_ASSESSED, missing) for missing in report.not_assessed),
            ((Status.ERROR, crash) for crash in report.errors),
        )
        cells: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for key, result in results:
            for cluster in (result.subject.cluster, ""):
                for topic in (result.rule.module, ""):
                    cells[cluster, topic][key] += 1
        return cells

    def cell_filter(self, cluster: str, topic: str = "") -> Markup:
        """An attribute that says how to see the findings of a cell; none where there is none."""
        if not any(self.cells[cluster, topic][severity] for severity in Severity):
            return Markup()
        wanted = {"cluster": self.cluster_key(cluster) if cluster else "", "topic": topic}
        return Markup(' data-filter="{}"').format(urlencode({key: value for key, value in wanted.items() if value}))

    @cached_property
    def clusters(self) -> tuple[ClusterFacts, ...]:
        """Those with the worst findings first."""

        def badness(cluster: ClusterFacts) -> tuple[list[int], str]:
            findings = self.cells[cluster.id, ""]
            return [-findings[severity] for severity in Severity], cluster.id

        return tuple(sorted(self._report.clusters, key=badness))

    @staticmethod
    def network(cluster: ClusterFacts) -> Picture | None:
        return picture(cluster)

    # --- the rest

    @cached_property
    def missing(self) -> dict[str, dict[str, list[Unassessed]]]:
        """By the permission that would mend it, the one behind most pairs first, and by the reason."""
        by_permission = _grouped((result.permission, result) for result in self._report.not_assessed)
        ranked = sorted(by_permission.items(), key=lambda item: (-len(item[1]), item[0]))
        return {permission: _grouped((r.reason, r) for r in results) for permission, results in ranked}

    @staticmethod
    def by_subject(results: Sequence[Unassessed]) -> list[tuple[SubjectRef, list[RuleInfo]]]:
        """The subjects of results, each with its rules."""
        subjects = {result.subject.id: result.subject for result in results}
        rules = _grouped((result.subject.id, result.rule) for result in results)
        return [(subject, rules[key]) for key, subject in subjects.items()]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Where permissions are missing or unknown."""
        return places(self._report.ledger)

    def permissions_of(self, place: Place) -> tuple[str, ...]:
        """The permissions that are missing or unknown there; what the API server asks for is told together where it is
        everything.
        """
        named = tuple(entry.permission for entry in place.entries)
        # a verb and a resource; what Azure calls an action has no space
        everything = {entry.permission for entry in self._report.ledger if " " in entry.permission}
        if not everything or not everything.issubset(named):
            return named
        others = tuple(permission for permission in named if permission not in everything)
        return (f"all {len(everything):,} of the Kubernetes API", *others)

    @cached_property
    def unnamed_scopes(self) -> int:
        """How many more scopes than the ledger names lack a permission."""
        return max((e.missing + e.unknown - len(e.scopes) for e in self._report.ledger), default=0)

    @cached_property
    def inapplicable(self) -> dict[str, Counter[str]]:
        """Reasons and how often, by rule."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for result in self._report.not_applicable:
            found[result.rule.id][result.reason] += 1
        return dict(found)

    @cached_property
    def subjects(self) -> dict[tuple[str, str], list[SubjectRef]]:
        """Subjects by cluster and kind; the clusters themselves stand together."""
        return _grouped((_place(subject), subject) for subject in self._report.subjects)

    @cached_property
    def _passed(self) -> dict[str, list[SubjectRef]]:
        return _grouped((passed.rule.id, passed.subject) for passed in self._report.passed)

    def looked(self, rule: RuleInfo) -> Iterable[Looked]:
        """What passed a rule."""
        for (cluster, kind), passed in _grouped((_place(s), s) for s in self._passed.get(rule.id, ())).items():
            ids = {subject.id for subject in passed}
            others = [subject for subject in self.subjects[cluster, kind] if subject.id not in ids]
            if len(passed) > max(_NAMES_IN_FULL, len(others)):
                yield Looked(kind, cluster, len(passed), others=self.named(others))
            else:
                yield Looked(kind, cluster, len(passed), names=self.named(passed))

    def named(self, subjects: Iterable[SubjectRef]) -> tuple[str, ...]:
        """Names, with the namespace where there is one."""
        return tuple(
            self.cluster_name(s.id) if s.id == s.cluster else f"{s.namespace}/{s.name}" if s.namespace else s.name
            for s in subjects
        )


def _by_numbers(name: str) -> list[tuple[int, str]]:
    """5.2.10 comes after 5.2.9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _place(subject: SubjectRef) -> tuple[str, str]:
    return "" if subject.id == subject.cluster else subject.cluster, subject.kind


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    groups: dict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
