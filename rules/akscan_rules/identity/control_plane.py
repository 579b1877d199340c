"""What the control plane identity may do: no more than its cluster needs, and no less."""

from collections.abc import Iterator, Mapping

from akscan.sdk import (
    Cluster,
    ControlPlaneIdentity,
    Disruption,
    EffectiveAssignment,
    EvidenceValue,
    Finding,
    Fix,
    Gap,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    Requirement,
    Severity,
    any_of,
    if_known,
    requirements,
    rule,
    untold,
)

from akscan_rules.identity.grants import described, granted, searched

_KEY_VAULT_DATA_ROLES = {
    "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Key Vault Certificates Officer": "a4417e6f-fecd-4de8-b567-7b0420556985",
    "Key Vault Crypto Officer": "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
    "Key Vault Data Access Administrator": "8b54135c-b56d-4d72-a534-26097cfdc8d8",
    "Key Vault Crypto User": "12338af0-0e69-4776-bea7-57ae8d297424",
    "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
}
#: What the encryption of Kubernetes data with a key of one's own needs on that vault
#: (https://learn.microsoft.com/azure/aks/use-kms-etcd-encryption).
_KMS_ROLES = ("12338af0-0e69-4776-bea7-57ae8d297424", "e147488a-f6f5-4113-8e2d-b22465e65bf6")


