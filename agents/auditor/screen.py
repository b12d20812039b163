"""Screening: which accounts have days that no booking order explains, and what would mend them."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

from agents.auditor.chain import (
    START,
    Booking,
    Joker,
    Normal,
    State,
    by_day,
    changed,
    close,
    in_order,
    walk,
    without,
)
from agents.auditor.ledger import connect
from agents.auditor.localise import Reading, Window, best, choose, readings
from agents.auditor.profile import normal
from agents.auditor.usual import likelihoods
from domain.audit import (
    Candidate,
    Finding,
    LedgerProfile,
    Point,
    ScreenRequest,
    ScreenResult,
)

_BACK: Final = 2
"""Days before the break that may hold its cause: a day may end wrongly and still add up."""
_AHEAD: Final = 3
"""Days after it that have to go on; fewer where the next fault is as near."""
_BREAKS: Final = 20
"""Breaks followed up in one account; with more it is not a ledger with faults, but no ledger."""

# First SQL: an account whose every day has one booking that continues the day before is clear.
_SUSPECTS: Final = """
WITH steps AS (
    SELECT account_id, before_cents, day_no,
           lag(balance_cents) OVER account AS prior, lag(day_no) OVER account AS prior_day
    FROM transactions WHERE account_id IN ({marks})
    WINDOW account AS (PARTITION BY account_id ORDER BY day_no, row_no)
)
SELECT DISTINCT account_id FROM steps
WHERE prior IS NOT NULL AND (prior_day = day_no OR before_cents <> prior)
"""
_BOOKINGS: Final = """
SELECT account_id, row_no, trans_id, date, signed_amount, balance_cents,
       type || ' / ' || operation || ' / ' || k_symbol
