"""Workloads: whatever makes pods, found from the pods upwards, judged alike whatever its kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from akscan.model.gaps import Gap, NotCollected, untold
from akscan.model.kubernetes import (
    SPOT_TAINT,
    Controller,
    CronJob,
    HorizontalPodAutoscaler,
    Job,
    JobSpec,
    KubernetesLists,
    Listing,
    MarkedMeta,
    Node,
    ObjectMeta,
    OwnerReference,
    Pod,
    PodSpec,
    PodTemplate,
    Service,
)
from akscan.model.storage import Mount
from akscan.model.subject import Absent, Subject, SubjectRef, Unreadable
from akscan.model.text import ArmId

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.inventory import Inventory

#: Registries of the platform itself; a network-isolated cluster has its own in bootstrapProfile.
_PLATFORM_HOSTS = ("mcr.microsoft.com", "mcr.azure.cn")
#: Kinds whose list akscan reads -> field of `KubernetesLists`; any other owner is named from the reference alone.
_LISTED_KINDS = {
    "Deployment": "deployments",
    "ReplicaSet": "replica_sets",
    "StatefulSet": "stateful_sets",
    "DaemonSet": "daemon_sets",
    "Job": "jobs",
    "CronJob": "cron_jobs",
    "ReplicationController": "replication_controllers",
}
_GROUPS = {
    "Deployment": "apps/",
    "ReplicaSet": "apps/",
    "StatefulSet": "apps/",
    "DaemonSet": "apps/",
    "Job": "batch/",
    "CronJob": "batch/",
    "ReplicationController": "v1",
}
#: What kubectl calls the collection of a kind, for ids and commands.
_RESOURCES = {kind: f"{kind.casefold()}s" for kind in (*_LISTED_KINDS, "Pod")}
#: Kinds with a number of replicas, so with a floor.
_SCALED_KINDS = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
#: Kinds that keep their pods going by themselves, also where an operator made them from an object of its own.
_TOPMOST_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")


class Workload(Subject):
    """The topmost controller of Kubernetes over a set of pods, or a pod without one. Where there is none but an owner
    that akscan does not read, that owner stands for them.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        kind: str,
        metadata: ObjectMeta,
        controller: Controller | CronJob | None,
        template: PodTemplate | None,
        pods: tuple[Pod, ...],
        pods_gap: Gap | None,
    ) -> None:
        self.cluster = cluster
        self.kind = kind
        self.metadata = metadata
        self.controller = controller
        self._template = template
        self.pods_read = pods
        self._pods_gap = pods_gap

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace

    @property
    def ref(self) -> SubjectRef:
        above = self.cluster.ref.id
        resource = _RESOURCES.get(self.kind, self.kind.casefold())
        return SubjectRef(
            id=f"{above}/namespaces/{self.namespace}/{resource}/{self.name}",
            kind=self.kind.casefold() if self.kind in _RESOURCES else "workload",
            name=self.name,
            cluster=above,
            namespace=self.namespace,
        )

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        found = cluster.workload_set
        for workload in found.items:
            assert isinstance(workload, cls)  # noqa: S101 there is one class of workloads
            yield workload
        if found.gap is not None:
            yield Unreadable(cluster, found.gap)

    @property
    def owner(self) -> OwnerReference | None:
        """The object of an operator that it was made from: that is what to change, or the change is taken back."""
        return self.metadata.controller if self.kind in _TOPMOST_KINDS else None

    @property
    def background(self) -> dict[str, str]:
        return {"ownerReferences": f"{self.owner.kind} {self.owner.name}"} if self.owner else {}

    def placeholders(self) -> dict[str, str]:
        kind, name = (self.owner.kind, self.owner.name) if self.owner else (self.kind, self.name)
        own = {"kind": kind.casefold(), "name": name, "namespace": self.namespace, "workload": name}
        return {**self.cluster.placeholders(), **own}

    # --- pods and specs

    @property
    def pods(self) -> tuple[Pod, ...]:
        """Its pods. Raises `NotCollected` where they, or the objects between, could not be listed."""
        if self._pods_gap is not None:
            raise NotCollected(self._pods_gap)
        return self.pods_read

    @property
    def template(self) -> PodTemplate | None:
        """The pod template; of a bare pod the pod; None where only the name of the owner is known."""
        return self._template

    @property
    def newest_pod(self) -> Pod | None:
        """The newest pod with a whole spec that is not terminating; of a CronJob one that was made from its present
        template, as the next will be. Raises `NotCollected` like `pods`.
        """
        return self._newest_of_template if self.pods else None

    @cached_property
    def _newest_read(self) -> Pod | None:
        return _newest(self.pods_read)

    @cached_property
    def _newest_of_template(self) -> Pod | None:
        if not isinstance(self.controller, CronJob):
            return self._newest_read
        runs = self.cluster.jobs_by_owner.get(self.controller.key, ())
        present = {run.key for run in runs if run.template.spec == self.controller.template.spec}
        return _newest(pod for pod in self.pods_read if pod.metadata.controller_key in present)

    @property
    def effective_spec(self) -> PodSpec:
        """The spec of `newest_pod`, so that defaults and mutations of admission count; without it the template's.

        Raises `NotCollected` where pods could not be listed, and for a controller of an unknown kind that has no pod
        now.
        """
        pod = self.newest_pod
        if pod is not None and pod.spec is not None:
            return pod.spec
        if self._template is None:
            raise NotCollected(
                untold(
                    "kubernetes",
                    f"{self.kind} {self.namespace}/{self.name}",
                    "akscan does not read this kind, and none of its pods is running",
                )
            )
        return self._template.spec

    @property
    def spec_path(self) -> str:
        """The JSON pointer of the pod spec in its manifest; empty for a kind that akscan does not read, for what has an
        `owner`, and for pods and Jobs, whose spec the API server lets nobody change.
        """
        if self.owner is not None:
            return ""
        if self.kind == "CronJob":
            return "/spec/jobTemplate/spec/template/spec"
        return "/spec/template/spec" if self.kind in _RESOURCES and self.kind not in ("Pod", "Job") else ""

    def field_of(self, spec: PodSpec) -> str:
        """Where one of its specs stands: in its manifest, or where admission made it another in its pods."""
        if self.kind == "Pod" or self._template is None or spec != self._template.spec:
            return "spec" if self.kind == "Pod" else "pod spec"
        return "spec.jobTemplate.spec.template.spec" if self.kind == "CronJob" else "spec.template.spec"

    def each_spec(self) -> Iterator[PodSpec]:
        """The template's spec, then the effective one where it differs. Raises `NotCollected` after the first where
        pods could not be listed: what admission added is unknown then.
        """
        declared = self._template.spec if self._template else None
        if declared is not None:
            yield declared
        if self.effective_spec != declared:
            yield self.effective_spec

    @property
    def specs_read(self) -> tuple[PodSpec, ...]:
        """The specs of its template and of its newest pod, of whatever run, as far as they were read; for proving a
        failure, never for proving a pass.
        """
        newest = self._newest_read
        declared = self._template.spec if self._template else None
        admitted = newest.spec if newest else None
        return tuple(spec for spec in (declared, None if admitted == declared else admitted) if spec is not None)

    @property
    def is_to_run(self) -> bool:
        """Whether pods of it run or are to run: it is not scaled to 0, not suspended, and no Job or pod that has come
        to its end.
        """
        controller = self.controller
        if self.kind == "Pod":
            return any(pod.is_active for pod in self.pods_read)
        if isinstance(controller, CronJob):
            return not controller.spec.suspend
        if self.kind == "Job" and controller is not None:
            return not controller.spec.suspend and not self.is_finished
        return self.replicas != 0

    @property
    def annotation_keys(self) -> frozenset[str]:
        """The keys of its own annotations and those of its pod template; of a bare pod none are kept."""
        own = (self.controller, self._template) if self.controller is not None else ()
        return frozenset(
            key
            for part in own
            if part is not None and part.metadata.annotations is not None
            for key in part.metadata.annotations.each
        )

    @property
    def labels(self) -> dict[str, str]:
        """Its own labels and those of its pods, by the template or, where there is none, by the newest pod read."""
        pods = self._template or self._newest_read
        return {**(self.metadata.labels or {}), **((pods.metadata.labels if pods else None) or {})}

    def has_mark(self, key: str) -> bool:
        """Whether it, or its template, has a label or an annotation of this key; of a bare pod labels alone count."""
        marked = (self.metadata, self._template.metadata if self._template else None)
        return any(isinstance(metadata, MarkedMeta) and metadata.has_mark(key) for metadata in marked)

    @property
    def job_spec(self) -> JobSpec | None:
        """What a Job, or each Job of a CronJob, is told; None for other kinds."""
        match self.controller:
            case Job():
                return self.controller.spec
            case CronJob():
                return self.controller.spec.job_template.spec
            case _:
                return None

    @property
    def schedule(self) -> str:
        """When a CronJob starts its Jobs; empty for other kinds."""
        return self.controller.spec.schedule if isinstance(self.controller, CronJob) else ""

    def sets_variable(self, names: Iterable[str]) -> bool:
        """Whether a container has an environment variable of one of these names: by its template, or by a pod that
        was read, to which admission may have added it.
        """
        wanted = frozenset(names)
        specs = [pod.spec for pod in self.pods_read if pod.spec is not None]
        containers = (
            c for spec in (*([self._template.spec] if self._template else ()), *specs) for c in spec.all_containers
        )
        return any(variable.name in wanted for container in containers for variable in container.env or ())

    @property
    def pod_labels(self) -> dict[str, str]:
        """The labels of its pods, by the template, and for a kind that akscan does not read by the newest pod. Raises
        `NotCollected` like `pods` where only a pod would tell.
        """
        if self._template is not None:
            return self._template.metadata.labels or {}
        return (self.newest_pod.metadata.labels if self.newest_pod else None) or {}

    @property
    def service_account(self) -> str:
        """The service account that its pods act as. Raises `NotCollected` like `effective_spec`."""
        return self.effective_spec.service_account_name or "default"

    # --- what stands behind it

    @property
    def is_aks_managed(self) -> bool:
        """Whether AKS put it there: in a system namespace, and marked by AKS or with platform images only.

        A mark outside the system namespaces exempts nothing, since anybody can set it.
        """
        if self.namespace not in self.cluster.system_namespaces:
            return False
        marked = (self.metadata, self._template.metadata if self._template else self.metadata)
        return any(metadata.is_marked_by_aks for metadata in marked) or self._has_platform_images_only()

    def _has_platform_images_only(self) -> bool:
        spec = self._template.spec if self._template and self._template.spec.containers else self.effective_spec
        hosts = {image_host(container.image) for container in spec.all_containers}
        if not hosts:
            return False
        foreign = {host for host in hosts if host not in _PLATFORM_HOSTS}
        return not foreign or foreign == {self._bootstrap_registry_host(foreign)}

    def _bootstrap_registry_host(self, hosts: Iterable[str]) -> str:
        """The host of the registry that a network-isolated cluster takes its system images from, where it is asked
        for.
        """
        if not any(".azurecr." in host for host in hosts):
            return ""
        registry: ArmId = self.cluster.properties.bootstrap_profile.container_registry_id
        return next((host for host in hosts if registry and host.split(".")[0] == registry.name.casefold()), "")

    # --- scale and service

    @property
    def replicas(self) -> int | None:
        """``spec.replicas`` (absent counts as 1) of a kind that has them."""
        if self.kind not in _SCALED_KINDS or not isinstance(self.controller, Controller):
            return None
        return 1 if self.controller.spec.replicas is None else self.controller.spec.replicas

    @property
    def floor(self) -> int | None:
        """The fewest pods it may be scaled to: minReplicas of its autoscaler, else its replicas; a bare pod is 1; None
        for kinds without a number. Raises `NotCollected` where autoscalers could not be listed.
        """
        if self.kind == "Pod":
            return 1
        if self.kind not in _SCALED_KINDS:
            return None
        return self.autoscaler.min_replicas if self.autoscaler else self.replicas

    @property
    def _scale_targets(self) -> tuple[tuple[str, str], ...]:
        """Kind and name by which an autoscaler scales it: its own, or those of its owner."""
        return ((self.kind, self.name), *([(self.owner.kind, self.owner.name)] if self.owner else []))

    @property
    def autoscaler(self) -> HorizontalPodAutoscaler | None:
        """What scales it. Raises `NotCollected` where autoscalers could not be listed."""
        found = (self.cluster.autoscalers.get((self.namespace, *target)) for target in self._scale_targets)
        return next((scaler for scaler in found if scaler is not None), None)

    @property
    def fewest_pods(self) -> int:
        """The fewest pods that its autoscaler leaves (at least one), else those that it is to have. Raises
        `NotCollected` like `floor`.
        """
        if self.autoscaler:
            return max(1, self.autoscaler.min_replicas)
        return len(self.pods_read) if self.floor is None else self.floor

    @property
    def may_scale_to_zero(self) -> bool:
        """Whether a KEDA ScaledObject lets it down to no pod. Raises `NotCollected` where these could not be listed."""
        return any(
            scaled.namespace == self.namespace
            and (scaled.spec.scale_target_ref.kind, scaled.spec.scale_target_ref.name) in self._scale_targets
            and not scaled.spec.min_replica_count
            for scaled in self.cluster.lists.scaled_objects.complete()
        )

    @property
    def tolerates_spot(self) -> bool:
        """Whether its template tolerates the taint of Spot nodes."""
        spec = self._template.spec if self._template else self.effective_spec
        return spec.tolerates(SPOT_TAINT)

    @property
    def tolerates_spot_by_name(self) -> bool:
        """Whether it does so by a toleration that names its key."""
        spec = self._template.spec if self._template else self.effective_spec
        return any(t.key and SPOT_TAINT.tolerated_by(t) for t in spec.tolerations or ())

    @property
    def services(self) -> tuple[Service, ...]:
        """The Services in front of it. Raises `NotCollected` where Services could not be listed, and like
        `pod_labels`.
        """
        return self.cluster.services_of(self.namespace, self.pod_labels)

    @property
    def mounts(self) -> Iterator[Mount]:
        """What its newest pod mounts by claims. Raises `NotCollected` where pods, or one of the claims, are unknown."""
        pod = self.newest_pod
        return self.cluster.storage.mounts(self.namespace, pod.name if pod else "", self.effective_spec)

    @property
    def companions(self) -> tuple[Workload, ...]:
        """Other Deployments behind its Services. Raises `NotCollected` where Services or Deployments could not be
        listed.
        """
        self.cluster.lists.deployments.complete()
        behind = self.cluster.deployments_by_service
        found = (other for s in self.services for other in behind.get((s.namespace, s.name), ()) if other is not self)
        return tuple(dict.fromkeys(found))

    @property
    def is_static(self) -> bool:
        """Whether it is a pod that a kubelet runs by itself (https://kubernetes.io/docs/tasks/configure-pod-container/static-pod)."""
        owner = self.metadata.controller
        return self.kind == "Pod" and owner is not None and owner.kind == "Node"

    @property
    def is_finished(self) -> bool:
        """Whether it is a Job that is over, or a pod without a controller that has ended: it will run nothing more."""
        if self.kind == "Pod":
            return bool(self.pods_read) and all(pod.has_ended for pod in self.pods_read)
        return isinstance(self.controller, Job) and self.controller.is_finished

    @property
    def end(self) -> str:
        if not self.is_finished:
            return ""
        return "the pod has ended" if self.kind == "Pod" else "the job is over"

    @property
    def ready_pods(self) -> tuple[Pod, ...]:
        """Raises `NotCollected` like `pods`."""
        return tuple(pod for pod in self.pods if pod.is_ready)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that its running pods are on. Raises `NotCollected` where pods or nodes are unknown."""
        names = dict.fromkeys(pod.node_name for pod in self.pods if pod.status.phase == "Running" and pod.node_name)
        return tuple(node for name in names if (node := self.cluster.node(name)) is not None)

    @property
    def spot_nodes(self) -> tuple[Node, ...]:
        """Those of `nodes` that Azure may take back at any moment."""
        return tuple(node for node in self.nodes if node.is_spot)


@dataclass(frozen=True, slots=True)
class Workloads:
    """The workloads of a cluster; ``gap`` stands for those that a missing list hides."""

    items: tuple[Workload, ...]
    gap: Gap | None

    def complete(self) -> tuple[Workload, ...]:
        """Raises `NotCollected` where some may be missing."""
        if self.gap is not None:
            raise NotCollected(self.gap)
        return self.items


def _newest(pods: Iterable[Pod]) -> Pod | None:
    candidates = (pod for pod in pods if pod.spec is not None and pod.metadata.deletion_timestamp is None)
    return max(candidates, key=lambda pod: (pod.metadata.creation_timestamp or "", pod.name), default=None)


def image_host(image: str) -> str:
    """The registry of an image reference, in lower case; docker.io where the reference names none."""
    first, slash, _ = image.partition("/")
    return first.casefold() if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def image_repository(image: str) -> str:
    """``host/repository`` of an image reference, without tag and digest (https://github.com/distribution/reference)."""
    host = image_host(image)
    name = image.partition("@")[0]
    if name.casefold().startswith(f"{host}/"):
        name = name[len(host) + 1 :]
    head, slash, tail = name.rpartition("/")
    repository = f"{head}{slash}{tail.partition(':')[0]}"
    return f"{host}/library/{repository}" if host == "docker.io" and "/" not in repository else f"{host}/{repository}"


def image_matches(image: str, accepted: Iterable[str]) -> bool:
    """Whether host/repository equals an entry or ends with "/" and an entry."""
    repository = image_repository(image)
    return any(repository == entry or repository.endswith(f"/{entry}") for entry in accepted)


def build_workloads(cluster: Cluster) -> Workloads:
    """Group the pods of a cluster under their topmost controllers."""
    lists = cluster.lists
    builder = _Builder(lists)
    for pod in lists.pods.items:
        builder.add_pod(pod)
    items = tuple(builder.workloads(cluster))
    gaps = (lists.pods.gap, *(_listing(lists, kind).gap for kind in _LISTED_KINDS))
    return Workloads(items, next((gap for gap in gaps if gap is not None), None))


def _listing(lists: KubernetesLists, kind: str) -> Listing[Controller]:
    listing: Listing[Controller] = getattr(lists, _LISTED_KINDS[kind])
    return listing


@dataclass(frozen=True, slots=True)
class _Top:
    """The end of a chain of owners: a listed object, or a name from a reference with the template found below it."""

    kind: str
    metadata: ObjectMeta
    controller: Controller | CronJob | None
    template: PodTemplate | None


class _Builder:
    def __init__(self, lists: KubernetesLists) -> None:
        self._lists = lists
        self._by_key: dict[str, Controller] = {
            item.key: item for kind in _LISTED_KINDS for item in _listing(lists, kind).items
        }
        self._pods: dict[tuple[str, str, str], list[Pod]] = defaultdict(list)
        self._tops: dict[tuple[str, str, str], _Top] = {}
        self._top_of_key: dict[str, _Top | None] = {}
        for item in self._by_key.values():
            self._register(self._top(item))

    def _register(self, top: _Top | None) -> None:
        if top is not None:
            self._tops.setdefault((top.metadata.namespace, top.kind, top.metadata.name), top)

    def _top(self, item: Controller) -> _Top | None:
        """The workload that an object belongs to; None where a list that is missing would have to tell."""
        key = item.key
        if key not in self._top_of_key:
            owner = _owner(item.metadata)
            own = _Top(item.kind, item.metadata, item, item.template)
            if owner is None or item.kind in _TOPMOST_KINDS:
                self._top_of_key[key] = own
            else:
                self._top_of_key[key] = self._above(owner, item.metadata, item.template)
        return self._top_of_key[key]

    def _above(self, owner: OwnerReference, below: ObjectMeta, template: PodTemplate | None) -> _Top | None:
        above = self._by_key.get(below.controller_key)
        if above is not None:
            return self._top(above)
        if _is_listed_kind(owner) and _listing(self._lists, owner.kind).gap is not None:
            return None
        return _Top(owner.kind, ObjectMeta(name=owner.name, namespace=below.namespace), None, template)

    def add_pod(self, pod: Pod) -> None:
        owner = _owner(pod.metadata)
        if owner is None:
            template = PodTemplate(metadata=MarkedMeta.of(pod.metadata), spec=pod.spec or PodSpec())
            top: _Top | None = _Top("Pod", pod.metadata, None, template)
        else:
            top = self._above(owner, pod.metadata, None)
        if top is not None:
            self._register(top)
            self._pods[(top.metadata.namespace, top.kind, top.metadata.name)].append(pod)

    def workloads(self, cluster: Cluster) -> Iterator[Workload]:
        for key, top in sorted(self._tops.items()):
            yield Workload(
                cluster,
                kind=top.kind,
                metadata=top.metadata,
                controller=top.controller,
                template=top.template,
                pods=tuple(self._pods.get(key, ())),
                pods_gap=self._pods_gap(top.kind),
            )

    def _pods_gap(self, kind: str) -> Gap | None:
        """What hides pods of a workload of this kind: the pods themselves, or the objects between."""
        between = {"Deployment": self._lists.replica_sets.gap, "CronJob": self._lists.jobs.gap}
        return self._lists.pods.gap or between.get(kind)


def _owner(metadata: ObjectMeta) -> OwnerReference | None:
    """The managing owner; the kubelet's mirror of a static pod names its Node, which is no workload."""
    owner = metadata.controller
    return None if owner is None or owner.kind == "Node" else owner


def _is_listed_kind(owner: OwnerReference) -> bool:
    return owner.kind in _LISTED_KINDS and owner.api_version.startswith(_GROUPS[owner.kind])
