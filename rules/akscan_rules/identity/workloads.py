"""Workload identity: from the pod to the credential, and what those can do who become an identity."""

from collections.abc import Iterator, Mapping

from akscan.sdk import (
    ArmId,
    Cluster,
    Disruption,
    EffectiveAssignment,
    EvidenceValue,
    FederatedCredential,
    FederatedIdentity,
    Finding,
    Fix,
    Gap,
    IdentityBinding,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    Workload,
    any_of,
    if_known,
    rule,
    untold,
)

from akscan_rules.identity.grants import described, granted, searched

_AUDIENCES = ("api://AzureADTokenExchange", "api://AzureADTokenExchangeUSGov", "api://AzureADTokenExchangeChina")
_WEBHOOK = "azure-wi-webhook-mutating-webhook-configuration"
_USE = "azure.workload.identity/use"
_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_CONTROLS_CLUSTER = (
    f"{_CLUSTERS}/write",
    f"{_CLUSTERS}/listClusterAdminCredential/action",
    f"{_CLUSTERS}/runCommand/action",
)
_BINDS_ROLES = f"{_CLUSTERS}/rbac.authorization.k8s.io/rolebindings/write"
_FEDERATES = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"
_CHANGES_NODES = "Microsoft.Compute/virtualMachineScaleSets/write"


@rule(
    "IDN-011",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.USER_ASSIGNED_IDENTITIES,
        Need.FEDERATED_CREDENTIALS,
        Need.IDENTITY_BINDINGS,
        Need.DEPLOYMENTS,
        Need.STATEFUL_SETS,
        Need.DAEMON_SETS,
        Need.REPLICA_SETS,
        Need.JOBS,
        Need.CRON_JOBS,
        Need.PODS,
        Need.SERVICE_ACCOUNTS,
        Need.SECRET_PROVIDER_CLASSES,
    ],
    optional_needs=[Need.MUTATING_WEBHOOKS],
    docs=[
        "https://learn.microsoft.com/azure/aks/workload-identity-overview",
        "https://learn.microsoft.com/azure/aks/workload-identity-deploy-cluster",
    ],
    fix=Fix(
        """
        kubectl annotate serviceaccount {service_account} --namespace {namespace} azure.workload.identity/client-id={client_id}
        kubectl patch {kind} {name} --namespace {namespace} --type json -p '[{"op":"add","path":"{template_path}/metadata/labels/azure.workload.identity~1use","value":"true"}]'
        az identity federated-credential create --name {credential} --identity-name {identity} --resource-group {resource_group} --issuer {oidc_issuer_url} --subject system:serviceaccount:{namespace}:{service_account} --audience api://AzureADTokenExchange
        """,  # noqa: E501 a command is one line
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "azurerm_federated_identity_credential.issuer, subject, audience; "
            "kubernetes_service_account_v1.metadata.annotations"
        ),
        arm=(
            "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials "
            "properties.issuer, subject, audiences"
        ),
    ),
)
def workload_identity_is_wired(
    workload: Workload, inventory: Inventory, *, audiences: tuple[str, ...] = _AUDIENCES
) -> Iterator[Finding]:
    """Workload identity is wired from pod to federated credential.

    The chain has four links in two systems, and a break shows only when a pod restarts: a missing label means no token
    is injected, a subject with a typing error means a refused token exchange at run time. Finding it before the
    restart is cheap.

    **Fix**: complete the missing link: label on the pod template, annotation on the service account, or a federated
    credential with the exact issuer and subject.
    """
    if workload.namespace in workload.cluster.system_namespaces:
        raise NotApplicable("system namespace")
    uses = workload.pod_labels.get(_USE) == "true"
    account = _Account(workload, inventory)
    if uses:
        yield from any_of(
            _has_no_webhook(workload), _names_nobody(workload, account), _is_not_trusted(account, inventory, audiences)
        )
        return
    if not account.client_id:
        raise NotApplicable("the service account names no identity and the pods ask for none")
    if account.client_id.casefold() not in _mounted_clients(workload):
        yield Finding(
            f"service account {account.name} names an identity, the pods lack the label {_USE}",
            account.evidence,
            fill=account.fill,
        )


