"""Microsoft.Network: private endpoints."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.azure.base import Reference, Resource, Rest
from akscan.model.text import Token


class PrivateEndpointProperties(Rest, frozen=True, kw_only=True):
    subnet: Reference = Reference()


class PrivateEndpoint(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/privateEndpoints")
    properties: PrivateEndpointProperties = PrivateEndpointProperties()
