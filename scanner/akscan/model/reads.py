"""The whole list of what akscan reads: one line for each ARM list and each Kubernetes list.

Rules' needs point here; the collectors, the generated roles, the docs page "What akscan reads" and the fault tests
come from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from akscan.model import azure, kubernetes, roles
from akscan.model.azure import Resource
from akscan.model.kubernetes import KubernetesObject
from akscan.model.needs import Need
from akscan.model.text import Token


class Scope(StrEnum):
    """What an ARM list is asked of."""

    TENANT = "tenant"
    MANAGEMENT_GROUP = "management group"
    SUBSCRIPTION = "every subscription"
    CLUSTER_SUBSCRIPTION = "every subscription with clusters"
    LOCATION = "every location with clusters"
    MESH_LOCATION = "every location with clusters that have the Istio add-on"
    NODE_IMAGE = "one node pool for each kind of node image in a location"
    FLEET = "every fleet"
    HUB = "every virtual hub"
    FIREWALL_POLICY = "every firewall policy on a cluster's way out"
    CLUSTER = "every cluster"
    MONITORED_CLUSTER = "every cluster that Azure Monitor collects from by a data collection rule"
    UNLISTED_CLUSTER = "every cluster whose version its location does not list"
    UPGRADED_CLUSTER = "every cluster that is upgraded automatically"
    PRIVATE_LINK_ZONE = "every private DNS zone of Azure Monitor and of key vaults"
    API_SERVER_NETWORK = "every virtual network with an API server in it"
    BOOTSTRAP_REGISTRY = "every registry that nodes are made from"
    KMS_KEY = "every key with which etcd is encrypted"
    KMS_KEY_VERSION = "every version of such a key that a cluster names"
    READ_VAULT = "every vault that managed identities of clusters are let into, or that holds such a key"
    ISOLATED_CLUSTER = "every network-isolated cluster"
    TRUSTED_SOURCE = "every resource that Trusted Access lets into a cluster"
    TELEMETRY = "every one that the telemetry of a cluster leads to"
    IDENTITY = "every control plane identity, and every user-assigned identity that pods could be federated with"
    PRINCIPAL = "every control plane and kubelet identity"


class Reader(StrEnum):
    """Who reads: one of the SDK packages, or the generic reader on azure-core's ARM pipeline."""

    CONTAINER_SERVICE = "azure-mgmt-containerservice"
    NETWORK = "azure-mgmt-network"
    AUTHORIZATION = "azure-mgmt-authorization"
    GENERIC = "azure-mgmt-core"


@dataclass(frozen=True, slots=True)
class ArmRead:
    """A list of ARM. ``call`` is the SDK's operation, or the path below the scope for the generic reader;
    ``api_version`` is also that of a GET by id.
    """

    struct: type[Resource]
    scope: Scope
    need: Need
    api_version: str
    reader: Reader
    call: str
    #: read resources that a cluster refers to outside the listed subscriptions one by one
    follow: bool = False


@dataclass(frozen=True, slots=True)
class KubernetesRead:
    """A list of the Kubernetes API, or what its metrics list. ``path`` is absolute; ``optional`` resources may be
    unknown to the server (CRDs).
    """

    field: str
    struct: type[KubernetesObject]
    need: Need
    path: str
    optional: bool = False
    #: ask for PartialObjectMetadata only
    metadata_only: bool = False


_AKS = "2026-08-01"
_DATA_COLLECTION = "2023-03-11"
_EVENT_HUBS = "2024-01-01"
_FLEET = "2025-03-01"
_LOG_ANALYTICS = "2025-02-01"
_NETWORK = "2026-03-01"
_PRIVATE_DNS = "2020-06-01"
_REGISTRY = "2025-11-01"
_VAULT = "2026-02-01"
_ROLES = "2022-04-01"
_SCHEDULES = "2020-10-01"


def _listed(struct: type[Resource], need: Need, api_version: str) -> ArmRead:
    """What is listed in every subscription below its own type."""
    return ArmRead(struct, Scope.SUBSCRIPTION, need, api_version, Reader.GENERIC, f"/providers/{struct.arm_type}")


def _followed(struct: type[Resource], need: Need, api_version: str) -> ArmRead:
    """What is never listed, only read one by one where the telemetry of a cluster leads to it."""
    return ArmRead(struct, Scope.TELEMETRY, need, api_version, Reader.GENERIC, "", follow=True)


