"""What Azure Firewalls let through, by their rules alone.

The order is that of https://learn.microsoft.com/azure/firewall/rule-processing: network rules before application rules,
those of a parent policy before those of the child, by priority; the first match decides, and no match is a denial.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from akscan.model.azure import (
    ApplicationProtocol,
    AzureFirewall,
    DnsSettings,
    FirewallPolicy,
    FirewallRule,
    IpGroup,
    RuleCollection,
    RuleCollectionGroup,
)
from akscan.model.cidr import EVERY_ADDRESS, AddressSet
from akscan.model.gaps import Gap, NotCollected, untold
from akscan.model.needs import Need
from akscan.model.text import ArmId, Token

if TYPE_CHECKING:
    from akscan.model.inventory import Inventory

_NETWORK, _APPLICATION = Token("NetworkRule"), Token("ApplicationRule")
#: Stands for the names that AKS needs; https://learn.microsoft.com/azure/firewall/fqdn-tags.
AKS_TAG = Token("AzureKubernetesService")
_PROTOCOLS_OF_TAGS = (
    ApplicationProtocol(protocol_type=Token("Http"), port=80),
    ApplicationProtocol(protocol_type=Token("Https"), port=443),
)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a packet wants to go: a name (which may begin with ``*.``), an address, or an address that has the name.

    ``application`` are the protocol types of application rules that carry it. Each of ``tags`` is a set of service tags
    that hold all its addresses between them. ``in_aks_tag`` says whether the FQDN tag of AKS stands for it,
    ``may_be_categorised`` whether a web category might, and ``keeps_tls`` that nothing may break into its TLS.
    """

    name: str = ""
    address: str = ""
    protocol: str = "TCP"
    port: int = 443
    application: tuple[str, ...] = ("Https",)
    tags: tuple[frozenset[Token], ...] = ()
    in_aks_tag: bool = False
    may_be_categorised: bool = False
    keeps_tls: bool = False

    def __str__(self) -> str:
        tags = " or ".join("+".join(sorted(tags)) for tags in self.tags)
        return f"{self.name or self.address or tags} {self.protocol} {self.port}"

    def is_named_by(self, patterns: Iterable[str]) -> bool:
        """Whether one of the names or ``*`` patterns holds its name."""
        wanted = self.name.casefold()
        return any(_holds_name(pattern.casefold(), wanted) for pattern in patterns) if wanted else False


def _holds_name(pattern: str, name: str) -> bool:
    return name.endswith(pattern[1:]) if pattern.startswith("*") else name == pattern


