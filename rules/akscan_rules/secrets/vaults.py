"""The key vaults that clusters depend on."""

from collections.abc import Iterator

from akscan.sdk import (
    ClusterVault,
    DiagnosticSetting,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    rule,
)

#: What tells which vaults clusters use.
VAULT_NEEDS = (Need.MANAGED_CLUSTERS, Need.VAULTS, Need.SECRET_PROVIDER_CLASSES)
_READS = ("get", "list")
_AUDIT = ("AuditEvent", "audit", "allLogs")


def users_of(vault: ClusterVault) -> list[str]:
    """The clusters that use a vault, and by what."""
    return [f"{user.cluster.name}: {user.by}" for user in vault.users]


@rule(
    "SEC-005",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=VAULT_NEEDS,
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
        users = users_of(vault)
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


@rule(
    "SEC-007",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=VAULT_NEEDS,
    frameworks={"mcsb": ["PA-7"], "waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/key-vault/general/rbac-guide",
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access",
    ],
    fix=Fix(
        """
        az role assignment create --assignee-object-id {identity_object_id} --assignee-principal-type ServicePrincipal --role 4633458b-17de-408a-b874-0445c86b69e6 --scope {vault_id}
        # a vault with the key of etcd: without this role the API server stops when the policies do
        az role assignment create --assignee-object-id {control_plane_object_id} --assignee-principal-type ServicePrincipal --role 12338af0-0e69-4776-bea7-57ae8d297424 --scope {vault_id}
        # last, when every holder of a policy has its role
        az keyvault update --name {vault} --resource-group {resource_group} --enable-rbac-authorization true
        """,  # noqa: E501 a command stands on one line
        Disruption.CONTROL_PLANE,
        terraform="azurerm_key_vault.rbac_authorization_enabled (enable_rbac_authorization in older provider versions)",
        arm="Microsoft.KeyVault/vaults properties.enableRbacAuthorization",
    ),
)
def vaults_authorize_by_roles(vault: ClusterVault, inventory: Inventory) -> Iterator[Finding]:
    """Vaults of the cluster authorize by Azure RBAC.

    With access policies, whoever may write the vault resource, every Contributor of its resource group, can grant
    himself all secrets, and rights cannot be limited to one secret or made time-bound. New vaults use RBAC by default
    since API version 2026-02-01; old ones stay as they are.

    **Fix**: assign the Key Vault roles that match the policies first, then switch the model; the policies stop working
    at that moment. On a vault that holds the KMS key the control plane identity needs Key Vault Crypto User before.
    Nothing is disturbed in this order; in any other readers, with KMS the API server too, lose access.
    """
    found = vault.resource(inventory)
    if not found.properties.enable_rbac_authorization:
        policies = found.properties.access_policies
        wide = [p for p in policies if any(one.partition(" ")[2] not in _READS for one in p.granted)]
        yield Finding(
            f"{found.name} authorizes by access policies; it is used by {', '.join(users_of(vault))}",
            {
                "id": found.id,
                "enableRbacAuthorization": found.properties.enable_rbac_authorization,
                "accessPolicies": len(policies),
                "accessPoliciesBeyondGetAndList": len(wide),
                "usedBy": users_of(vault),
            },
        )


@rule(
    "SEC-008",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=VAULT_NEEDS,
    frameworks={"mcsb": ["DP-8"], "waf": ["RE:07"], "nist_800_53": ["CP-9"]},
    docs=["https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview"],
    fix=Fix(
        "az keyvault update --name {vault} --resource-group {resource_group} --enable-purge-protection true",
        Disruption.NONE,
        terraform="azurerm_key_vault.purge_protection_enabled and soft_delete_retention_days",
        arm="Microsoft.KeyVault/vaults properties.enablePurgeProtection, enableSoftDelete",
    ),
)
def deleted_secrets_can_be_recovered(vault: ClusterVault, inventory: Inventory) -> Iterator[Finding]:
    """Deleted vaults and secrets of the cluster can be recovered.

    Without purge protection, one mistaken or malicious purge removes secrets for good. Every pod that mounts them
    fails at its next start, and there is nothing to restore.

    **Fix**: enable purge protection. It cannot be switched off again, and the name of a deleted vault stays taken for
    the retention period.
    """
    if not vault.classes:
        raise NotApplicable("only the key of etcd is in it, which SEC-012 judges")
    found = vault.resource(inventory)
    properties = found.properties
    if properties.create_mode == "recover":
        raise NotApplicable("it is being recovered")
    if not properties.enable_soft_delete or not properties.enable_purge_protection:
        yield Finding(
            f"what is deleted in {found.name} can be purged for good",
            {
                "id": found.id,
                "enableSoftDelete": properties.enable_soft_delete,
                "softDeleteRetentionInDays": properties.soft_delete_retention_in_days,
                "enablePurgeProtection": properties.enable_purge_protection,
                "usedBy": users_of(vault),
            },
        )


@rule(
    "SEC-009",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[*VAULT_NEEDS, Need.DIAGNOSTIC_SETTINGS],
    frameworks={"mcsb": ["LT-3", "DP-8"], "nist_800_53": ["AU-6(4)", "AU-6(5)", "AU-12", "AU-12(1)"]},
    docs=[
        "https://learn.microsoft.com/azure/key-vault/general/howto-logging",
        "https://learn.microsoft.com/azure/aks/kms-observability",
    ],
    fix=Fix(
        """
        az monitor diagnostic-settings create --name audit --resource {vault_id} --workspace {workspace_id} --logs '[{"categoryGroup":"audit","enabled":true}]'
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="azurerm_monitor_diagnostic_setting.enabled_log for the vault",
        arm="Microsoft.Insights/diagnosticSettings properties.logs on the vault",
    ),
)
def access_to_vaults_is_logged(vault: ClusterVault, inventory: Inventory) -> Iterator[Finding]:
    """Access to the vaults of the cluster is logged.

    After an incident the first question is which secrets were read, by whom and from where. Without the audit log
    there is no answer, and every secret in the vault has to be changed.

    **Fix**: send the audit category to the workspace that the security team watches.
    """
    found = vault.resource(inventory)
    settings = inventory.within(DiagnosticSetting, found.id)
    if not any(one.destinations and any(log in one.enabled_logs for log in _AUDIT) for one in settings):
        yield Finding(
            f"nobody keeps a record of who reads {found.name}",
            {
                "id": found.id,
                "usedBy": users_of(vault),
                "diagnosticSettings": [
                    f"{one.name}: {', '.join(one.enabled_logs) or 'no log'} to "
                    f"{', '.join(str(to.type) for to in one.destinations) or 'nowhere'}"
                    for one in settings
                ],
            },
        )
