"""Inventories from what builders made; what is not unreadable counts as completely read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from akscan.model import azure
from akscan.model.azure import Resource
from akscan.model.cluster import missing_lists
from akscan.model.gaps import Gap, Reason
from akscan.model.inventory import Azure, Inventory, Manifest, Read, ScopedCluster, ScopedSubscription, ScopeOfScan
from akscan.model.kubernetes import KubernetesLists, Listing
from akscan.model.needs import Need
from akscan.model.reads import ARM_READS, IMPLIED_NEEDS, KUBERNETES_READS
from akscan.model.roles import HeldPermissions, Permission, held_permissions_id
from akscan.model.scopes import (
    jobs_of_clusters,
    jobs_of_fleets,
    jobs_of_identities,
    jobs_of_keys,
    jobs_of_policies,
    jobs_of_subscriptions,
    jobs_of_telemetry,
    jobs_of_trusted_access,
    jobs_of_unlisted,
    jobs_of_upgraded,
    jobs_of_vaults,
    jobs_of_zones,
)
from akscan.model.text import ArmId, Token
from akscan.testing.azure import cluster, route_table, virtual_network

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@dataclass(frozen=True)
class On:
    """Kubernetes objects of one cluster, by its name."""

    cluster: str
    objects: tuple[object, ...]


def on(cluster_name: str, *objects: object) -> On:
    """Kubernetes objects of another than the first cluster."""
    return On(cluster_name, objects)


def inventory(*things: object, unreadable: Iterable[Need] = (), collected_at: datetime = NOW) -> Inventory:
    """An inventory of ARM resources and Kubernetes objects (of the first cluster, unless wrapped in `on`); lists are
    taken apart. Without a cluster there is a healthy one, without a network one with a default route to a firewall.
    """
    denied = {IMPLIED_NEEDS.get(need, need) for need in unreadable}
    flat = list(_flatten(things))
    resources = [thing for thing in flat if isinstance(thing, Resource)]
    if not any(isinstance(thing, azure.ManagedCluster) for thing in resources):
        resources.insert(0, cluster())
    if not any(isinstance(thing, azure.VirtualNetwork) for thing in resources):
        resources += [virtual_network(), route_table()]
    clusters = [thing for thing in resources if isinstance(thing, azure.ManagedCluster)]
    objects: dict[str, list[object]] = {c.name: [] for c in clusters}
    for thing in flat:
        if isinstance(thing, On):
            objects[thing.cluster].extend(_flatten(thing.objects))
        elif not isinstance(thing, Resource):
            objects[clusters[0].name].append(thing)
    manifest = Manifest(
        version="1.0",
        akscan="test",
        started=collected_at,
        finished=collected_at,
        scope=_scope(clusters, resources),
    )
    lists = {c.id: _lists(c, objects[c.name], denied) for c in clusters}
    return Inventory(manifest, _azure(resources, denied), lists)


def _flatten(things: Iterable[object]) -> Iterable[object]:
    for thing in things:
        if isinstance(thing, list | tuple):
            yield from _flatten(thing)
        else:
            yield thing


def _scope(clusters: Sequence[azure.ManagedCluster], resources: Sequence[Resource]) -> ScopeOfScan:
    return ScopeOfScan(
        subscriptions=tuple(
            ScopedSubscription(id=str(scope), name=scope.subscription, status="scanned")
            for scope in _subscriptions(resources)
        ),
        clusters=tuple(ScopedCluster(id=c.id, name=c.name) for c in clusters),
    )


def _subscriptions(resources: Sequence[Resource]) -> list[ArmId]:
    return list(dict.fromkeys(resource.id.subscription_scope for resource in resources if resource.id.subscription))


def _azure(resources: Sequence[Resource], denied: set[Need]) -> Azure:
    held = Permission(actions=(Token("*"),), not_actions=tuple(Token(need) for need in sorted(denied)))
    permissions = [
        HeldPermissions(id=held_permissions_id(scope), permissions=(held,)) for scope in _subscriptions(resources)
    ]
    by_type: dict[Token, list[Resource]] = {}
    for resource in (*resources, *permissions):
        by_type.setdefault(resource.arm_type, []).append(resource)
    clusters = [resource for resource in resources if isinstance(resource, azure.ManagedCluster)]
    hubs = [resource.id for resource in resources if isinstance(resource, azure.VirtualHub)]
    identities = [resource.id for resource in resources if isinstance(resource, azure.UserAssignedIdentity)]
    policies = [resource.id for resource in resources if isinstance(resource, azure.FirewallPolicy)]
    vaults = [resource for resource in resources if isinstance(resource, azure.Vault)]
    reads = [
        Read(
            type=read.struct.arm_type,
            scope=scope,
            gap=_gap("arm", str(scope), read.need) if read.need in denied else None,
        )
        for read, scope in (
            *jobs_of_subscriptions(_subscriptions(resources)),
            *jobs_of_clusters(clusters, hubs),
            *jobs_of_fleets(resource.id for resource in resources if isinstance(resource, azure.Fleet)),
            *jobs_of_unlisted(clusters),
            *jobs_of_identities(clusters, identities),
            *jobs_of_upgraded(clusters, (r for r in resources if isinstance(r, azure.FleetMember))),
            *jobs_of_policies(policies),
            *jobs_of_telemetry(reference for resource in resources for reference in resource.references()),
            *jobs_of_trusted_access(r for r in resources if isinstance(r, azure.TrustedAccessRoleBinding)),
            *jobs_of_zones(zone.id for zone in resources if isinstance(zone, azure.PrivateDnsZone)),
            *jobs_of_vaults(vault.id for vault in vaults),
            *jobs_of_keys(clusters, vaults),
        )
    ]
    gone = {read.struct.arm_type for read in ARM_READS if read.need in denied}
    return Azure(
        resources={kind: tuple(found) for kind, found in by_type.items() if kind not in gone},
        reads=tuple(reads),
    )


def _lists(owner: azure.ManagedCluster, objects: Sequence[object], denied: set[Need]) -> KubernetesLists:
    known: dict[str, Any] = {}
    for read in KUBERNETES_READS:
        if read.need in denied:
            known[read.field] = Listing(gap=_gap("kubernetes", owner.name, read.need))
        else:
            known[read.field] = Listing(items=tuple(o for o in objects if type(o) is read.struct))
    strange = [o for o in objects if not isinstance(o, tuple(read.struct for read in KUBERNETES_READS))]
    if strange:
        raise TypeError(f"neither an Azure resource nor a Kubernetes object: {strange[0]!r}")
    return missing_lists(_gap("kubernetes", owner.name, Need.PODS), **known)


def _gap(source: str, scope: str, need: Need) -> Gap:
    return Gap(source=source, scope=scope, reason=Reason.FORBIDDEN, permission=need)
