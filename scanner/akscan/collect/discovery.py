"""Which resources an API server serves, by its aggregated discovery, which every signed-in identity may read
(https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery).
"""

from __future__ import annotations

from akscan.collect.connection import Connection
from akscan.model.decode import Malformed, decode_answer
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
    """What one answer of ``/apis`` tells."""

    def __init__(self, groups: _Groups) -> None:
        self._groups = {group.metadata.name: group.versions or () for group in groups.items}

    def versions(self, group: str, plural: str) -> tuple[str, ...]:
        """The versions of a group in which a resource is or may be served; empty where it is not there at all."""
        return tuple(version.version for version in self._groups.get(group, ()) if version.may_serve(plural))


def discover(connection: Connection) -> Discovery:
    """Ask for the API groups and their resources. Raises `Malformed` for any other form of answer, `Refused`, and what
    urllib3 raises.
    """
    groups = decode_answer(connection.get("/apis", _ACCEPT), _Groups)
    if groups.kind != _KIND:
        raise Malformed(f"the API server answered with {groups.kind} when asked for {_KIND}")
    return Discovery(groups)
