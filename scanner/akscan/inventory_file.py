"""The inventory as a file: a zip container that anyone with unzip and jq can read, written and read member by member.

``manifest.json`` (when, as whom, in which scope), ``azure.json`` (resources by type, and the reads that brought them)
and one
``clusters/<n>-<name>.json`` for each cluster. Structs are in the shape of the APIs; fields at their default are left
out.
"""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from akscan.errors import AkscanError
from akscan.model.decode import Malformed, decode, encode
from akscan.model.inventory import RESOURCE_TYPES, Azure, Manifest, Read
from akscan.model.kubernetes import KubernetesLists
from akscan.model.text import ArmId, Token

FORMAT = "akscan-inventory"
VERSION = "1.0"
_MAJOR = VERSION.partition(".")[0]


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    format: str = ""
    version: str = ""


class _ManifestMember(msgspec.Struct, frozen=True, kw_only=True):
    format: str
    version: str
    manifest: Manifest
    members: dict[ArmId, str]


class _AzureMember(msgspec.Struct, frozen=True, kw_only=True):
    resources: dict[Token, msgspec.Raw] = {}
    reads: tuple[Read, ...] = ()


class InventoryWriter:
    """Writes beside the target and renames at the end, so a failure leaves what was there before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._members: dict[ArmId, str] = {}
        try:
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        except OSError as error:
            raise AkscanError(f"{path}: cannot be written: {error.strerror}") from None
        self._beside = Path(name)
        self._file = os.fdopen(handle, "wb")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._zip.close()
        self._file.close()
        if kind is None:
            self._beside.replace(self._path)
        else:
            self._beside.unlink(missing_ok=True)

    def add_azure(self, azure: Azure) -> None:
        self._zip.writestr("azure.json", encode(azure))

    def add_cluster(self, cluster_id: ArmId, lists: KubernetesLists) -> None:
        """Not safe to call from several threads at once."""
        safe = re.sub(r"[^A-Za-z0-9-]", "_", cluster_id.name)
        member = f"clusters/{len(self._members) + 1:04}-{safe}.json"
        self._members[cluster_id] = member
        self._zip.writestr(member, encode(lists))

    def finish(self, manifest: Manifest) -> None:
        """The manifest goes last: it knows how the scan ended."""
        member = _ManifestMember(format=FORMAT, version=VERSION, manifest=manifest, members=self._members)
        self._zip.writestr("manifest.json", encode(member))


class InventoryFile:
    """A saved inventory, read member by member. Raises `AkscanError` for a file that is truncated, foreign or too
    new.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise AkscanError(f"{path}: there is no such file") from None
        except (zipfile.BadZipFile, OSError) as error:
            raise AkscanError(
                f"{path}: no akscan inventory, or a truncated one: {error}",
                "expected a file that `akscan collect` wrote",
            ) from None
        head: _Envelope = self._decode("manifest.json", _Envelope)
        if head.format != FORMAT:
            raise AkscanError(f"{path}: manifest.json: format is {head.format!r}, expected {FORMAT!r}")
        if head.version.partition(".")[0] != _MAJOR:
            raise AkscanError(
                f"{path}: the format is version {head.version}, this akscan reads {_MAJOR}.x",
                "update akscan to read it",
            )
        self._head: _ManifestMember = self._decode("manifest.json", _ManifestMember)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def manifest(self) -> Manifest:
        return self._head.manifest

    @property
    def members(self) -> Mapping[ArmId, str]:
        """Clusters whose Kubernetes lists the file holds -> the name of the member."""
        return self._head.members

    def azure(self) -> Azure:
        member = self._decode("azure.json", _AzureMember)
        known: dict[Token, Any] = {}
        for kind, raw in member.resources.items():
            # a type of a newer minor version is passed over
            if kind in RESOURCE_TYPES:
                found: Any = tuple[RESOURCE_TYPES[kind], ...]  # type: ignore[valid-type]
                known[kind] = self._checked("azure.json", bytes(raw), found)
        return Azure(resources=known, reads=member.reads)

    def cluster(self, cluster_id: ArmId) -> KubernetesLists:
        lists: KubernetesLists = self._decode(self._head.members[cluster_id], KubernetesLists)
        return lists

    def _decode(self, member: str, kind: Any) -> Any:
        try:
            data = self._zip.read(member)
        except KeyError:
            raise AkscanError(f"{self._path}: no akscan inventory: {member} is missing") from None
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise AkscanError(f"{self._path}: {member} is damaged: {error}") from None
        return self._checked(member, data, kind)

    def _checked(self, member: str, data: bytes, kind: Any) -> Any:
        try:
            return decode(data, kind)
        except Malformed as error:
            raise AkscanError(f"{self._path}: {member}: {error}") from None
