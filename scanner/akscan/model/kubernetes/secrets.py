"""Secrets and ConfigMaps without their values, and the stores beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import msgspec
from msgspec.structs import replace

from akscan.model.expander import EXPANDER_NAME, EXPANDER_NAMESPACE, ExpanderPriorities
from akscan.model.gaps import NotCollected, untold
from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct
from akscan.model.kubernetes.vault_objects import VaultObjects
from akscan.model.literals import Literal
from akscan.model.text import Token

_STORE_PREFIXES = (
    "secrets-store.csi.k8s.io/",
    "reconcile.external-secrets.io/",
    "secrets.hashicorp.com/",
    "cert-manager.io/",
)

#: What the Azure provider takes for true, letter case aside (https://pkg.go.dev/strconv#ParseBool).
_ON = ("1", "t", "true")


class Secret(KubernetesObject, frozen=True, kw_only=True):
    """A row of the Secrets table: metadata and type. No field of this struct can hold a value of the Secret."""

    kind: ClassVar[str] = "Secret"
    type: str = ""
    annotation_keys: tuple[str, ...] = ()
    #: of a token, the annotation kubernetes.io/service-account.name
    service_account: str = ""

    @property
    def is_service_account_token(self) -> bool:
        return self.type == "kubernetes.io/service-account-token"

    @property
    def is_handmade(self) -> bool:
        """Made by a person or a chart, as far as its type and marks tell; the namespace is the caller's to judge."""
        keys = (*(self.metadata.labels or {}), *self.annotation_keys)
        return (
            self.type in ("Opaque", "kubernetes.io/basic-auth", "kubernetes.io/ssh-auth")
            and not self.metadata.owner_references
            and not any(key.startswith(_STORE_PREFIXES) for key in keys)
        )


class ConfigMap(KubernetesObject, frozen=True, kw_only=True):
    """A ConfigMap; its values are classified and dropped. ``priorities`` is kept of the one that the priority expander
    reads.
    """

    kind: ClassVar[str] = "ConfigMap"
    data: dict[str, Literal] | None = None
    priorities: ExpanderPriorities | None = None

    @property
    def is_for_expander(self) -> bool:
        return (self.namespace, self.name) == (EXPANDER_NAMESPACE, EXPANDER_NAME)

    def with_priorities(self, item: Mapping[str, Any]) -> Self:
        """The same with what the expander reads, from the decoded JSON that it was made of."""
        return replace(self, priorities=ExpanderPriorities.of((item.get("data") or {}).get("priorities", "")))


class CsiDriver(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "CSIDriver"


class CustomResourceDefinition(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "CustomResourceDefinition"


class SecretProviderParameters(KubernetesStruct, frozen=True, kw_only=True):
    """Parameters of the Azure provider; all others are dropped
    (https://azure.github.io/secrets-store-csi-driver-provider-azure/docs/getting-started/usage/).
    """

    keyvault_name: str = ""
    client_id: str = msgspec.field(name="clientID", default="")
    user_assigned_identity_id: str = msgspec.field(name="userAssignedIdentityID", default="")
    use_vm_managed_identity: Token = msgspec.field(name="useVMManagedIdentity", default=Token())
    use_pod_identity: Token = Token()
    objects: VaultObjects = VaultObjects()

    @property
    def reads_as_node(self) -> bool:
        """Whether it reads as an identity of the node, whatever client id stands beside that."""
        return self.use_vm_managed_identity.strip().casefold() in _ON

    @property
    def reads_as_pod_identity(self) -> bool:
        """Whether it reads as a pod-managed identity, whatever client id stands beside that."""
        return self.use_pod_identity.strip().casefold() in _ON


class SecretObject(KubernetesStruct, frozen=True, kw_only=True):
    """A Secret that the driver makes of what it mounts."""

    secret_name: str = ""


class SecretProviderClassSpec(KubernetesStruct, frozen=True, kw_only=True):
    provider: str = ""
    parameters: SecretProviderParameters | None = None
    secret_objects: tuple[SecretObject, ...] | None = None


class SecretProviderClass(KubernetesObject, frozen=True, kw_only=True):
    """https://learn.microsoft.com/azure/aks/csi-secrets-store-driver"""

    kind: ClassVar[str] = "SecretProviderClass"
    spec: SecretProviderClassSpec = SecretProviderClassSpec()

    @property
    def is_azure(self) -> bool:
        return self.spec.provider == "azure"

    @property
    def azure_parameters(self) -> SecretProviderParameters:
        """What the Azure provider is told; nothing of a class of another provider."""
        return (self.spec.parameters if self.is_azure else None) or SecretProviderParameters()

    def require_objects(self) -> None:
        """Raises `NotCollected` where parameter objects does not tell what it mounts."""
        if not self.azure_parameters.objects.is_readable:
            scope, detail = f"{self.namespace}/{self.name}", "parameter objects is not what the provider documents"
            raise NotCollected(untold("kubernetes", scope, detail))

    @property
    def vault_name(self) -> str:
        """The Azure vault it mounts from; empty for another provider."""
        return self.azure_parameters.keyvault_name

    @property
    def client_id(self) -> str:
        """The client id of the workload identity with which it reads an Azure vault, or an empty string."""
        return self.azure_parameters.client_id

    @property
    def reader(self) -> str:
        """The client id as which it reads an Azure vault: of the identity of the node where it is told to use one, else
        of a workload identity; empty where the class does not tell.
        """
        parameters = self.azure_parameters
        if parameters.reads_as_pod_identity:
            return ""
        if parameters.reads_as_node:
            return parameters.user_assigned_identity_id
        return self.client_id or parameters.user_assigned_identity_id

    @property
    def is_of_addon(self) -> bool:
        """Whether the application routing add-on made it, which works with an identity of its own
        (https://learn.microsoft.com/azure/aks/app-routing-dns-ssl).
        """
        return any(
            o.kind in ("Ingress", "Gateway", "NginxIngressController") for o in self.metadata.owner_references or ()
        )

    @property
    def synced_secrets(self) -> frozenset[str]:
        """The Secrets that the driver makes while it is mounted."""
        return frozenset(found.secret_name for found in self.spec.secret_objects or ())
