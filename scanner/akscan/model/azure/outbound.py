"""Microsoft.Network: public addresses and NAT gateways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from akscan.model.azure.base import Reference, Resource, Rest
from akscan.model.text import ArmId, Token


class PublicIpAddressProperties(Rest, frozen=True, kw_only=True):
    ip_address: str = ""


class PublicIpAddress(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/publicIPAddresses")
    properties: PublicIpAddressProperties = PublicIpAddressProperties()


class PublicIpPrefixProperties(Rest, frozen=True, kw_only=True):
    ip_prefix: str = ""


class PublicIpPrefix(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/publicIPPrefixes")
    properties: PublicIpPrefixProperties = PublicIpPrefixProperties()


class NatGatewaySku(Rest, frozen=True, kw_only=True):
    name: Token = Token("Standard")


class NatGatewayProperties(Rest, frozen=True, kw_only=True):
    public_ip_addresses: tuple[Reference, ...] = ()
    public_ip_addresses_v6: tuple[Reference, ...] = ()
    public_ip_prefixes: tuple[Reference, ...] = ()
    public_ip_prefixes_v6: tuple[Reference, ...] = ()
    source_virtual_network: Reference = Reference()


class NatGateway(Resource, frozen=True, kw_only=True):
    arm_type: ClassVar = Token("Microsoft.Network/natGateways")
    sku: NatGatewaySku = NatGatewaySku()
    zones: tuple[str, ...] = ()
    properties: NatGatewayProperties = NatGatewayProperties()

    @property
    def public_ids(self) -> tuple[ArmId, ...]:
        """The IPv4 addresses and prefixes that it translates to."""
        properties = self.properties
        return tuple(reference.id for reference in (*properties.public_ip_addresses, *properties.public_ip_prefixes))

    @property
    def has_address(self) -> bool:
        """Whether it translates at all."""
        return bool(self.public_ids or self.properties.public_ip_addresses_v6 or self.properties.public_ip_prefixes_v6)

    def references(self) -> Iterator[ArmId]:
        yield from self.public_ids
