"""The command line: finds commands, and turns every way a command can end into an exit code.

Nothing here imports an SDK: ``akscan --help`` answers at once.
"""

from __future__ import annotations

import importlib
import logging
import signal
import sys
import traceback
from collections.abc import Sequence

import click

from akscan import __version__
from akscan.errors import EXIT_FAILED, AkscanError
from akscan.plugins import command_entries

_BUILT_IN = {
    "scan": "akscan.commands.scan:scan",
    "collect": "akscan.commands.collect:collect",
    "doctor": "akscan.commands.doctor:doctor",
    "rules": "akscan.commands.rules:rules",
    "report": "akscan.commands.report:report",
    "diff": "akscan.commands.diff:diff",
    "waivers": "akscan.commands.waivers:waivers",
}


class _Commands(click.Group):
    """Built-in commands first, then those of other distributions; each is imported only when it is wanted."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return [*_BUILT_IN, *(entry.name for entry in command_entries() if entry.name not in _BUILT_IN)]

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name in _BUILT_IN:
            module, _, attribute = _BUILT_IN[name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        for entry in command_entries():
            if entry.name == name:
                added: click.Command = entry.load()
                return added
        return None


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="akscan")
@click.option("--debug", is_flag=True, help="Show tracebacks and what the SDKs log.")
def cli(debug: bool) -> None:
    """Audit Azure Kubernetes Service: Azure and the cluster in one model, read only.

    Exit codes: 0 nothing at or above --fail-on; 1 findings at or above it; 2 the scan failed, was called wrongly, or
    covered less than --min-coverage.
    """
    if debug:
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    else:
        # what SDKs warn of ends up in gaps and errors; without a handler Python would print it
        logging.getLogger().addHandler(logging.NullHandler())


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script. SIGTERM ends it as Ctrl-C does, in order; a live scan first writes what it has."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(arguments))


def run(arguments: Sequence[str]) -> int:
    """Run a command; the exit code. No traceback without ``--debug``."""
    try:
        code = cli.main(args=list(arguments), prog_name="akscan", standalone_mode=False)
    except AkscanError as error:
        _say(f"akscan: error: {error}", f"  hint: {error.hint}" if error.hint else "")
        return EXIT_FAILED
    except click.ClickException as error:
        error.show(file=sys.stderr)
        return EXIT_FAILED
    except (KeyboardInterrupt, click.Abort):
        _say("akscan: interrupted")
        return EXIT_FAILED
    except BrokenPipeError:
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 the last of the three places where errors are caught
        if "--debug" in arguments:
            traceback.print_exc()
        _say(f"akscan: internal error: {type(error).__name__}: {error}", "  hint: akscan --debug ... shows where")
        return EXIT_FAILED
    return code if isinstance(code, int) else 0


def _say(*lines: str) -> None:
    sys.stderr.write("".join(f"{line}\n" for line in lines if line))
