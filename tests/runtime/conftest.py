"""The database that the repositories' tests run on: each test on both kinds."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from runtime.database import Database
from tests.runtime.stores import empty


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database of each kind is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    url = request.getfixturevalue("postgresql")
    await empty(url)
    return url


@pytest.fixture
async def store(database_url: str) -> AsyncGenerator[Database]:
    """A migrated, empty database of each kind."""
    database = Database(database_url)
    await database.migrate()
    yield database
    await database.close()
