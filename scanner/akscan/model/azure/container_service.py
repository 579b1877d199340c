"""Microsoft.ContainerService: managed clusters and what AKS says about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import msgspec

from akscan.model.azure.base import Reference, Resource, Rest, Tagged
from akscan.model.azure.upgrades import ClusterUpgradeSettings, ServiceMeshProfile
from akscan.model.text import ArmId, Location, Token


class PowerState(Rest, frozen=True, kw_only=True):
    code: Token = Token("Running")


class UpgradeSettings(Rest, frozen=True, kw_only=True):
    max_surge: str = ""
    max_unavailable: str = ""
    drain_timeout_in_minutes: int | None = None
    node_soak_duration_in_minutes: int | None = None
    undrainable_node_behavior: Token = Token("Schedule")


class ManualScale(Rest, frozen=True, kw_only=True):
    size: Token = Token()
    count: int = 0


class AutoScale(Rest, frozen=True, kw_only=True):
    size: Token = Token()
    min_count: int = 0
    max_count: int = 0


class ScaleProfile(Rest, frozen=True, kw_only=True):
    manual: tuple[ManualScale, ...] = ()
    autoscale: tuple[AutoScale, ...] = ()


class VirtualMachinesProfile(Rest, frozen=True, kw_only=True):
    scale: ScaleProfile = ScaleProfile()


class VirtualMachineNodes(Rest, frozen=True, kw_only=True):
    size: Token = Token()
    count: int = 0


class GpuProfile(Rest, frozen=True, kw_only=True):
    driver: Token = Token("Install")


class ProvisioningError(Rest, frozen=True, kw_only=True):
    code: str = ""
    message: str = ""


class AgentPoolStatus(Rest, frozen=True, kw_only=True):
    provisioning_error: ProvisioningError | None = None


class AgentPool(Rest, frozen=True, kw_only=True):
    """An item of ``properties.agentPoolProfiles``, which is the node pool's own properties under its name."""

    name: str = ""
    count: int | None = None
    vm_size: Token = Token()
    os_type: Token = Token("Linux")
    os_sku: Token = msgspec.field(name="osSKU", default=Token())
    mode: Token = Token("User")
    type: Token = Token("VirtualMachineScaleSets")
    max_pods: int | None = None
    enable_auto_scaling: bool = False
    min_count: int | None = None
    max_count: int | None = None
    scale_set_priority: Token = Token("Regular")
    scale_set_eviction_policy: Token = Token("Delete")
    spot_max_price: float = -1
    node_taints: tuple[str, ...] = ()
    node_labels: dict[str, str] = {}
    availability_zones: tuple[str, ...] = ()
    gpu_profile: GpuProfile = GpuProfile()
    enable_node_public_ip: bool = msgspec.field(name="enableNodePublicIP", default=False)
    node_public_ip_prefix_id: ArmId = msgspec.field(name="nodePublicIPPrefixID", default=ArmId())
    vnet_subnet_id: ArmId = msgspec.field(name="vnetSubnetID", default=ArmId())
    pod_subnet_id: ArmId = msgspec.field(name="podSubnetID", default=ArmId())
    pod_ip_allocation_mode: Token = msgspec.field(name="podIPAllocationMode", default=Token("DynamicIndividual"))
    orchestrator_version: str = ""
    current_orchestrator_version: str = ""
    node_image_version: str = ""
    provisioning_state: Token = Token()
    power_state: PowerState = PowerState()
    status: AgentPoolStatus = AgentPoolStatus()
    upgrade_settings: UpgradeSettings = UpgradeSettings()
    virtual_machines_profile: VirtualMachinesProfile = VirtualMachinesProfile()
    virtual_machine_nodes_status: tuple[VirtualMachineNodes, ...] = ()

    @property
    def sizes(self) -> tuple[Token, ...]:
        """The VM sizes that its nodes have or may have."""
        if self.type != "VirtualMachines":
            return (self.vm_size,)
        scale = self.virtual_machines_profile.scale
        sizes = (*(manual.size for manual in scale.manual), *(auto.size for auto in scale.autoscale))
        return tuple(dict.fromkeys(sizes))


