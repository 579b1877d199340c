"""The Istio add-on inside a cluster (https://learn.microsoft.com/azure/aks/istio-about)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.kubernetes import Deployment, Pod

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster

_NAMESPACE = "aks-istio-system"
_INJECTION, _REVISION, _TAG = "istio-injection", "istio.io/rev", "istio.io/tag"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A proxy in a running pod of a user; ``workload`` is ``namespace/name`` of what owns the pod."""

    workload: str
    version: str


@dataclass(frozen=True, slots=True)
class MeshControlPlane:
    """The istiod of a revision: its version, and since when all of it has run this."""

    version: str
    since: datetime | None


class Mesh:
    """The mesh of one cluster. What is ``known`` was read, complete or not."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lists = cluster.lists

    @property
    def revisions(self) -> tuple[str, ...]:
        return self._cluster.properties.service_mesh_profile.istio.revisions

    def _is_user(self, namespace: str) -> bool:
        return namespace not in self._cluster.system_namespaces

    # --- labels

    @cached_property
    def known_injection_labels(self) -> tuple[str, ...]:
        """Namespaces of users with the label of the open-source mesh and none of the add-on."""
        return tuple(
            namespace.name
            for namespace in self._lists.namespaces.items
            if self._is_user(namespace.name)
            and namespace.metadata.label(_INJECTION) == "enabled"
            and not namespace.metadata.label(_REVISION)
        )

    @cached_property
    def known_wanted_revisions(self) -> dict[str, tuple[str, ...]]:
        """A revision or tag that users ask for -> the namespaces and pods that do; a finished pod asks for nothing."""
        found: dict[str, dict[str, None]] = {}
        for namespace in self._lists.namespaces.items:
            if self._is_user(namespace.name) and (value := namespace.metadata.label(_REVISION)):
                found.setdefault(value, {})[namespace.name] = None
        for pod in self._lists.pods.items:
            if pod.is_active and self._is_user(pod.namespace) and (value := pod.metadata.label(_REVISION)):
                found.setdefault(value, {})[self._owner(pod)] = None
        return {value: tuple(where) for value, where in found.items()}

    @property
    def tags(self) -> frozenset[str]:
        """The revision tags that lead to a revision that runs. Raises `NotCollected` where they were not read."""
        webhooks = self._lists.mutating_webhooks.complete()
        running = (webhook.metadata for webhook in webhooks if webhook.metadata.label(_REVISION) in self.revisions)
        return frozenset(tag for metadata in running if (tag := metadata.label(_TAG)))

    def require_labels(self) -> None:
        """Raises `NotCollected` where a label may be missing."""
        self._lists.namespaces.complete()
        self._lists.pods.complete()

    # --- proxies

    @cached_property
    def known_sidecars(self) -> tuple[Sidecar, ...]:
        return tuple(
            Sidecar(self._owner(pod), _version(image))
            for pod in self._lists.pods.items
            if pod.status.phase == "Running" and self._is_user(pod.namespace) and (image := pod.mesh_proxy_image)
        )

    def _owner(self, pod: Pod) -> str:
        owner = self._cluster.drain.known_workload(pod)
        return f"{pod.namespace}/{owner.name if owner else pod.name}"

    def require_pods(self) -> None:
        """Raises `NotCollected` where a sidecar may be missing."""
        self._lists.pods.complete()

    # --- istiod

    def _deployment(self, revision: str) -> Deployment | None:
        """Raises `NotCollected` where it may be among what was not read."""
        deployments = self._lists.deployments
        wanted = (_NAMESPACE, f"istiod-{revision}")
        found = next((item for item in deployments.items if (item.namespace, item.name) == wanted), None)
        if found is None:
            deployments.complete()
        return found

    def created(self, revision: str) -> datetime | None:
        """When the control plane of a revision was made; None where there is none. Raises `NotCollected` where nobody
        knows.
        """
        found = self._deployment(revision)
        stamp = found.metadata.creation_timestamp if found else None
        return datetime.fromisoformat(stamp) if stamp else None

    def control_plane(self, revision: str) -> MeshControlPlane | None:
        """The istiod of a revision; None where there is none. Raises `NotCollected` where nobody knows."""
        found = self._deployment(revision)
        images = [c.image for c in found.template.spec.containers if c.name == "discovery"] if found else []
        if not images:
            return None
        self._lists.pods.complete()
        pods = [pod for pod in self._control_plane_pods(revision) if pod.status.phase == "Running"]
        stamps = (pod.metadata.creation_timestamp for pod in pods)
        since = min((datetime.fromisoformat(stamp) for stamp in stamps if stamp), default=None)
        return MeshControlPlane(_version(images[0]), since)

    def _control_plane_pods(self, revision: str) -> Iterator[Pod]:
        """The pods that run the present template: those of the newest ReplicaSet. Raises `NotCollected` like
        `Workload.pods`.
        """
        workloads = self._cluster.workload_set.items
        own = next((w for w in workloads if (w.namespace, w.name) == (_NAMESPACE, f"istiod-{revision}")), None)
        newest = own.newest_pod if own else None
        if own and newest:
            key = newest.metadata.controller_key
            yield from (pod for pod in own.pods if pod.metadata.controller_key == key)


def _version(image: str) -> str:
    """The tag of an image up to the first hyphen, without a leading v."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2].partition("-")[0].removeprefix("v")
