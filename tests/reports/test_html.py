"""The page is parsed as a browser parses it, and opened in one."""

import base64
import hashlib
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

import msgspec
import pytest
from akscan.comparison import against
from akscan.engine import Evaluation, SelectedRule
from akscan.model.gaps import Gap, NotCollected, Reason
from akscan.sdk import (
    Cluster,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NodePool,
    NotApplicable,
    Passed,
    Pillar,
    Report,
    ScopeOfScan,
    Severity,
    Status,
    Unassessed,
    WaiverResult,
    WaiverStatus,
    Workload,
    rule,
)
from akscan.testing import cluster, inventory, node_pool, on, workload
from akscan_reports.html import write

SCRIPT = "<script>alert('name')</script>"
QUOTES = "\"><img src=x onerror=alert(1)> ' &amp; {{ 7 * 7 }}"
BACKWARDS = "a\u202egnp.exe\u2066"
LONG = "n" * 10_000
HOSTILE = (SCRIPT, QUOTES, BACKWARDS, LONG, "nul\x00 and \x1b[31m")
VOID = {"meta", "link", "br", "input", "img", "hr"}


@rule(
    "TST-001",
    Severity.CRITICAL,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    frameworks={"cis_aks": ["5.4.2"], "mcsb": ["NS-2", "PA-7"]},
    docs=["https://learn.microsoft.com/azure/aks/", "javascript:alert(2)"],
    fix=Fix(
        "az aks update --name {cluster} --api-server-authorized-ip-ranges {ranges}",
        Disruption.CONTROL_PLANE,
        terraform="azurerm_kubernetes_cluster.api_server_access_profile",
        arm="properties.apiServerAccessProfile",
    ),
)
def only_small(subject: Cluster, _inventory: Inventory, *, limit: int = 7) -> Iterator[Finding]:
    """The cluster is *small* and has no <b>HTML</b>.

    Why: `code`, **bold**, [a link](https://example.com/why), ![an image](https://example.com/pixel.png) and
    [a trap](javascript:alert(3)).

    - one <script>alert(4)</script>

    **Fix**: make it small.
    """
    values = {"truth": True, "nothing": None, "blank": "", "list": (SCRIPT, 3), "limit": limit, "hostile": QUOTES}
    yield Finding(f"{subject.name} says {BACKWARDS}", values)


@rule("TST-002", Severity.LOW, Pillar.COST, needs=[Need.PODS], fix=Fix("kubectl delete pod {name}", Disruption.NONE))
def no_workload(subject: Workload, _inventory: Inventory) -> Iterator[Finding]:
    """There is no workload.

    They cost money.

    **Fix**: delete it.
    """
    if subject.namespace == "kept":
        return
    for part in ("one", "two"):
        yield Finding(f"{subject.name} runs: {part}", {"name": subject.name}, part=f"spec.{part}")


@rule("TST-003", Severity.HIGH, Pillar.RELIABILITY, needs=[Need.PODS], fix=Fix("", Disruption.NEW_POOL))
def every_end(subject: NodePool, _inventory: Inventory) -> Iterator[Finding]:
    """A rule that ends in every other way.

    A pool's name decides.

    **Fix**: rename it.
    """
    gap = Gap(source="kubernetes", scope="aks", reason=Reason.FORBIDDEN, permission="list pods", detail=SCRIPT)
    match subject.name:
        case "gap":
            raise NotCollected(gap)
        case "cause":
            raise NotCollected(msgspec.structs.replace(gap, reason=Reason.STOPPED, permission="", detail=""))
        case "crash":
            raise ZeroDivisionError(SCRIPT)
        case "absent":
            raise NotApplicable(SCRIPT)
    yield from ()


def evaluated(*things: object, selectors: dict[str, tuple[str, ...]] | None = None) -> Report:
    world = inventory(*things)
    old = world.manifest.scope
    scope = ScopeOfScan(
        selectors=selectors or {},
        subscriptions=tuple(msgspec.structs.replace(s, name=SCRIPT, status="partial") for s in old.subscriptions),
        clusters=old.clusters,
    )
    manifest = msgspec.structs.replace(world.manifest, scope=scope, identity=QUOTES, interrupted=True)
    return Evaluation([SelectedRule.of(r) for r in (only_small, no_workload, every_end)], world).finish(manifest)


