"""Secrets and ConfigMaps without their values, and the stores beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import msgspec
from msgspec.structs import replace

from akscan.model.expander import EXPANDER_NAME, EXPANDER_NAMESPACE, ExpanderPriorities
from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct
from akscan.model.literals import Literal

_STORE_PREFIXES = (
    "secrets-store.csi.k8s.io/",
    "reconcile.external-secrets.io/",
    "secrets.hashicorp.com/",
    "cert-manager.io/",
)


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
    keyvault_name: str = ""
    client_id: str = msgspec.field(name="clientID", default="")


class SecretProviderClassSpec(KubernetesStruct, frozen=True, kw_only=True):
    provider: str = ""
    parameters: SecretProviderParameters | None = None


class SecretProviderClass(KubernetesObject, frozen=True, kw_only=True):
    """https://learn.microsoft.com/azure/aks/csi-secrets-store-driver"""

    kind: ClassVar[str] = "SecretProviderClass"
    spec: SecretProviderClassSpec = SecretProviderClassSpec()

    @property
    def vault_name(self) -> str:
        """The Azure vault it mounts from; empty for another provider."""
        return self._parameters.keyvault_name

    @property
    def client_id(self) -> str:
        """The client id of the workload identity with which it reads an Azure vault, or an empty string."""
        return self._parameters.client_id

    @property
    def _parameters(self) -> SecretProviderParameters:
        parameters = self.spec.parameters if self.spec.provider == "azure" else None
        return parameters or SecretProviderParameters()
