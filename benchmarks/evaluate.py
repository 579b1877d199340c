"""How evaluation and reports grow with the number of workloads: ``python benchmarks/evaluate.py [WORKLOADS]``.

Every workload has a finding, and what rules look at beside it: a Service, a budget, a claim; some are on Spot and have
a webhook. Prints seconds per phase and the ratio of the time for n workloads to that for n/4 (4 is linear), all in one
run, then the seconds for all rules against their bar, and the dearest rules.
"""

import io
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from akscan.config import Config, Loaded, select_rules
from akscan.engine import Evaluation, SelectedRule
from akscan.model.decode import decode, encode
from akscan.model.kubernetes import SPOT_TAINT_KEY, KubernetesLists, ResourceRequirements, Toleration
from akscan.plugins import load_reporter, load_rules, reporter_names
from akscan.presentation import Presentation
from akscan.results import Report
from akscan.testing import (
    claim,
    container,
    disruption_budget,
    inventory,
    mounting,
    node,
    service,
    spot_node,
    webhook_configuration,
    workload,
)

T = TypeVar("T")
_PODS_PER_WORKLOAD = 3
#: One of so many workloads, and of so many nodes, is on Spot.
_ONE_ON_SPOT = 10
#: What the evaluation of all rules over 20,000 workloads may take.
_BAR_SECONDS, _BAR_WORKLOADS = 10.0, 20_000
_DEAREST = 5


def main(workloads: int) -> None:
    """Measure a quarter and the whole, and print the table."""
    small, large = measure(workloads // 4), measure(workloads)
    print(f"{'phase':<22}{workloads // 4:>12}{workloads:>12}{'ratio':>8}")
    for phase, seconds in large.phases.items():
        print(f"{phase:<22}{small.phases[phase]:>10.2f} s{seconds:>10.2f} s{seconds / small.phases[phase]:>8.1f}")
    bar = _BAR_SECONDS * workloads / _BAR_WORKLOADS
    verdict = "within" if large.evaluation <= bar else "ABOVE"
    print(
        f"all {large.rules} rules over {workloads} workloads: {large.evaluation:.2f} s, {verdict} the bar of {bar:g} s"
    )
    print("dearest: " + ", ".join(f"{rule} {seconds:.2f} s" for rule, seconds in large.dearest.items()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB, {workloads * _PODS_PER_WORKLOAD} pods")


@dataclass(frozen=True)
class Measured:
    """Seconds per phase, for all rules, and for the dearest ones alone."""

    phases: dict[str, float]
    rules: int
    evaluation: float
    dearest: dict[str, float]


def objects(workloads: int) -> Iterator[object]:
    """What one cluster of that many workloads holds."""
    spot = Toleration(key=SPOT_TAINT_KEY, value="spot", effect="NoSchedule")
    nodes = max(2, workloads // 10)
    for number in range(nodes):
        yield spot_node(f"spot-{number}") if number % _ONE_ON_SPOT == 0 else node(f"node-{number}")
    # every workload has a finding: no container states its resources
    bare = container(resources=ResourceRequirements())
    for number in range(workloads):
        name, on_spot = f"app-{number}", number % _ONE_ON_SPOT == 0
        spec = mounting(name, containers=(bare,), tolerations=(spot,) if on_spot else None)
        where = f"spot-{number // _ONE_ON_SPOT % (nodes // _ONE_ON_SPOT or 1) * _ONE_ON_SPOT}"
        yield workload(
            name=name,
            replicas=_PODS_PER_WORKLOAD,
            spec=spec,
            on_node=where if on_spot else f"node-{number % nodes // _ONE_ON_SPOT * _ONE_ON_SPOT + 1}",
        )
        yield service(name)
        yield disruption_budget(name, selector={"app": name})
        yield claim(name, mode="ReadWriteMany", driver="file.csi.azure.com")
        if on_spot:
            yield webhook_configuration(name=name, service=f"shop/{name}", failure_policy="Ignore")


def measure(workloads: int) -> Measured:
    """Measure writing, reading and evaluating one cluster of that many workloads."""
    world = inventory(list(objects(workloads)))
    (cluster,) = world.clusters
    written, text = timed(lambda: encode(cluster.lists))
    read, lists = timed(lambda: decode(text, KubernetesLists))
    rules = select_rules(load_rules(), Loaded(Config(), None, {}), [], [])

    def evaluate(chosen: list[SelectedRule]) -> Report:
        evaluation = Evaluation(chosen, world)
        evaluation.add(cluster.id, lists)
        return evaluation.finish(world.manifest)

    evaluated, report = timed(lambda: evaluate(rules))
    alone = {selected.rule.id: timed(lambda one=selected: evaluate([one]))[0] for selected in rules}
    phases = {"write inventory": written, "read inventory": read, f"evaluate {len(rules)} rules": evaluated}
    for name in reporter_names():
        reporter = load_reporter(name)
        phases[f"report {name}"], _ = timed(lambda reporter=reporter: reporter(report, io.BytesIO(), Presentation()))
    dearest = sorted(alone.items(), key=lambda pair: -pair[1])[:_DEAREST]
    return Measured(phases, len(rules), evaluated, dict(dearest))


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Seconds and the result."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
