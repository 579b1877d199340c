"""A live collection: Azure first, then the Kubernetes API of every cluster, handed on cluster by cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote, urlsplit

import msgspec

from akscan import __version__
from akscan.collect.arm import Arm
from akscan.collect.azure import AzureCollector, Selection, identity_of
from akscan.collect.cloud import Cloud, credential_for, trust_of
from akscan.collect.connection import Connection, from_arm, from_context
from akscan.collect.credential import Credential
from akscan.collect.faults import gap_of
from akscan.collect.kubernetes import KubernetesCollector
from akscan.collect.limits import Limit, Limits
from akscan.collect.permissions import PermissionReviewer
from akscan.collect.progress import Progress
from akscan.collect.transport import Transport
from akscan.errors import AkscanError
from akscan.inventory_file import VERSION
from akscan.model.azure import ManagedCluster
from akscan.model.cluster import missing_lists
from akscan.model.gaps import Gap, Reason
from akscan.model.inventory import Azure, Manifest, ScopedCluster, ScopeOfScan
from akscan.model.kubernetes import KubernetesLists
from akscan.model.needs import Need
from akscan.model.scopes import in_turn
from akscan.model.text import ArmId, Token

#: being read, or waiting to be handed on
CLUSTERS_AT_ONCE = 16
_PHASE = "Kubernetes"
_OUT_OF_REACH = (Reason.UNREACHABLE, Reason.TIMEOUT)


class Sink(Protocol):
    """Takes an inventory as it is read: Azure first, then clusters in any order, then how it ended."""

    def begin(self, manifest: Manifest, azure: Azure) -> None: ...

    def add(self, cluster_id: ArmId, lists: KubernetesLists) -> None: ...

    def finish(self, manifest: Manifest) -> None: ...


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be read, where and as whom. Without ``arm`` only the contexts are read; with ``needs`` only what the
    identity may do of these.
    """

    cloud: Cloud
    authentication: str
    selection: Selection
    contexts: tuple[str, ...] = ()
    arm: bool = True
    #: for all reading, and for one cluster or list of ARM
    seconds: float | None = None
    seconds_each: float | None = None
    needs: tuple[Need, ...] | None = None


def collect(target: Target, sink: Sink, progress: Progress) -> None:
    """Read everything in scope into the sink. A signal, or the end of the time for it, ends the reading; what came in
    until then goes its way, marked as interrupted. Raises `AkscanError` where nothing can be read at all.
    """
    started = datetime.now(UTC)
    limits = Limits(seconds=target.seconds, seconds_each=target.seconds_each)
    with limits, limits.heeding_signals(), ExitStack() as stack:
        session = stack.enter_context(_session(target, limits)) if target.arm else None
        azure, scope, resources, identity = _read_azure(target, session, progress, limits)
        contexts = _contexts(target, resources, limits)
        clusters = (*scope.clusters, *(cluster for cluster in contexts if cluster not in scope.clusters))
        selectors = {**scope.selectors, **({"context": target.contexts} if target.contexts else {})}
        scope = msgspec.structs.replace(scope, selectors=selectors, clusters=clusters)
        manifest = Manifest(
            version=VERSION,
            akscan=__version__,
            started=started,
            finished=started,
            cloud=target.cloud.name,
            identity=identity,
            scope=scope,
        )
        sink.begin(manifest, azure)
        readers = [
            (cluster.id, _reader(cluster, contexts.get(cluster), resources.get(cluster.id), target, session, limits))
            for cluster in in_turn(clusters, lambda cluster: cluster.id)
        ]
        _read_clusters(readers, sink, progress)
    ended = limits.whole.ended is not None
    sink.finish(msgspec.structs.replace(manifest, finished=datetime.now(UTC), interrupted=ended))


@contextmanager
def _session(target: Target, limits: Limits) -> Iterator[Arm]:
    with trust_of(target.cloud) as verify:
        transport = Transport(verify, limits)
        credential = Credential(lambda: credential_for(target.cloud, target.authentication, transport))
        with Arm(target.cloud, credential, transport, limits) as arm:
            yield arm


def _read_azure(
    target: Target,
    arm: Arm | None,
    progress: Progress,
    limits: Limits,
) -> tuple[Azure, ScopeOfScan, dict[ArmId, ManagedCluster], str]:
    if arm is None:
        return Azure(), ScopeOfScan(), {}, ""
    try:
        identity = identity_of(arm.token())
    except Exception as error:  # a credential raises what it likes
        gap = gap_of(error, source="arm", scope=target.cloud.name, need=Need.SUBSCRIPTIONS)
        said = (gap.detail or str(gap)).partition(" Attempted credentials")[0].rstrip(".")
        hint = "az login, or choose another --auth; akscan --debug shows every attempt"
        raise AkscanError(f"no sign-in to Azure: {said}", hint) from error
    collector = AzureCollector(arm, target.selection, progress, limits)
    azure, scope = collector.collect() if target.needs is None else collector.survey(target.needs)
    progress.say(f"Azure: {len(scope.clusters)} clusters in {len(scope.subscriptions)} subscriptions")
    return azure, scope, {cluster.id: cluster for cluster in collector.clusters}, identity


