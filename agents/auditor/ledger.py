"""A ledger as the audit works on it: a read-only snapshot in one layout.

Whatever the source is, its rows are copied once into a SQLite file named by their content, so
that the profile, the screening, the agent and the confirmation all look at the same figures, on
any worker, and however often an activity is tried.
"""

import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

from agents.auditor.columns import COLUMNS, LedgerError, cents, day, lay_out
from agents.auditor.signs import Entry, Signs, learn
from agents.auditor.sources import Row, Table, is_database, opened
from agents.sql import SqlError, connect_sqlite
from domain.audit import LedgerSource, PreparedLedger
from domain.contract import canonical

_LAYOUT: Final = "1"
"""Part of every fingerprint: raise it when the snapshot's tables change."""
_MOST_ROWS: Final = 20_000_000

_TABLES: Final = """
CREATE TABLE transactions (
    row_no INTEGER PRIMARY KEY, trans_id TEXT NOT NULL, account_id TEXT NOT NULL,
    date TEXT NOT NULL, type TEXT NOT NULL, operation TEXT NOT NULL, k_symbol TEXT NOT NULL,
    amount REAL NOT NULL, balance REAL NOT NULL,
    signed_amount INTEGER NOT NULL, balance_cents INTEGER NOT NULL,
    before_cents INTEGER NOT NULL, day_no INTEGER NOT NULL{extras}
);
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_INDEXES: Final = """
CREATE INDEX by_account ON transactions (account_id, day_no);
CREATE INDEX by_trans_id ON transactions (trans_id);
CREATE INDEX by_class ON transactions (type, operation, k_symbol, signed_amount);
CREATE INDEX by_amount ON transactions (signed_amount);
"""


class _Parsed(NamedTuple):
    entries: list[Entry]
    kept: list[tuple[str, ...]]
    extras: tuple[str, ...]
    digest: str


def prepare(source: LedgerSource, cache: Path) -> PreparedLedger:
    """Copy a ledger into `cache` and return the snapshot; one that is there already is used.

    Safe when several processes prepare the same ledger at once: each builds a file of its own
    and puts it in place in one step. The source is only read.

    Raises:
        LedgerError: The ledger cannot be used; says in one line what to do.
    """
    cache.mkdir(parents=True, exist_ok=True)
    if not is_database(source):
        target = cache / f"ledger-{_file_print(source)}.db"
        return described(target) if target.is_file() else _build(source, target)
    with opened(source) as table:
        parsed = _parse(table, source)
    name = table.name
    target = cache / f"ledger-{parsed.digest[:16]}.db"
    return described(target) if target.is_file() else _write(parsed, name, target)


def _build(source: LedgerSource, target: Path) -> PreparedLedger:
    with opened(source) as table:
        parsed = _parse(table, source)
    return _write(parsed, table.name, target)


def _file_print(source: LedgerSource) -> str:
    state = hashlib.sha256(_LAYOUT.encode())
    state.update(canonical(source.model_dump(exclude={"ledger"})))
    try:
        with Path(source.ledger).open("rb") as file:
            while chunk := file.read(1 << 20):
                state.update(chunk)
    except OSError as error:
        raise LedgerError(f"{source.ledger!r} cannot be read: {error.strerror}") from None
    return state.hexdigest()[:16]


def _parse(table: Table, source: LedgerSource) -> _Parsed:
    layout = lay_out(table.columns, source.mapping, table.name)
    state = hashlib.sha256(_LAYOUT.encode() + canonical(source.mapping))
    entries: list[Entry] = []
    kept: list[tuple[str, ...]] = []
    for row in table.rows:
        state.update(repr(row.values).encode("utf-8", "surrogatepass"))
        entries.append(_entry(row, layout.places, table.name))
        kept.append(tuple(_text(row.values[index]) for index, _ in layout.extras))
        if row.number > _MOST_ROWS:
            raise LedgerError(f"{table.name}: more than {_MOST_ROWS} rows; give a part of it")
    if not entries:
        raise LedgerError(f"{table.name}: no rows below the column names; expected transactions")
    return _Parsed(entries, kept, tuple(name for _, name in layout.extras), state.hexdigest())


def _entry(row: Row, places: dict[str, int], name: str) -> Entry:
    text = {
        column: _text(row.values[places[column]]) if column in places else "" for column in COLUMNS
    }
    if not text["account_id"]:
        raise LedgerError(f"{name}: {row.where}, account_id is empty; complete it or drop the row")
    column = "date"
    try:
        when = day(text["date"])
        column = "amount"
        amount = cents(text["amount"])
        column = "balance"
        balance = cents(text["balance"])
    except ValueError as error:
        raise LedgerError(
            f"{name}: {row.where}, {column}: {error}; correct it, or map {column!r} elsewhere"
        ) from None
    return Entry(
        row.number,
        text["trans_id"] or f"row-{row.number}",
        text["account_id"],
        when,
        text["type"],
        text["operation"],
        text["k_symbol"],
        amount,
        balance,
    )


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _write(parsed: _Parsed, name: str, target: Path) -> PreparedLedger:
    signs = learn(parsed.entries)
    handle, path = tempfile.mkstemp(dir=target.parent, suffix=".part")
    os.close(handle)
    part = Path(path)
    try:
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            _fill(connection, parsed, signs, name, target)
        part.replace(target)
    except sqlite3.Error as error:
        raise OSError(f"the snapshot {str(target)!r} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return described(target)


def _fill(
    connection: sqlite3.Connection, parsed: _Parsed, signs: Signs, name: str, target: Path
) -> None:
    extras = "".join(f', "{column}" TEXT NOT NULL' for column in parsed.extras)
    # Nobody opens the file before it is whole, so it needs no journal.
    connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
    connection.executescript(_TABLES.format(extras=extras))
    connection.execute("BEGIN")
    marks = ", ".join("?" * (13 + len(parsed.extras)))
    connection.executemany(
        f"INSERT INTO transactions VALUES ({marks})",  # noqa: S608 - question marks only
        _rows(parsed, signs),
    )
    about = {
        "name": name,
        "fingerprint": target.stem.removeprefix("ledger-"),
        "sign_column": signs.column,
        "signs": json.dumps(signs.values),
    }
    connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
    connection.execute("COMMIT")
    connection.executescript(_INDEXES + "ANALYZE;")


def _rows(parsed: _Parsed, signs: Signs) -> Iterator[tuple[Any, ...]]:
    order = sorted(range(len(parsed.entries)), key=lambda i: (*parsed.entries[i][2:4], i))
    for _, account in groupby(order, key=lambda i: parsed.entries[i].account_id):
        number, last = 0, ""
        for index in account:
            entry = parsed.entries[index]
            number += entry.date != last
            last = entry.date
            yield _row(entry, signs.of(entry), number) + parsed.kept[index]


def _row(entry: Entry, sign: int, number: int) -> tuple[Any, ...]:
    signed = sign * entry.amount
    return (
        *entry[:7],
        entry.amount / 100,
        entry.balance / 100,
        signed,
        entry.balance,
        entry.balance - signed,
        number,
    )


# --- reading a snapshot


def connect(path: str | Path) -> sqlite3.Connection:
    """Open a snapshot; nothing can be written through the connection.

    Raises:
        LedgerError: It is not there any more; the audit has to prepare it again.
    """
    try:
        return connect_sqlite(Path(path))
    except SqlError as error:
        raise LedgerError(f"the prepared ledger is gone: {error}") from None


def described(path: str | Path) -> PreparedLedger:
    """Return what a snapshot says about itself."""
    with closing(connect(path)) as connection:
        about = dict(connection.execute("SELECT name, value FROM about"))
        counts = "SELECT count(*), count(DISTINCT account_id) FROM transactions"
        transactions, accounts = connection.execute(counts).fetchone()
    return PreparedLedger(
        path=str(path),
        fingerprint=about["fingerprint"],
        name=about["name"],
        transactions=transactions,
        accounts=accounts,
    )


def batches(path: str | Path, size: int) -> list[tuple[str, ...]]:
    """Return all accounts in batches of `size`, each account in exactly one."""
    with closing(connect(path)) as connection:
        found = connection.execute(
            "SELECT DISTINCT account_id FROM transactions ORDER BY account_id"
        )
        accounts: Sequence[str] = [account for (account,) in found]
    return [tuple(accounts[at : at + size]) for at in range(0, len(accounts), size)]
