"""What rules are asked about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import msgspec

from akscan.model.gaps import Gap

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.inventory import Inventory


class SubjectRef(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """How a subject is named in results: ``id`` is an ARM id in lower case or stands below the ARM id of its
    cluster.
    """

    id: str
    kind: str
    name: str
    cluster: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Subjects of a cluster that could not be enumerated."""

    cluster: Cluster
    gap: Gap


@dataclass(frozen=True, slots=True)
class Absent:
    """A cluster that has no such subject, and why the question does not arise for it."""

    cluster: Cluster
    why: str


class Subject(ABC):
    """Something that a rule judges; the first annotation of a rule names its class.

    Subjects of a cluster are judged while the cluster's Kubernetes objects are at hand; `fleet_wide` ones afterwards,
    once for all clusters, when only what `Cluster.residue` keeps is left of Kubernetes.
    """

    fleet_wide: ClassVar[bool] = False

    @property
    @abstractmethod
    def ref(self) -> SubjectRef:
        """Its name in results."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The Kubernetes labels by which a waiver may select it."""
        return {}

    @property
    def background(self) -> Mapping[str, str]:
        """What every finding on it tells, beside its own evidence."""
        return {}

    @property
    def end(self) -> str:
        """How it has come to its end, where it has: then only rules on what its object holds are asked about it."""
        return ""

    @classmethod
    @abstractmethod
    def each(cls, inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        """The subjects of one cluster (of a fleet-wide kind: those that this cluster is the first to have)."""

    @abstractmethod
    def placeholders(self) -> dict[str, str]:
        """What fills the placeholders of a fix for this subject."""
