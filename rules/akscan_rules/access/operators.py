"""Who holds rights in Kubernetes beside the platform, and which of them are operators that everybody knows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec
import yaml
from akscan.sdk import (
    Cluster,
    ClusterRoleBinding,
    EvidenceValue,
    Inventory,
    PolicyRule,
    RbacSubject,
    Workload,
    if_known,
    image_matches,
)

#: So many are named in a message; the evidence holds all.
_NAMED = 5


class Operator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A controller as its chart or manifest installs it, and the rules that its rights would fail."""

    name: str
    namespaces: tuple[str, ...]
    accounts: tuple[str, ...]
    images: tuple[str, ...]
    rules: tuple[str, ...]
    source: str


class Operators(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The controllers that were known on ``as_of``."""

    as_of: date
    stale_after_days: int
    operators: tuple[Operator, ...]

    def evidence(self, inventory: Inventory) -> dict[str, EvidenceValue]:
        """The age of the list that decides whose rights are accepted."""
        age = (inventory.collected_at.date() - self.as_of).days
        return {"platformOperators.as_of": str(self.as_of), "platformOperators.is_stale": age > self.stale_after_days}


@cache
def known_operators() -> Operators:
    """The list that ships with the rules, read on first use."""
    text = resources.files("akscan_rules").joinpath("data", "platform_operators.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), Operators)


@cache
def _by_account() -> dict[tuple[str, str], tuple[Operator, ...]]:
    found: dict[tuple[str, str], tuple[Operator, ...]] = {}
    for operator in known_operators().operators:
        for namespace in operator.namespaces:
            for account in operator.accounts:
                found[namespace, account] = (*found.get((namespace, account), ()), operator)
    return found


@dataclass(frozen=True, slots=True)
class Holders:
    """Those whom bindings name: outside the platform, accepted as known operators, and those of whom only their
    workloads would tell, which were not read.
    """

    cluster: Cluster
    outside: tuple[RbacSubject, ...]
    accepted: tuple[str, ...]
    undecided: tuple[RbacSubject, ...]

    def require_decided(self) -> None:
        """Raises `NotCollected` where somebody may be an operator or not."""
        if self.undecided:
            _ = self.cluster.workloads_by_account


def holders_of(
    cluster: Cluster, bindings: Iterable[ClusterRoleBinding], rule_id: str, allowed: tuple[str, ...] = ()
) -> Holders:
    """The subjects of bindings that are neither exempt nor in ``allowed``, each once."""
    subjects = {subject: None for binding in bindings for subject in binding.holders}
    outside: list[RbacSubject] = []
    undecided: list[RbacSubject] = []
    accepted: list[str] = []
    for subject in subjects:
        if subject.is_exempt(cluster.system_namespaces) or subject.is_in(allowed):
            continue
        operator = _operator(cluster, subject, rule_id)
        if isinstance(operator, Operator):
            accepted.append(f"{subject} ({operator.name})")
        else:
            (undecided if operator else outside).append(subject)
    return Holders(cluster, tuple(outside), tuple(accepted), tuple(undecided))


def _operator(cluster: Cluster, subject: RbacSubject, rule_id: str) -> Operator | str | None:
    """The operator behind a service account: every workload that acts as it, and there is one, runs that operator's
    images and no other. A string says why nobody knows.
    """
    known = _by_account().get((subject.namespace, subject.name), ()) if subject.kind == "ServiceAccount" else ()
    fitting = [operator for operator in known if rule_id in operator.rules]
    if not fitting:
        return None
    workloads = if_known(lambda: cluster.workloads_by_account)
    if isinstance(workloads, str):
        return workloads
    own = workloads.get((subject.namespace, subject.name), ())
    return next((operator for operator in fitting if own and all(_runs_only(w, operator) for w in own)), None)


def _runs_only(workload: Workload, operator: Operator) -> bool:
    return all(image_matches(c.image, operator.images) for c in workload.effective_spec.all_containers)


def workloads_of(cluster: Cluster, accounts: Iterable[tuple[str, str]]) -> list[str]:
    """The workloads that act as service accounts, given by namespace and name. Raises `NotCollected` where some may be
    missing.
    """
    found = (workload for account in accounts for workload in cluster.workloads_by_account.get(account, ()))
    return [f"{workload.kind} {workload.namespace}/{workload.name}" for workload in found]


def summary(items: Sequence[object]) -> str:
    """The first few of many."""
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return f"{', '.join(str(item) for item in items[:_NAMED])}{more}"


def named(binding: ClusterRoleBinding) -> str:
    """A binding as evidence names it."""
    return f"{binding.kind} {f'{binding.namespace}/' if binding.namespace else ''}{binding.name}"


def comes_with_aks(binding: ClusterRoleBinding) -> bool:
    """Whether AKS made it: by the mark of its add-on manager and the name of the role."""
    marked = "addonmanager.kubernetes.io/mode" in (binding.metadata.labels or {})
    return marked and binding.role_ref.name.startswith(("system:", "aks-"))


def spared(binding: ClusterRoleBinding) -> dict[str, str]:
    """What keeps a command from naming a default binding or one of AKS: to delete it would take the rights from
    everybody else.
    """
    return {"name": ""} if binding.metadata.is_bootstrapped or binding.is_of_aks else {}


class Right(NamedTuple):
    """Resources of an API group and the verbs on them that a rule looks for."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    namespaced: bool = True

    def found_in(self, rule: PolicyRule) -> tuple[str, ...]:
        """The resources that a role's rule grants without naming single objects, with the verbs."""
        if rule.resource_names or not rule.has_group(self.group):
            return ()
        verbs = [verb for verb in self.verbs if rule.has_verb(verb)]
        group = f".{self.group}" if self.group else ""
        return tuple(f"{' '.join(verbs)} {name}{group}" for name in self.resources if verbs and rule.has_resource(name))


#: The groups whose wildcards ACC-012 reports.
CORE_GROUPS = (
    "",
    "*",
    "apps",
    "batch",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "admissionregistration.k8s.io",
    "certificates.k8s.io",
    "storage.k8s.io",
    "policy",
)


def has_any_resource(rule: PolicyRule) -> bool:
    """Whether a rule means every resource of the core group or of all groups."""
    return "*" in (rule.resources or ()) and not {"", "*"}.isdisjoint(rule.api_groups or ())


def has_any_verb(rule: PolicyRule, core_groups: tuple[str, ...] = CORE_GROUPS) -> bool:
    """Whether a rule means every verb in one of these groups."""
    return "*" in (rule.verbs or ()) and not set(core_groups).isdisjoint(rule.api_groups or ())
