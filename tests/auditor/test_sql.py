"""Read-only SQL: one SELECT runs, and nothing that is sent changes anything."""

import asyncio
import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents import sql as sql_module
from agents.sql import Selected, SqlError, checked, connect_sqlite, select

POSTGRESQL = os.environ.get("HOLDFAST_TEST_POSTGRESQL", "")

WRITES = [
    "INSERT INTO t VALUES (3, 'c')",
    "UPDATE t SET b = 'x'",
    "DELETE FROM t",
    "REPLACE INTO t VALUES (1, 'z')",
    "DROP TABLE t",
    "CREATE TABLE u (a)",
    "CREATE TEMP TABLE u AS SELECT * FROM t",
    "ALTER TABLE t ADD COLUMN c",
    "PRAGMA query_only = 0",
    "PRAGMA user_version = 7",
    "PRAGMA table_info(t)",
    "ATTACH DATABASE '{home}/other.db' AS o",
    "DETACH DATABASE main",
    "VACUUM",
    "VACUUM INTO '{home}/copy.db'",
    "REINDEX",
    "ANALYZE",
    "BEGIN",
    "COMMIT",
    "SAVEPOINT s",
    "SELECT 1; DELETE FROM t",
    "SELECT 1; SELECT 2",
    "WITH d AS (DELETE FROM t RETURNING a) SELECT * FROM d",
    "WITH d AS (SELECT 1) INSERT INTO t SELECT 1, 'x'",
    "EXPLAIN DELETE FROM t",
    "SELECT load_extension('x')",
    "SELECT writefile('{home}/out', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT edit('x')",
    "SELECT * FROM pragma_table_info('t')",
    "SELECT * FROM dbstat",
    "SELECT * INTO u FROM t",
    "SELECT a FROM t FOR UPDATE",
    "VALUES (1)",
    "",
    "   ;  ",
    "not sql at all",
    "SELECT '",
    "(" * 5_000,
    "SELECT " + "(" * 500 + "1" + ")" * 500,
    "SELECT '" + "x" * 30_000 + "'",
]
POSTGRESQL_WRITES = [
    "SELECT pg_sleep(10)",
    "SELECT pg_catalog.pg_sleep(10)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT nextval('s')",
    "SELECT setval('s', 1)",
    "SELECT set_config('default_transaction_read_only', 'off', false)",
    "SELECT query_to_xml('DELETE FROM t', true, true, '')",
    "SELECT dblink('host=x', 'DELETE FROM t')",
    "SELECT pg_terminate_backend(1)",
    "SELECT * FROM pg_shadow",
    "SELECT * FROM pg_catalog.pg_authid",
    "COPY t TO '/tmp/out'",
    "COPY t FROM PROGRAM 'id'",
    "DO $$ BEGIN DELETE FROM t; END $$",
    "CALL p()",
    "SET default_transaction_read_only = off",
    "LOCK TABLE t",
    "SELECT 1 INTO u",
    "WITH d AS (UPDATE t SET b = 'x' RETURNING a) SELECT * FROM d",
    "EXPLAIN ANALYZE DELETE FROM t",
    "SELECT a FROM t FOR SHARE",
]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A database with one table of two rows."""
    path = tmp_path / "base.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        connection.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
        connection.commit()
    return path


async def test_a_select_gives_rows_and_says_when_there_are_more(base: Path) -> None:
    """Columns, rows, the query as it ran; common table expressions and windows are fine."""
    one = await select(str(base), "SELECT a, b FROM t ORDER BY a;", rows=1)
    two = await select(
        f"sqlite:///{base}", "WITH x AS (SELECT a FROM t) SELECT sum(a) OVER () AS s FROM x"
    )

    assert one == Selected(
        query="SELECT a, b FROM t ORDER BY a", columns=("a", "b"), rows=((1, "a"),), more=True
    )
    assert (two.columns, two.rows, two.more) == (("s",), ((3,), (3,)), False)


@pytest.mark.parametrize("sql", WRITES)
def test_what_is_not_one_select_is_refused(base: Path, sql: str) -> None:
    """Writes, several statements, pragmas, files and nonsense: one line each, nothing changed."""
    before = base.read_bytes()

    with pytest.raises(SqlError) as caught:
        asyncio.run(select(str(base), sql.replace("{home}", str(base.parent))))

    assert "\n" not in str(caught.value)
    assert base.read_bytes() == before
    assert [file.name for file in base.parent.iterdir()] == ["base.db"]


@pytest.mark.parametrize("sql", POSTGRESQL_WRITES)
def test_postgresqls_own_ways_out_are_refused(sql: str) -> None:
    """Functions with effects, system tables, locks and copies do not pass the parser."""
    with pytest.raises(SqlError):
        checked(sql, "postgres")


words = st.sampled_from(
    (  # noqa: SIM905 - fifty strings in a list read worse
        "SELECT INSERT INTO DELETE FROM UPDATE SET t u a b * , ( ) ; 1 'x' WITH AS VALUES DROP "
        "TABLE PRAGMA query_only = 0 ATTACH main WHERE UNION ALL RETURNING REPLACE CREATE -- /* "
        "*/ load_extension VACUUM temp ON CONFLICT DO NOTHING EXPLAIN BEGIN writefile"
    ).split(" ")
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.lists(words, max_size=14).map(" ".join), st.text(max_size=60)))
def test_nothing_that_is_sent_writes(base: Path, sql: str) -> None:
    """Whatever words are strung together, the file stays byte for byte what it was."""
    before = base.read_bytes()

    with suppress(SqlError):
        asyncio.run(select(str(base), sql))

    assert base.read_bytes() == before
    assert [file.name for file in base.parent.iterdir()] == ["base.db"]


def test_the_connection_is_a_lock_of_its_own(base: Path) -> None:
    """Without the parser, the connection refuses writes, attached files and temporary tables."""
    with closing(connect_sqlite(base)) as connection:
        for sql in ("DELETE FROM t", "CREATE TEMP TABLE x (a)", "ATTACH ':memory:' AS m"):
            with pytest.raises(sqlite3.Error):
                connection.execute(sql)


async def test_a_slow_query_is_stopped(base: Path) -> None:
    """A query without an end is ended at the limit, and the model is told how to go on."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    started = time.monotonic()

    with pytest.raises(SqlError, match=r"longer than 0\.3 s"):
        await select(str(base), endless, seconds=0.3)

    assert time.monotonic() - started < 5


