"""Which objects of a key vault a SecretProviderClass mounts: YAML in a string of YAML."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from akscan.model.literals import Classified

_UNREADABLE = "unreadable"
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
_VERSION = re.compile(r"[0-9A-Za-z]{0,64}")
_TYPES = ("secret", "key", "cert")
#: With objectVersionHistory it says what an empty version says.
_NEWEST = "latest"
#: A class is an object of at most 1.5 MiB; one that mounts a thousand objects needs less than this.
_LONGEST = 128 * 1024


class VaultObject(NamedTuple):
    """An object of a vault: ``secret``, ``key`` or ``cert``; ``version`` is empty for the newest."""

    type: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.type} {self.name}" + (f" version {self.version}" if self.version else "")


class VaultObjects(Classified):
    """The parameter ``objects``, cut down to types, names and versions as ``type/name/version``; ``unreadable`` where
    it is not what the provider documents
    (https://azure.github.io/secrets-store-csi-driver-provider-azure/docs/getting-started/usage/).
    """

    __slots__ = ()

    @classmethod
    def of(cls, value: str) -> VaultObjects:
        """Take names, and nothing else that may stand there."""
        if len(value) > _LONGEST:
            return cls(_UNREADABLE)
        try:
            found = yaml.safe_load(value)
            items = found.get("array") if isinstance(found, dict) else None
            entries = [yaml.safe_load(item) if isinstance(item, str) else item for item in items or ()]
        except (yaml.YAMLError, ValueError, TypeError, RecursionError):
            return cls(_UNREADABLE)
        objects = [_object(entry) for entry in entries]
        if not value.strip():
            return cls()
        if not objects or None in objects:
            return cls(_UNREADABLE)
        return cls(" ".join("/".join(one) for one in objects if one))

    @property
    def is_readable(self) -> bool:
        return self != _UNREADABLE

    @property
    def each(self) -> tuple[VaultObject, ...]:
        """The objects, in order; none where they cannot be read."""
        if not self.is_readable:
            return ()
        return tuple(VaultObject(*entry.split("/")) for entry in str.__str__(self).split())


def _object(entry: object) -> VaultObject | None:
    if not isinstance(entry, dict):
        return None
    kind, name, version = (entry.get(key) for key in ("objectType", "objectName", "objectVersion"))
    found = VaultObject(str(kind or ""), str(name or ""), "" if version == _NEWEST else str(version or ""))
    known = found.type in _TYPES and _NAME.fullmatch(found.name) and _VERSION.fullmatch(found.version)
    return found if known else None
