"""Kubernetes objects in the shape of the API, cut down to the fields that rules read.

Values that may be secrets have no field: Secret data, environment literals, ConfigMap values, arguments and free
annotations are dropped or classified while decoding. Shapes: https://kubernetes.io/docs/reference/kubernetes-api/
"""

from akscan.model.kubernetes.admission import MutatingWebhookConfiguration
from akscan.model.kubernetes.autoscaling import (
    AutoscalerSpec,
    CrossReference,
    HorizontalPodAutoscaler,
    ScaledObject,
    ScaledObjectSpec,
)
from akscan.model.kubernetes.base import Condition, KubernetesObject, KubernetesStruct, ObjectMeta, OwnerReference
from akscan.model.kubernetes.lists import KubernetesLists, Listing
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
    NodeSpec,
    NodeStatus,
    Requirement,
)
from akscan.model.kubernetes.pod_identity import AzureIdentity, AzureIdentityBinding, AzureIdentityBindingSpec
from akscan.model.kubernetes.pods import (
    Container,
    Controller,
    ControllerMeta,
    ControllerSpec,
    ControllerStatus,
    CronJob,
    CronJobSpec,
    DaemonSet,
    Deployment,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    Job,
    JobTemplate,
    KeyReference,
    Pod,
    PodAnnotations,
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
from akscan.model.kubernetes.secret_uses import SecretUse, secret_uses
from akscan.model.kubernetes.secrets import (
    ConfigMap,
    CsiDriver,
    CustomResourceDefinition,
    Secret,
    SecretObject,
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
from akscan.model.kubernetes.vault_objects import VaultObject, VaultObjects
from akscan.model.kubernetes.volumes import (
    SECRETS_STORE_DRIVER,
    AzureFileVolume,
    CsiAttributes,
    CsiVolume,
    FlexVolume,
    NameReference,
    ProjectedVolume,
    SecretProjection,
    SecretVolume,
    Volume,
    VolumeMount,
    VolumeProjection,
)

__all__ = [
    "SECRETS_STORE_DRIVER", "SPOT_LABELS", "SPOT_TAINT_KEY", "AdminNetworkPolicy", "Affinity", "AggregationRule",
    "AutoscalerSpec", "AzureFileVolume", "AzureIdentity", "AzureIdentityBinding", "AzureIdentityBindingSpec",
    "BudgetSpec", "BudgetStatus", "CalicoGlobalNetworkPolicy", "CalicoNetworkPolicy", "CiliumCidr",
    "CiliumClusterwideNetworkPolicy", "CiliumDefaultDeny", "CiliumEgressDeny", "CiliumNetworkPolicy",
    "CiliumPolicySpec", "ClusterNetworkPolicy", "ClusterRole", "ClusterRoleBinding", "Condition", "ConfigMap",
    "Container", "Controller", "ControllerMeta", "ControllerSpec", "ControllerStatus", "CronJob", "CronJobSpec",
    "CrossReference", "CsiAttributes", "CsiDriver", "CsiVolume", "CustomResourceDefinition", "DaemonSet", "Deployment",
    "EgressRule", "Endpoint", "EndpointSlice", "EnvFromSource", "EnvVar", "EnvVarSource", "FlexVolume",
    "HorizontalPodAutoscaler", "IpBlock", "Job", "JobTemplate", "KarpenterNodePoolObject", "KarpenterNodePoolSpec",
    "KarpenterSpec", "KarpenterTemplate", "KeyReference", "KubernetesLists", "KubernetesObject", "KubernetesStruct",
    "Listing", "LoadBalancerIngress", "LoadBalancerStatus", "MutatingWebhookConfiguration", "NameReference",
    "Namespace", "NetworkPolicy", "NetworkPolicySpec", "Node", "NodeAffinity", "NodeSpec", "NodeStatus", "ObjectMeta",
    "OwnerReference", "Pod", "PodAnnotations", "PodDisruptionBudget", "PodMeta", "PodSecurityContext", "PodSpec",
    "PodStatus", "PodTemplate", "PolicyPeer", "PolicyPort", "PolicyRule", "ProjectedVolume", "RbacSubject",
    "ReplicaSet", "ReplicationController", "Request", "Requirement", "ResourceRequirements", "Role", "RoleBinding",
    "RoleRef", "ScaledObject", "ScaledObjectSpec", "Secret", "SecretObject", "SecretProjection", "SecretProviderClass",
    "SecretProviderClassSpec", "SecretProviderParameters", "SecretUse", "SecretVolume", "SecurityContext", "Service",
    "ServiceAccount", "ServiceAccountAnnotations", "ServiceAccountMeta", "ServiceAnnotations", "ServiceMeta",
    "ServicePort", "ServiceSpec", "ServiceStatus", "StatefulSet", "Taint", "Toleration", "VaultObject", "VaultObjects",
    "Volume", "VolumeMount", "VolumeProjection", "WindowsOptions", "secret_uses",
]  # fmt: skip
