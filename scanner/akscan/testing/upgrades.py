"""Builders of what upgrades clusters, and of what there is to upgrade to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from akscan.model import azure
from akscan.model.text import ArmId, Token
from akscan.testing.azure import GROUP, SUBSCRIPTION, cluster


def in_fleet(*channels: str, of: str = "aks", disabled: bool = False) -> list[azure.Resource]:
    """A fleet with a cluster as its member and an auto-upgrade profile for each channel."""
    fleet = f"{GROUP}/providers/Microsoft.ContainerService/fleets/fleet"
    member = azure.FleetMemberProperties(cluster_resource_id=cluster(of).id)
    return [
        azure.Fleet(id=ArmId(fleet), name="fleet"),
        azure.FleetMember(id=ArmId(f"{fleet}/members/{of}"), name=of, properties=member),
        *(
            azure.FleetAutoUpgradeProfile(
                id=ArmId(f"{fleet}/autoUpgradeProfiles/{channel}"),
                name=channel,
                properties=azure.FleetAutoUpgradeProperties(channel=Token(channel), disabled=disabled),
            )
            for channel in channels
        ),
    ]


def latest_image(image: str, *, pool: str = "system", cluster_name: str = "aks") -> azure.AgentPoolUpgradeProfile:
    """The upgrade profile of a pool, with its newest node image."""
    return azure.AgentPoolUpgradeProfile(
        id=ArmId(f"{cluster(cluster_name).id}/agentPools/{pool}/upgradeProfiles/default"),
        name="default",
        properties=azure.AgentPoolUpgradeProperties(latest_node_image_version=image),
    )


def mesh_revisions(
    revisions: Mapping[str, Mapping[str, Sequence[str]]], *, location: str = "westeurope"
) -> azure.MeshRevisionProfile:
    """The revisions of the Istio add-on that a location offers: for each the Kubernetes versions by support plan."""
    return azure.MeshRevisionProfile(
        id=ArmId(
            f"{SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/{location}/meshRevisionProfiles/istio"
        ),
        name="istio",
        properties=azure.MeshRevisionProperties(
            mesh_revisions=tuple(
                azure.MeshRevision(
                    revision=revision,
                    compatible_with=tuple(
                        azure.CompatibleVersions(name=Token(plan), versions=tuple(versions))
                        for plan, versions in plans.items()
                    ),
                )
                for revision, plans in revisions.items()
            )
        ),
    )


def maintenance(name: str, window: azure.MaintenanceWindow | None, *, cluster_name: str = "aks") -> azure.Resource:
    """A maintenance configuration; one of the old make has no window."""
    return azure.MaintenanceConfiguration(
        id=ArmId(f"{cluster(cluster_name).id}/maintenanceConfigurations/{name}"),
        name=name,
        properties=azure.MaintenanceConfigurationProperties(maintenance_window=window),
    )
