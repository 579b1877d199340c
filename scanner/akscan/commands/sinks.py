"""What becomes of an inventory as it is read: evaluated, written, or both."""

from __future__ import annotations

from collections.abc import Sequence

from akscan.engine import Evaluation, SelectedRule
from akscan.frameworks import CoveredFramework
from akscan.inventory_file import InventoryWriter
from akscan.model.inventory import Azure, Inventory, Manifest
from akscan.model.kubernetes import KubernetesLists
from akscan.model.text import ArmId
from akscan.pseudonyms.names import names_of_objects, names_of_resources
from akscan.results import Report
from akscan.waivers import PlacedWaiver


class EvaluatingSink:
    """Evaluates clusters as they come in, so a fleet is never in memory at once."""

    def __init__(
        self,
        rules: Sequence[SelectedRule],
        system_namespaces: frozenset[str],
        frameworks: Sequence[CoveredFramework] = (),
        waivers: Sequence[PlacedWaiver] = (),
        *,
        keeps_names: bool = False,
    ) -> None:
        self.names: set[str] = set()
        self._keeps_names = keeps_names
        self._rules = rules
        self._waivers = waivers
        self._frameworks = frameworks
        self._system_namespaces = system_namespaces
        self._evaluation: Evaluation | None = None
        self._report: Report | None = None

    def begin(self, manifest: Manifest, azure: Azure) -> None:
        if self._keeps_names:
            self.names.update(names_of_resources(r for kind in azure.resources.values() for r in kind))
        inventory = Inventory(manifest, azure, system_namespaces=self._system_namespaces)
        self._evaluation = Evaluation(self._rules, inventory, self._frameworks, self._waivers)

    def add(self, cluster_id: ArmId, lists: KubernetesLists) -> None:
        assert self._evaluation is not None  # noqa: S101 begin comes first
        self._evaluation.add(cluster_id, lists)
        if self._keeps_names:
            self.names.update(names_of_objects(lists))

    def finish(self, manifest: Manifest) -> None:
        assert self._evaluation is not None  # noqa: S101 begin comes first
        self._report = self._evaluation.finish(manifest)

    def report(self) -> Report:
        assert self._report is not None  # noqa: S101 finish came before
        return self._report


class WritingSink:
    """Writes clusters as they come in."""

    def __init__(self, writer: InventoryWriter) -> None:
        self._writer = writer
        self.interrupted = False

    def begin(self, _manifest: Manifest, azure: Azure) -> None:
        self._writer.add_azure(azure)

    def add(self, cluster_id: ArmId, lists: KubernetesLists) -> None:
        self._writer.add_cluster(cluster_id, lists)

    def finish(self, manifest: Manifest) -> None:
        self.interrupted = manifest.interrupted
        self._writer.finish(manifest)


class Both:
    """Hands everything to two sinks, in their order."""

    def __init__(self, first: WritingSink, second: EvaluatingSink) -> None:
        self._sinks = (first, second)

    def begin(self, manifest: Manifest, azure: Azure) -> None:
        for sink in self._sinks:
            sink.begin(manifest, azure)

    def add(self, cluster_id: ArmId, lists: KubernetesLists) -> None:
        for sink in self._sinks:
            sink.add(cluster_id, lists)

    def finish(self, manifest: Manifest) -> None:
        for sink in self._sinks:
            sink.finish(manifest)
