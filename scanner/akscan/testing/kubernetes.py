"""Builders of Kubernetes objects; what a test does not say is healthy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from akscan.model import kubernetes
from akscan.model.kubernetes import KubernetesObject, ObjectMeta, OwnerReference
from akscan.model.literals import AnnotationKeys
from akscan.model.selectors import LabelSelector
from akscan.model.text import ArmId, Token


def _meta(
    kind: str,
    name: str,
    namespace: str,
    fields: Mapping[str, Any],
    owner: KubernetesObject | None = None,
) -> Any:
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
    made = kubernetes.MarkedMeta if kind in _APPLIED else ObjectMeta
    return made(name=name, namespace=namespace, **{**defaults, **fields})


object_meta = _meta


def marked_meta(
    kind: str,
    name: str,
    namespace: str,
    fields: Mapping[str, Any],
    owner: KubernetesObject | None = None,
) -> kubernetes.MarkedMeta:
    """The same of a controller; ``annotations`` among the fields are their keys."""
    rest = dict(fields)
    keys = rest.pop("annotations", None)
    marked = kubernetes.MarkedMeta.of(_meta(kind, name, namespace, rest, owner))
    return msgspec.structs.replace(marked, annotations=None if keys is None else AnnotationKeys(keys))


def _marked(metadata: ObjectMeta, keys: Sequence[str]) -> kubernetes.MarkedMeta:
    """The same with further annotations, by their keys."""
    made = metadata if isinstance(metadata, kubernetes.MarkedMeta) else kubernetes.MarkedMeta.of(metadata)
    return msgspec.structs.replace(made, annotations=AnnotationKeys(" ".join(keys))) if keys else made


#: Kinds that people write manifests of.
_APPLIED = frozenset(
    {
        *("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job", "CronJob", "Ingress"),
        *("HorizontalPodAutoscaler", "PodDisruptionBudget"),
    }
)
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


def pod(  # noqa: PLR0913 every argument has a healthy default
    name: str = "app-0",
    namespace: str = "shop",
    *,
    spec: kubernetes.PodSpec | None = None,
    owner: KubernetesObject | None = None,
    on_node: str = "node-0",
    phase: str = "Running",
    ready: bool = True,
    annotations: kubernetes.PodAnnotations | None = None,
    **metadata: Any,
) -> kubernetes.Pod:
    """A running pod."""
    base = _meta("Pod", name, namespace, metadata, owner)
    return kubernetes.Pod(
        metadata=kubernetes.PodMeta(
            **{field: getattr(base, field) for field in ObjectMeta.__struct_fields__}, annotations=annotations
        ),
        spec=spec or pod_spec(),
        node_name=on_node,
        status=kubernetes.PodStatus(
            phase=phase,
            qos_class="Burstable",
            conditions=(kubernetes.PodCondition(type="Ready", status="True" if ready else "False"),),
        ),
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
    annotation_keys: Sequence[str] = (),
    template_annotation_keys: Sequence[str] = (),
    status: kubernetes.ControllerStatus | None = None,
    **metadata: Any,
) -> list[KubernetesObject]:
    """A controller, the ReplicaSet of a Deployment, and running pods (as many as replicas); ``admitted`` is the pods'
    spec where admission changed it.
    """
    template = kubernetes.PodTemplate(
        metadata=_marked(ObjectMeta(labels=dict(labels or {"app": name})), template_annotation_keys),
        spec=spec or pod_spec(),
    )
    top = kind(
        metadata=_marked(marked_meta(kind.kind, name, namespace, metadata), annotation_keys),
        spec=kubernetes.ControllerSpec(replicas=replicas, template=template),
        status=status or kind().status,
    )
    made: list[KubernetesObject] = [top]
    owner: KubernetesObject = top
    if kind is kubernetes.Deployment:
        owner = kubernetes.ReplicaSet(
            metadata=marked_meta("ReplicaSet", f"{name}-5d9c7b", namespace, {}, top),
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
    version: str = "1.35.6",
) -> kubernetes.Node:
    """A Ready node of a pool."""
    return kubernetes.Node(
        metadata=_meta("Node", name, "", {"labels": {"kubernetes.azure.com/agentpool": pool, **(labels or {})}}),
        spec=kubernetes.NodeSpec(taints=tuple(taints)),
        status=kubernetes.NodeStatus(
            node_info=kubernetes.NodeInfo(kubelet_version=f"v{version}"),
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


def endpoint_slice(*addresses: str, name: str = "kubernetes", namespace: str = "default") -> kubernetes.EndpointSlice:
    """A slice, by default the one with the addresses of the API server."""
    return kubernetes.EndpointSlice(
        metadata=_meta("EndpointSlice", name, namespace, {}),
        endpoints=(kubernetes.Endpoint(addresses=addresses),),
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


def node_class(name: str = "default", subnet_id: str = "") -> kubernetes.AksNodeClass:
    """A node class of node auto-provisioning, in the cluster's own subnet unless it names one."""
    return kubernetes.AksNodeClass(
        metadata=_meta("AKSNodeClass", name, "", {}), spec=kubernetes.AksNodeClassSpec(vnet_subnet_id=ArmId(subnet_id))
    )


