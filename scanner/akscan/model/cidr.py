"""CIDR arithmetic on the address texts of Azure and Kubernetes."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Azure keeps the first four addresses of a subnet and the last
#: (https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq).
_RESERVED = 5
_IPV4 = 4
_PRIVATE = tuple(
    ipaddress.ip_network(prefix)
    for prefix in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


def network_of(text: str) -> Network | None:
    """An address or prefix as a network (host bits aside); None where the text is neither, such as a service tag."""
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def is_private(network: Network) -> bool:
    """Whether the network lies wholly in RFC 1918, RFC 6598 or unique local space: no packet of the Internet comes from
    there.
    """
    ends = (network.network_address, network.broadcast_address)
    return any(all(end in private for end in ends) for private in _PRIVATE)


def holds(prefixes: Iterable[str], address: str) -> bool:
    """Whether text is a single address in one of the prefixes; any other text is in none."""
    found = network_of(address)
    if found is None or found.num_addresses != 1:
        return False
    networks = (network_of(prefix) for prefix in prefixes)
    return any(network is not None and found.network_address in network for network in networks)


def usable_addresses(prefixes: Iterable[str]) -> int:
    """What Azure leaves its customer of IPv4 prefixes. Raises `ValueError` for text that is no prefix."""
    networks = (ipaddress.ip_network(prefix, strict=False) for prefix in prefixes)
    return sum(max(0, network.num_addresses - _RESERVED) for network in networks if network.version == _IPV4)
