"""Disruption budgets and network policies."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

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


class CiliumPolicySpec(KubernetesStruct, frozen=True, kw_only=True):
    """``egress`` holds the number of rules only; None where the section is absent."""

    endpoint_selector: LabelSelector | None = None
    egress: tuple[msgspec.Raw, ...] | None = None
    enable_default_deny: CiliumDefaultDeny = CiliumDefaultDeny()

    @property
    def restricts_egress(self) -> bool:
        """Whether what no rule allows is refused: there are egress rules, and default deny was not switched off
        (https://docs.cilium.io/en/stable/security/policy/intro/#policy-enforcement-modes).
        """
        return bool(self.egress) and self.enable_default_deny.egress is not False

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


class CiliumClusterwideNetworkPolicy(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "CiliumClusterwideNetworkPolicy"
    spec: CiliumPolicySpec | None = None
    specs: tuple[CiliumPolicySpec, ...] | None = None

    def restricts_egress_of_all_pods(self, *, outside: frozenset[str]) -> bool:
        """Whether one of its specs refuses what it does not allow to leave, for every pod outside these namespaces."""
        specs = (*((self.spec,) if self.spec else ()), *(self.specs or ()))
        return any(spec.restricts_egress and spec.selects_all_pods(outside) for spec in specs)
