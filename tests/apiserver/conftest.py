"""One real API server for all the tests of this folder, and the command line against it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import kubernetes
import pytest
import yaml
from akscan.inventory_file import InventoryFile
from akscan.model.kubernetes import KubernetesLists
from apiserver.objects import bind_role
from apiserver.server import ApiServer, assets
from support import akscan


@pytest.fixture(scope="session")
def binaries() -> None:
    """Skips where there are none, but not in continuous integration, which could have built them."""
    try:
        assets()
    except FileNotFoundError as missing:
        if os.environ.get("CI") == "true" and shutil.which("go"):
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def server(binaries: None) -> Iterator[ApiServer]:
    with ApiServer() as running:
        yield running


@pytest.fixture(scope="session")
def administrator(server: ApiServer) -> Iterator[kubernetes.client.ApiClient]:
    """The official client as an administrator, who has bound the generated role to the scanner."""
    with server.administrator() as api:
        bind_role(api, "scanner")
        yield api


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], Path]:
    """Make a document the user's kubeconfig."""

    def write(document: dict[str, Any]) -> Path:
        path = tmp_path / "config"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        # the client reads KUBECONFIG when it is imported
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        return path

    return write


@pytest.fixture
def collect(
    tmp_path: Path, use: Callable[[dict[str, Any]], Path]
) -> Callable[[dict[str, Any]], dict[str, KubernetesLists]]:
    """Collect all contexts of a kubeconfig by the command line: the lists of each."""

    def run(document: dict[str, Any]) -> dict[str, KubernetesLists]:
        use(document)
        target = tmp_path / "x.akscan"
        contexts = [option for entry in document["contexts"] for option in ("--context", entry["name"])]
        outcome = akscan("collect", "-o", str(target), *contexts, "--quiet")
        assert outcome.code == 0, outcome.err
        with InventoryFile(target) as file:
            return {unquote(member.name): file.cluster(member) for member in file.members}

    return run
