"""The options that say what makes a scan end red, and what is excused."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from akscan.commands.options import Live
from akscan.comparison import against, carry
from akscan.config import check_waivers
from akscan.errors import AkscanError
from akscan.gates import Gate
from akscan.plugins import load_rules
from akscan.results import Report, Severity, WaiverStatus
from akscan.waivers import PlacedWaiver

_OPTIONS = (
    click.option(
        "--fail-on", type=click.Choice([str(severity) for severity in Severity]), help="Exit 1 at or above it."
    ),
    click.option("--fail-on-new", "new_only", is_flag=True, help="Exit 1 for findings only that --baseline has not."),
    click.option(
        "--baseline", type=click.Path(path_type=Path, dir_okay=False), help="JSON report to compare the findings with."
    ),
    click.option(
        "--previous",
        type=click.Path(path_type=Path, dir_okay=False),
        help="JSON report of the last scan: what it found and this one could not reassess stays known.",
    ),
    click.option(
        "--min-coverage", type=click.FloatRange(0, 100), help="Exit 2 when less (percent) of a cluster was assessed."
    ),
    click.option(
        "--waivers",
        "waiver_files",
        multiple=True,
        type=click.Path(path_type=Path, dir_okay=False),
        help="File of waivers, beside those of the settings. Repeatable.",
    ),
)


@dataclass(frozen=True)
class Gates:
    """What the options and the settings say; an option wins."""

    gate: Gate
    baseline: Report | None
    previous: Report | None
    waivers: Sequence[PlacedWaiver]

    def compared(self, report: Report) -> Report:
        """The report, with what the previous one knew, and what each finding is to the baseline, which without another
        one it is.
        """
        if self.previous is not None:
            report = carry(report, self.previous)
        known = self.baseline or self.previous
        return report if known is None else against(report, known)

    def close(self, report: Report) -> int:
        """The exit code; the reasons, and waivers that no longer do what they were made for, go to stderr."""
        for waiver in report.waivers:
            if waiver.status is not WaiverStatus.USED:
                sys.stderr.write(
                    f"akscan: waiver {waiver.place} ({waiver.selector}) {waiver.status}: {waiver.detail}\n"
                )
        code, reasons = self.gate.judge(report)
        for reason in reasons:
            sys.stderr.write(f"{'' if reason.startswith(' ') else 'akscan: '}{reason}\n")
        return code


def gate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of gates; the command gets them as ``gates``."""

    @wraps(command)
    def wrapped(live: Live, **arguments: Any) -> Any:
        names = ("fail_on", "new_only", "baseline", "previous", "min_coverage", "waiver_files")
        return command(live=live, gates=_gates(live, *(arguments.pop(name) for name in names)), **arguments)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def _gates(
    live: Live,
    fail_on: str | None,
    new_only: bool,
    baseline: Path | None,
    previous: Path | None,
    min_coverage: float | None,
    waiver_files: Sequence[Path],
) -> Gates:
    settings = live.loaded.config.gates
    gate = Gate(
        fail_on=Severity(fail_on) if fail_on else settings.fail_on,
        new_only=new_only or settings.fail_on_new,
        min_coverage=settings.min_coverage if min_coverage is None else min_coverage,
    )
    if gate.new_only and baseline is None:
        raise AkscanError("--fail-on-new wants a --baseline", "a JSON report of an earlier scan is one")
    waivers = live.loaded.waivers(waiver_files)
    check_waivers(waivers, load_rules())
    known, last = (None if path is None else read_report(path) for path in (baseline, previous))
    return Gates(gate, known, last, waivers)


def read_report(path: Path) -> Report:
    """A JSON report. Raises `AkscanError`, which names the file."""
    from akscan.report_file import decode_report  # noqa: PLC0415 keeps the start of other commands short

    try:
        return decode_report(path.read_bytes())
    except OSError as error:
        raise AkscanError(f"{path}: cannot be read: {error.strerror}") from None
    except AkscanError as error:
        raise AkscanError(f"{path}: {error}", error.hint) from None
