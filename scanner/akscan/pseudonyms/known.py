"""The names that rules know: what they compare names with stays as it is, and tells nothing of its owner."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

import akscan.model
from akscan.model.inventory import RESOURCE_TYPES, SYSTEM_NAMESPACES
from akscan.plugins import rule_packs

#: Names that everybody has.
_EVERYBODY_S = frozenset({*SYSTEM_NAMESPACES, "default", "kubernetes", "system", "cluster", "azure", "aks", "all"})
_SEPARATORS = "._-:"
_ANYTHING = "*"
_BEGINNING, _ENDING = ("startswith", "removeprefix"), ("endswith", "removesuffix")
#: A letter or two would say nothing.
_END = re.compile(r"[\w.:-]*\w{2}[\w.:-]*")
_DATA = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Known:
    """``words`` in lower case; ``heads`` and ``tails`` are beginnings and ends of names, with their separator."""

    words: frozenset[str] = _EVERYBODY_S
    heads: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()

    def ends_of(self, name: str) -> tuple[str, str, str]:
        """A known beginning of the name, the rest, and a known end; the longest ones that leave something."""
        lowered = name.casefold()
        head = next((len(one) for one in self.heads if lowered.startswith(one) and len(one) < len(name)), 0)
        stem = lowered[head:]
        tail = next((len(one) for one in self.tails if stem.endswith(one) and len(one) < len(stem)), 0)
        end = len(name) - tail
        return name[:head], name[head:end], name[end:]


@cache
def known_to_rules() -> Known:
    """What stands literally in the code of the model and of all rule packs, and in their data. Raises `AkscanError` for
    a pack that does not load.
    """
    found = Literals()
    for module in (akscan.model, *rule_packs()):
        for path in _files_of(module):
            if path.suffix == ".py":
                found.visit(ast.parse(path.read_bytes()))
            elif path.suffix in _DATA:
                found.all.update(_texts(yaml.safe_load(path.read_bytes())))
    lowered = {literal.casefold() for literal in (*found.all, *RESOURCE_TYPES)} - {""}
    heads = {one.rstrip("*") for one in lowered if one[-1] in _SEPARATORS or one[-1] == _ANYTHING}
    tails = {one.lstrip("*") for one in lowered if one[0] in _SEPARATORS or one[0] == _ANYTHING}
    return Known(
        words=frozenset({*_EVERYBODY_S, *lowered, *_segments(lowered)}),
        heads=_longest_first({*heads, *found.heads}),
        tails=_longest_first({*tails, *found.tails}),
    )


def _files_of(module: ModuleType) -> Iterator[Path]:
    """All files of a package, or the one of a module."""
    if folders := getattr(module, "__path__", None):
        yield from (path for folder in folders for path in Path(folder).rglob("*"))
    elif module.__file__:
        yield Path(module.__file__)


def _segments(literals: Iterable[str]) -> Iterator[str]:
    """What stands between slashes, as in ``DaemonSet/ama-logs``; of web pages nothing."""
    return (part for literal in literals if "://" not in literal for part in literal.split("/"))


def _longest_first(ends: Iterable[str]) -> tuple[str, ...]:
    """Of these the ones that a name can begin or end with, where they say something."""
    fitting = {one.casefold() for one in ends if _END.fullmatch(one)}
    return tuple(sorted(fitting, key=lambda one: (-len(one), one)))


class Literals(ast.NodeVisitor):
    """All strings in code but docstrings; apart, those with which it asks how a name begins or ends."""

    def __init__(self) -> None:
        self.all: set[str] = set()
        self.heads: set[str] = set()
        self.tails: set[str] = set()

    def visit_Expr(self, node: ast.Expr) -> None:
        """A string that stands alone is a docstring."""
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.all.add(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        """``name.startswith("aks-")``, also of several."""
        asked = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        ends = self.heads if asked in _BEGINNING else self.tails if asked in _ENDING else set()
        constants = (one for argument in node.args for one in ast.walk(argument) if isinstance(one, ast.Constant))
        ends.update(one.value for one in constants if isinstance(one.value, str))
        self.generic_visit(node)


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        yield from (text for pair in data.items() for part in pair for text in _texts(part))
    elif isinstance(data, list):
        yield from (text for item in data for text in _texts(item))
