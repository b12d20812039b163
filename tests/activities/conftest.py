"""Workers that call models: their connections, their ledger, what they reported."""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import pytest

from activities.providers import build, close
from activities.providers.base import Provider
from tests.activities.thinking import MemorySpend, Worker
from tests.offline.server import OfflineServer

Connect = Callable[..., Mapping[str, Provider]]


@pytest.fixture
def spend() -> MemorySpend:
    """A ledger in memory."""
    return MemorySpend()


@pytest.fixture
async def connect() -> AsyncGenerator[Connect]:
    """Build providers; their connections close with the test."""
    built: list[Mapping[str, Provider]] = []

    def connected(**settings: Any) -> Mapping[str, Provider]:
        built.append(build(**settings))
        return built[-1]

    yield connected
    for providers in built:
        await close(providers)


@pytest.fixture
def worker(offline: OfflineServer, spend: MemorySpend, connect: Connect) -> Worker:
    """A worker whose models are offline."""
    return Worker(connect(offline_url=offline.url), spend)