FROM transactions WHERE account_id IN ({marks}) ORDER BY account_id, day_no, row_no
"""


class Break(NamedTuple):
    """Where an account stops adding up, with the single faults that would mend it.

    Attributes:
        found: The tightest first; empty where no single fault explains it.
    """

    account_id: str
    window: Window
    found: tuple[Reading, ...]


def screen(request: ScreenRequest) -> ScreenResult:
    """Screen a batch of accounts. One that cannot be screened does not hold up the others."""
    candidates: list[Candidate] = []
    failed: dict[str, str] = {}
    with closing(connect(request.path)) as connection:
        (transactions,) = connection.execute(
            "SELECT count(*) FROM transactions WHERE account_id IN "  # noqa: S608
            f"({_marks(request.accounts)})",
            request.accounts,
        ).fetchone()
        for account, bookings in _bookings(connection, _suspects(connection, request.accounts)):
            try:
                found = breaks(account, bookings, normal(request.profile))
                candidates.extend(_candidate(each) for each in found)
            except (ArithmeticError, LookupError, ValueError) as error:
                failed[account] = f"{type(error).__name__}: {error}"
    return ScreenResult(
        accounts=len(request.accounts),
        transactions=transactions,
        candidates=tuple(candidates),
        failed=failed,
    )


def locate(path: str, profile: LedgerProfile, account: str) -> list[Finding]:
    """Return what rules alone make of an account, without any model."""
    with closing(connect(path)) as connection:
        found: list[Finding] = []
        for _, bookings in _bookings(connection, [account]):
            for each in breaks(account, bookings, normal(profile)):
                tied = best(each.found)
                usual = likelihoods(connection, account, tied, normal(profile))
                reading = choose(tied, usual)
                if reading is not None:
                    found.append(as_finding(account, reading))
    return found


def as_finding(account: str, reading: Reading) -> Finding:
    """Return a reading in the terms of the report."""
    return Finding(
        account_id=account,
        date=date.fromisoformat(reading.booking.day),
        trans_id=reading.booking.trans_id,
        kind=reading.kind,
        recorded=reading.recorded / 100,
        expected=reading.expected / 100,
    )


def breaks(account: str, bookings: Iterable[Booking], normal: Normal) -> list[Break]:
    """Return every break of an account; each is assumed mended before going on."""
    days = by_day(bookings)
    # Most accounts begin at nothing; one that was cut from a longer history begins anywhere.
    start = frozenset([State(0)] if close([State(0)], days[0], normal) else [START])
    states, floor, found = [start], 0, list[Break]()
    while len(states) <= len(days) and len(found) < _BREAKS:
        at = len(states) - 1
        if at == len(days):
            break
        ends = close(states[at], days[at], normal)
        if not ends:
            each = _explained(account, days, states, (floor, at), normal)
            found.append(each)
            ends = _after(each, normal) or frozenset(State(b.balance) for b in days[at])
            floor = at + 1
        states.append(ends)
    return found


def _explained(
    account: str,
    days: Sequence[Sequence[Booking]],
    states: Sequence[frozenset[State]],
    between: tuple[int, int],
    normal: Normal,
) -> Break:
    floor, at = between
    first = max(floor, at - _BACK)
    while first > floor and len(states[first]) > 1:
        first -= 1
    # The next fault may be near: fewer days after the break are then known to be good.
    for ahead in range(_AHEAD, -1, -1):
        window = Window(
            states[first], tuple(tuple(day) for day in days[first : at + 1 + ahead]), at - first
        )
        found = readings(window, normal)
        if found:
            return Break(account, window, tuple(found))
    whole = tuple(tuple(day) for day in days[first : at + 1 + _AHEAD])
    return Break(account, Window(states[first], whole, at - first), ())


def _after(each: Break, normal: Normal) -> frozenset[State]:
    """Return where the account stands after the day of the break, its fault mended."""
    if not each.found:
        return frozenset()
    reading, days = each.found[0], each.window.days[: each.window.at + 1]
    row = reading.booking.row
    if reading.kind == "duplicate":
        copy = reading.twin or reading.booking
        ends = walk(each.window.states, without(days, copy.row), normal)
    elif reading.kind == "sign":
        turned = changed(days, row, {"signed": reading.expected})
        ends = walk(each.window.states, turned, normal)
    elif reading.kind == "missing":
        gap = Joker("missing", targets=frozenset([row]))
        ends = walk(each.window.states, days, normal, gap)
    else:
        ends = walk(each.window.states, days, normal, Joker(reading.kind, row))
    return frozenset(State(end.balance) for end in ends)


def _candidate(each: Break) -> Candidate:
    window = each.window
    days = tuple(date.fromisoformat(day[0].day) for day in window.days)
    opening = next(iter(window.states)).balance if len(window.states) == 1 else None
    shown = "the balance before is not known" if opening is None else f"from {opening / 100:.2f}"
    count = len(window.days[window.at])
    bookings = "the booking" if count == 1 else f"no order of the {count} bookings"
    return Candidate(
        account_id=each.account_id,
        days=days[: window.at + 1],
        until=days[-1],
        opening_cents=opening,
        why=f"{bookings} of {days[window.at]} continues the balance, starting {days[0]} {shown}",
    )


def series(path: str, profile: LedgerProfile, account: str, start: date, end: date) -> list[Point]:
    """Return an account's bookings between two days, in an order that continues the balance."""
    points: list[Point] = []
    with closing(connect(path)) as connection:
        for _, bookings in _bookings(connection, [account]):
            carry: int | None = None
            for day in by_day(bookings):
                ordered = in_order(carry, day, normal(profile))
                carry = ordered[-1].balance
                when = date.fromisoformat(day[0].day)
                if start <= when <= end:
                    points.extend(
                        Point(
                            date=when,
                            trans_id=booking.trans_id,
                            signed_cents=booking.signed,
                            balance_cents=booking.balance,
                        )
                        for booking in ordered
                    )
    return points


def _suspects(connection: sqlite3.Connection, accounts: Sequence[str]) -> list[str]:
    found = connection.execute(_SUSPECTS.format(marks=_marks(accounts)), accounts)
    return [account for (account,) in found]


def _bookings(
    connection: sqlite3.Connection, accounts: Sequence[str]
) -> Iterator[tuple[str, list[Booking]]]:
    rows = connection.execute(_BOOKINGS.format(marks=_marks(accounts)), accounts)
    for account, own in groupby(rows, key=lambda row: row[0]):
        yield account, [Booking(*row[1:]) for row in own]


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
