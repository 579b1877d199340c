"""Which APIs clients use: by the manifests that they applied, and by what they asked the API server for."""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct, ObjectMeta
from akscan.model.literals import Classified

_API_VERSION = re.compile(r"([a-z0-9.-]{1,253}/)?v[0-9a-z]{1,20}")
_KIND = re.compile(r"[A-Za-z]{1,63}")


class _Head(msgspec.Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""


class AppliedAs(Classified):
    """apiVersion and kind of a manifest that kubectl applied, as ``policy/v1 PodDisruptionBudget``; all else of it is
    dropped while it is decoded. Empty where it tells neither.
    """

    __slots__ = ()

    @classmethod
    def of(cls, manifest: str) -> AppliedAs:
        """The head of a manifest."""
        try:
            head = msgspec.json.decode(manifest, type=_Head)
        except msgspec.DecodeError:
            return cls("")
        told = _API_VERSION.fullmatch(head.api_version) and _KIND.fullmatch(head.kind)
        return cls(f"{head.api_version} {head.kind}" if told else "")

    @property
    def api_version(self) -> str:
        return str.partition(self, " ")[0]

    @property
    def kind(self) -> str:
        return str.partition(self, " ")[2]


class AppliedAnnotations(KubernetesStruct, frozen=True, kw_only=True):
    """The annotation in which kubectl keeps what it applied; all others are dropped."""

    last_applied: AppliedAs | None = msgspec.field(
        name="kubectl.kubernetes.io/last-applied-configuration", default=None
    )


class AppliedMeta(ObjectMeta, frozen=True, kw_only=True):
    annotations: AppliedAnnotations | None = None


class AppliedObject(KubernetesObject, frozen=True, kw_only=True):
    """An object that people write manifests of."""

    metadata: AppliedMeta = AppliedMeta()

    @property
    def applied_as(self) -> AppliedAs | None:
        """The head of the manifest that it comes from, where kubectl applied one."""
        return self.metadata.annotations.last_applied if self.metadata.annotations else None


class Ingress(AppliedObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Ingress"


class RequestedApi(KubernetesObject, frozen=True, kw_only=True):
    """A deprecated API that some client asked for; ``removed_release`` is the minor that serves it no more, if that is
    settled.
    """

    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    removed_release: str = ""

    def __str__(self) -> str:
        api = f"{self.group}/{self.version}" if self.group else self.version
        return f"{api} {self.resource}{f'/{self.subresource}' if self.subresource else ''}"
