"""Which resources an API server serves, by its aggregated discovery, which every signed-in identity may read
(https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery).
"""

from __future__ import annotations

from functools import cached_property

from akscan.collect.connection import Connection
from akscan.model.decode import decode_answer
from akscan.model.kubernetes import KubernetesStruct, ObjectMeta

_ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_KIND = "APIGroupDiscoveryList"
_CURRENT = "Current"


class _Resource(KubernetesStruct, frozen=True, kw_only=True):
    resource: str


class _Version(KubernetesStruct, frozen=True, kw_only=True):
    version: str
    resources: tuple[_Resource, ...] | None = None
    freshness: str = ""

    def may_serve(self, plural: str) -> bool:
        """Whether it serves a resource, or may: of a server behind the API server that did not answer, discovery knows
        no resources or those of the past.
        """
        return self.freshness != _CURRENT or any(found.resource == plural for found in self.resources or ())


class _Group(KubernetesStruct, frozen=True, kw_only=True):
    metadata: ObjectMeta
    versions: tuple[_Version, ...] | None = None


class _Groups(KubernetesStruct, frozen=True, kw_only=True):
    kind: str
    items: tuple[_Group, ...]


class Discovery:
    """What one answer of ``/apis`` tells; it is asked for when it is first needed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def versions(self, group: str, plural: str) -> tuple[str, ...] | None:
        """The versions of a group in which a resource is or may be served; empty where it is not there at all, None
        where the API server does not tell.
        """
        if self._groups is None:
            return None
        return tuple(version.version for version in self._groups.get(group, ()) if version.may_serve(plural))

    @cached_property
    def _groups(self) -> dict[str, tuple[_Version, ...]] | None:
        try:
            groups = decode_answer(self._connection.get("/apis", _ACCEPT), _Groups)
        except Exception:  # noqa: BLE001 whatever the client raises means that discovery tells nothing
            return None
        if groups.kind != _KIND:
            return None
        return {group.metadata.name: group.versions or () for group in groups.items}
