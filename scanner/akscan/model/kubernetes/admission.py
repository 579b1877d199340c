"""What changes objects while the API server admits them."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.kubernetes.base import KubernetesObject


class MutatingWebhookConfiguration(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "MutatingWebhookConfiguration"
