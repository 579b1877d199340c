"""What an evaluation found. Reporters draw from here and compute nothing that it lacks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from akscan.model.inventory import ScopeOfScan
from akscan.model.ledger import LedgerEntry
from akscan.model.subject import SubjectRef

#: What evidence may hold, under the API's own field names.
Scalar = str | int | float | bool | None
EvidenceValue = Scalar | tuple[Scalar, ...]


class Severity(StrEnum):
    """How bad a finding is; compare with `rank`, the worst is 0."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class Pillar(StrEnum):
    """The pillar of the Well-Architected Framework that a rule serves."""

    SECURITY = "security"
    RELIABILITY = "reliability"
    COST = "cost"
    OPERATIONS = "operations"
    PERFORMANCE = "performance"


class Status(StrEnum):
    """What became of one rule on one subject. Unknown is never a pass."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    NOT_ASSESSED = "not_assessed"
    ERROR = "error"


class Disruption(StrEnum):
    """What the fix disturbs, mildest first."""

    NONE = "none"
    WORKLOAD_RESTART = "workload restart"
    CONTROL_PLANE = "control plane"
    NODE_REIMAGE = "node reimage"
    NEW_POOL = "new pool"
    RECREATE = "recreate cluster"


class ControlStatus(StrEnum):
    """What a report says of a control of a framework. Unknown is never a pass."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    NOT_ASSESSED = "not_assessed"
    NOT_APPLICABLE = "not_applicable"
    MANUAL = "manual"
    MANAGED = "managed"
    NONE = "none"

    @property
    def label(self) -> str:
        """In words, behind a number too."""
        return _LABELS.get(self, self.replace("_", " "))


_LABELS = {
    ControlStatus.PASS: "passed",
    ControlStatus.FAIL: "failed",
    ControlStatus.MANAGED: "managed by AKS",
    ControlStatus.NONE: "not covered yet",
}


class WaiverStatus(StrEnum):
    """What became of a waiver. ``lapsed``: what it was approved for has changed."""

    USED = "used"
    UNUSED = "unused"
    EXPIRED = "expired"
    LAPSED = "lapsed"


class Change(StrEnum):
    """What a finding is to the baseline: ``updated`` is at the same place, with other evidence or severity."""

    NEW = "new"
    UNCHANGED = "unchanged"
    UPDATED = "updated"


class _Result(msgspec.Struct, frozen=True, kw_only=True):
    pass


class RuleInfo(_Result, frozen=True, kw_only=True):
    """A rule as reports show it: ``why`` and ``fix`` are Markdown; ``name`` is PascalCase."""

    id: str
    name: str
    title: str
    module: str
    severity: Severity
    pillar: Pillar
    why: str
    fix: str
    disruption: Disruption
    needs: tuple[str, ...] = ()
    optional_needs: tuple[str, ...] = ()
    frameworks: dict[str, tuple[str, ...]] = {}
    docs: tuple[str, ...] = ()
    commands: str = ""
    terraform: str = ""
    arm: str = ""
    parameters: dict[str, EvidenceValue] = {}


class Remediation(_Result, frozen=True, kw_only=True):
    """The commands of the fix with everything filled in that the inventory knows; ``open`` names what the reader must
    fill in.
    """

    commands: str = ""
    open: tuple[str, ...] = ()


class Failure(_Result, frozen=True, kw_only=True):
    """One finding on one subject; ``part`` is the path of the sub-object where a rule finds several on one subject,
    ``containers`` are those it is about, ``waived_by`` positions in `Report.waivers`, ``change`` is None without a
    baseline.
    """

    rule: RuleInfo
    subject: SubjectRef
    severity: Severity
    fingerprint: str
    message: str
    evidence: dict[str, EvidenceValue] = {}
    remediation: Remediation = Remediation()
    part: str = ""
    containers: tuple[str, ...] = ()
    waived_by: tuple[int, ...] = ()
    change: Change | None = None

    @property
    def observed(self) -> str:
        """16 hex digits that change with the evidence."""
        encoded = msgspec.json.encode(self.evidence, order="deterministic")
        return hashlib.sha256(encoded).hexdigest()[:16]


