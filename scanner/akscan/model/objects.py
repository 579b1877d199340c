"""Objects of the Kubernetes API that rules judge by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeVar

from akscan.model.drain import Allowance
from akscan.model.kubernetes import (
    SPOT_LABELS,
    ClusterRoleBinding,
    ConfigMap,
    Endpoint,
    KarpenterNodePoolObject,
    KubernetesObject,
    Listing,
    Namespace,
    Node,
    Pod,
    PodDisruptionBudget,
    PolicyRule,
    RbacSubject,
    Requirement,
    Role,
    Secret,
    SecretProviderClass,
    Service,
    Taint,
    Webhook,
    WebhookConfiguration,
)
from akscan.model.pools import NodePool
from akscan.model.scheduling import NOT_SPOT, Place
from akscan.model.secret_mounts import Mount
from akscan.model.selectors import Expression
from akscan.model.subject import Absent, Subject, SubjectRef, Unreadable
from akscan.model.text import Token
from akscan.model.workloads import Workload

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.inventory import Inventory

Item = TypeVar("Item", bound=KubernetesObject)

_CAPACITY_LABELS = ("karpenter.sh/capacity-type", "kubernetes.azure.com/priority")
#: What node auto-provisioning sets by the size, the zone and the image that it chooses
#: (https://learn.microsoft.com/azure/aks/node-auto-provisioning-node-pools, https://karpenter.sh/docs/concepts/scheduling).
_LABELS_OF_KARPENTER = frozenset(
    {
        *SPOT_LABELS,
        *(f"kubernetes.io/{name}" for name in ("arch", "hostname", "os")),
        *(f"topology.kubernetes.io/{name}" for name in ("region", "zone")),
        *(f"kubernetes.azure.com/{name}" for name in ("mode", "os-sku", "sku-cpu", "sku-memory")),
        *(
            f"karpenter.azure.com/sku-{name}"
            for name in (
                "cpu",
                "family",
                "gpu-count",
                "gpu-manufacturer",
                "gpu-name",
                "memory",
                "name",
                "networking-accelerated",
                "storage-ephemeralos-maxsize",
                "storage-premium-capable",
                "version",
            )
        ),
        "node.kubernetes.io/instance-type",
    }
)


class KubernetesSubject(Subject, Generic[Item]):
    """An object of the Kubernetes API that rules judge by itself; ``list_field`` names the list that holds its kind."""

    list_field: ClassVar[str] = ""
    resource_name: ClassVar[str] = ""
    kind_name: ClassVar[str] = ""

    def __init__(self, cluster: Cluster, item: Item) -> None:
        self.cluster = cluster
        self.object = item
        self.name = item.name
        self.namespace = item.namespace

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        listing: Listing[Item] = getattr(cluster.lists, cls.list_field)
        yield from (cls(cluster, item) for item in listing.items)
        if listing.gap is not None:
            yield Unreadable(cluster, listing.gap)

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

    @property
    def labels(self) -> Mapping[str, str]:
        return self.object.metadata.labels or {}

    def placeholders(self) -> dict[str, str]:
        known = {"kind": self.object.kind.casefold(), "name": self.name, "namespace": self.namespace}
        return {**self.cluster.placeholders(), **{key: value for key, value in known.items() if value}}


class KarpenterNodePool(KubernetesSubject[KarpenterNodePoolObject]):
    """A NodePool of node auto-provisioning."""

    list_field = "karpenter_node_pools"
    resource_name = "nodepools.karpenter.sh"
    kind_name = "karpenter_node_pool"

    @property
    def taints(self) -> tuple[Taint, ...]:
        return self.object.spec.template.spec.taints or ()

    @property
    def capacity_requirements(self) -> tuple[Requirement, ...]:
        """Its requirements on Spot or regular capacity
        (https://learn.microsoft.com/azure/aks/node-auto-provisioning-node-pools).
        """
        return tuple(r for r in self.object.spec.template.spec.requirements or () if r.key in _CAPACITY_LABELS)

    @property
    def admits_spot(self) -> bool:
        """Whether it has requirements on capacity, and all of them let Spot in."""
        wanted = (Expression(key=r.key, operator="In", values=("spot",)) for r in self.capacity_requirements)
        return bool(self.capacity_requirements) and self.place.that_is(*wanted).is_possible

    @property
    def place(self) -> Place:
        """The nodes that it makes."""
        template = self.object.spec.template
        requirements = template.spec.requirements or ()
        return Place(
            labels={**(template.metadata.labels or {}), "karpenter.sh/nodepool": self.name},
            taints=self.taints,
            name=None,
            requirements=requirements,
            open=_LABELS_OF_KARPENTER | {r.key for r in requirements},
        )

    @property
    def regular_place(self) -> Place:
        """The nodes that it makes of regular capacity."""
        return self.place.that_is(*NOT_SPOT)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Its nodes, by the label that Karpenter sets. Raises `NotCollected` where nodes could not be listed."""
        self.cluster.lists.nodes.complete()
        return self.nodes_read

    @property
    def nodes_read(self) -> tuple[Node, ...]:
        """Those that were read, complete or not; for proving a failure, never for proving a pass."""
        nodes = self.cluster.lists.nodes.items
        return tuple(node for node in nodes if node.metadata.label("karpenter.sh/nodepool") == self.name)


class LoadBalancerService(KubernetesSubject[Service]):
    """A Service of type LoadBalancer."""

    list_field = "services"
    resource_name = "services"
    kind_name = "service"

    @classmethod
    def each(cls, inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        for subject in super().each(inventory, cluster):
            if not isinstance(subject, cls) or subject.object.spec.type == "LoadBalancer":
                yield subject


class ClusterRoleBindingSubject(KubernetesSubject[ClusterRoleBinding]):
    """A ClusterRoleBinding."""

    list_field = "cluster_role_bindings"
    resource_name = "clusterrolebindings"
    kind_name = "cluster_role_binding"

    @property
    def role(self) -> Role | None:
        """What it grants; None where it names a role that does not exist. Raises `NotCollected` where nobody knows."""
        return self.cluster.rbac.role_of(self.object)

    @cached_property
    def holders(self) -> tuple[RbacSubject, ...]:
        """Its subjects, each with its namespace."""
        return self.object.holders

    @property
    def outsiders(self) -> tuple[RbacSubject, ...]:
        """Its subjects behind which the platform does not stand."""
        return tuple(s for s in self.holders if not s.is_exempt(self.cluster.system_namespaces))

    @property
    def is_aks_managed(self) -> bool:
        """Marked by AKS, cluster-wide or in a system namespace, and for the platform's own subjects only."""
        return (
            self.object.metadata.is_marked_by_aks
            and (not self.namespace or self.namespace in self.cluster.system_namespaces)
            and not self.outsiders
        )


class RoleBindingSubject(ClusterRoleBindingSubject):
    """A RoleBinding."""

    list_field = "role_bindings"
    resource_name = "rolebindings"
    kind_name = "role_binding"


class RoleSubject(KubernetesSubject[Role]):
    """A Role."""

    list_field = "roles"
    resource_name = "roles"
    kind_name = "role"

    @property
    def rules(self) -> tuple[PolicyRule, ...]:
        """What it answers for, as far as roles were read (`Rbac.own_rules`)."""
        return self.cluster.rbac.own_rules(self.object)

    @property
    def bindings(self) -> tuple[ClusterRoleBinding, ...]:
        """The bindings that grant its rules, as far as they were read."""
        return self.cluster.rbac.bindings_of(self.object)

    @property
    def is_of_platform(self) -> bool:
        """Whether it comes with Kubernetes or AKS; a mark outside the system namespaces exempts nothing."""
        metadata = self.object.metadata
        marked = metadata.is_marked_by_aks or metadata.is_bootstrapped
        return self.object.is_of_platform or (marked and self.namespace in self.cluster.system_namespaces)

    def require_known(self) -> None:
        """Raises `NotCollected` where a binding of the role, or a role behind it, may be missing."""
        self.cluster.rbac.require_rules(self.object)
        self.cluster.rbac.require_bindings(self.object)


class ClusterRoleSubject(RoleSubject):
    """A ClusterRole."""

    list_field = "cluster_roles"
    resource_name = "clusterroles"
    kind_name = "cluster_role"


class SecretSubject(KubernetesSubject[Secret]):
    """A Secret: its name and its marks."""

    list_field = "secrets"
    resource_name = "secrets"
    kind_name = "secret"

    @property
    def is_aks_managed(self) -> bool:
        """An object without pod template in a system namespace is the platform's."""
        return self.namespace in self.cluster.system_namespaces


class ConfigMapSubject(KubernetesSubject[ConfigMap]):
    """A ConfigMap: its keys, and the classes of its values."""

    list_field = "config_maps"
    resource_name = "configmaps"
    kind_name = "config_map"

    @property
    def is_aks_managed(self) -> bool:
        """An object without pod template in a system namespace is the platform's."""
        return self.namespace in self.cluster.system_namespaces


class SecretProviderClassSubject(KubernetesSubject[SecretProviderClass]):
    """A SecretProviderClass."""

    list_field = "secret_provider_classes"
    resource_name = "secretproviderclasses"
    kind_name = "secret_provider_class"

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """Who mounts it, as far as workloads were read."""
        return self.cluster.secret_mounts.of(self.namespace, self.name)

    def placeholders(self) -> dict[str, str]:
        known = {**super().placeholders(), "vault": self.object.vault_name}
        return {key: value for key, value in known.items() if value}


class DisruptionBudget(KubernetesSubject[PodDisruptionBudget]):
    """A PodDisruptionBudget."""

    list_field = "pod_disruption_budgets"
    resource_name = "poddisruptionbudgets"
    kind_name = "pod_disruption_budget"

    @property
    def is_aks_managed(self) -> bool:
        """An object without pod template in a system namespace is the platform's."""
        return self.namespace in self.cluster.system_namespaces

    @property
    def is_stale(self) -> bool:
        """Whether the disruption controller has not yet seen the present specification."""
        generation = self.object.metadata.generation
        return generation is not None and generation != self.object.status.observed_generation

    @property
    def pods_read(self) -> tuple[Pod, ...]:
        """The active pods that it selects among those that were read, complete or not."""
        return self.cluster.drain.known_pods(self.object)

    @property
    def pods(self) -> tuple[Pod, ...]:
        """The active pods that it selects. Raises `NotCollected` where pods could not be listed."""
        self.cluster.lists.pods.complete()
        return self.pods_read

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """The workloads that own a pod it selects. Raises `NotCollected` where pods or their owners are unknown."""
        owners = dict.fromkeys(self.cluster.drain.known_workload(pod) for pod in self.pods)
        if None in owners:
            self.cluster.workload_set.complete()
        return tuple(owner for owner in owners if owner is not None)

    @property
    def scaled_workloads(self) -> tuple[Workload, ...]:
        """Those of `workloads` that an autoscaler scales. Raises `NotCollected` where autoscalers are unknown, too."""
        return tuple(workload for workload in self.workloads if workload.autoscaler)

    @property
    def at_floor(self) -> Allowance | None:
        """What it allows once autoscalers have left as few healthy pods as they may; None where none scales its pods,
        and with maxUnavailable, which allows as much at every size. Raises `NotCollected` like `scaled_workloads`.
        """
        if self.object.spec.min_available is None or not self.scaled_workloads:
            return None
        return Allowance.of_healthy(self.object, sum(workload.fewest_pods for workload in self.workloads))

    @property
    def node_pools(self) -> tuple[NodePool, ...]:
        """The node pools that its pods are on. Raises `NotCollected` where pods, nodes or pools are unknown."""
        nodes = (self.cluster.node(pod.node_name) for pod in self.pods)
        names = {Token(node.pool) for node in nodes if node is not None}
        return tuple(pool for pool in self.cluster.pools if Token(pool.name) in names)


class AdmissionWebhook(Subject):
    """One webhook of a ValidatingWebhookConfiguration or MutatingWebhookConfiguration."""

    def __init__(self, cluster: Cluster, configuration: WebhookConfiguration, webhook: Webhook) -> None:
        self.cluster = cluster
        self.configuration = configuration
        self.webhook = webhook

    @classmethod
    def each(cls, _inventory: Inventory, cluster: Cluster) -> Iterator[Self | Unreadable | Absent]:
        lists = cluster.lists
        for listing in (lists.mutating_webhooks, lists.validating_webhooks):
            for configuration in listing.items:
                yield from (cls(cluster, configuration, webhook) for webhook in configuration.webhooks or ())
            if listing.gap is not None:
                yield Unreadable(cluster, listing.gap)

    @property
    def ref(self) -> SubjectRef:
        above, kind = self.cluster.ref.id, self.configuration.kind.casefold()
        return SubjectRef(
            id=f"{above}/{kind}s/{self.configuration.name}/webhooks/{self.webhook.name}",
            kind="webhook",
            name=self.webhook.name,
            cluster=above,
        )

    @property
    def labels(self) -> Mapping[str, str]:
        """Those of its configuration."""
        return self.configuration.metadata.labels or {}

    def placeholders(self) -> dict[str, str]:
        own = {"kind": self.configuration.kind.casefold(), "name": self.configuration.name}
        return {**self.cluster.placeholders(), **own}

    @property
    def namespaces(self) -> tuple[Namespace, ...]:
        """The namespaces whose objects it is asked about. Raises `NotCollected` where these could not be listed."""
        selector = self.webhook.namespace_selector
        found = self.cluster.lists.namespaces.complete()
        return tuple(n for n in found if selector is None or selector.matches(n.metadata.labels or {}))

    @property
    def service(self) -> Service | None:
        """What answers for it; None where there is no such Service. Raises `NotCollected` where nobody knows."""
        reference = self.webhook.client_config.service
        return self.cluster.service(reference.namespace, reference.name) if reference else None

    @property
    def ready_endpoints(self) -> tuple[Endpoint, ...]:
        """What answers for its Service. Raises `NotCollected` where EndpointSlices could not be listed."""
        reference = self.webhook.client_config.service
        return self.cluster.drain.ready_endpoints(reference.namespace, reference.name) if reference else ()
