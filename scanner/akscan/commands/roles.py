"""The roles that ``akscan doctor --role`` prints, and the options that shape them. Needs no network."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click
import yaml

from akscan.commands.options import Live
from akscan.engine import SelectedRule
from akscan.errors import AkscanError
from akscan.model.needs import Need
from akscan.model.permissions import (
    azure_role,
    cluster_role,
    cluster_role_binding,
    group_subject,
    kubernetes_resource,
    service_account_subject,
    user_subject,
)

_AZURE_NAME = "akscan reader"
_KUBERNETES_NAME = "akscan-reader"
_GROUP = "akscan-readers"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
#: https://learn.microsoft.com/azure/role-based-access-control/custom-roles#custom-role-properties
_SCOPE = re.compile(
    rf"/subscriptions/{_GUID.pattern}(/resourceGroups/[^/]+)?|/providers/Microsoft\.Management/managementGroups/[^/]+",
    re.IGNORECASE,
)
_RESOURCES = {kubernetes_resource(need)[1]: need for need in Need if need.source == "kubernetes"}

_OPTIONS = (
    click.option("--scope", "scopes", multiple=True, help="With --role azure: an assignable scope. Repeatable.  [-s]"),
    click.option(
        "--without",
        multiple=True,
        type=click.Choice(sorted(_RESOURCES)),
        metavar="RESOURCE",
        help="With --role kubernetes: leave this resource out (secrets, ...). Repeatable.",
    ),
    click.option("--group", help=f"With --role kubernetes: who gets it, in AKS an object id.  [{_GROUP}]"),
    click.option("--user", help="The same, a user."),
    click.option("--service-account", metavar="NAMESPACE:NAME", help="The same, a service account."),
)


@dataclass(frozen=True)
class Wishes:
    """What the options say of the role."""

    scopes: tuple[str, ...]
    without: tuple[str, ...]
    group: str | None
    user: str | None
    service_account: str | None

    def check(self, role: str | None) -> None:
        """Raises `AkscanError` for an option that says nothing of this role."""
        own: dict[str, dict[str, object]] = {
            "azure": {"--scope": self.scopes},
            "kubernetes": {
                "--without": self.without,
                "--group": self.group,
                "--user": self.user,
                "--service-account": self.service_account,
            },
        }
        for other, options in own.items():
            for name, value in options.items():
                if value and other != role:
                    raise AkscanError(f"{name} goes with --role {other}")

    def role(self, role: str, selected: Sequence[SelectedRule], live: Live) -> str:
        """The text of the role. Raises `AkscanError`."""
        needs = [need for one in selected for need in (*one.rule.needs, *one.rule.optional_needs)]
        if role == "azure":
            definition = azure_role(needs, name=_AZURE_NAME, scopes=self._assignable(live))
            return f"{json.dumps(definition, indent=2, ensure_ascii=False)}\n"
        left_out = {_RESOURCES[plural] for plural in self.without}
        _tell_the_price(selected, left_out)
        documents = (
            cluster_role([need for need in needs if need not in left_out], name=_KUBERNETES_NAME),
            cluster_role_binding(self._subject(), name=_KUBERNETES_NAME),
        )
        return yaml.safe_dump_all(documents, sort_keys=False)

    def _assignable(self, live: Live) -> list[str]:
        subscriptions = live.values["subscriptions"] or live.loaded.config.scope.subscriptions
        scopes = self.scopes or tuple(
            f"/subscriptions/{text.rpartition('/')[2]}" if _GUID.fullmatch(text.rpartition("/")[2]) else text
            for text in subscriptions
        )
        hint = "expected -s GUID, or --scope /subscriptions/GUID, a resource group in it, or a management group's id"
        if not scopes:
            raise AkscanError("--role azure: where shall the role be assignable?", hint)
        for scope in scopes:
            if not _SCOPE.fullmatch(scope):
                raise AkscanError(f"--role azure: {scope!r} is no scope, and names are looked up by a scan only", hint)
        return list(dict.fromkeys(scopes))

    def _subject(self) -> dict[str, str]:
        given = [value for value in (self.group, self.user, self.service_account) if value]
        if len(given) > 1:
            raise AkscanError("--group, --user and --service-account: give one of them")
        if self.service_account:
            namespace, colon, name = self.service_account.partition(":")
            if not (namespace and colon and name):
                raise AkscanError(f"--service-account {self.service_account}: expected NAMESPACE:NAME")
            return service_account_subject(namespace, name)
        return user_subject(self.user) if self.user else group_subject(self.group or _GROUP)


def _tell_the_price(selected: Sequence[SelectedRule], left_out: set[Need]) -> None:
    """On stderr, so that the role can be piped on."""
    for need in sorted(left_out):
        whole = [one.rule.id for one in selected if need in one.rule.needs]
        partly = [one.rule.id for one in selected if need in one.rule.optional_needs]
        price = "; ".join(
            f"{what}: {', '.join(ids)}" for what, ids in (("not assessed", whole), ("in part", partly)) if ids
        )
        sys.stderr.write(f"akscan: without {need}: {price or 'no rule is the poorer'}\n")


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets them as ``wishes``."""

    @wraps(command)
    def wrapped(**arguments: Any) -> Any:
        names = ("scopes", "without", "group", "user", "service_account")
        return command(wishes=Wishes(**{name: arguments.pop(name) for name in names}), **arguments)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
