"""One real API server for all the tests of this folder."""

import os
import shutil
from collections.abc import Iterator

import pytest
from apiserver.server import ApiServer, assets


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
