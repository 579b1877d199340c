"""Microsoft.Network: Azure Firewalls, their policies and rules.

A classic rule, one that stands on the firewall, has the fields of a policy's rule, but for the protocols of network
rules, and no type of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from akscan.model.azure.base import Reference, Resource, Rest
from akscan.model.azure.network import AZURE_FIREWALLS
from akscan.model.text import ArmId, Token

_FILTER = "FirewallPolicyFilterRuleCollection"
_DNAT = "FirewallPolicyNatRuleCollection"


class ApplicationProtocol(Rest, frozen=True, kw_only=True):
    protocol_type: Token = Token()
    port: int = 0


class FirewallRule(Rest, frozen=True, kw_only=True):
    """A rule of a policy; ``rule_type`` is NetworkRule, ApplicationRule or NatRule."""

    name: str = ""
    rule_type: Token = Token()
    source_addresses: tuple[str, ...] = ()
    source_ip_groups: tuple[ArmId, ...] = ()
    source_kube_selector_groups: tuple[ArmId, ...] = ()
    ip_protocols: tuple[Token, ...] = ()
    destination_addresses: tuple[Token, ...] = ()
    destination_ip_groups: tuple[ArmId, ...] = ()
    destination_fqdns: tuple[Token, ...] = ()
    destination_ports: tuple[str, ...] = ()
    protocols: tuple[ApplicationProtocol, ...] = ()
    target_fqdns: tuple[Token, ...] = ()
    fqdn_tags: tuple[Token, ...] = ()
    web_categories: tuple[str, ...] = ()
    terminate_tls: bool = msgspec.field(name="terminateTLS", default=False)
    translated_address: str = ""

    def ip_groups(self) -> tuple[ArmId, ...]:
        return (*self.source_ip_groups, *self.destination_ip_groups)


class Action(Rest, frozen=True, kw_only=True):
    type: Token = Token()


class RuleCollection(Rest, frozen=True, kw_only=True):
    name: str = ""
    rule_collection_type: Token = Token(_FILTER)
    priority: int = 0
    action: Action = Action()
    rules: tuple[FirewallRule, ...] = ()

    @property
    def is_filter(self) -> bool:
        return self.rule_collection_type == _FILTER

    @property
    def is_dnat(self) -> bool:
        return self.rule_collection_type == _DNAT

    def translating(self) -> RuleCollection:
        """The same as one of DNAT rules."""
        return msgspec.structs.replace(self, rule_collection_type=Token(_DNAT))


class RuleCollectionGroupProperties(Rest, frozen=True, kw_only=True):
    priority: int = 0
    rule_collections: tuple[RuleCollection, ...] = ()


class RuleCollectionGroup(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/firewallPolicies/ruleCollectionGroups")
    properties: RuleCollectionGroupProperties = RuleCollectionGroupProperties()

    def references(self) -> Iterator[ArmId]:
        for collection in self.properties.rule_collections:
            for rule in collection.rules:
                yield from rule.ip_groups()


class DnsSettings(Rest, frozen=True, kw_only=True):
    enable_proxy: bool = False
    servers: tuple[str, ...] = ()


class FirewallPolicyProperties(Rest, frozen=True, kw_only=True):
    base_policy: Reference = Reference()
    dns_settings: DnsSettings | None = None
    rule_collection_groups: tuple[Reference, ...] = ()


class FirewallPolicy(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/firewallPolicies")
    properties: FirewallPolicyProperties = FirewallPolicyProperties()

    def references(self) -> Iterator[ArmId]:
        yield self.properties.base_policy.id
        yield from (group.id for group in self.properties.rule_collection_groups)


class IpGroupProperties(Rest, frozen=True, kw_only=True):
    ip_addresses: tuple[str, ...] = ()


class IpGroup(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/ipGroups")
    properties: IpGroupProperties = IpGroupProperties()


class ClassicNetworkRule(FirewallRule, frozen=True, kw_only=True):
    """Its ``protocols`` are what a policy calls ipProtocols."""

    ip_protocols: tuple[Token, ...] = msgspec.field(name="protocols", default=())
    protocols: tuple[ApplicationProtocol, ...] = msgspec.field(name="applicationProtocols", default=())


class ClassicNetworkRules(Rest, frozen=True, kw_only=True):
    priority: int = 0
    action: Action = Action()
    rules: tuple[ClassicNetworkRule, ...] = ()


class ClassicRules(Rest, frozen=True, kw_only=True):
    priority: int = 0
    action: Action = Action()
    rules: tuple[FirewallRule, ...] = ()


class ClassicNetworkCollection(Rest, frozen=True, kw_only=True):
    name: str = ""
    properties: ClassicNetworkRules = ClassicNetworkRules()


class ClassicCollection(Rest, frozen=True, kw_only=True):
    """A collection of application or NAT rules."""

    name: str = ""
    properties: ClassicRules = ClassicRules()


class FirewallAddress(Rest, frozen=True, kw_only=True):
    private_ip_address: str = msgspec.field(name="privateIPAddress", default="")
    public_ip_address: Reference = msgspec.field(name="publicIPAddress", default=Reference())
    subnet: Reference = Reference()


class FirewallIpConfiguration(Rest, frozen=True, kw_only=True):
    properties: FirewallAddress = FirewallAddress()


class HubPublicAddress(Rest, frozen=True, kw_only=True):
    address: str = ""


class HubPublicAddresses(Rest, frozen=True, kw_only=True):
    addresses: tuple[HubPublicAddress, ...] = ()


class HubIpAddresses(Rest, frozen=True, kw_only=True):
    private_ip_address: str = msgspec.field(name="privateIPAddress", default="")
    public_ips: HubPublicAddresses = msgspec.field(name="publicIPs", default=HubPublicAddresses())


class AdditionalProperties(Rest, frozen=True, kw_only=True):
    enable_dns_proxy: Token = msgspec.field(name="Network.DNS.EnableProxy", default=Token("false"))


class AzureFirewallProperties(Rest, frozen=True, kw_only=True):
    provisioning_state: Token = Token()
    firewall_policy: Reference = Reference()
    virtual_hub: Reference = Reference()
    ip_configurations: tuple[FirewallIpConfiguration, ...] = ()
    hub_ip_addresses: HubIpAddresses = msgspec.field(name="hubIPAddresses", default=HubIpAddresses())
    network_rule_collections: tuple[ClassicNetworkCollection, ...] = ()
    application_rule_collections: tuple[ClassicCollection, ...] = ()
    nat_rule_collections: tuple[ClassicCollection, ...] = ()
    additional_properties: AdditionalProperties = AdditionalProperties()


class AzureFirewall(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = AZURE_FIREWALLS
    properties: AzureFirewallProperties = AzureFirewallProperties()

    @property
    def private_addresses(self) -> frozenset[str]:
        """The addresses that routes name as next hop."""
        own = {configuration.properties.private_ip_address for configuration in self.properties.ip_configurations}
        return frozenset((own | {self.properties.hub_ip_addresses.private_ip_address}) - {""})

    @property
    def subnets(self) -> tuple[ArmId, ...]:
        """The subnet that it stands in; none in a virtual hub."""
        found = (configuration.properties.subnet.id for configuration in self.properties.ip_configurations)
        return tuple(dict.fromkeys(subnet for subnet in found if subnet))

    @property
    def public_address_ids(self) -> tuple[ArmId, ...]:
        found = (configuration.properties.public_ip_address.id for configuration in self.properties.ip_configurations)
        return tuple(address for address in found if address)

    def references(self) -> Iterator[ArmId]:
        yield self.properties.firewall_policy.id
        yield from self.public_address_ids
        yield from (subnet.parent for subnet in self.subnets)
        rules: list[FirewallRule] = []
        for network in self.properties.network_rule_collections:
            rules += network.properties.rules
        for application in self.properties.application_rule_collections:
            rules += application.properties.rules
        for rule in rules:
            yield from rule.ip_groups()
