"""Roles of Kubernetes RBAC: what they grant to those outside the platform."""

from collections.abc import Iterator, Sequence

from akscan.sdk import (
    ClusterRoleBinding,
    ClusterRoleSubject,
    Disruption,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    PolicyRule,
    RbacSubject,
    RoleBinding,
    RoleSubject,
    Severity,
    rule,
)

from akscan_rules.access.operators import (
    CORE_GROUPS,
    Right,
    has_any_resource,
    has_any_verb,
    holders_of,
    known_operators,
    named,
    summary,
)

AnyRole = RoleSubject | ClusterRoleSubject

_NEEDS = (Need.CLUSTER_ROLE_BINDINGS, Need.ROLE_BINDINGS, Need.CLUSTER_ROLES, Need.ROLES)
_DOCS = (
    "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
    "https://learn.microsoft.com/azure/aks/cis-kubernetes",
)


def _require_not_for_people(role: AnyRole) -> None:
    """Raises `NotApplicable` for a role that Kubernetes makes for people to hold."""
    if role.object.is_for_people:
        raise NotApplicable("a role that Kubernetes makes for people")


def _is_of_aks(role: AnyRole, binding: ClusterRoleBinding) -> bool:
    """Whether AKS hands out a role of its own by a binding of its own; neither mark alone tells, since anybody can set
    it, and no role of Kubernetes has that of AKS.
    """
    marked = role.object.metadata.is_marked_by_aks and binding.metadata.is_marked_by_aks
    return marked and (not binding.namespace or binding.namespace in role.cluster.system_namespaces)


def _placed(role: AnyRole, granted: PolicyRule) -> str:
    """A rule with its place in the role, or the word for what its aggregation rule adds."""
    own = role.object.rules or ()
    return f"rules[{own.index(granted)}] {granted}" if granted in own else f"aggregated {granted}"


#: Rules of a role, and the bindings by which they count.
Offences = list[tuple[list[PolicyRule], Sequence[ClusterRoleBinding]]]


