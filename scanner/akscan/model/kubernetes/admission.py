"""Admission webhooks (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/)."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct


class WebhookService(KubernetesStruct, frozen=True, kw_only=True):
    namespace: str = ""
    name: str = ""


class WebhookClientConfig(KubernetesStruct, frozen=True, kw_only=True):
    """``service`` is None for a webhook outside the cluster, whose URL is not kept."""

    service: WebhookService | None = None


class Webhook(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""
    failure_policy: str = "Fail"
    client_config: WebhookClientConfig = WebhookClientConfig()


class MutatingWebhookConfiguration(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "MutatingWebhookConfiguration"
    webhooks: tuple[Webhook, ...] | None = None


class ValidatingWebhookConfiguration(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ValidatingWebhookConfiguration"
    webhooks: tuple[Webhook, ...] | None = None
