"""Reads what the table of reads says of Azure: subscriptions, clusters, and everything they refer to."""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any

import msgspec

from akscan.collect.arm import Arm, followable
from akscan.collect.faults import gap_of, is_absent, is_unlicensed
from akscan.collect.limits import Limits
from akscan.collect.progress import Progress
from akscan.errors import AkscanError
from akscan.model import azure
from akscan.model.azure import (
    KubernetesVersions,
    ListedResource,
    ManagedCluster,
    Resource,
    Subscription,
    TrustedAccessRoleBinding,
)
from akscan.model.decode import Malformed, convert
from akscan.model.gaps import Gap, Reason
from akscan.model.inventory import (
    Azure,
    Read,
    ScopedCluster,
    ScopedSubscription,
    ScopeOfScan,
)
from akscan.model.ledger import CLUSTER_NEEDS
from akscan.model.needs import Need
from akscan.model.reads import ARM_READS, ArmRead, Scope
from akscan.model.roles import AssignedTo, Grant, HeldPermissions, RoleAssignment, RoleDefinition, held_permissions_id
from akscan.model.scopes import (
    in_turn,
    jobs_of_clusters,
    jobs_of_fleets,
    jobs_of_identities,
    jobs_of_keys,
    jobs_of_policies,
    jobs_of_subscriptions,
    jobs_of_trusted_access,
    jobs_of_unlisted,
    jobs_of_upgraded,
    jobs_of_vaults,
    jobs_of_zones,
    vaults_let_into,
)
from akscan.model.text import ArmId, Token

