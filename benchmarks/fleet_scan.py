"""How a whole scan grows with the fleet: ``python benchmarks/fleet_scan.py [CLUSTERS [SUBSCRIPTIONS [LATENCY_MS]]]``.

Runs ``akscan scan`` against a simulated fleet in another process, throttled with the token buckets of ARM and AKS, and
prints how a quarter of it and the whole compare with the bound that latency and throttling dictate: the larger of

- latency x (ARM calls / calls at once, or those of the busiest subscription / its calls at once)
  + latency x (user credential, version, and the lists / requests at once to an API server, for each cluster that
  answers) / clusters at once;
- for each bucket (requests - its size) / its refill.

What a scan takes beyond that is the CPU time of scanner and simulator, which share the machine.

The calls to ARM for a further cluster are told apart by what they are asked of: the cluster itself, the identities and
the key vault that it brings along, and everything else.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from akscan.collect.azure import CALLS_AT_ONCE, CALLS_AT_ONCE_PER_SUBSCRIPTION
from akscan.collect.connection import REQUESTS_AT_ONCE
from akscan.collect.live import CLUSTERS_AT_ONCE
from akscan.model.reads import KUBERNETES_READS
from akscan.model.text import ArmId
from akscan_fixtures.exchange import Request
from akscan_fixtures.throttling import Limit, Limits
from fleet_estate import serve
from process import Spent, spent

_TOO_MANY_REQUESTS = 429
#: By a part of the path or query, the first that stands there.
_ASKED_OF = {
    "the cluster": "/managedclusters/",
    "its identities": "/userassignedidentities/",
    "their groups": "assignedto",
    "its vault": "/vaults/",
}
_REST = "everything else"


@dataclass(frozen=True)
class Measured:
    """What one scan took."""

    clusters: int
    scan: Spent
    bound_seconds: float
    arm_calls: Counter[str]
    arm_refusals: int
    kubernetes_calls: int
    clusters_read: int

    @property
    def arm_total(self) -> int:
        """All calls to ARM that were not refused."""
        return self.arm_calls.total()


def main(clusters: int, subscriptions: int, latency_seconds: float) -> None:
    """Measure a quarter and the whole, and print the table."""
    small, large = (measure(size, subscriptions, latency_seconds) for size in (clusters // 4, clusters))
    further = large.clusters - small.clusters
    print(f"{subscriptions} subscriptions, {latency_seconds * 1000:.0f} ms latency")
    rows = (
        ("clusters", "{0.clusters}"),
        ("clusters that answered", "{0.clusters_read}"),
        ("wall time", "{0.scan.wall_seconds:.1f} s"),
        ("bound", "{0.bound_seconds:.1f} s"),
        ("CPU time of the scanner", "{0.scan.cpu_seconds:.1f} s"),
        ("peak memory", "{0.scan.peak_mib:.0f} MiB"),
        ("ARM calls", "{0.arm_total}"),
        ("refused by a bucket", "{0.arm_refusals}"),
        ("Kubernetes calls", "{0.kubernetes_calls}"),
    )
    for label, form in rows:
        print(f"{label:<26}{form.format(small):>12}{form.format(large):>12}")
    ratios = [f"{one.scan.wall_seconds / one.bound_seconds:.2f}" for one in (small, large)]
    print(f"{'wall time / bound':<26}{ratios[0]:>12}{ratios[1]:>12}")
    print(f"ARM calls per further cluster {(large.arm_total - small.arm_total) / further:.2f}, asked of:")
    for asked_of in (*_ASKED_OF, _REST):
        print(f"  {asked_of:<24}{(large.arm_calls[asked_of] - small.arm_calls[asked_of]) / further:>12.2f}")
    print(f"memory per further cluster {(large.scan.peak_mib - small.scan.peak_mib) * 1024 / further:.0f} KiB")


def measure(clusters: int, subscriptions: int, latency_seconds: float) -> Measured:
    """Scan a fleet of that size. Raises `CalledProcessError` where the scan fails."""
    with serve(clusters, subscriptions, latency_seconds) as served, tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "akscan", "scan", "--quiet", *served.arguments, "-f", "json", "-o", folder]
        scan = spent(command, {**served.environment, "NO_PROXY": "127.0.0.1"})
        requests = served.requests()
    arm = [request for request in requests if request.service == "arm"]
    refused = sum(request.status == _TOO_MANY_REQUESTS for request in arm)
    read = {request.cluster for request in requests if request.service == "kubernetes"}
    return Measured(
        clusters=clusters,
        scan=scan,
        bound_seconds=bound(arm, len(read), latency_seconds),
        arm_calls=Counter(asked_of(request) for request in arm if request.status != _TOO_MANY_REQUESTS),
        arm_refusals=refused,
        kubernetes_calls=sum(request.service == "kubernetes" for request in requests),
        clusters_read=len(read),
    )


def bound(arm: Sequence[Request], answering: int, latency_seconds: float) -> float:
    """The seconds that latency and throttling dictate for these calls, of which the refused do not count."""
    done = [request for request in arm if request.status != _TOO_MANY_REQUESTS]
    reads = [request for request in done if request.method == "GET"]
    azure = max(len(reads) / CALLS_AT_ONCE, busiest(reads) / CALLS_AT_ONCE_PER_SUBSCRIPTION)
    kubernetes = answering * (2 + math.ceil(len(KUBERNETES_READS) / REQUESTS_AT_ONCE)) / CLUSTERS_AT_ONCE
    limits = Limits()
    return max(
        latency_seconds * (azure + kubernetes),
        seconds(limits.reads, busiest(reads)),
        seconds(limits.writes, busiest(request for request in done if request.method == "POST")),
        seconds(limits.cluster_others, busiest(request for request in done if counts_as_other(request))),
    )


def busiest(requests: Iterable[Request]) -> int:
    """The number of requests to the subscription with most of them."""
    return max(Counter(ArmId(request.path).subscription for request in requests).values(), default=0)


def asked_of(request: Request) -> str:
    """What a call to ARM is asked of."""
    asked = f"{request.path}?{request.query}".casefold()
    return next((name for name, part in _ASKED_OF.items() if part in asked), _REST)


def counts_as_other(request: Request) -> bool:
    """Whether the request takes from the bucket of AKS for all but managed clusters and lists of them."""
    provider, *path = request.path.lower().rpartition("/providers/")[2].split("/")
    return provider == "microsoft.containerservice" and len(path) > len(("managedclusters", "name"))


def seconds(limit: Limit, requests: int) -> float:
    """How long a bucket makes that many requests last."""
    return max(0.0, (requests - limit.size) / limit.per_second)


if __name__ == "__main__":
    size, spread, latency_ms = (*map(int, sys.argv[1:]), *(1_000, 40, 50)[len(sys.argv) - 1 :])
    main(size, spread, latency_ms / 1000)