class ServicePrincipalProfile(Rest, frozen=True, kw_only=True):
    client_id: Token = Token()


class IdentityReference(Rest, frozen=True, kw_only=True):
    resource_id: ArmId = ArmId()
    client_id: str = ""
    object_id: Token = Token()


class AddonConfig(Rest, frozen=True, kw_only=True):
    """The keys of an add-on's ``config`` that rules read; the others may hold secrets and are dropped."""

    enable_secret_rotation: Token = Token("false")
    rotation_poll_interval: str = "2m"
    log_analytics_workspace_resource_id: ArmId = msgspec.field(name="logAnalyticsWorkspaceResourceID", default=ArmId())
    use_aad_auth: Token = msgspec.field(name="useAADAuth", default=Token("false"))


class AddonProfile(Rest, frozen=True, kw_only=True):
    enabled: bool = False
    config: AddonConfig = AddonConfig()
    identity: IdentityReference = IdentityReference()


class PodIdentity(Rest, frozen=True, kw_only=True):
    name: str = ""
    namespace: str = ""


class PodIdentityProfile(Rest, frozen=True, kw_only=True):
    """Pod-managed identity as an add-on, which is retired."""

    enabled: bool = False
    allow_network_plugin_kubenet: bool = False
    user_assigned_identities: tuple[PodIdentity, ...] = ()


class OidcIssuerProfile(Rest, frozen=True, kw_only=True):
    enabled: bool = False
    issuer_url: str = msgspec.field(name="issuerURL", default="")


class AdvancedNetworkingSecurity(Rest, frozen=True, kw_only=True):
    enabled: bool = False


class AdvancedNetworkingObservability(Rest, frozen=True, kw_only=True):
    #: absent means on where Advanced Container Networking Services are on
    enabled: bool = True


class AdvancedNetworking(Rest, frozen=True, kw_only=True):
    enabled: bool = False
    observability: AdvancedNetworkingObservability = AdvancedNetworkingObservability()
    security: AdvancedNetworkingSecurity = AdvancedNetworkingSecurity()


class ManagedOutboundIps(Rest, frozen=True, kw_only=True):
    count: int = 0


class OutboundIps(Rest, frozen=True, kw_only=True):
    public_ips: tuple[Reference, ...] = msgspec.field(name="publicIPs", default=())


class OutboundIpPrefixes(Rest, frozen=True, kw_only=True):
    public_ip_prefixes: tuple[Reference, ...] = msgspec.field(name="publicIPPrefixes", default=())


class LoadBalancerProfile(Rest, frozen=True, kw_only=True):
    outbound_ips: OutboundIps = msgspec.field(name="outboundIPs", default=OutboundIps())
    outbound_ip_prefixes: OutboundIpPrefixes = msgspec.field(name="outboundIPPrefixes", default=OutboundIpPrefixes())
    managed_outbound_ips: ManagedOutboundIps = msgspec.field(name="managedOutboundIPs", default=ManagedOutboundIps())
    effective_outbound_ips: tuple[Reference, ...] = msgspec.field(name="effectiveOutboundIPs", default=())
    allocated_outbound_ports: int = 0
    idle_timeout_in_minutes: int = 30


class NatGatewayProfile(Rest, frozen=True, kw_only=True):
    effective_outbound_ips: tuple[Reference, ...] = msgspec.field(name="effectiveOutboundIPs", default=())
    idle_timeout_in_minutes: int = 4


class NetworkProfile(Rest, frozen=True, kw_only=True):
    load_balancer_profile: LoadBalancerProfile = LoadBalancerProfile()
    nat_gateway_profile: NatGatewayProfile = NatGatewayProfile()
    network_plugin: Token = Token()
    network_plugin_mode: Token = Token()
    network_policy: Token = Token()
    network_dataplane: Token = Token()
    pod_cidr: str = ""
    service_cidr: str = ""
    outbound_type: Token = Token("loadBalancer")
    load_balancer_sku: Token = Token()
    advanced_networking: AdvancedNetworking = AdvancedNetworking()
    #: returned by preview versions of the API only; absent means IMDS as far as anybody can tell
    pod_link_local_access: Token = Token()


