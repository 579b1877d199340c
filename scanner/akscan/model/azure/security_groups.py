"""Microsoft.Network: network security groups."""

from __future__ import annotations

from typing import ClassVar

from akscan.model.azure.base import Resource, Rest
from akscan.model.cidr import AddressSet
from akscan.model.text import Token

_EVERYWHERE = frozenset({Token("*"), Token("Internet"), Token("0.0.0.0/0")})
_EVERYBODY = frozenset({Token("*"), Token("VirtualNetwork"), Token("0.0.0.0/0")})


class SecurityRuleProperties(Rest, frozen=True, kw_only=True):
    priority: int = 0
    direction: Token = Token()
    access: Token = Token()
    protocol: Token = Token("*")
    source_address_prefix: Token = Token()
    source_address_prefixes: tuple[Token, ...] = ()
    destination_address_prefix: Token = Token()
    destination_address_prefixes: tuple[Token, ...] = ()
    destination_port_range: str = ""
    destination_port_ranges: tuple[str, ...] = ()

    @property
    def leads_to_the_internet(self) -> bool:
        """Whether its destination is the Internet as a whole."""
        return not _EVERYWHERE.isdisjoint((self.destination_address_prefix, *self.destination_address_prefixes))

    def closes(self, subnet: AddressSet) -> bool:
        """Whether it denies the Internet to everybody in a subnet, on every port."""
        sources = (self.source_address_prefix, *self.source_address_prefixes)
        ports = (self.destination_port_range, *self.destination_port_ranges)
        covers = not _EVERYBODY.isdisjoint(sources) or AddressSet.of(sources).covers(subnet)
        return self.access == "Deny" and self.protocol == "*" and "*" in ports and covers


class SecurityRule(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/networkSecurityGroups/securityRules")
    properties: SecurityRuleProperties = SecurityRuleProperties()


class SecurityGroupProperties(Rest, frozen=True, kw_only=True):
    security_rules: tuple[SecurityRule, ...] = ()


class NetworkSecurityGroup(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/networkSecurityGroups")
    properties: SecurityGroupProperties = SecurityGroupProperties()

    def closes_internet(self, subnet: AddressSet) -> bool:
        """Whether the first outbound rule on the whole Internet denies it; without one the default rules allow it."""
        rules = (rule.properties for rule in self.properties.security_rules)
        outbound = sorted((rule for rule in rules if rule.direction == "Outbound"), key=lambda rule: rule.priority)
        for rule in outbound:
            if rule.leads_to_the_internet:
                if rule.closes(subnet):
                    return True
                if rule.access == "Allow":
                    return False
        return False
