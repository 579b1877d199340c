"""The priority expander of the cluster autoscaler, which chooses a pool by a list of regular expressions
(https://learn.microsoft.com/azure/aks/cluster-autoscaler-overview).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Self

from akscan.model.text import Token

EXPANDER_NAMESPACE, EXPANDER_NAME = "kube-system", "cluster-autoscaler-priority-expander"
_MOST_CHARACTERS = 65_536
_MALFORMED = "?"
#: What may take a backtracking engine for ever: quantified groups, or many quantifiers in a row.
_QUANTIFIED_GROUP = re.compile(r"\)[*+?{]")
_QUANTIFIER = re.compile(r"[*+{]")
_MOST_QUANTIFIERS = 4
_EVERY_NAME = (".*", ".+", "^.*$", "^.+$")
#: No engine compiles it.
_UNTOLD = "(?pseudonyms)"


class ExpanderPriorities(Token):
    """``data.priorities``: lines of a priority, a space and a pattern; a question mark for what is no such list."""

    # no __slots__: there is one for each cluster, and what it compiles to is cached

    @classmethod
    def of(cls, value: object) -> Self:
        """Keep priorities and patterns of the YAML text, which maps numbers to lists of patterns, and nothing else."""
        import yaml  # noqa: PLC0415 few inventories hold one

        if not isinstance(value, str) or len(value) > _MOST_CHARACTERS:
            return cls(_MALFORMED)
        try:
            read = yaml.safe_load(value)
        except yaml.YAMLError:
            return cls(_MALFORMED)
        pairs = _pairs({} if read is None else read)
        return cls(_MALFORMED) if pairs is None else cls("\n".join(f"{number} {text}" for number, text in pairs))

    @property
    def is_malformed(self) -> bool:
        """Whether the autoscaler cannot read it either."""
        return str.__eq__(self, _MALFORMED)

    @property
    def lines(self) -> tuple[str, ...]:
        """Priority and pattern, the highest priority first."""
        return () if self.is_malformed else tuple(self.splitlines())

    def choose(self, names: tuple[str, ...]) -> bool | None:
        """Whether a pattern is found in one of the names; None where only a pattern that is not understood could be."""
        patterns = self._patterns
        if any(pattern.search(name) for pattern in patterns if pattern for name in names):
            return True
        return None if None in patterns else False

    def without_names(self) -> Self:
        """The same where patterns match all names; every other one is not understood any more."""
        pairs = (line.partition(" ")[::2] for line in self.lines)
        kept = (f"{number} {text if text in _EVERY_NAME else _UNTOLD}" for number, text in pairs)
        return self if self.is_malformed else type(self)("\n".join(kept))

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str] | None, ...]:
        return tuple(_compiled(line.partition(" ")[2]) for line in self.lines)


def _pairs(read: object) -> list[tuple[int, str]] | None:
    """Priorities and patterns, the highest first; None where the autoscaler could not read them."""
    if not isinstance(read, dict):
        return None
    found = []
    for number, texts in read.items():
        if type(number) is not int or not isinstance(texts, list):
            return None
        if not all(isinstance(text, str) and text.isprintable() for text in texts):
            return None
        found += [(number, text) for text in texts]
    return sorted(found, reverse=True)


def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None for a pattern of which it is not certain that this engine reads it as Go's does, and in time."""
    if _QUANTIFIED_GROUP.search(pattern) or len(_QUANTIFIER.findall(pattern)) > _MOST_QUANTIFIERS:
        return None
    try:
        return re.compile(pattern, re.ASCII)
    except re.error:
        return None
