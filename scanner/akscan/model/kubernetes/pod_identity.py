"""aadpodidentity.k8s.io/v1: the retired pod-managed identity (https://azure.github.io/aad-pod-identity/docs/)."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct


class AzureIdentity(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "AzureIdentity"


class AzureIdentityBindingSpec(KubernetesStruct, frozen=True, kw_only=True):
    azure_identity: str = ""
    selector: str = ""


class AzureIdentityBinding(KubernetesObject, frozen=True, kw_only=True):
    """``selector`` is the value of the label ``aadpodidbinding`` of the pods that get the identity."""

    kind: ClassVar[str] = "AzureIdentityBinding"
    spec: AzureIdentityBindingSpec = AzureIdentityBindingSpec()
