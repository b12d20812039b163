"""Reading a ledger from where it is: a CSV file, a SQLite file, or a database by URL."""

import csv
import os
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from agents.auditor.columns import REQUIRED, LedgerError
from agents.sql import SqlError, connect_sqlite, readable
from domain.audit import LedgerSource

_LINE: Final = 1_000_000
"""Bytes of one line; a ledger's are a hundred, so a longer one is not a ledger's."""
_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)

_MAY_BE_NAMED: Final = "LEDGER_"


class Row(NamedTuple):
    """One row as the source has it, and how to find it there."""

    number: int
    where: str
    values: tuple[Any, ...]


class Table(NamedTuple):
    """A ledger that is open for reading."""

    name: str
    columns: list[str]
    rows: Iterator[Row]


def is_database(source: LedgerSource) -> bool:
    """Whether `source` is a database: its content can only be known by reading its rows.

    Raises:
        LedgerError: There is no such file, or it cannot be read.
    """
    if "://" in source.ledger:
        return True
    with _file(source.ledger) as file:
        return file.read(16) == b"SQLite format 3\0"


@contextmanager
def opened(source: LedgerSource) -> Generator[Table]:
    """Open a ledger read-only.

    Raises:
        LedgerError: It cannot be read, or holds no table that could be a ledger.
    """
    if is_database(source):
        with _database(source) as table:
            yield table
        return
    with _file(source.ledger) as file:
        yield _csv(file, source)


def _file(path: str) -> BinaryIO:
    if not path.strip():
        raise LedgerError("no ledger given: name a CSV or SQLite file, or a SQLAlchemy URL")
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise LedgerError(f"{path!r}: no such file; check the path (it is the worker's)") from None
    except IsADirectoryError:
        raise LedgerError(f"{path!r} is a directory: name the ledger's file in it") from None
    except OSError as error:
        raise LedgerError(
            f"{path!r} cannot be read: {error.strerror or error}; give the worker access to it"
        ) from None


# --- CSV


def _csv(file: BinaryIO, source: LedgerSource) -> Table:
    name = Path(source.ledger).name
    encoding = source.encoding or _marked(file)
    lines = _lines(file, name, encoding)
    first = next(lines, "")
    if not first.strip():
        raise LedgerError(f"{name}: the file is empty; expected a line of column names, then rows")
    delimiter = source.delimiter or _delimiter(first)
    header = next(csv.reader([first], delimiter=delimiter))
    return Table(name, header, _csv_rows(lines, delimiter, len(header), name))


def _marked(file: BinaryIO) -> str:
    start = file.read(3)
    file.seek(0)
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "utf-8")


def _lines(file: BinaryIO, name: str, encoding: str) -> Iterator[str]:
    if encoding.lower().replace("-", "").startswith(("utf16", "utf32")):
        yield from file.read().decode(encoding, "replace").splitlines(keepends=True)
        return
    number = 0
    while raw := file.readline(_LINE + 1):
        number += 1
        if len(raw) > _LINE:
            raise LedgerError(
                f"{name}: line {number} is longer than {_LINE} bytes; "
                "is this a CSV file with one row a line? Export it again"
            )
        try:
            yield raw.decode(encoding)
        except UnicodeDecodeError as error:
            raise LedgerError(
                f"{name}: line {number} is not {encoding.upper()} (byte {error.start + 1} is "
                f"{raw[error.start : error.start + 1]!r}); give its encoding, or convert it: "
                f"iconv -f WINDOWS-1250 -t UTF-8"
            ) from None
        except LookupError:
            raise LedgerError(
                f"unknown encoding {encoding!r}: expected one such as 'utf-8' or 'cp1250'"
            ) from None


def _delimiter(first: str) -> str:
    return max(",;\t|", key=first.count)


