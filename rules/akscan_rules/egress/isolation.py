"""Clusters that nothing leaves."""

from collections.abc import Iterator

from akscan.sdk import (
    ArmId,
    CacheRule,
    Cluster,
    ContainerRegistry,
    Disruption,
    Egress,
    EvidenceValue,
    Extension,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    any_of,
    if_known,
    rule,
)


@rule(
    "EGR-009",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.VIRTUAL_NETWORKS,
        Need.SUBNETS,
        Need.ROUTE_TABLES,
        Need.NETWORK_SECURITY_GROUPS,
        Need.REGISTRIES,
        Need.CACHE_RULES,
        Need.EXTENSIONS,
    ],
    optional_needs=[Need.AKS_NODE_CLASSES],
    docs=[
        "https://learn.microsoft.com/azure/aks/concepts-network-isolated",
        "https://learn.microsoft.com/azure/aks/network-isolated",
    ],
    fix=Fix(
        """
        az aks update --resource-group {resource_group} --name {cluster} --bootstrap-artifact-source Cache --bootstrap-container-registry-resource-id {registry_id}
        az aks upgrade --resource-group {resource_group} --name {cluster} --node-image-only
        az acr cache create --registry {registry} --name aks-managed-mcr --source-repo "mcr.microsoft.com/*" --target-repo "aks-managed-repository/*"
        az network vnet subnet update --resource-group {vnet_resource_group} --vnet-name {vnet} --name {subnet} --default-outbound-access false
        """,  # noqa: E501 a command is one line
        Disruption.NODE_REIMAGE,
        terraform=(
            "azurerm_kubernetes_cluster.bootstrap_profile.artifact_source, network_profile.outbound_type, "
            "azurerm_subnet.default_outbound_access_enabled"
        ),
        arm=(
            "properties.bootstrapProfile, properties.networkProfile.outboundType; "
            "Microsoft.Network/virtualNetworks/subnets properties.defaultOutboundAccess"
        ),
    ),
)
def isolation_is_complete(
    cluster: Cluster,
    inventory: Inventory,
    *,
    unsupported_extensions: tuple[str, ...] = (
        "microsoft.dapr",
        "microsoft.appconfiguration",
        "microsoft.azureml.kubernetes",
        "microsoft.flux",
        "microsoft.dataprotection.kubernetes",
    ),
) -> Iterator[Finding]:
    """A network-isolated cluster is isolated in every part.

    The isolation is a chain of settings on five resources. A single open one keeps an exit that nobody watches, or
    leaves the cluster unable to add a node because its images have no source; that shows only when a node is created or
    upgraded.

    **Fix**: complete the chain: artifact source Cache, a Premium registry with the aks-managed cache rule and a private
    endpoint, a private API server, no node addresses, and subnets without default outbound access. Reimage the pools
    after a change of the artifact source; the settings of subnets and registry disturb nothing.
    """
    egress = Egress(cluster, inventory)
    caches = cluster.properties.bootstrap_profile.artifact_source == "Cache"
    if not cluster.resource.is_isolated:
        if not caches or cluster.outbound == "userDefinedRouting" or egress.path == "appliance":
            raise NotApplicable("the cluster is not meant to be isolated")
        evidence: dict[str, EvidenceValue] = {"outboundType": cluster.outbound, "artifactSource": "Cache"}
        yield Finding(f"(h) images come from a cache, and {cluster.outbound} still lets everything out", evidence)
        return
    registry = cluster.properties.bootstrap_profile.container_registry_id
    evidence = _evidence(cluster, egress)
    branches = (
        _artifacts(cluster, egress),
        _settings(cluster),
        _unsupported(cluster, egress, unsupported_extensions),
        *(_lent_address(egress, subnet) for subnet in egress.subnet_ids if cluster.outbound == "none"),
        *([_registry(registry, inventory)] if registry and not cluster.owns(registry) else ()),
    )
    for finding in any_of(*branches):
        fill = {"registry_id": str(registry), "registry": registry.name, **finding.fill}
        yield Finding(finding.message, {**evidence, **finding.evidence}, fill)
    cluster.require_class_subnets()


