"""Claims, the volumes they are bound to, and the classes that make these."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct
from akscan.model.kubernetes.secret_holders import SecretHolder, SecretParameters
from akscan.model.kubernetes.volumes import AzureFileVolume, NameReference
from akscan.model.selectors import NodeSelector

_ZONE_LABELS = ("topology.disk.csi.azure.com/zone", "topology.kubernetes.io/zone")
#: Azure Container Storage on the disks of the node.
_LOCAL_DRIVER = "localdisk.csi.acstor.io"


class ClaimSpec(KubernetesStruct, frozen=True, kw_only=True):
    access_modes: tuple[str, ...] | None = None
    volume_name: str = ""
    storage_class_name: str | None = None


class PersistentVolumeClaim(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "PersistentVolumeClaim"
    spec: ClaimSpec = ClaimSpec()

    @property
    def is_exclusive(self) -> bool:
        """Whether one node, or one pod, at a time has the volume."""
        return not {"ReadWriteOnce", "ReadWriteOncePod"}.isdisjoint(self.spec.access_modes or ())


class CsiVolumeSource(KubernetesStruct, frozen=True, kw_only=True):
    """Of the attributes of the volume nothing is kept; they may hold secrets."""

    driver: str = ""
    controller_publish_secret_ref: NameReference | None = None
    controller_expand_secret_ref: NameReference | None = None
    node_stage_secret_ref: NameReference | None = None
    node_publish_secret_ref: NameReference | None = None
    node_expand_secret_ref: NameReference | None = None

    @property
    def secret_names(self) -> frozenset[str]:
        """Those with which the driver signs in."""
        references = (
            self.controller_publish_secret_ref,
            self.controller_expand_secret_ref,
            self.node_stage_secret_ref,
            self.node_publish_secret_ref,
            self.node_expand_secret_ref,
        )
        return frozenset(reference.name for reference in references if reference is not None)


class SomeSource(KubernetesStruct, frozen=True, kw_only=True):
    """A source of which only matters that it is there."""


class VolumeNodeAffinity(KubernetesStruct, frozen=True, kw_only=True):
    required: NodeSelector | None = None


class VolumeSpec(KubernetesStruct, frozen=True, kw_only=True):
    capacity: dict[str, str | int | float] | None = None
    csi: CsiVolumeSource | None = None
    #: the source before CSI, which the driver of CSI serves as well
    azure_disk: SomeSource | None = None
    azure_file: AzureFileVolume | None = None
    local: SomeSource | None = None
    host_path: SomeSource | None = None
    storage_class_name: str = ""
    node_affinity: VolumeNodeAffinity | None = None


class PersistentVolume(SecretHolder, frozen=True, kw_only=True):
    kind: ClassVar[str] = "PersistentVolume"
    spec: VolumeSpec = VolumeSpec()

    @property
    def secret_names(self) -> frozenset[str]:
        """Those with which its driver signs in."""
        named = self.spec.csi.secret_names if self.spec.csi else frozenset[str]()
        return named | {self.spec.azure_file.secret_name} if self.spec.azure_file else named

    @property
    def driver(self) -> str:
        return self.spec.csi.driver if self.spec.csi else ""

    @property
    def is_azure_disk(self) -> bool:
        return self.driver == "disk.csi.azure.com" or self.spec.azure_disk is not None

    @property
    def is_on_node(self) -> bool:
        """Whether its data stand on the node itself, as far as the volume tells."""
        return self.spec.local is not None or self.spec.host_path is not None or self.driver == _LOCAL_DRIVER

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones it is pinned to; empty for one that is not."""
        required = self.spec.node_affinity.required if self.spec.node_affinity else None
        expressions = (e for t in (required.node_selector_terms if required else ()) for e in t.match_expressions or ())
        found = {v for e in expressions if e.key in _ZONE_LABELS and e.operator == "In" for v in e.values or () if v}
        return tuple(sorted(found))

    @property
    def size(self) -> str:
        return str((self.spec.capacity or {}).get("storage", ""))


class StorageClass(SecretHolder, frozen=True, kw_only=True):
    kind: ClassVar[str] = "StorageClass"
    provisioner: str = ""
    parameters: SecretParameters | None = None

    @property
    def secret_names(self) -> frozenset[str]:
        """Those that its driver is told of."""
        return self.parameters.each if self.parameters else frozenset()

    @property
    def is_on_node(self) -> bool:
        """Whether it makes volumes on the disks of the node."""
        return self.provisioner == _LOCAL_DRIVER
