"""The identities with which a cluster acts in Azure."""

from collections.abc import Iterator

from akscan.sdk import (
    Cluster,
    ControlPlaneIdentity,
    Disruption,
    EffectiveAssignment,
    EvidenceValue,
    FederatedCredential,
    Finding,
    Fix,
    IdentityBinding,
    Inventory,
    KubeletIdentity,
    ManagedCluster,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    any_of,
    if_known,
    rule,
)


@rule(
    "IDN-001",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    frameworks={"mcsb": ["IM-1", "IM-2"], "waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/managed-identity-overview",
        "https://learn.microsoft.com/azure/aks/kubernetes-service-principal",
    ],
    fix=Fix(
        """
        az aks update --resource-group {resource_group} --name {cluster} --enable-managed-identity --assign-identity {identity_resource_id}
        az role assignment create --assignee-object-id {kubelet_object_id} --assignee-principal-type ServicePrincipal --role 7f951dda-4ed3-4680-a7ca-43fe172d538d --scope {registry_id}
        az aks nodepool upgrade --resource-group {resource_group} --cluster-name {cluster} --name {node_pool} --node-image-only
        """,  # noqa: E501 a command is one line
        Disruption.NODE_REIMAGE,
        terraform="azurerm_kubernetes_cluster.identity (a service_principal block is the failing form)",
        arm="identity.type; properties.servicePrincipalProfile.clientId",
    ),
)
def cluster_runs_on_a_managed_identity(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """The cluster runs on a managed identity, not on a service principal.

    A service principal is a client secret that lies in clear text in /etc/kubernetes/azure.json on every node and,
    unless set otherwise, dies after one year. When it leaks, whoever holds it acts as the cluster in Azure; when it
    expires, scaling, load balancers and disks stop working.

    **Fix**: move the cluster to a managed identity (user-assigned when it needs roles outside its node resource group),
    grant the new kubelet identity its pull role, reimage every pool so that kubelets follow, then delete the old
    principal. The update needs a newer node image to be available, and there is no way back to a service principal.
    """
    kind = cluster.resource.identity.type
    if kind != "None" and not cluster.uses_service_principal:
        return
    client = cluster.properties.service_principal_profile.client_id
    principal = f"acts as service principal {client}" if cluster.uses_service_principal else "has no managed identity"
    yield Finding(
        f"the cluster {principal} (identity.type {kind})",
        {
            "identity.type": kind,
            "servicePrincipalProfile.clientId": client,
            "nodeImageVersion": tuple(f"{p.name}: {p.properties.node_image_version}" for p in cluster.pools),
        },
    )


@rule(
    "IDN-002",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.FEDERATED_CREDENTIALS, Need.IDENTITY_BINDINGS],
    frameworks={"waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/managed-identity-overview",
        "https://learn.microsoft.com/azure/aks/pre-created-kubelet-managed-identity",
    ],
    fix=Fix(
        """
        az identity create --resource-group {resource_group} --name id-{cluster}-kubelet
        az role assignment create --assignee-object-id {control_plane_object_id} --assignee-principal-type ServicePrincipal --role f1a07417-d97a-45cb-824c-7a7467783830 --scope {kubelet_identity_id}
        az aks update --resource-group {resource_group} --name {cluster} --enable-managed-identity --assign-identity {control_plane_identity_id} --assign-kubelet-identity {kubelet_identity_id}
        """,  # noqa: E501 a command is one line
        Disruption.NODE_REIMAGE,
        terraform=(
            "azurerm_kubernetes_cluster.identity.identity_ids compared with "
            "azurerm_kubernetes_cluster.kubelet_identity.user_assigned_identity_id"
        ),
        arm="identity.userAssignedIdentities compared with properties.identityProfile.kubeletidentity.resourceId",
    ),
)
def control_plane_identity_serves_one_cluster(
    identity: ControlPlaneIdentity, inventory: Inventory
) -> Iterator[Finding]:
    """The control plane identity serves one cluster and nothing else.

    The control plane identity may change the load balancers, disks and scale sets of the cluster. Reused as kubelet
    identity it can be borrowed by any pod through the instance metadata endpoint; reused by a second cluster, one
    break-in owns both. Some published Terraform samples make the first mistake.

    **Fix**: create separate user-assigned identities for control plane, kubelet and each workload, grant each its own
    roles, and switch the cluster over in a maintenance window. Changing the kubelet identity reimages the node pools;
    changing only the control plane identity causes no downtime but takes up to several hours to take effect.
    """
    cluster = identity.cluster
    if cluster.uses_service_principal:
        raise NotApplicable("the cluster uses a service principal (IDN-001)")
    if not identity.resource_id:
        raise NotApplicable("the control plane has no user-assigned identity, which alone could be shared")
    yield from any_of(
        _is_kubelet_too(identity),
        _serves_others(identity, inventory),
        _trusts_pods(identity, inventory),
        _is_bound(identity, inventory),
    )


