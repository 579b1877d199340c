"""``akscan report``: render a saved JSON report in another format."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from akscan.commands.gating import read_report
from akscan.commands.options import format_options
from akscan.writing import write_reports


@click.command(short_help="Render a saved JSON report in another format.")
@click.argument("saved", type=click.Path(path_type=Path))
@format_options
def report(saved: Path, formats: Sequence[str], output: Path | None) -> int:
    """Render SAVED, a JSON report that `akscan scan --format json` wrote, in other formats."""
    loaded = read_report(saved)
    for path in write_reports(loaded, formats, output):
        sys.stderr.write(f"wrote {path}\n")
    return 0
