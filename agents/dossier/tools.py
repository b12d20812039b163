"""What the workers of a dossier may look at: one account of the ledger, read-only."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from functools import lru_cache
from typing import Final, TypeVar

from agents.auditor.given import ledger_of, opened
from agents.auditor.profile import profile
from agents.auditor.screen import screen
from agents.dossier import reading
from agents.dossier.contracts import (
    AccountProfile,
    Anomalies,
    Anomaly,
    Kind,
    Partner,
    Partners,
    Payment,
    RecurringPayments,
)
from agents.toolkit import ToolContext, tool
from domain.audit import LedgerProfile, ScreenRequest

_KINDS: Final = 15
_OTHERS: Final = 25
_ODD: Final = 12
_Out = TypeVar("_Out")


@tool(effect="read", source="ours", timeout=60, fallback="stop", result_bytes=12_000)
async def account_figures(context: ToolContext, account: str) -> AccountProfile:
    """Show what one account looks like over its whole history: days, sums, balances, kinds.

    Args:
        context: The run; gives the ledger.
        account: The account.
    """
    return await _of(context, lambda connection, _: _figures(connection, account))


@tool(effect="read", source="ours", timeout=60, fallback="stop", result_bytes=12_000)
async def account_partners(context: ToolContext, account: str) -> Partners:
    """Show with whom one account deals, the largest first.

    Args:
        context: The run; gives the ledger.
        account: The account.
    """
    return await _of(context, lambda connection, _: _partners(connection, account))


@tool(effect="read", source="ours", timeout=60, fallback="stop", result_bytes=12_000)
async def account_series(context: ToolContext, account: str) -> RecurringPayments:
    """Show what comes in and goes out of one account regularly.

    Args:
        context: The run; gives the ledger.
        account: The account.
    """
    return await _of(context, lambda connection, _: _recurring(connection, account))


@tool(
    effect="read",
    source="ours",
    kind="processing",
    timeout=120,
    fallback="stop",
    result_bytes=12_000,
)
async def account_oddities(context: ToolContext, account: str) -> Anomalies:
    """Show what is unusual in one account.

    Days on which the bookings do not continue the balance, bookings far from what is usual for
    their kind, and regular payments that did not come.

    Args:
        context: The run; gives the ledger.
        account: The account.
    """
    return await _of(context, lambda connection, path: _oddities(connection, path, account))


async def _of(context: ToolContext, read: Callable[[sqlite3.Connection, str], _Out]) -> _Out:
    """Read the run's ledger off the event loop."""
    path = ledger_of(context)

    def within() -> _Out:
        with closing(opened(path)) as connection:
            return read(connection, path)

    return await asyncio.to_thread(within)


def _figures(connection: sqlite3.Connection, account: str) -> AccountProfile:
    found = reading.bookings(connection, account)
    received = sum(each.signed for each in found if each.signed > 0)
    paid = -sum(each.signed for each in found if each.signed < 0)
    return AccountProfile(
        account=account,
        first_day=found[0].day,
        last_day=found[-1].day,
        bookings=len(found),
        received=reading.money(received),
        paid=reading.money(paid),
        net=reading.money(received - paid),
        lowest_balance=reading.money(min(each.balance for each in found)),
        highest_balance=reading.money(max(each.balance for each in found)),
        final_balance=reading.money(reading.final_balance(found)),
        kinds=_kinds(found),
    )


def _kinds(found: list[reading.Booking]) -> tuple[Kind, ...]:
    """Return all bookings by kind; what comes behind the largest is one kind, so sums hold."""
    groups: defaultdict[str, list[reading.Booking]] = defaultdict(list)
    for each in found:
        groups[each.kind].append(each)
    named = set(reading.largest(groups, _KINDS))
    merged: dict[str, list[reading.Booking]] = {}
    for name, group in groups.items():
        merged.setdefault(name if name in named else "all others", []).extend(group)
    return tuple(
        Kind(
            kind=name,
            bookings=len(merged[name]),
            total=reading.money(sum(each.signed for each in merged[name])),
        )
        for name in reading.largest(merged, _KINDS + 1)
    )


def _partners(connection: sqlite3.Connection, account: str) -> Partners:
    found = reading.bookings(connection, account)
    groups: defaultdict[str, list[reading.Booking]] = defaultdict(list)
    for each in found:
        if each.partner:
            groups[each.partner].append(each)
    return Partners(
        account=account,
        named=reading.names_partners(connection),
        bookings=len(found),
        without_name=len(found) - sum(len(group) for group in groups.values()),
        partners=tuple(
            Partner(
                name=name,
                bookings=len(groups[name]),
                received=reading.money(sum(max(each.signed, 0) for each in groups[name])),
                paid=reading.money(-sum(min(each.signed, 0) for each in groups[name])),
            )
            for name in reading.largest(groups, _OTHERS)
        ),
    )


def _recurring(connection: sqlite3.Connection, account: str) -> RecurringPayments:
    found = reading.series(reading.bookings(connection, account))
    monthly = {"in": 0.0, "out": 0.0}
    for each in found:
        way = "in" if each.amount >= 0 else "out"
        monthly[way] += abs(each.amount) * reading.MONTH_DAYS / each.every
    return RecurringPayments(
        account=account,
        payments=tuple(
            Payment(
                what=each.what,
                direction="in" if each.amount >= 0 else "out",
                amount=reading.money(abs(each.amount)),
                steady=each.steady,
                times=len(each.days),
                every_days=each.every,
                first=each.days[0],
                last=each.days[-1],
            )
            for each in found[:_OTHERS]
        ),
        monthly_in=reading.money(monthly["in"]),
        monthly_out=reading.money(monthly["out"]),
    )


@lru_cache(maxsize=16)
def _profiled(path: str) -> LedgerProfile:
    # A snapshot never changes, so what is normal in it need not be found out twice.
    return profile(path)


def _oddities(connection: sqlite3.Connection, path: str, account: str) -> Anomalies:
    found = reading.bookings(connection, account)
    screened = screen(ScreenRequest(path=path, profile=_profiled(path), accounts=(account,)))
    breaks = [
        Anomaly(kind="balance", day=each.days[-1], trans_id="", amount=0, what=each.why)
        for each in screened.candidates[:_ODD]
    ]
    sizes = [
        Anomaly(
            kind="size",
            day=each.day,
            trans_id=each.trans_id,
            amount=reading.money(each.signed),
            what=f"{each.kind}: usual are {reading.money(usual):.2f}",
        )
        for each, usual in reading.outsized(found, _ODD)
    ]
    missed = [
        Anomaly(
            kind="gap",
            day=due,
            trans_id="",
            amount=0,
            what=f"{each.what}, every {each.every} days, did not come",
        )
        for each, due in reading.gaps(found)[:_ODD]
    ]
    return Anomalies(account=account, bookings=len(found), anomalies=(*breaks, *sizes, *missed))
