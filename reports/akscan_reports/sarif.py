"""SARIF 2.1.0 for GitHub code scanning, Azure DevOps, and viewers.

One run and one category for each cluster: an upload replaces the one before it of the same category, so what is missing
from it counts as fixed. A cluster of which nothing was assessed, or less than `Presentation.min_coverage`, gets no run,
and its earlier alerts stay open; what was not reassessed in the others stays a result where the previous report is
given. Where a cluster was read in part, or a rule failed on it, the run says ``executionSuccessful: false``.

The profiles: ``github``; ``azdo``, whose upload task names the category; ``generic``, which has waived findings as
suppressed, what is not assessed as open results, and the state of each finding against the baseline.

What GitHub demands:
https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, cached_property, partial
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

import attr
import msgspec
import sarif_om as om
from akscan.sdk import (
    AkscanError,
    ArmId,
    Carried,
    Failure,
    LedgerEntry,
    Pillar,
    Presentation,
    Report,
    RuleInfo,
    SarifProfile,
    Severity,
    SubjectRef,
    Unassessed,
    cluster_labels,
    plain,
    reporter,
    subject_label,
)

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RUNS = 20
MOST_RESULTS = 5_000
_MOST_RULES = 25_000
_MOST_TAGS = 20
_DESCRIPTION = 1024
_MESSAGE = 2_000
_NAME = 100
#: Ids in the shape that SARIF2009 of Microsoft's validator wants.
_OMITTED = "AKSCAN-001"

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
#: GitHub: above 9.0 critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, 0.1 to 3.9 low.
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.INFO: "0.0",
}
_PROBLEMS = {"error": "error", "warning": "warning", "note": "recommendation"}


def parts(report: Report, presentation: Presentation) -> int:
    """How many files it takes: none has more than 20 runs."""
    return len(_Writer(report, presentation).chunks)


@reporter("sarif", parts=parts)
def write(report: Report, out: BinaryIO, presentation: Presentation) -> None:
    """Findings as results; what was not assessed, and errors, as notifications of the run. Raises `AkscanError` where
    the file would be refused.
    """
    log = _plain_data(_Writer(report, presentation).log(presentation.part))
    problems = check(log, presentation.sarif_profile)
    if problems:
        raise AkscanError(f"this SARIF file would be refused: {problems[0]}", f"{len(problems)} problems in all")
    out.write(msgspec.json.encode(log) + b"\n")


class _Writer:
    def __init__(self, report: Report, presentation: Presentation) -> None:
        self._report = report
        self._profile = presentation.sarif_profile
        self._anchors = presentation.anchors
        self._information_uri = presentation.information_uri
        self._least = presentation.min_coverage or 0
        self._labels = cluster_labels(report)
        self._paths = _cluster_paths(self._labels)
        self._facts = {cluster.id: cluster for cluster in report.clusters}
        self._rules = tuple(_severity_in_force(report))
        self._rule_index = {rule.id: position for position, (rule, _) in enumerate(self._rules)}
        self._descriptors = [_descriptor(rule, severity) for rule, severity in self._rules]

    @cached_property
    def _assessed(self) -> list[str]:
        return [key for key in sorted(self._labels) if self._was_assessed(key)]

    @cached_property
    def _unread(self) -> list[str]:
        return [key for key in sorted(self._labels) if not self._was_assessed(key)]

    @property
    def chunks(self) -> list[list[str]]:
        """The clusters that have a run, file by file; the last one has room for a run without results, if it needs
        one.
        """
        chunks = [self._assessed[start : start + MOST_RUNS] for start in range(0, len(self._assessed), MOST_RUNS)]
        return [*chunks, []] if not chunks or (self._unread and len(chunks[-1]) == MOST_RUNS) else chunks

    def log(self, part: int) -> om.SarifLog:
        """One file."""
        shown, is_last = self.chunks[part], part == len(self.chunks) - 1
        results, notes = self._results(set(shown)), self._notifications()
        runs = [self._run(key, results.get(key, []), notes.get(key, [])) for key in shown]
        if is_last and (self._unread or not runs):
            runs.append(self._remainder(self._unread, notes))
        return om.SarifLog(schema_uri=SCHEMA, version="2.1.0", runs=runs)

    def _was_assessed(self, cluster: str) -> bool:
        figure = self._report.coverage.clusters.get(cluster)
        if figure is None or figure.applicable == 0:
            return True
        return figure.assessed > 0 and figure.percent >= self._least

    # --- runs

    def _run(self, cluster: str, found: Sequence[om.Result], notes: list[om.Notification]) -> om.Run:
        facts = self._facts.get(cluster)
        read = not self._report.run.interrupted and not (facts and (facts.azure_gap or facts.kubernetes_gap))
        complete = read and not any(note.level == "error" for note in notes)
        descriptors = self._descriptors
        results = list(found[: _fitting(len(found))])
        if len(results) < len(found):
            results.append(self._omitted(cluster, len(found) - len(results)))
            descriptors = [*descriptors, _OMITTED_DESCRIPTOR]
        figure = self._report.coverage.clusters.get(cluster)
        properties = {"cluster": cluster, "coveragePercent": figure.percent if figure else 0.0}
        category = f"{'/'.join(self._paths[cluster])}/"
        return self._bare_run(category, descriptors, results, notes, complete=complete, properties=properties)

    def _remainder(self, unread: Sequence[str], notes: Mapping[str, list[om.Notification]]) -> om.Run:
        """A category without results for the clusters that have no run."""
        said = [note for key in unread for note in notes.get(key, [])]
        return self._bare_run("akscan/without-results/", self._descriptors, [], said, complete=not unread)

    def _bare_run(
        self,
        category: str,
        descriptors: list[om.ReportingDescriptor],
        results: list[om.Result],
        notes: list[om.Notification],
        *,
        complete: bool,
        properties: Mapping[str, Any] | None = None,
    ) -> om.Run:
        """The ledger of permissions stands in every run, since each is uploaded by itself."""
        run = self._report.run
        permissions = [_permission(entry) for entry in self._report.ledger]
        properties = {**(properties or {}), **({"permissions": permissions} if permissions else {})}
        version = plain(run.akscan)
        driver = om.ToolComponent(
            name="akscan",
            full_name=f"akscan {version}",
            version=version,
            information_uri=self._information_uri,
            rules=descriptors,
        )
        invocation = om.Invocation(
            execution_successful=complete,
            start_time_utc=_timestamp(run.started),
            end_time_utc=_timestamp(max(run.started, run.finished)),
            tool_execution_notifications=notes or None,
        )
        return om.Run(
            tool=om.Tool(driver=driver),
            # the task that uploads to Azure DevOps names the category
            automation_details=None if self._profile is SarifProfile.AZDO else om.RunAutomationDetails(id=category),
            invocations=[invocation],
            results=results,
            properties=properties or None,
        )

    # --- results

    def _results(self, clusters: Collection[str]) -> dict[str, list[om.Result]]:
        """By cluster, the worst first: what is open, what is carried on, and for viewers what is waived or unknown."""
        report, generic = self._report, self._profile is SarifProfile.GENERIC
        ranked: list[tuple[int, str, Callable[[], om.Result]]] = [
            *((f.severity.rank, f.subject.cluster, partial(self._result, f)) for f in report.findings),
            *((c.finding.severity.rank, c.finding.subject.cluster, partial(self._carried, c)) for c in report.carried),
        ]
        if generic:
            ranked += [(f.severity.rank, f.subject.cluster, partial(self._suppressed, f)) for f in report.waived]
            ranked += [(len(Severity), n.subject.cluster, partial(self._open, n)) for n in report.not_assessed]
        by_cluster: dict[str, list[om.Result]] = defaultdict(list)
        for _, cluster, make in sorted(ranked, key=lambda entry: entry[0]):
            if cluster in clusters:
                by_cluster[cluster].append(make())
        return by_cluster

    def _carried(self, carried: Carried) -> om.Result:
        """A finding of an earlier scan, which keeps its alert."""
        result = self._result(carried.finding)
        since = f"{carried.since:%Y-%m-%d}"
        said = f"{plain(carried.finding.message, _MESSAGE)}; not reassessed since {since}: {plain(carried.why, _NAME)}"
        result.message = om.Message(text=_message(f"{self._place(carried.finding.subject)}: {said}"))
        result.properties["notReassessedSince"] = since
        return result

    def _suppressed(self, finding: Failure) -> om.Result:
        result = self._result(finding)
        waivers = [self._report.waivers[number] for number in finding.waived_by]
        said = "; ".join(f"{one.reason} ({one.owner}, {one.ticket}, until {one.expires})" for one in waivers)
        # sarif-om still calls the status of a suppression by the name of a draft
        result.suppressions = [{"kind": "external", "status": "accepted", "justification": plain(said, _MESSAGE)}]
        return result

    def _open(self, missing: Unassessed) -> om.Result:
        """A question that nobody could answer."""
        subject, rule = missing.subject, missing.rule
        fingerprint = hashlib.sha256(f"open\n{rule.id}\n{subject.id}".encode()).hexdigest()[:32]
        said = f"{self._place(subject)}: not assessed: {plain(missing.reason, _MESSAGE)}"
        return om.Result(
            rule_id=rule.id,
            rule_index=self._rule_index[rule.id],
            kind="open",
            level="none",
            message=om.Message(text=_message(said)),
            locations=[self._location(subject)],
            partial_fingerprints={"primaryLocationLineHash": f"{fingerprint[:16]}:1", "akscan/v1": fingerprint},
            properties={"permission": missing.permission} if missing.permission else None,
        )

    def _result(self, finding: Failure) -> om.Result:
        subject = finding.subject
        known = finding.change.value if finding.change and self._profile is SarifProfile.GENERIC else None
        return om.Result(
            baseline_state=known,
            rule_id=finding.rule.id,
            rule_index=self._rule_index[finding.rule.id],
            level=_LEVELS[finding.severity],
            message=om.Message(text=_message(f"{self._place(subject)}: {plain(finding.message, _MESSAGE)}")),
            locations=[self._location(subject)],
            partial_fingerprints={
                "primaryLocationLineHash": f"{finding.fingerprint[:16]}:1",
                "akscan/v1": finding.fingerprint,
            },
            properties={"severity": finding.severity.value, "evidence": finding.evidence},
        )

    def _omitted(self, cluster: str, number: int) -> om.Result:
        fingerprint = hashlib.sha256(f"{_OMITTED}\n{cluster}".encode()).hexdigest()[:32]
        subject = SubjectRef(id=cluster, kind="cluster", name=self._labels[cluster], cluster=cluster)
        return om.Result(
            rule_id=_OMITTED,
            rule_index=len(self._descriptors),
            level="warning",
            message=om.Message(
                text=_message(
                    f"{number} more findings of cluster {self._labels[cluster]} are left out, the mildest: "
                    f"code scanning shows {MOST_RESULTS} for a cluster"
                )
            ),
            locations=[self._location(subject)],
            partial_fingerprints={"primaryLocationLineHash": f"{fingerprint[:16]}:1", "akscan/v1": fingerprint},
        )

    def _place(self, subject: SubjectRef) -> str:
        cluster = self._labels[subject.cluster]
        return f"cluster {cluster}" if subject.id == subject.cluster else f"{subject_label(subject)} in {cluster}"

    def _location(self, subject: SubjectRef) -> om.Location:
        """The line of the repository where the cluster is defined, if that was said; else a path that exists in no
        repository, which GitHub accepts. The name of the resource stands beside it.
        """
        name = ArmId(subject.cluster).name
        anchor = self._anchors.get(name)
        line = anchor.line_for(name) if anchor else 1
        folders = [subject.kind, subject.namespace] if subject.namespace else [subject.kind]
        path = "/".join([*self._paths[subject.cluster], *map(_segment, folders), f"{_segment(subject.name)}.json"])
        return om.Location(
            physical_location=om.PhysicalLocation(
                artifact_location=om.ArtifactLocation(uri=quote(anchor.file) if anchor else path),
                region=om.Region(start_line=line, start_column=1, end_line=line, end_column=1),
            ),
            logical_locations=[
                om.LogicalLocation(
                    fully_qualified_name=plain(subject.id, _DESCRIPTION), name=plain(subject.name, 255), kind="resource"
                )
            ],
        )

    # --- notifications

    def _notifications(self) -> dict[str, list[om.Notification]]:
        """What is unknown, by cluster: one for each rule and reason, however many subjects there are."""
        notes: dict[str, list[om.Notification]] = defaultdict(list)
        unknown: Counter[tuple[str, str, str, str]] = Counter(
            (result.subject.cluster, result.rule.id, result.reason, result.permission)
            for result in self._report.not_assessed
        )
        for (cluster, rule, reason, permission), number in unknown.items():
            needed = f" ({permission} would be needed)" if permission and permission not in reason else ""
            text = f"{rule} is not assessed for {number} subject{'s' * (number > 1)}: {reason}{needed}"
            notes[cluster].append(_notification(text, "warning", self._reference(rule)))
        for error in self._report.errors:
            text = f"{error.rule.id} failed on {self._place(error.subject)}: {error.message}"
            notes[error.subject.cluster].append(_notification(text, "error", self._reference(error.rule.id)))
        return notes

    def _reference(self, rule: str) -> om.ReportingDescriptorReference:
        return om.ReportingDescriptorReference(id=rule, index=self._rule_index[rule])


def _severity_in_force(report: Report) -> Iterator[tuple[RuleInfo, Severity]]:
    """The configuration may have changed the severity of a rule, which shows in its findings."""
    in_force = {finding.rule.id: finding.severity for finding in report.findings}
    for rule in report.rules:
        yield rule, in_force.get(rule.id, rule.severity)


def _fitting(number: int) -> int:
    """How many of a cluster's findings are written: one place is kept for the result that counts the others."""
    return number if number <= MOST_RESULTS else MOST_RESULTS - 1


