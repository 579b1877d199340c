"""The house rules, checked over all rules."""

import ast
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from typing import get_args

import pytest
from akscan.engine import Evaluation, SelectedRule
from akscan.inventory_file import InventoryFile
from akscan.model.inventory import Inventory
from akscan.model.kubernetes import Condition, JobStatus
from akscan.model.reads import ARM_READS, IMPLIED_NEEDS, KUBERNETES_READS
from akscan.model.text import ArmId
from akscan.plugins import load_frameworks, load_rules
from akscan.pseudonyms.inventories import names_of_inventory, renamed, renamed_azure, renamed_manifest
from akscan.pseudonyms.known import known_to_rules
from akscan.pseudonyms.names import names_of_objects
from akscan.pseudonyms.words import replacer
from akscan.sdk import Status, Workload
from akscan.signatures import signature_of
from akscan.testing import evaluate_all, inventory, job, pod

from tools.docs import pages

RULES = load_rules()
#: The customer's own patterns decide, which no pseudonym fits.
DECIDED_BY_PATTERNS = {"SPT-012"}
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def table_of(rule):
    """(name, world, expected) of each line of the rule's table."""
    marks = []
    for path in Path(__file__).parent.glob(f"test_{rule.module}*.py"):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        function = getattr(module, f"test_{rule.function.__name__}", None)
        marks += [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
    return [(str(line.id), *line.values[:2]) for mark in marks for line in mark.args[1]]


@pytest.fixture(params=RULES, ids=lambda rule: rule.id)
def rule(request):
    return request.param


def test_it_is_documented(rule):
    assert re.fullmatch(r"[A-Z]{2,3}-\d{3}", rule.id)
    assert rule.title
    assert rule.why
    assert rule.how
    assert rule.docs
    assert all(link.startswith("https://") for link in rule.docs)
    assert rule.fix.cli


def test_what_it_is_asked_about_is_documented(rule):
    guide = (Path(__file__).parents[2] / "docs" / "writing-rules.md").read_text(encoding="utf-8")
    asked = inspect.signature(rule.function, eval_str=True).parameters.values()
    first = next(iter(asked)).annotation
    assert {f"`{kind.__name__}`" for kind in get_args(first) or (first,)} <= set(re.findall("`[A-Za-z]+`", guide))


def test_its_table_has_the_kinds_of_case_that_apply(rule):
    expected = {status for _, _, status in table_of(rule)}
    assert {Status.PASS, Status.FAIL} <= expected
    source = inspect.getsource(rule.function)
    if "NotApplicable" in source:
        assert Status.NOT_APPLICABLE in expected
    assert Status.NOT_ASSESSED in expected, "no case takes a permission away"


def test_its_cases_are_judged_alike_under_pseudonyms(rule):
    for name, world, _ in table_of(rule):
        if "*" in str(world.parameters):  # a pattern of names meets no pseudonym
            continue
        plain = world.inventory
        lists = {cluster.id: cluster.lists for cluster in plain.clusters}
        names = {*names_of_inventory(plain.manifest, plain.azure)}
        names.update(*map(names_of_objects, lists.values()))
        replace = replacer(names, b"a key that nobody guesses", known_to_rules())
        hidden = Inventory(
            renamed_manifest(plain.manifest, replace),
            renamed_azure(plain.azure, replace),
            {ArmId(replace(key)): renamed(found, replace) for key, found in lists.items()},
        )
        # who sets parameters for such an inventory names what stands in it
        parameters = {key: renamed(value, replace) for key, value in world.parameters.items()}
        expected, found = evaluate_all(rule, plain, **world.parameters), evaluate_all(rule, hidden, **parameters)
        untold = {Status.NOT_ASSESSED} if rule.id in DECIDED_BY_PATTERNS else set()
        assert _outcomes(found) == _outcomes(expected) or {one.status for one in found.values()} <= untold, name


def _outcomes(verdicts):
    return sorted((verdict.status, len(verdict.findings)) for verdict in verdicts.values())


def test_its_needs_are_read(rule):
    readable = {read.need for read in (*ARM_READS, *KUBERNETES_READS)} | set(IMPLIED_NEEDS)
    assert set(rule.needs) | set(rule.optional_needs) <= readable
    assert rule.needs


def test_it_is_small_and_pure(rule):
    tree = ast.parse(inspect.getsource(rule.function))
    (function,) = tree.body
    body = function.body[1:]
    assert body[-1].end_lineno - body[0].lineno + 1 <= 40
    imported = {
        name.split(".")[0] for name in vars(sys.modules[rule.function.__module__]) if name in ("os", "socket", "time")
    }
    assert not imported


def test_only_what_its_object_holds_is_asked_of_work_that_is_over():
    complete = JobStatus(conditions=(Condition(type="Complete", status="True"),))
    world = inventory(job(status=complete), pod("done", phase="Succeeded"), pod("broken", phase="Failed"))
    over = {
        "job/shop/run": "the job is over",
        "pod/shop/done": "the pod has ended",
        "pod/shop/broken": "the pod has ended",
    }
    on_workloads = [rule for rule in RULES if Workload in signature_of(rule).subjects]
    judged = {rule.id: {name: v.reason for name, v in evaluate_all(rule, world).items()} for rule in on_workloads}
    assert [rule_id for rule_id, reasons in judged.items() if reasons != over] == ["SEC-015"]


def test_the_pack_uses_the_public_surface_only():
    for path in {Path(rule.function.__code__.co_filename) for rule in RULES}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("akscan."):
                assert node.module == "akscan.sdk", path
            assert not isinstance(node, ast.Try), path
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 420, path


def test_the_controls_that_rules_name_stand_in_their_framework():
    for covered in load_frameworks():
        known = {control.id for control in covered.framework.controls}
        for rule in RULES:
            assert set(rule.frameworks.get(covered.framework.id, ())) <= known, rule.id


def test_names_of_functions_are_unique():
    names = [rule.function.__name__ for rule in RULES]
    assert len(names) == len(set(names))


@pytest.fixture(scope="module")
def reports(saved):
    """Two evaluations of Contoso, the clusters added in opposite order."""

    def evaluate(*, backwards):
        with InventoryFile(saved) as file:
            inventory = Inventory(file.manifest, file.azure())
            evaluation = Evaluation([SelectedRule.of(rule) for rule in RULES], inventory)
            for key in sorted(file.members, reverse=backwards):
                evaluation.add(key, file.cluster(key))
            return evaluation.finish(file.manifest)

    return evaluate(backwards=False), evaluate(backwards=True)


def test_the_same_inventory_gives_the_same_report_whatever_the_order(reports):
    assert reports[0] == reports[1]


def test_fixes_name_what_the_inventory_knows(reports):
    for finding in reports[0].findings:
        own = {"node_pool": "node_pool", "vault": "vault"}
        for name in ("resource_group", "cluster", *own.get(finding.subject.kind, "name namespace").split()):
            if name == "namespace" and not finding.subject.namespace:
                continue
            assert name not in finding.remediation.open, finding.rule.id
        assert set(finding.remediation.open) <= set(PLACEHOLDER.findall(finding.rule.commands))


def test_evidence_is_scalar(reports):
    for finding in reports[0].findings:
        assert finding.evidence, finding.rule.id
        for value in finding.evidence.values():
            parts = value if isinstance(value, tuple) else (value,)
            assert all(part is None or isinstance(part, str | int | float | bool) for part in parts)


def test_the_generated_docs_are_current():
    for path, text in pages():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: make docs"
