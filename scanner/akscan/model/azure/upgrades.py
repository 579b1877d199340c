"""What upgrades clusters, and what with: overrides, Fleet Manager, node images, revisions of the Istio add-on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import ClassVar

from akscan.model.azure.base import Resource, Rest
from akscan.model.text import ArmId, Token

#: Of Linux the day of the build (202608.14.0, in older names 2022.10.17), of Windows the same without the century.
_IMAGE_DATES = (
    re.compile(r"-(?P<y>\d{4})(?P<m>\d{2})\.(?P<d>\d{2})\.\d+$"),
    re.compile(r"-(?P<y>\d{4})\.(?P<m>\d{2})\.(?P<d>\d{2})$"),
    re.compile(r"\.(?P<y>\d{2})(?P<m>\d{2})(?P<d>\d{2})$"),
)
_SECURITY_SUFFIX = re.compile(r"^(?P<image>.*-\d{6}\.\d{2}\.\d+)-(?P<y>\d{4})\.(?P<m>\d{2})\.(?P<d>\d{2})$")
_CENTURY = 2000


class UpgradeOverride(Rest, frozen=True, kw_only=True):
    """https://learn.microsoft.com/azure/aks/stop-cluster-upgrade-api-breaking-changes"""

    force_upgrade: bool = False
    until: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether upgrades skip their checks; without an end the override has no effect."""
        return self.force_upgrade and self.until is not None and self.until.astimezone(UTC) > now


class ClusterUpgradeSettings(Rest, frozen=True, kw_only=True):
    override_settings: UpgradeOverride | None = None


class AgentPoolUpgradeProperties(Rest, frozen=True, kw_only=True):
    latest_node_image_version: str = ""


class AgentPoolUpgradeProfile(Resource, frozen=True, kw_only=True):
    """What one pool can go to; the newest image is that of all pools with its kind of image in the location."""

    arm_type: ClassVar = Token("Microsoft.ContainerService/managedClusters/agentPools/upgradeProfiles")
    properties: AgentPoolUpgradeProperties = AgentPoolUpgradeProperties()


def image_kind(image: str) -> str:
    """The name of a node image without its build, in lower case; the whole name where no build can be told."""
    whole = image_without_patches(image)
    found = next((m for pattern in _IMAGE_DATES if (m := pattern.search(whole))), None)
    return whole[: found.start()].casefold() if found else whole.casefold()


def image_date(image: str) -> date | None:
    """The day of a node image (https://learn.microsoft.com/azure/aks/node-images), with a security suffix that of the
    suffix.
    """
    found = _SECURITY_SUFFIX.match(image) or next((m for p in _IMAGE_DATES if (m := p.search(image))), None)
    return _day(found.groupdict()) if found else None


def image_without_patches(image: str) -> str:
    """The name of a node image without the suffix that security patches add on the node."""
    found = _SECURITY_SUFFIX.match(image)
    return found["image"] if found else image


def _day(parts: Mapping[str, str]) -> date | None:
    year = int(parts["y"])
    try:
        return date(year if year > _CENTURY else year + _CENTURY, int(parts["m"]), int(parts["d"]))
    except ValueError:
        return None


class Fleet(Resource, frozen=True, kw_only=True):
    """https://learn.microsoft.com/azure/kubernetes-fleet/overview"""

    arm_type: ClassVar = Token("Microsoft.ContainerService/fleets")


class FleetMemberProperties(Rest, frozen=True, kw_only=True):
    cluster_resource_id: ArmId = ArmId()


class FleetMember(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.ContainerService/fleets/members")
    properties: FleetMemberProperties = FleetMemberProperties()


class FleetAutoUpgradeProperties(Rest, frozen=True, kw_only=True):
    channel: Token = Token()
    disabled: bool = False


class FleetAutoUpgradeProfile(Resource, frozen=True, kw_only=True):
    """https://learn.microsoft.com/azure/kubernetes-fleet/update-automation"""

    arm_type: ClassVar = Token("Microsoft.ContainerService/fleets/autoUpgradeProfiles")
    properties: FleetAutoUpgradeProperties = FleetAutoUpgradeProperties()


class IstioServiceMesh(Rest, frozen=True, kw_only=True):
    revisions: tuple[str, ...] = ()


class ServiceMeshProfile(Rest, frozen=True, kw_only=True):
    mode: Token = Token("Disabled")
    istio: IstioServiceMesh = IstioServiceMesh()


class CompatibleVersions(Rest, frozen=True, kw_only=True):
    name: Token = Token()
    versions: tuple[str, ...] = ()


class MeshRevision(Rest, frozen=True, kw_only=True):
    revision: str = ""
    compatible_with: tuple[CompatibleVersions, ...] = ()


class MeshRevisionProperties(Rest, frozen=True, kw_only=True):
    mesh_revisions: tuple[MeshRevision, ...] = ()


class MeshRevisionProfile(Resource, frozen=True, kw_only=True):
    """The revisions of a service mesh that a location offers; its name is ``istio``."""

    arm_type: ClassVar = Token("Microsoft.ContainerService/locations/meshRevisionProfiles")
    properties: MeshRevisionProperties = MeshRevisionProperties()
