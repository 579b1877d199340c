"""Frameworks of controls, which rules of packs cover, and what a report says of each control."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Self

import msgspec
import yaml

from akscan.errors import AkscanError
from akscan.results import ControlResult, ControlStatus, FrameworkResult, Status


class By(StrEnum):
    """Who sees to a control as long as no rule does."""

    RULES = "rules"
    HAND = "hand"
    AKS = "AKS"

    @property
    def status(self) -> ControlStatus:
        """What a report says of a control that no rule covers."""
        return {By.RULES: ControlStatus.NONE, By.HAND: ControlStatus.MANUAL, By.AKS: ControlStatus.MANAGED}[self]


class Control(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One control: its number in the framework, and a title in the pack's own words."""

    id: str
    title: str
    by: By = By.RULES


class Framework(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A framework as of a day. ``id`` is the key under which rules name its controls in their ``frameworks``."""

    id: str
    title: str
    version: str
    as_of: date
    stale_after_days: int
    sources: tuple[str, ...]
    controls: tuple[Control, ...]

    @property
    def name(self) -> str:
        """As the command line and reports write it."""
        return self.id.replace("_", "-")

    @classmethod
    def read(cls, text: str, source: str) -> Self:
        """Of YAML. Raises `AkscanError`, which names the source and what is wrong."""
        try:
            found = msgspec.convert(yaml.safe_load(text), cls)
        except (yaml.YAMLError, msgspec.ValidationError) as error:
            raise AkscanError(f"{source}: {error}", "expected a framework with its controls") from None
        ids = [control.id for control in found.controls]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise AkscanError(f"{source}: control {twice[0]} stands twice")
        return found


@dataclass(frozen=True)
class CoveredFramework:
    """A framework and the rules that exist for its controls, by the id of the control."""

    framework: Framework
    rules: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, framework: Framework, named: Iterable[tuple[str, Mapping[str, tuple[str, ...]]]]) -> Self:
        """``named`` are ids of rules with the controls that they name, by framework."""
        rules: dict[str, list[str]] = {control.id: [] for control in framework.controls}
        for rule_id, frameworks in named:
            for control in frameworks.get(framework.id, ()):
                rules.get(control, []).append(rule_id)
        return cls(framework, {control: tuple(found) for control, found in rules.items()})

    def judged(self, started: datetime, counts: Mapping[str, Mapping[Status, int]]) -> FrameworkResult:
        """What a report says of each control: when its scan began, and its `Report.counts`."""
        framework = self.framework
        return FrameworkResult(
            name=framework.name,
            title=framework.title,
            version=framework.version,
            as_of=str(framework.as_of),
            is_stale=(started.date() - framework.as_of).days > framework.stale_after_days,
            sources=framework.sources,
            controls=tuple(self._judged(control, counts) for control in framework.controls),
        )

    def _judged(self, control: Control, counts: Mapping[str, Mapping[Status, int]]) -> ControlResult:
        covering = self.rules[control.id]
        return ControlResult(
            id=control.id,
            title=control.title,
            status=_status([counts.get(rule) for rule in covering]) if covering else control.by.status,
            rules=tuple(rule for rule in covering if rule in counts),
            rules_off=tuple(rule for rule in covering if rule not in counts),
        )


def _status(rules: list[Mapping[Status, int] | None]) -> ControlStatus:
    """From the results of the rules of one control; None for a rule that was off, of which nobody knows."""

    def any_is(*statuses: Status) -> bool:
        return any(counts[status] for counts in rules if counts is not None for status in statuses)

    if any_is(Status.FAIL):
        return ControlStatus.FAIL
    if None in rules or any_is(Status.NOT_ASSESSED, Status.ERROR):
        return ControlStatus.NOT_ASSESSED
    return ControlStatus.PASS if any_is(Status.PASS) else ControlStatus.NOT_APPLICABLE
