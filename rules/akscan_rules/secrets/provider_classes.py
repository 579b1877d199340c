"""SecretProviderClasses: as whom they read, and what."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from akscan.sdk import (
    Disruption,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    RoleDefinition,
    SecretProviderClassSubject,
    Severity,
    Vault,
    VaultObject,
    VaultReader,
    any_of,
    if_known,
    read_vault,
    rule,
    stored,
    untold,
)

from akscan_rules.secrets import WORKLOAD_NEEDS

_WITH_POLICIES = ("Owner", "Contributor", "Key Vault Contributor")
#: With these a custom role changes a vault or what it holds, whatever decides on access
#: (https://learn.microsoft.com/azure/role-based-access-control/permissions/security).
_WRITES = tuple(
    f"Microsoft.KeyVault/vaults/{action}"
    for action in ("write", "delete", "accessPolicies/write", "secrets/write", "keys/write")
)
#: And with these where roles decide.
_ASSIGNS = "Microsoft.Authorization/roleAssignments/write"
_DATA_WRITES = tuple(
    f"Microsoft.KeyVault/vaults/{kind}/{action}"
    for kind in ("secrets", "keys", "certificates")
    for action in (
        "setSecret/action", "create/action", "import/action", "update/action", "rotate/action", "delete",
        "purge/action", "recover/action", "restore/action",
    )
)  # fmt: skip
_ACTIONS_SHOWN = 5


@rule(
    "SEC-003",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.SECRET_PROVIDER_CLASSES, *WORKLOAD_NEEDS],
    frameworks={"waf": ["SE:05", "SE:09"]},
    docs=["https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access"],
    fix=Fix(
        """
        az identity federated-credential create --name {credential} --identity-name {identity} --resource-group {resource_group} --issuer {oidc_issuer_url} --subject system:serviceaccount:{namespace}:{service_account} --audience api://AzureADTokenExchange
        az role assignment create --assignee-object-id {identity_object_id} --assignee-principal-type ServicePrincipal --role 4633458b-17de-408a-b874-0445c86b69e6 --scope {vault_id}
        kubectl edit secretproviderclass {name} --namespace {namespace}
        """,  # noqa: E501 a command stands on one line
        Disruption.WORKLOAD_RESTART,
        terraform="kubernetes_manifest of kind SecretProviderClass: spec.parameters",
    ),
)
def provider_classes_use_a_workload_identity(
    subject: SecretProviderClassSubject, inventory: Inventory
) -> Iterator[Finding]:
    """SecretProviderClasses use a workload identity, not an identity of the node.

    The node identity is one for all: any pod of any namespace that names the vault in a class of its own, or asks
    instance metadata, reads the same secrets. A workload identity is tied to one service account.

    **Fix**: federate a user-assigned identity with the service account of the workload, grant it Key Vault Secrets
    User on the vault, and set `clientID` instead of `useVMManagedIdentity` and `userAssignedIdentityID`, in this order.
    """
    if not subject.object.is_azure:
        raise NotApplicable("another provider mounts it")
    if subject.object.is_of_addon or subject.namespace in subject.cluster.system_namespaces:
        raise NotApplicable("the platform made it")
    parameters = subject.object.azure_parameters
    mounts = subject.mounts
    signing = sorted({mount.secret_ref for mount in mounts if mount.secret_ref})
    ways = (
        "the identity of the node (useVMManagedIdentity)" if parameters.reads_as_node else "",
        "a pod identity (usePodIdentity)" if parameters.reads_as_pod_identity else "",
        f"the service principal in Secret {', '.join(signing)}" if signing else "",
    )
    if any(ways):
        yield Finding(
            f"it reads the vault as {', '.join(way for way in ways if way)}",
            {
                "keyvaultName": parameters.keyvault_name,
                "clientID": parameters.client_id or None,
                "userAssignedIdentityID": parameters.user_assigned_identity_id or None,
                "useVMManagedIdentity": parameters.use_vm_managed_identity or None,
                "usePodIdentity": parameters.use_pod_identity or None,
                "nodePublishSecretRef": signing,
                "workloads": sorted({mount.workload.name for mount in mounts}),
            },
            {"service_account": mounts[0].workload.specs_read[0].service_account_name or "default"} if mounts else {},
        )
        return
    subject.cluster.secret_mounts.require()
    if not parameters.client_id:
        detail = "none of clientID, useVMManagedIdentity and usePodIdentity says as whom it reads"
        scope = f"{subject.namespace}/{subject.name}"
        raise NotCollected(untold("kubernetes", scope, detail))


@rule(
    "SEC-004",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.USER_ASSIGNED_IDENTITIES,
        Need.VAULTS,
        Need.ROLE_ASSIGNMENTS,
        Need.SECRET_PROVIDER_CLASSES,
    ],
    optional_needs=[Need.ROLE_DEFINITIONS],
    frameworks={"waf": ["SE:05", "SE:09"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access",
        "https://learn.microsoft.com/azure/key-vault/general/rbac-guide",
    ],
    fix=Fix(
        """
        az role assignment create --assignee-object-id {identity_object_id} --assignee-principal-type ServicePrincipal --role 4633458b-17de-408a-b874-0445c86b69e6 --scope {vault_id}
        az role assignment delete --ids {role_assignment_id}
        az keyvault set-policy --name {vault} --object-id {identity_object_id} --secret-permissions get
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="azurerm_role_assignment.scope and role_definition_name; azurerm_key_vault_access_policy.secret_permissions",  # noqa: E501
        arm="Microsoft.Authorization/roleAssignments; Microsoft.KeyVault/vaults properties.accessPolicies",
    ),
)
def readers_of_vaults_cannot_change_them(
    reader: VaultReader,
    inventory: Inventory,
    *,
    write_roles: Mapping[str, str] = {
        "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
        "Key Vault Contributor": "f25e0fa2-a7c8-4377-a976-54943a77a395",
        "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        "Key Vault Certificates Officer": "a4417e6f-fecd-4de8-b567-7b0420556985",
        "Key Vault Crypto Officer": "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
        "Key Vault Data Access Administrator": "8b54135c-b56d-4d72-a534-26097cfdc8d8",
    },
    read_roles: Mapping[str, str] = {
        "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
        "Key Vault Certificate User": "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
        "Key Vault Reader": "21090545-7ca7-4776-b22c-e363652d74d2",
    },
    allowed_permissions: tuple[str, ...] = ("get", "list"),
) -> Iterator[Finding]:
    """Identities that read a vault for the cluster cannot change it.

    The mount needs get and nothing else. With write or delete rights, a broken workload can replace the secrets of
    others or destroy them. What a custom role lets its holder do, its actions tell.

    **Fix**: assign Key Vault Secrets User for secrets and Key Vault Certificate User for keys and certificates, on the
    vault or on the single secret, and remove the wider role afterwards. Where access policies decide, `set-policy`
    leaves the other kinds of permissions as they are: name them too when certificates or keys are mounted.
    """
    if reader.is_of_addon:
        raise NotApplicable("it is the identity of an add-on, which IDN-007 judges, and its use SEC-003")
    principal = reader.object_id(inventory)
    yield from any_of(
        *(
            _beyond_reading(reader, name, principal, inventory, write_roles, read_roles, allowed_permissions)
            for name in reader.by_vault
        )
    )


