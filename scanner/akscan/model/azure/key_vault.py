"""Microsoft.KeyVault: vaults."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.azure.base import Reference, Resource, Rest
from akscan.model.text import Location, Token


class NetworkAcls(Rest, frozen=True, kw_only=True):
    default_action: Token = Token()
    bypass: Token = Token()
    ip_rules: tuple[dict[str, str], ...] = ()
    virtual_network_rules: tuple[Reference, ...] = ()


class PrivateLinkServiceConnectionState(Rest, frozen=True, kw_only=True):
    status: Token = Token()


class PrivateEndpointConnectionProperties(Rest, frozen=True, kw_only=True):
    private_link_service_connection_state: PrivateLinkServiceConnectionState = PrivateLinkServiceConnectionState()
    private_endpoint: Reference = Reference()


class PrivateEndpointConnection(Rest, frozen=True, kw_only=True):
    properties: PrivateEndpointConnectionProperties = PrivateEndpointConnectionProperties()


class VaultPermissions(Rest, frozen=True, kw_only=True):
    keys: tuple[Token, ...] = ()
    secrets: tuple[Token, ...] = ()
    certificates: tuple[Token, ...] = ()
    storage: tuple[Token, ...] = ()


class AccessPolicy(Rest, frozen=True, kw_only=True):
    object_id: Token = Token()
    permissions: VaultPermissions = VaultPermissions()

    @property
    def granted(self) -> tuple[str, ...]:
        """What it permits, as ``secrets get``."""
        permissions = self.permissions
        kinds = ("keys", "secrets", "certificates", "storage")
        return tuple(f"{kind} {one.casefold()}" for kind in kinds for one in getattr(permissions, kind))


class VaultProperties(Rest, frozen=True, kw_only=True):
    vault_uri: str = ""
    enable_rbac_authorization: bool = False
    access_policies: tuple[AccessPolicy, ...] = ()
    public_network_access: Token = Token("Enabled")
    network_acls: NetworkAcls | None = None
    private_endpoint_connections: tuple[PrivateEndpointConnection, ...] = ()


class Vault(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.KeyVault/vaults")
    location: Location = Location()
    properties: VaultProperties = VaultProperties()

    @property
    def network_acls(self) -> NetworkAcls:
        """The firewall; without one the empty set of rules, which has no default action."""
        return self.properties.network_acls or NetworkAcls()

    @property
    def is_public(self) -> bool:
        """Whether every address of the Internet reaches it: public access is on and no firewall denies by default
        (https://learn.microsoft.com/azure/key-vault/general/network-security).
        """
        closed = self.properties.public_network_access in (Token("Disabled"), Token("SecuredByPerimeter"))
        return not closed and self.network_acls.default_action != "Deny"

    @property
    def approved_private_endpoints(self) -> tuple[PrivateEndpointConnection, ...]:
        connections = self.properties.private_endpoint_connections
        return tuple(c for c in connections if c.properties.private_link_service_connection_state.status == "Approved")