class WaiverResult(_Result, frozen=True, kw_only=True):
    """A waiver: where it stands, whom it is meant for and by whom, and how many findings it waived."""

    place: str
    selector: str
    reason: str
    owner: str
    ticket: str
    expires: str
    status: WaiverStatus
    findings: int = 0
    detail: str = ""


class Carried(_Result, frozen=True, kw_only=True):
    """A finding of an earlier scan that this one could not reassess: ``since`` is when it was seen last."""

    finding: Failure
    since: datetime
    why: str


class Past(_Result, frozen=True, kw_only=True):
    """A finding of the baseline that this report does not have, and in which way it is gone, or why nobody knows."""

    rule: str
    title: str
    severity: Severity
    subject: SubjectRef
    why: str = ""


class Passed(_Result, frozen=True, kw_only=True):
    rule: RuleInfo
    subject: SubjectRef


class Inapplicable(_Result, frozen=True, kw_only=True):
    rule: RuleInfo
    subject: SubjectRef
    reason: str


class Unassessed(_Result, frozen=True, kw_only=True):
    """A pair that could not be decided, the reason, and the permission that would mend it (empty where none would)."""

    rule: RuleInfo
    subject: SubjectRef
    reason: str
    permission: str = ""


class Crash(_Result, frozen=True, kw_only=True):
    """A rule that failed on a subject by its own fault; the others go on."""

    rule: RuleInfo
    subject: SubjectRef
    message: str


class GapSummary(_Result, frozen=True, kw_only=True):
    """One reason behind pairs that were not assessed, and how many there are."""

    reason: str
    permission: str
    cluster: str
    pairs: int


