"""Read-only SQL for tools: one SELECT, checked by a parser, with limits on rows, time and size.

Three locks, each enough alone: the parser refuses what is not a query, the connection is opened
read-only, and in SQLite an authorizer denies every action but reading.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
import sqlglot
from pydantic import Field
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from domain.contract import Contract

# It warns of what it cannot parse; that is told to the model as an error instead.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

ROWS: Final = 50
SECONDS: Final = 5.0
CELL: Final = 300
"""Characters of one value that are shown."""
_SQL_LENGTH: Final = 20_000
_VALUE_BYTES: Final = 1_000_000
_NESTING: Final = 200

# Functions that the parser knows by type are plain expressions; of the rest, these are.
_SAFE: Final = frozenset(
    {
        "abs", "date", "datetime", "julianday", "time", "strftime", "unixepoch",
        "ifnull", "instr", "nullif", "printf", "format", "total", "sign", "typeof", "glob",
        "likely", "unlikely", "to_char", "to_date", "to_timestamp", "age",
        "date_part", "width_bucket", "div", "mod", "btrim", "position", "percent_rank",
        "cume_dist", "ntile", "bool_and", "bool_or", "json_extract", "json_each", "quote",
        "hex", "char", "unicode", "soundex", "iif", "trunc", "power", "pow", "sqrt", "group_concat",
        "string_agg", "array_agg", "regexp_replace", "split_part", "left", "right", "lpad", "rpad",
    }
)  # fmt: skip
_READ_ACTIONS: Final = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
_DENIED_SQLITE: Final = frozenset({"load_extension", "writefile", "readfile", "fts3_tokenizer"})
_WRITES: Final = (
    exp.Insert, exp.Update, exp.Delete,
    exp.DDL, exp.Command, exp.Into, exp.Lock, exp.Pragma, exp.Attach, exp.Detach,
    exp.Set, exp.Copy, exp.Drop, exp.Alter, exp.Merge, exp.Use, exp.Transaction, exp.Commit,
    exp.Rollback, exp.Kill, exp.TruncateTable, exp.Analyze, exp.NextValueFor, exp.ReadCSV,
)  # fmt: skip


class SqlError(ValueError):
    """A statement that is refused or fails; the message says why and what is accepted."""


class Selected(Contract):
    """Rows of a query.

    Attributes:
        query: The statement as it was run.
        more: There are more rows than were asked for.
    """

    query: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    more: bool = Field(default=False)


def checked(sql: str, dialect: str = "sqlite") -> str:
    """Return `sql` without its final semicolon, if it is a single query that only reads.

    Raises:
        SqlError: It is something else; says what.
    """
    if len(sql) > _SQL_LENGTH:
        raise SqlError(f"the query has {len(sql)} characters: send at most {_SQL_LENGTH}")
    if _depth(sql) > _NESTING:
        raise SqlError(f"the query nests deeper than {_NESTING} brackets: simplify it")
    try:
        statements = [s for s in sqlglot.parse(sql, read=dialect) if s is not None]
    except (SqlglotError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SqlError(f"this is not a query that {dialect} understands: {first[:200]}") from None
    if len(statements) != 1:
        raise SqlError(f"{len(statements)} statements: send exactly one SELECT")
    _check_tree(statements[0], dialect)
    return sql.strip().rstrip(";").strip()


def _check_tree(root: exp.Expr, dialect: str) -> None:
    if not isinstance(root, exp.Query):
        raise SqlError(f"{root.key.upper()} is refused: only a single SELECT is accepted")
    for node in root.walk():
        if isinstance(node, _WRITES):
            raise SqlError(f"{node.key.upper()} is refused: only a SELECT that reads is accepted")
        if isinstance(node, exp.Anonymous) and node.name.lower() not in _SAFE:
            raise SqlError(f"the function {node.name!r} is refused: use plain SQL functions")
        if isinstance(node, exp.Table) and _is_system(node, dialect):
            raise SqlError(f"the system table {node.name!r} is refused: query the data's tables")


def _is_system(table: exp.Table, dialect: str) -> bool:
    name, schema = table.name.lower(), table.db.lower()
    if dialect == "sqlite":
        return name.startswith(("pragma_", "sqlite_db", "dbstat"))
    return name.startswith("pg_") or schema == "pg_catalog"


def _depth(sql: str) -> int:
    depth = deepest = 0
    for character in sql:
        depth += (character in "([") - (character in ")]")
        deepest = max(deepest, depth)
    return deepest


async def select(source: str, sql: str, *, rows: int = ROWS, seconds: float = SECONDS) -> Selected:
    """Run one checked SELECT off the event loop.

    Args:
        source: Path of a SQLite file, or a SQLAlchemy URL of SQLite or PostgreSQL.
        sql: The query.
        rows: Rows returned at most.
        seconds: Time after which the query is stopped.

    Raises:
        SqlError: Refused, wrong, too slow, or the database cannot be read.
    """
    stop = threading.Event()
    try:
        return await asyncio.to_thread(_select, source, sql, rows, seconds, stop)
    finally:
        # When the caller is cancelled, the thread is told so and ends at its next check.
        stop.set()


def _select(source: str, sql: str, rows: int, seconds: float, stop: threading.Event) -> Selected:
    path = sqlite_path(source)
    if path is not None:
        query = checked(sql, "sqlite")
        return _select_sqlite(path, query, rows, seconds, stop)
    url = readable(source)
    if url.get_backend_name() != "postgresql":
        raise SqlError(f"{url.get_backend_name()!r} is not supported: use SQLite or PostgreSQL")
    return _select_postgresql(url, checked(sql, "postgres"), rows, seconds)


def sqlite_path(source: str) -> Path | None:
    """Return the file that `source` means, or None where it is another database's URL."""
    if "://" not in source:
        return Path(source)
    url = readable(source)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def readable(source: str) -> URL:
    """Return a URL as SQLAlchemy reads it, with a driver that is synchronous and installed.

    Raises:
        SqlError: It is no URL; the message leaves out what might be a password.
    """
    try:
        url = make_url(source)
    except ArgumentError:
        raise SqlError(
            "the database's address is not a SQLAlchemy URL: expected one such as "
            "'postgresql://user@host/database' or 'sqlite:///file.db'"
        ) from None
    drivers = {"postgresql": "postgresql+psycopg", "sqlite": "sqlite"}
    backend = url.get_backend_name()
    return url.set(drivername=drivers.get(backend, url.drivername))


