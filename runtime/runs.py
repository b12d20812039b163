"""What is kept of a run after the namespace's retention has removed its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import RowMapping, select

from runtime.database import Database
from runtime.tables import RUNS

_AT_ONCE: Final = 500
"""Names in one statement; databases have a limit."""


@dataclass(frozen=True)
class Run:
    """A run's summary; `result` is its JSON, absent while it is open.

    Attributes:
        by: Who asked for it, as they claim.
    """

    run_id: str
    agent: str
    tenant: str
    outcome: str | None
    started_at: datetime
    closed_at: datetime | None
    result: str | None
    by: str = ""


class Runs:
    """The summaries, one a run; a resumed run overwrites its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def started(self, *, run_id: str, agent: str, tenant: str, started_at: datetime) -> None:
        """Note that a run began. Idempotent: the first note holds."""
        statement = self._database.insert(RUNS).on_conflict_do_nothing()
        row = {"run_id": run_id, "agent": agent, "tenant": tenant, "started_at": started_at}
        async with self._database.transaction() as connection:
            await connection.execute(statement, row)

    async def closed(
        self,
        *,
        run_id: str,
        agent: str,
        tenant: str,
        outcome: str,
        result: str,
        started_at: datetime | None = None,
        closed_at: datetime | None = None,
        by: str = "",
    ) -> None:
        """Note how a run ended. Idempotent, also without `started`; the last note holds."""
        ended = {
            "outcome": outcome,
            "result": result,
            "closed_at": closed_at or datetime.now(UTC),
        }
        statement = (
            self._database.insert(RUNS)
            .values(
                run_id=run_id,
                agent=agent,
                tenant=tenant,
                started_at=started_at or ended["closed_at"],
                by=by[:255],
                **ended,
            )
            .on_conflict_do_update(index_elements=["run_id"], set_=ended)
        )
        async with self._database.transaction() as connection:
            await connection.execute(statement)

    async def get(self, run_id: str) -> Run | None:
        """Return the summary of a run, None where nothing was noted of it."""
        query = select(RUNS).where(RUNS.c.run_id == run_id)
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else _run(row)

    async def several(self, run_ids: Sequence[str]) -> Sequence[Run]:
        """Return the summaries of those runs that there are any of, in no order."""
        found: list[Run] = []
        for first in range(0, len(run_ids), _AT_ONCE):
            query = select(RUNS).where(RUNS.c.run_id.in_(run_ids[first : first + _AT_ONCE]))
            async with self._database.transaction() as connection:
                found += map(_run, (await connection.execute(query)).mappings())
        return found

    async def result(self, run_id: str) -> str | None:
        """Return what a closed run came to, as JSON; None where nothing is kept."""
        kept = await self.get(run_id)
        return kept.result if kept else None

    async def list(self, agent: str | None = None, limit: int = 100) -> list[Run]:
        """Return the latest runs (of one agent), newest first."""
        query = select(RUNS).order_by(RUNS.c.started_at.desc()).limit(limit)
        if agent is not None:
            query = query.where(RUNS.c.agent == agent)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_run(row) for row in rows]


def _run(row: RowMapping) -> Run:
    return Run(**row)
