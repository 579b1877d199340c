"""How findings name role assignments and whom they are for."""

from collections.abc import Mapping

from akscan.sdk import EffectiveAssignment, EvidenceValue, Finding, Inventory, if_known


def searched(principal: str, inventory: Inventory) -> dict[str, EvidenceValue]:
    """Where the assignments of a principal were looked for."""
    groups = inventory.groups_of(principal)
    return {
        "searchedSubscriptions": inventory.searched_subscriptions,
        "groups": "direct assignments only" if groups is None else groups,
    }


def granted(held: EffectiveAssignment, evidence: Mapping[str, EvidenceValue], *, why: str = "") -> Finding:
    """A finding about one assignment."""
    assignment, role = held.assignment, if_known(lambda: held.role_name)
    facts = {
        "roleDefinitionId": assignment.role_guid,
        "scope": str(held.scope),
        "condition": assignment.properties.condition,
        "group": held.group,
    }
    through = f" through group {held.group}" if held.group else ""
    return Finding(
        f"{role} on {held.scope}{through}" + (f" {why}" if why else ""),
        {
            **evidence,
            f"roleAssignments/{assignment.name}": (role, *(f"{key} {fact}" for key, fact in facts.items() if fact)),
        },
        fill={"role_assignment_id": assignment.id},
    )


def described(held: EffectiveAssignment) -> str:
    """One line about an assignment."""
    return f"{if_known(lambda: held.role_name)} on {held.scope}"
