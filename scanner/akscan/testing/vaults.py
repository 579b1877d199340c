"""Builders of what key vaults hold, and of the clusters whose etcd is encrypted with it."""

from __future__ import annotations

from typing import Any

from akscan.model import azure, kubernetes
from akscan.model.text import ArmId, Token
from akscan.testing.azure import GROUP, cluster, vault

_VAULTS = f"{GROUP}/providers/Microsoft.KeyVault/vaults"
#: 2026-11-22, the day of the test inventory, in seconds since 1970
TODAY = 1795316400
DAY = 86400


def vault_secret(
    name: str = "db", *, vault_name: str = "kv-test", enabled: bool = True, days: int | None = None
) -> azure.VaultSecret:
    """A secret of a vault, which ends in so many days."""
    return azure.VaultSecret(
        id=ArmId(f"{_VAULTS}/{vault_name}/secrets/{name}"),
        name=name,
        properties=azure.VaultSecretProperties(attributes=_attributes(enabled=enabled, days=days)),
    )


def vault_key(
    name: str = "etcd",
    version: str = "",
    *,
    vault_name: str = "kv-test",
    enabled: bool = True,
    days: int | None = None,
    rotates: bool = False,
) -> azure.Key:
    """A key of a vault, or a version of it, which ends in so many days."""
    action = azure.LifetimeAction(action=azure.RotationAction(type=Token("Rotate")))
    properties = azure.KeyProperties(
        attributes=_attributes(enabled=enabled, days=days),
        rotation_policy=azure.RotationPolicy(lifetime_actions=(action,) if rotates else ()),
    )
    whole = ArmId(f"{_VAULTS}/{vault_name}/keys/{name}")
    if version:
        return azure.KeyVersion(id=ArmId(f"{whole}/versions/{version}"), name=version, properties=properties)
    return azure.Key(id=whole, name=name, properties=properties)


def _attributes(*, enabled: bool, days: int | None) -> azure.ObjectAttributes:
    return azure.ObjectAttributes(enabled=enabled, exp=None if days is None else TODAY + days * DAY)


def kms_cluster(
    name: str = "aks",
    *,
    version: str = "",
    access: str = "Public",
    vault_name: str = "kv-test",
    by_id: bool = True,
    **fields: Any,
) -> azure.ManagedCluster:
    """A cluster whose etcd is encrypted with key ``etcd`` of a vault; with a version in the legacy form."""
    kms = azure.AzureKeyVaultKms(
        enabled=True,
        key_id=f"https://{vault_name}.vault.azure.net/keys/etcd" + (f"/{version}" if version else ""),
        key_vault_network_access=Token(access),
        key_vault_resource_id=vault(vault_name).id if by_id else ArmId(),
    )
    return cluster(name, security_profile=azure.SecurityProfile(azure_key_vault_kms=kms), **fields)


def csi_volume(
    provider_class: str, *, name: str = "store", driver: str = kubernetes.SECRETS_STORE_DRIVER, secret_ref: str = ""
) -> kubernetes.Volume:
    """A volume that the Secrets Store CSI driver fills from a SecretProviderClass."""
    return kubernetes.Volume(
        name=name,
        csi=kubernetes.CsiVolume(
            driver=driver,
            volume_attributes=kubernetes.CsiAttributes(secret_provider_class=provider_class),
            node_publish_secret_ref=kubernetes.NameReference(name=secret_ref) if secret_ref else None,
        ),
    )