def _contexts(target: Target, resources: dict[ArmId, ManagedCluster], limits: Limits) -> dict[ScopedCluster, str]:
    """Clusters that are reached through a kubeconfig context; those that ARM knows by the same host are joined."""
    by_host = {
        Token(host): ScopedCluster(id=cluster.id, name=cluster.name)
        for cluster in resources.values()
        for host in (cluster.properties.fqdn, cluster.properties.private_fqdn)
        if host
    }
    found = {}
    for name in target.contexts:
        with from_context(name, target.cloud, limits.whole) as connection:
            host = Token(urlsplit(connection.host).hostname or "")
        alone = ScopedCluster(id=ArmId(f"/contexts/{quote(name, safe='')}"), name=name)
        found[by_host.get(host, alone)] = name
    return found


def _reader(
    cluster: ScopedCluster,
    context: str | None,
    resource: ManagedCluster | None,
    target: Target,
    arm: Arm | None,
    limits: Limits,
) -> Callable[[], KubernetesLists]:
    """A job that reads one cluster; whatever fails becomes a gap of all its lists."""

    def read() -> KubernetesLists:
        if resource is not None and resource.is_stopped:
            return missing_lists(Gap(source="kubernetes", scope=cluster.name, reason=Reason.STOPPED))
        with limits.one() as limit, ExitStack() as stack:
            try:
                limit.check()
                connection = stack.enter_context(_connect(cluster, context, target, arm, limit))
            except Exception as error:  # noqa: BLE001 whatever ARM or the client raises means no way in
                need, scope = Need.CLUSTER_USER_CREDENTIAL, str(cluster.id)
                return missing_lists(gap_of(error, source="arm", scope=scope, need=need, ended=limit.ended))
            try:
                connection.get("/version")
            except Exception as error:  # noqa: BLE001 whatever the client raises means that nobody answers
                return missing_lists(_unreachable(error, cluster, resource, limit))
            if target.needs is not None:
                return PermissionReviewer(connection, cluster.name, limit, target.needs).collect()
            return KubernetesCollector(connection, cluster.name, limit).collect()

    return read


@contextmanager
def _connect(
    cluster: ScopedCluster, context: str | None, target: Target, arm: Arm | None, limit: Limit
) -> Iterator[Connection]:
    if context is not None or arm is None:
        with from_context(context or cluster.name, target.cloud, limit) as connection:
            yield connection
    else:
        with from_arm(arm.user_kubeconfig(cluster.id), target.cloud, arm.credential, limit) as connection:
            yield connection


def _unreachable(error: Exception, cluster: ScopedCluster, resource: ManagedCluster | None, limit: Limit) -> Gap:
    scope = f"the API server of {cluster.name}"
    gap = gap_of(error, source="kubernetes", scope=scope, need="", ended=limit.ended)
    private = resource is not None and resource.properties.api_server_access_profile.enable_private_cluster
    hint = ""
    if gap.reason in _OUT_OF_REACH:
        hint = (
            "it is private: run akscan where its name resolves and its address is routed"
            if private
            else "see its network"
        )
    elif gap.reason is Reason.UNAUTHORIZED:
        hint = "assign Azure Kubernetes Service RBAC Reader, or bind the identity to a role inside the cluster"
    detail = "; ".join(part for part in (gap.detail, hint) if part)
    return Gap(source=gap.source, scope=gap.scope, reason=gap.reason, detail=detail)


def _read_clusters(
    readers: Sequence[tuple[ArmId, Callable[[], KubernetesLists]]], sink: Sink, progress: Progress
) -> None:
    """At most a few clusters are in memory at once: the next is begun when one was handed on."""
    progress.expect(_PHASE, len(readers))
    waiting = iter(readers)
    running: dict[Future[KubernetesLists], ArmId] = {}
    with ThreadPoolExecutor(CLUSTERS_AT_ONCE, thread_name_prefix="kubernetes") as pool:
        while True:
            while len(running) < CLUSTERS_AT_ONCE and (following := next(waiting, None)) is not None:
                running[pool.submit(following[1])] = following[0]
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            while done:
                future = done.pop()
                cluster_id = running.pop(future)
                sink.add(cluster_id, future.result())
                del future  # and with it the lists, before the wait for the next cluster
                progress.step(_PHASE)
                progress.say(f"Kubernetes: {cluster_id.name} read")
