"""Disruption budgets by the pods that they select."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

from akscan.model.kubernetes import KubernetesLists, PodDisruptionBudget

#: (namespace, key, value) of one label that a selector names; of one that names none, empty keys and values.
_Key = tuple[str, str, str]


class Budgets:
    """The PodDisruptionBudgets of one cluster, indexed by one label of their selectors."""

    def __init__(self, lists: KubernetesLists) -> None:
        self._lists = lists

    @cached_property
    def _by_label(self) -> dict[_Key, list[PodDisruptionBudget]]:
        found: dict[_Key, list[PodDisruptionBudget]] = defaultdict(list)
        for budget in self._lists.pod_disruption_budgets.items:
            if budget.spec.selector is not None:
                key, value = next(iter((budget.spec.selector.match_labels or {}).items()), ("", ""))
                found[budget.namespace, key, value].append(budget)
        return found

    def selecting(self, namespace: str, labels: Mapping[str, str]) -> tuple[PodDisruptionBudget, ...]:
        """The budgets that select pods with these labels, as far as budgets were read."""
        index = self._by_label
        keys = (("", ""), *labels.items())
        candidates = (budget for key in keys for budget in index.get((namespace, *key), ()))
        return tuple(b for b in candidates if b.spec.selector is not None and b.spec.selector.matches(labels))

    def complete(self) -> None:
        """Raises `NotCollected` where some may be missing."""
        self._lists.pod_disruption_budgets.complete()
