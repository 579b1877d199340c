"""Taints, tolerations and affinity: what keeps pods off nodes and draws them there."""

from __future__ import annotations

import msgspec

from akscan.model.kubernetes.base import KubernetesStruct
from akscan.model.selectors import NodeSelector, NodeSelectorTerm

SPOT_TAINT_KEY = "kubernetes.azure.com/scalesetpriority"
SPOT_LABELS = ("kubernetes.azure.com/priority", SPOT_TAINT_KEY, "karpenter.sh/capacity-type")


class Toleration(KubernetesStruct, frozen=True, kw_only=True):
    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


class Taint(KubernetesStruct, frozen=True, kw_only=True):
    key: str = ""
    value: str = ""
    effect: str = ""

    @classmethod
    def parse(cls, text: str) -> Taint:
        """From ``key=value:Effect``, the form of ``nodeTaints``."""
        pair, _, effect = text.rpartition(":")
        key, _, value = pair.partition("=")
        return cls(key=key, value=value, effect=effect)

    def __str__(self) -> str:
        """The form that `parse` reads."""
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"

    @property
    def repels(self) -> bool:
        """Whether the taint keeps pods off that do not tolerate it (PreferNoSchedule does not)."""
        return self.effect in ("NoSchedule", "NoExecute")

    @property
    def is_spot(self) -> bool:
        """The taint that AKS puts on Spot pools (https://learn.microsoft.com/azure/aks/spot-node-pool)."""
        return self.key == SPOT_TAINT_KEY and self.value == "spot" and self.repels

    def tolerated_by(self, toleration: Toleration) -> bool:
        """https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""
        if toleration.effect not in ("", self.effect):
            return False
        match toleration.operator:
            case "Exists":
                return toleration.key in ("", self.key)
            case "" | "Equal":
                return toleration.key == self.key and toleration.value == self.value
            case _:
                return False


#: The taint that AKS puts on the nodes of Spot pools.
SPOT_TAINT = Taint(key=SPOT_TAINT_KEY, value="spot", effect="NoSchedule")


class PreferredTerm(KubernetesStruct, frozen=True, kw_only=True):
    preference: NodeSelectorTerm = NodeSelectorTerm()


class NodeAffinity(KubernetesStruct, frozen=True, kw_only=True):
    preferred: tuple[PreferredTerm, ...] | None = msgspec.field(
        name="preferredDuringSchedulingIgnoredDuringExecution", default=None
    )
    required: NodeSelector | None = msgspec.field(name="requiredDuringSchedulingIgnoredDuringExecution", default=None)


class Affinity(KubernetesStruct, frozen=True, kw_only=True):
    node_affinity: NodeAffinity | None = None
