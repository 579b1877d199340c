"""What a reader wants to know of a cluster before its findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from akscan.model.azure import VirtualNetwork
from akscan.model.cluster import Cluster
from akscan.model.egress import Egress
from akscan.model.gaps import NotCollected
from akscan.model.inventory import Inventory
from akscan.model.text import ArmId
from akscan.results import ClusterFacts, HopFacts, IdentityFacts, NetworkFacts, PoolFacts, SubnetFacts
from akscan.sdk import if_known


def facts_of(cluster: Cluster, inventory: Inventory) -> ClusterFacts:
    """What is known of a cluster; what was not read stays empty, and says why."""
    gap = cluster.kubernetes_gap
    facts = ClusterFacts(
        id=cluster.ref.id,
        name=cluster.name,
        resource_group=cluster.id.resource_group,
        kubernetes_gap=str(gap) if gap else "",
    )
    try:
        resource = cluster.resource
    except NotCollected as missing:
        return msgspec.structs.replace(facts, azure_gap=str(missing.gap))
    names = {ArmId(subscription.id): subscription.name for subscription in inventory.manifest.scope.subscriptions}
    network = resource.properties.network_profile
    through = if_known(lambda: inventory.egress_appliances(cluster))
    return msgspec.structs.replace(
        facts,
        subscription=names.get(cluster.id.subscription_scope, cluster.id.subscription),
        location=str(resource.location),
        version=cluster.version,
        tier=str(resource.sku.tier),
        power_state=str(resource.properties.power_state.code),
        private=cluster.is_private,
        outbound_type=str(cluster.outbound),
        egress_through=(through,) if isinstance(through, str) else through,
        network_plugin=" ".join(str(part) for part in (network.network_plugin, network.network_plugin_mode) if part),
        identities=tuple(_identities(cluster)),
        **_network(cluster, inventory),
        pools=tuple(
            PoolFacts(
                name=pool.name,
                mode=str(pool.properties.mode),
                vm_size=str(pool.properties.vm_size),
                nodes=pool.properties.count or 0,
                nodes_max=pool.nodes_max,
                version=pool.version,
                priority=str(pool.properties.scale_set_priority),
            )
            for pool in cluster.pools
        ),
    )


def _network(cluster: Cluster, inventory: Inventory) -> dict[str, Any]:
    """The fields that tell of the network, each as far as it was read, and the first reason why one was not."""
    egress = Egress(cluster, inventory)
    found: dict[str, Any] = {"subnets": tuple(_subnets(cluster, inventory))}
    for name, read in (("networks", _networks), ("hops", _hops)):
        try:
            found[name] = tuple(dict.fromkeys(read(egress)))
        except NotCollected as missing:
            found.setdefault("network_gap", str(missing.gap))
    return found


def _subnets(cluster: Cluster, inventory: Inventory) -> Iterator[SubnetFacts]:
    """The subnets that the cluster names, with what of it stands in them."""
    holds: dict[ArmId, list[str]] = defaultdict(list)
    for pool in cluster.pools:
        holds[pool.properties.vnet_subnet_id].append(f"nodes of {pool.name}")
        holds[pool.properties.pod_subnet_id].append(f"pods of {pool.name}")
    for subnet_id in dict.fromkeys((*cluster.resource.hosted_subnets, *cluster.class_subnets)):
        holds[subnet_id].append("nodes beside the pools")
    holds[cluster.resource.api_server_subnet].append("API server")
    if cluster.is_private_link:
        holds[next(iter(cluster.node_subnets), ArmId())].append("private endpoint of the API server")
    for subnet_id, held in holds.items():
        if subnet_id:
            yield SubnetFacts(
                name=subnet_id.name,
                network=subnet_id.parent.name,
                prefixes=_prefixes(subnet_id, inventory),
                holds=tuple(held),
            )


def _prefixes(subnet_id: ArmId, inventory: Inventory) -> tuple[str, ...]:
    try:
        return inventory.existing_subnet(subnet_id).prefixes
    except NotCollected:
        return ()


def _networks(egress: Egress) -> Iterator[NetworkFacts]:
    """The network of the nodes, then those that it is peered with."""
    network: VirtualNetwork = egress.network
    yield NetworkFacts(name=network.name, prefixes=network.properties.address_space.address_prefixes)
    for peering in network.properties.virtual_network_peerings:
        yield NetworkFacts(
            name=peering.properties.remote_virtual_network.id.name or peering.name,
            prefixes=peering.remote_prefixes,
            peering=str(peering.properties.peering_state) or "unknown",
        )


def _hops(egress: Egress) -> Iterator[HopFacts]:
    """What the nodes leave through."""
    match egress.path:
        case "appliance":
            for subnet_id in egress.cluster.node_subnets:
                route = egress.appliance_route(egress.inventory.existing_subnet(subnet_id))
                for address in route.properties.next_hop_addresses if route else ():
                    yield _appliance(egress, address)
        case "nat":
            for gateway, _ in egress.nat_gateways:
                yield HopFacts(name=gateway.name, kind="NAT gateway")
        case "lb":
            yield HopFacts(name="", kind="load balancer")


def _appliance(egress: Egress, address: str) -> HopFacts:
    try:
        firewall = egress.firewall_at(address)
    except NotCollected:
        return HopFacts(name="", kind="appliance", address=address)
    place = next((subnet.parent.name for subnet in firewall.subnets), firewall.properties.virtual_hub.id.name)
    return HopFacts(name=firewall.name, kind="Azure Firewall", address=address, network=place)


def _identities(cluster: Cluster) -> Iterator[IdentityFacts]:
    """Whom the cluster acts as."""
    if cluster.uses_service_principal:
        client = cluster.properties.service_principal_profile.client_id
        yield IdentityFacts(part="cluster", kind="service principal", name=str(client))
        return
    own = cluster.control_plane_identity
    kind = "user-assigned" if own else "system-assigned"
    yield IdentityFacts(part="control plane", kind=kind, name=own.name, object_id=cluster.control_plane_object_id)
    kubelet = cluster.kubelet_identity
    addons = cluster.addon_identities
    for part, identity in (*((("kubelet", kubelet),) if kubelet else ()), *addons.items()):
        object_id = str.__str__(identity.object_id)
        yield IdentityFacts(part=part, kind="user-assigned", name=identity.resource_id.name, object_id=object_id)
