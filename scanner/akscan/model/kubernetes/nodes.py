"""Nodes, what makes them, and namespaces."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from akscan.model.kubernetes.base import Condition, KubernetesObject, KubernetesStruct
from akscan.model.kubernetes.scheduling import SPOT_LABELS, Taint
from akscan.model.selectors import Expression
from akscan.model.text import ArmId


class NodeSpec(KubernetesStruct, frozen=True, kw_only=True):
    provider_id: str = msgspec.field(name="providerID", default="")
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
    def is_windows(self) -> bool:
        return self.metadata.label("kubernetes.io/os") == "windows"

    @property
    def is_quarantined(self) -> bool:
        """Whether an upgrade gave it up (https://learn.microsoft.com/azure/aks/upgrade-options)."""
        return self.metadata.label("kubernetes.azure.com/upgrade-status") == "Quarantined"

    @property
    def scale_set(self) -> str:
        """The name of the scale set that it is an instance of; empty for a node outside one."""
        _, found, rest = self.spec.provider_id.partition("/virtualMachineScaleSets/")
        return rest.partition("/")[0] if found else ""

    @property
    def taints(self) -> tuple[Taint, ...]:
        return self.spec.taints or ()

    @property
    def is_ready(self) -> bool:
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions or ())

    @property
    def is_spot(self) -> bool:
        return any(self.metadata.label(key) == "spot" for key in SPOT_LABELS)


class Namespace(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Namespace"


class Requirement(Expression, frozen=True, kw_only=True):
    """What a NodePool demands of a label of the nodes that it makes."""


class TemplateMeta(KubernetesStruct, frozen=True, kw_only=True):
    labels: dict[str, str] | None = None


class KarpenterSpec(KubernetesStruct, frozen=True, kw_only=True):
    requirements: tuple[Requirement, ...] | None = None
    taints: tuple[Taint, ...] | None = None


class KarpenterTemplate(KubernetesStruct, frozen=True, kw_only=True):
    metadata: TemplateMeta = TemplateMeta()
    spec: KarpenterSpec = KarpenterSpec()


class KarpenterNodePoolSpec(KubernetesStruct, frozen=True, kw_only=True):
    template: KarpenterTemplate = KarpenterTemplate()
    weight: int | None = None


class KarpenterNodePoolObject(KubernetesObject, frozen=True, kw_only=True):
    """https://learn.microsoft.com/azure/aks/node-auto-provisioning-node-pools"""

    kind: ClassVar[str] = "NodePool"
    spec: KarpenterNodePoolSpec = KarpenterNodePoolSpec()


class AksNodeClassSpec(KubernetesStruct, frozen=True, kw_only=True):
    #: absent: the cluster's own
    vnet_subnet_id: ArmId = msgspec.field(name="vnetSubnetID", default=ArmId())


class AksNodeClass(KubernetesObject, frozen=True, kw_only=True):
    """https://learn.microsoft.com/azure/aks/node-auto-provisioning-aksnodeclass"""

    kind: ClassVar[str] = "AKSNodeClass"
    spec: AksNodeClassSpec = AksNodeClassSpec()
