"""``akscan report``: render a saved JSON report in another format."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from akscan.commands.gating import read_report
from akscan.commands.options import Output, format_options
from akscan.config import load_config


@click.command(short_help="Render a saved JSON report in another format.")
@click.argument("saved", type=click.Path(path_type=Path))
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="Settings.  [akscan.yaml if there]")
@format_options
def report(saved: Path, config_path: Path | None, output: Output) -> int:
    """Render SAVED, a JSON report that `akscan scan --format json` wrote, in other formats."""
    config = load_config(config_path).config
    for path in output.write(output.shown(read_report(saved)), config, config.gates.min_coverage):
        sys.stderr.write(f"wrote {path}\n")
    return 0
