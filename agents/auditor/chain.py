"""Does some order of a day's bookings continue the balance?

Within a day the order of rows says nothing. A booking leads from the balance before it
(`balance - signed`) to the balance after it, so a day is a set of edges, and it is consistent when
some path takes each of them once: an Eulerian path, up to rounding. Standard library only.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

_STATES = 20_000
"""Search steps a day may take; only equal balances branch, so real days take one a booking."""


@dataclass(frozen=True)
class Booking:
    """One row; money in cents.

    Attributes:
        row: Position in the source, which identifies the row even where `trans_id` repeats.
        label: Type, operation and purpose, as one text.
    """

    row: int
    trans_id: str
    day: str
    signed: int
    balance: int
    label: str = ""

    @property
    def before(self) -> int:
        """The balance that this booking implies before it."""
        return self.balance - self.signed


@dataclass(frozen=True)
class Normal:
    """What may be expected of a ledger's figures.

    Attributes:
        tolerance: Cents by which a continued balance may differ.
        grain: Amounts and balances are multiples of this.
    """

    tolerance: int = 0
    grain: int = 1

    def continues(self, balance: int, before: int) -> bool:
        """Whether `before` is `balance`, up to rounding.

        Rounding explains a difference between rounded figures only: one that is off the
        ledger's grain was never rounded, and gets no allowance.
        """
        gap = abs(balance - before)
        if gap == 0:
            return True
        rounded = balance % self.grain == 0 and before % self.grain == 0
        return rounded and gap <= self.tolerance


class Seen(NamedTuple):
    """What a joker took the place of: the balance it met, and the booking it was used at."""

    balance: int
    row: int
    day: str


@dataclass(frozen=True)
class Joker:
    """One deviation that a search may assume.

    Attributes:
        kind: `amount`: booking `row` may start anywhere; `balance`: it may end where its amount
            leads; `missing`: once, the path may jump.
        targets: Where the jump may land.
    """

    kind: Literal["amount", "balance", "missing"]
    row: int = -1
    targets: frozenset[int] = frozenset()


class State(NamedTuple):
    """Where a path has come to; `seen` is set once the joker was used."""

    balance: int | None
    seen: Seen | None = None


START = State(None)
"""Before an account's first booking: the opening balance is unknown."""


def close(
    states: Iterable[State], day: Sequence[Booking], normal: Normal, joker: Joker | None = None
) -> frozenset[State]:
    """Return where a day can end, for each of the states it may begin in; empty if nowhere."""
    if len(day) == 1 and joker is None:
        only = day[0]
        return frozenset(
            State(only.balance, state.seen)
            for state in states
            if state.balance is None or normal.continues(state.balance, only.before)
        )
    search = _Search(tuple(day), normal, joker)
    for state in states:
        search.run(state)
    return frozenset(search.ends)


class _Search:
    """Depth-first search for all ends of a day, equal bookings tried once."""

    def __init__(self, day: tuple[Booking, ...], normal: Normal, joker: Joker | None) -> None:
        self.day = sorted(day, key=lambda booking: booking.before)
        self.befores = [booking.before for booking in self.day]
        self.normal = normal
        self.joker = joker
        self.wild = [at for at, booking in enumerate(self.day) if self._is_wild(booking)]
        self.ends: set[State] = set()

    def run(self, start: State) -> None:
        """Add every end that is reached from `start`."""
        whole = (1 << len(self.day)) - 1
        known: set[tuple[State, int]] = set()
        stack = [(start, 0)]
        while stack and len(known) < _STATES:
            here = stack.pop()
            if here in known:
                continue
            known.add(here)
            if here[1] == whole:
                self.ends.add(here[0])
                continue
            stack.extend(self._next(*here))
        if stack and not self.ends and self.joker is None:
            self._telescope(start)

    def _next(self, state: State, used: int) -> list[tuple[State, int]]:
        found: list[tuple[State, int]] = []
        tried: set[tuple[int, int]] = set()
        for index in self._reachable(state):
            booking = self.day[index]
            same = (booking.before, booking.balance)
            if used >> index & 1 or (same in tried and index not in self.wild):
                continue
            tried.add(same)
            found.extend((after, used | 1 << index) for after in self._step(state, booking))
        return found

    def _reachable(self, state: State) -> Iterable[int]:
        """Return the places of the bookings that may come next, and few others."""
        if state.balance is None:
            return range(len(self.day))
        first = bisect_left(self.befores, state.balance - self.normal.tolerance)
        last = bisect_right(self.befores, state.balance + self.normal.tolerance)
        return [*range(first, last), *(at for at in self.wild if not first <= at < last)]

    def _is_wild(self, booking: Booking) -> bool:
        """Whether the joker may make this booking follow anything."""
        joker = self.joker
        if joker is None:
            return False
        return booking.row == joker.row or booking.row in joker.targets

    def _telescope(self, start: State) -> None:
        # A day too tangled to search to its end: judge it by its sum, never cry wolf over it.
        if start.balance is None:
            self.ends.update(State(booking.balance) for booking in self.day)
            return
        end = start.balance + sum(booking.signed for booking in self.day)
        slack = self.normal.tolerance * len(self.day)
        near = [b.balance for b in self.day if abs(b.balance - end) <= slack]
        self.ends.update(State(balance) for balance in near)

    def _step(self, state: State, booking: Booking) -> list[State]:
        here = state.balance
        if here is None:
            return [State(booking.balance, state.seen)]
        seen = Seen(here, booking.row, booking.day)
        if self.joker is not None and booking.row == self.joker.row:
            if self.joker.kind == "amount":
                return [State(booking.balance, seen)]
            # The true balance was rounded too, and is not known: anywhere the rounding allows.
            slack = {0, self.normal.tolerance, -self.normal.tolerance}
            return [State(here + booking.signed + off, seen) for off in slack]
        if self.normal.continues(here, booking.before):
            return [State(booking.balance, state.seen)]
        if self.joker is not None and booking.row in self.joker.targets and state.seen is None:
            return [State(booking.balance, seen)]
        return []


