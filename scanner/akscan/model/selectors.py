"""Label and node selectors (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec


class Expression(msgspec.Struct, frozen=True, kw_only=True):
    """One expression of a label selector or a node selector term."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return f"{self.key} {self.operator} {','.join(self.values or ())}".rstrip()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """An operator that Kubernetes does not know matches nothing."""
        values = self.values or ()
        present = self.key in labels
        match self.operator:
            case "In":
                return present and labels[self.key] in values
            case "NotIn":
                return not present or labels[self.key] not in values
            case "Exists":
                return present
            case "DoesNotExist":
                return not present
            case "Gt" | "Lt":
                return present and self._compares(labels[self.key])
            case _:
                return False

    def _compares(self, value: str) -> bool:
        left, right = _integer(value), _integer((self.values or ("",))[0])
        if left is None or right is None:
            return False
        return left > right if self.operator == "Gt" else left < right


def _integer(text: str) -> int | None:
    """As Go's ``strconv.ParseInt`` reads it for the scheduler; None where it is no integer of 64 bits."""
    number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,19}", text, re.ASCII) else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


class LabelSelector(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``matchLabels`` and ``matchExpressions``, all of which must hold; empty selects everything."""

    match_labels: dict[str, str] | None = None
    match_expressions: tuple[Expression, ...] | None = None

    @property
    def is_empty(self) -> bool:
        return not self.match_labels and not self.match_expressions

    def __str__(self) -> str:
        pairs = (f"{key}={value}" for key, value in (self.match_labels or {}).items())
        return "; ".join((*pairs, *map(str, self.match_expressions or ())))

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(key) == value for key, value in (self.match_labels or {}).items()) and all(
            expression.matches(labels) for expression in self.match_expressions or ()
        )


class NodeSelectorTerm(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    match_expressions: tuple[Expression, ...] | None = None
    match_fields: tuple[Expression, ...] | None = None

    @property
    def is_empty(self) -> bool:
        return not self.match_expressions and not self.match_fields


class NodeSelector(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Required node affinity: one term must hold, and in it every expression; an empty term matches nothing (see
    `akscan.model.scheduling`).
    """

    node_selector_terms: tuple[NodeSelectorTerm, ...] = ()
