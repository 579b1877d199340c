"""What two reports say of the same places: new, fixed, changed, waived, and what cannot be compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from akscan.results import Baseline, Carried, Change, Failure, Past, Report

Pair = tuple[str, str]


class Difference(msgspec.Struct, frozen=True):
    """A finding (of the newer report where that has it), and what there is to say about it."""

    finding: Failure
    why: str = ""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Findings, each in one list, the worst first. Nothing is ``fixed`` that the newer report did not reassess:
    ``incomparable`` holds what was found once and was not assessed again.
    """

    new: tuple[Difference, ...] = ()
    fixed: tuple[Difference, ...] = ()
    changed: tuple[Difference, ...] = ()
    waived: tuple[Difference, ...] = ()
    no_longer_waived: tuple[Difference, ...] = ()
    incomparable: tuple[Difference, ...] = ()
    unchanged: tuple[Difference, ...] = ()


def against(report: Report, baseline: Report) -> Report:
    """The report with each finding marked by what it is to the baseline, and with what has become of the others."""
    known = _known(baseline)

    def marked(failures: tuple[Failure, ...]) -> tuple[Failure, ...]:
        return tuple(msgspec.structs.replace(f, change=_change(known.get(f.fingerprint), f)) for f in failures)

    compared = compare(baseline, report)
    return msgspec.structs.replace(
        report,
        findings=marked(report.findings),
        waived=marked(report.waived),
        baseline=Baseline(
            started=baseline.run.started,
            coverage=baseline.coverage.total,
            open=baseline.severities(),
            fixed=tuple(map(_past, compared.fixed)),
            incomparable=tuple(map(_past, compared.incomparable)),
        ),
    )


def _past(difference: Difference) -> Past:
    finding = difference.finding
    return Past(
        rule=finding.rule.id,
        title=finding.rule.title,
        severity=finding.severity,
        subject=finding.subject,
        why=difference.why,
    )


def carry(report: Report, previous: Report) -> Report:
    """The report with what was open in a previous one and was not reassessed, unless its rule was switched off."""
    reassessed, now = _Reassessed(report), _by_fingerprint(report)
    on = {rule.id: rule for rule in report.rules}
    earlier = (
        *(Carried(finding=found, since=previous.run.started, why="") for found in previous.findings),
        *previous.carried,
    )
    carried = [
        Carried(finding=msgspec.structs.replace(one.finding, rule=on[rule], change=None), since=one.since, why=why)
        for one in earlier
        if one.finding.fingerprint not in now
        and (rule := one.finding.rule.id) in on
        and (why := reassessed.reason_against(one.finding))
    ]
    return msgspec.structs.replace(report, carried=tuple(sorted(carried, key=lambda one: _order(one.finding))))


def compare(old: Report, new: Report) -> Comparison:
    """What has become of the findings of an older report, and what the newer one adds."""
    before, now = _known(old), _by_fingerprint(new)
    was_waived = {failure.fingerprint for failure in old.waived}
    is_waived = {failure.fingerprint for failure in new.waived}
    unknown_before = _Reassessed(old)
    found: dict[str, list[Difference]] = defaultdict(list)
    for key, failure in now.items():
        known = before.get(key)
        if known is None:
            # what is waived as soon as it is found is nobody's news
            unsure = unknown_before.reason_against(failure)
            why = f"it was not assessed before: {unsure}" if unsure else ""
            found["waived" if key in is_waived else "new"].append(Difference(failure, why))
        elif (key in is_waived) is not (key in was_waived):
            found["waived" if key in is_waived else "no_longer_waived"].append(Difference(failure))
        elif _change(known, failure) is Change.UPDATED:
            found["changed"].append(Difference(failure, _what_changed(known, failure)))
        else:
            found["unchanged"].append(Difference(failure))
    reassessed = _Reassessed(new)
    for key, failure in before.items():
        if key not in now:
            reason = reassessed.reason_against(failure)
            name, why = ("incomparable", reason) if reason else ("fixed", reassessed.how(failure))
            found[name].append(Difference(failure, why))
    return Comparison(**{name: tuple(sorted(differences, key=_worst_first)) for name, differences in found.items()})