def _beyond_reading(
    reader: VaultReader,
    name: str,
    principal: str,
    inventory: Inventory,
    write_roles: Mapping[str, str],
    read_roles: Mapping[str, str],
    allowed: tuple[str, ...],
) -> Iterator[Finding]:
    vault = read_vault(inventory, name)
    by_roles = vault.properties.enable_rbac_authorization
    evidence: dict[str, EvidenceValue | list[str]] = {
        "clientId": reader.client_id,
        "principalId": principal,
        f"{vault.name}: enableRbacAuthorization": by_roles,
        f"{vault.name}: secretProviderClasses": reader.by_vault[name],
        "expectedRoles": tuple(read_roles),
    }
    wide = {write_roles[role]: role for role in write_roles if by_roles or role in _WITH_POLICIES}
    named = (*write_roles.values(), *read_roles.values())
    unread = []
    for held in inventory.known_assignments(principal):
        if not held.assignment.reaches(vault.id):
            continue
        role, granted = next((wide[guid] for guid in wide if held.is_one_of([guid])), ""), list[str]()
        if not held.is_one_of(named):
            definition = inventory.known_role(held.assignment.role_guid)
            if definition is None:
                unread.append(held.assignment)
            elif definition.is_custom and (granted := _writes(definition, by_roles=by_roles)):
                role = f"custom role {definition.properties.role_name}"
        if role:
            yield Finding(
                f"it holds {role} on {held.scope}, and so can change {vault.name}",
                {**evidence, f"roleAssignments/{held.assignment.name}": [role, str(held.scope), *granted]},
                {"role_assignment_id": str(held.assignment.id), "vault": vault.name, "vault_id": str(vault.id)},
            )
    yield from _policies(vault, principal, allowed, evidence)
    inventory.require_assignments(principal)
    inventory.grants.require(vault.id)
    inventory.grants.require_roles(unread)


