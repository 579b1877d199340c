"""Administrators through Azure: who gets in, who else could, and which resources are let in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from akscan.sdk import (
    Cluster,
    Disruption,
    EvidenceValue,
    Finding,
    Fix,
    Grant,
    Inventory,
    ListedResource,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    RoleAssignment,
    RoleDefinition,
    Severity,
    Token,
    TrustedAccessRoleBinding,
    any_of,
    if_known,
    rule,
    untold,
)

Evidence = Mapping[str, EvidenceValue | Sequence[str]]

_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_EVERYTHING = f"{_CLUSTERS}/*"
_BIND_ROLES = f"{_CLUSTERS}/rbac.authorization.k8s.io/rolebindings/write"
_ADMIN_CREDENTIAL = f"{_CLUSTERS}/listClusterAdminCredential/action"
#: The older way to the same credential, which also fails once local accounts are disabled
#: (https://github.com/hashicorp/terraform-provider-azurerm/pull/15489).
_ACCESS_PROFILE = f"{_CLUSTERS}/accessProfiles/listCredential/action"
_USER_CREDENTIAL = f"{_CLUSTERS}/listClusterUserCredential/action"
_WRITE = f"{_CLUSTERS}/write"
_ASSIGN_ROLES = "Microsoft.Authorization/roleAssignments/write"


@rule(
    "ACC-005",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.MANAGED_CLUSTERS],
    optional_needs=[Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS, Need.ROLE_ELIGIBILITY, Need.CLUSTER_ROLE_BINDINGS],
    docs=[
        "https://learn.microsoft.com/azure/aks/entra-id-control-plane-authentication",
        "https://learn.microsoft.com/azure/aks/local-accounts",
    ],
    fix=Fix(
        """
        az role assignment create --assignee-object-id {group_object_id} --assignee-principal-type Group --role b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b --scope {cluster_id}
        az aks update --resource-group {resource_group} --name {cluster} --aad-admin-group-object-ids {admin_group_object_id}
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform=(
            "azurerm_kubernetes_cluster.azure_active_directory_role_based_access_control.admin_group_object_ids; "
            "azurerm_role_assignment"
        ),
        arm="properties.aadProfile.adminGroupObjectIDs",
    ),
)
def an_administrator_gets_in(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """At least one administrator path through Entra ID works.

    A hardened cluster in which nobody holds the administrator role cannot be repaired from inside: the first broken
    webhook or policy becomes an outage until someone with `managedClusters/write` restores access.

    **Fix**: give one group the RBAC Cluster Admin role (eligible through Privileged Identity Management where
    licensed), or set an administrator group. Write down the emergency path and test it.
    """
    properties, grants = cluster.properties, inventory.grants
    aad, bindings = properties.aad_profile, cluster.lists.cluster_role_bindings
    if not properties.disable_local_accounts:
        raise NotApplicable("local accounts are enabled, and let an administrator in")
    if aad is not None:
        by_azure: tuple[Grant, ...] = ()
        if aad.enable_azure_rbac:
            by_azure = (*grants.known(cluster.id), *grants.known_eligible(cluster.id))
        holders, unread = grants.by_role(by_azure, lambda role: role.grants_all_data(_EVERYTHING))
        own = (b for b in bindings.items if b.is_to_cluster_admin and not b.is_of_aks)
        bound = any(not someone.is_misnamed_group for binding in own for someone in binding.people)
        if aad.admin_group_object_ids or holders or bound:
            return
        if aad.enable_azure_rbac:
            grants.require(cluster.id)
            grants.require_roles(unread)
            grants.require_eligible(cluster.id)
        bindings.complete()
    yield Finding(
        "local accounts are disabled, and nobody holds the administrator role through Microsoft Entra ID",
        {
            "disableLocalAccounts": properties.disable_local_accounts,
            "aadProfile.managed": aad.managed if aad else None,
            "adminGroupObjectIDs": aad.admin_group_object_ids if aad else None,
            "enableAzureRBAC": aad.enable_azure_rbac if aad else None,
        },
    )


@rule(
    "ACC-006",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS],
    optional_needs=[Need.ROLE_ASSIGNMENT_SCHEDULES],
    frameworks={"mcsb": ["PA-7"], "waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/entra-id-authorization",
        "https://learn.microsoft.com/azure/aks/privileged-identity-management",
    ],
    fix=Fix(
        """
        az role assignment list --scope {cluster_id} --include-inherited --query "[?contains(roleDefinitionName,'Azure Kubernetes Service RBAC')]" --output table
        az role assignment delete --ids {role_assignment_id}
        az role assignment create --assignee-object-id {group_object_id} --assignee-principal-type Group --role b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b --scope {cluster_id}
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform=(
            "azurerm_role_assignment.role_definition_name, principal_type, scope; "
            "azure_active_directory_role_based_access_control.admin_group_object_ids"
        ),
        arm="Microsoft.Authorization/roleAssignments; properties.aadProfile.adminGroupObjectIDs",
    ),
)
def administrators_through_azure_are_few(
    cluster: Cluster,
    inventory: Inventory,
    *,
    admin_roles: Mapping[str, str] = {
        "Azure Kubernetes Service RBAC Cluster Admin": "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
        "Azure Kubernetes Service RBAC Admin": "3498e952-d568-435e-9b2c-8d77e338d7f7",
    },
    max_principals: int = 4,
) -> Iterator[Finding]:
    """Cluster administrator through Azure is held by few groups and on this cluster only.

    These holders can read every secret and change every workload. Single users outlive their job, service principals
    carry keys in pipelines, and an assignment at subscription scope silently covers every cluster created later.

    **Fix**: keep one administrator group per platform team, assign it on the cluster, make membership or the role
    eligible instead of active, and give teams namespace-scoped roles.
    """
    aad = cluster.properties.aad_profile
    if aad is None:
        raise NotApplicable("the cluster has no integration with Microsoft Entra ID")
    held, unread = _administrators(cluster, inventory, admin_roles) if aad.enable_azure_rbac else ([], [])
    broad = [assignment for assignment in held if assignment.is_broad]
    evidence: Evidence = {
        "adminGroupObjectIDs": aad.admin_group_object_ids,
        "enableAzureRBAC": aad.enable_azure_rbac,
        "holders": [_described(assignment, cluster, inventory) for assignment in held],
        "holdersAboveTheCluster": sum(assignment.properties.scope != cluster.id for assignment in held),
    }
    yield from any_of(
        _standing_users(held, cluster, inventory, evidence),
        (
            Finding(f"{_holder(one)} is an administrator of all of {one.properties.scope}", evidence, _fill(one))
            for one in broad
        ),
        _too_many([*map(Token, aad.admin_group_object_ids), *_principals(held)], max_principals, evidence),
        _all_read(cluster, inventory, unread) if aad.enable_azure_rbac else iter(()),
    )


def _administrators(
    cluster: Cluster, inventory: Inventory, admin_roles: Mapping[str, str]
) -> tuple[list[RoleAssignment], list[RoleAssignment]]:
    """The assignments of administrator roles on the cluster or above it, and those of roles that were not read."""
    known, guids = inventory.grants.known(cluster.id), set(map(Token, admin_roles.values()))
    others = (assignment for assignment in known if assignment.role_guid not in guids)
    custom, unread = inventory.grants.by_role(
        others, lambda role: role.properties.type == "CustomRole" and role.grants_data(_BIND_ROLES)
    )
    return [*(assignment for assignment in known if assignment.role_guid in guids), *custom], unread


@rule(
    "ACC-007",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS],
    optional_needs=[Need.ROLE_ASSIGNMENT_SCHEDULES],
    frameworks={"mcsb": ["PA-7"], "waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/control-kubeconfig-access",
        "https://learn.microsoft.com/azure/aks/local-accounts",
    ],
    fix=Fix(
        """
        az aks update --resource-group {resource_group} --name {cluster} {sign_in_flag}
        az role assignment list --scope {cluster_id} --include-inherited --output table
        az role assignment create --assignee-object-id {group_object_id} --assignee-principal-type Group --role 4abbcc35-e782-43d8-92c5-2d3f1bd2253f --scope {cluster_id}
        az role assignment delete --ids {role_assignment_id}
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform=(
            "azurerm_role_assignment on the cluster or its resource group; "
            "azurerm_kubernetes_cluster.local_account_disabled"
        ),
        arm="Microsoft.Authorization/roleAssignments; properties.disableLocalAccounts",
    ),
)
def few_can_make_themselves_administrators(
    cluster: Cluster, inventory: Inventory, *, max_principals: int = 8
) -> Iterator[Finding]:
    """Few principals can make themselves cluster administrator through the Azure resource.

    Contributor is granted to look after a resource group, yet it includes the road to root in the cluster: by
    downloading the administrator certificate, or, where that is switched off, by switching it on again. Each such
    principal belongs to the circle of administrators, named or not.

    **Fix**: disable local accounts (`--disable-local-accounts`), which needs the integration with Microsoft Entra ID
    first (`--enable-aad`), give people the Cluster User role and RBAC roles instead of Contributor, let a pipeline
    identity hold the write right, and make what people need eligible instead of active.
    """
    properties, actions = cluster.properties, _roads_to_root(cluster)
    held, unread = inventory.grants.by_role(
        inventory.grants.known(cluster.id), lambda role: any(map(role.grants, actions))
    )
    group = f"{cluster.id.subscription_scope}/resourceGroups/{cluster.id.resource_group}"
    near = [assignment for assignment in held if assignment.properties.scope in (cluster.id, Token(group))]
    evidence: Evidence = {
        "assignments": [_described(assignment, cluster, inventory, _among(actions)) for assignment in held],
        "principals": len(set(_principals(held))),
        "disableLocalAccounts": properties.disable_local_accounts,
        "disableRunCommand": properties.api_server_access_profile.disable_run_command,
    }
    flag = "--enable-aad" if properties.aad_profile is None else "--disable-local-accounts"
    for finding in any_of(
        _standing_users(near, cluster, inventory, evidence),
        _too_many(_principals(held), max_principals, evidence),
        _all_read(cluster, inventory, unread),
    ):
        yield replace(finding, fill={**finding.fill, "sign_in_flag": flag})


