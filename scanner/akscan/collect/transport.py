"""The way to ARM and to Microsoft Entra ID: one pool of connections that keep within the limits of the scan."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import RetryPolicy
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter

from akscan.collect.limits import TRIES_AGAIN, Limit, Limits, watch
from akscan.model.text import ArmId

_CONNECTIONS_KEPT = 64
_TOO_MANY_REQUESTS = 429
_STAND_IN_LINE = "akscan_stand_in_line"


class _Adapter(HTTPAdapter):
    """Connections that break when the limit of their request ends."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        super().__init__(pool_connections=4, pool_maxsize=_CONNECTIONS_KEPT)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        watch(self.poolmanager, lambda: self._limits.current)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> urllib3.ProxyManager:
        manager: urllib3.ProxyManager = super().proxy_manager_for(*arguments, **options)
        watch(manager, lambda: self._limits.current)
        return manager


class Patience(RetryPolicy[Any, Any]):
    """Asks again, reads that ARM words as POST too, and whatever Retry-After says.

    Refusals for too many requests are waited out one call after the other: side by side they would take the tokens of
    the subscription from each other. The AKS resource provider refills one a second
    (https://learn.microsoft.com/azure/aks/quotas-skus-regions#throttling-limits-on-aks-resource-provider-apis).
    """

    def __init__(self, turns: Mapping[str, threading.RLock]) -> None:
        super().__init__(
            retry_total=TRIES_AGAIN, retry_connect=1, retry_read=2, retry_backoff_factor=Limit.backoff_seconds
        )
        self._turns = turns

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """As inherited; stands in line where others of the subscription wait."""
        turn = self._turns[ArmId(urlsplit(request.http_request.url).path).subscription]
        with ExitStack() as held:
            request.context[_STAND_IN_LINE] = partial(held.enter_context, turn)
            if turn.acquire(blocking=False):
                turn.release()
            else:
                held.enter_context(turn)
            return super().send(request)

    def sleep(
        self, settings: dict[str, Any], transport: Any, response: PipelineResponse[Any, Any] | None = None
    ) -> None:
        """As inherited; waits for too many requests stand in line. Raises what `Limit.sleep` raises."""
        seconds = self.get_retry_after(response) if response is not None else None
        if response is None or not seconds or response.http_response.status_code != _TOO_MANY_REQUESTS:
            super().sleep(settings, transport, response)
            return
        until = time.monotonic() + seconds
        response.context[_STAND_IN_LINE]()
        transport.sleep(max(0.0, until - time.monotonic()))

    def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
        """What one request may do again; whatever reaches this policy only reads."""
        settings: dict[str, Any] = super().configure_retries({"retry_on_methods": ("GET", "POST"), **options})
        return settings

    def get_retry_after(self, response: Any) -> float | None:
        """Seconds that the other side asks for; None where it says nothing that can be understood."""
        try:
            asked: float | None = super().get_retry_after(response)
        except ValueError:
            return None
        return asked


class Transport(RequestsTransport):  # type: ignore[misc]  # azure-core hands the class out untyped
    """A transport of azure-core whose waits end with the limit in force. Safe to share between threads."""

    def __init__(self, verify: str | bool, limits: Limits) -> None:
        self._pool = requests.Session()
        for scheme in ("https://", "http://"):
            self._pool.mount(scheme, _Adapter(limits))
        self._limits = limits
        super().__init__(session=self._pool, session_owner=False, connection_verify=verify)

    def send(self, request: Any, **options: Any) -> Any:
        """As inherited. Raises what `Limit.check` raises."""
        connect, read = self._limits.current.timeouts
        options["connection_timeout"] = min(connect, options.get("connection_timeout", connect))
        options["read_timeout"] = min(read, options.get("read_timeout", read))
        return super().send(request, **options)

    def sleep(self, duration: float) -> None:
        """Between tries. Raises what `Limit.sleep` raises."""
        self._limits.current.sleep(duration)

    def close(self) -> None:
        """Closes every connection."""
        self._pool.close()
