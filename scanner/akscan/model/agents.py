"""Whether the agents that AKS deploys for a feature run on every node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from akscan.model.gaps import Gap, NotCollected, Reason, untold
from akscan.model.kubernetes import Controller, Pod
from akscan.model.needs import Need

if TYPE_CHECKING:
    from akscan.model.cluster import Cluster
    from akscan.model.workloads import Workload

_KINDS = {"DaemonSet": "daemon_sets", "Deployment": "deployments"}


@dataclass(frozen=True, slots=True)
class Shortfall:
    """An agent that is missing (``wanted`` is 0 then) or has too few ready pods, with the pods that are not."""

    agent: str
    wanted: int = 0
    ready: int = 0
    pods: tuple[Pod, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.agent} has {self.ready} of {self.wanted} pods ready" if self.wanted else f"{self.agent} is missing"
        )


class Agents:
    """The agents of one cluster, named ``Kind/namespace/name``; a name may end in ``*``."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def profiles(self) -> dict[str, str]:
        """The profiles that are on and have agents -> the setting that turns them on."""
        cluster, properties = self._cluster, self._cluster.properties
        monitor = properties.azure_monitor_profile
        logs = (
            "omsagent.enabled" if cluster.addon("omsagent").enabled else "azureMonitorProfile.containerInsights.enabled"
        )
        on = {
            "logs": (logs, cluster.addon("omsagent").enabled or monitor.container_insights.enabled),
            "metrics": ("azureMonitorProfile.metrics.enabled", monitor.metrics.enabled),
            "defender": (
                "securityProfile.defender.securityMonitoring.enabled",
                properties.security_profile.defender.security_monitoring.enabled,
            ),
            "policy": ("azurepolicy.enabled", cluster.addon("azurepolicy").enabled),
        }
        return {profile: setting for profile, (setting, is_on) in on.items() if is_on}

    @property
    def has_windows(self) -> bool:
        pools = self._cluster.properties.agent_pool_profiles
        return any(pool.os_type == "Windows" and (pool.count or 0) > 0 for pool in pools)

    def require_running(self) -> None:
        """Raises `NotCollected` for a stopped cluster, whose objects say nothing."""
        if self._cluster.resource.is_stopped:
            gap = Gap(source="kubernetes", scope=self._cluster.name, reason=Reason.STOPPED, permission=Need.DAEMON_SETS)
            raise NotCollected(gap)

    def expected(self, agents: tuple[str, ...]) -> tuple[str, ...]:
        """Those of these agents that have to be in the cluster: AKS may run its Deployments on nodes of its own."""
        hosted = self._cluster.properties.hosted_system_profile.enabled
        return tuple(agent for agent in agents if not (hosted and agent.startswith("Deployment/")))

    def shortfalls(self, agent: str, now: datetime, grace: timedelta) -> Iterator[Shortfall]:
        """Where an agent is missing or short of ready pods for longer than it may be. Raises `NotCollected` where that
        cannot be told.
        """
        kind, namespace, name = agent.split("/")
        listing = getattr(self._cluster.lists, _KINDS[kind])
        found = [item for item in listing.items if item.namespace == namespace and _fits(item.name, name)]
        if not found:
            listing.complete()
            yield Shortfall(agent)
        gap = None
        for item in found:
            wanted, ready = _counts(item)
            if ready < wanted:
                pods = self._pods_of(item)
                waiting = tuple(pod for pod in pods if not pod.is_ready)
                if not pods or any(_waits_since(pod) + grace < now for pod in waiting):
                    yield Shortfall(f"{kind}/{namespace}/{item.name}", wanted, ready, waiting)
                elif len(pods) < wanted:
                    detail = f"{wanted - len(pods)} pod(s) of {item.name} are missing, and nothing says since when"
                    gap = untold("kubernetes", self._cluster.name, detail)
        if gap is not None:
            raise NotCollected(gap)

    def _pods_of(self, item: Controller) -> tuple[Pod, ...]:
        workload = self._workloads.get((item.namespace, item.kind, item.name))
        return workload.pods if workload else ()

    @cached_property
    def _workloads(self) -> dict[tuple[str, str, str], Workload]:
        return {
            (workload.namespace, workload.kind, workload.name): workload
            for workload in self._cluster.workload_set.items
        }


def _fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _counts(item: Controller) -> tuple[int, int]:
    """How many pods it should have, and how many are ready."""
    if item.kind == "DaemonSet":
        return item.status.desired_number_scheduled, item.status.number_ready
    return (1 if item.spec.replicas is None else item.spec.replicas), item.status.ready_replicas


def _waits_since(pod: Pod) -> datetime:
    """When it was made, or had to end: its successor comes only then. Raises `NotCollected` for a pod of a dump without
    the time of its creation.
    """
    since = pod.metadata.deletion_timestamp or pod.metadata.creation_timestamp
    if since is None:
        detail = f"pod {pod.namespace}/{pod.name} does not say when it was made"
        raise NotCollected(untold("kubernetes", pod.namespace, detail))
    return datetime.fromisoformat(since)