class CoverageFigure(_Result, frozen=True, kw_only=True):
    """Rule × subject pairs: ``assessed`` passed or failed, ``applicable`` all but the not applicable ones."""

    assessed: int = 0
    applicable: int = 0

    @property
    def percent(self) -> float:
        """0 to 100, rounded down to one decimal; 100 where nothing was applicable."""
        return 100.0 if not self.applicable else (self.assessed * 1000 // self.applicable) / 10


class Coverage(_Result, frozen=True, kw_only=True):
    total: CoverageFigure = CoverageFigure()
    clusters: dict[str, CoverageFigure] = {}
    gaps: tuple[GapSummary, ...] = ()


class Baseline(_Result, frozen=True, kw_only=True):
    """The report that the findings are compared with: what was open then, and what has become of that which is not
    here any more. Nothing is ``fixed`` that this report did not reassess.
    """

    started: datetime
    coverage: CoverageFigure = CoverageFigure()
    open: dict[Severity, int] = {}
    fixed: tuple[Past, ...] = ()
    incomparable: tuple[Past, ...] = ()


class PoolFacts(_Result, frozen=True, kw_only=True, rename="camel"):
    name: str
    mode: str
    vm_size: str
    nodes: int
    nodes_max: int
    version: str
    priority: str


class NetworkFacts(_Result, frozen=True, kw_only=True, rename="camel"):
    """A virtual network; ``peering`` is the state of the peering with that of the nodes, empty for that one itself."""

    name: str
    prefixes: tuple[str, ...] = ()
    peering: str = ""


class SubnetFacts(_Result, frozen=True, kw_only=True, rename="camel"):
    """A subnet, and which parts of the cluster stand in it."""

    name: str
    network: str
    prefixes: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()


class HopFacts(_Result, frozen=True, kw_only=True, rename="camel"):
    """What nodes leave through: an Azure Firewall, an appliance, a NAT gateway or a load balancer."""

    name: str
    kind: str
    address: str = ""
    network: str = ""


class IdentityFacts(_Result, frozen=True, kw_only=True, rename="camel"):
    """Whom a part of the cluster acts as."""

    part: str
    kind: str
    name: str = ""
    object_id: str = ""


class ClusterFacts(_Result, frozen=True, kw_only=True, rename="camel"):
    """What a reader wants to know of a cluster before its findings. Empty where Azure was not read."""

    id: str
    name: str
    subscription: str = ""
    resource_group: str = ""
    location: str = ""
    version: str = ""
    tier: str = ""
    power_state: str = ""
    private: bool | None = None
    outbound_type: str = ""
    egress_through: tuple[str, ...] = ()
    network_plugin: str = ""
    pools: tuple[PoolFacts, ...] = ()
    networks: tuple[NetworkFacts, ...] = ()
    subnets: tuple[SubnetFacts, ...] = ()
    hops: tuple[HopFacts, ...] = ()
    network_gap: str = ""
    identities: tuple[IdentityFacts, ...] = ()
    azure_gap: str = ""
    kubernetes_gap: str = ""


class ControlResult(_Result, frozen=True, kw_only=True):
    """One control: ``rules`` are those of the report that cover it, ``rules_off`` those that were off."""

    id: str
    title: str
    status: ControlStatus
    rules: tuple[str, ...] = ()
    rules_off: tuple[str, ...] = ()


class FrameworkResult(_Result, frozen=True, kw_only=True):
    """A framework as of a day, and what the report says of each of its controls."""

    name: str
    title: str
    version: str
    as_of: str
    is_stale: bool
    sources: tuple[str, ...]
    controls: tuple[ControlResult, ...]

    def counts(self) -> dict[ControlStatus, int]:
        """Controls per status, without those that none has."""
        found = Counter(control.status for control in self.controls)
        return {status: found[status] for status in ControlStatus if found[status]}


class Run(_Result, frozen=True, kw_only=True):
    """When, as whom and over what the inventory was read. ``source`` is ``live`` or ``import``."""

    akscan: str
    started: datetime
    finished: datetime
    cloud: str = ""
    identity: str = ""
    source: str = "live"
    interrupted: bool = False
    scope: ScopeOfScan = ScopeOfScan()


class Report(_Result, frozen=True, kw_only=True):
    """The whole result, in a stable order: subjects by id, results by severity, rule and subject. ``ledger`` is empty
    for an inventory made of exported files: nobody's permissions played a part in it. ``findings`` are open; those
    that somebody answers for stand in ``waived``, those of a previous report that nobody looked at again in
    ``carried``.
    """

    run: Run
    rules: tuple[RuleInfo, ...] = ()
    clusters: tuple[ClusterFacts, ...] = ()
    subjects: tuple[SubjectRef, ...] = ()
    findings: tuple[Failure, ...] = ()
    waived: tuple[Failure, ...] = ()
    waivers: tuple[WaiverResult, ...] = ()
    carried: tuple[Carried, ...] = ()
    baseline: Baseline | None = None
    passed: tuple[Passed, ...] = ()
    not_applicable: tuple[Inapplicable, ...] = ()
    not_assessed: tuple[Unassessed, ...] = ()
    errors: tuple[Crash, ...] = ()
    coverage: Coverage = Coverage()
    ledger: tuple[LedgerEntry, ...] = ()
    frameworks: tuple[FrameworkResult, ...] = ()

    def counts(self) -> dict[str, dict[Status, int]]:
        """Rule × subject pairs per rule id and status; a waived pair failed."""
        table = {rule.id: dict.fromkeys(Status, 0) for rule in self.rules}
        for status, pairs in self._pairs():
            for rule_id, _ in pairs:
                table[rule_id][status] += 1
        return table

    def _pairs(self) -> Iterable[tuple[Status, Iterable[tuple[str, str]]]]:
        """A subject with several findings of a rule is one failed pair."""
        yield Status.FAIL, dict.fromkeys((f.rule.id, f.subject.id) for f in (*self.findings, *self.waived))
        yield Status.PASS, ((p.rule.id, p.subject.id) for p in self.passed)
        yield Status.NOT_APPLICABLE, ((n.rule.id, n.subject.id) for n in self.not_applicable)
        yield Status.NOT_ASSESSED, ((n.rule.id, n.subject.id) for n in self.not_assessed)
        yield Status.ERROR, ((e.rule.id, e.subject.id) for e in self.errors)

    def severities(self, cluster: str = "") -> dict[Severity, int]:
        """Open findings per severity, of all clusters or of one (by id)."""
        table = dict.fromkeys(Severity, 0)
        for finding in self.findings:
            if not cluster or finding.subject.cluster == cluster:
                table[finding.severity] += 1
        return table


def fingerprint(rule_id: str, subject_id: str, part: str) -> str:
    """32 hex digits that stay the same as long as the rule finds fault with the same place."""
    return hashlib.sha256(f"akscan/v1\n{rule_id}\n{subject_id}\n{part}".encode()).hexdigest()[:32]
