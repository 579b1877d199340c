"""What the engine found, as programs read it."""

import io
import json
from collections import Counter
from importlib.resources import files

from akscan.sdk import Presentation, Report, decode_report
from akscan_reports import json as json_reporter
from akscan_reports import sarif
from jsonschema import Draft202012Validator


def written(report: Report) -> dict:
    out = io.BytesIO()
    json_reporter.write(report, out)
    return json.loads(out.getvalue())


def test_real_reports_keep_to_the_published_schema_and_are_read_again(fleet, hostile, framed):
    schema = json.loads(files("akscan").joinpath("schemas/report-v1.schema.json").read_text("utf-8"))
    for report in (fleet, hostile, framed):
        out = io.BytesIO()
        json_reporter.write(report, out)
        Draft202012Validator(schema).validate(json.loads(out.getvalue()))
        assert decode_report(out.getvalue()) == report


def test_names_stay_as_they_are(hostile, hostile_names):
    assert set(hostile_names) == {s["name"] for s in written(hostile)["subjects"] if s["kind"] == "deployment"}


def test_counts_are_those_of_the_lists_and_of_sarif(fleet):
    file = written(fleet)
    failed = {(finding["rule"], finding["subject"]) for finding in file["findings"]}
    unknown = Counter()
    for entry in file["notAssessed"]:
        unknown[entry["rule"]] += 1
    for rule in file["rules"]:
        assert rule["counts"]["fail"] == sum(pair[0] == rule["id"] for pair in failed)
        assert rule["counts"]["pass"] == len(rule["passed"])
        assert rule["counts"]["not_assessed"] == unknown[rule["id"]]
    assert {rule["id"]: rule["counts"] for rule in file["rules"]} == {
        "API-901": {"pass": 1, "fail": 2, "not_applicable": 0, "not_assessed": 0, "error": 0},
        "SEC-901": {"pass": 0, "fail": 0, "not_applicable": 0, "not_assessed": 3, "error": 0},
        "WRK-901": {"pass": 2, "fail": 27, "not_applicable": 2, "not_assessed": 0, "error": 2},
    }
    out = io.BytesIO()
    sarif.write(fleet, out, Presentation())
    results = [result for run in json.loads(out.getvalue())["runs"] for result in run["results"]]
    assert Counter(result["partialFingerprints"]["akscan/v1"] for result in results) == Counter(
        finding["fingerprint"] for finding in file["findings"]
    )
