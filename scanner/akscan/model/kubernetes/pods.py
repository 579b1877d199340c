"""Pods and the controllers that make them."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from akscan.model.kubernetes.applied import AppliedObject, MarkedMeta
from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct, ObjectMeta
from akscan.model.kubernetes.scheduling import Affinity, Taint, Toleration
from akscan.model.kubernetes.volumes import NameReference, Volume, VolumeMount
from akscan.model.literals import Literal, Pause
from akscan.model.quantities import quantity
from akscan.model.selectors import NodeSelector, NodeSelectorTerm


class KeyReference(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""
    key: str = ""
    optional: bool | None = None


class EnvVarSource(KubernetesStruct, frozen=True, kw_only=True):
    secret_key_ref: KeyReference | None = None


class EnvVar(KubernetesStruct, frozen=True, kw_only=True):
    """An environment variable; of a literal only its class is kept."""

    name: str = ""
    value: Literal | None = None
    value_from: EnvVarSource | None = None


class EnvFromSource(KubernetesStruct, frozen=True, kw_only=True):
    secret_ref: KeyReference | None = None


class WindowsOptions(KubernetesStruct, frozen=True, kw_only=True):
    host_process: bool | None = None


class SecurityContext(KubernetesStruct, frozen=True, kw_only=True):
    privileged: bool | None = None
    windows_options: WindowsOptions | None = None


class ResourceRequirements(KubernetesStruct, frozen=True, kw_only=True):
    """Quantities by resource name, as the API spells them (``100m``, ``1Gi``)."""

    requests: dict[str, str | int | float] | None = None
    limits: dict[str, str | int | float] | None = None


class SleepAction(KubernetesStruct, frozen=True, kw_only=True):
    seconds: int = 0


class ExecAction(KubernetesStruct, frozen=True, kw_only=True):
    """A command; of its words only how long it sleeps is kept."""

    command: Pause = Pause()


class LifecycleHandler(KubernetesStruct, frozen=True, kw_only=True):
    sleep: SleepAction | None = None
    exec: ExecAction | None = None

    @property
    def pause_seconds(self) -> int:
        """How long it sleeps, as far as that can be told from outside."""
        return max(self.sleep.seconds if self.sleep else 0, self.exec.command.seconds if self.exec else 0)


class Lifecycle(KubernetesStruct, frozen=True, kw_only=True):
    pre_stop: LifecycleHandler | None = None


class Container(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""
    image: str = ""
    resources: ResourceRequirements = ResourceRequirements()
    security_context: SecurityContext | None = None
    env: tuple[EnvVar, ...] | None = None
    env_from: tuple[EnvFromSource, ...] | None = None
    command: tuple[Literal, ...] | None = None
    args: tuple[Literal, ...] | None = None
    volume_mounts: tuple[VolumeMount, ...] | None = None
    restart_policy: str | None = None
    lifecycle: Lifecycle | None = None

    @property
    def pre_stop_pause_seconds(self) -> int:
        """How long its preStop hook sleeps, as far as that can be told from outside."""
        hook = self.lifecycle.pre_stop if self.lifecycle else None
        return hook.pause_seconds if hook else 0

    def mounts(self, volume: str) -> bool:
        """Whether it mounts the volume of this name."""
        return any(mount.name == volume for mount in self.volume_mounts or ())

    def request(self, resource: str) -> Decimal:
        """What the container requests, in base units: the limit stands in for an absent request, absent counts as 0."""
        for stated in (self.resources.requests, self.resources.limits):
            if stated and resource in stated:
                return quantity(stated[resource])
        return Decimal(0)


class PodSecurityContext(KubernetesStruct, frozen=True, kw_only=True):
    windows_options: WindowsOptions | None = None


class PodSpec(KubernetesStruct, frozen=True, kw_only=True):
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] | None = None
    ephemeral_containers: tuple[Container, ...] | None = None
    node_name: str = ""
    node_selector: dict[str, str] | None = None
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] | None = None
    security_context: PodSecurityContext | None = None
    service_account_name: str = ""
    automount_service_account_token: bool | None = None
    restart_policy: str = ""
    host_network: bool | None = None
    image_pull_secrets: tuple[NameReference, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    priority_class_name: str = ""
    termination_grace_period_seconds: int | None = None
    resources: ResourceRequirements = ResourceRequirements()
    overhead: dict[str, str | int | float] | None = None
    host_pid: bool | None = msgspec.field(name="hostPID", default=None)

    @property
    def own_containers(self) -> tuple[Container, ...]:
        """Containers and init containers; a debugging session adds ephemeral ones."""
        return (*self.containers, *(self.init_containers or ()))

    @property
    def all_containers(self) -> tuple[Container, ...]:
        """Containers, init containers and ephemeral containers."""
        return (*self.containers, *(self.init_containers or ()), *(self.ephemeral_containers or ()))

    @property
    def app_containers(self) -> tuple[Container, ...]:
        """Containers, and init containers that keep running beside them (restartPolicy Always)."""
        return (*self.containers, *(c for c in self.init_containers or () if c.restart_policy == "Always"))

    @property
    def grace_period_seconds(self) -> int:
        """``terminationGracePeriodSeconds``, 30 where it is absent."""
        return 30 if self.termination_grace_period_seconds is None else self.termination_grace_period_seconds

    @property
    def mounted_provider_classes(self) -> tuple[str, ...]:
        """The names of the SecretProviderClasses that it mounts."""
        attributes = (v.csi.volume_attributes for v in self.volumes or () if v.csi)
        return tuple(a.secret_provider_class for a in attributes if a and a.secret_provider_class)

    def sets(self, variable: str) -> bool:
        """Whether a container has an environment variable of that name."""
        return any(env.name == variable for container in self.all_containers for env in container.env or ())

    @property
    def mesh_proxy_image(self) -> str:
        """The image of the Istio sidecar, a container or a restartable init container; empty without one."""
        proxies = (c.image for c in (*self.containers, *(self.init_containers or ())) if c.name == "istio-proxy")
        return next((image for image in proxies if _repository(image).endswith("/istio/proxyv2")), "")

    def is_privileged(self, container: Container) -> bool:
        return bool(container.security_context and container.security_context.privileged)

    def is_host_process(self, container: Container) -> bool:
        """The container's own windowsOptions.hostProcess, else the pod's."""
        for context in (container.security_context, self.security_context):
            options = context.windows_options if context else None
            if options is not None and options.host_process is not None:
                return options.host_process
        return False

    def states(self, container: Container, requirement: str) -> bool:
        """Whether ``requests.cpu`` and the like is stated for the container, by itself or at pod level.

        A limit stands in for an absent request of the same resource, as in Kubernetes itself.
        """
        side, _, resource = requirement.partition(".")
        for resources in (container.resources, self.resources):
            stated = (resources.limits, resources.requests) if side == "requests" else (resources.limits,)
            if any(resource in (quantities or {}) for quantities in stated):
                return True
        return False

    def request(self, resource: str) -> Decimal:
        """What the scheduler reserves for a pod, in base units: the pod-level request where it names the resource,
        else the larger of what runs side by side and what any init container needs while it starts; plus the overhead.
        """
        stated = (self.resources.requests or {}).get(resource)
        if stated is None:
            running = sum((c.request(resource) for c in self.app_containers), Decimal(0))
            base = max(running, self._initial_request(resource))
        else:
            base = quantity(stated)
        return base + quantity((self.overhead or {}).get(resource, 0))

    def _initial_request(self, resource: str) -> Decimal:
        """The most that an init container needs beside the restartable ones that were started before it."""
        peak = beside = Decimal(0)
        for container in self.init_containers or ():
            own = container.request(resource)
            if container.restart_policy == "Always":
                beside += own
            else:
                peak = max(peak, beside + own)
        return peak

    def tolerates(self, taint: Taint) -> bool:
        return any(taint.tolerated_by(toleration) for toleration in self.tolerations or ())

    @property
    def required_affinity(self) -> NodeSelector | None:
        """The required node affinity; None where a pod has none, which is not the same as one without terms."""
        return self.affinity.node_affinity.required if self.affinity and self.affinity.node_affinity else None

    @property
    def preferred_affinity(self) -> tuple[NodeSelectorTerm, ...]:
        """The terms that its node affinity prefers."""
        preferred = self.affinity.node_affinity.preferred if self.affinity and self.affinity.node_affinity else None
        return tuple(term.preference for term in preferred or ())


class PodCondition(KubernetesStruct, frozen=True, kw_only=True):
    type: str = ""
    status: str = ""


class WaitingState(KubernetesStruct, frozen=True, kw_only=True):
    reason: str = ""


class ContainerState(KubernetesStruct, frozen=True, kw_only=True):
    waiting: WaitingState | None = None


class ContainerStatus(KubernetesStruct, frozen=True, kw_only=True):
    restart_count: int = 0
    state: ContainerState | None = None


def _repository(image: str) -> str:
    """An image reference behind a slash, without tag and digest."""
    head, slash, tail = image.partition("@")[0].rpartition("/")
    return f"/{head}{slash}{tail.partition(':')[0]}"


class PodStatus(KubernetesStruct, frozen=True, kw_only=True):
    """``conditions`` keeps the one of type Ready, ``container_statuses`` stays with pods that are not."""

    phase: str = ""
    qos_class: str = ""
    conditions: tuple[PodCondition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None

    @property
    def waiting_reasons(self) -> tuple[str, ...]:
        """Why its containers do not run."""
        states = (status.state for status in self.container_statuses or ())
        return tuple(dict.fromkeys(state.waiting.reason for state in states if state and state.waiting))

    @property
    def restarts(self) -> int:
        return sum(status.restart_count for status in self.container_statuses or ())


class PodAnnotations(KubernetesStruct, frozen=True, kw_only=True):
    """The annotation with which AKS hands a pod the name of the API server instead of its address; all others are
    dropped.
    """

    set_kube_service_host_fqdn: str | None = msgspec.field(
        name="kubernetes.azure.com/set-kube-service-host-fqdn", default=None
    )


class PodMeta(ObjectMeta, frozen=True, kw_only=True):
    annotations: PodAnnotations | None = None


class Pod(KubernetesObject, frozen=True, kw_only=True):
    """A pod. ``spec`` is kept whole for the newest pod of each controller only; ``node_name`` and the image of an Istio
    sidecar are kept for all.
    """

    kind: ClassVar[str] = "Pod"
    metadata: PodMeta = PodMeta()
    spec: PodSpec | None = None
    node_name: str = ""
    mesh_proxy: str = ""
    status: PodStatus = PodStatus()

    @property
    def mesh_proxy_image(self) -> str:
        """The image of its Istio sidecar, if it has one."""
        return self.mesh_proxy or (self.spec.mesh_proxy_image if self.spec else "")

    @property
    def asks_api_server_by_name(self) -> bool:
        """Whether AKS hands it the API server's name (https://learn.microsoft.com/azure/aks/outbound-rules-control-egress)."""
        return (
            self.metadata.annotations is not None and self.metadata.annotations.set_kube_service_host_fqdn is not None
        )

    @property
    def maker(self) -> str:
        """The key of what made it: its controller, or itself."""
        return self.metadata.controller_key or self.key

    @property
    def is_active(self) -> bool:
        """In phase Pending or Running."""
        return self.status.phase in ("Pending", "Running")

    @property
    def has_ended(self) -> bool:
        """In phase Succeeded or Failed: it is never started again."""
        return self.status.phase in ("Succeeded", "Failed")

    @property
    def is_ready(self) -> bool:
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions or ())

    @property
    def is_of_daemon_set(self) -> bool:
        """Whether a drain leaves it alone because a DaemonSet would bring it back."""
        return self.metadata.controller is not None and self.metadata.controller.kind == "DaemonSet"

    @property
    def is_drained(self) -> bool:
        """Whether a drain of its node has to evict it: neither a DaemonSet's nor the mirror of a static pod."""
        owner = self.metadata.controller
        return self.status.phase == "Running" and (owner is None or owner.kind not in ("DaemonSet", "Node"))


