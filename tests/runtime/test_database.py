"""The same statements on SQLite and PostgreSQL: every write can be repeated."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from runtime.artifacts import Artifacts
from runtime.database import Database
from runtime.dead_letters import DeadLetterNotFound, DeadLetters
from runtime.filings import Filings
from runtime.key_values import KeyValues
from runtime.revisions import MIGRATIONS, SCHEMA_VERSIONS, DatabaseError
from runtime.runs import Runs
from runtime.spend import SpendLedger
from runtime.tables import METADATA, REVISION
from tests.runtime.stores import empty


@dataclass(frozen=True)
class Reserved:
    total_tokens: int
    total_cost_usd: Decimal
    lost_tokens: int
    lost_cost_usd: Decimal
    over_cap: str = ""


async def test_processes_that_start_together_migrate_once(store: Database) -> None:
    """Concurrent migrations of an empty database all succeed; repeating one changes nothing."""
    url = store.url.render_as_string(hide_password=False)
    if store.url.get_backend_name() == "sqlite":
        url = f"{url}.fresh"
    else:
        await empty(url)
    others = [Database(url) for _ in range(4)]

    await asyncio.gather(*(other.migrate() for other in others))
    await others[0].migrate()

    values = KeyValues(others[0])
    await values.put("name", "value")
    assert await values.get("name") == "value"
    for other in others:
        await other.close()


async def test_a_new_file_that_another_process_opens_is_waited_for(tmp_path: Path) -> None:
    """SQLite refuses to change a file's journal at once while another writes its first page."""
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database = Database(f"sqlite:///{tmp_path}/new.db")

    migrating = asyncio.create_task(asyncio.to_thread(asyncio.run, database.migrate()))
    done, _ = await asyncio.wait({migrating}, timeout=0.2)
    assert not done
    other.execute("COMMIT")
    await migrating

    await database.ping()
    await database.close()
    other.close()


def _is_portable(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out the word indexes, which each database has in a form of its own."""
    return not (kind == "table" and str(name).startswith(("passage_words", "memory_words")))


async def test_the_migrations_make_the_tables_that_the_code_expects(store: Database) -> None:
    """No table or column differs, and the revision in the code is the newest file's."""

    def differences(connection: Connection) -> list[Any]:
        return compare_metadata(
            MigrationContext.configure(connection, opts={"include_name": _is_portable}), METADATA
        )

    async with store.transaction() as connection:
        found = await connection.run_sync(differences)

    assert found == []
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == REVISION


async def _become(store: Database, revision: str, oldest: str = "") -> None:
    """Let the tables say that another version of the code made them."""
    async with store.transaction() as connection:
        named = {"revision": revision, "oldest": oldest}
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), named)
        if oldest:
            await connection.execute(
                text("INSERT INTO schema_versions VALUES (:revision, :oldest)"), named
            )


@pytest.mark.parametrize("oldest", ["", "9998"])
async def test_a_database_of_a_newer_version_is_refused(store: Database, oldest: str) -> None:
    """An unknown revision, or one that this code is too old for: one line, not a guess."""
    await _become(store, "9999", oldest)

    with pytest.raises(DatabaseError, match="another version") as caught:
        await store.migrate()

    assert "\n" not in str(caught.value)


async def test_code_one_version_behind_goes_on_beside_newer_tables(store: Database) -> None:
    """In a rolling deploy an old worker that falls is started again after the migration."""
    await _become(store, "9999", REVISION)

    await store.migrate()
    await store.migrate(allowed=False)

    assert await store.revision() == "9999"


async def test_a_process_that_may_not_migrate_says_who_does(store: Database) -> None:
    """Tables of an older version are left as they are."""
    await _become(store, "0003")

    with pytest.raises(DatabaseError, match=r"version 0003.*starter\.py migrate"):
        await store.migrate(allowed=False)

    assert await store.revision() == "0003"


async def test_an_artifact_keeps_its_bytes(store: Database) -> None:
    """Any bytes come back, whole and in parts, and storing twice is storing once."""
    artifacts = Artifacts(store)
    content = bytes(range(256)) * 5_000

    first = await artifacts.put(content)
    second = await artifacts.put(content)

    assert first == second
    assert await artifacts.get(first) == content
    page = await artifacts.page(first, offset=256, length=3)
    assert (page.content, page.size) == (b"\x00\x01\x02", len(content))