class _Account:
    """The service account of a workload, and the identity that it names."""

    def __init__(self, workload: Workload, inventory: Inventory) -> None:
        self.cluster = workload.cluster
        self.namespace = workload.namespace
        self.name = workload.service_account
        self._template_path = workload.spec_path.removesuffix("/spec")
        self._inventory = inventory

    @property
    def client_id(self) -> str:
        """Raises `NotCollected` where service accounts could not be listed."""
        account = self.cluster.service_accounts.get((self.namespace, self.name))
        return account.client_id if account else ""

    @property
    def subject(self) -> str:
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    @property
    def evidence(self) -> dict[str, EvidenceValue]:
        return {
            "serviceAccountName": self.name,
            "azure.workload.identity/client-id": if_known(lambda: self.client_id),
            "issuer": if_known(lambda: self.cluster.issuer),
            "subject": self.subject,
        }

    @property
    def fill(self) -> dict[str, str]:
        client = if_known(lambda: self.client_id)
        known = {"service_account": self.name, "template_path": self._template_path, "resource_group": ""}
        identity = self._inventory.federation.identity_with(client)
        if identity is not None:
            known |= {"identity": identity.name, "resource_group": identity.id.resource_group, "client_id": client}
        return known


def _mounted_clients(workload: Workload) -> frozenset[str]:
    """The client ids, in lower case, with which the SecretProviderClasses that the pods mount read their vaults."""
    mounted = workload.effective_spec.mounted_provider_classes
    classes = workload.cluster.provider_classes if mounted else {}
    found = (classes.get((workload.namespace, name)) for name in mounted)
    return frozenset(one.client_id.casefold() for one in found if one)


def _names_nobody(workload: Workload, account: _Account) -> Iterator[Finding]:
    if not account.client_id and not any(spec.sets("AZURE_CLIENT_ID") for spec in workload.each_spec()):
        message = f"the pods ask for an identity, service account {account.name} names none"
        yield Finding(message, account.evidence, fill=account.fill)


def _is_not_trusted(account: _Account, inventory: Inventory, audiences: tuple[str, ...]) -> Iterator[Finding]:
    if not account.client_id:
        return
    identity = inventory.federation.identity_with(account.client_id)
    if identity is None:
        raise NotCollected(_not_in_inventory(account))
    credentials = inventory.known_within(FederatedCredential, identity.id)
    if any(_trusts(credential, account, audiences) for credential in credentials):
        return
    if inventory.federation.bindings(account.cluster).get(identity.id):
        return
    inventory.within(FederatedCredential, identity.id)
    inventory.within(IdentityBinding, account.cluster.id)
    found = tuple(f"{c.name}: {c.properties.issuer} {c.properties.subject}" for c in credentials)
    yield Finding(
        f"no credential of {identity.name} trusts {account.subject} of this cluster",
        {**account.evidence, "identity": identity.id, "federatedIdentityCredentials": found},
        fill=account.fill,
    )


def _trusts(credential: FederatedCredential, account: _Account, audiences: tuple[str, ...]) -> bool:
    properties = credential.properties
    return (
        bool(account.cluster.issuer)
        and properties.issuer.rstrip("/") == account.cluster.issuer
        and properties.subject == account.subject
        and not set(audiences).isdisjoint(properties.audiences)
    )


def _not_in_inventory(account: _Account) -> Gap:
    return untold(
        "arm",
        f"client id {account.client_id}",
        "an application registration, or an identity of another subscription",
        Need.USER_ASSIGNED_IDENTITIES,
    )


