"""APIs that the next minor version does not serve any more."""

from collections.abc import Iterator

from akscan.sdk import (
    AppliedObject,
    Cluster,
    Disruption,
    Finding,
    Fix,
    Gap,
    Inventory,
    Need,
    NotCollected,
    Pillar,
    Severity,
    any_of,
    rule,
    untold,
    version_key,
)

from akscan_rules.calendar import RemovedApi, support_calendar

_MAJOR_AND_MINOR = 2


@rule(
    "UPG-017",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.METRICS,
        Need.DEPLOYMENTS,
        Need.STATEFUL_SETS,
        Need.DAEMON_SETS,
        Need.CRON_JOBS,
        Need.INGRESSES,
        Need.POD_DISRUPTION_BUDGETS,
        Need.HORIZONTAL_POD_AUTOSCALERS,
    ],
    docs=[
        "https://learn.microsoft.com/azure/aks/stop-cluster-upgrade-api-breaking-changes",
        "https://learn.microsoft.com/azure/aks/upgrade-aks-control-plane",
    ],
    fix=Fix(
        """
        kubectl get --raw /metrics | grep apiserver_requested_deprecated_apis
        kubectl convert -f {file} --output-version {group_version}
        """,
        Disruption.NONE,
        terraform="kubernetes_manifest.manifest.apiVersion (manifest: apiVersion + kind)",
    ),
)
def no_client_uses_removed_apis(cluster: Cluster, inventory: Inventory, *, target_minor: str = "") -> Iterator[Finding]:
    """No client uses a Kubernetes API that the next minor version removes.

    AKS refuses a minor upgrade when it saw writes to such an API in the last 12 hours; where it does not notice,
    controllers and pipelines break right after the upgrade.

    **Fix**: find the client (controller image, Helm chart or pipeline), move its manifests to the replacement API, and
    wait 12 hours before upgrading. The metric counts since the API server started and does not name the client; the
    audit log does.
    """
    target = target_minor or _next_minor(cluster)
    if len(version_key(target)) < _MAJOR_AND_MINOR:
        raise NotCollected(_untold(cluster, f"target_minor {target} is no minor version"))
    yield from any_of(_requested(cluster, target), _applied(cluster, target))


def _next_minor(cluster: Cluster) -> str:
    own = version_key(cluster.version)
    if len(own) < _MAJOR_AND_MINOR:
        raise NotCollected(_untold(cluster, "no Kubernetes version is reported"))
    return f"{own[0]}.{own[1] + 1}"


def _untold(cluster: Cluster, detail: str) -> Gap:
    return untold("arm", cluster.id, detail, Need.MANAGED_CLUSTERS)


def _requested(cluster: Cluster, target: str) -> Iterator[Finding]:
    requested = cluster.lists.requested_apis
    gone = [api for api in requested.items if api.removed_release and _is_gone(api.removed_release, target)]
    if gone:
        told = sorted({f"{api}, removed in {api.removed_release}" for api in gone})
        evidence = {"targetVersion": target, "apiserver_requested_deprecated_apis": told}
        yield Finding(f"(a) somebody asked for {'; '.join(told)}", evidence)
    requested.complete()


def _applied(cluster: Cluster, target: str) -> Iterator[Finding]:
    listings = cluster.lists.manifests
    removed = {
        (api.api_version, kind): api
        for api in support_calendar().removed_apis
        if _is_gone(api.removed_in, target)
        for kind in api.kinds
    }
    found = [
        (item, removed[head.api_version, head.kind])
        for listing in listings
        for item in listing.items
        if item.namespace not in cluster.system_namespaces
        and (head := item.applied_as) is not None
        and (head.api_version, head.kind) in removed
    ]
    if found:
        told = [_told(item, api) for item, api in found]
        manifests = f"{len(found)} manifests" if found[1:] else "1 manifest"
        yield Finding(
            f"(b) the next apply of {manifests} is refused: {told[0]}{' and others' if found[1:] else ''}",
            {"targetVersion": target, "manifests": told},
            {"group_version": found[0][1].replacement},
        )
    for listing in listings:
        listing.complete()


def _is_gone(release: str, target: str) -> bool:
    return version_key(release) <= version_key(target)


def _told(item: AppliedObject, api: RemovedApi) -> str:
    return f"{item.kind} {item.namespace}/{item.name} as {api.api_version} (use {api.replacement})"
