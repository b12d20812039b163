"""The second check of a finding: its own queries, its own reasoning, none of the model's words.

Screening searches for an order of bookings. This counts instead: between two sure balances every
balance has to be left as often as it is reached. What is reached and not left, or left and not
reached, are loose ends, and each kind of fault leaves its own pattern of them. Of a finding only
the account, the booking and the kind are used; the numbers that are reported come from here.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Final, NamedTuple

from agents.auditor.chain import Booking, Normal, unmatched
from agents.auditor.ledger import connect
from agents.auditor.localise import Kind, Reading
from agents.auditor.profile import normal
from agents.auditor.usual import likelihoods
from domain.audit import Confirmation, Evidence, Finding, LedgerProfile

BOOKING: Final = """
SELECT row_no, trans_id, date, signed_amount, balance_cents, day_no,
       type || ' / ' || operation || ' / ' || k_symbol
FROM transactions WHERE account_id = :account AND trans_id = :trans_id AND date = :day
ORDER BY row_no
"""
# From the last day before with a single booking to the first one after: between them any order.
BOUNDS: Final = """
WITH single AS (
    SELECT day_no FROM transactions WHERE account_id = :account
    GROUP BY day_no HAVING count(*) = 1
)
SELECT coalesce((SELECT max(day_no) FROM single WHERE day_no < :day_no), 0),
       coalesce((SELECT min(day_no) FROM single WHERE day_no > :day_no), 1 << 30)
"""
STRETCH: Final = """
SELECT row_no, trans_id, date, signed_amount, balance_cents, day_no,
       type || ' / ' || operation || ' / ' || k_symbol