# --- rules


def _descriptor(rule: RuleInfo, severity: Severity) -> om.ReportingDescriptor:
    level = _LEVELS[severity]
    controls = [f"{framework}/{control}" for framework, found in rule.frameworks.items() for control in found]
    tags = list(dict.fromkeys([rule.pillar.value, rule.module, *controls]))
    properties: dict[str, Any] = {"precision": "very-high", "tags": [plain(tag) for tag in tags[:_MOST_TAGS] if tag]}
    if rule.pillar is Pillar.SECURITY:
        properties["security-severity"] = _SCORES[severity]
    else:
        properties["problem.severity"] = _PROBLEMS[level]
    title = _sentence(plain(rule.title or rule.name, _DESCRIPTION - 1))
    why = plain(rule.why.partition("\n\n")[0], _DESCRIPTION - 1)
    return om.ReportingDescriptor(
        id=rule.id,
        name=plain(rule.name, 255),
        short_description=om.MultiformatMessageString(text=title),
        full_description=om.MultiformatMessageString(text=_sentence(why) if why else title),
        help=om.MultiformatMessageString(text=_help(rule, _TEXT), markdown=_help(rule, _MARKDOWN)),
        help_uri=next((page for page in rule.docs if urlsplit(page).scheme in {"https", "http"}), None),
        default_configuration=om.ReportingConfiguration(level=level),
        properties=properties,
    )


