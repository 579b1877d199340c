"""Kubernetes RBAC as an attacker reads it: who holds which permission, and through which binding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from akscan.model.kubernetes import (
    ClusterRole,
    ClusterRoleBinding,
    KubernetesLists,
    Listing,
    PolicyRule,
    RbacSubject,
    Request,
    Role,
    RoleBinding,
)

#: Namespace (empty for a ClusterRole) and name.
RoleKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Grant:
    """A rule of a role in the hands of those whom a binding names."""

    binding: ClusterRoleBinding
    role: Role
    rule: PolicyRule

    @property
    def holders(self) -> tuple[RbacSubject, ...]:
        return self.binding.holders


class Rbac:
    """The roles and bindings of one cluster, indexed. What it finds was read, which proves that somebody holds a
    permission; that nobody else does is proven only where the fitting ``require_...`` does not raise.
    """

    def __init__(self, lists: KubernetesLists) -> None:
        self._lists = lists
        self._roles: dict[RoleKey, Role] = {
            (role.namespace, role.name): role for role in (*lists.cluster_roles.items, *lists.roles.items)
        }
        self._bindings: dict[RoleKey, list[ClusterRoleBinding]] = defaultdict(list)
        for binding in (*lists.cluster_role_bindings.items, *lists.role_bindings.items):
            self._bindings[_target(binding)].append(binding)

    def require_cluster_wide(self) -> None:
        """Raises `NotCollected` where a ClusterRole or a ClusterRoleBinding may be missing."""
        self._lists.cluster_role_bindings.complete()
        self._lists.cluster_roles.complete()

    # --- roles

    def role_of(self, binding: ClusterRoleBinding) -> Role | None:
        """The role that a binding grants; None where it names one that does not exist. Raises `NotCollected` where
        nobody knows.
        """
        found = self._roles.get(_target(binding))
        if found is None:
            listing: Listing[ClusterRole] | Listing[Role] = self._lists.cluster_roles
            if binding.role_ref.kind == "Role":
                listing = self._lists.roles
            listing.complete()
        return found

    def rules_of(self, role: Role) -> tuple[PolicyRule, ...]:
        """What a role grants: its rules, and those that its aggregation rule makes the control plane add."""
        sources = self._sources.get(role.name, ()) if isinstance(role, ClusterRole) else ()
        return tuple(dict.fromkeys(_rules((role, *sources)))) if sources else role.rules or ()

    def own_rules(self, role: Role) -> tuple[PolicyRule, ...]:
        """What a role grants by itself or by roles of the platform that are aggregated into it; any other role that is
        answers for its rules itself.
        """
        sources = self._sources.get(role.name, ()) if isinstance(role, ClusterRole) else ()
        others = set(_rules(source for source in sources if not source.is_of_platform))
        return tuple(rule for rule in self.rules_of(role) if rule not in others) if others else self.rules_of(role)

    def is_of_platform(self, role: Role, rule: PolicyRule) -> bool:
        """Whether a rule of a role comes with Kubernetes or AKS: their role grants it by itself, and not through
        another that is aggregated into it.
        """
        return role.is_of_platform and rule in self.own_rules(role)

    def require_rules(self, role: Role) -> None:
        """Raises `NotCollected` where a role that is aggregated into this one may be missing."""
        if isinstance(role, ClusterRole) and role.aggregation_rule:
            self._lists.cluster_roles.complete()

    @cached_property
    def _sources(self) -> dict[str, tuple[ClusterRole, ...]]:
        """An aggregated ClusterRole -> all others whose rules end up in it, through others too."""
        labelled: dict[tuple[str, str], list[ClusterRole]] = defaultdict(list)
        for role in self._lists.cluster_roles.items:
            for label in (role.metadata.labels or {}).items():
                labelled[label].append(role)
        direct: dict[str, tuple[ClusterRole, ...]] = {}
        for role in self._lists.cluster_roles.items:
            if role.selectors:
                direct[role.name] = tuple(self._selected(role, labelled))
        return {name: tuple(_reached(name, direct)) for name in direct}

    def _selected(self, role: ClusterRole, labelled: dict[tuple[str, str], list[ClusterRole]]) -> Iterator[ClusterRole]:
        for selector in role.selectors:
            wanted = next(iter((selector.match_labels or {}).items()), None)
            candidates: Iterable[ClusterRole] = labelled.get(wanted, ()) if wanted else self._lists.cluster_roles.items
            yield from (other for other in candidates if selector.matches(other.metadata.labels or {}))

    @cached_property
    def _users(self) -> dict[str, list[str]]:
        """A ClusterRole -> the aggregated ones that its rules end up in."""
        found: dict[str, list[str]] = defaultdict(list)
        for name, sources in self._sources.items():
            for source in sources:
                found[source.name].append(name)
        return found

    # --- bindings

    def bindings_of(self, role: Role) -> tuple[ClusterRoleBinding, ...]:
        """The bindings that grant a role's rules: to itself, or to a ClusterRole that it is aggregated into."""
        keys = [(role.namespace, role.name)]
        if isinstance(role, ClusterRole):
            keys += [("", name) for name in self._users.get(role.name, ())]
        return tuple(binding for key in keys for binding in self._bindings.get(key, ()))

    def require_bindings(self, role: Role) -> None:
        """Raises `NotCollected` where a binding of the role may be missing."""
        self._lists.role_bindings.complete()
        if isinstance(role, ClusterRole):
            self._lists.cluster_role_bindings.complete()
            self._lists.cluster_roles.complete()

    def bindings_for(self, *subjects: RbacSubject) -> tuple[ClusterRoleBinding, ...]:
        """The bindings that name one of the subjects; of default ones those to groups aside, which cover everybody."""
        found = (binding for subject in subjects for binding in self._by_subject.get(subject.identity, ()))
        return tuple({id(binding): binding for binding in found}.values())

    def bindings_for_account(self, namespace: str, name: str) -> tuple[ClusterRoleBinding, ...]:
        """The bindings that name a service account or one of the groups of its own, default ones to groups aside."""
        return self.bindings_for(
            RbacSubject(kind="ServiceAccount", namespace=namespace, name=name),
            RbacSubject(kind="Group", name="system:serviceaccounts"),
            RbacSubject(kind="Group", name=f"system:serviceaccounts:{namespace}"),
        )

    def require_all_bindings(self) -> None:
        """Raises `NotCollected` where a binding may be missing."""
        self._lists.cluster_role_bindings.complete()
        self._lists.role_bindings.complete()

    @cached_property
    def _by_subject(self) -> dict[str, list[ClusterRoleBinding]]:
        found: dict[str, list[ClusterRoleBinding]] = defaultdict(list)
        for bindings in self._bindings.values():
            for binding in bindings:
                for subject in binding.holders:
                    if subject.kind != "Group" or not binding.metadata.is_bootstrapped:
                        found[subject.identity].append(binding)
        return found

    # --- permissions

    def grants(self, request: Request) -> tuple[Grant, ...]:
        """Who may do it: every binding that grants the request, with the rule that does. A request without a namespace
        is one for all namespaces, or for an object outside them: only ClusterRoleBindings grant it, and only they
        grant paths.
        """
        return tuple(
            Grant(binding, role, rule)
            for role, rule in self._candidates(request)
            if rule.allows(request)
            for binding in self._bindings.get((role.namespace, role.name), ())
            if _reaches(binding, request)
        )

    def _candidates(self, request: Request) -> Iterator[tuple[Role, PolicyRule]]:
        kind, slash, sub = request.resource.partition("/")
        names = dict.fromkeys((request.resource, "*", *([f"*/{sub}"] if slash else ()))) if kind else {"": None}
        seen: set[tuple[int, int]] = set()
        for name in names:
            for role, rule in self._rules_by_resource.get(name, ()):
                if (key := (id(role), id(rule))) not in seen:
                    seen.add(key)
                    yield role, rule

    @cached_property
    def _rules_by_resource(self) -> dict[str, list[tuple[Role, PolicyRule]]]:
        """A resource as rules spell it (empty: paths that are no resource) -> bound roles and those of their rules."""
        found: dict[str, list[tuple[Role, PolicyRule]]] = defaultdict(list)
        for key in self._bindings:
            if (role := self._roles.get(key)) is not None:
                for rule in self.rules_of(role):
                    for name in dict.fromkeys((*(rule.resources or ()), *([""] if rule.non_resource_urls else ()))):
                        found[name].append((role, rule))
        return found


def _target(binding: ClusterRoleBinding) -> RoleKey:
    """The key of the role that a binding names: a RoleBinding reaches Roles of its own namespace only."""
    namespace = binding.namespace if binding.role_ref.kind == "Role" else ""
    return namespace, binding.role_ref.name


def _reaches(binding: ClusterRoleBinding, request: Request) -> bool:
    if isinstance(binding, RoleBinding):
        return not request.url and bool(request.namespace) and binding.namespace == request.namespace
    return True


def _rules(roles: Iterable[Role]) -> Iterator[PolicyRule]:
    return (rule for role in roles for rule in role.rules or ())


def _reached(start: str, direct: dict[str, tuple[ClusterRole, ...]]) -> Iterator[ClusterRole]:
    """What a ClusterRole aggregates, step by step; ClusterRoles may aggregate each other in a circle."""
    seen, pending = {start}, [start]
    while pending:
        for role in direct.get(pending.pop(), ()):
            if role.name not in seen:
                seen.add(role.name)
                pending.append(role.name)
                yield role
