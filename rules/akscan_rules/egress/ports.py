"""Whether the ways out carry what the nodes may send."""

from collections.abc import Iterator

from akscan.sdk import (
    LOAD_BALANCER_PORTS,
    Cluster,
    Disruption,
    Egress,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    Ports,
    Severity,
    any_of,
    automatic_ports,
    largest,
    rule,
    shared_ports,
    untold,
)

#: Outbound types whose natGatewayProfile says how the gateway is set; one of the customer's says so itself.
_MANAGED = ("managedNATGateway", "managedNATGatewayV2")


@rule(
    "EGR-010",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.VIRTUAL_NETWORKS,
        Need.SUBNETS,
        Need.ROUTE_TABLES,
        Need.PUBLIC_IP_ADDRESSES,
        Need.PUBLIC_IP_PREFIXES,
        Need.NAT_GATEWAYS,
        Need.AZURE_FIREWALLS,
    ],
    optional_needs=[Need.AKS_NODE_CLASSES],
    docs=[
        "https://learn.microsoft.com/azure/aks/configure-load-balancer-standard",
        "https://learn.microsoft.com/azure/aks/nat-gateway",
    ],
    fix=Fix(
        """
        az aks update --resource-group {resource_group} --name {cluster} --load-balancer-managed-outbound-ip-count {ips} --load-balancer-outbound-ports {ports_multiple_of_8}
        # or leave through a NAT gateway of your own
        az aks update --resource-group {resource_group} --name {cluster} --outbound-type userAssignedNATGateway
        """,  # noqa: E501 a command is one line
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "azurerm_kubernetes_cluster.network_profile.load_balancer_profile.outbound_ports_allocated / "
            "managed_outbound_ip_count"
        ),
        arm="properties.networkProfile.loadBalancerProfile.allocatedOutboundPorts, managedOutboundIPs.count",
    ),
)
def snat_ports_suffice(
    cluster: Cluster,
    inventory: Inventory,
    *,
    min_ports_per_node: int = 1024,
    min_shared_ports_per_node: int = 256,
    nap_max_nodes: int | None = None,
) -> Iterator[Finding]:
    """Each node gets enough SNAT ports at the largest size.

    Every outbound connection to one destination takes a port. When they run out, calls to databases and APIs time out
    under load only. With automatic allocation the ports of every node are halved the moment the cluster grows past 50,
    100, 200 nodes, which cuts live connections.

    **Fix**: use a NAT gateway, which hands out 64,512 ports per address on demand; or set allocated ports and enough
    outbound addresses for the largest size plus surge; or add public addresses to the firewall (AKS guidance for
    production: 20) or a NAT gateway to its subnet. Existing outbound connections may drop; a change of outbound type
    changes the outbound addresses.
    """
    egress = Egress(cluster, inventory)
    if egress.path == "none":
        raise NotApplicable(f"no load balancer, NAT gateway or firewall lets the nodes out ({cluster.outbound})")
    evidence: dict[str, EvidenceValue] = {
        "egressPath": egress.path,
        "pools": tuple(f"{pool.name}: {pool.nodes_max} + {pool.surge(pool.nodes_max)} surge" for pool in cluster.pools),
    }
    if egress.path == "lb":
        nodes = largest(cluster, cluster.pools, nap_max_nodes)
        yield from _allocated(cluster, egress, nodes, min_ports_per_node, evidence)
    else:
        ways = tuple(shared_ports(egress, nap_max_nodes))
        yield from any_of(*(_shared(way, cluster, min_shared_ports_per_node, evidence) for way in ways))
    cluster.require_class_subnets()


def _allocated(
    cluster: Cluster, egress: Egress, nodes: int, wanted: int, evidence: dict[str, EvidenceValue]
) -> Iterator[Finding]:
    """What the load balancer sets aside for each node."""
    profile = cluster.properties.network_profile.load_balancer_profile
    addresses = egress.public_count([one.id for one in profile.effective_outbound_ips]) or (
        profile.managed_outbound_ips.count or 1
    )
    allocated = profile.allocated_outbound_ports or automatic_ports(nodes)
    if allocated is None:
        raise NotCollected(
            untold("arm", cluster.id, f"what {nodes} nodes get without allocated ports is not documented")
        )
    evidence |= {
        "nodes": nodes,
        "outboundIPs": addresses,
        "allocatedOutboundPorts": profile.allocated_outbound_ports,
        "portsPerNode": allocated,
        "idleTimeoutInMinutes": profile.idle_timeout_in_minutes,
        "outboundIPsThatSuffice": -(-nodes * max(allocated, wanted) // LOAD_BALANCER_PORTS),
    }
    own = profile.outbound_ips.public_ips or profile.outbound_ip_prefixes.public_ip_prefixes
    fill = {
        # the command would replace the customer's addresses by others
        "ips": "" if own else str(evidence["outboundIPsThatSuffice"]),
        "ports_multiple_of_8": str(-(-max(allocated, wanted) // 8) * 8),
    }
    if profile.allocated_outbound_ports and nodes * allocated > LOAD_BALANCER_PORTS * addresses:
        yield Finding(
            f"{nodes} nodes of {allocated} ports need {nodes * allocated}, "
            f"{addresses} addresses have {LOAD_BALANCER_PORTS * addresses}",
            evidence,
            fill,
        )
    elif allocated < wanted:
        yield Finding(f"each of {nodes} nodes gets {allocated} ports, {wanted} are wanted", evidence, fill)


def _shared(way: Ports, cluster: Cluster, wanted: int, evidence: dict[str, EvidenceValue]) -> Iterator[Finding]:
    """What a NAT gateway or a firewall shares out on demand."""
    if way.addresses * way.per_address < wanted * way.nodes:
        timeout = cluster.properties.network_profile.nat_gateway_profile.idle_timeout_in_minutes
        yield Finding(
            f"{way.way} has {way.each(way.nodes)} ports for each of {way.nodes} nodes, {wanted} are wanted",
            {
                **evidence,
                "nodes": way.nodes,
                "way": way.way,
                "publicIPs": way.addresses,
                "portsPerNode": way.each(way.nodes),
                "portsPerNodeNow": way.each(way.nodes_now),
                **({"idleTimeoutInMinutes": timeout} if cluster.outbound in _MANAGED else {}),
                "publicIPsThatSuffice": way.addresses_for(wanted),
            },
        )
