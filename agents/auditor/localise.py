"""Which single fault explains a break: one deviation is assumed at a time, and must mend it.

A reading that leaves nothing free (a sign, a duplicate) and still mends the chain beats one with
a free number under two conditions (a balance), which beats one with a free number under a single
condition (an amount, a gap). Between those last two the chain cannot decide: they mend the same
break, so what is usual in the ledger has to. Standard library only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from agents.auditor.chain import (
    Booking,
    Joker,
    Normal,
    Seen,
    State,
    changed,
    unmatched,
    walk,
    without,
)

Kind = Literal["amount", "balance", "duplicate", "missing", "sign"]
_RANK: dict[Kind, int] = {"sign": 0, "duplicate": 0, "balance": 1, "amount": 2, "missing": 2}


@dataclass(frozen=True)
class Window:
    """Days around a break.

    Attributes:
        states: Where the account may stand before the first day.
        days: Bookings by day; the break shows on day `at`, the later ones must continue.
    """

    states: frozenset[State]
    days: tuple[tuple[Booking, ...], ...]
    at: int


@dataclass(frozen=True)
class Reading:
    """A fault that mends the break.

    Attributes:
        booking: The faulty one; for `missing` the one before which there is a gap.
        recorded: What the ledger says, in cents (see `Finding.recorded`).
        expected: What mends it, in cents (see `Finding.expected`).
        met: The balance that stood before the booking.
        twin: The other of two equal bookings, for a duplicate.
        bound: Something after the booking checks the mended figure.
    """

    kind: Kind
    booking: Booking
    recorded: int
    expected: int
    met: int | None = None
    twin: Booking | None = None
    bound: bool = True

    @property
    def rank(self) -> int:
        """How much the reading leaves free; less is better."""
        return _RANK[self.kind] + (0 if self.bound else 2)


def readings(window: Window, normal: Normal) -> list[Reading]:
    """Return every single fault that mends the window, the tightest first."""
    suspects = _suspects(window, normal)
    found = [
        *_signs(window, suspects, normal),
        *_duplicates(window, suspects, normal),
        *_balances(window, suspects, normal),
        *_amounts(window, suspects, normal),
        *_gaps(window, suspects, normal),
    ]
    shows = window.days[window.at][0].day
    # On equal rank a fault on the day on which the break shows.
    return sorted(found, key=lambda r: (r.rank, r.booking.day != shows, r.booking.row))


def best(found: Sequence[Reading]) -> list[Reading]:
    """Return the tightest readings; several only where the chain cannot tell them apart."""
    return [reading for reading in found if reading.rank == found[0].rank] if found else []


def choose(found: Sequence[Reading], likelihood: dict[tuple[Kind, int], float]) -> Reading | None:
    """Return the reading to report.

    Args:
        found: From `readings`.
        likelihood: How usual each of the tightest readings would make the ledger, by kind and
            row of the booking; a reading that is not named counts as unlikely.
    """
    tied = best(found)
    return max(tied, key=lambda r: likelihood.get((r.kind, r.booking.row), 0.0), default=None)


def _suspects(window: Window, normal: Normal) -> list[Booking]:
    """Return the bookings up to the break whose balance before is left more often than reached.

    Whatever is wrong with a booking, it starts where nothing leads: so only these can be at fault.
    """
    bookings = [booking for day in window.days[: window.at + 1] for booking in day]
    if len(window.states) > 1:
        return bookings
    everything = [booking for day in window.days for booking in day]
    ends = [booking.balance for booking in everything]
    ends += [state.balance for state in window.states if state.balance is not None]
    _, starts = unmatched(ends, [booking.before for booking in everything], normal)
    # Among figures a rounding apart, any of them may be the one that is left over.
    near = 2 * normal.tolerance
    return [b for b in bookings if any(abs(b.before - start) <= near for start in starts)]


def _signs(window: Window, suspects: Sequence[Booking], normal: Normal) -> Iterator[Reading]:
    for booking in suspects:
        turned = changed(window.days, booking.row, {"signed": -booking.signed})
        if 2 * abs(booking.signed) > normal.tolerance and walk(window.states, turned, normal):
            yield Reading("sign", booking, booking.signed, -booking.signed)


def _duplicates(window: Window, suspects: Sequence[Booking], normal: Normal) -> Iterator[Reading]:
    rows = {booking.row for booking in suspects}
    for day in window.days[: window.at + 1]:
        for place, first in enumerate(day):
            for second in day[place + 1 :]:
                if not _twins(first, second) or rows.isdisjoint((first.row, second.row)):
                    continue
                # Where the copies' balances differ, the one that must go is the copy.
                for kept, copy in ((first, second), (second, first)):
                    if walk(window.states, without(window.days, copy.row), normal):
                        yield Reading("duplicate", kept, kept.signed, 0, twin=copy)
                        break


def _twins(one: Booking, other: Booking) -> bool:
    return one.signed == other.signed and one.label == other.label


def _balances(window: Window, suspects: Sequence[Booking], normal: Normal) -> Iterator[Reading]:
    for booking in suspects:
        # Where the recorded balance is continued after all, only one of two breaks is there.
        bound = _is_followed(window, booking) and not _mended_by(
            window, normal, Joker("amount", booking.row)
        )
        for seen in _mended_by(window, normal, Joker("balance", booking.row)):
            expected = seen.balance + booking.signed
            if abs(expected - booking.balance) > normal.tolerance or not normal.continues(
                seen.balance, booking.before
            ):
                yield Reading(
                    "balance", booking, booking.balance, expected, seen.balance, bound=bound
                )


def _amounts(window: Window, suspects: Sequence[Booking], normal: Normal) -> Iterator[Reading]:
    for booking in suspects:
        for seen in _mended_by(window, normal, Joker("amount", booking.row)):
            expected = booking.balance - seen.balance
            # An altered amount keeps its sign; an amount of nothing has none to keep.
            if expected * booking.signed > 0 or (expected and not booking.signed):
                yield Reading("amount", booking, booking.signed, expected, seen.balance)


def _gaps(window: Window, suspects: Sequence[Booking], normal: Normal) -> Iterator[Reading]:
    rows = {booking.row: booking for booking in suspects}
    for seen in _mended_by(window, normal, Joker("missing", targets=frozenset(rows))):
        booking = rows[seen.row]
        yield Reading("missing", booking, 0, booking.before - seen.balance, seen.balance)


def _mended_by(window: Window, normal: Normal, joker: Joker) -> list[Seen]:
    ends = walk(window.states, window.days, normal, joker)
    return sorted({state.seen for state in ends if state.seen is not None})


def _is_followed(window: Window, booking: Booking) -> bool:
    return booking.day < window.days[-1][-1].day or len(window.days[-1]) > 1
