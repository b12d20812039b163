"""Faults to put into a ledger that has none, so that an audit can be counted: seeded, labelled."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from domain.audit import KINDS, FaultKind

Rows = list[dict[str, str]]
Size = Literal["any", "small", "slip", "round"]

_EDGE: Final = 4
"""First and last rows of an account that stay as they are: a fault there has one neighbour."""
_FIRST_ID: Final = 90_000_001


@dataclass(frozen=True)
class Planted:
    """What was done: for `duplicate` the original's id, for `missing` the removed one's."""

    account_id: str
    date: str
    trans_id: str
    kind: FaultKind


@dataclass(frozen=True)
class Faults:
    """How faults are made.

    Attributes:
        kinds: In turn.
        size: Of altered figures. small: 0.22 to 1.00; slip: a digit too many or two swapped;
            round: whole hundreds; any: up to several thousand, to the cent.
        busy: Only on days with several bookings.
        same_id: A duplicate keeps its id.
        least: Cents; smaller bookings are left alone, since rounding could hide the fault.
    """

    kinds: Sequence[FaultKind] = tuple(KINDS)
    size: Size = "any"
    busy: bool = False
    same_id: bool = False
    least: int = 50


def inject(
    rows: Sequence[dict[str, str]], seed: int, count: int, how: Faults | None = None
) -> tuple[Rows, list[Planted]]:
    """Return a copy of a ledger with up to `count` faults in it, one an account, and their labels.

    Args:
        rows: As a CSV reader gives them, with `trans_id`, `account_id`, `date`, `type`, `amount`
            and `balance`; days in order.
        seed: The same seed makes the same faults.
        count: How many; fewer where the ledger has too few accounts.
        how: Which kinds and sizes.
    """
    how = how or Faults()
    rng = random.Random(seed)  # noqa: S311 - test data
    places = defaultdict[str, list[int]](list)
    for index, row in enumerate(rows):
        places[row["account_id"]].append(index)
    accounts = sorted(places)
    rng.shuffle(accounts)
    changes: dict[int, Rows] = {}
    planted: list[Planted] = []
    for account in accounts:
        if len(planted) == count:
            break
        kind = how.kinds[len(planted) % len(how.kinds)]
        fitting = _fitting(rows, places[account], how)
        if fitting:
            index = rng.choice(fitting)
            changes[index] = _MAKE[kind](rows[index], rows, how, rng)
            row = rows[index]
            planted.append(Planted(account, row["date"], row["trans_id"], kind))
    made = [new for index, row in enumerate(rows) for new in changes.get(index, [dict(row)])]
    for number, row in enumerate(row for row in made if row["trans_id"] == "new"):
        row["trans_id"] = str(_FIRST_ID + number)
    return made, planted


def _fitting(rows: Sequence[dict[str, str]], own: Sequence[int], how: Faults) -> list[int]:
    days = defaultdict[str, int](int)
    for index in own:
        days[rows[index]["date"]] += 1
    return [
        index
        for index in own[_EDGE:-_EDGE]
        if _cents(rows[index]["amount"]) >= how.least
        and (not how.busy or days[rows[index]["date"]] > 1)
    ]


def _amount(row: dict[str, str], _: object, how: Faults, rng: random.Random) -> Rows:
    return [{**row, "amount": _money(_altered(_cents(row["amount"]), how, rng))}]


def _balance(row: dict[str, str], _: object, how: Faults, rng: random.Random) -> Rows:
    return [{**row, "balance": _money(_altered(_cents(row["balance"]), how, rng))}]


def _duplicate(row: dict[str, str], _: object, how: Faults, rng: random.Random) -> Rows:
    copy = dict(row) if how.same_id else {**row, "trans_id": "new"}
    return [dict(row), copy]


def _missing(row: dict[str, str], _: object, how: Faults, rng: random.Random) -> Rows:
    return []


def _sign(
    row: dict[str, str], rows: Sequence[dict[str, str]], how: Faults, rng: random.Random
) -> Rows:
    types = sorted({other["type"] for other in rows})
    credit = types[0]
    turned = next(kind for kind in types if kind != credit) if row["type"] == credit else credit
    return [{**row, "type": turned}]


_MAKE: Final[dict[FaultKind, Callable[..., Rows]]] = {
    "amount": _amount,
    "balance": _balance,
    "duplicate": _duplicate,
    "missing": _missing,
    "sign": _sign,
}


def _altered(cents: int, how: Faults, rng: random.Random) -> int:
    if how.size == "small":
        return _moved(cents, rng.randint(22, 100), rng)
    if how.size == "round":
        return _moved(cents, 10_000 * rng.randint(1, 90), rng)
    if how.size == "slip":
        digits = str(cents)
        swaps = [i for i in range(len(digits) - 1) if digits[i] != digits[i + 1] != "0"]
        if swaps and rng.choice((True, False)):
            at = rng.choice(swaps)
            return int(digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :])
        return cents * 10
    return _moved(cents, rng.randint(2_00, 9_000_00), rng)


def _moved(cents: int, by: int, rng: random.Random) -> int:
    """Return more or less of it, and never less than nothing of a positive figure."""
    less = rng.choice((True, False)) and abs(cents) > by
    return cents - by if less else cents + by


def _cents(text: str) -> int:
    return round(float(text) * 100)


def _money(cents: int) -> str:
    return f"{cents / 100:.2f}"
