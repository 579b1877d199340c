"""State that a Spot node takes along when it goes."""

from collections import Counter
from collections.abc import Iterator

from akscan.sdk import (
    Disruption,
    Finding,
    Fix,
    Inventory,
    Mount,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    Workload,
    rule,
)

from akscan_rules.spot.placement import NEEDS_OF_PLACEMENT, OTHER_WORKLOADS, names_of_spot_nodes, where_it_runs

STORAGE_NEEDS = (Need.PERSISTENT_VOLUME_CLAIMS, Need.PERSISTENT_VOLUMES, Need.STORAGE_CLASSES)


@rule(
    "SPT-004",
    Severity.HIGH,
    Pillar.RELIABILITY,
    needs=[*NEEDS_OF_PLACEMENT],
    optional_needs=[*STORAGE_NEEDS, *OTHER_WORKLOADS, Need.MANAGED_CLUSTERS],
    docs=[
        "https://learn.microsoft.com/azure/aks/stateful-workloads-overview",
        "https://learn.microsoft.com/azure/aks/spot-node-pool",
    ],
    fix=Fix(
        """
        # required affinity: NotIn [spot] for kubernetes.azure.com/priority and kubernetes.azure.com/scalesetpriority, in each
        # existing term (a patch would replace the list of terms)
        kubectl edit {kind} {name} --namespace {namespace}
        """,  # noqa: E501 a comment that stands beside its command
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "kubernetes_stateful_set_v1.spec.template.spec.{toleration,affinity} "
            "(manifest: spec.template.spec.tolerations, affinity)"
        ),
    ),
)
def no_stateful_workload_on_spot(
    workload: Workload, inventory: Inventory, *, opt_out_key: str = ""
) -> Iterator[Finding]:
    """No stateful workload runs on Spot.

    Eviction tears the node away: local data is gone, and a disk first has to be detached from a VM that no longer
    answers, for minutes. A zone-bound disk then waits for Spot capacity in exactly that zone, which is what just ran
    out. (What may lose a node, such as a replicated cache, is left out by `opt_out_key`, a label or annotation.)

    **Fix**: move it to a regular pool (drop the toleration, add affinity away from Spot), and keep only the stateless
    part on Spot. Make sure first that a regular node has room, in the zone of the disk: the pods move at once.
    """
    if workload.kind == "DaemonSet":
        raise NotApplicable("agents belong on every node")
    if workload.is_aks_managed:
        raise NotApplicable("the workload is the platform's")
    if opt_out_key and workload.has_mark(opt_out_key):
        raise NotApplicable(f"it is marked by {opt_out_key}")
    if not workload.spot_nodes:
        return
    if workload.kind == "StatefulSet":
        yield Finding(f"a StatefulSet runs on {names_of_spot_nodes(workload)}", where_it_runs(workload))
    for mount in state_of(workload):
        yield Finding(_lost(mount), {**where_it_runs(workload), **_mount_evidence(workload, mount)})


def keeps_state(workload: Workload) -> bool:
    """Whether the rule above means it, where it runs on Spot. Raises `NotCollected` like `Workload.mounts`."""
    return workload.kind == "StatefulSet" or any(True for _ in state_of(workload))


def state_of(workload: Workload) -> Iterator[Mount]:
    """What a workload mounts that does not follow its pods at once; the scratch volume of a job is none. Raises
    `NotCollected` like `Workload.mounts`.
    """
    is_job = workload.kind in ("Job", "CronJob")
    for mount in workload.mounts:
        if (mount.is_exclusive_disk or mount.is_on_node) and not (is_job and mount.is_ephemeral):
            yield mount


def _lost(mount: Mount) -> str:
    if mount.is_on_node:
        return f"the data of claim {mount.claim.name} stand on the node and go with it"
    zones = ", ".join(mount.volume.zones) if mount.volume else ""
    return f"claim {mount.claim.name} is an Azure Disk" + (f" of zone {zones}" if zones else "")


def _mount_evidence(workload: Workload, mount: Mount) -> dict[str, list[str]]:
    volume = mount.volume
    ready = [node for node in workload.cluster.spot.nodes if node.is_ready]
    counted = Counter(node.metadata.label("topology.kubernetes.io/zone") for node in ready)
    zones = sorted(volume.zones) if volume else []
    return {
        "claims": [mount.claim.name],
        "volumes": [f"{volume.name} ({volume.size or 'size unknown'})"] if volume else [],
        "zones": zones,
        "spotNodesInZones": [f"{zone}: {counted[zone]}" for zone in zones],
    }
