"""Values that may be secrets: classified or counted while they are decoded, never kept."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

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
#: What tools write beside every object; no owner says anything by it.
_TOOLS = ("kubectl.kubernetes.io/", "deployment.kubernetes.io/", "meta.helm.sh/", "checksum/")
_SLEEP = re.compile(r"(?<![\w-])sleep\s+([0-9]{1,9})(?:\.[0-9]+)?([smhd]?)(?![\w.])")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Classified(Token):
    """A value of an answer that is replaced by what `of` makes of it before it enters the model."""

    __slots__ = ()
    #: as what JSON holds it
    answered: ClassVar[type] = str

    @classmethod
    def of(cls, value: Any) -> Self:
        """What is kept of a value."""
        raise NotImplementedError


class Literal(Classified):
    """The class of a dropped literal: ``empty``, ``short``, ``harmless``, ``plain`` or ``credential``."""

    __slots__ = ()

    @classmethod
    def of(cls, value: str) -> Self:
        """Classify a value; nothing of it is kept."""
        if not value:
            return cls("empty")
        if _CREDENTIALS.search(value):
            return cls("credential")
        if len(value) < _SHORT_CHARACTERS:
            return cls("short")
        return cls("harmless" if _HARMLESS.match(value) else "plain")


class AnnotationKeys(Classified):
    """The keys of an object's annotations that its owner may have chosen, in one text; their values are not kept."""

    __slots__ = ()
    answered = dict

    @classmethod
    def of(cls, annotations: dict[str, object]) -> Self:
        """Keep the keys."""
        return cls(" ".join(sorted(key for key in annotations if not key.startswith(_TOOLS))))

    def holds(self, key: str) -> bool:
        return key in self.split()


class Pause(Classified):
    """How many seconds a command waits by ``sleep``, the longest one where it does so several times; nothing else of
    the command is kept. Empty where it does not.
    """

    __slots__ = ()
    answered = list

    @classmethod
    def of(cls, command: list[object]) -> Self:
        """Keep the seconds."""
        found = _SLEEP.findall(" ".join(map(str, command)))
        return cls(max(int(number) * _SECONDS[unit] for number, unit in found) if found else "")

    @property
    def seconds(self) -> int:
        return int(self or 0)
