"""``akscan scan``: collect, evaluate, report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from akscan.commands.options import Live, format_options, live_options, read_live, rule_options
from akscan.commands.sinks import Both, EvaluatingSink, WritingSink
from akscan.engine import SelectedRule
from akscan.errors import AkscanError
from akscan.inventory_file import InventoryFile, InventoryWriter
from akscan.plugins import load_frameworks, load_reporter
from akscan.results import Report, Severity
from akscan.writing import write_reports

_EXIT_FINDINGS = 1
_EXIT_FAILED = 2


@click.command(short_help="Collect, evaluate, report.")
@click.option("--inventory", "saved", type=click.Path(path_type=Path), help="Evaluate a saved inventory instead.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Save the inventory of a live scan too.")
@live_options
@rule_options
@click.option("--fail-on", type=click.Choice([str(severity) for severity in Severity]), help="Exit 1 at or above it.")
@click.option("--min-coverage", type=click.FloatRange(0, 100), help="Exit 2 when less (percent) could be assessed.")
@format_options
def scan(  # noqa: PLR0913 one argument an option
    live: Live,
    saved: Path | None,
    save: Path | None,
    selected: Sequence[SelectedRule],
    fail_on: str | None,
    min_coverage: float | None,
    formats: Sequence[str],
    output: Path | None,
) -> int:
    """Find the AKS clusters that you can see, read Azure and Kubernetes, evaluate the rules, write reports.

    Reads only. Without options: every subscription of your sign-in, the report as text.
    """
    for name in formats:
        load_reporter(name)
    sink = EvaluatingSink(selected, live.loaded.config.all_system_namespaces, load_frameworks())
    if saved is not None and save is not None:
        raise AkscanError("--save goes with a live scan, not with --inventory")
    if saved is not None:
        _replay(saved, sink)
    elif save is not None:
        with InventoryWriter(save) as writer:
            read_live(live, Both(WritingSink(writer), sink))
    else:
        read_live(live, sink)
    report = sink.report()
    for path in write_reports(report, formats, output):
        live.say(f"wrote {path}")
    gates = live.loaded.config.gates
    severity = Severity(fail_on) if fail_on else gates.fail_on
    return exit_code(report, severity, gates.min_coverage if min_coverage is None else min_coverage)


def exit_code(report: Report, fail_on: Severity | None, min_coverage: float | None) -> int:
    """What the gates say; the reason goes to stderr."""
    percent = report.coverage.total.percent
    if report.run.interrupted:
        sys.stderr.write("akscan: the scan was interrupted; the report is incomplete\n")
        return _EXIT_FAILED
    if not report.clusters:
        seen = "; ".join(f"{s.name}: {s.detail or s.status}" for s in report.run.scope.subscriptions)
        sys.stderr.write(f"akscan: no AKS cluster in scope, so nothing was assessed ({seen or 'no subscription'})\n")
        return _EXIT_FAILED
    if report.errors:
        rules = ", ".join(sorted({crash.rule.id for crash in report.errors}))
        sys.stderr.write(f"akscan: rules failed by their own fault: {rules}; the others went on\n")
        return _EXIT_FAILED
    if min_coverage is not None and percent < min_coverage:
        sys.stderr.write(f"akscan: coverage is {percent} %, below --min-coverage {min_coverage:g} %\n")
        return _EXIT_FAILED
    failing = [finding for finding in report.findings if fail_on and finding.severity.rank <= fail_on.rank]
    if failing:
        sys.stderr.write(f"akscan: {len(failing)} findings at or above --fail-on {fail_on}\n")
        return _EXIT_FINDINGS
    return 0


def _replay(path: Path, sink: EvaluatingSink) -> None:
    with InventoryFile(path) as saved:
        sink.begin(saved.manifest, saved.azure())
        for cluster_id in saved.members:
            sink.add(cluster_id, saved.cluster(cluster_id))
        sink.finish(saved.manifest)
