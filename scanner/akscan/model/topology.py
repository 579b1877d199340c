"""What the control plane must be allowed to do, by what the cluster is built from
(https://learn.microsoft.com/azure/aks/aks-service-permissions).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akscan.model.assignments import require_membership
from akscan.model.cluster import Cluster
from akscan.model.gaps import Gap, NotCollected
from akscan.model.roles import RoleAssignment
from akscan.model.text import ArmId

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory

_SUBNETS = "Microsoft.Network/virtualNetworks/subnets"
_ZONES = "Microsoft.Network/privateDnsZones"
_TABLES = "Microsoft.Network/routeTables"
_OF_SUBNET = (f"{_SUBNETS}/read", f"{_SUBNETS}/join/action")
_OF_ZONE = (f"{_ZONES}/read", f"{_ZONES}/A/write")
_OF_TABLE = (f"{_TABLES}/read", f"{_TABLES}/write", f"{_TABLES}/routes/write")
_OF_IDENTITY = ("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",)
_OF_ENCRYPTION_SET = ("Microsoft.Compute/diskEncryptionSets/read",)
_OF_ADDRESS = ("Microsoft.Network/publicIPAddresses/join/action",)
_OF_PREFIX = ("Microsoft.Network/publicIPPrefixes/join/action",)


@dataclass(frozen=True, slots=True)
class Requirement:
    """Actions that the control plane needs on a resource, and the setting because of which it does."""

    resource: ArmId
    actions: tuple[str, ...]
    setting: str

    def missing(self, principal: str, inventory: Inventory) -> tuple[str, ...]:
        """The actions that no effective assignment of the principal grants. Raises `NotCollected` where one that was
        not read may.
        """
        held = [a for a in inventory.known_assignments(principal) if a.assignment.reaches(self.resource)]
        lacking = tuple(action for action in self.actions if not any(a.grants(action) for a in held))
        if lacking:
            inventory.within(RoleAssignment, self.resource.subscription_scope)
        for action in lacking:
            require_membership(inventory, principal, self.resource, action)
        return lacking


def requirements(cluster: Cluster, inventory: Inventory) -> tuple[tuple[Requirement, ...], Gap | None]:
    """What the cluster's parts outside the node resource group need, as far as is known, and what may hide more."""
    found: dict[tuple[ArmId, tuple[str, ...]], Requirement] = {}
    gaps: list[Gap] = []
    for part in (
        _by_node_classes(cluster),
        _by_cluster(cluster),
        _by_route_tables(cluster, inventory),
        _by_services(cluster),
    ):
        try:
            for one in part:
                if one.resource and not cluster.owns(one.resource):
                    found.setdefault((one.resource, one.actions), one)
        except NotCollected as missing:
            gaps.append(missing.gap)
    return tuple(found.values()), gaps[0] if gaps else None


def _by_node_classes(cluster: Cluster) -> Iterator[Requirement]:
    yield from _each(cluster.class_subnets, _OF_SUBNET, "AKSNodeClass vnetSubnetID")
    cluster.require_class_subnets()


def _by_cluster(cluster: Cluster) -> Iterator[Requirement]:
    properties = cluster.properties
    access, profile = properties.api_server_access_profile, properties.network_profile.load_balancer_profile
    yield from _each(cluster.resource.hosted_subnets, _OF_SUBNET, "hostedSystemProfile")
    yield from _each(cluster.node_subnets, _OF_SUBNET, "agentPoolProfiles.vnetSubnetID")
    yield from _each(cluster.pod_subnets, _OF_SUBNET, "agentPoolProfiles.podSubnetID")
    yield Requirement(access.subnet_id, _OF_SUBNET, "apiServerAccessProfile.subnetId")
    if cluster.has_own_private_zone:
        yield Requirement(access.private_dns_zone, _OF_ZONE, "apiServerAccessProfile.privateDNSZone")
    kubelet = cluster.kubelet_identity
    yield Requirement(
        kubelet.resource_id if kubelet else ArmId(), _OF_IDENTITY, "identityProfile.kubeletidentity.resourceId"
    )
    yield Requirement(properties.disk_encryption_set_id, _OF_ENCRYPTION_SET, "diskEncryptionSetID")
    addresses = (reference.id for reference in profile.outbound_ips.public_ips)
    yield from _each(addresses, _OF_ADDRESS, "loadBalancerProfile.outboundIPs")
    prefixes = (reference.id for reference in profile.outbound_ip_prefixes.public_ip_prefixes)
    yield from _each(prefixes, _OF_PREFIX, "loadBalancerProfile.outboundIPPrefixes")


def _by_route_tables(cluster: Cluster, inventory: Inventory) -> Iterator[Requirement]:
    if cluster.properties.network_profile.network_plugin == "kubenet":
        yield from _each(inventory.node_route_tables(cluster), _OF_TABLE, "route table of a kubenet node subnet")


def _by_services(cluster: Cluster) -> Iterator[Requirement]:
    """Subnets that internal load balancers name: of the network of the nodes, where that is the customer's."""
    if not cluster.is_byo_vnet:
        return
    network = cluster.node_subnets[0].parent
    for service in cluster.lists.services.items:
        if service.is_internal_load_balancer and (name := service.annotations.internal_subnet):
            setting = f"internal load balancer of Service {service.namespace}/{service.name}"
            yield Requirement(ArmId(f"{network}/subnets/{name}"), _OF_SUBNET, setting)
    cluster.lists.services.complete()


def _each(resources: Iterable[ArmId], actions: tuple[str, ...], setting: str) -> Iterator[Requirement]:
    return (Requirement(resource, actions, setting) for resource in resources)
