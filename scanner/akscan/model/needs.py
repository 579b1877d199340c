"""The permissions that rules name and collectors use: ARM actions and Kubernetes verbs."""

from __future__ import annotations

from enum import StrEnum


class Need(StrEnum):
    """One permission: an ARM action, or ``list <resource>[.<group>]`` of the Kubernetes API."""

    SUBSCRIPTIONS = "Microsoft.Resources/subscriptions/read"
    RESOURCE_GROUPS = "Microsoft.Resources/subscriptions/resourceGroups/read"
    MANAGEMENT_GROUP_DESCENDANTS = "Microsoft.Management/managementGroups/descendants/read"
    MANAGED_CLUSTERS = "Microsoft.ContainerService/managedClusters/read"
    CLUSTER_USER_CREDENTIAL = "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action"
    AGENT_POOLS = "Microsoft.ContainerService/managedClusters/agentPools/read"
    UPGRADE_PROFILES = "Microsoft.ContainerService/managedClusters/upgradeProfiles/read"
    IDENTITY_BINDINGS = "Microsoft.ContainerService/managedClusters/identityBindings/read"
    KUBERNETES_VERSIONS = "Microsoft.ContainerService/locations/kubernetesversions/read"
    VIRTUAL_NETWORKS = "Microsoft.Network/virtualNetworks/read"
    SUBNETS = "Microsoft.Network/virtualNetworks/subnets/read"
    PEERINGS = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read"
    ROUTE_TABLES = "Microsoft.Network/routeTables/read"
    VIRTUAL_HUBS = "Microsoft.Network/virtualHubs/read"
    HUB_CONNECTIONS = "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections/read"
    ROUTING_INTENT = "Microsoft.Network/virtualHubs/routingIntent/read"
    AZURE_FIREWALLS = "Microsoft.Network/azureFirewalls/read"
    PRIVATE_DNS_ZONES = "Microsoft.Network/privateDnsZones/read"
    REGISTRIES = "Microsoft.ContainerRegistry/registries/read"
    VAULTS = "Microsoft.KeyVault/vaults/read"
    USER_ASSIGNED_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities/read"
    FEDERATED_CREDENTIALS = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read"
    ROLE_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments/read"
    ROLE_DEFINITIONS = "Microsoft.Authorization/roleDefinitions/read"
    DIAGNOSTIC_SETTINGS = "Microsoft.Insights/diagnosticSettings/read"

    PODS = "list pods"
    NODES = "list nodes"
    NAMESPACES = "list namespaces"
    SERVICES = "list services"
    CONFIG_MAPS = "list configmaps"
    SECRETS = "list secrets"
    DEPLOYMENTS = "list deployments.apps"
    REPLICA_SETS = "list replicasets.apps"
    STATEFUL_SETS = "list statefulsets.apps"
    DAEMON_SETS = "list daemonsets.apps"
    JOBS = "list jobs.batch"
    CRON_JOBS = "list cronjobs.batch"
    REPLICATION_CONTROLLERS = "list replicationcontrollers"
    HORIZONTAL_POD_AUTOSCALERS = "list horizontalpodautoscalers.autoscaling"
    POD_DISRUPTION_BUDGETS = "list poddisruptionbudgets.policy"
    ROLE_BINDINGS = "list rolebindings.rbac.authorization.k8s.io"
    CLUSTER_ROLE_BINDINGS = "list clusterrolebindings.rbac.authorization.k8s.io"
    CLUSTER_ROLES = "list clusterroles.rbac.authorization.k8s.io"
    ROLES = "list roles.rbac.authorization.k8s.io"
    SERVICE_ACCOUNTS = "list serviceaccounts"
    CSI_DRIVERS = "list csidrivers.storage.k8s.io"
    CUSTOM_RESOURCE_DEFINITIONS = "list customresourcedefinitions.apiextensions.k8s.io"
    SECRET_PROVIDER_CLASSES = "list secretproviderclasses.secrets-store.csi.x-k8s.io"  # noqa: S105
    SCALED_OBJECTS = "list scaledobjects.keda.sh"
    KARPENTER_NODE_POOLS = "list nodepools.karpenter.sh"
    CILIUM_CLUSTERWIDE_POLICIES = "list ciliumclusterwidenetworkpolicies.cilium.io"

    @property
    def source(self) -> str:
        """``arm`` or ``kubernetes``."""
        return "kubernetes" if self.startswith("list ") else "arm"
