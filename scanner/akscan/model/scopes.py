"""What each ARM list is asked of, given subscriptions, clusters and hubs; the same for collectors, imports and
tests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TypeVar

from akscan.model.azure import (
    FleetMember,
    KubernetesVersions,
    ManagedCluster,
    TrustedAccessRoleBinding,
    UserAssignedIdentity,
    Vault,
    beside_nodes,
    image_kind,
)
from akscan.model.inventory import kubernetes_versions_id
from akscan.model.reads import ARM_READS, PRIVATE_LINK_ZONES, ArmRead, Scope
from akscan.model.roles import RoleAssignment, assigned_to_id
from akscan.model.text import ArmId, Token

T = TypeVar("T")

Job = tuple[ArmRead, ArmId]


def jobs_of_subscriptions(subscriptions: Iterable[ArmId]) -> list[Job]:
    """What is listed in every subscription in scope, clusters or not."""
    return _jobs(Scope.SUBSCRIPTION, subscriptions)


def jobs_of_clusters(clusters: Sequence[ManagedCluster], hubs: Iterable[ArmId]) -> list[Job]:
    """What is listed because of clusters: in their subscriptions and locations, and of each of them."""
    subscriptions = (cluster.id.subscription_scope for cluster in clusters)
    locations = (kubernetes_versions_id(cluster.id.subscription_scope, str(cluster.location)) for cluster in clusters)
    networks = (cluster.api_server_subnet.parent for cluster in clusters if cluster.api_server_subnet)
    registries = (cluster.properties.bootstrap_profile.container_registry_id for cluster in clusters)
    return [
        *_jobs(Scope.API_SERVER_NETWORK, networks),
        *_jobs(Scope.BOOTSTRAP_REGISTRY, (registry for registry in registries if registry)),
        *_jobs(Scope.ISOLATED_CLUSTER, (cluster.id for cluster in clusters if cluster.is_isolated)),
        *_jobs(Scope.CLUSTER_SUBSCRIPTION, subscriptions),
        *_jobs(Scope.LOCATION, locations),
        *_jobs(Scope.MESH_LOCATION, (mesh_location(cluster) for cluster in clusters if cluster.has_istio)),
        *_jobs(Scope.NODE_IMAGE, _pools_of_images(clusters)),
        *_jobs(Scope.CLUSTER, (cluster.id for cluster in clusters)),
        *_jobs(Scope.MONITORED_CLUSTER, (c.id for c in clusters if c.collects_logs or c.collects_metrics)),
        *_jobs(Scope.HUB, hubs),
        *_jobs(Scope.PRINCIPAL, _principals(clusters)),
    ]


def jobs_of_unlisted(clusters: Iterable[ManagedCluster], offers: Iterable[KubernetesVersions] = ()) -> list[Job]:
    """What is asked of clusters whose version is not among those that their location was read to offer: of the others
    that list tells the same.
    """
    listed = {(offer.id, patch) for offer in offers for row in offer.values for patch in row.patch_versions}
    return _jobs(
        Scope.UNLISTED_CLUSTER,
        (
            cluster.id
            for cluster in clusters
            if (
                kubernetes_versions_id(cluster.id.subscription_scope, str(cluster.location)),
                cluster.properties.version_now,
            )
            not in listed
        ),
    )


def jobs_of_identities(clusters: Sequence[ManagedCluster], identities: Iterable[ArmId]) -> list[Job]:
    """What is listed of control plane identities, and where a cluster issues tokens of its own of every other one.

    Those that sit on nodes are left out: pods can take their tokens without being federated with them.
    """
    own = (identity for cluster in clusters for identity in cluster.identity.user_assigned_identities)
    issues = any(cluster.properties.oidc_issuer_profile.issuer_url for cluster in clusters)
    return _jobs(Scope.IDENTITY, (*own, *(beside_nodes(identities, clusters) if issues else ())))


def in_turn(items: Iterable[T], scope_of: Callable[[T], ArmId]) -> list[T]:
    """The items of every subscription in turn: each has a budget of its own, and none is to wait for another's."""
    by_subscription: dict[str, list[T]] = defaultdict(list)
    for item in items:
        by_subscription[scope_of(item).subscription].append(item)
    return [item for turn in zip_longest(*by_subscription.values()) for item in turn if item is not None]


def jobs_of_zones(zones: Iterable[ArmId]) -> list[Job]:
    """What is listed of private DNS zones."""
    return _jobs(Scope.PRIVATE_LINK_ZONE, (zone for zone in zones if Token(zone.name) in PRIVATE_LINK_ZONES))


def jobs_of_trusted_access(bindings: Iterable[TrustedAccessRoleBinding]) -> list[Job]:
    """What is asked of the resources that may enter a cluster: whether they exist."""
    return _jobs(Scope.TRUSTED_SOURCE, (b.properties.source_resource_id for b in bindings if b.source_is_listed))


def jobs_of_telemetry(references: Iterable[ArmId]) -> list[Job]:
    """What is read by its id because telemetry leads to it."""
    followed = {read.struct.arm_type: read for read in ARM_READS if read.scope is Scope.TELEMETRY}
    wanted = dict.fromkeys(one for one in references if one)
    return [(followed[one.type], one) for one in wanted if one.type in followed]


