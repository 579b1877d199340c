"""Waivers: findings that somebody answers for, until a day. A waived finding stays visible, and fails no gate."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta

from akscan.results import Failure, WaiverResult, WaiverStatus

_Said = Annotated[str, Meta(pattern=r"\S")]


class Waiver(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True):
    """One entry of ``waivers``. What is not said fits everything; ``*`` in it stands for anything. ``observed`` binds
    it to what was observed when it was approved (`Failure.observed`), ``max_subjects`` to how much it is for.
    """

    rule: _Said
    reason: _Said
    owner: _Said
    ticket: _Said
    expires: date
    cluster: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    container: str = ""
    labels: dict[str, str] = {}
    fingerprint: str = ""
    observed: str = ""
    max_subjects: Annotated[int, Meta(ge=1)] | None = None

    @property
    def selector(self) -> str:
        """What it is meant for, in one line."""
        names = ("rule", "cluster", "kind", "namespace", "name", "container", "fingerprint")
        said = [f"{name} {value}" for name in names if (value := getattr(self, name))]
        return ", ".join([*said, *(f"label {key}={value}" for key, value in self.labels.items())])

    def selects(self, failure: Failure, labels: Mapping[str, str]) -> bool:
        """Whether a finding of the rule is meant, as far as its subject tells."""
        subject = failure.subject
        return (
            (fits(self.cluster, subject.cluster) or fits(self.cluster, subject.cluster.rpartition("/")[2]))
            and fits(self.kind, subject.kind)
            and fits(self.namespace, subject.namespace, exact=True)
            and fits(self.name, subject.name, exact=subject.id.startswith(f"{subject.cluster}/"))
            and self.fingerprint in ("", failure.fingerprint)
            and all(key in labels and fits(value, labels[key], exact=True) for key, value in self.labels.items())
        )


def fits(pattern: str, text: str, *, exact: bool = False) -> bool:
    """Whether a pattern, or nothing, fits; letter case counts where names of Kubernetes are compared (``exact``)."""
    return not pattern or _compiled(pattern, exact).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str, exact: bool) -> re.Pattern[str]:
    flags = re.DOTALL | (0 if exact else re.IGNORECASE)
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), flags)


class PlacedWaiver(msgspec.Struct, frozen=True):
    """A waiver, and the file and line that it stands in."""

    waiver: Waiver
    place: str


class Waivers:
    """The waivers of one evaluation, and which findings each is meant for. Findings come one at a time, while their
    subjects are at hand; what a waiver amounts to is known when all have come.
    """

    def __init__(self, placed: Sequence[PlacedWaiver], today: date) -> None:
        self._placed = placed
        self._today = today
        self._meant: dict[str, list[int]] = defaultdict(list)
        self._subjects: list[set[str]] = [set() for _ in placed]
        self._changed: list[int] = [0] * len(placed)
        self._of_rule: dict[str, list[int]] = {}

    def consider(self, failure: Failure, labels: Mapping[str, str]) -> None:
        """Note which waivers are meant for a finding."""
        rule = failure.rule.id
        if rule not in self._of_rule:
            self._of_rule[rule] = [n for n, placed in enumerate(self._placed) if fits(placed.waiver.rule, rule)]
        for number in self._of_rule[rule]:
            waiver = self._placed[number].waiver
            if not waiver.selects(failure, labels) or not _is_for_some(waiver, failure.containers):
                continue
            if waiver.observed not in ("", failure.observed):
                self._changed[number] += 1
                continue
            self._subjects[number].add(failure.subject.id)
            self._meant[failure.fingerprint].append(number)

    def split(
        self, findings: Iterable[Failure]
    ) -> tuple[tuple[Failure, ...], tuple[Failure, ...], tuple[WaiverResult, ...]]:
        """The findings that stay open, those that are waived, and what became of each waiver."""
        holds = [self._holds(number) for number in range(len(self._placed))]
        used: list[int] = [0] * len(self._placed)
        still_open: list[Failure] = []
        waived: list[Failure] = []
        for failure in findings:
            meant = [number for number in self._meant.get(failure.fingerprint, ()) if holds[number]]
            numbers = self._enough(failure, meant)
            for number in numbers:
                used[number] += 1
            if numbers:
                waived.append(msgspec.structs.replace(failure, waived_by=tuple(numbers)))
            else:
                still_open.append(failure)
        return tuple(still_open), tuple(waived), tuple(map(self._result, range(len(self._placed)), used))

    def _holds(self, number: int) -> bool:
        waiver = self._placed[number].waiver
        too_many = waiver.max_subjects is not None and len(self._subjects[number]) > waiver.max_subjects
        return waiver.expires >= self._today and not too_many

    def _enough(self, failure: Failure, meant: Sequence[int]) -> list[int]:
        """The waivers that cover a finding whole: the first that names no container, or those of all its containers."""
        whole = next((number for number in meant if not self._placed[number].waiver.container), None)
        if whole is not None:
            return [whole]
        patterns = {number: self._placed[number].waiver.container for number in meant}
        covering = [
            next((n for n, pattern in patterns.items() if fits(pattern, container, exact=True)), None)
            for container in failure.containers
        ]
        return [] if None in covering else list(dict.fromkeys(number for number in covering if number is not None))

    def _result(self, number: int, used: int) -> WaiverResult:
        placed, subjects = self._placed[number], len(self._subjects[number])
        waiver = placed.waiver
        if waiver.expires < self._today:
            status, detail = WaiverStatus.EXPIRED, f"would be for {subjects} subjects"
        elif not self._holds(number):
            status, detail = WaiverStatus.LAPSED, f"is for at most {waiver.max_subjects} subjects, and fits {subjects}"
        elif self._changed[number] and not used:
            status, detail = WaiverStatus.LAPSED, "what was observed has changed since it was approved"
        elif used:
            status, detail = WaiverStatus.USED, ""
        else:
            status, detail = WaiverStatus.UNUSED, "fits no finding, or only some of the containers of one"
        return WaiverResult(
            place=placed.place,
            selector=waiver.selector,
            reason=waiver.reason,
            owner=waiver.owner,
            ticket=waiver.ticket,
            expires=waiver.expires.isoformat(),
            status=status,
            findings=used,
            detail=detail,
        )


def _is_for_some(waiver: Waiver, containers: Collection[str]) -> bool:
    """Whether it names no container, or one of these."""
    return not waiver.container or any(fits(waiver.container, name, exact=True) for name in containers)
