"""Reports without names: subscriptions, resources, namespaces and objects under pseudonyms that a key makes.

The same name has the same pseudonym wherever it stands and in every report of the same key; without the key nobody can
tell which name it was, or try names out.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from akscan.errors import AkscanError
from akscan.model.azure import Resource
from akscan.model.inventory import SYSTEM_NAMESPACES
from akscan.model.kubernetes import KubernetesLists
from akscan.model.kubernetes.base import KubernetesObject
from akscan.report_file import decode_report, encode_report
from akscan.results import Failure, Report, fingerprint

_LEAST_KEY = 16
#: Names that everybody has, and so say nothing.
_EVERYBODY_S = frozenset({*SYSTEM_NAMESPACES, "default", "kubernetes", "system", "cluster", "azure", "aks", "all"})
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
#: Letters and digits with dots, dashes and underscores between them, as most names are, and what separates their parts.
_WORD = re.compile(r"[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*")
_SEPARATOR = re.compile(r"([._-]+)")
_ARM_ID = re.compile(r"/subscriptions/[^\s,;'\"()]+", re.IGNORECASE)
#: What stands in a report as akscan itself wrote it.
_OURS = frozenset(
    {"tool", "frameworks", "schemaVersion", "severity", "rule", "rules", "optionalRules", "status", "change", "kind"}
    | {"permission", "source", "cloud", "started", "finished", "since", "akscan"}
)
#: What is told of a cluster by name.
_FACTS = ("pools", "networks", "subnets", "hops", "identities")
_OF_RULES = frozenset({"parameters"})


def read_key(path: Path) -> bytes:
    """The key that a file holds. Raises `AkscanError` for one that could be guessed."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise AkscanError(f"{path}: cannot be read: {error.strerror}") from None
    if len(key) < _LEAST_KEY:
        raise AkscanError(f"{path}: expected a key of at least {_LEAST_KEY} bytes", "head -c 32 /dev/urandom makes one")
    return key


def names_of_resources(resources: Iterable[Resource]) -> Iterator[str]:
    """The names in the ids of Azure resources."""
    for resource in resources:
        yield from _names_in_id(resource.id)


def names_of_objects(lists: KubernetesLists) -> Iterator[str]:
    """The names and namespaces of Kubernetes objects."""
    for field in lists.__struct_fields__:
        for item in getattr(getattr(lists, field), "items", ()):
            if isinstance(item, KubernetesObject):
                yield from (item.metadata.name, item.metadata.namespace)


def pseudonymized(report: Report, key: bytes, names: Iterable[str] = ()) -> Report:
    """The report under pseudonyms: of the names that it shows itself, and of further ones that its texts may hold."""
    data: dict[str, Any] = msgspec.json.decode(encode_report(report))
    kinds = {kind for subject in data["subjects"] for kind in _kinds_in_id(subject["id"])}
    replace = _replacer({*names, *_names_in(data)} - kinds, key)
    data = {
        name: value if name in _OURS else _mapped(value, replace) for name, value in data.items() if name != "rules"
    }
    data["rules"] = [_rule(rule, replace) for rule in msgspec.json.decode(encode_report(report))["rules"]]
    for name in ("findings", "waived", "carried"):
        for found, failure in zip(data[name], getattr(report, name), strict=True):
            found["fingerprint"] = _fingerprint(found, failure.finding if name == "carried" else failure, key)
    return decode_report(msgspec.json.encode(data))


def _fingerprint(shown: Mapping[str, Any], failure: Failure, key: bytes) -> str:
    """As of any finding, but of pseudonyms; the same whether or not the names within the part were known."""
    subject = shown["subject"]["id"] if isinstance(shown["subject"], dict) else shown["subject"]
    return fingerprint(failure.rule.id, subject, _pseudonym(failure.part, key) if failure.part else "")


