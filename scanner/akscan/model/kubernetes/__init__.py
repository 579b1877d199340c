"""Kubernetes objects in the shape of the API, cut down to the fields that rules read.

Values that may be secrets have no field: Secret data, environment literals, ConfigMap values, arguments and free
annotations are dropped or classified while decoding. Shapes: https://kubernetes.io/docs/reference/kubernetes-api/
"""

from akscan.model.kubernetes.admission import (
    MutatingWebhookConfiguration,
    ValidatingWebhookConfiguration,
    Webhook,
    WebhookClientConfig,
    WebhookService,
)
from akscan.model.kubernetes.autoscaling import (
    AutoscalerSpec,
    CrossReference,
    HorizontalPodAutoscaler,
    ScaledObject,
    ScaledObjectSpec,
)
from akscan.model.kubernetes.base import Condition, KubernetesObject, KubernetesStruct, ObjectMeta, OwnerReference
from akscan.model.kubernetes.jobs import (
    CronJob,
    CronJobSpec,
    Job,
    JobSpec,
    JobStatus,
    JobTemplate,
    OnPodCondition,
    PodFailurePolicy,
    PodFailureRule,
)
from akscan.model.kubernetes.lists import KubernetesLists, Listing
from akscan.model.kubernetes.nodes import (
    KarpenterNodePoolObject,
    KarpenterNodePoolSpec,
    KarpenterSpec,
    KarpenterTemplate,
    Namespace,
    Node,
    NodeSpec,
    NodeStatus,
    Requirement,
    TemplateMeta,
)
from akscan.model.kubernetes.pods import (
    ClaimSource,
    Container,
    Controller,
    ControllerSpec,
    ControllerStatus,
    DaemonSet,
    Deployment,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    EphemeralSource,
    ExecAction,
    KeyReference,
    Lifecycle,
    LifecycleHandler,
    MarkedMeta,
    Pod,
    PodAnnotations,
    PodCondition,
    PodMeta,
    PodSecurityContext,
    PodSpec,
    PodStatus,
    PodTemplate,
    ReplicaSet,
    ReplicationController,
    ResourceRequirements,
    SecurityContext,
    SleepAction,
    StatefulSet,
    Volume,
    WindowsOptions,
)
from akscan.model.kubernetes.policy import (
    BudgetSpec,
    BudgetStatus,
    CiliumClusterwideNetworkPolicy,
    CiliumDefaultDeny,
    CiliumPolicySpec,
    PodDisruptionBudget,
)
from akscan.model.kubernetes.rbac import (
    AggregationRule,
    ClusterRole,
    ClusterRoleBinding,
    PolicyRule,
    RbacSubject,
    Request,
    Role,
    RoleBinding,
    RoleRef,
    ServiceAccount,
)
from akscan.model.kubernetes.scheduling import (
    SPOT_LABELS,
    SPOT_TAINT,
    SPOT_TAINT_KEY,
    Affinity,
    NodeAffinity,
    PreferredTerm,
    Taint,
    Toleration,
)
from akscan.model.kubernetes.secrets import (
    ConfigMap,
    CsiDriver,
    CustomResourceDefinition,
    Secret,
    SecretProviderClass,
    SecretProviderClassSpec,
    SecretProviderParameters,
)
from akscan.model.kubernetes.services import (
    Endpoint,
    EndpointSlice,
    LoadBalancerIngress,
    LoadBalancerStatus,
    Service,
    ServiceAnnotations,
    ServiceMeta,
    ServicePort,
    ServiceSpec,
    ServiceStatus,
)
from akscan.model.kubernetes.storage import (
    ClaimSpec,
    CsiVolumeSource,
    PersistentVolume,
    PersistentVolumeClaim,
    SomeSource,
    StorageClass,
    VolumeNodeAffinity,
    VolumeSpec,
)

__all__ = [
    "SPOT_LABELS", "SPOT_TAINT", "SPOT_TAINT_KEY", "Affinity", "AggregationRule", "AutoscalerSpec", "BudgetSpec",
    "BudgetStatus", "CiliumClusterwideNetworkPolicy", "CiliumDefaultDeny", "CiliumPolicySpec", "ClaimSource",
    "ClaimSpec", "ClusterRole", "ClusterRoleBinding", "Condition", "ConfigMap", "Container", "Controller",
    "ControllerSpec", "ControllerStatus", "CronJob", "CronJobSpec", "CrossReference", "CsiDriver", "CsiVolumeSource",
    "CustomResourceDefinition", "DaemonSet", "Deployment", "Endpoint", "EndpointSlice", "EnvFromSource", "EnvVar",
    "EnvVarSource", "EphemeralSource", "ExecAction", "HorizontalPodAutoscaler", "Job", "JobSpec", "JobStatus",
    "JobTemplate", "KarpenterNodePoolObject", "KarpenterNodePoolSpec", "KarpenterSpec", "KarpenterTemplate",
    "KeyReference", "KubernetesLists", "KubernetesObject", "KubernetesStruct", "Lifecycle", "LifecycleHandler",
    "Listing", "LoadBalancerIngress", "LoadBalancerStatus", "MarkedMeta", "MutatingWebhookConfiguration", "Namespace",
    "Node", "NodeAffinity", "NodeSpec", "NodeStatus", "ObjectMeta", "OnPodCondition", "OwnerReference",
    "PersistentVolume", "PersistentVolumeClaim", "Pod", "PodAnnotations", "PodCondition", "PodDisruptionBudget",
    "PodFailurePolicy", "PodFailureRule", "PodMeta", "PodSecurityContext", "PodSpec", "PodStatus", "PodTemplate",
    "PolicyRule", "PreferredTerm", "RbacSubject", "ReplicaSet", "ReplicationController", "Request", "Requirement",
    "ResourceRequirements", "Role", "RoleBinding", "RoleRef", "ScaledObject", "ScaledObjectSpec", "Secret",
    "SecretProviderClass", "SecretProviderClassSpec", "SecretProviderParameters", "SecurityContext", "Service",
    "ServiceAccount", "ServiceAnnotations", "ServiceMeta", "ServicePort", "ServiceSpec", "ServiceStatus",
    "SleepAction", "SomeSource", "StatefulSet", "StorageClass", "Taint", "TemplateMeta", "Toleration",
    "ValidatingWebhookConfiguration", "Volume", "VolumeNodeAffinity", "VolumeSpec", "Webhook", "WebhookClientConfig",
    "WebhookService", "WindowsOptions",
]  # fmt: skip