def _worst_first(difference: Difference) -> tuple[int, str, str, str]:
    return _order(difference.finding)


def _order(finding: Failure) -> tuple[int, str, str, str]:
    return finding.severity.rank, finding.rule.id, finding.subject.id, finding.part


def _by_fingerprint(report: Report) -> dict[str, Failure]:
    return {failure.fingerprint: failure for failure in (*report.findings, *report.waived)}


def _known(report: Report) -> dict[str, Failure]:
    """What it found, and what it carried on."""
    return {**{one.finding.fingerprint: one.finding for one in report.carried}, **_by_fingerprint(report)}


def _change(known: Failure | None, failure: Failure) -> Change:
    if known is None:
        return Change.NEW
    same = known.observed == failure.observed and known.severity is failure.severity
    return Change.UNCHANGED if same else Change.UPDATED


def _what_changed(known: Failure, failure: Failure) -> str:
    if known.severity is not failure.severity:
        return f"severity {known.severity} before"
    names = dict.fromkeys((*known.evidence, *failure.evidence))
    return ", ".join(name for name in names if known.evidence.get(name) != failure.evidence.get(name))


class _Reassessed:
    """Whether a report has an answer of its own for a finding of another one."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._rules = {rule.id for rule in report.rules}
        self._clusters = {cluster.id for cluster in report.clusters}
        self._passed = {(entry.rule.id, entry.subject.id) for entry in report.passed}
        self._inapplicable = {(entry.rule.id, entry.subject.id): entry.reason for entry in report.not_applicable}
        self._failed: dict[Pair, list[Failure]] = defaultdict(list)
        for failure in (*report.findings, *report.waived):
            self._failed[failure.rule.id, failure.subject.id].append(failure)
        self._unknown: Mapping[Pair, str] = {
            **{(entry.rule.id, entry.subject.id): entry.reason for entry in report.not_assessed},
            **{(entry.rule.id, entry.subject.id): f"the rule failed: {entry.message}" for entry in report.errors},
        }
        clusters = {subject.id: subject.cluster for subject in report.subjects}
        self._unknown_in = {(rule, clusters[subject]): why for (rule, subject), why in self._unknown.items()}
        self._unknown_of_rule = {rule: reason for (rule, _), reason in self._unknown_in.items()}

    def reason_against(self, failure: Failure) -> str:
        """Why the report does not say whether the finding is there; empty where it does."""
        rule, subject = failure.rule.id, failure.subject
        pair = (rule, subject.id)
        if rule not in self._rules:
            return "the rule was off"
        if pair in self._unknown:
            return self._unknown[pair]
        if pair in self._passed or pair in self._inapplicable:
            return ""
        if pair in self._failed:
            gaps = [str(one.evidence["notAssessed"]) for one in self._failed[pair] if "notAssessed" in one.evidence]
            return gaps[0] if gaps else ""
        if subject.cluster not in self._clusters:
            return "the cluster was not scanned"
        if self._report.run.interrupted:
            return "the scan was interrupted"
        if not subject.id.startswith(subject.cluster):
            # what clusters share may hide behind anything of the rule that is unknown
            return self._unknown_of_rule.get(rule, "")
        # and a subject may go by another name while something about it is unknown
        return self._unknown_in.get((rule, subject.cluster), "")

    def how(self, failure: Failure) -> str:
        """In which way a finding that was reassessed is gone."""
        pair = (failure.rule.id, failure.subject.id)
        if pair in self._inapplicable:
            return f"no longer applies: {self._inapplicable[pair]}"
        if pair in self._passed or pair in self._failed:
            return ""
        return f"the {failure.subject.kind.replace('_', ' ')} is gone"
