"""Bindings of Kubernetes RBAC: whom they name."""

import re
from collections.abc import Iterator

from akscan.sdk import (
    Cluster,
    ClusterRoleBindingSubject,
    Disruption,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    PolicyRule,
    RoleBindingSubject,
    Severity,
    any_of,
    if_known,
    rule,
)

from akscan_rules.access.operators import (
    Right,
    comes_with_aks,
    has_any_resource,
    holders_of,
    known_operators,
    spared,
    summary,
    workloads_of,
)

Binding = ClusterRoleBindingSubject | RoleBindingSubject

_ANONYMOUS = ("Group:system:unauthenticated", "User:system:anonymous")
_CATCH_ALL = ("Group:system:authenticated", "Group:system:serviceaccounts", "Group:system:masters")
#: What Kubernetes itself binds to them
#: (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings).
_FOR_EVERYBODY = (
    "cluster-admin",
    "system:basic-user",
    "system:discovery",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
)
_ACCOUNTS_OF = "Group:system:serviceaccounts:"
_DEFAULT_ACCOUNT = re.compile(r"User:system:serviceaccount:([^:]+):default")


def _described(subject: Binding) -> dict[str, EvidenceValue]:
    """A binding as its findings show it."""
    binding = subject.object
    return {
        "kind": binding.kind,
        "metadata.namespace": binding.namespace,
        "metadata.name": binding.name,
        "metadata.creationTimestamp": binding.metadata.creation_timestamp,
        "roleRef": f"{binding.role_ref.kind} {binding.role_ref.name}",
    }


def _rights(subject: Binding) -> tuple[str, ...]:
    role = subject.role
    return tuple(str(rule) for rule in subject.cluster.rbac.rules_of(role)) if role else ()


