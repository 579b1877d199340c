"""Which stacks beside Azure Monitor do the same, by a dated file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib import resources

import msgspec
import yaml
from akscan.sdk import EvidenceValue, Inventory


class Stack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product, and its images by what they are for."""

    name: str
    source: str
    logs: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    network: tuple[str, ...] = ()


class Stacks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The products that were known on ``as_of``."""

    as_of: date
    stale_after_days: int
    stacks: tuple[Stack, ...]

    def images(self, use: str, further: Iterable[str] = ()) -> tuple[str, ...]:
        """The images for one use, and further ones that the user accepts."""
        return (*(image for stack in self.stacks for image in getattr(stack, use)), *further)

    def evidence(self, inventory: Inventory) -> dict[str, EvidenceValue]:
        """The age of the list that a finding rests on."""
        return {"telemetryStacks.as_of": str(self.as_of), "telemetryStacks.is_stale": self._is_stale(inventory)}

    def note(self, inventory: Inventory) -> str:
        """What a finding adds when the list is old."""
        return f" (by the list of {self.as_of}, which is stale)" if self._is_stale(inventory) else ""

    def _is_stale(self, inventory: Inventory) -> bool:
        return (inventory.collected_at.date() - self.as_of).days > self.stale_after_days


@cache
def known_stacks() -> Stacks:
    """The list that ships with the rules, read on first use."""
    text = resources.files("akscan_rules").joinpath("data", "telemetry_stacks.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), Stacks)
