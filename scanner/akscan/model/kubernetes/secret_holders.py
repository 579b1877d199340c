"""Objects beside pods that name Secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct, ObjectMeta
from akscan.model.literals import AppliedAs, Classified, head_of, with_head

#: Keys of custom resources that hold names of objects (``secretRef.name``, ``ca.secretName``, ``valuesFrom[].name``);
#: whatever else stands in such an object may be a secret itself.
_NAMING = re.compile(r"name|.*secretname", re.IGNORECASE)
#: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
_OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_NAMING_ANNOTATION = re.compile(r".*(-secret|/tls-secret)")


class Names(Classified):
    """The names of objects in part of an answer, one after the other; nothing else of it is kept."""

    __slots__ = ()

    @classmethod
    def takes(cls, value: object) -> bool:
        """An object of the answer."""
        return isinstance(value, Mapping)

    @classmethod
    def of(cls, value: object) -> Names:
        """Take what is an object's name by its form and by its key."""
        return cls(" ".join(sorted({name for name in _walk(value) if _OBJECT_NAME.fullmatch(name)})))

    @property
    def each(self) -> frozenset[str]:
        return frozenset(str.__str__(self).split())


def _walk(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            for key, below in one.items():
                if isinstance(below, str):
                    yield from (below,) if _NAMING.fullmatch(str(key)) else ()
                else:
                    waiting.append(below)
        elif isinstance(one, list):
            waiting += one


class SecretAnnotations(Names):
    """The names in annotations that name Secrets by their key, such as
    ``nginx.ingress.kubernetes.io/auth-secret: namespace/name``.
    """

    __slots__ = ()

    @classmethod
    def of(cls, value: object) -> SecretAnnotations:
        """Take the values of those annotations, without a namespace in front."""
        pairs = value.items() if isinstance(value, Mapping) else ()
        named = (str(text).rpartition("/")[2] for key, text in pairs if _NAMING_ANNOTATION.fullmatch(str(key)))
        return cls(" ".join(sorted(name for name in named if _OBJECT_NAME.fullmatch(name))))


class SecretParameters(Names):
    """The names in parameters whose key ends in ``secret-name``, those with placeholders aside."""

    __slots__ = ()

    @classmethod
    def of(cls, value: object) -> SecretParameters:
        """Take the values of those parameters."""
        pairs = value.items() if isinstance(value, Mapping) else ()
        named = (str(text) for key, text in pairs if str(key).endswith("secret-name"))
        return cls(" ".join(sorted(name for name in named if _OBJECT_NAME.fullmatch(name))))


class IngressTls(KubernetesStruct, frozen=True, kw_only=True):
    secret_name: str = ""


class IngressSpec(KubernetesStruct, frozen=True, kw_only=True):
    tls: tuple[IngressTls, ...] | None = None


class IngressAnnotations(SecretAnnotations):
    """The same, and the head of the manifest that kubectl applied."""

    __slots__ = ()

    @classmethod
    def of(cls, value: object) -> IngressAnnotations:
        """Take both."""
        names = SecretAnnotations.of(value)
        return cls(with_head(names, value) if isinstance(value, Mapping) else names)

    @property
    def each(self) -> frozenset[str]:
        return frozenset(str.partition(self, "\n")[0].split())


class IngressMeta(ObjectMeta, frozen=True, kw_only=True):
    annotations: IngressAnnotations | None = None


class SecretHolder(KubernetesObject, frozen=True, kw_only=True):
    """An object that may name Secrets: of its namespace, of one without a namespace of every one."""

    @property
    def secret_names(self) -> frozenset[str]:
        """The names in it that may be those of Secrets."""
        raise NotImplementedError


class Ingress(SecretHolder, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Ingress"
    metadata: IngressMeta = IngressMeta()
    spec: IngressSpec = IngressSpec()

    @property
    def applied_as(self) -> AppliedAs | None:
        """The head of the manifest that it comes from, where kubectl applied one."""
        return head_of(self.metadata.annotations) if self.metadata.annotations else None

    @property
    def secret_names(self) -> frozenset[str]:
        """Those of its certificates, and of annotations that name Secrets."""
        annotated = self.metadata.annotations.each if self.metadata.annotations else frozenset()
        return annotated | {tls.secret_name for tls in self.spec.tls or ()}


class SecretNamingResource(SecretHolder, frozen=True, kw_only=True):
    """A custom resource: every name in its specification."""

    spec: Names | None = None

    @property
    def secret_names(self) -> frozenset[str]:
        """Whatever in it is a name."""
        return self.spec.each if self.spec else frozenset()


class Gateway(SecretNamingResource, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Gateway"


class TriggerAuthentication(SecretNamingResource, frozen=True, kw_only=True):
    kind: ClassVar[str] = "TriggerAuthentication"


class ClusterTriggerAuthentication(SecretNamingResource, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ClusterTriggerAuthentication"


class GitRepository(SecretNamingResource, frozen=True, kw_only=True):
    kind: ClassVar[str] = "GitRepository"


class HelmRepository(SecretNamingResource, frozen=True, kw_only=True):
    kind: ClassVar[str] = "HelmRepository"


class Kustomization(SecretNamingResource, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Kustomization"


class HelmRelease(SecretNamingResource, frozen=True, kw_only=True):
    kind: ClassVar[str] = "HelmRelease"


class Issuer(SecretNamingResource, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Issuer"


class ClusterIssuer(SecretNamingResource, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ClusterIssuer"


class SecretStore(SecretNamingResource, frozen=True, kw_only=True):
    kind: ClassVar[str] = "SecretStore"


class ClusterSecretStore(SecretNamingResource, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ClusterSecretStore"
