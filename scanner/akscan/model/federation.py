"""Identities that pods can become: by federated credentials, and by identity bindings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Self

from akscan.model.azure import (
    FederatedCredential,
    IdentityBinding,
    ManagedCluster,
    UserAssignedIdentity,
    beside_nodes,
)
from akscan.model.cluster import Cluster
from akscan.model.gaps import Gap, NotCollected
from akscan.model.shared import ClusterIdentity, no_principal
from akscan.model.subject import Absent, Unreadable
from akscan.model.text import ArmId, Token

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory

#: The credential that AKS keeps for identity bindings (https://learn.microsoft.com/azure/aks/identity-bindings).
_OF_BINDINGS = "aks-identity-binding"


class Federation:
    """Who trusts which cluster, as far as was read, and what may hide more."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    @cached_property
    def _by_issuer(self) -> dict[str, dict[ArmId, list[FederatedCredential]]]:
        found: dict[str, dict[ArmId, list[FederatedCredential]]] = defaultdict(lambda: defaultdict(list))
        for credential in self._inventory.known(FederatedCredential):
            found[credential.properties.issuer.rstrip("/")][credential.id.parent].append(credential)
        return found

    @cached_property
    def _by_client(self) -> dict[Token, UserAssignedIdentity]:
        known = self._inventory.known(UserAssignedIdentity)
        return {Token(identity.properties.client_id): identity for identity in known if identity.properties.client_id}

    def identity_with(self, client_id: str) -> UserAssignedIdentity | None:
        """The identity of that client id among those that were read."""
        return self._by_client.get(Token(client_id))

    def credentials(self, cluster: Cluster) -> dict[ArmId, list[FederatedCredential]]:
        """Identities -> their credentials that trust the cluster's tokens, those that AKS keeps aside."""
        trusting = self._by_issuer.get(cluster.issuer, {}) if cluster.issuer else {}
        own = {identity: [c for c in found if c.name != _OF_BINDINGS] for identity, found in trusting.items()}
        return {identity: found for identity, found in own.items() if found}

    def bindings(self, cluster: Cluster) -> dict[ArmId, list[IdentityBinding]]:
        """Identities -> the bindings of the cluster that hand them out."""
        found: dict[ArmId, list[IdentityBinding]] = defaultdict(list)
        for binding in self._inventory.known_within(IdentityBinding, cluster.id):
            if identity := binding.properties.managed_identity.resource_id:
                found[identity].append(binding)
        return found

    @cached_property
    def gap(self) -> Gap | None:
        """What may hide a federated credential: identities, or the credentials of one that sits on no node."""
        inventory = self._inventory
        try:
            inventory.require_complete(UserAssignedIdentity)
            inventory.require_no_gap(FederatedCredential)
            known = (identity.id for identity in inventory.known(UserAssignedIdentity))
            for identity in beside_nodes(known, inventory.known(ManagedCluster)):
                inventory.within(FederatedCredential, identity)
        except NotCollected as missing:
            return missing.gap
        return None


class FederatedIdentity(ClusterIdentity):
    """A user-assigned identity that pods of a cluster can become."""

    part = "federated"

    def __init__(
        self,
        cluster: Cluster,
        resource_id: ArmId,
        credentials: tuple[FederatedCredential, ...],
        bindings: tuple[IdentityBinding, ...],
    ) -> None:
        super().__init__(cluster, resource_id)
        self.credentials = credentials
        self.bindings = bindings

    @classmethod
    def each(cls, inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        federation = inventory.federation
        try:
            issuer = cluster.issuer
            credentials, bindings = federation.credentials(cluster), federation.bindings(cluster)
        except NotCollected as missing:
            yield Unreadable(cluster, missing.gap)
            return
        found = sorted({*credentials, *bindings})
        for identity in found:
            yield cls(cluster, identity, tuple(credentials.get(identity, ())), tuple(bindings.get(identity, ())))
        gap = cls._gap(inventory, cluster) if issuer else None
        if gap is not None:
            yield Unreadable(cluster, gap)
        elif not found:
            yield Absent(cluster, "no identity of the inventory is federated with the cluster")

    @staticmethod
    def _gap(inventory: Inventory, cluster: Cluster) -> Gap | None:
        try:
            inventory.within(IdentityBinding, cluster.id)
        except NotCollected as missing:
            return missing.gap
        return inventory.federation.gap

    def object_id(self, inventory: Inventory) -> str:
        """The principal that role assignments name. Raises `NotCollected` where the identity was not read."""
        bound = (binding.properties.managed_identity.object_id for binding in self.bindings)
        identity = inventory.find(UserAssignedIdentity, self.resource_id)
        found = identity.properties.principal_id if identity else next((one for one in bound if one), "")
        if not found:
            raise no_principal(self.resource_id, "no principal is known of the identity")
        return str.__str__(found)

    @property
    def service_accounts(self) -> tuple[str, ...]:
        """The subjects of the credentials, and what bindings name."""
        return (
            *(credential.properties.subject for credential in self.credentials),
            *(f"identityBindings/{binding.name}" for binding in self.bindings),
        )

    def placeholders(self) -> dict[str, str]:
        own = {"identity": self.resource_id.name, "resource_group": self.resource_id.resource_group}
        return {**super().placeholders(), **own}
