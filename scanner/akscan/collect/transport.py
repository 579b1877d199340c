"""The way to ARM and to Microsoft Entra ID: one pool of connections that keep within the limits of the scan."""

from __future__ import annotations

from typing import Any

import requests
import urllib3
from azure.core.pipeline.policies import RetryPolicy
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter

from akscan.collect.limits import TRIES_AGAIN, Limit, Limits, watch

_CONNECTIONS_KEPT = 64


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


class Retries(RetryPolicy[Any, Any]):
    """As inherited, for reads that ARM words as POST too, and for a Retry-After that is no date."""

    def __init__(self) -> None:
        super().__init__(
            retry_total=TRIES_AGAIN, retry_connect=1, retry_read=2, retry_backoff_factor=Limit.backoff_seconds
        )

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
