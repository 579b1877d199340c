"""Strings that Azure compares without case."""

import pytest
from akscan.model.text import ArmId, Location, Token, minor, version_key
from hypothesis import given
from hypothesis import strategies as st

CLUSTER = "/subscriptions/0-1/resourceGroups/RG/providers/Microsoft.ContainerService/managedClusters/Aks"
names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)


@given(st.text())
def test_tokens_compare_and_hash_without_case(text):
    assert Token(text.upper()) == Token(text.upper()).casefold()
    assert {Token(text): 1}[Token(text.casefold())] == 1
    assert str(Token(text)) == text


def test_a_token_finds_plain_lower_case_strings():
    assert Token("SecuredByPerimeter") in {"securedbyperimeter", "disabled"}
    assert Token("A") != Token("B")


def test_a_location_knows_both_spellings():
    assert Location("West Europe") == "westeurope"


@given(names, names, names, names)
def test_the_parts_of_an_id(subscription, group, name, child):
    resource = ArmId(
        f"/subscriptions/{subscription}/resourcegroups/{group}/providers/Microsoft.Network/virtualNetworks/{name}"
    )
    below = ArmId(f"{resource}/subnets/{child}")
    assert (resource.subscription, resource.resource_group, resource.name) == (subscription.casefold(), group, name)
    assert resource.type == "microsoft.network/VIRTUALNETWORKS"
    assert below.type == "Microsoft.Network/virtualNetworks/subnets"
    assert below.parent == resource
    assert below.ancestor("Microsoft.Network/virtualNetworks") == resource
    assert resource.parent == f"/subscriptions/{subscription}/resourceGroups/{group}"
    assert resource.contains(below)
    assert not below.contains(resource)
    assert ArmId("/").contains(resource)


def test_an_extension_resource_belongs_to_what_it_extends():
    setting = ArmId(f"{CLUSTER}/providers/Microsoft.Insights/diagnosticSettings/audit")
    assert setting.type == "Microsoft.Insights/diagnosticSettings"
    assert setting.parent == CLUSTER


def test_scopes_are_whole_segments():
    assert not ArmId("/subscriptions/1/resourceGroups/rg").contains(ArmId("/subscriptions/1/resourceGroups/rg-2"))
    assert not ArmId().contains(ArmId(CLUSTER))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("/subscriptions/1", "Microsoft.Resources/subscriptions"),
        ("/subscriptions/1/resourceGroups/rg", "Microsoft.Resources/subscriptions/resourceGroups"),
        ("/providers/Microsoft.Management/managementGroups/mg", "Microsoft.Management/managementGroups"),
        ("", ""),
        ("/", ""),
    ],
)
def test_types_of_scopes(text, kind):
    assert ArmId(text).type == kind


def test_versions_compare_as_numbers():
    assert version_key("1.35.10") > version_key("v1.35.9")
    assert version_key("1.30.101-akslts") == (1, 30, 101)
    assert version_key("latest") == ()
    assert minor("v1.35.6") == "1.35"
    assert minor("1") == ""
