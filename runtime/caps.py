"""What tenants may spend in a day or a month, and what they have spent.

A reservation adds to its tenant's day in the transaction that looks at the caps. The row of the
day is locked until that transaction ends, so of calls that are made at once each sees the ones
before it, and a cap is never exceeded.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from sqlalchemy import Connection, bindparam, delete, func, select

from runtime.database import Database
from runtime.operations import noted
from runtime.tables_gateway import TENANT_CAPS, TENANT_SPEND

Period = Literal["day", "month"]

NANO: Final = 1_000_000_000
_SPENT: Final = select(
    func.coalesce(func.sum(TENANT_SPEND.c.tokens), 0),
    func.coalesce(func.sum(TENANT_SPEND.c.cost_nano_usd), 0),
).where(
    TENANT_SPEND.c.tenant == bindparam("tenant"),
    TENANT_SPEND.c.day >= bindparam("first"),
    TENANT_SPEND.c.day <= bindparam("last"),
)
_CAPS: Final = select(
    TENANT_CAPS.c.period, TENANT_CAPS.c.tokens, TENANT_CAPS.c.cost_nano_usd
).where(TENANT_CAPS.c.tenant == bindparam("tenant"))


@dataclass(frozen=True)
class Cap:
    """What a tenant may spend in one period, and what it has spent in the present one.

    Attributes:
        tokens: None: not capped.
        cost_usd: None: not capped.
        used_tokens: Settled and reserved together.
        used_cost_usd: The same in money.
    """

    tenant: str
    period: Period
    tokens: int | None
    cost_usd: Decimal | None
    used_tokens: int
    used_cost_usd: Decimal
    set_by: str
    set_at: datetime


class TenantBooks:
    """What the spend ledger writes of a tenant, inside its own transactions."""

    def __init__(self, database: Database) -> None:
        row = database.insert(TENANT_SPEND)
        self._add = row.on_conflict_do_update(
            index_elements=["tenant", "day"],
            set_={
                name: TENANT_SPEND.c[name] + row.excluded[name]
                for name in ("tokens", "cost_nano_usd")
            },
        )

    def add(
        self, connection: Connection, tenant: str, at: datetime, tokens: int, nano: int
    ) -> None:
        """Put an amount on the day of `at`; a negative one takes it off."""
        row = {"tenant": tenant, "day": _day(at), "tokens": tokens, "cost_nano_usd": nano}
        connection.execute(self._add, row)

    def over(self, connection: Connection, tenant: str, at: datetime) -> str:
        """Return which cap the tenant's spend is over, with all that is reserved; empty: none."""
        for period, tokens, nano in connection.execute(_CAPS, {"tenant": tenant}).all():
            used_tokens, used_nano = connection.execute(_SPENT, _span(tenant, period, at)).one()
            over: list[str] = []
            if tokens is not None and used_tokens > tokens:
                over.append(f"{used_tokens} of {tokens} tokens")
            if nano is not None and used_nano > nano:
                over.append(f"{usd(used_nano):f} of {usd(nano):f} USD")
            if over:
                return f"{' and '.join(over)} a {period}"
        return ""


class Caps:
    """The tenants' caps, as an operator sets them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set(
        self,
        tenant: str,
        period: Period,
        *,
        tokens: int | None = None,
        cost_usd: Decimal | None = None,
        by: str = "",
    ) -> Cap:
        """Cap a tenant, in place of the cap of the same period; return it with what is used."""
        row = self._database.insert(TENANT_CAPS)
        names = ("tokens", "cost_nano_usd", "set_by", "set_at")
        put = row.on_conflict_do_update(
            index_elements=["tenant", "period"],
            set_={name: row.excluded[name] for name in names},
        )
        values: dict[str, Any] = {
            "tenant": tenant,
            "period": period,
            "tokens": tokens,
            "cost_nano_usd": None if cost_usd is None else nano_of(cost_usd),
            "set_by": by,
            "set_at": datetime.now(UTC),
        }
        async with self._database.transaction() as connection:
            await connection.execute(put, values)
            amounts = {"per": period, "tokens": tokens, "cost_usd": cost_usd}
            await connection.execute(noted("cap.set", tenant, tenant=tenant, by=by, **amounts))
        (cap,) = [each for each in await self.list(tenant) if each.period == period]
        return cap

    async def list(self, tenant: str = "") -> list[Cap]:
        """Return all caps, or one tenant's, with what is used of each."""
        query = select(TENANT_CAPS).order_by(TENANT_CAPS.c.tenant, TENANT_CAPS.c.period)
        if tenant:
            query = query.where(TENANT_CAPS.c.tenant == tenant)
        now, found = datetime.now(UTC), list[Cap]()
        async with self._database.transaction() as connection:
            for row in (await connection.execute(query)).all():
                span = _span(row.tenant, row.period, now)
                used_tokens, used_nano = (await connection.execute(_SPENT, span)).one()
                found.append(
                    Cap(
                        tenant=row.tenant,
                        period=row.period,
                        tokens=row.tokens,
                        cost_usd=None if row.cost_nano_usd is None else usd(row.cost_nano_usd),
                        used_tokens=int(used_tokens),
                        used_cost_usd=usd(used_nano),
                        set_by=row.set_by,
                        set_at=row.set_at,
                    )
                )
        return found

    async def remove(self, tenant: str, period: Period, *, by: str = "") -> bool:
        """Take a cap away; False where there was none."""
        statement = delete(TENANT_CAPS).where(
            TENANT_CAPS.c.tenant == tenant, TENANT_CAPS.c.period == period
        )
        async with self._database.transaction() as connection:
            removed = (await connection.execute(statement)).rowcount == 1
            if removed:
                note = noted("cap.remove", tenant, tenant=tenant, by=by, per=period)
                await connection.execute(note)
        return removed


def nano_of(cost_usd: Decimal) -> int:
    """Return an amount in billionths of a dollar, as the tables have it."""
    return int((cost_usd * NANO).to_integral_value())


def usd(nano: int) -> Decimal:
    """Return billionths of a dollar as dollars."""
    return Decimal(int(nano)) / NANO


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def _span(tenant: str, period: str, at: datetime) -> dict[str, str]:
    day = _day(at)
    return {"tenant": tenant, "first": f"{day[:8]}01" if period == "month" else day, "last": day}
