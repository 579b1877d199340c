"""Admission webhooks that refuse everything while nobody answers them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from akscan.model.kubernetes import KubernetesLists, Service


class Webhooks:
    """The fail-closed webhooks of one cluster by the Service behind which they stand."""

    def __init__(self, lists: KubernetesLists) -> None:
        self._lists = lists

    @cached_property
    def _by_service(self) -> dict[tuple[str, str], tuple[str, ...]]:
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        lists = self._lists
        for listing in (lists.validating_webhooks, lists.mutating_webhooks):
            for item in listing.items:
                for webhook in item.webhooks or ():
                    service = webhook.client_config.service
                    if webhook.failure_policy == "Fail" and service is not None:
                        key = (service.namespace, service.name)
                        found[key] = tuple(dict.fromkeys((*found.get(key, ()), item.name)))
        return found

    def behind(self, services: Iterable[Service]) -> tuple[str, ...]:
        """The configurations whose fail-closed webhooks stand behind some Services. Raises `NotCollected` where none
        was found and some may be missing.
        """
        names = tuple(name for s in services for name in self._by_service.get((s.namespace, s.name), ()))
        if not names:
            self._lists.validating_webhooks.complete()
            self._lists.mutating_webhooks.complete()
        return names
