"""What scales workloads."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.kubernetes.applied import AppliedObject
from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct


class CrossReference(KubernetesStruct, frozen=True, kw_only=True):
    kind: str = "Deployment"
    name: str = ""


class AutoscalerSpec(KubernetesStruct, frozen=True, kw_only=True):
    scale_target_ref: CrossReference = CrossReference()
    min_replicas: int | None = None
    max_replicas: int | None = None


class HorizontalPodAutoscaler(AppliedObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "HorizontalPodAutoscaler"
    spec: AutoscalerSpec = AutoscalerSpec()

    @property
    def min_replicas(self) -> int:
        return 1 if self.spec.min_replicas is None else self.spec.min_replicas


class ScaledObjectSpec(KubernetesStruct, frozen=True, kw_only=True):
    scale_target_ref: CrossReference = CrossReference()
    min_replica_count: int | None = None


class ScaledObject(KubernetesObject, frozen=True, kw_only=True):
    """https://keda.sh/docs/latest/reference/scaledobject-spec/"""

    kind: ClassVar[str] = "ScaledObject"
    spec: ScaledObjectSpec = ScaledObjectSpec()
