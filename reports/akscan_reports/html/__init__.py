"""The report for people: one HTML file that loads nothing, runs offline and prints."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources
from typing import BinaryIO

from akscan.sdk import Report, Severity
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from akscan_reports.html.page import Page

# Controls, direction marks and zero-width characters change what a reader sees; lone surrogates cannot be written.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)


def write(report: Report, out: BinaryIO) -> None:
    """Write the report as one self-contained page in UTF-8."""
    style, script = (
        Markup(resources.files(__name__).joinpath(name).read_text("utf-8"))  # noqa: S704 files of this package
        for name in ("style.css", "script.js")
    )
    stream = (
        _environment()
        .get_template("report.html.jinja")
        .stream(
            page=Page(report),
            report=report,
            severities=tuple(Severity),
            style=style,
            script=script,
            policy="; ".join(
                (
                    "default-src 'none'",
                    f"style-src '{_digest(style)}'",
                    f"script-src '{_digest(script)}'",
                    "img-src data:",
                    "base-uri 'none'",
                    "form-action 'none'",
                )
            ),
        )
    )
    stream.enable_buffering(256)
    out.writelines(_INVISIBLE.sub(_visible, piece).encode() for piece in stream)


def _environment() -> Environment:
    """Markdown may hold paragraphs, lists, code, emphasis and links; what else it holds is text."""
    environment = Environment(
        loader=PackageLoader(__name__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    markdown = MarkdownIt("zero").enable(["backticks", "emphasis", "entity", "escape", "link", "list"])
    environment.filters |= {
        "markdown": lambda text: Markup(markdown.render(text)),  # noqa: S704 HTML in it is escaped
        "inline": lambda text: Markup(markdown.renderInline(text)),  # noqa: S704 HTML in it is escaped
        "number": "{:,}".format,
        "words": lambda name: name.replace("_", " "),
    }
    return environment


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _visible(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match[0]):04X}⟩"
