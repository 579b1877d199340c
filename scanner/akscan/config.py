"""``akscan.yaml``: strict, so that a typo is an error with file, line and key, and never a silently ignored wish."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import yaml
from msgspec import Meta

from akscan.engine import SelectedRule
from akscan.errors import AkscanError
from akscan.model.inventory import SYSTEM_NAMESPACES
from akscan.presentation import Anchor
from akscan.results import Severity
from akscan.sdk import Rule
from akscan.signatures import signature_of
from akscan.waivers import PlacedWaiver, Waiver, fits

DEFAULT_NAME = "akscan.yaml"

S = TypeVar("S", bound=msgspec.Struct)


class _Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    pass


class ScopeSettings(_Section, frozen=True, kw_only=True):
    """Which clusters; the options of the same names win."""

    subscriptions: tuple[str, ...] = ()
    management_groups: tuple[str, ...] = ()
    resource_groups: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()


class CloudSettings(_Section, frozen=True, kw_only=True):
    name: str = "public"
    arm_endpoint: str = ""
    arm_audience: str = ""
    authority: str = ""
    ca_file: str = ""


class RuleSettings(_Section, frozen=True, kw_only=True):
    """What is changed of one rule."""

    enabled: bool = True
    severity: Severity | None = None
    parameters: dict[str, Any] = {}


class Gates(_Section, frozen=True, kw_only=True):
    """When a scan ends with another exit code than 0; ``fail_on_new`` wants a baseline."""

    fail_on: Severity | None = None
    fail_on_new: bool = False
    min_coverage: float | None = None


class LimitSettings(_Section, frozen=True, kw_only=True):
    """Seconds, as the options of the same names."""

    timeout: Annotated[float, Meta(gt=0)] | None = None
    cluster_timeout: Annotated[float, Meta(gt=0)] | None = None


class Config(_Section, frozen=True, kw_only=True):
    """The whole file. ``system_namespaces`` are added to those of AKS, ``waiver_files`` lie beside it, and at
    ``information_uri`` readers of a report learn how akscan is run here.
    """

    scope: ScopeSettings = ScopeSettings()
    cloud: CloudSettings = CloudSettings()
    limits: LimitSettings = LimitSettings()
    rules: dict[str, RuleSettings] = {}
    gates: Gates = Gates()
    anchors: dict[str, Anchor] = {}
    information_uri: Annotated[str, Meta(pattern=r"^https://\S+$")] | None = None
    waivers: tuple[Waiver, ...] = ()
    waiver_files: tuple[str, ...] = ()
    system_namespaces: tuple[str, ...] = ()

    @property
    def all_system_namespaces(self) -> frozenset[str]:
        return SYSTEM_NAMESPACES | frozenset(self.system_namespaces)


class _WaiverFile(_Section, frozen=True, kw_only=True):
    waivers: tuple[Waiver, ...] = ()


class Loaded:
    """A configuration with the lines of its keys, so that what turns out wrong later can still be placed."""

    def __init__(self, config: Config, path: Path | None, lines: Mapping[str, int], *, was_named: bool = False) -> None:
        self.config = config
        self._path = path
        self._lines = lines
        self._was_named = was_named

    def waivers(self, more: Sequence[Path] = ()) -> tuple[PlacedWaiver, ...]:
        """Those of the file, of the files that it names, and of others. Raises `AkscanError`."""
        own = [
            PlacedWaiver(waiver, f"{self._path}:{_line(self._lines, f'waivers[{number}]')}")
            for number, waiver in enumerate(self.config.waivers)
        ]
        beside = self._path.parent if self._path else Path()
        files = (*(beside / name for name in self.config.waiver_files), *more)
        return (*own, *(placed for path in dict.fromkeys(files) for placed in read_waivers(path)))

    def require_trust(self) -> None:
        """Raises `AkscanError` where a file that merely lay in the working directory says whom tokens go to or whom to
        trust: in a pull request anybody can put one there.
        """
        for name in ("armEndpoint", "armAudience", "authority", "caFile"):
            if not self._was_named and f"cloud.{name}" in self._lines:
                raise self.error(f"cloud.{name}", "counts only in a file that --config names, or as an option")

    def error(self, key: str, what: str) -> AkscanError:
        """An error about a key such as ``rules.API-001.parameters``."""
        if self._path is None:
            return AkscanError(f"{key}: {what}")
        return AkscanError(f"{self._path}:{_line(self._lines, key)}: {key}: {what}")


def load_config(path: Path | None) -> Loaded:
    """The file that was named, else ``akscan.yaml`` of the working directory where there is one. Raises
    `AkscanError`.
    """
    was_named = path is not None
    if path is None:
        path = Path(DEFAULT_NAME)
        if not path.exists():
            return Loaded(Config(), None, {})
    data, lines = _read(path)
    rules = data.pop("rules", None) or {}
    if not isinstance(rules, dict):
        raise AkscanError(f"{path}:{_line(lines, 'rules')}: rules: expected a mapping of rule ids")
    settings = {
        str(rule_id): _converted(value or {}, RuleSettings, f"rules.{rule_id}", path, lines)
        for rule_id, value in rules.items()
    }
    config = _converted(data, Config, "", path, lines)
    for name, anchor in config.anchors.items():
        if not anchor.is_relative:
            key = f"anchors.{name}.file"
            raise AkscanError(f"{path}:{_line(lines, key)}: {key}: expected a path within the repository, with slashes")
    return Loaded(msgspec.structs.replace(config, rules=settings), path, lines, was_named=was_named)


def read_waivers(path: Path) -> tuple[PlacedWaiver, ...]:
    """The waivers of a file that holds nothing but ``waivers``. Raises `AkscanError`."""
    data, lines = _read(path)
    found = _converted(data, _WaiverFile, "", path, lines).waivers
    return tuple(
        PlacedWaiver(waiver, f"{path}:{_line(lines, f'waivers[{number}]')}") for number, waiver in enumerate(found)
    )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """A mapping, and the line of each of its dotted keys. Raises `AkscanError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AkscanError(f"{path}: cannot be read: {error}") from None
    lines: dict[str, int] = {}
    try:
        _index(path, yaml.compose(text, Loader=yaml.SafeLoader), "", lines)
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise AkscanError(f"{place}: no YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(data, dict):
        raise AkscanError(f"{path}:1: expected a mapping of settings")
    return data, lines


def _converted(data: object, kind: type[S], prefix: str, path: Path, lines: Mapping[str, int]) -> S:
    """One section. The message of msgspec (``... - at `$.gates.failOn```) becomes file, line and key."""
    try:
        return msgspec.convert(data, type=kind)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `$")
        unknown = re.search(r"unknown field `([^`]+)`", what)
        below = [at.rstrip("`").removeprefix("."), unknown[1] if unknown else ""]
        key = ".".join(part for part in (prefix, *below) if part)
        what = "unknown key" if unknown else what
        raise AkscanError(f"{path}:{_line(lines, key)}: {key or 'the file'}: {what}") from None


