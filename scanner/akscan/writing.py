"""Writes reports to stdout and to files, never half of one in place of a good one."""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from akscan.errors import AkscanError
from akscan.plugins import load_reporter
from akscan.presentation import Presentation
from akscan.reporters import Reporter
from akscan.results import Report


def write_reports(
    report: Report, formats: Sequence[str], folder: Path | None, presentation: Presentation
) -> tuple[Path, ...]:
    """The files that were written. What goes to stdout goes into the folder too where one is named, if it has files at
    all. Raises `AkscanError`.
    """
    reporters = load_reporters(formats)
    written: list[Path] = []
    for reporter in reporters:
        if reporter.to_stdout:
            reporter(report, sys.stdout.buffer, presentation)
            sys.stdout.flush()
        if reporter.extension and (folder is not None or not reporter.to_stdout):
            written += _written(reporter, report, folder or Path(), presentation)
    return tuple(written)


def _written(reporter: Reporter, report: Report, folder: Path, presentation: Presentation) -> Iterator[Path]:
    """Every file of one format. What an earlier report had beyond these goes: it would be taken for this one's."""
    parts = reporter.parts(report, presentation)
    for part in range(parts):
        target = folder / _name(reporter, part)
        with written_beside(target) as beside, beside.open("wb") as out:
            reporter(report, out, replace(presentation, part=part))
        yield target
    for part in itertools.count(max(parts, 1)):
        stale = folder / _name(reporter, part)
        if not stale.exists():
            return
        stale.unlink()


def _name(reporter: Reporter, part: int) -> str:
    return f"akscan-{part + 1}.{reporter.extension}" if part else f"akscan.{reporter.extension}"


def load_reporters(formats: Sequence[str]) -> tuple[Reporter, ...]:
    """The reporters of formats, each once. Raises `AkscanError` for an unknown one, and for two that write the same
    file.
    """
    files: dict[str, str] = {}
    reporters = {name: load_reporter(name) for name in dict.fromkeys(formats)}
    for name, reporter in reporters.items():
        other = files.setdefault(reporter.extension or name, name)
        if other != name:
            raise AkscanError(
                f"formats {other} and {name} both write akscan.{reporter.extension}", "ask for one of them"
            )
    return tuple(reporters.values())


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
