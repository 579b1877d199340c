"""Worlds with Spot nodes, for the tests of the rules on them."""

from akscan.model.kubernetes import (
    SPOT_TAINT_KEY,
    Affinity,
    Deployment,
    NodeAffinity,
    OwnerReference,
    PodSpec,
    PreferredTerm,
    Toleration,
)
from akscan.model.selectors import Expression, NodeSelector, NodeSelectorTerm
from akscan.model.text import Token
from akscan.testing import cluster, container, node, node_pool, pod, spot_node, workload

SPOT_TAINT = f"{SPOT_TAINT_KEY}=spot:NoSchedule"
TOLERATION = Toleration(key=SPOT_TAINT_KEY, operator="Equal", value="spot", effect="NoSchedule")
TOLERANT = PodSpec(containers=(container(),), tolerations=(TOLERATION,))
DEV = {"environment": "dev"}


def spot_pool(*taints, name="spot", **fields):
    """A Spot pool that autoscales."""
    return node_pool(
        name,
        **{
            "mode": Token("User"),
            "scale_set_priority": Token("Spot"),
            "node_taints": taints,
            "enable_auto_scaling": True,
            **fields,
        },
    )


def spot_cluster(*taints, pools=(), **fields):
    """In a resource group whose name is no test environment, unlike that of the builders."""
    return cluster(pools=[node_pool(), *pools, spot_pool(*taints)], resource_group="rg-shop", **fields)


SPOT = spot_cluster(SPOT_TAINT)
NODES = [spot_node(), node()]


def on(key, operator, *values):
    """One expression."""
    return Expression(key=key, operator=operator, values=values or None)


def requiring(*expressions, **fields):
    """A pod spec whose required affinity has one term for each expression."""
    terms = tuple(NodeSelectorTerm(match_expressions=(expression,)) for expression in expressions)
    required = NodeAffinity(required=NodeSelector(node_selector_terms=terms))
    return PodSpec(containers=(container(),), affinity=Affinity(node_affinity=required), **fields)


def preferring(expression, **fields):
    """A pod spec whose node affinity prefers one term."""
    term = PreferredTerm(preference=NodeSelectorTerm(match_expressions=(expression,)))
    preferred = NodeAffinity(preferred=(term,))
    return PodSpec(containers=(container(),), affinity=Affinity(node_affinity=preferred), **fields)


def strange_pod(on_node, name="cache-0", **fields):
    """A pod of a controller whose kind akscan does not read."""
    owner = OwnerReference(kind="Cache", name="cache", uid="cache", controller=True, api_version="example.com/v1")
    return pod(name, on_node=on_node, owner_references=(owner,), labels={"app": "app"}, **fields)


#: The owner that an operator gives to what it makes.
OPERATED = (
    OwnerReference(kind="Prometheus", name="k8s", uid="p", controller=True, api_version="monitoring.coreos.com/v1"),
)


def spread(*nodes, name="app", kind=Deployment, replicas=None, ready=True, **fields):
    """A workload with one pod on each of these nodes."""
    made = workload(kind, name=name, replicas=len(nodes) if replicas is None else replicas, pods=0, **fields)
    spec = made[0].spec.template
    return [
        *made,
        *(
            pod(
                f"{name}-{place}",
                spec=spec.spec,
                owner=made[-1],
                on_node=where,
                ready=ready,
                labels=spec.metadata.labels,
            )
            for place, where in enumerate(nodes)
        ),
    ]