def _evidence(cluster: Cluster, egress: Egress) -> dict[str, EvidenceValue]:
    return {
        "outboundType": cluster.outbound,
        "artifactSource": cluster.properties.bootstrap_profile.artifact_source,
        "containerRegistryId": str(cluster.properties.bootstrap_profile.container_registry_id),
        "enablePrivateCluster": cluster.is_private,
        "enableVnetIntegration": cluster.is_vnet_integrated,
        "nodeOSUpgradeChannel": cluster.properties.auto_upgrade_profile.node_os_upgrade_channel,
        "hasWayOut": if_known(lambda: egress.has_way_out),
    }


def _artifacts(cluster: Cluster, egress: Egress) -> Iterator[Finding]:
    if cluster.properties.bootstrap_profile.artifact_source != "Cache" and not egress.has_way_out:
        yield Finding("(a) nodes depend on public registries that they cannot reach")


def _settings(cluster: Cluster) -> Iterator[Finding]:
    if not (cluster.is_private or cluster.is_vnet_integrated):
        yield Finding("(b) the API server is public")
    if public := [pool.name for pool in cluster.pools if pool.properties.enable_node_public_ip]:
        yield Finding(f"(d) nodes of {', '.join(public)} have public addresses", {"poolsWithPublicIP": tuple(public)})
    if cluster.outbound == "block" and cluster.is_byo_vnet:
        yield Finding("(e) outboundType block works only in an AKS-managed network")


def _unsupported(cluster: Cluster, egress: Egress, extensions: tuple[str, ...]) -> Iterator[Finding]:
    """What is not supported without a way out."""
    if if_known(lambda: egress.has_way_out) is True:
        return
    channel = cluster.properties.auto_upgrade_profile.node_os_upgrade_channel
    known = {
        "kubenet": cluster.properties.network_profile.network_plugin == "kubenet",
        "Windows pools": any(pool.properties.os_type == "Windows" for pool in cluster.pools),
        f"node OS channel {channel}": channel not in ("NodeImage", "None"),
    }
    found = [what for what, is_so in known.items() if is_so]
    found += _extensions(cluster, egress.inventory, extensions, needed=not found)
    if found and not egress.has_way_out:
        yield Finding(f"(c) not supported without a way out: {', '.join(found)}")


def _extensions(cluster: Cluster, inventory: Inventory, wanted: tuple[str, ...], *, needed: bool) -> list[str]:
    """The unsupported extensions; where others decide already, as far as they were read."""
    known = inventory.within(Extension, cluster.id) if needed else inventory.known_within(Extension, cluster.id)
    types = (extension.properties.extension_type for extension in known)
    return [f"extension {kind}" for kind in types if kind in wanted]


def _lent_address(egress: Egress, subnet_id: ArmId) -> Iterator[Finding]:
    subnet = egress.inventory.existing_subnet(subnet_id)
    if egress.lends_an_address(subnet):
        yield Finding(
            f"(f) Azure may lend nodes in {subnet.name} an outbound address",
            {f"defaultOutboundAccess of {subnet.name}": subnet.properties.default_outbound_access},
            {"vnet_resource_group": subnet_id.resource_group, "vnet": subnet_id.parent.name, "subnet": subnet_id.name},
        )


def _registry(registry_id: ArmId, inventory: Inventory) -> Iterator[Finding]:
    registry = inventory.find(ContainerRegistry, registry_id)
    if registry is None:
        yield Finding(f"(g) registry {registry_id.name} does not exist")
        return
    evidence: dict[str, EvidenceValue] = {
        "registry.sku": registry.sku.name,
        "registry.publicNetworkAccess": registry.properties.public_network_access,
        "registry.privateEndpoints": registry.private_endpoint_states,
    }
    faults = {
        f"its SKU is {registry.sku.name}": registry.sku.name != "Premium",
        "it has no approved private endpoint": "Approved" not in registry.private_endpoint_states,
        "it takes no tokens for Azure Resource Manager": (
            registry.properties.policies.azure_ad_authentication_as_arm_policy.status == "disabled"
        ),
    }
    for text in (text for text, is_so in faults.items() if is_so):
        yield Finding(f"(g) registry {registry.name}: {text}", evidence)
    if not any(_caches_aks(found) for found in inventory.within(CacheRule, registry.id)):
        yield Finding(f"(g) registry {registry.name}: no cache rule brings mcr.microsoft.com/*", evidence)


def _caches_aks(found: CacheRule) -> bool:
    properties = found.properties
    return (
        properties.source_repository == "mcr.microsoft.com/*"
        and properties.target_repository == "aks-managed-repository/*"
    )
