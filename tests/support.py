"""What many tests use: the command line in this process, and reading its reports."""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import msgspec
from akscan.cli import run
from akscan_fixtures.simulator import Simulator


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str


def akscan(*arguments: str) -> Outcome:
    """Run a command in this process, stdout and stderr caught."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    out.flush()
    out.seek(0)
    return Outcome(code, out.read(), err.getvalue())


def azure_options(simulator: Simulator) -> list[str]:
    """The options that point a live command at a simulator."""
    return [
        *("--cloud", "custom", "--arm-endpoint", simulator.arm_endpoint, "--arm-audience", simulator.arm_audience),
        *("--ca-file", str(simulator.ca_file), "--auth", "managed-identity", "--quiet"),
    ]


def report_of(folder: Path) -> dict:
    """The JSON report that a scan wrote."""
    return msgspec.json.decode((folder / "akscan.json").read_bytes())


def pairs(report: dict) -> dict[tuple[str, str], str]:
    """(rule, subject) -> status."""
    subjects = [subject["id"] for subject in report["subjects"]]
    found = {(rule["id"], subjects[place]): "pass" for rule in report["rules"] for place in rule["passed"]}
    found |= {(f["rule"], f["subject"]): "fail" for f in report["findings"]}
    for key, status in (("notApplicable", "not_applicable"), ("notAssessed", "not_assessed"), ("errors", "error")):
        found |= {(entry["rule"], entry["subject"]): status for entry in report[key]}
    return found