def _is_kubelet_too(identity: ControlPlaneIdentity) -> Iterator[Finding]:
    resource = identity.cluster.resource
    if "kubelet" in resource.parts_of(identity.resource_id):
        yield Finding(
            f"{identity.resource_id.name} is the kubelet identity too",
            {"identityProfile.kubeletidentity.resourceId": identity.resource_id},
            fill={
                "control_plane_object_id": resource.identity.user_assigned_identities[identity.resource_id].principal_id
            },
        )


def _serves_others(identity: ControlPlaneIdentity, inventory: Inventory) -> Iterator[Finding]:
    others = {
        other.id: other.parts_of(identity.resource_id)
        for other in inventory.clusters_with_identity(identity.resource_id)
        if other.id != identity.cluster.id
    }
    if others:
        yield Finding(
            f"it also serves {', '.join(other.name for other in others)}",
            {
                "userAssignedIdentities": identity.resource_id,
                "otherClusters": tuple(f"{other} ({', '.join(parts)})" for other, parts in others.items()),
            },
        )
    inventory.require_complete(ManagedCluster)


def _trusts_pods(identity: ControlPlaneIdentity, inventory: Inventory) -> Iterator[Finding]:
    known = inventory.known_within(FederatedCredential, identity.resource_id)
    credentials = [credential for credential in known if inventory.trusts_pods(credential)]
    if credentials:
        subjects = tuple(f"{found.name}: {found.properties.subject}" for found in credentials)
        yield Finding(
            f"pods can become the control plane through federated credentials ({', '.join(subjects)})",
            {"userAssignedIdentities": identity.resource_id, "federatedIdentityCredentials": subjects},
        )
    inventory.within(FederatedCredential, identity.resource_id)


def _is_bound(identity: ControlPlaneIdentity, inventory: Inventory) -> Iterator[Finding]:
    bindings = tuple(
        binding.id
        for binding in inventory.known(IdentityBinding)
        if binding.properties.managed_identity.resource_id == identity.resource_id
    )
    if bindings:
        yield Finding(
            f"pods can become the control plane through identity bindings ({', '.join(b.name for b in bindings)})",
            {"userAssignedIdentities": identity.resource_id, "identityBindings": bindings},
        )
    inventory.require_complete(IdentityBinding)


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
        "searchedSubscriptions": inventory.searched_subscriptions,
        "groups": "direct assignments only" if (groups := inventory.groups_of(identity.object_id)) is None else groups,
        "pullRolesOnResourceGroups": if_known(lambda: tuple(_scope(a) for a in held if _pulls_from_group(a))),
    }
    yield from any_of(*(_beyond_pulling(assignment, extra_allowed_roles, evidence) for assignment in held))
    inventory.require_assignments(identity.object_id)


def _beyond_pulling(
    held: EffectiveAssignment, extra_allowed_roles: tuple[str, ...], evidence: dict[str, EvidenceValue]
) -> Iterator[Finding]:
    assignment = held.assignment
    if not assignment.is_broad and held.only_pulls(or_is=extra_allowed_roles):
        return
    role = if_known(lambda: held.role_name)
    facts = {
        "roleDefinitionId": assignment.role_guid,
        "scope": _scope(held),
        "condition": assignment.properties.condition,
        "group": held.group,
    }
    yield Finding(
        f"{role} on {_scope(held)}" + (f" through group {held.group}" if held.group else ""),
        {
            **evidence,
            f"roleAssignments/{assignment.name}": (role, *(f"{key} {fact}" for key, fact in facts.items() if fact)),
        },
        fill={"role_assignment_id": assignment.id},
    )


def _scope(held: EffectiveAssignment) -> str:
    return str(held.assignment.properties.scope)


def _pulls_from_group(held: EffectiveAssignment) -> bool:
    scope = held.assignment.properties.scope
    return scope.type == "Microsoft.Resources/subscriptions/resourceGroups" and held.only_pulls()