def _writes(role: RoleDefinition, *, by_roles: bool) -> list[str]:
    """The first actions of a role that change a vault or what it holds."""
    actions = (*_WRITES, _ASSIGNS) if by_roles else _WRITES
    data_actions = _DATA_WRITES if by_roles else ()
    found = (
        *(action for action in actions if role.grants(action)),
        *(action for action in data_actions if role.grants_data(action)),
    )
    return list(found[:_ACTIONS_SHOWN])


def _policies(
    vault: Vault, principal: str, allowed: tuple[str, ...], evidence: Mapping[str, EvidenceValue | list[str]]
) -> Iterator[Finding]:
    granted = [one for policy in vault.policies_of(principal) for one in policy.granted]
    judged = [one.partition(" ") for one in granted if not one.startswith("storage ")]
    beyond = [f"{kind} {permission}" for kind, _, permission in judged if permission not in allowed]
    if beyond:
        yield Finding(
            f"an access policy of {vault.name} lets it {', '.join(beyond)}",
            {**evidence, f"{vault.name}: permissions": beyond},
            {"vault": vault.name, "vault_id": str(vault.id)},
        )


@rule(
    "SEC-010",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.VAULTS, Need.VAULT_SECRETS, Need.VAULT_KEYS, Need.SECRET_PROVIDER_CLASSES],
    optional_needs=[Need.VAULT_KEY_VERSIONS],
    frameworks={"mcsb": ["DP-6"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access",
        "https://learn.microsoft.com/azure/key-vault/general/event-grid-overview",
    ],
    fix=Fix(
        """
        az keyvault {object_type} list --vault-name {vault} --query "[].{name:name,enabled:attributes.enabled,expires:attributes.expires}" --output table
        az keyvault {object_type} set-attributes --vault-name {vault} --name {object_name} --enabled true
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="azurerm_key_vault_secret.expiration_date, azurerm_key_vault_key.expiration_date",
        arm="Microsoft.KeyVault/vaults/secrets properties.attributes.exp, enabled",
    ),
)
def mounted_objects_are_valid(
    subject: SecretProviderClassSubject, inventory: Inventory, *, warn_days: int = 30
) -> Iterator[Finding]:
    """Key Vault objects mounted by workloads are enabled and not about to expire.

    A disabled object blocks the start of every pod that mounts it; an expired credential breaks the application behind
    it. Both are known days ahead to whoever looks.

    **Fix**: renew the object, let the rotation bring it to the pods, and set an expiry notification on the vault.
    """
    if not subject.object.is_azure:
        raise NotApplicable("another provider mounts it")
    subject.object.require_objects()
    objects = subject.object.azure_parameters.objects.each
    yield from any_of(*(_validity(subject, one, inventory, warn_days) for one in objects))


def _validity(
    subject: SecretProviderClassSubject, wanted: VaultObject, inventory: Inventory, warn_days: int
) -> Iterator[Finding]:
    found = stored(inventory, subject.object.vault_name, wanted)
    attributes = found.properties.attributes
    now = inventory.collected_at
    ends = attributes.expires_by(now + timedelta(days=warn_days))
    if attributes.enabled and not ends:
        return
    unlimited = [
        str(one) for one in subject.object.azure_parameters.objects.each if _has_no_end(subject, one, inventory)
    ]
    yield Finding(
        f"{wanted} " + (f"ends on {attributes.expiry}" if ends else "is disabled"),
        {
            "keyvaultName": subject.object.vault_name,
            f"{wanted}: enabled": attributes.enabled,
            f"{wanted}: expires": attributes.expiry or None,
            "withoutExpiry": unlimited,
        },
        {"object_type": wanted.type, "object_name": wanted.name},
    )


def _has_no_end(subject: SecretProviderClassSubject, one: VaultObject, inventory: Inventory) -> bool:
    known = if_known(lambda: stored(inventory, subject.object.vault_name, one))
    return not isinstance(known, str) and known.properties.attributes.exp is None