@rule(
    "IDN-005",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS],
    frameworks={"waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/aks-service-permissions",
        "https://learn.microsoft.com/azure/aks/managed-identity-overview",
    ],
    fix=Fix(
        """
        az role assignment list --assignee {control_plane_object_id} --all --output table
        az role assignment create --assignee-object-id {control_plane_object_id} --assignee-principal-type ServicePrincipal --role 4d97b98b-1d4f-4787-a291-c67834d212e7 --scope {subnet_id}
        az role assignment delete --ids {role_assignment_id}
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_role_assignment where principal_id is "
            "azurerm_kubernetes_cluster.identity[0].principal_id or the user-assigned identity's "
            "principal_id"
        ),
        arm="Microsoft.Authorization/roleAssignments properties.roleDefinitionId, scope",
    ),
)
def control_plane_identity_is_narrow(
    identity: ControlPlaneIdentity,
    inventory: Inventory,
    *,
    key_vault_data_roles: Mapping[str, str] = _KEY_VAULT_DATA_ROLES,
    allowed_wide_roles: tuple[str, ...] = (),
) -> Iterator[Finding]:
    """The control plane identity holds no role wider than its cluster.

    AKS gives this identity Contributor on the node resource group and needs little else: join on subnets, records in a
    private DNS zone, routes. Contributor on a subscription turns control over one cluster, or over anyone who may
    change its identity, into control over everything beside it.

    **Fix**: replace broad roles by the narrow one on the one resource: Network Contributor on the subnet or its
    resource group, Private DNS Zone Contributor on the zone, Managed Identity Operator on the kubelet identity. Keep
    Contributor on the node resource group only. A new role can take up to 60 minutes to reach the cluster, so grant
    the narrow ones first.
    """
    cluster = identity.cluster
    if cluster.uses_service_principal:
        raise NotApplicable("the cluster uses a service principal (IDN-001)")
    evidence: dict[str, EvidenceValue] = {
        "identity.userAssignedIdentities": identity.resource_id,
        "identity.principalId": identity.object_id,
        **searched(identity.object_id, inventory),
    }
    vault_roles = tuple(key_vault_data_roles.values())
    held_roles = inventory.known_assignments(identity.object_id)
    yield from any_of(*(_too_wide(held, cluster, vault_roles, allowed_wide_roles, evidence) for held in held_roles))
    inventory.require_assignments(identity.object_id)


def _serves_kms(held: EffectiveAssignment, cluster: Cluster) -> bool:
    kms = cluster.properties.security_profile.azure_key_vault_kms
    vault = held.scope.ancestor("Microsoft.KeyVault/vaults").name
    return kms.enabled and held.is_one_of(_KMS_ROLES) and bool(vault) and vault.casefold() == kms.vault_name.casefold()


def _too_wide(
    held: EffectiveAssignment,
    cluster: Cluster,
    vault_roles: tuple[str, ...],
    allowed: tuple[str, ...],
    evidence: Mapping[str, EvidenceValue],
) -> Iterator[Finding]:
    if held.is_one_of(vault_roles) and not _serves_kms(held, cluster):
        yield granted(held, evidence, why="(d)")
    is_administrator = if_known(lambda: held.grants_roles or held.grants_everything)
    if held.assignment.is_broad and is_administrator is not True and not held.is_one_of(allowed):
        yield granted(held, evidence, why="(c)")
    if held.grants_everything and not cluster.owns(held.scope):
        yield granted(held, evidence, why="(b)")
    if held.grants_roles:
        yield granted(held, evidence, why="(a)")


@rule(
    "IDN-006",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.ROLE_ASSIGNMENTS,
        Need.ROLE_DEFINITIONS,
        Need.VIRTUAL_NETWORKS,
        Need.SUBNETS,
        Need.ROUTE_TABLES,
    ],
    optional_needs=[Need.SERVICES, Need.AKS_NODE_CLASSES],
    docs=[
        "https://learn.microsoft.com/azure/aks/aks-service-permissions",
        "https://learn.microsoft.com/azure/aks/managed-identity-overview",
    ],
    fix=Fix(
        """
        az role assignment create --assignee-object-id {control_plane_object_id} --assignee-principal-type ServicePrincipal --role 4d97b98b-1d4f-4787-a291-c67834d212e7 --scope {subnet_id}
        az role assignment create --assignee-object-id {control_plane_object_id} --assignee-principal-type ServicePrincipal --role b12aa53e-6015-4669-85d0-8515ebb3ae7f --scope {private_dns_zone_id}
        az role assignment create --assignee-object-id {control_plane_object_id} --assignee-principal-type ServicePrincipal --role f1a07417-d97a-45cb-824c-7a7467783830 --scope {kubelet_identity_id}
        az aks update --resource-group {resource_group} --name {cluster} --enable-managed-identity --assign-identity {identity_resource_id}
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_role_assignment for the principal of azurerm_kubernetes_cluster.identity, per scope;"
            " azurerm_kubernetes_cluster.identity.type"
        ),
        arm="identity.type; roleAssignments on subnet, privateDnsZone, routeTable, userAssignedIdentity",
    ),
)
def control_plane_identity_is_sufficient(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """The control plane identity has every permission that the cluster's topology needs.

    With the CLI these roles are granted for you; with templates, Terraform, or after an identity change they are not.
    The gap shows weeks later: internal load balancers stay pending, upgrades fail, new pools cannot join their subnet,
    private DNS records are not written.

    **Fix**: use a user-assigned control plane identity so that roles can be granted before the cluster exists, and
    grant exactly the missing role on the exact resource. Moving from a system-assigned to a user-assigned identity
    causes no downtime and takes effect within hours.
    """
    needed, gap = requirements(cluster, inventory)
    if not needed and gap is None:
        raise NotApplicable("everything that the control plane touches stands in the node resource group")
    if cluster.uses_service_principal:
        raise NotCollected(_unknown_principal(cluster))
    identity = ControlPlaneIdentity(cluster, ControlPlaneIdentity.of(cluster))
    yield from any_of(_unsupported(cluster), *(_lacking(one, identity, inventory) for one in needed))
    if gap is not None:
        raise NotCollected(gap)


def _unknown_principal(cluster: Cluster) -> Gap:
    return untold(
        "arm",
        cluster.id,
        "the cluster uses a service principal, whose object id ARM does not tell (IDN-001)",
        Need.MANAGED_CLUSTERS,
    )


def _unsupported(cluster: Cluster) -> Iterator[Finding]:
    """What AKS does not support with a system-assigned identity."""
    identity, zone = cluster.resource.identity.type, cluster.properties.api_server_access_profile.private_dns_zone
    if identity != "SystemAssigned":
        return
    if cluster.has_own_private_zone:
        yield Finding(
            f"a system-assigned identity cannot use a private DNS zone of one's own ({zone.name})",
            {"identity.type": identity, "apiServerAccessProfile.privateDNSZone": zone},
        )
    pools = [p.name for p in cluster.pools if p.properties.type == "VirtualMachines" and p.properties.vnet_subnet_id]
    if pools:
        yield Finding(
            f"a system-assigned identity cannot run pools of type VirtualMachines in a subnet ({', '.join(pools)})",
            {"identity.type": identity, "agentPoolProfiles.type VirtualMachines": tuple(pools)},
        )


def _lacking(needed: Requirement, identity: ControlPlaneIdentity, inventory: Inventory) -> Iterator[Finding]:
    missing = needed.missing(identity.object_id, inventory)
    if missing:
        held = (a for a in inventory.known_assignments(identity.object_id) if a.assignment.reaches(needed.resource))
        yield Finding(
            f"{needed.resource.name} ({needed.setting}): {', '.join(missing)} is missing",
            {
                "identity.type": identity.cluster.resource.identity.type,
                "identity.principalId": identity.object_id,
                str(needed.resource): (
                    needed.setting,
                    *(f"missing: {action}" for action in missing),
                    *(f"held: {described(one)}" for one in held),
                ),
            },
            fill={**identity.placeholders(), **_fill(needed)},
        )


def _fill(needed: Requirement) -> dict[str, str]:
    names = {
        "Microsoft.Network/virtualNetworks/subnets": "subnet_id",
        "Microsoft.Network/privateDnsZones": "private_dns_zone_id",
        "Microsoft.ManagedIdentity/userAssignedIdentities": "kubelet_identity_id",
    }
    name = names.get(str(needed.resource.type))
    return {name: str(needed.resource)} if name else {}
