"""Builders of Jobs, claims and webhooks; what a test does not say is healthy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from akscan.model import kubernetes
from akscan.model.expander import EXPANDER_NAME, EXPANDER_NAMESPACE
from akscan.model.kubernetes import KubernetesObject
from akscan.model.selectors import Expression, NodeSelector, NodeSelectorTerm
from akscan.testing.kubernetes import marked_meta, object_meta, pod, pod_spec


def _job_spec(pods: kubernetes.PodSpec | None, labels: Mapping[str, str] | None, fields: Mapping[str, Any]) -> Any:
    template = kubernetes.PodTemplate(
        metadata=kubernetes.MarkedMeta(labels=dict(labels or {})), spec=pods or pod_spec(restart_policy="Never")
    )
    return kubernetes.JobSpec(template=template, **fields)


def job(
    name: str = "run",
    namespace: str = "shop",
    *,
    spec: kubernetes.PodSpec | None = None,
    pods: int = 1,
    on_node: str = "node-0",
    status: kubernetes.JobStatus | None = None,
    metadata: Mapping[str, Any] | None = None,
    **fields: Any,
) -> list[KubernetesObject]:
    """A Job and its running pods; keyword arguments are fields of its spec."""
    made = kubernetes.Job(
        metadata=marked_meta("Job", name, namespace, metadata or {}),
        spec=_job_spec(spec, {"job-name": name}, fields),
        status=status or kubernetes.JobStatus(),
    )
    running = (pod(f"{name}-{place}", namespace, spec=spec, owner=made, on_node=on_node) for place in range(pods))
    return [made, *running]


def cron_job(
    name: str = "nightly",
    namespace: str = "shop",
    *,
    spec: kubernetes.PodSpec | None = None,
    schedule: str = "0 1 * * *",
    runs: Sequence[kubernetes.JobStatus] = (),
    **fields: Any,
) -> list[KubernetesObject]:
    """A CronJob, and Jobs that it made; keyword arguments are fields of the Jobs' spec."""
    template = _job_spec(spec, {"job": name}, fields)
    made = kubernetes.CronJob(
        metadata=marked_meta("CronJob", name, namespace, {}),
        spec=kubernetes.CronJobSpec(schedule=schedule, job_template=kubernetes.JobTemplate(spec=template)),
    )
    jobs = (
        kubernetes.Job(
            metadata=marked_meta("Job", f"{name}-{place}", namespace, {}, made), spec=template, status=status
        )
        for place, status in enumerate(runs)
    )
    return [made, *jobs]


def claim(
    name: str = "data",
    namespace: str = "shop",
    *,
    mode: str = "ReadWriteOnce",
    driver: str = "disk.csi.azure.com",
    storage_class: str = "",
    zone: str = "",
    bound: bool = True,
    **source: Any,
) -> list[KubernetesObject]:
    """A claim and the volume it is bound to, an Azure Disk unless said otherwise; ``source`` replaces that of CSI."""
    volume = f"pv-{namespace}-{name}"
    wanted = kubernetes.PersistentVolumeClaim(
        metadata=object_meta("PersistentVolumeClaim", name, namespace, {}),
        spec=kubernetes.ClaimSpec(
            access_modes=(mode,), volume_name=volume if bound else "", storage_class_name=storage_class or None
        ),
    )
    if not bound:
        return [wanted]
    in_zone = Expression(key="topology.disk.csi.azure.com/zone", operator="In", values=(zone,))
    term = NodeSelectorTerm(match_expressions=(in_zone,))
    pinned = kubernetes.VolumeNodeAffinity(required=NodeSelector(node_selector_terms=(term,)))
    found = kubernetes.PersistentVolume(
        metadata=object_meta("PersistentVolume", volume, "", {}),
        spec=kubernetes.VolumeSpec(
            capacity={"storage": "32Gi"},
            storage_class_name=storage_class,
            node_affinity=pinned if zone else None,
            **(source or {"csi": kubernetes.CsiVolumeSource(driver=driver)}),
        ),
    )
    return [wanted, found]


def ephemeral_claim(pod_name: str, volume: str, namespace: str = "shop") -> list[KubernetesObject]:
    """The claim that Kubernetes makes for an ephemeral volume of a pod, and the Azure Disk it is bound to."""
    wanted, *rest = claim(f"{pod_name}-{volume}", namespace)
    metadata = object_meta("PersistentVolumeClaim", wanted.name, namespace, {}, pod(pod_name, namespace))
    return [msgspec.structs.replace(wanted, metadata=metadata), *rest]


def mounting(*claims: str, ephemeral: Sequence[str] = (), **fields: Any) -> kubernetes.PodSpec:
    """A pod spec that mounts claims, and ephemeral volumes by their names."""
    volumes = (
        *(kubernetes.Volume(name=c, persistent_volume_claim=kubernetes.ClaimSource(claim_name=c)) for c in claims),
        *(kubernetes.Volume(name=name, ephemeral=kubernetes.EphemeralSource()) for name in ephemeral),
    )
    return msgspec.structs.replace(pod_spec(volumes=volumes), **fields)


def priority_expander(priorities: str) -> kubernetes.ConfigMap:
    """The ConfigMap of the priority expander with this text."""
    found = kubernetes.ConfigMap(metadata=object_meta("ConfigMap", EXPANDER_NAME, EXPANDER_NAMESPACE, {}))
    return found.with_priorities({"data": {"priorities": priorities}})
