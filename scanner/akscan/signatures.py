"""Checks the shape of a rule's function when it is loaded, and reads from it what the rule is asked about."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from akscan.errors import AkscanError
from akscan.model.inventory import Inventory
from akscan.model.subject import Subject
from akscan.sdk import Finding, Rule

_SHAPE = "(subject: Subject, inventory: Inventory, *, parameter: type = default) -> Iterator[Finding]"


@dataclass(frozen=True)
class Signature:
    """For which kinds of subject a rule is called, and its parameters with their types and defaults."""

    subjects: tuple[type[Subject], ...]
    types: dict[str, Any]
    defaults: dict[str, Any]


def signature_of(rule: Rule) -> Signature:
    """Raises `AkscanError` with file and line where the function is not of the shape of a rule."""
    function = rule.function
    try:
        hints = get_type_hints(function)
    except NameError as error:
        raise _bad(rule, f"its annotations cannot be resolved: {error}") from None
    parameters = list(inspect.signature(function).parameters.values())
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    named = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    if len(positional) != 2 or len(positional) + len(named) != len(parameters):  # noqa: PLR2004 subject and inventory
        raise _bad(rule, f"it takes {_SHAPE}")
    if hints.get(positional[1].name) is not Inventory:
        raise _bad(rule, f"its second parameter is annotated Inventory: {_SHAPE}")
    returns = hints.get("return")
    if get_origin(returns) is not Iterator or get_args(returns) != (Finding,):
        raise _bad(rule, "it returns Iterator[Finding]")
    if not inspect.isgeneratorfunction(function):
        raise _bad(rule, "it is no generator: it yields findings")
    for parameter in named:
        if parameter.default is parameter.empty or parameter.name not in hints:
            raise _bad(rule, f"parameter {parameter.name} has a type and a default")
    if not rule.title or not rule.why or not rule.how:
        raise _bad(rule, "its docstring holds a title, why it matters, and a paragraph that begins with **Fix**:")
    return Signature(
        subjects=_subjects(rule, hints.get(positional[0].name)),
        types={p.name: hints[p.name] for p in named},
        defaults={p.name: p.default for p in named},
    )


def _subjects(rule: Rule, annotation: object) -> tuple[type[Subject], ...]:
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    found = tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Subject))
    if not found or len(found) != len(kinds):
        raise _bad(rule, "its first parameter is annotated with the kind of subject that it judges")
    return found


def _bad(rule: Rule, what: str) -> AkscanError:
    return AkscanError(f"{rule.location}: rule {rule.id} ({rule.function.__name__}): {what}")
