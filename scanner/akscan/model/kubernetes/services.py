"""Services and their load balancers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct, ObjectMeta


class EndpointConditions(KubernetesStruct, frozen=True, kw_only=True):
    ready: bool | None = None


class Endpoint(KubernetesStruct, frozen=True, kw_only=True):
    addresses: tuple[str, ...] | None = None
    conditions: EndpointConditions = EndpointConditions()
    node_name: str | None = None

    @property
    def is_ready(self) -> bool:
        """An absent condition counts as ready (https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/)."""
        return self.conditions.ready is not False


class EndpointSlice(KubernetesObject, frozen=True, kw_only=True):
    """Addresses behind a Service; of the slices of namespace default, ``kubernetes`` holds those of the API server."""

    kind: ClassVar[str] = "EndpointSlice"
    endpoints: tuple[Endpoint, ...] | None = None

    @property
    def service(self) -> str:
        """The name of the Service that it belongs to."""
        return self.metadata.label("kubernetes.io/service-name")


class ServiceAnnotations(KubernetesStruct, frozen=True, kw_only=True):
    """The annotations of a Service that decide where its load balancer stands and whom it lets in; all others are
    dropped.
    """

    internal: str = msgspec.field(name="service.beta.kubernetes.io/azure-load-balancer-internal", default="")
    allowed_ip_ranges: str = msgspec.field(name="service.beta.kubernetes.io/azure-allowed-ip-ranges", default="")
    allowed_service_tags: str = msgspec.field(name="service.beta.kubernetes.io/azure-allowed-service-tags", default="")
    source_ranges: str = msgspec.field(name="service.beta.kubernetes.io/load-balancer-source-ranges", default="")
    internal_subnet: str = msgspec.field(
        name="service.beta.kubernetes.io/azure-load-balancer-internal-subnet", default=""
    )


class ServiceMeta(ObjectMeta, frozen=True, kw_only=True):
    annotations: ServiceAnnotations | None = None


class ServicePort(KubernetesStruct, frozen=True, kw_only=True):
    protocol: str = "TCP"
    port: int = 0


class ServiceSpec(KubernetesStruct, frozen=True, kw_only=True):
    type: str = "ClusterIP"
    selector: dict[str, str] | None = None
    load_balancer_class: str | None = None
    load_balancer_source_ranges: tuple[str, ...] | None = None
    ports: tuple[ServicePort, ...] | None = None
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
    def is_public_load_balancer(self) -> bool:
        return (
            self.spec.type == "LoadBalancer"
            and self.spec.load_balancer_class is None
            and self.annotations.internal != "true"
        )

    @property
    def admitted_ranges(self) -> tuple[str, ...]:
        """The only clients that its load balancer lets in, by range; with no service tag either everybody."""
        annotated = (*_listed(self.annotations.allowed_ip_ranges), *_listed(self.annotations.source_ranges))
        return (*(self.spec.load_balancer_source_ranges or ()), *annotated)

    @property
    def admitted_tags(self) -> tuple[str, ...]:
        """The service tags whose addresses its load balancer lets in beside the ranges
        (https://kubernetes-sigs.github.io/cloud-provider-azure/topics/loadbalancer).
        """
        return _listed(self.annotations.allowed_service_tags)

    @property
    def given_addresses(self) -> tuple[str, ...]:
        """The addresses that its load balancer has."""
        return tuple(ingress.ip for ingress in self.status.load_balancer.ingress or () if ingress.ip)

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


def _listed(text: str) -> tuple[str, ...]:
    """The entries of an annotation that commas part."""
    return tuple(entry for part in text.split(",") if (entry := part.strip()))
