"""JUnit XML, as CI systems read it."""

import io
import xml.etree.ElementTree as ET

import msgspec
import pytest
from akscan.sdk import Report, Status
from akscan_reports import junit


def parsed(report: Report) -> ET.Element:
    out = io.BytesIO()
    junit.write(report, out)
    return ET.fromstring(out.getvalue())  # noqa: S314 written a moment ago


def cases(report: Report, name: str) -> list[ET.Element]:
    return [case for case in parsed(report).iter("testcase") if name in case.get("name")]


def test_every_pair_is_a_test_of_its_cluster(compared):
    suites = parsed(compared)
    assert sorted(suite.get("name") for suite in suites) == ["aks-intranet", "rg-other/aks-shop", "rg-test/aks-shop"]
    table = compared.counts().values()
    assert int(suites.get("tests")) == sum(sum(counts.values()) for counts in table)
    assert int(suites.get("errors")) == sum(counts[Status.ERROR] for counts in table)
    waived = {(finding.rule.id, finding.subject.id) for finding in compared.waived}
    assert int(suites.get("failures")) == sum(counts[Status.FAIL] for counts in table) - len(waived)


def test_the_attributes_count_the_elements(compared, hostile):
    for root in (parsed(compared), parsed(hostile)):
        for suite in (root, *root):
            assert suite.get("tests") == str(len(list(suite.iter("testcase"))))
            for attribute, element in {"failures": "failure", "errors": "error"}.items():
                assert suite.get(attribute) == str(len(list(suite.iter(element))))
        assert all(suite.get("skipped") == str(len(list(suite.iter("skipped")))) for suite in root)


#: Of junit-10.xsd of Jenkins: what an element of ours may hold, and its attributes.
ELEMENTS = {
    "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"properties", "testcase"},
        {"name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id", "package"},
    ),
    "properties": ({"property"}, set()),
    "property": (set(), {"name", "value"}),
    "testcase": ({"skipped", "error", "failure"}, {"name", "time", "classname", "group"}),
    **dict.fromkeys(("skipped", "error", "failure"), (set(), {"type", "message"})),
}


def test_it_holds_what_the_strictest_reader_knows(compared):
    for element in parsed(compared).iter():
        children, attributes = ELEMENTS[element.tag]
        assert {child.tag for child in element} <= children
        assert set(element.attrib) <= attributes


def test_a_test_ends_in_one_way(compared):
    assert all(len(case) <= 1 for case in parsed(compared).iter("testcase"))


@pytest.mark.parametrize(
    ("name", "element", "message"),
    [
        ("public address", "failure", "the API server answers on the internet"),
        ("web-00", "skipped", 'waived: =HYPERLINK("https://evil.example") (@team, OPS-1, until 2027-01-31)'),
        ("nightly", "skipped", "not applicable: jobs are exempt"),
        ("Secrets come", "skipped", "not assessed: list secrets is missing on aks-shop"),
        ("crash", "error", "ValueError: crash"),
    ],
)
def test_a_pair_says_what_became_of_it(compared, name, element, message):
    found = [(child.tag, child.get("message")) for case in cases(compared, name) for child in case]
    assert (element, message) in found


def test_a_pass_is_a_test_without_anything(compared):
    assert [len(case) for case in cases(compared, "shop/sound")] == [0, 0]


def test_a_failure_tells_every_finding_and_the_fix(make_report, deployments):
    (case,) = cases(make_report(deployments("web", containers=("one", "two"))), "web")
    (failure,) = case
    assert failure.get("message") == "container one requests no memory (and 1 more)"
    assert "container two requests no memory [" in failure.text
    assert "Fix (disturbs: workload restart): set `resources.requests.memory`." in failure.text
    assert failure.text.endswith("kubectl --namespace shop edit deployment web")


def test_a_pair_with_an_open_finding_fails_though_others_are_waived(make_report, deployments, compared):
    report = make_report(deployments("web", containers=("one", "two")))
    first, second = report.findings
    split = msgspec.structs.replace(
        report,
        findings=(second,),
        waived=(msgspec.structs.replace(first, waived_by=(0,)),),
        waivers=compared.waivers,
    )
    (case,) = cases(split, "web")
    assert [(child.tag, child.get("message")) for child in case] == [("failure", "container two requests no memory")]


def test_names_are_text(hostile):
    names = [case.get("name") for case in parsed(hostile).iter("testcase")]
    assert any("<script>alert(1)</script>" in name for name in names)
    assert max(map(len, names)) < 500
