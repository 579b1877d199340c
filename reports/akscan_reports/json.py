"""The JSON report, for programs: `akscan report` and `akscan diff` read it again."""

from __future__ import annotations

from typing import BinaryIO

from akscan.sdk import Report, encode_report


def write(report: Report, out: BinaryIO) -> None:
    """One line, as ``akscan/schemas/report-v1.schema.json`` describes it."""
    out.write(encode_report(report))
