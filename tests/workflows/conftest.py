"""The stage that the tests of workflows play on."""

from collections.abc import AsyncGenerator

import pytest
from temporalio.client import Client

from runtime.database import Database
from tests.workflows.stage import Stage


@pytest.fixture
async def stage(client: Client, database: Database, task_queue: str) -> AsyncGenerator[Stage]:
    """A stage whose worker is stopped after the test."""
    stage = Stage(client, database, task_queue)
    yield stage
    await stage.stop()
