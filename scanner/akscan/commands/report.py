"""``akscan report``: render a saved JSON report in another format."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from akscan.commands.gating import read_report
from akscan.commands.options import Output, format_options


@click.command(short_help="Render a saved JSON report in another format.")
@click.argument("saved", type=click.Path(path_type=Path))
@format_options
def report(saved: Path, output: Output) -> int:
    """Render SAVED, a JSON report that `akscan scan --format json` wrote, in other formats."""
    for path in output.write(read_report(saved)):
        sys.stderr.write(f"wrote {path}\n")
    return 0
