"""CIDR arithmetic, against counting."""

import ipaddress

import pytest
from akscan.model.cidr import holds, is_private, network_of, usable_addresses
from hypothesis import given
from hypothesis import strategies as st

small = st.builds(
    lambda base, length: ipaddress.ip_network((int(base), length), strict=False),
    st.ip_addresses(v=4),
    st.integers(24, 32),
)


@given(st.lists(small, max_size=4))
def test_usable_addresses_are_all_but_five_of_each_prefix(networks):
    expected = sum(len(list(network)[4:-1]) for network in networks)
    assert usable_addresses([str(network) for network in networks]) == expected


def test_ipv6_prefixes_do_not_count():
    assert usable_addresses(["10.0.0.0/24", "2001:db8::/64"]) == 251


@given(small, st.ip_addresses(v=4))
def test_holds_like_counting(network, address):
    assert holds([str(network)], str(address)) is (address in set(network))


@pytest.mark.parametrize("text", ["", "AzureCloud", "10.0.0.0/24", "10.0.0.300"])
def test_only_single_addresses_are_held(text):
    assert not holds(["0.0.0.0/0"], text)


@given(small)
def test_private_means_wholly_private(network):
    ours = [ipaddress.ip_network(p) for p in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
    assert is_private(network) is any(network.subnet_of(private) for private in ours)


@pytest.mark.parametrize(
    ("text", "private"),
    [("10.0.0.0/8", True), ("10.0.0.0/7", False), ("fd00::/8", True), ("2001:db8::/32", False), ("192.168.1.1", True)],
)
def test_the_borders_of_private_space(text, private):
    assert is_private(network_of(text)) is private


def test_what_is_no_network():
    assert network_of("AzureCloud.westeurope") is None
    assert str(network_of(" 10.0.0.7 ")) == "10.0.0.7/32"