_OMITTED_DESCRIPTOR = om.ReportingDescriptor(
    id=_OMITTED,
    name="FindingsLeftOut",
    short_description=om.MultiformatMessageString(text="A cluster has more findings than code scanning shows."),
    full_description=om.MultiformatMessageString(
        text=f"Code scanning shows {MOST_RESULTS} results for a cluster; the mildest findings beyond are left out."
    ),
    help=om.MultiformatMessageString(
        text="The JSON and HTML reports hold every finding. Mend or waive the worst ones, then the others appear here."
    ),
    default_configuration=om.ReportingConfiguration(level="warning"),
    properties={"tags": [], "problem.severity": "warning"},
)

_TEXT = "{title}\n{body}\n"
_MARKDOWN = "**{title}**\n{body}\n"


def _help(rule: RuleInfo, form: str) -> str:
    """What the rule says, as text or as Markdown."""
    markdown = form is _MARKDOWN
    disturbs = "" if rule.disruption == "none" else f" (disturbs: {rule.disruption})"
    parts = [
        rule.why,
        f"{'**Fix**' if markdown else 'Fix'}{disturbs}: {rule.fix}" if rule.fix else "",
        f"```sh\n{rule.commands}\n```" if markdown and rule.commands else rule.commands,
        _setting("Terraform", rule.terraform, markdown=markdown),
        _setting("ARM", rule.arm, markdown=markdown),
        "\n".join(f"- <{page}>" if markdown else page for page in rule.docs),
    ]
    return form.format(title=_sentence(rule.title or rule.name), body="".join(f"\n{part}\n" for part in parts if part))


