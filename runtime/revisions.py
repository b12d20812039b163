"""Which version the tables have, and who may change it.

Migrations only ever add, so code that is one version behind can use tables that are one ahead: the
tables say how old the code may be. A rolling deploy needs that, since the old version's processes
go on beside the new one's tables, and are started again if they fall.
"""

import contextlib
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, String, Table, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from runtime.tables import METADATA, REVISION

MIGRATIONS: Final = Path(__file__).parent / "migrations"

SCHEMA_VERSIONS: Final = Table(
    "schema_versions",
    METADATA,
    Column("revision", String(32), primary_key=True),
    Column("oldest", String(32), nullable=False),
)
"""Each version that the tables have had, and the oldest code that can use it."""

# Any number that all processes share; PostgreSQL has no name for an advisory lock.
_LOCK: Final = 0x484F4C44


class DatabaseError(RuntimeError):
    """The database cannot be used; the message says what to do."""


class Found(NamedTuple):
    """What version a database has.

    Attributes:
        revision: Empty where there is no table yet.
        oldest: The oldest code that can use it; empty where it does not say.
    """

    revision: str = ""
    oldest: str = ""

    @property
    def serves(self) -> bool:
        """Whether this code can use it as it stands."""
        return self.revision == REVISION or self._is_ahead

    @property
    def _is_ahead(self) -> bool:
        return self.revision > REVISION and bool(self.oldest) and self.oldest <= REVISION


async def found(engine: AsyncEngine) -> Found:
    """Return the version of the tables; nothing in it where there are none.

    Raises:
        DBAPIError: it cannot be reached.
    """
    async with engine.connect() as connection:
        revision = await _one(connection, "SELECT version_num FROM alembic_version")
    async with engine.connect() as connection:
        said = "SELECT oldest FROM schema_versions WHERE revision = :revision"
        return Found(revision, await _one(connection, said, revision) if revision else "")


async def upgrade(engine: AsyncEngine, *, postgresql: bool) -> None:
    """Bring the tables up to this code's version, one process at a time.

    Raises:
        DatabaseError: a newer version of this code made them.
    """
    lock = f"SELECT pg_advisory_xact_lock({_LOCK})" if postgresql else "BEGIN IMMEDIATE"
    async with engine.connect() as connection:
        await connection.exec_driver_sql(lock)
        await connection.run_sync(_upgrade)
        await connection.commit()


async def _one(connection: AsyncConnection, query: str, revision: str = "") -> str:
    with contextlib.suppress(OperationalError, ProgrammingError):
        # No such table: an empty database, or one of before. Anything else shows again later.
        value = await connection.scalar(text(query), {"revision": revision} if revision else None)
        return str(value or "")
    return ""


def _upgrade(connection: Connection) -> None:
    # Here and not above: it takes half a second to import, and is hardly ever needed.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise DatabaseError(
            f"the database {connection.engine.url!r} was made by another version ({error}); "
            "update this code"
        ) from error
