"""What was spent, outside the histories: a reset forgets turns, a bill does not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection, bindparam, case, func, select

from runtime.database import Database
from runtime.tables import SPEND

_NANO: Final = 1_000_000_000
_Reserved = TypeVar("_Reserved")


@dataclass(frozen=True)
class Spent:
    """What a logical run has cost.

    Attributes:
        calls: Attempts that settled with a cost.
        tokens: Settled and reserved together.
        cost_usd: The same in money.
        lost_calls: Attempts that never reported back; their reservation stays on the books.
    """

    calls: int
    tokens: int
    cost_usd: Decimal
    lost_calls: int


def _sum(amount: Any) -> Any:
    return func.coalesce(func.sum(amount), 0)


def _lost(amount: Any) -> Any:
    """Sum what other attempts of this turn reserved and never settled."""
    columns = SPEND.c
    vanished = (
        (columns.turn == bindparam("turn"))
        & (columns.attempt != bindparam("attempt"))
        & columns.settled.is_(False)
    )
    return _sum(case((vanished, amount), else_=0))


# Built once: they run twice in every turn of every run.
_STANDING: Final = select(
    _sum(SPEND.c.tokens),
    _sum(SPEND.c.cost_nano_usd),
    _lost(SPEND.c.tokens),
    _lost(SPEND.c.cost_nano_usd),
).where(SPEND.c.lineage == bindparam("lineage"))
_OF_RUN: Final = select(
    _sum(case((SPEND.c.settled & (SPEND.c.tokens > 0), 1), else_=0)),
    _sum(SPEND.c.tokens),
    _sum(SPEND.c.cost_nano_usd),
    _sum(case((SPEND.c.settled.is_(False), 1), else_=0)),
).where(SPEND.c.lineage == bindparam("lineage"))


class SpendLedger(Generic[_Reserved]):
    """One row an attempt of a model call: reserved before it is sent, settled after the reply.

    `reserved` makes the answer to a reservation from `total_tokens`, `total_cost_usd`,
    `lost_tokens` and `lost_cost_usd`: its type belongs to whoever asks.
    """

    def __init__(self, database: Database, reserved: Callable[..., _Reserved]) -> None:
        self._database = database
        self._reserved = reserved
        row = database.insert(SPEND)
        self._put = row.on_conflict_do_update(
            index_elements=["lineage", "turn", "attempt"],
            set_={
                name: row.excluded[name] for name in ("tokens", "cost_nano_usd", "settled", "at")
            },
        )

    async def reserve(
        self, lineage: str, turn: int, attempt: str, tokens: int, cost_usd: Decimal
    ) -> _Reserved:
        """Put an attempt's worst case on the books, and return where the run stands with it."""
        row = _row(lineage, turn, attempt, tokens, cost_usd, settled=False)
        who = {"lineage": lineage, "turn": turn, "attempt": attempt}

        def put(connection: Connection) -> list[int]:
            connection.execute(self._put, row)
            return [int(amount) for amount in connection.execute(_STANDING, who).one()]

        total_tokens, total_nano, lost_tokens, lost_nano = await self._database.run(put)
        return self._reserved(
            total_tokens=total_tokens,
            total_cost_usd=_usd(total_nano),
            lost_tokens=lost_tokens,
            lost_cost_usd=_usd(lost_nano),
        )

    async def settle(
        self, lineage: str, turn: int, attempt: str, tokens: int, cost_usd: Decimal
    ) -> None:
        """Replace an attempt's reservation by what it cost. Idempotent."""
        row = _row(lineage, turn, attempt, tokens, cost_usd, settled=True)
        await self._database.run(lambda connection: connection.execute(self._put, row))

    async def of_run(self, lineage: str) -> Spent:
        """Return what a logical run spent, over all its attempts, resumes and resets."""
        async with self._database.transaction() as connection:
            sums = (await connection.execute(_OF_RUN, {"lineage": lineage})).one()
        calls, tokens, nano, lost = map(int, sums)
        return Spent(calls=calls, tokens=tokens, cost_usd=_usd(nano), lost_calls=lost)


def _row(
    lineage: str, turn: int, attempt: str, tokens: int, cost_usd: Decimal, *, settled: bool
) -> dict[str, Any]:
    return {
        "lineage": lineage,
        "turn": turn,
        "attempt": attempt,
        "tokens": tokens,
        "cost_nano_usd": int((cost_usd * _NANO).to_integral_value()),
        "settled": settled,
        "at": datetime.now(UTC),
    }


def _usd(nano: int) -> Decimal:
    return Decimal(nano) / _NANO