@pytest.fixture(scope="module")
def report() -> Report:
    pools = [node_pool(name) for name in ("system", "gap", "cause", "crash", "absent")]
    return evaluated(
        cluster("first", pools=pools, location=SCRIPT),
        cluster("second", resource_group=BACKWARDS),
        *(workload(name=name, namespace="shop") for name in HOSTILE),
        *(workload(name=f"app-{index}", namespace="kept") for index in range(12)),
        on("second", *(workload(name=f"app-{index}", namespace="shop") for index in range(3))),
        selectors={"name": HOSTILE},
    )


class Reader(HTMLParser):
    """Elements with their text, ids, and everything that a browser would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.raw: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self._open: list[tuple[str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        values = {key: value or "" for key, value in attrs}
        self.attributes += [(tag, key, value) for key, value in values.items()]
        if "id" in values:
            self.ids[values["id"]] += 1
        if tag in {"td", "th", "p", "span"}:
            self.handle_data(" ")
        if tag not in VOID:
            self._open.append((tag, values.get("id", "")))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if self._open and self._open[-1][0] in ("style", "script"):
            name = self._open[-1][1] or self._open[-1][0]
            self.raw[name] = self.raw.get(name, "") + data
            return
        for _, name in self._open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data


def rendered(report: Report) -> str:
    out = io.BytesIO()
    write(report, out)
    return out.getvalue().decode()


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return rendered(report)


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    return Reader(page)


def shown(text: str) -> str:
    """As the page spells characters that change what a reader sees."""
    for invisible in "\u202e\u2066\x00\x1b":
        text = text.replace(invisible, f"⟨U+{ord(invisible):04X}⟩")
    return text


def plain(text: str) -> str:
    return " ".join(text.split())


def test_report_of_the_test_holds_every_status(report):
    assert all(sum(table[status] for table in report.counts().values()) for status in Status)


def test_every_finding_is_told_whole(report, reader):
    assert len(report.findings) == 18
    for finding in report.findings:
        text = reader.texts[f"finding-{finding.fingerprint}"]
        assert finding.fingerprint in text
        for said in (finding.message, finding.subject.name, finding.part, *finding.evidence):
            assert shown(said) in text


def test_evidence_keeps_its_values_apart(report, reader):
    text = plain(reader.texts[f"finding-{report.findings[0].fingerprint}"])
    for value in ("truth true", "nothing not set", "blank empty", f"list {SCRIPT}, 3", "limit 7", f"hostile {QUOTES}"):
        assert value in text


def test_commands_are_filled_in_and_say_what_is_open(report, reader):
    text = reader.texts["TST-001"]
    for finding in report.findings:
        if finding.rule.id == "TST-001":
            assert shown(finding.remediation.commands) in text
    assert "To be filled in by hand: {ranges}" in text
    assert "azurerm_kubernetes_cluster.api_server_access_profile" in text


def test_rule_shows_its_markdown_references_and_parameters(page, reader):
    text = plain(reader.texts["TST-001"])
    for said in ("cis aks 5.4.2", "mcsb NS-2, PA-7", "limit = 7", "disruption: control plane", "<b>HTML</b>"):
        assert said in text
    for markup in ("<code>code</code>", "<strong>bold</strong>", '<a href="https://example.com/why">a link</a>'):
        assert markup in page


def test_counts_are_those_of_the_report(report, reader):
    verdict = plain(reader.texts["main"])
    total = report.coverage.total
    assert f"It reports {len(report.findings)} findings on 10 subjects: 2 critical and 16 low." in verdict
    assert f"({total.assessed} of {total.applicable}); the rest is unknown, not passed: 2 not assessed and 1" in verdict
    assert "first C 1 L 10 ! 1 ? 2 C 1 L 10 ! 1 ? 2" in verdict
    assert "second C 1 L 6 C 1 L 6" in verdict
    assert "All clusters C 2 L 16 ! 1 ? 2 C 2 L 16 ! 1 ? 2" in verdict
    rows = {rule_id: [table[s] for s in (Status.PASS, Status.FAIL)] for rule_id, table in report.counts().items()}
    assert rows == {"TST-001": [0, 2], "TST-002": [12, 8], "TST-003": [2, 0]}
    assert plain(reader.texts["TST-003"]).endswith("2 0 1 2 1")


def test_incomplete_scan_is_flagged_before_the_verdict(page):
    flagged = page.index("This scan is incomplete")
    assert flagged < page.index('id="verdict"')
    assert "was interrupted before everything was read" in page[flagged:]
    assert "partial" in page[flagged : page.index('id="verdict"')]


def test_what_passed_is_named(reader):
    text = plain(reader.texts["main"])
    passed = re.search(r"deployment in first: all 17 listed below but (.*?) [A-Z]{3}-", text)
    assert passed
    assert sorted(passed[1].removeprefix("shop/").split(", shop/")) == sorted(map(shown, HOSTILE))
    assert "node pool in first: system" in text
    assert "17 × deployment in first" in text


def test_not_assessed_says_what_would_mend_it(reader):
    text = plain(reader.texts["main"])
    assert "list pods 1 check To mend it, let the identity list pods in the cluster" in text
    assert "No permission would mend it 1 check Remove the cause named below and scan again." in text


def test_fixes_stand_in_change_windows_mildest_first(reader):
    text = plain(reader.texts["main"])
    assert text.index("1. No disruption 1 fix") < text.index("2. Control plane 1 fix")


def test_nothing_hostile_becomes_markup(page, reader):
    assert (reader.tags["script"], reader.tags["style"]) == (2, 1), "the script and its data, and the style"
    assert reader.tags["img"] == reader.tags["iframe"] == 0
    assert not [name for _, name, _ in reader.attributes if name.startswith("on") or name == "style"]
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", page)
    for name in HOSTILE:
        assert shown(name) in reader.texts["main"]


def test_nothing_is_loaded_and_links_go_to_the_web_or_into_the_page(reader):
    loading = {"src", "srcset", "action", "background", "poster", "data", "formaction"}
    assert not [attribute for attribute in reader.attributes if attribute[1] in loading]
    assert ("link", "href", "data:,") in reader.attributes
    for tag, name, value in reader.attributes:
        if name == "href" and tag == "a":
            assert value.startswith("https://") or value[1:] in reader.ids, value
    assert "url(" not in reader.raw["style"]
    assert "@import" not in reader.raw["style"]


def test_ids_are_unique_and_every_rule_and_cluster_has_one(report, reader):
    assert max(reader.ids.values()) == 1
    assert {rule.id for rule in report.rules} <= set(reader.ids)
    assert sum(name.startswith("cluster-") for name in reader.ids) == 2


def test_content_policy_names_the_inlined_texts_and_nothing_else(reader):
    policy = next(v for _, _, v in reader.attributes if v.startswith("default-src"))
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(reader.raw[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'; " in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_same_report_same_bytes(report, page):
    assert rendered(report) == page


def test_nothing_found_is_not_praised_beyond_what_was_assessed():
    world = inventory(cluster("aks", pools=[node_pool("gap")]))
    text = plain(Reader(rendered(Evaluation([SelectedRule.of(every_end)], world).finish(world.manifest))).texts["main"])
    assert "It found nothing. It assessed 0.0 % of the checks that apply (0 of 1);" in text
    assert "There is no finding to fix." in text


def test_a_report_of_nothing_claims_nothing(fleet):
    text = plain(Reader(rendered(Report(run=fleet.run))).texts["main"])
    assert "No rule applied to anything it saw, so this report proves nothing." in text
    assert "%" not in text


def test_a_report_of_imported_files_does_not_say_that_azure_was_read(fleet):
    run = msgspec.structs.replace(fleet.run, source="import")
    imported = plain(Reader(rendered(msgspec.structs.replace(fleet, run=run))).texts["main"])
    live = plain(Reader(rendered(fleet)).texts["main"])
    assert "never asked for the value of a Secret" in live
    assert "never asked for the value of a Secret" not in imported
    assert "It called neither Azure nor a cluster" in imported


def inflated(text: str) -> list[str]:
    return msgspec.json.decode(zlib.decompress(base64.b64decode(text), wbits=-15))


def test_very_many_findings_stand_compressed_each_once():
    names = [*HOSTILE, *(f"app-{index}" for index in range(5_000 - len(HOSTILE)))]
    found = evaluated(cluster("aks"), *(workload(name=name, replicas=0, namespace="shop") for name in names))
    assert len(found.findings) == 10_001
    page = rendered(found)
    assert len(page) < 4_000_000
    reader = Reader(page)
    data = msgspec.json.decode(reader.raw["data"])
    packed = [element for block in data["blocks"] for element in inflated(block)]
    ids = [re.search('id="(finding-[0-9a-f]{32})"', element)[1] for element in packed]
    shown = [name for name in reader.ids if name.startswith("finding-")]
    assert len(shown) == 11, "ten of one rule and one of another"
    assert Counter((*shown, *ids)) == Counter(f"finding-{finding.fingerprint}" for finding in found.findings)
    facets = [re.search('data-facets="([^"]*)"', element)[1] for element in packed]
    assert inflated(data["facets"]) == facets
    assert set(data["rules"]) == {rule.id for rule in found.rules}
    assert not any("<script" in element or "\u202e" in element for element in packed)
    assert [data["block"]] * (len(data["blocks"]) - 1) == [len(inflated(block)) for block in data["blocks"][:-1]]


def test_a_page_that_holds_all_as_text_compresses_nothing(reader):
    data = msgspec.json.decode(reader.raw["data"])
    assert (data["blocks"], data["facets"]) == ([], "")


def test_every_control_of_a_framework_is_told_with_its_rules(framed):
    reader = Reader(rendered(framed))
    text = plain(reader.texts["main"])
    assert (
        "Rules of the <b>house</b> 3 Controls as of 2025-11-01, a stale list, from https://house.example/rules" in text
    )
    for row in (
        "H-1 The API server is private failed API-901",
        "H-3 Secrets come from a vault not assessed SEC-901",
        "H-4 Doors are locked manual",
        "H-5 Windows are shut managed by AKS",
        "H-6 Nobody smokes not covered yet",
        "H-7 The cellar is dry not assessed off: OFF-901",
    ):
        assert row in text
    links = {value for tag, name, value in reader.attributes if (tag, name) == ("a", "href")}
    assert "#API-901" in links
    assert not {link for link in links if link.startswith("javascript")}
    assert {link[1:] for link in links if link.startswith("#")} <= set(reader.ids)


def test_a_report_without_frameworks_says_so(fleet):
    assert "No rule pack brought a framework along" in plain(Reader(rendered(fleet)).texts["main"])


def test_of_very_many_that_are_gone_the_first_are_named(fleet):
    clean = msgspec.structs.replace(fleet, findings=(), clusters=())
    text = plain(Reader(rendered(against(clean, fleet))).texts["main"])
    of_rule = Counter(finding.rule.id for finding in fleet.findings)
    assert f"and {of_rule['WRK-901'] - 20} more, which the JSON report names" in text


def test_what_has_become_of_the_baseline_is_told_by_severity(fleet):
    assert 'id="trends"' not in rendered(fleet)
    *kept, mended, hidden = fleet.findings
    assert {mended.severity, hidden.severity} == {Severity.MEDIUM}
    passed = Passed(rule=mended.rule, subject=mended.subject)
    unknown = Unassessed(rule=hidden.rule, subject=hidden.subject, reason="pods were not read")
    now = msgspec.structs.replace(
        fleet, findings=tuple(kept), passed=(*fleet.passed, passed), not_assessed=(*fleet.not_assessed, unknown)
    )
    older = msgspec.structs.replace(fleet, findings=fleet.findings[1:])
    text = plain(Reader(rendered(against(now, older))).texts["main"])
    medium = sum(finding.severity is Severity.MEDIUM for finding in older.findings)
    high = sum(finding.severity is Severity.HIGH for finding in older.findings)
    assert "1 finding fixed, 1 new;" in text
    assert f"medium {medium} 1 1 0 0 {medium - 2} 0 {medium - 2}" in text
    assert f"high {high} 0 0 1 0 {high} 0 {high + 1}" in text
    assert "Fixed 1 finding" in text
    assert "shop/web-12 (deployment in" in text.partition("Not reassessed 1 finding")[2]
    assert "pods were not read" in text.partition("Not reassessed 1 finding")[2]


def test_a_rule_of_which_all_findings_are_waived_is_named_and_can_be_linked_to(fleet):
    gone = [msgspec.structs.replace(f, waived_by=(0,)) for f in fleet.findings if f.rule.id == "API-901"]
    waiver = WaiverResult(
        place="akscan.yaml:1", selector="rule API-901", reason="r", owner="o", ticket="t", expires="2026-12-31",
        status=WaiverStatus.USED, findings=len(gone),
    )  # fmt: skip
    rest = tuple(finding for finding in fleet.findings if finding.rule.id != "API-901")
    reader = Reader(rendered(msgspec.structs.replace(fleet, findings=rest, waived=tuple(gone), waivers=(waiver,))))
    assert reader.ids["API-901"] == 1
    assert "API-901 · cluster" in plain(reader.texts["main"].partition("Findings that somebody answers for")[2])
    links = {value[1:] for tag, name, value in reader.attributes if (tag, name) == ("a", "href") and value[0] == "#"}
    assert links <= set(reader.ids)
