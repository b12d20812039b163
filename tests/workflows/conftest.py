"""The stage that the tests of workflows play on."""

from collections.abc import AsyncGenerator

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from runtime import server_binary
from runtime.database import Database
from runtime.devserver import SERVER_FLAGS
from runtime.settings import Settings
from runtime.storage import data_converter
from tests.workflows.stage import Stage


@pytest.fixture
async def stage(client: Client, database: Database, task_queue: str) -> AsyncGenerator[Stage]:
    """A stage whose worker is stopped after the test."""
    stage = Stage(client, database, task_queue)
    yield stage
    await stage.stop()


@pytest.fixture(scope="session")
async def impatient(database: Database) -> AsyncGenerator[Client]:
    """A server that suggests to continue as new after sixty events."""
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(server_binary.install(Settings.load())),
        dev_server_extra_args=[
            *SERVER_FLAGS,
            "--dynamic-config-value=limit.historyCount.suggestContinueAsNew=60",
        ],
        dev_server_log_level="error",
    )
    yield await Client.connect(
        environment.client.service_client.config.target_host,
        data_converter=data_converter(database),
    )
    await environment.shutdown()
