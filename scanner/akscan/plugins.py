"""Finds rule packs with their frameworks, reporters and commands by entry points; the built-in ones come through the
same door as anybody's.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from akscan.errors import AkscanError
from akscan.frameworks import CoveredFramework, Framework
from akscan.reporters import Reporter, reporter_of
from akscan.sdk import Rule


def load_rules() -> tuple[Rule, ...]:
    """The rules of every pack, by id. Raises `AkscanError` for a pack that does not load and for an id that stands
    twice.
    """
    rules: dict[str, Rule] = {}
    for entry in _entries("akscan.rules"):
        for module in _modules(_loaded(entry)):
            for rule in _rules_of(module):
                known = rules.setdefault(rule.id, rule)
                if known is not rule:
                    raise AkscanError(f"rule {rule.id} stands twice: {known.location} and {rule.location}")
    return tuple(rules[key] for key in sorted(rules))


def rule_packs() -> tuple[ModuleType, ...]:
    """The packages or modules of all packs. Raises `AkscanError` like `load_rules`."""
    return tuple(_loaded(entry) for entry in _entries("akscan.rules"))


def _rules_of(module: ModuleType) -> Iterator[Rule]:
    """The rules that a module defines itself, in the order of its text."""
    for value in vars(module).values():
        if isinstance(value, Rule) and value.function.__module__ == module.__name__:
            yield value


def _modules(pack: ModuleType) -> Iterator[ModuleType]:
    yield pack
    for found in pkgutil.walk_packages(getattr(pack, "__path__", ()), prefix=f"{pack.__name__}."):
        yield importlib.import_module(found.name)


def load_frameworks() -> tuple[CoveredFramework, ...]:
    """The frameworks that packs bring along, by name, with the rules of all packs that cover them: a pack has a
    function ``frameworks() -> Iterable[Framework]``. Raises `AkscanError` like `load_rules`.
    """
    named = [(rule.id, rule.frameworks) for rule in load_rules()]
    found: dict[str, CoveredFramework] = {}
    for entry in _entries("akscan.rules"):
        door = getattr(_loaded(entry), "frameworks", None)
        for framework in door() if callable(door) else ():
            if not isinstance(framework, Framework):
                raise AkscanError(f"{entry.value}.frameworks() returns {framework!r}, which is no Framework")
            if framework.name in found:
                raise AkscanError(f"framework {framework.name} stands twice, the second time in {entry.value}")
            found[framework.name] = CoveredFramework.of(framework, named)
    return tuple(found[name] for name in sorted(found))


def reporter_names() -> tuple[str, ...]:
    """The names of all formats."""
    return tuple(entry.name for entry in _entries("akscan.reporters"))


def load_reporter(name: str) -> Reporter:
    """The reporter of a format. Raises `AkscanError` for an unknown name."""
    for entry in _entries("akscan.reporters"):
        if entry.name == name:
            return reporter_of(_loaded(entry), name)
    raise AkscanError(f"there is no format {name!r}", f"formats: {', '.join(reporter_names())}")


def command_entries() -> tuple[EntryPoint, ...]:
    """Commands that other distributions (and the fixtures) add."""
    return _entries("akscan.commands")


def _entries(group: str) -> tuple[EntryPoint, ...]:
    return tuple(sorted(entry_points(group=group), key=lambda entry: entry.name))


def _loaded(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise AkscanError(f"entry point {entry.group}: {entry.name} = {entry.value}: {error}") from error