@rule(
    "ACC-010",
    Severity.CRITICAL,
    Pillar.SECURITY,
    needs=[Need.CLUSTER_ROLE_BINDINGS, Need.ROLE_BINDINGS],
    optional_needs=[Need.CLUSTER_ROLES, Need.ROLES, Need.MANAGED_CLUSTERS],
    docs=[
        "https://kubernetes.io/docs/reference/access-authn-authz/rbac/",
        "https://learn.microsoft.com/azure/aks/concepts-cluster-authorization",
    ],
    fix=Fix(
        """
        kubectl get clusterrolebindings,rolebindings -A -o json | jq -r '.items[] | select(any(.subjects[]?; .name=="system:unauthenticated" or .name=="system:anonymous")) | [.kind,.metadata.namespace,.metadata.name,.roleRef.name] | @tsv'
        kubectl delete {kind} {name} --namespace {namespace}
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="kubernetes_cluster_role_binding_v1.subject, kubernetes_role_binding_v1.subject",
    ),
)
def anonymous_callers_have_default_rights_only(subject: Binding, inventory: Inventory) -> Iterator[Finding]:
    """Anonymous callers have no rights beyond the Kubernetes defaults.

    Everyone who reaches the API server, on a public cluster the whole internet, has the bound rights without any
    credential. Automated attacks look for exactly this.

    **Fix**: delete the binding. Where a probe needs `/healthz` or `/version`, the default role already covers it. From
    a default binding of Kubernetes, as clusters have it that were made before 1.14, take the subject only
    (`kubectl edit`): others live by it. From the default role `system:public-info-viewer` take the rules that were
    added.
    """
    binding, cluster = subject.object, subject.cluster
    found = [s.identity for s in subject.holders if s.identity in _ANONYMOUS]
    held = f"{binding.role_ref.kind} {binding.role_ref.name}"
    if binding.metadata.is_bootstrapped and binding.role_ref.name == "system:public-info-viewer":
        added = _added_to_public_info(subject) if found else []
        if not added:
            raise NotApplicable("the default binding, with which anybody may ask for version and health")
        held = f"{summary(added)} beyond the default rights"
    if found:
        access = if_known(lambda: cluster.properties.api_server_access_profile)
        public = access if isinstance(access, str) else access.enable_private_cluster
        ranges = access if isinstance(access, str) else access.authorized_ip_ranges
        yield Finding(
            f"callers without any credential hold {held}",
            {
                **_described(subject),
                "subjects": found,
                "rules": if_known(lambda: _rights(subject)),
                "apiServerAccessProfile.enablePrivateCluster": public,
                "apiServerAccessProfile.authorizedIPRanges": ranges,
            },
            spared(binding),
        )


#: What Kubernetes itself lets anybody ask for, by ``get``.
_PUBLIC_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/version", "/version/"})


def _added_to_public_info(subject: Binding) -> list[PolicyRule]:
    """What grants more than that; the API server adds what a default role lacks, but removes nothing."""
    role, rbac = subject.role, subject.cluster.rbac
    added = [rule for rule in rbac.rules_of(role) if not _is_public_info(rule)] if role else []
    if role and not added:
        rbac.require_rules(role)
    return added


def _is_public_info(rule: PolicyRule) -> bool:
    paths = set(rule.non_resource_urls or ())
    return not rule.resources and set(rule.verbs or ()) <= {"get"} and paths <= _PUBLIC_PATHS


@rule(
    "ACC-011",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.CLUSTER_ROLE_BINDINGS, Need.ROLE_BINDINGS],
    optional_needs=[Need.CLUSTER_ROLES, Need.ROLES, Need.SERVICE_ACCOUNTS],
    docs=[
        "https://kubernetes.io/docs/reference/access-authn-authz/rbac/",
        "https://learn.microsoft.com/azure/aks/cis-kubernetes",
    ],
    fix=Fix(
        """
        kubectl create rolebinding {name}-group --namespace {namespace} --clusterrole=view --group={group_object_id}
        kubectl delete {kind} {name} --namespace {namespace}
        """,
        Disruption.NONE,
        terraform="kubernetes_cluster_role_binding_v1.subject, kubernetes_role_binding_v1.subject",
    ),
)
def no_rights_for_catch_all_groups(subject: Binding, inventory: Inventory) -> Iterator[Finding]:
    """No rights are granted to catch-all groups.

    `system:authenticated` includes every Entra user of the tenant who can reach the API server and every pod in the
    cluster, also those created tomorrow. `system:masters` cannot be restricted or audited by any authorizer.

    **Fix**: bind a named group or a dedicated service account instead, first of all for the callers that need the
    rights. From a default binding of Kubernetes take the group only (`kubectl edit`).
    """
    binding, system = subject.object, subject.cluster.system_namespaces
    named = [s.identity for s in subject.holders]
    groups = [
        name
        for name in named
        if name in _CATCH_ALL or (name.startswith(_ACCOUNTS_OF) and name.removeprefix(_ACCOUNTS_OF) not in system)
    ]
    by_default = _is_default(subject) and (not groups or binding.role_ref.name in _FOR_EVERYBODY)
    if by_default or comes_with_aks(binding):
        raise NotApplicable("a binding of Kubernetes or AKS")
    if groups:
        namespaces = [name.removeprefix(_ACCOUNTS_OF) for name in groups if name.startswith(_ACCOUNTS_OF)]
        yield Finding(
            f"{binding.role_ref.kind} {binding.role_ref.name} is bound to {', '.join(groups)}",
            {
                **_described(subject),
                "subjects": groups,
                "rules": if_known(lambda: _rights(subject)),
                "serviceAccounts": if_known(lambda: _accounts_in(subject.cluster, namespaces)) if namespaces else None,
            },
            spared(binding),
        )


def _is_default(subject: Binding) -> bool:
    """Whether Kubernetes made it. The label alone does not tell, since anybody can set it: the defaults grant roles of
    the system, and cluster-admin to system:masters alone.
    """
    binding = subject.object
    names = [s.identity for s in subject.holders]
    to_the_system = binding.role_ref.name.startswith("system:")
    return binding.metadata.is_bootstrapped and (
        to_the_system or (binding.is_bootstrapped and names == ["Group:system:masters"])
    )


def _accounts_in(cluster: Cluster, namespaces: list[str]) -> int:
    return sum(cluster.service_accounts_by_namespace[namespace] for namespace in dict.fromkeys(namespaces))


#: What creates pods or enters them.
_POD_RIGHTS = (
    Right("", ("pods",), ("create",)),
    Right("", ("pods/exec", "pods/attach"), ("create", "get")),
    Right("", ("pods/ephemeralcontainers",), ("update", "patch")),
    Right("apps", ("deployments", "daemonsets", "statefulsets", "replicasets"), ("create",)),
    Right("batch", ("jobs", "cronjobs"), ("create",)),
    Right("", ("replicationcontrollers",), ("create",)),
)


@rule(
    "ACC-016",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.CLUSTER_ROLE_BINDINGS, Need.CLUSTER_ROLES],
    optional_needs=[Need.PODS],
    frameworks={"cis_aks": ["4.1.4"], "nsa_cisa": ["C-0002"], "mitre": ["Execution"]},
    docs=[
        "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
        "https://learn.microsoft.com/azure/aks/cis-kubernetes",
    ],
    fix=Fix(
        """
        kubectl create rolebinding {name} --namespace {namespace} --clusterrole={role} --group={group_object_id}
        kubectl delete clusterrolebinding {name}
        """,
        Disruption.NONE,
        terraform="kubernetes_cluster_role_binding_v1 with kubernetes_cluster_role_v1.rule",
    ),
)
def pods_are_made_and_entered_by_few(
    subject: ClusterRoleBindingSubject, inventory: Inventory, *, allowed_subjects: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Creating pods or entering them cluster-wide is limited.

    Whoever can create a pod in any namespace can run as any service account there, mount its secrets and ask for its
    Azure identity; exec gives the same in a pod that already runs.

    **Fix**: bind deployment rights per namespace, and delete the cluster-wide binding when that is done. Let a GitOps
    controller in a protected namespace hold the cluster-wide right, and list it in `allowed_subjects`.
    """
    binding, cluster = subject.object, subject.cluster
    if binding.is_to_cluster_admin:
        raise NotApplicable("a matter of ACC-009")
    if comes_with_aks(binding):
        raise NotApplicable("a binding of AKS")
    found = holders_of(cluster, [binding], "ACC-016", allowed_subjects)
    role = subject.role if found.outside or found.undecided else None
    rules = cluster.rbac.rules_of(role) if role else ()
    wild = [rule for rule in rules if has_any_resource(rule) and not (role and cluster.rbac.is_of_platform(role, rule))]
    granted = [text for rule in rules if rule not in wild for right in _POD_RIGHTS for text in right.found_in(rule)]
    if granted and found.outside:
        yield Finding(
            f"{summary(found.outside)} may {summary(granted)} in every namespace",
            {
                **_described(subject),
                "permissions": granted,
                "subjects": [str(s) for s in found.outside],
                "acceptedSubjects": found.accepted,
                **known_operators().evidence(inventory),
            },
            {"role": binding.role_ref.name, **spared(binding)},
        )
    if role is not None:
        cluster.rbac.require_rules(role)
    if granted:
        found.require_decided()
    elif wild:
        raise NotApplicable("a role with * in resources is a matter of ACC-012")


@rule(
    "ACC-017",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.CLUSTER_ROLE_BINDINGS, Need.ROLE_BINDINGS],
    optional_needs=[Need.PODS],
    frameworks={"cis_aks": ["4.1.5", "5.2.1"]},
    docs=[
        "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
        "https://learn.microsoft.com/azure/aks/cis-kubernetes",
    ],
    fix=Fix(
        """
        kubectl create serviceaccount {service_account} --namespace {account_namespace}
        kubectl create rolebinding {name}-account --namespace {namespace} --{role_kind}={role} --serviceaccount={account_namespace}:{service_account}
        kubectl patch serviceaccount default --namespace {account_namespace} -p '{"automountServiceAccountToken":false}'
        kubectl delete {kind} {name} --namespace {namespace}
        """,  # noqa: E501 a command stands on one line
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "kubernetes_role_binding_v1.subject, kubernetes_default_service_account_v1.automount_service_account_token"
        ),
    ),
)
def default_accounts_hold_no_rights(subject: Binding, inventory: Inventory) -> Iterator[Finding]:
    """Default service accounts hold no rights.

    Every pod that names no account runs as default. A right given to it for one workload is given to all of them,
    including the next one that somebody deploys without thinking.

    **Fix**: create a service account for the workload, bind the role to it, set `serviceAccountName` (which restarts
    the workload), remove the binding of default and stop its token from being mounted.
    """
    binding, cluster = subject.object, subject.cluster
    named = (_DEFAULT_ACCOUNT.fullmatch(s.identity) for s in subject.holders)
    defaults = [found[1] for found in named if found and found[1] not in cluster.system_namespaces]
    if not defaults and subject.is_aks_managed:
        raise NotApplicable("AKS made it")
    if defaults:
        yield Finding(
            f"{binding.role_ref.kind} {binding.role_ref.name} is bound to the default account of {', '.join(defaults)}",
            {
                **_described(subject),
                "subjects.namespace": defaults,
                "workloads": if_known(lambda: workloads_of(cluster, [(name, "default") for name in defaults])),
            },
            {
                "namespace": subject.namespace or defaults[0],
                "account_namespace": defaults[0],
                "role": binding.role_ref.name,
                "role_kind": binding.role_ref.kind.casefold(),
                **spared(binding),
            },
        )