def _setting(where: str, name: str, *, markdown: bool) -> str:
    return "" if not name else f"{where}: `{name}`" if markdown else f"{where}: {name}"


def _notification(
    text: str, level: str, associated_rule: om.ReportingDescriptorReference | None = None
) -> om.Notification:
    return om.Notification(
        message=om.Message(text=_message(plain(text, _MESSAGE))), level=level, associated_rule=associated_rule
    )


def _permission(entry: LedgerEntry) -> dict[str, Any]:
    counts = {"held": entry.held, "missing": entry.missing, "unknown": entry.unknown}
    scopes = [{"name": plain(scope.name, _NAME), "status": scope.status.value} for scope in entry.scopes]
    return {"permission": entry.permission, **counts, **({"scopes": scopes} if scopes else {})}


# --- texts, paths and times


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _message(text: str) -> str:
    """A sentence whose braces and brackets stand for themselves (SARIF 2.1.0, 3.11.5 placeholders, 3.11.6 links)."""
    text = re.sub(r"\{(\d+)\}", r"{{\1}}", text)
    if "](" in text:
        text = re.sub(r"([\[\]])", r"\\\1", text)
    return _sentence(text)


def _cluster_paths(labels: Mapping[str, str]) -> dict[str, list[str]]:
    """The folder of each cluster: the first block of the subscription's GUID, resource group and name."""
    paths: dict[str, list[str]] = {}
    for key in labels:
        arm_id = ArmId(key)
        parts = (arm_id.subscription.partition("-")[0], arm_id.resource_group, arm_id.name)
        paths[key] = ["akscan", *(_segment(part) for part in parts if part)]
    uses = Counter("/".join(path) for path in paths.values())
    return {key: path if uses["/".join(path)] == 1 else [*path, _digest(key)] for key, path in paths.items()}