def _roads_to_root(cluster: Cluster) -> list[str]:
    """The actions with which a caller becomes administrator of this cluster."""
    properties = cluster.properties
    return [
        *([] if properties.disable_local_accounts else [_ADMIN_CREDENTIAL, _ACCESS_PROFILE]),
        *([_USER_CREDENTIAL] if properties.aad_profile is None else []),
        _WRITE,
        _ASSIGN_ROLES,
    ]


def _among(actions: Iterable[str]) -> Callable[[RoleDefinition], str]:
    """Which of the actions a role grants, in words."""
    return lambda role: " ".join(action for action in actions if role.grants(action))


# --- holders of roles


def _holder(assignment: RoleAssignment) -> str:
    held = assignment.properties
    return f"{held.principal_type or 'principal'} {held.principal_id}"


def _principals(held: Iterable[RoleAssignment]) -> list[Token]:
    return [assignment.properties.principal_id for assignment in held]


def _fill(assignment: RoleAssignment) -> dict[str, str]:
    return {"role_assignment_id": str(assignment.id)}


def _described(
    assignment: RoleAssignment,
    cluster: Cluster,
    inventory: Inventory,
    granted: Callable[[RoleDefinition], str] = lambda _role: "",
) -> str:
    """An assignment as evidence: who, what, where, for how long, by which of the actions in question."""
    held = assignment.properties
    role = inventory.known_role(assignment.role_guid)
    standing = if_known(lambda: "standing" if inventory.grants.is_standing(assignment, cluster.id) else "time-bound")
    where = "direct" if held.scope == cluster.id else "inherited"
    name = f"{role.properties.role_name} ({assignment.role_guid})" if role else str(assignment.role_guid)
    parts = [_holder(assignment), name, f"on {held.scope}", where, str(standing), granted(role) if role else ""]
    return ", ".join(filter(None, [*parts, f"condition {held.condition}" if held.condition else ""]))


