"""Literals that may be secrets: classified while they are decoded, never kept."""

from __future__ import annotations

import re
from typing import Self

from akscan.model.text import Token

#: Values that are credentials whatever their name is.
_CREDENTIALS = re.compile(
    r"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----"
    r"|AccountKey=[A-Za-z0-9+/]{86}=="
    r"|SharedAccessKey=[A-Za-z0-9+/]{43}="
    r"|[?&]sig=[A-Za-z0-9%]{43,}"
    r"|(^|[^A-Za-z0-9_~.\-])[A-Za-z0-9_~.\-]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}($|[^A-Za-z0-9_~.\-])"
    r"|(?i:password|pwd)\s*=\s*(?![/$({<%])[^;\s]{6,}"
    r"|[a-z][a-z0-9+.\-]*://[^/\s:@]+:[^/\s:@$({<]{3,}@"
    r"|eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}"
    r"|gh[pousr]_[A-Za-z0-9]{36,}"
    r"|(AKIA|ASIA)[0-9A-Z]{16}"
    r"|xox[baprs]-[0-9A-Za-z\-]{10,}"
)
#: Values that say nothing even under a telling name: references, flags, numbers, paths.
_HARMLESS = re.compile(
    r"^(\$\(.*\)|\$\{.*\}|\{\{.*\}\}|<.*>|\*+|x+|/.*|\./.*|https?://[^@\s]*"
    r"|(?i:true|false|yes|no|on|off|null|none|redacted|enabled|disabled|required|optional|always|never)"
    r"|[0-9.]+[a-z]{0,3})$"
)
_SHORT_CHARACTERS = 6


class Classified(Token):
    """A string of an answer that is replaced by what `of` makes of it before it enters the model."""

    __slots__ = ()

    @classmethod
    def of(cls, value: str) -> Self:
        """What is kept of a value."""
        raise NotImplementedError


class Literal(Classified):
    """The class of a dropped literal: ``empty``, ``short``, ``harmless``, ``plain`` or ``credential``."""

    __slots__ = ()

    @classmethod
    def of(cls, value: str) -> Literal:
        """Classify a value; nothing of it is kept."""
        if not value:
            return cls("empty")
        if _CREDENTIALS.search(value):
            return cls("credential")
        if len(value) < _SHORT_CHARACTERS:
            return cls("short")
        return cls("harmless" if _HARMLESS.match(value) else "plain")
