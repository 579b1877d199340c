"""Who holds what on a resource, for how long, and who may take it up: role assignments by scope, and what Privileged
Identity Management says of them
(https://learn.microsoft.com/entra/id-governance/privileged-identity-management/pim-configure).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from akscan.model.assignments import ScopeIndex
from akscan.model.roles import (
    Grant,
    RoleAssignment,
    RoleAssignmentScheduleInstance,
    RoleDefinition,
    RoleEligibilityScheduleInstance,
)
from akscan.model.text import ArmId, Token

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory

G = TypeVar("G", bound=Grant)


class Grants:
    """The grants of an inventory. What is known proves who holds something; `require` that nobody else does."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def known(self, resource: ArmId) -> tuple[RoleAssignment, ...]:
        """The assignments that count on a resource, the widest first, among those that were read."""
        return self._inventory.assignment_index.reaching(resource)

    def require(self, resource: ArmId) -> None:
        """Raises `NotCollected` where an assignment on a resource may be missing."""
        self._inventory.within(RoleAssignment, resource.subscription_scope)

    def known_eligible(self, resource: ArmId) -> tuple[RoleEligibilityScheduleInstance, ...]:
        """What somebody may activate on a resource, among that which was read."""
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
    def _eligible(self) -> ScopeIndex[RoleEligibilityScheduleInstance]:
        return ScopeIndex(self._inventory.known(RoleEligibilityScheduleInstance))

    @cached_property
    def _ending(self) -> frozenset[tuple[Token, Token, ArmId]]:
        return frozenset(_key(one) for one in self._inventory.known(RoleAssignmentScheduleInstance) if one.ends)


def _key(grant: RoleAssignment | RoleAssignmentScheduleInstance) -> tuple[Token, Token, ArmId]:
    held = grant.properties
    return held.principal_id, Token(held.role_definition_id.name), held.scope
