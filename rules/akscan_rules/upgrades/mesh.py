"""The Istio add-on: its revisions, and the sidecars that follow them or do not."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from akscan.sdk import (
    Cluster,
    Disruption,
    Finding,
    Fix,
    Gap,
    Inventory,
    Mesh,
    MeshRevision,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    Sidecar,
    any_of,
    if_known,
    minor,
    rule,
    untold,
    version_key,
)

_PLANS = {"KubernetesOfficial": ("KubernetesOfficial", "kubernetes"), "AKSLongTermSupport": ("AKSLongTermSupport",)}
_TWO = 2


@rule(
    "UPG-020",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.MESH_REVISION_PROFILES,
        Need.NAMESPACES,
        Need.PODS,
        Need.DEPLOYMENTS,
        Need.MUTATING_WEBHOOKS,
    ],
    optional_needs=[Need.REPLICA_SETS],
    docs=[
        "https://learn.microsoft.com/azure/aks/istio-support-policy",
        "https://learn.microsoft.com/azure/aks/istio-upgrade",
    ],
    fix=Fix(
        """
        az aks mesh get-upgrades --resource-group {resource_group} --name {cluster}
        az aks mesh upgrade start --resource-group {resource_group} --name {cluster} --revision {revision}
        kubectl label namespace {namespace} istio.io/rev={revision} --overwrite
        kubectl rollout restart deployment {workload} --namespace {namespace}
        az aks mesh upgrade complete --resource-group {resource_group} --name {cluster}
        """,
        Disruption.WORKLOAD_RESTART,
        terraform="azurerm_kubernetes_cluster.service_mesh_profile.revisions",
        arm="properties.serviceMeshProfile.istio.revisions",
    ),
)
def mesh_is_current(
    cluster: Cluster, inventory: Inventory, *, patch_days: int = 14, canary_days: int = 30
) -> Iterator[Finding]:
    """The Istio add-on runs a supported revision and sidecars follow it.

    AKS patches istiod by itself, the sidecars only when their pods restart, and it supports a revision for about six
    weeks after the second newer one. Behind that, known holes of Envoy stay open on every hop, and a namespace with a
    wrong label runs without mutual TLS while everybody believes that it has it.

    **Fix**: upgrade with a canary revision, relabel namespaces (or move the revision tag), restart the workloads so
    that new sidecars are injected, and only then complete the upgrade: it takes away the control plane of the sidecars
    that are left. For a patch a restart is enough.
    """
    if not cluster.resource.has_istio:
        raise NotApplicable("the Istio add-on is off")
    mesh, now = cluster.mesh, inventory.collected_at
    evidence = {
        "revisions": mesh.revisions,
        "currentKubernetesVersion": cluster.version,
        "supportPlan": cluster.properties.support_plan,
    }
    for finding in any_of(
        _unsupported(cluster, inventory),
        _mislabelled(mesh),
        _orphaned(cluster),
        _unpatched(cluster, now, patch_days),
        _half_upgraded(mesh, now, canary_days),
    ):
        yield Finding(
            finding.message, {**evidence, **finding.evidence}, {"revision": _newest_fitting(cluster, inventory)}
        )


def _newest_fitting(cluster: Cluster, inventory: Inventory) -> str:
    """The newest revision on offer that goes with the cluster's version; empty where none does or nobody tells."""
    offered = if_known(lambda: inventory.upgrades.mesh_revisions(cluster))
    fitting = () if isinstance(offered, str) else [r.revision for r in offered if _fits(r, cluster) is not False]
    return max(fitting, key=lambda revision: version_key(_minor_of(revision)), default="")


def _fits(revision: MeshRevision, cluster: Cluster) -> bool | None:
    """Whether a revision goes with the cluster's version under its plan; None where it says nothing of the plan."""
    plan = cluster.properties.support_plan
    names = next((names for name, names in _PLANS.items() if name == plan), ())
    told = [versions.versions for versions in revision.compatible_with if versions.name in names]
    return any(minor(cluster.version) in versions for versions in told) if told else None


