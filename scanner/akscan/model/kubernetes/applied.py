"""Which APIs clients use: by the manifests that they applied, and by what they asked the API server for."""

from __future__ import annotations

from typing import Self

from akscan.model.kubernetes.base import KubernetesObject, ObjectMeta
from akscan.model.literals import AnnotationKeys, AppliedAs


class MarkedMeta(ObjectMeta, frozen=True, kw_only=True):
    """Metadata with the keys of the annotations."""

    annotations: AnnotationKeys | None = None

    @classmethod
    def of(cls, metadata: ObjectMeta) -> Self:
        """Of metadata whose annotations were not kept."""
        return cls(**{name: getattr(metadata, name) for name in ObjectMeta.__struct_fields__})

    def has_mark(self, key: str) -> bool:
        """Whether a label or an annotation has this key."""
        return key in (self.labels or {}) or (self.annotations is not None and self.annotations.holds(key))


class AppliedObject(KubernetesObject, frozen=True, kw_only=True):
    """An object that people write manifests of."""

    metadata: MarkedMeta = MarkedMeta()

    @property
    def applied_as(self) -> AppliedAs | None:
        """The head of the manifest that it comes from, where kubectl applied one."""
        return self.metadata.annotations.applied_as if self.metadata.annotations else None


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
