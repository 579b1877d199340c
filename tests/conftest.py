"""Contoso behind real sockets, and the command line against it."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from akscan.inventory_file import InventoryFile, InventoryWriter
from akscan_fixtures.estate import Estate
from akscan_fixtures.simulator import Simulator
from support import akscan, azure_options

READ_AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def contoso() -> Estate:
    return Estate.shipped("contoso")


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Simulator]]:
    """Start simulators that end with the test; the environment is that of the last one's managed identity."""
    with contextlib.ExitStack() as stack:

        def start(estate: Estate, **options: object) -> Simulator:
            simulator = stack.enter_context(Simulator(estate, **options))
            for name, value in simulator.environment.items():
                monkeypatch.setenv(name, value)
            monkeypatch.delenv("AZURE_CLIENT_ID", raising=False)
            return simulator

        yield start


@pytest.fixture(scope="session")
def saved(contoso: Estate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole of Contoso, collected once; it was `READ_AT`, whatever day it is."""
    folder = tmp_path_factory.mktemp("saved")
    live, target = folder / "live.akscan", folder / "contoso.akscan"
    with Simulator(contoso) as simulator, pytest.MonkeyPatch.context() as patch:
        for name, value in simulator.environment.items():
            patch.setenv(name, value)
        outcome = akscan("collect", "-o", str(live), *azure_options(simulator))
    assert outcome.code == 0, outcome.err
    with InventoryFile(live) as file, InventoryWriter(target) as writer:
        writer.add_azure(file.azure())
        for key in file.members:
            writer.add_cluster(key, file.cluster(key))
        writer.finish(msgspec.structs.replace(file.manifest, started=READ_AT, finished=READ_AT))
    return target
