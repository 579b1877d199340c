"""How evaluation and reports grow with the number of workloads: ``python benchmarks/evaluate.py [WORKLOADS]``.

Prints seconds per phase and the ratio of the time for n workloads to that for n/4 (4 is linear), all in one run.
"""

import io
import resource
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from akscan.config import Config, Loaded, select_rules
from akscan.engine import Evaluation
from akscan.model.decode import decode, encode
from akscan.model.kubernetes import KubernetesLists, ResourceRequirements
from akscan.plugins import load_reporter, load_rules, reporter_names
from akscan.presentation import Presentation
from akscan.results import Report
from akscan.testing import container, inventory, node, pod_spec, service, workload

T = TypeVar("T")
_PODS_PER_WORKLOAD = 3


def main(workloads: int) -> None:
    """Measure a quarter and the whole, and print the table."""
    small, large = measure(workloads // 4), measure(workloads)
    print(f"{'phase':<22}{workloads // 4:>12}{workloads:>12}{'ratio':>8}")
    for phase, seconds in large.items():
        print(f"{phase:<22}{small[phase]:>10.2f} s{seconds:>10.2f} s{seconds / small[phase]:>8.1f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB, {workloads * _PODS_PER_WORKLOAD} pods")


def measure(workloads: int) -> dict[str, float]:
    """Seconds for writing, reading and evaluating one cluster of that many workloads."""
    nodes = [node(f"node-{number}") for number in range(max(1, workloads // 10))]
    # every workload has a finding: no container states its resources
    bare = pod_spec(container(resources=ResourceRequirements()))
    objects = [
        (
            workload(
                name=f"app-{number}", replicas=_PODS_PER_WORKLOAD, on_node=f"node-{number % len(nodes)}", spec=bare
            ),
            service(f"app-{number}"),
        )
        for number in range(workloads)
    ]
    world = inventory(nodes, objects)
    (cluster,) = world.clusters
    written, text = timed(lambda: encode(cluster.lists))
    read, lists = timed(lambda: decode(text, KubernetesLists))
    rules = select_rules(load_rules(), Loaded(Config(), None, {}), [], [])

    def evaluate() -> Report:
        evaluation = Evaluation(rules, world)
        evaluation.add(cluster.id, lists)
        return evaluation.finish(world.manifest)

    evaluated, report = timed(evaluate)
    phases = {"write inventory": written, "read inventory": read, f"evaluate {len(rules)} rules": evaluated}
    for name in reporter_names():
        reporter = load_reporter(name)
        phases[f"report {name}"], _ = timed(lambda reporter=reporter: reporter(report, io.BytesIO(), Presentation()))
    return phases


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Seconds and the result."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