class AadProfile(Rest, frozen=True, kw_only=True):
    managed: bool = False
    enable_azure_rbac: bool = msgspec.field(name="enableAzureRBAC", default=False)
    admin_group_object_ids: tuple[str, ...] = msgspec.field(name="adminGroupObjectIDs", default=())
    client_app_id: str = msgspec.field(name="clientAppID", default="")
    server_app_id: str = msgspec.field(name="serverAppID", default="")
    tenant_id: str = msgspec.field(name="tenantID", default="")


class ApiServerAccessProfile(Rest, frozen=True, kw_only=True):
    authorized_ip_ranges: tuple[str, ...] = msgspec.field(name="authorizedIPRanges", default=())
    enable_private_cluster: bool = False
    private_dns_zone: ArmId = msgspec.field(name="privateDNSZone", default=ArmId())
    enable_private_cluster_public_fqdn: bool | None = msgspec.field(name="enablePrivateClusterPublicFQDN", default=None)
    disable_run_command: bool = False
    enable_vnet_integration: bool = False
    subnet_id: ArmId = ArmId()


class HttpProxyConfig(Rest, frozen=True, kw_only=True):
    """Present or not; the proxy's address may hold a password and is dropped."""

    enabled: bool = True


class AzureKeyVaultKms(Rest, frozen=True, kw_only=True):
    enabled: bool = False
    key_id: str = ""
    key_vault_network_access: Token = Token("Public")
    key_vault_resource_id: ArmId = ArmId()

    @property
    def vault_name(self) -> str:
        """The vault that holds the key; in public mode keyVaultResourceId is empty and only the key's URL tells
        (https://learn.microsoft.com/azure/aks/use-kms-etcd-encryption).
        """
        host = self.key_id.removeprefix("https://").partition("/")[0]
        return self.key_vault_resource_id.name or host.partition(".")[0]

    @property
    def key_name(self) -> str:
        return self._key[0]

    @property
    def key_version(self) -> str:
        """Not empty in the legacy form, whose identifier holds a version
        (https://learn.microsoft.com/azure/aks/kms-data-encryption-concepts).
        """
        return self._key[1]

    @property
    def _key(self) -> tuple[str, str]:
        parts = self.key_id.rstrip("/").partition("/keys/")[2].split("/")
        return parts[0], "/".join(parts[1:])


class Switch(Rest, frozen=True, kw_only=True):
    """A feature that is on or off."""

    enabled: bool = False


class Defender(Rest, frozen=True, kw_only=True):
    security_monitoring: Switch = Switch()


class AppMonitoring(Rest, frozen=True, kw_only=True):
    auto_instrumentation: Switch = Switch()
    open_telemetry_metrics: Switch = Switch()
    open_telemetry_logs_and_traces: Switch = Switch()


class ObjectEncryption(Rest, frozen=True, kw_only=True):
    infrastructure_encryption: Token = Token("Disabled")


class SecurityProfile(Rest, frozen=True, kw_only=True):
    defender: Defender = Defender()
    workload_identity: Switch = Switch()
    azure_key_vault_kms: AzureKeyVaultKms = AzureKeyVaultKms()
    kubernetes_resource_object_encryption_profile: ObjectEncryption = ObjectEncryption()


class WebAppRouting(Rest, frozen=True, kw_only=True):
    enabled: bool = False
    identity: IdentityReference = IdentityReference()


class IngressProfile(Rest, frozen=True, kw_only=True):
    web_app_routing: WebAppRouting = WebAppRouting()


class ContainerInsights(Rest, frozen=True, kw_only=True):
    enabled: bool = False
    log_analytics_workspace_resource_id: ArmId = ArmId()