@dataclass(frozen=True)
class PlacedRule:
    """A rule in its place; ``path`` names it as policy (or firewall), group, collection and rule."""

    rule: FirewallRule
    allows: bool
    path: str
    inventory: Inventory = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{'Allow' if self.allows else 'Deny'} by {self.path}"

    # a part that could not be read makes a match unknown: its gap stands for it

    @cached_property
    def _sources(self) -> tuple[AddressSet, Gap | None]:
        addresses, gap = self._addresses(self.rule.source_addresses, self.rule.source_ip_groups)
        if self.rule.source_kube_selector_groups:
            gap = gap or _unknown(self.path, "which pods its sourceKubeSelectorGroups select")
        return addresses, gap

    @cached_property
    def _destinations(self) -> tuple[AddressSet, Gap | None]:
        return self._addresses(self.rule.destination_addresses, self.rule.destination_ip_groups)

    @cached_property
    def _destination_tags(self) -> frozenset[Token]:
        return frozenset(Token(text) for text in self.rule.destination_addresses)

    def _addresses(self, texts: Iterable[str], groups: Iterable[ArmId]) -> tuple[AddressSet, Gap | None]:
        known, gap = list(texts), None
        for group_id in groups:
            try:
                group = self.inventory.find(IpGroup, group_id)
            except NotCollected as missing:
                gap = gap or missing.gap
                continue
            known += group.properties.ip_addresses if group else ()
        return AddressSet.of(known), gap

    def is_from(self, subnet: AddressSet, *, all_of_it: bool = False) -> bool | Gap:
        """Whether it speaks of the subnet: to allow something it has to cover all of it, to deny it any part (with
        ``all_of_it`` the whole, too).
        """
        sources, gap = self._sources
        whole = self.allows or all_of_it
        return (sources.covers(subnet) if whole else sources.touches(subnet)) or gap or False

    def is_to(self, wanted: Destination) -> bool | Gap:
        """Whether the destination (protocol and port with it) is one of the rule's, service tags aside."""
        if self.rule.rule_type == _APPLICATION:
            return self._is_application_of(wanted)
        if not self._carries(wanted):
            return False
        if wanted.is_named_by(self.rule.destination_fqdns):
            return True
        addresses, gap = self._destinations
        return addresses.covers(AddressSet.of([wanted.address]) if wanted.address else EVERY_ADDRESS) or gap or False

    def tags_for(self, wanted: Destination) -> frozenset[Token]:
        """Its service tags, where it is a network rule for the protocol and port."""
        applies = self.rule.rule_type == _NETWORK and self._carries(wanted)
        return self._destination_tags if applies else frozenset()

    def names_addresses_for(self, wanted: Destination) -> bool:
        """Whether it is a network rule for protocol and port on single addresses."""
        return self.rule.rule_type == _NETWORK and self._carries(wanted) and bool(self._destinations[0].ranges)

    def _carries(self, wanted: Destination) -> bool:
        protocols = self.rule.ip_protocols
        return (wanted.protocol in protocols or "Any" in protocols) and any(
            _holds_port(text, wanted.port) for text in self.rule.destination_ports
        )

    def _is_application_of(self, wanted: Destination) -> bool | Gap:
        rule = self.rule
        protocols = rule.protocols or (_PROTOCOLS_OF_TAGS if rule.fqdn_tags else ())
        if wanted.protocol != "TCP" or not any(
            protocol.port == wanted.port and protocol.protocol_type in wanted.application for protocol in protocols
        ):
            return False
        if wanted.is_named_by(rule.target_fqdns) or (wanted.in_aks_tag and AKS_TAG in rule.fqdn_tags):
            return True
        if rule.web_categories and wanted.may_be_categorised:
            return _unknown(self.path, "whether its webCategories hold the name")
        return False


def _holds_port(text: str, port: int) -> bool:
    first, _, last = text.partition("-")
    if text == "*":
        return True
    return first.isdigit() and int(first) <= port <= int(last if last.isdigit() else first)


