"""Ports for source network address translation: how many a way out gives to each node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from akscan.model.cluster import Cluster
from akscan.model.egress import Egress
from akscan.model.gaps import NotCollected
from akscan.model.pools import NodePool

#: Of one address of a load balancer, a NAT gateway, and a firewall of two instances
#: (https://learn.microsoft.com/azure/aks/configure-load-balancer-standard,
#: https://learn.microsoft.com/azure/nat-gateway/nat-gateway-resource,
#: https://learn.microsoft.com/azure/firewall/integrate-with-nat-gateway).
LOAD_BALANCER_PORTS = 64_000
NAT_GATEWAY_PORTS = 64_512
FIREWALL_PORTS = 2 * 2_496
#: What a load balancer without allocated ports gives each node, up to a number of nodes.
_AUTOMATIC = {50: 1024, 100: 512, 200: 256, 400: 128, 800: 64, 1000: 32}


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one way out, and the nodes that share them: ``nodes`` at their most, ``nodes_now`` today."""

    way: str
    addresses: int
    per_address: int
    nodes: int
    nodes_now: int

    def each(self, nodes: int) -> int:
        """What a node has on average."""
        return self.addresses * self.per_address // max(nodes, 1)

    def addresses_for(self, ports: int) -> int:
        """How many addresses give each node that many at the largest size."""
        return -(-self.nodes * ports // self.per_address)


def largest(cluster: Cluster, pools: tuple[NodePool, ...], auto_provisioned: int | None) -> int:
    """The most nodes that pools of a cluster come to, surge and node auto-provisioning included. Raises
    `NotCollected` where nothing limits the latter.
    """
    nodes = sum(pool.nodes_max + pool.surge(pool.nodes_max) for pool in pools)
    if not (pools or cluster.hosts_nodes) or not cluster.has_node_auto_provisioning:
        return nodes
    if auto_provisioned is None:
        raise NotCollected(cluster.unlimited_nodes)
    return nodes + auto_provisioned


def automatic_ports(nodes: int) -> int | None:
    """The ports that each node of a load balancer gets without an allocation; None above the documented sizes."""
    return next((ports for size, ports in _AUTOMATIC.items() if nodes <= size), None)


def shared_ports(egress: Egress, auto_provisioned: int | None) -> Iterator[Ports]:
    """What NAT gateways, or firewalls, share out among the nodes on demand. Raises `NotCollected` where there is
    neither.
    """

    def ports(way: str, addresses: int, per: int, pools: tuple[NodePool, ...]) -> Ports:
        now = sum(pool.nodes_now for pool in pools)
        return Ports(way, addresses, per, largest(egress.cluster, pools, auto_provisioned), now)

    if egress.path == "nat":
        egress.require_gateway()
        for gateway, pools in egress.pools_by_gateway:
            addresses = egress.public_count(gateway.public_ids)
            yield ports(f"NAT gateway {gateway.name}", addresses, NAT_GATEWAY_PORTS, pools)
        return
    for firewall in egress.firewalls:
        gateways = egress.nat_gateways_before(firewall)
        pools = tuple(pool for pool in egress.cluster.pools if pool.properties.vnet_subnet_id)
        if gateways:
            addresses = sum(egress.public_count(gateway.public_ids) for gateway in gateways)
            way = f"NAT gateway {gateways[0].name} of firewall {firewall.name}"
            yield ports(way, addresses, NAT_GATEWAY_PORTS, pools)
        else:
            addresses = len(tuple(egress.addresses_of(firewall)))
            yield ports(f"firewall {firewall.name}", addresses, FIREWALL_PORTS, pools)
