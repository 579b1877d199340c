"""An AKS cluster: its Azure resource, its Kubernetes objects, and what they say together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import msgspec

from akscan.model.azure import (
    AddonProfile,
    AgentPool,
    IdentityReference,
    ManagedCluster,
    ManagedClusterProperties,
)
from akscan.model.gaps import Gap, NotCollected, Reason
from akscan.model.kubernetes import (
    ClusterRoleBinding,
    HorizontalPodAutoscaler,
    KarpenterNodePoolObject,
    KubernetesLists,
    Listing,
    Node,
    Pod,
    PodDisruptionBudget,
    PodSpec,
    Requirement,
    Secret,
    Service,
    Taint,
)
from akscan.model.needs import Need
from akscan.model.subject import Absent, Subject, SubjectRef, Unreadable
from akscan.model.text import ArmId, Location, Token
from akscan.model.workloads import Workload, Workloads, build_workloads

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory

#: The node labels of AKS and Kubernetes whose value a pool alone does not tell.
_UNKNOWN_LABELS = frozenset({"topology.kubernetes.io/zone", "kubernetes.io/hostname"})
_CAPACITY_LABELS = ("karpenter.sh/capacity-type", "kubernetes.azure.com/priority")
_ADDRESSES_PER_PREFIX_RESERVED = 5
#: https://learn.microsoft.com/azure/aks/csi-secrets-store-driver
_KEY_VAULT_ADDON = "azureKeyvaultSecretsProvider"
_SECRETS_STORE_DRIVER = "secrets-store.csi.k8s.io"
_DEFAULT_MAX_PODS = {"node_subnet": 30, "kubenet": 110, "overlay": 250, "pod_dynamic": 250, "pod_static": 250}


class Cluster(Subject):
    """One cluster. ``resource`` is a gap for a cluster that is known from a kubeconfig only."""

    def __init__(
        self,
        *,
        cluster_id: ArmId,
        name: str,
        resource: ManagedCluster | Gap,
        lists: KubernetesLists,
        system_namespaces: frozenset[str],
    ) -> None:
        self.id = cluster_id
        self.name = name
        self._resource = resource
        self.lists = lists
        self.system_namespaces = system_namespaces

    @property
    def ref(self) -> SubjectRef:
        return SubjectRef(id=self.id.casefold(), kind="cluster", name=self.name, cluster=self.id.casefold())

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        assert isinstance(cluster, cls)  # noqa: S101 there is one kind of cluster
        yield cluster

    def placeholders(self) -> dict[str, str]:
        known = {"cluster": self.name, "cluster_id": str(self.id), "resource_group": self.id.resource_group}
        if isinstance(self._resource, ManagedCluster):
            known["location"] = str(self._resource.location)
        return {key: value for key, value in known.items() if value}

    # --- the Azure resource; all of it raises `NotCollected` where the resource was not read

    @property
    def resource(self) -> ManagedCluster:
        if isinstance(self._resource, Gap):
            raise NotCollected(self._resource)
        return self._resource

    @property
    def properties(self) -> ManagedClusterProperties:
        return self.resource.properties

    @property
    def location(self) -> Location:
        return self.resource.location

    @property
    def version(self) -> str:
        """The control plane's Kubernetes version."""
        return self.properties.current_kubernetes_version or self.properties.kubernetes_version

    @property
    def is_private(self) -> bool:
        return self.properties.api_server_access_profile.enable_private_cluster

    @property
    def is_private_link(self) -> bool:
        """Private, and reached through a private endpoint rather than API Server VNet Integration."""
        return self.is_private and not self.properties.api_server_access_profile.enable_vnet_integration

    @property
    def outbound(self) -> Token:
        return self.properties.network_profile.outbound_type

    @property
    def enforces_fqdn_policies(self) -> bool:
        """Whether Cilium filters egress by name: Advanced Container Networking Services with its security features
        (https://learn.microsoft.com/azure/aks/advanced-container-networking-services-overview).
        """
        network = self.properties.network_profile
        return network.network_dataplane == "cilium" and network.advanced_networking.security.enabled

    @property
    def is_byo_vnet(self) -> bool:
        """Every pool stands in a subnet of the customer."""
        pools = self.properties.agent_pool_profiles
        return bool(pools) and all(pool.vnet_subnet_id for pool in pools)

    @property
    def has_node_auto_provisioning(self) -> bool:
        return self.properties.node_provisioning_profile.mode == "Auto"

    @property
    def uses_service_principal(self) -> bool:
        client = self.properties.service_principal_profile.client_id
        return bool(client) and client != "msi"

    @property
    def control_plane_identity(self) -> ArmId:
        """The user-assigned identity of the control plane; empty for a system-assigned one."""
        identity = self.resource.identity
        return next(iter(identity.user_assigned_identities), ArmId()) if identity.type == "UserAssigned" else ArmId()

    @property
    def kubelet_identity(self) -> IdentityReference | None:
        return self.properties.identity_profile.get(Token("kubeletidentity"))

    def addon(self, name: str) -> AddonProfile:
        """An add-on by its key, letter case aside; an absent one is off."""
        return self.properties.addon_profiles.get(Token(name), AddonProfile())

    @property
    def key_vault_addon(self) -> AddonProfile:
        """The add-on that mounts secrets from Key Vault (the Azure provider of the Secrets Store CSI driver)."""
        return self.addon(_KEY_VAULT_ADDON)

    @cached_property
    def pools(self) -> tuple[NodePool, ...]:
        return tuple(NodePool(self, pool) for pool in self.properties.agent_pool_profiles)

    @property
    def node_subnets(self) -> tuple[ArmId, ...]:
        """The distinct subnets of the nodes."""
        return tuple(dict.fromkeys(p.vnet_subnet_id for p in self.properties.agent_pool_profiles if p.vnet_subnet_id))

    @property
    def pod_subnets(self) -> tuple[ArmId, ...]:
        """The distinct subnets that pods take addresses from."""
        return tuple(dict.fromkeys(p.pod_subnet_id for p in self.properties.agent_pool_profiles if p.pod_subnet_id))

    # --- Kubernetes

    @cached_property
    def workload_set(self) -> Workloads:
        """Every workload, with the lists that were missing to find them all."""
        return build_workloads(self)

    @cached_property
    def _nodes_by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.lists.nodes.complete()}

    def node(self, name: str) -> Node | None:
        return self._nodes_by_name.get(name)

    @cached_property
    def _services_by_label(self) -> dict[tuple[str, str, str], list[Service]]:
        """(namespace, key, value) of one label that a Service selects -> the Services."""
        found: dict[tuple[str, str, str], list[Service]] = {}
        for service in self.lists.services.complete():
            for key, value in list((service.spec.selector or {}).items())[:1]:
                found.setdefault((service.namespace, key, value), []).append(service)
        return found

    def services_of(self, namespace: str, labels: Mapping[str, str]) -> tuple[Service, ...]:
        """The Services in front of pods with these labels, by name. Raises `NotCollected` where Services could not be
        listed.
        """
        index = self._services_by_label
        candidates = (service for label in labels.items() for service in index.get((namespace, *label), ()))
        return tuple(sorted((s for s in candidates if s.selects(labels)), key=lambda service: service.name))

    @cached_property
    def autoscalers(self) -> dict[tuple[str, str, str], HorizontalPodAutoscaler]:
        """(namespace, kind, name) of what a HorizontalPodAutoscaler scales -> that autoscaler."""
        return {
            (hpa.namespace, hpa.spec.scale_target_ref.kind, hpa.spec.scale_target_ref.name): hpa
            for hpa in self.lists.horizontal_pod_autoscalers.complete()
        }

    @cached_property
    def autoscaler_floors(self) -> dict[tuple[str, str, str], int]:
        """(namespace, kind, name) of what a HorizontalPodAutoscaler scales -> its minReplicas."""
        return {target: hpa.min_replicas for target, hpa in self.autoscalers.items()}

    @cached_property
    def pods_read_by_namespace(self) -> dict[str, tuple[Pod, ...]]:
        """The pods that were read, complete or not."""
        found: dict[str, list[Pod]] = {}
        for pod in self.lists.pods.items:
            found.setdefault(pod.namespace, []).append(pod)
        return {namespace: tuple(pods) for namespace, pods in found.items()}

    @property
    def handmade_secrets(self) -> tuple[Secret, ...]:
        """Secrets that somebody made by hand: neither the platform's nor a controller's nor synchronised from a
        store.
        """
        return tuple(
            secret
            for secret in self.lists.secrets.complete()
            if secret.namespace not in self.system_namespaces and secret.is_handmade
        )

    def secret_stores(self, definitions: tuple[str, ...]) -> tuple[str, ...]:
        """What connects the cluster to an external secret store: the Key Vault add-on, else the Secrets Store CSI
        driver and the CustomResourceDefinitions among ``definitions``.

        Raises `NotCollected` where nothing was found and a list that may hold one could not be read.
        """
        if self.key_vault_addon.enabled:
            return (_KEY_VAULT_ADDON,)
        drivers, crds = self.lists.csi_drivers, self.lists.custom_resource_definitions
        found = (
            *(driver.name for driver in drivers.items if driver.name == _SECRETS_STORE_DRIVER),
            *(crd.name for crd in crds.items if crd.name in definitions),
        )
        if not found:
            drivers.complete()
            crds.complete()
        return found

    @cached_property
    def service_accounts_in_use(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of the service accounts that running pods act as. Of the pods of one controller the
        newest, which alone keeps its spec, speaks for all. Raises `NotCollected` where pods could not be listed.
        """
        pods = self.lists.pods.complete()
        running = {_maker(pod) for pod in pods if pod.status.phase == "Running"}
        return frozenset(
            (pod.namespace, pod.spec.service_account_name or "default")
            for pod in pods
            if pod.spec is not None and _maker(pod) in running
        )

    @property
    def kubernetes_gap(self) -> Gap | None:
        """Why nothing at all of Kubernetes was read; None where something was."""
        listings: list[Listing[Any]] = [getattr(self.lists, name) for name in KubernetesLists.__struct_fields__]
        return listings[0].gap if all(listing.gap is not None for listing in listings) else None

    def residue(self) -> Cluster:
        """The same cluster with only what fleet-wide subjects need of Kubernetes, to be kept while others are read."""
        services, classes = self.lists.services, self.lists.secret_provider_classes
        dropped = Gap(
            source="kubernetes", scope=str(self.id), reason=Reason.NOT_READ, detail="not kept for fleet-wide rules"
        )
        return Cluster(
            cluster_id=self.id,
            name=self.name,
            resource=self._resource,
            lists=missing_lists(dropped, services=_only_internal(services), secret_provider_classes=classes),
            system_namespaces=self.system_namespaces,
        )


def missing_lists(gap: Gap, **known: Any) -> KubernetesLists:
    """Kubernetes lists that are all the same gap, except for the ``known`` ones. A gap without a permission gets that
    of each list.
    """
    from akscan.model.reads import KUBERNETES_READS  # noqa: PLC0415 reads.py lists the structs of this package

    def missing(need: Need) -> Listing[Any]:
        return Listing(gap=gap if gap.permission else msgspec.structs.replace(gap, permission=need))

    return KubernetesLists(**{read.field: known.get(read.field) or missing(read.need) for read in KUBERNETES_READS})


def _maker(pod: Pod) -> str:
    """The uid of what made the pod: its controller, or itself."""
    controller = pod.metadata.controller
    return controller.uid if controller else pod.metadata.uid


def _only_internal(services: Listing[Service]) -> Listing[Service]:
    return Listing(items=tuple(s for s in services.items if s.is_internal_load_balancer), gap=services.gap)


class NodePool(Subject):
    """One node pool of a cluster; ``properties`` are the fields of the API."""

    def __init__(self, cluster: Cluster, properties: AgentPool) -> None:
        self.cluster = cluster
        self.properties = properties
        self.name = properties.name

    @property
    def ref(self) -> SubjectRef:
        above = self.cluster.ref.id
        return SubjectRef(
            id=f"{above}/agentpools/{self.name.casefold()}", kind="node_pool", name=self.name, cluster=above
        )

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        try:
            pools = cluster.pools
        except NotCollected as missing:
            yield Unreadable(cluster, missing.gap)
            return
        for pool in pools:
            yield cls(cluster, pool.properties)

    def placeholders(self) -> dict[str, str]:
        return {**self.cluster.placeholders(), "node_pool": self.name}

    @property
    def version(self) -> str:
        """The Kubernetes version of its nodes; empty when the pool reports none."""
        return self.properties.current_orchestrator_version or self.properties.orchestrator_version

    @property
    def is_spot(self) -> bool:
        return self.properties.scale_set_priority == "Spot"

    @property
    def is_first(self) -> bool:
        """Whether the cluster lists this pool first."""
        return self.cluster.properties.agent_pool_profiles[0] is self.properties

    @property
    def taints(self) -> tuple[Taint, ...]:
        return tuple(Taint.parse(text) for text in self.properties.node_taints)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Raises `NotCollected` where the nodes could not be listed."""
        self.cluster.lists.nodes.complete()
        return self.nodes_read

    @property
    def nodes_read(self) -> tuple[Node, ...]:
        """Its nodes that were read, complete or not; for proving a failure, never for proving a pass."""
        return tuple(node for node in self.cluster.lists.nodes.items if Token(node.pool) == self.name)

    @property
    def nodes_min(self) -> int:
        """The fewest nodes that the autoscaler may leave, or the fixed count."""
        pool = self.properties
        if pool.type == "VirtualMachines":
            scale = pool.virtual_machines_profile.scale
            return sum(m.count for m in scale.manual) + sum(a.min_count for a in scale.autoscale)
        floor = pool.min_count if pool.enable_auto_scaling else pool.count
        return 1 if floor is None else floor

    @property
    def nodes_max(self) -> int:
        """The most nodes that the autoscaler may add, or the fixed count."""
        pool = self.properties
        if pool.type == "VirtualMachines":
            scale = pool.virtual_machines_profile.scale
            return sum(m.count for m in scale.manual) + sum(a.max_count for a in scale.autoscale)
        top = pool.max_count if pool.enable_auto_scaling else pool.count
        return 1 if top is None else top

    def surge(self, nodes: int) -> int:
        """How many nodes an upgrade adds to a pool of that many (maxSurge absent counts as 10%); none for Spot."""
        if self.is_spot or nodes == 0:
            return 0
        text = self.properties.upgrade_settings.max_surge or "10%"
        wanted = -(-nodes * int(text[:-1]) // 100) if text.endswith("%") else int(text)
        return min(nodes, wanted)

    @property
    def ipam(self) -> str:
        """Where its pods' addresses come from: kubenet, byo_cni, overlay, pod_dynamic, pod_static or node_subnet."""
        network, pool = self.cluster.properties.network_profile, self.properties
        match str(network.network_plugin).casefold():
            case "kubenet":
                return "kubenet"
            case "none":
                return "byo_cni"
            case "azure" if network.network_plugin_mode == "overlay":
                return "overlay"
            case "azure" if pool.pod_subnet_id:
                return "pod_static" if pool.pod_ip_allocation_mode == "StaticBlock" else "pod_dynamic"
            case "azure":
                return "node_subnet"
            case other:
                raise NotCollected(self._unknown(f"networkPlugin {other!r} says nothing about pod addresses"))

    @property
    def max_pods(self) -> int:
        """``maxPods`` or the default of the network plugin. Raises `NotCollected` for a plugin that AKS does not
        know.
        """
        if self.properties.max_pods is not None:
            return self.properties.max_pods
        if self.ipam not in _DEFAULT_MAX_PODS:
            raise NotCollected(self._unknown("maxPods is absent, and the network plugin is not one of AKS"))
        return _DEFAULT_MAX_PODS[self.ipam]

    def _unknown(self, detail: str) -> Gap:
        return Gap(
            source="arm",
            scope=f"node pool {self.name} of {self.cluster.name}",
            reason=Reason.UNKNOWN,
            permission=Need.MANAGED_CLUSTERS,
            detail=detail,
        )

    def bears(self, spec: PodSpec) -> bool:
        """Whether a pod may run on a Ready node of the pool (cordons aside), or, when it has none, on one that its
        settings would make.
        """
        ready = [node for node in self.nodes if node.is_ready]
        if ready:
            return any(node.bears(spec, cordons=False) for node in ready)
        return spec.selects_labels(self._labels_of_new_nodes(), unknown=_UNKNOWN_LABELS) and all(
            spec.tolerates(taint) for taint in self.taints if taint.repels
        )

    def _labels_of_new_nodes(self) -> dict[str, str]:
        pool = self.properties
        labels = dict(pool.node_labels) | {
            "kubernetes.azure.com/agentpool": pool.name,
            "agentpool": pool.name,
            "kubernetes.azure.com/mode": str(pool.mode).casefold(),
            "kubernetes.io/os": str(pool.os_type).casefold(),
            "node.kubernetes.io/instance-type": str(pool.vm_size),
            "topology.kubernetes.io/region": str(self.cluster.location).casefold(),
        }
        if self.is_spot:
            labels["kubernetes.azure.com/scalesetpriority"] = "spot"
        return labels


class KubernetesSubject(Subject):
    """An object of the Kubernetes API that rules judge by itself."""

    resource_name = ""
    kind_name = ""

    def __init__(self, cluster: Cluster, name: str, namespace: str = "") -> None:
        self.cluster = cluster
        self.name = name
        self.namespace = namespace

    @property
    def ref(self) -> SubjectRef:
        above = self.cluster.ref.id
        space = f"/namespaces/{self.namespace}" if self.namespace else ""
        return SubjectRef(
            id=f"{above}{space}/{self.resource_name}/{self.name}",
            kind=self.kind_name,
            name=self.name,
            cluster=above,
            namespace=self.namespace,
        )

    def placeholders(self) -> dict[str, str]:
        known = {"name": self.name, "namespace": self.namespace}
        return {**self.cluster.placeholders(), **{key: value for key, value in known.items() if value}}


class KarpenterNodePool(KubernetesSubject):
    """A NodePool of node auto-provisioning."""

    resource_name = "nodepools.karpenter.sh"
    kind_name = "karpenter_node_pool"

    def __init__(self, cluster: Cluster, node_pool: KarpenterNodePoolObject) -> None:
        super().__init__(cluster, node_pool.name)
        self.object = node_pool

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        listing = cluster.lists.karpenter_node_pools
        yield from (cls(cluster, node_pool) for node_pool in listing.items)
        if listing.gap is not None:
            yield Unreadable(cluster, listing.gap)

    @property
    def taints(self) -> tuple[Taint, ...]:
        return self.object.spec.template.spec.taints or ()

    def admits(self, key: str, value: str) -> bool:
        """Whether a requirement on the label exists and lets the value in."""
        requirements = self.object.spec.template.spec.requirements or ()
        on_key = [r for r in requirements if r.key == key]
        return bool(on_key) and all(r.admits(value) for r in on_key)

    @property
    def capacity_requirements(self) -> tuple[Requirement, ...]:
        """Its requirements on Spot or regular capacity
        (https://learn.microsoft.com/azure/aks/node-auto-provisioning-node-pools).
        """
        return tuple(r for r in self.object.spec.template.spec.requirements or () if r.key in _CAPACITY_LABELS)

    @property
    def admits_spot(self) -> bool:
        """Whether it has requirements on capacity, and all of them let Spot in."""
        return bool(self.capacity_requirements) and all(r.admits("spot") for r in self.capacity_requirements)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Its nodes, by the label that Karpenter sets. Raises `NotCollected` where nodes could not be listed."""
        nodes = self.cluster.lists.nodes.complete()
        return tuple(node for node in nodes if node.metadata.label("karpenter.sh/nodepool") == self.name)


class ClusterRoleBindingSubject(KubernetesSubject):
    """A ClusterRoleBinding."""

    resource_name = "clusterrolebindings"
    kind_name = "cluster_role_binding"

    def __init__(self, cluster: Cluster, binding: ClusterRoleBinding) -> None:
        super().__init__(cluster, binding.name)
        self.object = binding

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        listing = cluster.lists.cluster_role_bindings
        yield from (cls(cluster, binding) for binding in listing.items)
        if listing.gap is not None:
            yield Unreadable(cluster, listing.gap)


class DisruptionBudget(KubernetesSubject):
    """A PodDisruptionBudget."""

    resource_name = "poddisruptionbudgets"
    kind_name = "pod_disruption_budget"

    def __init__(self, cluster: Cluster, budget: PodDisruptionBudget) -> None:
        super().__init__(cluster, budget.name, budget.namespace)
        self.object = budget

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        listing = cluster.lists.pod_disruption_budgets
        yield from (cls(cluster, budget) for budget in listing.items)
        if listing.gap is not None:
            yield Unreadable(cluster, listing.gap)

    @property
    def is_aks_managed(self) -> bool:
        """An object without pod template in a system namespace is the platform's ."""
        return self.namespace in self.cluster.system_namespaces

    @property
    def is_stale(self) -> bool:
        """Whether the disruption controller has not yet seen the present specification."""
        generation = self.object.metadata.generation
        return generation is not None and generation != self.object.status.observed_generation

    @property
    def pods_read(self) -> tuple[Pod, ...]:
        """The active pods that it selects among those that were read, complete or not."""
        candidates = self.cluster.pods_read_by_namespace.get(self.namespace, ())
        return tuple(pod for pod in candidates if pod.is_active and self.object.selects(pod))

    @property
    def pods(self) -> tuple[Pod, ...]:
        """The active pods that it selects. Raises `NotCollected` where pods could not be listed."""
        self.cluster.lists.pods.complete()
        return self.pods_read

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """The workloads that own a pod it selects. Raises `NotCollected` where pods or their owners are unknown."""
        selected = {pod.name for pod in self.pods}
        candidates = (w for w in self.cluster.workload_set.items if w.namespace == self.namespace)
        owners = {w: {pod.name for pod in w.pods_read} & selected for w in candidates}
        if selected.difference(*owners.values()):
            self.cluster.workload_set.complete()
        return tuple(w for w, own in owners.items() if own)

    @property
    def node_pools(self) -> tuple[NodePool, ...]:
        """The node pools that its pods are on. Raises `NotCollected` where pods, nodes or pools are unknown."""
        nodes = (self.cluster.node(pod.node_name) for pod in self.pods)
        names = {Token(node.pool) for node in nodes if node is not None}
        return tuple(pool for pool in self.cluster.pools if Token(pool.name) in names)