def _has_no_webhook(workload: Workload) -> Iterator[Finding]:
    cluster = workload.cluster
    is_on = cluster.properties.security_profile.workload_identity.enabled
    webhooks = cluster.lists.mutating_webhooks
    if is_on or any(found.name == _WEBHOOK for found in webhooks.items):
        return
    webhooks.complete()
    yield Finding(
        "the pods ask for an identity, but Workload ID is off and its webhook is not there",
        {"securityProfile.workloadIdentity.enabled": is_on, "mutatingWebhookConfiguration": f"no {_WEBHOOK}"},
    )


@rule(
    "IDN-012",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.USER_ASSIGNED_IDENTITIES,
        Need.FEDERATED_CREDENTIALS,
        Need.SERVICE_ACCOUNTS,
    ],
    optional_needs=[Need.NAMESPACES],
    frameworks={"mcsb": ["IM-3"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/workload-identity-overview",
        "https://learn.microsoft.com/azure/aks/workload-identity-deploy-cluster",
    ],
    fix=Fix(
        """
        az identity federated-credential list --identity-name {identity} --resource-group {resource_group} --output table
        az identity federated-credential delete --name {credential} --identity-name {identity} --resource-group {resource_group}
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform="azurerm_federated_identity_credential.subject",
        arm=("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials properties.subject"),
    ),
)
def federated_credentials_trust_dedicated_accounts(
    identity: FederatedIdentity, inventory: Inventory, *, audiences: tuple[str, ...] = _AUDIENCES
) -> Iterator[Finding]:
    """Federated credentials trust only service accounts that exist and are dedicated.

    A credential for a service account that is gone is an open door: whoever may create that namespace or account in
    the cluster becomes the identity in Azure. Trusting "default" hands the identity to every pod of the namespace that
    names no account.

    **Fix**: delete credentials whose service account no longer exists; give each workload its own service account and
    credential. The deletion disturbs nothing where the account is really gone.
    """
    if not identity.credentials:
        raise NotApplicable("AKS keeps the credential of identity bindings itself")
    evidence: dict[str, EvidenceValue] = {
        "identity": identity.resource_id,
        "roles": if_known(lambda: tuple(map(described, inventory.known_assignments(identity.object_id(inventory))))),
    }
    yield from any_of(
        *(_trusts_nobody(c, identity, audiences, evidence) for c in identity.credentials),
    )


def _trusts_nobody(
    credential: FederatedCredential,
    identity: FederatedIdentity,
    audiences: tuple[str, ...],
    evidence: Mapping[str, EvidenceValue],
) -> Iterator[Finding]:
    properties = credential.properties
    facts = {f"federatedIdentityCredentials/{credential.name}": (properties.subject, *properties.audiences)}
    foreign = [audience for audience in properties.audiences if audience not in audiences]
    reasons = [f"(d) has audience {', '.join(foreign)}"] if foreign else []
    if credential.service_account is None:
        reasons.append(f"(a) trusts {properties.subject}, which is no service account")
    elif credential.service_account[1] == "default":
        reasons.append(f"(c) trusts {properties.subject}, which every pod of the namespace can be")
    for reason in reasons:
        yield Finding(f"credential {credential.name} {reason}", {**evidence, **facts})
    if credential.service_account and (gone := _gone(credential.service_account, identity.cluster)):
        yield Finding(
            f"credential {credential.name} (b) trusts {gone}",
            {**evidence, **facts},
            fill={"credential": credential.name},
        )


def _gone(account: tuple[str, str], cluster: Cluster) -> str:
    """What of a service account does not exist; empty where all does. Raises `NotCollected` where nobody knows."""
    namespaces, accounts = cluster.lists.namespaces, cluster.lists.service_accounts
    if any((found.namespace, found.name) == account for found in accounts.items):
        return ""
    namespace, name = account
    if namespaces.gap is None and not any(found.name == namespace for found in namespaces.items):
        return f"service account {name} of namespace {namespace}, which does not exist"
    accounts.complete()
    return f"service account {name}, which namespace {namespace} does not have"


@rule(
    "IDN-013",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.USER_ASSIGNED_IDENTITIES,
        Need.FEDERATED_CREDENTIALS,
        Need.IDENTITY_BINDINGS,
        Need.ROLE_ASSIGNMENTS,
        Need.ROLE_DEFINITIONS,
    ],
    frameworks={"waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/workload-identity-overview",
        "https://learn.microsoft.com/azure/aks/aks-service-permissions",
    ],
    fix=Fix(
        """
        az role assignment list --assignee {identity_object_id} --all --output table
        az role assignment delete --ids {role_assignment_id}
        """,
        Disruption.NONE,
        terraform=(
            "azurerm_role_assignment where principal_id is the principal of an identity that has an "
            "azurerm_federated_identity_credential"
        ),
        arm="Microsoft.Authorization/roleAssignments of identities with federatedIdentityCredentials",
    ),
)
def federated_identities_are_no_administrators(
    identity: FederatedIdentity, inventory: Inventory, *, allowed_identities: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Identities that pods can assume hold no administrative rights.

    Whoever can create a pod in the namespace can use its service account, and thereby the identity. If that identity
    manages the cluster, a namespace editor is a cluster administrator; if it is Contributor on a subscription, the
    cluster is only the first thing lost.

    **Fix**: give the identity data-plane roles on the single resource it uses. Where a controller must create Azure
    resources, confine it to a resource group of its own and its namespace to the platform team, and list the identity
    in allowed_identities.
    """
    if identity.resource_id in {ArmId(allowed) for allowed in allowed_identities}:
        return
    principal = identity.object_id(inventory)
    evidence: dict[str, EvidenceValue] = {
        "identity": identity.resource_id,
        "principalId": principal,
        "serviceAccounts": identity.service_accounts,
        **searched(principal, inventory),
    }
    held_roles = inventory.known_assignments(principal)
    yield from any_of(*(_administers(held, identity, evidence, inventory) for held in held_roles))
    inventory.require_assignments(principal)


def _administers(
    held: EffectiveAssignment,
    identity: FederatedIdentity,
    evidence: Mapping[str, EvidenceValue],
    inventory: Inventory,
) -> Iterator[Finding]:
    if held.grants_everything and (held.assignment.is_broad or held.scope == held.scope.group):
        yield granted(held, evidence, why="(b)")
    if held.grants_roles:
        yield granted(held, evidence, why="(a)")
    if _controls(held, identity.cluster):
        yield granted(held, evidence, why="(c)")
    if held.grants(_FEDERATES) and any(held.assignment.reaches(other) for other in _others(identity, inventory)):
        yield granted(held, evidence, why="(d)")
    nodes = identity.cluster.node_resource_group_id
    if (held.assignment.reaches(nodes) or nodes.contains(held.scope)) and held.grants(_CHANGES_NODES):
        yield granted(held, evidence, why="(e)")


def _controls(held: EffectiveAssignment, cluster: Cluster) -> bool:
    """Whether it makes its holder an administrator of the cluster."""
    if not held.assignment.reaches(cluster.id):
        return False
    if any(held.grants(action) for action in _CONTROLS_CLUSTER):
        return True
    entra = cluster.properties.aad_profile
    return entra is not None and entra.enable_azure_rbac and held.grants(_BINDS_ROLES, data=True)


def _others(identity: FederatedIdentity, inventory: Inventory) -> frozenset[ArmId]:
    """The identities of the cluster that it is not: with their credentials it could be them, too."""
    cluster, federation = identity.cluster, inventory.federation
    kubelet = cluster.kubelet_identity
    own = {cluster.control_plane_identity, kubelet.resource_id if kubelet else ArmId()}
    return frozenset(
        {*own, *federation.credentials(cluster), *federation.bindings(cluster)} - {ArmId(), identity.resource_id}
    )
