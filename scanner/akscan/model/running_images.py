"""Which images run in a cluster: by Deployments, StatefulSets and DaemonSets with a ready pod."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from akscan.model.kubernetes import Controller, KubernetesLists
from akscan.model.workloads import image_matches, image_repository


class RunningImages:
    """An index from images to what runs them."""

    def __init__(self, lists: KubernetesLists) -> None:
        self._listings = (lists.deployments, lists.stateful_sets, lists.daemon_sets)

    @cached_property
    def _by_repository(self) -> dict[str, dict[str, None]]:
        """``host/repository`` -> who runs it, as ``Kind namespace/name (image)``, in order."""
        found: dict[str, dict[str, None]] = {}
        ready = (item for listing in self._listings for item in listing.items if _is_ready(item))
        for item in ready:
            for container in item.template.spec.containers:
                named = f"{item.kind} {item.namespace}/{item.name} ({container.image})"
                found.setdefault(image_repository(container.image), {})[named] = None
        return found

    def known(self, accepted: Iterable[str]) -> tuple[str, ...]:
        """Who runs one of these images, among what was read."""
        wanted = tuple(accepted)
        fitting = (names for image, names in self._by_repository.items() if image_matches(image, wanted))
        return tuple(sorted(name for names in fitting for name in names))

    def of(self, accepted: Iterable[str]) -> tuple[str, ...]:
        """Who runs one of these images. Raises `NotCollected` where nobody was found and a list that may hold somebody
        could not be read.
        """
        found = self.known(accepted)
        if not found:
            for listing in self._listings:
                listing.complete()
        return found


def _is_ready(item: Controller) -> bool:
    return max(item.status.ready_replicas, item.status.number_ready) >= 1
