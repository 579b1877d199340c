"""The identities of add-ons, and the pods that can borrow what sits on their node."""

from collections.abc import Iterator, Mapping

from akscan.sdk import (
    AddonIdentity,
    ApplicationNamespace,
    Borrowable,
    Disruption,
    EffectiveAssignment,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    Vault,
    any_of,
    borrowable,
    rule,
)

from akscan_rules.identity.grants import described, granted, searched

_KEY_VAULT_WRITE_ROLES = {
    "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Key Vault Certificates Officer": "a4417e6f-fecd-4de8-b567-7b0420556985",
    "Key Vault Crypto Officer": "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
    "Key Vault Contributor": "f25e0fa2-a7c8-4377-a976-54943a77a395",
    "Key Vault Data Access Administrator": "8b54135c-b56d-4d72-a534-26097cfdc8d8",
}
_EXPECTED = {
    "azureKeyvaultSecretsProvider": ("Key Vault Secrets User", "Key Vault Certificate User"),
    "webAppRouting": (
        "Key Vault Certificate User",
        "Key Vault Secrets User",
        "DNS Zone Contributor",
        "Private DNS Zone Contributor",
    ),
    "ingressApplicationGateway": ("Network Contributor", "Reader"),
    "aciConnectorLinux": ("Contributor on the node resource group", "Network Contributor on its subnet"),
    "omsagent": (),
    "azurepolicy": (),
}
_READS = ("get", "list")


@rule(
    "IDN-007",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.ROLE_ASSIGNMENTS, Need.ROLE_DEFINITIONS, Need.VAULTS],
    frameworks={"waf": ["SE:05"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/managed-identity-overview",
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access",
    ],
    fix=Fix(
        """
        az aks show --resource-group {resource_group} --name {cluster} --query "addonProfiles.*.identity.objectId"
        az role assignment list --assignee {addon_object_id} --all --output table
        az role assignment delete --ids {role_assignment_id}
        """,
        Disruption.NONE,
        terraform=(
            "azurerm_role_assignment where principal_id comes from "
            "azurerm_kubernetes_cluster.key_vault_secrets_provider[0].secret_identity, "
            "ingress_application_gateway, web_app_routing"
        ),
        arm="Microsoft.Authorization/roleAssignments for properties.addonProfiles.*.identity.objectId",
    ),
)
def addon_identities_are_narrow(
    identity: AddonIdentity,
    inventory: Inventory,
    *,
    key_vault_write_roles: Mapping[str, str] = _KEY_VAULT_WRITE_ROLES,
    expected: Mapping[str, tuple[str, ...]] = _EXPECTED,
) -> Iterator[Finding]:
    """Identities of add-ons hold only what their add-on needs.

    AKS attaches these identities to the scale sets of the nodes, so they are not private to the add-on: any pod that
    reaches instance metadata can ask for their tokens by client id.

    **Fix**: narrow each identity to the roles its add-on documents, on the vault, DNS zone, gateway or subnet itself.
    """
    usual = next((roles for addon, roles in expected.items() if addon.casefold() == identity.addon.casefold()), ())
    evidence: dict[str, EvidenceValue] = {
        "addon": identity.addon,
        "identity.resourceId": identity.resource_id,
        "identity.objectId": identity.object_id,
        **searched(identity.object_id, inventory),
        "expected": usual,
    }
    held_roles = inventory.known_assignments(identity.object_id)
    write_roles = tuple(key_vault_write_roles.values())
    yield from any_of(
        _policies(identity, evidence, inventory),
        *(_beyond_addon(held, identity, write_roles, evidence) for held in held_roles),
    )
    inventory.require_assignments(identity.object_id)


def _beyond_addon(
    held: EffectiveAssignment,
    identity: AddonIdentity,
    write_roles: tuple[str, ...],
    evidence: Mapping[str, EvidenceValue],
) -> Iterator[Finding]:
    if held.assignment.is_broad:
        yield granted(held, evidence, why="(c)")
    if held.is_one_of(write_roles):
        yield granted(held, evidence, why="(d)")
    if held.grants_everything and not _is_its_task(held, identity):
        yield granted(held, evidence, why="(b)")
    if held.grants_roles:
        yield granted(held, evidence, why="(a)")