class PodTemplate(KubernetesStruct, frozen=True, kw_only=True):
    metadata: MarkedMeta = MarkedMeta()
    spec: PodSpec = PodSpec()


class ControllerSpec(KubernetesStruct, frozen=True, kw_only=True):
    replicas: int | None = None
    suspend: bool | None = None
    template: PodTemplate | None = None


class ControllerStatus(KubernetesStruct, frozen=True, kw_only=True):
    desired_number_scheduled: int = 0
    number_available: int = 0
    number_ready: int = 0
    ready_replicas: int = 0


class Controller(AppliedObject, frozen=True, kw_only=True):
    """What makes pods from a template."""

    metadata: MarkedMeta = MarkedMeta()
    spec: ControllerSpec = ControllerSpec()
    status: ControllerStatus = ControllerStatus()

    @property
    def template(self) -> PodTemplate:
        return self.spec.template or PodTemplate()


class Deployment(Controller, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Deployment"


class ReplicaSet(Controller, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ReplicaSet"


class StatefulSet(Controller, frozen=True, kw_only=True):
    kind: ClassVar[str] = "StatefulSet"


class DaemonSet(Controller, frozen=True, kw_only=True):
    kind: ClassVar[str] = "DaemonSet"


class ReplicationController(Controller, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ReplicationController"
