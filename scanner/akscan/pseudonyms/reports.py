"""The report under pseudonyms, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from akscan.model.inventory import SYSTEM_NAMESPACES
from akscan.pseudonyms.known import known_to_rules
from akscan.pseudonyms.names import kinds_in_id, names_in_ids, texts_of
from akscan.pseudonyms.words import pseudonym, replacer
from akscan.report_file import decode_report, encode_report
from akscan.results import Failure, Report, fingerprint

#: What stands in a report as akscan itself wrote it.
_OURS = frozenset(
    {"tool", "frameworks", "schemaVersion", "severity", "rule", "rules", "optionalRules", "status", "change", "kind"}
    | {"permission", "source", "cloud", "started", "finished", "since", "akscan"}
)
#: What is told of a cluster by name.
_FACTS = ("pools", "networks", "subnets", "hops", "identities")
_OF_RULES = frozenset({"parameters"})
#: Evidence of kind and name of an object that is no subject.
_OWNER = "ownerReferences"


def pseudonymized(report: Report, key: bytes, names: Iterable[str] = ()) -> Report:
    """The report under pseudonyms: of the names that it shows itself, and of further ones that its texts may hold."""
    data: dict[str, Any] = msgspec.json.decode(encode_report(report))
    kinds = {kind for subject in data["subjects"] for kind in kinds_in_id(subject["id"])}
    replace = replacer({*names, *_names_in(data)} - kinds, key, known_to_rules())
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
    return fingerprint(failure.rule.id, subject, pseudonym(failure.part, key, known_to_rules()) if failure.part else "")


def _names_in(data: Mapping[str, Any]) -> Iterator[str]:
    """What a report shows as names, and the names in all ids that its texts hold."""
    run = data["run"]
    yield from (run["identity"], *run["scope"]["selectors"])
    yield from (one["name"] for one in (*run["scope"]["subscriptions"], *run["scope"]["clusters"]))
    for cluster in data["clusters"]:
        yield from (cluster["name"], cluster["subscription"], cluster["resourceGroup"])
        facts = (one for part in _FACTS for one in cluster.get(part, ()))
        yield from (one[key] for one in facts for key in ("name", "network") if key in one)
    past = data["baseline"] or {"fixed": (), "incomparable": ()}
    elsewhere = (one["subject"] for one in (*data["carried"], *past["fixed"], *past["incomparable"]))
    for subject in (*data["subjects"], *elsewhere):
        if subject["namespace"] not in SYSTEM_NAMESPACES:
            yield from (subject["name"], subject["namespace"])
    for found in (*data["findings"], *data["waived"], *data["carried"]):
        yield found.get("evidence", {}).get(_OWNER, "").rpartition(" ")[2]
    for text in texts_of(dict(data)):
        yield from names_in_ids(text)


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
