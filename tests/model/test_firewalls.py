"""What a firewall lets through, against asking every address of the subnet and every service tag in turn."""

import ipaddress

from akscan.model.cidr import AddressSet
from akscan.model.firewalls import Destination
from akscan.model.text import Token
from akscan.testing import application_rule, firewall, firewall_policy, inventory, network_rule, rule_group, rules
from hypothesis import assume, given
from hypothesis import strategies as st

SUBNET = "10.0.0.0/29"
SOURCES = ("*", SUBNET, "10.0.0.0/28", "10.0.0.0/30", "10.0.0.4-10.0.0.7", "10.0.0.2", "10.9.0.0/16", "AzureCloud")
NAMES = ("mcr.microsoft.com", "*.microsoft.com", "*", "example.org")
TARGETS = ("*", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "First", "Second", "Other", "203.0.113.7")
PORTS = ("443", "*", "400-500", "80")
WANTED = Destination("mcr.microsoft.com", tags=(frozenset({Token("First"), Token("Second")}),))

some = lambda choices: st.lists(st.sampled_from(choices), min_size=1, max_size=2)  # noqa: E731 a strategy's name
network = st.builds(
    network_rule,
    sources=some(SOURCES),
    to=st.lists(st.sampled_from(TARGETS), max_size=2),
    fqdns=st.lists(st.sampled_from(("mcr.microsoft.com", "example.org")), max_size=1),
    ports=some(PORTS),
    protocols=some(("TCP", "UDP", "Any")),
)
application = st.builds(
    lambda names, sources, protocols: application_rule(*names, sources=sources, protocols=protocols),
    some(NAMES),
    some(SOURCES),
    some(("Https:443", "Http:80", "Https:8443")),
)
filters = st.builds(
    lambda found, action, priority: rules(*found, action=action, priority=priority),
    st.one_of(st.lists(network, max_size=3), st.lists(application, max_size=3)),
    st.sampled_from(("Allow", "Deny")),
    st.integers(100, 900),
)
policies = st.tuples(st.lists(filters, max_size=4), st.lists(filters, max_size=4))


def decision(parent, child, wanted=WANTED):
    """What the model says."""
    base = firewall_policy("base")
    policy = firewall_policy(base=base)
    own = firewall(policy=policy)
    world = inventory(own, policy, base, rule_group(base, *parent), rule_group(policy, *child))
    return world.firewalls.filter(own).decide([SUBNET], wanted)


# --- the reference: one packet, one walk over the rules


def in_range(text, address):
    if text == "*":
        return True
    try:
        if "-" in text:
            first, last = map(ipaddress.ip_address, text.split("-"))
            return first <= address <= last
        return address in ipaddress.ip_network(text)
    except ValueError:
        return False


def named(pattern, name):
    return pattern == name or (pattern[0] == "*" and name.endswith(pattern[1:]))


def rule_takes(rule, source, tag):
    """Whether a rule matches TCP 443 from one address to the name, at an address that is in one service tag."""
    if not any(in_range(text, source) for text in rule.source_addresses):
        return False
    if rule.rule_type == "ApplicationRule":
        carried = any(p.protocol_type == "Https" and p.port == 443 for p in rule.protocols)
        return carried and any(named(fqdn, "mcr.microsoft.com") for fqdn in rule.target_fqdns)
    if not {"TCP", "Any"} & {str(protocol) for protocol in rule.ip_protocols}:
        return False
    if not {"443", "*", "400-500"} & set(rule.destination_ports):
        return False
    to = {str(text) for text in rule.destination_addresses}
    everything = {"*", "0.0.0.0/0"} & to or {"0.0.0.0/1", "128.0.0.0/1"} <= to
    return bool("mcr.microsoft.com" in rule.destination_fqdns or everything or tag in to)


def packet_passes(parent, child, source, tag):
    ordered = [c for policy in (parent, child) for c in sorted(policy, key=lambda c: c.priority)]
    for kind in ("NetworkRule", "ApplicationRule"):
        for collection in ordered:
            for rule in collection.rules:
                if rule.rule_type == kind and rule_takes(rule, source, tag):
                    return collection.action.type == "Allow"
    return False


def every_packet(parent, child):
    sources = ipaddress.ip_network(SUBNET)
    return [packet_passes(parent, child, source, tag) for source in sources for tag in ("First", "Second")]


@given(policies)
def test_what_is_allowed_passes_from_every_address(found):
    if decision(*found).allowed:
        assert all(every_packet(*found))


@given(policies)
def test_where_no_rule_splits_subnet_or_name_the_verdict_is_that_of_any_packet(found):
    for rule in (rule for policy in found for collection in policy for rule in collection.rules):
        assume(len({any(in_range(t, s) for t in rule.source_addresses) for s in ipaddress.ip_network(SUBNET)}) == 1)
        assume(len({tag in rule.destination_addresses for tag in ("First", "Second")}) == 1)
    (passes,) = set(every_packet(*found))
    assert decision(*found).allowed is passes


def test_two_rules_may_share_the_tags_of_a_name():
    halves = [rules(network_rule(to=["First"])), rules(network_rule(to=["Second"]), priority=300)]
    assert not decision(halves[:1], []).allowed
    assert decision(halves, []).allowed
    denied = rules(network_rule(to=["Second"]), action="Deny", priority=250)
    assert not decision([*halves, denied], []).allowed


def test_a_wildcard_is_met_by_the_same_and_by_wider_ones():
    wanted = Destination("*.data.mcr.microsoft.com")
    for target, allowed in {
        "*.data.mcr.microsoft.com": True,
        "*.microsoft.com": True,
        "*": True,
        "eastus.data.mcr.microsoft.com": False,
        "*.eastus.data.mcr.microsoft.com": False,
        "*.notmicrosoft.com": False,
    }.items():
        assert decision([], [rules(application_rule(target))], wanted).allowed is allowed, target


def test_a_tag_without_protocols_is_http_and_https():
    tag = application_rule(tags=["azurekubernetesservice"], protocols=[])
    for port, kind, allowed in ((443, "Https", True), (80, "Http", True), (8443, "Https", False)):
        wanted = Destination("x.example", port=port, application=(kind,), in_aks_tag=True)
        assert decision([], [rules(tag)], wanted).allowed is allowed


ranges = st.lists(st.tuples(st.integers(0, 31), st.integers(0, 7)).map(lambda r: (r[0], r[0] + r[1])), max_size=4)


@given(ranges, ranges)
def test_sets_of_addresses_like_counting(mine, theirs):
    def text(spans):
        return [f"0.0.0.{a}-0.0.0.{b}" for a, b in spans]

    def members(spans):
        return {n for a, b in spans for n in range(a, b + 1)}

    ours, others = AddressSet.of(text(mine)), AddressSet.of(text(theirs))
    assert ours.covers(others) is (bool(theirs) and members(theirs) <= members(mine))
    assert ours.touches(others) is bool(members(mine) & members(theirs))
