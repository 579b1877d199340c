"""The harness itself: the right version, and no silence where it could not run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from apiserver.objects import send
from apiserver.server import version


@pytest.mark.skipif("KUBEBUILDER_ASSETS" in os.environ, reason="KUBEBUILDER_ASSETS names binaries of any version")
def test_the_version_is_that_of_go_mod(administrator):
    major, minor, _ = version().removeprefix("v").split(".")
    answer = send(administrator, "GET", "/version")
    assert (answer["gitVersion"], answer["major"], answer["minor"]) == (version(), major, minor)


@pytest.mark.parametrize(
    ("ci", "with_go", "outcome"),
    [("", True, "skipped"), ("true", False, "skipped"), ("true", True, "error")],
)
def test_without_binaries_the_tests_are_skipped_unless_ci_could_build_them(ci, with_go, outcome, tmp_path):
    if with_go:
        (tmp_path / "go").touch(mode=0o755)
    environment = {**os.environ, "CI": ci, "KUBEBUILDER_ASSETS": str(tmp_path), "PATH": str(tmp_path)}
    tests = Path(__file__).with_name("test_permissions.py")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-rs",
            "-p",
            "no:cacheprovider",
            f"{tests}::test_the_generated_role_reads_every_list",
        ],
        cwd=tests.parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == (1 if outcome == "error" else 0), done.stdout
    assert f"no etcd in {tmp_path}: run make apiserver, or set KUBEBUILDER_ASSETS" in done.stdout
    assert ("SKIPPED" in done.stdout) == (outcome == "skipped")
