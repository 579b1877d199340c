"""Kubernetes objects in the shape of the API, cut down to the fields that rules read.

Values that may be secrets have no field: Secret data, environment literals, ConfigMap values, arguments and free
annotations are dropped or classified while decoding. Shapes: https://kubernetes.io/docs/reference/kubernetes-api/
"""

from akscan.model.kubernetes.admission import (
    MutatingWebhookConfiguration,
    RuleWithOperations,
    ServiceReference,
    ValidatingWebhookConfiguration,
    Webhook,
    WebhookAnnotations,
    WebhookClientConfig,
    WebhookConfiguration,
    WebhookMeta,
)
from akscan.model.kubernetes.applied import (
    AppliedAnnotations,
    AppliedAs,
    AppliedMeta,
    AppliedObject,
    Ingress,
    RequestedApi,
)
from akscan.model.kubernetes.autoscaling import (
    AutoscalerSpec,
    CrossReference,
    HorizontalPodAutoscaler,
    ScaledObject,
    ScaledObjectSpec,
)
from akscan.model.kubernetes.base import Condition, KubernetesObject, KubernetesStruct, ObjectMeta, OwnerReference
from akscan.model.kubernetes.lists import KubernetesLists, Listing
from akscan.model.kubernetes.monitoring import AgentSettings, AgentSettingsData, LogSchema
from akscan.model.kubernetes.network_policies import (
    AdminNetworkPolicy,
    CalicoGlobalNetworkPolicy,
    CalicoNetworkPolicy,
    ClusterNetworkPolicy,
    EgressRule,
    IpBlock,
    NetworkPolicy,
    NetworkPolicySpec,
    PolicyPeer,
    PolicyPort,
)
from akscan.model.kubernetes.nodes import (
    KarpenterNodePoolObject,
    KarpenterNodePoolSpec,
    KarpenterSpec,
    KarpenterTemplate,
    Namespace,
    Node,
    NodeInfo,
    NodeSpec,
    NodeStatus,
    Requirement,
)
from akscan.model.kubernetes.pod_identity import AzureIdentity, AzureIdentityBinding, AzureIdentityBindingSpec
from akscan.model.kubernetes.pods import (
    Container,
    ContainerState,
    ContainerStatus,
    Controller,
    ControllerSpec,
    ControllerStatus,
    CronJob,
    CronJobSpec,
    CsiAttributes,
    CsiVolume,
    DaemonSet,
    Deployment,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    Job,
    JobTemplate,
    KeyReference,
    NameReference,
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
    StatefulSet,
    Volume,
    WaitingState,
    WindowsOptions,
)
from akscan.model.kubernetes.policy import (
    BudgetSpec,
    BudgetStatus,
    CiliumCidr,
    CiliumClusterwideNetworkPolicy,
    CiliumDefaultDeny,
    CiliumEgressDeny,
    CiliumNetworkPolicy,
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
    ServiceAccountAnnotations,
    ServiceAccountMeta,
)
from akscan.model.kubernetes.scheduling import SPOT_LABELS, SPOT_TAINT_KEY, Affinity, NodeAffinity, Taint, Toleration
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
    EndpointConditions,
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

__all__ = [
    "SPOT_LABELS", "SPOT_TAINT_KEY", "AdminNetworkPolicy", "Affinity", "AgentSettings", "AgentSettingsData",
    "AggregationRule", "AppliedAnnotations", "AppliedAs", "AppliedMeta", "AppliedObject", "AutoscalerSpec",
    "AzureIdentity", "AzureIdentityBinding", "AzureIdentityBindingSpec", "BudgetSpec", "BudgetStatus",
    "CalicoGlobalNetworkPolicy", "CalicoNetworkPolicy", "CiliumCidr", "CiliumClusterwideNetworkPolicy",
    "CiliumDefaultDeny", "CiliumEgressDeny", "CiliumNetworkPolicy", "CiliumPolicySpec", "ClusterNetworkPolicy",
    "ClusterRole", "ClusterRoleBinding", "Condition", "ConfigMap", "Container", "ContainerState", "ContainerStatus",
    "Controller", "ControllerSpec", "ControllerStatus", "CronJob", "CronJobSpec", "CrossReference", "CsiAttributes",
    "CsiDriver", "CsiVolume", "CustomResourceDefinition", "DaemonSet", "Deployment", "EgressRule", "Endpoint",
    "EndpointConditions", "EndpointSlice", "EnvFromSource", "EnvVar", "EnvVarSource", "HorizontalPodAutoscaler",
    "Ingress", "IpBlock", "Job", "JobTemplate", "KarpenterNodePoolObject", "KarpenterNodePoolSpec", "KarpenterSpec",
    "KarpenterTemplate", "KeyReference", "KubernetesLists", "KubernetesObject", "KubernetesStruct", "Listing",
    "LoadBalancerIngress", "LoadBalancerStatus", "LogSchema", "MutatingWebhookConfiguration", "NameReference",
    "Namespace", "NetworkPolicy", "NetworkPolicySpec", "Node", "NodeAffinity", "NodeInfo", "NodeSpec", "NodeStatus",
    "ObjectMeta", "OwnerReference", "Pod", "PodAnnotations", "PodCondition", "PodDisruptionBudget", "PodMeta",
    "PodSecurityContext", "PodSpec", "PodStatus", "PodTemplate", "PolicyPeer", "PolicyPort", "PolicyRule",
    "RbacSubject", "ReplicaSet", "ReplicationController", "Request", "RequestedApi", "Requirement",
    "ResourceRequirements", "Role", "RoleBinding", "RoleRef", "RuleWithOperations", "ScaledObject", "ScaledObjectSpec",
    "Secret", "SecretProviderClass", "SecretProviderClassSpec", "SecretProviderParameters", "SecurityContext",
    "Service", "ServiceAccount", "ServiceAccountAnnotations", "ServiceAccountMeta", "ServiceAnnotations",
    "ServiceMeta", "ServicePort", "ServiceReference", "ServiceSpec", "ServiceStatus", "StatefulSet", "Taint",
    "Toleration", "ValidatingWebhookConfiguration", "Volume", "WaitingState", "Webhook", "WebhookAnnotations",
    "WebhookClientConfig", "WebhookConfiguration", "WebhookMeta", "WindowsOptions",
]  # fmt: skip
