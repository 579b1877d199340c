"""What kind of identities a cluster has."""

from collections.abc import Iterator

from akscan.sdk import (
    Cluster,
    ControlPlaneIdentity,
    Disruption,
    FederatedCredential,
    Finding,
    Fix,
    IdentityBinding,
    Inventory,
    ManagedCluster,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    any_of,
    image_matches,
    rule,
)

#: Leaves it to the reader which identity a control plane gets in place of one that others hold, too.
_ANOTHER = {"control_plane_identity_id": "", "control_plane_object_id": ""}


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
            fill=_ANOTHER,
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
            fill=_ANOTHER,
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
            fill=_ANOTHER,
        )
    inventory.require_complete(IdentityBinding)


@rule(
    "IDN-009",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    frameworks={"waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/workload-identity-overview",
        "https://learn.microsoft.com/azure/aks/use-oidc-issuer",
    ],
    fix=Fix(
        """
        az aks update --resource-group {resource_group} --name {cluster} --enable-oidc-issuer --enable-workload-identity
        """,
        Disruption.CONTROL_PLANE,
        terraform="azurerm_kubernetes_cluster.oidc_issuer_enabled and workload_identity_enabled",
        arm="properties.oidcIssuerProfile.enabled; properties.securityProfile.workloadIdentity.enabled",
    ),
)
def workload_identity_is_enabled(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Microsoft Entra Workload ID and the OIDC issuer are enabled.

    Without it, pods reach Azure with stored secrets or with identities of the node that every pod shares. The issuer
    also makes AKS (Kubernetes 1.30 and later) stop stretching service account tokens beyond their lifetime.

    **Fix**: enable both. The issuer cannot be switched off again, and enabling it on an existing cluster restarts the
    API server. Running pods are not touched.
    """
    issuer, workloads = cluster.properties.oidc_issuer_profile, cluster.properties.security_profile.workload_identity
    off = [
        name for name, is_on in (("the OIDC issuer", issuer.enabled), ("Workload ID", workloads.enabled)) if not is_on
    ]
    if off:
        yield Finding(
            f"{' and '.join(off)} {'are' if len(off) > 1 else 'is'} off",
            {
                "oidcIssuerProfile.enabled": issuer.enabled,
                "oidcIssuerProfile.issuerURL": issuer.issuer_url,
                "securityProfile.workloadIdentity.enabled": workloads.enabled,
                "sku.name": cluster.resource.sku.name,
            },
        )


@rule(
    "IDN-010",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.AZURE_IDENTITIES, Need.AZURE_IDENTITY_BINDINGS, Need.DAEMON_SETS],
    frameworks={"waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/use-azure-ad-pod-identity",
        "https://learn.microsoft.com/azure/aks/workload-identity-migrate-from-pod-identity",
    ],
    fix=Fix(
        """
        az identity federated-credential create --name {credential} --identity-name {identity} --resource-group {resource_group} --issuer {oidc_issuer_url} --subject system:serviceaccount:{namespace}:{service_account} --audience api://AzureADTokenExchange
        # the switch is part of the aks-preview extension of the Azure CLI
        az aks update --resource-group {resource_group} --name {cluster} --disable-pod-identity
        """,  # noqa: E501 a command is one line
        Disruption.WORKLOAD_RESTART,
        arm="properties.podIdentityProfile.enabled",
    ),
)
def pod_managed_identity_is_gone(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """The retired pod-managed identity is not in use.

    The open source project is archived and the AKS add-on has had no patches or support since September 2025. Its
    component sits in the path of every identity token on the node, and with kubenet it is open to address spoofing.
    KEDA 2.15 and later no longer work with it.

    **Fix**: federate each pod identity with a service account (Workload ID), move the workloads, then remove the
    bindings and the add-on.
    """
    yield from any_of(_addon(cluster), _bindings(cluster), _node_component(cluster))


def _addon(cluster: Cluster) -> Iterator[Finding]:
    profile = cluster.properties.pod_identity_profile
    if profile.enabled:
        yield Finding(
            "the add-on for pod-managed identity is on",
            {
                "podIdentityProfile.enabled": profile.enabled,
                "podIdentityProfile.allowNetworkPluginKubenet": profile.allow_network_plugin_kubenet,
                "podIdentityProfile.userAssignedIdentities": tuple(
                    f"{identity.namespace}/{identity.name}" for identity in profile.user_assigned_identities
                ),
            },
        )


def _bindings(cluster: Cluster) -> Iterator[Finding]:
    identities, bindings = cluster.lists.azure_identities, cluster.lists.azure_identity_bindings
    if identities.items or bindings.items:
        yield Finding(
            f"{len(identities.items)} AzureIdentity and {len(bindings.items)} AzureIdentityBinding objects exist",
            {
                "AzureIdentity": tuple(f"{found.namespace}/{found.name}" for found in identities.items),
                "AzureIdentityBinding": tuple(
                    f"{found.namespace}/{found.name} (selector {found.spec.selector})" for found in bindings.items
                ),
                "podsWithBindingLabel": sum(
                    "aadpodidbinding" in (pod.metadata.labels or {}) for pod in cluster.lists.pods.items
                ),
            },
        )
    identities.complete()
    bindings.complete()


def _node_component(cluster: Cluster) -> Iterator[Finding]:
    daemon_sets = cluster.lists.daemon_sets
    for found in daemon_sets.items:
        for container in found.template.spec.all_containers:
            if image_matches(container.image, ["aad-pod-identity/nmi"]):
                name = f"{found.namespace}/{found.name}"
                yield Finding(
                    f"DaemonSet {name} runs its component on every node", {f"daemonSets/{name}": container.image}
                )
    daemon_sets.complete()
