"""The kubelet identity, and the registries that it pulls from."""

from collections.abc import Iterator, Mapping

from akscan.sdk import (
    Cluster,
    ClusterRegistry,
    ContainerRegistry,
    Disruption,
    EffectiveAssignment,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    KubeletIdentity,
    Need,
    NotApplicable,
    Pillar,
    RoleAssignment,
    Severity,
    any_of,
    if_known,
    image_host,
    is_azure_registry,
    read_registry,
    require_membership,
    rule,
)

from akscan_rules.identity.grants import described, granted, searched

_PULL = "Microsoft.ContainerRegistry/registries/pull/read"
_READ_CONTENT = "Microsoft.ContainerRegistry/registries/repositories/content/read"
_WRITE_ROLES = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "AcrPush": "8311e382-0749-4cb8-b61a-304f252e45ec",
    "AcrDelete": "c2f4ef07-c644-48eb-af81-4b1b4947fb11",
    "Container Registry Repository Writer": "2a1e307c-b015-4ebd-883e-5b7698a07328",
    "Container Registry Repository Contributor": "2efddaa5-3f1f-4df3-97df-af3f13818f4c",
    "Container Registry Tasks Contributor": "fb382eab-e894-4461-af04-94435c366c3f",
}
#: So many pods are named for each registry.
_NAMED_PODS = 10