def _segment(name: str) -> str:
    """A name as one segment of a relative URI: lower case, percent-encoded, never ``.`` or ``..``, and not too long."""
    shown = plain(name).lower()
    if len(shown) > _NAME:
        shown = f"{shown[: _NAME - 9]}-{_digest(name)}"
    encoded = quote(shown, safe="", errors="replace")
    return encoded if encoded.strip(".") else f"_{encoded}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]


def _timestamp(moment: datetime) -> str:
    """The form of https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html section 3.9."""
    utc = moment.astimezone(UTC) if moment.tzinfo else moment
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}Z"


# --- from sarif-om to JSON


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, str, Any], ...] | None:
    """Name, JSON name and default of the fields of a class of sarif-om; None for any other class."""
    if not attr.has(kind):
        return None
    return tuple((field.name, field.metadata["schema_property_name"], _default(field)) for field in attr.fields(kind))


def _default(field: attr.Attribute[Any]) -> object:
    # an absent level would mean that of the rule, not the default of the object model
    if field.name == "level":
        return None
    factory: Callable[[], object] | None = getattr(field.default, "factory", None)
    return factory() if factory else field.default


def _plain_data(value: Any) -> Any:
    """Dictionaries and lists of an object of sarif-om, without what equals a default."""
    if isinstance(value, list):
        return [_plain_data(item) for item in value]
    fields = _fields(value.__class__)
    if fields is None:
        return value
    data = {}
    for name, json_name, default in fields:
        held = getattr(value, name)
        if held is not None and held != default:
            data[json_name] = _plain_data(held) if not isinstance(held, str | int) else held
    return data


# --- the rules of those who take it


def check(log: Mapping[str, Any], profile: SarifProfile = SarifProfile.GITHUB) -> list[str]:
    """What GitHub or Azure DevOps would refuse or hide of a SARIF log (as its JSON reads), in words; empty for a good
    one.

    Written here since the validators at hand let through what GitHub refuses: a result without a path, a URI that is
    not relative, a category twice.
    """
    azdo = profile is SarifProfile.AZDO
    problems = list(_check_log(log, has_categories=not azdo))
    for number, run in enumerate(log.get("runs", ())):
        category = run.get("automationDetails", {}).get("id", "")
        if azdo and category:
            problems.append(f"run {number}: the upload task sets automationDetails.id")
        elif not azdo and not category.endswith("/"):
            problems.append(f"run {number}: automationDetails.id must name a category and end with a slash")
        problems += [f"run {number}: {problem}" for problem in _check_run(run)]
    return problems


