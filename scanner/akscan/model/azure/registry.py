"""Microsoft.ContainerRegistry: registries and what they cache."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from akscan.model.azure.base import Resource, Rest
from akscan.model.azure.key_vault import PrivateEndpointConnection
from akscan.model.text import Token


class RegistrySku(Rest, frozen=True, kw_only=True):
    name: Token = Token()


class PolicyStatus(Rest, frozen=True, kw_only=True):
    status: Token = Token("enabled")


class RegistryPolicies(Rest, frozen=True, kw_only=True):
    azure_ad_authentication_as_arm_policy: PolicyStatus = msgspec.field(
        name="azureADAuthenticationAsArmPolicy", default=PolicyStatus()
    )


class RegistryProperties(Rest, frozen=True, kw_only=True):
    login_server: Token = Token()
    admin_user_enabled: bool = False
    anonymous_pull_enabled: bool = False
    role_assignment_mode: Token = Token("LegacyRegistryPermissions")
    public_network_access: Token = Token("Enabled")
    policies: RegistryPolicies = RegistryPolicies()
    private_endpoint_connections: tuple[PrivateEndpointConnection, ...] = ()


class ContainerRegistry(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.ContainerRegistry/registries")
    sku: RegistrySku = RegistrySku()
    properties: RegistryProperties = RegistryProperties()

    @property
    def has_repository_permissions(self) -> bool:
        """Whether rights are decided by repository (ABAC), so that registry-wide pull roles count for nothing
        (https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions).
        """
        return self.properties.role_assignment_mode == "AbacRepositoryPermissions"

    @property
    def private_endpoint_states(self) -> tuple[Token, ...]:
        """Pending, Approved, Rejected or Disconnected, one for each private endpoint."""
        connections = self.properties.private_endpoint_connections
        return tuple(c.properties.private_link_service_connection_state.status for c in connections)


class CacheRuleProperties(Rest, frozen=True, kw_only=True):
    source_repository: Token = Token()
    target_repository: Token = Token()


class CacheRule(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.ContainerRegistry/registries/cacheRules")
    properties: CacheRuleProperties = CacheRuleProperties()