ARM_READS: tuple[ArmRead, ...] = (
    ArmRead(azure.Subscription, Scope.TENANT, Need.SUBSCRIPTIONS, "2022-12-01", Reader.GENERIC, "/subscriptions"),
    ArmRead(
        azure.ManagementGroupDescendant,
        Scope.MANAGEMENT_GROUP,
        Need.MANAGEMENT_GROUP_DESCENDANTS,
        "2020-05-01",
        Reader.GENERIC,
        "/descendants",
    ),
    ArmRead(
        azure.ManagedCluster,
        Scope.SUBSCRIPTION,
        Need.MANAGED_CLUSTERS,
        _AKS,
        Reader.CONTAINER_SERVICE,
        "managed_clusters.list",
    ),
    ArmRead(
        azure.ResourceGroup,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.RESOURCE_GROUPS,
        "2021-04-01",
        Reader.GENERIC,
        "/resourcegroups",
    ),
    ArmRead(
        azure.KubernetesVersions,
        Scope.LOCATION,
        Need.KUBERNETES_VERSIONS,
        _AKS,
        Reader.CONTAINER_SERVICE,
        "managed_clusters.list_kubernetes_versions",
    ),
    ArmRead(
        azure.UpgradeProfile,
        Scope.UNLISTED_CLUSTER,
        Need.UPGRADE_PROFILES,
        _AKS,
        Reader.CONTAINER_SERVICE,
        "managed_clusters.get_upgrade_profile",
    ),
    ArmRead(
        azure.AgentPoolUpgradeProfile,
        Scope.NODE_IMAGE,
        Need.AGENT_POOL_UPGRADE_PROFILES,
        _AKS,
        Reader.CONTAINER_SERVICE,
        "agent_pools.get_upgrade_profile",
    ),
    ArmRead(
        azure.MaintenanceConfiguration,
        Scope.UPGRADED_CLUSTER,
        Need.MAINTENANCE_CONFIGURATIONS,
        _AKS,
        Reader.CONTAINER_SERVICE,
        "maintenance_configurations.list_by_managed_cluster",
    ),
    ArmRead(
        azure.MeshRevisionProfile,
        Scope.MESH_LOCATION,
        Need.MESH_REVISION_PROFILES,
        _AKS,
        Reader.GENERIC,
        "/meshRevisionProfiles",
    ),
    ArmRead(
        azure.Fleet,
        Scope.SUBSCRIPTION,
        Need.FLEETS,
        _FLEET,
        Reader.GENERIC,
        "/providers/Microsoft.ContainerService/fleets",
    ),
    ArmRead(azure.FleetMember, Scope.FLEET, Need.FLEET_MEMBERS, _FLEET, Reader.GENERIC, "/members"),
    ArmRead(
        azure.FleetAutoUpgradeProfile,
        Scope.FLEET,
        Need.FLEET_AUTO_UPGRADE_PROFILES,
        _FLEET,
        Reader.GENERIC,
        "/autoUpgradeProfiles",
    ),
    ArmRead(
        azure.IdentityBinding,
        Scope.CLUSTER,
        Need.IDENTITY_BINDINGS,
        _AKS,
        Reader.CONTAINER_SERVICE,
        "identity_bindings.list_by_managed_cluster",
    ),
    ArmRead(
        azure.TrustedAccessRoleBinding,
        Scope.CLUSTER,
        Need.TRUSTED_ACCESS,
        _AKS,
        Reader.CONTAINER_SERVICE,
        "trusted_access_role_bindings.list",
    ),
    ArmRead(
        azure.ListedResource,
        Scope.TRUSTED_SOURCE,
        Need.RESOURCES,
        "2021-04-01",
        Reader.GENERIC,
        "/resources",
    ),
    ArmRead(
        azure.DiagnosticSetting,
        Scope.CLUSTER,
        Need.DIAGNOSTIC_SETTINGS,
        "2021-05-01-preview",
        Reader.GENERIC,
        "/providers/Microsoft.Insights/diagnosticSettings",
    ),
    ArmRead(
        azure.DataCollectionRuleAssociation,
        Scope.MONITORED_CLUSTER,
        Need.DATA_COLLECTION_RULE_ASSOCIATIONS,
        _DATA_COLLECTION,
        Reader.GENERIC,
        "/providers/Microsoft.Insights/dataCollectionRuleAssociations",
    ),
    ArmRead(
        azure.DataCollectionRule,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.DATA_COLLECTION_RULES,
        _DATA_COLLECTION,
        Reader.GENERIC,
        "/providers/Microsoft.Insights/dataCollectionRules",
        follow=True,
    ),
    _followed(azure.DataCollectionEndpoint, Need.DATA_COLLECTION_ENDPOINTS, _DATA_COLLECTION),
    _followed(azure.Workspace, Need.WORKSPACES, _LOG_ANALYTICS),
    _followed(azure.WorkspaceTable, Need.WORKSPACE_TABLES, _LOG_ANALYTICS),
    _followed(azure.MonitorAccount, Need.MONITOR_ACCOUNTS, "2023-04-03"),
    _followed(azure.StorageAccount, Need.STORAGE_ACCOUNTS, "2025-01-01"),
    _followed(azure.EventHubNamespace, Need.EVENT_HUB_NAMESPACES, _EVENT_HUBS),
    _followed(azure.NetworkRuleSet, Need.EVENT_HUB_NETWORK_RULE_SETS, _EVENT_HUBS),
    _listed(azure.MetricAlert, Need.METRIC_ALERTS, "2018-03-01"),
    _listed(azure.ScheduledQueryRule, Need.SCHEDULED_QUERY_RULES, "2023-12-01"),
    _listed(azure.ActivityLogAlert, Need.ACTIVITY_LOG_ALERTS, "2020-10-01"),
    _listed(azure.PrometheusRuleGroup, Need.PROMETHEUS_RULE_GROUPS, "2023-03-01"),
    _listed(azure.ActionRule, Need.ACTION_RULES, "2021-08-08"),
    _listed(azure.ActionGroup, Need.ACTION_GROUPS, "2023-01-01"),
    ArmRead(
        azure.VirtualNetwork,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.VIRTUAL_NETWORKS,
        _NETWORK,
        Reader.NETWORK,
        "virtual_networks.list_all",
        follow=True,
    ),
    ArmRead(
        azure.SubnetUsage,
        Scope.API_SERVER_NETWORK,
        Need.SUBNET_USAGES,
        _NETWORK,
        Reader.NETWORK,
        "virtual_networks.list_usage",
    ),
    ArmRead(
        azure.RouteTable,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.ROUTE_TABLES,
        _NETWORK,
        Reader.NETWORK,
        "route_tables.list_all",
        follow=True,
    ),
    ArmRead(
        azure.AzureFirewall,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.AZURE_FIREWALLS,
        _NETWORK,
        Reader.NETWORK,
        "azure_firewalls.list_all",
        follow=True,
    ),
    ArmRead(
        azure.FirewallPolicy,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.FIREWALL_POLICIES,
        _NETWORK,
        Reader.NETWORK,
        "firewall_policies.list_all",
        follow=True,
    ),
    ArmRead(
        azure.RuleCollectionGroup,
        Scope.FIREWALL_POLICY,
        Need.RULE_COLLECTION_GROUPS,
        _NETWORK,
        Reader.NETWORK,
        "firewall_policy_rule_collection_groups.list",
    ),
    ArmRead(
        azure.IpGroup,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.IP_GROUPS,
        _NETWORK,
        Reader.NETWORK,
        "ip_groups.list",
        follow=True,
    ),
    ArmRead(
        azure.NatGateway,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.NAT_GATEWAYS,
        _NETWORK,
        Reader.NETWORK,
        "nat_gateways.list_all",
        follow=True,
    ),
    ArmRead(
        azure.PublicIpAddress,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.PUBLIC_IP_ADDRESSES,
        _NETWORK,
        Reader.NETWORK,
        "public_ip_addresses.list_all",
        follow=True,
    ),
    ArmRead(
        azure.PublicIpPrefix,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.PUBLIC_IP_PREFIXES,
        _NETWORK,
        Reader.NETWORK,
        "public_ip_prefixes.list_all",
        follow=True,
    ),
    ArmRead(
        azure.NetworkSecurityGroup,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.NETWORK_SECURITY_GROUPS,
        _NETWORK,
        Reader.NETWORK,
        "network_security_groups.list_all",
        follow=True,
    ),
    ArmRead(azure.VirtualHub, Scope.SUBSCRIPTION, Need.VIRTUAL_HUBS, _NETWORK, Reader.NETWORK, "virtual_hubs.list"),
    ArmRead(
        azure.HubConnection,
        Scope.HUB,
        Need.HUB_CONNECTIONS,
        _NETWORK,
        Reader.NETWORK,
        "hub_virtual_network_connections.list",
    ),
    ArmRead(azure.RoutingIntent, Scope.HUB, Need.ROUTING_INTENT, _NETWORK, Reader.NETWORK, "routing_intent.list"),
    ArmRead(
        azure.PrivateEndpoint,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.PRIVATE_ENDPOINTS,
        _NETWORK,
        Reader.NETWORK,
        "private_endpoints.list_by_subscription",
    ),
    ArmRead(
        azure.PrivateDnsZone,
        Scope.SUBSCRIPTION,
        Need.PRIVATE_DNS_ZONES,
        _PRIVATE_DNS,
        Reader.GENERIC,
        "/providers/Microsoft.Network/privateDnsZones",
        follow=True,
    ),
    ArmRead(
        azure.PrivateDnsLink,
        Scope.PRIVATE_LINK_ZONE,
        Need.PRIVATE_DNS_LINKS,
        _PRIVATE_DNS,
        Reader.GENERIC,
        "/virtualNetworkLinks",
    ),
    ArmRead(
        azure.PrivateDnsRecord,
        Scope.PRIVATE_LINK_ZONE,
        Need.PRIVATE_DNS_RECORDS,
        _PRIVATE_DNS,
        Reader.GENERIC,
        "/A",
    ),
    ArmRead(
        azure.Vault,
        Scope.SUBSCRIPTION,
        Need.VAULTS,
        _VAULT,
        Reader.GENERIC,
        "/providers/Microsoft.KeyVault/vaults",
        follow=True,
    ),
    ArmRead(azure.Key, Scope.KMS_KEY, Need.VAULT_KEYS, _VAULT, Reader.GENERIC, "", follow=True),
    ArmRead(azure.KeyVersion, Scope.KMS_KEY_VERSION, Need.VAULT_KEY_VERSIONS, _VAULT, Reader.GENERIC, "", follow=True),
    ArmRead(azure.VaultSecret, Scope.READ_VAULT, Need.VAULT_SECRETS, _VAULT, Reader.GENERIC, "/secrets"),
    ArmRead(azure.Key, Scope.READ_VAULT, Need.VAULT_KEYS, _VAULT, Reader.GENERIC, "/keys"),
    ArmRead(
        azure.DiagnosticSetting,
        Scope.READ_VAULT,
        Need.DIAGNOSTIC_SETTINGS,
        "2021-05-01-preview",
        Reader.GENERIC,
        "/providers/Microsoft.Insights/diagnosticSettings",
    ),
    ArmRead(
        azure.ContainerRegistry,
        Scope.SUBSCRIPTION,
        Need.REGISTRIES,
        _REGISTRY,
        Reader.GENERIC,
        "/providers/Microsoft.ContainerRegistry/registries",
        follow=True,
    ),
    ArmRead(
        azure.CacheRule,
        Scope.BOOTSTRAP_REGISTRY,
        Need.CACHE_RULES,
        _REGISTRY,
        Reader.GENERIC,
        "/cacheRules",
    ),
    ArmRead(
        azure.Extension,
        Scope.ISOLATED_CLUSTER,
        Need.EXTENSIONS,
        "2023-05-01",
        Reader.GENERIC,
        "/providers/Microsoft.KubernetesConfiguration/extensions",
    ),
    ArmRead(
        azure.UserAssignedIdentity,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.USER_ASSIGNED_IDENTITIES,
        "2023-01-31",
        Reader.GENERIC,
        "/providers/Microsoft.ManagedIdentity/userAssignedIdentities",
        follow=True,
    ),
    ArmRead(
        azure.FederatedCredential,
        Scope.IDENTITY,
        Need.FEDERATED_CREDENTIALS,
        "2023-01-31",
        Reader.GENERIC,
        "/federatedIdentityCredentials",
    ),
    ArmRead(
        roles.RoleAssignment,
        Scope.SUBSCRIPTION,
        Need.ROLE_ASSIGNMENTS,
        _ROLES,
        Reader.AUTHORIZATION,
        "role_assignments.list_for_subscription",
    ),
    ArmRead(
        roles.AssignedTo,
        Scope.PRINCIPAL,
        Need.ROLE_ASSIGNMENTS,
        _ROLES,
        Reader.AUTHORIZATION,
        "role_assignments.list_for_subscription",
    ),
    ArmRead(
        roles.RoleDefinition,
        Scope.SUBSCRIPTION,
        Need.ROLE_DEFINITIONS,
        _ROLES,
        Reader.AUTHORIZATION,
        "role_definitions.list",
    ),
    ArmRead(
        roles.RoleAssignmentScheduleInstance,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.ROLE_ASSIGNMENT_SCHEDULES,
        _SCHEDULES,
        Reader.AUTHORIZATION,
        "role_assignment_schedule_instances.list_for_scope",
    ),
    ArmRead(
        roles.RoleEligibilityScheduleInstance,
        Scope.CLUSTER_SUBSCRIPTION,
        Need.ROLE_ELIGIBILITY,
        _SCHEDULES,
        Reader.AUTHORIZATION,
        "role_eligibility_schedule_instances.list_for_scope",
    ),
    ArmRead(
        roles.HeldPermissions,
        Scope.SUBSCRIPTION,
        Need.PERMISSIONS,
        _ROLES,
        Reader.GENERIC,
        "/providers/Microsoft.Authorization/permissions",
    ),
)

