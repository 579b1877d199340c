"""What a user installs."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_four_packages_with_types_and_data(wheel):
    with zipfile.ZipFile(wheel) as members:
        names = members.namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {
        "akscan",
        "akscan_rules",
        "akscan_reports",
        "akscan_fixtures",
    }
    for package in ("akscan", "akscan_rules", "akscan_reports", "akscan_fixtures"):
        assert f"{package}/py.typed" in names
    assert "akscan_fixtures/estates/contoso/estate.yaml" in names
    assert "akscan_rules/data/kubernetes_versions.yaml" in names
    assert any(name.startswith("akscan_reports/html/templates/") for name in names)


def test_it_works_in_an_environment_of_its_own(wheel, tmp_path):
    """The wheel in a fresh environment beside its dependencies; nothing of the checkout is on the path."""
    place = tmp_path / "env"
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    subprocess.run(
        [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--disable-pip-version-check",
            str(wheel),
        ],
        check=True,
    )
    # the pinned dependencies of this environment, without its editable akscan (a .pth, which PYTHONPATH does not read)
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    clean["PYTHONPATH"] = sysconfig.get_path("purelib")
    where = "import akscan, akscan_rules, akscan_reports, akscan_fixtures as f; print(akscan.__file__, f.__file__)"
    found = subprocess.run([python, "-c", where], env=clean, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert all(part.startswith(str(place)) for part in found.stdout.split())
    listed = subprocess.run(
        [place / "bin" / "akscan", "rules"], env=clean, cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert "API-001" in listed.stdout


def test_every_import_is_a_declared_dependency(wheel):
    with zipfile.ZipFile(wheel) as members:
        (metadata,) = (name for name in members.namelist() if name.endswith(".dist-info/METADATA"))
        text = members.read(metadata).decode()
        sources = [members.read(name).decode() for name in members.namelist() if name.endswith(".py")]
    declared = {name.casefold() for name in re.findall(r"^Requires-Dist: ([A-Za-z0-9._-]+)", text, re.MULTILINE)}
    distributions = packages_distributions()
    foreign = {name for source in sources for name in _imported(source)} - set(sys.stdlib_module_names)
    # akscan.testing imports pytest where a test of a pack calls it
    foreign -= {"akscan", "akscan_rules", "akscan_reports", "akscan_fixtures", "pytest"}
    for name in foreign:
        top = name.partition(".")[0]
        offered = {distribution.casefold().replace("_", "-") for distribution in distributions.get(top, [])}
        assert offered & declared, f"{name} is imported, none of {sorted(offered)} is declared"


def _imported(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
