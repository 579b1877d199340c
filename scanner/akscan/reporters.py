"""What a format is: a function that writes a report, and where what it writes goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any, BinaryIO

from akscan.presentation import Presentation
from akscan.results import Report


@dataclass(frozen=True)
class Reporter:
    """A format. ``extension`` is that of its file, empty where it goes to stdout only; with ``to_stdout`` a file is
    written only where a folder is named. ``parts`` says into how many files a report goes.
    """

    function: Callable[..., None]
    extension: str
    to_stdout: bool = False
    parts: Callable[[Report, Presentation], int] = lambda _report, _presentation: 1

    def __call__(self, report: Report, out: BinaryIO, presentation: Presentation | None = None) -> None:
        """Write the report; a function of two arguments is not told how to present it."""
        arguments = (report, out, presentation or Presentation())
        self.function(*arguments[: len(signature(self.function).parameters)])


def reporter(
    extension: str = "", *, to_stdout: bool = False, parts: Callable[[Report, Presentation], int] | None = None
) -> Callable[[Callable[..., None]], Reporter]:
    """Make a `Reporter` of a function ``(report, out)`` or ``(report, out, presentation)``. A function without it is
    one too, and its files end in the name of the format. With ``parts`` it is called for each file, whose number is
    `Presentation.part`.
    """
    if not extension and not to_stdout:
        raise ValueError("a reporter wants the extension of its file, or stdout")

    def decorate(function: Callable[..., None]) -> Reporter:
        made = Reporter(function, extension, to_stdout)
        return made if parts is None else replace(made, parts=parts)

    return decorate


def reporter_of(loaded: Any, name: str) -> Reporter:
    """What an entry point holds, as a reporter."""
    return loaded if isinstance(loaded, Reporter) else Reporter(loaded, name)
