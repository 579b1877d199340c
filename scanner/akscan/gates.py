"""Which findings, and how much that nobody knows, make a scan end with another exit code than 0, and why in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from akscan.errors import EXIT_FAILED, EXIT_FINDINGS
from akscan.plain import cluster_labels, plain, subject_label
from akscan.results import Change, Failure, Report, Severity

_SHOWN = 5
_MESSAGE = 300


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """``fail_on`` alone counts findings at or above it, also those that were found before and not reassessed; with
    ``new_only`` those that the baseline does not have, and without ``fail_on`` then all of these. ``min_coverage`` is
    percent, for each cluster and in all.
    """

    fail_on: Severity | None = None
    new_only: bool = False
    min_coverage: float | None = None

    def failing(self, report: Report) -> tuple[Failure, ...]:
        """The findings that make the gate red, the worst first: nobody knows that a carried one is mended."""
        if self.fail_on is None and not self.new_only:
            return ()
        least = (self.fail_on or Severity.INFO).rank
        carried = () if self.new_only else tuple(one.finding for one in report.carried)
        found = (
            finding
            for finding in (*report.findings, *carried)
            if finding.severity.rank <= least and (not self.new_only or finding.change is Change.NEW)
        )
        return tuple(sorted(found, key=lambda finding: finding.severity.rank))

    def judge(self, report: Report) -> tuple[int, Sequence[str]]:
        """The exit code of a scan, and the reasons."""
        if reasons := tuple(self._failures(report)):
            return EXIT_FAILED, reasons
        if failing := self.failing(report):
            return EXIT_FINDINGS, tuple(self._explained(failing, cluster_labels(report)))
        return 0, ()

    def _failures(self, report: Report) -> Iterator[str]:
        if report.run.interrupted:
            yield "the scan was interrupted; the report is incomplete"
        if not report.clusters:
            seen = "; ".join(f"{s.name}: {s.detail or s.status}" for s in report.run.scope.subscriptions)
            yield f"no AKS cluster in scope, so nothing was assessed ({seen or 'no subscription'})"
        if report.errors:
            rules = ", ".join(sorted({crash.rule.id for crash in report.errors}))
            yield f"rules failed by their own fault: {rules}; the others went on"
        if self.min_coverage is not None:
            yield from self._uncovered(report, self.min_coverage)

    @staticmethod
    def _uncovered(report: Report, least: float) -> Iterator[str]:
        names = {cluster.id: cluster.name for cluster in report.clusters}
        figures = {"coverage": report.coverage.total}
        figures |= {f"coverage of {names.get(key, key)}": figure for key, figure in report.coverage.clusters.items()}
        for what, figure in figures.items():
            if figure.percent < least:
                yield f"{what} is {figure.percent} %, below --min-coverage {least:g} %"

    def _explained(self, failing: Sequence[Failure], clusters: Mapping[str, str]) -> Iterator[str]:
        new = "new " if self.new_only else ""
        count = f"{len(failing)} {new}finding{'' if len(failing) == 1 else 's'}"
        yield f"{count} at or above --fail-on {self.fail_on}" if self.fail_on else f"{count} (--fail-on-new)"
        for finding in failing[:_SHOWN]:
            place = f"{subject_label(finding.subject)} in {clusters[finding.subject.cluster]}"
            yield f"  {finding.severity} {finding.rule.id} {place}: {plain(finding.message, _MESSAGE)}"
            yield f"    fix: {plain(finding.remediation.commands.splitlines()[0])}"
        if len(failing) > _SHOWN:
            yield f"  and {len(failing) - _SHOWN} more"
