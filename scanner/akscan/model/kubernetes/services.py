"""Services and their load balancers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct, ObjectMeta


class ServiceAnnotations(KubernetesStruct, frozen=True, kw_only=True):
    """The annotations of a Service that decide where its load balancer stands; all others are dropped."""

    internal: str = msgspec.field(name="service.beta.kubernetes.io/azure-load-balancer-internal", default="")
    internal_subnet: str = msgspec.field(
        name="service.beta.kubernetes.io/azure-load-balancer-internal-subnet", default=""
    )


class ServiceMeta(ObjectMeta, frozen=True, kw_only=True):
    annotations: ServiceAnnotations | None = None


class ServiceSpec(KubernetesStruct, frozen=True, kw_only=True):
    type: str = "ClusterIP"
    selector: dict[str, str] | None = None
    load_balancer_class: str | None = None
    load_balancer_ip: str = msgspec.field(name="loadBalancerIP", default="")


class LoadBalancerIngress(KubernetesStruct, frozen=True, kw_only=True):
    ip: str = ""


class LoadBalancerStatus(KubernetesStruct, frozen=True, kw_only=True):
    ingress: tuple[LoadBalancerIngress, ...] | None = None


class ServiceStatus(KubernetesStruct, frozen=True, kw_only=True):
    load_balancer: LoadBalancerStatus = LoadBalancerStatus()


class Service(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Service"
    metadata: ServiceMeta = ServiceMeta()
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()

    @property
    def annotations(self) -> ServiceAnnotations:
        return self.metadata.annotations or ServiceAnnotations()

    @property
    def is_internal_load_balancer(self) -> bool:
        return (
            self.spec.type == "LoadBalancer"
            and self.spec.load_balancer_class is None
            and self.annotations.internal == "true"
        )

    @property
    def addresses(self) -> frozenset[str]:
        """The addresses of its load balancer, wished or given."""
        given = {ingress.ip for ingress in self.status.load_balancer.ingress or ()}
        return frozenset((given | {self.spec.load_balancer_ip}) - {""})

    def selects(self, labels: Mapping[str, str] | None) -> bool:
        """Whether the Service stands in front of pods with these labels."""
        selector = self.spec.selector or {}
        own = labels or {}
        return bool(selector) and self.spec.type != "ExternalName" and all(own.get(k) == v for k, v in selector.items())
