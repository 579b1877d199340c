"""Values that may be secrets: classified or counted while they are decoded, never kept."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

import msgspec

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
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_TOOLS = ("kubectl.kubernetes.io/", "deployment.kubernetes.io/", "meta.helm.sh/", "checksum/")
_SLEEP = re.compile(r"(?<![\w-])sleep\s+([0-9]{1,9})(?:\.[0-9]+)?([smhd]?)(?![\w.])")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_API_VERSION = re.compile(r"([a-z0-9.-]{1,253}/)?v[0-9a-z]{1,20}")
_KIND = re.compile(r"[A-Za-z]{1,63}")


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


class _Head(msgspec.Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""


class AppliedAs(Classified):
    """apiVersion and kind of a manifest that kubectl applied, as ``policy/v1 PodDisruptionBudget``; all else of it is
    dropped while it is decoded. Empty where it tells neither.
    """

    __slots__ = ()

    @classmethod
    def of(cls, manifest: str) -> AppliedAs:
        """The head of a manifest."""
        try:
            head = msgspec.json.decode(manifest, type=_Head)
        except msgspec.DecodeError:
            return cls("")
        told = _API_VERSION.fullmatch(head.api_version) and _KIND.fullmatch(head.kind)
        return cls(f"{head.api_version} {head.kind}" if told else "")

    @property
    def api_version(self) -> str:
        return str.partition(self, " ")[0]

    @property
    def kind(self) -> str:
        return str.partition(self, " ")[2]


class AnnotationKeys(Classified):
    """The keys of an object's annotations that its owner may have chosen, in one text; of their values only the head of
    the manifest that kubectl applied is kept, in a second line.
    """

    __slots__ = ()
    answered = dict

    @classmethod
    def of(cls, annotations: dict[str, object]) -> Self:
        """Keep the keys."""
        keys = " ".join(sorted(key for key in annotations if not key.startswith(_TOOLS)))
        manifest = annotations.get(_APPLIED)
        return cls(f"{keys}\n{AppliedAs.of(manifest)}" if isinstance(manifest, str) else keys)

    def holds(self, key: str) -> bool:
        return key in self.partition("\n")[0].split()

    @property
    def applied_as(self) -> AppliedAs | None:
        """The head of the manifest; None where kubectl applied none."""
        _, applied, head = self.partition("\n")
        return AppliedAs(head) if applied else None


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
