"""What was spent, outside the histories: a reset forgets turns, a bill does not."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import func, select

from runtime.database import Database
from runtime.tables import SPEND

_NANO: Final = 1_000_000_000


@dataclass(frozen=True)
class Spend:
    """A sum over model calls."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal


class SpendLedger:
    """One row a model call; the key makes a repeated record the same row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self,
        *,
        run_id: str,
        key: str,
        agent: str,
        tenant: str,
        model: str,
        input_tokens: int,
        output_tokens: int,
        cost_usd: Decimal,
    ) -> None:
        """Record a call under (`run_id`, `key`). Idempotent: the last record of a key holds.

        So a reservation may be written first under the same key, and settled after the reply.
        """
        row = {
            "agent": agent,
            "tenant": tenant,
            "model": model,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cost_nano_usd": int((cost_usd * _NANO).to_integral_value()),
            "at": datetime.now(UTC),
        }
        statement = (
            self._database.insert(SPEND)
            .values(run_id=run_id, key=key, **row)
            .on_conflict_do_update(index_elements=["run_id", "key"], set_=row)
        )
        async with self._database.transaction() as connection:
            await connection.execute(statement)

    async def of_run(self, run_id: str) -> Spend:
        """Return what a run spent, over all its attempts and resets."""
        columns = SPEND.c
        query = select(
            func.count(),
            func.coalesce(func.sum(columns.input_tokens), 0),
            func.coalesce(func.sum(columns.output_tokens), 0),
            func.coalesce(func.sum(columns.cost_nano_usd), 0),
        ).where(columns.run_id == run_id)
        async with self._database.transaction() as connection:
            calls, read, written, nano = (await connection.execute(query)).one()
        return Spend(
            calls=calls,
            input_tokens=int(read),
            output_tokens=int(written),
            cost_usd=Decimal(int(nano)) / _NANO,
        )