async def test_a_lost_attempt_stays_on_the_books(store: Database) -> None:
    """What was reserved and never settled counts as spent; what settled to nothing does not."""
    ledger = SpendLedger(store, Reserved)
    usd = Decimal("0.01")

    await ledger.reserve("run", 1, "vanished", 1_000, usd)
    again = await ledger.reserve("run", 1, "second", 1_000, usd)
    await ledger.settle("run", 1, "second", 300, Decimal("0.000000001"))
    await ledger.reserve("run", 2, "refused", 1_000, usd)
    await ledger.settle("run", 2, "refused", 0, Decimal(0))
    spent = await ledger.of_run("run")

    assert again == Reserved(2_000, Decimal("0.02"), 1_000, usd)
    assert (spent.calls, spent.lost_calls, spent.tokens) == (1, 1, 1_300)
    assert spent.cost_usd == Decimal("0.010000001")


async def test_a_reservation_that_is_repeated_counts_once(store: Database) -> None:
    """The same attempt of the same turn is one row, whatever is retried."""
    ledger = SpendLedger(store, Reserved)

    await ledger.reserve("run", 1, "first", 1_000, Decimal("0.01"))
    again = await ledger.reserve("run", 1, "first", 1_000, Decimal("0.01"))

    assert (again.total_tokens, again.lost_tokens) == (1_000, 0)


async def test_a_filing_happens_once(store: Database) -> None:
    """Concurrent filings under one key are one filing, and each caller sees it."""
    filings = Filings(store)

    made = await asyncio.gather(
        *(filings.file(key="key", run_id="run", title="t", body=f"{n}") for n in range(5))
    )

    assert len(set(made)) == 1
    assert await filings.of_run("run") == [made[0]]
    assert await filings.get("other") is None


async def test_a_dead_letter_leaves_the_queue_once(store: Database) -> None:
    """A refused input is kept once; two operators cannot both requeue it."""
    letters = DeadLetters(store)
    add: Callable[[], Any] = lambda: letters.add(  # noqa: E731
        run_id="run", agent="bench", tenant="", reason="empty task", payload="{}"
    )

    first, second = await add(), await add()
    moved = await letters.move(first, "requeued"), await letters.move(first, "dropped")

    assert first == second
    assert moved == (True, False)
    assert await letters.list() == []
    assert (await letters.get(first)).state == "requeued"
    with pytest.raises(DeadLetterNotFound, match="'absent'"):
        await letters.get("absent")


async def test_the_last_word_on_a_run_holds(store: Database) -> None:
    """A resumed run replaces its summary and keeps its start."""
    runs = Runs(store)
    began = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    await runs.started(run_id="run", agent="bench", tenant="", started_at=began)
    for outcome in ("failed", "complete"):
        await runs.closed(run_id="run", agent="bench", tenant="", outcome=outcome, result="{}")
    kept = await runs.get("run")

    assert kept is not None
    assert (kept.outcome, kept.started_at) == ("complete", began)
    assert [run.run_id for run in await runs.list(agent="bench")] == ["run"]


async def test_an_error_does_not_quote_what_was_to_be_stored(store: Database) -> None:
    """A statement that fails names itself, not the values: they would reach the histories."""
    artifacts = Artifacts(store)
    async with store.transaction() as connection:
        await connection.execute(text("DROP TABLE artifacts"))

    with pytest.raises(DBAPIError) as caught:
        await artifacts.put(b"the customer's words", media_type="text/secret")

    assert "INSERT INTO artifacts" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/name", "'mysql' is not supported"),
        ("no url", "is not a database URL"),
        ("sqlite:////proc/none/x.db", "cannot be opened"),
    ],
)
async def test_a_database_that_cannot_serve_says_so(url: str, says: str) -> None:
    """A wrong URL and an unreachable database are one-line errors."""
    with pytest.raises(DatabaseError, match=says) as caught:
        await Database(url).migrate()

    assert "\n" not in str(caught.value)


async def test_a_row_is_new_once(store: Database) -> None:
    """Asked again, it is told that it was there, whatever the driver says of rows."""
    row = {"revision": "9999", "oldest": "0001"}

    added = [
        await store.run(lambda connection: store.add(connection, SCHEMA_VERSIONS, row))
        for _ in range(2)
    ]

    assert added == [True, False]
