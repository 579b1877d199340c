"""Builders of Azure resources; what a test does not say is healthy."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from akscan.model import azure
from akscan.model.inventory import kubernetes_versions_id
from akscan.model.roles import (
    AssignedTo,
    Permission,
    RoleAssignment,
    RoleAssignmentProperties,
    RoleDefinition,
    RoleDefinitionProperties,
    assigned_to_id,
)
from akscan.model.text import ArmId, Location, Token

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"


GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-test"


NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"


NODE_SUBNET = f"{NETWORK}/subnets/nodes"


ROUTE_TABLE = f"{GROUP}/providers/Microsoft.Network/routeTables/rt-egress"


IDENTITIES = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"


KUBELET_OBJECT_ID = "00000000-0000-0000-0000-0000000000b1"


CONTROL_PLANE_OBJECT_ID = "00000000-0000-0000-0000-0000000000b0"


ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"


CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"


def cluster(  # noqa: PLR0913 every argument has a healthy default
    name: str = "aks",
    *,
    pools: Sequence[azure.AgentPool] | None = None,
    subscription: str = SUBSCRIPTION,
    resource_group: str = "rg-test",
    location: str = "westeurope",
    tags: Mapping[str, str] | None = None,
    identity: azure.ManagedServiceIdentity | None = None,
    tier: str = "Standard",
    network: Mapping[str, Any] | None = None,
    api_server: Mapping[str, Any] | None = None,
    **properties: Any,
) -> azure.ManagedCluster:
    """A managed cluster; ``network`` and ``api_server`` change single fields of networkProfile and
    apiServerAccessProfile, other keyword arguments replace fields of ``properties`` (by their Python names).
    """
    defaults: dict[str, Any] = {
        "provisioning_state": Token("Succeeded"),
        "kubernetes_version": "1.35.6",
        "current_kubernetes_version": "1.35.6",
        "private_fqdn": f"{name}.privatelink.westeurope.azmk8s.io",
        "node_resource_group": Token(f"MC_{resource_group}_{name}_{location}"),
        "enable_rbac": True,
        "disable_local_accounts": True,
        "agent_pool_profiles": tuple(pools if pools is not None else [node_pool()]),
        "service_principal_profile": azure.ServicePrincipalProfile(client_id=Token("msi")),
        "addon_profiles": {
            Token("azureKeyvaultSecretsProvider"): azure.AddonProfile(
                enabled=True,
                config=azure.AddonConfig(enable_secret_rotation=Token("true")),
            ),
            Token("omsagent"): azure.AddonProfile(enabled=True, config=azure.AddonConfig(use_aad_auth=Token("true"))),
        },
        "security_profile": azure.SecurityProfile(workload_identity=azure.Switch(enabled=True)),
        "oidc_issuer_profile": azure.OidcIssuerProfile(enabled=True, issuer_url=f"https://oidc.example/{name}/"),
        "network_profile": msgspec.structs.replace(
            azure.NetworkProfile(
                network_plugin=Token("azure"),
                network_plugin_mode=Token("overlay"),
                network_dataplane=Token("cilium"),
                outbound_type=Token("userDefinedRouting"),
            ),
            **(network or {}),
        ),
        "aad_profile": azure.AadProfile(managed=True, enable_azure_rbac=True),
        "api_server_access_profile": msgspec.structs.replace(
            azure.ApiServerAccessProfile(enable_private_cluster=True, enable_private_cluster_public_fqdn=False),
            **(api_server or {}),
        ),
        "auto_upgrade_profile": azure.AutoUpgradeProfile(
            upgrade_channel=Token("patch"), node_os_upgrade_channel=Token("NodeImage")
        ),
        "identity_profile": {
            Token("kubeletidentity"): azure.IdentityReference(
                resource_id=ArmId(f"{IDENTITIES}/id-{name}-kubelet"),
                object_id=Token(KUBELET_OBJECT_ID),
            ),
        },
    }
    return azure.ManagedCluster(
        id=ArmId(
            f"{subscription}/resourceGroups/{resource_group}/providers/Microsoft.ContainerService/managedClusters/{name}",
        ),
        name=name,
        location=Location(location),
        tags=dict(tags or {}),
        identity=identity or user_assigned(f"{IDENTITIES}/id-{name}-control-plane"),
        sku=azure.ManagedClusterSku(tier=Token(tier)),
        properties=azure.ManagedClusterProperties(**{**defaults, **properties}),
    )


def hosted_system(nodes: str = "nodes", system: str = "system") -> azure.HostedSystemProfile:
    """System components on nodes of AKS; workloads and components stand in these subnets of the test network, in those
    of AKS where the names are empty.
    """
    ids = [ArmId(f"{NETWORK}/subnets/{name}" if name else "") for name in (nodes, system)]
    return azure.HostedSystemProfile(enabled=True, node_subnet_id=ids[0], system_node_subnet_id=ids[1])


def user_assigned(*resource_ids: str) -> azure.ManagedServiceIdentity:
    """The identity block of a cluster with user-assigned identities."""
    return azure.ManagedServiceIdentity(
        type=Token("UserAssigned"),
        user_assigned_identities={
            ArmId(resource_id): azure.UserAssigned(principal_id=Token(CONTROL_PLANE_OBJECT_ID))
            for resource_id in resource_ids
        },
    )


def system_assigned() -> azure.ManagedServiceIdentity:
    """The identity block of a cluster with a system-assigned identity."""
    return azure.ManagedServiceIdentity(type=Token("SystemAssigned"), principal_id=Token(CONTROL_PLANE_OBJECT_ID))


def managed_identity(name: str) -> azure.UserAssignedIdentity:
    """A user-assigned identity of the test resource group; principal and client id follow from the name."""
    principal, client = (str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name} {part}")) for part in ("principal", "client"))
    return azure.UserAssignedIdentity(
        id=ArmId(f"{IDENTITIES}/{name}"),
        name=name,
        properties=azure.UserAssignedIdentityProperties(principal_id=Token(principal), client_id=client),
    )


def registry(name: str = "acr", *, group: str = GROUP, **fields: Any) -> azure.ContainerRegistry:
    """A container registry that asks everybody to sign in."""
    return azure.ContainerRegistry(
        id=ArmId(f"{group}/providers/Microsoft.ContainerRegistry/registries/{name}"),
        name=name,
        sku=azure.RegistrySku(name=Token("Premium")),
        properties=azure.RegistryProperties(**{"login_server": Token(f"{name}.azurecr.io"), **fields}),
    )


def node_pool(name: str = "system", **fields: Any) -> azure.AgentPool:
    """A node pool of three nodes in the test network; keyword arguments replace fields (by their Python names)."""
    defaults: dict[str, Any] = {
        "count": 3,
        "vm_size": Token("Standard_D4ds_v5"),
        "mode": Token("System"),
        "vnet_subnet_id": ArmId(NODE_SUBNET),
        "orchestrator_version": "1.35.6",
        "current_orchestrator_version": "1.35.6",
        "provisioning_state": Token("Succeeded"),
    }
    return azure.AgentPool(name=name, **{**defaults, **fields})


def subnet(name: str = "nodes", *prefixes: str, routed: bool = True, **fields: Any) -> azure.SubnetResource:
    """A subnet of the test network, 10.0.0.0/24 and routed to the firewall unless said otherwise."""
    table = azure.Reference(id=ArmId(ROUTE_TABLE)) if routed else azure.Reference()
    return azure.SubnetResource(
        id=ArmId(f"{NETWORK}/subnets/{name}"),
        name=name,
        properties=azure.SubnetProperties(
            **{"address_prefixes": prefixes or ("10.0.0.0/24",), "route_table": table, **fields},
        ),
    )


def virtual_network(
    *subnets: azure.SubnetResource,
    peerings: Sequence[azure.Peering] = (),
    **fields: Any,
) -> azure.VirtualNetwork:
    """The test network, with the node subnet unless others are given."""
    return azure.VirtualNetwork(
        id=ArmId(NETWORK),
        name="vnet",
        location=Location("westeurope"),
        properties=azure.VirtualNetworkProperties(
            **{"subnets": subnets or (subnet(),), "virtual_network_peerings": tuple(peerings), **fields},
        ),
    )


def peering(
    name: str = "to-hub",
    *,
    remote: str = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub",
    **fields: Any,
) -> azure.Peering:
    """A connected peering of the test network with the hub, 10.1.0.0/24."""
    return azure.Peering(
        id=ArmId(f"{NETWORK}/virtualNetworkPeerings/{name}"),
        name=name,
        properties=azure.PeeringProperties(
            **{
                "peering_state": Token("Connected"),
                "remote_virtual_network": azure.Reference(id=ArmId(remote)),
                "remote_address_space": azure.AddressSpace(address_prefixes=("10.1.0.0/24",)),
                **fields,
            },
        ),
    )


def route_table(*routes: azure.Route, disable_bgp_route_propagation: bool = False) -> azure.RouteTable:
    """The test route table: 0.0.0.0/0 to an appliance unless routes are given."""
    return azure.RouteTable(
        id=ArmId(ROUTE_TABLE),
        name="rt-egress",
        properties=azure.RouteTableProperties(
            routes=routes or (route(),),
            disable_bgp_route_propagation=disable_bgp_route_propagation,
        ),
    )


def route(prefix: str = "0.0.0.0/0", hop: str = "VirtualAppliance", address: str = "10.1.0.4") -> azure.Route:
    """A route, by default to the firewall."""
    return azure.Route(
        name="route",
        properties=azure.RouteProperties(address_prefix=prefix, next_hop_type=Token(hop), next_hop_ip_address=address),
    )


def kubernetes_versions(
    *rows: azure.KubernetesVersion,
    location: str = "westeurope",
    subscription: str = SUBSCRIPTION,
) -> azure.KubernetesVersions:
    """What a region offers."""
    return azure.KubernetesVersions(id=kubernetes_versions_id(ArmId(subscription), location), values=rows)


def kubernetes_version(
    version: str,
    *,
    plans: Sequence[str] = ("KubernetesOfficial",),
    patches: Mapping[str, Sequence[str]] | Sequence[str] = (),
    preview: bool = False,
) -> azure.KubernetesVersion:
    """A row of that list; ``patches`` may say what each can be upgraded to."""
    upgrades = patches if isinstance(patches, Mapping) else dict.fromkeys(patches, ())
    return azure.KubernetesVersion(
        version=version,
        is_preview=preview,
        capabilities=azure.Capabilities(support_plan=tuple(Token(plan) for plan in plans)),
        patch_versions={patch: azure.PatchVersion(upgrades=tuple(to)) for patch, to in upgrades.items()},
    )


def upgrade_profile(*targets: str, cluster_name: str = "aks") -> azure.UpgradeProfile:
    """What the control plane of a cluster can go to."""
    return azure.UpgradeProfile(
        id=ArmId(f"{cluster(cluster_name).id}/upgradeProfiles/default"),
        name="default",
        properties=azure.UpgradeProfileProperties(
            control_plane_profile=azure.ControlPlaneUpgrades(
                upgrades=tuple(azure.Upgrade(kubernetes_version=target) for target in targets),
            ),
        ),
    )


def diagnostic_setting(  # noqa: PLR0913 every argument has a healthy default
    name: str = "audit",
    *,
    categories: Sequence[str] = (),
    groups: Sequence[str] = (),
    off: Sequence[str] = (),
    cluster_name: str = "aks",
    dedicated: bool = True,
    retention: azure.RetentionPolicy | None = None,
    of: str = "",
    **destinations: str,
) -> azure.DiagnosticSetting:
    """A diagnostic setting of a cluster, or of the resource ``of``; destinations as ``workspace_id="/..."``."""
    policy = retention or azure.RetentionPolicy()
    logs = (
        *(azure.LogSettings(category=Token(c), enabled=True, retention_policy=policy) for c in categories),
        *(azure.LogSettings(category_group=Token(group), enabled=True) for group in groups),
        *(azure.LogSettings(category=Token(category), enabled=False) for category in off),
    )
    return azure.DiagnosticSetting(
        id=ArmId(f"{of or cluster(cluster_name).id}/providers/Microsoft.Insights/diagnosticSettings/{name}"),
        name=name,
        properties=azure.DiagnosticSettingProperties(
            logs=logs,
            log_analytics_destination_type=Token("Dedicated" if dedicated else "AzureDiagnostics"),
            **{key: ArmId(value) for key, value in destinations.items()},
        ),
    )


def role_definition(
    guid: str,
    name: str,
    *,
    custom: bool = False,
    actions: Sequence[str] = (),
    not_actions: Sequence[str] = (),
    data_actions: Sequence[str] = (),
    not_data_actions: Sequence[str] = (),
) -> RoleDefinition:
    """A role."""
    return RoleDefinition(
        id=ArmId(f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}"),
        name=guid,
        properties=RoleDefinitionProperties(
            role_name=Token(name),
            type=Token("CustomRole" if custom else "BuiltInRole"),
            permissions=(
                Permission(
                    actions=tuple(Token(action) for action in actions),
                    not_actions=tuple(Token(action) for action in not_actions),
                    data_actions=tuple(Token(action) for action in data_actions),
                    not_data_actions=tuple(Token(action) for action in not_data_actions),
                ),
            ),
        ),
    )


def role_assignment(
    principal: str, role: RoleDefinition | str, scope: str, *, condition: str = "", principal_type: str = ""
) -> RoleAssignment:
    """An assignment, listed for the subscription of its scope (the test subscription for a wider one)."""
    guid = role if isinstance(role, str) else role.guid
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{principal}{guid}{scope}")
    subscription = ArmId(scope).subscription_scope or ArmId(SUBSCRIPTION)
    return RoleAssignment(
        id=ArmId(f"{scope.rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{name}"),
        name=str(name),
        properties=RoleAssignmentProperties(
            principal_id=Token(principal),
            role_definition_id=ArmId(f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}"),
            scope=ArmId(scope),
            principal_type=Token(principal_type),
            condition=condition,
        ),
        listed_for=(subscription,),
    )


def member_of(principal: str, *groups_assignments: RoleAssignment) -> AssignedTo:
    """What ARM names as assigned to a principal: through this its groups become known."""
    return AssignedTo(
        id=assigned_to_id(SUBSCRIPTION, principal),
        principal_id=Token(principal),
        assignments=groups_assignments,
    )


def federated_credential(
    identity: str,
    *,
    issuer: str = "https://oidc.example/aks/",
    service_account: str = "shop/app",
    name: str = "app",
    **fields: Any,
) -> azure.FederatedCredential:
    """A federated credential of an identity, for a service account of the test cluster."""
    return azure.FederatedCredential(
        id=ArmId(f"{identity}/federatedIdentityCredentials/{name}"),
        name=name,
        properties=azure.FederatedCredentialProperties(
            **{
                "issuer": issuer,
                "subject": f"system:serviceaccount:{service_account.replace('/', ':')}",
                "audiences": ("api://AzureADTokenExchange",),
                **fields,
            }
        ),
    )


def identity_binding(identity: str, *, cluster_name: str = "aks", name: str = "binding") -> azure.IdentityBinding:
    """An identity binding of a cluster."""
    return azure.IdentityBinding(
        id=ArmId(f"{cluster(cluster_name).id}/identityBindings/{name}"),
        name=name,
        properties=azure.IdentityBindingProperties(
            managed_identity=azure.IdentityReference(resource_id=ArmId(identity))
        ),
    )


def vault(name: str = "kv-test", *, network_acls: azure.NetworkAcls | None = None, **fields: Any) -> azure.Vault:
    """A key vault, closed to the Internet unless said otherwise."""
    properties = {"public_network_access": Token("Disabled"), **fields}
    return azure.Vault(
        id=ArmId(f"{GROUP}/providers/Microsoft.KeyVault/vaults/{name}"),
        name=name,
        properties=azure.VaultProperties(network_acls=network_acls, **properties),
    )