def _check_log(log: Mapping[str, Any], *, has_categories: bool) -> Iterator[str]:
    if log.get("version") != "2.1.0" or not log.get("$schema"):
        yield "version and $schema are wanted"
    runs = log.get("runs", ())
    if not 1 <= len(runs) <= MOST_RUNS:
        yield f"{len(runs)} runs, 1 to {MOST_RUNS} are taken"
    categories = Counter(run.get("automationDetails", {}).get("id", "") for run in runs if has_categories)
    yield from (f"category {category!r} {uses} times" for category, uses in categories.items() if uses > 1)


def _check_run(run: Mapping[str, Any]) -> Iterator[str]:
    driver = run.get("tool", {}).get("driver", {})
    rules = driver.get("rules")
    results = run.get("results")
    if not driver.get("name") or rules is None or results is None:
        yield "the driver's name and rules, and results, are wanted"
        return
    if len(rules) > _MOST_RULES or len(results) > MOST_RESULTS:
        yield f"{len(rules)} rules and {len(results)} results, at most {_MOST_RULES} and {MOST_RESULTS} are shown"
    ids = [rule.get("id") for rule in rules]
    if len(set(ids)) < len(ids):
        yield "a rule twice"
    for rule in rules:
        yield from (f"rule {rule.get('id')}: {problem}" for problem in _check_rule(rule))
    for number, result in enumerate(results):
        yield from (f"result {number}: {problem}" for problem in _check_result(result, ids))


def _check_rule(rule: Mapping[str, Any]) -> Iterator[str]:
    if not rule.get("id") or len(rule.get("name", "")) > 255:  # noqa: PLR2004 GitHub's limit
        yield "id is wanted, and a name of at most 255 characters"
    for field in ("shortDescription", "fullDescription"):
        if not 1 <= len(rule.get(field, {}).get("text", "")) <= _DESCRIPTION:
            yield f"{field}.text must have 1 to {_DESCRIPTION} characters"
    if not rule.get("help", {}).get("text"):
        yield "help.text is wanted"
    properties = rule.get("properties", {})
    tags = properties.get("tags", [])
    if len(tags) > _MOST_TAGS:
        yield f"{len(tags)} tags, at most {_MOST_TAGS} are taken"
    score = properties.get("security-severity")
    if score is not None and (score not in _SCORES.values() or "security" not in tags):
        yield "security-severity must be a known score, as a string, beside the tag security"
    if score is None and properties.get("problem.severity") not in _PROBLEMS.values():
        yield "neither security-severity nor problem.severity"


_FINGERPRINT = re.compile(r"[0-9a-f]{16}:[0-9]+")
_PLACEHOLDER = re.compile(r"(?<!\{)\{\d+\}")


def _check_result(result: Mapping[str, Any], rules: Sequence[object]) -> Iterator[str]:
    index = result.get("ruleIndex", -1)
    if not 0 <= index < len(rules) or rules[index] != result.get("ruleId"):
        yield "ruleId and ruleIndex do not name the same rule"
    text = result.get("message", {}).get("text", "")
    if not text.endswith(".") or _PLACEHOLDER.search(text):
        yield "message.text must be a whole sentence without placeholders"
    if not _FINGERPRINT.fullmatch(result.get("partialFingerprints", {}).get("primaryLocationLineHash", "")):
        yield "partialFingerprints.primaryLocationLineHash is wanted"
    locations = result.get("locations") or [{}]
    physical = locations[0].get("physicalLocation", {})
    yield from _check_uri(physical.get("artifactLocation", {}).get("uri", ""))
    region = physical.get("region", {})
    if any(region.get(edge, 0) < 1 for edge in ("startLine", "startColumn", "endLine", "endColumn")):
        yield "the region must have lines and columns"


_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+")


def _check_uri(uri: str) -> Iterator[str]:
    segments = uri.split("/")
    if not all(_SEGMENT.fullmatch(segment) and segment.strip(".") for segment in segments):
        yield f"{uri!r} is not a relative path, percent-encoded"
