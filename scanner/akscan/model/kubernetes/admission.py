"""What changes or refuses objects while the API server admits them."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct, ObjectMeta
from akscan.model.selectors import LabelSelector

#: https://learn.microsoft.com/azure/aks/faq, on the admissions enforcer
_ENFORCER_OFF = "admissions.enforcer/disabled"


class ServiceReference(KubernetesStruct, frozen=True, kw_only=True):
    namespace: str = ""
    name: str = ""


class WebhookClientConfig(KubernetesStruct, frozen=True, kw_only=True):
    service: ServiceReference | None = None


class RuleWithOperations(KubernetesStruct, frozen=True, kw_only=True):
    api_groups: tuple[str, ...] | None = None
    operations: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None

    @property
    def covers_new_pods(self) -> bool:
        return (
            not {"", "*"}.isdisjoint(self.api_groups or ())
            and not {"pods", "*", "*/*"}.isdisjoint(self.resources or ())
            and not {"CREATE", "*"}.isdisjoint(self.operations or ())
        )

    def __str__(self) -> str:
        parts = (self.operations, self.api_groups, self.resources)
        return " ".join(",".join(part or ()) or '""' for part in parts)


class Webhook(KubernetesStruct, frozen=True, kw_only=True):
    """One webhook of a configuration; https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/"""

    name: str = ""
    failure_policy: str = "Fail"
    client_config: WebhookClientConfig = WebhookClientConfig()
    rules: tuple[RuleWithOperations, ...] | None = None
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None
    timeout_seconds: int | None = None

    @property
    def can_stop_pods(self) -> bool:
        """Whether new pods are refused as long as it does not answer from within the cluster."""
        return (
            self.failure_policy == "Fail"
            and self.client_config.service is not None
            and any(rule.covers_new_pods for rule in self.rules or ())
        )


class WebhookAnnotations(KubernetesStruct, frozen=True, kw_only=True):
    """The annotation that opts out of the admissions enforcer; all others are dropped."""

    enforcer_disabled: str = msgspec.field(name=_ENFORCER_OFF, default="")


class WebhookMeta(ObjectMeta, frozen=True, kw_only=True):
    annotations: WebhookAnnotations | None = None


class WebhookConfiguration(KubernetesObject, frozen=True, kw_only=True):
    metadata: WebhookMeta = WebhookMeta()
    webhooks: tuple[Webhook, ...] | None = None

    @property
    def enforcer_opt_out(self) -> str:
        """How it opts out of the admissions enforcer: by a ``label``, by an ``annotation``, or not (empty)."""
        if self.metadata.label(_ENFORCER_OFF) == "true":
            return "label"
        annotations = self.metadata.annotations
        return "annotation" if annotations is not None and annotations.enforcer_disabled == "true" else ""


class MutatingWebhookConfiguration(WebhookConfiguration, frozen=True, kw_only=True):
    kind: ClassVar[str] = "MutatingWebhookConfiguration"


class ValidatingWebhookConfiguration(WebhookConfiguration, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ValidatingWebhookConfiguration"