@rule(
    "IDN-003",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS],
    frameworks={"cis_aks": ["5.1.3"], "waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/aks-service-permissions",
        "https://learn.microsoft.com/azure/aks/managed-identity-overview",
    ],
    fix=Fix(
        """
        az role assignment list --assignee {kubelet_object_id} --all --include-groups --output table
        az role assignment create --assignee-object-id {kubelet_object_id} --assignee-principal-type ServicePrincipal --role 7f951dda-4ed3-4680-a7ca-43fe172d538d --scope {registry_id}
        az role assignment delete --ids {role_assignment_id}
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_role_assignment.role_definition_name and scope where principal_id is "
            "azurerm_kubernetes_cluster.kubelet_identity[0].object_id"
        ),
        arm="Microsoft.Authorization/roleAssignments properties.roleDefinitionId, properties.principalId",
    ),
)
def kubelet_identity_only_pulls_images(
    identity: KubeletIdentity, inventory: Inventory, *, extra_allowed_roles: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """The kubelet identity can pull images and nothing more.

    Every pod that can reach the instance metadata endpoint of its node can get a token of the kubelet identity.
    Whatever that identity may do in Azure, the least trusted container in the cluster may do too.

    **Fix**: hold the pull role on the registry itself first, then remove every other role. Give workloads that relied
    on the node identity their own identity through Microsoft Entra Workload ID first: they lose their access, the
    cluster itself notices nothing.
    """
    if identity.cluster.uses_service_principal:
        raise NotApplicable("the cluster uses a service principal (IDN-001)")
    held = inventory.known_assignments(identity.object_id)
    evidence: dict[str, EvidenceValue] = {
        "identityProfile.kubeletidentity.resourceId": identity.resource_id,
        "identityProfile.kubeletidentity.objectId": identity.object_id,
        **searched(identity.object_id, inventory),
        "pullRolesOnResourceGroups": if_known(lambda: tuple(str(a.scope) for a in held if _pulls_from_group(a))),
    }
    yield from any_of(*(_beyond_pulling(assignment, extra_allowed_roles, evidence) for assignment in held))
    inventory.require_assignments(identity.object_id)


def _beyond_pulling(
    held: EffectiveAssignment, extra_allowed_roles: tuple[str, ...], evidence: dict[str, EvidenceValue]
) -> Iterator[Finding]:
    if held.assignment.is_broad or not held.only_pulls(or_is=extra_allowed_roles):
        yield granted(held, evidence)


def _pulls_from_group(held: EffectiveAssignment) -> bool:
    return held.scope == held.scope.group and held.only_pulls()


@rule(
    "IDN-004",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.MANAGED_CLUSTERS, Need.REGISTRIES, Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS, Need.PODS],
    frameworks={"waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/cluster-container-registry-integration",
        "https://learn.microsoft.com/azure/aks/aks-service-permissions",
    ],
    fix=Fix(
        """
        az acr show --name {registry} --query roleAssignmentMode
        # RBAC registry permissions
        az role assignment create --assignee-object-id {kubelet_object_id} --assignee-principal-type ServicePrincipal --role 7f951dda-4ed3-4680-a7ca-43fe172d538d --scope {registry_id}
        # RBAC registry + ABAC repository permissions
        az role assignment create --assignee-object-id {kubelet_object_id} --assignee-principal-type ServicePrincipal --role b93aa761-3e63-49ed-ac28-beffa264f7ac --scope {registry_id}
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_container_registry.role_assignment_mode together with azurerm_role_assignment on that registry"
        ),
        arm=("Microsoft.ContainerRegistry/registries properties.roleAssignmentMode; roleAssignments on it"),
    ),
)
def kubelet_pulls_from_every_registry(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """The kubelet identity can pull from every Azure registry the workloads use.

    Images already cached on a node hide a missing pull right until the next scale-out, upgrade or eviction, when pods
    fail to start. A registry switched to repository permissions (ABAC), the coming default, stops honouring AcrPull
    altogether and "az aks update --attach-acr" does not support it.

    **Fix**: assign the pull role that matches the permission mode of the registry to the kubelet identity, on the
    registry.
    """
    if cluster.uses_service_principal:
        raise NotApplicable("the cluster uses a service principal (IDN-001)")
    needed = _needed(cluster, inventory)
    if not needed and cluster.lists.pods.gap is None:
        raise NotApplicable("no image comes from an Azure registry")
    yield from any_of(*(_cannot_pull(cluster, host, pods, inventory) for host, pods in needed.items()))
    cluster.lists.pods.complete()


def _needed(cluster: Cluster, inventory: Inventory) -> dict[str, list[str]]:
    """Registry hosts -> the images that pods pull from there with the identity of their node."""
    found: dict[str, list[str]] = {}
    if bootstrap := cluster.properties.bootstrap_profile.container_registry_id:
        registry = if_known(lambda: inventory.find(ContainerRegistry, bootstrap))
        host = registry.properties.login_server if isinstance(registry, ContainerRegistry) else ""
        found[host or f"{bootstrap.name}.azurecr.io"] = ["bootstrapProfile.containerRegistryId"]
    for pod in cluster.lists.pods.items:
        spec = pod.spec
        if spec is None or spec.image_pull_secrets or pod.namespace in cluster.system_namespaces:
            continue
        for container in (*spec.containers, *(spec.init_containers or ())):
            host = image_host(container.image)
            if is_azure_registry(host) or inventory.registries.at(host):
                found.setdefault(host, []).append(f"{pod.namespace}/{pod.name}: {container.image}")
    return found


def _cannot_pull(cluster: Cluster, host: str, pods: list[str], inventory: Inventory) -> Iterator[Finding]:
    registry = read_registry(inventory, host)
    if registry.properties.anonymous_pull_enabled:
        return
    identity = KubeletIdentity(cluster, KubeletIdentity.of(cluster))
    by_repository = registry.has_repository_permissions
    action = _READ_CONTENT if by_repository else _PULL
    held = [a for a in inventory.known_assignments(identity.object_id) if a.assignment.reaches(registry.id)]
    if any(one.grants(action, data=by_repository) for one in held):
        return
    inventory.within(RoleAssignment, registry.id.subscription_scope)
    require_membership(inventory, identity.object_id, registry.id, action, data=by_repository)
    yield Finding(
        f"the kubelet identity may not pull from {registry.name} ({registry.properties.role_assignment_mode})",
        {
            f"registries/{registry.name}": (
                f"loginServer {registry.properties.login_server}",
                f"roleAssignmentMode {registry.properties.role_assignment_mode}",
                *(f"held: {described(one)}" for one in held),
                *sorted(pods)[:_NAMED_PODS],
            ),
            "identityProfile.kubeletidentity.resourceId": identity.resource_id,
            **searched(identity.object_id, inventory),
        },
        fill={
            "registry": registry.name,
            "registry_id": registry.id,
            "kubelet_object_id": identity.object_id,
        },
    )


@rule(
    "IDN-014",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.REGISTRIES, Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS, Need.PODS],
    frameworks={"cis_aks": ["5.1.2"], "mcsb": ["IM-1"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/cluster-container-registry-integration",
        "https://learn.microsoft.com/azure/container-registry/container-registry-authentication",
    ],
    fix=Fix(
        """
        az acr update --name {registry} --admin-enabled false
        az acr update --name {registry} --anonymous-pull-enabled false
        az role assignment delete --ids {role_assignment_id}
        """,
        Disruption.NONE,
        terraform="azurerm_container_registry.admin_enabled and anonymous_pull_enabled",
        arm=("Microsoft.ContainerRegistry/registries properties.adminUserEnabled, properties.anonymousPullEnabled"),
    ),
)
def registries_admit_named_identities(
    registry: ClusterRegistry, inventory: Inventory, *, write_roles: Mapping[str, str] = _WRITE_ROLES
) -> Iterator[Finding]:
    """Registries that the cluster pulls from admit only named Entra identities.

    The admin account is one password with full push rights and no name in the log; anonymous pull publishes every
    image to the internet. Whoever can push an image runs code in the cluster at the next rollout.

    **Fix**: turn the admin account and anonymous pull off after moving clients to Entra identities, and give push
    rights to the build pipeline and to groups, not to single users. Pull secrets made from the admin password stop
    working; kubelets that pull with their identity notice nothing.
    """
    found = registry.resource(inventory)
    reaching = (EffectiveAssignment(a, "", inventory) for a in inventory.assignment_index.reaching(found.id))
    of_users = [
        held
        for held in reaching
        if held.assignment.properties.principal_type == "User" and held.is_one_of(write_roles.values())
    ]
    evidence: dict[str, EvidenceValue] = {
        "registry": found.id,
        "usedBy": tuple(str(use) for use in registry.uses),
        "adminUserEnabled": found.properties.admin_user_enabled,
        "anonymousPullEnabled": found.properties.anonymous_pull_enabled,
        "roleAssignmentMode": found.properties.role_assignment_mode,
        "inheritedByUsers": tuple(described(held) for held in of_users if held.scope != found.id),
    }
    if found.properties.admin_user_enabled:
        yield Finding("the admin account is on", evidence)
    if found.properties.anonymous_pull_enabled:
        yield Finding("anybody may pull without signing in", evidence)
    for held in of_users:
        if held.scope == found.id:
            yield granted(held, evidence, why=f"for user {held.assignment.properties.principal_id}")
    inventory.within(RoleAssignment, found.id.subscription_scope)
