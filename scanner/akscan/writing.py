"""Writes reports: text to the terminal, everything else to files, never half of one in place of a good one."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from akscan.errors import AkscanError
from akscan.plugins import load_reporter
from akscan.presentation import Presentation
from akscan.results import Report

TERMINAL = "text"


def write_reports(
    report: Report, formats: Sequence[str], folder: Path | None, presentation: Presentation
) -> tuple[Path, ...]:
    """The files that were written. Text goes to stdout, and into the folder too where one is named. Raises
    `AkscanError`.
    """
    reporters = {name: load_reporter(name) for name in dict.fromkeys(formats or (TERMINAL,))}
    written = []
    for name, reporter in reporters.items():
        if name == TERMINAL:
            reporter(report, sys.stdout.buffer, presentation)
            sys.stdout.flush()
        if name != TERMINAL or folder is not None:
            target = (folder or Path()) / f"akscan.{'txt' if name == TERMINAL else name}"
            with written_beside(target) as beside, beside.open("wb") as out:
                reporter(report, out, presentation)
            written.append(target)
    return tuple(written)


class written_beside:  # noqa: N801 a context manager, named by what it does
    """A file beside the target that takes its place when nothing went wrong."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> Path:
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{self._target.name}.", dir=self._target.parent)
        except OSError as error:
            raise AkscanError(f"{self._target}: cannot be written: {error.strerror}") from None
        os.close(handle)
        self._beside = Path(name)
        # mkstemp gives 0600; a report is an ordinary file
        umask = os.umask(0)
        os.umask(umask)
        self._beside.chmod(0o666 & ~umask)
        return self._beside

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._beside.replace(self._target)
        else:
            with suppress(FileNotFoundError):
                self._beside.unlink()
