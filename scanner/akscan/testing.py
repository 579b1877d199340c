"""For the tests of rules, in this repository and in other packs: builders whose defaults make a healthy cluster.

Everything that is not named in ``unreadable`` counts as completely read, so what a test does not build does not exist.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from akscan.engine import SelectedRule, Verdict, judge
from akscan.model import azure, kubernetes
from akscan.model.azure import Resource
from akscan.model.cluster import missing_lists
from akscan.model.gaps import Gap, Reason
from akscan.model.inventory import (
    Azure,
    Inventory,
    Manifest,
    Read,
    ScopedCluster,
    ScopedSubscription,
    ScopeOfScan,
    kubernetes_versions_id,
)
from akscan.model.kubernetes import KubernetesLists, KubernetesObject, Listing, ObjectMeta, OwnerReference
from akscan.model.needs import Need
from akscan.model.reads import ARM_READS, IMPLIED_NEEDS, KUBERNETES_READS
from akscan.model.roles import (
    AssignedTo,
    Permission,
    RoleAssignment,
    RoleAssignmentProperties,
    RoleDefinition,
    RoleDefinitionProperties,
    assigned_to_id,
)
from akscan.model.scopes import jobs_of_clusters, jobs_of_subscriptions
from akscan.model.selectors import LabelSelector
from akscan.model.subject import Absent, Subject, Unreadable
from akscan.model.text import ArmId, Location, Token
from akscan.results import Status
from akscan.sdk import Rule

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-test"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"
NODE_SUBNET = f"{NETWORK}/subnets/nodes"
ROUTE_TABLE = f"{GROUP}/providers/Microsoft.Network/routeTables/rt-egress"
IDENTITIES = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
KUBELET_OBJECT_ID = "00000000-0000-0000-0000-0000000000b1"
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


# --- asking a rule


@dataclass(frozen=True)
class World:
    """An inventory, the name of the subject that is meant where there are several, and parameters of the rule."""

    inventory: Inventory
    subject: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


def case(
    name: str,
    things: Sequence[object],
    expected: Status,
    *,
    subject: str = "",
    unreadable: Iterable[Need] = (),
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    """A line of a rule's table, for ``pytest.mark.parametrize(("world", "expected"), [...])``; ``name`` becomes the
    id.
    """
    import pytest  # noqa: PLC0415 the tests of a pack have it, its users need not

    return pytest.param(World(inventory(*things, unreadable=unreadable), subject, parameters or {}), expected, id=name)


def evaluate(rule: Rule, world: World | Inventory) -> Verdict:
    """The verdict on the one subject that is meant. Raises `LookupError` where the world holds none or several such."""
    meant = world if isinstance(world, World) else World(world)
    found = evaluate_all(rule, meant.inventory, **meant.parameters)
    fitting = {
        name: verdict
        for name, verdict in found.items()
        if name.rpartition("/")[2] == (meant.subject or name.rpartition("/")[2])
    }
    if len(fitting) != 1:
        raise LookupError(f"one subject is wanted, there are {sorted(found)}")
    return next(iter(fitting.values()))


def evaluate_all(rule: Rule, world: Inventory, **parameters: Any) -> dict[str, Verdict]:
    """Verdicts by ``kind/name`` of the subject (``kind/namespace/name`` in a namespace)."""
    selected = SelectedRule.of(rule, parameters=parameters)
    verdicts: dict[str, Verdict] = {}
    for cluster in world.clusters:
        for kind in selected.signature.subjects:
            for subject in kind.each(world, cluster):
                key, verdict = _verdict(selected, subject, world)
                verdicts.setdefault(key, verdict)
    return verdicts


def _verdict(selected: SelectedRule, subject: Subject | Unreadable | Absent, world: Inventory) -> tuple[str, Verdict]:
    match subject:
        case Unreadable(cluster, gap):
            return f"cluster/{cluster.name}", Verdict(Status.NOT_ASSESSED, reason=str(gap), gap=gap)
        case Absent(cluster, why):
            return f"cluster/{cluster.name}", Verdict(Status.NOT_APPLICABLE, reason=why)
        case _:
            ref = subject.ref
            space = f"{ref.namespace}/" if ref.namespace else ""
            return f"{ref.kind}/{space}{ref.name}", judge(selected, subject, world)


# --- the inventory


@dataclass(frozen=True)
class On:
    """Kubernetes objects of one cluster, by its name."""

    cluster: str
    objects: tuple[object, ...]


def on(cluster_name: str, *objects: object) -> On:
    """Kubernetes objects of another than the first cluster."""
    return On(cluster_name, objects)


def inventory(*things: object, unreadable: Iterable[Need] = (), collected_at: datetime = NOW) -> Inventory:
    """An inventory of ARM resources and Kubernetes objects (of the first cluster, unless wrapped in `on`); lists are
    taken apart. Without a cluster there is a healthy one, without a network one with a default route to a firewall.
    """
    denied = {IMPLIED_NEEDS.get(need, need) for need in unreadable}
    flat = list(_flatten(things))
    resources = [thing for thing in flat if isinstance(thing, Resource)]
    if not any(isinstance(thing, azure.ManagedCluster) for thing in resources):
        resources.insert(0, cluster())
    if not any(isinstance(thing, azure.VirtualNetwork) for thing in resources):
        resources += [virtual_network(), route_table()]
    clusters = [thing for thing in resources if isinstance(thing, azure.ManagedCluster)]
    objects: dict[str, list[object]] = {c.name: [] for c in clusters}
    for thing in flat:
        if isinstance(thing, On):
            objects[thing.cluster].extend(_flatten(thing.objects))
        elif not isinstance(thing, Resource):
            objects[clusters[0].name].append(thing)
    manifest = Manifest(
        version="1.0",
        akscan="test",
        started=collected_at,
        finished=collected_at,
        scope=_scope(clusters, resources),
    )
    lists = {c.id: _lists(c, objects[c.name], denied) for c in clusters}
    return Inventory(manifest, _azure(resources, denied), lists)


def _flatten(things: Iterable[object]) -> Iterable[object]:
    for thing in things:
        if isinstance(thing, list | tuple):
            yield from _flatten(thing)
        else:
            yield thing


def _scope(clusters: Sequence[azure.ManagedCluster], resources: Sequence[Resource]) -> ScopeOfScan:
    return ScopeOfScan(
        subscriptions=tuple(
            ScopedSubscription(id=str(scope), name=scope.subscription, status="scanned")
            for scope in _subscriptions(resources)
        ),
        clusters=tuple(ScopedCluster(id=c.id, name=c.name) for c in clusters),
    )


def _subscriptions(resources: Sequence[Resource]) -> list[ArmId]:
    return list(dict.fromkeys(resource.id.subscription_scope for resource in resources if resource.id.subscription))


def _azure(resources: Sequence[Resource], denied: set[Need]) -> Azure:
    by_type: dict[Token, list[Resource]] = {}
    for resource in resources:
        by_type.setdefault(resource.arm_type, []).append(resource)
    clusters = [resource for resource in resources if isinstance(resource, azure.ManagedCluster)]
    hubs = [resource.id for resource in resources if isinstance(resource, azure.VirtualHub)]
    reads = [
        Read(
            type=read.struct.arm_type,
            scope=scope,
            gap=_gap("arm", str(scope), read.need) if read.need in denied else None,
        )
        for read, scope in (*jobs_of_subscriptions(_subscriptions(resources)), *jobs_of_clusters(clusters, hubs))
    ]
    gone = {read.struct.arm_type for read in ARM_READS if read.need in denied}
    return Azure(
        resources={kind: tuple(found) for kind, found in by_type.items() if kind not in gone},
        reads=tuple(reads),
    )


def _lists(owner: azure.ManagedCluster, objects: Sequence[object], denied: set[Need]) -> KubernetesLists:
    known: dict[str, Any] = {}
    for read in KUBERNETES_READS:
        if read.need in denied:
            known[read.field] = Listing(gap=_gap("kubernetes", owner.name, read.need))
        else:
            known[read.field] = Listing(items=tuple(o for o in objects if type(o) is read.struct))
    strange = [o for o in objects if not isinstance(o, tuple(read.struct for read in KUBERNETES_READS))]
    if strange:
        raise TypeError(f"neither an Azure resource nor a Kubernetes object: {strange[0]!r}")
    return missing_lists(_gap("kubernetes", owner.name, Need.PODS), **known)


def _gap(source: str, scope: str, need: Need) -> Gap:
    return Gap(source=source, scope=scope, reason=Reason.FORBIDDEN, permission=need)


# --- Azure


def cluster(  # noqa: PLR0913 every argument has a healthy default
    name: str = "aks",
    *,
    pools: Sequence[azure.AgentPool] | None = None,
    subscription: str = SUBSCRIPTION,
    resource_group: str = "rg-test",
    location: str = "westeurope",
    tags: Mapping[str, str] | None = None,
    identity: azure.ManagedServiceIdentity | None = None,
    tier: str = "Standard",
    network: Mapping[str, Any] | None = None,
    api_server: Mapping[str, Any] | None = None,
    **properties: Any,
) -> azure.ManagedCluster:
    """A managed cluster; ``network`` and ``api_server`` change single fields of networkProfile and
    apiServerAccessProfile, other keyword arguments replace fields of ``properties`` (by their Python names).
    """
    defaults: dict[str, Any] = {
        "provisioning_state": Token("Succeeded"),
        "kubernetes_version": "1.35.6",
        "current_kubernetes_version": "1.35.6",
        "private_fqdn": f"{name}.privatelink.westeurope.azmk8s.io",
        "node_resource_group": Token(f"MC_{resource_group}_{name}_{location}"),
        "disable_local_accounts": True,
        "agent_pool_profiles": tuple(pools if pools is not None else [node_pool()]),
        "service_principal_profile": azure.ServicePrincipalProfile(client_id=Token("msi")),
        "addon_profiles": {
            Token("azureKeyvaultSecretsProvider"): azure.AddonProfile(
                enabled=True,
                config=azure.AddonConfig(enable_secret_rotation=Token("true")),
            ),
            Token("omsagent"): azure.AddonProfile(enabled=True),
        },
        "oidc_issuer_profile": azure.OidcIssuerProfile(enabled=True, issuer_url=f"https://oidc.example/{name}/"),
        "network_profile": msgspec.structs.replace(
            azure.NetworkProfile(
                network_plugin=Token("azure"),
                network_plugin_mode=Token("overlay"),
                network_dataplane=Token("cilium"),
                outbound_type=Token("userDefinedRouting"),
            ),
            **(network or {}),
        ),
        "aad_profile": azure.AadProfile(managed=True, enable_azure_rbac=True),
        "api_server_access_profile": msgspec.structs.replace(
            azure.ApiServerAccessProfile(enable_private_cluster=True, enable_private_cluster_public_fqdn=False),
            **(api_server or {}),
        ),
        "identity_profile": {
            Token("kubeletidentity"): azure.IdentityReference(
                resource_id=ArmId(f"{IDENTITIES}/id-{name}-kubelet"),
                object_id=Token(KUBELET_OBJECT_ID),
            ),
        },
    }
    return azure.ManagedCluster(
        id=ArmId(
            f"{subscription}/resourceGroups/{resource_group}/providers/Microsoft.ContainerService/managedClusters/{name}",
        ),
        name=name,
        location=Location(location),
        tags=dict(tags or {}),
        identity=identity or user_assigned(f"{IDENTITIES}/id-{name}-control-plane"),
        sku=azure.ManagedClusterSku(tier=Token(tier)),
        properties=azure.ManagedClusterProperties(**{**defaults, **properties}),
    )


def user_assigned(*resource_ids: str) -> azure.ManagedServiceIdentity:
    """The identity block of a cluster with user-assigned identities."""
    return azure.ManagedServiceIdentity(
        type=Token("UserAssigned"),
        user_assigned_identities={ArmId(resource_id): azure.UserAssigned() for resource_id in resource_ids},
    )


def system_assigned() -> azure.ManagedServiceIdentity:
    """The identity block of a cluster with a system-assigned identity."""
    return azure.ManagedServiceIdentity(type=Token("SystemAssigned"))


def node_pool(name: str = "system", **fields: Any) -> azure.AgentPool:
    """A node pool of three nodes in the test network; keyword arguments replace fields (by their Python names)."""
    defaults: dict[str, Any] = {
        "count": 3,
        "vm_size": Token("Standard_D4ds_v5"),
        "mode": Token("System"),
        "vnet_subnet_id": ArmId(NODE_SUBNET),
        "orchestrator_version": "1.35.6",
        "current_orchestrator_version": "1.35.6",
        "provisioning_state": Token("Succeeded"),
    }
    return azure.AgentPool(name=name, **{**defaults, **fields})


def subnet(name: str = "nodes", *prefixes: str, routed: bool = True, **fields: Any) -> azure.SubnetResource:
    """A subnet of the test network, 10.0.0.0/24 and routed to the firewall unless said otherwise."""
    table = azure.Reference(id=ArmId(ROUTE_TABLE)) if routed else azure.Reference()
    return azure.SubnetResource(
        id=ArmId(f"{NETWORK}/subnets/{name}"),
        name=name,
        properties=azure.SubnetProperties(
            **{"address_prefixes": prefixes or ("10.0.0.0/24",), "route_table": table, **fields},
        ),
    )


def virtual_network(
    *subnets: azure.SubnetResource,
    peerings: Sequence[azure.Peering] = (),
    **fields: Any,
) -> azure.VirtualNetwork:
    """The test network, with the node subnet unless others are given."""
    return azure.VirtualNetwork(
        id=ArmId(NETWORK),
        name="vnet",
        location=Location("westeurope"),
        properties=azure.VirtualNetworkProperties(
            **{"subnets": subnets or (subnet(),), "virtual_network_peerings": tuple(peerings), **fields},
        ),
    )


def peering(
    name: str = "to-hub",
    *,
    remote: str = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub",
    **fields: Any,
) -> azure.Peering:
    """A connected peering of the test network."""
    return azure.Peering(
        id=ArmId(f"{NETWORK}/virtualNetworkPeerings/{name}"),
        name=name,
        properties=azure.PeeringProperties(
            **{
                "peering_state": Token("Connected"),
                "remote_virtual_network": azure.Reference(id=ArmId(remote)),
                **fields,
            },
        ),
    )


def route_table(*routes: azure.Route, disable_bgp_route_propagation: bool = False) -> azure.RouteTable:
    """The test route table: 0.0.0.0/0 to an appliance unless routes are given."""
    return azure.RouteTable(
        id=ArmId(ROUTE_TABLE),
        name="rt-egress",
        properties=azure.RouteTableProperties(
            routes=routes or (route(),),
            disable_bgp_route_propagation=disable_bgp_route_propagation,
        ),
    )


def route(prefix: str = "0.0.0.0/0", hop: str = "VirtualAppliance", address: str = "10.1.0.4") -> azure.Route:
    """A route, by default to the firewall."""
    return azure.Route(
        name="route",
        properties=azure.RouteProperties(address_prefix=prefix, next_hop_type=Token(hop), next_hop_ip_address=address),
    )


def kubernetes_versions(
    *rows: azure.KubernetesVersion,
    location: str = "westeurope",
    subscription: str = SUBSCRIPTION,
) -> azure.KubernetesVersions:
    """What a region offers."""
    return azure.KubernetesVersions(id=kubernetes_versions_id(ArmId(subscription), location), values=rows)


def kubernetes_version(
    version: str,
    *,
    plans: Sequence[str] = ("KubernetesOfficial",),
    patches: Sequence[str] = (),
    preview: bool = False,
) -> azure.KubernetesVersion:
    """A row of that list."""
    return azure.KubernetesVersion(
        version=version,
        is_preview=preview,
        capabilities=azure.Capabilities(support_plan=tuple(Token(plan) for plan in plans)),
        patch_versions={patch: azure.PatchVersion() for patch in patches},
    )


def upgrade_profile(*targets: str, cluster_name: str = "aks") -> azure.UpgradeProfile:
    """What the control plane of a cluster can go to."""
    return azure.UpgradeProfile(
        id=ArmId(f"{cluster(cluster_name).id}/upgradeProfiles/default"),
        name="default",
        properties=azure.UpgradeProfileProperties(
            control_plane_profile=azure.ControlPlaneUpgrades(
                upgrades=tuple(azure.Upgrade(kubernetes_version=target) for target in targets),
            ),
        ),
    )


def diagnostic_setting(
    name: str = "audit",
    *,
    categories: Sequence[str] = (),
    groups: Sequence[str] = (),
    off: Sequence[str] = (),
    cluster_name: str = "aks",
    **destinations: str,
) -> azure.DiagnosticSetting:
    """A diagnostic setting of a cluster; destinations as ``workspace_id="/..."`` and the like."""
    logs = (
        *(azure.LogSettings(category=Token(category), enabled=True) for category in categories),
        *(azure.LogSettings(category_group=Token(group), enabled=True) for group in groups),
        *(azure.LogSettings(category=Token(category), enabled=False) for category in off),
    )
    return azure.DiagnosticSetting(
        id=ArmId(f"{cluster(cluster_name).id}/providers/Microsoft.Insights/diagnosticSettings/{name}"),
        name=name,
        properties=azure.DiagnosticSettingProperties(
            logs=logs,
            **{key: ArmId(value) for key, value in destinations.items()},
        ),
    )


def role_definition(
    guid: str,
    name: str,
    *,
    custom: bool = False,
    actions: Sequence[str] = (),
    data_actions: Sequence[str] = (),
) -> RoleDefinition:
    """A role."""
    return RoleDefinition(
        id=ArmId(f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}"),
        name=guid,
        properties=RoleDefinitionProperties(
            role_name=Token(name),
            type=Token("CustomRole" if custom else "BuiltInRole"),
            permissions=(
                Permission(
                    actions=tuple(Token(action) for action in actions),
                    data_actions=tuple(Token(action) for action in data_actions),
                ),
            ),
        ),
    )


def role_assignment(principal: str, role: RoleDefinition | str, scope: str, *, condition: str = "") -> RoleAssignment:
    """An assignment, listed for the subscription of its scope (the test subscription for a wider one)."""
    guid = role if isinstance(role, str) else role.guid
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{principal}{guid}{scope}")
    subscription = ArmId(scope).subscription_scope or ArmId(SUBSCRIPTION)
    return RoleAssignment(
        id=ArmId(f"{scope.rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{name}"),
        name=str(name),
        properties=RoleAssignmentProperties(
            principal_id=Token(principal),
            role_definition_id=ArmId(f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}"),
            scope=ArmId(scope),
            condition=condition,
        ),
        listed_for=(subscription,),
    )


def member_of(principal: str, *groups_assignments: RoleAssignment) -> AssignedTo:
    """What ARM names as assigned to a principal: through this its groups become known."""
    return AssignedTo(
        id=assigned_to_id(SUBSCRIPTION, principal),
        principal_id=Token(principal),
        assignments=groups_assignments,
    )


def federated_credential(
    identity: str, *, issuer: str = "https://oidc.example/aks/", service_account: str = "shop/app", name: str = "app"
) -> azure.FederatedCredential:
    """A federated credential of an identity, for a service account of the test cluster."""
    return azure.FederatedCredential(
        id=ArmId(f"{identity}/federatedIdentityCredentials/{name}"),
        name=name,
        properties=azure.FederatedCredentialProperties(
            issuer=issuer, subject=f"system:serviceaccount:{service_account.replace('/', ':')}"
        ),
    )


def identity_binding(identity: str, *, cluster_name: str = "aks", name: str = "binding") -> azure.IdentityBinding:
    """An identity binding of a cluster."""
    return azure.IdentityBinding(
        id=ArmId(f"{cluster(cluster_name).id}/identityBindings/{name}"),
        name=name,
        properties=azure.IdentityBindingProperties(
            managed_identity=azure.IdentityReference(resource_id=ArmId(identity))
        ),
    )


def vault(name: str = "kv-test", *, network_acls: azure.NetworkAcls | None = None, **fields: Any) -> azure.Vault:
    """A key vault, closed to the Internet unless said otherwise."""
    properties = {"public_network_access": Token("Disabled"), **fields}
    return azure.Vault(
        id=ArmId(f"{GROUP}/providers/Microsoft.KeyVault/vaults/{name}"),
        name=name,
        properties=azure.VaultProperties(network_acls=network_acls, **properties),
    )


# --- Kubernetes


def _meta(
    kind: str,
    name: str,
    namespace: str,
    fields: Mapping[str, Any],
    owner: KubernetesObject | None = None,
) -> ObjectMeta:
    references: tuple[OwnerReference, ...] = ()
    if owner is not None:
        references = (
            OwnerReference(
                kind=owner.kind,
                name=owner.name,
                uid=owner.metadata.uid,
                controller=True,
                api_version=_API_VERSIONS.get(owner.kind, "v1"),
            ),
        )
    defaults: dict[str, Any] = {
        "uid": f"{kind}/{namespace}/{name}",
        "creation_timestamp": "2026-08-01T00:00:00Z",
        "generation": 1,
        "owner_references": references,
    }
    return ObjectMeta(name=name, namespace=namespace, **{**defaults, **fields})


_API_VERSIONS = {
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}


def container(name: str = "app", **fields: Any) -> kubernetes.Container:
    """A container that states its requests and its memory limit."""
    defaults: dict[str, Any] = {
        "image": "registry.example/app:1.0",
        "resources": kubernetes.ResourceRequirements(
            requests={"cpu": "100m", "memory": "128Mi"},
            limits={"memory": "256Mi"},
        ),
    }
    return kubernetes.Container(name=name, **{**defaults, **fields})


def pod_spec(*containers: kubernetes.Container, **fields: Any) -> kubernetes.PodSpec:
    """A pod spec with one healthy container unless others are given."""
    return kubernetes.PodSpec(containers=containers or (container(),), **fields)


def pod(
    name: str = "app-0",
    namespace: str = "shop",
    *,
    spec: kubernetes.PodSpec | None = None,
    owner: KubernetesObject | None = None,
    on_node: str = "node-0",
    phase: str = "Running",
    **metadata: Any,
) -> kubernetes.Pod:
    """A running pod."""
    return kubernetes.Pod(
        metadata=_meta("Pod", name, namespace, metadata, owner),
        spec=spec or pod_spec(),
        node_name=on_node,
        status=kubernetes.PodStatus(phase=phase, qos_class="Burstable"),
    )


def workload(  # noqa: PLR0913 every argument has a healthy default
    kind: type[kubernetes.Controller] = kubernetes.Deployment,
    name: str = "app",
    namespace: str = "shop",
    *,
    spec: kubernetes.PodSpec | None = None,
    admitted: kubernetes.PodSpec | None = None,
    replicas: int | None = 1,
    pods: int | None = None,
    on_node: str = "node-0",
    labels: Mapping[str, str] | None = None,
    status: kubernetes.ControllerStatus | None = None,
    **metadata: Any,
) -> list[KubernetesObject]:
    """A controller, the ReplicaSet of a Deployment, and running pods (as many as replicas); ``admitted`` is the pods'
    spec where admission changed it.
    """
    template = kubernetes.PodTemplate(
        metadata=ObjectMeta(labels=dict(labels or {"app": name})),
        spec=spec or pod_spec(),
    )
    top = kind(
        metadata=_meta(kind.kind, name, namespace, metadata),
        spec=kubernetes.ControllerSpec(replicas=replicas, template=template),
        status=status or kubernetes.ControllerStatus(),
    )
    made: list[KubernetesObject] = [top]
    owner: KubernetesObject = top
    if kind is kubernetes.Deployment:
        owner = kubernetes.ReplicaSet(
            metadata=_meta("ReplicaSet", f"{name}-5d9c7b", namespace, {}, top),
            spec=kubernetes.ControllerSpec(replicas=replicas, template=template),
        )
        made.append(owner)
    count = (1 if replicas is None else replicas) if pods is None else pods
    made += [
        pod(
            f"{owner.name}-{index}",
            namespace,
            spec=admitted or template.spec,
            owner=owner,
            on_node=on_node,
            labels=template.metadata.labels,
        )
        for index in range(count)
    ]
    return made


def node(
    name: str = "node-0",
    *,
    pool: str = "system",
    taints: Sequence[kubernetes.Taint] = (),
    ready: bool = True,
    labels: Mapping[str, str] | None = None,
) -> kubernetes.Node:
    """A Ready node of a pool."""
    return kubernetes.Node(
        metadata=_meta("Node", name, "", {"labels": {"kubernetes.azure.com/agentpool": pool, **(labels or {})}}),
        spec=kubernetes.NodeSpec(taints=tuple(taints)),
        status=kubernetes.NodeStatus(
            conditions=(kubernetes.Condition(type="Ready", status="True" if ready else "False"),),
        ),
    )


def spot_node(name: str = "spot-0", *, pool: str = "spot", tainted: bool = True) -> kubernetes.Node:
    """A node of a Spot pool."""
    taint = kubernetes.Taint(key=kubernetes.SPOT_TAINT_KEY, value="spot", effect="NoSchedule")
    return node(name, pool=pool, taints=[taint] if tainted else [], labels={kubernetes.SPOT_TAINT_KEY: "spot"})


def service(
    name: str = "app",
    namespace: str = "shop",
    *,
    selector: Mapping[str, str] | None = None,
    annotations: kubernetes.ServiceAnnotations | None = None,
    addresses: Sequence[str] = (),
    **spec: Any,
) -> kubernetes.Service:
    """A ClusterIP Service in front of app=name unless said otherwise."""
    base = _meta("Service", name, namespace, {})
    return kubernetes.Service(
        metadata=kubernetes.ServiceMeta(name=name, namespace=namespace, uid=base.uid, annotations=annotations),
        spec=kubernetes.ServiceSpec(selector=dict({"app": name} if selector is None else selector), **spec),
        status=kubernetes.ServiceStatus(
            load_balancer=kubernetes.LoadBalancerStatus(
                ingress=tuple(kubernetes.LoadBalancerIngress(ip=address) for address in addresses),
            ),
        ),
    )


def autoscaler(
    target: str = "app",
    namespace: str = "shop",
    *,
    kind: str = "Deployment",
    min_replicas: int | None = 1,
) -> kubernetes.HorizontalPodAutoscaler:
    """A HorizontalPodAutoscaler."""
    return kubernetes.HorizontalPodAutoscaler(
        metadata=_meta("HorizontalPodAutoscaler", target, namespace, {}),
        spec=kubernetes.AutoscalerSpec(
            scale_target_ref=kubernetes.CrossReference(kind=kind, name=target),
            min_replicas=min_replicas,
        ),
    )


def scaled_object(
    target: str = "app",
    namespace: str = "shop",
    *,
    min_replicas: int | None = 0,
) -> kubernetes.ScaledObject:
    """A KEDA ScaledObject."""
    return kubernetes.ScaledObject(
        metadata=_meta("ScaledObject", target, namespace, {}),
        spec=kubernetes.ScaledObjectSpec(
            scale_target_ref=kubernetes.CrossReference(name=target),
            min_replica_count=min_replicas,
        ),
    )


def disruption_budget(  # noqa: PLR0913 every argument has a healthy default
    name: str = "app",
    namespace: str = "shop",
    *,
    selector: Mapping[str, str] | None = None,
    expected: int = 3,
    desired: int = 1,
    healthy: int | None = None,
    observed_generation: int = 1,
    conditions: Sequence[kubernetes.Condition] = (),
    **spec: Any,
) -> kubernetes.PodDisruptionBudget:
    """A budget over three healthy pods of app=name, of which one may go."""
    return kubernetes.PodDisruptionBudget(
        metadata=_meta("PodDisruptionBudget", name, namespace, {}),
        spec=kubernetes.BudgetSpec(
            selector=LabelSelector(match_labels=dict({"app": "app"} if selector is None else selector)),
            **(spec or {"max_unavailable": 1}),
        ),
        status=kubernetes.BudgetStatus(
            expected_pods=expected,
            desired_healthy=desired,
            current_healthy=expected if healthy is None else healthy,
            observed_generation=observed_generation,
            conditions=tuple(conditions),
        ),
    )


def karpenter_node_pool(
    name: str = "nap",
    *requirements: kubernetes.Requirement,
    taints: Sequence[kubernetes.Taint] = (),
    weight: int | None = None,
) -> kubernetes.KarpenterNodePoolObject:
    """A NodePool of node auto-provisioning."""
    return kubernetes.KarpenterNodePoolObject(
        metadata=_meta("NodePool", name, "", {}),
        spec=kubernetes.KarpenterNodePoolSpec(
            template=kubernetes.KarpenterTemplate(
                spec=kubernetes.KarpenterSpec(requirements=requirements, taints=tuple(taints)),
            ),
            weight=weight,
        ),
    )


def cluster_role_binding(
    name: str,
    *subjects: kubernetes.RbacSubject,
    role: str = "cluster-admin",
    labels: Mapping[str, str] | None = None,
) -> kubernetes.ClusterRoleBinding:
    """A ClusterRoleBinding, to cluster-admin unless said otherwise."""
    return kubernetes.ClusterRoleBinding(
        metadata=_meta("ClusterRoleBinding", name, "", {"labels": dict(labels or {})}),
        role_ref=kubernetes.RoleRef(kind="ClusterRole", name=role),
        subjects=subjects,
    )


def role_binding(
    name: str,
    namespace: str,
    *subjects: kubernetes.RbacSubject,
    role: str = "cluster-admin",
) -> kubernetes.RoleBinding:
    """A RoleBinding."""
    return kubernetes.RoleBinding(
        metadata=_meta("RoleBinding", name, namespace, {}),
        role_ref=kubernetes.RoleRef(kind="ClusterRole", name=role),
        subjects=subjects,
    )


def rbac_subject(kind: str, name: str, namespace: str = "") -> kubernetes.RbacSubject:
    """A subject of a binding."""
    return kubernetes.RbacSubject(kind=kind, name=name, namespace=namespace)


def secret(
    name: str = "db",
    namespace: str = "shop",
    *,
    of_type: str = "Opaque",
    annotation_keys: Sequence[str] = (),
    **metadata: Any,
) -> kubernetes.Secret:
    """A row of the Secrets table."""
    return kubernetes.Secret(
        metadata=_meta("Secret", name, namespace, metadata),
        type=of_type,
        annotation_keys=tuple(annotation_keys),
    )


def named(kind: type[KubernetesObject], name: str, namespace: str = "", **fields: Any) -> KubernetesObject:
    """An object of which only name and namespace (and the given fields) matter."""
    return kind(metadata=_meta(kind.kind, name, namespace, {}), **fields)


def secret_provider_class(vault_name: str, *, namespace: str = "shop", provider: str = "azure") -> KubernetesObject:
    """A SecretProviderClass on a vault."""
    return named(
        kubernetes.SecretProviderClass,
        f"spc-{vault_name}",
        namespace,
        spec=kubernetes.SecretProviderClassSpec(
            provider=provider,
            parameters=kubernetes.SecretProviderParameters(keyvault_name=vault_name),
        ),
    )
