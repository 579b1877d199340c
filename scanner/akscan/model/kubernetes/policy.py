"""Disruption budgets and network policies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import msgspec

from akscan.model.cidr import holds
from akscan.model.kubernetes.applied import AppliedObject
from akscan.model.kubernetes.base import Condition, KubernetesObject, KubernetesStruct
from akscan.model.selectors import LabelSelector


class BudgetSpec(KubernetesStruct, frozen=True, kw_only=True):
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: str = "IfHealthyBudget"


class BudgetStatus(KubernetesStruct, frozen=True, kw_only=True):
    expected_pods: int = 0
    desired_healthy: int = 0
    current_healthy: int = 0
    disruptions_allowed: int = 0
    observed_generation: int | None = None
    conditions: tuple[Condition, ...] | None = None


class PodDisruptionBudget(AppliedObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "PodDisruptionBudget"
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()

    @property
    def evicts_broken(self) -> bool:
        """Whether pods that are not healthy may be evicted at any time."""
        return self.spec.unhealthy_pod_eviction_policy == "AlwaysAllow"

    def desired_of(self, pods: int) -> int:
        """How many of so many pods must stay healthy; percentages round up, those of maxUnavailable, too
        (https://kubernetes.io/docs/tasks/run-application/configure-pdb/).
        """
        if self.spec.max_unavailable is not None:
            return max(0, pods - _share(self.spec.max_unavailable, pods))
        return _share(self.spec.min_available or 0, pods)

    @property
    def disallowed_since(self) -> datetime | None:
        """Since when condition DisruptionAllowed is False; None where it is not, or does not say."""
        since = (
            condition.last_transition_time
            for condition in self.status.conditions or ()
            if condition.type == "DisruptionAllowed" and condition.status == "False"
        )
        return next((datetime.fromisoformat(moment) for moment in since if moment), None)


def _share(stated: int | str, pods: int) -> int:
    return -(-pods * int(stated.removesuffix("%")) // 100) if isinstance(stated, str) else stated


class CiliumDefaultDeny(KubernetesStruct, frozen=True, kw_only=True):
    egress: bool | None = None


#: How Cilium names the namespace of a pod in its selectors.
_CILIUM_NAMESPACE_LABELS = ("io.kubernetes.pod.namespace", "k8s:io.kubernetes.pod.namespace")


class CiliumCidr(KubernetesStruct, frozen=True, kw_only=True):
    cidr: str = ""
    except_: tuple[str, ...] | None = msgspec.field(name="except", default=None)


class CiliumEgressDeny(KubernetesStruct, frozen=True, kw_only=True):
    """What may not leave; of ``toPorts``, which narrow it down, only their number is kept."""

    to_cidr: tuple[str, ...] | None = msgspec.field(name="toCIDR", default=None)
    to_cidr_set: tuple[CiliumCidr, ...] | None = msgspec.field(name="toCIDRSet", default=None)
    to_ports: tuple[msgspec.Raw, ...] | None = None

    def covers(self, address: str) -> bool:
        """Whether it denies every port of an address."""
        sets = self.to_cidr_set or ()
        in_set = any(holds([one.cidr], address) and not holds(one.except_ or (), address) for one in sets)
        return not self.to_ports and (in_set or holds(self.to_cidr or (), address))


class CiliumPolicySpec(KubernetesStruct, frozen=True, kw_only=True):
    """``egress`` holds the number of rules only; None where the section is absent."""

    endpoint_selector: LabelSelector | None = None
    egress: tuple[msgspec.Raw, ...] | None = None
    egress_deny: tuple[CiliumEgressDeny, ...] | None = None
    enable_default_deny: CiliumDefaultDeny = CiliumDefaultDeny()

    @property
    def restricts_egress(self) -> bool:
        """Whether what no rule allows is refused: there are egress rules, and default deny was not switched off
        (https://docs.cilium.io/en/stable/security/policy/intro/#policy-enforcement-modes).
        """
        return bool(self.egress) and self.enable_default_deny.egress is not False

    def denies(self, address: str) -> bool:
        """Whether it denies an address to the pods that it selects; a denial goes before all that is allowed."""
        return any(rule.covers(address) for rule in self.egress_deny or ())

    def may_select(self, labels: Mapping[str, str]) -> bool:
        """Whether it selects an endpoint by its labels, which it may spell with their source (``k8s:app``), those that
        only Cilium knows aside.
        """
        if self.endpoint_selector is None:
            return False
        wanted = self.endpoint_selector
        pairs = ((_without_source(key), value) for key, value in (wanted.match_labels or {}).items())
        expressions = (
            msgspec.structs.replace(one, key=_without_source(one.key)) for one in wanted.match_expressions or ()
        )
        return all(_is_of_cilium(key) or labels.get(key) == value for key, value in pairs) and all(
            _is_of_cilium(one.key) or one.matches(labels) for one in expressions
        )

    @property
    def selects_by_more(self) -> bool:
        """Whether it selects by labels that only Cilium knows, such as the service account."""
        wanted = self.endpoint_selector or LabelSelector()
        keys = (*(wanted.match_labels or {}), *(one.key for one in wanted.match_expressions or ()))
        return any(_is_of_cilium(_without_source(key)) for key in keys)

    def selects_all_pods(self, outside: frozenset[str]) -> bool:
        """Whether it selects every pod, those in the namespaces ``outside`` aside."""
        selector = self.endpoint_selector
        return (
            selector is not None
            and not selector.match_labels
            and all(
                e.key in _CILIUM_NAMESPACE_LABELS and e.operator == "NotIn" and outside.issuperset(e.values or ())
                for e in selector.match_expressions or ()
            )
        )


class CiliumNetworkPolicy(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "CiliumNetworkPolicy"
    spec: CiliumPolicySpec | None = None
    specs: tuple[CiliumPolicySpec, ...] | None = None

    @property
    def all_specs(self) -> tuple[CiliumPolicySpec, ...]:
        """What it says, by ``spec`` and by ``specs``."""
        return (*((self.spec,) if self.spec else ()), *(self.specs or ()))


class CiliumClusterwideNetworkPolicy(CiliumNetworkPolicy, frozen=True, kw_only=True):
    kind: ClassVar[str] = "CiliumClusterwideNetworkPolicy"

    def restricts_egress_of_all_pods(self, *, outside: frozenset[str]) -> bool:
        """Whether one of its specs refuses what it does not allow to leave, for every pod outside these namespaces."""
        return any(spec.restricts_egress and spec.selects_all_pods(outside) for spec in self.all_specs)


def _is_of_cilium(key: str) -> bool:
    """Whether Cilium gives an endpoint the label by what its pod says elsewhere, or by what the endpoint is."""
    return key.startswith(("io.cilium.k8s.policy.", "reserved:"))


def _without_source(key: str) -> str:
    """A label as Kubernetes knows it (https://docs.cilium.io/en/stable/gettingstarted/terminology/#labels)."""
    return key.removeprefix("k8s:").removeprefix("any:")
