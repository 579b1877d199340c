"""Secrets and tokens as rights: who reads them, and whose they are."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from akscan.sdk import (
    Cluster,
    ClusterRoleBinding,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    RbacSubject,
    Request,
    SecretSubject,
    Severity,
    Token,
    Workload,
    any_of,
    if_known,
    rule,
    untold,
)

from akscan_rules.access.operators import (
    comes_with_aks,
    holders_of,
    known_operators,
    named,
    spared,
    summary,
    workloads_of,
)

_RBAC_WRITER = "a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb"
_RBAC_ADMIN = "3498e952-d568-435e-9b2c-8d77e338d7f7"
_READ_SECRETS = "Microsoft.ContainerService/managedClusters/secrets/read"
_LAST_USED = "kubernetes.io/legacy-token-last-used"
_INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"


@rule(
    "ACC-015",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.CLUSTER_ROLE_BINDINGS, Need.CLUSTER_ROLES],
    optional_needs=[Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS, Need.PODS],
    frameworks={"cis_aks": ["4.1.2"], "mitre": ["Credential access"]},
    docs=[
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
        "https://learn.microsoft.com/azure/aks/entra-id-authorization",
    ],
    fix=Fix(
        """
        kubectl create rolebinding {binding} --namespace {namespace} --clusterrole=edit --group={group_object_id}
        kubectl delete clusterrolebinding {binding}
        az role assignment create --assignee-object-id {group_object_id} --assignee-principal-type Group --role a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb --scope {cluster_id}/namespaces/{namespace}
        az role assignment delete --ids {assignment_id}
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform=(
            "kubernetes_cluster_role_binding_v1 with kubernetes_cluster_role_v1.rule; azurerm_role_assignment.scope"
        ),
        arm="Microsoft.Authorization/roleAssignments scope",
    ),
)
def secrets_everywhere_are_readable_for_few(
    cluster: Cluster,
    inventory: Inventory,
    *,
    allowed_subjects: tuple[str, ...] = (),
    azure_roles: Mapping[str, str] = {
        "Azure Kubernetes Service RBAC Writer": _RBAC_WRITER,
        "Azure Kubernetes Service RBAC Admin": _RBAC_ADMIN,
    },
) -> Iterator[Finding]:
    """Secrets of all namespaces are readable for few.

    list and watch return the full values, not just names. A reader of all secrets holds every service account token,
    every registry and database password in the cluster.

    **Fix**: bind the role per namespace, name the secrets with `resourceNames`, or read from Key Vault. Give people
    RBAC Reader, which leaves secrets out, or Writer on single namespaces. Nobody is disturbed when the namespaced
    bindings are made first.
    """
    yield from any_of(
        _readers_in_kubernetes(cluster, inventory, allowed_subjects), _readers_in_azure(cluster, inventory, azure_roles)
    )


def _readers_in_kubernetes(cluster: Cluster, inventory: Inventory, allowed: tuple[str, ...]) -> Iterator[Finding]:
    """ClusterRoleBindings whose role reads Secrets, those of AKS and of cluster-admin (ACC-009) aside; ``*`` among
    resources is a matter of ACC-012, which leaves out the roles of the platform.
    """
    verbs: dict[str, list[str]] = {}
    bindings: dict[str, ClusterRoleBinding] = {}
    for verb in ("get", "list", "watch"):
        for grant in cluster.rbac.grants(Request(verb, "secrets")):
            if grant.binding.is_to_cluster_admin or comes_with_aks(grant.binding):
                continue
            if "*" in (grant.rule.resources or ()) and not cluster.rbac.is_of_platform(grant.role, grant.rule):
                continue
            if verb not in verbs.setdefault(grant.binding.name, []):
                verbs[grant.binding.name].append(verb)
                bindings[grant.binding.name] = grant.binding
    judged = {name: holders_of(cluster, [bindings[name]], "ACC-015", allowed) for name in sorted(bindings)}
    for name, found in judged.items():
        if found.outside:
            yield Finding(
                f"{summary(found.outside)} may {' '.join(verbs[name])} the Secrets of all namespaces",
                {
                    "binding": named(bindings[name]),
                    "roleRef.name": bindings[name].role_ref.name,
                    "verbs": verbs[name],
                    "subjects": [str(subject) for subject in found.outside],
                    "workloads": _workloads(cluster, found.outside),
                    "acceptedSubjects": found.accepted,
                    **known_operators().evidence(inventory),
                },
                {"binding": spared(bindings[name]).get("name", name)},
                part=f"clusterrolebindings/{name}",
            )
    for found in judged.values():
        found.require_decided()
    cluster.rbac.require_cluster_wide()


