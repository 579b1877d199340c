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


#: What stands for every host outside of the cluster (https://docs.cilium.io/en/stable/security/policy/language/#entities-based).
_OUTSIDE = frozenset({"all", "world", "world-ipv4"})
#: Stands for every address that no rule would name (https://www.rfc-editor.org/rfc/rfc5737).
_CANARY = "203.0.113.1"
_HTTPS = 443
#: How Cilium names the namespace of a pod in its selectors.
_CILIUM_NAMESPACE_LABELS = ("io.kubernetes.pod.namespace", "k8s:io.kubernetes.pod.namespace")


class CiliumCidr(KubernetesStruct, frozen=True, kw_only=True):
    cidr: str = ""
    except_: tuple[str, ...] | None = msgspec.field(name="except", default=None)


class CiliumPort(KubernetesStruct, frozen=True, kw_only=True):
    """A port by number, 0 for all, or by name."""

    port: str | int = ""
    end_port: int | None = None

    def holds(self, port: int) -> bool:
        """Whether it is, or reaches over, a port; one by name is not."""
        first = int(self.port) if str(self.port).isdecimal() else -1
        return first == 0 or first <= port <= max(first, self.end_port or 0)


class CiliumPorts(KubernetesStruct, frozen=True, kw_only=True):
    """Ports; of the rules for requests beside them, whose headers may be secrets, nothing is kept."""

    ports: tuple[CiliumPort, ...] | None = None


class CiliumEgress(KubernetesStruct, frozen=True, kw_only=True):
    """What may leave, or may not; of pods, Services and names that it leads to nothing is kept."""

    to_entities: tuple[str, ...] | None = None
    to_cidr: tuple[str, ...] | None = msgspec.field(name="toCIDR", default=None)
    to_cidr_set: tuple[CiliumCidr, ...] | None = msgspec.field(name="toCIDRSet", default=None)
    to_ports: tuple[CiliumPorts, ...] | None = None

    def covers(self, address: str) -> bool:
        """Whether it speaks of every port of an address."""
        return not self.to_ports and self._leads_to(address)

    def opens(self, address: str, port: int) -> bool:
        """Whether it lets through to one port of an address, as an allowance."""
        ports = [one for group in self.to_ports or () for one in group.ports or ()]
        outside = not _OUTSIDE.isdisjoint(self.to_entities or ())
        return (outside or self._leads_to(address)) and (not ports or any(one.holds(port) for one in ports))

    def _leads_to(self, address: str) -> bool:
        sets = self.to_cidr_set or ()
        in_set = any(holds([one.cidr], address) and not holds(one.except_ or (), address) for one in sets)
        return in_set or holds(self.to_cidr or (), address)


class CiliumPolicySpec(KubernetesStruct, frozen=True, kw_only=True):
    """``egress`` is None where the section is absent."""

    endpoint_selector: LabelSelector | None = None
    egress: tuple[CiliumEgress, ...] | None = None
    egress_deny: tuple[CiliumEgress, ...] | None = None
    enable_default_deny: CiliumDefaultDeny = CiliumDefaultDeny()

    @property
    def restricts_egress(self) -> bool:
        """Whether what no rule allows is refused: there are egress rules, and default deny was not switched off
        (https://docs.cilium.io/en/stable/security/policy/intro/#policy-enforcement-modes).
        """
        return bool(self.egress) and self.enable_default_deny.egress is not False

    @property
    def lets_everything_out(self) -> bool:
        """Whether it allows HTTPS to every host."""
        return any(rule.opens(_CANARY, _HTTPS) for rule in self.egress or ())

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
        """Whether one of its specs refuses what it does not allow to leave, for every pod outside these namespaces, and
        none of them allows everything.
        """
        wide = [spec for spec in self.all_specs if spec.selects_all_pods(outside)]
        return any(spec.restricts_egress for spec in wide) and not any(spec.lets_everything_out for spec in wide)


def _is_of_cilium(key: str) -> bool:
    """Whether Cilium gives an endpoint the label by what its pod says elsewhere, or by what the endpoint is."""
    return key.startswith(("io.cilium.k8s.policy.", "reserved:"))


def _without_source(key: str) -> str:
    """A label as Kubernetes knows it (https://docs.cilium.io/en/stable/gettingstarted/terminology/#labels)."""
    return key.removeprefix("k8s:").removeprefix("any:")
