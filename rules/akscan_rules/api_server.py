"""The way to the Kubernetes API server."""

from collections.abc import Callable, Iterator
from functools import partial

from akscan.sdk import (
    ApiServerSubnet,
    Cluster,
    Disruption,
    Egress,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    Need,
    NodePool,
    NotApplicable,
    Pillar,
    Severity,
    Token,
    any_of,
    if_known,
    is_private,
    is_within,
    network_of,
    rule,
    usable,
)

#: https://learn.microsoft.com/azure/aks/api-server-vnet-integration: what a subnet of an API server is, and takes.
_DELEGATE = Token("Microsoft.ContainerService/managedClusters")
_SHORTEST_PREFIX = 28
_PER_API_SERVER = 9


@rule(
    "API-001",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    frameworks={"cis_aks": ["5.4.1"], "mcsb": ["NS-2"], "nist_800_53": ["AC-4", "SC-7", "SC-7(3)"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/api-server-authorized-ip-ranges",
        "https://learn.microsoft.com/azure/aks/api-server-service-tags",
    ],
    fix=Fix(
        """
        # replaces the whole list: repeat the entries you keep
        az aks update --resource-group {resource_group} --name {cluster} --api-server-authorized-ip-ranges {range_1},{range_2}
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.api_server_access_profile.authorized_ip_ranges",
        arm="properties.apiServerAccessProfile.authorizedIPRanges",
    ),
)
def api_server_is_closed_to_the_internet(
    cluster: Cluster,
    inventory: Inventory,
    *,
    widest_ipv4_prefix: int = 16,
    widest_ipv6_prefix: int = 32,
    broad_service_tags: tuple[str, ...] = ("AzureCloud", "Internet"),
) -> Iterator[Finding]:
    """The API server does not answer to the whole Internet.

    An API server on a public address takes part in every Internet scan, and a leaked kubeconfig or token then works
    from anywhere. The AzureCloud tag is no help: it admits every virtual machine that anybody rents in Azure.

    **Fix**: list the networks of your administrators and pipelines, plus the address that the cluster's own nodes leave
    from (see API-003), as authorized ranges; or make the cluster private (API-002). Nodes whose egress addresses are in
    the list notice nothing; every client outside it is cut off within about two minutes.
    """
    if cluster.is_private:
        raise NotApplicable("the cluster is private: authorized ranges have no effect on a private endpoint")
    ranges = cluster.properties.api_server_access_profile.authorized_ip_ranges
    evidence: dict[str, EvidenceValue] = {
        "fqdn": cluster.properties.fqdn,
        "enablePrivateCluster": cluster.is_private,
        "authorizedIPRanges": ranges,
    }
    if not ranges:
        yield Finding("no authorized ranges: every address of the Internet reaches the API server", evidence)
    widest = {4: widest_ipv4_prefix, 6: widest_ipv6_prefix}
    reasons = {entry: _too_wide(entry, widest, broad_service_tags) for entry in ranges}
    if too_wide := [f"{entry} ({reason})" for entry, reason in reasons.items() if reason]:
        yield Finding(f"too wide: {', '.join(too_wide)}", {**evidence, "tooWide": tuple(too_wide)})


def _too_wide(entry: str, widest: dict[int, int], broad_service_tags: tuple[str, ...]) -> str:
    """Why an authorized range admits too much, or an empty string. An entry that is no address is a service tag."""
    network = network_of(entry)
    if network is None:
        tag = Token(entry.strip())
        is_broad = tag in broad_service_tags or tag.casefold().startswith("azurecloud.")
        return "service tag of many customers" if is_broad else ""
    if network.prefixlen >= widest[network.version] or is_private(network):
        return ""
    return f"admits {network.num_addresses} addresses"


@rule(
    "API-002",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    frameworks={"cis_aks": ["5.4.2"], "mitre": ["T1190"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/private-clusters",
        "https://learn.microsoft.com/azure/aks/api-server-vnet-integration",
    ],
    fix=Fix(
        """
        # step 1, only when apiServerAccessProfile.enableVnetIntegration is not true; cannot be undone
        az aks update --resource-group {resource_group} --name {cluster} --enable-apiserver-vnet-integration --apiserver-subnet-id {apiserver_subnet_id}
        az aks stop  --resource-group {resource_group} --name {cluster}
        az aks start --resource-group {resource_group} --name {cluster}
        # step 2
        az aks update --resource-group {resource_group} --name {cluster} --enable-private-cluster --enable-apiserver-vnet-integration --apiserver-subnet-id {apiserver_subnet_id}
        """,  # noqa: E501 a command is one line
        Disruption.NODE_REIMAGE,
        terraform="azurerm_kubernetes_cluster.private_cluster_enabled",
        arm="properties.apiServerAccessProfile.enablePrivateCluster",
    ),
)
def api_server_is_private(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """The API server is private.

    With a private API server the control plane has no address on the Internet at all, so a mistake in an address list
    or a flaw in the API server's front door cannot be tried from outside the landing zone.

    **Fix**: a cluster with API Server VNet Integration can be switched to private in place; its clients then move to
    private DNS. Any other public cluster must first take on VNet Integration, a one-way step that reimages the nodes of
    every pool and needs a stop and start of the cluster, or be built anew. Plan name resolution (LZ-004) and a way in
    for people and pipelines (LZ-009) before you switch.
    """
    if cluster.is_private:
        return
    properties = cluster.properties
    access = properties.api_server_access_profile
    yield Finding(
        f"the API server stands at {properties.fqdn or 'a public address'}",
        {
            "enablePrivateCluster": access.enable_private_cluster,
            "enableVnetIntegration": access.enable_vnet_integration,
            "fqdn": properties.fqdn,
            "privateFQDN": properties.private_fqdn,
            "publicNetworkAccess": properties.public_network_access,
            "authorizedIPRanges.length": len(access.authorized_ip_ranges),
        },
        fill={"apiserver_subnet_id": access.subnet_id},
    )


@rule(
    "API-003",
    Severity.HIGH,
    Pillar.RELIABILITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.SUBNETS,
        Need.ROUTE_TABLES,
        Need.AZURE_FIREWALLS,
        Need.NAT_GATEWAYS,
        Need.PUBLIC_IP_ADDRESSES,
        Need.PUBLIC_IP_PREFIXES,
    ],
    optional_needs=[Need.AKS_NODE_CLASSES],
    docs=[
        "https://learn.microsoft.com/azure/aks/api-server-authorized-ip-ranges",
        "https://learn.microsoft.com/azure/aks/egress-outboundtype",
    ],
    fix=Fix(
        """
        # replaces the whole list; the marker 0.0.0.0/32 may stand only alone, so leave it out of {existing_ranges}
        az aks update --resource-group {resource_group} --name {cluster} --api-server-authorized-ip-ranges {existing_ranges},{missing_addresses}
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_kubernetes_cluster.api_server_access_profile.authorized_ip_ranges with "
            "azurerm_public_ip.ip_address / azurerm_public_ip_prefix.ip_prefix"
        ),
        arm="properties.apiServerAccessProfile.authorizedIPRanges",
    ),
)
def api_server_admits_the_nodes(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """The addresses that the nodes leave from may reach the API server.

    On a public cluster the nodes talk to the API server through their own egress address. When a firewall or NAT
    gateway gets a new public address that the allow list lacks, kubelets lose the control plane: new nodes never become
    Ready and running ones go NotReady although nothing changed in the cluster.

    **Fix**: add every public address and prefix that the nodes can leave from to the authorized ranges, and keep both
    in one template so that they change together.
    """
    ranges = cluster.properties.api_server_access_profile.authorized_ip_ranges
    if cluster.is_private or cluster.is_vnet_integrated:
        raise NotApplicable("the nodes reach the API server at a private address")
    if not ranges:
        raise NotApplicable("there are no authorized ranges")
    existing = ",".join(entry for entry in ranges if entry != "0.0.0.0/32")
    seen: dict[str, str] = {}
    egress = Egress(cluster, inventory)
    branches = (_kept_out(way, ranges, seen) for way in _ways(egress))
    for finding in any_of(*(_without_prefix(pool, egress) for pool in _public_pools(egress)), *branches):
        kept_out = [address for address in seen if not _is_admitted(address, ranges)]
        yield Finding(
            finding.message,
            {
                "outboundType": cluster.outbound,
                "authorizedIPRanges": ranges,
                "egress": [f"{way}: {address}" for address, way in seen.items()],
                "inNoRange": kept_out,
            },
            fill={"existing_ranges": existing, "missing_addresses": ",".join(kept_out)},
        )
    cluster.require_class_subnets()
    if not seen:
        raise NotApplicable("the nodes leave from nothing but what AKS itself admits")


def _ways(egress: Egress) -> Iterator[Callable[[], Iterator[tuple[str, str]]]]:
    """Each way out of the nodes, to be asked for its public addresses."""
    yield from (partial(egress.node_addresses, subnet_id) for subnet_id in egress.cluster.node_subnets)
    if egress.cluster.outbound in ("managedNATGateway", "managedNATGatewayV2"):
        yield egress.managed_addresses
    yield from (partial(egress.pool_addresses, pool) for pool in _public_pools(egress))


def _public_pools(egress: Egress) -> list[NodePool]:
    return [pool for pool in egress.cluster.pools if pool.properties.enable_node_public_ip]


def _without_prefix(pool: NodePool, egress: Egress) -> Iterator[Finding]:
    if not pool.properties.node_public_ip_prefix_id and egress.leaves_by_own_addresses(pool):
        yield Finding(f"nodes of {pool.name} have public addresses out of no prefix")


def _kept_out(
    way: Callable[[], Iterator[tuple[str, str]]], ranges: tuple[str, ...], seen: dict[str, str]
) -> Iterator[Finding]:
    for name, address in way():
        seen[address] = name
        if not _is_admitted(address, ranges):
            yield Finding(f"{address} of {name} is in no authorized range")


def _is_admitted(address: str, ranges: tuple[str, ...]) -> bool:
    if any(entry.strip().casefold().startswith("azurecloud") for entry in ranges):
        return True
    wanted, networks = network_of(address), [network_of(entry) for entry in ranges]
    return wanted is not None and any(n is not None and is_within(wanted, n) for n in networks)


@rule(
    "API-004",
    Severity.LOW,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    frameworks={"cis_aks": ["5.4.2"]},
    docs=["https://learn.microsoft.com/azure/aks/private-clusters"],
    fix=Fix(
        "az aks update --resource-group {resource_group} --name {cluster} --disable-public-fqdn",
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.private_cluster_public_fqdn_enabled",
        arm="properties.apiServerAccessProfile.enablePrivateClusterPublicFQDN",
    ),
)
def private_cluster_has_no_public_name(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """A private cluster publishes no public DNS name.

    The public name opens no path to the API server, yet anyone can resolve it to a private address of the landing zone.
    It tells an outsider that the cluster exists and how the network is numbered, and it hides broken private DNS until
    the day it is switched off.

    **Fix**: switch the public name off once every client resolves the private zone. Nodes that resolve the private zone
    notice nothing; clients that relied on the public name must use private DNS.
    """
    properties = cluster.properties
    access = properties.api_server_access_profile
    if not cluster.is_private:
        raise NotApplicable("the cluster is not private")
    if access.private_dns_zone == "none":
        raise NotApplicable("without a private DNS zone the nodes need the public name")
    published = access.enable_private_cluster_public_fqdn
    if published or (published is None and properties.fqdn):
        yield Finding(
            f"anyone can resolve {properties.fqdn or 'the public name'} to the cluster's private address",
            {
                "fqdn": properties.fqdn,
                "privateFQDN": properties.private_fqdn,
                "privateDNSZone": access.private_dns_zone,
                "enablePrivateClusterPublicFQDN": published,
            },
        )


@rule(
    "API-005",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    docs=["https://learn.microsoft.com/azure/aks/access-private-cluster"],
    fix=Fix(
        "az aks update --resource-group {resource_group} --name {cluster} --disable-run-command",
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.run_command_enabled",
        arm="properties.apiServerAccessProfile.disableRunCommand",
    ),
)
def run_command_is_off_behind_a_restriction(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Run command cannot step around the network restriction of the API server.

    Run command starts a pod in the cluster on behalf of whoever holds the Azure action runcommand/action, through the
    Azure API and from any place. A restriction of the network to a private endpoint or to listed addresses is then
    worth only as much as the Azure role assignments on the cluster.

    **Fix**: disable run command when people and pipelines have another way in; az aks command invoke and the portal's
    Run command then stop working. Where it is the break-glass path, accept the finding and confine runcommand/action to
    that role.
    """
    access = cluster.properties.api_server_access_profile
    if not (cluster.is_private or access.authorized_ip_ranges):
        raise NotApplicable("the network closes nothing that run command would open (API-001)")
    if not access.disable_run_command:
        yield Finding(
            "run command reaches the API server from any place",
            {
                "disableRunCommand": access.disable_run_command,
                "enablePrivateCluster": cluster.is_private,
                "authorizedIPRanges.length": len(access.authorized_ip_ranges),
            },
        )


@rule(
    "API-006",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.MANAGED_CLUSTERS, Need.VIRTUAL_NETWORKS, Need.SUBNETS, Need.SUBNET_USAGES],
    docs=["https://learn.microsoft.com/azure/aks/api-server-vnet-integration"],
    fix=Fix(
        "az network vnet subnet create --resource-group {vnet_resource_group} --vnet-name {vnet} --name "
        "{apiserver_subnet} --address-prefixes {prefix_of_27_or_larger} --delegations "
        "Microsoft.ContainerService/managedClusters",
        Disruption.RECREATE,
        terraform=(
            "azurerm_kubernetes_cluster.api_server_access_profile.subnet_id with azurerm_subnet.delegation and "
            "azurerm_subnet.address_prefixes"
        ),
        arm=(
            "properties.apiServerAccessProfile.subnetId; Microsoft.Network/virtualNetworks/subnets "
            "properties.addressPrefix, properties.delegations"
        ),
    ),
)
def api_server_subnet_has_room(
    subnet: ApiServerSubnet, inventory: Inventory, *, min_free: int = 2
) -> Iterator[Finding]:
    """The API server's delegated subnet has room and belongs to it alone.

    The API server's instances and their internal load balancer take addresses from this subnet and take more when the
    control plane scales. A full subnet stops that scaling and can take the API server down, and the feature that put it
    there cannot be switched off again.

    **Fix**: give each cluster a delegated subnet of its own, /27 or larger; widen a full one by adding a prefix to the
    subnet or by moving the next cluster elsewhere. A new subnet disturbs nothing; the subnet of an existing cluster
    cannot be exchanged.
    """
    resource = inventory.existing_subnet(subnet.id)
    network = inventory.existing_network(subnet.id.parent)
    available, wanted = usable(resource), _PER_API_SERVER * len(subnet.clusters)
    long = [prefix for prefix in resource.prefixes if _is_longer(prefix, _SHORTEST_PREFIX)]
    services = [delegation.properties.service_name for delegation in resource.properties.delegations]
    others = [cluster.name for cluster in inventory.clusters_in([subnet.id])]
    usage = if_known(lambda: subnet.usage(inventory))
    free = None if isinstance(usage, str) else int(usage.limit - usage.current_value)
    encrypted = network.properties.encryption.enabled
    takers = "1 cluster takes" if len(subnet.clusters) == 1 else f"{len(subnet.clusters)} clusters take"
    faults = {
        "(a) it is not delegated to AKS": _DELEGATE not in services,
        f"(b) longer than /{_SHORTEST_PREFIX}: {', '.join(long)}": bool(long),
        f"(c) {takers} {wanted} addresses, it has {available}": wanted > available,
        f"(d) {free} {'address is' if free == 1 else 'addresses are'} free": free is not None and free < min_free,
        f"(e) node pools of {', '.join(others)} stand in it": bool(others),
        f"(f) {network.name} is encrypted, which VNet Integration does not support": encrypted,
    }
    if not any(faults.values()):
        subnet.usage(inventory)
        return
    yield Finding(
        "; ".join(text for text, is_so in faults.items() if is_so),
        {
            "subnet": str(subnet.id),
            "addressPrefixes": resource.prefixes,
            "delegations": services,
            "clusters": [cluster.name for cluster in subnet.clusters],
            "usableAddresses": available,
            "addressesForApiServers": wanted,
            "freeAddresses": free if free is not None else str(usage),
            "encryption.enabled": encrypted,
        },
    )


def _is_longer(prefix: str, length: int) -> bool:
    network = network_of(prefix)
    return network is not None and network.version == 4 and network.prefixlen > length  # noqa: PLR2004 IPv4
