"""From a source's columns and spellings to ours: names, money in cents, days."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

REQUIRED: Final = ("account_id", "date", "amount", "balance")
OPTIONAL: Final = ("trans_id", "type", "operation", "k_symbol")
COLUMNS: Final = REQUIRED + OPTIONAL

_PLAIN = re.compile(r"[+-]?\d+(?:\.\d{1,2})?")
_MOST: Final = 10**15
"""Cents; far above any ledger, and sums of thousands of them still fit in 64 bits."""
_SAFE_DIGITS: Final = 15
_ISO_DAY: Final = 10
_NAMES: Final = 20
_SHOWN: Final = 60


class LedgerError(ValueError):
    """A ledger that cannot be used; one line that says what to do. Trying again is no use."""


class Layout(NamedTuple):
    """Where our columns stand in the source's rows, and what else the source has.

    Attributes:
        places: Index of each of our columns that the source has.
        extras: Index and our name of each further column.
    """

    places: dict[str, int]
    extras: tuple[tuple[int, str], ...]


def lay_out(found: Sequence[str], mapping: Mapping[str, str], name: str) -> Layout:
    """Match the source's column names to ours.

    Raises:
        LedgerError: A mapping names what is not there, or a required column is missing.
    """
    names = [column.strip() for column in found]
    lowered = {column.lower(): index for index, column in reversed(list(enumerate(names)))}
    places: dict[str, int] = {}
    for ours, theirs in mapping.items():
        if ours not in COLUMNS:
            raise LedgerError(f"mapping has {ours!r}: expected some of {', '.join(COLUMNS)}")
        if theirs.strip().lower() not in lowered:
            raise LedgerError(f"{name}: no column {theirs!r} for {ours!r}; it has {_listed(names)}")
        places[ours] = lowered[theirs.strip().lower()]
    for ours in COLUMNS:
        if ours in lowered and lowered[ours] not in places.values():
            places.setdefault(ours, lowered[ours])
    missing = [ours for ours in REQUIRED if ours not in places]
    if missing:
        raise LedgerError(
            f"{name}: no column for {', '.join(missing)}; it has {_listed(names)}; "
            f'map them, for example {{"{missing[0]}": "its name there"}}'
        )
    return Layout(places, _extras(names, places))


def _extras(names: Sequence[str], places: Mapping[str, int]) -> tuple[tuple[int, str], ...]:
    reserved = {*COLUMNS, "row_no", "day_no", "signed_amount", "balance_cents", "before_cents"}
    extras: list[tuple[int, str]] = []
    for index, name in enumerate(names):
        if index in places.values():
            continue
        plain = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or f"column_{index + 1}"
        while plain in reserved:
            plain += "_"
        reserved.add(plain)
        extras.append((index, plain))
    return tuple(extras[:50])


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:_SHOWN]) for name in names[:_NAMES])
    return shown + (f" and {len(names) - _NAMES} more" if len(names) > _NAMES else "")


def cents(value: object) -> int:
    """Return an amount of money in cents, rounded half away from zero.

    Reads numbers, and text with a decimal point or comma and with thousands set apart.

    Raises:
        ValueError: It is not a number.
    """
    text = str(value).strip()
    if _PLAIN.fullmatch(text) and len(text) <= _SAFE_DIGITS:
        whole, _, part = text.partition(".")
        return int(whole + (part + "00")[:2])
    try:
        number = Decimal(_with_point(text))
    except InvalidOperation:
        raise ValueError(f"{_shown(value)} is not a number") from None
    if not number.is_finite() or abs(number) * 100 > _MOST:
        raise ValueError(f"{_shown(value)} is not an amount of money")
    return int((number * 100).to_integral_value("ROUND_HALF_UP"))


def _with_point(text: str) -> str:
    bare = re.sub(r"[\s']", "", text)
    if "," not in bare:
        return bare
    if "." in bare:
        decimal = "," if bare.rindex(",") > bare.rindex(".") else "."
        return bare.replace("." if decimal == "," else ",", "").replace(",", ".")
    in_groups = re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", bare)
    return bare.replace(",", "" if in_groups else ".")


def day(value: object) -> str:
    """Return a day as ISO text: from ISO dates and times, 19930131, 930131 or 31.01.1993.

    Raises:
        ValueError: It is none of these.
    """
    text = str(value).strip()
    try:
        # A time of day is dropped: the order inside a day is found out, not believed.
        if len(text) >= _ISO_DAY and text[4] == "-":
            return date.fromisoformat(text[:10]).isoformat()
        if re.fullmatch(r"\d{8}", text):
            return date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:]}").isoformat()
        if re.fullmatch(r"\d{6}", text):
            century = "19" if text[:2] >= "50" else "20"
            return date.fromisoformat(f"{century}{text[:2]}-{text[2:4]}-{text[4:]}").isoformat()
        if parts := re.fullmatch(r"(\d{1,2})\.\s*(\d{1,2})\.\s*(\d{4})", text):
            return date(int(parts[3]), int(parts[2]), int(parts[1])).isoformat()
    except ValueError:
        pass
    raise ValueError(f"{_shown(value)} is not a day: expected one such as 1993-01-31")


def _shown(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")
