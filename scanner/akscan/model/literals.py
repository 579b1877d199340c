"""Text that may hold secrets: classified while it is decoded, never kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import msgspec

from akscan.model.text import Token


class Classified(Token):
    """A string of an answer that is replaced by what `of` makes of it before it enters the model."""

    __slots__ = ()
    #: the type of the values that it is made of
    answered: ClassVar[type] = str

    @classmethod
    def takes(cls, value: object) -> bool:
        """Whether it is made of values of this type."""
        return isinstance(value, cls.answered)

    @classmethod
    def of(cls, value: Any) -> Self:
        """What is kept of a value."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of credential: a line that holds none of the ``marks`` (in lower case) is not searched."""

    name: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]


def _kind(name: str, pattern: str, *marks: str) -> _Kind:
    return _Kind(name, marks, re.compile(pattern))


#: Values that are credentials whatever their name is. Every repetition is bounded or begins at a mark that its own
#: text cannot hold, so that no value takes more than linear time.
_KINDS = (
    _kind("private_key", r"-----BEGIN ([A-Z]+ ){0,4}PRIVATE KEY-----", "private key-----"),
    _kind("storage_account_key", r"AccountKey=[A-Za-z0-9+/]{86}==", "accountkey="),
    _kind("shared_access_key", r"SharedAccessKey=[A-Za-z0-9+/]{43}=", "sharedaccesskey="),
    _kind("sas_signature", r"[?&]sig=[A-Za-z0-9%]{43}", "sig="),
    _kind(
        "entra_client_secret",
        r"(^|[^A-Za-z0-9_~.\-])[A-Za-z0-9_~.\-]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}($|[^A-Za-z0-9_~.\-])",
        "q~",
    ),
    _kind(
        "connection_string_password",
        r"(?i:password|pwd)\s{0,20}=\s{0,20}(?![/$({<%])[^;\s]{6}",
        *("password", "pwd"),
    ),
    _kind(
        "assigned_secret",
        r"(?i:password|passwd|client[_\-]?secret|api[_\-]?key|access[_\-]?key|secret[_\-]?key)[\"']?\s{0,20}:\s{0,20}"
        r"[\"']?(?![/$({<%])(?=[^\s\"',;]{0,256}[0-9])[^\s\"',;]{8}",
        *("password", "passwd", "secret", "key"),
    ),
    _kind("url_with_password", r"[a-z0-9+.\-]://[^/\s:@]{0,256}:[^/\s:@$({<]{3,256}@", "://"),
    _kind(
        "jwt",
        r"(?<![A-Za-z0-9_\-])eyJ[A-Za-z0-9_\-]{10,4096}\.eyJ[A-Za-z0-9_\-]{10,65536}\.[A-Za-z0-9_\-]{10}",
        ".eyj",
    ),
    _kind("github_token", r"gh[pousr]_[A-Za-z0-9]{36}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _kind("aws_access_key", r"(AKIA|ASIA)[0-9A-Z]{16}", "akia", "asia"),
    _kind("slack_token", r"xox[baprs]-[0-9A-Za-z\-]{10}", "xox"),
)
#: Values that say nothing even under a telling name: references, flags, numbers, paths.
_HARMLESS = re.compile(
    r"^(\$\(.*\)|\$\{.*\}|\{\{.*\}\}|<.*>|\*+|x+|/.*|\./.*|https?://[^@\s]*"
    r"|(?i:true|false|yes|no|on|off|null|none|redacted|enabled|disabled|required|optional|always|never)"
    r"|[0-9.]+[a-z]{0,3})$"
)
_SHORT_CHARACTERS = 6
_CREDENTIAL = "credential "
#: Shorter than any credential that has a pattern: ``a://:cde@``.
_SHORTEST = 9
#: A file of credentials need not name every one of them.
_HITS_KEPT = 20
#: What kubectl and the controllers write themselves; no owner says anything by it.
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_TOOLS = ("kubectl.kubernetes.io/", "deployment.kubernetes.io/")
_SLEEP = re.compile(r"(?<![\w-])sleep\s+([0-9]{1,9})(?:\.[0-9]+)?([smhd]?)(?![\w.])")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_API_VERSION = re.compile(r"([a-z0-9.-]{1,253}/)?v[0-9a-z]{1,20}")
_KIND_NAME = re.compile(r"[A-Za-z]{1,63}")


class Hit(NamedTuple):
    """A credential in a value: its kind, and the line that it stands in (from 1)."""

    kind: str
    line: int


class Literal(Classified):
    """The class of a dropped literal: ``empty``, ``short``, ``harmless``, ``plain``, ``lines`` (more than one, none of
    them a credential), or ``credential`` with the kinds and lines of those in it.
    """

    __slots__ = ()

    @classmethod
    def of(cls, value: str) -> Literal:
        """Classify a value; nothing of it is kept."""
        if hits := _hits(value):
            return cls(f"{_CREDENTIAL}{' '.join(f'{hit.kind}:{hit.line}' for hit in hits)}")
        if not value:
            return _EMPTY
        if "\n" in value.rstrip("\n"):
            return _LINES
        if len(value) < _SHORT_CHARACTERS:
            return _SHORT
        return _HARMLESS_VALUE if _HARMLESS.match(value) else _PLAIN

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The credentials in it, those of a line by kind."""
        if not self.startswith(_CREDENTIAL):
            return ()
        pairs = (entry.partition(":") for entry in self.removeprefix(_CREDENTIAL).split())
        return tuple(Hit(kind, int(line)) for kind, _, line in pairs)

    @property
    def is_plain(self) -> bool:
        """Whether it was one line that could be a credential under a telling name."""
        return str.__eq__(self, _PLAIN)

    @property
    def is_telling(self) -> bool:
        """Whether it could be a credential under a telling name, whatever the number of its lines."""
        return str.__eq__(self, _PLAIN) or str.__eq__(self, _LINES)


# one of each, since there are millions
_EMPTY, _SHORT, _HARMLESS_VALUE = Literal("empty"), Literal("short"), Literal("harmless")
_PLAIN, _LINES = Literal("plain"), Literal("lines")


def _hits(value: str) -> tuple[Hit, ...]:
    if len(value) < _SHORTEST:
        return ()
    lowered = value.lower()
    kinds = [kind for kind in _KINDS if any(mark in lowered for mark in kind.marks)]
    return tuple(hit for hit, _ in zip(_search(value, kinds), range(_HITS_KEPT), strict=False)) if kinds else ()


def _search(value: str, kinds: list[_Kind]) -> Iterator[Hit]:
    for number, line in enumerate(value.split("\n"), start=1):
        lowered = line.lower()
        for kind in kinds:
            if any(mark in lowered for mark in kind.marks) and kind.pattern.search(line):
                yield Hit(kind.name, number)


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
        told = _API_VERSION.fullmatch(head.api_version) and _KIND_NAME.fullmatch(head.kind)
        return cls(f"{head.api_version} {head.kind}" if told else "")

    @property
    def api_version(self) -> str:
        return str.partition(self, " ")[0]

    @property
    def kind(self) -> str:
        return str.partition(self, " ")[2]


def with_head(kept: str, annotations: Mapping[str, object]) -> str:
    """What is kept of annotations, and in a second line the head of the manifest that kubectl applied, if it did."""
    manifest = annotations.get(_APPLIED)
    return f"{kept}\n{AppliedAs.of(manifest)}" if isinstance(manifest, str) else kept


def head_of(kept: str) -> AppliedAs | None:
    """The head in that second line."""
    _, applied, head = str.partition(kept, "\n")
    return AppliedAs(head) if applied else None


class AnnotationKeys(Classified):
    """The keys of an object's annotations that its owner may have chosen, in one text; of their values only the head of
    the manifest that kubectl applied is kept, in a second line.
    """

    __slots__ = ()
    answered = dict

    @classmethod
    def of(cls, annotations: dict[str, object]) -> Self:
        """Keep the keys."""
        return cls(with_head(" ".join(sorted(key for key in annotations if not key.startswith(_TOOLS))), annotations))

    @property
    def each(self) -> frozenset[str]:
        return frozenset(str.partition(self, "\n")[0].split())

    def holds(self, key: str) -> bool:
        return key in self.each

    @property
    def applied_as(self) -> AppliedAs | None:
        """The head of the manifest; None where kubectl applied none."""
        return head_of(self)


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