def jobs_of_upgraded(clusters: Iterable[ManagedCluster], members: Iterable[FleetMember] = ()) -> list[Job]:
    """What is asked of clusters that AKS or a fleet upgrades: when it may."""
    in_fleets = {member.properties.cluster_resource_id for member in members}
    return _jobs(
        Scope.UPGRADED_CLUSTER,
        (
            cluster.id
            for cluster in clusters
            if cluster.id in in_fleets
            or cluster.properties.auto_upgrade_profile.upgrades_kubernetes
            or cluster.properties.auto_upgrade_profile.upgrades_node_os
        ),
    )


def jobs_of_fleets(fleets: Iterable[ArmId]) -> list[Job]:
    """What is listed of every fleet."""
    return _jobs(Scope.FLEET, fleets)


def jobs_of_policies(policies: Iterable[ArmId]) -> list[Job]:
    """What is listed of every firewall policy that a cluster's traffic meets."""
    return _jobs(Scope.FIREWALL_POLICY, policies)


def jobs_of_vaults(vaults: Iterable[ArmId]) -> list[Job]:
    """What is listed of key vaults."""
    return _jobs(Scope.READ_VAULT, vaults)


def jobs_of_keys(clusters: Iterable[ManagedCluster], vaults: Iterable[Vault]) -> list[Job]:
    """The keys with which clusters encrypt etcd, and their versions where clusters name one."""
    named = {Token(vault.name): vault.id for vault in vaults}
    keys: list[ArmId] = []
    versions: list[ArmId] = []
    for cluster in clusters:
        kms = cluster.properties.security_profile.azure_key_vault_kms
        vault = kms.key_vault_resource_id or named.get(Token(kms.vault_name))
        if kms.enabled and vault and kms.key_name:
            keys.append(ArmId(f"{vault}/keys/{kms.key_name}"))
            versions += [ArmId(f"{keys[-1]}/versions/{kms.key_version}")] if kms.key_version else []
    return [*_jobs(Scope.KMS_KEY, keys), *_jobs(Scope.KMS_KEY_VERSION, versions)]


def vaults_let_into(
    clusters: Sequence[ManagedCluster],
    vaults: Iterable[Vault],
    identities: Iterable[UserAssignedIdentity],
    assignments: Iterable[RoleAssignment],
) -> Iterator[ArmId]:
    """The vaults that say, by access policy or by a role on themselves, what is in them or their resource group, that
    a managed identity of these subscriptions reads them; and those with a key of etcd. Which of them clusters mount
    from, only Kubernetes tells, which is read later.
    """
    if not clusters:
        return
    parts = [part for cluster in clusters for part in cluster.identity_references]
    principals = {Token(part.object_id) for part in parts if part.object_id}
    principals.update(identity.properties.principal_id for identity in identities)
    scopes = {a.properties.scope for a in assignments if a.properties.principal_id in principals}
    own, groups = {scope for scope in scopes if scope.type}, {scope for scope in scopes if scope == scope.group}
    inside = own | {scope.parent for scope in own}
    kms = {Token(cluster.properties.security_profile.azure_key_vault_kms.vault_name) for cluster in clusters}
    for vault in vaults:
        admitted = any(policy.object_id in principals for policy in vault.properties.access_policies)
        if admitted or vault.id in inside or vault.id.group in groups or Token(vault.name) in kms:
            yield vault.id


def _jobs(scope: Scope, scopes: Iterable[ArmId]) -> list[Job]:
    wanted = list(dict.fromkeys(scopes))
    return [(read, one) for read in ARM_READS if read.scope is scope for one in wanted]


def _principals(clusters: Iterable[ManagedCluster]) -> Iterator[ArmId]:
    """Whose groups are asked for, each in the subscription of its cluster."""
    for cluster in clusters:
        identity = cluster.identity
        kubelet = cluster.properties.identity_profile.get(Token("kubeletidentity"))
        own = (found.principal_id for found in identity.user_assigned_identities.values())
        for principal in (identity.principal_id, *own, kubelet.object_id if kubelet else ""):
            if principal:
                yield assigned_to_id(cluster.id.subscription_scope, principal)


def mesh_location(cluster: ManagedCluster) -> ArmId:
    """What is asked for the revisions of the Istio add-on in a cluster's location."""
    location = str(cluster.location).casefold()
    return ArmId(f"{cluster.id.subscription_scope}/providers/Microsoft.ContainerService/locations/{location}")


def _pools_of_images(clusters: Iterable[ManagedCluster]) -> Iterator[ArmId]:
    """The first running pool with each kind of image in each location of a subscription: what is the newest image for
    one is it for all.
    """
    first: dict[tuple[str, str, str], ArmId] = {}
    for cluster in sorted(clusters, key=lambda cluster: cluster.id):
        for pool in cluster.properties.agent_pool_profiles:
            if pool.node_image_version and pool.power_state.code != "Stopped":
                key = (cluster.id.subscription, str(cluster.location), image_kind(pool.node_image_version))
                first.setdefault(key, ArmId(f"{cluster.id}/agentPools/{pool.name}"))
    yield from first.values()