CALLS_AT_ONCE = 32
CALLS_AT_ONCE_PER_SUBSCRIPTION = 6
_USABLE_STATES = ("Enabled", "Warned", "PastDue")
#: From a cluster by its network, a peering, a firewall, its policy and that of the parent to an IP group.
_FOLLOW_ROUNDS = 8
_PHASE = "Azure"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which clusters are wanted; empty means all that the identity sees."""

    subscriptions: tuple[str, ...] = ()
    management_groups: tuple[str, ...] = ()
    resource_groups: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def takes(self, cluster: ArmId) -> bool:
        """Whether a cluster is in scope; names compare without case."""
        groups, names = set(map(Token, self.resource_groups)), set(map(Token, self.names))
        return (not groups or Token(cluster.resource_group) in groups) and (not names or Token(cluster.name) in names)

    @property
    def selectors(self) -> dict[str, tuple[str, ...]]:
        """As the report shows it."""
        pairs = {
            "subscription": self.subscriptions,
            "managementGroup": self.management_groups,
            "resourceGroup": self.resource_groups,
            "name": self.names,
        }
        return {key: values for key, values in pairs.items() if values}


@dataclass
class _Answers:
    """What came in, from many threads."""

    resources: dict[Token, dict[ArmId, Resource]] = field(default_factory=dict)
    reads: dict[tuple[Token, ArmId], Read] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, read: ArmRead, scope: ArmId, found: Iterable[Resource], gap: Gap | None) -> None:
        with self.lock:
            kind = read.struct.arm_type
            stored = self.resources.setdefault(kind, {})
            for resource in found:
                known = stored.get(resource.id)
                stored[resource.id] = _both(known, resource) if isinstance(known, Grant) else resource
            self.reads[(kind, scope)] = Read(type=kind, scope=scope, gap=gap)

    def of(self, kind: type[Resource]) -> list[Any]:
        return [self.resources.get(kind.arm_type, {})[key] for key in sorted(self.resources.get(kind.arm_type, {}))]

    def azure(self) -> Azure:
        return Azure(
            resources={
                kind: tuple(found[key] for key in sorted(found))
                for kind, found in sorted(self.resources.items())
                if found
            },
            reads=tuple(self.reads[key] for key in sorted(self.reads)),
        )


def _both(known: Grant, again: Resource) -> Grant:
    """What is granted above subscriptions appears in the list of each; remember all of them."""
    listed = dict.fromkeys((*known.listed_for, *(again.listed_for if isinstance(again, Grant) else ())))
    return msgspec.structs.replace(known, listed_for=tuple(sorted(listed)))


class AzureCollector:
    """Reads Azure for one selection. A failure in one subscription or cluster never stops the others."""

    def __init__(self, arm: Arm, selection: Selection, progress: Progress, limits: Limits) -> None:
        self._arm = arm
        self._selection = selection
        self._progress = progress
        self._limits = limits
        self._answers = _Answers()
        self._budgets: dict[str, threading.BoundedSemaphore] = {}
        self._budgets_lock = threading.Lock()
        self.clusters: tuple[ManagedCluster, ...] = ()

    def collect(self) -> tuple[Azure, ScopeOfScan]:
        """Raises `AkscanError` when nothing at all can be seen."""
        subscriptions = self._subscriptions()
        self._read_subscriptions(subscriptions, [read.struct for read in ARM_READS])
        hubs = [hub.id for hub in self._answers.of(azure.VirtualHub)]
        fleets = [fleet.id for fleet in self._answers.of(azure.Fleet)] if self.clusters else []
        zones = [zone.id for zone in self._answers.of(azure.PrivateDnsZone)] if self.clusters else []
        self._read_all([*jobs_of_clusters(self.clusters, hubs), *jobs_of_fleets(fleets), *jobs_of_zones(zones)])
        identities = (identity.id for identity in self._answers.of(azure.UserAssignedIdentity))
        self._read_all(
            [
                *jobs_of_unlisted(self.clusters, self._answers.of(KubernetesVersions)),
                *jobs_of_upgraded(self.clusters, self._answers.of(azure.FleetMember)),
                *jobs_of_identities(self.clusters, identities),
                *jobs_of_trusted_access(self._answers.of(TrustedAccessRoleBinding)),
                *jobs_of_vaults(self._vaults_let_into()),
            ]
        )
        # afterwards: a key that is read by itself tells of its rotation, the list of its vault does not
        self._read_all(jobs_of_keys(self.clusters, self._answers.of(azure.Vault)))
        self._follow()
        return self._answers.azure(), self._scope(subscriptions)

    def _vaults_let_into(self) -> Iterator[ArmId]:
        of = self._answers.of
        identities, assignments = of(azure.UserAssignedIdentity), of(RoleAssignment)
        return vaults_let_into(self.clusters, of(azure.Vault), identities, assignments)

    def survey(self, needs: Iterable[Need]) -> tuple[Azure, ScopeOfScan]:
        """The clusters, and what the identity may do: in their subscriptions, and at those clusters where a role of
        the subscription does not grant all ``needs`` of clusters. Raises `AkscanError` like `collect`.
        """
        subscriptions = self._subscriptions()
        self._read_subscriptions(subscriptions, (ManagedCluster, HeldPermissions))
        wanted = CLUSTER_NEEDS.intersection(needs)
        sufficient = {held.id.parent for held in self._answers.of(HeldPermissions) if all(map(held.grants, wanted))}
        read = next(read for read in ARM_READS if read.struct is HeldPermissions)
        others = [cluster.id for cluster in self.clusters if cluster.id.subscription_scope not in sufficient]
        self._read_all([(read, cluster_id) for cluster_id in others])
        return self._answers.azure(), self._scope(subscriptions)

    def _read_subscriptions(self, subscriptions: Iterable[Subscription], structs: Collection[type[Resource]]) -> None:
        """What is listed of subscriptions, and with it the clusters in scope."""
        usable = [s for s in subscriptions if s.state in _USABLE_STATES]
        jobs = jobs_of_subscriptions(ArmId(f"/subscriptions/{s.subscription_id}") for s in usable)
        self._read_all([(read, scope) for read, scope in jobs if read.struct in structs])
        found: list[ManagedCluster] = self._answers.of(ManagedCluster)
        self.clusters = tuple(cluster for cluster in found if self._selection.takes(cluster.id))

    # --- scope

    def _subscriptions(self) -> list[Subscription]:
        """The subscriptions in scope; names are looked up, never keyed on."""
        tenant = ArmId("/")
        read = next(read for read in ARM_READS if read.struct is Subscription)
        self._read(read, tenant)
        self._require(read, "the subscriptions cannot be listed", "check the sign-in (--auth) and --cloud")
        visible: list[Subscription] = self._answers.of(Subscription)
        wanted = [*self._selection.subscriptions, *self._members_of_management_groups()]
        if not wanted and not (self._selection.subscriptions or self._selection.management_groups):
            if not visible:
                raise AkscanError(
                    "the identity sees no subscription", "give it the Reader role, or sign in as another one"
                )
            return visible
        return [_subscription_named(text, visible) for text in dict.fromkeys(wanted)]

    def _members_of_management_groups(self) -> list[str]:
        read = next(read for read in ARM_READS if read.scope is Scope.MANAGEMENT_GROUP)
        members = []
        for name in self._selection.management_groups:
            scope = ArmId(f"/providers/Microsoft.Management/managementGroups/{name}")
            self._read(read, scope)
            self._require(read, f"management group {name}")
            members += [
                descendant.name
                for descendant in self._answers.of(azure.ManagementGroupDescendant)
                if descendant.type.casefold().endswith("/subscriptions")
            ]
        return members

    def _require(self, read: ArmRead, what: str, hint: str = "") -> None:
        """Raises `AkscanError` for a gap in what says which subscriptions there are: a scan must not shrink in
        silence.
        """
        gaps = [
            known.gap for (kind, _), known in self._answers.reads.items() if kind == read.struct.arm_type and known.gap
        ]
        if gaps:
            raise AkscanError(f"{what}: {gaps[0]}", hint)

    def _scope(self, subscriptions: Sequence[Subscription]) -> ScopeOfScan:
        return ScopeOfScan(
            selectors=self._selection.selectors,
            tenants=tuple(sorted({s.tenant_id for s in subscriptions if s.tenant_id})),
            subscriptions=tuple(sorted((self._scoped(s) for s in subscriptions), key=lambda scoped: scoped.id)),
            clusters=tuple(
                sorted(
                    (
                        *(ScopedCluster(id=cluster.id, name=cluster.name) for cluster in self.clusters),
                        *(ScopedCluster(id=lost, name=lost.name) for lost in self._lost_clusters()),
                    ),
                    key=lambda scoped: scoped.id,
                )
            ),
        )

    def _lost_clusters(self) -> list[ArmId]:
        """Clusters in scope that ARM answered with in a shape that was not understood: they stay in the report."""
        kind = ManagedCluster.arm_type
        return [
            read.scope
            for read in self._answers.reads.values()
            if read.type == kind and read.scope.type == kind and self._selection.takes(read.scope)
        ]

    def _scoped(self, subscription: Subscription) -> ScopedSubscription:
        scope = ArmId(f"/subscriptions/{subscription.subscription_id}")
        name = subscription.display_name or subscription.subscription_id
        if subscription.state not in _USABLE_STATES:
            return ScopedSubscription(id=str(scope), name=name, status="skipped", detail=f"state {subscription.state}")
        gaps = [
            read.gap
            for read in self._answers.reads.values()
            if read.gap is not None
            and read.scope.subscription == scope.subscription
            # what the identity may do is no part of what is assessed
            and read.type != HeldPermissions.arm_type
        ]
        clusters = self._answers.reads.get((ManagedCluster.arm_type, scope))
        if clusters is not None and clusters.gap is not None:
            return ScopedSubscription(id=str(scope), name=name, status="refused", detail=str(clusters.gap))
        if gaps:
            detail = "; ".join(sorted({f"{gap.permission}: {gap.reason}" for gap in gaps}))
            return ScopedSubscription(id=str(scope), name=name, status="partial", detail=detail)
        return ScopedSubscription(id=str(scope), name=name, status="scanned")

    def _follow(self) -> None:
        """Read, one by one, what clusters and their networks refer to in subscriptions that were not listed for it."""
        followable_types = followable(ARM_READS)
        for _ in range(_FOLLOW_ROUNDS):
            references = list(self._references())
            policies = (one for one in references if one.type == azure.FirewallPolicy.arm_type)
            wanted = [
                *((read, one) for one in references if (read := followable_types.get(one.type.casefold())) is not None),
                *jobs_of_policies(policies),
            ]
            jobs = [(read, one) for read, one in wanted if not self._is_read(read, one)]
            if not jobs:
                return
            self._read_all(jobs)

    def _references(self) -> Iterator[ArmId]:
        """References of the clusters in scope and of what they lead to, not of every network of the subscription."""
        everything = {
            resource.id: resource for found in self._answers.resources.values() for resource in found.values()
        }
        seen: set[ArmId] = set()
        # what is listed of clusters alone leads on, too
        waiting: list[Resource] = [
            *self.clusters,
            *self._answers.of(azure.DiagnosticSetting),
            *self._answers.of(azure.DataCollectionRuleAssociation),
        ]
        while waiting:
            for reference in waiting.pop().references():
                if reference and reference not in seen:
                    seen.add(reference)
                    yield reference
                    if reference in everything:
                        waiting.append(everything[reference])

    def _is_read(self, read: ArmRead, resource_id: ArmId) -> bool:
        kind = read.struct.arm_type
        return (
            resource_id in self._answers.resources.get(kind, {})
            or (kind, resource_id) in self._answers.reads
            or (kind, resource_id.subscription_scope) in self._answers.reads
        )

    # --- reading

    def _read_all(self, jobs: Sequence[tuple[ArmRead, ArmId]]) -> None:
        self._progress.expect(_PHASE, len(jobs))
        with ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="arm") as pool:
            futures = [pool.submit(self._read, read, scope) for read, scope in in_turn(jobs, lambda job: job[1])]
            for future in as_completed(futures):
                future.result()
                self._progress.step(_PHASE)

    def _read(self, read: ArmRead, scope: ArmId) -> None:
        """One list, or one resource where the scope is one of its own type; whatever fails becomes a gap."""
        found: list[Resource] = []
        gap = None
        with self._budget(scope.subscription), self._limits.one() as limit:
            try:
                limit.check()
                for item in self._fetch(read, scope):
                    gap = self._decode(read, scope, item, found) or gap
            except Exception as error:  # noqa: BLE001 whatever an SDK raises means that this was not read
                # only of a resource that was asked for by its id does a 404 say that there is none
                gone = is_absent(error) and read.follow and scope.type == read.struct.arm_type
                if not gone and not is_unlicensed(error):
                    gap = gap_of(error, source="arm", scope=str(scope), need=read.need, ended=limit.ended)
        self._answers.add(read, scope, found, gap)

    def _fetch(self, read: ArmRead, scope: ArmId) -> Iterable[Mapping[str, Any]]:
        if read.struct is AssignedTo:
            principal = scope.name
            assignments = list(self._arm.assigned_to(read, scope.subscription, principal))
            return [{"id": str(scope), "principalId": principal, "assignments": assignments}]
        if read.struct is HeldPermissions:
            return [{"id": str(held_permissions_id(scope)), "permissions": list(self._arm.read(read, scope))}]
        if read.struct is ListedResource:
            return self._arm.listed(read, scope)
        if read.follow and scope.type == read.struct.arm_type:
            return [self._arm.get(scope, read.api_version)]
        if read.scope is Scope.LOCATION:
            return [{**answer, "id": str(scope)} for answer in self._arm.read(read, scope)]
        return self._arm.read(read, scope)

    def _decode(self, read: ArmRead, scope: ArmId, item: Mapping[str, Any], found: list[Resource]) -> Gap | None:
        """A resource of the wrong shape is a gap of its own, and the rest of the list stands; one without an id, or
        that was asked for by itself, is the gap of the whole read, which is returned.
        """
        if issubclass(read.struct, Grant):
            item = {**item, "listedFor": [str(scope)]}
        if read.struct is RoleDefinition:
            item = _once(item)
        try:
            found.append(_identified(convert(item, read.struct)))
        except Malformed as error:
            own = ArmId(str(item.get("id") or scope))
            gap = Gap(source="arm", scope=str(own), reason=Reason.MALFORMED, permission=read.need, detail=str(error))
            if own == scope:
                return gap
            self._answers.add(read, own, (), gap)
        return None

    def _budget(self, subscription: str) -> threading.BoundedSemaphore:
        with self._budgets_lock:
            return self._budgets.setdefault(subscription, threading.BoundedSemaphore(CALLS_AT_ONCE_PER_SUBSCRIPTION))


def _identified(resource: Resource) -> Resource:
    """Raises `Malformed` for a resource without an id, which would take another's place."""
    if not resource.id:
        raise Malformed("Object missing required field `id`")
    return resource