class AzureMonitorProfile(Rest, frozen=True, kw_only=True):
    metrics: Switch = Switch()
    app_monitoring: AppMonitoring = AppMonitoring()
    container_insights: ContainerInsights = ContainerInsights()


class AutoUpgradeProfile(Rest, frozen=True, kw_only=True):
    """ARM returns what was set; for a cluster from before there were channels that is nothing."""

    upgrade_channel: Token = Token("none")
    node_os_upgrade_channel: Token = msgspec.field(name="nodeOSUpgradeChannel", default=Token("None"))

    @property
    def upgrades_kubernetes(self) -> bool:
        """Whether AKS upgrades the cluster by itself, be it its images only."""
        return self.upgrade_channel in ("patch", "stable", "rapid", "node-image")

    @property
    def upgrades_node_os(self) -> bool:
        """Whether AKS patches the nodes by itself."""
        return self.node_os_upgrade_channel in ("NodeImage", "SecurityPatch")


class BootstrapProfile(Rest, frozen=True, kw_only=True):
    artifact_source: Token = Token("Direct")
    container_registry_id: ArmId = ArmId()


class NodeProvisioningProfile(Rest, frozen=True, kw_only=True):
    mode: Token = Token("Manual")


class AutoScalerProfile(Rest, frozen=True, kw_only=True):
    expander: Token = Token("random")


class HostedSystemProfile(Rest, frozen=True, kw_only=True):
    """Whether AKS runs the system components on nodes of its own, and the subnets of these and of the nodes that node
    auto-provisioning makes beside them.
    """

    enabled: bool = False
    system_node_subnet_id: ArmId = msgspec.field(name="systemNodeSubnetID", default=ArmId())
    node_subnet_id: ArmId = msgspec.field(name="nodeSubnetID", default=ArmId())


class ManagedClusterProperties(Rest, frozen=True, kw_only=True):
    provisioning_state: Token = Token()
    power_state: PowerState = PowerState()
    kubernetes_version: str = ""
    current_kubernetes_version: str = ""
    support_plan: Token = Token("KubernetesOfficial")
    fqdn: str = ""
    private_fqdn: str = msgspec.field(name="privateFQDN", default="")
    public_network_access: Token = Token()
    node_resource_group: Token = Token()
    #: the service always returns it
    enable_rbac: bool | None = msgspec.field(name="enableRBAC", default=None)
    disable_local_accounts: bool = False
    agent_pool_profiles: tuple[AgentPool, ...] = ()
    service_principal_profile: ServicePrincipalProfile = ServicePrincipalProfile()
    addon_profiles: dict[Token, AddonProfile] = {}
    pod_identity_profile: PodIdentityProfile = PodIdentityProfile()
    oidc_issuer_profile: OidcIssuerProfile = OidcIssuerProfile()
    ingress_profile: IngressProfile = IngressProfile()
    disk_encryption_set_id: ArmId = msgspec.field(name="diskEncryptionSetID", default=ArmId())
    network_profile: NetworkProfile = NetworkProfile()
    aad_profile: AadProfile | None = None
    api_server_access_profile: ApiServerAccessProfile = ApiServerAccessProfile()
    http_proxy_config: HttpProxyConfig | None = None
    identity_profile: dict[Token, IdentityReference] = {}
    security_profile: SecurityProfile = SecurityProfile()
    azure_monitor_profile: AzureMonitorProfile = AzureMonitorProfile()
    auto_upgrade_profile: AutoUpgradeProfile = AutoUpgradeProfile()
    auto_scaler_profile: AutoScalerProfile = AutoScalerProfile()
    upgrade_settings: ClusterUpgradeSettings = ClusterUpgradeSettings()
    service_mesh_profile: ServiceMeshProfile = ServiceMeshProfile()
    bootstrap_profile: BootstrapProfile = BootstrapProfile()
    node_provisioning_profile: NodeProvisioningProfile = NodeProvisioningProfile()
    hosted_system_profile: HostedSystemProfile = HostedSystemProfile()

    @property
    def version_now(self) -> str:
        """The control plane's Kubernetes version, in the middle of an upgrade the one that still runs."""
        return self.current_kubernetes_version or self.kubernetes_version


