"""The ways out of a cluster."""

from akscan.sdk import Need

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
