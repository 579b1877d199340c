"""Compares the rule pack with the specification of the rules: every case has its test, and the facts agree.

Run as ``python .ci/compare_catalogue.py CATALOGUE``; exits 1 with a line per difference. Rules of the specification
that do not exist yet are counted, not reported.
"""

import importlib.util
import sys
from pathlib import Path

import yaml
from akscan.plugins import load_rules
from akscan.signatures import signature_of

ROOT = Path(__file__).resolve().parent.parent


def main(catalogue: Path) -> int:
    specified = {
        entry["id"]: entry
        for path in sorted(catalogue.glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
    }
    rules = {rule.id: rule for rule in load_rules()}
    problems = [f"{rule_id}: not in the specification" for rule_id in rules if rule_id not in specified]
    for rule_id, rule in rules.items():
        if (entry := specified.get(rule_id)) is not None:
            problems += [f"{rule_id}: {problem}" for problem in compare(rule, entry)]
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    sys.stdout.write(f"{len(rules)} of {len(specified)} specified rules exist, {len(problems)} differences\n")
    return bool(problems)


def compare(rule, entry):
    """The differences of one rule from its specification."""
    if rule.title != entry["title"].strip().rstrip("."):
        yield f"title {rule.title!r}, specified {entry['title']!r}"
    for name in ("severity", "pillar", "module"):
        if str(getattr(rule, name)) != entry[name]:
            yield f"{name} {getattr(rule, name)}, specified {entry[name]}"
    wanted = {framework: [str(c) for c in controls] for framework, controls in (entry["frameworks"] or {}).items()}
    if {framework: list(controls) for framework, controls in rule.frameworks.items()} != wanted:
        yield f"frameworks {dict(rule.frameworks)}, specified {wanted}"
    if list(rule.docs) != entry["docs"]:
        yield "docs differ"
    defaults = {k: list(v) if isinstance(v, tuple) else v for k, v in signature_of(rule).defaults.items()}
    specified = {k: list(v) if isinstance(v, list) else v for k, v in (entry["parameters"] or {}).items()}
    if defaults != specified:
        yield f"parameters {defaults}, specified {specified}"
    named = {str(need) for need in (*rule.needs, *rule.optional_needs)}
    for need in (*entry["needs"]["arm"], *entry["needs"]["kubernetes"]):
        if need.partition(" (")[0] not in named:
            yield f"need {need} is missing"
    if " ".join(rule.fix.cli.split()) != " ".join((entry["fix"]["cli"] or "").split()):
        yield "the commands of the fix differ"
    have = names_of_cases(rule)
    for test in entry["tests"]:
        if (name := " ".join(test.rpartition(" -> ")[0].split())) not in have:
            yield f"no case {name!r}"


def names_of_cases(rule) -> set[str]:
    """The names of the lines of the rule's table."""
    path = ROOT / "tests" / "rules" / f"test_{rule.module}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, f"test_{rule.function.__name__}", None)
    marks = getattr(function, "pytestmark", [])
    return {" ".join(str(line.id).split()) for mark in marks if mark.name == "parametrize" for line in mark.args[1]}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
