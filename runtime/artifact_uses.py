"""Which runs use an artifact, and what goes once nobody does.

An artifact goes when it was neither stored nor read for the retention, and no run that used it, nor
one above such a run, is under way. Parts of histories stay as long as the server has the run: its
report, its replay and its resumption read them.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from runtime.database import Database
from runtime.tables import ARTIFACTS
from runtime.tables_memory import ARTIFACT_USES

HISTORY: Final = "application/vnd.temporal.payload"
"""Media type of what is a part of a history."""

Standing = Literal["open", "closed", "gone"]
"""What the server has of a run: under way, closed and kept, nothing any more."""
StandingOf = Callable[[str], Awaitable[Standing]]

_U: Final = ARTIFACT_USES.c
_A: Final = ARTIFACTS.c
_PAGE: Final = 200


def run_here() -> str:
    """Return the workflow whose activity this is, nothing outside of one."""
    return (activity.info().workflow_id or "") if activity.in_activity() else ""


async def note_use(
    database: Database, connection: AsyncConnection, artifact_id: str, run_id: str
) -> None:
    """Write down that a run uses an artifact, now."""
    insert = database.insert(ARTIFACT_USES)
    statement = insert.on_conflict_do_update(
        index_elements=["artifact", "run_id"], set_={"used_at": insert.excluded.used_at}
    )
    row = {"artifact": artifact_id, "run_id": run_id[:255], "used_at": datetime.now(UTC)}
    await connection.execute(statement, row)


class ArtifactUses:
    """The account of who uses what, and the sweep."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def share(self, run_id: str, other: str) -> None:
        """Note that a run made from another's state refers to all that the other refers to."""
        columns = sa.select(
            _U.artifact, sa.literal(other), sa.literal(datetime.now(UTC), _U.used_at.type)
        )
        copied = columns.where(_U.run_id == run_id)
        insert = self._database.insert(ARTIFACT_USES)
        statement = insert.from_select(["artifact", "run_id", "used_at"], copied)
        async with self._database.transaction() as connection:
            await connection.execute(statement.on_conflict_do_nothing())

    async def sweep(self, retention: timedelta, standing_of: StandingOf, now: datetime) -> int:
        """Delete what nobody uses any more; return how many artifacts that were.

        Args:
            retention: How long an artifact is kept after it was last stored or read.
            standing_of: Asks the server for a run; what it raises ends the sweep.
            now: From when the retention is counted back.
        """
        before, known = now - retention, dict[str, Standing]()

        async def standing(run_id: str) -> Standing:
            if run_id not in known:
                known[run_id] = await standing_of(run_id)
            return known[run_id]

        swept, after = 0, ""
        while page := await self._old(before, after):
            after = page[-1][0]
            for artifact_id, media_type in page:
                users = await self._users(artifact_id)
                if not await _in_use(users, media_type == HISTORY, standing):
                    swept += await self._delete(artifact_id, before)
        return swept

    async def _old(self, before: datetime, after: str) -> list[tuple[str, str]]:
        """Return artifacts that nobody stored or read since, from behind the id `after` on."""
        lately = sa.select(_U.artifact).where(_U.artifact == _A.id, _U.used_at > before)
        query = (
            sa.select(_A.id, _A.media_type)
            .where(_A.id > after, _A.created_at <= before, ~lately.exists())
            .order_by(_A.id)
            .limit(_PAGE)
        )
        async with self._database.transaction() as connection:
            return [(row[0], row[1]) for row in await connection.execute(query)]

    async def _users(self, artifact_id: str) -> Sequence[str]:
        query = sa.select(_U.run_id).where(_U.artifact == artifact_id)
        async with self._database.transaction() as connection:
            return [row[0] for row in await connection.execute(query)]

    async def _delete(self, artifact_id: str, before: datetime) -> int:
        """Delete an artifact, unless it was stored or read in the meantime."""
        lately = sa.select(_U.artifact).where(_U.artifact == _A.id, _U.used_at > before)
        statement = sa.delete(ARTIFACTS).where(
            _A.id == artifact_id, _A.created_at <= before, ~lately.exists()
        )
        async with self._database.transaction() as connection:
            gone: sa.CursorResult[Any] = await connection.execute(statement)
            if gone.rowcount:
                await connection.execute(sa.delete(ARTIFACT_USES).where(_U.artifact == artifact_id))
            return gone.rowcount


async def _in_use(users: Sequence[str], is_history: bool, standing: StandingOf) -> bool:
    for run_id in users:
        for each in _with_those_above(run_id):
            found = await standing(each)
            if found == "open" or (is_history and found == "closed"):
                return True
    return False


def _with_those_above(run_id: str) -> list[str]:
    """Return a run and those above it, whose ids its own begins with: `a/b/c` is below `a/b`."""
    parts = run_id.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), 0, -1) if any(parts[:end])]
