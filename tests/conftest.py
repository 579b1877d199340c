"""Contoso behind real sockets, and the command line against it."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from akscan_fixtures.estate import Estate
from akscan_fixtures.simulator import Simulator
from support import akscan, azure_options


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
    """The whole of Contoso, collected once."""
    target = tmp_path_factory.mktemp("saved") / "contoso.akscan"
    with Simulator(contoso) as simulator, pytest.MonkeyPatch.context() as patch:
        for name, value in simulator.environment.items():
            patch.setenv(name, value)
        outcome = akscan("collect", "-o", str(target), *azure_options(simulator))
    assert outcome.code == 0, outcome.err
    return target
