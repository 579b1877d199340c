"""The Spot capacity of a cluster, which Azure may take back at any moment."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.kubernetes import Node, PodSpec
from akscan.model.scheduling import Place, common_place
from akscan.model.text import Token

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.pools import NodePool


class SpotCapacity:
    """Spot nodes, whoever made them, and Spot pools, with nodes or without."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Raises `NotCollected` where nodes could not be listed."""
        return tuple(node for node in self._cluster.lists.nodes.complete() if node.is_spot)

    @property
    def pools(self) -> tuple[NodePool, ...]:
        """Raises `NotCollected` where the cluster was not read."""
        return tuple(pool for pool in self._cluster.pools if pool.is_spot)

    @cached_property
    def exists(self) -> bool:
        """Whether there is a Spot node or pool. Raises `NotCollected` where none was found and some may be missing."""
        if any(node.is_spot for node in self._cluster.lists.nodes.items):
            return True
        return bool(self.pools) or bool(self.nodes)

    def admits(self, spec: PodSpec) -> bool:
        """Whether a pod may run on Spot capacity that is there or that the settings of a pool make. Raises
        `NotCollected` where none was found and some may be missing.
        """
        return any(place.admits(spec) for place in self._node_places) or any(
            pool.place.admits(spec) for pool in self._pools_without_nodes
        )

    @cached_property
    def _node_places(self) -> tuple[Place, ...]:
        """What the Spot nodes of each pool have in common, as far as nodes were read."""
        groups: dict[tuple[Token, str], list[Node]] = defaultdict(list)
        for node in self._cluster.lists.nodes.items:
            if node.is_spot:
                groups[Token(node.pool), node.metadata.label("karpenter.sh/nodepool")].append(node)
        return tuple(common_place(nodes) for nodes in groups.values())

    @cached_property
    def _pools_without_nodes(self) -> tuple[NodePool, ...]:
        inhabited = {Token(node.pool) for node in self.nodes}
        return tuple(pool for pool in self.pools if Token(pool.name) not in inhabited)
