"""Sign-in with Microsoft Entra ID, and who administers a cluster."""

from collections.abc import Iterable, Iterator

from akscan.sdk import (
    Cluster,
    ClusterRoleBinding,
    ClusterRoleBindingSubject,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    RbacSubject,
    Severity,
    if_known,
    rule,
    untold,
)

from akscan_rules.access.operators import comes_with_aks, spared

_LIST_ADMIN_CREDENTIAL = "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action"


@rule(
    "ACC-001",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    frameworks={"cis_aks": ["5.5.1"], "mcsb": ["IM-1"], "waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/entra-id-control-plane-authentication",
        "https://learn.microsoft.com/azure/aks/concepts-cluster-authentication",
    ],
    fix=Fix(
        """
        az aks update --resource-group {resource_group} --name {cluster} --enable-aad --aad-admin-group-object-ids {admin_group_object_id} --aad-tenant-id {tenant_id}
        az aks get-credentials --resource-group {resource_group} --name {cluster} --overwrite-existing
        """,  # noqa: E501 a command stands on one line
        Disruption.CONTROL_PLANE,
        terraform="azurerm_kubernetes_cluster.azure_active_directory_role_based_access_control",
        arm="properties.aadProfile.managed",
    ),
)
def users_sign_in_with_entra_id(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Users sign in to the cluster with Microsoft Entra ID (AKS-managed integration).

    Without it the API server knows only certificates and tokens that carry no person's name, cannot be withdrawn when
    someone leaves, and escape multifactor sign-in and Conditional Access. In such a cluster even the Cluster User role
    hands out administrator credentials.

    **Fix**: enable the managed integration with a group for administrators. It cannot be disabled again. Workloads
    notice nothing, but kubeconfigs change, and a Free tier cluster with the legacy integration can lose its API server
    for a moment.
    """
    aad = cluster.properties.aad_profile
    if aad is None:
        yield Finding("the cluster has no integration with Microsoft Entra ID", {"aadProfile": None})
    elif not aad.managed:
        applications = {"clientAppID": aad.client_app_id, "serverAppID": aad.server_app_id}
        yield Finding(
            "the integration with Microsoft Entra ID is the legacy one, which AKS does not manage",
            {
                "managed": aad.managed,
                "tenantID": aad.tenant_id,
                "adminGroupObjectIDs": aad.admin_group_object_ids,
                "enableAzureRBAC": aad.enable_azure_rbac,
                **{name: value for name, value in applications.items() if value},
            },
            {"tenant_id": aad.tenant_id, "admin_group_object_id": ",".join(aad.admin_group_object_ids)},
        )


@rule(
    "ACC-002",
    Severity.CRITICAL,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    frameworks={"mcsb": ["PA-7"], "waf": ["SE:05"], "nist_800_53": ["AC-3(7)"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/concepts-cluster-authorization",
        "https://learn.microsoft.com/azure/aks/concepts-identity",
    ],
    fix=Fix(
        """
        az aks show --resource-group {resource_group} --name {cluster} --query enableRbac
        az aks create --resource-group {resource_group} --name {new_cluster} --enable-aad --enable-azure-rbac --disable-local-accounts
        """,  # noqa: E501 a command stands on one line
        Disruption.RECREATE,
        terraform="azurerm_kubernetes_cluster.role_based_access_control_enabled",
        arm="properties.enableRBAC",
    ),
)
def kubernetes_rbac_is_enabled(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Kubernetes RBAC is enabled.

    Without RBAC every authenticated caller, including each service account token mounted in a pod, may do anything in
    the cluster.

    **Fix**: the setting is fixed at creation. Create a new cluster with RBAC and move the workloads.
    """
    enabled = cluster.properties.enable_rbac
    if enabled is None:
        detail = "the answer does not say whether Kubernetes RBAC is enabled"
        raise NotCollected(untold("arm", cluster.id, detail))
    if not enabled:
        yield Finding("every authenticated caller may do anything", {"enableRBAC": enabled})


@rule(
    "ACC-003",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    optional_needs=[Need.CLUSTER_ROLE_BINDINGS, Need.ROLE_BINDINGS],
    frameworks={"cis_aks": ["5.5.2"], "mcsb": ["IM-1", "PA-7"], "waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/entra-id-authorization",
        "https://learn.microsoft.com/azure/aks/concepts-cluster-authorization",
    ],
    fix=Fix(
        """
        az aks update --resource-group {resource_group} --name {cluster} --enable-azure-rbac
        az role assignment create --assignee-object-id {group_object_id} --assignee-principal-type Group --role a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb --scope {cluster_id}/namespaces/{namespace}
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.azure_active_directory_role_based_access_control.azure_rbac_enabled",
        arm="properties.aadProfile.enableAzureRBAC",
    ),
)
def azure_roles_authorize_kubernetes_access(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Azure role assignments authorize access to the Kubernetes API.

    With Kubernetes RBAC alone, the rights of people live as objects in each cluster: no just-in-time elevation, no
    record in the activity log, one more place to forget when someone changes jobs. Both models can run side by side, so
    enabling it takes nothing away.

    **Fix**: enable Azure RBAC, assign the AKS RBAC roles to groups (namespace scope for teams), then retire the
    bindings of people inside the cluster. New assignments take up to five minutes.
    """
    aad = cluster.properties.aad_profile
    if aad is None:
        raise NotApplicable("the cluster has no integration with Microsoft Entra ID")
    if not aad.enable_azure_rbac:
        cluster_wide, namespaced = cluster.lists.cluster_role_bindings, cluster.lists.role_bindings
        yield Finding(
            "access to the Kubernetes API is decided by Kubernetes RBAC alone",
            {
                "enableAzureRBAC": aad.enable_azure_rbac,
                "managed": aad.managed,
                "adminGroupObjectIDs": aad.admin_group_object_ids,
                "clusterRoleBindingsOfPeople": if_known(lambda: _bindings_of_people(cluster_wide.complete())),
                "roleBindingsOfPeople": if_known(lambda: _bindings_of_people(namespaced.complete())),
            },
        )


def _bindings_of_people(bindings: Iterable[ClusterRoleBinding]) -> int:
    return sum(b.binds_people and not (b.is_of_aks or comes_with_aks(b)) for b in bindings)


@rule(
    "ACC-004",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    optional_needs=[Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS],
    frameworks={"mcsb": ["IM-1", "PA-7"], "waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/local-accounts",
        "https://learn.microsoft.com/azure/aks/rotate-certificates",
    ],
    fix=Fix(
        """
        az aks update --resource-group {resource_group} --name {cluster} --disable-local-accounts
        az aks rotate-certs --resource-group {resource_group} --name {cluster}
        """,
        Disruption.NODE_REIMAGE,
        terraform="azurerm_kubernetes_cluster.local_account_disabled",
        arm="properties.disableLocalAccounts",
    ),
)
def local_accounts_are_disabled(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Local accounts are disabled.

    The local account is a certificate of a cluster administrator without a name. It passes by Entra ID, Conditional
    Access and just-in-time elevation, keeps working after its owner has left, and appears in the audit log under its
    own name instead of the name of a person.

    **Fix**: make sure that an administrator path through Entra ID works, disable local accounts, then rotate the
    cluster certificates so that kubeconfigs downloaded earlier die. Disabling disturbs nothing; rotating the
    certificates recreates all nodes and can take up to 30 minutes of downtime. Re-enabling for an emergency needs
    `managedClusters/write` only.
    """
    properties = cluster.properties
    if properties.aad_profile is None:
        raise NotApplicable("without an integration with Microsoft Entra ID, disabling them would lock everybody out")
    if not properties.disable_local_accounts:
        yield Finding(
            "the administrator certificate without a name can be downloaded and used",
            {
                "disableLocalAccounts": properties.disable_local_accounts,
                "aadProfile.managed": properties.aad_profile.managed,
                "principalsWithListClusterAdminCredential": if_known(
                    lambda: len(inventory.principals_with(_LIST_ADMIN_CREDENTIAL, cluster.id))
                ),
            },
        )


@rule(
    "ACC-009",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.CLUSTER_ROLE_BINDINGS],
    optional_needs=[Need.PODS, Need.MANAGED_CLUSTERS],
    frameworks={"cis_aks": ["4.1.1"], "nsa_cisa": ["C-0035"], "mitre": ["Privilege escalation"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/concepts-cluster-authorization",
        "https://kubernetes.io/docs/reference/access-authn-authz/rbac/",
    ],
    fix=Fix(
        """
        kubectl get clusterrolebindings -o json | jq -r '.items[] | select(.roleRef.name=="cluster-admin") | .metadata.name'
        kubectl create clusterrolebinding {name}-view --clusterrole=view --serviceaccount={namespace}:{service_account}
        kubectl delete clusterrolebinding {name}
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="kubernetes_cluster_role_binding_v1.role_ref and subject",
    ),
)
def cluster_admin_is_bound_to_the_platform_only(
    subject: ClusterRoleBindingSubject, inventory: Inventory, *, allowed_subjects: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """cluster-admin is bound to nobody outside the platform.

    cluster-admin reads every secret, runs any container on any node and can rewrite its own restrictions. Bound to a
    service account, it belongs to everyone who can start a pod in that namespace; bound to a group of the system, such
    as `system:nodes`, to whoever takes over one of its members.

    **Fix**: replace the binding by a role with the verbs that are really used; people get time-bound Azure roles
    instead. Tools that insist on cluster-admin go into a namespace that only the platform team can write to, and into
    `allowed_subjects`. From the default binding `cluster-admin` and from those of AKS take the subject only (`kubectl
    edit`). Workloads that do not call the API notice nothing; controllers may lose a permission.
    """
    binding, cluster = subject.object, subject.cluster
    exempt = (*allowed_subjects, "Group:system:masters") if binding.is_bootstrapped else allowed_subjects
    outside = [s for s in binding.subjects or () if not (_is_of_platform(s, cluster) or s.is_in(exempt))]
    unknown = False
    if binding.is_of_aks:
        outside = [s for s in outside if s.kind != "User" or s.name not in _LOCAL_ACCOUNTS]
        groups = if_known(lambda: _admin_groups(cluster))
        unknown = isinstance(groups, str) and any(s.kind == "Group" for s in outside)
        outside = [s for s in outside if s.kind != "Group" or not (unknown or s.name.casefold() in groups)]
    if binding.is_to_cluster_admin and outside:
        accounts = [s for s in outside if s.kind == "ServiceAccount"]
        yield Finding(
            f"cluster-admin is bound to {', '.join(map(str, outside))}",
            {
                "metadata.name": binding.name,
                "metadata.creationTimestamp": binding.metadata.creation_timestamp,
                "metadata.labels": [f"{key}={value}" for key, value in sorted((binding.metadata.labels or {}).items())],
                "subjects": [str(s) for s in outside],
                "serviceAccountsOfRunningPods": if_known(
                    lambda: [str(s) for s in accounts if (s.namespace, s.name) in cluster.service_accounts_in_use]
                ),
            },
            {
                **spared(binding),
                **({"namespace": accounts[0].namespace, "service_account": accounts[0].name} if accounts else {}),
            },
        )
    if unknown:
        _admin_groups(cluster)
    if (binding.is_of_aks or binding.is_bootstrapped) and not outside:
        raise NotApplicable("a binding of the platform's own")


#: Whom AKS binds to cluster-admin while local accounts are enabled, or were.
_LOCAL_ACCOUNTS = ("clusterAdmin", "clusterUser")


def _is_of_platform(someone: RbacSubject, cluster: Cluster) -> bool:
    """Whether cluster-admin is safe with a subject that is exempt elsewhere: groups take in more than the platform, and
    whoever takes over a node acts as it.
    """
    wider = someone.kind == "Group" or someone.name.startswith(("system:node:", "system:bootstrap:"))
    return someone.is_exempt(cluster.system_namespaces) and not wider


def _admin_groups(cluster: Cluster) -> frozenset[str]:
    """The groups that AKS binds to cluster-admin."""
    aad = cluster.properties.aad_profile
    return frozenset(group.casefold() for group in aad.admin_group_object_ids) if aad else frozenset()
