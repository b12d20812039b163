"""The database: SQLite by default, PostgreSQL by URL, one set of tables and statements."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from agents.encrypted import use
from runtime import outages, revisions
from runtime.encryption_columns import ColumnCipher
from runtime.encryption_keys import KeyRing, Keys
from runtime.revisions import DatabaseError
from runtime.settings import Settings
from runtime.tables import REVISION

_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
_BUSY_TIMEOUT_MS: Final = 15_000
_HOT_THREADS: Final = 4
_BUSY_PAUSE_S: Final = 0.02

_Out = TypeVar("_Out")
Insert = sqlite.Insert | postgresql.Insert


class Database:
    """A pool of connections; does no I/O until it is asked something."""

    def __init__(
        self, url: str, keys: Keys | None = None, *, patience: timedelta = timedelta()
    ) -> None:
        """Open nothing yet.

        Args:
            url: SQLAlchemy's.
            keys: What histories are encrypted with whose large parts lie here; None: nothing.
            patience: How long whoever wants it waits for it while it is away.
        """
        self.patience = patience
        self.url = _normal(url)
        self.keys = keys
        self._postgresql = self.url.get_backend_name() == "postgresql"
        self._engine = _engine(self.url)
        self._hot = _hot_engine(self.url)
        # SQLite has one writer at a time: more threads would only wait for each other.
        threads = _HOT_THREADS if self._postgresql else 1
        self._hot_threads = ThreadPoolExecutor(threads, thread_name_prefix="database")

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncConnection]:
        """Yield a connection whose work is committed at the end, or rolled back on an error."""
        connection = await outages.patiently(lambda: outages.connected(self._engine), self.patience)
        try:
            async with connection.begin():
                yield connection
        finally:
            await connection.close()

    async def run(self, work: Callable[[Connection], _Out]) -> _Out:
        """Run `work` in one transaction, in a thread that the hot path has to itself.

        One hand-over to a thread, where the async driver takes one for each statement. A commit
        is safe from the end of this process; from a power cut only where the server makes it so.
        """
        loop = asyncio.get_running_loop()
        return await outages.patiently(
            lambda: loop.run_in_executor(
                self._hot_threads, outages.in_transaction, self._hot, work
            ),
            self.patience,
        )

    def insert(self, table: Table) -> Insert:
        """Return an insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return postgresql.insert(table) if self._postgresql else sqlite.insert(table)

    def add(self, connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
        """Insert a row unless its key is there already; return whether it was not.

        By what comes back: how many rows such an insert has made, PostgreSQL's driver does not say.
        """
        key = next(iter(table.primary_key.columns))
        statement = self.insert(table).on_conflict_do_nothing().returning(key)
        return connection.execute(statement, dict(values)).first() is not None

    async def migrate(self, *, allowed: bool = True) -> None:
        """Bring the tables up to this code's version. Idempotent, safe when several start at once.

        Args:
            allowed: Whether tables may be changed; else those of an older version are refused.

        Raises:
            DatabaseError: unreachable, made by a newer version of this code, or not `allowed`.
        """
        try:
            known = await revisions.found(self._engine)
            if known.serves:
                return
            if not allowed:
                raise DatabaseError(
                    f"the tables of {self!r} have version {known.revision or 'none'}, this code "
                    f"needs {REVISION}, and HOLDFAST_MIGRATE is false; run "
                    "`python starter.py migrate` first"
                )
            await revisions.upgrade(self._engine, postgresql=self._postgresql)
        except (DBAPIError, OSError) as error:
            raise DatabaseError(
                f"the database {self!r} cannot be opened ({_first_line(error)}); "
                "check HOLDFAST_DATABASE_URL"
            ) from error

    async def revision(self) -> str:
        """Return the version of the tables; empty where there are none."""
        return (await revisions.found(self._engine)).revision

    async def ping(self) -> None:
        """Raise unless the database answers."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close the pool; its threads and sockets end."""
        await asyncio.to_thread(self._hot_threads.shutdown)
        self._hot.dispose()
        await self._engine.dispose()

    def __repr__(self) -> str:
        return self.url.render_as_string(hide_password=True)


@asynccontextmanager
async def opened(
    settings: Settings, *, patience: timedelta = timedelta()
) -> AsyncGenerator[Database]:
    """Yield the migrated database of `settings`, and close it at the end.

    Args:
        settings: Where it is, and its keys.
        patience: How long to wait for it whenever it is away, once it was there.

    Raises:
        DatabaseError: it cannot be opened.
        KeyFileError: the encryption keys cannot be used.
    """
    if settings.database_url is None:
        settings.prepare_home()
    path = settings.encryption_keys
    keys = KeyRing(path) if path else None
    database = Database(settings.database, keys, patience=patience)
    before = use(ColumnCipher(keys))
    try:
        await database.migrate(allowed=settings.migrate)
        yield database
    finally:
        use(before)
        await database.close()


def _normal(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise DatabaseError(
            "HOLDFAST_DATABASE_URL is not a database URL; "
            "expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        ) from error
    if backend not in _DRIVERS:
        raise DatabaseError(
            f"the database {backend!r} is not supported; use one of {sorted(_DRIVERS)}"
        )
    return parsed.set(drivername=_DRIVERS[backend])


def _engine(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_pre_ping=url.get_backend_name() == "postgresql",
        connect_args=outages.connecting(url),
        # An error's text ends up in histories and logs; a payload must not.
        hide_parameters=True,
    )
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _hot_engine(url: URL) -> Engine:
    sqlite_too = url.get_backend_name() == "sqlite"
    engine = create_engine(
        url.set(drivername=url.get_backend_name()) if sqlite_too else url,
        pool_pre_ping=not sqlite_too,
        hide_parameters=True,
        connect_args=outages.connecting(url) | ({"check_same_thread": False} if sqlite_too else {}),
    )
    if sqlite_too:
        event.listen(engine, "connect", _prepare_sqlite)
        # A ledger entry outlives the process without waiting for the disk.
        event.listen(engine, "connect", _without_fsync)
    return engine


def _without_fsync(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    _write_ahead(cursor)
    # A filing that was acknowledged survives a power cut.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Let readers go on while one writes.

    Of several processes that open a new file at the same moment SQLite refuses some at once,
    whatever the busy timeout: `up` opens it beside the worker that it starts.
    """
    until = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(_BUSY_PAUSE_S)
        else:
            return


def _first_line(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
