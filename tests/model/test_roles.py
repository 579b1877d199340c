"""Role assignments, against a slow and obviously right reference."""

from akscan.model.roles import HeldPermissions, Permission, RoleDefinition, RoleDefinitionProperties
from akscan.model.text import ArmId, Token
from akscan.testing import ACR_PULL, SUBSCRIPTION, role_assignment, role_definition
from hypothesis import given
from hypothesis import strategies as st

words = st.sampled_from(
    ["Microsoft.Network", "virtualNetworks", "subnets", "read", "write", "*", "Microsoft.*", "join*"]
)
patterns = st.one_of(st.just("*"), st.lists(words, min_size=1, max_size=4).map("/".join))
actions = st.lists(
    st.sampled_from(["microsoft.network", "VirtualNetworks", "subnets", "read", "joinLoadBalancer"]),
    min_size=1,
    max_size=4,
).map("/".join)


def matches(pattern: str, action: str) -> bool:
    """Wildcards, letter by letter."""
    if not pattern:
        return not action
    if pattern.startswith("/*/") and matches(pattern[2:], action):
        return True
    if pattern[0] == "*":
        return any(matches(pattern[1:], action[start:]) for start in range(len(action) + 1))
    return bool(action) and pattern[0].casefold() == action[0].casefold() and matches(pattern[1:], action[1:])


@given(st.lists(st.tuples(st.lists(patterns, max_size=3), st.lists(patterns, max_size=2)), max_size=3), actions)
def test_grants_like_the_reference(permissions, action):
    role = RoleDefinition(
        properties=RoleDefinitionProperties(
            permissions=tuple(
                Permission(actions=tuple(map(Token, allowed)), not_actions=tuple(map(Token, denied)))
                for allowed, denied in permissions
            )
        )
    )
    expected = any(
        any(matches(p, action) for p in allowed) and not any(matches(p, action) for p in denied)
        for allowed, denied in permissions
    )
    assert role.grants(action) is expected
    assert role.grants_data(action) is False
    assert HeldPermissions(permissions=role.properties.permissions).grants(action) is expected


segments = st.lists(st.sampled_from(["a", "b", "A"]), min_size=0, max_size=4)


@given(segments, segments)
def test_an_assignment_reaches_its_scope_and_what_is_below(scope, resource):
    assigned = f"{SUBSCRIPTION}/{'/'.join(scope)}".rstrip("/")
    target = f"{SUBSCRIPTION}/{'/'.join(resource)}".rstrip("/")
    expected = [s.casefold() for s in scope] == [s.casefold() for s in resource][: len(scope)]
    assert role_assignment("p", "r", assigned).reaches(ArmId(target)) is expected


def test_a_management_group_reaches_the_subscriptions_that_list_it():
    assignment = role_assignment("p", "r", "/providers/Microsoft.Management/managementGroups/mg")
    assert assignment.reaches(ArmId(f"{SUBSCRIPTION}/resourceGroups/rg"))
    assert not assignment.reaches(ArmId("/subscriptions/other/resourceGroups/rg"))
    assert assignment.is_broad


def test_pull_only_roles():
    assert role_definition(ACR_PULL, "AcrPull").is_pull_only
    pull = "Microsoft.ContainerRegistry/registries/pull/read"
    assert role_definition("c", "mine", custom=True, actions=[pull]).is_pull_only
    assert not role_definition("c", "mine", custom=True, actions=[pull], data_actions=["*"]).is_pull_only
    assert not role_definition("b", "built in", actions=[pull]).is_pull_only