def _csv_rows(lines: Iterator[str], delimiter: str, width: int, name: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter)
    number = 0
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise LedgerError(
                f"{name}: row {number + 1} (line {reader.line_num + 1}) is not CSV: {error}; "
                "is a quotation mark left open there?"
            ) from None
        if not any(values):
            continue
        number += 1
        where = f"row {number} (line {reader.line_num + 1})"
        if len(values) != width:
            raise LedgerError(
                f"{name}: {where} has {len(values)} columns, the first line has {width}; "
                f"correct it, or give the delimiter (taken: {delimiter!r})"
            )
        yield Row(number, where, tuple(values))


# --- databases


@contextmanager
def _database(source: LedgerSource) -> Generator[Table]:
    url = _url(source)
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool, **_locked(url))
    shown = url.render_as_string(hide_password=True)
    try:
        with engine.connect().execution_options(stream_results=True) as connection:
            table = _table(sa.inspect(connection), source, shown)
            quoted = engine.dialect.identifier_preparer.quote(table)
            cursor = connection.exec_driver_sql(f"SELECT * FROM {quoted}")  # noqa: S608
            yield Table(table, list(cursor.keys()), _database_rows(cursor))
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise LedgerError(f"{shown} cannot be read: {said}; check the address") from None
    finally:
        engine.dispose()


def _url(source: LedgerSource) -> sa.URL:
    if "://" not in source.ledger:
        return sa.URL.create("sqlite", database=str(Path(source.ledger)))
    if re.search(r"://[^/@]*:(?!\$\{)[^/@]+@", source.ledger):
        raise LedgerError(
            "the ledger's URL holds a password, which every history would keep: write "
            "${LEDGER_PASSWORD} in its place and set that variable for the worker"
        )
    try:
        url = readable(re.sub(r"\$\{(\w+)\}", _from_environment, source.ledger))
        url.get_dialect().import_dbapi()
    except SqlError as error:
        raise LedgerError(str(error)) from None
    except (SQLAlchemyError, ImportError) as error:
        raise LedgerError(
            f"the ledger's database cannot be used: {str(error).splitlines()[0]}; "
            "check the address, or install its driver for the worker"
        ) from None
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise LedgerError(f"{url.database!r}: no such file; check the path (it is the worker's)")
    return url


def _from_environment(named: re.Match[str]) -> str:
    # Not any variable: who names a ledger must not have the worker's own secrets sent anywhere.
    if not named[1].startswith(_MAY_BE_NAMED):
        raise LedgerError(
            f"the ledger's URL names the variable {named[1]!r}; only those that begin with "
            f"{_MAY_BE_NAMED!r} can be put into one"
        )
    value = os.environ.get(named[1], "")
    if not value:
        raise LedgerError(f"the ledger's URL needs ${{{named[1]}}}: set it for the worker")
    return value


def _locked(url: sa.URL) -> dict[str, Any]:
    """Return what makes a connection read-only, where the driver can be told."""
    if url.get_backend_name() == "postgresql":
        options = {"options": "-c default_transaction_read_only=on", "connect_timeout": 10}
        return {"connect_args": options}
    if url.get_backend_name() == "sqlite":
        return {"creator": lambda: connect_sqlite(Path(url.database or ""))}
    return {}


def _table(inspector: sa.Inspector, source: LedgerSource, shown: str) -> str:
    there = sorted([*inspector.get_table_names(), *inspector.get_view_names()])
    if source.table:
        if source.table not in there:
            raise LedgerError(f"{shown}: no table {source.table!r}; it has {', '.join(there)}")
        return source.table
    needed = {source.mapping.get(name, name).lower() for name in REQUIRED}
    fitting = [
        name
        for name in there
        if needed <= {column["name"].lower() for column in inspector.get_columns(name)}
    ]
    if len(fitting) != 1:
        few = "several tables" if fitting else "no table"
        raise LedgerError(
            f"{shown}: {few} with the columns {', '.join(sorted(needed))}; "
            f"name the table (it has {', '.join(there) or 'none'}) or map the columns"
        )
    return fitting[0]


def _database_rows(cursor: sa.CursorResult[Any]) -> Iterator[Row]:
    for number, values in enumerate(cursor, start=1):
        yield Row(number, f"row {number}", tuple(values))
