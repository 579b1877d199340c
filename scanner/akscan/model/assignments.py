"""Role assignments by whom they are for and by what they reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from akscan.model.azure import UserAssignedIdentity
from akscan.model.gaps import NotCollected, untold
from akscan.model.needs import Need
from akscan.model.roles import (
    PULL_ROLES,
    Grant,
    RoleAssignment,
    RoleDefinition,
    is_management_group,
)
from akscan.model.text import ArmId, Token

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory

G = TypeVar("G", bound=Grant)

_CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
_ASSIGN_ROLES = "Microsoft.Authorization/roleAssignments/write"


@dataclass(frozen=True, slots=True)
class EffectiveAssignment:
    """A role assignment that reaches a principal; ``group`` is the group through which it does, or empty."""

    assignment: RoleAssignment
    group: str
    inventory: Inventory = field(repr=False, compare=False)

    @property
    def scope(self) -> ArmId:
        return self.assignment.properties.scope

    @property
    def role(self) -> RoleDefinition | None:
        """Its role; None where there is none of that id any more. Raises `NotCollected` where roles were not read."""
        return self.inventory.role(self.assignment)

    @property
    def role_name(self) -> str:
        """The name of the role, or its id where there is no such role. Raises `NotCollected` like `role`."""
        role = self.role
        return str(role.properties.role_name) if role else str(self.assignment.role_guid)

    def grants(self, action: str, *, data: bool = False) -> bool:
        """Whether its role grants an action (with ``data`` one of the data plane). A condition does not undo the grant.
        Raises `NotCollected` like `role`.
        """
        role = self.role
        return role is not None and (role.grants_data(action) if data else role.grants(action))

    @property
    def grants_roles(self) -> bool:
        """Whether its holder can assign roles. Raises `NotCollected` like `role`."""
        return self.grants(_ASSIGN_ROLES)

    @property
    def grants_everything(self) -> bool:
        """Whether its role is Contributor, or a custom role of all actions. Raises `NotCollected` like `role`."""
        if self.assignment.role_guid == _CONTRIBUTOR:
            return True
        role = self.role
        return role is not None and role.is_custom_wildcard

    def is_one_of(self, roles: Iterable[str]) -> bool:
        """Whether its role is one of these, by GUID."""
        return self.assignment.role_guid in {Token(ArmId(guid).name) for guid in roles}

    def only_pulls(self, *, or_is: Iterable[str] = ()) -> bool:
        """Whether its role lets the holder pull images and do nothing else, or is one of these (names or ids). Raises
        `NotCollected` where only the definition of the role would tell.
        """
        others = tuple(Token(entry) for entry in or_is)
        if self.assignment.role_guid in {*PULL_ROLES, *(Token(ArmId(entry).name) for entry in others)}:
            return True
        role = self.role
        return role is not None and (role.is_pull_only or role.properties.role_name in others)


class ScopeIndex(Generic[G]):
    """Finds what is granted on a resource without walking through all that is granted."""

    def __init__(self, grants: Iterable[G]) -> None:
        self._by_scope: dict[tuple[str, ...], list[G]] = defaultdict(list)
        self._from_above: dict[ArmId, list[G]] = defaultdict(list)
        for grant in grants:
            if is_management_group(grant.properties.scope):
                for subscription in grant.listed_for:
                    self._from_above[subscription].append(grant)
            elif grant.properties.scope:
                self._by_scope[grant.properties.scope.segments].append(grant)

    def at(self, scope: ArmId) -> tuple[G, ...]:
        """What is granted at exactly this scope."""
        return tuple(self._by_scope.get(scope.segments, ()))

    def reaching(self, resource: ArmId) -> tuple[G, ...]:
        """What counts on a resource (`RoleAssignment.reaches`), the widest first."""
        parts = resource.segments
        above = self._from_above.get(resource.subscription_scope, ())
        inherited = (found for n in range(len(parts) + 1) for found in self._by_scope.get(parts[:n], ()))
        return (*above, *inherited)


class AssignmentIndex(ScopeIndex[RoleAssignment]):
    """Finds the assignments of a principal, too."""

    def __init__(self, assignments: Sequence[RoleAssignment]) -> None:
        super().__init__(assignments)
        self._by_principal: dict[Token, list[RoleAssignment]] = defaultdict(list)
        for assignment in assignments:
            self._by_principal[assignment.properties.principal_id].append(assignment)

    def of(self, principal: Token) -> tuple[RoleAssignment, ...]:
        """The assignments of one principal itself."""
        return tuple(self._by_principal.get(principal, ()))


def require_membership(
    inventory: Inventory, principal: str, resource: ArmId, action: str, *, data: bool = False
) -> None:
    """Raises `NotCollected` where a group that may hold the principal has a role that grants the action on the
    resource. Whether it does is known where ARM named the principal's groups in a subscription in which that group
    has an assignment.
    """
    index, groups = inventory.assignment_index, inventory.groups_of(principal) or ()
    for assignment in index.reaching(resource):
        held = EffectiveAssignment(assignment, str(assignment.properties.principal_id), inventory)
        is_group = assignment.properties.principal_type == "Group"
        if not is_group or held.group in groups or not held.grants(action, data=data):
            continue
        listed = {one for found in index.of(assignment.properties.principal_id) for one in found.listed_for}
        if not any(inventory.knows_groups(principal, subscription) for subscription in listed):
            raise NotCollected(
                untold(
                    "arm",
                    resource,
                    f"group {held.group} holds a sufficient role here, and its members were not read",
                    Need.ROLE_ASSIGNMENTS,
                )
            )


def may_hold(inventory: Inventory, principal: str, other: str) -> bool:
    """Whether an object of which only the id is known may be a group with the principal in it: no managed identity, and
    what role assignments say of it is neither that it is no group nor that the principal is not among its members.
    """
    if any(one.properties.principal_id == other for one in inventory.known(UserAssignedIdentity)):
        return False
    held = inventory.assignment_index.of(Token(other))
    if any(one.properties.principal_type not in ("", "Group") for one in held):
        return False
    listed = {subscription for one in held for subscription in one.listed_for}
    asked = any(inventory.knows_groups(principal, subscription) for subscription in listed)
    return not asked or other in (inventory.groups_of(principal) or ())
