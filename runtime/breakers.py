"""Breakers in the database: read at each attempt, written only as they were read."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from domain.breaker import Breaker, BreakerPolicy, BreakerState, new_breaker
from runtime.database import Database
from runtime.operations import noted
from runtime.tables_resilience import BREAKERS

_B: Final = BREAKERS.c
_COLUMNS: Final = tuple(column.name for column in BREAKERS.columns)

Step = Callable[[Breaker, datetime], Breaker]


class BreakerNotFound(LookupError):
    """No breaker has this name: the tool has not failed yet, or there is none of that name."""


class Breakers:
    """One row a tool or provider that has ever failed.

    A change is written only where the row still has the version that was read; otherwise it is
    made again, on what another worker has written. So of all that ask an open breaker whether
    they may look, one may.
    """

    def __init__(
        self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._clock = clock

    async def ask(self, name: str, policy: BreakerPolicy) -> tuple[Breaker | None, bool]:
        """Return the breaker, None where nothing ever failed, and whether the asker may look."""

        def asked(connection: Connection) -> tuple[Breaker | None, bool]:
            while True:
                breaker = _read(connection, name)
                if breaker is None or breaker.state is BreakerState.CLOSED:
                    return breaker, False
                now = self._clock()
                if breaker.wait(now):
                    return breaker, False
                probing = breaker.probing(now, policy)
                if _write(connection, breaker, probing):
                    return probing, True

        return await self._database.run(asked)

    async def change(self, name: str, step: Step) -> tuple[Breaker, Breaker]:
        """Apply `step` to the breaker as it is; return it before and after."""

        def changed(connection: Connection) -> tuple[Breaker, Breaker]:
            while True:
                now = self._clock()
                before = _read(connection, name) or self._put(connection, name, now)
                after = step(before, now)
                if after is before or _write(connection, before, after):
                    return before, after

        return await self._database.run(changed)

    def _put(self, connection: Connection, name: str, now: datetime) -> Breaker:
        made = new_breaker(name, now)
        statement = self._database.insert(BREAKERS).on_conflict_do_nothing()
        connection.execute(statement, _row(made))
        return _read(connection, name) or made

    async def list(self) -> list[Breaker]:
        """Return all, those that are not closed first, then by name."""
        query = sa.select(BREAKERS).order_by(_B.state == BreakerState.CLOSED.value, _B.name)

        def look(connection: Connection) -> list[Breaker]:
            return [_breaker(row) for row in connection.execute(query).mappings()]

        return await self._database.run(look)

    async def reset(self, name: str, *, by: str = "") -> Breaker:
        """Close a breaker with nothing counted, and return it.

        Raises:
            BreakerNotFound: There is none of that name.
        """
        if name not in {breaker.name for breaker in await self.list()}:
            raise BreakerNotFound(
                f"no breaker {name!r}; `python starter.py breakers list --all` shows what there is"
            )
        before, after = await self.change(name, lambda breaker, now: breaker.closed(now))
        note = noted("breaker.reset", name, by=by, was=before.state.value, why=before.reason)
        await self._database.run(lambda connection: connection.execute(note))
        return after


def _read(connection: Connection, name: str) -> Breaker | None:
    row = connection.execute(_BY_NAME, {"named": name}).mappings().one_or_none()
    return _breaker(row) if row else None


def _write(connection: Connection, read: Breaker, changed: Breaker) -> bool:
    """Write `changed` if the row is still what was read."""
    statement = sa.update(BREAKERS).where(_B.name == read.name, _B.version == read.version)
    return connection.execute(statement.values(**_row(changed))).rowcount == 1


def _row(breaker: Breaker) -> dict[str, Any]:
    return {**{name: getattr(breaker, name) for name in _COLUMNS}, "state": breaker.state.value}


def _breaker(row: Mapping[Any, Any]) -> Breaker:
    return Breaker.model_validate(dict(row))


_BY_NAME: Final = sa.select(BREAKERS).where(_B.name == sa.bindparam("named"))
