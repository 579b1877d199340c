"""Addresses and plugins: the network that a cluster stands in."""

from collections.abc import Iterable, Iterator
from datetime import date

from akscan.sdk import (
    Cluster,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NodePool,
    NotCollected,
    Pillar,
    Severity,
    Subnet,
    if_known,
    prefixes,
    rule,
    untold,
    usable,
)


@rule(
    "NET-001",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS],
    # shows who shares its subnets and route tables; decides nothing
    optional_needs=[Need.SUBNETS],
    docs=[
        "https://learn.microsoft.com/azure/aks/update-azure-cni",
        "https://learn.microsoft.com/azure/aks/configure-kubenet",
    ],
    fix=Fix(
        """
        az aks update --resource-group {resource_group} --name {cluster} --network-policy none
        az aks update --resource-group {resource_group} --name {cluster} --network-plugin azure --network-plugin-mode overlay --pod-cidr {pod_cidr}
        """,  # noqa: E501 a command is one line
        Disruption.NODE_REIMAGE,
        terraform="azurerm_kubernetes_cluster.network_profile.network_plugin",
        arm="properties.networkProfile.networkPlugin",
    ),
)
def cluster_does_not_use_kubenet(
    cluster: Cluster, inventory: Inventory, *, support_ends: str = "2028-03-31"
) -> Iterator[Finding]:
    """The cluster does not depend on kubenet.

    AKS ends support for kubenet on 31 March 2028. Until then it stops at 400 nodes, knows no Windows pools and no Azure
    network features, and needs one route table of its own per cluster. Azure CNI Overlay saves the same addresses
    without any of this, so the old reason for kubenet is gone.

    **Fix**: migrate to Azure CNI Overlay in place: remove the network policy engine first, give the cluster a
    user-assigned identity, pick a pod range that overlaps nothing. All pools are reimaged at the same time, and there
    is no way back.
    """
    network = cluster.properties.network_profile
    if not network.network_plugin:
        detail = "the answer does not say which network plugin the cluster has"
        raise NotCollected(untold("arm", cluster.id, detail))
    if network.network_plugin != "kubenet":
        return
    days = (date.fromisoformat(support_ends) - inventory.collected_at.date()).days
    left = f"ends in {days} {'day' if days == 1 else 'days'}" if days > 0 else "has ended"
    yield Finding(
        f"the cluster runs on kubenet, whose support {left} ({support_ends})",
        {
            "networkPlugin": network.network_plugin,
            "networkPolicy": network.network_policy,
            "daysUntilSupportEnds": days,
            "routeTables": if_known(lambda: inventory.node_route_tables(cluster)),
            "clustersInSameSubnet": _others(cluster, inventory.clusters_in(cluster.node_subnets)),
            "clustersBehindSameRouteTable": if_known(
                lambda: _others(cluster, inventory.clusters_behind(inventory.node_route_tables(cluster)))
            ),
            "identity.type": cluster.resource.identity.type,
            "currentKubernetesVersion": cluster.version,
        },
    )


def _others(cluster: Cluster, found: Iterable[Cluster]) -> tuple[str, ...]:
    return tuple(other.id for other in found if other.id != cluster.id)


@rule(
    "NET-002",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.MANAGED_CLUSTERS, Need.VIRTUAL_NETWORKS, Need.SUBNETS],
    optional_needs=[Need.SERVICES, Need.AKS_NODE_CLASSES],
    docs=[
        "https://learn.microsoft.com/azure/aks/concepts-network-ip-address-planning",
        "https://learn.microsoft.com/azure/aks/concepts-network-azure-cni-pod-subnet",
    ],
    fix=Fix(
        """
        az aks nodepool update --resource-group {resource_group} --cluster-name {cluster} --name {node_pool} --update-cluster-autoscaler --min-count {min} --max-count {max_that_fits}
        # a pool with another subnet or another maxPods is a new pool
        az aks nodepool add --resource-group {resource_group} --cluster-name {cluster} --name {new_node_pool} --vnet-subnet-id {larger_subnet_id} --max-pods {max_pods}
        # no pod addresses in the virtual network any more; irreversible, reimages all pools at once
        az aks update --resource-group {resource_group} --name {cluster} --network-plugin azure --network-plugin-mode overlay --pod-cidr {pod_cidr}
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_kubernetes_cluster_node_pool.max_count, max_pods, upgrade_settings.max_surge, vnet_subnet_id, "
            "pod_subnet_id with azurerm_subnet.address_prefixes"
        ),
        arm=(
            "properties.agentPoolProfiles[].maxCount, maxPods, upgradeSettings.maxSurge, vnetSubnetID, podSubnetID; "
            "Microsoft.Network/virtualNetworks/subnets properties.addressPrefix"
        ),
    ),
)
def subnet_holds_the_cluster_at_its_largest(
    subnet: Subnet, inventory: Inventory, *, dynamic_pods_per_node: int = 50, nap_max_nodes: int | None = None
) -> Iterator[Finding]:
    """Node and pod subnets can hold the cluster at its largest.

    The autoscaler's maximum and the surge of an upgrade are promises that the subnet must keep. When addresses run out,
    new nodes fail with SubnetIsFull in the middle of a peak or an upgrade, and a subnet in use cannot be exchanged:
    pools must be built anew elsewhere.

    **Fix**: lower maxCount, maxPods or maxSurge to what fits, move a pool to a larger subnet (a new pool and a drain of
    the old one), or migrate from node subnet to Azure CNI Overlay, where pods take no address of the virtual network
    (reimages all pools). A lower maximum disturbs nothing.
    """
    capacity = subnet.capacity(inventory)
    demands = subnet.demands(dynamic_pods=dynamic_pods_per_node, auto_provisioned_nodes=nap_max_nodes)
    extras = _extras(subnet, inventory)
    needed = demands.addresses + sum(extras.values())
    if needed > capacity:
        full = subnet.demands(dynamic_pods=None, auto_provisioned_nodes=nap_max_nodes)
        largest = demands.largest
        fits = largest.largest_fitting(capacity - needed + largest.addresses) if largest else 0
        yield Finding(
            f"{needed} addresses wanted, {capacity} there",
            {
                "addressPrefixes": prefixes(subnet.resource(inventory)),
                "usableAddresses": usable(subnet.resource(inventory)),
                "agentPoolProfiles": demands.items,
                **extras,
                "neededAddresses": needed,
                "neededAddressesAtFullMaxPods": full.addresses + sum(extras.values()),
                "largestNodeCountThatFits": f"{largest.user.pool.name}: {fits}" if largest else None,
            },
            fill=_fill(largest.user.pool, fits) if largest else {},
        )
    demands.complete()
    subnet.require_users(inventory)


def _extras(subnet: Subnet, inventory: Inventory) -> dict[str, int]:
    """What takes addresses beside nodes and pods."""
    has_nodes = any(not user.for_pods for user in subnet.users)
    return {
        "apiServerPrivateEndpoints": subnet.api_server_endpoints,
        "internalLoadBalancerAddresses": len(subnet.internal_load_balancer_addresses(inventory)),
        "otherIpConfigurations": len(subnet.other_addresses(inventory)) if has_nodes else 0,
    }


def _fill(pool: NodePool, fits: int) -> dict[str, str]:
    """The command that lowers the maximum, where there is one to lower and it leaves a node."""
    if not pool.properties.enable_auto_scaling or not fits:
        return pool.placeholders()
    return {**pool.placeholders(), "min": str(min(pool.nodes_min, fits)), "max_that_fits": str(fits)}
