"""Microsoft.KeyVault: vaults, and what ARM tells of the keys and secrets in them."""

from __future__ import annotations

from datetime import UTC, datetime
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
    enable_soft_delete: bool = True
    soft_delete_retention_in_days: int = 90
    #: absent means off, and is shown as absent
    enable_purge_protection: bool | None = None
    create_mode: Token = Token("default")


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
    def admits_chosen_networks_only(self) -> bool:
        """Whether public access is off, or a firewall denies by default."""
        return self.properties.public_network_access == "Disabled" or self.network_acls.default_action == "Deny"

    def policies_of(self, principal: str) -> tuple[AccessPolicy, ...]:
        """The access policies for a principal; none where role assignments decide."""
        if self.properties.enable_rbac_authorization:
            return ()
        return tuple(policy for policy in self.properties.access_policies if policy.object_id == principal)

    @property
    def approved_private_endpoints(self) -> tuple[PrivateEndpointConnection, ...]:
        connections = self.properties.private_endpoint_connections
        return tuple(c for c in connections if c.properties.private_link_service_connection_state.status == "Approved")


class ObjectAttributes(Rest, frozen=True, kw_only=True):
    """Of a key or secret; ``exp`` counts seconds since 1970."""

    enabled: bool = True
    exp: int | None = None

    def expires_by(self, moment: datetime) -> bool:
        """Whether it has an end, and that comes no later."""
        return self.exp is not None and self.exp <= moment.timestamp()

    @property
    def expiry(self) -> str:
        """The date of its end, or an empty string."""
        return datetime.fromtimestamp(self.exp, UTC).date().isoformat() if self.exp is not None else ""


class VaultSecretProperties(Rest, frozen=True, kw_only=True):
    attributes: ObjectAttributes = ObjectAttributes()


class VaultSecret(Resource, frozen=True, kw_only=True):
    """A secret in its newest version; ARM never returns its value, and no field of this struct could hold it."""

    arm_type: ClassVar = Token("Microsoft.KeyVault/vaults/secrets")
    properties: VaultSecretProperties = VaultSecretProperties()


class RotationAction(Rest, frozen=True, kw_only=True):
    type: Token = Token()


class LifetimeAction(Rest, frozen=True, kw_only=True):
    action: RotationAction = RotationAction()


class RotationPolicy(Rest, frozen=True, kw_only=True):
    lifetime_actions: tuple[LifetimeAction, ...] = ()


class KeyProperties(Rest, frozen=True, kw_only=True):
    attributes: ObjectAttributes = ObjectAttributes()
    rotation_policy: RotationPolicy = RotationPolicy()


class Key(Resource, frozen=True, kw_only=True):
    """A key in its newest version."""

    arm_type: ClassVar = Token("Microsoft.KeyVault/vaults/keys")
    properties: KeyProperties = KeyProperties()

    @property
    def rotates(self) -> bool:
        """Whether the vault makes a new version before it ends
        (https://learn.microsoft.com/azure/key-vault/keys/how-to-configure-key-rotation).
        """
        return any(one.action.type == "rotate" for one in self.properties.rotation_policy.lifetime_actions)


class KeyVersion(Key, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.KeyVault/vaults/keys/versions")
