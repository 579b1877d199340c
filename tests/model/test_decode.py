"""From the JSON of the APIs to structs."""

import contextlib
import re

import pytest
from akscan.model.azure import ManagedCluster, VirtualNetwork
from akscan.model.decode import Malformed, convert, decode, decode_answer, encode
from akscan.model.expander import ExpanderPriorities
from akscan.model.kubernetes import CiliumNetworkPolicy, Deployment, EnvVar, Pod
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


def test_the_networks_of_a_hosted_system_are_followed():
    group = "/subscriptions/1/resourceGroups"
    networks = [f"{group}/{name}/providers/Microsoft.Network/virtualNetworks/vnet" for name in ("rg", "MC_aks")]
    profile = {
        "enabled": True,
        "nodeSubnetID": f"{networks[0]}/subnets/nodes",
        "systemNodeSubnetID": f"{networks[1]}/subnets/system",
    }
    resource = f"{group}/rg/providers/Microsoft.ContainerService/managedClusters/aks"
    properties = {"nodeResourceGroup": "MC_aks", "hostedSystemProfile": profile}
    found = tuple(convert({"id": resource, "properties": properties}, ManagedCluster).references())
    assert networks[0] in found
    assert networks[1] not in found


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


def test_the_headers_that_a_policy_of_cilium_asks_for_are_not_kept():
    rule = (
        b'{"toPorts":[{"ports":[{"port":"443","protocol":"TCP"}],"rules":{"http":[{"headers":["X-Key: hunter2"]}]}}]}'
    )
    found = decode_answer(
        b'{"spec":{"endpointSelector":{},"egress":[' + rule + b'],"egressDeny":[' + rule + b"]}}", CiliumNetworkPolicy
    )
    assert b"hunter2" not in encode(found)
    assert found.spec.egress[0].opens("203.0.113.1", 443) is False
    assert found.spec.egress[0].to_ports[0].ports[0].holds(443)


def test_annotations_are_not_kept():
    pod = decode_answer(
        b'{"metadata": {"name": "p", "annotations": {"a": "canary-1"}}, "spec": {"containers": []}}', Pod
    )
    assert b"canary" not in encode(pod)


def test_of_annotations_and_commands_only_keys_and_pauses_stay():
    text = b"""{"metadata": {"name": "d", "annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": "canary-1", "example/ha": "canary-2"}},
        "spec": {"template": {"metadata": {"annotations": {"example/checkpoint": "canary-3"}}, "spec": {"containers": [
        {"name": "c", "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "echo canary-4; sleep 7"]}}}}]}}}}"""
    made = decode_answer(text, Deployment)
    assert b"canary" not in encode(made)
    assert made == decode(encode(made), Deployment)
    assert made.metadata.has_mark("example/ha")
    assert not made.metadata.has_mark("kubectl.kubernetes.io/last-applied-configuration")
    assert made.template.metadata.has_mark("example/checkpoint")
    assert made.template.spec.containers[0].pre_stop_pause_seconds == 7


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("10: [a]\n50: [b, c]", ("50 c", "50 b", "10 a")),
        ("", ()),
        ("just a canary", None),
        ("a: [canary]", None),
        ("1: canary", None),
        ("1: [[canary]]", None),
        ("1: [canary", None),
    ],
)
def test_what_the_priority_expander_reads(text, lines):
    read = ExpanderPriorities.of(text)
    assert read.is_malformed is (lines is None)
    assert read.lines == (lines or ())
    if lines is None:
        assert "canary" not in read


@pytest.mark.parametrize(
    ("pattern", "chosen"),
    [(".*spot.*", True), ("^spot", False), ("(a+)+$", None), ("a*a*a*a*a*b", None), ("(?<=x", None)],
)
def test_patterns_that_may_never_end_are_not_searched_for(pattern, chosen):
    assert ExpanderPriorities(f"1 {pattern}").choose(("aks-spot-1-vmss",)) is chosen