def _unknown(scope: str, detail: str) -> Gap:
    return untold("arm", scope, detail, Need.RULE_COLLECTION_GROUPS)


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a packet; ``by`` is the rule that decides, None where none matches."""

    allowed: bool
    by: PlacedRule | None = None

    def __str__(self) -> str:
        return str(self.by) if self.by else "no rule matches"


@dataclass(frozen=True, slots=True)
class Decisions:
    """What becomes of several destinations; ``gap`` stands for those of which it is not known."""

    known: tuple[tuple[Destination, Decision], ...]
    gap: Gap | None

    @property
    def denied(self) -> tuple[tuple[Destination, Decision], ...]:
        return tuple((wanted, decision) for wanted, decision in self.known if not decision.allowed)

    def complete(self) -> None:
        """Raises `NotCollected` where one is not known."""
        if self.gap is not None:
            raise NotCollected(self.gap)


class Filter:
    """The filter rules of one firewall, in the order in which it tries them."""

    def __init__(self, rules: tuple[PlacedRule, ...]) -> None:
        self.rules = tuple(sorted(rules, key=lambda placed: placed.rule.rule_type == _APPLICATION))
        self._views: dict[tuple[AddressSet, bool], tuple[tuple[PlacedRule, Gap | None], ...]] = {}

    def of(self, subnet: AddressSet, *, all_of_it: bool = False) -> tuple[tuple[PlacedRule, Gap | None], ...]:
        """The rules that speak of a subnet (`PlacedRule.is_from`), each with what keeps that uncertain."""
        key = (subnet, all_of_it)
        if key not in self._views:
            matches = ((placed, placed.is_from(subnet, all_of_it=all_of_it)) for placed in self.rules)
            self._views[key] = tuple(
                (placed, match if isinstance(match, Gap) else None) for placed, match in matches if match
            )
        return self._views[key]

    def decide(
        self, prefixes: Iterable[str], wanted: Destination, *, network_only: bool = False, all_of_it: bool = False
    ) -> Decision:
        """What becomes of packets from everywhere in the prefixes; with ``all_of_it`` a denial for a part of them is
        passed over, since the rest gets through. Raises `NotCollected` where a rule that cannot be understood could
        decide otherwise.
        """
        doubts: list[tuple[PlacedRule, Gap]] = []
        decision = Decision(allowed=False)
        for placed, gap in self._matches(AddressSet.of(prefixes), wanted, all_of_it=all_of_it):
            if network_only and placed.rule.rule_type == _APPLICATION:
                break
            if gap is None:
                decision = Decision(placed.allows, placed)
                break
            doubts.append((placed, gap))
        for placed, gap in doubts:
            if placed.allows is not decision.allowed:
                raise NotCollected(gap)
        return decision

    def decide_all(self, prefixes: Sequence[str], wanted: Iterable[Destination]) -> Decisions:
        """Every destination by itself, so that an unknown one hides no other."""
        known, gap = [], None
        for destination in wanted:
            try:
                known.append((destination, self._unbroken(self.decide(prefixes, destination), destination)))
            except NotCollected as missing:
                gap = gap or missing.gap
        return Decisions(tuple(known), gap)

    def _unbroken(self, decision: Decision, wanted: Destination) -> Decision:
        """A rule that breaks into TLS lets nothing through whose TLS has to stay whole."""
        broken = wanted.keeps_tls and decision.by is not None and decision.by.rule.terminate_tls
        return Decision(decision.allowed and not broken, decision.by)

    def reaches_some(self, prefixes: Iterable[str], wanted: Destination) -> PlacedRule | None:
        """A network rule that allows protocol and port to single addresses, of which ARM does not tell whether they are
        those that are meant.
        """
        for placed, _ in self.of(AddressSet.of(prefixes)):
            if placed.allows and placed.names_addresses_for(wanted):
                return placed
        return None

    def network_rules_by_name(self, prefixes: Iterable[str]) -> tuple[str, ...]:
        """The network rules on a subnet that match by name. Raises `NotCollected` where it is unknown whether there is
        one.
        """
        named = [(placed, gap) for placed, gap in self.of(AddressSet.of(prefixes)) if placed.rule.destination_fqdns]
        found = tuple(placed.path for placed, gap in named if gap is None)
        for _, gap in named:
            if gap is not None and not found:
                raise NotCollected(gap)
        return found

    def _matches(
        self, subnet: AddressSet, wanted: Destination, *, all_of_it: bool
    ) -> Iterator[tuple[PlacedRule, Gap | None]]:
        """Rules that match in order. Of a name that only several service tags hold between them, some may be allowed by
        one rule and the rest by another; to deny it, one will do.
        """
        allowed: dict[frozenset[Token], frozenset[Token]] = dict.fromkeys(wanted.tags, frozenset())
        for placed, doubt in self.of(subnet, all_of_it=all_of_it):
            match = placed.is_to(wanted)
            if match is True:
                yield placed, doubt
                continue
            if isinstance(match, Gap):
                yield placed, doubt or match
            hits = {tags: placed.tags_for(wanted) & tags - done for tags, done in allowed.items()}
            if not any(hits.values()):
                continue
            if doubt or not placed.allows:
                yield placed, doubt
                continue
            allowed = {tags: done | hits[tags] for tags, done in allowed.items()}
            if any(tags == done for tags, done in allowed.items()):
                yield placed, None


class Firewalls:
    """The Azure Firewalls that were read, by address, and their rules."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._filters: dict[ArmId, Filter] = {}

    @cached_property
    def _by_address(self) -> dict[str, list[AzureFirewall]]:
        found: dict[str, list[AzureFirewall]] = defaultdict(list)
        for firewall in self._inventory.known(AzureFirewall):
            for address in firewall.private_addresses:
                found[address].append(firewall)
        return found

    def at(self, address: str) -> tuple[AzureFirewall, ...]:
        """Those with this private address; networks that never meet may use the same."""
        return tuple(self._by_address.get(address, ()))

    def policies(self, firewall: AzureFirewall) -> tuple[FirewallPolicy, ...]:
        """Its policy and the policies that this inherits from, nearest first; none for classic rules."""
        chain: dict[ArmId, FirewallPolicy] = {}
        wanted = firewall.properties.firewall_policy.id
        while wanted and wanted not in chain:
            policy = self._inventory.find(FirewallPolicy, wanted)
            if policy is None:
                raise NotCollected(_unknown(str(firewall.id), f"the firewall policy {wanted.name} does not exist"))
            chain[policy.id] = policy
            wanted = policy.properties.base_policy.id
        return tuple(chain.values())

    def dns_proxy(self, firewall: AzureFirewall) -> bool:
        """Whether it answers name queries: by its policy, or the next one above that has settings, or by itself."""
        if not firewall.properties.firewall_policy.id:
            return firewall.properties.additional_properties.enable_dns_proxy == "true"
        return self.dns_settings(firewall).enable_proxy

    def dns_settings(self, firewall: AzureFirewall) -> DnsSettings:
        """The DNS settings of its policy, or of the next one above that has some."""
        settings = (policy.properties.dns_settings for policy in self.policies(firewall))
        return next((found for found in settings if found is not None), DnsSettings())

    def filter(self, firewall: AzureFirewall) -> Filter:
        """Its filter rules. Raises `NotCollected` where a policy or its rules were not read."""
        if firewall.id not in self._filters:
            self._filters[firewall.id] = Filter(tuple(self._placed(firewall)))
        return self._filters[firewall.id]

    def _placed(self, firewall: AzureFirewall) -> Iterator[PlacedRule]:
        for path, collection in self.collections(firewall):
            if collection.is_filter:
                allows = collection.action.type == "Allow"
                for rule in collection.rules:
                    yield PlacedRule(rule, allows, f"{path}/{rule.name}", self._inventory)

    def translations(self, firewall: AzureFirewall) -> tuple[FirewallRule, ...]:
        """Its DNAT rules. Raises `NotCollected` where a policy or its rules were not read."""
        return tuple(rule for _, found in self.collections(firewall) if found.is_dnat for rule in found.rules)

    def collections(self, firewall: AzureFirewall) -> Iterator[tuple[str, RuleCollection]]:
        """Its rule collections with their paths, in the order in which they are tried."""
        if not firewall.properties.firewall_policy.id:
            yield from sorted(_classic(firewall), key=lambda placed: placed[1].priority)
        for policy in reversed(self.policies(firewall)):
            groups = self._inventory.within(RuleCollectionGroup, policy.id)
            for group in sorted(groups, key=lambda found: found.properties.priority):
                for collection in sorted(group.properties.rule_collections, key=lambda found: found.priority):
                    yield f"{policy.name}/{group.name}/{collection.name}", collection


def _classic(firewall: AzureFirewall) -> Iterator[tuple[str, RuleCollection]]:
    properties = firewall.properties
    kinds = (
        (_NETWORK, False, properties.network_rule_collections),
        (_APPLICATION, False, properties.application_rule_collections),
        (Token("NatRule"), True, properties.nat_rule_collections),
    )
    for kind, is_dnat, collections in kinds:
        for found in collections:
            rules = tuple(msgspec.structs.replace(rule, rule_type=kind) for rule in found.properties.rules)
            collection = RuleCollection(
                name=found.name, priority=found.properties.priority, action=found.properties.action, rules=rules
            )
            if is_dnat:
                collection = collection.translating()
            yield f"{firewall.name}/{found.name}", collection