def _index(path: Path, node: yaml.Node | None, prefix: str, lines: dict[str, int]) -> None:
    """Dotted keys -> line numbers. A key that stands twice is an error: YAML would keep the last one in silence."""
    if isinstance(node, yaml.MappingNode):
        for key_node, value in node.value:
            key = f"{prefix}.{key_node.value}" if prefix else str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in lines:
                raise AkscanError(f"{path}:{line}: {key}: stands twice, first in line {lines[key]}")
            lines[key] = line
            _index(path, value, key, lines)
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            lines[f"{prefix}[{place}]"] = value.start_mark.line + 1
            _index(path, value, f"{prefix}[{place}]", lines)


def _line(lines: Mapping[str, int], key: str) -> int:
    """The line of the key, or of the nearest one above it."""
    while key and key not in lines:
        key = key.rpartition("." if "." in key else "[")[0]
    return lines.get(key, 1)


def select_rules(
    rules: Sequence[Rule], loaded: Loaded, only: Sequence[str], skip: Sequence[str]
) -> tuple[SelectedRule, ...]:
    """The rules that are on. ``only`` and ``skip`` hold ids and prefixes of ids. Raises `AkscanError` for a name that
    fits no rule, an unknown parameter or a value of the wrong type.
    """
    known = {rule.id: rule for rule in rules}
    for option, names in (("--rule", only), ("--skip", skip)):
        for name in names:
            if not any(_fits(rule_id, [name]) for rule_id in known):
                raise AkscanError(f"{option} {name}: fits no rule", "akscan rules lists them")
    for rule_id in loaded.config.rules:
        if rule_id not in known:
            raise loaded.error(f"rules.{rule_id}", "there is no such rule")
    selected = []
    for rule in rules:
        settings = loaded.config.rules.get(rule.id, RuleSettings())
        wanted = _fits(rule.id, only) if only else settings.enabled
        if wanted and not _fits(rule.id, skip):
            parameters = _parameters(rule, settings, loaded)
            selected.append(SelectedRule.of(rule, severity=settings.severity, parameters=parameters))
    return tuple(selected)


def check_waivers(waivers: Iterable[PlacedWaiver], rules: Sequence[Rule]) -> None:
    """Raises `AkscanError` for a waiver whose rule there is not: it would wait for ever."""
    for placed in waivers:
        if not any(fits(placed.waiver.rule, rule.id) for rule in rules):
            raise AkscanError(f"{placed.place}: rule: {placed.waiver.rule} fits no rule", "akscan rules lists them")


def _fits(rule_id: str, names: Iterable[str]) -> bool:
    return any(rule_id.casefold().startswith(name.casefold()) for name in names)


def _parameters(rule: Rule, settings: RuleSettings, loaded: Loaded) -> dict[str, Any]:
    types = signature_of(rule).types
    checked = {}
    for name, value in settings.parameters.items():
        key = f"rules.{rule.id}.parameters.{name}"
        if name not in types:
            raise loaded.error(key, f"unknown parameter; known: {', '.join(types) or 'none'}")
        try:
            checked[name] = msgspec.convert(value, type=types[name])
        except msgspec.ValidationError as error:
            raise loaded.error(key, str(error)) from None
    return checked