def _standing_users(
    held: Sequence[RoleAssignment], cluster: Cluster, inventory: Inventory, evidence: Evidence
) -> Iterator[Finding]:
    """Users with an assignment that does not end by itself."""
    for assignment in held:
        if assignment.properties.principal_type == "User" and inventory.grants.is_standing(assignment, cluster.id):
            message = f"{_holder(assignment)} holds a standing role on {assignment.properties.scope}"
            yield Finding(message, evidence, _fill(assignment))
    if unknown := [assignment for assignment in held if not assignment.properties.principal_type]:
        raise NotCollected(
            untold("arm", unknown[0].id, f"whether {_holder(unknown[0])} is a user", Need.ROLE_ASSIGNMENTS)
        )


def _too_many(principals: Iterable[Token], most: int, evidence: Evidence) -> Iterator[Finding]:
    found = len(set(principals))
    if found > most:
        yield Finding(f"{found} principals are or can become administrators, more than {most}", evidence)


def _all_read(cluster: Cluster, inventory: Inventory, unread: Sequence[RoleAssignment]) -> Iterator[Finding]:
    """Finds nothing, and raises `NotCollected` where a holder may be missing."""
    inventory.grants.require(cluster.id)
    inventory.grants.require_roles(unread)
    yield from ()


# --- Trusted Access


