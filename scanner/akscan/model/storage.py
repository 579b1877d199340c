"""What pods mount by claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from akscan.model.kubernetes import KubernetesLists, PersistentVolume, PersistentVolumeClaim, PodSpec, StorageClass


@dataclass(frozen=True, slots=True)
class Mount:
    """A claim that a pod mounts; ``volume`` is None for one that is not bound. ``is_on_node`` says that its data stand
    on the node, ``is_ephemeral`` that it lives and dies with the pod.
    """

    claim: PersistentVolumeClaim
    volume: PersistentVolume | None
    is_on_node: bool
    is_ephemeral: bool

    @property
    def is_exclusive_disk(self) -> bool:
        """Whether it is an Azure Disk, which has to leave one node before it comes to another."""
        return self.claim.is_exclusive and self.volume is not None and self.volume.is_azure_disk


class Storage:
    """Claims, volumes and classes of one cluster, indexed."""

    def __init__(self, lists: KubernetesLists) -> None:
        self._lists = lists

    @cached_property
    def _claims(self) -> dict[tuple[str, str], PersistentVolumeClaim]:
        return {(claim.namespace, claim.name): claim for claim in self._lists.persistent_volume_claims.items}

    @cached_property
    def _volumes(self) -> dict[str, PersistentVolume]:
        return {volume.name: volume for volume in self._lists.persistent_volumes.items}

    @cached_property
    def _classes(self) -> dict[str, StorageClass]:
        return {found.name: found for found in self._lists.storage_classes.items}

    def mounts(self, namespace: str, pod_name: str, spec: PodSpec) -> Iterator[Mount]:
        """What a pod mounts, in its order. Raises `NotCollected` at a claim, or at a volume, that could not be read."""
        for volume in spec.volumes or ():
            if volume.persistent_volume_claim:
                name = volume.persistent_volume_claim.claim_name
            elif volume.ephemeral and pod_name:
                name = f"{pod_name}-{volume.name}"
            else:
                continue
            claim = self._claims.get((namespace, name))
            if claim is None:
                self._lists.persistent_volume_claims.complete()
            else:
                yield self._mount(claim, is_ephemeral=volume.ephemeral is not None)

    def _mount(self, claim: PersistentVolumeClaim, *, is_ephemeral: bool) -> Mount:
        volume = self._volumes.get(claim.spec.volume_name)
        if volume is not None:
            return Mount(claim, volume, volume.is_on_node, is_ephemeral)
        # its class tells as well what a volume that could not be read, or is not there yet, stands on
        by_class = self._classes.get(claim.spec.storage_class_name or "")
        if by_class is not None and by_class.is_on_node:
            return Mount(claim, None, True, is_ephemeral)
        if claim.spec.volume_name:
            self._lists.persistent_volumes.complete()
        else:
            self._lists.storage_classes.complete()
        return Mount(claim, None, False, is_ephemeral)
