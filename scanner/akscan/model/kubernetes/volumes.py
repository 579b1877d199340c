"""What pods mount, as far as it brings or needs secrets."""

from __future__ import annotations

from akscan.model.kubernetes.base import KubernetesStruct

#: https://learn.microsoft.com/azure/aks/csi-secrets-store-driver
SECRETS_STORE_DRIVER = "secrets-store.csi.k8s.io"


class NameReference(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""


class SecretVolume(KubernetesStruct, frozen=True, kw_only=True):
    secret_name: str = ""
    optional: bool | None = None


class SecretProjection(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""
    optional: bool | None = None


class VolumeProjection(KubernetesStruct, frozen=True, kw_only=True):
    secret: SecretProjection | None = None


class ProjectedVolume(KubernetesStruct, frozen=True, kw_only=True):
    sources: tuple[VolumeProjection, ...] | None = None


class CsiAttributes(KubernetesStruct, frozen=True, kw_only=True):
    """The attribute that names what the Secrets Store CSI driver mounts; all others are dropped."""

    secret_provider_class: str = ""


class CsiVolume(KubernetesStruct, frozen=True, kw_only=True):
    driver: str = ""
    volume_attributes: CsiAttributes | None = None
    node_publish_secret_ref: NameReference | None = None


class AzureFileVolume(KubernetesStruct, frozen=True, kw_only=True):
    secret_name: str = ""


class FlexVolume(KubernetesStruct, frozen=True, kw_only=True):
    secret_ref: NameReference | None = None


class ClaimSource(KubernetesStruct, frozen=True, kw_only=True):
    claim_name: str = ""


class EphemeralSource(KubernetesStruct, frozen=True, kw_only=True):
    """A claim that lives as long as its pod, named ``{pod}-{volume}``."""


class Volume(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""
    secret: SecretVolume | None = None
    projected: ProjectedVolume | None = None
    csi: CsiVolume | None = None
    azure_file: AzureFileVolume | None = None
    flex_volume: FlexVolume | None = None
    persistent_volume_claim: ClaimSource | None = None
    ephemeral: EphemeralSource | None = None

    @property
    def provider_class(self) -> str:
        """The SecretProviderClass that the Secrets Store CSI driver is to mount, or an empty string."""
        if self.csi is None or self.csi.driver != SECRETS_STORE_DRIVER:
            return ""
        return self.csi.volume_attributes.secret_provider_class if self.csi.volume_attributes else ""

    @property
    def driver_secrets(self) -> tuple[str, ...]:
        """The Secrets that a driver signs in with to mount it."""
        found = (
            self.csi.node_publish_secret_ref.name if self.csi and self.csi.node_publish_secret_ref else "",
            self.azure_file.secret_name if self.azure_file else "",
            self.flex_volume.secret_ref.name if self.flex_volume and self.flex_volume.secret_ref else "",
        )
        return tuple(name for name in found if name)


class VolumeMount(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""
    mount_path: str = ""
    sub_path: str = ""
    sub_path_expr: str = ""

    @property
    def is_copy(self) -> bool:
        """Whether it is a part of the volume, which is copied when the container starts and never renewed."""
        return bool(self.sub_path or self.sub_path_expr)
