"""Small facts that processes share, by name."""

from sqlalchemy import delete, select

from runtime.database import Database
from runtime.tables import KEY_VALUES


class KeyValues:
    """Names with a text each; the last one set holds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, name: str, value: str) -> None:
        """Set `name` to `value`."""
        statement = (
            self._database.insert(KEY_VALUES)
            .values(name=name, value=value)
            .on_conflict_do_update(index_elements=["name"], set_={"value": value})
        )
        async with self._database.transaction() as connection:
            await connection.execute(statement)

    async def get(self, name: str) -> str | None:
        """Return the value of `name`, None where it has none."""
        query = select(KEY_VALUES.c.value).where(KEY_VALUES.c.name == name)
        async with self._database.transaction() as connection:
            value: str | None = (await connection.execute(query)).scalar_one_or_none()
        return value

    async def drop(self, name: str) -> None:
        """Forget `name`."""
        async with self._database.transaction() as connection:
            await connection.execute(delete(KEY_VALUES).where(KEY_VALUES.c.name == name))
