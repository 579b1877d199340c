"""What one cluster answered: complete lists, or the gaps in their place."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from akscan.model.gaps import Gap, NotCollected, Reason
from akscan.model.kubernetes.admission import MutatingWebhookConfiguration, ValidatingWebhookConfiguration
from akscan.model.kubernetes.applied import RequestedApi
from akscan.model.kubernetes.autoscaling import HorizontalPodAutoscaler, ScaledObject
from akscan.model.kubernetes.base import KubernetesStruct
from akscan.model.kubernetes.jobs import CronJob, Job
from akscan.model.kubernetes.monitoring import AgentSettings
from akscan.model.kubernetes.network_policies import (
    AdminNetworkPolicy,
    CalicoGlobalNetworkPolicy,
    CalicoNetworkPolicy,
    ClusterNetworkPolicy,
    NetworkPolicy,
)
from akscan.model.kubernetes.nodes import AksNodeClass, KarpenterNodePoolObject, Namespace, Node
from akscan.model.kubernetes.pod_identity import AzureIdentity, AzureIdentityBinding
from akscan.model.kubernetes.pods import (
    DaemonSet,
    Deployment,
    Pod,
    ReplicaSet,
    ReplicationController,
    StatefulSet,
)
from akscan.model.kubernetes.policy import (
    CiliumClusterwideNetworkPolicy,
    CiliumNetworkPolicy,
    PodDisruptionBudget,
)
from akscan.model.kubernetes.rbac import ClusterRole, ClusterRoleBinding, Role, RoleBinding, ServiceAccount
from akscan.model.kubernetes.secret_holders import (
    ClusterIssuer,
    ClusterSecretStore,
    ClusterTriggerAuthentication,
    Gateway,
    GitRepository,
    HelmRelease,
    HelmRepository,
    Ingress,
    Issuer,
    Kustomization,
    SecretStore,
    TriggerAuthentication,
)
from akscan.model.kubernetes.secrets import ConfigMap, CsiDriver, CustomResourceDefinition, Secret, SecretProviderClass
from akscan.model.kubernetes.services import EndpointSlice, Service
from akscan.model.kubernetes.storage import PersistentVolume, PersistentVolumeClaim, StorageClass
from akscan.model.needs import Need

T = TypeVar("T")


class Listing(KubernetesStruct, Generic[T], frozen=True, kw_only=True):
    """A complete list, or the gap that stands in its place (with what was read before it)."""

    items: tuple[T, ...] = ()
    gap: Gap | None = None

    def complete(self) -> tuple[T, ...]:
        """Raises `NotCollected` where the list could not be read whole."""
        if self.gap is not None:
            raise NotCollected(self.gap)
        return self.items


class KubernetesLists(KubernetesStruct, frozen=True, kw_only=True, weakref=True, gc=True):
    """Every list that akscan reads of one API server, mostly under the plural of its resource."""

    pods: Listing[Pod]
    nodes: Listing[Node]
    namespaces: Listing[Namespace]
    services: Listing[Service]
    endpoint_slices: Listing[EndpointSlice]
    service_accounts: Listing[ServiceAccount]
    agent_settings: Listing[AgentSettings]
    config_maps: Listing[ConfigMap]
    secrets: Listing[Secret]
    deployments: Listing[Deployment]
    replica_sets: Listing[ReplicaSet]
    stateful_sets: Listing[StatefulSet]
    daemon_sets: Listing[DaemonSet]
    jobs: Listing[Job]
    cron_jobs: Listing[CronJob]
    replication_controllers: Listing[ReplicationController]
    persistent_volume_claims: Listing[PersistentVolumeClaim]
    persistent_volumes: Listing[PersistentVolume]
    storage_classes: Listing[StorageClass]
    horizontal_pod_autoscalers: Listing[HorizontalPodAutoscaler]
    pod_disruption_budgets: Listing[PodDisruptionBudget]
    cluster_role_bindings: Listing[ClusterRoleBinding]
    role_bindings: Listing[RoleBinding]
    cluster_roles: Listing[ClusterRole]
    roles: Listing[Role]
    csi_drivers: Listing[CsiDriver]
    custom_resource_definitions: Listing[CustomResourceDefinition]
    secret_provider_classes: Listing[SecretProviderClass]
    scaled_objects: Listing[ScaledObject]
    karpenter_node_pools: Listing[KarpenterNodePoolObject]
    #: absent in files from before it was read
    aks_node_classes: Listing[AksNodeClass] = Listing(
        gap=Gap(source="kubernetes", scope="this inventory", reason=Reason.NOT_READ, permission=Need.AKS_NODE_CLASSES)
    )
    azure_identities: Listing[AzureIdentity]
    azure_identity_bindings: Listing[AzureIdentityBinding]
    mutating_webhooks: Listing[MutatingWebhookConfiguration]
    validating_webhooks: Listing[ValidatingWebhookConfiguration]
    network_policies: Listing[NetworkPolicy]
    cilium_policies: Listing[CiliumNetworkPolicy]
    calico_policies: Listing[CalicoNetworkPolicy]
    calico_global_policies: Listing[CalicoGlobalNetworkPolicy]
    admin_network_policies: Listing[AdminNetworkPolicy]
    cluster_network_policies: Listing[ClusterNetworkPolicy]
    ingresses: Listing[Ingress]
    requested_apis: Listing[RequestedApi]
    cilium_clusterwide_policies: Listing[CiliumClusterwideNetworkPolicy]
    gateways: Listing[Gateway]
    trigger_authentications: Listing[TriggerAuthentication]
    cluster_trigger_authentications: Listing[ClusterTriggerAuthentication]
    git_repositories: Listing[GitRepository]
    helm_repositories: Listing[HelmRepository]
    kustomizations: Listing[Kustomization]
    helm_releases: Listing[HelmRelease]
    issuers: Listing[Issuer]
    cluster_issuers: Listing[ClusterIssuer]
    secret_stores: Listing[SecretStore]
    cluster_secret_stores: Listing[ClusterSecretStore]

    @property
    def manifests(self) -> tuple[Listing[Any], ...]:
        """What people write manifests of, among what is listed."""
        return (
            self.deployments,
            self.stateful_sets,
            self.daemon_sets,
            self.cron_jobs,
            self.ingresses,
            self.pod_disruption_budgets,
            self.horizontal_pod_autoscalers,
        )
