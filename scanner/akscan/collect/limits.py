"""When reading must end: at a signal, or when time is up. Then sleepers wake and open connections break, so that no
answer that dribbles, no Retry-After and no dead peer holds a scan.
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, ClassVar, Self

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from akscan.collect.faults import Ended, Interrupted, OutOfTime, TooLong

TRIES_AGAIN = 3
#: Answers that may be better when asked again.
PASSING_STATUSES = (408, 429, 500, 502, 503, 504)

_TICK_SECONDS = 0.1
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Limit:
    """One span of reading: the whole scan, one cluster, or one list of ARM."""

    #: Of the first waits between tries; each is twice as long as the one before.
    backoff_seconds: ClassVar[float] = 0.5

    def __init__(self, seconds: float | None, option: str) -> None:
        self._seconds = seconds
        self._option = option
        self._ends = float("inf") if seconds is None else time.monotonic() + seconds
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[Watched] = set()
        self._told: Ended | None = None

    @property
    def ended(self) -> Ended | None:
        """Why reading must end; None while it need not."""
        if self._told is None and self._left <= 0:
            return OutOfTime(f"the {self._seconds:g} s of {self._option} were used up")
        return self._told

    def check(self) -> None:
        """Raises `Interrupted` or `OutOfTime` once reading must end."""
        if (ended := self.ended) is not None:
            raise ended

    def sleep(self, seconds: float) -> None:
        """Waits. Raises `TooLong` where more is asked for than is left, and what `check` raises."""
        self.check()
        if seconds > self._left:
            raise TooLong(seconds)
        self._over.wait(seconds)
        self.check()

    @property
    def timeouts(self) -> tuple[float, float]:
        """Seconds for connecting and for each read of a request that begins now. Raises what `check` raises."""
        self.check()
        return min(_CONNECT_SECONDS, self._left), min(_READ_SECONDS, self._left)

    @property
    def _left(self) -> float:
        return self._ends - time.monotonic()

    def end(self, cause: Ended) -> None:
        """Break what is under way, and let nothing begin any more."""
        with self._lock:
            if self._told is None:
                self._told = cause
            broken, self._connections = self._connections, set()
        self._over.set()
        for connection in broken:
            connection.break_off()

    def attend(self, connection: Watched) -> None:
        """A connection waits for an answer within this limit. Raises what `check` raises."""
        with self._lock:
            if self._told is None:
                self._connections.add(connection)
        self.check()

    def leave(self, connection: Watched) -> None:
        """The connection is used within another limit now."""
        with self._lock:
            self._connections.discard(connection)


class Limits:
    """The limits of one scan, and the thread that watches over them. Use as a context manager."""

    def __init__(self, *, seconds: float | None = None, seconds_each: float | None = None) -> None:
        self.whole = Limit(seconds, "--timeout")
        self._seconds_each = seconds_each
        self._open: set[Limit] = set()
        self._lock = threading.Lock()
        self._local = threading.local()
        self._told = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="limits", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join()

    @property
    def current(self) -> Limit:
        """The limit of this thread's `one`, else that of the whole scan."""
        limit: Limit = getattr(self._local, "limit", self.whole)
        return limit

    @contextmanager
    def one(self) -> Iterator[Limit]:
        """The limit of one cluster, or of one list of ARM; it ends with the whole scan too."""
        limit = Limit(self._seconds_each, "--cluster-timeout")
        with self._lock:
            self._open.add(limit)
        if (ended := self.whole.ended) is not None:
            limit.end(ended)
        self._local.limit = limit
        try:
            yield limit
        finally:
            del self._local.limit
            with self._lock:
                self._open.discard(limit)

    def interrupt(self) -> None:
        """End everything soon. Safe to call from a signal handler."""
        self._told = True

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """The first SIGINT or SIGTERM ends the reading, the second the program."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in _SIGNALS}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        def told(_number: int, _frame: FrameType | None) -> None:
            restore()
            self.interrupt()

        for number in _SIGNALS:
            signal.signal(number, told)
        try:
            yield
        finally:
            restore()

    def _watch(self) -> None:
        while not self._closed.wait(_TICK_SECONDS):
            whole = Interrupted() if self._told else self.whole.ended
            if whole is not None:
                self.whole.end(whole)
            with self._lock:
                limits = tuple(self._open)
            for limit in limits:
                if (ended := whole or limit.ended) is not None:
                    limit.end(ended)


class Watched(HTTPConnection):
    """A connection that breaks when the limit of its request ends."""

    limit_of: Callable[[], Limit]
    _limit: Limit | None = None

    def getresponse(self) -> Any:
        """As inherited; raises what `Limit.check` raises once reading must end."""
        limit = type(self).limit_of()
        if self._limit is not None and self._limit is not limit:
            self._limit.leave(self)
        self._limit = limit
        limit.attend(self)
        return super().getresponse()

    def break_off(self) -> None:
        """Wake whoever waits for an answer. The TLS layer above must not notice: its state is not ours to touch."""
        # behind a proxy that itself speaks TLS, urllib3 wraps the socket once more
        sock = getattr(self.sock, "socket", self.sock)
        if sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def watch(manager: urllib3.PoolManager, limit_of: Callable[[], Limit]) -> None:
    """Let the connections of a pool manager break when the limit of their request ends."""
    plain = type("Plain", (Watched,), {"limit_of": staticmethod(limit_of)})
    secure = type("Secure", (Watched, HTTPSConnection), {"limit_of": staticmethod(limit_of)})
    manager.pool_classes_by_scheme = {
        "http": type("Pool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


def retries(limit: Limit) -> urllib3.Retry:
    """The retries of reads, those that are worded as POST too, whose waits stay within a limit."""

    class Retry(urllib3.Retry):
        """As inherited, but for how it waits."""

        def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
            """Waits as the other side says, else a little longer each time. Raises what `Limit.sleep` raises."""
            limit.sleep((self._asked(response) if response else None) or self.get_backoff_time())

        def _asked(self, response: urllib3.BaseHTTPResponse) -> float | None:
            try:
                return self.get_retry_after(response)
            except urllib3.exceptions.InvalidHeader:
                return None

    return Retry(
        total=TRIES_AGAIN,
        connect=1,
        redirect=False,
        other=0,  # a certificate that is refused stays refused
        backoff_factor=limit.backoff_seconds,
        status_forcelist=PASSING_STATUSES,
        allowed_methods=("GET", "POST"),
        raise_on_status=False,
    )
