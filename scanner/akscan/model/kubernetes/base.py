"""What all Kubernetes objects have in common."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class KubernetesStruct(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
    """An object or part of one. What is decoded from JSON holds no circles, so the garbage collector need not walk
    through millions of them.
    """


class OwnerReference(KubernetesStruct, frozen=True, kw_only=True):
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    api_version: str = ""


def object_key(kind: str, namespace: str, name: str, uid: str) -> str:
    """What tells an object from all others: its uid; in a manifest that has none, kind, namespace and name."""
    return uid or f"{kind}/{namespace}/{name}"


class ObjectMeta(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    generation: int | None = None

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages this object, if any."""
        return next((owner for owner in self.owner_references or () if owner.controller), None)

    @property
    def controller_key(self) -> str:
        """The `object_key` of the managing owner; empty without one."""
        owner = self.controller
        return object_key(owner.kind, self.namespace, owner.name, owner.uid) if owner else ""

    def label(self, key: str) -> str:
        """The value of a label, or an empty string."""
        return (self.labels or {}).get(key, "")

    @property
    def is_marked_by_aks(self) -> bool:
        """Whether it bears a label that AKS sets on what it makes; anybody else can set it too."""
        return (
            self.label("kubernetes.azure.com/managedby").casefold() == "aks"
            or "addonmanager.kubernetes.io/mode" in (self.labels or {})
            or self.label("kubernetes.io/cluster-service") == "true"
        )

    @property
    def is_bootstrapped(self) -> bool:
        """Whether it bears the label of the default roles and bindings, which the API server keeps complete
        (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation).
        """
        return self.label("kubernetes.io/bootstrapping") == "rbac-defaults"


class KubernetesObject(KubernetesStruct, frozen=True, kw_only=True):
    kind: ClassVar[str] = ""
    metadata: ObjectMeta = ObjectMeta()

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace

    @property
    def key(self) -> str:
        return object_key(self.kind, self.namespace, self.name, self.metadata.uid)


class Condition(KubernetesStruct, frozen=True, kw_only=True):
    type: str = ""
    status: str = ""
    last_transition_time: str | None = None
