"""A made-up ledger to try the audit on: no bank's data, but with a bank's two traps in it.

Days hold several bookings in no order, and interest is rounded to a tenth, so that a check that
takes the rows as they come cries wolf. Faults are put in afterwards, and listed.
"""

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Final, NamedTuple

from agents.auditor.faults import Planted, Rows, inject

COLUMNS: Final = (
    "trans_id", "account_id", "date", "type", "operation", "amount", "balance", "k_symbol",
)  # fmt: skip
_FIRST: Final = date(2024, 1, 1)
_TENTH: Final = Decimal("0.1")
_RATE: Final = Decimal("0.0021")
"""Interest a month."""


class _Plan(NamedTuple):
    """What an account does every month: signed amounts in whole units, and their days."""

    salary: int
    rent: int
    insurance: int
    pay_day: int
    rent_day: int


class _Move(NamedTuple):
    day: date
    signed: Decimal
    type: str
    operation: str
    k_symbol: str


def sample(
    seed: int = 7, accounts: int = 40, months: int = 9, faults: int = 8
) -> tuple[Rows, list[Planted]]:
    """Return a ledger with `faults` faults planted in it, and their list."""
    rng = random.Random(seed)  # noqa: S311 - made-up data
    rows: Rows = []
    numbers = rng.sample(range(1000, 9999), accounts)
    for number in sorted(numbers):
        rows.extend(_account(str(number), months, rng))
    # Rows of one day are shuffled over all accounts: the file says nothing about booking order.
    rng.shuffle(rows)
    rows.sort(key=lambda row: row["date"])
    for place, row in enumerate(rows):
        row["trans_id"] = str(500_001 + place)
    return inject(rows, seed, faults)


def write_sample(path: Path, seed: int = 7) -> list[Planted]:
    """Write the ledger to `path` and its labels beside it, and return what was planted."""
    rows, planted = sample(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, COLUMNS, rows)
    labels = [{name: str(value) for name, value in asdict(each).items()} for each in planted]
    _write(labels_of(path), ("account_id", "date", "trans_id", "kind"), labels)
    return planted


def labels_of(path: Path) -> Path:
    """Return where the labels of a written ledger are."""
    return path.with_name(f"{path.stem}_labels.csv")


def _write(path: Path, columns: Sequence[str], rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _account(number: str, months: int, rng: random.Random) -> Iterator[dict[str, str]]:
    plan = _Plan(
        salary=rng.randint(120, 450) * 100,
        rent=rng.randint(30, 90) * 100 + rng.choice([0, 50, 7]),
        insurance=rng.randint(3, 15) * 100 + rng.randint(0, 99),
        pay_day=rng.randint(5, 14),
        rent_day=rng.randint(2, 25),
    )
    exact = Decimal(0)
    for move in _moves(plan, months, rng):
        signed = move.signed
        if move.k_symbol == "INTEREST":
            # Kept exactly, shown rounded: this is what makes balances miss by a tenth.
            signed = max(exact, Decimal(0)) * _RATE
            if signed < _TENTH:
                continue
        exact += signed
        yield {
            "trans_id": "",
            "account_id": number,
            "date": move.day.isoformat(),
            "type": move.type,
            "operation": move.operation,
            "amount": _money(abs(signed)),
            "balance": _money(exact),
            "k_symbol": move.k_symbol,
        }


def _moves(plan: _Plan, months: int, rng: random.Random) -> list[_Move]:
    moves = [_Move(_FIRST, Decimal(rng.randint(5, 30) * 100), "CREDIT", "CASH IN", "")]
    for month in range(months):
        first = (_FIRST.replace(day=28) + timedelta(days=31 * month)).replace(day=1)
        moves.extend(_month(first, plan, rng))
    # Sorted by day alone: inside a day the order of booking stays the one that is made up.
    return sorted(moves, key=lambda move: move.day)


def _month(first: date, plan: _Plan, rng: random.Random) -> Iterator[_Move]:
    def on(day: int) -> date:
        return first + timedelta(days=day - 1)

    yield _Move(on(plan.pay_day), Decimal(plan.salary), "CREDIT", "TRANSFER IN", "SALARY")
    yield _Move(on(plan.rent_day), Decimal(-plan.rent), "DEBIT", "TRANSFER OUT", "HOUSEHOLD")
    yield _Move(on(plan.rent_day), Decimal(-plan.insurance), "DEBIT", "TRANSFER OUT", "INSURANCE")
    left = plan.salary - plan.rent - plan.insurance
    for _ in range(rng.randint(1, 3)):
        cash = Decimal(max(1, int(left * rng.uniform(0.05, 0.3) / 100)) * 100)
        yield _Move(on(rng.randint(2, 27)), -cash, "DEBIT", "CASH OUT", "")
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    yield _Move(last, Decimal(0), "CREDIT", "", "INTEREST")
    yield _Move(last, Decimal("-14.60"), "DEBIT", "CASH OUT", "FEE")


def _money(value: Decimal) -> str:
    return f"{value.quantize(_TENTH, ROUND_HALF_UP):.2f}"
