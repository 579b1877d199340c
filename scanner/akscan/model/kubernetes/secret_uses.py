"""Which Secrets a pod names, and how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from akscan.model.kubernetes.pods import Container, PodSpec


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A Secret that a pod names: ``place`` is a volume or a container, ``kind`` the field, ``variable`` the
    environment variable that takes its value, ``containers`` are the names of those that it reaches.
    """

    name: str
    kind: str
    place: str
    optional: bool = False
    variable: str = ""
    containers: tuple[str, ...] = ()

    def __str__(self) -> str:
        variable = f" {self.variable}" if self.variable else ""
        return f"{self.name} ({self.kind} of {self.place}{variable})"


def secret_uses(spec: PodSpec, containers: Iterable[Container]) -> Iterator[SecretUse]:
    """The Secrets in volumes, and in the environment of these containers; those for pulling images aside."""
    containers = tuple(containers)
    yield from _in_volumes(spec, containers)
    for container in containers:
        yield from _in_environment(container)


def _in_volumes(spec: PodSpec, containers: tuple[Container, ...]) -> Iterator[SecretUse]:
    for volume in spec.volumes or ():
        names = tuple(container.name for container in containers if container.mounts(volume.name))
        if volume.secret is not None:
            name, optional = volume.secret.secret_name, bool(volume.secret.optional)
            yield SecretUse(name, "volumes[].secret", volume.name, optional, containers=names)
        for source in (volume.projected.sources or ()) if volume.projected else ():
            if source.secret is not None:
                name, optional = source.secret.name, bool(source.secret.optional)
                kind = "volumes[].projected.sources[].secret"
                yield SecretUse(name, kind, volume.name, optional, containers=names)


def _in_environment(container: Container) -> Iterator[SecretUse]:
    for variable in container.env or ():
        key = variable.value_from.secret_key_ref if variable.value_from else None
        if key is not None:
            optional, reached = bool(key.optional), (container.name,)
            kind = "env[].valueFrom.secretKeyRef"
            yield SecretUse(key.name, kind, container.name, optional, variable.name, reached)
    for source in container.env_from or ():
        if source.secret_ref is not None:
            optional, reached = bool(source.secret_ref.optional), (container.name,)
            kind = "envFrom[].secretRef"
            yield SecretUse(source.secret_ref.name, kind, container.name, optional, containers=reached)
