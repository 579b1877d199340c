"""Says what a scan is doing: a moving line on a terminal, plain lines elsewhere, nothing when quiet. All to stderr."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Progress:
    """Counts the steps of named phases. Use as a context manager; safe to call from many threads."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._counts: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 only where a terminal shows it
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def expect(self, phase: str, steps: int) -> None:
        """Announce steps of a phase; more may be announced later."""
        with self._lock:
            done, total = self._counts.get(phase, (0, 0))
            self._counts[phase] = (done, total + steps)
            if self._bar is not None:
                if phase not in self._tasks:
                    self._tasks[phase] = self._bar.add_task(phase, total=0)
                self._bar.update(self._tasks[phase], total=total + steps)

    def step(self, phase: str) -> None:
        """One step is done."""
        with self._lock:
            done, total = self._counts.get(phase, (0, 0))
            self._counts[phase] = (done + 1, total)
            if self._bar is not None:
                self._bar.advance(self._tasks[phase])

    def say(self, line: str) -> None:
        """A line of its own where there is no bar."""
        if not self._quiet and self._bar is None:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