@rule(
    "ACC-020",
    Severity.LOW,
    Pillar.SECURITY,
    needs=[
        Need.CLUSTER_ROLE_BINDINGS,
        Need.ROLE_BINDINGS,
        Need.CLUSTER_ROLES,
        Need.ROLES,
        Need.SERVICE_ACCOUNTS,
        Need.MANAGED_CLUSTERS,
    ],
    optional_needs=[Need.NAMESPACES],
    docs=[
        "https://learn.microsoft.com/azure/aks/kubernetes-rbac-entra-id",
        "https://kubernetes.io/docs/reference/access-authn-authz/rbac/",
    ],
    fix=Fix(
        """
        az ad group show --group {group_name} --query id --output tsv
        kubectl delete {kind} {name} --namespace {namespace}
        kubectl create {kind} {name} --namespace {namespace} --{role_kind}={role} --group={group_object_id}
        """,
        Disruption.NONE,
        terraform="kubernetes_role_binding_v1.role_ref and subject",
    ),
)
def bindings_lead_somewhere(subject: Binding, inventory: Inventory) -> Iterator[Finding]:
    """Bindings point at roles, accounts and groups that exist.

    A binding for an account that is gone waits for whoever creates that account next. With Entra ID, groups are known
    by object id, so a binding to a display name grants nothing today and misleads every review.

    **Fix**: delete what points nowhere; write Entra groups as object ids; create the missing account or role where it
    is meant to exist.
    """
    if subject.namespace in subject.cluster.system_namespaces or subject.is_aks_managed or _is_default(subject):
        raise NotApplicable("a binding of Kubernetes or AKS")
    yield from any_of(_missing_role(subject), _missing_accounts(subject), _names_for_groups(subject))


