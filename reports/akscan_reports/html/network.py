"""The network of a cluster as a picture: its network on the left, what nodes leave through, the internet on the right.

Every line is horizontal: the two networks are as high as all that stands between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from akscan.sdk import ClusterFacts, HopFacts, NetworkFacts, SubnetFacts

#: Columns from left to right, in the units of the picture.
_WIDTH = 774
_LEFT, _LEFT_WIDTH = 1, 300
_MIDDLE, _MIDDLE_WIDTH = 385, 235
_RIGHT, _RIGHT_WIDTH = 689, 84
_LINE, _PAD, _GAP = 16, 9, 12
#: Characters that fit into a unit of a box's width, of the widest usual fonts.
_CHARACTERS_PER_UNIT = 0.138
_NO_WAY_OUT = {"none", "block"}


@dataclass(frozen=True)
class Box:
    """A rectangle with lines of text, the first of which is its title."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]

    @property
    def texts(self) -> Iterator[tuple[int, int, str]]:
        """Where each line stands, shortened to what fits."""
        for number, line in enumerate(self.lines):
            yield self.x + _PAD, self.y + _PAD + 11 + number * _LINE, _shortened(line, self.width)

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


@dataclass(frozen=True)
class Line:
    """A horizontal line; ``kind`` says what passes along it."""

    kind: str
    start: int
    end: int
    y: int
    label: str = ""


@dataclass(frozen=True)
class Picture:
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: int = _WIDTH


def picture(cluster: ClusterFacts) -> Picture | None:
    """None of a cluster of which nothing of the kind is known."""
    if cluster.azure_gap or not (cluster.networks or cluster.subnets or cluster.hops):
        return None
    head = _network_lines(cluster)
    subnets = [_subnet_lines(subnet, cluster) for subnet in cluster.subnets] or [_pool_lines(cluster)]
    inner = list(_stacked("subnet", subnets, _LEFT + _PAD, _LEFT_WIDTH - 2 * _PAD, _height(head) + 4))
    between = list(_between(cluster))
    height = max([box.y + box.height + _PAD for box in inner] + [box.y + box.height for box in between] + [60])
    boxes = [Box("network", _LEFT, 1, _LEFT_WIDTH, height, head), *inner, *between]
    lines = [line for box in between for line in _lines_of(box)]
    if any(_RIGHT in (line.start, line.end) for line in lines):
        boxes.append(Box("internet", _RIGHT, 1, _RIGHT_WIDTH, height, ("Internet",)))
    return Picture(height + 2, tuple(boxes), tuple(lines))


def _network_lines(cluster: ClusterFacts) -> tuple[str, ...]:
    own = next((network for network in cluster.networks if not network.peering), None)
    if own is not None:
        return (own.name, _listed(own.prefixes))
    return (cluster.subnets[0].network, "not read") if cluster.subnets else ("Virtual network of AKS",)


def _subnet_lines(subnet: SubnetFacts, cluster: ClusterFacts) -> tuple[str, ...]:
    nodes = {f"nodes of {pool.name}": f"{_span(pool.nodes, pool.nodes_max)} nodes" for pool in cluster.pools}
    held = (f"{one} ({nodes[one]})" if one in nodes else one for one in subnet.holds)
    return (subnet.name, _listed(subnet.prefixes) or "addresses not read", *held)


def _pool_lines(cluster: ClusterFacts) -> tuple[str, ...]:
    """What stands in the only subnet of a network that AKS manages."""
    pools = (f"nodes of {pool.name} ({_span(pool.nodes, pool.nodes_max)} nodes)" for pool in cluster.pools)
    return ("Subnet of AKS", *pools)


def _span(now: int, most: int) -> str:
    return str(now) if most <= now else f"{now} to {most}"


def _between(cluster: ClusterFacts) -> Iterator[Box]:
    """What nodes leave through, the networks beside, and an API server that the internet reaches."""
    shown = {hop.network for hop in cluster.hops if hop.network}
    peers = [network for network in cluster.networks if network.peering]
    described = {network.name: network for network in peers}
    stacks = [("hop", _hop_lines(hop, described.get(hop.network))) for hop in cluster.hops]
    if not cluster.hops:
        kind = "closed" if cluster.outbound_type in _NO_WAY_OUT else "hop"
        stacks.append((kind, _outbound_lines(cluster)))
    stacks += [("peer", _peer_lines(network)) for network in peers if network.name not in shown]
    if cluster.private is False:
        stacks.append(("public", ("API server", "has a public address")))
    y = 1
    for kind, lines in stacks:
        box = Box(kind, _MIDDLE, y, _MIDDLE_WIDTH, _height(lines), lines)
        yield box
        y += box.height + _GAP


def _hop_lines(hop: HopFacts, network: NetworkFacts | None) -> tuple[str, ...]:
    title = hop.name or hop.kind.capitalize()
    where = f"in {hop.network}" if hop.network else ""
    peering = f"peering {network.peering}" if network else ""
    return tuple(
        filter(None, (title, f"{hop.kind} {hop.address}".strip() if hop.name else hop.address, where, peering))
    )


def _outbound_lines(cluster: ClusterFacts) -> tuple[str, ...]:
    if cluster.outbound_type in _NO_WAY_OUT:
        return ("No way out", f"outboundType {cluster.outbound_type}")
    return ("Way out", f"outboundType {cluster.outbound_type}", "not read" if cluster.network_gap else "none found")


def _peer_lines(network: NetworkFacts) -> tuple[str, ...]:
    return (network.name, _listed(network.prefixes), f"peering {network.peering}")


def _lines_of(box: Box) -> Iterator[Line]:
    edge, far = _LEFT + _LEFT_WIDTH, _MIDDLE + _MIDDLE_WIDTH
    match box.kind:
        case "hop":
            yield Line("out", edge, _MIDDLE, box.middle, "egress")
            yield Line("out", far, _RIGHT, box.middle)
        case "public":
            yield Line("in", _RIGHT, far, box.middle)
            yield Line("in", edge, _MIDDLE, box.middle, "nodes")
        case "peer":
            yield Line("beside", edge, _MIDDLE, box.middle, "peering")


def _stacked(kind: str, stacks: Iterable[tuple[str, ...]], x: int, width: int, y: int) -> Iterator[Box]:
    for lines in stacks:
        box = Box(kind, x, y, width, _height(lines), lines)
        yield box
        y += box.height + _GAP // 2


def _height(lines: tuple[str, ...]) -> int:
    return len(lines) * _LINE + 2 * _PAD - 4


def _listed(prefixes: tuple[str, ...]) -> str:
    return ", ".join(prefixes[:2]) + (f" and {len(prefixes) - 2} more" if len(prefixes) > 2 else "")  # noqa: PLR2004


def _shortened(text: str, width: int) -> str:
    fitting = int((width - 2 * _PAD) * _CHARACTERS_PER_UNIT)
    return text if len(text) <= fitting else f"{text[: fitting - 1]}…"
