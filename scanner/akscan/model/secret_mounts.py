"""What workloads take from Secrets and from external stores, by cluster."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.kubernetes import PodSpec, Volume
from akscan.model.workloads import Workload

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume of a workload that the Secrets Store CSI driver fills."""

    workload: Workload
    volume: Volume

    @property
    def secret_ref(self) -> str:
        """The Secret with a service principal that the driver signs in with, or an empty string."""
        reference = self.volume.csi.node_publish_secret_ref if self.volume.csi else None
        return reference.name if reference else ""


class SecretMounts:
    """Who mounts which SecretProviderClass, and which Secrets there are."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @cached_property
    def _by_class(self) -> dict[tuple[str, str], list[Mount]]:
        found: dict[tuple[str, str], list[Mount]] = defaultdict(list)
        for workload in self._cluster.workload_set.items:
            mounts = {v: Mount(workload, v) for spec in workload.specs_read for v in spec.volumes or ()}
            for volume, mount in mounts.items():
                if volume.provider_class:
                    found[workload.namespace, volume.provider_class].append(mount)
        return found

    def of(self, namespace: str, name: str) -> tuple[Mount, ...]:
        """Who mounts a SecretProviderClass, as far as workloads were read."""
        return tuple(self._by_class.get((namespace, name), ()))

    def require(self) -> None:
        """Raises `NotCollected` where a workload that mounts something may be missing."""
        self._cluster.workload_set.complete()

    @cached_property
    def mounting_by_namespace(self) -> dict[str, int]:
        """Namespaces -> their workloads that mount a SecretProviderClass, as far as workloads were read."""
        workloads: dict[str, set[str]] = defaultdict(set)
        for (namespace, _), mounts in self._by_class.items():
            workloads[namespace].update(mount.workload.ref.id for mount in mounts)
        return {namespace: len(found) for namespace, found in workloads.items()}

    @cached_property
    def secrets(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of every Secret. Raises `NotCollected` where they could not be listed."""
        return frozenset((secret.namespace, secret.name) for secret in self._cluster.lists.secrets.complete())

    @cached_property
    def handmade(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of the Secrets that were made by hand. Raises `NotCollected` likewise."""
        return frozenset((secret.namespace, secret.name) for secret in self._cluster.handmade_secrets)

    def synced(self, namespace: str, spec: PodSpec) -> frozenset[str]:
        """The Secrets that the driver makes while pods of this spec run. Raises `NotCollected` where a class that they
        mount is not known.
        """
        names = {volume.provider_class for volume in spec.volumes or ()} - {""}
        found = (self._cluster.provider_classes.get((namespace, name)) for name in sorted(names)) if names else ()
        return frozenset().union(*(one.synced_secrets for one in found if one is not None))

    def pull_secrets(self, namespace: str, spec: PodSpec) -> tuple[str, ...]:
        """The Secrets with which pods of this spec pull images: their own, else those of their service account, which
        admission copies. Raises `NotCollected` where service accounts would tell and could not be listed.
        """
        if spec.image_pull_secrets:
            return tuple(reference.name for reference in spec.image_pull_secrets)
        account = self._cluster.service_accounts.get((namespace, spec.service_account_name or "default"))
        references = account.image_pull_secrets if account else None
        return tuple(reference.name for reference in references or ())
