"""Microsoft.Network: private DNS zones, which networks see them, and what they hold."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.azure.base import Reference, Resource, Rest
from akscan.model.text import Token


class PrivateDnsZone(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/privateDnsZones")


class PrivateDnsLinkProperties(Rest, frozen=True, kw_only=True):
    virtual_network: Reference = Reference()
    virtual_network_link_state: Token = Token()


class PrivateDnsLink(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/privateDnsZones/virtualNetworkLinks")
    properties: PrivateDnsLinkProperties = PrivateDnsLinkProperties()


class PrivateDnsRecord(Resource, frozen=True, kw_only=True):
    """A record set of type A; its name is that of the host below the zone."""

    arm_type: ClassVar = Token("Microsoft.Network/privateDnsZones/A")
