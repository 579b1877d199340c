"""What the cover shows that no report knows: a logo, and how each printed page is marked."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from akscan.sdk import AkscanError

_LARGEST_LOGO_BYTES = 1 << 20
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
#: An XML declaration, comments and a document type may stand before the root element.
_SVG = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<(?:\w+:)?svg[\s>]", re.DOTALL
)
_HINT = "--logo wants a PNG, JPEG or SVG picture of at most 1 MiB"


def data_uri(logo: Path) -> str:
    """A picture as an address that holds it whole; its content says what it is. Raises `AkscanError`."""
    try:
        content = logo.read_bytes()
    except OSError as error:
        raise AkscanError(f"{logo}: cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST_LOGO_BYTES:
        raise AkscanError(f"{logo}: has {len(content):,} bytes", _HINT)
    return f"data:{_media_type(logo, content)};base64,{base64.b64encode(content).decode()}"


def _media_type(logo: Path, content: bytes) -> str:
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(_JPEG):
        return "image/jpeg"
    if _SVG.match(content):
        return "image/svg+xml"
    raise AkscanError(f"{logo}: is neither PNG nor JPEG nor SVG", _HINT)


def page_marks(classification: str) -> str:
    """Style that says in the margin of each printed page who may read it."""
    if not classification:
        return ""
    return f'@page {{ @bottom-left {{ content: "{_css(classification)}"; font: 8pt sans-serif; color: #545c66; }} }}\n'


def _css(text: str) -> str:
    """Text within quotes of a style sheet, where no character but letters and digits stands for itself."""
    return "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in text)
