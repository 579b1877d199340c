"""What a rule's words and silence become."""

from collections.abc import Iterator

from akscan.engine import Evaluation, SelectedRule, remediation
from akscan.model.text import ArmId
from akscan.results import Severity, fingerprint
from akscan.sdk import (
    Cluster,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Rule,
    Status,
    Subnet,
    Workload,
    any_of,
    if_known,
    rule,
)
from akscan.testing import cluster, evaluate, evaluate_all, inventory, node_pool, pod, workload
from hypothesis import given
from hypothesis import strategies as st


def make(function, cli="true"):
    function.__doc__ = "Title.\n\nWhy.\n\n**Fix**: how."
    decorate = rule("TST-001", Severity.HIGH, Pillar.SECURITY, needs=[Need.PODS], fix=Fix(cli, Disruption.NONE))
    made: Rule = decorate(function)
    return made


def test_a_proven_failure_stays_one_and_names_what_was_not_read():
    def judged(c: Cluster, inventory: Inventory) -> Iterator[Finding]:
        yield Finding("proven", {"a": 1})
        c.lists.pods.complete()

    verdict = evaluate(make(judged), inventory(unreadable=[Need.PODS]))
    assert verdict.status is Status.FAIL
    (finding,) = verdict.findings
    assert finding.evidence == {"a": 1, "notAssessed": "list pods is missing on aks"}
    assert "notAssessed" not in evaluate(make(judged), inventory()).findings[0].evidence


def test_a_gap_first_is_not_assessed():
    def judged(c: Cluster, inventory: Inventory) -> Iterator[Finding]:
        c.lists.pods.complete()
        yield Finding("never")

    assert evaluate(make(judged), inventory(unreadable=[Need.PODS])).status is Status.NOT_ASSESSED


def test_not_applicable_after_a_finding_is_a_failure():
    def judged(c: Cluster, inventory: Inventory) -> Iterator[Finding]:
        yield Finding("proven")
        raise NotApplicable("too late")

    assert evaluate(make(judged), inventory()).status is Status.FAIL


def test_findings_of_one_subject_merge_except_by_part():
    def judged(c: Cluster, inventory: Inventory) -> Iterator[Finding]:
        yield Finding("one", {"a": 1}, {"x": "1"})
        yield Finding("two", {"b": 2})
        yield Finding("two", {"b": 2})
        yield Finding("other", {"c": 3}, part="spec.x")

    findings = evaluate(make(judged), inventory()).findings
    assert [(f.message, dict(f.evidence), f.part) for f in findings] == [
        ("one; two", {"a": 1, "b": 2}, ""),
        ("other", {"c": 3}, "spec.x"),
    ]


def test_evidence_of_template_and_pods_tells_both():
    def judged(c: Cluster, inventory: Inventory) -> Iterator[Finding]:
        yield Finding("one", {"names": ["a", "b"], "count": 2, "account": "x", "minimum": None, "same": 1})
        yield Finding("two", {"names": ("b", "c"), "count": 2, "account": "y", "minimum": 3, "same": 1})
        yield Finding("three", {"names": "not read (list pods)", "minimum": None})

    (finding,) = evaluate(make(judged), inventory()).findings
    assert finding.evidence == {
        "names": ["a", "b", "c", "not read (list pods)"],
        "count": 2,
        "account": ["x", "y"],
        "minimum": 3,
        "same": 1,
    }


def test_what_is_about_a_pod_too_is_about_no_container():
    def judged(c: Cluster, inventory: Inventory) -> Iterator[Finding]:
        yield Finding("one", containers=["a", "b"])
        yield Finding("two", containers=["b", "c"])
        yield Finding("other", containers=["a"], part="spec.x")
        yield Finding("of the pod", part="spec.x")

    findings = evaluate(make(judged), inventory()).findings
    assert [finding.containers for finding in findings] == [("a", "b", "c"), ()]


def test_any_of_judges_every_branch_that_can_be_read():
    def judged(c: Cluster, inventory: Inventory) -> Iterator[Finding]:
        def unread() -> Iterator[Finding]:
            c.lists.pods.complete()
            yield Finding("unread")

        def read() -> Iterator[Finding]:
            if c.lists.nodes.complete() == ():
                yield Finding("read")

        yield from any_of(unread(), read())

    verdict = evaluate(make(judged), inventory(unreadable=[Need.PODS]))
    assert [finding.message for finding in verdict.findings] == ["read"]
    assert evaluate(make(judged), inventory(unreadable=[Need.PODS, Need.NODES])).status is Status.NOT_ASSESSED


