"""Halts in the database: placed, read at every attempt, lifted; none is ever removed."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from domain.halts import Halt, Scope, key
from runtime.database import Database
from runtime.tables_halts import HALTS

_H: Final = HALTS.c
_MOST_NAME: Final = 1_000
# Built once: it is asked before every model call and every tool call.
_STANDING: Final = (
    sa.select(HALTS)
    .where(_H.key.in_(sa.bindparam("keys", expanding=True)), _H.lifted_at.is_(None))
    .order_by(_H.at)
)


class HaltNotFound(LookupError):
    """Nothing of this name is halted; the message says what is."""


@dataclass(frozen=True)
class Placed:
    """A halt that stands, and whether this very request placed it."""

    halt: Halt
    new: bool


class Halts:
    """What operators have stopped.

    Nothing is cached: a halt must hold from the moment that it is written. The read takes a
    fraction of a millisecond on the thread that the spend ledger uses as well.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def place(self, scope: Scope, name: str, *, by: str, reason: str) -> Placed:
        """Halt something; what is halted already stays so, with the first one's reason.

        Raises:
            ValueError: The name is too long to be anybody's.
        """
        if len(name) > _MOST_NAME:
            raise ValueError(f"name {name[:40]!r}…: {len(name)} characters; {_MOST_NAME} at most")

        row = _row(scope, name, by, reason)

        def put(connection: Connection) -> Placed:
            # Written first, so that of two who halt the same at once the second sees the first.
            connection.execute(HALTS.insert(), row)
            found = _read(connection, [row["key"]])
            if len(found) == 1:
                return Placed(found[0], new=True)
            connection.execute(sa.delete(HALTS).where(_H.id == row["id"]))
            return Placed(next(halt for halt in found if halt.id != row["id"]), new=False)

        return await self._database.run(put)

    async def standing(self, keys: Sequence[str]) -> tuple[Halt, ...]:
        """Return the halts under any of `keys` that have not been lifted, the first first."""
        return await self._database.run(lambda connection: _read(connection, keys))

    async def lift(self, scope: Scope, name: str, *, by: str, reason: str) -> tuple[Halt, ...]:
        """Lift what holds something; return it as it is then.

        Raises:
            HaltNotFound: It is not halted.
        """

        def end(connection: Connection) -> tuple[Halt, ...]:
            found = _read(connection, [key(scope, name)])
            lifted = {
                "lifted_at": datetime.now(UTC),
                "lifted_by": by[:255],
                "lifted_why": reason,
            }
            mine = _H.id.in_([halt.id for halt in found])
            connection.execute(sa.update(HALTS).where(mine).values(lifted))
            return tuple(halt.model_copy(update=lifted) for halt in found)

        ended = await self._database.run(end)
        if not ended:
            raise HaltNotFound(await self._not_halted(scope, name))
        return ended

    async def list(self, *, lifted: bool = False, limit: int = 100) -> list[Halt]:
        """Return what is halted, newest first; also what was, if `lifted`."""
        query = sa.select(HALTS).order_by(_H.at.desc()).limit(limit)
        if not lifted:
            query = query.where(_H.lifted_at.is_(None))

        def look(connection: Connection) -> list[Halt]:
            return [_halt(row) for row in connection.execute(query).mappings()]

        return await self._database.run(look)

    async def _not_halted(self, scope: Scope, name: str) -> str:
        what = "everything" if scope == "all" else f"{scope} {name!r}"
        others = [halt.target for halt in await self.list()]
        return f"{what} is not halted as such; halted: {', '.join(others) or 'nothing'}"


def _read(connection: Connection, keys: Sequence[str]) -> tuple[Halt, ...]:
    rows = connection.execute(_STANDING, {"keys": list(keys)}).mappings()
    return tuple(_halt(row) for row in rows)


def _row(scope: Scope, name: str, by: str, reason: str) -> dict[str, Any]:
    return {
        "id": secrets.token_hex(6),
        "key": key(scope, name),
        "scope": scope,
        "name": name,
        "reason": reason,
        "by": by[:255],
        "at": datetime.now(UTC),
        "lifted_by": "",
        "lifted_why": "",
    }


def _halt(row: Mapping[Any, Any]) -> Halt:
    return Halt(**{name: row[name] for name in Halt.model_fields})
