"""One inventory of Azure and Kubernetes: what was read, when, in which scope, and what could not be read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeVar

import msgspec

from akscan.model.alerting import Alerting
from akscan.model.assignments import AssignmentIndex, EffectiveAssignment
from akscan.model.azure import (
    AccessPolicy,
    AzureFirewall,
    DiagnosticSetting,
    FederatedCredential,
    HubConnection,
    KubernetesVersion,
    KubernetesVersions,
    ManagedCluster,
    PrivateDnsZone,
    Resource,
    ResourceGroup,
    Route,
    RouteTable,
    RoutingIntent,
    SubnetResource,
    UpgradeProfile,
    Vault,
    VirtualHub,
    VirtualNetwork,
)
from akscan.model.cluster import Cluster, missing_lists
from akscan.model.federation import Federation
from akscan.model.firewalls import Firewalls
from akscan.model.gaps import Gap, NotCollected, Reason, untold
from akscan.model.gateways import SharedWays
from akscan.model.grants import Grants
from akscan.model.kubernetes import KubernetesLists
from akscan.model.needs import Need
from akscan.model.reads import ARM_READS, need_of
from akscan.model.registries import Registries
from akscan.model.roles import AssignedTo, RoleAssignment, RoleDefinition, assigned_to_id
from akscan.model.text import ArmId, Token, minor
from akscan.model.upgrades import Upgrades

R = TypeVar("R", bound=Resource)

#: Namespaces that AKS and its extensions fill; one setting for all rules.
SYSTEM_NAMESPACES = frozenset(
    {
        "kube-system", "kube-public", "kube-node-lease", "gatekeeper-system", "azure-arc",
        "azure-extensions-usage-system", "aks-command", "aks-istio-system", "aks-istio-ingress", "aks-istio-egress",
        "app-routing-system", "calico-system", "tigera-operator", "dataprotection-microsoft", "flux-system",
        "fleet-system", "dapr-system", "acstor", "azappconfig-system", "azureml", "sc-system", "mdc",
    }
)  # fmt: skip
#: Environments, and parts of names, that say that a cluster is none of production.
NON_PRODUCTION = frozenset(
    {"dev", "development", "test", "testing", "tst", "qa", "sandbox", "sbx", "lab", "poc", "demo"}
)


class Read(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One list or GET that was tried: ``type`` the resource type, ``scope`` what was asked. Without a gap it is
    complete, so what it does not hold does not exist.
    """

    type: Token
    scope: ArmId
    gap: Gap | None = None


