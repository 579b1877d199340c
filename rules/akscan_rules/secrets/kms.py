"""The key with which etcd keeps Secrets."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta

from akscan.sdk import (
    Cluster,
    ControlPlaneIdentity,
    Disruption,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    KmsKey,
    KmsVault,
    Need,
    NotCollected,
    Pillar,
    Severity,
    Vault,
    any_of,
    if_known,
    may_hold,
    require_membership,
    require_no_perimeter,
    rule,
    untold,
    version_key,
)

_ENCRYPT = "Microsoft.KeyVault/vaults/keys/encrypt/action"
_DECRYPT = "Microsoft.KeyVault/vaults/keys/decrypt/action"
#: The first version in which a key without version, and platform-managed keys, can be used.
_CURRENT_FORM_SINCE = "1.33"


@rule(
    "SEC-012",
    Severity.HIGH,
    Pillar.RELIABILITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.VAULTS,
        Need.VAULT_KEYS,
        Need.VAULT_KEY_VERSIONS,
        Need.ROLE_ASSIGNMENTS,
        Need.ROLE_DEFINITIONS,
    ],
    optional_needs=[Need.USER_ASSIGNED_IDENTITIES],
    frameworks={"mcsb": ["DP-6", "DP-8"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/kms-data-encryption-concepts",
        "https://learn.microsoft.com/azure/aks/use-kms-etcd-encryption",
    ],
    fix=Fix(
        """
        az keyvault update --name {vault} --resource-group {resource_group} --enable-purge-protection true
        # (e), key identifier without version
        az keyvault update --name {vault} --resource-group {resource_group} --bypass AzureServices
        # (c), legacy key in public mode, until the cluster has left it
        az keyvault update --name {vault} --resource-group {resource_group} --public-network-access Enabled --default-action Allow
        az keyvault key set-attributes --vault-name {vault} --name {key} --expires {date}
        az role assignment create --assignee-object-id {control_plane_object_id} --assignee-principal-type ServicePrincipal --role 12338af0-0e69-4776-bea7-57ae8d297424 --scope {vault_id}
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform=(
            "azurerm_kubernetes_cluster.key_management_service with azurerm_key_vault and "
            "azurerm_key_vault_key.expiration_date"
        ),
        arm="properties.securityProfile.azureKeyVaultKms; Microsoft.KeyVault/vaults and vaults/keys",
    ),
)
def kms_key_is_usable(
    vault: KmsVault,
    inventory: Inventory,
    *,
    warn_days: int = 60,
    roles: Mapping[str, str] = {
        "Key Vault Crypto User": "12338af0-0e69-4776-bea7-57ae8d297424",
        "Key Vault Contributor": "f25e0fa2-a7c8-4377-a976-54943a77a395",
    },
) -> Iterator[Finding]:
    """The KMS key is protected, reachable, usable and far from expiry.

    With KMS the API server cannot read one Secret without this key. A key that expires, is disabled or sits behind a
    closed firewall takes the API server down with it; a purged key makes all Secrets unreadable for good, and only a
    new cluster helps.

    **Fix**: extend the key or rotate it while the old version stays valid, enable purge protection, let trusted
    services through the firewall of the vault, and give the control plane identity Key Vault Crypto User (the current
    experience asks for Key Vault Contributor as well). Give the right before the vault changes from access policies to
    roles. A legacy key in public mode works only while the firewall is off: open it first, then better leave that
    form. Never delete, disable or expire an old version before all Secrets were written again. None of these steps
    disturbs anything; changing the key or the network mode rewrites all Secrets.
    """
    found = vault.resource(inventory)
    yield from any_of(
        _protection(found),
        *(
            any_of(
                _network(cluster, key, found),
                _validity(key, inventory, warn_days),
                _rights(cluster, key, found, inventory, tuple(roles)),
            )
            for cluster, key in vault.keys(inventory)
        ),
    )


