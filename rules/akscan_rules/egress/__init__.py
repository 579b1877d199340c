"""The ways out of a cluster."""

from akscan.sdk import Need, SubnetResource

#: What tells which firewall a cluster leaves through, and what that lets through.
FIREWALL_NEEDS = (
    Need.MANAGED_CLUSTERS,
    Need.VIRTUAL_NETWORKS,
    Need.SUBNETS,
    Need.ROUTE_TABLES,
    Need.AZURE_FIREWALLS,
    Need.FIREWALL_POLICIES,
    Need.RULE_COLLECTION_GROUPS,
    Need.IP_GROUPS,
)


def prefix_placeholder(subnet: SubnetResource) -> dict[str, str]:
    """The prefix of a subnet for a fix; several would be several arguments of a command, which one placeholder cannot
    be.
    """
    return {"node_subnet_prefix": subnet.prefixes[0]} if len(subnet.prefixes) == 1 else {}
