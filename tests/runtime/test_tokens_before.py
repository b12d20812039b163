"""Tokens of before there were roles: what they could do they still can, and no more."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from domain.access import SCOPES
from runtime.database import Database
from runtime.revisions import MIGRATIONS
from runtime.tokens import Tokens

_BEFORE = {
    "reader1234": ("read", {"read"}),
    "starter123": ("read,start", {"read", "start", "cancel"}),
    "approver12": ("approve", {"approve", "mend"}),
    "everything": ("read,start,approve", {"read", "start", "approve", "cancel", "mend"}),
}


def _as_before(path: Path) -> None:
    """Make the database of the version before, with tokens in it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    engine.dispose()
    with sqlite3.connect(path) as connection:
        for token_id, (scopes, _) in _BEFORE.items():
            connection.execute(
                "INSERT INTO tokens (id, hash, name, tenant, scopes, workflows, created_at) "
                "VALUES (?, 'x', 'ada', 'shop', ?, '', '2026-01-01 00:00:00')",
                (token_id, scopes),
            )
    connection.close()


@pytest.mark.requirement("C6.7:tokens-keep")
async def test_a_token_of_before_keeps_what_it_could_do(tmp_path: Path) -> None:
    """Starting went with cancelling, approving with answering stops; nobody becomes an operator."""
    path = tmp_path / "before.db"
    _as_before(path)
    database = Database(f"sqlite:///{path}")

    await database.migrate()
    found = {token.id: set(token.scopes) for token in await Tokens(database).list()}
    await database.close()

    assert found == {token_id: after for token_id, (_, after) in _BEFORE.items()}
    assert not any("operate" in scopes for scopes in found.values())
    assert set().union(*found.values()) < set(SCOPES)