def _held(
    role: AnyRole, offences: Offences, rule_id: str, inventory: Inventory, allowed: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """The finding on a role some of whose rules are held outside the platform. For a role of the platform the question
    arises only where somebody hands it to such a holder.
    """
    judged = []
    for rules, bindings in offences:
        if rules:
            others = [binding for binding in bindings if not _is_of_aks(role, binding)]
            judged.append((rules, others, holders_of(role.cluster, others, rule_id, allowed)))
    proven = [entry for entry in judged if entry[2].outside]
    if proven:
        subjects = list(dict.fromkeys(subject for _, _, found in proven for subject in found.outside))
        used = {named(binding): binding for _, bindings, _ in proven for binding in bindings}
        placed = [_placed(role, granted) for rules, _, _ in proven for granted in rules]
        evidence: dict[str, EvidenceValue | Sequence[object]] = {
            "kind": role.object.kind,
            "metadata.namespace": role.namespace,
            "metadata.name": role.name,
            "rules": placed,
            "bindings": list(used),
            "subjects": [str(subject) for subject in subjects],
            "clusterWide": any(not isinstance(binding, RoleBinding) for binding in used.values()),
            "acceptedSubjects": list(dict.fromkeys(text for _, _, found in proven for text in found.accepted)),
            **known_operators().evidence(inventory),
        }
        verb = "holds" if len(subjects) == 1 else "hold"
        # a role of the platform is not to be edited, only who holds it
        kept = {"name": ""} if role.is_of_platform else {}
        yield Finding(f"{summary(subjects)} {verb} {summary(placed)}", evidence, {**_fill(role, subjects), **kept})
    for _, _, found in judged:
        found.require_decided()
    if judged:
        role.require_known()
    role.cluster.rbac.require_rules(role.object)
    if role.is_of_platform:
        raise NotApplicable("a role of Kubernetes or AKS, in no other hands")


def _fill(role: AnyRole, subjects: Sequence[RbacSubject]) -> dict[str, str]:
    """A holder to ask about: a user, or a service account where one namespace stands for both in the commands."""
    users = (s.identity.removeprefix("User:") for s in subjects if s.identity.startswith("User:"))
    accounts = (
        {"namespace": s.namespace, "service_account": s.name}
        for s in subjects
        if s.kind == "ServiceAccount" and role.namespace in ("", s.namespace)
    )
    return {"subject": next(users, ""), **next(accounts, {})}


@rule(
    "ACC-012",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=_NEEDS,
    optional_needs=[Need.PODS],
    frameworks={"cis_aks": ["4.1.3"]},
    docs=_DOCS,
    fix=Fix(
        """
        kubectl describe {kind} {name} --namespace {namespace}
        kubectl create rolebinding {name}-admin --namespace {namespace} --clusterrole=admin --group={group_object_id}
        kubectl edit {kind} {name} --namespace {namespace}
        """,
        Disruption.NONE,
        terraform="kubernetes_cluster_role_v1.rule, kubernetes_role_v1.rule",
    ),
)
def roles_name_resources_and_verbs(
    role: AnyRole, inventory: Inventory, *, core_groups: tuple[str, ...] = CORE_GROUPS
) -> Iterator[Finding]:
    """Roles in use name their resources and verbs.

    A wildcard grants what exists today and what is installed tomorrow, secrets included. Wildcard verbs on an
    operator's own API group are common and harmless, which is why only the core groups count here.

    **Fix**: list the resources and verbs that are used; the audit log shows them. For full control of one namespace use
    the built-in role `admin` instead of cluster-admin. Nothing breaks when the list is complete. A role of Kubernetes
    or AKS stays as it is: bind a role of your own in its place.
    """
    if isinstance(role, ClusterRoleSubject) and role.name == "cluster-admin":
        yield from _cluster_admin_in_namespaces(role, inventory)
        raise NotApplicable("cluster-wide it is a matter of ACC-009")
    _require_not_for_people(role)
    wild = [granted for granted in role.rules if has_any_resource(granted) or has_any_verb(granted, core_groups)]
    yield from _held(role, [(wild, role.bindings)], "ACC-012", inventory)


def _cluster_admin_in_namespaces(role: ClusterRoleSubject, inventory: Inventory) -> Iterator[Finding]:
    """A finding for each RoleBinding that makes somebody outside the platform the master of a namespace."""
    judged = [
        (binding, holders_of(role.cluster, [binding], "ACC-012"))
        for binding in role.bindings
        if isinstance(binding, RoleBinding)
    ]
    for binding, found in judged:
        if found.outside:
            yield Finding(
                f"{summary(found.outside)} {'is' if len(found.outside) == 1 else 'are'} cluster-admin of namespace "
                f"{binding.namespace}",
                {
                    "bindings": [named(binding)],
                    "subjects": [str(subject) for subject in found.outside],
                    "acceptedSubjects": found.accepted,
                    "clusterWide": False,
                    **known_operators().evidence(inventory),
                },
                {"namespace": binding.namespace},
                part=f"rolebindings/{binding.namespace}/{binding.name}",
            )
    for _, found in judged:
        found.require_decided()
    role.cluster.lists.role_bindings.complete()


@rule(
    "ACC-013",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=_NEEDS,
    optional_needs=[Need.PODS],
    frameworks={"cis_aks": ["4.1.7"]},
    docs=_DOCS,
    fix=Fix(
        """
        kubectl auth can-i --list --as={subject}
        kubectl edit {kind} {name} --namespace {namespace}
        """,
        Disruption.NONE,
        terraform="kubernetes_cluster_role_v1.rule.verbs, kubernetes_role_v1.rule.verbs",
    ),
)
def nobody_escalates_binds_or_impersonates(
    role: AnyRole, inventory: Inventory, *, allowed_subjects: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Nobody may escalate, bind or impersonate without bounds.

    These three verbs switch off the check that nobody can hand out more than he has: the holder makes himself
    cluster-admin in one request, or acts as system:masters.

    **Fix**: remove the verb, or restrict it with `resourceNames` to the roles or accounts that may be handed out.
    Controllers that manage RBAC may need `resourceNames`. A role of Kubernetes or AKS stays as it is: delete the
    binding that gives it to others.
    """
    _require_not_for_people(role)
    own = [granted for granted in role.rules if not (granted.resource_names or has_any_verb(granted))]
    anywhere = [granted for granted in own if _hands_out_roles(granted) or _acts_as(granted, "serviceaccounts")]
    cluster_wide = [granted for granted in own if granted not in anywhere and _acts_as_people(granted)]
    offences: Offences = [(anywhere, role.bindings), (cluster_wide, _cluster_wide(role.bindings))]
    yield from _held(role, offences, "ACC-013", inventory, allowed_subjects)


def _cluster_wide(bindings: Sequence[ClusterRoleBinding]) -> Sequence[ClusterRoleBinding]:
    """Those by which a permission counts on what is in no namespace."""
    return [binding for binding in bindings if not isinstance(binding, RoleBinding)]


def _hands_out_roles(granted: PolicyRule) -> bool:
    return (
        granted.has_verb("escalate", "bind")
        and granted.has_group("rbac.authorization.k8s.io")
        and granted.has_resource("roles", "clusterroles")
    )


def _acts_as(granted: PolicyRule, *resources: str) -> bool:
    can = granted.has_verb("impersonate") and granted.has_group("", "authentication.k8s.io")
    return can and granted.has_resource(*resources)


def _acts_as_people(granted: PolicyRule) -> bool:
    """Whether it lets its holder act as what is in no namespace, as all but service accounts is."""
    extras = [name for name in granted.resources or () if name.startswith("userextras/")]
    return _acts_as(granted, "users", "groups", "uids", *extras)


_WEBHOOKS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
#: The short ways up.
_WAYS_UP = (
    Right("", ("nodes/proxy",), ("get", "create"), namespaced=False),
    Right("certificates.k8s.io", ("certificatesigningrequests/approval",), ("update", "patch"), namespaced=False),
    Right("certificates.k8s.io", ("signers",), ("approve",), namespaced=False),
    Right("", ("serviceaccounts/token",), ("create",)),
    Right("admissionregistration.k8s.io", _WEBHOOKS, ("create", "update", "patch", "delete"), namespaced=False),
    Right("", ("persistentvolumes",), ("create",), namespaced=False),
    Right("", ("services/status",), ("update", "patch")),
)
_ENDPOINTS = (
    Right("", ("endpoints",), ("create", "update", "patch")),
    Right("discovery.k8s.io", ("endpointslices",), ("create", "update", "patch")),
)


@rule(
    "ACC-014",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=_NEEDS,
    optional_needs=[Need.PODS],
    frameworks={"cis_aks": ["4.1.8", "4.1.9", "4.1.10", "4.1.11", "4.1.12"]},
    docs=_DOCS,
    fix=Fix(
        """
        kubectl auth can-i get nodes --subresource=proxy --as=system:serviceaccount:{namespace}:{service_account}
        kubectl edit {kind} {name} --namespace {namespace}
        """,
        Disruption.NONE,
        terraform="kubernetes_cluster_role_v1.rule, kubernetes_role_v1.rule",
    ),
)
def ways_up_are_the_platforms(
    role: AnyRole, inventory: Inventory, *, allowed_subjects: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Permissions that end in control of nodes or cluster are held by the platform only.

    Each item is a short way up: `nodes/proxy` runs commands in any pod without an audit entry, CSR approval mints
    administrator certificates, token creation takes over any account, webhooks see and change every object, a hand-made
    volume mounts the node's disk, `services/status` redirects traffic.

    **Fix**: move the permission to a dedicated service account of the platform or narrow it with `resourceNames`.
    Monitoring agents need `nodes/metrics` or `nodes/stats`, not `nodes/proxy`; a controller may need a narrower
    replacement. A role of Kubernetes or AKS stays as it is: bind a role of your own in its place.
    """
    if isinstance(role, ClusterRoleSubject) and role.name == "system:aggregate-to-edit":
        yield from _redirecting_editors(role)
    _require_not_for_people(role)
    anywhere: list[PolicyRule] = []
    cluster_wide: list[PolicyRule] = []
    for granted in role.rules:
        ways = () if has_any_resource(granted) else [way for way in _WAYS_UP if way.found_in(granted)]
        if ways:
            (anywhere if any(way.namespaced for way in ways) else cluster_wide).append(granted)
    offences: Offences = [(anywhere, role.bindings), (cluster_wide, _cluster_wide(role.bindings))]
    yield from _held(role, offences, "ACC-014", inventory, allowed_subjects)


def _redirecting_editors(role: ClusterRoleSubject) -> Iterator[Finding]:
    """Endpoints in the hands of every editor, as clusters have it that were made before Kubernetes 1.22."""
    found = [granted for granted in role.rules if any(way.found_in(granted) for way in _ENDPOINTS)]
    if found:
        yield Finding(
            "whoever holds edit may send the traffic of any Service elsewhere",
            {"metadata.name": role.name, "rules": [_placed(role, granted) for granted in found]},
        )