KUBERNETES_READS: tuple[KubernetesRead, ...] = (
    KubernetesRead("namespaces", kubernetes.Namespace, Need.NAMESPACES, "/api/v1/namespaces"),
    KubernetesRead("nodes", kubernetes.Node, Need.NODES, "/api/v1/nodes"),
    KubernetesRead("pods", kubernetes.Pod, Need.PODS, "/api/v1/pods"),
    KubernetesRead("deployments", kubernetes.Deployment, Need.DEPLOYMENTS, "/apis/apps/v1/deployments"),
    KubernetesRead("replica_sets", kubernetes.ReplicaSet, Need.REPLICA_SETS, "/apis/apps/v1/replicasets"),
    KubernetesRead("stateful_sets", kubernetes.StatefulSet, Need.STATEFUL_SETS, "/apis/apps/v1/statefulsets"),
    KubernetesRead("daemon_sets", kubernetes.DaemonSet, Need.DAEMON_SETS, "/apis/apps/v1/daemonsets"),
    KubernetesRead("jobs", kubernetes.Job, Need.JOBS, "/apis/batch/v1/jobs"),
    KubernetesRead("cron_jobs", kubernetes.CronJob, Need.CRON_JOBS, "/apis/batch/v1/cronjobs"),
    KubernetesRead(
        "replication_controllers",
        kubernetes.ReplicationController,
        Need.REPLICATION_CONTROLLERS,
        "/api/v1/replicationcontrollers",
    ),
    KubernetesRead("services", kubernetes.Service, Need.SERVICES, "/api/v1/services"),
    KubernetesRead(
        "endpoint_slices",
        kubernetes.EndpointSlice,
        Need.ENDPOINT_SLICES,
        "/apis/discovery.k8s.io/v1/endpointslices",
    ),
    KubernetesRead("service_accounts", kubernetes.ServiceAccount, Need.SERVICE_ACCOUNTS, "/api/v1/serviceaccounts"),
    KubernetesRead(
        "agent_settings",
        kubernetes.AgentSettings,
        Need.CONFIG_MAPS,
        "/api/v1/namespaces/kube-system/configmaps",
    ),
    KubernetesRead("config_maps", kubernetes.ConfigMap, Need.CONFIG_MAPS, "/api/v1/configmaps"),
    KubernetesRead("secrets", kubernetes.Secret, Need.SECRETS, "/api/v1/secrets", metadata_only=True),
    KubernetesRead(
        "persistent_volume_claims",
        kubernetes.PersistentVolumeClaim,
        Need.PERSISTENT_VOLUME_CLAIMS,
        "/api/v1/persistentvolumeclaims",
    ),
    KubernetesRead(
        "persistent_volumes", kubernetes.PersistentVolume, Need.PERSISTENT_VOLUMES, "/api/v1/persistentvolumes"
    ),
    KubernetesRead(
        "storage_classes",
        kubernetes.StorageClass,
        Need.STORAGE_CLASSES,
        "/apis/storage.k8s.io/v1/storageclasses",
    ),
    KubernetesRead(
        "horizontal_pod_autoscalers",
        kubernetes.HorizontalPodAutoscaler,
        Need.HORIZONTAL_POD_AUTOSCALERS,
        "/apis/autoscaling/v2/horizontalpodautoscalers",
    ),
    KubernetesRead(
        "pod_disruption_budgets",
        kubernetes.PodDisruptionBudget,
        Need.POD_DISRUPTION_BUDGETS,
        "/apis/policy/v1/poddisruptionbudgets",
    ),
    KubernetesRead(
        "cluster_role_bindings",
        kubernetes.ClusterRoleBinding,
        Need.CLUSTER_ROLE_BINDINGS,
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    ),
    KubernetesRead(
        "role_bindings",
        kubernetes.RoleBinding,
        Need.ROLE_BINDINGS,
        "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    ),
    KubernetesRead(
        "cluster_roles",
        kubernetes.ClusterRole,
        Need.CLUSTER_ROLES,
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    ),
    KubernetesRead("roles", kubernetes.Role, Need.ROLES, "/apis/rbac.authorization.k8s.io/v1/roles"),
    KubernetesRead(
        "csi_drivers",
        kubernetes.CsiDriver,
        Need.CSI_DRIVERS,
        "/apis/storage.k8s.io/v1/csidrivers",
        metadata_only=True,
    ),
    KubernetesRead(
        "custom_resource_definitions",
        kubernetes.CustomResourceDefinition,
        Need.CUSTOM_RESOURCE_DEFINITIONS,
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        metadata_only=True,
    ),
    KubernetesRead(
        "secret_provider_classes",
        kubernetes.SecretProviderClass,
        Need.SECRET_PROVIDER_CLASSES,
        "/apis/secrets-store.csi.x-k8s.io/v1/secretproviderclasses",
        optional=True,
    ),
    KubernetesRead(
        "scaled_objects",
        kubernetes.ScaledObject,
        Need.SCALED_OBJECTS,
        "/apis/keda.sh/v1alpha1/scaledobjects",
        optional=True,
    ),
    KubernetesRead(
        "karpenter_node_pools",
        kubernetes.KarpenterNodePoolObject,
        Need.KARPENTER_NODE_POOLS,
        "/apis/karpenter.sh/v1/nodepools",
        optional=True,
    ),
    KubernetesRead(
        "aks_node_classes",
        kubernetes.AksNodeClass,
        Need.AKS_NODE_CLASSES,
        "/apis/karpenter.azure.com/v1beta1/aksnodeclasses",
        optional=True,
    ),
    KubernetesRead(
        "azure_identities",
        kubernetes.AzureIdentity,
        Need.AZURE_IDENTITIES,
        "/apis/aadpodidentity.k8s.io/v1/azureidentities",
        optional=True,
        metadata_only=True,
    ),
    KubernetesRead(
        "azure_identity_bindings",
        kubernetes.AzureIdentityBinding,
        Need.AZURE_IDENTITY_BINDINGS,
        "/apis/aadpodidentity.k8s.io/v1/azureidentitybindings",
        optional=True,
    ),
    KubernetesRead(
        "ingresses",
        kubernetes.Ingress,
        Need.INGRESSES,
        "/apis/networking.k8s.io/v1/ingresses",
    ),
    KubernetesRead("requested_apis", kubernetes.RequestedApi, Need.METRICS, "/metrics"),
    KubernetesRead(
        "mutating_webhooks",
        kubernetes.MutatingWebhookConfiguration,
        Need.MUTATING_WEBHOOKS,
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    ),
    KubernetesRead(
        "validating_webhooks",
        kubernetes.ValidatingWebhookConfiguration,
        Need.VALIDATING_WEBHOOKS,
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    ),
    KubernetesRead(
        "network_policies",
        kubernetes.NetworkPolicy,
        Need.NETWORK_POLICIES,
        "/apis/networking.k8s.io/v1/networkpolicies",
    ),
    KubernetesRead(
        "cilium_policies",
        kubernetes.CiliumNetworkPolicy,
        Need.CILIUM_POLICIES,
        "/apis/cilium.io/v2/ciliumnetworkpolicies",
        optional=True,
    ),
    KubernetesRead(
        "calico_policies",
        kubernetes.CalicoNetworkPolicy,
        Need.CALICO_POLICIES,
        "/apis/crd.projectcalico.org/v1/networkpolicies",
        optional=True,
        metadata_only=True,
    ),
    KubernetesRead(
        "calico_global_policies",
        kubernetes.CalicoGlobalNetworkPolicy,
        Need.CALICO_GLOBAL_POLICIES,
        "/apis/crd.projectcalico.org/v1/globalnetworkpolicies",
        optional=True,
        metadata_only=True,
    ),
    KubernetesRead(
        "admin_network_policies",
        kubernetes.AdminNetworkPolicy,
        Need.ADMIN_NETWORK_POLICIES,
        "/apis/policy.networking.k8s.io/v1alpha1/adminnetworkpolicies",
        optional=True,
        metadata_only=True,
    ),
    KubernetesRead(
        "cluster_network_policies",
        kubernetes.ClusterNetworkPolicy,
        Need.CLUSTER_NETWORK_POLICIES,
        "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies",
        optional=True,
        metadata_only=True,
    ),
    KubernetesRead(
        "cilium_clusterwide_policies",
        kubernetes.CiliumClusterwideNetworkPolicy,
        Need.CILIUM_CLUSTERWIDE_POLICIES,
        "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies",
        optional=True,
    ),
    KubernetesRead(
        "gateways", kubernetes.Gateway, Need.GATEWAYS, "/apis/gateway.networking.k8s.io/v1/gateways", optional=True
    ),
    KubernetesRead(
        "trigger_authentications",
        kubernetes.TriggerAuthentication,
        Need.TRIGGER_AUTHENTICATIONS,
        "/apis/keda.sh/v1alpha1/triggerauthentications",
        optional=True,
    ),
    KubernetesRead(
        "cluster_trigger_authentications",
        kubernetes.ClusterTriggerAuthentication,
        Need.CLUSTER_TRIGGER_AUTHENTICATIONS,
        "/apis/keda.sh/v1alpha1/clustertriggerauthentications",
        optional=True,
    ),
    KubernetesRead(
        "git_repositories",
        kubernetes.GitRepository,
        Need.GIT_REPOSITORIES,
        "/apis/source.toolkit.fluxcd.io/v1/gitrepositories",
        optional=True,
    ),
    KubernetesRead(
        "helm_repositories",
        kubernetes.HelmRepository,
        Need.HELM_REPOSITORIES,
        "/apis/source.toolkit.fluxcd.io/v1/helmrepositories",
        optional=True,
    ),
    KubernetesRead(
        "kustomizations",
        kubernetes.Kustomization,
        Need.KUSTOMIZATIONS,
        "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations",
        optional=True,
    ),
    KubernetesRead(
        "helm_releases",
        kubernetes.HelmRelease,
        Need.HELM_RELEASES,
        "/apis/helm.toolkit.fluxcd.io/v2/helmreleases",
        optional=True,
    ),
    KubernetesRead("issuers", kubernetes.Issuer, Need.ISSUERS, "/apis/cert-manager.io/v1/issuers", optional=True),
    KubernetesRead(
        "cluster_issuers",
        kubernetes.ClusterIssuer,
        Need.CLUSTER_ISSUERS,
        "/apis/cert-manager.io/v1/clusterissuers",
        optional=True,
    ),
    KubernetesRead(
        "secret_stores",
        kubernetes.SecretStore,
        Need.SECRET_STORES,
        "/apis/external-secrets.io/v1/secretstores",
        optional=True,
    ),
    KubernetesRead(
        "cluster_secret_stores",
        kubernetes.ClusterSecretStore,
        Need.CLUSTER_SECRET_STORES,
        "/apis/external-secrets.io/v1/clustersecretstores",
        optional=True,
    ),
)

#: Permissions that allow reading what the cluster's own answer already holds (subnets and peerings stand in their
# virtual : network, node pools in ``agentPoolProfiles``): a rule may name them, no call of its own needs them.
IMPLIED_NEEDS: dict[Need, Need] = {
    Need.SUBNETS: Need.VIRTUAL_NETWORKS,
    Need.PEERINGS: Need.VIRTUAL_NETWORKS,
    Need.AGENT_POOLS: Need.MANAGED_CLUSTERS,
}


#: The zones whose links and records are read
#: (https://learn.microsoft.com/azure/private-link/private-endpoint-dns).
PRIVATE_LINK_ZONES = frozenset(
    {
        Token("privatelink.monitor.azure.com"),
        Token("privatelink.vaultcore.azure.net"),
        Token("privatelink.vaultcore.azure.cn"),
        Token("privatelink.vaultcore.usgovcloudapi.net"),
    }
)


def need_of(struct: type[Resource]) -> Need:
    """The permission behind a type of resource."""
    return next(read.need for read in ARM_READS if read.struct is struct)
