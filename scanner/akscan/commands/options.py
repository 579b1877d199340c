"""Options that several commands share."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from akscan.config import Config, Loaded, load_config, select_rules
from akscan.plugins import load_rules, reporter_names
from akscan.presentation import Presentation, SarifProfile
from akscan.pseudonyms.words import read_key
from akscan.results import Report
from akscan.writing import load_reporters, write_reports

if TYPE_CHECKING:
    from akscan.collect.live import Sink, Target
    from akscan.model.needs import Need

_AUTHENTICATION = ("default", "cli", "managed-identity", "workload-identity", "environment")

_SECONDS = click.FloatRange(min=0, min_open=True)
_CLUSTER_SECONDS = 600.0

_LIVE = (
    click.option(
        "-s", "--subscription", "subscriptions", multiple=True, help="Id or name of a subscription. Repeatable."
    ),
    click.option(
        "--management-group", "management_groups", multiple=True, help="All subscriptions below it. Repeatable."
    ),
    click.option(
        "-g", "--resource-group", "resource_groups", multiple=True, help="Clusters of this group. Repeatable."
    ),
    click.option("-n", "--name", "names", multiple=True, help="Clusters of this name. Repeatable."),
    click.option("--context", "contexts", multiple=True, help="A context of your kubeconfig. Repeatable."),
    click.option("--auth", type=click.Choice(_AUTHENTICATION), default="default", show_default=True, help="Sign-in."),
    click.option("--cloud", type=click.Choice(("public", "usgov", "china", "custom")), help="Azure cloud.  [public]"),
    click.option("--arm-endpoint", help="Endpoint of Azure Resource Manager in a custom cloud (https://...)."),
    click.option("--arm-audience", help="Audience of its tokens, where it is not the endpoint."),
    click.option("--authority", help="Microsoft Entra host of a custom cloud."),
    click.option("--ca-file", type=click.Path(), help="Certificates (PEM) to trust beside the public ones."),
    click.option("--timeout", type=_SECONDS, help="Seconds for all reading; the rest is not assessed, exit 2.  [none]"),
    click.option("--cluster-timeout", type=_SECONDS, help="Seconds for one cluster, or one list of Azure.  [600]"),
    click.option("--config", "config_path", type=click.Path(path_type=Path), help="Settings.  [akscan.yaml if there]"),
    click.option("-q", "--quiet", is_flag=True, help="No progress."),
)


class _FormatOption(click.Option):
    """Names the formats of all plugins, which are looked for only when somebody asks."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        self.help = f"{', '.join(reporter_names())}. Repeatable.  [text]"
        return super().get_help_record(ctx)


_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_READABLE = click.Path(path_type=Path, dir_okay=False, exists=True)
pseudonymize_option = click.option(
    "--pseudonymize",
    "key",
    type=_READABLE,
    metavar="KEYFILE",
    callback=lambda _ctx, _parameter, value: value and read_key(value),
    help="File with a key: names of all kinds become pseudonyms.",
)
_FORMATS = (
    click.option(
        "-f",
        "--format",
        "formats",
        cls=_FormatOption,
        multiple=True,
        default=("text",),
        metavar="FORMAT",
    ),
    click.option(
        "-o",
        "--output",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder for the reports.  [.]",
    ),
    pseudonymize_option,
    click.option("--title", help="Title of the HTML report."),
    click.option("--customer", help="Whom it is for, on its cover."),
    click.option("--author", help="Who wrote it, on its cover."),
    click.option("--classification", help="Who may read it, on its cover."),
    click.option("--logo", type=_READABLE, help="PNG, JPEG or SVG for its cover."),
    click.option("--templates", type=_FOLDER, help="Folder of Jinja2 templates that override its blocks."),
    click.option(
        "--sarif-profile",
        type=click.Choice([str(profile) for profile in SarifProfile]),
        callback=lambda _ctx, _parameter, value: value and SarifProfile(value),
        help="Who reads SARIF.  [github]",
    ),
)


