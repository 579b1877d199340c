"""The composite action: its script as a runner would run it, with the real command behind it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from akscan.config import check_waivers, load_config, read_waivers
from akscan.plugins import load_rules

ROOT = Path(__file__).parents[1]


@pytest.fixture
def scan(saved, tmp_path):
    """Run the action's last step; its exit code and what it wrote to GITHUB_OUTPUT."""
    (folder := tmp_path / "akscan" / "bin").mkdir(parents=True)
    (folder / "akscan").symlink_to(Path(sys.executable).parent / "akscan")
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    script = action["runs"]["steps"][-1]["run"]

    def run(arguments="", **inputs):
        values = {name: given["default"] for name, given in action["inputs"].items()} | inputs
        outputs = tmp_path / "outputs"
        outputs.write_text("")
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=tmp_path,
            env={
                **os.environ,
                "RUNNER_TEMP": str(tmp_path),
                "GITHUB_OUTPUT": str(outputs),
                "ARGUMENTS": f"--inventory {saved} {arguments}",
                "FORMATS": values["formats"],
                "OUTPUT": values["output"],
                "PREVIOUS": values["previous"],
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, outputs.read_text(), done.stderr

    return run


def test_it_writes_reports_and_hands_on_the_exit_code(scan, tmp_path):
    assert scan()[:2] == (0, "exit-code=0\n")
    assert sorted(path.name for path in (tmp_path / "akscan").glob("akscan.*")) == [
        "akscan.html",
        "akscan.json",
        "akscan.sarif",
    ]
    code, outputs, err = scan("--fail-on critical", formats="json", output="red", previous="akscan/akscan.json")
    assert (code, outputs) == (1, "exit-code=1\n")
    assert "findings at or above --fail-on critical" in err
    assert scan(previous="not-there.json")[0] == 0


def test_the_workflow_of_the_guide_uses_inputs_that_exist():
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    (step,) = (one for one in yaml.safe_load(blocks()[0])["jobs"]["scan"]["steps"] if one.get("uses") == "./")
    assert set(step["with"]) <= set(action["inputs"])


def test_the_settings_of_the_guide_are_understood(tmp_path):
    _, settings, pipeline, waivers = blocks()
    assert yaml.safe_load(pipeline)["steps"]
    (tmp_path / "akscan.yaml").write_text(settings, encoding="utf-8")
    (tmp_path / "waivers.yaml").write_text(waivers, encoding="utf-8")
    assert set(load_config(tmp_path / "akscan.yaml").config.anchors) == {"aks-shop", "aks-lab", "aks-partner"}
    (placed,) = read_waivers(tmp_path / "waivers.yaml")
    check_waivers([placed], load_rules())


def blocks():
    """The YAML of the guide."""
    guide = (ROOT / "docs" / "ci.md").read_text("utf-8")
    return [block.partition("```")[0] for block in guide.split("```yaml\n")[1:]]
