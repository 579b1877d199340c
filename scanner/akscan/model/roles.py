"""Azure role assignments: who may do what where (https://learn.microsoft.com/azure/role-based-access-control/overview)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import ClassVar

from akscan.model.azure import Resource, Rest
from akscan.model.text import ArmId, Token

#: What the kubelet needs to pull images, and nothing else: AcrPull, Container Registry Repository Reader and Container
#: Registry Repository Catalog Lister (https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/containers).
PULL_ROLES = frozenset(
    {
        "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        "b93aa761-3e63-49ed-ac28-beffa264f7ac",
        "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7",
    }
)
_PULL_ACTIONS = frozenset(
    Token(f"Microsoft.ContainerRegistry/registries/{action}")
    for action in (
        "read",
        "pull/read",
        "repositories/content/read",
        "repositories/metadata/read",
        "catalog/repositories/read",
    )
)


class Permission(Rest, frozen=True, kw_only=True):
    actions: tuple[Token, ...] = ()
    not_actions: tuple[Token, ...] = ()
    data_actions: tuple[Token, ...] = ()
    not_data_actions: tuple[Token, ...] = ()

    def grants(self, action: str) -> bool:
        """Whether it allows the control-plane action and does not take it away again."""
        return _matches(self.actions, action) and not _matches(self.not_actions, action)

    def grants_data(self, action: str) -> bool:
        """The same of a data-plane action."""
        return _matches(self.data_actions, action) and not _matches(self.not_data_actions, action)


class RoleDefinitionProperties(Rest, frozen=True, kw_only=True):
    role_name: Token = Token()
    type: Token = Token("BuiltInRole")
    permissions: tuple[Permission, ...] = ()


class RoleDefinition(Resource, frozen=True, kw_only=True):
    """A role; the same built-in role has another id in every subscription, so roles are told apart by `guid`."""

    arm_type: ClassVar = Token("Microsoft.Authorization/roleDefinitions")
    properties: RoleDefinitionProperties = RoleDefinitionProperties()

    @property
    def guid(self) -> Token:
        return Token(self.id.name)

    def grants(self, action: str) -> bool:
        """Whether one permission allows the control-plane action."""
        return any(permission.grants(action) for permission in self.properties.permissions)

    def grants_data(self, action: str) -> bool:
        """Whether one permission allows the data-plane action."""
        return any(permission.grants_data(action) for permission in self.properties.permissions)

    def grants_all_data(self, actions: str) -> bool:
        """Whether one permission allows all data-plane actions of a wildcard and takes none away again."""
        return any(p.grants_data(actions) and not p.not_data_actions for p in self.properties.permissions)

    @property
    def is_custom(self) -> bool:
        """Whether the customer wrote it, so that only its definition tells what it grants."""
        return self.properties.type == "CustomRole"

    @property
    def is_custom_wildcard(self) -> bool:
        """Whether it is a custom role of all actions."""
        return self.is_custom and any("*" in permission.actions for permission in self.properties.permissions)

    @property
    def is_pull_only(self) -> bool:
        """Whether the role lets its holder pull images and do nothing else."""
        if self.guid in PULL_ROLES:
            return True
        granted = {
            action
            for permission in self.properties.permissions
            for action in (*permission.actions, *permission.data_actions)
        }
        return self.is_custom and granted <= _PULL_ACTIONS


class RoleAssignmentProperties(Rest, frozen=True, kw_only=True):
    # without defaults: an assignment of nobody or of nothing would be a grant that no rule sees
    principal_id: Token
    role_definition_id: ArmId
    scope: ArmId
    principal_type: Token = Token()
    condition: str = ""


class RoleAssignment(Resource, frozen=True, kw_only=True):
    """An assignment. ``listed_for`` holds the subscriptions whose lists contain it: an assignment at a management group
    reaches exactly these.
    """

    arm_type: ClassVar = Token("Microsoft.Authorization/roleAssignments")
    properties: RoleAssignmentProperties
    listed_for: tuple[ArmId, ...] = ()

    @property
    def role_guid(self) -> Token:
        return Token(self.properties.role_definition_id.name)

    @property
    def is_broad(self) -> bool:
        """Whether the scope is a subscription, a management group or the tenant root."""
        scope = self.properties.scope
        return scope in ("/", scope.subscription_scope) or is_management_group(scope)

    def reaches(self, resource: ArmId) -> bool:
        """Whether the assignment counts on the resource: its scope is the resource or a parent of it."""
        return reaches(self.properties.scope, self.listed_for, resource)


def is_management_group(scope: ArmId) -> bool:
    """Whether a scope is a management group."""
    return scope.type == "Microsoft.Management/managementGroups"


def reaches(scope: ArmId, listed_for: Collection[ArmId], resource: ArmId) -> bool:
    """Whether what is held at a scope, and listed for some subscriptions, counts on a resource."""
    if is_management_group(scope):
        return resource.subscription_scope in listed_for
    return scope.contains(resource)


class InstanceProperties(Rest, frozen=True, kw_only=True):
    # without defaults, like those of an assignment
    principal_id: Token
    role_definition_id: ArmId
    scope: ArmId
    principal_type: Token = Token()
    assignment_type: Token = Token()
    end_date_time: str = ""


class RoleAssignmentScheduleInstance(Resource, frozen=True, kw_only=True):
    """An active assignment as Privileged Identity Management sees it
    (https://learn.microsoft.com/rest/api/authorization/role-assignment-schedule-instances/list-for-scope).
    """

    arm_type: ClassVar = Token("Microsoft.Authorization/roleAssignmentScheduleInstances")
    properties: InstanceProperties

    @property
    def ends(self) -> bool:
        """Whether it ends by itself: it was activated, or has an end."""
        return self.properties.assignment_type == "Activated" or bool(self.properties.end_date_time)


class RoleEligibilityScheduleInstance(Resource, frozen=True, kw_only=True):
    """A role that a principal may activate
    (https://learn.microsoft.com/rest/api/authorization/role-eligibility-schedule-instances/list-for-scope).
    ``listed_for`` as for an assignment.
    """

    arm_type: ClassVar = Token("Microsoft.Authorization/roleEligibilityScheduleInstances")
    properties: InstanceProperties
    listed_for: tuple[ArmId, ...] = ()

    @property
    def role_guid(self) -> Token:
        return Token(self.properties.role_definition_id.name)

    def reaches(self, resource: ArmId) -> bool:
        """Whether it counts on the resource: its scope is the resource or a parent of it."""
        return reaches(self.properties.scope, self.listed_for, resource)


Grant = RoleAssignment | RoleEligibilityScheduleInstance


class AssignedTo(Resource, frozen=True, kw_only=True):
    """The answer to ``$filter=assignedTo('{principal}')`` in one subscription: what reaches a principal directly or
    through its groups (https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-subscription).
    """

    arm_type: ClassVar = Token("Microsoft.Authorization/roleAssignments/assignedTo")
    principal_id: Token = Token()
    assignments: tuple[RoleAssignment, ...] = ()

    @property
    def groups(self) -> frozenset[Token]:
        """The groups of the principal that hold any assignment here."""
        return frozenset(assignment.properties.principal_id for assignment in self.assignments) - {self.principal_id}


def assigned_to_id(subscription: str, principal: str) -> ArmId:
    """The id under which the answer about a principal in a subscription (``/subscriptions/{guid}``) is kept."""
    return ArmId(f"{subscription}/providers/Microsoft.Authorization/roleAssignments/assignedTo/{principal}")


class HeldPermissions(Resource, frozen=True, kw_only=True):
    """What the caller may do at a scope, inherited roles included: one entry for each of its roles
    (https://learn.microsoft.com/rest/api/authorization/permissions).
    """

    arm_type: ClassVar = Token("Microsoft.Authorization/permissions")
    permissions: tuple[Permission, ...] = ()

    def grants(self, action: str) -> bool:
        """Whether one of the roles allows the control-plane action: what one leaves out another may grant."""
        return any(permission.grants(action) for permission in self.permissions)


def held_permissions_id(scope: str) -> ArmId:
    """The id under which the answer about a subscription or resource is kept."""
    return ArmId(f"{scope}/providers/{HeldPermissions.arm_type}/held")


@lru_cache(maxsize=4096)
def _pattern(action: str) -> re.Pattern[str]:
    """A wildcard between slashes may stand for nothing: Managed Identity Operator holds
    userAssignedIdentities/*/assign/action, and with it may assign (userAssignedIdentities/assign/action).
    """
    parts = (".*".join(map(re.escape, part.split("*"))) for part in action.split("/*/"))
    return re.compile("/(?:.*/)?".join(parts), re.IGNORECASE | re.DOTALL)


def _matches(patterns: Iterable[str], action: str) -> bool:
    return any(_pattern(str(pattern)).fullmatch(action) for pattern in patterns)
