"""Disruption budgets by the pods that they select."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

from akscan.model.kubernetes import KubernetesLists, Pod, PodDisruptionBudget

#: (namespace, key, value) of one label that a selector names; of one that names none, empty keys and values.
_Key = tuple[str, str, str]


def _key_of(budget: PodDisruptionBudget) -> _Key:
    labels = budget.spec.selector.match_labels if budget.spec.selector else None
    return (budget.namespace, *next(iter((labels or {}).items()), ("", "")))


class Budgets:
    """The PodDisruptionBudgets of one cluster, indexed by one label of their selectors."""

    def __init__(self, lists: KubernetesLists) -> None:
        self._lists = lists

    @cached_property
    def _by_label(self) -> dict[_Key, list[PodDisruptionBudget]]:
        found: dict[_Key, list[PodDisruptionBudget]] = defaultdict(list)
        for budget in self._lists.pod_disruption_budgets.items:
            if budget.spec.selector is not None:
                found[_key_of(budget)].append(budget)
        return found

    def selecting(self, namespace: str, labels: Mapping[str, str]) -> tuple[PodDisruptionBudget, ...]:
        """The budgets that select pods with these labels, as far as budgets were read."""
        index = self._by_label
        keys = (("", ""), *labels.items())
        candidates = (budget for key in keys for budget in index.get((namespace, *key), ()))
        return tuple(b for b in candidates if b.spec.selector is not None and b.spec.selector.matches(labels))

    def pods_read(self, budget: PodDisruptionBudget) -> tuple[Pod, ...]:
        """The pods that a budget selects among those that were read, complete or not."""
        key = _key_of(budget)
        candidates = self._pods_by_label if key[1] else self._pods_by_namespace
        return tuple(pod for pod in candidates.get(key, ()) if budget.selects(pod))

    @cached_property
    def _pods_by_namespace(self) -> dict[_Key, list[Pod]]:
        found: dict[_Key, list[Pod]] = defaultdict(list)
        for pod in self._lists.pods.items:
            found[pod.namespace, "", ""].append(pod)
        return found

    @cached_property
    def _pods_by_label(self) -> dict[_Key, list[Pod]]:
        """By the labels that stand for the selectors of budgets."""
        wanted = {_key_of(budget)[1] for budget in self._lists.pod_disruption_budgets.items} - {""}
        found: dict[_Key, list[Pod]] = defaultdict(list)
        for pod in self._lists.pods.items:
            for key in wanted.intersection(pod.metadata.labels or ()):
                found[pod.namespace, key, pod.metadata.label(key)].append(pod)
        return found

    def complete(self) -> None:
        """Raises `NotCollected` where some may be missing."""
        self._lists.pod_disruption_budgets.complete()