def _missing_role(subject: Binding) -> Iterator[Finding]:
    reference = subject.object.role_ref
    if subject.role is None:
        yield Finding(
            f"there is no {reference.kind} {reference.name}", {**_described(subject), "missingRole": reference.name}
        )


def _missing_accounts(subject: Binding) -> Iterator[Finding]:
    cluster = subject.cluster
    namespaces = if_known(lambda: cluster.namespace_names)
    known = if_known(lambda: cluster.service_accounts)
    gone, unknown = [], False
    for account in (s for s in subject.holders if s.kind == "ServiceAccount"):
        if not isinstance(namespaces, str) and account.namespace not in namespaces:
            gone.append(f"{account} (no such namespace)")
        elif isinstance(known, str):
            unknown = True
        elif (account.namespace, account.name) not in known:
            gone.append(str(account))
    if gone:
        yield Finding(
            f"whoever creates {', '.join(gone)} gains what is bound",
            {**_described(subject), "missingAccounts": gone, "rules": if_known(lambda: _rights(subject))},
        )
    if unknown:
        cluster.lists.service_accounts.complete()


def _names_for_groups(subject: Binding) -> Iterator[Finding]:
    strange = [s.name for s in subject.holders if s.is_misnamed_group]
    if strange and subject.cluster.properties.aad_profile is not None:
        yield Finding(
            f"Entra ID knows groups by object id, not as {', '.join(strange)}",
            {**_described(subject), "groups": strange},
            {
                "group_name": strange[0],
                "role": subject.object.role_ref.name,
                "role_kind": subject.object.role_ref.kind.casefold(),
            },
        )