def connect_sqlite(path: Path) -> sqlite3.Connection:
    """Open a SQLite file so that nothing can be written through the connection.

    Raises:
        SqlError: There is no such file, or it cannot be read.
    """
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro",
            uri=True,
            timeout=5,
            check_same_thread=False,
            isolation_level=None,
        )
        connection.execute("PRAGMA query_only = 1")
    except sqlite3.Error as error:
        raise SqlError(f"{str(path)!r} cannot be opened: {error}; check the path") from None
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _VALUE_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    return connection


def _authorize(action: int, _one: str | None, two: str | None, *_: str | None) -> int:
    named = action == sqlite3.SQLITE_FUNCTION and (two or "").lower() in _DENIED_SQLITE
    allowed = action in _READ_ACTIONS and not named
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _select_sqlite(
    path: Path, query: str, rows: int, seconds: float, stop: threading.Event
) -> Selected:
    connection = connect_sqlite(path)
    deadline = time.monotonic() + seconds
    try:
        connection.set_authorizer(_authorize)
        connection.set_progress_handler(lambda: stop.is_set() or time.monotonic() > deadline, 1000)
        cursor = connection.execute(query)
        found = cursor.fetchmany(rows + 1)
        columns = [column[0] for column in cursor.description or ()]
    except (sqlite3.Error, sqlite3.Warning) as error:
        if time.monotonic() > deadline:
            raise SqlError(_slow(seconds)) from None
        raise SqlError(f"the query failed: {error}") from None
    finally:
        connection.close()
    return _selected(query, columns, found, rows)


def _select_postgresql(url: URL, query: str, rows: int, seconds: float) -> Selected:
    options = f"-c default_transaction_read_only=on -c statement_timeout={int(seconds * 1000)}"
    engine = sa.create_engine(
        url, poolclass=sa.pool.NullPool, connect_args={"options": options, "connect_timeout": 10}
    )
    try:
        with engine.connect().execution_options(
            postgresql_readonly=True, stream_results=True
        ) as connection:
            # exec_driver_sql: a colon in the query is the query's, not a parameter of ours.
            cursor = connection.exec_driver_sql(query.replace("%", "%%"))
            found = [tuple(row) for row in cursor.fetchmany(rows + 1)]
            return _selected(query, list(cursor.keys()), found, rows)
    except DBAPIError as error:
        said = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
        if "statement timeout" in said:
            raise SqlError(_slow(seconds)) from None
        raise SqlError(f"the query failed: {said}") from None
    finally:
        engine.dispose()


def _slow(seconds: float) -> str:
    return f"the query ran longer than {seconds:g} s: narrow it, for example to one account"


def _selected(
    query: str, columns: Sequence[str], found: Sequence[tuple[Any, ...]], rows: int
) -> Selected:
    shown = tuple(tuple(_cell(value) for value in row) for row in found[:rows])
    return Selected(query=query, columns=tuple(columns), rows=shown, more=len(found) > rows)


def _cell(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= CELL else text[: CELL - 1] + "…"
