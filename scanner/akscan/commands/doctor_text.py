"""A diagnosis for a terminal."""

from __future__ import annotations

import io
import shutil
from collections import defaultdict
from collections.abc import Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from akscan.diagnosis import Diagnosis, RuleDiagnosis
from akscan.model.ledger import Assessability, LedgerEntry, LedgerScope, places
from akscan.model.needs import Need

_WIDTH = 100
_RULES_WIDTH = 30
_MOST_NAMES = 6
_MOST_PERMISSIONS = 12
_STYLES = {
    Assessability.ASSESSED: "green",
    Assessability.PARTLY: "yellow",
    Assessability.UNKNOWN: "magenta",
    Assessability.CANNOT: "bold red",
}


def print_diagnosis(diagnosis: Diagnosis, out: TextIO) -> None:
    """Columns of a terminal, else 100, in colour on a terminal only: API servers, what is not held and what it costs,
    and the rules.
    """
    terminal, text = out.isatty(), io.StringIO()
    width = shutil.get_terminal_size().columns if terminal else _WIDTH
    console = Console(file=text, width=width, force_terminal=terminal, markup=False, highlight=False, emoji=False)
    _Page(diagnosis, console).print()
    out.write("".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()))


class _Page:
    def __init__(self, diagnosis: Diagnosis, console: Console) -> None:
        self._diagnosis = diagnosis
        self._console = console
        self._unreached = {cluster.id: cluster.name for cluster in diagnosis.clusters if not cluster.reached}

    def print(self) -> None:
        manifest, found = self._diagnosis.manifest, self._diagnosis
        counts = (
            f"{_count(len(found.clusters), 'cluster')} in {_count(len(manifest.scope.subscriptions), 'subscription')}",
            _count(len(found.rules), "rule"),
        )
        self._line((f"akscan {manifest.akscan} doctor", "bold"), f": {', '.join(counts)}")
        if manifest.identity:
            self._line(f"As {_plain(manifest.identity)}")
        self._api_servers()
        self._lacking()
        self._rules()

    def _line(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        self._console.print(Padding(Text.assemble(*parts), (0, 0, 0, indent), expand=False))

    def _heading(self, title: str) -> None:
        self._console.print()
        self._line((title, "bold underline"))

    # --- sections

    def _api_servers(self) -> None:
        clusters = self._diagnosis.clusters
        self._heading("Kubernetes API servers")
        if not clusters:
            self._line("No AKS cluster is in scope.")
            return
        self._line(f"{len(clusters) - len(self._unreached)} of {len(clusters)} answer.")
        for cluster in clusters:
            if not cluster.reached:
                self._line(f"- {_plain(cluster.name)}: {_plain(cluster.detail)}")

    def _lacking(self) -> None:
        self._heading("Permissions that are not held")
        found = places(self._diagnosis.ledger)
        if not found:
            self._line("None.")
            return
        table = _table("Where", "", "Permission", "Costs")
        table.columns[2].no_wrap = True
        for place in found:
            partly = ", ".join(place.optional_rules)
            costs = (", ".join(place.rules), f"in part: {partly}" if partly else "")
            table.add_row(
                _listed(place.names), str(place.status), _permissions(place.entries), "\n".join(filter(None, costs))
            )
        self._console.print(table)

    def _rules(self) -> None:
        self._heading("Rules")
        table = _table("", "Rules", "What they lack")
        table.columns[1].max_width = _RULES_WIDTH
        for status in Assessability:
            groups: dict[str, list[str]] = defaultdict(list)
            for rule in self._diagnosis.rules_that_are(status):
                groups[self._lack(rule)].append(rule.id)
            for place, (lacking, ids) in enumerate(groups.items()):
                shown = Text(str(status) if place == 0 else "", _STYLES[status])
                table.add_row(shown, ", ".join(ids), lacking)
        self._console.print(table)
        counts = ((status, len(self._diagnosis.rules_that_are(status))) for status in Assessability)
        self._console.print()
        self._line((", ".join(f"{number} {status}" for status, number in counts if number), "bold"))

    def _lack(self, rule: RuleDiagnosis) -> str:
        """A line for each place; of a cluster that does not answer everything is unknown, whatever the rule needs."""
        wanted = {*rule.lacking, *rule.optional_lacking}
        entries = [entry for entry in self._diagnosis.ledger if entry.permission in wanted]
        told = [entry for entry in entries if any(not self._is_shut(entry, scope) for scope in entry.scopes)]
        lines = [
            f"{place.status} on {_listed(place.names)}: {_permissions(place.entries, ', ')}"
            for place in places(told, self._is_shut)
        ]
        shut = {scope.id for entry in entries for scope in entry.scopes if self._is_shut(entry, scope)}
        if shut:
            lines.append(f"unknown: the Kubernetes API of {_listed([self._unreached[key] for key in sorted(shut)])}")
        nowhere = [entry for entry in entries if not (entry.held or entry.scopes)]
        if nowhere:
            lines.append(f"asked nowhere: {_permissions(nowhere, ', ')}")
        if not lines and rule.status is not Assessability.ASSESSED:
            lines.append("unknown: Azure, of the clusters that only a kubeconfig names")
        return "\n".join(lines)

    def _is_shut(self, entry: LedgerEntry, scope: LedgerScope) -> bool:
        return scope.id in self._unreached and Need(entry.permission).source == "kubernetes"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _permissions(entries: Sequence[LedgerEntry], separator: str = "\n") -> str:
    names = [entry.permission for entry in entries]
    if len(names) <= _MOST_PERMISSIONS:
        return separator.join(names)
    kubernetes = all(Need(name).source == "kubernetes" for name in names)
    return f"{len(names)} permissions{' of the Kubernetes API' if kubernetes else ''}"


def _listed(names: Sequence[str]) -> str:
    hidden = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(map(_plain, names[:_MOST_NAMES])) + hidden


def _plain(text: str) -> str:
    """On one line, without what could move a terminal's cursor: names and messages are others' words."""
    return "".join(character if character.isprintable() else " " for character in text)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