async def test_a_cancelled_query_ends_its_thread(base: Path) -> None:
    """When the caller is gone, the query does not run on to its limit."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    started = time.monotonic()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await select(str(base), endless, seconds=30)
    await asyncio.to_thread(lambda: None)

    assert time.monotonic() - started < 5


async def test_large_values_are_cut(base: Path) -> None:
    """A value that would fill the context is cut; one that would fill the memory is refused."""
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99)"
    cut = await select(str(base), "SELECT replace(hex(1), '31', b) || printf('%500d', 1) FROM t")

    assert all(len(str(row[0])) == 300 for row in cut.rows)
    with pytest.raises(SqlError, match="too big"):
        await select(str(base), f"{many} SELECT group_concat(printf('%99999d', i)) FROM n")  # noqa: S608


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/nowhere/x.db", "cannot be opened"),
        ("mysql://u@h/d", "use SQLite or PostgreSQL"),
        ("://", "not a SQLAlchemy URL"),
    ],
)
async def test_bad_addresses_are_named(source: str, said: str) -> None:
    """What cannot be read is said in one line."""
    with pytest.raises(SqlError, match=said):
        await select(source, "SELECT 1")


@pytest.mark.skipif(not POSTGRESQL, reason="HOLDFAST_TEST_POSTGRESQL names no server")
async def test_postgresql_is_read_and_not_written() -> None:
    """On PostgreSQL a SELECT runs, a slow one is stopped, and the session is read-only."""
    found = await select(POSTGRESQL, "SELECT 1 AS one, '50%' AS share, ':x' AS text")

    assert found.rows == ((1, "50%", ":x"),)
    asked = "SELECT current_setting('transaction_read_only')"
    assert (await asyncio.to_thread(_past_the_parser, asked)).rows == (("on",),)
    with pytest.raises(SqlError, match="longer than"):
        await select(
            POSTGRESQL,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
            seconds=0.5,
        )


def _past_the_parser(sql: str) -> Selected:
    """Run a statement through the read-only connection as if the parser had let it pass."""
    run = sql_module._select_postgresql  # pyright: ignore[reportPrivateUsage]
    return run(sql_module.readable(POSTGRESQL), sql, 1, 5)
