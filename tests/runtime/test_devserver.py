"""The embedded server is started once, found again, and forgotten when it is gone."""

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from runtime import devserver, server_binary
from runtime.database import Database
from runtime.server_binary import BinaryMissing
from runtime.settings import Settings
from runtime.temporal import connect


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a home in which nothing ran yet, and no other server configured."""
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    binary = server_binary.install(Settings.load())
    return Settings(home=tmp_path / "home", temporal_cli=str(binary), retention=timedelta(days=9))


async def test_a_server_lives_until_it_is_stopped(own: Settings, database: Database) -> None:
    """Started twice it is one; it keeps closed runs as long as set; stopped, it is not found."""
    server = await devserver.start(own)
    try:
        again = await devserver.start(own)
        client = await connect(own, database)
        namespace = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace="default")
        )
    finally:
        stopped = devserver.stop(own)

    assert again == server
    assert server.fair  # tenants take turns on queues that they share
    kept = namespace.config.workflow_execution_retention_ttl.ToTimedelta()
    assert kept == timedelta(days=9)
    assert stopped
    assert devserver.find(own) is None
    assert not devserver.stop(own)


async def test_a_killed_server_is_replaced(own: Settings) -> None:
    """The record of a server that was killed is stale, and the next start makes a new one."""
    first = await devserver.start(own)
    os.kill(first.pid, signal.SIGKILL)
    while first.is_alive():
        await asyncio.sleep(0.01)
    second = await devserver.start(own)
    found = devserver.find(own)
    devserver.stop(own)

    assert found == second
    assert second.pid != first.pid


async def test_a_binary_that_cannot_run_is_named(own: Settings) -> None:
    """TEMPORAL_CLI that names nothing is a one-line error."""
    wrong = own.model_copy(update={"temporal_cli": "/no/temporal"})

    with pytest.raises(BinaryMissing, match="TEMPORAL_CLI is '/no/temporal'"):
        await devserver.start(wrong)