@dataclass(frozen=True)
class Live:
    """What the shared options say."""

    loaded: Loaded
    quiet: bool
    values: dict[str, Any]

    def say(self, line: str) -> None:
        """A line for people on stderr, unless they want none."""
        if not self.quiet:
            sys.stderr.write(f"{line}\n")

    def target(self) -> Target:
        """What to read. An option wins over the configuration. Raises `AkscanError`."""
        from akscan.collect.azure import Selection  # noqa: PLC0415 the SDKs are loaded by a live scan only
        from akscan.collect.cloud import cloud_named  # noqa: PLC0415
        from akscan.collect.live import Target  # noqa: PLC0415

        self.loaded.require_trust()
        scope, cloud, values = self.loaded.config.scope, self.loaded.config.cloud, self.values
        selection = Selection(
            subscriptions=values["subscriptions"] or scope.subscriptions,
            management_groups=values["management_groups"] or scope.management_groups,
            resource_groups=values["resource_groups"] or scope.resource_groups,
            names=values["names"] or scope.names,
        )
        contexts, limits = values["contexts"] or scope.contexts, self.loaded.config.limits
        return Target(
            cloud=cloud_named(
                values["cloud"] or cloud.name,
                arm_endpoint=values["arm_endpoint"] or cloud.arm_endpoint,
                arm_audience=values["arm_audience"] or cloud.arm_audience,
                authority=values["authority"] or cloud.authority,
                ca_file=values["ca_file"] or cloud.ca_file,
            ),
            authentication=values["auth"],
            selection=selection,
            contexts=contexts,
            arm=bool(selection.selectors) or not contexts,
            seconds=values["timeout"] or limits.timeout,
            seconds_each=values["cluster_timeout"] or limits.cluster_timeout or _CLUSTER_SECONDS,
        )


def live_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say what to read; the command gets them as ``live``."""

    @wraps(command)
    def wrapped(**arguments: Any) -> Any:
        names = ["subscriptions", "management_groups", "resource_groups", "names", "contexts", "auth", "cloud"]
        names += ["arm_endpoint", "arm_audience", "authority", "ca_file", "timeout", "cluster_timeout"]
        values = {name: arguments.pop(name) for name in names}
        loaded = load_config(arguments.pop("config_path"))
        return command(live=Live(loaded, arguments.pop("quiet"), values), **arguments)

    for option in reversed(_LIVE):
        wrapped = option(wrapped)
    return wrapped


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--rule`` and ``--skip``; the command gets the rules that are on as ``selected``."""

    @wraps(command)
    def wrapped(live: Live, only: Sequence[str], skip: Sequence[str], **arguments: Any) -> Any:
        return command(live=live, selected=select_rules(load_rules(), live.loaded, only, skip), **arguments)

    wrapped = click.option("--skip", multiple=True, help="Not these rules: ids or prefixes. Repeatable.")(wrapped)
    return click.option(
        "--rule", "only", multiple=True, help="Only these rules: ids or prefixes (API-001, NET). Repeatable."
    )(wrapped)


def read_live(live: Live, sink: Sink, needs: tuple[Need, ...] | None = None) -> None:
    """Read what the options say into a sink, with progress; with ``needs`` only what the identity may do of these.
    Raises `AkscanError`.
    """
    target = dataclasses.replace(live.target(), needs=needs)
    from akscan.collect.live import collect  # noqa: PLC0415 the SDKs are loaded by a live scan only
    from akscan.collect.progress import Progress  # noqa: PLC0415

    with Progress(quiet=live.quiet) as progress:
        collect(target, sink, progress)


@dataclass(frozen=True)
class Output:
    """Which formats, where to, and how they are to look."""

    formats: Sequence[str]
    folder: Path | None
    presentation: Presentation
    key: bytes | None = None

    def shown(self, report: Report, names: Iterable[str] = ()) -> Report:
        """The report as it may be shown: under pseudonyms, where there is a key for them. ``names`` are those that its
        texts may hold beside what the report itself names.
        """
        if self.key is None:
            return report
        from akscan.pseudonyms.reports import pseudonymized  # noqa: PLC0415 only where it is wanted

        return pseudonymized(report, self.key, names)

    def write(self, report: Report, config: Config, min_coverage: float | None) -> tuple[Path, ...]:
        """The files that were written. Raises `AkscanError`."""
        presentation = replace(
            self.presentation,
            anchors=config.anchors,
            information_uri=config.information_uri,
            min_coverage=min_coverage,
        )
        return write_reports(report, self.formats, self.folder, presentation)


def format_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--format``, ``-o`` and how a report is to look; the command gets them as ``output``."""

    @wraps(command)
    def wrapped(formats: Sequence[str], folder: Path | None, key: bytes | None, **arguments: Any) -> Any:
        load_reporters(formats)
        said = {name: arguments.pop(name) for name in Presentation.__struct_fields__ if name in arguments}
        presentation = Presentation(**{name: value for name, value in said.items() if value is not None})
        return command(output=Output(formats, folder, presentation, key), **arguments)

    for option in reversed(_FORMATS):
        wrapped = option(wrapped)
    return wrapped
