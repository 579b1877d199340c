"""The way from the nodes to the vaults."""

from collections.abc import Iterator, Mapping

from akscan.sdk import (
    ClusterVault,
    Disruption,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    Vault,
    VaultReach,
    any_of,
    if_known,
    require_no_perimeter,
    rule,
)

from akscan_rules.secrets.vaults import VAULT_NEEDS


@rule(
    "SEC-006",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[*VAULT_NEEDS, Need.VIRTUAL_NETWORKS, Need.SUBNETS, Need.PEERINGS],
    optional_needs=[
        Need.ROUTE_TABLES,
        Need.PRIVATE_ENDPOINTS,
        Need.PRIVATE_DNS_ZONES,
        Need.PRIVATE_DNS_LINKS,
        Need.PRIVATE_DNS_RECORDS,
        Need.PUBLIC_IP_ADDRESSES,
        Need.PUBLIC_IP_PREFIXES,
        Need.NAT_GATEWAYS,
        Need.AZURE_FIREWALLS,
        Need.FIREWALL_POLICIES,
        Need.AKS_NODE_CLASSES,
    ],
    docs=[
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-driver",
        "https://learn.microsoft.com/azure/key-vault/general/private-link-service",
    ],
    fix=Fix(
        """
        az network private-dns link vnet create --resource-group {dns_resource_group} --zone-name privatelink.vaultcore.azure.net --name link-{cluster} --virtual-network {vnet_id} --registration-enabled false
        az keyvault network-rule add --name {vault} --subnet {subnet_id}
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform=(
            "azurerm_private_endpoint, azurerm_private_dns_zone_virtual_network_link, azurerm_key_vault.network_acls"
        ),
        arm=(
            "Microsoft.KeyVault/vaults properties.privateEndpointConnections, networkAcls; "
            "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
        ),
    ),
)
def nodes_reach_their_vaults(
    vault: ClusterVault,
    inventory: Inventory,
    *,
    zone_names: tuple[str, ...] = (
        "privatelink.vaultcore.azure.net",
        "privatelink.vaultcore.usgovcloudapi.net",
        "privatelink.vaultcore.azure.cn",
    ),
) -> Iterator[Finding]:
    """The nodes reach their vaults, and by the private endpoint where there is one.

    The driver fetches secrets from the node at mount time. If the path is missing, running pods live on and every new
    one stays in ContainerCreating, which shows at the worst moment: during a drain or a scale-out.

    **Fix**: approve the private endpoint, link the private DNS zone to the VNet of the cluster (or to the hub whose
    resolver it uses), or add the subnets of all node pools, or every address that they leave from, to the firewall of
    the vault. A zone that is linked answers for every vault of that name: see that it holds a record for each of them
    before it is linked.
    """
    if not vault.classes:
        raise NotApplicable("only the API server uses it, which SEC-012 judges")
    found = vault.resource(inventory)
    require_no_perimeter(found.id, found.properties.public_network_access)
    clusters = {user.cluster.id: user.cluster for user in vault.classes}.values()
    ways = [VaultReach(cluster, found, inventory) for cluster in clusters]
    if found.is_public and not any(way.endpoints for way in ways):
        raise NotApplicable("it is open to all networks and has no private endpoint in reach")
    yield from any_of(*(_judged(way, found, zone_names) for way in ways))


def _judged(way: VaultReach, vault: Vault, zones: tuple[str, ...]) -> Iterator[Finding]:
    if way.endpoints and way.resolves_privately(zones):
        return
    name = way.cluster.name
    evidence: dict[str, EvidenceValue | list[str]] = {
        "id": vault.id,
        "publicNetworkAccess": vault.properties.public_network_access,
        "networkAcls.defaultAction": vault.network_acls.default_action or None,
        "privateEndpointConnections": [
            f"{one.properties.private_endpoint.id.name}: {one.properties.private_link_service_connection_state.status}"
            for one in vault.properties.private_endpoint_connections
        ],
        f"{name}: privateEndpointsInReach": way.endpoints,
        f"{name}: outboundAddresses": if_known(lambda: way.outbound),
        "zoneNames": zones,
    }
    lacking = "whose name it resolves to the public address" if way.endpoints else "of which there is none in reach"
    if vault.properties.public_network_access == "Disabled":
        yield Finding(f"(a) {name} needs a private endpoint, {lacking}", evidence)
        return
    yield from any_of(_kept_out(way, vault, evidence), _passing_by(way, lacking, evidence))


def _kept_out(way: VaultReach, vault: Vault, evidence: Mapping[str, EvidenceValue | list[str]]) -> Iterator[Finding]:
    if vault.network_acls.default_action != "Deny":
        return
    pools, gap = way.kept_out
    if pools:
        yield Finding(
            f"(b) the firewall of the vault keeps nodes of {way.cluster.name} out, by their subnet and their addresses",
            {**evidence, f"{way.cluster.name}: poolsKeptOut": pools},
        )
    elif gap is not None:
        raise NotCollected(gap)


def _passing_by(way: VaultReach, lacking: str, evidence: Mapping[str, EvidenceValue | list[str]]) -> Iterator[Finding]:
    if way.endpoints:
        way.require_endpoint()
        yield Finding(f"(c) {way.cluster.name} passes by the private endpoint, {lacking}", evidence)
