"""Reading what a person brings to a triage: tickets, accounts, a taxonomy. Nothing is guessed."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import yaml
from sqlalchemy.exc import SQLAlchemyError

from domain.taxonomy import Taxonomy, TaxonomyError, taxonomy
from domain.ticket import (
    Ticket,
)

TAXONOMY: Final = Path(__file__).with_name("taxonomy.yaml")
# What our columns are called elsewhere; the first name is ours.
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "id": ("id", "ticket", "ticket_id", "ticket id", "number", "case", "key"),
    "account": ("account", "account_id", "account id", "customer", "customer_id", "customer id"),
    "subject": ("subject", "title", "summary"),
    "text": ("text", "body", "message", "description", "content"),
}
_NEEDED: Final = ("id", "text")
_MOST_BYTES: Final = 200_000_000
_MOST_TEXT: Final = 20_000  # characters of a ticket
_MOST_ID: Final = 200
_MOST_FACTS: Final = 4_000
_MOST_ACCOUNTS: Final = 500_000


class IntakeError(ValueError):
    """A file that cannot be worked with; the message names it, what is wrong, and what to do."""


@dataclass
class Read:
    """What a file of tickets has in it.

    Attributes:
        left_out: Rows that are no tickets, a sentence each.
    """

    tickets: list[Ticket] = field(default_factory=list[Ticket])
    left_out: list[str] = field(default_factory=list[str])


def tickets(path: str, columns: Mapping[str, str]) -> Read:
    """Read a CSV file of tickets; what has no id, or one that was there before, is left out.

    Args:
        path: The file.
        columns: What our columns are called in it, where that cannot be seen.

    Raises:
        IntakeError: It is no such file.
    """
    if unknown := sorted(set(columns) - set(_NAMES)):
        raise IntakeError(f"there is no column {unknown[0]!r} to map; ours are {list(_NAMES)}")
    rows = _rows(path)
    header = _header(rows)
    if not header:
        raise IntakeError(f"{path}: the file is empty; expected a header and a ticket a row")
    where = {name: _place(path, header, name, columns.get(name, "")) for name in _NAMES}
    found, seen = Read(), dict[str, int]()
    for number, row in rows:
        if any(cell.strip() for cell in row):
            cells = {name: _cell(row, at) for name, at in where.items()}
            if why := _wrong(cells, seen, len(row), len(header)):
                found.left_out.append(f"row {number}: {why}")
                continue
            seen[cells["id"]] = number
            found.tickets.append(Ticket.model_validate(cells))
    if not found.tickets and not found.left_out:
        raise IntakeError(f"{path}: there is no ticket below the header")
    return found


def _header(rows: Iterator[tuple[int, list[str]]]) -> list[str]:
    for _, row in rows:
        return row
    return []


def _cell(row: list[str], at: int | None) -> str:
    return row[at].strip() if at is not None and at < len(row) else ""


def _wrong(cells: Mapping[str, str], seen: Mapping[str, int], fields: int, expected: int) -> str:
    """Return why a row is no ticket, or nothing where it is one."""
    ticket, text, account = cells["id"], cells["text"], cells["account"]
    longest = max(len(text), len(cells["subject"]))
    faults = {
        f"it has {fields} fields and the header {expected}: is a text not quoted?": (
            fields > expected
        ),
        "it has no id": not ticket,
        f"its id has {len(ticket)} characters; 1 to {_MOST_ID} printable ones are taken": (
            len(ticket) > _MOST_ID or not ticket.isprintable()
        ),
        f"its id {ticket!r} is that of row {seen.get(ticket)}": ticket in seen,
        f"ticket {ticket!r} has no text": not text,
        f"ticket {ticket!r} has {longest:,} characters; {_MOST_TEXT:,} are read": (
            longest > _MOST_TEXT
        ),
        f"ticket {ticket!r} has an account of {len(account):,} characters": (
            len(account) > _MOST_ID
        ),
    }
    return next((why for why, wrong in faults.items() if wrong), "")


def _place(path: str, header: list[str], name: str, called: str) -> int | None:
    """Return which column is `name`; None for one that the file can do without.

    Raises:
        IntakeError: It is needed, or named, and not there.
    """
    there = [column.strip().lower() for column in header]
    for candidate in (called.strip().lower(),) if called else _NAMES[name]:
        if candidate in there:
            return there.index(candidate)
    if called or name in _NEEDED:
        raise IntakeError(
            f"{path}: no column {called or name!r}; its columns are {header}. Say which is meant: "
            f"--map {name}=COLUMN"
        )
    return None


def accounts(source: str) -> dict[str, str]:
    """Return what is known of each account, as JSON, by its id.

    Args:
        source: A CSV file, or a database's URL with `#TABLE` behind it.

    Raises:
        IntakeError: It cannot be read, or has no column `account`.
    """
    head, rows = _of_table(source) if "://" in source else _of_file(source)
    at = _place(source, head, "account", "") if head else None
    if at is None:
        at = _place(source, head, "id", "")
    found: dict[str, str] = {}
    for row in rows:
        if at is None or at >= len(row) or not row[at].strip():
            continue
        facts = {
            name: value
            for name, value in zip(head, row, strict=False)
            if name != head[at] and value
        }
        found[row[at].strip()[:_MOST_ID]] = json.dumps(facts, ensure_ascii=False)[:_MOST_FACTS]
        if len(found) > _MOST_ACCOUNTS:
            raise IntakeError(f"{source}: more than {_MOST_ACCOUNTS:,} accounts")
    return found


def _of_file(source: str) -> tuple[list[str], Iterator[list[str]]]:
    rows = _rows(source)
    return _header(rows), (row for _, row in rows)


def _of_table(source: str) -> tuple[list[str], Iterator[list[str]]]:
    address, _, name = source.partition("#")
    if not name:
        raise IntakeError("--accounts is a database and names no table: put #TABLE behind its URL")
    try:
        url = sa.make_url(address)
        driver = {"postgresql": "postgresql+psycopg", "sqlite": "sqlite"}[url.get_backend_name()]
        engine = sa.create_engine(url.set(drivername=driver), hide_parameters=True)
        table = sa.Table(name, sa.MetaData(), autoload_with=engine)
        with engine.connect() as connection:
            found = connection.execute(sa.select(table).limit(_MOST_ACCOUNTS + 1)).all()
        engine.dispose()
    except (SQLAlchemyError, KeyError) as error:
        # Never the URL: it may have a password in it.
        why = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        raise IntakeError(
            f"the accounts' table {name!r} cannot be read ({why}); expected "
            "sqlite:///FILE#TABLE or postgresql://USER:PASSWORD@HOST/NAME#TABLE"
        ) from None
    head = [str(column.name) for column in table.columns]
    return head, (["" if cell is None else str(cell) for cell in row] for row in found)


def categories(path: str) -> Taxonomy:
    """Read a taxonomy; an empty path stands for the one that comes along.

    Raises:
        IntakeError: It is none.
    """
    file = path or str(TAXONOMY)
    try:
        return taxonomy(yaml.safe_load(_text(file)))
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())[:300]
        raise IntakeError(f"{file}: it is neither YAML nor JSON ({line})") from None
    except TaxonomyError as error:
        raise IntakeError(f"{file}: {error}") from None


def _rows(path: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with its number in the file, the header's being 1.

    Raises:
        IntakeError: It is no CSV file.
    """
    text = _text(path)
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:20_000].partition("\n")[0], ",;\t|")
        delimiter = dialect.delimiter
    except csv.Error:
        delimiter = ","
    csv.field_size_limit(_MOST_BYTES)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise IntakeError(f"{path}: line {reader.line_num} is no CSV ({error})") from None
        if row is None:
            return
        yield number, row


def _text(path: str) -> str:
    """Return a file's text.

    Raises:
        IntakeError: It cannot be read, or is not UTF-8.
    """
    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            raise IntakeError(f"{path}: over {_MOST_BYTES:,} bytes; divide it")
        raw = Path(path).read_bytes()
    except OSError as error:
        raise IntakeError(
            f"{path}: {error.strerror or error}; the worker must be able to read it"
        ) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise IntakeError(
            f"{path}: line {line} is not UTF-8 (byte {raw[error.start]:#04x}); save it as UTF-8"
        ) from None