def unmatched(
    ends: Iterable[int], starts: Iterable[int], normal: Normal
) -> tuple[list[int], list[int]]:
    """Pair off balances that are reached with those that are left; return what is left over.

    Both are sorted, so that the first fit is the best. Figures off the grain were never rounded:
    they have to be equal.
    """
    rounded_ends, odd_ends = _split(sorted(ends), normal.grain)
    rounded_starts, odd_starts = _split(sorted(starts), normal.grain)
    one = _paired(rounded_ends, rounded_starts, normal.tolerance)
    two = _paired(odd_ends, odd_starts, 0)
    return sorted(one[0] + two[0]), sorted(one[1] + two[1])


def _split(values: Sequence[int], grain: int) -> tuple[list[int], list[int]]:
    return [v for v in values if v % grain == 0], [v for v in values if v % grain]


def _paired(ends: list[int], starts: list[int], within: int) -> tuple[list[int], list[int]]:
    loose: tuple[list[int], list[int]] = ([], [])
    i = j = 0
    while i < len(ends) and j < len(starts):
        if abs(ends[i] - starts[j]) <= within:
            i, j = i + 1, j + 1
        elif ends[i] < starts[j]:
            loose[0].append(ends[i])
            i += 1
        else:
            loose[1].append(starts[j])
            j += 1
    return loose[0] + ends[i:], loose[1] + starts[j:]


def by_day(bookings: Iterable[Booking]) -> list[list[Booking]]:
    """Group bookings into days, in order of the day."""
    days: dict[str, list[Booking]] = {}
    for booking in bookings:
        days.setdefault(booking.day, []).append(booking)
    return [days[day] for day in sorted(days)]


def walk(
    states: Iterable[State],
    days: Iterable[Sequence[Booking]],
    normal: Normal,
    joker: Joker | None = None,
) -> frozenset[State]:
    """Return where a run of days can end; empty if some day cannot be continued."""
    ends = frozenset(states)
    for day in days:
        ends = close(ends, day, normal, joker)
        if not ends:
            break
    return ends


def without(days: Sequence[Sequence[Booking]], row: int) -> list[list[Booking]]:
    """Return the days with the booking `row` taken out; a day may so become empty."""
    return [[booking for booking in day if booking.row != row] for day in days]


def changed(
    days: Sequence[Sequence[Booking]], row: int, values: Mapping[str, int]
) -> list[list[Booking]]:
    """Return the days with `values` (`signed`, `balance`) put into the booking `row`."""
    return [
        [
            replace(
                booking,
                signed=values.get("signed", booking.signed),
                balance=values.get("balance", booking.balance),
            )
            if booking.row == row
            else booking
            for booking in day
        ]
        for day in days
    ]


def in_order(carry: int | None, day: Sequence[Booking], normal: Normal) -> list[Booking]:
    """Return a day's bookings in an order that continues `carry`, or as they are if none does."""
    stack: list[tuple[int | None, tuple[Booking, ...]]] = [(carry, ())]
    for _ in range(_STATES):
        if not stack:
            break
        here, taken = stack.pop()
        if len(taken) == len(day):
            return list(taken)
        rows = {booking.row for booking in taken}
        stack.extend(
            (booking.balance, (*taken, booking))
            for booking in day
            if booking.row not in rows and (here is None or normal.continues(here, booking.before))
        )
    return list(day)