def _workloads(cluster: Cluster, subjects: Iterable[RbacSubject]) -> list[str] | str:
    accounts = [(s.namespace, s.name) for s in subjects if s.kind == "ServiceAccount"]
    return if_known(lambda: workloads_of(cluster, accounts))


#: The types of principals that nobody reviews as a group.
_NO_GROUPS = (Token("User"), Token("ServicePrincipal"))


def _readers_in_azure(cluster: Cluster, inventory: Inventory, roles: Mapping[str, str]) -> Iterator[Finding]:
    """People and applications that hold a role over Secrets at the cluster or above it: one of these, or a custom role
    whose data actions read them.
    """
    aad = cluster.properties.aad_profile
    if aad is None or not aad.enable_azure_rbac:
        return
    names = {Token(guid): name for name, guid in roles.items()}
    others = (
        assignment
        for assignment in inventory.grants.known(cluster.id)
        if assignment.role_guid not in names and assignment.properties.principal_type in ("", *_NO_GROUPS)
    )
    custom, unread = inventory.grants.by_role(
        others, lambda role: role.properties.type == "CustomRole" and role.grants_data(_READ_SECRETS)
    )
    unknown = []
    for assignment in (*inventory.known_assignments_of(names, cluster.id), *custom):
        held, role = assignment.properties, inventory.known_role(assignment.role_guid)
        name = names.get(assignment.role_guid) or (role.properties.role_name if role else "")
        if not held.principal_type:
            unknown.append(held.principal_id)
        elif held.principal_type in _NO_GROUPS:
            yield Finding(
                f"{held.principal_type} {held.principal_id} holds {name} on {held.scope}",
                {
                    "roleAssignment": assignment.id,
                    "roleDefinition": name,
                    "scope": held.scope,
                    "principalType": held.principal_type,
                    "principalId": held.principal_id,
                    "condition": held.condition,
                },
                {"assignment_id": str(assignment.id)},
                part=f"roleAssignments/{assignment.id.name}",
            )
    inventory.grants.require(cluster.id)
    inventory.grants.require_roles(unread)
    if unknown:
        detail = f"whether {summary(unknown)} is a group"
        raise NotCollected(untold("arm", cluster.id, detail, Need.ROLE_ASSIGNMENTS))