def _protection(vault: Vault) -> Iterator[Finding]:
    if not vault.properties.enable_purge_protection:
        evidence: dict[str, EvidenceValue] = {
            "id": vault.id,
            "enablePurgeProtection": vault.properties.enable_purge_protection,
        }
        yield Finding("(b) the vault can be purged, and every Secret of the cluster with it", evidence)


def _network(cluster: Cluster, key: KmsKey, vault: Vault) -> Iterator[Finding]:
    evidence: dict[str, EvidenceValue] = {
        f"{cluster.name}: azureKeyVaultKms.keyId": f"{'legacy' if key.is_legacy else 'unversioned'} {key.kms.key_id}",
        f"{cluster.name}: azureKeyVaultKms.keyVaultNetworkAccess": key.kms.key_vault_network_access,
        f"{cluster.name}: apiServerAccessProfile.enableVnetIntegration": cluster.is_vnet_integrated,
        f"{cluster.name}: identity.type": cluster.resource.identity.type,
        "publicNetworkAccess": vault.properties.public_network_access,
        "networkAcls.defaultAction": vault.network_acls.default_action or None,
        "networkAcls.bypass": vault.network_acls.bypass or None,
    }
    yield from any_of(_firewall(cluster, key, vault, evidence), _place(cluster, key, evidence))


def _firewall(cluster: Cluster, key: KmsKey, vault: Vault, evidence: Mapping[str, EvidenceValue]) -> Iterator[Finding]:
    if key.is_legacy and not key.is_public:
        return
    require_no_perimeter(vault.id, vault.properties.public_network_access)
    bypass = vault.network_acls.bypass
    if key.is_legacy and vault.admits_chosen_networks_only:
        yield Finding(f"(c) {cluster.name} reaches the vault in public mode, and the vault is closed to it", evidence)
    if not key.is_legacy and vault.admits_chosen_networks_only and bypass and bypass != "AzureServices":
        yield Finding("(e) the firewall of the vault does not let trusted services through", evidence)


def _place(cluster: Cluster, key: KmsKey, evidence: Mapping[str, EvidenceValue]) -> Iterator[Finding]:
    if key.is_legacy and not key.is_public and not cluster.is_vnet_integrated:
        yield Finding(f"(d) {cluster.name} is to reach the vault privately, without a place in its network", evidence)
    if key.is_legacy and cluster.resource.identity.type == "SystemAssigned":
        yield Finding(f"(g) {cluster.name} has a system-assigned identity, which a legacy key does not serve", evidence)


def _validity(key: KmsKey, inventory: Inventory, warn_days: int) -> Iterator[Finding]:
    found = key.resource(inventory)
    attributes = found.properties.attributes
    now = inventory.collected_at
    rotates = not key.is_legacy and found.rotates
    evidence: dict[str, EvidenceValue] = {
        "key": found.id,
        "attributes.enabled": attributes.enabled,
        "attributes.exp": attributes.expiry or None,
        "rotates": found.rotates,
    }
    if not attributes.enabled:
        yield Finding("(a) the key is disabled", evidence, {"key": key.kms.key_name})
    if attributes.expires_by(now if rotates else now + timedelta(days=warn_days)):
        yield Finding(f"(a) the key ends on {attributes.expiry}", evidence, {"key": key.kms.key_name})


