"""Which Secrets a pod names, and how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from akscan.model.kubernetes.pods import Container, PodSpec


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A Secret that a pod names: ``place`` is a volume or a container, ``kind`` the field, ``variable`` the
    environment variable that takes its value.
    """

    name: str
    kind: str
    place: str
    optional: bool = False
    variable: str = ""

    def __str__(self) -> str:
        variable = f" {self.variable}" if self.variable else ""
        return f"{self.name} ({self.kind} of {self.place}{variable})"


def secret_uses(spec: PodSpec, containers: Iterable[Container]) -> Iterator[SecretUse]:
    """The Secrets in volumes, and in the environment of these containers; those for pulling images aside."""
    yield from _in_volumes(spec)
    for container in containers:
        yield from _in_environment(container)


def _in_volumes(spec: PodSpec) -> Iterator[SecretUse]:
    for volume in spec.volumes or ():
        if volume.secret is not None:
            yield SecretUse(volume.secret.secret_name, "volumes[].secret", volume.name, bool(volume.secret.optional))
        for source in (volume.projected.sources or ()) if volume.projected else ():
            if source.secret is not None:
                optional = bool(source.secret.optional)
                yield SecretUse(source.secret.name, "volumes[].projected.sources[].secret", volume.name, optional)


def _in_environment(container: Container) -> Iterator[SecretUse]:
    for variable in container.env or ():
        key = variable.value_from.secret_key_ref if variable.value_from else None
        if key is not None:
            yield SecretUse(key.name, "env[].valueFrom.secretKeyRef", container.name, bool(key.optional), variable.name)
    for source in container.env_from or ():
        if source.secret_ref is not None:
            whole = source.secret_ref
            yield SecretUse(whole.name, "envFrom[].secretRef", container.name, bool(whole.optional))
