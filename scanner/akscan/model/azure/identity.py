"""Microsoft.ManagedIdentity: user-assigned identities and who may act as them."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.azure.base import Resource, Rest
from akscan.model.text import Token


class UserAssignedIdentityProperties(Rest, frozen=True, kw_only=True):
    principal_id: Token = Token()
    client_id: str = ""


class UserAssignedIdentity(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.ManagedIdentity/userAssignedIdentities")
    properties: UserAssignedIdentityProperties = UserAssignedIdentityProperties()


class FederatedCredentialProperties(Rest, frozen=True, kw_only=True):
    issuer: str = ""
    subject: str = ""
    audiences: tuple[str, ...] = ()


class FederatedCredential(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials")
    properties: FederatedCredentialProperties = FederatedCredentialProperties()

    @property
    def service_account(self) -> tuple[str, str] | None:
        """Namespace and name of the service account that it trusts; None for a subject of another form."""
        parts = self.properties.subject.split(":")
        match parts:
            case ["system", "serviceaccount", namespace, name] if namespace and name:
                return namespace, name
            case _:
                return None