def _once(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A role under one id for all subscriptions: there are hundreds of built-in ones, and each list repeats them."""
    name = ArmId(str(item.get("id"))).name
    return {**item, "id": f"/providers/Microsoft.Authorization/roleDefinitions/{name}"}


def _subscription_named(text: str, visible: Sequence[Subscription]) -> Subscription:
    wanted = Token(text.rpartition("/")[2])
    by_id = [s for s in visible if Token(s.subscription_id) == wanted]
    by_name = [s for s in visible if Token(s.display_name) == wanted]
    if by_id:
        return by_id[0]
    if len(by_name) > 1:
        ids = ", ".join(s.subscription_id for s in by_name)
        raise AkscanError(f"subscription {text!r}: {len(by_name)} have this name", f"give the id: {ids}")
    if by_name:
        return by_name[0]
    if len(wanted.split("-")) == 5:  # noqa: PLR2004 a GUID: perhaps readable although it is not listed
        return Subscription(id=ArmId(f"/subscriptions/{wanted}"), subscription_id=str(wanted), display_name="")
    raise AkscanError(f"subscription {text!r} is none that the identity sees")


def identity_of(token: str) -> str:
    """Who a token was issued to, by its claims: the user, or application and object id. Empty when it is not
    readable.
    """
    try:
        body = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=dict[str, Any])
    except (IndexError, binascii.Error, msgspec.DecodeError):
        return ""
    name = claims.get("upn") or claims.get("unique_name") or claims.get("appid") or claims.get("azp") or ""
    object_id = claims.get("oid", "")
    return f"{name} (object id {object_id})" if name and object_id else str(name or object_id)
