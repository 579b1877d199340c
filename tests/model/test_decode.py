"""From the JSON of the APIs to structs."""

import contextlib
import re

import pytest
from akscan.model.azure import ManagedCluster, VirtualNetwork
from akscan.model.decode import Malformed, convert, decode, decode_answer, encode
from akscan.model.kubernetes import EnvVar, Pod
from akscan.model.literals import Literal
from hypothesis import given
from hypothesis import strategies as st

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "name", "properties", "networkProfile", "agentPoolProfiles", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def test_keys_match_without_case_and_nulls_are_absent():
    cluster = convert(
        {
            "Id": "/x",
            "Properties": {"AadProfile": None, "networkProfile": {"NetworkPlugin": "Kubenet", "podCidr": None}},
        },
        ManagedCluster,
    )
    assert cluster.properties.aad_profile is None
    assert cluster.properties.network_profile.network_plugin == "kubenet"


def test_properties_may_stand_beside_as_the_azure_cli_prints_them():
    cluster = convert(
        {"id": "/x", "name": "aks", "kubernetesVersion": "1.35.6", "aadProfile": {"enableAzureRbac": True}},
        ManagedCluster,
    )
    assert cluster.properties.kubernetes_version == "1.35.6"
    assert cluster.properties.aad_profile.enable_azure_rbac
    network = convert({"id": "/v", "subnets": [{"id": "/v/subnets/a", "addressPrefix": "10.0.0.0/24"}]}, VirtualNetwork)
    assert network.properties.subnets[0].properties.address_prefix == "10.0.0.0/24"


def test_a_wrong_type_names_its_path():
    with pytest.raises(Malformed, match=r"\$\.properties\.disableLocalAccounts"):
        convert({"id": "/x", "properties": {"disableLocalAccounts": "yes"}}, ManagedCluster)


@given(junk)
def test_junk_is_malformed_or_a_struct_never_a_crash(data):
    with contextlib.suppress(Malformed):
        assert isinstance(convert(data, ManagedCluster), ManagedCluster)


def test_literals_are_classified_and_dropped():
    variable = decode_answer(b'{"name": "A", "value": "AccountKey=' + b"a" * 86 + b'=="}', EnvVar)
    assert variable.value.hits == (("storage_account_key", 1),)
    assert b"AccountKey" not in encode(variable)
    assert decode(encode(variable), EnvVar) == variable


@given(st.text())
def test_no_literal_survives(text):
    assert re.fullmatch(r"empty|short|harmless|plain|lines|credential( [a-z_]+:\d+)+", Literal.of(text))


def test_annotations_are_not_kept():
    pod = decode_answer(
        b'{"metadata": {"name": "p", "annotations": {"a": "canary-1"}}, "spec": {"containers": []}}', Pod
    )
    assert b"canary" not in encode(pod)