def _unsupported(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    offered = {found.revision: found for found in inventory.upgrades.mesh_revisions(cluster)}
    for revision in cluster.mesh.revisions:
        known = offered.get(revision)
        if known is None:
            text = f"(a) {cluster.location} offers {', '.join(offered) or 'no revision'}, not {revision}"
            yield Finding(text, {"offeredRevisions": tuple(offered)})
            continue
        if _fits(known, cluster) is False:
            told = [f"{versions.name}: {', '.join(versions.versions)}" for versions in known.compatible_with]
            text = f"(b) {revision} does not go with Kubernetes {minor(cluster.version)}"
            yield Finding(text, {f"{revision}.compatibleWith": told})


def _mislabelled(mesh: Mesh) -> Iterator[Finding]:
    ignored = mesh.known_injection_labels
    if ignored:
        text = f"(c) the add-on skips namespaces with istio-injection alone: {', '.join(ignored)}"
        yield Finding(text, {"istio-injection": ignored})
    wanted = mesh.known_wanted_revisions
    strange = {value: where for value, where in wanted.items() if value not in mesh.revisions}
    if strange:
        tags = mesh.tags
        for value, where in strange.items():
            if value not in tags:
                yield Finding(
                    f"(c) {', '.join(where)} {'ask' if where[1:] else 'asks'} for revision {value}, which does not run",
                    {f"istio.io/rev={value}": where, "tags": sorted(tags)},
                )
    mesh.require_labels()


def _orphaned(cluster: Cluster) -> Iterator[Finding]:
    mesh = cluster.mesh
    served = {_minor_of(revision) for revision in mesh.revisions}
    untold = [sidecar for sidecar in mesh.known_sidecars if not minor(sidecar.version)]
    orphans = [s for s in mesh.known_sidecars if minor(s.version) and minor(s.version) not in served]
    if orphans:
        yield Finding(f"(d) the control plane of {_named(orphans)} is gone", {"orphans": _told(orphans)})
    mesh.require_pods()
    if untold:
        raise NotCollected(_untold(cluster, f"the image of the sidecars of {_named(untold)} names no version"))


def _unpatched(cluster: Cluster, now: datetime, days: int) -> Iterator[Finding]:
    mesh, untold = cluster.mesh, []
    sidecars: dict[str, list[Sidecar]] = {}
    for sidecar in mesh.known_sidecars:
        sidecars.setdefault(minor(sidecar.version), []).append(sidecar)
    for revision in mesh.revisions:
        mine = sidecars.get(_minor_of(revision), [])
        control = mesh.control_plane(revision) if mine else None
        if control is None:
            continue
        if not version_key(control.version):
            untold.append(revision)
            continue
        old = [sidecar for sidecar in mine if version_key(sidecar.version) < version_key(control.version)]
        if old and control.since and (now - control.since).days > days:
            since = control.since.astimezone(UTC).date()
            verb = "waits" if len({sidecar.workload for sidecar in old}) == 1 else "wait"
            text = f"(e) {_named(old)} {verb} for a restart, istiod has been {control.version} since {since}"
            yield Finding(text, {"unpatched": _told(old), f"istiod-{revision}": control.version})
    mesh.require_pods()
    if untold:
        raise NotCollected(_untold(cluster, f"the image of istiod-{untold[0]} names no version"))


def _half_upgraded(mesh: Mesh, now: datetime, days: int) -> Iterator[Finding]:
    if len(mesh.revisions) < _TWO:
        return
    newest = max(mesh.revisions, key=lambda revision: version_key(_minor_of(revision)))
    created = mesh.created(newest)
    if created is not None and (now - created).days > days:
        text = f"(f) the upgrade to {newest} began {(now - created).days} days ago and was never completed"
        yield Finding(text, {f"istiod-{newest}.creationTimestamp": created.isoformat()})


def _minor_of(revision: str) -> str:
    """``asm-1-30`` -> ``1.30``."""
    return revision.removeprefix("asm-").replace("-", ".")


def _untold(cluster: Cluster, detail: str) -> Gap:
    return untold("kubernetes", f"the mesh of {cluster.name}", detail, Need.PODS)


def _named(sidecars: Iterable[Sidecar]) -> str:
    return ", ".join(sorted({sidecar.workload for sidecar in sidecars}))


def _told(sidecars: Iterable[Sidecar]) -> list[str]:
    return sorted({f"{sidecar.workload}: {sidecar.version}" for sidecar in sidecars})
