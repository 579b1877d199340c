"""Kubernetes RBAC."""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct, ObjectMeta


class RoleRef(KubernetesStruct, frozen=True, kw_only=True):
    kind: str = ""
    name: str = ""


_SYSTEM_GROUPS_OF_EVERYBODY = frozenset(
    {
        "system:anonymous",
        "system:unauthenticated",
        "system:authenticated",
        "system:masters",
        "system:serviceaccounts",
    }
)


class RbacSubject(KubernetesStruct, frozen=True, kw_only=True):
    kind: str = ""
    name: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        """In the form that parameters take: ``User:name``, ``Group:name``, ``ServiceAccount:namespace/name``."""
        return (
            f"{self.kind}:{self.namespace}/{self.name}" if self.kind == "ServiceAccount" else f"{self.kind}:{self.name}"
        )

    def is_exempt(self, system_namespaces: frozenset[str]) -> bool:
        """Whether the platform itself stands behind the subject: a system:* name that is not everybody's, or a service
        account of a system namespace.
        """
        if self.kind == "ServiceAccount":
            return self.namespace in system_namespaces
        if not self.name.startswith("system:") or self.name in _SYSTEM_GROUPS_OF_EVERYBODY:
            return False
        account = re.fullmatch(r"system:serviceaccounts?:([^:]+)(?::.*)?", self.name)
        return account is None or account[1] in system_namespaces

    def is_in(self, allowed: tuple[str, ...]) -> bool:
        """Whether an entry names the subject; ``*`` at the end of an entry stands for any rest."""
        text = str(self)
        return any(
            text.startswith(entry.removesuffix("*")) if entry.endswith("*") else text == entry for entry in allowed
        )


class ServiceAccountAnnotations(KubernetesStruct, frozen=True, kw_only=True):
    """The annotations that name the identity of a workload in Entra ID
    (https://learn.microsoft.com/azure/aks/workload-identity-overview); all others are dropped.
    """

    client_id: str = msgspec.field(name="azure.workload.identity/client-id", default="")
    tenant_id: str = msgspec.field(name="azure.workload.identity/tenant-id", default="")


class ServiceAccountMeta(ObjectMeta, frozen=True, kw_only=True):
    annotations: ServiceAccountAnnotations | None = None


class ServiceAccount(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ServiceAccount"
    metadata: ServiceAccountMeta = ServiceAccountMeta()
    automount_service_account_token: bool | None = None

    @property
    def client_id(self) -> str:
        """The client id of the identity that its pods are to act as, or an empty string."""
        return self.metadata.annotations.client_id if self.metadata.annotations else ""


class ClusterRoleBinding(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ClusterRoleBinding"
    role_ref: RoleRef = RoleRef()
    subjects: tuple[RbacSubject, ...] | None = None

    @property
    def is_to_cluster_admin(self) -> bool:
        return self.role_ref.kind == "ClusterRole" and self.role_ref.name == "cluster-admin"

    @property
    def is_bootstrapped(self) -> bool:
        """The default binding of cluster-admin, to which the API server adds what is missing, but removes nothing
        (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation).
        """
        return self.name == "cluster-admin" and self.metadata.label("kubernetes.io/bootstrapping") == "rbac-defaults"

    @property
    def is_of_aks(self) -> bool:
        """A binding with which AKS makes its administrators, kept as it is by the add-on manager."""
        names = ("aks-cluster-admin-binding", "aks-cluster-admin-binding-aad")
        return self.name in names and "addonmanager.kubernetes.io/mode" in (self.metadata.labels or {})

    @property
    def binds_people(self) -> bool:
        """Whether a subject is a user or group that is not one of Kubernetes itself."""
        return any(s.kind in ("User", "Group") and not s.name.startswith("system:") for s in self.subjects or ())


class RoleBinding(ClusterRoleBinding, frozen=True, kw_only=True):
    kind: ClassVar[str] = "RoleBinding"
