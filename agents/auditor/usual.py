"""What the chain cannot decide: was an amount altered, or is a booking before it missing?

Both mend the same break. If the amount was altered, the mended amount should be usual for such
bookings and the recorded one need not be; if one is missing, the recorded amount should be usual,
and so should the missing one. How usual a figure is, the rest of the ledger says.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final

from agents.auditor.chain import Normal
from agents.auditor.localise import Kind, Reading

_SPREAD: Final = 4
"""Figures without a habit are taken to spread up to this many times the mean."""
_ODD: Final = 1e-9
"""Likelihood of a figure that fits none of the ledger's units."""
_SLIP: Final = 1e-2
_ANY: Final = 1e-7
"""Likelihood of one altered amount among all there could be: a cent of a hundred thousand."""
_NEAR: Final = 0.05
"""Weight of a figure that is usual only up to rounding."""
_SWAPPED: Final = 2
_UNITS: Final = (10_000, 1_000, 100)

_COUNTS: Final = """
SELECT count(*), total(signed_amount = :x), total(abs(signed_amount - :x) <= :tolerance),
    total(account_id = :account), total(account_id = :account AND signed_amount = :x),
    total(account_id = :account AND abs(signed_amount - :x) <= :tolerance),
    avg(abs(signed_amount)), total(signed_amount % 10000 = 0), total(signed_amount % 1000 = 0),
    total(signed_amount % 100 = 0), total(signed_amount % :grain = 0)
FROM transactions WHERE row_no <> :row AND
"""
_SAME_CLASS: Final = """
(type, operation, k_symbol) = (SELECT type, operation, k_symbol FROM transactions
                               WHERE row_no = :row)
"""
_SAME_SIGN: Final = "(signed_amount > 0) = (:x > 0)"


def likelihoods(
    connection: sqlite3.Connection, account: str, found: Iterable[Reading], normal: Normal
) -> dict[tuple[Kind, int], float]:
    """Return how likely each reading of an undecided break is, up to a common factor."""
    return {
        (reading.kind, reading.booking.row): _likelihood(connection, account, reading, normal)
        for reading in found
    }


def confidence(likelihood: dict[tuple[Kind, int], float], chosen: tuple[Kind, int] | None) -> float:
    """Return the chosen reading's share of the likelihood, between 0.5 and 0.97."""
    total = sum(likelihood.values())
    share = likelihood.get(chosen, 0.0) / total if chosen and total else 0.5
    return round(min(0.97, max(0.5, share)), 2)


def _likelihood(
    connection: sqlite3.Connection, account: str, reading: Reading, normal: Normal
) -> float:
    booking = reading.booking
    if reading.kind == "amount":
        mended = _usual(
            connection, account, booking.row, reading.expected, normal=normal, among=_SAME_CLASS
        )
        return mended * (_SLIP if _is_slip(booking.signed, reading.expected) else _ANY)
    if reading.kind == "missing":
        exactly = Normal(0, normal.grain)
        recorded = _usual(
            connection, account, booking.row, booking.signed, normal=exactly, among=_SAME_CLASS
        )
        gap = _usual(
            connection, account, booking.row, reading.expected, normal=normal, among=_SAME_SIGN
        )
        return recorded * gap
    return 1.0


def _usual(
    connection: sqlite3.Connection, account: str, row: int, x: int, *, normal: Normal, among: str
) -> float:
    """Return how usual the signed amount `x` is: in the account, in the ledger, by its unit."""
    values = {
        "x": x, "row": row, "account": account,
        "tolerance": normal.tolerance, "grain": normal.grain,
    }  # fmt: skip
    rows, same, near, own, own_same, own_near, mean, *fits = connection.execute(
        _COUNTS + among, values
    ).fetchone()
    in_ledger = (same + _NEAR * (near - same)) / max(1, rows)
    in_account = (own_same + _NEAR * (own_near - own_same)) / max(1, own)
    by_unit = _by_unit(x, rows, _SPREAD * (mean or 0), fits, normal)
    return 0.4 * in_account + 0.3 * in_ledger + 0.3 * by_unit


def _by_unit(x: int, rows: int, spread: float, fits: list[float], normal: Normal) -> float:
    units = (*_UNITS, normal.grain)
    chance, coarser = _ODD, 0.0
    if abs(x) > spread:
        return chance
    for unit, count in zip(units, fits, strict=True):
        share = (count - coarser) / max(1, rows)
        coarser = count
        off = min(x % unit, -x % unit)
        weight = 1.0 if off == 0 else _NEAR if off <= normal.tolerance < unit else 0.0
        chance += max(0.0, share) * weight * unit / spread
    return chance


def _is_slip(recorded: int, mended: int) -> bool:
    """Whether the one becomes the other by a slip of the hand: a zero more, two digits swapped."""
    one, other = abs(recorded), abs(mended)
    if one in (other * 10, other * 100) or other in (one * 10, one * 100):
        return True
    left, right = str(one), str(other)
    differing = [index for index in range(len(left)) if left[index] != right[index : index + 1]]
    return (
        len(left) == len(right)
        and len(differing) == _SWAPPED
        and differing[1] == differing[0] + 1
        and left[differing[0]] == right[differing[1]]
        and left[differing[1]] == right[differing[0]]
    )
