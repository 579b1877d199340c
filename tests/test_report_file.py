"""The JSON report, version 1: what is written is read again, and what is not ours is refused with a reason."""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from typing import get_args, get_origin, get_type_hints

import msgspec
import pytest
from akscan.errors import AkscanError
from akscan.model.ledger import LedgerEntry
from akscan.model.subject import SubjectRef
from akscan.model.text import ArmId
from akscan.report_file import decode_report, encode_report
from akscan.report_file.entries import report_schema
from akscan.results import (
    ClusterFacts,
    Coverage,
    CoverageFigure,
    Crash,
    Disruption,
    Failure,
    Inapplicable,
    Passed,
    Pillar,
    Report,
    RuleInfo,
    Run,
    Severity,
    Unassessed,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

# shrinking a report of this size takes minutes, and the failure names the field anyway
QUICK = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


# --- reports with every field filled in


def values(hint: object) -> st.SearchStrategy:
    """Values of a type of results.py; its structs with every field, so that one that the file lacks is noticed."""
    if hint is CoverageFigure:
        figures = st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)).map(sorted)
        return figures.map(lambda pair: CoverageFigure(assessed=pair[0], applicable=pair[1]))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return struct(hint)
    if hint is int:
        return st.integers(min_value=0)
    if hint is ArmId:
        return st.builds(ArmId, st.text())
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=2).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(st.text(), values(get_args(hint)[1]), max_size=2)
    return st.from_type(hint)


def struct(kind: type, **given_fields: st.SearchStrategy) -> st.SearchStrategy:
    hints = get_type_hints(kind)
    derived = {name: values(hints[name]) for name in kind.__struct_fields__ if name not in given_fields}
    return st.builds(kind, **derived, **given_fields)


moments = st.datetimes(timezones=st.just(UTC))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
evidence = st.dictionaries(st.text(), scalars | st.lists(scalars, max_size=3).map(tuple), max_size=3)


@st.composite
def reports(draw: Callable) -> Report:
    """In the order that `Report` documents."""
    by_id = lambda thing: thing.id  # noqa: E731 a key
    pair = lambda result: (result.rule.id, result.subject.id)  # noqa: E731
    rules = draw(st.lists(struct(RuleInfo, parameters=evidence), min_size=1, max_size=3, unique_by=by_id))
    subjects = draw(st.lists(struct(SubjectRef), min_size=1, max_size=4, unique_by=by_id))
    of = {"rule": st.sampled_from(rules), "subject": st.sampled_from(subjects)}

    def results(kind: type, **fields: st.SearchStrategy) -> list:
        return draw(st.lists(struct(kind, **of, **fields), max_size=6))

    reasons = st.sampled_from(["a", "b", "\n"])
    return Report(
        run=draw(struct(Run, started=moments, finished=moments)),
        rules=tuple(sorted(rules, key=by_id)),
        clusters=tuple(draw(st.lists(struct(ClusterFacts), max_size=2))),
        subjects=tuple(sorted(subjects, key=by_id)),
        findings=tuple(results(Failure, evidence=evidence)),
        passed=tuple(sorted({pair(passed): passed for passed in results(Passed)}.values(), key=pair)),
        not_applicable=tuple(sorted(results(Inapplicable, reason=reasons), key=pair)),
        not_assessed=tuple(sorted(results(Unassessed, reason=reasons, permission=reasons), key=pair)),
        errors=tuple(results(Crash)),
        coverage=draw(struct(Coverage)),
        ledger=tuple(draw(st.lists(struct(LedgerEntry), max_size=2))),
    )


@given(reports())
@settings(QUICK, max_examples=60)
def test_a_report_is_read_as_it_was_written(report):
    assert decode_report(encode_report(report)) == report


# --- one report by hand

RULE = RuleInfo(
    id="API-901",
    name="ApiServerIsPrivate",
    title="The API server is private",
    module="api_server",
    severity=Severity.HIGH,
    pillar=Pillar.SECURITY,
    why="why",
    fix="fix",
    disruption=Disruption.NONE,
)
SUBJECTS = tuple(SubjectRef(id=f"/c/{number:05}", kind="pod", name=f"{number}", cluster="/c") for number in range(1000))
RUN = Run(akscan="0.1.0", started=datetime(2026, 11, 22, 3, tzinfo=UTC), finished=datetime(2026, 11, 22, 4, tzinfo=UTC))
REPORT = Report(
    run=RUN,
    rules=(RULE,),
    subjects=SUBJECTS[:3],
    findings=(Failure(rule=RULE, subject=SUBJECTS[0], severity=Severity.LOW, fingerprint="f", message="m"),),
    passed=(Passed(rule=RULE, subject=SUBJECTS[1]),),
    not_applicable=(Inapplicable(rule=RULE, subject=SUBJECTS[2], reason="r"),),
)


def changed(**fields: object) -> bytes:
    return json.dumps({**json.loads(encode_report(REPORT)), **fields}).encode()


def with_passes(*places):
    """The file, the passes of its first rule at other positions."""
    file = json.loads(encode_report(REPORT))
    file["rules"][0]["passed"] = list(places)
    return json.dumps(file).encode()


