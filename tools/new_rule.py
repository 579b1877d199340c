"""Starts a rule and its test: ``python -m tools.new_rule NET-023 subnet_is_tagged network``."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from akscan.plugins import load_rules

ROOT = Path(__file__).resolve().parent.parent

_RULE = '''

@rule(
    "{id}",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    docs=["https://learn.microsoft.com/azure/aks/"],
    fix=Fix("az aks show --resource-group {{resource_group}} --name {{cluster}}", Disruption.NONE),
)
def {name}(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """{title}.

    Why it matters, in two or three sentences.

    **Fix**: what to do.
    """
    if not cluster.is_private:
        yield Finding("the observed value in a sentence", {{"enablePrivateCluster": cluster.is_private}})
'''

_RULE_IMPORTS = """
from collections.abc import Iterator

from akscan.sdk import Cluster, Disruption, Finding, Fix, Inventory, Need, Pillar, Severity, rule
"""

_TEST = """

@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("private", [cluster()], Status.PASS),
        case("public", [cluster(api_server={{"enable_private_cluster": False}})], Status.FAIL),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_{name}(world, expected):
    assert evaluate({name}, world).status is expected
"""

_TEST_IMPORTS = """
import pytest
from akscan.sdk import Need, Status
from akscan.testing import case, cluster, evaluate
from akscan_rules.{module} import {name}
"""


def main(rule_id: str, name: str, module: str) -> int:
    """Append a rule to its module and a table to the module's test."""
    problem = _problem(rule_id, name, module)
    if problem:
        sys.stderr.write(f"{problem}\nusage: make new-rule ID=NET-023 NAME=subnet_is_tagged MODULE=network\n")
        return 2
    names = {"id": rule_id, "name": name, "module": module, "title": name.replace("_", " ").capitalize()}
    rules = ROOT / "rules" / "akscan_rules" / f"{module}.py"
    tests = ROOT / "tests" / "rules" / f"test_{module}.py"
    _append(rules, _RULE_IMPORTS, _RULE.format(**names))
    _append(tests, _TEST_IMPORTS.format(**names), _TEST.format(**names))
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "check", "--fix", "--quiet", rules, tests], cwd=ROOT, check=True)
    subprocess.run([*ruff, "format", "--quiet", rules, tests], cwd=ROOT, check=True)
    sys.stdout.write(f"{rules.relative_to(ROOT)}\n{tests.relative_to(ROOT)}\nthen: make docs test\n")
    return 0


def _problem(rule_id: str, name: str, module: str) -> str:
    if not re.fullmatch(r"[A-Z]{2,4}-\d{3}", rule_id):
        return f"ID {rule_id!r}: expected letters, a hyphen and three digits"
    if not re.fullmatch(r"[a-z][a-z0-9_]+", name):
        return f"NAME {name!r}: expected a Python name"
    if not re.fullmatch(r"[a-z][a-z_]+", module):
        return f"MODULE {module!r}: expected the name of a topic"
    if (package := ROOT / "rules" / "akscan_rules" / module).is_dir():
        parts = ", ".join(sorted(path.name for path in package.glob("[a-z]*.py")))
        return f"MODULE {module!r}: a topic of several modules; write the rule into one of them ({parts})"
    known = {rule.id: rule for rule in load_rules()}
    return f"{rule_id} stands in {known[rule_id].location}" if rule_id in known else ""


def _append(path: Path, imports: str, text: str) -> None:
    """Imports below the docstring of the module, where ruff merges them with those that stand there; the text at its
    end.
    """
    topic = path.stem.removeprefix("test_").replace("_", " ").capitalize()
    known = path.read_text(encoding="utf-8") if path.exists() else f'"""{topic}."""\n'
    (docstring,) = (node for node in ast.parse(known).body[:1] if isinstance(node, ast.Expr))
    lines = known.splitlines(keepends=True)
    head, rest = "".join(lines[: docstring.end_lineno]), "".join(lines[docstring.end_lineno :])
    path.write_text(f"{head}{imports}{rest}{text}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
