"""What was spent, outside the histories: a reset forgets turns, a bill does not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection, bindparam, case, func, select

from runtime.caps import TenantBooks, nano_of, usd
from runtime.database import Database
from runtime.tables import SPEND

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
_BOOKED: Final = select(SPEND.c.tokens, SPEND.c.cost_nano_usd, SPEND.c.tenant, SPEND.c.at).where(
    SPEND.c.lineage == bindparam("lineage"),
    SPEND.c.turn == bindparam("turn"),
    SPEND.c.attempt == bindparam("attempt"),
)


class _OverCapError(Exception):
    """Takes a reservation back, with its transaction."""


class SpendLedger(Generic[_Reserved]):
    """One row an attempt of a model call: reserved before it is sent, settled after the reply.

    `reserved` makes the answer to a reservation from `total_tokens`, `total_cost_usd`,
    `lost_tokens`, `lost_cost_usd` and `over_cap`: its type belongs to whoever asks.
    """

    def __init__(self, database: Database, reserved: Callable[..., _Reserved]) -> None:
        self._database = database
        self._reserved = reserved
        self._tenants = TenantBooks(database)
        row = database.insert(SPEND)
        # What settles leaves the moment and the tenant of the reservation as they are.
        self._put = row.on_conflict_do_update(
            index_elements=["lineage", "turn", "attempt"],
            set_={name: row.excluded[name] for name in ("tokens", "cost_nano_usd", "settled")},
        )

    async def reserve(
        self,
        lineage: str,
        turn: int,
        attempt: str,
        tokens: int,
        cost_usd: Decimal,
        *,
        tenant: str = "default",
    ) -> _Reserved:
        """Put an attempt's worst case on the books, and return where the run stands with it.

        Where it could pass the tenant's cap nothing is put there, and the answer says so.
        """
        row = _row(lineage, turn, attempt, tokens, cost_usd, settled=False)
        row["tenant"] = tenant
        who = {"lineage": lineage, "turn": turn, "attempt": attempt}

        def put(connection: Connection) -> list[int]:
            connection.execute(self._put, row)
            self._tenants.add(connection, tenant, row["at"], tokens, row["cost_nano_usd"])
            if over := self._tenants.over(connection, tenant, row["at"]):
                raise _OverCapError(over)
            return [int(amount) for amount in connection.execute(_STANDING, who).one()]

        try:
            total_tokens, total_nano, lost_tokens, lost_nano = await self._database.run(put)
        except _OverCapError as over:
            nothing = Decimal(0)
            return self._reserved(
                total_tokens=0, total_cost_usd=nothing, lost_tokens=0, lost_cost_usd=nothing,
                over_cap=str(over),
            )  # fmt: skip
        return self._reserved(
            total_tokens=total_tokens,
            total_cost_usd=usd(total_nano),
            lost_tokens=lost_tokens,
            lost_cost_usd=usd(lost_nano),
        )

    async def settle(
        self, lineage: str, turn: int, attempt: str, tokens: int, cost_usd: Decimal
    ) -> None:
        """Replace an attempt's reservation by what it cost. Idempotent."""
        row = _row(lineage, turn, attempt, tokens, cost_usd, settled=True)
        who = {"lineage": lineage, "turn": turn, "attempt": attempt}

        def put(connection: Connection) -> None:
            booked = connection.execute(_BOOKED, who).one_or_none()
            connection.execute(self._put, row)
            if booked is not None:
                more, nano = tokens - booked.tokens, row["cost_nano_usd"] - booked.cost_nano_usd
                self._tenants.add(connection, booked.tenant, booked.at, more, nano)

        await self._database.run(put)

    async def of_run(self, lineage: str) -> Spent:
        """Return what a logical run spent, over all its attempts, resumes and resets."""
        async with self._database.transaction() as connection:
            sums = (await connection.execute(_OF_RUN, {"lineage": lineage})).one()
        calls, tokens, nano, lost = map(int, sums)
        return Spent(calls=calls, tokens=tokens, cost_usd=usd(nano), lost_calls=lost)


def _row(
    lineage: str, turn: int, attempt: str, tokens: int, cost_usd: Decimal, *, settled: bool
) -> dict[str, Any]:
    return {
        "lineage": lineage,
        "turn": turn,
        "attempt": attempt,
        "tokens": tokens,
        "cost_nano_usd": nano_of(cost_usd),
        "settled": settled,
        "tenant": "default",
        "at": datetime.now(UTC),
    }
