"""What stands for a name, and how names are found in a text."""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from akscan.errors import AkscanError
from akscan.model.inventory import NON_PRODUCTION

if TYPE_CHECKING:
    from akscan.pseudonyms.known import Known

_LEAST_KEY = 16
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
#: Registries and vaults are resources whose names stand in images and addresses, read or not.
_HOST = re.compile(r"(?<![\w.-])(?:[a-z0-9]{5,50}(?=\.azurecr\.)|[a-z0-9-]{3,24}(?=\.vault\.azure\.))", re.IGNORECASE)
#: Letters and digits with dots, dashes and underscores between them, as most names are, and what separates their parts.
_WORD = re.compile(r"[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*")
_SEPARATOR = re.compile(r"([._-]+)")


def read_key(path: Path) -> bytes:
    """The key that a file holds. Raises `AkscanError` for one that could be guessed."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise AkscanError(f"{path}: cannot be read: {error.strerror}") from None
    if len(key) < _LEAST_KEY:
        raise AkscanError(f"{path}: expected a key of at least {_LEAST_KEY} bytes", "head -c 32 /dev/urandom makes one")
    return key


def pseudonym(name: str, key: bytes, known: Known) -> str:
    """A GUID for a GUID, and a short word for everything else: the same whatever the letter case of the name, in
    capitals where that has any. It keeps the beginning, the end and the words for an environment by which rules tell
    names apart.
    """
    if _GUID.fullmatch(name):
        return str(UUID(bytes=_digest(name, key)[:16], version=4))
    head, stem, tail = known.ends_of(name)
    made = f"X{b32encode(_digest(stem, key)[:5]).decode()}"
    made = made.casefold() if stem == stem.casefold() else made
    environment = [part for part in _SEPARATOR.split(stem.casefold())[::2] if part in NON_PRODUCTION]
    return head + "-".join([made, *environment]) + tail


def _digest(name: str, key: bytes) -> bytes:
    return hmac.digest(key, name.casefold().encode(), "sha256")


def replacer(names: Iterable[str], key: bytes, known: Known) -> Callable[[str], str]:
    """Replaces each name where it stands by itself, the longest first, and every GUID, mail address, registry and
    vault; but nothing in what is known.
    """
    wanted = {name.casefold() for name in names if len(name) > 1 and not name.isdigit()} - known.words
    words = {name for name in wanted if _WORD.fullmatch(name)}
    phrases = sorted(wanted - words, key=lambda name: (-len(name), name))
    whole = [rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, phrases))})(?![A-Za-z0-9])"] if phrases else []
    special = re.compile("|".join([_GUID.pattern, _MAIL.pattern, _HOST.pattern, *whole]), re.IGNORECASE)

    @cache
    def word(text: str) -> str:
        parts = _SEPARATOR.split(text)
        made, place = [], 0
        while place < len(parts):
            runs = ((end, "".join(parts[place:end]).casefold()) for end in range(len(parts), place, -2))
            end, run = next((found for found in runs if found[1] in words or found[1] in known.words), (place + 1, ""))
            found = "".join(parts[place:end])
            made.append(pseudonym(found, key, known) if run in words else found)
            made += parts[end : end + 1]
            place = end + 1
        return "".join(made)

    def replace(text: str) -> str:
        if text.casefold() in known.words:
            return text
        text = special.sub(lambda match: _unless_known(match[0]), text)
        return _WORD.sub(lambda match: word(match[0]), text)

    def _unless_known(found: str) -> str:
        return found if found.casefold() in known.words else pseudonym(found, key, known)

    return replace
