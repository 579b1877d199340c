"""OCSF events, against the schema of the version that they name."""

import io
import json
from collections import Counter

import pytest
from akscan.sdk import Report, fingerprint
from akscan_reports import ocsf
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema


def events(report: Report) -> list[dict]:
    out = io.BytesIO()
    ocsf.write(report, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    """It refuses whatever the class and its objects do not know."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(ocsf.VERSION)).get_class_schema("compliance_finding", ["cloud"])
    assert schema["additionalProperties"] is False
    return Draft202012Validator(schema)


@pytest.fixture(scope="module")
def captions() -> dict:
    schema = get_ocsf_schema(ocsf.VERSION)
    found = schema["classes"]["compliance_finding"]["attributes"], schema["objects"]["compliance"]["attributes"]
    return {name: found[0][name]["enum"] for name in ("activity_id", "severity_id", "status_id")} | {
        "compliance": found[1]["status_id"]["enum"]
    }


@pytest.mark.parametrize("which", ["compared", "fleet", "hostile", "framed"])
def test_every_event_keeps_to_the_schema(validator, which, request):
    for event in events(request.getfixturevalue(which)):
        validator.validate(event)


def test_numbers_and_their_captions_agree(compared, captions):
    for event in events(compared):
        for number, caption in (("activity_id", "activity_name"), ("severity_id", "severity"), ("status_id", "status")):
            assert captions[number][str(event[number])]["caption"] == event[caption]
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        status = event["compliance"]["status_id"]
        assert status == 99 or captions["compliance"][str(status)]["caption"] == event["compliance"]["status"]


def test_the_status_says_new_known_and_waived(compared):
    found = Counter(
        (event["compliance"]["status"], event["status"], event["activity_name"]) for event in events(compared)
    )
    assert found == {
        ("Fail", "New", "Create"): 2,
        ("Fail", "In Progress", "Update"): 7,
        ("Fail", "Suppressed", "Update"): 20,
        ("Warning", "New", "Create"): 3,
        ("Error", "New", "Create"): 2,
    }


def test_a_finding_is_known_by_its_fingerprint(compared):
    failed = [event["finding_info"]["uid"] for event in events(compared) if event["compliance"]["status"] == "Fail"]
    assert failed == [finding.fingerprint for finding in (*compared.findings, *compared.waived)]
    missing = compared.not_assessed[0]
    unknown = next(event for event in events(compared) if event["compliance"]["status"] == "Warning")
    assert unknown["finding_info"]["uid"] == fingerprint(missing.rule.id, missing.subject.id, "")
    assert unknown["unmapped"] == {"permission": "list secrets"}


def test_an_event_says_what_where_and_how_to_fix_it(compared):
    event = next(event for event in events(compared) if event["resources"][0]["uid"].find("resourcegroups/rg-test") > 0)
    assert event["resources"][0]["type"] == "cluster"
    assert event["compliance"]["requirements"] == ["cis_aks 5.4.2", "mcsb NS-2"]
    assert event["remediation"]["desc"].endswith("--name aks-shop --enable-private-cluster {subnet}")
    assert event["unmapped"]["evidence"] == {"enablePrivateCluster": False, "authorizedIPRanges": [], "fqdn": None}
    assert event["cloud"]["account"]["uid"] == "00000000-0000-0000-0000-000000000001"
    assert event["time"] == compared.run.finished.timestamp() * 1000


def test_a_waived_finding_says_who_answers_for_it(compared):
    waived = next(event for event in events(compared) if event["status"] == "Suppressed")
    assert waived["status_detail"] == 'OPS-1: =HYPERLINK("https://evil.example"), until 2027-01-31'
    assert waived["unmapped"]["waivers"][0]["owner"] == "@team"


def test_a_name_is_one_line_and_stands_as_it_is(hostile, hostile_names):
    names = {event["resources"][0]["name"] for event in events(hostile)}
    assert names == {*hostile_names, "aks"}
