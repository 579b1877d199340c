"""Which features of a cluster are on, and what they have to reach."""

from __future__ import annotations

from collections.abc import Iterator

from akscan.sdk import Cluster, Destination, Egress, NodePool, Token, resolves_privately

from akscan_rules.endpoints import Feature, required_endpoints

MONITOR_ZONE = "privatelink.monitor.azure.com"
VAULT_ZONE = "privatelink.vaultcore.azure.net"
#: The values of nodeOSUpgradeChannel with which nodes fetch packages by themselves.
_PATCHED_FROM_UBUNTU = ("SecurityPatch", "Unmanaged")
_MONITOR_TAG = (frozenset({Token("AzureMonitor")}),)
_VAULT_TAG = (frozenset({Token("AzureKeyVault")}),)

#: Features whose names are the same in every cloud.
SAME_EVERYWHERE = (*(f"nodeOSUpgradeChannel {one}" for one in _PATCHED_FROM_UBUNTU), "gpu")


def features_on(cluster: Cluster) -> tuple[str, ...]:
    """The features of the list that ARM says are on."""
    properties = cluster.properties
    monitor, channel = properties.azure_monitor_profile, properties.auto_upgrade_profile.node_os_upgrade_channel
    ubuntu = any(_is_ubuntu(pool) for pool in cluster.pools)
    on = {
        **{f"nodeOSUpgradeChannel {one}": channel == one and ubuntu for one in _PATCHED_FROM_UBUNTU},
        "azurepolicy": cluster.addon("azurepolicy").enabled,
        "containerInsights": cluster.addon("omsagent").enabled or monitor.container_insights.enabled,
        "metrics": monitor.metrics.enabled,
        "autoInstrumentation": monitor.app_monitoring.auto_instrumentation.enabled,
        "defender": properties.security_profile.defender.security_monitoring.enabled,
        "gpu": any(_installs_gpu_driver(pool) for pool in cluster.pools),
        "windows": any(pool.properties.os_type == "Windows" for pool in cluster.pools),
    }
    return tuple(name for name, is_on in on.items() if is_on)


def _is_ubuntu(pool: NodePool) -> bool:
    sku = pool.properties.os_sku.casefold()
    return pool.properties.os_type == "Linux" and (not sku or sku.startswith("ubuntu"))


def _installs_gpu_driver(pool: NodePool) -> bool:
    properties = pool.properties
    return (
        properties.os_type == "Linux"
        and any(size.casefold().startswith("standard_n") for size in properties.sizes)
        and properties.gpu_profile.driver != "None"
    )


def feature_endpoints(cluster: Cluster, name: str, *, covered_by_tag: bool) -> Iterator[Destination]:
    """What a feature reaches; ``covered_by_tag`` says whether the FQDN tag of AKS stands for it."""
    listed, location = required_endpoints(), str(cluster.location).casefold()
    feature = listed.features.get(name, Feature())
    for text in feature.names:
        host = text.format(location=location)
        tags = _MONITOR_TAG if Destination(host).is_named_by(listed.monitor_names) else ()
        yield Destination(host, tags=tags, in_aks_tag=covered_by_tag)
    for host in feature.http:
        yield Destination(host, port=80, application=("Http",), in_aks_tag=covered_by_tag)


def vault_endpoint(vault: str) -> Destination:
    """The host of a key vault; no FQDN tag stands for it."""
    return Destination(f"{vault}.vault.azure.net", tags=_VAULT_TAG)


def is_reached_privately(egress: Egress, wanted: Destination) -> bool:
    """Whether the name leads to a private endpoint, past the firewall."""
    if wanted.is_named_by(["*.vault.azure.net"]):
        return resolves_privately(egress, VAULT_ZONE, wanted.name.partition(".")[0])
    monitored = wanted.is_named_by(required_endpoints().monitor_names)
    return monitored and resolves_privately(egress, MONITOR_ZONE)
