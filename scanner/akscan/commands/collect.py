"""``akscan collect``: write the inventory to a file, to be evaluated elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from akscan.commands.options import Live, live_options, pseudonymize_option, read_live
from akscan.commands.sinks import WritingSink
from akscan.errors import EXIT_FAILED, AkscanError
from akscan.pseudonyms.inventories import pseudonymous_writer


@click.command(short_help="Write the inventory to a file, to be evaluated elsewhere.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The *.akscan file."
)
@live_options
@click.option(
    "--arm", "arm_files", multiple=True, type=click.Path(path_type=Path), help="Import: JSON of Azure. Repeatable."
)
@click.option(
    "--kubernetes", "dumps", multiple=True, metavar="NAME=FILE", help="Import: dump of a cluster. Repeatable."
)
@click.option(
    "--complete", is_flag=True, help="The imported files hold everything there is: what is missing does not exist."
)
@pseudonymize_option
def collect(
    live: Live, output: Path, arm_files: Sequence[Path], dumps: Sequence[str], complete: bool, key: bytes | None
) -> int:
    """Read Azure and Kubernetes (or files exported from them) into an inventory.

    \b
    akscan collect -o estate.akscan
    akscan collect --arm clusters.json --kubernetes aks-prod=dump.json -o estate.akscan
    akscan scan --inventory estate.akscan
    """  # noqa: D301 click knows the character by which lines are left alone
    with pseudonymous_writer(output, key) as writer:
        sink = WritingSink(writer)
        if arm_files or dumps:
            from akscan.collect.imports import import_files  # noqa: PLC0415 only where it is wanted

            for line in import_files(arm_files, [_named(dump) for dump in dumps], sink, complete=complete):
                live.say(line)
        elif complete:
            raise AkscanError("--complete goes with --arm or --kubernetes")
        else:
            read_live(live, sink)
    live.say(f"wrote {output}")
    return EXIT_FAILED if sink.interrupted else 0


def _named(dump: str) -> tuple[str, Path]:
    name, equals, path = dump.partition("=")
    if not equals or not name or not path:
        raise AkscanError(f"--kubernetes {dump}: expected NAME=FILE, the name or ARM id of the cluster and its dump")
    return name, Path(path)
