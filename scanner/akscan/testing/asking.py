"""Asking one rule about one world."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from akscan.engine import SelectedRule, Verdict, judge
from akscan.model.inventory import Inventory
from akscan.model.needs import Need
from akscan.model.subject import Absent, Subject, Unreadable
from akscan.results import Status
from akscan.sdk import Rule
from akscan.testing.inventories import inventory


@dataclass(frozen=True)
class World:
    """An inventory, the name of the subject that is meant where there are several, and parameters of the rule."""

    inventory: Inventory
    subject: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


def case(
    name: str,
    things: Sequence[object],
    expected: Status,
    *,
    subject: str = "",
    unreadable: Iterable[Need] = (),
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    """A line of a rule's table, for ``pytest.mark.parametrize(("world", "expected"), [...])``; ``name`` becomes the
    id.
    """
    import pytest  # noqa: PLC0415 the tests of a pack have it, its users need not

    return pytest.param(World(inventory(*things, unreadable=unreadable), subject, parameters or {}), expected, id=name)


def evaluate(rule: Rule, world: World | Inventory) -> Verdict:
    """The verdict on the one subject that is meant. Raises `LookupError` where the world holds none or several such."""
    meant = world if isinstance(world, World) else World(world)
    found = evaluate_all(rule, meant.inventory, **meant.parameters)
    fitting = {
        name: verdict
        for name, verdict in found.items()
        if name.rpartition("/")[2] == (meant.subject or name.rpartition("/")[2])
    }
    if len(fitting) != 1:
        raise LookupError(f"one subject is wanted, there are {sorted(found)}")
    return next(iter(fitting.values()))


def evaluate_all(rule: Rule, world: Inventory, **parameters: Any) -> dict[str, Verdict]:
    """Verdicts by ``kind/name`` of the subject (``kind/namespace/name`` in a namespace)."""
    selected = SelectedRule.of(rule, parameters=parameters)
    verdicts: dict[str, Verdict] = {}
    for cluster in world.clusters:
        for kind in selected.signature.subjects:
            for subject in kind.each(world, cluster):
                key, verdict = _verdict(selected, subject, world)
                verdicts.setdefault(key, verdict)
    return verdicts


def _verdict(selected: SelectedRule, subject: Subject | Unreadable | Absent, world: Inventory) -> tuple[str, Verdict]:
    match subject:
        case Unreadable(cluster, gap):
            return f"cluster/{cluster.name}", Verdict(Status.NOT_ASSESSED, reason=str(gap), gap=gap)
        case Absent(cluster, why):
            return f"cluster/{cluster.name}", Verdict(Status.NOT_APPLICABLE, reason=why)
        case _:
            ref = subject.ref
            space = f"{ref.namespace}/" if ref.namespace else ""
            return f"{ref.kind}/{space}{ref.name}", judge(selected, subject, world)
