"""What the database has of who did what, read for the audit log; nothing is written here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from runtime.database import Database
from runtime.tables import REVIEWS, RUNS, STANDING_APPROVALS, STANDING_USES, TOKENS
from runtime.tables_halts import HALTS

Row = Mapping[str, Any]
_PAGE: Final = 500


class Records:
    """Rows between two moments, oldest first; without a moment, from the first or to the last."""

    def __init__(
        self, database: Database, since: datetime | None = None, until: datetime | None = None
    ) -> None:
        self._database = database
        self._since, self._until = since, until

    async def halts(self) -> Sequence[Row]:
        """Return the halts that were placed or lifted in between."""
        return await self._rows(HALTS, HALTS.c.at, HALTS.c.lifted_at)

    async def standing(self) -> Sequence[Row]:
        """Return the standing approvals that were granted or ended in between."""
        table = STANDING_APPROVALS
        return await self._rows(table, table.c.granted_at, table.c.ended_at)

    async def standing_uses(self) -> Sequence[Row]:
        """Return the uses that calls took, each with its approval's `tenant`, `agent`, `tool`."""
        given = STANDING_APPROVALS.c
        query = (
            sa.select(STANDING_USES, given.tenant, given.agent, given.tool, given.granted_by)
            .join(STANDING_APPROVALS, given.id == STANDING_USES.c.approval)
            .where(self._between(STANDING_USES.c.at))
            .order_by(STANDING_USES.c.at, STANDING_USES.c.key)
        )
        return await self._read(query)

    async def reviews(self) -> Sequence[Row]:
        """Return the reviews that a person gave in between."""
        return await self._rows(REVIEWS, REVIEWS.c.reviewed_at)

    async def tokens(self) -> Sequence[Row]:
        """Return the tokens that were made in between, without their hashes."""
        columns = (TOKENS.c.id, TOKENS.c.name, TOKENS.c.tenant, TOKENS.c.created_at)
        query = sa.select(*columns).where(self._between(TOKENS.c.created_at))
        return await self._read(query.order_by(TOKENS.c.created_at))

    async def runs(self, after: str = "") -> Sequence[Row]:
        """Return a page of the closed runs that were there in between, by id from `after` on."""
        closed = RUNS.c.closed_at
        query = sa.select(RUNS).where(closed.is_not(None), RUNS.c.run_id > after)
        if self._since is not None:
            query = query.where(closed >= self._since)
        if self._until is not None:
            query = query.where(RUNS.c.started_at < self._until)
        return await self._read(query.order_by(RUNS.c.run_id).limit(_PAGE))

    async def _rows(self, table: sa.Table, *moments: sa.Column[Any]) -> Sequence[Row]:
        wanted = sa.or_(*(self._between(moment) for moment in moments))
        return await self._read(sa.select(table).where(wanted).order_by(moments[0]))

    def _between(self, moment: sa.Column[Any]) -> sa.ColumnElement[bool]:
        found: sa.ColumnElement[bool] = moment.is_not(None)
        if self._since is not None:
            found = sa.and_(found, moment >= self._since)
        if self._until is not None:
            found = sa.and_(found, moment < self._until)
        return found

    async def _read(self, query: sa.Select[*tuple[Any, ...]]) -> Sequence[Row]:
        def look(connection: sa.Connection) -> list[Row]:
            return [dict(row) for row in connection.execute(query).mappings()]

        return await self._database.run(look)
