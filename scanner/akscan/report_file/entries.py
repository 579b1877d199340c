"""What stands in the file, entry by entry, with what the schema says of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from akscan.model.ledger import PermissionStatus
from akscan.results import Change, ControlStatus, Disruption, EvidenceValue, Pillar, Severity, WaiverStatus

Index = Annotated[int, Meta(ge=0)]
RuleId = Annotated[str, Meta(description="The id of one of `rules`.")]
SubjectId = Annotated[str, Meta(description="The id of one of `subjects`.")]
Scopes = Annotated[int, Meta(ge=0, description="Subscriptions, clusters and resources.")]
Pairs = Annotated[int, Meta(ge=0, description="Rule × subject pairs.")]


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Tool(Entry, frozen=True, kw_only=True):
    """What wrote the report."""

    name: Annotated[str, Meta(description="Always akscan.")]
    version: Annotated[str, Meta(description="The version that read the inventory.")]


class SubscriptionEntry(Entry, frozen=True, kw_only=True):
    """A subscription that the identity sees."""

    id: Annotated[str, Meta(description="The ARM id, /subscriptions/{guid}.")]
    name: Annotated[str, Meta(description="The display name.")]
    status: Annotated[str, Meta(description="scanned, partial, refused or skipped.")]
    detail: Annotated[str, Meta(description="Why it was not scanned whole; empty where it was.")]


class ScopedClusterEntry(Entry, frozen=True, kw_only=True):
    """A cluster in scope."""

    id: Annotated[str, Meta(description="The ARM id as Azure spells it, or /contexts/{name} of a kubeconfig.")]
    name: Annotated[str, Meta(description="The name of the cluster.")]


class ScopeEntry(Entry, frozen=True, kw_only=True):
    """What the scan was asked for, and what it found there."""

    selectors: Annotated[dict[str, tuple[str, ...]], Meta(description="The selection on the command line, by option.")]
    tenants: Annotated[tuple[str, ...], Meta(description="Ids of the tenants.")]
    subscriptions: Annotated[tuple[SubscriptionEntry, ...], Meta(description="Every subscription that was seen.")]
    clusters: Annotated[tuple[ScopedClusterEntry, ...], Meta(description="Every cluster in scope.")]


class RunEntry(Entry, frozen=True, kw_only=True):
    """When, as whom and over what the inventory was read."""

    started: Annotated[datetime, Meta(tz=True, description="When reading began, UTC.")]
    finished: Annotated[datetime, Meta(tz=True, description="When reading ended, UTC.")]
    cloud: Annotated[str, Meta(description="The Azure cloud.")]
    identity: Annotated[str, Meta(description="Who akscan was signed in as.")]
    source: Annotated[str, Meta(description="live, or import for an inventory made of exported files.")]
    interrupted: Annotated[bool, Meta(description="Whether reading was stopped before its end.")]
    scope: ScopeEntry


class PoolEntry(Entry, frozen=True, kw_only=True):
    """A node pool."""

    name: Annotated[str, Meta(description="The name of the pool.")]
    mode: Annotated[str, Meta(description="System or User.")]
    vm_size: Annotated[str, Meta(description="The size of its virtual machines.")]
    nodes: Annotated[int, Meta(description="How many nodes it has.")]
    nodes_max: Annotated[int, Meta(description="How many the autoscaler may give it.")]
    version: Annotated[str, Meta(description="Its Kubernetes version.")]
    priority: Annotated[str, Meta(description="Regular or Spot.")]


class NetworkEntry(Entry, frozen=True, kw_only=True):
    """A virtual network."""

    name: Annotated[str, Meta(description="Its name.")]
    prefixes: Annotated[tuple[str, ...], Meta(description="Its address space.")]
    peering: Annotated[str, Meta(description="State of the peering with the nodes' network; empty for that itself.")]


class SubnetEntry(Entry, frozen=True, kw_only=True):
    """A subnet of the cluster."""

    name: Annotated[str, Meta(description="Its name.")]
    network: Annotated[str, Meta(description="The name of its virtual network.")]
    prefixes: Annotated[tuple[str, ...], Meta(description="Its addresses; empty where it was not read.")]
    holds: Annotated[tuple[str, ...], Meta(description="Which parts of the cluster stand in it.")]


class HopEntry(Entry, frozen=True, kw_only=True):
    """What nodes leave through."""

    name: Annotated[str, Meta(description="Its name, where it is a resource.")]
    kind: Annotated[str, Meta(description="Azure Firewall, appliance, NAT gateway or load balancer.")]
    address: Annotated[str, Meta(description="Its private address, where a route leads to one.")]
    network: Annotated[str, Meta(description="The name of the network or hub that it stands in.")]


class IdentityEntry(Entry, frozen=True, kw_only=True):
    """Whom a part of the cluster acts as."""

    part: Annotated[str, Meta(description="control plane, kubelet, an add-on, or cluster for all of it.")]
    kind: Annotated[str, Meta(description="system-assigned, user-assigned or service principal.")]
    name: Annotated[str, Meta(description="The name of the identity, or the client id of the service principal.")]
    object_id: Annotated[str, Meta(description="The id of its principal.")]


class ClusterEntry(Entry, frozen=True, kw_only=True):
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
    networks: Annotated[tuple[NetworkEntry, ...], Meta(description="Of the nodes, then those peered with it.")] = ()
    subnets: Annotated[tuple[SubnetEntry, ...], Meta(description="The subnets that the cluster names.")] = ()
    hops: Annotated[tuple[HopEntry, ...], Meta(description="What its nodes leave through.")] = ()
    network_gap: Annotated[str, Meta(description="Why its network was not read whole; empty where it was.")] = ""
    identities: Annotated[tuple[IdentityEntry, ...], Meta(description="Whom it acts as.")] = ()


class FigureEntry(Entry, frozen=True, kw_only=True):
    """How much of what applies was assessed."""

    assessed: Pairs
    applicable: Pairs
    percent: Annotated[float, Meta(ge=0, le=100, description="assessed of applicable, rounded down to one decimal.")]


class GapEntry(Entry, frozen=True, kw_only=True):
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


class RuleEntry(Entry, frozen=True, kw_only=True):
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


class SubjectEntry(Entry, frozen=True, kw_only=True):
    """Something that rules judged."""

    id: Annotated[str, Meta(description="An ARM id in lower case, or a path below the id of the cluster.")]
    kind: Annotated[str, Meta(description="What it is: cluster, node_pool, Deployment ...")]
    name: Annotated[str, Meta(description="Its name.")]
    namespace: Annotated[str, Meta(description="Its Kubernetes namespace; empty where it has none.")]
    cluster: Annotated[str, Meta(description="The id of its cluster, or of the first of those that share it.")]


class RemediationEntry(Entry, frozen=True, kw_only=True):
    """The fix of one finding."""

    commands: Annotated[str, Meta(description="Shell commands, filled in as far as the inventory knows.")]
    open: Annotated[tuple[str, ...], Meta(description="The placeholders that the reader must fill in.")]


class FindingEntry(Entry, frozen=True, kw_only=True):
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


class PastEntry(Entry, frozen=True, kw_only=True):
    """A finding of the baseline that this report does not have."""

    rule: Annotated[str, Meta(description="The id of its rule, which may be off now.")]
    title: Annotated[str, Meta(description="The title of the rule.")]
    severity: Annotated[Severity, Meta(description="The severity that it had.")]
    subject: SubjectEntry
    why: Annotated[str, Meta(description="In which way it is gone, or why nobody knows.")]


class BaselineEntry(Entry, frozen=True, kw_only=True):
    """The report that the findings are compared with."""

    started: Annotated[datetime, Meta(tz=True, description="When the reading for it began.")]
    coverage: FigureEntry
    open: Annotated[dict[Severity, int], Meta(description="Its open findings per severity.")]
    fixed: Annotated[tuple[PastEntry, ...], Meta(description="What was reassessed and is gone, the worst first.")]
    incomparable: Annotated[tuple[PastEntry, ...], Meta(description="What was not reassessed, the worst first.")]


class WaiverEntry(Entry, frozen=True, kw_only=True):
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


class NotApplicableEntry(Entry, frozen=True, kw_only=True):
    """A subject for which the question of a rule does not arise."""

    rule: RuleId
    subject: SubjectId
    reason: Annotated[str, Meta(description="Why the question does not arise.")]


class NotAssessedEntry(Entry, frozen=True, kw_only=True):
    """A subject that a rule could not decide. Unknown is never a pass."""

    rule: RuleId
    subject: SubjectId
    reason: Annotated[str, Meta(description="Why nobody knows.")]
    permission: Annotated[str, Meta(description="The permission that would mend it; empty where none would.")]


class ErrorEntry(Entry, frozen=True, kw_only=True):
    """A rule that failed on a subject by its own fault."""

    rule: RuleId
    subject: SubjectId
    message: Annotated[str, Meta(description="The error.")]


class PermissionScopeEntry(Entry, frozen=True, kw_only=True):
    """A scope where a permission is not held."""

    id: Annotated[
        str, Meta(description="An ARM id in lower case, or that of the cluster whose Kubernetes API was asked.")
    ]
    name: Annotated[str, Meta(description="Its name, with the resource group where clusters share one.")]
    status: Annotated[PermissionStatus, Meta(description="missing or unknown.")]
    detail: Annotated[str, Meta(description="What the other side said, or why nobody knows.")]


class PermissionEntry(Entry, frozen=True, kw_only=True):
    """A permission that rules need, and at how many scopes the identity has it."""

    permission: Annotated[str, Meta(description="An ARM action, or list and a resource of the Kubernetes API.")]
    held: Scopes
    missing: Scopes
    unknown: Scopes
    scopes: Annotated[tuple[PermissionScopeEntry, ...], Meta(description="The first of those where it is not held.")]
    rules: Annotated[tuple[str, ...], Meta(description="Ids of the rules that decide nothing without it.")]
    optional_rules: Annotated[tuple[str, ...], Meta(description="Ids of the rules that need it for some cases.")]


class ControlEntry(Entry, frozen=True, kw_only=True):
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


class FrameworkEntry(Entry, frozen=True, kw_only=True):
    """What the report says of each control of a framework."""

    name: Annotated[str, Meta(description="As in akscan rules --framework.")]
    title: Annotated[str, Meta(description="Its full name.")]
    version: Annotated[str, Meta(description="Its version.")]
    as_of: Annotated[str, Meta(description="The day of which the list of controls is.")]
    is_stale: Annotated[bool, Meta(description="Whether the list was too old when the scan began.")]
    sources: Annotated[tuple[str, ...], Meta(description="Where the list comes from.")]
    controls: Annotated[tuple[ControlEntry, ...], Meta(description="In the framework's order.")]


class ReportFile(Entry, frozen=True, kw_only=True):
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
    baseline: Annotated[BaselineEntry | None, Meta(description="Null where there was nothing to compare with.")] = None
    permissions: Annotated[tuple[PermissionEntry, ...], Meta(description="The ledger; empty for an import.")] = ()
    frameworks: Annotated[tuple[FrameworkEntry, ...], Meta(description="The frameworks of the packs, by name.")] = ()


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