def karpenter_node_pool(
    name: str = "nap",
    *requirements: kubernetes.Requirement,
    taints: Sequence[kubernetes.Taint] = (),
    weight: int | None = None,
    labels: Mapping[str, str] | None = None,
) -> kubernetes.KarpenterNodePoolObject:
    """A NodePool of node auto-provisioning; ``labels`` are those of its nodes."""
    return kubernetes.KarpenterNodePoolObject(
        metadata=_meta("NodePool", name, "", {}),
        spec=kubernetes.KarpenterNodePoolSpec(
            template=kubernetes.KarpenterTemplate(
                metadata=kubernetes.TemplateMeta(labels=dict(labels or {})),
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
    kind: str = "ClusterRole",
    labels: Mapping[str, str] | None = None,
) -> kubernetes.RoleBinding:
    """A RoleBinding, to a ClusterRole unless said otherwise."""
    return kubernetes.RoleBinding(
        metadata=_meta("RoleBinding", name, namespace, {"labels": dict(labels or {})}),
        role_ref=kubernetes.RoleRef(kind=kind, name=role),
        subjects=subjects,
    )


def rbac_rule(
    verbs: str, resources: str = "", *, group: str = "", names: Sequence[str] = (), urls: Sequence[str] = ()
) -> kubernetes.PolicyRule:
    """A rule of a role; verbs and resources are words in one string."""
    return kubernetes.PolicyRule(
        verbs=tuple(verbs.split()),
        api_groups=(group,) if resources else None,
        resources=tuple(resources.split()) or None,
        resource_names=tuple(names) or None,
        non_resource_urls=tuple(urls) or None,
    )


def cluster_role(
    name: str,
    *rules: kubernetes.PolicyRule,
    labels: Mapping[str, str] | None = None,
    aggregates: Sequence[Mapping[str, str]] = (),
) -> kubernetes.ClusterRole:
    """A ClusterRole; ``aggregates`` are the labels that its aggregation rule selects."""
    selectors = tuple(LabelSelector(match_labels=dict(selected)) for selected in aggregates)
    return kubernetes.ClusterRole(
        metadata=_meta("ClusterRole", name, "", {"labels": dict(labels or {})}),
        rules=rules,
        aggregation_rule=kubernetes.AggregationRule(cluster_role_selectors=selectors) if selectors else None,
    )


def role(
    name: str, namespace: str, *rules: kubernetes.PolicyRule, labels: Mapping[str, str] | None = None
) -> kubernetes.Role:
    """A Role."""
    return kubernetes.Role(metadata=_meta("Role", name, namespace, {"labels": dict(labels or {})}), rules=rules)


def rbac_subject(kind: str, name: str, namespace: str = "") -> kubernetes.RbacSubject:
    """A subject of a binding."""
    return kubernetes.RbacSubject(kind=kind, name=name, namespace=namespace)


def secret(
    name: str = "db",
    namespace: str = "shop",
    *,
    of_type: str = "Opaque",
    annotation_keys: Sequence[str] = (),
    service_account: str = "",
    **metadata: Any,
) -> kubernetes.Secret:
    """A row of the Secrets table."""
    return kubernetes.Secret(
        metadata=_meta("Secret", name, namespace, metadata),
        type=of_type,
        annotation_keys=tuple(annotation_keys),
        service_account=service_account,
    )


def named(kind: type[KubernetesObject], name: str, namespace: str = "", **fields: Any) -> KubernetesObject:
    """An object of which only name and namespace (and the given fields) matter."""
    return kind(metadata=_meta(kind.kind, name, namespace, {}), **fields)


def secret_provider_class(  # noqa: PLR0913 every argument has a healthy default
    vault_name: str,
    *,
    name: str = "",
    namespace: str = "shop",
    provider: str = "azure",
    client_id: str = "",
    owner: str = "",
    synced: Sequence[str] = (),
    objects: str = "",
    **parameters: str,
) -> KubernetesObject:
    """A SecretProviderClass on a vault. ``owner`` is the kind of what owns it, ``synced`` the Secrets that the driver
    makes, ``objects`` the parameter as its author writes it; further parameters by their Python names.
    """
    own = kubernetes.SecretProviderParameters(
        keyvault_name=vault_name,
        client_id=client_id,
        objects=kubernetes.VaultObjects.of(objects),
        **{key: Token(value) for key, value in parameters.items()},
    )
    references = (OwnerReference(kind=owner, name="web", uid="o"),) if owner else ()
    return kubernetes.SecretProviderClass(
        metadata=_meta("SecretProviderClass", name or f"spc-{vault_name}", namespace, {"owner_references": references}),
        spec=kubernetes.SecretProviderClassSpec(
            provider=provider,
            parameters=own,
            secret_objects=tuple(kubernetes.SecretObject(secret_name=one) for one in synced),
        ),
    )


def service_account(
    name: str = "default",
    namespace: str = "shop",
    *,
    automount: bool | None = None,
    client_id: str = "",
    pull_secrets: Sequence[str] = (),
) -> kubernetes.ServiceAccount:
    """A ServiceAccount; ``client_id`` is that of the identity that its pods are to act as."""
    base = _meta("ServiceAccount", name, namespace, {})
    annotations = kubernetes.ServiceAccountAnnotations(client_id=client_id) if client_id else None
    return kubernetes.ServiceAccount(
        metadata=kubernetes.ServiceAccountMeta(name=name, namespace=namespace, uid=base.uid, annotations=annotations),
        automount_service_account_token=automount,
        image_pull_secrets=tuple(kubernetes.NameReference(name=one) for one in pull_secrets) or None,
    )


def network_policy(
    *rules: kubernetes.EgressRule,
    name: str = "policy",
    namespace: str = "shop",
    selector: Mapping[str, str] | None = None,
    types: Sequence[str] = ("Egress",),
) -> kubernetes.NetworkPolicy:
    """A NetworkPolicy on egress of every pod of the namespace unless said otherwise; without rules nothing leaves."""
    return kubernetes.NetworkPolicy(
        metadata=_meta("NetworkPolicy", name, namespace, {}),
        spec=kubernetes.NetworkPolicySpec(
            pod_selector=LabelSelector(match_labels=dict(selector or {})), policy_types=tuple(types), egress=rules
        ),
    )


def egress_rule(*ports: kubernetes.PolicyPort, cidr: str = "", without: Sequence[str] = ()) -> kubernetes.EgressRule:
    """A rule of it; without a CIDR to everywhere, without ports on all of them."""
    block = kubernetes.IpBlock(cidr=cidr, except_=tuple(without))
    return kubernetes.EgressRule(ports=ports, to=(kubernetes.PolicyPeer(ip_block=block),) if cidr else None)
