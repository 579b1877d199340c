"""What workloads take from Secrets and from external stores, by cluster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.kubernetes import Listing, PodSpec, Secret, SecretHolder, Volume, secret_uses
from akscan.model.workloads import Workload

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster

#: The lists of objects beside pods and service accounts that name Secrets.
HOLDERS = (
    "ingresses",
    "persistent_volumes",
    "storage_classes",
    "gateways",
    "trigger_authentications",
    "cluster_trigger_authentications",
    "git_repositories",
    "helm_repositories",
    "kustomizations",
    "helm_releases",
    "issuers",
    "cluster_issuers",
    "secret_stores",
    "cluster_secret_stores",
)


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

    @cached_property
    def _names_used(self) -> tuple[dict[str, set[str]], set[str]]:
        """The names of Secrets that the objects of a namespace hold, and those that objects without one hold."""
        found: dict[str, set[str]] = defaultdict(set)
        for workload in self._cluster.workload_set.items:
            for spec in workload.specs_read:
                found[workload.namespace].update(_named_by(spec))
        for account in self._cluster.lists.service_accounts.items:
            references = (*(account.image_pull_secrets or ()), *(account.secrets or ()))
            found[account.namespace].update(reference.name for reference in references)
        everywhere: set[str] = set()
        for field in HOLDERS:
            holders: Listing[SecretHolder] = getattr(self._cluster.lists, field)
            for holder in holders.items:
                # what names a Secret of another namespace names it all the same
                everywhere.update(holder.secret_names)
        return found, everywhere

    def is_used(self, secret: Secret) -> bool:
        """Whether something that was read names a Secret; for proving a pass, never for proving a failure."""
        found, everywhere = self._names_used
        return secret.name in found.get(secret.namespace, ()) or secret.name in everywhere

    def require_users(self) -> None:
        """Raises `NotCollected` where something that names Secrets may be missing."""
        self._cluster.workload_set.complete()
        for field in ("service_accounts", *HOLDERS):
            getattr(self._cluster.lists, field).complete()


def _named_by(spec: PodSpec) -> Iterator[str]:
    yield from (use.name for use in secret_uses(spec, spec.all_containers))
    yield from (reference.name for reference in spec.image_pull_secrets or ())
    yield from (name for volume in spec.volumes or () for name in volume.driver_secrets)
