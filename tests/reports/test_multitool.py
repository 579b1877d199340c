"""SARIF of the sample estate as Microsoft's own validator sees it (`make multitool` installs it)."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from akscan.sdk import SarifProfile
from support import akscan

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "akscan" / "multitool"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


@pytest.fixture(scope="module")
def multitool():
    found = sorted(_CACHE.glob("*/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"))
    if not found:
        if os.environ.get("CI") == "true" and shutil.which("npm"):
            pytest.fail("npm is here, and make multitool did not run")
        pytest.skip("Microsoft's validator is not installed: make multitool")
    return found[-1]


@pytest.mark.parametrize("profile", SarifProfile)
def test_microsoft_s_validator_finds_no_error_and_no_warning(profile, multitool, saved, tmp_path):
    settings = tmp_path / "settings.yaml"
    settings.write_text("informationUri: https://wiki.contoso.example/akscan\n")
    options = ("-f", "sarif", "--sarif-profile", str(profile), "-o", str(tmp_path), "--config", str(settings))
    assert akscan("scan", "--inventory", str(saved), *options).code == 0
    verdict = tmp_path / "verdict.sarif"
    subprocess.run(
        [multitool, "validate", "akscan.sarif", "--rule-kind", "Sarif;Ghas", "--output", verdict],
        cwd=tmp_path,
        # it asks after every address that it meets, which ends here at once
        env={
            **os.environ,
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
            **dict.fromkeys(_PROXIES, "http://127.0.0.1:9"),
        },
        check=True,
        capture_output=True,
        timeout=120,
    )
    # its exit code is 0 even when it has found errors
    (run,) = json.loads(verdict.read_text("utf-8-sig"))["runs"]
    assert run["invocations"][0]["executionSuccessful"]
    said = {one["ruleId"] for one in run["results"] if one.get("level", "warning") in ("error", "warning")}
    assert said == set()
