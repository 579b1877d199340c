"""How templates become a page: ours, and those of a customer that override blocks of ours."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from akscan.sdk import AkscanError
from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markdown_it import MarkdownIt
from markupsafe import Markup

PACKAGE = "akscan_reports.html"
#: What a folder of a customer may hold beside what these include.
_PAGE, _STYLE = "report.html.jinja", "report.css"
#: Our templates, by a name that those of a customer never take.
_OURS = "akscan"
#: Controls, direction marks and zero-width characters change what a reader sees; lone surrogates cannot be written.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text with what changes it unseen spelled out."""
    return _INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


class Templates:
    """The templates of the page. Those of a customer may come from anywhere, so they run in a sandbox; what goes wrong
    in them is an `AkscanError` with file and line.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder.resolve() if folder else None
        self._has_page = self._folder is not None and (self._folder / _PAGE).is_file()
        if folder and not self._has_page and not (folder / _STYLE).is_file():
            raise AkscanError(
                f"{folder}: holds neither {_PAGE} nor {_STYLE}",
                f'{_PAGE} begins with {{% extends "{_OURS}/{_PAGE}" %}} and overrides blocks',
            )
        self._environment = _environment(self._folder)

    @property
    def style(self) -> str:
        """The customer's style sheet, which comes after ours."""
        path = self._folder / _STYLE if self._folder else None
        if path is None or not path.is_file():
            return ""
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise AkscanError(f"{path}: cannot be read: {error}") from None

    def render(self, **context: object) -> Iterator[str]:
        """The page, piece by piece. Raises `AkscanError` for a fault in a customer's template."""
        try:
            template = self._environment.get_template(_PAGE if self._has_page else f"{_OURS}/{_PAGE}")
            stream = template.stream(context)
            stream.enable_buffering(256)
            yield from stream
        except Exception as error:  # noqa: BLE001 a template of a customer may raise anything; others go on
            raise self._explained(error) or error from None

    def macro(self, template: str, name: str) -> Callable[..., str]:
        """A macro of one of our templates."""
        found: Callable[..., str] = getattr(self._environment.get_template(f"{_OURS}/{template}").module, name)
        return found

    def _explained(self, error: Exception) -> AkscanError | None:
        """The error as one of the customer's templates, if it is one: anything may go wrong in them."""
        place = self._place(error)
        if place is None:
            return None
        what = f"there is no template {error}" if isinstance(error, TemplateNotFound) else str(error)
        if not isinstance(error, TemplateSyntaxError | TemplateNotFound):
            what = f"{type(error).__name__}: {what}"
        return AkscanError(f"{place}: {what}", "docs/html.md tells what a template finds")

    def _place(self, error: Exception) -> str | None:
        """File and line in the customer's folder."""
        if self._folder is None:
            return None
        frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
        if isinstance(error, TemplateSyntaxError):
            frames.append((error.filename or "", error.lineno))
        return next((f"{name}:{line}" for name, line in reversed(frames) if self._holds(name)), None)

    def _holds(self, name: str) -> bool:
        return self._folder is not None and Path(name).is_relative_to(self._folder)


def _environment(folder: Path | None) -> Environment:
    """Markdown may hold paragraphs, lists, code, emphasis and links; what else it holds is text."""
    ours = PrefixLoader({_OURS: PackageLoader(PACKAGE)})
    kind = ImmutableSandboxedEnvironment if folder else Environment
    environment = kind(
        loader=ChoiceLoader([ours, FileSystemLoader(folder)]) if folder else ours,
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
