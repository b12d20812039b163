"""How a tool reaches Holdfast's database: by the URL in its call's context.

Nothing is pooled: a connection would outlive the event loop that made it.
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from agents.toolkit import ToolError

_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
_BUSY_S: Final = 15


def engine_of(database: str) -> AsyncEngine:
    """Return what connects to a database; dispose of it after the call.

    Raises:
        ToolError: There is none.
    """
    url, options = _target(database)
    driver = _DRIVERS.get(url.get_backend_name(), url.drivername)
    return create_async_engine(url.set(drivername=driver), **options)


def engine_of_thread(database: str) -> sa.Engine:
    """Return the same for work in a thread.

    Raises:
        ToolError: There is none.
    """
    url, options = _target(database)
    name = url.get_backend_name()
    driver = name if name == "sqlite" else _DRIVERS.get(name, url.drivername)
    return sa.create_engine(url.set(drivername=driver), **options)


def insert_once(dialect: sa.Dialect, table: sa.TableClause) -> sa.Executable:
    """Return an insert that leaves a row with the same key as it is."""
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()


def _target(database: str) -> tuple[sa.URL, dict[str, Any]]:
    if not database:
        raise ToolError("there is no database to work with: set HOLDFAST_DATABASE_URL")
    url = sa.make_url(database)
    waits = "timeout" if url.get_backend_name() == "sqlite" else "connect_timeout"
    return url, {"poolclass": NullPool, "connect_args": {waits: _BUSY_S}}
