"""Artifacts that grow old: what nobody uses goes, what a run under way refers to stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.testing import ActivityEnvironment

from runtime.artifact_uses import HISTORY, ArtifactUses, Standing
from runtime.artifacts import Artifacts
from runtime.database import Database

DAY = timedelta(days=1)


async def standing_of(run_id: str) -> Standing:
    """Say of a run what its name says."""
    name = run_id.rpartition("/")[2].partition("-")[0]
    return "open" if name == "open" else "closed" if name == "closed" else "gone"


async def swept(store: Database, after: timedelta) -> int:
    """Sweep as if so much time had passed, with a retention of a day."""
    return await ArtifactUses(store).sweep(DAY, standing_of, datetime.now(UTC) + after)


@pytest.mark.requirement("C5.1:artifact-in-use")
async def test_what_a_run_under_way_refers_to_stays(store: Database) -> None:
    """Of two days' age: kept below an open run and for a kept history, gone for all others."""
    artifacts = Artifacts(store)
    kept = [
        await artifacts.put(b"of an open run", run_id="open"),
        await artifacts.put(b"of a run below one", run_id="open/gone/7"),
        await artifacts.put(b"part of a history", HISTORY, run_id="closed"),
    ]
    old = [
        await artifacts.put(b"of a closed run", run_id="closed"),
        await artifacts.put(b"of nobody"),
        await artifacts.put(b"part of a lost history", HISTORY, run_id="lost"),
    ]

    assert await swept(store, DAY / 2) == 0
    assert await swept(store, 2 * DAY) == len(old)

    assert [await artifacts.get(each) is None for each in [*kept, *old]] == [False] * 3 + [True] * 3


@pytest.mark.requirement("C5.1:artifact-in-use")
async def test_a_use_is_written_down_where_it_happens(store: Database) -> None:
    """Stored by one run, read by another, shared with a fork: each of them keeps it."""
    artifacts, environment = Artifacts(store), ActivityEnvironment()
    reference = await artifacts.put(b"once", run_id="first")

    async def read() -> bytes | None:
        return await artifacts.get(reference)

    environment.info = replace(environment.info, workflow_id="open-reader")
    assert await environment.run(read) == b"once"
    assert await swept(store, 2 * DAY) == 0
    other = await artifacts.put(b"twice", run_id="original")
    await ArtifactUses(store).share("original", "open-fork")
    await ArtifactUses(store).share("original", "open-fork")

    assert await swept(store, 2 * DAY) == 0
    assert await artifacts.get(other) == b"twice"


@pytest.mark.requirement("C5.1:retention")
async def test_what_is_stored_again_is_young_again(store: Database) -> None:
    """The same content, stored once more after a sweep looked at it, is not deleted."""
    artifacts = Artifacts(store)
    await artifacts.put(b"again")
    async with store.transaction() as connection:
        await connection.exec_driver_sql("UPDATE artifacts SET created_at = '2020-01-01 00:00:00'")
        await connection.exec_driver_sql("UPDATE artifact_uses SET used_at = '2020-01-01 00:00:00'")
    reference = await artifacts.put(b"again", run_id="gone")

    assert await swept(store, DAY / 2) == 0
    async with store.transaction() as connection:  # a use that is not committed yet is not seen
        await connection.exec_driver_sql("DELETE FROM artifact_uses")
    assert await swept(store, DAY / 2) == 0
    assert await artifacts.get(reference) == b"again"
