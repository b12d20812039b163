"""How a report says things: money from cents, spans of time, and foreign text made visible."""

import json
import math
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, NamedTuple, cast

from domain.audit import Evidence, FaultKind
from domain.auditing import Checked

STAND_IN: Final = "offline stand-in"
_MOST: Final = 1e15
_BRIEF, _MINUTE, _DAY = 0.1, 60, 24
# Format and control characters can hide text or turn it around (Trojan Source); surrogates
# cannot be written as UTF-8 at all. Nothing in a report may look other than it is.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_LAYOUT: Final = frozenset("\t\n\r")

FAULTS: Final[dict[FaultKind, str]] = {
    "amount": "amount altered",
    "balance": "balance altered",
    "duplicate": "booked twice",
    "missing": "booking missing before",
    "sign": "sign reversed",
}


class Amounts(NamedTuple):
    """What a finding says in figures, as money.

    Attributes:
        of: What the two figures are: a balance or an amount.
        by_model: What the model wrote, where that differs from what the ledger says.
    """

    of: str
    recorded: str
    expected: str
    difference: str
    by_model: str = ""


class Booked(NamedTuple):
    """One row of evidence, as the second check records it."""

    trans_id: str
    day: str
    signed: str
    balance: str


def visible(text: str) -> str:
    """Return `text` with every character that is not seen spelled out: `[U+202E]`."""
    return "".join(
        f"[U+{ord(char):04X}]"
        if char not in _LAYOUT and unicodedata.category(char) in _UNSEEN
        else char
        for char in text
    )


def money(cents: int) -> str:
    """Return cents as an amount, to the cent: `-1,234.05`."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{rest:02d}"


def claimed(value: float) -> str:
    """Return a figure that a model wrote, as an amount; whatever it wrote."""
    if not math.isfinite(value) or abs(value) >= _MOST:
        return f"{value:g}"
    return money(_cents(value))


def usd(cost: Decimal) -> str:
    """Return dollars, with the digits that small amounts need."""
    return f"{cost:,.2f} USD" if not cost or cost >= 1 else f"{cost:.4f} USD"


def duration(seconds: float) -> str:
    """Return a span of time as a person says it: `40 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`."""
    if seconds < _BRIEF:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes} min" if hours < _DAY else f"{hours // _DAY} d {hours % _DAY} h"


def percent(share: float) -> str:
    """Return a confidence, 0 to 1, as a percentage."""
    return f"{share:.0%}"


def amounts(checked: Checked) -> Amounts | None:
    """Return a candidate's figures: the ledger's own where it bears the finding out."""
    finding = checked.answer.finding if checked.answer else None
    if finding is None:
        return None
    of = "balance" if finding.kind == "balance" else "amount"
    told = claimed(finding.recorded), claimed(finding.expected)
    proof = checked.confirmation
    if proof is None or proof.recorded_cents is None or proof.expected_cents is None:
        usable = all(
            math.isfinite(n) and abs(n) < _MOST for n in (finding.recorded, finding.expected)
        )
        gap = money(_cents(finding.expected) - _cents(finding.recorded)) if usable else "unknown"
        return Amounts(of, *told, gap)
    known = money(proof.recorded_cents), money(proof.expected_cents)
    by_model = f"{told[0]} recorded, {told[1]} expected" if told != known else ""
    return Amounts(of, *known, money(proof.expected_cents - proof.recorded_cents), by_model)


def bookings(evidence: Evidence) -> list[Booked] | None:
    """Return evidence as bookings, None where it holds something else."""
    try:
        rows = json.loads(evidence.result)
    except ValueError:
        return None
    if not isinstance(rows, list):
        return None
    return _booked(cast("list[Any]", rows))


def _booked(rows: list[Any]) -> list[Booked] | None:
    found: list[Booked] = []
    for row in rows:
        match row:
            case [trans_id, day, int(signed), int(balance)]:
                found.append(Booked(str(trans_id), str(day), money(signed), money(balance)))
            case _:
                return None
    return found


def _cents(value: float) -> int:
    return int((Decimal(str(value)) * 100).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def is_stand_in(model: str) -> bool:
    """Whether what answered was the offline model."""
    return model.startswith(STAND_IN)
