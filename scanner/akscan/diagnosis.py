"""What `akscan doctor` finds out, and its JSON, version 1: fields are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from akscan.engine import SelectedRule
from akscan.model.gaps import Gap, Reason
from akscan.model.inventory import Azure, Manifest
from akscan.model.kubernetes import KubernetesLists
from akscan.model.ledger import Assessability, Ledger, LedgerEntry, told_apart
from akscan.model.reads import KUBERNETES_READS
from akscan.model.text import ArmId
from akscan.report_file import permission_entry, subscription_entry
from akscan.report_file.entries import PermissionEntry, SubscriptionEntry, Tool

SCHEMA_VERSION = "1.0"


class _Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class ApiServer(_Entry, frozen=True, kw_only=True):
    """A cluster, and why its Kubernetes API does not answer (empty where it does)."""

    id: str
    name: str
    reached: bool
    detail: str


class RuleDiagnosis(_Entry, frozen=True, kw_only=True):
    """A rule, and what it needs that is not held everywhere: without ``lacking`` it decides nothing on the clusters
    concerned, without ``optional_lacking`` only some cases.
    """

    id: str
    title: str
    severity: str
    status: Assessability
    lacking: tuple[str, ...]
    optional_lacking: tuple[str, ...]


@dataclass(frozen=True)
class Diagnosis:
    """The whole answer; in ``ledger`` every scope is named where a permission is not held."""

    manifest: Manifest
    clusters: tuple[ApiServer, ...]
    ledger: tuple[LedgerEntry, ...]
    rules: tuple[RuleDiagnosis, ...]

    def rules_that_are(self, status: Assessability) -> tuple[RuleDiagnosis, ...]:
        return tuple(rule for rule in self.rules if rule.status is status)


class _DiagnosisFile(_Entry, frozen=True, kw_only=True):
    schema_version: str
    tool: Tool
    started: datetime
    cloud: str
    identity: str
    interrupted: bool
    subscriptions: tuple[SubscriptionEntry, ...]
    clusters: tuple[ApiServer, ...]
    permissions: tuple[PermissionEntry, ...]
    rules: tuple[RuleDiagnosis, ...]


def encode_diagnosis(diagnosis: Diagnosis) -> bytes:
    """Indented JSON; docs/formats.md describes it."""
    manifest = diagnosis.manifest
    file = _DiagnosisFile(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="akscan", version=manifest.akscan),
        started=manifest.started,
        cloud=manifest.cloud,
        identity=manifest.identity,
        interrupted=manifest.interrupted,
        subscriptions=tuple(map(subscription_entry, manifest.scope.subscriptions)),
        clusters=diagnosis.clusters,
        permissions=tuple(map(permission_entry, diagnosis.ledger)),
        rules=diagnosis.rules,
    )
    return msgspec.json.format(msgspec.json.encode(file, enc_hook=str), indent=2) + b"\n"


class DiagnosingSink:
    """Takes what a survey finds, cluster by cluster."""

    def __init__(self, rules: Sequence[SelectedRule]) -> None:
        self._rules = rules
        self._clusters: dict[ArmId, ApiServer] = {}
        self._ledger: Ledger | None = None
        self._manifest: Manifest | None = None

    def begin(self, manifest: Manifest, azure: Azure) -> None:
        self._names = told_apart(manifest.scope.clusters)
        self._ledger = Ledger({selected.rule.id: selected.wants for selected in self._rules}, manifest, azure)

    def add(self, cluster_id: ArmId, lists: KubernetesLists) -> None:
        assert self._ledger is not None  # noqa: S101 begin comes first
        self._ledger.add(cluster_id, lists)
        gap = _in_the_way(lists)
        self._clusters[cluster_id] = ApiServer(
            id=cluster_id.casefold(),
            name=self._names[cluster_id],
            reached=gap is None,
            detail="" if gap is None else str(gap),
        )

    def finish(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def diagnosis(self) -> Diagnosis:
        assert self._ledger is not None  # noqa: S101 begin and finish came before
        assert self._manifest is not None  # noqa: S101
        entries, statuses = self._ledger.entries(), self._ledger.assessability()
        return Diagnosis(
            manifest=self._manifest,
            clusters=tuple(self._clusters[key] for key in sorted(self._clusters)),
            ledger=entries,
            rules=tuple(_of_rule(selected, statuses[selected.rule.id], entries) for selected in self._rules),
        )


def _of_rule(selected: SelectedRule, status: Assessability, entries: Sequence[LedgerEntry]) -> RuleDiagnosis:
    rule = selected.rule
    lacking = [entry for entry in entries if not entry.is_held]
    return RuleDiagnosis(
        id=rule.id,
        title=rule.title,
        severity=str(selected.severity),
        status=status,
        lacking=tuple(entry.permission for entry in lacking if rule.id in entry.rules),
        optional_lacking=tuple(entry.permission for entry in lacking if rule.id in entry.optional_rules),
    )


def _in_the_way(lists: KubernetesLists) -> Gap | None:
    """What kept every list of a cluster from being asked for."""
    gaps = {read.need: getattr(lists, read.field).gap for read in KUBERNETES_READS}
    first: Gap | None = next(iter(gaps.values()))
    if first is None or first.reason is Reason.NOT_READ:
        return None
    if any(gap is None or (gap.reason, gap.detail) != (first.reason, first.detail) for gap in gaps.values()):
        return None
    if first.reason is Reason.FORBIDDEN and first.permission in gaps:
        return None
    return first