def test_a_report_from_before_the_ledger_is_read():
    file = json.loads(encode_report(REPORT))
    assert file.pop("permissions") == []
    assert decode_report(json.dumps(file).encode()) == REPORT


def test_results_name_rules_and_subjects():
    file = json.loads(encode_report(REPORT))
    assert file["schemaVersion"] == "1.0"
    assert file["tool"] == {"name": "akscan", "version": "0.1.0"}
    assert file["run"]["started"] == "2026-11-22T03:00:00Z"
    assert (file["findings"][0]["rule"], file["findings"][0]["subject"]) == ("API-901", "/c/00000")
    assert file["rules"][0]["passed"] == [1]
    assert file["rules"][0]["counts"] == {"pass": 1, "fail": 1, "not_applicable": 1, "not_assessed": 0, "error": 0}
    assert file["notApplicable"] == [{"rule": "API-901", "subject": "/c/00002", "reason": "r"}]


def test_the_same_report_is_written_as_the_same_bytes():
    assert encode_report(decode_report(encode_report(REPORT))) == encode_report(REPORT)


def test_a_time_without_a_zone_counts_as_utc():
    naive = msgspec.structs.replace(RUN, started=RUN.started.replace(tzinfo=None))
    assert decode_report(encode_report(Report(run=naive))).run.started == RUN.started


def test_a_million_passes_take_a_few_bytes_each():
    rules = tuple(msgspec.structs.replace(RULE, id=f"API-{number:03}") for number in range(60))
    pairs = list(itertools.product(rules, SUBJECTS))
    passed = Report(run=RUN, rules=rules, subjects=SUBJECTS, passed=tuple(Passed(rule=r, subject=s) for r, s in pairs))
    bare = len(encode_report(Report(run=RUN, rules=rules, subjects=SUBJECTS)))
    assert (len(encode_report(passed)) - bare) / len(pairs) < 4


# --- files that are no report, or not one of ours


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        pytest.param(b"", "not a JSON report of akscan", id="empty"),
        pytest.param(b"\xff\xfe\x00", "not a JSON report of akscan", id="binary"),
        pytest.param(b"[]", "not a JSON report of akscan", id="another JSON"),
        pytest.param(b'{"version": "2.1.0", "runs": []}', "not a JSON report of akscan", id="SARIF"),
        pytest.param(encode_report(REPORT)[:-40], "not a JSON report of akscan", id="truncated"),
        pytest.param(changed(tool={"name": "other", "version": "1"}), "a report of 'other'", id="another tool"),
        pytest.param(changed(schemaVersion="2.0"), "version '2.0'; akscan reads versions 1.x", id="newer"),
        pytest.param(changed(schemaVersion="0.9"), "version '0.9'; akscan reads versions 1.x", id="older"),
        pytest.param(changed(schemaVersion="1"), "damaged: .*schemaVersion", id="no version"),
        pytest.param(changed(run={}), "damaged: .*run", id="field missing"),
        pytest.param(changed(rules=[]), "damaged: 'API-901' is not in it", id="rule missing"),
        pytest.param(changed(subjects=[]), "damaged: .* is not in it", id="subjects missing"),
        pytest.param(
            changed(notApplicable=[{"rule": "API-901", "subject": "/c/9", "reason": "r"}]),
            "damaged: '/c/9' is not in it",
            id="subject unknown",
        ),
        pytest.param(with_passes(3), "damaged: subject number 3 is not in it", id="index too high"),
        pytest.param(with_passes(-1), "damaged: .*>= 0", id="index negative"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(data, complaint):
    with pytest.raises(AkscanError, match=complaint) as refused:
        decode_report(data)
    assert refused.value.hint.startswith("expected ")


@pytest.mark.parametrize("length", range(0, len(encode_report(REPORT)) - 2, 97))
def test_every_truncated_file_is_refused(length):
    with pytest.raises(AkscanError):
        decode_report(encode_report(REPORT)[:length])


def test_a_newer_minor_version_is_read_without_what_it_adds():
    assert decode_report(changed(schemaVersion="1.7", added={"by": "a later akscan"})) == REPORT


# --- the published schema


def test_the_published_schema_is_that_of_the_structs():
    published = files("akscan").joinpath("schemas/report-v1.schema.json").read_text("utf-8")
    assert published == json.dumps(report_schema(), indent=2, ensure_ascii=False) + "\n"


def test_the_schema_is_strict_and_described():
    schema = report_schema()
    Draft202012Validator.check_schema(schema)
    for name, definition in schema["$defs"].items():
        if "enum" in definition:
            continue
        assert definition["additionalProperties"] is False, name
        assert set(definition["required"]) == set(definition["properties"]), name
        assert definition["description"], name
        for field, shape in definition["properties"].items():
            assert "$ref" in shape or shape.get("description") or "anyOf" in shape, f"{name}.{field}"


@given(reports())
@settings(QUICK, max_examples=30)
def test_reports_keep_to_the_schema(report):
    Draft202012Validator(report_schema()).validate(json.loads(encode_report(report)))


def test_the_schema_refuses_what_it_does_not_know():
    assert not Draft202012Validator(report_schema()).is_valid(json.loads(changed(more=1)))
