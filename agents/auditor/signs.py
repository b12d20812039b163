"""Learning from the balances which bookings add and which take away."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from agents.auditor.columns import LedgerError

_AGREED: Final = 0.8
"""Share of the bookings that must bear a convention out; faults are far below the rest."""
_CERTAIN: Final = 0.98
_VALUES: Final = 200
"""A column with more values than this holds remarks, not kinds of booking."""


class Entry(NamedTuple):
    """A row as read; `amount` and `balance` in cents, the amount as the source has it."""

    row: int
    trans_id: str
    account_id: str
    date: str
    type: str
    operation: str
    k_symbol: str
    amount: int
    balance: int


@dataclass(frozen=True)
class Signs:
    """The convention: which column says it, and what each of its values means."""

    column: str
    values: dict[str, int]

    def of(self, entry: Entry) -> int:
        """Return +1 or -1 for a row."""
        return self.values[_key(self.column)(entry)]


def _key(column: str) -> Callable[[Entry], str]:
    if not column:
        return lambda _: ""
    if column == "type and operation":
        return lambda entry: f"{entry.type} / {entry.operation}"
    return lambda entry: str(getattr(entry, column))


def learn(entries: Sequence[Entry]) -> Signs:
    """Return the convention that lets most bookings continue a balance before them.

    Tried in this order, the first that is good enough or else the best: the type says it; the
    amounts carry their sign; the operation, or both, or the purpose say it.

    Raises:
        LedgerError: None of these makes the balances follow from the amounts.
    """
    votes = list(_votes(entries))
    best: tuple[float, Signs] = (0.0, Signs("", {"": 1}))
    for column in ("type", "", "operation", "type and operation", "k_symbol"):
        key = _key(column)
        values = {key(entry) for entry in entries}
        if (column and values == {""}) or len(values) > _VALUES:
            continue
        agreed, signs = _count(votes, key, values)
        if agreed > best[0] + 0.02:
            best = (agreed, Signs(column, signs))
        if agreed >= _CERTAIN:
            break
    if votes and best[0] < _AGREED:
        raise LedgerError(
            f"the balances do not follow from the amounts (at best {best[0]:.0%} of the bookings "
            "continue a balance): check which columns are mapped to 'amount', 'balance', 'type'"
        )
    return best[1]


def _count(
    votes: Sequence[tuple[Entry, int]], key: Callable[[Entry], str], values: set[str]
) -> tuple[float, dict[str, int]]:
    counted: dict[str, Counter[int]] = defaultdict(Counter)
    for entry, sign in votes:
        counted[key(entry)][sign] += 1
    signs = {value: -1 if counted[value][-1] > counted[value][1] else 1 for value in sorted(values)}
    right = sum(counts[signs[value]] for value, counts in counted.items())
    return right / max(1, len(votes)), signs


def _votes(entries: Sequence[Entry]) -> Iterator[tuple[Entry, int]]:
    """Yield for each row the sign that brings it nearer to a balance it may follow."""
    ordered = sorted(entries, key=lambda entry: (entry.account_id, entry.date))
    for _, account in groupby(ordered, key=lambda entry: entry.account_id):
        before: list[Entry] = []
        for _, grouped in groupby(account, key=lambda entry: entry.date):
            today = list(grouped)
            near = sorted(entry.balance for entry in [*before, *today])
            for entry in today:
                if sign := _vote(entry, near):
                    yield entry, sign
            before = today


def _vote(entry: Entry, near: Sequence[int]) -> int:
    """Return the sign whose balance before is nearer to one there is; 0 where that is open.

    The entry's own balance is among `near`: equally far for both signs, it decides nothing.
    """
    plus = _distance(entry.balance - entry.amount, near)
    minus = _distance(entry.balance + entry.amount, near)
    return (plus < minus) - (minus < plus)


def _distance(balance: int, near: Sequence[int]) -> int:
    at = bisect_left(near, balance)
    return min(abs(balance - other) for other in near[max(0, at - 1) : at + 1])
