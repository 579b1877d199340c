"""Who mounts from a key vault, as whom, and what Azure Resource Manager tells of what is mounted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from akscan.model.azure import Key, KeyVersion, UserAssignedIdentity, VaultSecret
from akscan.model.cluster import Cluster
from akscan.model.gaps import NotCollected, untold
from akscan.model.kubernetes import SecretProviderClass, VaultObject
from akscan.model.needs import Need
from akscan.model.shared import ClusterIdentity, read_vault
from akscan.model.subject import Absent, SubjectRef, Unreadable
from akscan.model.text import ArmId, Token

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory


def stored(inventory: Inventory, vault_name: str, wanted: VaultObject) -> VaultSecret | Key:
    """An object of a vault. Raises `NotCollected` where ARM shows none: certificates, the secrets and keys that belong
    to them, and older versions of secrets (https://learn.microsoft.com/rest/api/keyvault/secrets).
    """
    vault = read_vault(inventory, vault_name).id
    found: VaultSecret | Key | None = None
    match wanted.type, bool(wanted.version):
        case "secret", False:
            found = inventory.find(VaultSecret, ArmId(f"{vault}/secrets/{wanted.name}"))
        case "key", False:
            found = inventory.find(Key, ArmId(f"{vault}/keys/{wanted.name}"))
        case "key", True:
            found = inventory.find(KeyVersion, ArmId(f"{vault}/keys/{wanted.name}/versions/{wanted.version}"))
    if found is None:
        need = Need.VAULT_SECRETS if wanted.type == "secret" else Need.VAULT_KEYS
        detail = f"Azure Resource Manager does not show {wanted}"
        raise NotCollected(untold("arm", vault, detail, need))
    return found


class VaultReader(ClusterIdentity):
    """An identity with which SecretProviderClasses of a cluster read vaults; one whose client id no identity that was
    read has stands under that id.
    """

    part = "vault-reader"

    def __init__(self, cluster: Cluster, client_id: str, identity: UserAssignedIdentity | None) -> None:
        super().__init__(cluster, identity.id if identity else ArmId())
        self.client_id = client_id
        self._identity = identity
        self.classes: list[SecretProviderClass] = []

    @property
    def ref(self) -> SubjectRef:
        if self._identity is not None:
            return super().ref
        above = self.cluster.ref.id
        name = self.client_id or "unnamed"
        return SubjectRef(id=f"{above}/identities/{self.part}/{name}", kind="identity", name=name, cluster=above)

    @classmethod
    def each(cls, inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        listing = cluster.lists.secret_provider_classes
        readers: dict[Token, Self] = {}
        for one in listing.items:
            if one.is_azure and one.namespace not in cluster.system_namespaces:
                own = Token(one.reader)
                if own not in readers:
                    readers[own] = cls(cluster, one.reader, inventory.federation.identity_with(own) if own else None)
                readers[own].classes.append(one)
        yield from readers.values()
        if listing.gap is not None:
            yield Unreadable(cluster, listing.gap)
        elif not readers:
            yield Absent(cluster, "nothing is mounted from a key vault")

    @property
    def is_of_addon(self) -> bool:
        """Whether an add-on of the cluster acts as it. Raises `NotCollected` where the cluster was not read."""
        return any(Token(one.client_id) == self.client_id for one in self.cluster.addon_identities.values())

    @property
    def by_vault(self) -> dict[str, list[str]]:
        """Names of vaults (in lower case) -> the SecretProviderClasses that read them with it."""
        found: dict[str, list[str]] = defaultdict(list)
        for one in self.classes:
            found[one.vault_name.casefold()].append(f"{one.namespace}/{one.name}")
        return found

    def object_id(self, inventory: Inventory) -> str:
        """The principal that roles and access policies name. Raises `NotCollected` where nobody knows."""
        if self._identity is None:
            inventory.require_complete(UserAssignedIdentity)
            said = f"no identity that was read has client id {self.client_id}" if self.client_id else "no client id"
            raise NotCollected(untold("arm", self.cluster.id, said, Need.USER_ASSIGNED_IDENTITIES))
        return str.__str__(self._identity.properties.principal_id)

    def placeholders(self) -> dict[str, str]:
        known = self._identity.properties.principal_id if self._identity else ""
        return {**self.cluster.placeholders(), "identity_object_id": str.__str__(Token(known))}
