"""How far each execution has been traced, in the database, so that no worker sends it again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import Connection

from runtime.database import Database
from runtime.tables_traces import TRACES

_T: Final = TRACES.c
_MARK: Final = ""
# Longer than sending may take; one that was killed while it sent holds the others up so long.
_LEASE: Final = timedelta(seconds=40)
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """How far an execution has been sent; `closed`: to its end."""

    event: int
    closed: bool = False


class Cursors:
    """One row for each execution; who has claimed it may send of it, alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner = uuid4().hex

    async def claim(self, wanted: Mapping[str, str]) -> dict[str, Sent]:
        """Claim executions, workflow ids by run id; return how far those have been sent.

        What is not returned another worker is sending at the moment.
        """
        now = datetime.now(UTC)
        rows = [
            {
                "run_id": run_id,
                "workflow_id": workflow_id,
                "event": 0,
                "closed": False,
                "owner": "",
                "until": _LONG_AGO,
                "at": now,
            }
            for run_id, workflow_id in wanted.items()
        ]
        new = self._database.insert(TRACES).on_conflict_do_nothing(index_elements=["run_id"])
        mine = _T.run_id.in_(list(wanted))
        free = sa.or_(_T.owner == self._owner, _T.until < now)
        take = sa.update(TRACES).where(mine, free).values(owner=self._owner, until=now + _LEASE)
        taken = sa.select(_T.run_id, _T.event, _T.closed).where(mine, _T.owner == self._owner)

        def work(connection: Connection) -> dict[str, Sent]:
            connection.execute(new, rows)
            connection.execute(take)
            return {row.run_id: Sent(row.event, row.closed) for row in connection.execute(taken)}

        return await self._database.run(work)

    async def advance(self, sent: Mapping[str, Sent]) -> None:
        """Note how far claimed executions have been sent, and let go of them."""
        now = datetime.now(UTC)

        def work(connection: Connection) -> None:
            for run_id, to in sent.items():
                values = {"event": to.event, "closed": to.closed, "at": now, "until": _LONG_AGO}
                connection.execute(
                    sa.update(TRACES)
                    .where(_T.run_id == run_id, _T.owner == self._owner)
                    .values(owner="", **values)
                )

        await self._database.run(work)

    async def release(self, run_ids: Iterable[str]) -> None:
        """Let go of executions as they were."""
        mine = sa.and_(_T.run_id.in_(list(run_ids)), _T.owner == self._owner)
        await self._run(sa.update(TRACES).where(mine).values(owner="", until=_LONG_AGO))

    async def unsent(self, run_ids: Sequence[str]) -> set[str]:
        """Return those of closed executions that have not been sent to their end."""
        done = sa.select(_T.run_id).where(_T.run_id.in_(run_ids), _T.closed)

        def work(connection: Connection) -> set[str]:
            return set(run_ids) - {row.run_id for row in connection.execute(done)}

        return await self._database.run(work)

    async def unfinished(self) -> list[tuple[str, str, int]]:
        """Return workflow id, run id and last event of what was not closed when it was sent."""
        found = sa.select(_T.workflow_id, _T.run_id, _T.event).where(
            sa.not_(_T.closed), _T.run_id != _MARK
        )

        def work(connection: Connection) -> list[tuple[str, str, int]]:
            return [(row.workflow_id, row.run_id, row.event) for row in connection.execute(found)]

        return await self._database.run(work)

    # --- until when closed runs were looked for

    async def mark(self) -> datetime:
        """Return since when closed runs are to be looked for: at first, since now."""
        now = datetime.now(UTC)
        row = {"run_id": _MARK, "workflow_id": "", "event": 0, "closed": False, "owner": ""}
        new = self._database.insert(TRACES).on_conflict_do_nothing(index_elements=["run_id"])
        look = sa.select(_T.at).where(_T.run_id == _MARK)

        def work(connection: Connection) -> datetime:
            connection.execute(new, row | {"until": _LONG_AGO, "at": now})
            found: datetime = connection.execute(look).scalar_one()
            return found

        return await self._database.run(work)

    async def move_mark(self, to: datetime) -> None:
        """Note that everything which closed before `to` has been sent."""
        await self._run(sa.update(TRACES).where(_T.run_id == _MARK, _T.at < to).values(at=to))

    async def sweep(self, before: datetime) -> None:
        """Forget what was sent to its end long ago."""
        await self._run(sa.delete(TRACES).where(_T.closed, _T.at < before))

    async def _run(self, statement: sa.Executable) -> None:
        def work(connection: Connection) -> None:
            connection.execute(statement)

        await self._database.run(work)
