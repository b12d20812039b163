"""The edits of a repair, in order: what its copy is made of, besides the commit.

They are in Holdfast's database and not on a disk, so that the copy can be made again on any
machine, and an edit whose worker died is not made twice.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from agents.databases import engine_of
from agents.encrypted import EncryptedText
from domain.repair import Edit, without_last

# The runtime's migrations make the table; these are the columns that a repair needs to know.
_EDITS: Final = sa.table(
    "repair_edits",
    sa.column("copy", sa.String),
    sa.column("number", sa.Integer),
    sa.column("key", sa.String),
    sa.column("path", sa.Text),
    sa.column("old", EncryptedText("repair_edits.old")),
    sa.column("new", EncryptedText("repair_edits.new")),
    sa.column("takes_back", sa.Boolean),
    sa.column("made_at", sa.DateTime(timezone=True)),
)


class Journal:
    """The edits of one copy.

    Args:
        database: URL of Holdfast's database.
        copy: Names the copy: the repair's lineage.
    """

    def __init__(self, database: str, copy: str) -> None:
        self._database = database
        self._copy = copy

    async def edits(self) -> list[Edit]:
        """Return the edits that stand, in the order in which they were made."""
        columns = (_EDITS.c.path, _EDITS.c.old, _EDITS.c.new, _EDITS.c.takes_back)
        query = sa.select(*columns).where(self._mine).order_by(_EDITS.c.number)
        async with self._connection() as connection:
            rows = (await connection.execute(query)).all()
        standing: list[Edit] = []
        for path, old, new, takes_back in rows:
            edit = Edit(path=path, old=old, new=new)
            if takes_back:
                without_last(standing, edit)
            else:
                standing.append(edit)
        return standing

    async def add(self, key: str, edit: Edit, *, takes_back: bool = False) -> None:
        """Note `edit`, or that it is taken back; one with the same key is there already.

        Raises:
            IntegrityError: Two were noted at once.
        """
        async with self._connection() as connection:
            known = sa.select(_EDITS.c.key).where(self._mine, _EDITS.c.key == key)
            if (await connection.execute(known)).first() is not None:
                return
            last = sa.select(sa.func.coalesce(sa.func.max(_EDITS.c.number), 0)).where(self._mine)
            row = {
                "copy": self._copy,
                "number": int((await connection.execute(last)).scalar_one()) + 1,
                "key": key,
                "takes_back": takes_back,
                "made_at": datetime.now(UTC),
            }
            await connection.execute(sa.insert(_EDITS), {**row, **edit.model_dump()})

    async def has(self, key: str) -> bool:
        """Whether the edit with `key` was made."""
        async with self._connection() as connection:
            known = sa.select(_EDITS.c.key).where(self._mine, _EDITS.c.key == key)
            return (await connection.execute(known)).first() is not None

    async def clear(self) -> None:
        """Forget the copy."""
        async with self._connection() as connection:
            await connection.execute(sa.delete(_EDITS).where(self._mine))

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return _EDITS.c.copy == self._copy

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[AsyncConnection]:
        engine = engine_of(self._database)
        try:
            async with engine.begin() as connection:
                yield connection
        finally:
            await engine.dispose()