@rule(
    "ACC-008",
    Severity.LOW,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.TRUSTED_ACCESS],
    optional_needs=[Need.RESOURCES],
    docs=["https://learn.microsoft.com/azure/aks/trusted-access-feature"],
    fix=Fix(
        """
        az aks trustedaccess rolebinding list --resource-group {resource_group} --cluster-name {cluster} --output table
        az aks trustedaccess rolebinding delete --resource-group {resource_group} --cluster-name {cluster} --name {name}
        """,
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster_trusted_access_role_binding.source_resource_id",
        arm="Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings properties.sourceResourceId, roles",
    ),
)
def trusted_access_is_expected(
    cluster: Cluster,
    inventory: Inventory,
    *,
    allowed_source_types: tuple[str, ...] = (
        "Microsoft.DataProtection/backupVaults",
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.Security/pricings",
        "Microsoft.Security/pricings/securityOperators",
    ),
) -> Iterator[Finding]:
    """Trusted Access bindings name resources that exist and are expected.

    Trusted Access lets another Azure resource into the API server past private endpoints, authorized IP ranges and
    disabled local accounts. A binding left behind by a service that is no longer used is an entrance that nobody
    watches.

    **Fix**: delete bindings of services that are gone; record the others as expected. The service behind the binding
    loses access.
    """
    bindings = inventory.known_within(TrustedAccessRoleBinding, cluster.id)
    allowed = set(map(Token, allowed_source_types))
    yield from any_of(*(_unexpected(binding, inventory, allowed) for binding in bindings))
    if not inventory.within(TrustedAccessRoleBinding, cluster.id):
        raise NotApplicable("no resource is let in by Trusted Access")


def _unexpected(binding: TrustedAccessRoleBinding, inventory: Inventory, allowed: set[Token]) -> Iterator[Finding]:
    source = binding.properties.source_resource_id
    evidence: Evidence = {
        "name": binding.name,
        "provisioningState": binding.properties.provisioning_state,
        "sourceResourceId": source,
        "roles": binding.properties.roles,
    }
    fill, part = {"name": binding.name}, f"trustedAccessRoleBindings/{binding.name}"
    if source.type not in allowed:
        yield Finding(f"{binding.name} lets in {source.name}, a {source.type}", evidence, fill, part)
    elif binding.source_is_listed and inventory.find(ListedResource, source) is None:
        yield Finding(f"{binding.name} lets in {source.name}, which does not exist (any more)", evidence, fill, part)
