"""One offline model for the tests in this folder; each clears its faults."""

from collections.abc import Generator

import pytest

from tests.offline.server import OfflineServer


@pytest.fixture(scope="session")
def _offline() -> Generator[OfflineServer]:
    with OfflineServer() as server:
        yield server


@pytest.fixture
def offline(_offline: OfflineServer) -> OfflineServer:
    """The offline model, well-behaved."""
    _offline.misbehave()
    return _offline
