"""Pauses in the database, so that what one worker was told holds for all."""

from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from domain.pause import Pause
from runtime.database import Database
from runtime.operations import noted
from runtime.tables_resilience import PAUSES

_P: Final = PAUSES.c


class PauseNotFound(LookupError):
    """Nothing of this name is paused."""


class Pauses:
    """One row a provider or tool that ever asked to be left alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def under_way(self) -> dict[str, Pause]:
        """Return the pauses that are not over, by name."""
        query = sa.select(PAUSES).where(_P.until > datetime.now(UTC)).order_by(_P.name)

        def look(connection: Connection) -> dict[str, Pause]:
            rows = connection.execute(query).mappings()
            return {row["name"]: Pause.model_validate(dict(row)) for row in rows}

        return await self._database.run(look)

    async def pause(self, pause: Pause) -> None:
        """Keep a pause; a longer one that is there already stays."""
        row = pause.model_dump()
        longer = (
            sa.update(PAUSES).where(_P.name == pause.name, _P.until < pause.until).values(**row)
        )
        put = self._database.insert(PAUSES).on_conflict_do_nothing()

        def keep(connection: Connection) -> None:
            if not connection.execute(longer).rowcount:
                connection.execute(put, row)

        await self._database.run(keep)

    async def lift(self, name: str, *, by: str = "") -> Pause:
        """End a pause at once, and return it.

        Raises:
            PauseNotFound: Nothing of this name is paused.
        """
        found = (await self.under_way()).get(name)
        if found is None:
            raise PauseNotFound(f"nothing called {name!r} is paused")
        statement = sa.delete(PAUSES).where(_P.name == name)
        note = noted("pause.lift", name, by=by, until=found.until, why=found.reason)

        def end(connection: Connection) -> None:
            connection.execute(statement)
            connection.execute(note)

        await self._database.run(end)
        return found
