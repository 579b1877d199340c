"""CIDR arithmetic on the address texts of Azure and Kubernetes."""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

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


def is_within(inner: Network, outer: Network) -> bool:
    """Whether all of one network lies in the other."""
    return inner.network_address in outer and inner.broadcast_address in outer


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


@dataclass(frozen=True, slots=True)
class AddressSet:
    """IPv4 addresses as ranges of numbers, in order and apart from one another."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Of addresses, prefixes, ranges (``10.0.0.4-10.0.0.9``) and ``*``; other text, such as a service tag, has
        none.
        """
        merged: list[tuple[int, int]] = []
        for first, last in sorted(found for text in texts if (found := _range_of(text)) is not None):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return cls(tuple(merged))

    def covers(self, other: AddressSet) -> bool:
        """Whether every address of the other is here; of an empty one nothing is."""
        return bool(other.ranges) and all(self._holds(first, last) for first, last in other.ranges)

    def _holds(self, first: int, last: int) -> bool:
        place = bisect_right(self.ranges, first, key=lambda r: r[0]) - 1
        return place >= 0 and last <= self.ranges[place][1]

    def touches(self, other: AddressSet) -> bool:
        """Whether they have an address in common."""
        pairs = ((mine, theirs) for mine in self.ranges for theirs in other.ranges)
        return any(mine[0] <= theirs[1] and theirs[0] <= mine[1] for mine, theirs in pairs)


EVERY_ADDRESS = AddressSet(((0, 2**32 - 1),))


def _range_of(text: str) -> tuple[int, int] | None:
    if text.strip() == "*":
        return EVERY_ADDRESS.ranges[0]
    start, dash, end = text.partition("-")
    first, last = network_of(start), network_of(end) if dash else network_of(start)
    if first is None or last is None or {first.version, last.version} != {_IPV4}:
        return None
    return int(first.network_address), int(last.broadcast_address)
