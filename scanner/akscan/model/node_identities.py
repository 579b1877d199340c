"""The identities that sit on the nodes, where every pod may ask for their tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from akscan.model.assignments import EffectiveAssignment
from akscan.model.azure import AccessPolicy, IdentityReference, Vault
from akscan.model.cluster import Cluster
from akscan.model.gaps import Gap, NotCollected
from akscan.model.shared import ClusterIdentity, KubeletIdentity
from akscan.model.subject import Absent, SubjectRef, Unreadable

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory


class AddonIdentity(ClusterIdentity):
    """The identity of an add-on that is on."""

    part = "addon"

    def __init__(self, cluster: Cluster, addon: str, identity: IdentityReference) -> None:
        super().__init__(cluster, identity.resource_id)
        self.addon = addon
        self.object_id = str.__str__(identity.object_id)

    @property
    def ref(self) -> SubjectRef:
        own = self.cluster.ref
        return SubjectRef(
            id=f"{own.id}/identities/addon/{self.addon.casefold()}", kind="identity", name=self.addon, cluster=own.id
        )

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        try:
            found = cluster.addon_identities
        except NotCollected as missing:
            yield Unreadable(cluster, missing.gap)
            return
        if not found:
            yield Absent(cluster, "no add-on has an identity")
        for addon in sorted(found):
            yield cls(cluster, addon, found[addon])

    def placeholders(self) -> dict[str, str]:
        return {**super().placeholders(), "addon_object_id": self.object_id}


@dataclass(frozen=True, slots=True)
class Borrowable:
    """What a node identity may do beyond pulling images."""

    name: str
    assignments: tuple[EffectiveAssignment, ...]
    policies: tuple[tuple[Vault, AccessPolicy], ...]


def borrowable(cluster: Cluster, inventory: Inventory) -> tuple[tuple[Borrowable, ...], Gap | None]:
    """The node identities with rights beyond pulling images, as far as was read, and what may hide more. Raises
    `NotCollected` where the cluster does not say which identities sit on its nodes.
    """
    principals = {name: str.__str__(identity.object_id) for name, identity in cluster.addon_identities.items()}
    if not cluster.uses_service_principal:
        principals["kubelet"] = KubeletIdentity(cluster, KubeletIdentity.of(cluster)).object_id
    found, gaps = [], []
    for name, principal in sorted(principals.items()):
        rights = []
        for held in inventory.known_assignments(principal):
            try:
                if not held.only_pulls():
                    rights.append(held)
            except NotCollected as missing:
                gaps.append(missing.gap)
        policies = inventory.known_access_policies(principal)
        if rights or policies:
            found.append(Borrowable(name, tuple(rights), policies))
        try:
            inventory.require_assignments(principal)
            inventory.require_complete(Vault)
        except NotCollected as missing:
            gaps.append(missing.gap)
    return tuple(found), gaps[0] if gaps else None
