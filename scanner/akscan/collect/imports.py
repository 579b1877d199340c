"""An inventory from what people have at hand: JSON of Azure, and kubectl dumps.

What the files do not hold is a gap. A kind of Kubernetes objects of which a cluster's dumps hold some counts as
listed; of Azure only the very resources count, since an export often is one group's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import yaml

from akscan import __version__
from akscan.collect.kubernetes import annotated_secret, object_of
from akscan.collect.live import Sink
from akscan.collect.pods import PodReducer
from akscan.errors import AkscanError
from akscan.inventory_file import VERSION
from akscan.model.azure import (
    FirewallPolicy,
    Fleet,
    FleetMember,
    ManagedCluster,
    PrivateDnsZone,
    Resource,
    Subscription,
    UserAssignedIdentity,
    Vault,
    VirtualHub,
)
from akscan.model.cluster import missing_lists
from akscan.model.decode import Malformed, convert
from akscan.model.gaps import Gap, Reason
from akscan.model.inventory import (
    Azure,
    Manifest,
    Read,
    ScopedCluster,
    ScopedSubscription,
    ScopeOfScan,
)
from akscan.model.kubernetes import Listing, Pod, Secret
from akscan.model.reads import ARM_READS, KUBERNETES_READS, KubernetesRead
from akscan.model.roles import AssignedTo
from akscan.model.scopes import (
    jobs_of_clusters,
    jobs_of_fleets,
    jobs_of_identities,
    jobs_of_keys,
    jobs_of_policies,
    jobs_of_subscriptions,
    jobs_of_unlisted,
    jobs_of_upgraded,
    jobs_of_vaults,
    jobs_of_zones,
)
from akscan.model.text import ArmId, Token

_ARM_TYPES = {read.struct.arm_type: read for read in ARM_READS}


def import_files(
    arm: Sequence[Path], kubernetes: Sequence[tuple[str, Path]], sink: Sink, *, complete: bool
) -> Iterator[str]:
    """Read the files into the sink; lines that say what was taken. Raises `AkscanError` with file and item for bad
    input.
    """
    now = datetime.now(UTC)
    resources = _Resources()
    for path in arm:
        yield f"{path}: {resources.take(path, complete=complete)}"
    dumps: dict[str, _Dump] = defaultdict(_Dump)
    for name, path in kubernetes:
        yield f"{path}: {dumps[name].take(path)}"
    clusters = resources.of(ManagedCluster)
    scoped = {name: _scoped(name, clusters) for name in dumps}
    _check_distinct(scoped)
    scope = ScopeOfScan(
        subscriptions=tuple(
            ScopedSubscription(id=str(one), name=one.subscription, status="scanned", detail="imported from files")
            for one in resources.subscriptions()
        ),
        clusters=tuple(
            {
                cluster.id: cluster
                for cluster in (*map(_as_scoped, clusters), *resources.lost_clusters(), *scoped.values())
            }.values()
        ),
    )
    manifest = Manifest(version=VERSION, akscan=__version__, started=now, finished=now, source="import", scope=scope)
    sink.begin(manifest, resources.azure(complete=complete))
    by_id = {scoped[name].id: dump for name, dump in dumps.items()}
    for cluster in scope.clusters:
        dump = by_id.get(cluster.id, _Dump())
        sink.add(cluster.id, dump.lists(cluster.name, complete=complete and cluster.id in by_id))
    sink.finish(manifest)


def _check_distinct(scoped: Mapping[str, ScopedCluster]) -> None:
    names: dict[ArmId, str] = {}
    for name, cluster in scoped.items():
        if (other := names.setdefault(cluster.id, name)) != name:
            raise AkscanError(
                f"--kubernetes: {other} and {name} are the same cluster", "use one name for all its dumps"
            )


def _as_scoped(cluster: ManagedCluster) -> ScopedCluster:
    return ScopedCluster(id=cluster.id, name=cluster.name)


def _scoped(name: str, clusters: Sequence[ManagedCluster]) -> ScopedCluster:
    """The imported cluster of that name or id; without one the dump stands for itself."""
    fitting = [cluster for cluster in clusters if Token(cluster.name) == name or cluster.id == ArmId(name)]
    if len(fitting) > 1:
        ids = ", ".join(str(cluster.id) for cluster in fitting)
        raise AkscanError(f"--kubernetes {name}=...: several clusters have this name", f"give the id: {ids}")
    return (
        _as_scoped(fitting[0]) if fitting else ScopedCluster(id=ArmId(f"/contexts/{quote(name, safe='')}"), name=name)
    )


# --- Azure


@dataclass
class _Resources:
    by_type: dict[Token, dict[ArmId, Resource]] = field(default_factory=lambda: defaultdict(dict))
    faults: list[Read] = field(default_factory=list)

    def take(self, path: Path, *, complete: bool) -> str:
        """Keep the resources of one file; what was taken, in words."""
        taken = skipped = 0
        before = len(self.faults)
        for document in _documents(path):
            for place, item in enumerate(_items_of_export(path, document, complete=complete)):
                resource_id = _id_of(path, place, item)
                read = _ARM_TYPES.get(resource_id.type)
                if read is None:
                    skipped += 1
                    continue
                try:
                    self.by_type[read.struct.arm_type][resource_id] = convert(
                        {**item, "id": str(resource_id)}, read.struct
                    )
                    taken += 1
                except Malformed as error:
                    detail = f"{path} item {place}: {error}"
                    gap = Gap(
                        source="arm",
                        scope=str(resource_id),
                        reason=Reason.MALFORMED,
                        permission=read.need,
                        detail=detail,
                    )
                    self.faults.append(Read(type=read.struct.arm_type, scope=resource_id, gap=gap))
        unreadable = [str(read.gap.detail) for read in self.faults[before:] if read.gap]
        return "; ".join([f"{taken} resources taken, {skipped} of other types passed over", *unreadable])

    def of(self, kind: type[Resource]) -> list[Any]:
        found = self.by_type.get(kind.arm_type, {})
        return [found[key] for key in sorted(found)]

    def lost_clusters(self) -> list[ScopedCluster]:
        """Clusters of the wrong shape: they stay in the report."""
        kind = ManagedCluster.arm_type
        return [ScopedCluster(id=f.scope, name=f.scope.name) for f in self.faults if f.type == kind]

    def subscriptions(self) -> list[ArmId]:
        scopes = {key.subscription_scope for found in self.by_type.values() for key in found if key.subscription}
        return sorted(scopes)

    def azure(self, *, complete: bool) -> Azure:
        reads = {(fault.type, fault.scope): fault for fault in self.faults}
        if complete:
            fleets = [fleet.id for fleet in self.of(Fleet)]
            hubs = [hub.id for hub in self.of(VirtualHub)]
            clusters = self.of(ManagedCluster)
            policies = [policy.id for policy in self.of(FirewallPolicy)]
            jobs = (
                *jobs_of_subscriptions(self.subscriptions()),
                *jobs_of_clusters(clusters, hubs),
                *jobs_of_fleets(fleets),
                *jobs_of_unlisted(clusters),
                *jobs_of_upgraded(clusters, self.of(FleetMember)),
                *jobs_of_policies(policies),
                *jobs_of_identities(clusters, (identity.id for identity in self.of(UserAssignedIdentity))),
                *jobs_of_zones(zone.id for zone in self.of(PrivateDnsZone)),
                *jobs_of_vaults(vault.id for vault in self.of(Vault)),
                *jobs_of_keys(clusters, self.of(Vault)),
            )
            for read, scope in jobs:
                # no export says which groups a principal is in
                if read.struct is AssignedTo:
                    continue
                reads.setdefault((read.struct.arm_type, scope), Read(type=read.struct.arm_type, scope=scope))
        kinds = sorted(kind for kind in self.by_type if kind != Subscription.arm_type)
        return Azure(
            resources={kind: tuple(self.by_type[kind][key] for key in sorted(self.by_type[kind])) for kind in kinds},
            reads=tuple(reads[key] for key in sorted(reads)),
        )


def _items_of_export(path: Path, document: object, *, complete: bool) -> list[Mapping[str, Any]]:
    """A single object, a list, or an envelope with ``value`` or ``data``; keys in any case."""
    if isinstance(document, list):
        return [_mapping(path, item) for item in document]
    envelope = {str(key).casefold(): value for key, value in _mapping(path, document).items()}
    if "id" in envelope or "resourceid" in envelope:
        return [_mapping(path, document)]
    following = envelope.get("nextlink") or envelope.get("skip_token") or envelope.get("skiptoken")
    if complete and following:
        raise AkscanError(
            f"{path}: holds one page of more (nextLink or skip token)", "export all pages, or leave --complete out"
        )
    for key in ("value", "data"):
        if isinstance(envelope.get(key), list):
            return [_mapping(path, item) for item in envelope[key]]
    raise AkscanError(f"{path}: expected an Azure resource, a list of them, or an object with `value` or `data`")


def _mapping(path: Path, item: object) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise AkscanError(f"{path}: expected objects, found {type(item).__name__}")
    return item


def _id_of(path: Path, place: int, item: Mapping[str, Any]) -> ArmId:
    lowered = {str(key).casefold(): value for key, value in item.items()}
    found = lowered.get("id") or lowered.get("resourceid")
    if not isinstance(found, str) or not found.startswith("/"):
        raise AkscanError(
            f"{path}: item {place}: no `id` of an Azure resource", "export whole resources, not a projection"
        )
    return ArmId(found)


# --- Kubernetes


def _kind_read(read: KubernetesRead) -> tuple[str, str]:
    return (read.path.split("/")[2] if read.path.startswith("/apis/") else "", read.struct.kind)


#: Of one kind there may be two lists, which keep different parts of its objects.
_KINDS: dict[tuple[str, str], tuple[KubernetesRead, ...]] = {
    kind: tuple(read for read in KUBERNETES_READS if _kind_read(read) == kind)
    for kind in (_kind_read(read) for read in KUBERNETES_READS if not read.need.url)
}


@dataclass
class _Dump:
    """The objects of one cluster, from one or several dumps."""

    objects: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    faults: dict[str, str] = field(default_factory=dict)

    def take(self, path: Path) -> str:
        """Keep the objects of one dump; what was taken, in words."""
        taken = skipped = 0
        for document in _documents(path):
            self._note_empty_list(document)
            for place, item in enumerate(_items_of_dump(path, document)):
                reads = _KINDS.get(_kind_of(item), ())
                skipped += not reads
                taken += bool([read for read in reads if self._keep(read, item, f"{path} item {place}")])
        return "; ".join([f"{taken} objects taken, {skipped} of other kinds passed over", *self.faults.values()])

    def _keep(self, read: KubernetesRead, item: Mapping[str, Any], place: str) -> bool:
        """Keep one object as a list has it; whether it could be understood."""
        kept = self.objects[read.field]
        try:
            kept.append(annotated_secret(item) if read.struct is Secret else object_of(item, read.struct))
        except Malformed as error:
            self.faults.setdefault(read.field, f"{place}: {error}")
            return False
        return True

    def _note_empty_list(self, document: object) -> None:
        """A list of one kind (``PodList``) without items says that there are none; kubectl's ``List`` says nothing."""
        if isinstance(document, Mapping) and document.get("items") == []:
            kind = str(document.get("kind", "")).removesuffix("List")
            for read in _KINDS.get(_kind_of({**document, "kind": kind}), ()):
                self.objects.setdefault(read.field, [])

    def lists(self, name: str, *, complete: bool) -> Any:
        gap = Gap(source="kubernetes", scope=name, reason=Reason.NOT_READ, detail="the imported files do not hold it")
        known = {
            read.field: self._listing(read, name)
            for read in KUBERNETES_READS
            # no dump holds what the API server measures
            if (complete and not read.need.url) or read.field in self.objects
        }
        return missing_lists(gap, **known)

    def _listing(self, read: KubernetesRead, name: str) -> Listing[Any]:
        items = tuple(self.objects.get(read.field, ()))
        if read.struct is Pod:
            reducer = PodReducer()
            reducer.add(items)
            items = reducer.pods()
        fault = self.faults.get(read.field)
        gap = (
            Gap(source="kubernetes", scope=name, reason=Reason.MALFORMED, permission=read.need, detail=fault)
            if fault
            else None
        )
        return Listing(items=items, gap=gap)