def _names_in(data: Mapping[str, Any]) -> Iterator[str]:
    """What a report shows as names, and the names in all ids that its texts hold."""
    run = data["run"]
    yield from (run["identity"], *run["scope"]["selectors"])
    yield from (one["name"] for one in (*run["scope"]["subscriptions"], *run["scope"]["clusters"]))
    for cluster in data["clusters"]:
        yield from (cluster["name"], cluster["subscription"], cluster["resourceGroup"])
        facts = (one for part in _FACTS for one in cluster.get(part, ()))
        yield from (one[key] for one in facts for key in ("name", "network") if key in one)
    for subject in (*data["subjects"], *(one["subject"] for one in data["carried"])):
        yield from (subject["name"], subject["namespace"])
    for text in _texts(dict(data)):
        for found in _ARM_ID.findall(text):
            yield from _names_in_id(found)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _names_in_id(resource_id: str) -> Iterator[str]:
    """The group, and every second part behind a provider or a kind of object."""
    parts = resource_id.strip("/").split("/")
    lowered = [part.casefold() for part in parts]
    for place, part in enumerate(parts[1:], 1):
        above = lowered[place - 1]
        if above in ("subscriptions", "resourcegroups", "namespaces"):
            yield part
    for place, part in enumerate(lowered):
        if part == "providers":
            yield from parts[place + 3 :: 2]


def _kinds_in_id(resource_id: str) -> Iterator[str]:
    """What stands before the names behind a provider."""
    parts = resource_id.strip("/").split("/")
    for place, part in enumerate(parts):
        if part.casefold() == "providers":
            yield from parts[place + 2 :: 2]


def _replacer(names: Iterable[str], key: bytes) -> Callable[[str], str]:
    """Replaces each name where it stands by itself, the longest first, and every GUID and mail address."""
    wanted = {name.casefold() for name in names if len(name) > 1 and not name.isdigit()} - _EVERYBODY_S
    words = {name for name in wanted if _WORD.fullmatch(name)}
    phrases = sorted(wanted - words, key=lambda name: (-len(name), name))
    whole = [rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, phrases))})(?![A-Za-z0-9])"] if phrases else []
    special = re.compile("|".join([_GUID.pattern, _MAIL.pattern, *whole]), re.IGNORECASE)

    @cache
    def word(text: str) -> str:
        parts = _SEPARATOR.split(text)
        made, place = [], 0
        while place < len(parts):
            end = next((e for e in range(len(parts), place, -2) if "".join(parts[place:e]).casefold() in words), 0)
            made.append(_pseudonym("".join(parts[place:end]), key) if end else parts[place])
            made.append(parts[end or place + 1] if (end or place + 1) < len(parts) else "")
            place = (end or place + 1) + 1
        return "".join(made)

    def replace(text: str) -> str:
        text = special.sub(lambda match: _pseudonym(match[0], key), text)
        return _WORD.sub(lambda match: word(match[0]), text)

    return replace


def _pseudonym(name: str, key: bytes) -> str:
    """A GUID for a GUID, and a short word for everything else, whatever its letter case."""
    digest = hmac.digest(key, name.casefold().encode(), "sha256")
    if _GUID.fullmatch(name):
        return str(UUID(bytes=digest[:16], version=4))
    return f"x{b32encode(digest[:5]).decode().casefold()}"


def _rule(rule: dict[str, Any], replace: Callable[[str], str]) -> dict[str, Any]:
    """Its texts are akscan's or the pack's own; what a user set may hold names."""
    return {name: _mapped(value, replace) if name in _OF_RULES else value for name, value in rule.items()}


def _mapped(value: Any, replace: Callable[[str], str], *, keys_too: bool = False) -> Any:
    """Keys are names of fields, except where they are ids, and in evidence, where rules make them."""
    if isinstance(value, str):
        return replace(value)
    if isinstance(value, list):
        return [_mapped(item, replace) for item in value]
    if isinstance(value, dict):
        return {
            replace(key) if keys_too or "/" in key else key: item
            if key in _OURS
            else _mapped(item, replace, keys_too=key == "evidence")
            for key, item in value.items()
        }
    return value