def _is_its_task(held: EffectiveAssignment, identity: AddonIdentity) -> bool:
    """Whether the add-on must change all there is at the scope."""
    match identity.addon.casefold():
        case "aciconnectorlinux":
            return held.scope == identity.cluster.node_resource_group_id
        case "ingressapplicationgateway":
            return held.scope.type == "Microsoft.Network/applicationGateways"
        case _:
            return False


def _policies(
    identity: AddonIdentity, evidence: Mapping[str, EvidenceValue], inventory: Inventory
) -> Iterator[Finding]:
    for vault, policy in inventory.known_access_policies(identity.object_id):
        beyond = tuple(one for one in policy.granted if one.split()[1] not in _READS)
        if beyond:
            yield Finding(
                f"the access policy of {vault.name} permits {', '.join(beyond)}",
                {**evidence, f"accessPolicies of {vault.id}": policy.granted},
            )
    inventory.require_complete(Vault)


@rule(
    "IDN-008",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.ROLE_ASSIGNMENTS,
        Need.ROLE_DEFINITIONS,
        Need.VAULTS,
        Need.PODS,
        Need.NETWORK_POLICIES,
        Need.CILIUM_POLICIES,
        Need.CILIUM_CLUSTERWIDE_POLICIES,
        Need.CALICO_POLICIES,
        Need.CALICO_GLOBAL_POLICIES,
        Need.ADMIN_NETWORK_POLICIES,
        Need.CLUSTER_NETWORK_POLICIES,
    ],
    optional_needs=[Need.NAMESPACES, Need.DAEMON_SETS, Need.NODES],
    frameworks={"mitre": ["Discovery"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/operator-best-practices-cluster-security",
        "https://learn.microsoft.com/azure/aks/imds-restriction",
    ],
    fix=Fix(
        """
        kubectl apply --namespace {namespace} -f - <<'EOF'
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: deny-instance-metadata}
        spec:
          podSelector: {}
          policyTypes: [Egress]
          egress:
          - to:
            - ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}
            - namespaceSelector: {}
        EOF
        az aks update --resource-group {resource_group} --name {cluster} --enable-imds-restriction
        """,
        Disruption.WORKLOAD_RESTART,
        arm="properties.networkProfile.podLinkLocalAccess (preview API versions)",
    ),
)
def pods_cannot_borrow_node_identities(namespace: ApplicationNamespace, inventory: Inventory) -> Iterator[Finding]:
    """Pods cannot borrow the identities of their node.

    By default every pod can call 169.254.169.254 and get tokens for all identities attached to the node. A reader of
    one vault, held by an add-on identity, thereby becomes the right of every pod in the cluster.

    **Fix**: first take the rights away from node identities (IDN-003, IDN-007, SEC-003) and use Workload ID. Then deny
    the metadata address with an egress policy in each application namespace, or turn on IMDS restriction where the
    add-ons in use allow it (preview). The policy below is for a namespace without egress policies: policies add up, so
    it would open what stricter ones of the namespace close. Where there are some, select by podSelector only the pods
    that none of them does, and take the address out of the rule that admits it.
    """
    access = namespace.cluster.properties.network_profile.pod_link_local_access
    if access == "None":
        raise NotApplicable("AKS keeps pods from the metadata service (IMDS restriction)")
    lenders, gap = borrowable(namespace.cluster, inventory)
    if not lenders and gap is not None:
        raise NotCollected(gap)
    if not lenders:
        raise NotApplicable("the identities on the nodes may pull images at most")
    found = namespace.pods_with_metadata_access
    if not found.judged and found.gap is None:
        raise NotApplicable("no pod runs outside the network of its node")
    if found.pods:
        reasons = tuple(dict.fromkeys(reason for _, reason in found.pods))
        pods = "1 pod" if len(found.pods) == 1 else f"{len(found.pods)} pods"
        yield Finding(
            f"{pods} can ask for tokens of {', '.join(lender.name for lender in lenders)}: {', '.join(reasons)}",
            {
                "namespace": namespace.name,
                "pods": len(found.pods),
                "admittedBy": reasons,
                "networkProfile.podLinkLocalAccess": access or "not in the answer",
                **{f"nodeIdentities/{lender.name}": _rights(lender) for lender in lenders},
            },
        )
    if found.gap is not None:
        raise NotCollected(found.gap)


def _rights(lender: Borrowable) -> tuple[str, ...]:
    policies = (f"access policy of {vault.name}: {', '.join(policy.granted)}" for vault, policy in lender.policies)
    return (*(described(held) for held in lender.assignments), *policies)