def _kind_of(item: Mapping[str, Any]) -> tuple[str, str]:
    group, slash, _ = str(item.get("apiVersion", "")).partition("/")
    return (group if slash else "", str(item.get("kind", "")))


def _items_of_dump(path: Path, document: object) -> list[Mapping[str, Any]]:
    if isinstance(document, Mapping) and "kind" not in document and "items" not in document:
        raise AkscanError(f"{path}: expected Kubernetes objects (`kind`), or a List of them (`items`)")
    whole = _mapping(path, document)
    items = whole.get("items")
    if not isinstance(items, list):
        return [whole]
    kind = str(whole.get("kind", "List")).removesuffix("List")
    defaults = {"kind": kind, "apiVersion": whole.get("apiVersion", "v1")} if kind else {}
    return [{**defaults, **_mapping(path, item)} for item in items]


# --- files


class _Loader(yaml.SafeLoader):
    """YAML as Kubernetes means it: timestamps stay strings."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _documents(path: Path) -> list[object]:
    """The documents of a JSON or (multi-document) YAML file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AkscanError(f"{path}: cannot be read: {error.strerror}") from None
    # PowerShell writes a byte order mark
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return [msgspec.json.decode(data)]
    except (msgspec.DecodeError, UnicodeDecodeError) as not_json:
        if data.lstrip()[:1] in (b"{", b"["):
            raise AkscanError(f"{path}: no JSON: {not_json}", "the file may be truncated") from None
    try:
        return [document for document in yaml.load_all(data, Loader=_Loader) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        # what is wrong with it may be a value of a Secret, such as a password that looks like an alias
        raise AkscanError(f"{place}: neither JSON nor YAML") from None
