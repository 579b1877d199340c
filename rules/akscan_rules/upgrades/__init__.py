"""Kubernetes versions, node images, maintenance, drains."""

from akscan.sdk import Need

#: What tells whether Fleet Manager upgrades a cluster.
FLEET_NEEDS = (Need.FLEETS, Need.FLEET_MEMBERS, Need.FLEET_AUTO_UPGRADE_PROFILES)
#: The channels of a fleet that move the Kubernetes version.
FLEET_CHANNELS = ("Stable", "Rapid", "TargetKubernetesVersion")
