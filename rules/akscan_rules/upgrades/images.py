"""Node images, and upgrades that stopped half way."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

from akscan.sdk import (
    Cluster,
    Disruption,
    EvidenceValue,
    Finding,
    Fix,
    Gap,
    Inventory,
    KarpenterNodePool,
    Need,
    Node,
    NodePool,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    image_date,
    image_without_patches,
    rule,
    untold,
)

from akscan_rules.calendar import support_calendar

_REIMAGING = ("Upgrading", "UpgradingNodeImageVersion", "Updating")
_CHANGING = (*_REIMAGING, "Creating", "Scaling", "Starting", "Stopping", "Deleting")
_FAILED = ("Failed", "Canceled")


@rule(
    "UPG-008",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.AGENT_POOLS, Need.NODES],
    optional_needs=[Need.AGENT_POOL_UPGRADE_PROFILES, Need.KARPENTER_NODE_POOLS],
    docs=[
        "https://learn.microsoft.com/azure/aks/upgrade-node-image",
        "https://learn.microsoft.com/azure/aks/node-images",
    ],
    fix=Fix(
        """
        az aks nodepool get-upgrades --resource-group {resource_group} --cluster-name {cluster} --nodepool-name {node_pool} --query latestNodeImageVersion
        az aks nodepool upgrade --resource-group {resource_group} --cluster-name {cluster} --name {node_pool} --node-image-only
        """,  # noqa: E501 a command stands on one line
        Disruption.NODE_REIMAGE,
        terraform="azurerm_kubernetes_cluster.node_os_upgrade_channel",
        arm="properties.autoUpgradeProfile.nodeOSUpgradeChannel",
    ),
)
def node_images_are_current(
    pool: NodePool | KarpenterNodePool,
    inventory: Inventory,
    *,
    max_age_days_linux: int = 30,
    max_age_days_windows: int = 45,
) -> Iterator[Finding]:
    """Node images are current.

    AKS publishes a Linux image every week and a Windows image every month. An old image means known kernel and runtime
    CVEs on every node, and a very old one can put the pool outside support and make scale-out fail.

    **Fix**: upgrade the image of this pool now, then let the node OS channel and a weekly window do it. A Spot pool is
    not drained: pick an hour at which its workloads can be lost. Nodes of node auto-provisioning are replaced by
    Karpenter, as the disruption settings of their NodePool allow it.
    """
    today = inventory.collected_at.date()
    dates = {image: image_date(image) for image in _images(pool)}
    limit = max_age_days_windows if _is_windows(pool) else max_age_days_linux
    old = {image for image, day in dates.items() if image and (day is None or (today - day).days > limit)}
    oldest = min((day for image, day in dates.items() if image in old and day), default=None)
    latest = {image: inventory.upgrades.latest_image(pool.cluster, image) for image in old}
    is_latest = all(image_without_patches(image) == newest for image, newest in latest.items())
    if is_latest and "" in dates:
        need = Need.NODES if isinstance(pool, KarpenterNodePool) else Need.AGENT_POOLS
        raise NotCollected(_untold(pool, need, "the image of a node is not told"))
    if not old:
        return
    if any(_is_retired(image, today) for image in old):
        raise NotApplicable("its OS gets no images any more, so there is no newer one")
    if is_latest:
        raise NotApplicable("there is no newer image")
    if oldest is None and not any(latest.values()):
        names = ", ".join(sorted(old))
        detail = f"neither the age of {names} nor the newest image is known"
        raise NotCollected(_untold(pool, Need.AGENT_POOL_UPGRADE_PROFILES, detail))
    age = f"{(today - oldest).days} days old" if oldest else "of unknown age"
    yield Finding(
        f"the node image is {age}",
        {
            "name": pool.name,
            "nodeImageVersion": sorted(old),
            "ageInDays": (today - oldest).days if oldest else None,
            "latestNodeImageVersion": sorted({newest for newest in latest.values() if newest}),
            "nodeOSUpgradeChannel": pool.cluster.properties.auto_upgrade_profile.node_os_upgrade_channel,
        },
    )


@rule(
    "UPG-009",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.AGENT_POOLS, Need.NODES],
    docs=[
        "https://learn.microsoft.com/azure/aks/upgrade-options",
        "https://learn.microsoft.com/azure/aks/upgrade-conceptual",
    ],
    fix=Fix(
        """
        kubectl get nodes -L kubernetes.azure.com/upgrade-status,kubernetes.azure.com/node-image-version
        kubectl label nodes {node} kubernetes.azure.com/upgrade-status-
        az aks nodepool delete-machines --resource-group {resource_group} --cluster-name {cluster} --name {node_pool} --machine-names {node}
        az aks update --resource-group {resource_group} --name {cluster}
        """,  # noqa: E501 a command stands on one line
        Disruption.NODE_REIMAGE,
        arm="properties.provisioningState",
    ),
)
def no_upgrade_is_half_finished(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """No upgrade is left half finished.

    AKS stops an upgrade when a node cannot be drained. The rest of the pool then stays on the old version, quarantined
    nodes keep costing money without taking pods, and the failed state blocks later operations and add-on updates.

    **Fix**: find what blocked the drain (usually a PDB, see UPG-016), then remove the quarantine label or delete the
    machine, whose pods are gone by then; last repeat the upgrade of that pool, or reconcile the cluster.
    """
    state = cluster.properties.provisioning_state
    if state in _CHANGING:
        raise NotApplicable(f"the cluster is in state {state}")
    judged = [p for p in cluster.pools if p.properties.provisioning_state not in _CHANGING and not p.is_stopped]
    if state in _FAILED:
        yield Finding(f"(a) the cluster is in state {state}", {"provisioningState": state})
    quarantined = next(((p.name, node.name) for p in judged for node in p.nodes_read if node.is_quarantined), None)
    for pool in judged:
        place, node = quarantined or (pool.name, "")
        fill = {"node_pool": place, "node": node}
        for text, evidence in _left_over(pool):
            yield Finding(f"{text} in pool {pool.name}", {**evidence, f"{pool.name}.settings": _settings(pool)}, fill)
    if judged or cluster.resource.is_stopped:
        cluster.lists.nodes.complete()


# --- node images


def _images(pool: NodePool | KarpenterNodePool) -> list[str]:
    """The images of its nodes, with what security patches they got since; of a pool without any the one that it is to
    have. Empty for one that is not told.
    """
    if isinstance(pool, KarpenterNodePool):
        found = sorted({node.image for node in pool.nodes})
        if not found:
            raise NotApplicable("it has no nodes")
        return found
    properties = pool.properties
    if pool.is_stopped or pool.nodes_now == 0:
        raise NotApplicable("the pool is stopped" if pool.is_stopped else "the pool has no nodes")
    if properties.provisioning_state in _REIMAGING:
        raise NotApplicable(f"the pool is in state {properties.provisioning_state}")
    image = properties.node_image_version
    patched = pool.cluster.properties.auto_upgrade_profile.node_os_upgrade_channel == "SecurityPatch"
    nodes: Iterable[Node] = pool.nodes if patched else pool.nodes_read
    with_patches = {node.image for node in nodes if node.image != image and image_without_patches(node.image) == image}
    unpatched = any(node.image == image for node in nodes)
    return [image] if unpatched or not with_patches else sorted(with_patches)


def _is_windows(pool: NodePool | KarpenterNodePool) -> bool:
    if isinstance(pool, NodePool):
        return pool.properties.os_type == "Windows"
    return any(node.metadata.label("kubernetes.io/os") == "windows" for node in pool.nodes)


def _is_retired(image: str, today: date) -> bool:
    os = support_calendar().os_of(image)
    return os is not None and os.support_ends is not None and os.support_ends < today


def _untold(pool: NodePool | KarpenterNodePool, need: Need, detail: str) -> Gap:
    return untold("arm", f"{pool.cluster.name}/{pool.name}", detail, need)


# --- upgrades that stopped


def _left_over(pool: NodePool) -> Iterator[tuple[str, dict[str, EvidenceValue | list[str]]]]:
    """What an upgrade left in a pool: a sentence, and the values."""
    properties, nodes = pool.properties, pool.nodes_read
    error = properties.status.provisioning_error
    if properties.provisioning_state in _FAILED or error:
        evidence = {
            f"{pool.name}.provisioningState": properties.provisioning_state,
            f"{pool.name}.provisioningError": f"{error.code}: {error.message}" if error else None,
        }
        yield f"(b) state {properties.provisioning_state}{f', {error.code}' if error else ''}", {**evidence}
    if quarantined := [node.name for node in nodes if node.is_quarantined]:
        yield (
            f"(c) {len(quarantined)} quarantined {'node' if len(quarantined) == 1 else 'nodes'}",
            {f"{pool.name}.quarantinedNodes": quarantined},
        )
    if properties.provisioning_state == "Succeeded":
        versions = Counter(node.status.node_info.kubelet_version for node in nodes)
        images = Counter(image_without_patches(node.image) for node in nodes if node.image)
        for name, found in (("kubeletVersion", versions), ("node-image-version", images)):
            if len(found) > 1:
                counts = [f"{v}: {number} {'node' if number == 1 else 'nodes'}" for v, number in sorted(found.items())]
                yield f"(d) {len(found)} values of {name}", {f"{pool.name}.{name}": counts}


def _settings(pool: NodePool) -> str:
    settings = pool.properties.upgrade_settings
    return (
        f"undrainableNodeBehavior {settings.undrainable_node_behavior},"
        f" drainTimeoutInMinutes {settings.drain_timeout_in_minutes}"
    )
