"""What the identity holds of the permissions that rules need, where it does not, and which rules that costs.

Drawn from an inventory alone: from what Azure said that the caller may do, from what was refused, and from which lists
of the Kubernetes API were answered. What none of them tells is unknown, never missing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from akscan.model.azure import ManagedCluster
from akscan.model.gaps import Gap, Reason
from akscan.model.needs import Need
from akscan.model.permissions import asked
from akscan.model.reads import ARM_READS, IMPLIED_NEEDS, KUBERNETES_READS, Scope
from akscan.model.roles import HeldPermissions
from akscan.model.text import ArmId, Token

if TYPE_CHECKING:
    from akscan.model.inventory import Azure, Manifest, Read, ScopedCluster
    from akscan.model.kubernetes import KubernetesLists

#: Reads that are refused at a scope which stands for their subscription.
_ASKED_OF_SUBSCRIPTION = (
    Scope.LOCATION,
    Scope.MESH_LOCATION,
    Scope.NODE_IMAGE,
    Scope.FLEET,
    Scope.PRINCIPAL,
    Scope.TRUSTED_SOURCE,
)
_NOT_ASKED = "Azure was not asked what the identity may do here"
_NOT_TRIED = (Reason.STOPPED, Reason.NOT_READ, Reason.INTERRUPTED)
_EVERY_SUBSCRIPTION = (Scope.TENANT, Scope.SUBSCRIPTION, Scope.FLEET, Scope.HUB)
_OF_A_CLUSTER = (
    Scope.CLUSTER,
    Scope.MONITORED_CLUSTER,
    Scope.UNLISTED_CLUSTER,
    Scope.ISOLATED_CLUSTER,
    Scope.UPGRADED_CLUSTER,
)
#: A role may grant these at a cluster alone.
CLUSTER_NEEDS = frozenset(
    {
        Need.MANAGED_CLUSTERS,
        Need.CLUSTER_USER_CREDENTIAL,
        *(read.need for read in ARM_READS if read.scope in _OF_A_CLUSTER),
    }
)


class PermissionStatus(StrEnum):
    """Whether a permission is there. What nobody tells is unknown, never missing."""

    HELD = "held"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Assessability(StrEnum):
    """Whether a rule can be assessed with the permissions that are there, best first."""

    ASSESSED = "assessed"
    PARTLY = "partly"
    UNKNOWN = "unknown"
    CANNOT = "cannot"


class LedgerScope(msgspec.Struct, frozen=True, kw_only=True):
    """What was found at one scope: an ARM id in lower case, or that of a cluster whose Kubernetes API was asked."""

    id: str
    name: str
    status: PermissionStatus
    detail: str = ""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One permission: at how many scopes it is held, missing or unknown, and the ``scopes`` (perhaps not all) where it
    is not held. ``rules`` decide nothing without it, ``optional_rules`` only part of their cases.
    """

    permission: str
    held: int = 0
    missing: int = 0
    unknown: int = 0
    scopes: tuple[LedgerScope, ...] = ()
    rules: tuple[str, ...] = ()
    optional_rules: tuple[str, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether it is held wherever it was asked for, and was asked for somewhere."""
        return self.held > 0 and not (self.missing or self.unknown)

    @property
    def is_missing(self) -> bool:
        """Whether it is missing wherever it was asked for."""
        return self.missing > 0 and not (self.held or self.unknown)


@dataclass(frozen=True)
class Place:
    """Scopes at which the same permissions are missing, or the same are unknown."""

    status: PermissionStatus
    scopes: tuple[LedgerScope, ...]
    entries: tuple[LedgerEntry, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(scope.name for scope in self.scopes)

    @property
    def details(self) -> tuple[str, ...]:
        """Why nobody knows, each reason once; what is missing needs none."""
        if self.status is PermissionStatus.MISSING:
            return ()
        return tuple(dict.fromkeys(scope.detail for scope in self.scopes if scope.detail))

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that decide nothing there."""
        return tuple(sorted({rule for entry in self.entries for rule in entry.rules}))

    @property
    def optional_rules(self) -> tuple[str, ...]:
        """The rules that lack only some of their cases there."""
        return tuple(sorted({r for entry in self.entries for r in entry.optional_rules}.difference(self.rules)))


def places(
    entries: Sequence[LedgerEntry], leave_out: Callable[[LedgerEntry, LedgerScope], bool] = lambda _entry, _scope: False
) -> tuple[Place, ...]:
    """The named scopes, grouped by what is not held there; the missing permissions first."""
    at: dict[tuple[PermissionStatus, str], list[int]] = defaultdict(list)
    scopes: dict[tuple[PermissionStatus, str], LedgerScope] = {}
    for place, entry in enumerate(entries):
        for scope in entry.scopes:
            if not leave_out(entry, scope):
                at[scope.status, scope.id].append(place)
                scopes.setdefault((scope.status, scope.id), scope)
    groups: dict[tuple[PermissionStatus, tuple[int, ...]], list[LedgerScope]] = defaultdict(list)
    for key in sorted(at):
        groups[key[0], tuple(at[key])].append(scopes[key])
    return tuple(
        Place(status, tuple(found), tuple(entries[number] for number in numbers))
        for (status, numbers), found in sorted(groups.items(), key=lambda group: group[0])
    )


@dataclass(frozen=True)
class Wants:
    """What one rule needs, as it names it."""

    needs: tuple[Need, ...]
    optional: tuple[Need, ...] = ()

    @cached_property
    def named(self) -> frozenset[Need]:
        """The permissions behind its needs, without what every scan asks for anyway."""
        return frozenset(IMPLIED_NEEDS.get(need, need) for need in self.needs)

    @cached_property
    def required(self) -> frozenset[Need]:
        """Without these it decides nothing; clusters must be found and opened too."""
        return frozenset(asked(self.needs)) - {Need.PERMISSIONS}

    @cached_property
    def further(self) -> frozenset[Need]:
        """Only some of its cases need these."""
        return frozenset(asked((*self.needs, *self.optional))) - self.required - {Need.PERMISSIONS}


class Ledger:
    """Made for rules and an inventory; the Kubernetes lists of clusters are added as they come, in any order."""

    def __init__(self, wants: Mapping[str, Wants], manifest: Manifest, azure: Azure) -> None:
        self._wants = wants
        self._azure = _Azure(azure)
        self._clusters = told_apart(manifest.scope.clusters)
        self._subscriptions = {ArmId(s.id): s.name for s in manifest.scope.subscriptions if s.status != "skipped"}
        self._needs = asked(need for want in wants.values() for need in (*want.needs, *want.optional))
        self._found: dict[Need, dict[ArmId, LedgerScope]] = defaultdict(dict)
        for need in self._needs:
            if need.source == "arm":
                self._judge_azure(need)

    def add(self, cluster_id: ArmId, lists: KubernetesLists) -> None:
        """Take in what one cluster answered."""
        listings = {read.need: getattr(lists, read.field) for read in KUBERNETES_READS}
        for need in self._needs:
            if need in listings:
                self._put(need, cluster_id, *_of_list(need, listings[need].gap))
        if Need.CLUSTER_USER_CREDENTIAL in self._needs and cluster_id.subscription:
            self._judge_way_in(cluster_id, lists.pods.gap)

    def _judge_way_in(self, cluster_id: ArmId, gap: Gap | None) -> None:
        """Whether Azure hands out the kubeconfig. What stands in the way of one list there stands in that of all."""
        need = Need.CLUSTER_USER_CREDENTIAL
        if gap is not None and gap.permission == need and gap.reason is Reason.FORBIDDEN:
            self._put(need, cluster_id, PermissionStatus.MISSING, gap.detail)
        elif self._azure.grants(need, cluster_id):
            self._put(need, cluster_id, PermissionStatus.HELD)
        elif gap is not None and (gap.source == "arm" or gap.reason in _NOT_TRIED):
            self._put(need, cluster_id, *self._azure.status(need, cluster_id))
        # else somebody got as far as the API server, perhaps by a kubeconfig of their own: it is not needed

    def _judge_azure(self, need: Need) -> None:
        """What Azure says at every scope where it would be asked, and wherever else something was refused."""
        reads = [read for read in ARM_READS if read.need is need]
        with_clusters = {cluster.subscription_scope for cluster in self._clusters}
        everywhere = any(read.scope in _EVERY_SUBSCRIPTION for read in reads)
        if need is Need.MANAGED_CLUSTERS or need not in CLUSTER_NEEDS:
            for subscription in self._subscriptions:
                if everywhere or subscription in with_clusters:
                    self._put(need, subscription, *self._azure.status(need, subscription))
        if need in CLUSTER_NEEDS and need is not Need.CLUSTER_USER_CREDENTIAL:
            for cluster_id in self._clusters:
                if cluster_id.subscription:
                    self._put(need, cluster_id, *self._azure.status(need, cluster_id))
        own = self._found[need]
        lacking = {
            s.subscription_scope for s in self._clusters if s in own and own[s].status is PermissionStatus.MISSING
        }
        for scope, gap in self._azure.refused.get(need, {}).items():
            # what clusters of a subscription lack is no news at the vaults beside them
            if scope not in self._clusters and scope.subscription_scope in lacking:
                continue
            above = own.get(scope.subscription_scope)
            if above is None or above.status is not PermissionStatus.MISSING:
                self._put(need, scope, PermissionStatus.MISSING, gap.detail)

    def _put(self, need: Need, scope: ArmId, status: PermissionStatus, detail: str = "") -> None:
        name = self._subscriptions.get(scope) or self._clusters.get(scope) or scope.name
        self._found[need][scope] = LedgerScope(id=scope.casefold(), name=name, status=status, detail=detail)

    # --- what it comes to

    def entries(self, *, scopes: int | None = None) -> tuple[LedgerEntry, ...]:
        """One entry for each permission, in their order; counts are exact, at most ``scopes`` scopes are named."""
        return tuple(self._entry(need, scopes) for need in self._needs)

    def _entry(self, need: Need, most: int | None) -> LedgerEntry:
        found = self._found.get(need, {})
        counts = Counter(scope.status for scope in found.values())
        lacking = [found[key] for key in sorted(found) if found[key].status is not PermissionStatus.HELD]
        return LedgerEntry(
            permission=str(need),
            held=counts[PermissionStatus.HELD],
            missing=counts[PermissionStatus.MISSING],
            unknown=counts[PermissionStatus.UNKNOWN],
            scopes=tuple(lacking[:most]),
            rules=tuple(rule for rule, want in self._wants.items() if need in want.required),
            optional_rules=tuple(rule for rule, want in self._wants.items() if need in want.further),
        )

    def assessability(self) -> dict[str, Assessability]:
        """Whether each rule can be assessed."""
        entries = {Need(entry.permission): entry for entry in self.entries(scopes=0)}
        return {rule: self._assess(want, entries) for rule, want in self._wants.items()}

    def _assess(self, want: Wants, entries: Mapping[Need, LedgerEntry]) -> Assessability:
        required = [entries[need] for need in want.required]
        further = [entries[need] for need in want.further]
        if any(entry.is_missing for entry in required):
            return Assessability.CANNOT
        # what a rule names and nobody was asked for is unknown; what opens the way may have been spared
        if any(not e.held and (e.unknown or Need(e.permission) in want.named) for e in required):
            return Assessability.UNKNOWN
        if any(e.missing or e.unknown for e in (*required, *further)) or self._leaves_out_clusters(want):
            return Assessability.PARTLY
        return Assessability.ASSESSED

    def _leaves_out_clusters(self, want: Wants) -> bool:
        """Whether the rule asks Azure, and some clusters are known from a kubeconfig only."""
        asks_azure = any(need.source == "arm" for need in (*want.needs, *want.optional))
        return asks_azure and any(not cluster.subscription for cluster in self._clusters)


def told_apart(clusters: Sequence[ScopedCluster]) -> dict[ArmId, str]:
    """The names of clusters by id, with the resource group where several share one."""
    uses = Counter(cluster.name for cluster in clusters)
    return {c.id: c.name if uses[c.name] == 1 else f"{c.id.resource_group}/{c.name}" for c in clusters}


def _of_list(need: Need, gap: Gap | None) -> tuple[PermissionStatus, str]:
    if gap is None:
        return PermissionStatus.HELD, ""
    if gap.reason is Reason.FORBIDDEN and gap.permission == need:
        return PermissionStatus.MISSING, gap.detail
    return PermissionStatus.UNKNOWN, str(gap)


class _Azure:
    """What Azure told about permissions: by asking, and by refusing."""

    def __init__(self, azure: Azure) -> None:
        answers = azure.resources.get(HeldPermissions.arm_type, ())
        self._held = {answer.id.parent: answer for answer in answers if isinstance(answer, HeldPermissions)}
        self._listed = frozenset(resource.id for resource in azure.resources.get(ManagedCluster.arm_type, ()))
        self._reads = {(read.type, read.scope): read for read in azure.reads}

    @cached_property
    def refused(self) -> dict[Need, dict[ArmId, Gap]]:
        """Reads that were refused, by permission and scope."""
        kinds: dict[Token, list[tuple[Need, bool]]] = defaultdict(list)
        for entry in ARM_READS:
            kinds[entry.struct.arm_type].append((entry.need, entry.scope in _ASKED_OF_SUBSCRIPTION))
        found: dict[Need, dict[ArmId, Gap]] = defaultdict(dict)
        for read, gap in self._refusals():
            for need, of_subscription in kinds.get(read.type, ()):
                found[need][read.scope.subscription_scope if of_subscription else read.scope] = gap
        return found

    def _refusals(self) -> Iterator[tuple[Read, Gap]]:
        for read in self._reads.values():
            if read.gap is not None and read.gap.reason is Reason.FORBIDDEN:
                yield read, read.gap

    def grants(self, need: Need, scope: ArmId) -> bool:
        """Whether a role at the scope, or at its subscription, grants it."""
        answers = (self._held.get(place) for place in (scope, scope.subscription_scope))
        return any(answer.grants(need) for answer in answers if answer is not None)

    def status(self, need: Need, scope: ArmId) -> tuple[PermissionStatus, str]:
        """Of one permission at a subscription or a cluster, and the reason. A refusal counts more than what roles say:
        a deny assignment stands in no role.
        """
        refusal = self.refused.get(need, {}).get(scope)
        if refusal is not None:
            return PermissionStatus.MISSING, refusal.detail
        if self.grants(need, scope) or self._was_read(need, scope):
            return PermissionStatus.HELD, ""
        if scope in self._held:
            return PermissionStatus.MISSING, ""
        asking = self._reads.get((HeldPermissions.arm_type, scope)) or self._reads.get(
            (HeldPermissions.arm_type, scope.subscription_scope)
        )
        gap = asking.gap if asking is not None else None
        return PermissionStatus.UNKNOWN, str(gap) if gap is not None else _NOT_ASKED

    def _was_read(self, need: Need, scope: ArmId) -> bool:
        """Whether a cluster answered for itself. That a list of a subscription was answered proves nothing: Azure
        leaves out of it what the caller may not see.
        """
        if scope == scope.subscription_scope:
            return False
        if need is Need.MANAGED_CLUSTERS:
            return scope in self._listed
        kinds = (read.struct.arm_type for read in ARM_READS if read.need is need)
        reads = (self._reads.get((kind, scope)) for kind in kinds)
        return any(read is not None and read.gap is None for read in reads)
