"""Reports that were filed: the one place where an audit leaves the house."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import RowMapping, select

from runtime.database import Database
from runtime.tables import FILINGS


@dataclass(frozen=True)
class Filing:
    """A filed report."""

    key: str
    run_id: str
    title: str
    body: str
    filed_at: datetime


class Filings:
    """An outbox in which a key is filed once, however often it is tried."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def file(self, *, key: str, run_id: str, title: str, body: str) -> Filing:
        """File a report under its idempotency key, and return what stands under that key."""
        statement = self._database.insert(FILINGS).on_conflict_do_nothing()
        row = {"key": key, "run_id": run_id, "title": title, "body": body}
        async with self._database.transaction() as connection:
            await connection.execute(statement, {**row, "filed_at": datetime.now(UTC)})
            query = select(FILINGS).where(FILINGS.c.key == key)
            return _filing((await connection.execute(query)).mappings().one())

    async def get(self, key: str) -> Filing | None:
        """Return what was filed under `key`; None says that it was not done."""
        query = select(FILINGS).where(FILINGS.c.key == key)
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else _filing(row)

    async def of_run(self, run_id: str) -> list[Filing]:
        """Return what a run filed, oldest first."""
        query = select(FILINGS).where(FILINGS.c.run_id == run_id).order_by(FILINGS.c.filed_at)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_filing(row) for row in rows]


def _filing(row: RowMapping) -> Filing:
    return Filing(**row)