def _rights(
    cluster: Cluster, key: KmsKey, vault: Vault, inventory: Inventory, expected: tuple[str, ...]
) -> Iterator[Finding]:
    principal = ControlPlaneIdentity(cluster, cluster.control_plane_identity).object_id
    if vault.properties.enable_rbac_authorization:
        held = [one for one in inventory.known_assignments(principal) if one.assignment.reaches(key.id)]
        lacking = [action for action in (_ENCRYPT, _DECRYPT) if not any(one.grants(action, data=True) for one in held)]
        if lacking:
            inventory.require_assignments(principal)
            inventory.grants.require(key.id)
        for action in lacking:
            require_membership(inventory, principal, key.id, action, data=True)
        shown = [if_known(lambda one=one: one.role_name) for one in held]  # type: ignore[misc]
    else:
        groups = inventory.groups_of(principal) or ()
        granted = {
            one for holder in (principal, *groups) for policy in vault.policies_of(holder) for one in policy.granted
        }
        lacking = _lacking(granted)
        shown = sorted(granted)
        others = (one for one in vault.properties.access_policies if may_hold(inventory, principal, one.object_id))
        if lacking and not _lacking({*granted, *(permission for other in others for permission in other.granted)}):
            detail = "an access policy may be that of a group with the identity of the control plane in it"
            raise NotCollected(untold("arm", vault.id, detail))
    if lacking:
        yield Finding(
            f"(f) the control plane of {cluster.name} may not encrypt and decrypt with the key",
            {
                f"{cluster.name}: principalId": principal,
                "enableRbacAuthorization": vault.properties.enable_rbac_authorization,
                f"{cluster.name}: held": shown,
                "lacking": lacking,
                "expectedRoles": expected,
            },
            {"control_plane_object_id": principal},
        )


def _lacking(granted: Collection[str]) -> list[str]:
    """What permissions of access policies leave out of that which the API server needs."""
    return [one for one in ("encrypt", "decrypt") if not {f"keys {one}", "keys all"}.intersection(granted)]


@rule(
    "SEC-013",
    Severity.LOW,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    frameworks={"cis_aks": ["5.3.1"], "nsa_cisa": ["C-0066"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/kms-data-encryption-concepts",
        "https://learn.microsoft.com/azure/aks/kms-data-encryption",
    ],
    fix=Fix(
        """
        # a cluster with a legacy key leaves that form first, in the order of the fix
        az aks update --resource-group {resource_group} --name {cluster} --kms-infrastructure-encryption Enabled
        az aks update --resource-group {resource_group} --name {cluster} --kms-infrastructure-encryption Enabled --enable-azure-keyvault-kms --azure-keyvault-kms-key-id {key_id_without_version} --azure-keyvault-kms-key-vault-resource-id {vault_id} --azure-keyvault-kms-key-vault-network-access Private
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.key_management_service",
        arm=(
            "properties.securityProfile.azureKeyVaultKms; "
            "properties.securityProfile.kubernetesResourceObjectEncryptionProfile"
        ),
    ),
)
def etcd_is_encrypted_with_kms(
    cluster: Cluster, inventory: Inventory, *, report_legacy: bool = True
) -> Iterator[Finding]:
    """Secrets in etcd are encrypted with KMS in its current form.

    Azure encrypts the disks of etcd in any case; KMS adds a key between the database and its reader, so that a copy of
    etcd alone reveals no Secret. The legacy form rotates only by hand, and each rotation needs all Secrets to be
    written again.

    **Fix**: enable platform-managed keys, or a customer-managed key with an identifier without version, which then
    rotates with the vault's policy. The current experience cannot be switched off later and was in preview in the
    documentation of August 2026. A cluster leaves the legacy form in this order: switch it off with
    `az aks update --disable-azure-keyvault-kms` while the old key and the right to it stay as they are, write all
    Secrets again, enable the current form, and only then retire the old key; a key that goes earlier takes the Secrets
    along.
    """
    profile = cluster.properties.security_profile
    kms = profile.azure_key_vault_kms
    infrastructure = profile.kubernetes_resource_object_encryption_profile.infrastructure_encryption
    evidence: dict[str, EvidenceValue] = {
        "azureKeyVaultKms.enabled": kms.enabled,
        "azureKeyVaultKms.keyId": kms.key_id or None,
        "infrastructureEncryption": infrastructure,
        "currentKubernetesVersion": cluster.version,
        "identity.type": cluster.resource.identity.type or None,
    }
    if infrastructure == "Enabled":
        return
    if not kms.enabled:
        yield Finding("(a) no key stands between etcd and who reads it", evidence)
    elif report_legacy and kms.key_version and version_key(cluster.version) >= version_key(_CURRENT_FORM_SINCE):
        yield Finding("(b) the key of etcd is used in its legacy form, which rotates by hand only", evidence)
