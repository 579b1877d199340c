"""Namespaces that rules judge as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Self

from akscan.model.cluster import Cluster
from akscan.model.instance_metadata import OpenPods
from akscan.model.subject import Absent, Subject, SubjectRef, Unreadable

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory


class ApplicationNamespace(Subject):
    """A namespace of users in which a pod runs or is about to."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name

    @property
    def ref(self) -> SubjectRef:
        above = self.cluster.ref.id
        return SubjectRef(
            id=f"{above}/namespaces/{self.name}", kind="namespace", name=self.name, cluster=above, namespace=self.name
        )

    @property
    def labels(self) -> Mapping[str, str]:
        """None where namespaces could not be listed: then no waiver selects it by a label."""
        return self.cluster.labels_read_by_namespace.get(self.name, {})

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        found = [
            name
            for name, pods in sorted(cluster.pods_read_by_namespace.items())
            if name not in cluster.system_namespaces and any(pod.is_active for pod in pods)
        ]
        for name in found:
            yield cls(cluster, name)
        if cluster.lists.pods.gap is not None:
            yield Unreadable(cluster, cluster.lists.pods.gap)
        elif not found:
            yield Absent(cluster, "no namespace of users holds a pod")

    def placeholders(self) -> dict[str, str]:
        return {**self.cluster.placeholders(), "namespace": self.name, "name": self.name}

    @property
    def pods_with_metadata_access(self) -> OpenPods:
        """Its running pods that can reach the instance metadata service."""
        return self.cluster.metadata_access.of(self.name)