class UserAssigned(Rest, frozen=True, kw_only=True):
    principal_id: Token = Token()
    client_id: str = ""


class ManagedServiceIdentity(Rest, frozen=True, kw_only=True):
    type: Token = Token("None")
    principal_id: Token = Token()
    user_assigned_identities: dict[ArmId, UserAssigned] = {}


class ManagedClusterSku(Rest, frozen=True, kw_only=True):
    name: Token = Token("Base")
    tier: Token = Token("Free")


class ManagedCluster(Tagged, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.ContainerService/managedClusters")
    location: Location = Location()
    identity: ManagedServiceIdentity = ManagedServiceIdentity()
    sku: ManagedClusterSku = ManagedClusterSku()
    properties: ManagedClusterProperties = ManagedClusterProperties()

    @property
    def is_stopped(self) -> bool:
        return self.properties.power_state.code == "Stopped"

    @property
    def has_istio(self) -> bool:
        """Whether the Istio add-on is on."""
        return self.properties.service_mesh_profile.mode == "Istio"

    @property
    def is_isolated(self) -> bool:
        """Network isolated: nothing is set up to let the nodes out."""
        return self.properties.network_profile.outbound_type in ("none", "block")

    @property
    def collects_logs(self) -> bool:
        """Whether Container Insights is on and works by a data collection rule: always in the newer profile, in the
        add-on with a managed identity
        (https://learn.microsoft.com/azure/azure-monitor/containers/container-insights-authentication).
        """
        addon = self.properties.addon_profiles.get(Token("omsagent"), AddonProfile())
        by_rule = addon.enabled and addon.config.use_aad_auth == "true"
        return by_rule or self.properties.azure_monitor_profile.container_insights.enabled

    @property
    def collects_metrics(self) -> bool:
        """Whether Azure Monitor collects Prometheus metrics."""
        return self.properties.azure_monitor_profile.metrics.enabled

    @property
    def node_resource_group_id(self) -> ArmId:
        return ArmId(f"{self.id.subscription_scope}/resourceGroups/{self.properties.node_resource_group}")

    @property
    def api_server_subnet(self) -> ArmId:
        """The subnet of the customer in which the API server stands; empty where AKS owns it or there is none."""
        access = self.properties.api_server_access_profile
        return access.subnet_id if access.enable_vnet_integration else ArmId()

    @property
    def hosted_subnets(self) -> tuple[ArmId, ...]:
        """The subnets of the customer for nodes beside the pools, where AKS hosts the system components: of workloads,
        and of these components. Those that AKS makes stand in the node resource group.
        """
        hosted = self.properties.hosted_system_profile
        named = (hosted.node_subnet_id, hosted.system_node_subnet_id) if hosted.enabled else ()
        return tuple(subnet for subnet in named if subnet and not self.node_resource_group_id.contains(subnet))

    @property
    def subnets(self) -> tuple[ArmId, ...]:
        """The distinct subnets of nodes and pods."""
        pools = self.properties.agent_pool_profiles
        of_pools = (subnet for pool in pools for subnet in (pool.vnet_subnet_id, pool.pod_subnet_id) if subnet)
        return tuple(dict.fromkeys((*of_pools, *self.hosted_subnets)))

    def parts_of(self, identity: ArmId) -> tuple[str, ...]:
        """The parts that a user-assigned identity plays here: control plane, kubelet, both or neither."""
        kubelet = self.properties.identity_profile.get(Token("kubeletidentity"), IdentityReference())
        plays = {
            "control plane": identity in self.identity.user_assigned_identities,
            "kubelet": bool(identity) and kubelet.resource_id == identity,
        }
        return tuple(part for part, is_played in plays.items() if is_played)

    @property
    def identity_references(self) -> tuple[IdentityReference, ...]:
        """The kubelet identity, and those of add-ons that are on."""
        own = self.properties
        routing = own.ingress_profile.web_app_routing
        addons = (addon.identity for addon in own.addon_profiles.values() if addon.enabled)
        return (*own.identity_profile.values(), *addons, *((routing.identity,) if routing.enabled else ()))

    def references(self) -> Iterator[ArmId]:
        properties = self.properties
        for pool in properties.agent_pool_profiles:
            yield from (pool.vnet_subnet_id.parent, pool.pod_subnet_id.parent, pool.node_public_ip_prefix_id)
        yield from (subnet.parent for subnet in self.hosted_subnets)
        network = properties.network_profile
        for profile in (network.load_balancer_profile, network.nat_gateway_profile):
            yield from (reference.id for reference in profile.effective_outbound_ips)
        access = properties.api_server_access_profile
        yield from (access.subnet_id.parent, access.private_dns_zone)
        yield properties.security_profile.azure_key_vault_kms.key_vault_resource_id
        yield properties.bootstrap_profile.container_registry_id
        yield from self.identity.user_assigned_identities
        yield from (reference.resource_id for reference in properties.identity_profile.values())


def beside_nodes(identities: Iterable[ArmId], clusters: Iterable[ManagedCluster]) -> Iterator[ArmId]:
    """Those user-assigned identities that sit on no node: AKS makes these in the node resource groups, and the kubelet
    may bring its own.
    """
    groups: set[ArmId] = set()
    kubelets: set[ArmId] = set()
    for cluster in clusters:
        groups.add(cluster.node_resource_group_id)
        kubelets |= {reference.resource_id for reference in cluster.properties.identity_profile.values()}
    return (identity for identity in identities if identity not in kubelets and identity.group not in groups)


class ExtensionProperties(Rest, frozen=True, kw_only=True):
    extension_type: Token = Token()


class Extension(Resource, frozen=True, kw_only=True):
    """An extension of a cluster, such as Flux or Dapr."""

    arm_type: ClassVar = Token("Microsoft.KubernetesConfiguration/extensions")
    properties: ExtensionProperties = ExtensionProperties()


class Capabilities(Rest, frozen=True, kw_only=True):
    support_plan: tuple[Token, ...] = ()


class PatchVersion(Rest, frozen=True, kw_only=True):
    upgrades: tuple[str, ...] = ()


class KubernetesVersion(Rest, frozen=True, kw_only=True):
    """A minor version that a region offers; the keys of ``patch_versions`` are the offered patches."""

    version: str = ""
    is_default: bool = False
    is_preview: bool = False
    capabilities: Capabilities = Capabilities()
    patch_versions: dict[str, PatchVersion] = {}


class KubernetesVersions(Resource, frozen=True, kw_only=True):
    """The versions that one region offers to one subscription; the id is that of the list."""

    arm_type: ClassVar = Token("Microsoft.ContainerService/locations/kubernetesVersions")
    values: tuple[KubernetesVersion, ...] = ()


class Upgrade(Rest, frozen=True, kw_only=True):
    kubernetes_version: str = ""
    is_preview: bool = False


class ControlPlaneUpgrades(Rest, frozen=True, kw_only=True):
    kubernetes_version: str = ""
    upgrades: tuple[Upgrade, ...] = ()


class UpgradeProfileProperties(Rest, frozen=True, kw_only=True):
    control_plane_profile: ControlPlaneUpgrades = ControlPlaneUpgrades()


class UpgradeProfile(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.ContainerService/managedClusters/upgradeProfiles")
    properties: UpgradeProfileProperties = UpgradeProfileProperties()


class IdentityBindingProperties(Rest, frozen=True, kw_only=True):
    managed_identity: IdentityReference = IdentityReference()


class IdentityBinding(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.ContainerService/managedClusters/identityBindings")
    properties: IdentityBindingProperties = IdentityBindingProperties()