class ScopedSubscription(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A subscription that the identity sees: ``status`` is scanned, refused, partial or skipped, ``detail`` says
    why.
    """

    id: str
    name: str
    status: str
    detail: str = ""


class ScopedCluster(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A cluster in scope; one that is known from a kubeconfig only has the id ``/contexts/{name}``."""

    id: ArmId
    name: str


class ScopeOfScan(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    selectors: dict[str, tuple[str, ...]] = {}
    tenants: tuple[str, ...] = ()
    subscriptions: tuple[ScopedSubscription, ...] = ()
    clusters: tuple[ScopedCluster, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """When, by which version, as whom and in which scope an inventory was read."""

    version: str
    akscan: str
    started: datetime
    finished: datetime
    cloud: str = ""
    identity: str = ""
    source: str = "live"
    interrupted: bool = False
    scope: ScopeOfScan = ScopeOfScan()


#: Stored resources by type; the keys of JSON and the struct they decode into.
RESOURCE_TYPES: dict[Token, type[Resource]] = {read.struct.arm_type: read.struct for read in ARM_READS}


class Azure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The resources of all subscriptions by type, and the reads that brought them."""

    resources: dict[Token, tuple[Resource, ...]] = {}
    reads: tuple[Read, ...] = ()


class Inventory:
    """The inventory as rules see it. Every lookup returns what is there, returns None where a complete read shows that
    it is not there, and raises `NotCollected` where nobody knows.
    """

    def __init__(
        self,
        manifest: Manifest,
        azure: Azure,
        kubernetes: Mapping[ArmId, KubernetesLists] | None = None,
        *,
        system_namespaces: frozenset[str] = SYSTEM_NAMESPACES,
    ) -> None:
        self.manifest = manifest
        self.azure = azure
        self.system_namespaces = system_namespaces
        self._by_id: dict[Token, dict[ArmId, Resource]] = {
            kind: {resource.id: resource for resource in resources} for kind, resources in azure.resources.items()
        }
        self._below: dict[Token, dict[ArmId, list[Resource]]] = {
            kind: _by_scope(resources) for kind, resources in azure.resources.items()
        }
        self._below_groups: dict[Token, dict[ArmId, list[Resource]]] = {}
        self._reads: dict[Token, dict[ArmId, Read]] = defaultdict(dict)
        self._gaps: dict[Token, list[tuple[ArmId, Gap]]] = defaultdict(list)
        for read in azure.reads:
            self._reads[read.type][read.scope] = read
            if read.gap is not None:
                self._gaps[read.type].append((read.scope, read.gap))
        in_order = sorted(manifest.scope.clusters, key=lambda scoped: scoped.id)
        self._clusters = {scoped.id: self._make_cluster(scoped, kubernetes or {}) for scoped in in_order}

    def _make_cluster(self, scoped: ScopedCluster, kubernetes: Mapping[ArmId, KubernetesLists]) -> Cluster:
        resource: ManagedCluster | Gap
        try:
            resource = self.find(ManagedCluster, scoped.id) or _not_read(ManagedCluster, scoped.id)
        except NotCollected as missing:
            resource = missing.gap
        gap = Gap(source="kubernetes", scope=scoped.name, reason=Reason.NOT_READ)
        return Cluster(
            cluster_id=scoped.id,
            name=scoped.name,
            resource=resource,
            lists=kubernetes.get(scoped.id) or missing_lists(gap),
            system_namespaces=self.system_namespaces,
        )

    def with_kubernetes(self, cluster_id: ArmId, lists: KubernetesLists) -> Cluster:
        """The cluster with its Kubernetes objects, as long as they are at hand; the inventory keeps
        `Cluster.residue`.
        """
        bare = self._clusters[cluster_id]
        cluster = Cluster(
            cluster_id=bare.id,
            name=bare.name,
            resource=bare._resource,  # noqa: SLF001 the same cluster
            lists=lists,
            system_namespaces=self.system_namespaces,
        )
        self._clusters[cluster_id] = cluster.residue()
        return cluster

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """The clusters in scope, by id."""
        return tuple(self._clusters.values())

    @cached_property
    def neighbours(self) -> tuple[Cluster, ...]:
        """Clusters that were read but are out of scope; they may share networks and identities with those in scope."""
        known = sorted(self.known(ManagedCluster), key=lambda resource: resource.id)
        outside = (resource for resource in known if resource.id not in self._clusters)
        return tuple(self._make_cluster(ScopedCluster(id=r.id, name=r.name), {}) for r in outside)

    @property
    def collected_at(self) -> datetime:
        """The time that rules take for now."""
        return self.manifest.started.astimezone(UTC)

    # --- lookups

    def find(self, kind: type[R], resource_id: ArmId) -> R | None:
        """One resource by id."""
        found = self._by_id.get(kind.arm_type, {}).get(resource_id)
        if isinstance(found, kind):
            return found
        read = self._covering(kind, resource_id)
        if read is None:
            raise NotCollected(_not_read(kind, resource_id))
        if read.gap is not None:
            raise NotCollected(read.gap)
        return None

    def _covering(self, kind: type[Resource], resource_id: ArmId) -> Read | None:
        """The read that would hold the resource: of itself, of its parent, or of its subscription."""
        reads = self._reads.get(kind.arm_type, {})
        for scope in (resource_id, resource_id.parent, resource_id.subscription_scope):
            if scope and scope in reads:
                return reads[scope]
        return None

    def within(self, kind: type[R], scope: ArmId) -> tuple[R, ...]:
        """The complete list of a type below a subscription, or of the children or extensions of a resource."""
        if scope not in self._reads.get(kind.arm_type, {}):
            raise NotCollected(_not_read(kind, scope))
        for missing, gap in self._gaps.get(kind.arm_type, ()):
            # what is inherited from above subscriptions, and was not understood, belongs to the list of each
            if scope.contains(missing) or not missing.subscription:
                raise NotCollected(gap)
        return self.known_within(kind, scope)

    def known_within(self, kind: type[R], scope: ArmId) -> tuple[R, ...]:
        """What was read of such a list, complete or not; for proving a failure, never for proving a pass."""
        below = self._below.get(kind.arm_type, {}).get(scope, ())
        return tuple(found for found in below if isinstance(found, kind))

    def known(self, kind: type[R]) -> Iterator[R]:
        """What was read of a type, complete or not; for proving a failure, never for proving a pass."""
        return (found for found in self._by_id.get(kind.arm_type, {}).values() if isinstance(found, kind))

    def known_in_group(self, kind: type[R], group: ArmId) -> tuple[R, ...]:
        """What was read of a type in a resource group, complete or not."""
        if kind.arm_type not in self._below_groups:
            index = self._below_groups[kind.arm_type] = defaultdict(list)
            for resource in self.known(kind):
                index[resource.id.group].append(resource)
        found = self._below_groups[kind.arm_type].get(group, ())
        return tuple(resource for resource in found if isinstance(resource, kind))

    def require_complete(self, kind: type[Resource]) -> None:
        """Raises `NotCollected` unless every read of the type in scope succeeded and there was one."""
        if not self._reads.get(kind.arm_type):
            raise NotCollected(_not_read(kind, ArmId("/")))
        self.require_no_gap(kind)

    def require_no_gap(self, kind: type[Resource]) -> None:
        """Raises `NotCollected` unless every read of the type succeeded."""
        for _, gap in self._gaps.get(kind.arm_type, ()):
            raise NotCollected(gap)

    # --- networks

    def virtual_network(self, network_id: ArmId) -> VirtualNetwork | None:
        return self.find(VirtualNetwork, network_id)

    def existing_network(self, network_id: ArmId) -> VirtualNetwork:
        """A virtual network that a cluster names. Raises `NotCollected` where it could not be read or does not exist
        (any more).
        """
        found = self.virtual_network(network_id)
        if found is None:
            said = "the cluster names a virtual network that does not exist"
            raise NotCollected(_untold(network_id, Need.VIRTUAL_NETWORKS, said))
        return found

    def subnet(self, subnet_id: ArmId) -> SubnetResource | None:
        """A subnet, which ARM returns inside its virtual network."""
        network = self.find(VirtualNetwork, subnet_id.parent)
        return next((s for s in network.properties.subnets if s.id == subnet_id), None) if network else None

    def existing_subnet(self, subnet_id: ArmId) -> SubnetResource:
        """A subnet that a cluster names. Raises `NotCollected` where its network could not be read or does not hold it
        (any more).
        """
        found = self.subnet(subnet_id)
        if found is None:
            said = "the cluster names a subnet that its network does not have"
            raise NotCollected(_untold(subnet_id, Need.SUBNETS, said))
        return found

    def node_route_tables(self, cluster: Cluster) -> tuple[ArmId, ...]:
        """The distinct route tables of a cluster's node subnets."""
        subnets = (self.existing_subnet(subnet_id) for subnet_id in cluster.node_subnets)
        return tuple(dict.fromkeys(s.properties.route_table.id for s in subnets if s.properties.route_table.id))

    def clusters_in(self, subnets: Iterable[ArmId]) -> tuple[Cluster, ...]:
        """The clusters with nodes or pods in one of these subnets, among those that were read."""
        wanted = {cluster for subnet in subnets for cluster in self._clusters_by_subnet.get(subnet, ())}
        outside = {cluster.id: cluster for cluster in self.neighbours}
        inside = sorted(cluster for cluster in wanted if cluster in self._clusters)
        return (*(self._clusters[key] for key in inside), *(outside[key] for key in sorted(wanted - set(inside))))

    @cached_property
    def _clusters_by_subnet(self) -> dict[ArmId, list[ArmId]]:
        """The clusters with nodes or pods in each subnet, among those that were read."""
        found: dict[ArmId, list[ArmId]] = defaultdict(list)
        for resource in self.known(ManagedCluster):
            for subnet in resource.subnets:
                found[subnet].append(resource.id)
        return found

    def users_of(self, subnet: ArmId) -> tuple[Cluster, ...]:
        """The same of one subnet, node classes included; for fleet-wide subjects, when only the residue of Kubernetes
        is left.
        """
        found = {found.id: found for found in (*self.clusters_in([subnet]), *self._clusters_by_class.get(subnet, ()))}
        return tuple(sorted(found.values(), key=lambda cluster: (cluster.id not in self._clusters, cluster.id)))

    @cached_property
    def _clusters_by_class(self) -> dict[ArmId, list[Cluster]]:
        """The clusters in scope with node classes in each subnet."""
        found: dict[ArmId, list[Cluster]] = defaultdict(list)
        for cluster in (self._clusters[r.id] for r in self.known(ManagedCluster) if r.id in self._clusters):
            for subnet in cluster.class_subnets:
                found[subnet].append(cluster)
        return found

    def clusters_behind(self, route_tables: Iterable[ArmId]) -> tuple[Cluster, ...]:
        """The clusters with nodes or pods in a subnet that has one of these route tables, among those that were
        read.
        """
        wanted = set(route_tables)
        return self.clusters_in(
            subnet.id
            for network in self.known(VirtualNetwork)
            for subnet in network.properties.subnets
            if subnet.properties.route_table.id in wanted
        )

    def route_table(self, subnet: SubnetResource) -> RouteTable | None:
        """The route table of a subnet; None where it has none."""
        reference = subnet.properties.route_table.id
        return self.find(RouteTable, reference) if reference else None

    def default_route(self, subnet: SubnetResource) -> Route | None:
        table = self.route_table(subnet)
        return table.default_route if table else None

    def learned_route_source(self, subnet: SubnetResource) -> str:
        """Whence a 0.0.0.0/0 that ARM does not show may come to a subnet without one: a gateway, a peering that uses
        remote gateways, or a virtual hub. Empty where none can come.
        """
        table = self.route_table(subnet)
        if table is not None and (table.default_route or table.properties.disable_bgp_route_propagation):
            return ""
        network = self.virtual_network(subnet.id.parent)
        if network is None:
            return ""
        if network.has_gateway:
            return f"the gateway in {network.name}"
        for peering in network.properties.virtual_network_peerings:
            if peering.properties.use_remote_gateways:
                return f"peering {peering.name}, which uses remote gateways"
        return self._hub_of(network.id)

    def require_no_learned_route(self, subnet: SubnetResource) -> None:
        """Raises `NotCollected` where a 0.0.0.0/0 that ARM does not show may come to the subnet."""
        if origin := self.learned_route_source(subnet):
            raise NotCollected(untold("arm", subnet.id, f"0.0.0.0/0 may be learned from {origin}"))

    def _hub_of(self, network_id: ArmId) -> str:
        for connection in self.known(HubConnection):
            if connection.properties.remote_virtual_network.id == network_id:
                hub = connection.id.parent
                intents = (intent for intent in self.known(RoutingIntent) if intent.id.parent == hub)
                routed = any(intent.covers_internet for intent in intents)
                return f"virtual hub {hub.name}" + (" with routing intent for Internet traffic" if routed else "")
        self.require_complete(VirtualHub)
        if self._by_id.get(VirtualHub.arm_type):
            self.require_complete(HubConnection)
        return ""

    @cached_property
    def firewalls(self) -> Firewalls:
        """The Azure Firewalls and what they let through."""
        return Firewalls(self)

    @cached_property
    def shared_ways(self) -> SharedWays:
        """Which clusters leave by the same NAT gateways and firewalls; for fleet-wide subjects, when only the residue
        of Kubernetes is left.
        """
        return SharedWays((*self.clusters, *self.neighbours), self)

    def egress_appliances(self, cluster: Cluster) -> tuple[str, ...]:
        """Where the default routes of the node subnets lead: Azure Firewalls by name, other appliances by address.

        Raises `NotCollected` where a subnet or its route table was not read.
        """
        firewalls = {address: found.name for found in self.known(AzureFirewall) for address in found.private_addresses}
        routes = (self.default_route(self.existing_subnet(subnet_id)) for subnet_id in cluster.node_subnets)
        hops = dict.fromkeys(hop for route in routes if route for hop in route.properties.next_hop_addresses)
        return tuple(f"{firewalls[hop]} ({hop})" if hop in firewalls else hop for hop in hops)

    # --- identities and roles

    def clusters_with_identity(self, identity: ArmId) -> tuple[ManagedCluster, ...]:
        """The clusters, by id, in which a user-assigned identity plays a part, among those that were read."""
        return self._clusters_by_identity.get(identity, ())

    @cached_property
    def _clusters_by_identity(self) -> dict[ArmId, tuple[ManagedCluster, ...]]:
        found: dict[ArmId, list[ManagedCluster]] = defaultdict(list)
        for resource in sorted(self.known(ManagedCluster), key=lambda resource: resource.id):
            kubelet = resource.properties.identity_profile.get(Token("kubeletidentity"))
            own = (*resource.identity.user_assigned_identities, kubelet.resource_id if kubelet else ArmId())
            for identity in dict.fromkeys(own):
                found[identity].append(resource)
        return {identity: tuple(resources) for identity, resources in found.items()}

    @cached_property
    def federation(self) -> Federation:
        """Who trusts which cluster."""
        return Federation(self)

    @cached_property
    def registries(self) -> Registries:
        """The registries, by host and by who pulls from them."""
        return Registries(self)

    def trusts_pods(self, credential: FederatedCredential) -> bool:
        """Whether a federated credential trusts the issuer of a cluster that was read (a trailing slash plays no
        part).
        """
        return credential.properties.issuer.rstrip("/") in self._issuers

    @cached_property
    def _issuers(self) -> frozenset[str]:
        urls = (cluster.properties.oidc_issuer_profile.issuer_url for cluster in self.known(ManagedCluster))
        return frozenset(url.rstrip("/") for url in urls if url)

    def known_role(self, guid: str) -> RoleDefinition | None:
        """A role by GUID (a built-in role has another id in each subscription), if it was read."""
        return self._roles.get(Token(guid))

    def role(self, assignment: RoleAssignment) -> RoleDefinition | None:
        """The role of an assignment."""
        found = self.known_role(assignment.role_guid)
        if found is None:
            self.require_complete(RoleDefinition)
        return found

    @cached_property
    def _roles(self) -> dict[Token, RoleDefinition]:
        return {role.guid: role for role in self.known(RoleDefinition)}

    @cached_property
    def assignment_index(self) -> AssignmentIndex:
        """The role assignments that were read, by principal and by scope."""
        return AssignmentIndex(tuple(self.known(RoleAssignment)))

    @cached_property
    def _groups(self) -> dict[Token, frozenset[Token]]:
        groups: dict[Token, frozenset[Token]] = {}
        for answer in self.known(AssignedTo):
            groups[answer.principal_id] = groups.get(answer.principal_id, frozenset()) | answer.groups
        return groups

    def known_assignments(self, principal: str) -> tuple[EffectiveAssignment, ...]:
        """The effective assignments of a principal that were read: direct ones and those of the groups that ARM named
        for it.
        """
        principal_id = Token(principal)
        holders = ((principal_id, ""), *((group, str(group)) for group in sorted(self._groups.get(principal_id, ()))))
        return tuple(
            EffectiveAssignment(assignment, group, self)
            for holder, group in holders
            for assignment in self.assignment_index.of(holder)
        )

    def groups_of(self, principal: str) -> tuple[str, ...] | None:
        """The groups that ARM named for a principal; None where it was not asked, so that only direct assignments
        count.
        """
        groups = self._groups.get(Token(principal))
        return None if groups is None else tuple(sorted(groups))

    def knows_groups(self, principal: str, subscription: ArmId) -> bool:
        """Whether ARM named all groups of a principal that hold an assignment in the subscription or above."""
        answer = assigned_to_id(subscription, principal)
        asked = self._reads.get(AssignedTo.arm_type, {}).get(answer)
        return answer in self._by_id.get(AssignedTo.arm_type, {}) or (asked is not None and asked.gap is None)

    def require_assignments(self, principal: str) -> None:
        """Raises `NotCollected` where an assignment of the principal may be missing."""
        self.require_complete(RoleAssignment)
        for missing, gap in self._gaps.get(AssignedTo.arm_type, ()):
            if missing.name == Token(principal):
                raise NotCollected(gap)

    def principals_with(self, action: str, resource: ArmId) -> frozenset[Token]:
        """The principals (groups count as one) whose assigned roles grant a control-plane action on a resource.

        Raises `NotCollected` where an assignment or its role may be missing.
        """
        self.within(RoleAssignment, resource.subscription_scope)
        return frozenset(
            assignment.properties.principal_id
            for assignment in self.assignment_index.reaching(resource)
            if (role := self.role(assignment)) is not None and role.grants(action)
        )

    def known_assignments_of(self, roles: Iterable[str], resource: ArmId) -> tuple[RoleAssignment, ...]:
        """The assignments of some roles (by GUID) that count on a resource, among those that were read."""
        wanted = (assignment for guid in roles for assignment in self._assignments_by_role.get(Token(guid), ()))
        return tuple(assignment for assignment in wanted if assignment.reaches(resource))

    @cached_property
    def _assignments_by_role(self) -> dict[Token, list[RoleAssignment]]:
        found: dict[Token, list[RoleAssignment]] = defaultdict(list)
        for assignment in self.known(RoleAssignment):
            found[assignment.role_guid].append(assignment)
        return found

    @cached_property
    def grants(self) -> Grants:
        """Who holds what on a resource, from its scopes upwards."""
        return Grants(self)

    @property
    def searched_subscriptions(self) -> tuple[str, ...]:
        """The subscriptions whose role assignments were read whole."""
        reads = self._reads.get(RoleAssignment.arm_type, {})
        return tuple(
            sorted(read.scope.subscription for read in reads.values() if read.gap is None and read.scope.subscription)
        )

    # --- the rest

    def known_zones(self, name: str) -> list[PrivateDnsZone]:
        """The private DNS zones of that name that were read; every network may have its own."""
        return self._zones.get(Token(name), [])

    @cached_property
    def _zones(self) -> dict[Token, list[PrivateDnsZone]]:
        found: dict[Token, list[PrivateDnsZone]] = defaultdict(list)
        for zone in self.known(PrivateDnsZone):
            found[Token(zone.name)].append(zone)
        return found

    def known_access_policies(self, principal: str) -> tuple[tuple[Vault, AccessPolicy], ...]:
        """The access policies for a principal of vaults that were read and heed them: one that decides by role
        assignments does not.
        """
        return tuple(self._access_policies.get(Token(principal), ()))

    @cached_property
    def _access_policies(self) -> dict[Token, list[tuple[Vault, AccessPolicy]]]:
        found: dict[Token, list[tuple[Vault, AccessPolicy]]] = defaultdict(list)
        for vault in self.known(Vault):
            if not vault.properties.enable_rbac_authorization:
                for policy in vault.properties.access_policies:
                    found[policy.object_id].append((vault, policy))
        return found

    def vault_named(self, name: str) -> Vault | None:
        """The vault of that (globally unique) name among those that were read."""
        return self._vaults.get(Token(name))

    @cached_property
    def _vaults(self) -> dict[Token, Vault]:
        return {Token(vault.name): vault for vault in self.known(Vault)}

    @cached_property
    def alerting(self) -> Alerting:
        """The alert rules, and whom they reach."""
        return Alerting(self)

    def diagnostic_settings(self, cluster: Cluster) -> tuple[DiagnosticSetting, ...]:
        return self.within(DiagnosticSetting, cluster.id)

    @cached_property
    def upgrades(self) -> Upgrades:
        """What upgrades clusters, and what there is to upgrade to."""
        return Upgrades(self)

    def upgrade_targets(self, cluster: Cluster) -> dict[str, bool]:
        """The versions that the control plane can go to in one step, and whether they are previews: by its upgrade
        profile, else by its region's list, where that has its patch. Raises `NotCollected` where neither tells.
        """
        try:
            profile = self.upgrade_profile(cluster)
        except NotCollected:
            row = self.offered_version(cluster, cluster.version)
            patch = row.patch_versions.get(cluster.version) if row else None
            if patch is None:
                raise
            offers = {row.version: row.is_preview for row in self.kubernetes_versions(cluster)}
            return {version: offers.get(minor(version), False) for version in patch.upgrades}
        upgrades = profile.properties.control_plane_profile.upgrades if profile else ()
        return {upgrade.kubernetes_version: upgrade.is_preview for upgrade in upgrades}

    def upgrade_profile(self, cluster: Cluster) -> UpgradeProfile | None:
        return self.find(UpgradeProfile, ArmId(f"{cluster.id}/upgradeProfiles/default"))

    def kubernetes_versions(self, cluster: Cluster) -> tuple[KubernetesVersion, ...]:
        """What the cluster's region offers its subscription."""
        scope = kubernetes_versions_id(cluster.id.subscription_scope, str(cluster.location))
        answer = self.find(KubernetesVersions, scope)
        return answer.values if answer else ()

    def offered_version(self, cluster: Cluster, version: str) -> KubernetesVersion | None:
        """The row of the region's list for the minor of a version."""
        return next((row for row in self.kubernetes_versions(cluster) if row.version == minor(version)), None)

    def is_non_production(self, cluster: Cluster) -> bool:
        """By the environment tag of the cluster, else of its resource group, else by a part of either name.

        Raises `NotCollected` where the tags of the resource group would have to tell and were not read.
        """
        own = cluster.resource.environment
        if own is None:
            group = self.find(ResourceGroup, cluster.id.group)
            own = group.environment if group else None
        if own is not None:
            return own in NON_PRODUCTION
        parts = re.split(r"[-_.]", f"{cluster.name}-{cluster.id.resource_group}".casefold())
        return not NON_PRODUCTION.isdisjoint(parts)


def kubernetes_versions_id(subscription: ArmId, location: str) -> ArmId:
    """The id under which the versions of a region are kept."""
    return ArmId(
        f"{subscription}/providers/Microsoft.ContainerService/locations/{location.casefold()}/kubernetesVersions/default"
    )


def _by_scope(resources: Iterable[Resource]) -> dict[ArmId, list[Resource]]:
    """Resources by the scopes that lists are asked of: their parent and their subscription."""
    found: dict[ArmId, list[Resource]] = defaultdict(list)
    for resource in resources:
        for scope in {resource.id.parent, resource.id.subscription_scope}:
            found[scope].append(resource)
    return found


def _untold(scope: ArmId, need: Need, detail: str) -> Gap:
    return untold("arm", scope, detail, need)


def _not_read(kind: type[Resource], scope: ArmId) -> Gap:
    return Gap(source="arm", scope=str(scope), reason=Reason.NOT_READ, permission=need_of(kind))
