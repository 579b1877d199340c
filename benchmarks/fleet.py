"""How evaluation alone grows with the number of clusters: ``python benchmarks/fleet.py [CLUSTERS]``.

Every cluster has a subnet, a workload and a vault of its own. Prints seconds, and the ratio of the time for n clusters
to that for n/4 (4 is linear), all in one run.
"""

import sys
import time

import msgspec
from akscan.config import Config, Loaded, select_rules
from akscan.engine import Evaluation
from akscan.model.azure import VirtualNetwork
from akscan.model.text import ArmId
from akscan.plugins import load_rules
from akscan.testing import (
    NETWORK,
    cluster,
    inventory,
    node_pool,
    on,
    route_table,
    secret_provider_class,
    subnet,
    vault,
    virtual_network,
    workload,
)


def main(clusters: int) -> None:
    """Measure a quarter and the whole, and print the table."""
    small, large = measure(clusters // 4), measure(clusters)
    print(f"{'phase':<22}{clusters // 4:>12}{clusters:>12}{'ratio':>8}")
    for phase, seconds in large.items():
        print(f"{phase:<22}{small[phase]:>10.2f} s{seconds:>10.2f} s{seconds / small[phase]:>8.1f}")


def measure(clusters: int) -> dict[str, float]:
    """Seconds for judging that many clusters one by one, and what they share."""
    names = [f"aks-{number}" for number in range(clusters)]
    pools = {name: node_pool(vnet_subnet_id=ArmId(f"{NETWORK}-{name}/subnets/nodes")) for name in names}
    world = inventory(
        [cluster(name, pools=[pools[name]]) for name in names],
        [network_of(name) for name in names],
        [vault(f"kv-{name}") for name in names],
        [on(name, workload(), secret_provider_class(f"kv-{name}")) for name in names],
        route_table(),
    )
    evaluation = Evaluation(select_rules(load_rules(), Loaded(Config(), None, {}), [], []), world)
    started = time.perf_counter()
    for one in world.clusters:
        evaluation.add(one.id, one.lists)
    added = time.perf_counter()
    evaluation.finish(world.manifest)
    return {"cluster by cluster": added - started, "what they share": time.perf_counter() - added}


def network_of(name: str) -> VirtualNetwork:
    """A network with one subnet for one cluster."""
    there = f"{NETWORK}-{name}"
    nodes = msgspec.structs.replace(subnet(), id=ArmId(f"{there}/subnets/nodes"))
    return msgspec.structs.replace(virtual_network(nodes), id=ArmId(there), name=f"vnet-{name}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
