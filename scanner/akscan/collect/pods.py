"""Pods are reduced while they arrive: of each controller only the newest admitted pod keeps its whole spec."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from akscan.model.kubernetes import Pod, PodCondition, PodStatus

_READY = (PodCondition(type="Ready", status="True"),)
_NOT_READY = (PodCondition(type="Ready", status="False"),)


class PodReducer:
    """Takes pods page by page; memory grows with the number of pods, not with the size of their specs."""

    def __init__(self) -> None:
        self._pods: list[Pod] = []
        #: key of the controller -> place of its newest pod
        self._newest: dict[str, int] = {}

    def add(self, pods: Iterable[Pod]) -> None:
        for pod in pods:
            node_name = pod.spec.node_name if pod.spec else pod.node_name
            self._add(msgspec.structs.replace(pod, node_name=node_name, status=_reduced(pod.status)))

    def _add(self, pod: Pod) -> None:
        owner = pod.metadata.controller_key
        if not owner:
            self._pods.append(pod)
            return
        place = self._newest.get(owner)
        if pod.metadata.deletion_timestamp is None and (place is None or _age(pod) > _age(self._pods[place])):
            if place is not None:
                self._pods[place] = msgspec.structs.replace(self._pods[place], spec=None)
            self._newest[owner] = len(self._pods)
            self._pods.append(pod)
        else:
            self._pods.append(msgspec.structs.replace(pod, spec=None))

    def pods(self) -> tuple[Pod, ...]:
        return tuple(self._pods)


def _reduced(status: PodStatus) -> PodStatus:
    """Of the conditions only whether it is Ready, the same two objects for all pods; of containers only those of pods
    that are not.
    """
    ready = next((c for c in status.conditions or () if c.type == "Ready"), None)
    if ready is not None and ready.status == "True":
        return msgspec.structs.replace(status, conditions=_READY, container_statuses=None)
    return msgspec.structs.replace(status, conditions=None if ready is None else _NOT_READY)


def _age(pod: Pod) -> tuple[str, str]:
    """The order of `Workload.newest_pod`."""
    return pod.metadata.creation_timestamp or "", pod.name
