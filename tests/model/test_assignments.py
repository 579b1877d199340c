"""Effective role assignments, against a slow and obviously right reference."""

import pytest
from akscan.model.assignments import AssignmentIndex, require_membership
from akscan.model.gaps import NotCollected
from akscan.model.text import ArmId
from akscan.sdk import Need
from akscan.testing import GROUP, SUBSCRIPTION, inventory, member_of, role_assignment, role_definition
from hypothesis import given
from hypothesis import strategies as st

SUBSCRIPTIONS = [SUBSCRIPTION, "/subscriptions/00000000-0000-0000-0000-000000000002"]
MANAGEMENT_GROUPS = [
    "/providers/Microsoft.Management/managementGroups/corp",
    "/providers/Microsoft.Management/managementGroups/x",
]
READ, WRITE = "Microsoft.Network/virtualNetworks/read", "Microsoft.Network/virtualNetworks/write"
ROLES = [
    role_definition("r0", "everything but writing", actions=["*"], not_actions=["*/WRITE"]),
    role_definition("r1", "writer", actions=["microsoft.network/*/write"]),
    role_definition("r2", "reader of data", data_actions=["*/read"]),
]
PRINCIPALS = ["p0", "p1", "g0", "g1"]


@st.composite
def scopes(draw, *, wide=True):
    subscription = draw(st.sampled_from(SUBSCRIPTIONS))
    below = draw(
        st.sampled_from(
            [
                "",
                "/resourceGroups/rg",
                "/resourcegroups/RG2",
                "/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v",
                "/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/s",
                "/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vv",
            ]
        )
    )
    above = ["/", *MANAGEMENT_GROUPS] if wide else []
    return draw(st.sampled_from([f"{subscription}{below}", f"{subscription}{below}".upper(), *above]))


@st.composite
def assignments(draw):
    found = []
    for number in range(draw(st.integers(0, 12))):
        one = role_assignment(
            draw(st.sampled_from(PRINCIPALS)), draw(st.sampled_from(ROLES)), draw(scopes()), principal_type="User"
        )
        listed = draw(st.sets(st.sampled_from(SUBSCRIPTIONS), min_size=1))
        found.append(
            type(one)(
                id=ArmId(f"{one.id}{number}"),
                name=one.name,
                properties=one.properties,
                listed_for=tuple(ArmId(s) for s in sorted(listed)),
            )
        )
    return found


def reaches(assignment, resource):
    """Word by word: the scope is everything, a management group above the subscription, or a path to the resource."""
    scope = str(assignment.properties.scope).casefold()
    if "managementgroups" in scope:
        return any(str(resource).casefold().startswith(str(s).casefold()) for s in assignment.listed_for)
    wanted, path = [w for w in scope.split("/") if w], [w for w in str(resource).casefold().split("/") if w]
    return path[: len(wanted)] == wanted


@given(assignments(), scopes(wide=False).map(ArmId))
def test_what_reaches_a_resource_is_found_like_by_the_reference(found, resource):
    index = AssignmentIndex(found)
    expected = {a.id for a in found if reaches(a, resource)}
    got = index.reaching(resource)
    assert {a.id for a in got} == expected
    assert len(got) == len(expected)
    assert {a.id for a in found if a.reaches(resource)} == expected
    assert {a.id for a in index.at(resource)} == {a.id for a in found if a.properties.scope == resource}


@given(
    assignments(),
    st.sampled_from(PRINCIPALS[:2]),
    st.sets(st.sampled_from(PRINCIPALS[2:])),
    scopes(wide=False).map(ArmId),
    st.sampled_from([READ, WRITE]),
)
def test_what_a_principal_may_do_is_found_like_by_the_reference(found, principal, groups, resource, action):
    of_groups = [role_assignment(group, ROLES[2], GROUP) for group in sorted(groups)]
    world = inventory(*ROLES, *found, *of_groups, member_of(principal, *of_groups))
    held = [
        a
        for a in world.known_assignments(principal)
        if a.assignment.reaches(resource) and (a.grants(action) or a.grants(action, data=True))
    ]
    may = {
        "r0": action == READ,
        "r1": action == WRITE,
        "r2": action == READ,
    }
    expected = [
        (a.id, "" if str(a.properties.principal_id) == principal else str(a.properties.principal_id))
        for a in (*found, *of_groups)
        if str(a.properties.principal_id) in {principal, *groups} and may[str(a.role_guid)] and reaches(a, resource)
    ]
    assert sorted((a.assignment.id, a.group) for a in held) == sorted(expected)


OF_GROUP = role_assignment("g0", ROLES[1], GROUP, principal_type="Group")
RESOURCE = ArmId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v")


@pytest.mark.parametrize(
    ("things", "action", "known"),
    [
        ([OF_GROUP], WRITE, False),
        ([OF_GROUP], READ, True),
        ([OF_GROUP, member_of("p0")], WRITE, True),
        ([OF_GROUP, member_of("p0", OF_GROUP)], WRITE, True),
        ([OF_GROUP, member_of("p1", OF_GROUP)], WRITE, False),
        ([role_assignment("g0", ROLES[1], GROUP, principal_type="User")], WRITE, True),
    ],
)
def test_a_group_of_unknown_members_hides_the_answer(things, action, known):
    world = inventory(*ROLES, *things)
    if known:
        require_membership(world, "p0", RESOURCE, action)
        return
    with pytest.raises(NotCollected) as missing:
        require_membership(world, "p0", RESOURCE, action)
    assert missing.value.gap.permission == Need.ROLE_ASSIGNMENTS
    assert "group g0" in missing.value.gap.detail


def test_a_wildcard_between_slashes_may_stand_for_nothing():
    operator = role_definition(
        "o", "operator", actions=["Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action"]
    )
    assert operator.grants("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action")
    assert operator.grants("Microsoft.ManagedIdentity/userAssignedIdentities/x/assign/action")
    assert not operator.grants("Microsoft.ManagedIdentity/userAssignedIdentitiesassign/action")


def test_a_custom_role_of_all_actions():
    assert role_definition("c", "c", custom=True, actions=["x/read", "*"]).is_custom_wildcard
    assert not role_definition("c", "c", custom=True, actions=["*/read"]).is_custom_wildcard
    assert not role_definition("o", "Owner", actions=["*"]).is_custom_wildcard
