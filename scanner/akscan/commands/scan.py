"""``akscan scan``: collect, evaluate, report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from akscan.commands.gating import Gates, gate_options
from akscan.commands.options import Live, Output, format_options, live_options, read_live, rule_options
from akscan.commands.sinks import Both, EvaluatingSink, WritingSink
from akscan.engine import SelectedRule
from akscan.errors import AkscanError
from akscan.inventory_file import InventoryFile
from akscan.plugins import load_frameworks
from akscan.pseudonyms.inventories import pseudonymous_writer


@click.command(short_help="Collect, evaluate, report.")
@click.option("--inventory", "saved", type=click.Path(path_type=Path), help="Evaluate a saved inventory instead.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Save the inventory of a live scan too.")
@live_options
@rule_options
@gate_options
@format_options
def scan(
    live: Live,
    saved: Path | None,
    save: Path | None,
    selected: Sequence[SelectedRule],
    gates: Gates,
    output: Output,
) -> int:
    """Find the AKS clusters that you can see, read Azure and Kubernetes, evaluate the rules, write reports.

    Reads only. Without options: every subscription of your sign-in, the report as text.
    """
    sink = EvaluatingSink(
        selected,
        live.loaded.config.all_system_namespaces,
        load_frameworks(),
        gates.waivers,
        keeps_names=output.key is not None,
    )
    if saved is not None and save is not None:
        raise AkscanError("--save goes with a live scan, not with --inventory")
    if saved is not None:
        _replay(saved, sink)
    elif save is not None:
        with pseudonymous_writer(save, output.key) as writer:
            read_live(live, Both(WritingSink(writer), sink))
    else:
        read_live(live, sink)
    report = gates.compared(output.shown(sink.report(), sink.names))
    for path in output.write(report, live.loaded.config, gates.gate.min_coverage):
        live.say(f"wrote {path}")
    return gates.close(report)


def _replay(path: Path, sink: EvaluatingSink) -> None:
    with InventoryFile(path) as saved:
        sink.begin(saved.manifest, saved.azure())
        for cluster_id in saved.members:
            sink.add(cluster_id, saved.cluster(cluster_id))
        sink.finish(saved.manifest)
