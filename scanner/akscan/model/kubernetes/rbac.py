"""Kubernetes RBAC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct, ObjectMeta
from akscan.model.kubernetes.volumes import NameReference
from akscan.model.selectors import LabelSelector


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asks of the API server: a verb on a resource (``pods/exec`` for a subresource) of a group, or on a
    path that is no resource. Without a namespace it asks cluster-wide, without a name for every object.
    """

    verb: str
    resource: str = ""
    group: str = ""
    namespace: str = ""
    name: str = ""
    url: str = ""


class PolicyRule(KubernetesStruct, frozen=True, kw_only=True):
    """A rule of a role (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#role-and-clusterrole)."""

    verbs: tuple[str, ...] | None = None
    api_groups: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    resource_names: tuple[str, ...] | None = None
    non_resource_urls: tuple[str, ...] | None = msgspec.field(name="nonResourceURLs", default=None)

    def allows(self, request: Request) -> bool:
        """Whether the rule grants the request, wherever it is bound
        (https://github.com/kubernetes/kubernetes/blob/master/plugin/pkg/auth/authorizer/rbac/rbac.go).
        """
        if not self.has_verb(request.verb):
            return False
        if request.url:
            return any(_covers_path(pattern, request.url) for pattern in self.non_resource_urls or ())
        return (
            self.has_group(request.group)
            and self.has_resource(request.resource)
            and (not self.resource_names or request.name in self.resource_names)
        )

    def has_verb(self, *verbs: str) -> bool:
        """Whether one of the verbs is granted."""
        own = self.verbs or ()
        return "*" in own or any(verb in own for verb in verbs)

    def has_group(self, *groups: str) -> bool:
        """Whether resources of one of the groups are meant."""
        own = self.api_groups or ()
        return "*" in own or any(group in own for group in groups)

    def has_resource(self, *resources: str) -> bool:
        """Whether one of the resources is meant; ``*/status`` means that subresource of every resource."""
        own = self.resources or ()
        return "*" in own or any(
            resource in own or ("/" in resource and f"*/{resource.partition('/')[2]}" in own) for resource in resources
        )

    def __str__(self) -> str:
        parts = [
            f"verbs [{', '.join(self.verbs or ())}]",
            f"apiGroups [{', '.join(group or repr(group) for group in self.api_groups)}]" if self.api_groups else "",
            f"resources [{', '.join(self.resources)}]" if self.resources else "",
            f"resourceNames [{', '.join(self.resource_names)}]" if self.resource_names else "",
            f"nonResourceURLs [{', '.join(self.non_resource_urls)}]" if self.non_resource_urls else "",
        ]
        return " ".join(part for part in parts if part)


#: The default ClusterRoles for people; all others are named system:*
#: (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles).
_DEFAULT_ROLES = frozenset({"cluster-admin", "admin", "edit", "view"})


class AggregationRule(KubernetesStruct, frozen=True, kw_only=True):
    """Which ClusterRoles' rules the control plane copies into a ClusterRole."""

    cluster_role_selectors: tuple[LabelSelector, ...] | None = None


class Role(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Role"
    rules: tuple[PolicyRule, ...] | None = None

    @property
    def is_of_platform(self) -> bool:
        """Whether it comes with Kubernetes or AKS, as far as its name tells; what a mark tells hangs on its
        namespace.
        """
        return self.name.startswith("system:")

    @property
    def is_for_people(self) -> bool:
        """Whether Kubernetes makes it for people to hold, or as a part of such a role."""
        return False


class ClusterRole(Role, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ClusterRole"
    aggregation_rule: AggregationRule | None = None

    @property
    def is_default(self) -> bool:
        """Whether Kubernetes itself makes it; the label alone does not tell, since anybody can set it."""
        return self.metadata.is_bootstrapped and (self.name in _DEFAULT_ROLES or self.name.startswith("system:"))

    @property
    def is_for_people(self) -> bool:
        """Whether Kubernetes makes it for people to hold, or as a part of such a role."""
        return self.is_default and (self.name in _DEFAULT_ROLES or self.name.startswith("system:aggregate-to-"))

    @property
    def is_of_platform(self) -> bool:
        """Whether it comes with Kubernetes or AKS."""
        return self.is_default or self.metadata.is_marked_by_aks or self.name.startswith("system:")

    @property
    def selectors(self) -> tuple[LabelSelector, ...]:
        """What its aggregation rule selects."""
        return (self.aggregation_rule.cluster_role_selectors or ()) if self.aggregation_rule else ()


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


def _covers_path(pattern: str, path: str) -> bool:
    """A path itself, or with ``*`` at its end whatever begins like it."""
    return path.startswith(pattern.rstrip("*")) if pattern.endswith("*") else path == pattern


_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class RbacSubject(KubernetesStruct, frozen=True, kw_only=True):
    kind: str = ""
    name: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        """In the form that parameters take: ``User:name``, ``Group:name``, ``ServiceAccount:namespace/name``."""
        return (
            f"{self.kind}:{self.namespace}/{self.name}" if self.kind == "ServiceAccount" else f"{self.kind}:{self.name}"
        )

    @property
    def identity(self) -> str:
        """As whom the API server knows it: ``User:name`` or ``Group:name``; a service account is a user."""
        if self.kind == "ServiceAccount":
            return f"User:system:serviceaccount:{self.namespace}:{self.name}"
        return f"{self.kind}:{self.name}"

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

    @property
    def is_misnamed_group(self) -> bool:
        """Whether it is a group by a name that nobody has who signs in with Microsoft Entra ID, which knows groups by
        object id; those of other issuers begin with ``aks:jwt:``
        (https://learn.microsoft.com/azure/aks/kubernetes-rbac-entra-id).
        """
        known = self.name.startswith(("system:", "aks:jwt:")) or _GUID.fullmatch(self.name)
        return self.kind == "Group" and not known

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
    image_pull_secrets: tuple[NameReference, ...] | None = None
    secrets: tuple[NameReference, ...] | None = None

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
        """The default binding of cluster-admin, to which the API server adds what is missing, but removes nothing."""
        return self.name == "cluster-admin" and self.metadata.is_bootstrapped

    @property
    def is_of_aks(self) -> bool:
        """A binding with which AKS makes its administrators, kept as it is by the add-on manager."""
        names = ("aks-cluster-admin-binding", "aks-cluster-admin-binding-aad")
        return self.name in names and "addonmanager.kubernetes.io/mode" in (self.metadata.labels or {})

    @property
    def holders(self) -> tuple[RbacSubject, ...]:
        """Its subjects; a service account without a namespace is one of the binding's own."""
        return tuple(
            s if s.namespace or s.kind != "ServiceAccount" else msgspec.structs.replace(s, namespace=self.namespace)
            for s in self.subjects or ()
        )

    @property
    def people(self) -> tuple[RbacSubject, ...]:
        """Its users and groups that are not those of Kubernetes itself."""
        own = (s for s in self.subjects or () if s.kind in ("User", "Group"))
        return tuple(s for s in own if not s.name.startswith("system:"))

    @property
    def binds_people(self) -> bool:
        """Whether a subject is a user or group that is not one of Kubernetes itself."""
        return bool(self.people)


class RoleBinding(ClusterRoleBinding, frozen=True, kw_only=True):
    kind: ClassVar[str] = "RoleBinding"
