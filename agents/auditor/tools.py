"""What the auditor may look at: read-only, small results, every one with the query that made it."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from functools import lru_cache
from typing import Any, Final

from agents.auditor.chain import Normal
from agents.auditor.confirm import Case, Found, examine
from agents.auditor.given import ledger_of, nothing, opened
from agents.auditor.localise import Reading
from agents.auditor.profile import normal, profile
from agents.auditor.usual import likelihoods
from agents.sql import Selected, SqlError, select
from agents.toolkit import ToolContext, ToolError, tool
from domain.contract import Contract

_BOOKINGS: Final = 80
_COLUMNS: Final = (
    "trans_id", "date", "type", "operation", "k_symbol", "signed", "balance", "before",
)  # fmt: skip


class AccountDays(Contract):
    """Bookings of an account.

    Attributes:
        rounding: By how much a balance may miss the one before it.
        grain: Amounts and balances are multiples of this.
        columns: Names of the values in each of `rows`.
        rows: By day and the file's order, which is not the order of booking.
        more: There are more bookings in these days than are shown.
    """

    query: str
    rounding: float
    grain: float
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool


class Explanation(Contract):
    """What one booking would have to be, and how usual that is in this ledger."""

    trans_id: str
    kind: str
    expected: float
    likelihood: float


class BalanceCheck(Contract):
    """Whether every balance around a day is continued.

    Attributes:
        reached_not_left: Balances after which nothing follows.
        left_not_reached: Balances that a booking starts from and none leads to.
        if_undecided: For bookings that start from nowhere: the amount altered, or one booking
            missing before it. Compare the likelihoods; only their ratio means anything.
    """

    query: str
    day: str
    adds_up: bool
    reached_not_left: tuple[float, ...]
    left_not_reached: tuple[float, ...]
    if_undecided: tuple[Explanation, ...] = ()


@tool(effect="read", source="ours", timeout=20, fallback="stop", result_bytes=10_000)
async def account_days(
    context: ToolContext, account_id: str, start: date, end: date
) -> AccountDays:
    """Show all bookings of one account from one day to another.

    `signed` is the amount with its sign (credit positive), `before` the balance that the booking
    implies before it. Inside a day the order shown means nothing.

    Args:
        context: The run; gives the ledger.
        account_id: The account.
        start: First day.
        end: Last day.
    """
    return await asyncio.to_thread(_account_days, ledger_of(context), account_id, start, end)


@tool(effect="read", source="ours", timeout=20, fallback="stop", result_bytes=4_000)
async def check_balance(context: ToolContext, account_id: str, day: date) -> BalanceCheck:
    """Check whether every balance of an account around one day is continued by some booking.

    Args:
        context: The run; gives the ledger.
        account_id: The account.
        day: A day on which the account has a booking.
    """
    return await asyncio.to_thread(_check_balance, ledger_of(context), account_id, day)


@tool(effect="read", source="ours", timeout=20, fallback="stop", result_bytes=4_000)
async def ledger_query(context: ToolContext, sql: str) -> Selected:
    """Run one SELECT on the ledger, for what the other tools do not show.

    There is one table, transactions(row_no, trans_id, account_id, date, type, operation,
    k_symbol, amount, balance, signed_amount, balance_cents, before_cents, day_no). The last four
    are integers, money in cents; day_no counts the account's days with bookings. SQLite's SQL.

    Args:
        context: The run; gives the ledger.
        sql: A single SELECT; at most 50 rows come back.
    """
    path = ledger_of(context)
    await asyncio.to_thread(lambda: opened(path).close())
    try:
        return await select(path, sql)
    except SqlError as error:
        raise ToolError(str(error)) from None


@lru_cache(maxsize=16)
def _normal(path: str) -> Normal:
    # A snapshot never changes, so what is normal in it need not be found out twice.
    return normal(profile(path))


def _account_days(path: str, account_id: str, start: date, end: date) -> AccountDays:
    quoted = account_id.replace("'", "''")
    query = (
        "SELECT trans_id, date, type, operation, k_symbol, signed_amount, balance_cents, "  # noqa: S608 - quoted, and read-only
        f"before_cents FROM transactions WHERE account_id = '{quoted}' "
        f"AND date BETWEEN '{start}' AND '{end}' ORDER BY date, row_no"
    )
    with closing(opened(path)) as connection:
        rows = connection.execute(query).fetchmany(_BOOKINGS + 1)
        if not rows:
            raise ToolError(nothing(connection, account_id, f"from {start} to {end}"))
    usual = _normal(path)
    return AccountDays(
        query=query,
        rounding=usual.tolerance / 100,
        grain=usual.grain / 100,
        columns=_COLUMNS,
        rows=tuple((*row[:5], *(cents / 100 for cents in row[5:])) for row in rows[:_BOOKINGS]),
        more=len(rows) > _BOOKINGS,
    )


def _check_balance(path: str, account_id: str, day: date) -> BalanceCheck:
    with closing(opened(path)) as connection:
        usual = _normal(path)
        found = connection.execute(
            "SELECT day_no FROM transactions WHERE account_id = ? AND date = ? LIMIT 1",
            (account_id, day.isoformat()),
        ).fetchone()
        if found is None:
            raise ToolError(nothing(connection, account_id, f"on {day}"))
        case = examine(connection, account_id, found[0], usual)
        loose = case.loose[0]
        return BalanceCheck(
            query=case.evidence[0].sql,
            day=day.isoformat(),
            adds_up=not loose.ends and not loose.starts,
            reached_not_left=tuple(value / 100 for value in loose.ends),
            left_not_reached=tuple(value / 100 for value in loose.starts),
            if_undecided=_undecided(connection, case, usual),
        )


def _undecided(
    connection: sqlite3.Connection, case: Case, usual: Normal
) -> tuple[Explanation, ...]:
    readings = [
        reading
        for loose in case.loose
        if len(loose.ends) == len(loose.starts) == 1
        for found in case.around
        if usual.continues(loose.starts[0], found.booking.before)
        for reading in _either(found, loose.ends[0])
    ]
    likely = likelihoods(connection, case.account, readings, usual)
    return tuple(
        Explanation(
            trans_id=reading.booking.trans_id,
            kind=reading.kind,
            expected=reading.expected / 100,
            likelihood=float(f"{likely[reading.kind, reading.booking.row]:.3g}"),
        )
        for reading in readings
    )[:6]


def _either(found: Found, end: int) -> Sequence[Reading]:
    booking = found.booking
    gap = Reading("missing", booking, 0, booking.before - end, end)
    mended = booking.balance - end
    if mended * booking.signed <= 0 and (booking.signed or not mended):
        return [gap]
    return [gap, Reading("amount", booking, booking.signed, mended, end)]
