"""The report for people: one HTML file that loads nothing, runs offline and prints."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import BinaryIO

import msgspec
from akscan.sdk import Failure, Presentation, Report, Severity
from markupsafe import Markup

from akscan_reports.html.cover import data_uri, page_marks
from akscan_reports.html.findings import Store
from akscan_reports.html.page import Page
from akscan_reports.html.rendering import Templates, visible

_PLAIN = Presentation()


def write(report: Report, out: BinaryIO, presentation: Presentation = _PLAIN) -> None:
    """Write the report as one self-contained page in UTF-8. Raises `AkscanError` for a logo or templates that will not
    do.
    """
    templates = Templates(presentation.templates)
    finding = templates.macro("finding.html.jinja", "finding")

    def draw(it: Failure, page: Page, told: bool, is_open: bool) -> str:
        return visible(finding(it, page, told, is_open))

    page = Page(report)
    style = visible("".join((_file("style.css"), page_marks(presentation.classification), templates.style)))
    style = style.replace("</", "<\\/")
    script = _file("script.js")
    pieces = templates.render(
        page=page,
        report=report,
        store=Store(report, page, draw),
        # without its paths, which are ways out of the sandbox that templates of a customer run in
        cover=msgspec.structs.replace(presentation, logo=None, templates=None),
        logo=data_uri(presentation.logo) if presentation.logo else "",
        severities=tuple(Severity),
        style=Markup(style),  # noqa: S704 no end tag is left in it
        script=Markup(script),  # noqa: S704 a file of this package
        policy=_policy(style, script),
    )
    out.writelines(visible(piece).encode() for piece in pieces)


def _file(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing is loaded, and nothing runs but what stands in this package and the customer's style sheet."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
