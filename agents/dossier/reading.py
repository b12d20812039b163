"""Figures of one account, each from one query or a plain rule over its bookings."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from statistics import median
from typing import Any, Final, NamedTuple

from agents.auditor.given import nothing
from agents.toolkit import ToolError

MONTH_DAYS: Final = 30.44
_PARTNERS: Final = ("partner", "counterparty", "payee", "beneficiary")
_PAIRED: Final = ("bank", "account")
_LEAST_TIMES: Final = 3
_LEAST_DAYS: Final = 6
"""A payment that comes more often is no regular payment but a habit."""
_SPREAD_DAYS: Final = 5
_STEADY: Final = 0.02


class Booking(NamedTuple):
    """One booking; money in cents."""

    trans_id: str
    day: date
    kind: str
    partner: str
    signed: int
    balance: int
    before: int


class Series(NamedTuple):
    """Bookings that come again and again."""

    kind: str
    partner: str
    amount: int
    steady: bool
    every: int
    days: tuple[date, ...]

    @property
    def what(self) -> str:
        """The kind and, where it is named, the counterparty."""
        return f"{self.kind}, {self.partner}" if self.partner else self.kind


def bookings(connection: sqlite3.Connection, account: str) -> list[Booking]:
    """Return an account's bookings by day.

    Raises:
        ToolError: The ledger has no such account.
    """
    partner = _partner_column(connection)
    rows = connection.execute(
        "SELECT trans_id, date, type, operation, k_symbol, signed_amount, balance_cents, "  # noqa: S608 - a column name of ours
        f"before_cents, {partner or repr('')} FROM transactions WHERE account_id = ? "
        "ORDER BY day_no, row_no",
        (account,),
    ).fetchall()
    if not rows:
        raise ToolError(nothing(connection, account, "at all"))
    return [
        Booking(
            trans_id=row[0],
            day=date.fromisoformat(row[1]),
            kind=" / ".join(part for part in row[2:5] if part) or "no kind",
            partner=str(row[8]).strip(),
            signed=row[5],
            balance=row[6],
            before=row[7],
        )
        for row in rows
    ]


def names_partners(connection: sqlite3.Connection) -> bool:
    """Whether the ledger has a column that says with whom."""
    return bool(_partner_column(connection))


def _partner_column(connection: sqlite3.Connection) -> str:
    """Return the SQL for a booking's counterparty; empty where the ledger names none."""
    found = [row[1] for row in connection.execute("PRAGMA table_info(transactions)")]
    for name in _PARTNERS:
        if name in found:
            return f'"{name}"'
    if set(_PAIRED) <= set(found):
        return " || ' ' || ".join(f'"{name}"' for name in _PAIRED)
    return ""


def final_balance(found: Sequence[Booking]) -> int:
    """Return the balance after the last booking: inside a day the rows' order says nothing."""
    last = [each for each in found if each.day == found[-1].day]
    ends = Counter(each.balance for each in last) - Counter(each.before for each in last)
    return next(iter(ends)) if ends.total() == 1 else found[-1].balance


def grouped(found: Iterable[Booking]) -> Mapping[tuple[str, str, bool], list[Booking]]:
    """Return bookings by kind, counterparty and direction."""
    groups: defaultdict[tuple[str, str, bool], list[Booking]] = defaultdict(list)
    for each in found:
        groups[each.kind, each.partner, each.signed >= 0].append(each)
    return groups


def series(found: Sequence[Booking]) -> list[Series]:
    """Return what comes again and again, the largest first."""
    regular = [_series(*key[:2], group) for key, group in grouped(found).items()]
    return sorted((each for each in regular if each), key=lambda each: -abs(each.amount))


def _series(kind: str, partner: str, group: Sequence[Booking]) -> Series | None:
    days = sorted({each.day for each in group})
    if len(days) < _LEAST_TIMES or len(days) < len(group):
        return None
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    every = round(median(gaps))
    near = sum(abs(gap - every) <= _SPREAD_DAYS for gap in gaps)
    if every < _LEAST_DAYS or near < 0.75 * len(gaps):
        return None
    amount = round(median(each.signed for each in group))
    steady = all(abs(each.signed - amount) <= _STEADY * abs(amount) for each in group)
    return Series(kind, partner, amount, steady, every, tuple(days))


def gaps(found: Sequence[Booking]) -> list[tuple[Series, date]]:
    """Return the regular payments that did not come once, and the day they were due."""
    last = found[-1].day
    missed: list[tuple[Series, date]] = []
    for each in series(found):
        for earlier, later in zip(each.days, (*each.days[1:], last), strict=True):
            if (later - earlier).days > 1.8 * each.every:
                missed.append((each, date.fromordinal(earlier.toordinal() + each.every)))
    return missed


def outsized(found: Sequence[Booking], most: int) -> list[tuple[Booking, int]]:
    """Return bookings far from what is usual for their kind, and the usual amount in cents."""
    strange: list[tuple[Booking, int]] = []
    for group in grouped(found).values():
        if len(group) < 2 * _LEAST_TIMES:
            continue
        usual = round(median(abs(each.signed) for each in group))
        spread = median(abs(abs(each.signed) - usual) for each in group)
        strange += [
            (each, usual)
            for each in group
            if abs(each.signed) > 3 * usual and abs(each.signed) - usual > 6 * spread
        ]
    return sorted(strange, key=lambda pair: -abs(pair[0].signed))[:most]


def money(cents: float) -> float:
    """Return cents in the ledger's own unit."""
    return round(cents / 100, 2)


def largest(totals: Mapping[Any, Sequence[Booking]], most: int) -> list[Any]:
    """Return the keys with the largest turnover."""
    turnover = {key: sum(abs(each.signed) for each in group) for key, group in totals.items()}
    return sorted(turnover, key=lambda key: (-turnover[key], str(key)))[:most]
