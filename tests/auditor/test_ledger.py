"""Reading ledgers: what is accepted, and how what is not is refused."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from agents.auditor.columns import LedgerError, cents, day
from agents.auditor.ledger import connect
from tests.auditor.books import HEADER, book, prepared, screened, steady


def test_a_csv_file_becomes_one_snapshot(tmp_path: Path) -> None:
    """The same file gives the same snapshot, with money in cents and signs applied."""
    path = book(tmp_path, ["1,a,2024-01-01,IN,100.00,100.00", "2,a,2024-01-02,OUT,30.50,69.50",
                           "3,a,2024-01-03,IN,10.00,79.50"])  # fmt: skip

    first, again = prepared(path, tmp_path), prepared(path, tmp_path)

    assert first == again
    assert (first.transactions, first.accounts) == (3, 1)
    with closing(connect(first.path)) as connection:
        rows = connection.execute("SELECT signed_amount, balance_cents, day_no FROM transactions")
        assert rows.fetchall() == [(10000, 10000, 1), (-3050, 6950, 2), (1000, 7950, 3)]


def test_columns_may_be_named_and_set_apart_otherwise(tmp_path: Path) -> None:
    """Other names, semicolons, decimal commas, thousands, German days and a byte order mark."""
    path = tmp_path / "konto.csv"
    path.write_text(
        "\ufeffNr;Konto;Tag;Art;Betrag;Stand\n1;a;1.2.2024;H;1.000,00;1.000,00\n"
        "2;a;2.2.2024;S;200,50;799,50\n3;a;3.2.2024;H;1,50;801,00\n",
        encoding="utf-8",
    )
    mapping = {"trans_id": "Nr", "account_id": "Konto", "date": "Tag", "type": "Art",
               "amount": "Betrag", "balance": "Stand"}  # fmt: skip

    ledger = prepared(path, tmp_path, mapping=mapping)

    with closing(connect(ledger.path)) as connection:
        rows = connection.execute("SELECT date, signed_amount FROM transactions").fetchall()
    assert rows == [("2024-02-01", 100000), ("2024-02-02", -20050), ("2024-02-03", 150)]


def test_signed_amounts_need_no_type(tmp_path: Path) -> None:
    """A ledger whose amounts carry their sign, and which has no types, is audited alike."""
    lines = [
        f"{n},a,2024-01-{n + 1:02},{'-' if n % 3 == 2 else ''}50.00,{b}.00"
        for n, b in enumerate([50, 100, 50, 100, 150, 100, 150, 200, 150])
    ]
    path = book(tmp_path, lines, header="trans_id,account_id,date,amount,balance")

    normal, candidates = screened(prepared(path, tmp_path))

    assert (normal.sign_column, candidates) == ("", [])


def test_a_database_is_read_and_left_as_it_was(tmp_path: Path) -> None:
    """A SQLite file is found out to be one, its fitting table is taken, and nothing changes."""
    path = tmp_path / "bank.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
        connection.execute(
            "CREATE TABLE moves (trans_id, account_id, date, type, amount REAL, balance REAL)"
        )
        rows = [line.split(",") for line in steady("a", 9)]
        connection.executemany("INSERT INTO moves VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
    before = path.read_bytes()

    from_file = prepared(path, tmp_path)
    from_url = prepared(f"sqlite:///{path}", tmp_path)

    assert (from_file.name, from_file.transactions) == ("moves", 9)
    assert from_url.fingerprint == from_file.fingerprint
    assert path.read_bytes() == before


def test_two_at_once_make_one_snapshot(tmp_path: Path) -> None:
    """Activities that prepare the same ledger at the same moment do not disturb each other."""
    path = book(tmp_path, steady("a", 40))
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(prepared(path, tmp_path).path))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert [str(file) for file in (tmp_path / "cache").iterdir()] == [found[0]]


def test_nothing_can_be_written_through_a_snapshot(tmp_path: Path) -> None:
    """The connection that everything reads through refuses to write."""
    ledger = prepared(book(tmp_path, steady("a", 3)), tmp_path)

    with (
        closing(connect(ledger.path)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        connection.execute("DELETE FROM transactions")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (HEADER.encode(), "no rows below the column names"),
        (
            b"a,b,c\n1,2,3\n",
            "no column for account_id, date, amount, balance; it has 'a', 'b', 'c'",
        ),
        (
            f"{HEADER}\n1,a,2024-01-01,IN,ten,10\n".encode(),
            "row 1 (line 2), amount: 'ten' is not a",
        ),
        (f"{HEADER}\n1,a,2024-01-01,IN,,10\n".encode(), "row 1 (line 2), amount: '' is not a"),
        (f"{HEADER}\n1,a,2024-01-01,IN,NaN,10\n".encode(), "'NaN' is not an amount"),
        (f"{HEADER}\n1,a,2024-13-01,IN,1,10\n".encode(), "'2024-13-01' is not a day"),
        (f"{HEADER}\n1,,2024-01-01,IN,1,10\n".encode(), "account_id is empty"),
        (f"{HEADER}\n1,a,2024-01-01\n".encode(), "row 1 (line 2) has 3 columns"),
        (f"{HEADER}\n1,a,2024-01-01,IN,{'9' * 10_000_000},1\n".encode(), "line 2 is longer than"),
        (f"{HEADER}\n1,\xe1,2024-01-01,IN,1,1\n".encode("latin-1"), "line 2 is not UTF-8"),
        (f'{HEADER}\n1,"a,2024-01-01,IN,1,1\n{"x" * 200_000}\n'.encode(), "left open"),
        (b"\x00\x01\x02\x03" * 100, "no column for"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    """Each bad file gives one line that names place and value, and leaves nothing behind."""
    path = tmp_path / "bad.csv"
    path.write_bytes(content)

    with pytest.raises(LedgerError) as caught:
        prepared(path, tmp_path)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert not list((tmp_path / "cache").glob("*"))


@pytest.mark.parametrize(
    ("ledger", "said"),
    [
        ("", "no ledger given"),
        ("/nowhere/ledger.csv", "no such file"),
        ("/", "is a directory"),
        ("sqlite:////nowhere/x.db", "no such file"),
        ("nonsense://x", "check the address"),
        ("postgresql://me:secret@host/db", "holds a password"),
        ("postgresql://me:${LEDGER_NO_SUCH}@host/db", "set it for the worker"),
        ("postgresql://me:${OPENAI_API_KEY}@host/db", "only those that begin with 'LEDGER_'"),
    ],
)
def test_bad_addresses_are_refused_in_one_line(tmp_path: Path, ledger: str, said: str) -> None:
    """What cannot be reached is named, what to do is said, and no password is repeated."""
    with pytest.raises(LedgerError) as caught:
        prepared(ledger, tmp_path)

    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_mapping_is_named(tmp_path: Path) -> None:
    """A mapping to a column that is not there lists the ones that are."""
    path = book(tmp_path, steady("a", 2))

    with pytest.raises(LedgerError, match="no column 'acct' for 'account_id'; it has 'trans_id'"):
        prepared(path, tmp_path, mapping={"account_id": "acct"})


def test_balances_that_do_not_follow_are_no_ledger(tmp_path: Path) -> None:
    """Columns mixed up are refused, before a thousand findings are made of them."""
    lines = [f"{n},a,2024-01-{n % 28 + 1:02},IN,{(n * 37) % 91}.00,{(n * n) % 83}.00"
             for n in range(60)]  # fmt: skip

    with pytest.raises(LedgerError, match="do not follow from the amounts"):
        prepared(book(tmp_path, lines), tmp_path)


def test_money_and_days_are_read_as_people_write_them() -> None:
    """Points, commas, apostrophes, spaces and signs; ISO, compact and dotted days."""
    assert [cents(text) for text in ("1,234.50", "1.234,50", "1 234,5", "-0.5", "+7", "1'000", 1.1)
            ] == [123450, 123450, 123450, -50, 700, 100000, 110]  # fmt: skip
    days = {day(text) for text in ("1993-01-31", "19930131", "930131", "31.1.1993",
                                   "1993-01-31T10:00:00")}  # fmt: skip
    assert days == {"1993-01-31"}
