"""Secrets that nobody seems to use."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from akscan.sdk import (
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    SecretSubject,
    Severity,
    rule,
)

from akscan_rules.secrets import WORKLOAD_NEEDS

#: Where names were looked for.
SEARCHED = (
    "pods",
    "pod templates",
    "service accounts",
    "ingresses",
    "persistentvolumes",
    "storageclasses",
    "gateways",
    "triggerauthentications",
    "clustertriggerauthentications",
    "gitrepositories",
    "helmrepositories",
    "kustomizations",
    "helmreleases",
    "issuers",
    "clusterissuers",
    "secretstores",
    "clustersecretstores",
)


@rule(
    "SEC-017",
    Severity.INFO,
    Pillar.OPERATIONS,
    needs=[
        Need.SECRETS,
        Need.SERVICE_ACCOUNTS,
        Need.INGRESSES,
        Need.PERSISTENT_VOLUMES,
        Need.STORAGE_CLASSES,
        Need.GATEWAYS,
        Need.TRIGGER_AUTHENTICATIONS,
        Need.CLUSTER_TRIGGER_AUTHENTICATIONS,
        Need.GIT_REPOSITORIES,
        Need.HELM_REPOSITORIES,
        Need.KUSTOMIZATIONS,
        Need.HELM_RELEASES,
        Need.ISSUERS,
        Need.CLUSTER_ISSUERS,
        Need.SECRET_STORES,
        Need.CLUSTER_SECRET_STORES,
        *WORKLOAD_NEEDS,
    ],
    docs=["https://kubernetes.io/docs/concepts/configuration/secret/"],
    fix=Fix(
        """
        kubectl describe secret {name} --namespace {namespace}
        kubectl delete secret {name} --namespace {namespace}
        """,
        Disruption.NONE,
        terraform="kubernetes_secret_v1",
    ),
)
def no_secret_lies_about_unused(
    secret: SecretSubject,
    inventory: Inventory,
    *,
    min_age_days: int = 30,
    keep_markers: tuple[str, ...] = ("akscan/keep",),
) -> Iterator[Finding]:
    """No Secret lies about unused.

    A forgotten Secret is a valid credential that nobody would miss if it leaked, and nobody rotates.

    **Fix**: find its owner, revoke the credential at its source, delete the Secret. Programs that read it through the
    API are not visible to the scan: look for its name in the audit log before it is deleted, and keep a copy where
    only its owner finds it.
    """
    if secret.is_aks_managed or not secret.object.is_handmade:
        raise NotApplicable("a controller or the platform keeps it")
    marks = (*(secret.object.metadata.labels or {}), *secret.object.annotation_keys)
    if any(marker in marks for marker in keep_markers):
        raise NotApplicable("it is marked to be kept")
    created = secret.object.metadata.creation_timestamp
    young = created and datetime.fromisoformat(created) > inventory.collected_at - timedelta(days=min_age_days)
    mounts = secret.cluster.secret_mounts
    if young or mounts.is_used(secret.object):
        return
    mounts.require_users()
    yield Finding(
        "nothing that the scan sees names it",
        {"type": secret.object.type, "creationTimestamp": created, "searched": SEARCHED},
    )
