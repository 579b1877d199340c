"""``akscan waivers``: who answers for what, and until when."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec
import yaml

from akscan.commands.gating import read_report
from akscan.config import check_waivers, load_config, read_waivers
from akscan.errors import EXIT_FINDINGS, AkscanError
from akscan.plugins import load_rules
from akscan.results import Failure, Report, WaiverStatus
from akscan.waivers import Waiver
from akscan.writing import written_beside

_FILE = click.Path(path_type=Path, dir_okay=False)
_SOON_DAYS = 30


@click.group(invoke_without_command=True, short_help="List, audit and add waivers.")
@click.option("--config", "config_path", type=_FILE, help="Settings.  [akscan.yaml if there]")
@click.option("--waivers", "files", multiple=True, type=_FILE, help="File of waivers. Repeatable.")
@click.option("--report", "saved", type=_FILE, help="JSON report: tell what its scan made of each waiver instead.")
@click.pass_context
def waivers(ctx: click.Context, config_path: Path | None, files: tuple[Path, ...], saved: Path | None) -> int:
    """Audit waivers: the settings' own and those of files, or what a scan made of them.

    Exits with 1 where one has expired, lapsed or is not used.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    lines = _of_report(read_report(saved)) if saved else _of_files(config_path, files)
    for _, line in lines:
        sys.stdout.write(f"{line}\n")
    if not lines:
        sys.stdout.write("there are no waivers\n")
    return EXIT_FINDINGS if any(is_bad for is_bad, _ in lines) else 0


def _of_report(report: Report) -> list[tuple[bool, str]]:
    lines = []
    for one in report.waivers:
        said = ", ".join(filter(None, (f"{one.findings} findings", f"until {one.expires}", one.owner, one.ticket)))
        why = f": {one.detail}" if one.detail else ""
        lines.append(
            (one.status is not WaiverStatus.USED, f"{one.status:<8}  {one.place}  {one.selector}: {said}{why}")
        )
    return lines


def _of_files(config_path: Path | None, files: tuple[Path, ...]) -> list[tuple[bool, str]]:
    placed = load_config(config_path).waivers(files)
    check_waivers(placed, load_rules())
    today = datetime.now(UTC).date()
    lines = []
    for one in placed:
        left = (one.waiver.expires - today).days
        status = "expired" if left < 0 else "ends soon" if left <= _SOON_DAYS else "in force"
        said = f"until {one.waiver.expires}, {one.waiver.owner}, {one.waiver.ticket}"
        lines.append((left < 0, f"{status:<9}  {one.place}  {one.waiver.selector}: {said}"))
    return lines


@waivers.command()
@click.argument("fingerprint")
@click.option("--report", "saved", type=_FILE, required=True, help="JSON report that has the finding.")
@click.option("--reason", required=True, help="Why it is accepted.")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--ticket", required=True, help="Where it was decided.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Its last day.")
@click.option("--bind", is_flag=True, help="It lapses when what was observed changes.")
@click.option("--file", "target", type=_FILE, default=Path("waivers.yaml"), show_default=True, help="Where to add it.")
def add(  # noqa: PLR0913 one argument an option
    fingerprint: str,
    saved: Path,
    reason: str,
    owner: str,
    ticket: str,
    expires: datetime,
    bind: bool,
    target: Path,
) -> int:
    """Write a waiver for the finding with FINGERPRINT (its first digits suffice) into a file of waivers."""
    finding = _finding(read_report(saved), fingerprint)
    subject = finding.subject
    waiver = Waiver(
        rule=finding.rule.id,
        reason=reason,
        owner=owner,
        ticket=ticket,
        expires=expires.date(),
        cluster=subject.cluster,
        kind=subject.kind,
        namespace=subject.namespace,
        name=subject.name,
        fingerprint=finding.fingerprint,
        observed=finding.observed if bind else "",
    )
    if waiver.expires < datetime.now(UTC).date():
        raise AkscanError(f"--expires {waiver.expires}: that day is over")
    text = _with(target, waiver)
    with written_beside(target) as beside:
        beside.write_text(text, encoding="utf-8")
        read_waivers(beside)
    sys.stderr.write(f"wrote {target}: {waiver.selector}\n")
    return 0


def _finding(report: Report, fingerprint: str) -> Failure:
    found = [one for one in (*report.findings, *report.waived) if one.fingerprint.startswith(fingerprint.casefold())]
    if len(found) != 1 or not fingerprint:
        raise AkscanError(f"fingerprint {fingerprint!r} fits {len(found)} findings of the report, 1 is wanted")
    return found[0]


def _with(target: Path, waiver: Waiver) -> str:
    """The text of the file with a waiver more; what stood there stays as it was. Raises `AkscanError`."""
    entry = yaml.safe_dump([_plain(waiver)], sort_keys=False, allow_unicode=True, width=120)
    if not target.exists():
        return f"waivers:\n{entry}"
    read_waivers(target)
    text = target.read_text(encoding="utf-8").rstrip()
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    key, value = document.value[-1] if isinstance(document, yaml.MappingNode) and document.value else (None, None)
    if key is None:
        return f"{text}\nwaivers:\n{entry}".lstrip()
    if not isinstance(value, yaml.SequenceNode) or value.flow_style:
        raise AkscanError(f"{target}:{key.start_mark.line + 1}: waivers: expected a list with a dash before each entry")
    indent = " " * value.start_mark.column
    return f"{text}\n" + "".join(f"{indent}{line}\n" for line in entry.splitlines())


def _plain(waiver: Waiver) -> dict[str, object]:
    """As YAML writes it, the day as a day."""
    held: dict[str, object] = msgspec.to_builtins(waiver, builtin_types=(date,))
    return held
