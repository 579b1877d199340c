"""Microsoft.ContainerRegistry: registries."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.azure.base import Resource, Rest
from akscan.model.text import Token


class RegistryProperties(Rest, frozen=True, kw_only=True):
    login_server: Token = Token()


class ContainerRegistry(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.ContainerRegistry/registries")
    properties: RegistryProperties = RegistryProperties()
