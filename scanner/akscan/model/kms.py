"""The key with which a cluster encrypts what etcd holds
(https://learn.microsoft.com/azure/aks/kms-data-encryption-concepts).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from akscan.model.azure import AzureKeyVaultKms, Key, KeyVersion
from akscan.model.cluster import Cluster
from akscan.model.gaps import NotCollected, untold
from akscan.model.needs import Need
from akscan.model.shared import ClusterVault, VaultUse
from akscan.model.subject import Absent, Unreadable
from akscan.model.text import ArmId

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory


class KmsVault(ClusterVault):
    """A vault that holds the key of etcd of one or more clusters."""

    @classmethod
    def each(cls, inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        try:
            kms = _kms(cluster)
        except NotCollected as missing:
            yield Unreadable(cluster, missing.gap)
            return
        if kms is None:
            yield Absent(cluster, "etcd is not encrypted with a key of the customer")
            return
        name = kms.vault_name
        users = [other for other in inventory.clusters if _uses(other, name)]
        if users[0].id == cluster.id:
            yield cls(name, inventory.vault_named(name), tuple(VaultUse(user, "KMS") for user in users))

    def keys(self, inventory: Inventory) -> Iterator[tuple[Cluster, KmsKey]]:
        """Every cluster that uses it, and its key."""
        vault = self.resource(inventory)
        for use in self.users:
            kms = _kms(use.cluster)
            if kms is not None:
                yield use.cluster, KmsKey(kms, vault.id)

    def placeholders(self) -> dict[str, str]:
        cluster = self.users[0].cluster
        known = {**super().placeholders(), "control_plane_object_id": cluster.control_plane_object_id}
        kms = _kms(cluster)
        return {**known, "key": kms.key_name} if kms else known


class KmsKey:
    """The setting of one cluster, and the key that it names."""

    def __init__(self, kms: AzureKeyVaultKms, vault: ArmId) -> None:
        self.kms = kms
        self.id = ArmId(f"{vault}/keys/{kms.key_name}")

    @property
    def is_legacy(self) -> bool:
        """Whether the identifier holds a version."""
        return bool(self.kms.key_version)

    @property
    def is_public(self) -> bool:
        return self.kms.key_vault_network_access != "Private"

    def resource(self, inventory: Inventory) -> Key:
        """The key, in the legacy form the version of it. Raises `NotCollected` where it could not be read or is not
        there.
        """
        version = ArmId(f"{self.id}/versions/{self.kms.key_version}")
        found = inventory.find(KeyVersion, version) if self.is_legacy else inventory.find(Key, self.id)
        if found is None:
            raise NotCollected(
                untold(
                    "arm",
                    version if self.is_legacy else self.id,
                    "Azure Resource Manager does not know the key",
                    Need.VAULT_KEY_VERSIONS if self.is_legacy else Need.VAULT_KEYS,
                )
            )
        return found


def _kms(cluster: Cluster) -> AzureKeyVaultKms | None:
    """Its setting where a key of the customer is in use. Raises `NotCollected` where the cluster was not read."""
    kms = cluster.properties.security_profile.azure_key_vault_kms
    return kms if kms.enabled and kms.vault_name else None


def _uses(cluster: Cluster, vault_name: str) -> bool:
    try:
        kms = _kms(cluster)
    except NotCollected:
        return False
    return kms is not None and kms.vault_name.casefold() == vault_name.casefold()
