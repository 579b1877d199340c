"""Microsoft.Resources and Microsoft.Management: subscriptions, groups of them, resource groups."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.azure.base import Resource, Tagged
from akscan.model.text import Location, Token


class Subscription(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Resources/subscriptions")
    subscription_id: str = ""
    display_name: str = ""
    state: Token = Token("Enabled")
    tenant_id: str = ""


class ManagementGroupDescendant(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Management/managementGroups/descendants")
    type: Token = Token()


class ResourceGroup(Tagged, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Resources/subscriptions/resourceGroups")
    location: Location = Location()
