"""Finding out what is normal in a ledger before judging it: signs, booking order, rounding."""

import json
import sqlite3
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from math import gcd
from typing import Final, NamedTuple

from agents.auditor.chain import Normal
from agents.auditor.ledger import connect
from domain.audit import LedgerProfile

# A booking follows some balance of its own day or of the account's day before; the nearest one is
# taken. On busy days it may be another's, which moves a few gaps and not their distribution.
_NEAREST: Final = """
WITH short AS (
    SELECT account_id, day_no FROM transactions
    GROUP BY account_id, day_no HAVING count(*) <= 50
)
SELECT gap, count(*), count(DISTINCT account_id) FROM (
    SELECT t.account_id, min(abs(t.before_cents - p.balance_cents)) AS gap
    FROM short JOIN transactions t ON t.account_id = short.account_id
        AND t.day_no = short.day_no
    JOIN transactions p ON p.account_id = t.account_id
        AND p.day_no BETWEEN t.day_no - 1 AND t.day_no AND p.row_no <> t.row_no
    GROUP BY t.row_no
) GROUP BY gap ORDER BY gap
"""
_FILE_ORDER: Final = """
SELECT count(*) FROM (
    SELECT before_cents, lag(balance_cents) OVER (PARTITION BY account_id ORDER BY row_no) AS prior
    FROM transactions
) WHERE abs(before_cents - prior) > ?
"""
_CAP: Final = 100
"""Cents: rounding is to at most one unit of the currency; more is no rounding."""
_RARE: Final = 0.005
"""Share of links below which differences near zero are faults, not a habit."""
_FEWEST: Final = 5
_FIRST: Final = 0.1
_REPEATED: Final = 0.2
_THIN: Final = 0.05
"""A further difference belongs to the rounding if it is at least this dense beside the rest."""


class Gap(NamedTuple):
    """How often a difference occurs, in bookings and in accounts."""

    cents: int
    links: int
    accounts: int


def profile(path: str) -> LedgerProfile:
    """Return what is normal in the snapshot at `path`."""
    with closing(connect(path)) as connection:
        gaps = [Gap(*row) for row in connection.execute(_NEAREST)]
        grain = _grain(connection)
        accounts = _one(connection, "SELECT count(DISTINCT account_id) FROM transactions")
        found = tolerance(gaps, accounts)
        busy = _one(
            connection,
            "SELECT count(*) FROM (SELECT 1 FROM transactions GROUP BY account_id, day_no "
            "HAVING count(*) > 1)",
        )
        (rows, first, last) = connection.execute(
            "SELECT count(*), min(date), max(date) FROM transactions"
        ).fetchone()
        about = dict(connection.execute("SELECT name, value FROM about"))
        (breaks,) = connection.execute(_FILE_ORDER, (found,)).fetchone()
    rounded = sum(gap.links for gap in gaps if 0 < gap.cents <= found)
    draft = LedgerProfile(
        transactions=rows,
        accounts=accounts,
        first_day=date.fromisoformat(first),
        last_day=date.fromisoformat(last),
        sign_column=about["sign_column"],
        signs=json.loads(about["signs"]),
        links=sum(gap.links for gap in gaps),
        rounded_links=rounded,
        tolerance_cents=found,
        grain_cents=grain,
        file_order_breaks=breaks,
        busy_days=busy,
        notes=(),
    )
    return draft.model_copy(update={"notes": _notes(draft)})


def normal(profile: LedgerProfile) -> Normal:
    """Return the part of a profile that chains are judged by."""
    return Normal(profile.tolerance_cents, profile.grain_cents)


def tolerance(gaps: Sequence[Gap], accounts: int) -> int:
    """Return by how many cents a continued balance may differ in this ledger.

    Rounding is a habit: common, in many accounts, and next to zero. To a unit, it repeats one
    difference or a few; away from decimals, it fills a range from its lower end. Faults are few
    and spread wide: they do neither, and neither their number nor their size moves the bound.
    """
    near = [gap for gap in gaps if 0 < gap.cents <= _CAP]
    mass = sum(gap.links for gap in near)
    if mass < max(_FEWEST, _RARE * sum(gap.links for gap in gaps)):
        return 0
    if sum(gap.accounts for gap in near) < max(min(3, accounts), accounts // 10):
        return 0
    most = max(gap.links for gap in near)
    if most >= _REPEATED * mass:
        return max(gap.cents for gap in near if gap.links >= _FIRST * most)
    return _filled(near, mass)


def _filled(near: Sequence[Gap], mass: int) -> int:
    """Return the end of a range that is filled from its lower end; 0 where it is not."""
    values, sums = [gap.cents for gap in near], _running(near)
    middle = values[bisect_right(sums, mass // 2)]
    lowest = sum(gap.links for gap in near if gap.cents <= middle / 2)
    if values[0] > max(1, middle / 4) or lowest < _FIRST * mass:
        return 0
    bound = values[bisect_right(sums, _FIRST * mass)]
    while (wider := _wider(values, sums, bound)) is not None:
        bound = wider
    return bound


def _running(near: Sequence[Gap]) -> list[int]:
    sums, total = list[int](), 0
    for gap in near:
        total += gap.links
        sums.append(total)
    return sums


def _wider(values: Sequence[int], sums: Sequence[int], bound: int) -> int | None:
    """Return the next value up to which the differences beyond `bound` are dense enough."""
    at = bisect_right(values, bound) - 1
    dense = sums[at] / bound
    fitting = (
        value
        for value, total in zip(values[at + 1 :], sums[at + 1 :], strict=True)
        if total - sums[at] >= _THIN * dense * (value - bound)
    )
    return next(fitting, None)


def _grain(connection: sqlite3.Connection) -> int:
    """Return the coarsest unit that nearly all amounts and balances are multiples of.

    Nearly: an altered figure is off it, and must not make it finer.
    """
    counts: Counter[int] = Counter()
    for signed, balance, rows in connection.execute(
        "SELECT signed_amount % 1000, balance_cents % 1000, count(*) "
        "FROM transactions GROUP BY 1, 2"
    ):
        counts[gcd(int(signed), int(balance), 1000)] += rows
    total = counts.total()
    for unit in (1000, 500, 100, 50, 20, 10, 5, 2):
        if sum(rows for size, rows in counts.items() if size % unit == 0) >= 0.99 * total:
            return unit
    return 1


def _one(connection: sqlite3.Connection, sql: str) -> int:
    (value,) = connection.execute(sql).fetchone()
    return int(value)


def _notes(found: LedgerProfile) -> tuple[str, ...]:
    busy = (
        f"{found.busy_days} account-days hold several bookings; the file's order breaks the "
        f"balance {found.file_order_breaks} times, so any order that continues it is accepted"
    )
    rounding = (
        f"{found.rounded_links} of {found.links} bookings miss the balance before them by up to "
        f"{found.tolerance_cents / 100:.2f}, which is rounding; more is not"
        if found.tolerance_cents
        else f"none of {found.links} bookings is rounded: balances continue exactly"
    )
    return (
        _about_signs(found.sign_column, found.signs),
        busy,
        rounding,
        f"amounts and balances are multiples of {found.grain_cents / 100:.2f}",
    )


def _about_signs(column: str, signs: Mapping[str, int]) -> str:
    if not column:
        how = "carry their sign" if signs.get("", 1) > 0 else "are debits where positive"
        return f"the amounts {how}"
    comes = ", ".join(repr(value) for value, sign in signs.items() if sign > 0)
    goes = ", ".join(repr(value) for value, sign in signs.items() if sign < 0)
    return f"by {column}: credit {comes or 'none'}; debit {goes or 'none'}"