FROM transactions WHERE account_id = :account AND day_no BETWEEN :first AND :last
ORDER BY day_no, row_no
"""
_SHOWN: Final = 12
_BOTH_SIDES: Final = 2
"""An altered balance breaks the chain before the booking and after it."""


class Found(NamedTuple):
    """A booking, and the number of its day within the account."""

    booking: Booking
    day_no: int


class Loose(NamedTuple):
    """Balances that are reached and not left, and those that are left and not reached."""

    ends: tuple[int, ...]
    starts: tuple[int, ...]


class Case(NamedTuple):
    """All that the ledger says around one booking."""

    account: str
    around: tuple[Found, ...]
    loose: tuple[Loose, ...]
    evidence: tuple[Evidence, ...]


def confirm(path: str, profile: LedgerProfile, finding: Finding) -> Confirmation:
    """Return whether the ledger bears `finding` out."""
    with closing(connect(path)) as connection:
        values = {
            "account": finding.account_id,
            "trans_id": finding.trans_id,
            "day": finding.date.isoformat(),
        }
        rows = [_found(row) for row in connection.execute(BOOKING, values)]
        asked = _evidence(BOOKING, values, rows)
        if not rows:
            return Confirmation(
                confirmed=False,
                reason=f"account {finding.account_id!r} has no transaction {finding.trans_id!r} "
                f"on {finding.date}",
                evidence=(asked,),
            )
        found: dict[Kind, Reading] = {}
        case = examine(connection, finding.account_id, rows[0].day_no, normal(profile))
        for row in rows:
            found = {**supported(connection, case, row, normal(profile)), **found}
    return _verdict(finding, found, (asked, *case.evidence), case.loose[0])


def _verdict(
    finding: Finding,
    found: dict[Kind, Reading],
    evidence: tuple[Evidence, ...],
    loose: Loose,
) -> Confirmation:
    reading = found.get(finding.kind)
    if reading is not None:
        return Confirmation(
            confirmed=True,
            reason=f"{_patterns[finding.kind]}: {_listed(loose)}",
            supported=finding.kind,
            recorded_cents=reading.recorded,
            expected_cents=reading.expected,
            evidence=evidence,
        )
    other = next(iter(found), "")
    if other:
        why = f"for transaction {finding.trans_id!r} the ledger supports {other!r}"
    elif loose.ends or loose.starts:
        why = f"no fault of transaction {finding.trans_id!r} explains it"
    else:
        why = "every balance around it is continued"
    reason = f"{finding.kind!r} is not borne out: {why}; {_listed(loose)}"
    return Confirmation(confirmed=False, reason=reason, supported=other, evidence=evidence)


_patterns: Final[dict[Kind, str]] = {
    "sign": "with the sign turned, the booking starts where the balance was left",
    "duplicate": "without the copy, every balance is continued",
    "balance": "with the amount kept, one other balance mends both breaks",
    "amount": "with the balance kept, one other amount mends the break, and it is a usual one",
    "missing": "one booking more mends the break, and recorded and missing amounts are usual",
}


def examine(connection: sqlite3.Connection, account: str, day_no: int, normal: Normal) -> Case:
    """Return the bookings around a day of an account and the loose ends among them."""
    bounds = {"account": account, "day_no": day_no}
    first, last = connection.execute(BOUNDS, bounds).fetchone()
    values = {"account": account, "first": first, "last": last}
    around = tuple(_found(row) for row in connection.execute(STRETCH, values))
    loose = tuple(loose_ends(around, day_no, normal))
    return Case(account, around, loose, (_evidence(STRETCH, values, around),))


def loose_ends(around: Sequence[Found], day_no: int, normal: Normal) -> list[Loose]:
    """Match balances that are reached to balances that are left; return what is left over.

    The first and the last day bound the stretch if they are single and not the day in question.
    At an account's very beginning or end one balance of that day is free to be anything, and
    which one is not known: then there are several results.
    """
    alone = Counter(found.day_no for found in around)
    first, last = around[0].day_no, around[-1].day_no
    opens = first >= day_no or alone[first] > 1
    closes = last <= day_no or alone[last] > 1
    ends = [f.booking.balance for f in around if closes or f.day_no != last]
    starts = [f.booking.before for f in around if opens or f.day_no != first]
    ends, starts = unmatched(ends, starts, normal)
    firsts = {f.booking.before for f in around if f.day_no == first} if opens else set[int]()
    lasts = {f.booking.balance for f in around if f.day_no == last} if closes else set[int]()
    return [
        Loose(some_ends, some_starts)
        for some_starts in _freed(starts, firsts)
        for some_ends in _freed(ends, lasts)
    ]


def _freed(values: list[int], free: set[int]) -> list[tuple[int, ...]]:
    """Return `values` with one of the `free` ones taken out, in every way there is."""
    kept = [
        tuple(values[:at] + values[at + 1 :]) for at, value in enumerate(values) if value in free
    ]
    return list(dict.fromkeys(kept)) or [tuple(values)]


def supported(
    connection: sqlite3.Connection, case: Case, found: Found, normal: Normal
) -> dict[Kind, Reading]:
    """Return the kind of fault of one booking that the loose ends bear out, at most one."""
    for loose in case.loose:
        if kinds := _supported(connection, case, found, loose, normal):
            return kinds
    return {}


def _supported(
    connection: sqlite3.Connection, case: Case, found: Found, loose: Loose, normal: Normal
) -> dict[Kind, Reading]:
    booking = found.booking
    if len(loose.ends) == len(loose.starts) == _BOTH_SIDES:
        return _balance(booking, loose, normal)
    if len(loose.ends) != 1 or len(loose.starts) != 1:
        return {}
    end, start = loose.ends[0], loose.starts[0]
    if (reading := _duplicate(case, found, loose)) is not None:
        return {"duplicate": reading}
    if not normal.continues(start, booking.before):
        return {}
    turned = booking.balance + booking.signed
    if abs(turned - end) <= normal.tolerance and 2 * abs(booking.signed) > normal.tolerance:
        return {"sign": Reading("sign", booking, booking.signed, -booking.signed, end)}
    return _likelier(connection, case.account, booking, end, normal)


def _balance(booking: Booking, loose: Loose, normal: Normal) -> dict[Kind, Reading]:
    if booking.balance not in loose.ends or booking.before not in loose.starts:
        return {}
    ends, starts = list(loose.ends), list(loose.starts)
    ends.remove(booking.balance)
    starts.remove(booking.before)
    end, start = ends[0], starts[0]
    mended = end + booking.signed
    # Two roundings meet here: the one before the booking and the one after it.
    if abs(mended - start) > 2 * normal.tolerance:
        return {}
    return {"balance": Reading("balance", booking, booking.balance, mended, end)}


def _duplicate(case: Case, found: Found, loose: Loose) -> Reading | None:
    """Return the reading that `found` was booked twice, if taking one copy out mends it all."""
    own = found.booking
    twins = [
        other.booking
        for other in case.around
        if other.booking.row != own.row
        and other.day_no == found.day_no
        and (other.booking.signed, other.booking.label) == (own.signed, own.label)
    ]
    for twin in twins:
        # Of equal copies the first is the original.
        first = own.row < twin.row or own.balance != twin.balance
        if first and (twin.balance, twin.before) == (loose.ends[0], loose.starts[0]):
            return Reading("duplicate", own, own.signed, 0, twin=twin)
    return None


def _likelier(
    connection: sqlite3.Connection, account: str, booking: Booking, end: int, normal: Normal
) -> dict[Kind, Reading]:
    mended, gap = booking.balance - end, booking.before - end
    readings = [Reading("missing", booking, 0, gap, end)]
    if mended * booking.signed > 0 or (mended and not booking.signed):
        readings.append(Reading("amount", booking, booking.signed, mended, end))
    usual = likelihoods(connection, account, readings, normal)
    best = max(readings, key=lambda reading: usual[reading.kind, booking.row])
    return {best.kind: best}


def _found(row: tuple[int, str, str, int, int, int, str]) -> Found:
    number, trans_id, day, signed, balance, day_no, label = row
    return Found(Booking(number, trans_id, day, signed, balance, label), day_no)


def _evidence(sql: str, values: Mapping[str, str | int], found: Sequence[Found]) -> Evidence:
    text = " ".join(sql.split())
    for name, value in sorted(values.items(), key=lambda item: -len(item[0])):
        quoted = str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
        text = text.replace(f":{name}", quoted)
    shown = [
        [f.booking.trans_id, f.booking.day, f.booking.signed, f.booking.balance]
        for f in found[:_SHOWN]
    ]
    return Evidence(sql=text, rows=len(found), result=json.dumps(shown))


def _listed(loose: Loose) -> str:
    def money(values: Sequence[int]) -> str:
        return ", ".join(f"{value / 100:.2f}" for value in values[:4]) or "none"

    return f"reached and not left: {money(loose.ends)}; left and not reached: {money(loose.starts)}"
