"""Builders of what stands on the way out: firewalls with their rules, NAT gateways, public addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from akscan.model import azure
from akscan.model.text import ArmId, Token
from akscan.testing.azure import GROUP, NETWORK

HUB_NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub"
FIREWALL = f"{GROUP}/providers/Microsoft.Network/azureFirewalls/fw"
VIRTUAL_HUB = f"{GROUP}/providers/Microsoft.Network/virtualHubs/hub"
_NETWORKING = f"{GROUP}/providers/Microsoft.Network"


def references(*ids: str) -> tuple[azure.Reference, ...]:
    """Pointers to resources."""
    return tuple(azure.Reference(id=ArmId(one)) for one in ids)


def public_ip(name: str, address: str) -> azure.PublicIpAddress:
    """A public address."""
    return azure.PublicIpAddress(
        id=ArmId(f"{_NETWORKING}/publicIPAddresses/{name}"),
        name=name,
        properties=azure.PublicIpAddressProperties(ip_address=address),
    )


def public_prefix(name: str, prefix: str) -> azure.PublicIpPrefix:
    """A public prefix."""
    return azure.PublicIpPrefix(
        id=ArmId(f"{_NETWORKING}/publicIPPrefixes/{name}"),
        name=name,
        properties=azure.PublicIpPrefixProperties(ip_prefix=prefix),
    )


def nat_gateway(
    name: str = "ng",
    *public: azure.Resource,
    sku: str = "Standard",
    zones: Sequence[str] = (),
    group: str = GROUP,
    source: str = "",
) -> azure.NatGateway:
    """A NAT gateway that translates to these public addresses and prefixes; ``source`` is the network that it serves as
    a whole.
    """
    addresses = (one.id for one in public if isinstance(one, azure.PublicIpAddress))
    prefixes = (one.id for one in public if isinstance(one, azure.PublicIpPrefix))
    return azure.NatGateway(
        id=ArmId(f"{group}/providers/Microsoft.Network/natGateways/{name}"),
        name=name,
        sku=azure.NatGatewaySku(name=Token(sku)),
        zones=tuple(zones),
        properties=azure.NatGatewayProperties(
            public_ip_addresses=references(*addresses),
            public_ip_prefixes=references(*prefixes),
            source_virtual_network=azure.Reference(id=ArmId(source)),
        ),
    )


def hub(*, held_by: str = FIREWALL, nat: str = "") -> azure.VirtualNetwork:
    """The network of the hub, 10.1.0.0/24, with a subnet for firewalls that one holds."""
    held = references(f"{held_by}/azureFirewallIpConfigurations/ip") if held_by else ()
    subnet = azure.SubnetResource(
        id=ArmId(f"{HUB_NETWORK}/subnets/AzureFirewallSubnet"),
        name="AzureFirewallSubnet",
        properties=azure.SubnetProperties(
            address_prefix="10.1.0.0/26", ip_configurations=held, nat_gateway=azure.Reference(id=ArmId(nat))
        ),
    )
    return azure.VirtualNetwork(
        id=ArmId(HUB_NETWORK),
        name="hub",
        properties=azure.VirtualNetworkProperties(
            address_space=azure.AddressSpace(address_prefixes=("10.1.0.0/24",)), subnets=(subnet,)
        ),
    )


def connected_hub(*, network: str = NETWORK) -> list[azure.Resource]:
    """A virtual hub that a network is connected to."""
    return [
        azure.VirtualHub(id=ArmId(VIRTUAL_HUB), name="hub"),
        azure.HubConnection(
            id=ArmId(f"{VIRTUAL_HUB}/hubVirtualNetworkConnections/spoke"),
            name="spoke",
            properties=azure.HubConnectionProperties(remote_virtual_network=azure.Reference(id=ArmId(network.upper()))),
        ),
    ]


def firewall(
    *public: azure.PublicIpAddress, policy: azure.FirewallPolicy | None = None, address: str = "10.1.0.4", **fields: Any
) -> azure.AzureFirewall:
    """The firewall of the hub, at the address that the test route table names."""
    own = azure.Reference(id=ArmId(f"{HUB_NETWORK}/subnets/AzureFirewallSubnet"))
    configurations = tuple(
        azure.FirewallIpConfiguration(
            properties=azure.FirewallAddress(
                private_ip_address=address if place == 0 else "",
                public_ip_address=azure.Reference(id=one.id if one else ArmId()),
                subnet=own if place == 0 else azure.Reference(),
            )
        )
        for place, one in enumerate(public or (None,))
    )
    return azure.AzureFirewall(
        id=ArmId(FIREWALL),
        name="fw",
        properties=azure.AzureFirewallProperties(
            **{
                "ip_configurations": configurations,
                "firewall_policy": azure.Reference(id=policy.id if policy else ArmId()),
                "provisioning_state": Token("Succeeded"),
                **fields,
            }
        ),
    )


def firewall_policy(
    name: str = "policy",
    *,
    base: azure.FirewallPolicy | None = None,
    dns_proxy: bool | None = None,
    dns_servers: Sequence[str] = (),
) -> azure.FirewallPolicy:
    """A firewall policy; without ``dns_proxy`` it has no DNS settings of its own."""
    return azure.FirewallPolicy(
        id=ArmId(f"{_NETWORKING}/firewallPolicies/{name}"),
        name=name,
        properties=azure.FirewallPolicyProperties(
            base_policy=azure.Reference(id=base.id if base else ArmId()),
            dns_settings=None
            if dns_proxy is None
            else azure.DnsSettings(enable_proxy=dns_proxy, servers=tuple(dns_servers)),
        ),
    )


def rule_group(
    policy: azure.FirewallPolicy, *collections: azure.RuleCollection, name: str = "group", priority: int = 200
) -> azure.RuleCollectionGroup:
    """A rule collection group of a policy."""
    return azure.RuleCollectionGroup(
        id=ArmId(f"{policy.id}/ruleCollectionGroups/{name}"),
        name=name,
        properties=azure.RuleCollectionGroupProperties(priority=priority, rule_collections=collections),
    )


def rules(
    *found: azure.FirewallRule, action: str = "Allow", priority: int = 200, name: str = "collection"
) -> azure.RuleCollection:
    """A collection of filter rules, which allow unless said otherwise."""
    return azure.RuleCollection(
        name=name, priority=priority, action=azure.Action(type=Token(action)), rules=tuple(found)
    )


def dnat(address: str) -> azure.RuleCollection:
    """A collection that translates to an address."""
    rule = azure.FirewallRule(name="in", rule_type=Token("NatRule"), translated_address=address)
    return rules(rule).translating()


def network_rule(  # noqa: PLR0913 the fields of a rule
    *,
    to: Sequence[str] = (),
    fqdns: Sequence[str] = (),
    ports: Sequence[str] = ("443",),
    protocols: Sequence[str] = ("TCP",),
    sources: Sequence[str] = ("*",),
    groups: Sequence[azure.IpGroup] = (),
    to_groups: Sequence[azure.IpGroup] = (),
    name: str = "network",
    **fields: Any,
) -> azure.FirewallRule:
    """A network rule, TCP 443 from everywhere unless said otherwise."""
    return azure.FirewallRule(
        name=name,
        rule_type=Token("NetworkRule"),
        source_addresses=tuple(sources),
        source_ip_groups=tuple(group.id for group in groups),
        ip_protocols=tuple(Token(protocol) for protocol in protocols),
        destination_addresses=tuple(Token(text) for text in to),
        destination_ip_groups=tuple(group.id for group in to_groups),
        destination_fqdns=tuple(Token(fqdn) for fqdn in fqdns),
        destination_ports=tuple(ports),
        **fields,
    )


def application_rule(
    *fqdns: str,
    tags: Sequence[str] = (),
    protocols: Sequence[str] = ("Https:443",),
    sources: Sequence[str] = ("*",),
    groups: Sequence[azure.IpGroup] = (),
    name: str = "application",
    **fields: Any,
) -> azure.FirewallRule:
    """An application rule, HTTPS from everywhere unless said otherwise; with tags its protocols may be absent."""
    pairs = (protocol.split(":") for protocol in protocols)
    return azure.FirewallRule(
        name=name,
        rule_type=Token("ApplicationRule"),
        source_addresses=tuple(sources),
        source_ip_groups=tuple(group.id for group in groups),
        protocols=tuple(azure.ApplicationProtocol(protocol_type=Token(kind), port=int(port)) for kind, port in pairs),
        target_fqdns=tuple(Token(fqdn) for fqdn in fqdns),
        fqdn_tags=tuple(Token(tag) for tag in tags),
        **fields,
    )


def private_zone(name: str, *records: str, linked_to: str = NETWORK, state: str = "Completed") -> list[azure.Resource]:
    """A private DNS zone with A records, linked to a network."""
    zone = ArmId(f"{_NETWORKING}/privateDnsZones/{name}")
    link = azure.PrivateDnsLinkProperties(
        virtual_network=azure.Reference(id=ArmId(linked_to)), virtual_network_link_state=Token(state)
    )
    return [
        azure.PrivateDnsZone(id=zone, name=name),
        azure.PrivateDnsLink(id=ArmId(f"{zone}/virtualNetworkLinks/link"), name="link", properties=link),
        *(azure.PrivateDnsRecord(id=ArmId(f"{zone}/A/{record}"), name=record) for record in records),
    ]


def ip_group(name: str, *addresses: str) -> azure.IpGroup:
    """An IP group."""
    return azure.IpGroup(
        id=ArmId(f"{_NETWORKING}/ipGroups/{name}"),
        name=name,
        properties=azure.IpGroupProperties(ip_addresses=addresses),
    )
