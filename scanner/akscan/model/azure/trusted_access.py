"""Trusted Access: other Azure resources that an API server lets in
(https://learn.microsoft.com/azure/aks/trusted-access-feature).
"""

from __future__ import annotations

from typing import ClassVar

from akscan.model.azure.base import Resource, Rest
from akscan.model.text import ArmId, Token

_PROVIDER_AND_TYPE = 2


class TrustedAccessRoleBindingProperties(Rest, frozen=True, kw_only=True):
    # without defaults: a binding of nothing would be an entrance that no rule sees
    source_resource_id: ArmId
    roles: tuple[str, ...] = ()
    provisioning_state: Token = Token()


class TrustedAccessRoleBinding(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings")
    properties: TrustedAccessRoleBindingProperties

    @property
    def source_is_listed(self) -> bool:
        """Whether its source is of a type that stands in the list of a subscription's resources: settings of Microsoft
        Defender for Cloud and what is nested in a resource do not.
        """
        parts = self.properties.source_resource_id.type.split("/")
        return len(parts) == _PROVIDER_AND_TYPE and parts[0] != Token("Microsoft.Security")


class ListedResource(Resource, frozen=True, kw_only=True):
    """An entry of the list of all resources of a subscription
    (https://learn.microsoft.com/rest/api/resources/resources/list): that a resource exists, and nothing else of it.
    """

    arm_type: ClassVar = Token("Microsoft.Resources/subscriptions/resources")
