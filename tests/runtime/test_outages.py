"""A PostgreSQL that goes away is waited for; what it had not committed is done again."""

import asyncio
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from bench.cluster.programs import free_ports
from runtime.database import Database
from tests import postgres

SOON = timedelta(seconds=30)


@pytest.fixture
def cluster() -> Generator[postgres.Cluster]:
    """A PostgreSQL that a test may stop; skips where there is none."""
    found = postgres.programs()
    if found is None:
        pytest.skip("no PostgreSQL programs found (Debian: apt-get install postgresql)")
    with TemporaryDirectory(prefix="holdfast-pg-") as home:
        made = postgres.Cluster(found, Path(home), free_ports(1)[0])
        made.start()
        yield made
        made.stop()


def _url(cluster: postgres.Cluster) -> str:
    return f"postgresql://holdfast@127.0.0.1:{cluster.port}/postgres"


def _one(connection: Connection) -> int:
    return int(connection.execute(text("SELECT 1")).scalar_one())


async def _other(database: Database) -> int:
    async with database.transaction() as connection:
        return int((await connection.execute(text("SELECT 1"))).scalar_one())


@pytest.mark.requirement("C6.8:outage-waited")
async def test_a_step_waits_for_a_database_that_is_restarted(cluster: postgres.Cluster) -> None:
    """Both doors to the database wait, with connections from before the restart in their pools."""
    database = Database(_url(cluster), patience=SOON)
    assert (await database.run(_one), await _other(database)) == (1, 1)
    cluster.stop()

    waiting = [asyncio.create_task(database.run(_one)), asyncio.create_task(_other(database))]
    done, _ = await asyncio.wait(waiting, timeout=0.5)
    assert not done
    await asyncio.to_thread(cluster.again)

    assert await asyncio.gather(*waiting) == [1, 1]
    await database.close()


@pytest.mark.requirement("C6.8:broken-connection")
async def test_a_transaction_that_breaks_before_its_commit_is_made_again(postgresql: str) -> None:
    """The server ends the connection in mid-work: the work is done once more, on another."""
    database = Database(postgresql, patience=SOON)
    begun: list[int] = []

    def work(connection: Connection) -> int:
        begun.append(1)
        if len(begun) == 1:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return _one(connection)

    assert await database.run(work) == 1
    assert len(begun) == 2
    await database.close()


@pytest.mark.requirement("C6.8:outage-bounded")
@pytest.mark.parametrize("patience_s", [0, 0.4])
async def test_patience_with_a_database_ends(patience_s: float) -> None:
    """What stays away fails in its own words; without patience at once, as a command wants it."""
    [port] = free_ports(1)
    url = f"postgresql://holdfast@127.0.0.1:{port}/postgres"
    database = Database(url, patience=timedelta(seconds=patience_s))

    began = time.monotonic()
    for ask in (lambda: database.run(_one), lambda: _other(database)):
        with pytest.raises(OperationalError, match="refused"):
            await ask()

    assert time.monotonic() - began < 2 * patience_s + 3
    await database.close()
