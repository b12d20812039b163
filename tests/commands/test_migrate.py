"""`migrate`: once for all processes, before the first of them starts."""

import json
from pathlib import Path

import pytest
from temporalio.client import Client

from commands.errors import Exit
from commands.migrate import migrate
from runtime.database import Database
from runtime.revisions import DatabaseError
from runtime.settings import Settings
from runtime.tables import REVISION


async def test_it_makes_the_tables_that_a_worker_may_not_make(
    tmp_path: Path,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`--check` refuses and changes nothing; then a process without the right finds them made."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.setenv("HOLDFAST_MIGRATE", "false")
    monkeypatch.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
    database = Database(Settings.load().database)

    with pytest.raises(DatabaseError, match="version none"):
        await migrate(check=True)
    assert await database.revision() == ""
    assert await migrate(json=True) is Exit.OK

    assert json.loads(capsys.readouterr().out)["now"] == REVISION
    await database.migrate(allowed=False)
    assert await migrate() is Exit.OK
    assert "nothing was to be done" in capsys.readouterr().out
    await database.close()
