"""Nodes, what makes them, and namespaces."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.kubernetes.base import Condition, KubernetesObject, KubernetesStruct
from akscan.model.kubernetes.pods import PodSpec
from akscan.model.kubernetes.scheduling import SPOT_LABELS, Taint


class NodeSpec(KubernetesStruct, frozen=True, kw_only=True):
    taints: tuple[Taint, ...] | None = None
    unschedulable: bool | None = None


class NodeInfo(KubernetesStruct, frozen=True, kw_only=True):
    kubelet_version: str = ""


class NodeStatus(KubernetesStruct, frozen=True, kw_only=True):
    node_info: NodeInfo = NodeInfo()
    conditions: tuple[Condition, ...] | None = None


class Node(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Node"
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def pool(self) -> str:
        """The name of the AKS node pool; empty for node auto-provisioned and foreign nodes."""
        return self.metadata.label("kubernetes.azure.com/agentpool") or self.metadata.label("agentpool")

    @property
    def image(self) -> str:
        """Its node image, with a suffix for the security patches that it got since; empty on foreign nodes."""
        return self.metadata.label("kubernetes.azure.com/node-image-version")

    @property
    def is_quarantined(self) -> bool:
        """Whether an upgrade gave it up (https://learn.microsoft.com/azure/aks/upgrade-options)."""
        return self.metadata.label("kubernetes.azure.com/upgrade-status") == "Quarantined"

    @property
    def taints(self) -> tuple[Taint, ...]:
        return self.spec.taints or ()

    @property
    def is_ready(self) -> bool:
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions or ())

    @property
    def is_spot(self) -> bool:
        return any(self.metadata.label(key) == "spot" for key in SPOT_LABELS)

    def bears(self, spec: PodSpec, *, cordons: bool = True) -> bool:
        """Whether a pod may run here: Ready, not cordoned (unless ``cordons`` is false), selected, every repelling
        taint tolerated. Preferences, spread constraints and pod affinity do not count.
        """
        return (
            self.is_ready
            and not (cordons and self.spec.unschedulable)
            and spec.selects_labels(self.metadata.labels or {})
            and all(spec.tolerates(taint) for taint in self.taints if taint.repels)
        )


class Namespace(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Namespace"


class Requirement(KubernetesStruct, frozen=True, kw_only=True):
    key: str = ""
    operator: str = ""
    values: tuple[str, ...] | None = None

    def admits(self, value: str) -> bool:
        """Whether a node with this value of the label meets the requirement."""
        match self.operator:
            case "In":
                return value in (self.values or ())
            case "NotIn":
                return value not in (self.values or ())
            case "Exists":
                return True
            case _:
                return False


class KarpenterSpec(KubernetesStruct, frozen=True, kw_only=True):
    requirements: tuple[Requirement, ...] | None = None
    taints: tuple[Taint, ...] | None = None


class KarpenterTemplate(KubernetesStruct, frozen=True, kw_only=True):
    spec: KarpenterSpec = KarpenterSpec()


class KarpenterNodePoolSpec(KubernetesStruct, frozen=True, kw_only=True):
    template: KarpenterTemplate = KarpenterTemplate()
    weight: int | None = None


class KarpenterNodePoolObject(KubernetesObject, frozen=True, kw_only=True):
    """https://learn.microsoft.com/azure/aks/node-auto-provisioning-node-pools"""

    kind: ClassVar[str] = "NodePool"
    spec: KarpenterNodePoolSpec = KarpenterNodePoolSpec()
