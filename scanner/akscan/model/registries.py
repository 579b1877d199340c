"""Registries that clusters pull from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from akscan.model.azure import ContainerRegistry
from akscan.model.cluster import Cluster, is_azure_registry
from akscan.model.gaps import Gap, NotCollected, untold
from akscan.model.needs import Need
from akscan.model.roles import RoleAssignment
from akscan.model.subject import Absent, Subject, SubjectRef, Unreadable
from akscan.model.text import Token

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory

#: Roles that tie a registry to a cluster when its kubelet holds them: AcrPull, Container Registry Repository Reader.
_TYING_ROLES = (Token("7f951dda-4ed3-4680-a7ca-43fe172d538d"), Token("b93aa761-3e63-49ed-ac28-beffa264f7ac"))


@dataclass(frozen=True, slots=True)
class RegistryUse:
    """A cluster and what ties it to a registry: an image, a right of its kubelet, or that nodes are made from it."""

    cluster: Cluster
    by: str

    def __str__(self) -> str:
        return f"{self.cluster.name}: {self.by}"


class Registries:
    """The registries that were read, and which clusters in scope pull from which."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    @cached_property
    def _by_server(self) -> dict[Token, ContainerRegistry]:
        return {registry.properties.login_server: registry for registry in self._inventory.known(ContainerRegistry)}

    def at(self, host: str) -> ContainerRegistry | None:
        """The registry with that login server among those that were read."""
        return self._by_server.get(Token(host))

    def uses_of(self, cluster: Cluster) -> tuple[dict[str, list[RegistryUse]], tuple[Gap, ...]]:
        """Registries of one cluster by login server, as far as was read, and what may hide more."""
        found: dict[str, list[RegistryUse]] = defaultdict(list)
        gaps: list[Gap] = []
        for host in sorted(cluster.image_hosts.hosts):
            if self.at(host) or is_azure_registry(host):
                found[host].append(RegistryUse(cluster, "image of a pod"))
        for part in (self._bootstrap(cluster), self._in_reach(cluster)):
            try:
                for registry, by in part:
                    found[registry.properties.login_server.casefold()].append(RegistryUse(cluster, by))
            except NotCollected as missing:
                gaps.append(missing.gap)
        if cluster.image_hosts.gap is not None:
            gaps.append(cluster.image_hosts.gap)
        return found, tuple(gaps)

    def _bootstrap(self, cluster: Cluster) -> Iterator[tuple[ContainerRegistry, str]]:
        named = cluster.properties.bootstrap_profile.container_registry_id
        registry = self._inventory.find(ContainerRegistry, named) if named else None
        if registry is not None:
            yield registry, "bootstrapProfile.containerRegistryId"

    def _in_reach(self, cluster: Cluster) -> Iterator[tuple[ContainerRegistry, str]]:
        kubelet = cluster.kubelet_identity
        principal = kubelet.object_id if kubelet else ""
        if not principal:
            return
        for held in self._inventory.known_assignments(principal):
            if held.assignment.role_guid in _TYING_ROLES:
                for registry in self._below(held.assignment):
                    yield registry, f"role of the kubelet identity on {held.scope}"
        self._inventory.require_assignments(principal)

    def _below(self, assignment: RoleAssignment) -> Iterable[ContainerRegistry]:
        scope = assignment.properties.scope
        if scope == scope.group:
            return self._inventory.known_in_group(ContainerRegistry, scope)
        if assignment.is_broad:
            return (r for r in self._inventory.known(ContainerRegistry) if assignment.reaches(r.id))
        registry = self._inventory.find(ContainerRegistry, scope) if scope.type == ContainerRegistry.arm_type else None
        return (registry,) if registry else ()

    @cached_property
    def users(self) -> dict[str, list[RegistryUse]]:
        """Login servers -> who pulls from them; for fleet-wide subjects, when only the residue of Kubernetes is left.
        Every cluster is asked once.
        """
        found: dict[str, list[RegistryUse]] = defaultdict(list)
        for cluster in self._inventory.clusters:
            for host, uses in self.uses_of(cluster)[0].items():
                found[host] += uses
        return found


class ClusterRegistry(Subject):
    """A registry that clusters pull from, judged once for all of them; one that was not read stands under its host."""

    fleet_wide = True

    def __init__(self, host: str, registry: ContainerRegistry | None, uses: tuple[RegistryUse, ...]) -> None:
        self.host = host
        self.registry = registry
        self.uses = uses

    @property
    def ref(self) -> SubjectRef:
        first = self.uses[0].cluster.ref.id
        return SubjectRef(
            id=self.registry.id.casefold() if self.registry else f"{first}/registries/{self.host}",
            kind="registry",
            name=self.registry.name if self.registry else self.host,
            cluster=first,
        )

    @classmethod
    def each(cls, inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        registries = inventory.registries
        own, gaps = registries.uses_of(cluster)
        for host in sorted(own):
            uses = registries.users[host]
            if uses[0].cluster.id == cluster.id:
                yield cls(host, registries.at(host), tuple(uses))
        if gaps:
            yield Unreadable(cluster, gaps[0])
        elif not own:
            yield Absent(cluster, "the cluster pulls from no Azure registry")

    def placeholders(self) -> dict[str, str]:
        known = {**self.uses[0].cluster.placeholders(), "registry": self.host.partition(".")[0]}
        if self.registry:
            known |= {"registry": self.registry.name, "registry_id": str(self.registry.id)}
            known["resource_group"] = self.registry.id.resource_group
        return known

    def resource(self, inventory: Inventory) -> ContainerRegistry:
        """The registry itself. Raises `NotCollected` where it is in no subscription that was read."""
        return self.registry or read_registry(inventory, self.host)


def read_registry(inventory: Inventory, host: str) -> ContainerRegistry:
    """The registry behind a host. Raises `NotCollected` where it is in no subscription that was read."""
    found = inventory.registries.at(host)
    if found is None:
        inventory.require_complete(ContainerRegistry)
        raise NotCollected(untold("arm", host, "no subscription that was read holds this registry", Need.REGISTRIES))
    return found
