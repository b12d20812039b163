"""What of the database is under which key, and putting it under the current one."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from agents.encrypted import EncryptedBytes
from runtime.database import Database
from runtime.encryption_columns import MARK, ColumnCipher, encrypted_columns
from runtime.encryption_keys import Keys

BATCH: Final = 200


@dataclass(frozen=True)
class Done:
    """A batch of one column.

    Attributes:
        column: `table.column`.
        rows: How many were put under the current key.
    """

    column: str
    rows: int


class EncryptedRows:
    """All encrypted columns of a database."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self._cipher = ColumnCipher(keys)

    async def under(self, key_id: str) -> dict[str, int]:
        """Return how many rows a key still holds, by column; columns without any are left out."""
        found: dict[str, int] = {}
        for column in encrypted_columns():
            query = sa.select(sa.func.count()).where(_is_under(column, key_id))
            async with self._database.transaction() as connection:
                rows = int((await connection.execute(query)).scalar_one())
            if rows:
                found[_name(column)] = rows
        return found

    async def reencrypt(self, batch: int = BATCH) -> AsyncGenerator[Done]:
        """Put every row under the current key, those in the clear too; yield after each batch.

        A transaction holds one batch, so that others write in between; a row that they wrote
        meanwhile is under the current key already. Cut off, it goes on where it was.

        Raises:
            CannotDecrypt: a row's key is missing, or the row was changed; those before it are done.
        """
        for column in encrypted_columns():
            after: Sequence[Any] | None = None
            while True:
                after, rows = await self._batch(column, after, batch)
                if after is None:
                    break
                yield Done(_name(column), rows)

    async def _batch(
        self, column: sa.Column[Any], after: Sequence[Any] | None, most: int
    ) -> tuple[Sequence[Any] | None, int]:
        """Do the next rows; return the last one's key, None where there are no more."""
        raw, own = _raw(column), list(column.table.primary_key.columns)
        current = self._keys.current().id
        query = sa.select(*own, raw).where(raw.is_not(None), sa.not_(_is_under(column, current)))
        if after is not None:
            query = query.where(sa.tuple_(*own) > sa.tuple_(*map(sa.literal, after)))
        async with self._database.transaction() as connection:
            found = (await connection.execute(query.order_by(*own).limit(most))).all()
            rows = 0
            for *key, stored in found:
                mine = [one == value for one, value in zip(own, key, strict=True)]
                # Only over what was read: who wrote since has written what holds.
                change = sa.update(column.table).where(*mine, raw == stored)
                values = {column.name: sa.literal(self._anew(column, stored), raw.type)}
                rows += (await connection.execute(change.values(values))).rowcount
        return (found[-1][:-1] if found else None), rows

    def _anew(self, column: sa.Column[Any], stored: str | bytes) -> str | bytes:
        name = _name(column)
        if isinstance(stored, str):
            return self._cipher.seal_text(self._cipher.open_text(stored, name), name)
        return self._cipher.seal(self._cipher.open(bytes(stored), name), name)


def _raw(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return a column as it is stored."""
    kind = sa.LargeBinary if isinstance(column.type, EncryptedBytes) else sa.Text
    return sa.type_coerce(column, kind)


def _is_under(column: sa.Column[Any], key_id: str) -> sa.ColumnElement[bool]:
    raw, mark = _raw(column), MARK + key_id.encode() + b":"
    start = sa.func.substr(raw, 1, len(mark), type_=raw.type)
    if isinstance(raw.type, sa.LargeBinary):
        return start == sa.literal(mark, sa.LargeBinary)
    return start == mark.decode()


def _name(column: sa.Column[Any]) -> str:
    return f"{column.table.name}.{column.name}"
