"""A diagnosis for a terminal."""

from __future__ import annotations

import io
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from akscan.diagnosis import Diagnosis, RuleDiagnosis
from akscan.model.ledger import Assessability, PermissionStatus
from akscan.report_file import PermissionEntry, PermissionScopeEntry

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
        found = self._diagnosis
        self._line(
            (f"akscan {found.tool.version} doctor", "bold"),
            f": {_count(len(found.clusters), 'cluster')} in {_count(len(found.subscriptions), 'subscription')}, "
            f"{_count(len(found.rules), 'rule')}",
        )
        if found.identity:
            self._line(f"As {_plain(found.identity)}")
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
        places = _places(self._diagnosis.permissions)
        if not places:
            self._line("None.")
            return
        table = _table("Where", "", "Permission", "Rules that it costs")
        table.columns[2].no_wrap = True
        for names, status, entries in places:
            rules, partly = _costs(entries)
            costs = (", ".join(rules), f"in part: {', '.join(partly)}" if partly else "")
            table.add_row(_listed(names), str(status), _permissions(entries), "\n".join(filter(None, costs)))
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
        entries = [entry for entry in self._diagnosis.permissions if entry.permission in wanted]
        told = [entry for entry in entries if any(not self._is_shut(entry, scope) for scope in entry.scopes)]
        lines = [
            f"{status} on {_listed(names)}: {_permissions(found, ', ')}"
            for names, status, found in _places(told, self._is_shut)
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

    def _is_shut(self, entry: PermissionEntry, scope: PermissionScopeEntry) -> bool:
        return scope.id in self._unreached and entry.permission.startswith("list ")


_Place = tuple[list[str], PermissionStatus, list[PermissionEntry]]


def _places(
    permissions: Sequence[PermissionEntry],
    leave_out: Callable[[PermissionEntry, PermissionScopeEntry], bool] = lambda _entry, _scope: False,
) -> list[_Place]:
    """Scopes at which the same permissions are missing, or unknown, stand together; the missing ones first."""
    at: dict[tuple[PermissionStatus, str], list[int]] = defaultdict(list)
    names = {}
    for place, entry in enumerate(permissions):
        for scope in entry.scopes:
            if leave_out(entry, scope):
                continue
            at[scope.status, scope.id].append(place)
            names[scope.id] = scope.name
    groups: dict[tuple[PermissionStatus, tuple[int, ...]], list[str]] = defaultdict(list)
    for (status, scope_id), found in sorted(at.items()):
        groups[status, tuple(found)].append(names[scope_id])
    return [
        (scopes, status, [permissions[place] for place in found])
        for (status, found), scopes in sorted(groups.items(), key=lambda group: (group[0][0], group[1]))
    ]


def _costs(entries: Sequence[PermissionEntry]) -> tuple[list[str], list[str]]:
    """Rules that decide nothing without one of these, and those that only lack some cases."""
    whole = dict.fromkeys(rule for entry in entries for rule in entry.rules)
    partly = dict.fromkeys(rule for entry in entries for rule in entry.optional_rules if rule not in whole)
    return sorted(whole), sorted(partly)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _permissions(entries: Sequence[PermissionEntry], separator: str = "\n") -> str:
    names = [entry.permission for entry in entries]
    if len(names) <= _MOST_PERMISSIONS:
        return separator.join(names)
    kubernetes = all(name.startswith("list ") for name in names)
    return f"{len(names)} permissions{' of the Kubernetes API' if kubernetes else ''}"


def _listed(names: Sequence[str]) -> str:
    hidden = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(map(_plain, names[:_MOST_NAMES])) + hidden


def _plain(text: str) -> str:
    """On one line, without what could move a terminal's cursor: names and messages are others' words."""
    return "".join(character if character.isprintable() else " " for character in text)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
