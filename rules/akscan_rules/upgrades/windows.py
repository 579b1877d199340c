"""When and in which steps upgrades roll."""

from collections.abc import Iterator

from akscan.sdk import (
    Disruption,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    Need,
    NodePool,
    NotApplicable,
    Pillar,
    Severity,
    any_of,
    rule,
)

_FEWEST_NODES_OF_A_LARGE_POOL = 3
_FEWEST_NODES_LEFT = 2


@rule(
    "UPG-013",
    Severity.LOW,
    Pillar.RELIABILITY,
    needs=[Need.AGENT_POOLS, Need.MANAGED_CLUSTERS],
    optional_needs=[Need.RESOURCE_GROUPS],
    docs=[
        "https://learn.microsoft.com/azure/aks/upgrade-aks-node-pools-rolling",
        "https://learn.microsoft.com/azure/aks/upgrade-capacity-cost-planning",
    ],
    fix=Fix(
        "az aks nodepool update --resource-group {resource_group} --cluster-name {cluster} --name {node_pool}"
        " --max-surge 33%",
        Disruption.NONE,
        terraform=(
            "azurerm_kubernetes_cluster_node_pool.upgrade_settings.max_surge, "
            "azurerm_kubernetes_cluster.default_node_pool.upgrade_settings.max_surge"
        ),
        arm="properties.agentPoolProfiles[].upgradeSettings.{maxSurge,maxUnavailable}",
    ),
)
def pool_rolls_in_reasonable_steps(
    pool: NodePool,
    inventory: Inventory,
    *,
    max_steps: int = 12,
    max_surge_percent: int = 50,
    max_unavailable_percent: int = 34,
) -> Iterator[Finding]:
    """Surge settings roll the pool in reasonable steps and keep its capacity.

    One node at a time makes a large pool's upgrade last longer than any window and tempts people to skip it; surging
    the whole pool drains everything at once; no surge at all takes capacity away exactly when pods are being moved.

    **Fix**: use 33% surge for production pools, once the subnet and the quota hold the nodes that it adds (NET-002).
    Where they forbid surge, use a small maxUnavailable on user pools with spare room (it cannot be set on system
    pools).
    """
    properties, nodes = pool.properties, pool.nodes_now
    if pool.is_spot:
        raise NotApplicable("Spot pools get no surge nodes")
    if pool.is_stopped or nodes == 0:
        raise NotApplicable("the pool is stopped" if pool.is_stopped else "the pool has no nodes")
    if properties.mode == "Gateway":
        raise NotApplicable("a gateway pool runs no workloads")
    if pool.cluster.has_node_auto_provisioning and properties.enable_auto_scaling:
        raise NotApplicable("the pool has no fixed size")
    surge, away = pool.surge(nodes), pool.unavailable(nodes)
    steps = -(-nodes // max(surge, away, 1))
    evidence: dict[str, EvidenceValue] = {
        "count": nodes,
        "maxSurge": properties.upgrade_settings.max_surge,
        "maxUnavailable": properties.upgrade_settings.max_unavailable,
        "surge": surge,
        "steps": steps,
        "remainingNodes": nodes - (0 if surge else away),
    }
    for finding in any_of(
        _rolls_slowly(nodes, steps, max_steps),
        _drains_many(pool, inventory, surge, max_surge_percent),
        _shrinks(nodes, surge, away, max_unavailable_percent),
    ):
        yield Finding(finding.message, evidence)


def _rolls_slowly(nodes: int, steps: int, most: int) -> Iterator[Finding]:
    if steps > most:
        yield Finding(f"{nodes} nodes take {steps} steps")


def _drains_many(pool: NodePool, inventory: Inventory, surge: int, percent: int) -> Iterator[Finding]:
    nodes = pool.nodes_now
    many = nodes >= _FEWEST_NODES_OF_A_LARGE_POOL and surge > -(-nodes * percent // 100)
    if many and not inventory.is_non_production(pool.cluster):
        yield Finding(f"{surge} of {nodes} nodes are drained at once")


def _shrinks(nodes: int, surge: int, away: int, percent: int) -> Iterator[Finding]:
    left = nodes - away
    if surge == 0 and away > 0 and (left < _FEWEST_NODES_LEFT or away * 100 > nodes * percent):
        yield Finding(f"without surge nodes {left} of {nodes} are left while it is upgraded")