def test_evidence_that_cannot_be_read_says_so():
    def judged(c: Cluster, inventory: Inventory) -> Iterator[Finding]:
        yield Finding("x", {"pods": if_known(lambda: len(c.lists.pods.complete()))})

    (finding,) = evaluate(make(judged), inventory(unreadable=[Need.PODS])).findings
    assert finding.evidence == {"pods": "not read (list pods)"}


def report(judged, world, **parameters):
    evaluation = Evaluation([SelectedRule.of(make(judged), parameters=parameters)], world)
    for one in world.clusters:
        evaluation.add(one.id, one.lists)
    return evaluation.finish(world.manifest)


def test_workloads_that_a_missing_list_hides_are_said_of_their_cluster():
    def judged(w: Workload, inventory: Inventory) -> Iterator[Finding]:
        if not w.effective_spec.containers:
            yield Finding("empty")

    found = report(judged, inventory(workload(), unreadable=[Need.CRON_JOBS]))
    assert [passed.subject.name for passed in found.passed] == ["app"]
    (missing,) = found.not_assessed
    assert (missing.subject.kind, missing.permission) == ("cluster", "list cronjobs.batch")
    assert (found.coverage.total.assessed, found.coverage.total.applicable) == (1, 2)
    assert found.coverage.total.percent == 50.0


def test_a_shared_subnet_is_judged_once():
    def judged(s: Subnet, inventory: Inventory) -> Iterator[Finding]:
        yield Finding(f"{len(s.clusters)} clusters")

    found = report(judged, inventory(cluster("a"), cluster("b")))
    assert [finding.message for finding in found.findings] == ["2 clusters"]
    assert found.findings[0].subject.kind == "subnet"


def test_a_cluster_without_such_a_subject_is_not_applicable():
    def judged(s: Subnet, inventory: Inventory) -> Iterator[Finding]:
        yield Finding("never")

    managed = cluster(pools=[node_pool(vnet_subnet_id=ArmId())])
    (reason,) = report(judged, inventory(managed)).not_applicable
    assert (reason.subject.kind, reason.reason) == ("cluster", "the network is AKS's own")


def test_a_fleet_wide_rule_cannot_use_what_is_not_kept():
    """What is not kept of Kubernetes is unknown to it, never empty."""

    def judged(s: Subnet, inventory: Inventory) -> Iterator[Finding]:
        s.clusters[0].lists.pods.complete()
        yield Finding("never")

    assert [r.status for r in evaluate_all(make(judged), inventory(pod())).values()] == [Status.FAIL]
    assert len(report(judged, inventory(pod())).not_assessed) == 1


def test_parameters_and_severity_in_force():
    def judged(c: Cluster, inventory: Inventory, *, limit: int = 3) -> Iterator[Finding]:
        yield Finding(str(limit))

    assert report(judged, inventory()).findings[0].message == "3"
    assert report(judged, inventory(), limit=9).findings[0].message == "9"
    selected = SelectedRule.of(make(judged), severity=Severity.LOW)
    assert (selected.severity, selected.info.parameters) == (Severity.LOW, {"limit": 3})


@given(st.text(), st.text(), st.text())
def test_fingerprints_tell_places_apart(subject, part, other):
    assert fingerprint("A", subject, part) == fingerprint("A", subject, part)
    assert len(fingerprint("A", subject, part)) == 32
    if part != other:
        assert fingerprint("A", subject, part) != fingerprint("A", subject, other)


def test_an_object_of_the_whole_cluster_is_named_without_a_namespace():
    template = "kubectl delete {kind} {name} --namespace {namespace}"
    whole = {"kind": "clusterrolebinding", "name": "all"}
    assert remediation(template, whole).commands == "kubectl delete clusterrolebinding all"
    spaced = {"kind": "rolebinding", "name": "one", "namespace": "shop"}
    assert remediation(template, spaced).commands == "kubectl delete rolebinding one --namespace shop"


def test_commands_are_filled_in_and_quoted():
    filled = remediation('az {cluster} {open_one} \'{"a":{"b":1}}\' {cluster}', {"cluster": "a b; $(rm -rf ~)"})
    assert filled.commands == "az 'a b; $(rm -rf ~)' {open_one} '{\"a\":{\"b\":1}}' 'a b; $(rm -rf ~)'"
    assert filled.open == ("open_one",)
