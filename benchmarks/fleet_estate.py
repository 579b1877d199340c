"""A fleet of any size, each cluster a copy of Contoso's aks-payments-prod, served by a process of its own.

Every copy has its own resource groups, spoke network, route table, vault, identities, kubelet identity, role
assignments and diagnostic settings, behind the one hub of Contoso. All copies share the objects of one small cluster.
One of ten is private and out of reach.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import msgspec
from akscan_fixtures.controllers import Objects
from akscan_fixtures.documents import Json
from akscan_fixtures.estate import ClusterAccess, Estate, Subscription
from akscan_fixtures.exchange import Request
from akscan_fixtures.simulator import Simulator
from akscan_fixtures.throttling import TokenBuckets

_HUB = "c0470500-0001-4000-8000-0c0000000000"
_PRODUCTION = "c0470500-0002-4000-8000-0c0000000000"
_TEMPLATE = "payments-prod"
_REGISTRY = "/registries/acrcontosoprod"
#: GUIDs of Contoso that every cluster has of its own: clients, principals, issuers, role assignments
_OWN = ("0a1d", "0b1d", "01dc", "4a00")
_NODES = 2
_OUT_OF_REACH_EVERY = 10


@dataclass(frozen=True)
class Served:
    """Where a fleet is served, and what the process of the scanner needs to get there."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    _process: Connection

    def requests(self) -> tuple[Request, ...]:
        """Every request so far."""
        self._process.send(None)
        found: tuple[Request, ...] = self._process.recv()
        return found


@contextmanager
def serve(clusters: int, subscriptions: int, latency_seconds: float) -> Iterator[Served]:
    """Serve a fleet from another process, throttled as Azure does it, while the block runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, clusters, subscriptions, latency_seconds))
    process.start()
    theirs.close()
    try:
        arguments, environment = ours.recv()
        yield Served(arguments, environment, ours)
    finally:
        ours.close()
        process.join()


def _serve(scanner: Connection, clusters: int, subscriptions: int, latency_seconds: float) -> None:
    estate = fleet(clusters, subscriptions)
    with Simulator(estate, latency_seconds=latency_seconds, buckets=TokenBuckets()) as simulator:
        arguments = (
            *("--cloud", "custom", "--arm-endpoint", simulator.arm_endpoint, "--arm-audience", simulator.arm_audience),
            *("--ca-file", str(simulator.ca_file), "--auth", "managed-identity"),
        )
        scanner.send((arguments, simulator.environment))
        while True:
            try:
                scanner.recv()
            except EOFError:
                return
            scanner.send(simulator.requests)


def fleet(clusters: int, subscriptions: int) -> Estate:
    """An estate of that many clusters, spread evenly over subscriptions beside that of the hub."""
    contoso = Estate.shipped("contoso")
    guids = [f"f1ee7000-{number:04x}-4000-8000-000000000000" for number in range(subscriptions)]
    hub = [resource for resource in contoso.resources.values() if _HUB in resource["id"]]
    template = msgspec.json.encode(list(_template(contoso))).decode()
    copies = [
        resource for number in range(clusters) for resource in _stamped(template, number, guids[number % subscriptions])
    ]
    names = [f"aks-{_name(number)}" for number in range(clusters)]
    objects = _small(contoso.kubernetes[f"aks-{_TEMPLATE}"])
    return msgspec.structs.replace(
        contoso,
        subscriptions=[
            Subscription(subscription_id=_HUB, display_name="hub"),
            *(Subscription(subscription_id=guid, display_name=f"spokes-{n:02}") for n, guid in enumerate(guids)),
        ],
        management_groups={},
        resources={resource["id"].lower(): resource for resource in (*hub, *copies)},
        kubernetes=dict.fromkeys(names, objects),
        clusters={name: ClusterAccess(reachable=False) for name in names[::_OUT_OF_REACH_EVERY]},
    )


def _name(number: int) -> str:
    return f"app-{number:04}"


def _template(contoso: Estate) -> Iterator[Json]:
    """The resources of the cluster, what its identities are assigned to, and the registry, one for a subscription."""
    own = [r for key, r in contoso.resources.items() if _PRODUCTION in key and _TEMPLATE in key]
    principals = {r["properties"].get("principalId") for r in own if r["type"].endswith("userAssignedIdentities")}
    yield from own
    for key, resource in contoso.resources.items():
        assigned = resource.get("properties", {}).get("principalId") in principals and resource not in own
        if key.endswith(_REGISTRY) or (assigned and "roleAssignments" in resource["type"]):
            yield resource


def _stamped(template: str, number: int, subscription: str) -> list[Json]:
    """The resources of one copy."""
    text = template.replace(_PRODUCTION, subscription)
    for old, new in ((_TEMPLATE, _name(number)), (_TEMPLATE.upper(), _name(number).upper())):
        text = text.replace(old, new)
    for kind in _OWN:
        text = text.replace(f"c0470500-{kind}-", f"{number:08x}-{kind}-")
    resources: list[Json] = msgspec.json.decode(text)
    return resources


def _small(objects: Objects) -> Objects:
    """The objects of a cluster with a few of its nodes, and the pods there."""
    nodes = objects["nodes"][:_NODES]
    names = {node["metadata"]["name"] for node in nodes}
    pods = [pod for pod in objects["pods"] if pod["spec"].get("nodeName") in names]
    return {**objects, "nodes": nodes, "pods": pods}
