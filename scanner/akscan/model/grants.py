"""Who holds what on a resource, for how long, and who may take it up: role assignments by scope, and what Privileged
Identity Management says of them
(https://learn.microsoft.com/entra/id-governance/privileged-identity-management/pim-configure).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from akscan.model.azure import Resource, Rest
from akscan.model.roles import RoleAssignment, RoleDefinition, reaches
from akscan.model.text import ArmId, Token

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory

_ROOT = ArmId("/")


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
G = TypeVar("G", bound=Grant)


class _ByScope(Generic[G]):
    """Found from a resource upwards; what stands above subscriptions, by the subscriptions that it is listed for."""

    def __init__(self, grants: Iterable[G]) -> None:
        self._at: dict[ArmId, list[G]] = defaultdict(list)
        for grant in grants:
            scope = grant.properties.scope
            for key in (scope,) if scope.subscription or scope == _ROOT else grant.listed_for:
                self._at[key].append(grant)

    def reaching(self, resource: ArmId) -> tuple[G, ...]:
        found = (grant for scope in dict.fromkeys(_upwards(resource)) for grant in self._at.get(scope, ()))
        return tuple(sorted((grant for grant in found if grant.reaches(resource)), key=lambda grant: grant.id))


def _upwards(resource: ArmId) -> Iterator[ArmId]:
    here = resource
    while here:
        yield here
        here = here.parent
    if resource.resource_group:
        yield ArmId(f"{resource.subscription_scope}/resourceGroups/{resource.resource_group}")
    yield from (resource.subscription_scope, _ROOT)


class Grants:
    """The grants of an inventory. What is known proves who holds something; `require` that nobody else does."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def known(self, resource: ArmId) -> tuple[RoleAssignment, ...]:
        """The assignments that count on a resource, by id, among those that were read."""
        return self._assignments.reaching(resource)

    def require(self, resource: ArmId) -> None:
        """Raises `NotCollected` where an assignment on a resource may be missing."""
        self._inventory.within(RoleAssignment, resource.subscription_scope)

    def known_eligible(self, resource: ArmId) -> tuple[RoleEligibilityScheduleInstance, ...]:
        """What somebody may activate on a resource, by id, among that which was read."""
        return self._eligible.reaching(resource)

    def require_eligible(self, resource: ArmId) -> None:
        """Raises `NotCollected` where something that could be activated on a resource may be missing."""
        self._inventory.within(RoleEligibilityScheduleInstance, resource.subscription_scope)

    def by_role(self, grants: Iterable[G], is_wanted: Callable[[RoleDefinition], bool]) -> tuple[list[G], list[G]]:
        """Those whose role is wanted, and those of whose role nothing was read."""
        wanted: list[G] = []
        unread: list[G] = []
        for grant in grants:
            role = self._inventory.known_role(grant.role_guid)
            if role is None:
                unread.append(grant)
            elif is_wanted(role):
                wanted.append(grant)
        return wanted, unread

    def require_roles(self, unread: Collection[Grant]) -> None:
        """Raises `NotCollected` where there are grants of roles that nobody read, unless those roles are gone."""
        if unread:
            self._inventory.require_complete(RoleDefinition)

    def is_standing(self, assignment: RoleAssignment, resource: ArmId) -> bool:
        """Whether an assignment that counts on a resource lasts until somebody takes it away.

        Raises `NotCollected` where that was not read.
        """
        if _key(assignment) in self._ending:
            return False
        self._inventory.within(RoleAssignmentScheduleInstance, resource.subscription_scope)
        return True

    @cached_property
    def _assignments(self) -> _ByScope[RoleAssignment]:
        return _ByScope(self._inventory.known(RoleAssignment))

    @cached_property
    def _eligible(self) -> _ByScope[RoleEligibilityScheduleInstance]:
        return _ByScope(self._inventory.known(RoleEligibilityScheduleInstance))

    @cached_property
    def _ending(self) -> frozenset[tuple[Token, Token, ArmId]]:
        return frozenset(_key(one) for one in self._inventory.known(RoleAssignmentScheduleInstance) if one.ends)


def _key(grant: RoleAssignment | RoleAssignmentScheduleInstance) -> tuple[Token, Token, ArmId]:
    held = grant.properties
    return held.principal_id, Token(held.role_definition_id.name), held.scope