@rule(
    "ACC-018",
    Severity.LOW,
    Pillar.SECURITY,
    needs=[
        Need.DEPLOYMENTS,
        Need.STATEFUL_SETS,
        Need.DAEMON_SETS,
        Need.REPLICA_SETS,
        Need.JOBS,
        Need.CRON_JOBS,
        Need.REPLICATION_CONTROLLERS,
        Need.PODS,
        Need.SERVICE_ACCOUNTS,
        Need.CLUSTER_ROLE_BINDINGS,
        Need.ROLE_BINDINGS,
    ],
    frameworks={
        "cis_aks": ["4.1.6"],
        "mcsb": ["PV-2"],
        "nsa_cisa": ["C-0034"],
        "mitre": ["Credential access"],
    },
    docs=[
        "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
        "https://learn.microsoft.com/azure/aks/cis-kubernetes",
    ],
    fix=Fix(
        """
        kubectl patch serviceaccount {service_account} --namespace {namespace} -p '{"automountServiceAccountToken":false}'
        kubectl patch {kind} {name} --namespace {namespace} --type json --patch '[{"op":"add","path":"{spec_path}/automountServiceAccountToken","value":false}]'
        """,  # noqa: E501 a command stands on one line
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "kubernetes_deployment_v1.spec.template.spec.automount_service_account_token; "
            "kubernetes_service_account_v1.automount_service_account_token"
        ),
    ),
)
def tokens_are_mounted_where_they_are_of_use(workload: Workload, inventory: Inventory) -> Iterator[Finding]:
    """API tokens are mounted only where the account can do something with them.

    The token gives an intruder in the container a name in the API server and a way to explore it, while the workload
    itself has no use for it. Workload identity uses a token of its own.

    **Fix**: set `automountServiceAccountToken` to false in the pod template, or on the service account for all its
    pods. The pods restart. A client that shows the token to another service, as HashiCorp Vault's Kubernetes
    authentication does, needs a projected token instead.
    """
    cluster, namespace = workload.cluster, workload.namespace
    if namespace in cluster.system_namespaces:
        raise NotApplicable("a system namespace")
    spec, account = workload.effective_spec, workload.service_account
    if spec.automount_service_account_token is False:
        return
    if cluster.rbac.bindings_for_account(namespace, account):
        return
    found = cluster.service_accounts.get((namespace, account)) if spec.automount_service_account_token is None else None
    if found is not None and found.automount_service_account_token is False:
        return
    cluster.rbac.require_all_bindings()
    decided = "the pod" if spec.automount_service_account_token else "the default"
    if found is not None and found.automount_service_account_token:
        decided = "the service account"
    yield Finding(
        f"pods mount a token of {namespace}/{account}, to which nothing is bound",
        {
            "serviceAccountName": account,
            "spec.automountServiceAccountToken": spec.automount_service_account_token,
            "serviceAccount.automountServiceAccountToken": found.automount_service_account_token if found else None,
            "automountDecidedBy": decided,
            "bindingsLookedFor": [
                f"ServiceAccount:{namespace}/{account}",
                f"User:system:serviceaccount:{namespace}:{account}",
                "Group:system:serviceaccounts",
                f"Group:system:serviceaccounts:{namespace}",
            ],
        },
        {"service_account": account, "spec_path": workload.spec_path},
    )


@rule(
    "ACC-019",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.SECRETS],
    optional_needs=[Need.SERVICE_ACCOUNTS, Need.CLUSTER_ROLE_BINDINGS, Need.ROLE_BINDINGS],
    docs=[
        "https://kubernetes.io/docs/concepts/configuration/secret/",
        "https://learn.microsoft.com/azure/aks/kubelogin-authentication",
    ],
    fix=Fix(
        """
        kubectl get secrets --all-namespaces --field-selector type=kubernetes.io/service-account-token -L kubernetes.io/legacy-token-last-used
        kubectl create token {service_account} --namespace {namespace} --duration 1h
        kubectl delete secret {name} --namespace {namespace}
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="kubernetes_secret_v1.type",
    ),
)
def no_token_lives_in_a_secret(
    secret: SecretSubject, inventory: Inventory, *, unused_after_days: int = 90
) -> Iterator[Finding]:
    """No service account token lives in a Secret.

    Such a token never expires, works from anywhere that reaches the API server and survives in backups and pipelines.
    Since Kubernetes 1.24 none is created by itself, so each one is either a leftover or somebody's password.

    **Fix**: let pods use their projected token and pipelines use Entra ID with kubelogin or a short-lived token. Delete
    unused token Secrets first; for used ones move the client, then delete: clients that hold a deleted token are locked
    out.
    """
    token, cluster = secret.object, secret.cluster
    if token.is_service_account_token and secret.is_aks_managed:
        raise NotApplicable("a system namespace")
    if token.is_service_account_token and not token.metadata.label(_INVALID_SINCE):
        last_used = token.metadata.label(_LAST_USED)
        limit = inventory.collected_at.date() - timedelta(days=unused_after_days)
        use = "never used since that is tracked" if not last_used else f"last used on {last_used}"
        account = (secret.namespace, token.service_account)
        yield Finding(
            f"a token of {'/'.join(account)} that never expires, {use}",
            {
                "metadata.annotations.kubernetes.io/service-account.name": token.service_account,
                "metadata.creationTimestamp": token.metadata.creation_timestamp,
                f"metadata.labels.{_LAST_USED}": last_used or None,
                "unused": last_used < limit.isoformat(),
                "serviceAccountExists": if_known(lambda: account in cluster.service_accounts),
                "bindings": if_known(lambda: _bindings(cluster, account)),
            },
            {"service_account": token.service_account},
        )


def _bindings(cluster: Cluster, account: tuple[str, str]) -> list[str]:
    cluster.rbac.require_all_bindings()
    return [named(binding) for binding in cluster.rbac.bindings_for_account(*account)]
