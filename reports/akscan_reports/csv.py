"""Comma-separated values, a row for each finding and for each pair that was not assessed."""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

from akscan.sdk import Report, reporter

from akscan_reports.rows import columns, cut, reads_as_formula, rows


@reporter("csv")
def write(report: Report, out: BinaryIO) -> None:
    """UTF-8 as RFC 4180 has it. An apostrophe stands before what a spreadsheet would take for a formula."""
    text = io.TextIOWrapper(out, "utf-8", newline="", write_through=True)
    table = csv.writer(text)
    table.writerow(columns())
    table.writerows(map(_cell, row) for row in rows(report))
    text.detach()


def _cell(text: str) -> str:
    return cut(f"'{text}" if reads_as_formula(text) else text)
