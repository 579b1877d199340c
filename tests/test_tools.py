"""What developers run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def checkout(tmp_path):
    """A copy of what a new rule touches."""
    for part in ("tools", "rules", "tests/rules"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def new_rule(checkout, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "tools.new_rule", *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("module", ["network", "brand_new"])
def test_a_new_rule_runs_at_once(module, checkout):
    made = new_rule(checkout, "TST-099", "network_is_nice", module)
    assert made.returncode == 0, made.stderr
    files = [f"rules/akscan_rules/{module}.py", f"tests/rules/test_{module}.py"]
    assert made.stdout.splitlines()[:2] == files
    for check in (["check", "--quiet"], ["format", "--check", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *check, *files], cwd=checkout, check=True)
    tested = [sys.executable, "-m", "pytest", "-q", "-k", "network_is_nice", files[1]]
    path = {**os.environ, "PYTHONPATH": str(checkout / "rules")}
    ran = subprocess.run(tested, cwd=checkout, env=path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bad", "a_name", "network"), "ID 'bad'"),
        (("TST-099", "A Name", "network"), "NAME 'A Name'"),
        (("TST-099", "a_name", "Net work"), "MODULE 'Net work'"),
        (("API-001", "a_name", "network"), "API-001 stands in"),
        (("TST-099", "a_name", "access"), "one of them (administrators.py, azure_roles.py"),
    ],
)
def test_a_wrong_call_changes_nothing(arguments, message, checkout):
    before = {path: path.read_bytes() for path in checkout.rglob("*.py")}
    refused = new_rule(checkout, *arguments)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert {path: path.read_bytes() for path in checkout.rglob("*.py")} == before
