"""The sweep beside a worker: it begins by itself, asks the server, and ends with the worker."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from domain.memory import Memory, Reach, Scope
from runtime import sweeping
from runtime.artifacts import Artifacts
from runtime.database import Database
from runtime.memory import Memories
from runtime.settings import Settings
from runtime.shelf import Shelf

SCOPE = Scope(tenant="acme", agent="helper")
OLD = datetime.now(UTC) - timedelta(days=3)


@pytest.mark.requirement("C5.1:retention")
async def test_what_is_over_its_time_goes_without_being_asked(
    tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old memory and an artifact and a message of runs long gone; a fresh one stays."""
    monkeypatch.setattr(sweeping, "_FIRST", timedelta(milliseconds=1))
    settings = Settings(
        home=tmp_path, memory_retention=timedelta(days=1), artifact_retention=timedelta(days=1)
    )
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    await database.migrate()
    memories, artifacts = Memories(database), Artifacts(database)
    for said, at in (("old", OLD), ("fresh", datetime.now(UTC))):
        made = Memory(id=said, kind="fact", scope=SCOPE, text=said, at=at)
        await memories.keep(SCOPE, made)
    reference = await artifacts.put(b"old", run_id="a run that never was")
    shelf = Shelf(database)
    await shelf.put({"old": "a message"})
    long_ago = (("created_at", "artifacts"), ("used_at", "artifact_uses"))
    async with database.transaction() as connection:
        for column, table in (*long_ago, ("at", "transcript_messages")):
            await connection.exec_driver_sql(f"UPDATE {table} SET {column} = '2020-01-01 00:00:00'")  # noqa: S608

    async with sweeping.sweeping(settings, database, client), asyncio.timeout(20):
        while await artifacts.get(reference) is not None or await shelf.messages(["old"]):
            await asyncio.sleep(0.02)

    assert [each.text for each in await memories.list(Reach(tenant="acme"))] == ["fresh"]
    await database.close()
