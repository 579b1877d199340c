"""Builders of admission webhooks and of what answers for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from akscan.model import kubernetes
from akscan.model.kubernetes import ObjectMeta

_PODS = kubernetes.RuleWithOperations(api_groups=("",), operations=("CREATE",), resources=("pods",))


def webhook_configuration(
    kind: type[kubernetes.WebhookConfiguration] = kubernetes.ValidatingWebhookConfiguration,
    name: str = "policy",
    *,
    labels: Mapping[str, str] | None = None,
    annotations: kubernetes.WebhookAnnotations | None = None,
    service: str | None = "policy/webhook",
    **webhook: Any,
) -> kubernetes.WebhookConfiguration:
    """A configuration with one webhook, on new pods and failing closed, which Service policy/webhook answers."""
    namespace, _, called = (service or "").partition("/")
    reference = kubernetes.ServiceReference(namespace=namespace, name=called) if service else None
    defaults: dict[str, Any] = {
        "name": f"{name}.example",
        "rules": (_PODS,),
        "client_config": kubernetes.WebhookClientConfig(service=reference),
    }
    return kind(
        metadata=kubernetes.WebhookMeta(
            name=name, uid=f"{kind.kind}//{name}", labels=dict(labels or {}), annotations=annotations
        ),
        webhooks=(kubernetes.Webhook(**{**defaults, **webhook}),),
    )


def endpoints_on(
    *nodes: str | None, service: str = "policy/webhook", ready: bool | None = True
) -> kubernetes.EndpointSlice:
    """A slice of a Service with an endpoint on each of these nodes."""
    namespace, _, name = service.partition("/")
    labels = {"kubernetes.io/service-name": name}
    return kubernetes.EndpointSlice(
        metadata=ObjectMeta(name=f"{name}-x7k2p", namespace=namespace, uid=f"slice/{service}", labels=labels),
        endpoints=tuple(
            kubernetes.Endpoint(
                addresses=(f"10.244.0.{place}",),
                conditions=kubernetes.EndpointConditions(ready=ready),
                node_name=node,
            )
            for place, node in enumerate(nodes)
        ),
    )
