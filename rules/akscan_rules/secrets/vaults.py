"""The key vaults that clusters depend on."""

from collections.abc import Iterator

from akscan.sdk import (
    ClusterVault,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    Pillar,
    Severity,
    rule,
)


@rule(
    "SEC-005",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.VAULTS, Need.SECRET_PROVIDER_CLASSES],
    frameworks={"mcsb": ["NS-2", "DP-8"], "nist_800_53": ["AC-4", "SC-7", "SC-7(3)"]},
    docs=[
        "https://learn.microsoft.com/azure/key-vault/general/network-security",
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-driver",
    ],
    fix=Fix(
        """
        az network private-endpoint create --resource-group {resource_group} --name pe-{vault} --subnet {subnet_id} --private-connection-resource-id {vault_id} --group-id vault --connection-name {vault}
        # never for a vault with a legacy KMS key in public mode
        az keyvault update --name {vault} --resource-group {resource_group} --public-network-access Disabled --bypass AzureServices
        """,  # noqa: E501 a command stands on one line
        Disruption.CONTROL_PLANE,
        terraform="azurerm_key_vault.public_network_access_enabled and network_acls.default_action",
        arm="Microsoft.KeyVault/vaults properties.publicNetworkAccess, networkAcls.defaultAction",
    ),
)
def vaults_are_closed_to_the_internet(vault: ClusterVault, inventory: Inventory) -> Iterator[Finding]:
    """Vaults that the cluster depends on are closed to the public internet.

    A stolen token is enough to read an open vault from anywhere. A firewall or private endpoint forces the thief to be
    inside the network first.

    **Fix**: create a private endpoint in a subnet that the cluster reaches, link the DNS zone, then close public
    access. Nothing is disturbed when private access works first; otherwise mounts fail. The API server reaches a KMS
    vault through the trusted services exception: keep that open. A vault with a legacy KMS key (identifier with
    version) and `keyVaultNetworkAccess` Public has to stay open until the cluster has left that mode; closing it stops
    the API server.
    """
    found = vault.resource(inventory)
    if found.is_public:
        acls = found.network_acls
        users = [f"{user.cluster.name}: {user.by}" for user in vault.users]
        yield Finding(
            f"{found.name} answers every address of the internet; it is used by {', '.join(users)}",
            {
                "id": found.id,
                "publicNetworkAccess": found.properties.public_network_access,
                "networkAcls.defaultAction": acls.default_action or None,
                "networkAcls.bypass": acls.bypass or None,
                "networkAcls.ipRules": [allowed.get("value", "") for allowed in acls.ip_rules],
                "networkAcls.virtualNetworkRules": [allowed.id for allowed in acls.virtual_network_rules],
                "approvedPrivateEndpointConnections": len(found.approved_private_endpoints),
                "usedBy": users,
            },
        )
