"""An AKS cluster: its Azure resource, its Kubernetes objects, and what they say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import msgspec

from akscan.model.azure import (
    AddonProfile,
    IdentityReference,
    ManagedCluster,
    ManagedClusterProperties,
)
from akscan.model.drain import Drain
from akscan.model.expander import ExpanderPriorities
from akscan.model.gaps import Gap, NotCollected, Reason, untold
from akscan.model.instance_metadata import MetadataAccess
from akscan.model.kubernetes import (
    HorizontalPodAutoscaler,
    Job,
    KubernetesLists,
    Listing,
    Node,
    Pod,
    Secret,
    SecretProviderClass,
    Service,
    ServiceAccount,
)
from akscan.model.mesh import Mesh
from akscan.model.needs import Need
from akscan.model.pools import NodePool
from akscan.model.rbac import Rbac
from akscan.model.running_images import RunningImages
from akscan.model.secret_mounts import SecretMounts
from akscan.model.spot import SpotCapacity
from akscan.model.storage import Storage
from akscan.model.subject import Absent, Subject, SubjectRef, Unreadable
from akscan.model.text import ArmId, Location, Token
from akscan.model.webhooks import Webhooks
from akscan.model.workloads import Workload, Workloads, build_workloads, image_host

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory
    from akscan.model.objects import KarpenterNodePool

#: https://learn.microsoft.com/azure/aks/csi-secrets-store-driver
_KEY_VAULT_ADDON = "azureKeyvaultSecretsProvider"
_SECRETS_STORE_DRIVER = "secrets-store.csi.k8s.io"


@dataclass(frozen=True, slots=True)
class ImageHosts:
    """The registries that images of pods come from, and what may hide more of them."""

    hosts: frozenset[str]
    gap: Gap | None


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
        image_hosts: ImageHosts | None = None,
    ) -> None:
        self._image_hosts = image_hosts
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
            known["oidc_issuer_url"] = self._resource.properties.oidc_issuer_profile.issuer_url
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
        return self.properties.version_now

    @property
    def is_private(self) -> bool:
        return self.properties.api_server_access_profile.enable_private_cluster

    @property
    def has_own_private_zone(self) -> bool:
        """Whether the private DNS zone of the API server is a resource of the customer."""
        return self.properties.api_server_access_profile.private_dns_zone.startswith("/")

    @property
    def is_private_link(self) -> bool:
        """Private, and reached through a private endpoint rather than API Server VNet Integration."""
        return self.is_private and not self.is_vnet_integrated

    @property
    def outbound(self) -> Token:
        return self.properties.network_profile.outbound_type

    @property
    def is_vnet_integrated(self) -> bool:
        """The API server stands in the virtual network (API Server VNet Integration)."""
        return self.properties.api_server_access_profile.enable_vnet_integration

    @property
    def node_resource_group_id(self) -> ArmId:
        return self.resource.node_resource_group_id

    def owns(self, resource_id: ArmId) -> bool:
        """Whether a resource stands in the node resource group."""
        return self.node_resource_group_id.contains(resource_id)

    @property
    def enforces_fqdn_policies(self) -> bool:
        """Whether Cilium filters egress by name: Advanced Container Networking Services with its security features
        (https://learn.microsoft.com/azure/aks/advanced-container-networking-services-overview).
        """
        network = self.properties.network_profile
        return network.network_dataplane == "cilium" and network.advanced_networking.security.enabled

    @property
    def is_byo_vnet(self) -> bool:
        """Every node stands in a subnet of the customer."""
        pools = self.properties.agent_pool_profiles
        if self.hosts_nodes and len(self.resource.hosted_subnets) < 2:  # noqa: PLR2004 workloads and components
            return False
        return (bool(pools) or self.hosts_nodes) and all(pool.vnet_subnet_id for pool in pools)

    @property
    def hosts_nodes(self) -> bool:
        """Whether AKS hosts the system components, on nodes that no pool lists."""
        return self.properties.hosted_system_profile.enabled

    @property
    def has_node_auto_provisioning(self) -> bool:
        return self.properties.node_provisioning_profile.mode == "Auto"

    @property
    def has_nodes_beside_pools(self) -> bool:
        """Whether it may have nodes that belong to none of its pools, which only Kubernetes shows
        (https://learn.microsoft.com/azure/aks/node-auto-provisioning).
        """
        return self.has_node_auto_provisioning or self.hosts_nodes or not self.pools

    @property
    def unlisted_nodes(self) -> Gap:
        """Why nothing is known of the nodes beside the pools: those of a cluster whose system components AKS hosts, and
        those of node auto-provisioning.
        """
        return untold(
            "arm",
            self.id,
            "no node pool lists the nodes that AKS hosts or node auto-provisioning makes",
            Need.MANAGED_CLUSTERS,
        )

    @property
    def unlimited_nodes(self) -> Gap:
        """Why the largest size of a cluster with node auto-provisioning is not known."""
        return untold(
            "arm",
            self.id,
            "node auto-provisioning adds nodes without a limit that ARM shows; parameter nap_max_nodes states one",
            Need.MANAGED_CLUSTERS,
        )

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
    def control_plane_object_id(self) -> str:
        """The principal of the control plane; empty where the cluster does not name it."""
        identity = self.resource.identity
        own = identity.user_assigned_identities.get(self.control_plane_identity)
        return str.__str__(own.principal_id if own else identity.principal_id)

    @property
    def kubelet_identity(self) -> IdentityReference | None:
        return self.properties.identity_profile.get(Token("kubeletidentity"))

    @property
    def addon_identities(self) -> dict[str, IdentityReference]:
        """The identities of add-ons that are on, by the add-on's name; AKS attaches them to the nodes
        (https://learn.microsoft.com/azure/aks/managed-identity-overview).
        """
        routing = self.properties.ingress_profile.web_app_routing
        on = {str(name): addon.identity for name, addon in self.properties.addon_profiles.items() if addon.enabled}
        if routing.enabled:
            on["webAppRouting"] = routing.identity
        return {name: identity for name, identity in on.items() if identity.object_id}

    @property
    def issuer(self) -> str:
        """The issuer of the cluster's own tokens, without a slash at its end; empty where there is none."""
        return self.properties.oidc_issuer_profile.issuer_url.rstrip("/")

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
    def has_windows_pools(self) -> bool:
        return any(pool.os_type == "Windows" for pool in self.properties.agent_pool_profiles)

    @property
    def node_subnets(self) -> tuple[ArmId, ...]:
        """The distinct subnets of the nodes; `require_class_subnets` tells whether all are known."""
        of_pools = (pool.vnet_subnet_id for pool in self.properties.agent_pool_profiles if pool.vnet_subnet_id)
        return tuple(dict.fromkeys((*of_pools, *self.resource.hosted_subnets, *self.class_subnets)))

    @property
    def class_subnets(self) -> tuple[ArmId, ...]:
        """The subnets that node classes of node auto-provisioning name, as far as these were read; the nodes of all
        others stand in the cluster's own.
        """
        classes = self.lists.aks_node_classes.items if self.has_node_auto_provisioning else ()
        return tuple(dict.fromkeys(found.spec.vnet_subnet_id for found in classes if found.spec.vnet_subnet_id))

    def require_class_subnets(self) -> None:
        """Raises `NotCollected` where node auto-provisioning may make nodes in subnets that are not known."""
        if self.has_node_auto_provisioning:
            self.lists.aks_node_classes.complete()

    @property
    def pod_subnets(self) -> tuple[ArmId, ...]:
        """The distinct subnets that pods take addresses from."""
        return tuple(dict.fromkeys(p.pod_subnet_id for p in self.properties.agent_pool_profiles if p.pod_subnet_id))

    # --- Kubernetes

    @property
    def runs_extensions(self) -> bool:
        """Whether the agent of cluster extensions runs, which AKS installs with the first of them
        (https://learn.microsoft.com/azure/aks/cluster-extensions). Raises `NotCollected` where that is not known.
        """
        deployments = self.lists.deployments
        if any(found.namespace == "kube-system" and found.name == "extension-agent" for found in deployments.items):
            return True
        deployments.complete()
        return False

    @cached_property
    def drain(self) -> Drain:
        """What a drain of its nodes meets."""
        return Drain(self)

    @cached_property
    def mesh(self) -> Mesh:
        """Its Istio add-on, which may be off."""
        return Mesh(self)

    @cached_property
    def workload_set(self) -> Workloads:
        """Every workload, with the lists that were missing to find them all."""
        return build_workloads(self)

    @cached_property
    def _nodes_by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.lists.nodes.complete()}

    @cached_property
    def nodes_read_by_pool(self) -> dict[Token, tuple[Node, ...]]:
        """The nodes of each pool that were read, complete or not."""
        found: dict[Token, list[Node]] = {}
        for node in self.lists.nodes.items:
            found.setdefault(Token(node.pool), []).append(node)
        return {pool: tuple(nodes) for pool, nodes in found.items()}

    def node(self, name: str) -> Node | None:
        return self._nodes_by_name.get(name)

    @cached_property
    def _services_by_name(self) -> dict[tuple[str, str], Service]:
        return {(service.namespace, service.name): service for service in self.lists.services.complete()}

    def service(self, namespace: str, name: str) -> Service | None:
        """A Service. Raises `NotCollected` where Services could not be listed."""
        return self._services_by_name.get((namespace, name))

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
    def pods_read_by_namespace(self) -> dict[str, tuple[Pod, ...]]:
        """The pods that were read, complete or not."""
        found: dict[str, list[Pod]] = {}
        for pod in self.lists.pods.items:
            found.setdefault(pod.namespace, []).append(pod)
        return {namespace: tuple(pods) for namespace, pods in found.items()}

    @cached_property
    def application_namespaces(self) -> dict[str, int]:
        """The namespaces of users with a pod that runs or is about to, and how many of these each has. Raises
        `NotCollected` where pods could not be listed.
        """
        self.lists.pods.complete()
        counts = {name: sum(pod.is_active for pod in pods) for name, pods in self.pods_read_by_namespace.items()}
        return {name: count for name, count in sorted(counts.items()) if count and name not in self.system_namespaces}

    @cached_property
    def running_images(self) -> RunningImages:
        """The images of what runs, for telling which tools a cluster has."""
        return RunningImages(self.lists)

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
    def vault_uses(self) -> tuple[dict[str, tuple[str, ...]], tuple[Gap, ...]]:
        """Names of vaults (lower case) -> who reads them (``KMS``, or a SecretProviderClass as ``namespace/name``),
        and what may hide more of them.
        """
        uses: dict[str, tuple[str, ...]] = {}
        gaps = []
        try:
            kms = self.properties.security_profile.azure_key_vault_kms
            if kms.enabled and kms.vault_name:
                uses[kms.vault_name.casefold()] = ("KMS",)
        except NotCollected as missing:
            gaps.append(missing.gap)
        listing = self.lists.secret_provider_classes
        for item in listing.items:
            if item.vault_name:
                name = item.vault_name.casefold()
                uses[name] = (*uses.get(name, ()), f"{item.namespace}/{item.name}")
        if listing.gap is not None:
            gaps.append(listing.gap)
        return uses, tuple(gaps)

    @cached_property
    def image_hosts(self) -> ImageHosts:
        """Whence the images of its pods come. Of the pods of one controller the newest speaks for all."""
        if self._image_hosts is not None:
            return self._image_hosts
        specs = (pod.spec for pod in self.lists.pods.items if pod.spec is not None)
        images = {container.image for spec in specs for container in spec.all_containers}
        return ImageHosts(frozenset(image_host(image) for image in images), self.lists.pods.gap)

    @cached_property
    def provider_classes(self) -> dict[tuple[str, str], SecretProviderClass]:
        """SecretProviderClasses by namespace and name. Raises `NotCollected` where they could not be listed."""
        return {(found.namespace, found.name): found for found in self.lists.secret_provider_classes.complete()}

    @cached_property
    def metadata_access(self) -> MetadataAccess:
        """Which of its pods can reach the instance metadata service."""
        return MetadataAccess(self)

    @cached_property
    def service_accounts_in_use(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of the service accounts that running pods act as. Of the pods of one controller the
        newest, which alone keeps its spec, speaks for all. Raises `NotCollected` where pods could not be listed.
        """
        self.lists.pods.complete()
        return frozenset(self.account_of(pod) for pod in self._running_pods)

    @property
    def speaking_pods(self) -> tuple[Pod, ...]:
        """Of the running pods of users that were read, those that keep their spec: one for each controller."""
        return tuple(pod for pod in self._running_pods if pod.namespace not in self.system_namespaces)

    @property
    def _running_pods(self) -> tuple[Pod, ...]:
        pods = self.lists.pods.items
        running = {pod.maker for pod in pods if pod.status.phase == "Running"}
        return tuple(pod for pod in pods if pod.spec is not None and pod.maker in running)

    def account_of(self, pod: Pod) -> tuple[str, str]:
        """Namespace and name of the service account that a pod acts as."""
        return pod.namespace, (pod.spec.service_account_name if pod.spec else "") or "default"

    @property
    def karpenter_node_pools(self) -> tuple[KarpenterNodePool, ...]:
        """What node auto-provisioning makes nodes by. Raises `NotCollected` where its NodePools could not be listed."""
        from akscan.model.objects import KarpenterNodePool  # noqa: PLC0415 subjects are made of clusters

        return tuple(KarpenterNodePool(self, item) for item in self.lists.karpenter_node_pools.complete())

    @cached_property
    def spot(self) -> SpotCapacity:
        """Its Spot nodes and pools."""
        return SpotCapacity(self)

    @cached_property
    def storage(self) -> Storage:
        """Its claims and volumes, indexed."""
        return Storage(self.lists)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Its admission webhooks, indexed."""
        return Webhooks(self.lists)

    @cached_property
    def deployments_by_service(self) -> dict[tuple[str, str], tuple[Workload, ...]]:
        """Namespace and name of a Service -> the Deployments behind it, as far as they were read. Raises `NotCollected`
        where Services could not be listed.
        """
        found: dict[tuple[str, str], list[Workload]] = {}
        for workload in self.workload_set.items:
            if workload.kind == "Deployment":
                for service in workload.services:
                    found.setdefault((service.namespace, service.name), []).append(workload)
        return {service: tuple(workloads) for service, workloads in found.items()}

    @cached_property
    def jobs_by_owner(self) -> dict[str, tuple[Job, ...]]:
        """`ObjectMeta.controller_key` of Jobs -> the Jobs, as far as they were read."""
        found: dict[str, list[Job]] = {}
        for job in self.lists.jobs.items:
            found.setdefault(job.metadata.controller_key, []).append(job)
        return {owner: tuple(jobs) for owner, jobs in found.items()}

    @property
    def expander_priorities(self) -> ExpanderPriorities | None:
        """What the priority expander of the cluster autoscaler reads; None where it finds nothing to read. Raises
        `NotCollected` where ConfigMaps could not be listed.
        """
        found = next((item for item in self.lists.config_maps.items if item.is_for_expander), None)
        if found is None:
            self.lists.config_maps.complete()
        return found.priorities if found else None

    @cached_property
    def secret_mounts(self) -> SecretMounts:
        """Which Secrets and SecretProviderClasses its workloads use."""
        return SecretMounts(self)

    @cached_property
    def rbac(self) -> Rbac:
        """Its roles and bindings, indexed."""
        return Rbac(self.lists)

    @cached_property
    def workloads_by_account(self) -> dict[tuple[str, str], tuple[Workload, ...]]:
        """Namespace and name of a service account -> the workloads that act as it. Raises `NotCollected` where some
        may be missing.
        """
        found: dict[tuple[str, str], list[Workload]] = {}
        for workload in self.workload_set.complete():
            found.setdefault((workload.namespace, workload.service_account), []).append(workload)
        return {account: tuple(workloads) for account, workloads in found.items()}

    @cached_property
    def namespace_names(self) -> frozenset[str]:
        """The names of its namespaces. Raises `NotCollected` where they could not be listed."""
        return frozenset(namespace.name for namespace in self.lists.namespaces.complete())

    @cached_property
    def labels_read_by_namespace(self) -> dict[str, dict[str, str]]:
        """The labels of its namespaces, as far as these were read."""
        return {namespace.name: namespace.metadata.labels or {} for namespace in self.lists.namespaces.items}

    @cached_property
    def service_accounts(self) -> dict[tuple[str, str], ServiceAccount]:
        """Service accounts by namespace and name. Raises `NotCollected` where they could not be listed."""
        return {(account.namespace, account.name): account for account in self.lists.service_accounts.complete()}

    @cached_property
    def service_accounts_by_namespace(self) -> Counter[str]:
        """How many service accounts each namespace has. Raises `NotCollected` where they could not be listed."""
        return Counter(namespace for namespace, _ in self.service_accounts)

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
            lists=missing_lists(
                dropped,
                services=_only_internal(services),
                secret_provider_classes=classes,
                aks_node_classes=self.lists.aks_node_classes,
            ),
            system_namespaces=self.system_namespaces,
            image_hosts=self.image_hosts,
        )


def missing_lists(gap: Gap, **known: Any) -> KubernetesLists:
    """Kubernetes lists that are all the same gap, except for the ``known`` ones. A gap without a permission gets that
    of each list.
    """
    from akscan.model.reads import KUBERNETES_READS  # noqa: PLC0415 reads.py lists the structs of this package

    def missing(need: Need) -> Listing[Any]:
        return Listing(gap=gap if gap.permission else msgspec.structs.replace(gap, permission=need))

    return KubernetesLists(**{read.field: known.get(read.field) or missing(read.need) for read in KUBERNETES_READS})


def _only_internal(services: Listing[Service]) -> Listing[Service]:
    return Listing(items=tuple(s for s in services.items if s.is_internal_load_balancer), gap=services.gap)


def is_azure_registry(host: str) -> bool:
    """Whether a registry host is one of Azure Container Registry, in any cloud."""
    return ".azurecr." in host
