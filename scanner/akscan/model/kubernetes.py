"""Kubernetes objects in the shape of the API, cut down to the fields that rules read.

Values that may be secrets have no field: Secret data, environment literals, ConfigMap values, arguments and free
annotations are dropped or classified while decoding. Shapes: https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Generic, TypeVar

import msgspec

from akscan.model.gaps import Gap, NotCollected
from akscan.model.literals import Literal
from akscan.model.quantities import quantity
from akscan.model.selectors import LabelSelector, NodeSelector

T = TypeVar("T")

SPOT_TAINT_KEY = "kubernetes.azure.com/scalesetpriority"
SPOT_LABELS = ("kubernetes.azure.com/priority", SPOT_TAINT_KEY, "karpenter.sh/capacity-type")


class KubernetesStruct(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An object or part of one."""


class OwnerReference(KubernetesStruct, frozen=True, kw_only=True):
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    api_version: str = ""


class ObjectMeta(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    generation: int | None = None

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages this object, if any."""
        return next((owner for owner in self.owner_references or () if owner.controller), None)

    def label(self, key: str) -> str:
        """The value of a label, or an empty string."""
        return (self.labels or {}).get(key, "")


class KubernetesObject(KubernetesStruct, frozen=True, kw_only=True):
    kind: ClassVar[str] = ""
    metadata: ObjectMeta = ObjectMeta()

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace


# --- pods and what makes them


class KeyReference(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""
    key: str = ""


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


class Container(KubernetesStruct, frozen=True, kw_only=True):
    name: str = ""
    image: str = ""
    resources: ResourceRequirements = ResourceRequirements()
    security_context: SecurityContext | None = None
    env: tuple[EnvVar, ...] | None = None
    env_from: tuple[EnvFromSource, ...] | None = None
    restart_policy: str | None = None

    def request(self, resource: str) -> Decimal:
        """What the container requests, in base units: the limit stands in for an absent request, absent counts as 0."""
        for stated in (self.resources.requests, self.resources.limits):
            if stated and resource in stated:
                return quantity(stated[resource])
        return Decimal(0)


class Toleration(KubernetesStruct, frozen=True, kw_only=True):
    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


class Taint(KubernetesStruct, frozen=True, kw_only=True):
    key: str = ""
    value: str = ""
    effect: str = ""

    @classmethod
    def parse(cls, text: str) -> Taint:
        """From ``key=value:Effect``, the form of ``nodeTaints``."""
        pair, _, effect = text.rpartition(":")
        key, _, value = pair.partition("=")
        return cls(key=key, value=value, effect=effect)

    @property
    def repels(self) -> bool:
        """Whether the taint keeps pods off that do not tolerate it (PreferNoSchedule does not)."""
        return self.effect in ("NoSchedule", "NoExecute")

    @property
    def is_spot(self) -> bool:
        """The taint that AKS puts on Spot pools (https://learn.microsoft.com/azure/aks/spot-node-pool)."""
        return self.key == SPOT_TAINT_KEY and self.value == "spot" and self.repels

    def tolerated_by(self, toleration: Toleration) -> bool:
        """https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""
        if toleration.effect not in ("", self.effect):
            return False
        if not toleration.key:
            return toleration.operator == "Exists"
        return toleration.key == self.key and (toleration.operator == "Exists" or toleration.value == self.value)


class NodeAffinity(KubernetesStruct, frozen=True, kw_only=True):
    required: NodeSelector | None = msgspec.field(name="requiredDuringSchedulingIgnoredDuringExecution", default=None)


class Affinity(KubernetesStruct, frozen=True, kw_only=True):
    node_affinity: NodeAffinity | None = None


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
    resources: ResourceRequirements = ResourceRequirements()
    overhead: dict[str, str | int | float] | None = None

    @property
    def all_containers(self) -> tuple[Container, ...]:
        """Containers, init containers and ephemeral containers."""
        return (*self.containers, *(self.init_containers or ()), *(self.ephemeral_containers or ()))

    @property
    def app_containers(self) -> tuple[Container, ...]:
        """Containers, and init containers that keep running beside them (restartPolicy Always)."""
        return (*self.containers, *(c for c in self.init_containers or () if c.restart_policy == "Always"))

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

    def selects_labels(self, labels: Mapping[str, str], *, unknown: frozenset[str] = frozenset()) -> bool:
        """Whether nodeSelector and required node affinity admit a node; keys in ``unknown`` count as satisfied."""
        selector = self.node_selector or {}
        if any(key not in unknown and labels.get(key) != value for key, value in selector.items()):
            return False
        required = self.affinity.node_affinity.required if self.affinity and self.affinity.node_affinity else None
        return required is None or required.matches(labels, unknown=unknown)


class PodStatus(KubernetesStruct, frozen=True, kw_only=True):
    phase: str = ""
    qos_class: str = ""


class Pod(KubernetesObject, frozen=True, kw_only=True):
    """A pod. ``spec`` is kept whole for the newest pod of each controller only; ``node_name`` is kept for all."""

    kind: ClassVar[str] = "Pod"
    spec: PodSpec | None = None
    node_name: str = ""
    status: PodStatus = PodStatus()

    @property
    def is_active(self) -> bool:
        """In phase Pending or Running."""
        return self.status.phase in ("Pending", "Running")

    @property
    def is_of_daemon_set(self) -> bool:
        """Whether a drain leaves it alone because a DaemonSet would bring it back."""
        return self.metadata.controller is not None and self.metadata.controller.kind == "DaemonSet"


class PodTemplate(KubernetesStruct, frozen=True, kw_only=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()


class ControllerSpec(KubernetesStruct, frozen=True, kw_only=True):
    replicas: int | None = None
    template: PodTemplate | None = None


class ControllerStatus(KubernetesStruct, frozen=True, kw_only=True):
    number_available: int = 0
    number_ready: int = 0
    ready_replicas: int = 0


class Controller(KubernetesObject, frozen=True, kw_only=True):
    """What makes pods from a template."""

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


class Job(Controller, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Job"


class JobTemplate(KubernetesStruct, frozen=True, kw_only=True):
    spec: ControllerSpec = ControllerSpec()


class CronJobSpec(KubernetesStruct, frozen=True, kw_only=True):
    job_template: JobTemplate = JobTemplate()


class CronJob(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "CronJob"
    spec: CronJobSpec = CronJobSpec()

    @property
    def template(self) -> PodTemplate:
        return self.spec.job_template.spec.template or PodTemplate()


# --- cluster


class Condition(KubernetesStruct, frozen=True, kw_only=True):
    type: str = ""
    status: str = ""
    last_transition_time: str | None = None


class NodeSpec(KubernetesStruct, frozen=True, kw_only=True):
    taints: tuple[Taint, ...] | None = None
    unschedulable: bool | None = None


class NodeStatus(KubernetesStruct, frozen=True, kw_only=True):
    conditions: tuple[Condition, ...] | None = None


class Node(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Node"
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def pool(self) -> str:
        """The name of the AKS node pool; empty for node auto-provisioned and foreign nodes."""
        return self.metadata.label("kubernetes.azure.com/agentpool") or self.metadata.label("agentpool")

    @property
    def taints(self) -> tuple[Taint, ...]:
        return self.spec.taints or ()

    @property
    def is_ready(self) -> bool:
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions or ())

    @property
    def is_spot(self) -> bool:
        return any(self.metadata.label(key) == "spot" for key in SPOT_LABELS)

    def bears(self, spec: PodSpec, *, cordons: bool = True) -> bool:
        """Whether a pod may run here: Ready, not cordoned (unless ``cordons`` is false), selected, every repelling
        taint tolerated. Preferences, spread constraints and pod affinity do not count.
        """
        return (
            self.is_ready
            and not (cordons and self.spec.unschedulable)
            and spec.selects_labels(self.metadata.labels or {})
            and all(spec.tolerates(taint) for taint in self.taints if taint.repels)
        )


class Namespace(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Namespace"


class ServiceAnnotations(KubernetesStruct, frozen=True, kw_only=True):
    """The annotations of a Service that decide where its load balancer stands; all others are dropped."""

    internal: str = msgspec.field(name="service.beta.kubernetes.io/azure-load-balancer-internal", default="")
    internal_subnet: str = msgspec.field(
        name="service.beta.kubernetes.io/azure-load-balancer-internal-subnet", default=""
    )


class ServiceMeta(ObjectMeta, frozen=True, kw_only=True):
    annotations: ServiceAnnotations | None = None


class ServiceSpec(KubernetesStruct, frozen=True, kw_only=True):
    type: str = "ClusterIP"
    selector: dict[str, str] | None = None
    load_balancer_class: str | None = None
    load_balancer_ip: str = msgspec.field(name="loadBalancerIP", default="")


class LoadBalancerIngress(KubernetesStruct, frozen=True, kw_only=True):
    ip: str = ""


class LoadBalancerStatus(KubernetesStruct, frozen=True, kw_only=True):
    ingress: tuple[LoadBalancerIngress, ...] | None = None


class ServiceStatus(KubernetesStruct, frozen=True, kw_only=True):
    load_balancer: LoadBalancerStatus = LoadBalancerStatus()


class Service(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Service"
    metadata: ServiceMeta = ServiceMeta()
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()

    @property
    def annotations(self) -> ServiceAnnotations:
        return self.metadata.annotations or ServiceAnnotations()

    @property
    def is_internal_load_balancer(self) -> bool:
        return (
            self.spec.type == "LoadBalancer"
            and self.spec.load_balancer_class is None
            and self.annotations.internal == "true"
        )

    @property
    def addresses(self) -> frozenset[str]:
        """The addresses of its load balancer, wished or given."""
        given = {ingress.ip for ingress in self.status.load_balancer.ingress or ()}
        return frozenset((given | {self.spec.load_balancer_ip}) - {""})

    def selects(self, labels: Mapping[str, str] | None) -> bool:
        """Whether the Service stands in front of pods with these labels."""
        selector = self.spec.selector or {}
        own = labels or {}
        return bool(selector) and self.spec.type != "ExternalName" and all(own.get(k) == v for k, v in selector.items())


_STORE_PREFIXES = (
    "secrets-store.csi.k8s.io/",
    "reconcile.external-secrets.io/",
    "secrets.hashicorp.com/",
    "cert-manager.io/",
)


class Secret(KubernetesObject, frozen=True, kw_only=True):
    """A row of the Secrets table: metadata and type. No field of this struct can hold a value of the Secret."""

    kind: ClassVar[str] = "Secret"
    type: str = ""
    annotation_keys: tuple[str, ...] = ()

    @property
    def is_handmade(self) -> bool:
        """Made by a person or a chart, as far as its type and marks tell; the namespace is the caller's to judge."""
        keys = (*(self.metadata.labels or {}), *self.annotation_keys)
        return (
            self.type in ("Opaque", "kubernetes.io/basic-auth", "kubernetes.io/ssh-auth")
            and not self.metadata.owner_references
            and not any(key.startswith(_STORE_PREFIXES) for key in keys)
        )


class ConfigMap(KubernetesObject, frozen=True, kw_only=True):
    """A ConfigMap; its values are classified and dropped."""

    kind: ClassVar[str] = "ConfigMap"
    data: dict[str, Literal] | None = None


class CrossReference(KubernetesStruct, frozen=True, kw_only=True):
    kind: str = "Deployment"
    name: str = ""


class AutoscalerSpec(KubernetesStruct, frozen=True, kw_only=True):
    scale_target_ref: CrossReference = CrossReference()
    min_replicas: int | None = None
    max_replicas: int | None = None


class HorizontalPodAutoscaler(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "HorizontalPodAutoscaler"
    spec: AutoscalerSpec = AutoscalerSpec()

    @property
    def min_replicas(self) -> int:
        return 1 if self.spec.min_replicas is None else self.spec.min_replicas


class ScaledObjectSpec(KubernetesStruct, frozen=True, kw_only=True):
    scale_target_ref: CrossReference = CrossReference()
    min_replica_count: int | None = None


class ScaledObject(KubernetesObject, frozen=True, kw_only=True):
    """https://keda.sh/docs/latest/reference/scaledobject-spec/"""

    kind: ClassVar[str] = "ScaledObject"
    spec: ScaledObjectSpec = ScaledObjectSpec()


class BudgetSpec(KubernetesStruct, frozen=True, kw_only=True):
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: str = "IfHealthyBudget"


class BudgetStatus(KubernetesStruct, frozen=True, kw_only=True):
    expected_pods: int = 0
    desired_healthy: int = 0
    current_healthy: int = 0
    disruptions_allowed: int = 0
    observed_generation: int | None = None
    conditions: tuple[Condition, ...] | None = None


class PodDisruptionBudget(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "PodDisruptionBudget"
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()

    def selects(self, pod: Pod) -> bool:
        """policy/v1: an empty selector selects every pod of the namespace, an absent one none."""
        selector = self.spec.selector
        return pod.namespace == self.namespace and selector is not None and selector.matches(pod.metadata.labels or {})

    def min_available_of(self, pods: int) -> int:
        """How many of so many pods minAvailable keeps; a percentage rounds up
        (https://kubernetes.io/docs/tasks/run-application/configure-pdb/). 0 where it is absent.
        """
        wanted = self.spec.min_available
        if isinstance(wanted, str):
            return -(-pods * int(wanted.removesuffix("%")) // 100)
        return wanted or 0

    @property
    def disallowed_since(self) -> datetime | None:
        """Since when condition DisruptionAllowed is False; None where it is not, or does not say."""
        since = (
            condition.last_transition_time
            for condition in self.status.conditions or ()
            if condition.type == "DisruptionAllowed" and condition.status == "False"
        )
        return next((datetime.fromisoformat(moment) for moment in since if moment), None)


class RoleRef(KubernetesStruct, frozen=True, kw_only=True):
    kind: str = ""
    name: str = ""


_SYSTEM_GROUPS_OF_EVERYBODY = frozenset(
    {
        "system:anonymous",
        "system:unauthenticated",
        "system:authenticated",
        "system:masters",
        "system:serviceaccounts",
    }
)


class RbacSubject(KubernetesStruct, frozen=True, kw_only=True):
    kind: str = ""
    name: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        """In the form that parameters take: ``User:name``, ``Group:name``, ``ServiceAccount:namespace/name``."""
        return (
            f"{self.kind}:{self.namespace}/{self.name}" if self.kind == "ServiceAccount" else f"{self.kind}:{self.name}"
        )

    def is_exempt(self, system_namespaces: frozenset[str]) -> bool:
        """Whether the platform itself stands behind the subject: a system:* name that is not everybody's, or a service
        account of a system namespace.
        """
        if self.kind == "ServiceAccount":
            return self.namespace in system_namespaces
        if not self.name.startswith("system:") or self.name in _SYSTEM_GROUPS_OF_EVERYBODY:
            return False
        account = re.fullmatch(r"system:serviceaccounts?:([^:]+)(?::.*)?", self.name)
        return account is None or account[1] in system_namespaces

    def is_in(self, allowed: tuple[str, ...]) -> bool:
        """Whether an entry names the subject; ``*`` at the end of an entry stands for any rest."""
        text = str(self)
        return any(
            text.startswith(entry.removesuffix("*")) if entry.endswith("*") else text == entry for entry in allowed
        )


class ClusterRoleBinding(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ClusterRoleBinding"
    role_ref: RoleRef = RoleRef()
    subjects: tuple[RbacSubject, ...] | None = None

    @property
    def is_to_cluster_admin(self) -> bool:
        return self.role_ref.kind == "ClusterRole" and self.role_ref.name == "cluster-admin"

    @property
    def is_bootstrapped(self) -> bool:
        """The default binding of cluster-admin, to which the API server adds what is missing, but removes nothing
        (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation).
        """
        return self.name == "cluster-admin" and self.metadata.label("kubernetes.io/bootstrapping") == "rbac-defaults"

    @property
    def is_of_aks(self) -> bool:
        """A binding with which AKS makes its administrators, kept as it is by the add-on manager."""
        names = ("aks-cluster-admin-binding", "aks-cluster-admin-binding-aad")
        return self.name in names and "addonmanager.kubernetes.io/mode" in (self.metadata.labels or {})

    @property
    def binds_people(self) -> bool:
        """Whether a subject is a user or group that is not one of Kubernetes itself."""
        return any(s.kind in ("User", "Group") and not s.name.startswith("system:") for s in self.subjects or ())


class RoleBinding(ClusterRoleBinding, frozen=True, kw_only=True):
    kind: ClassVar[str] = "RoleBinding"


class CsiDriver(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "CSIDriver"


class CustomResourceDefinition(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "CustomResourceDefinition"


class SecretProviderParameters(KubernetesStruct, frozen=True, kw_only=True):
    keyvault_name: str = ""


class SecretProviderClassSpec(KubernetesStruct, frozen=True, kw_only=True):
    provider: str = ""
    parameters: SecretProviderParameters | None = None


class SecretProviderClass(KubernetesObject, frozen=True, kw_only=True):
    """https://learn.microsoft.com/azure/aks/csi-secrets-store-driver"""

    kind: ClassVar[str] = "SecretProviderClass"
    spec: SecretProviderClassSpec = SecretProviderClassSpec()

    @property
    def vault_name(self) -> str:
        """The Azure vault it mounts from; empty for another provider."""
        return self.spec.parameters.keyvault_name if self.spec.provider == "azure" and self.spec.parameters else ""


class Requirement(KubernetesStruct, frozen=True, kw_only=True):
    key: str = ""
    operator: str = ""
    values: tuple[str, ...] | None = None

    def admits(self, value: str) -> bool:
        """Whether a node with this value of the label meets the requirement."""
        match self.operator:
            case "In":
                return value in (self.values or ())
            case "NotIn":
                return value not in (self.values or ())
            case "Exists":
                return True
            case _:
                return False


class KarpenterSpec(KubernetesStruct, frozen=True, kw_only=True):
    requirements: tuple[Requirement, ...] | None = None
    taints: tuple[Taint, ...] | None = None


class KarpenterTemplate(KubernetesStruct, frozen=True, kw_only=True):
    spec: KarpenterSpec = KarpenterSpec()


class KarpenterNodePoolSpec(KubernetesStruct, frozen=True, kw_only=True):
    template: KarpenterTemplate = KarpenterTemplate()
    weight: int | None = None


class KarpenterNodePoolObject(KubernetesObject, frozen=True, kw_only=True):
    """https://learn.microsoft.com/azure/aks/node-auto-provisioning-node-pools"""

    kind: ClassVar[str] = "NodePool"
    spec: KarpenterNodePoolSpec = KarpenterNodePoolSpec()


class CiliumDefaultDeny(KubernetesStruct, frozen=True, kw_only=True):
    egress: bool | None = None


#: How Cilium names the namespace of a pod in its selectors.
_CILIUM_NAMESPACE_LABELS = ("io.kubernetes.pod.namespace", "k8s:io.kubernetes.pod.namespace")


class CiliumPolicySpec(KubernetesStruct, frozen=True, kw_only=True):
    """``egress`` holds the number of rules only; None where the section is absent."""

    endpoint_selector: LabelSelector | None = None
    egress: tuple[msgspec.Raw, ...] | None = None
    enable_default_deny: CiliumDefaultDeny = CiliumDefaultDeny()

    @property
    def restricts_egress(self) -> bool:
        """Whether what no rule allows is refused: there are egress rules, and default deny was not switched off
        (https://docs.cilium.io/en/stable/security/policy/intro/#policy-enforcement-modes).
        """
        return bool(self.egress) and self.enable_default_deny.egress is not False

    def selects_all_pods(self, outside: frozenset[str]) -> bool:
        """Whether it selects every pod, those in the namespaces ``outside`` aside."""
        selector = self.endpoint_selector
        return (
            selector is not None
            and not selector.match_labels
            and all(
                e.key in _CILIUM_NAMESPACE_LABELS and e.operator == "NotIn" and outside.issuperset(e.values or ())
                for e in selector.match_expressions or ()
            )
        )


class CiliumClusterwideNetworkPolicy(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "CiliumClusterwideNetworkPolicy"
    spec: CiliumPolicySpec | None = None
    specs: tuple[CiliumPolicySpec, ...] | None = None

    def restricts_egress_of_all_pods(self, *, outside: frozenset[str]) -> bool:
        """Whether one of its specs refuses what it does not allow to leave, for every pod outside these namespaces."""
        specs = (*((self.spec,) if self.spec else ()), *(self.specs or ()))
        return any(spec.restricts_egress and spec.selects_all_pods(outside) for spec in specs)


# --- what one cluster answered


class Listing(KubernetesStruct, Generic[T], frozen=True, kw_only=True):
    """A complete list, or the gap that stands in its place (with what was read before it)."""

    items: tuple[T, ...] = ()
    gap: Gap | None = None

    def complete(self) -> tuple[T, ...]:
        """Raises `NotCollected` where the list could not be read whole."""
        if self.gap is not None:
            raise NotCollected(self.gap)
        return self.items


class KubernetesLists(KubernetesStruct, frozen=True, kw_only=True):
    """Every list that akscan reads of one API server, under the plural of its resource."""

    pods: Listing[Pod]
    nodes: Listing[Node]
    namespaces: Listing[Namespace]
    services: Listing[Service]
    config_maps: Listing[ConfigMap]
    secrets: Listing[Secret]
    deployments: Listing[Deployment]
    replica_sets: Listing[ReplicaSet]
    stateful_sets: Listing[StatefulSet]
    daemon_sets: Listing[DaemonSet]
    jobs: Listing[Job]
    cron_jobs: Listing[CronJob]
    replication_controllers: Listing[ReplicationController]
    horizontal_pod_autoscalers: Listing[HorizontalPodAutoscaler]
    pod_disruption_budgets: Listing[PodDisruptionBudget]
    cluster_role_bindings: Listing[ClusterRoleBinding]
    role_bindings: Listing[RoleBinding]
    csi_drivers: Listing[CsiDriver]
    custom_resource_definitions: Listing[CustomResourceDefinition]
    secret_provider_classes: Listing[SecretProviderClass]
    scaled_objects: Listing[ScaledObject]
    karpenter_node_pools: Listing[KarpenterNodePoolObject]
    cilium_clusterwide_policies: Listing[CiliumClusterwideNetworkPolicy]
