"""What upgrades clusters beside their own channels, and the newest that there is for their nodes and meshes."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.azure import (
    AgentPoolUpgradeProfile,
    Fleet,
    FleetAutoUpgradeProfile,
    FleetMember,
    MaintenanceConfiguration,
    MaintenanceWindow,
    ManagedCluster,
    MeshRevision,
    MeshRevisionProfile,
    image_kind,
)
from akscan.model.text import ArmId, Token

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.inventory import Inventory


class Upgrades:
    """Made once for an inventory, with indexes."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    # --- Fleet Manager

    @cached_property
    def _fleets_of(self) -> dict[ArmId, list[ArmId]]:
        found: dict[ArmId, list[ArmId]] = defaultdict(list)
        for member in self._inventory.known(FleetMember):
            found[member.properties.cluster_resource_id].append(member.id.parent)
        return found

    @cached_property
    def _profiles_of(self) -> dict[ArmId, list[FleetAutoUpgradeProfile]]:
        found: dict[ArmId, list[FleetAutoUpgradeProfile]] = defaultdict(list)
        for profile in self._inventory.known(FleetAutoUpgradeProfile):
            if not profile.properties.disabled:
                found[profile.id.parent].append(profile)
        return found

    def known_fleet_channels(self, cluster: Cluster) -> tuple[Token, ...]:
        """The channels of the auto-upgrade profiles in force that cover a cluster, among those that were read."""
        profiles = (p for fleet in self._fleets_of.get(cluster.id, ()) for p in self._profiles_of.get(fleet, ()))
        return tuple(dict.fromkeys(profile.properties.channel for profile in profiles))

    def fleet_channels(self, cluster: Cluster) -> tuple[Token, ...]:
        """The same. Raises `NotCollected` where one may be missing."""
        self._inventory.require_complete(Fleet)
        if any(True for _ in self._inventory.known(Fleet)):
            self._inventory.require_complete(FleetMember)
            self._inventory.require_complete(FleetAutoUpgradeProfile)
        return self.known_fleet_channels(cluster)

    # --- windows

    def windows(self, cluster: Cluster) -> dict[Token, MaintenanceWindow]:
        """The maintenance windows of a cluster that is upgraded automatically, by name. Raises `NotCollected` where
        they were not read.
        """
        found = self._inventory.within(MaintenanceConfiguration, cluster.id)
        windows = {Token(item.name): item.properties.maintenance_window for item in found}
        return {name: window for name, window in windows.items() if window is not None}

    # --- node images

    @cached_property
    def _latest_images(self) -> dict[tuple[str, Token, str], str]:
        """(subscription, location, kind of image) -> the newest image of that kind."""
        profiles = {profile.id.parent: profile for profile in self._inventory.known(AgentPoolUpgradeProfile)}
        return {
            _image_key(cluster, pool.node_image_version): profile.properties.latest_node_image_version
            for cluster in self._inventory.known(ManagedCluster)
            for pool in cluster.properties.agent_pool_profiles
            if (profile := profiles.get(ArmId(f"{cluster.id}/agentPools/{pool.name}"))) is not None
        }

    def latest_image(self, cluster: Cluster, image: str) -> str:
        """The newest node image of a kind in a cluster's location; empty where nobody told."""
        return self._latest_images.get(_image_key(cluster.resource, image), "")

    # --- the Istio add-on

    def mesh_revisions(self, cluster: Cluster) -> tuple[MeshRevision, ...]:
        """What the location offers. Raises `NotCollected` where it was not read."""
        location = str(cluster.location).casefold()
        scope = ArmId(f"{cluster.id.subscription_scope}/providers/Microsoft.ContainerService/locations/{location}")
        profiles = self._inventory.within(MeshRevisionProfile, scope)
        istio = (profile for profile in profiles if Token(profile.name) == "istio")
        return tuple(revision for profile in istio for revision in profile.properties.mesh_revisions)


def _image_key(cluster: ManagedCluster, image: str) -> tuple[str, Token, str]:
    return cluster.id.subscription, cluster.location, image_kind(image)
