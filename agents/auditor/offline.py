"""The offline stand-in's rules for the auditor: it sees the conversation and nothing else.

It works as the prompt says: looks at the bookings, finds the change that mends the break, checks
the balance, reports. It knows of the ledger only what tools have answered.
"""

import json
import random
from typing import Any, Final, NamedTuple, cast

from agents.auditor.chain import START, Booking, Normal, State, by_day
from agents.auditor.localise import Reading, Window, best, choose, readings
from agents.offline import Conversation, Reply, answer, call

_SURE: Final[dict[str, float]] = {"sign": 0.98, "duplicate": 0.98, "balance": 0.95}
_UNDECIDED: Final = 0.82
"""Where only the kind is in doubt: that this booking does not fit is sure all the same."""
_AHEAD: Final = 3
_PLAN: Final[dict[str, list[dict[str, object]]]] = {
    "steps": [
        {"action": "look at the account's bookings", "tools": ["account_days"]},
        {"action": "find the change that mends the break and check it", "tools": ["check_balance"]},
        {"action": "report what the results prove", "tools": []},
    ]
}


class _Case(NamedTuple):
    """The candidate as the task states it."""

    account_id: str
    first_day: str
    break_day: str
    last_day: str
    opening_cents: int | None


def reply(conversation: Conversation) -> Reply:
    """Look, check, report; without tools, answer from what the prompt holds."""
    if conversation.asks_plan:
        return answer(_PLAN)
    case = _case(conversation.task)
    if case is None:
        return _nothing("the task names no candidate: expected JSON with 'candidate'", [])
    if not conversation.tools:
        return one_shot(conversation)
    shown = _last(conversation, "account_days")
    return _look(conversation, case) if shown is None else _check(conversation, case, shown)


def _look(conversation: Conversation, case: _Case) -> Reply:
    if conversation.results_of("account_days"):
        return _nothing("the bookings could not be read", [])
    return call("account_days", account_id=case.account_id, start=case.first_day, end=case.last_day)


def _check(conversation: Conversation, case: _Case, shown: dict[str, Any]) -> Reply:
    found = best(_readings(case, shown))
    checked = _last(conversation, "check_balance")
    if checked is not None:
        return _report(case, found, shown, checked)
    if conversation.results_of("check_balance"):
        return _nothing("the balance could not be checked", [shown["query"]])
    day = found[0].booking.day if found else case.break_day
    return call("check_balance", account_id=case.account_id, day=day)


def one_shot(conversation: Conversation) -> Reply:
    """Answer at once from a prompt that holds the bookings and the balance check."""
    case = _case(conversation.task)
    task = _object(conversation.task) or {}
    shown, checked = task.get("bookings"), task.get("balance_check")
    if case is None or shown is None or checked is None:
        return _nothing("the prompt holds no candidate with its bookings", [])
    return _report(case, best(_readings(case, shown)), shown, checked)


def invent(conversation: Conversation, said: Reply, rng: random.Random) -> Reply:
    """Return an answer with a made-up finding, as a model that is sure of itself would."""
    if said.calls or conversation.asks_plan:
        return said
    case = _case(conversation.task)
    if case is None:
        return said
    task = _object(conversation.task) or {}
    shown = _last(conversation, "account_days") or task.get("bookings")
    rows: list[list[Any]] = (shown or {}).get("rows", [])
    row = rng.choice(rows) if rows else [str(rng.randint(1, 4_000_000)), case.break_day]
    amount = round(rng.uniform(100, 9_000), 2)
    invented = {
        "account_id": case.account_id if rng.choice((True, False)) else str(rng.randint(1, 12_000)),
        "date": row[1],
        "trans_id": row[0] if rng.choice((True, False)) else str(rng.randint(1, 4_000_000)),
        "kind": rng.choice(["amount", "balance", "duplicate", "missing", "sign"]),
        "recorded": amount,
        "expected": round(amount * rng.uniform(0.2, 3), 2),
    }
    queries = [shown["query"]] if shown else []
    reason = f"The booking {invented['trans_id']} of {row[1]} does not fit the account."
    return answer(
        {
            "verdict": "finding",
            "finding": invented,
            "reason": reason,
            "evidence": queries,
            "confidence": round(rng.uniform(0.8, 0.99), 2),
        }
    )


def _report(
    case: _Case, found: list[Reading], shown: dict[str, Any], checked: dict[str, Any]
) -> Reply:
    queries = [shown["query"], checked["query"]]
    usual = {
        (said["kind"], reading.booking.row): float(said["likelihood"])
        for said in checked.get("if_undecided", [])
        for reading in found
        if reading.kind == said["kind"] and reading.booking.trans_id == said["trans_id"]
    }
    chosen = choose(found, usual)
    if chosen is None:
        more = "; more bookings than could be shown" if shown.get("more") else ""
        return _nothing(f"no single change mends the break of {case.break_day}{more}", queries)
    if checked.get("adds_up"):
        return _nothing(f"every balance around {checked['day']} is continued", queries)
    return answer(
        {
            "verdict": "finding",
            "finding": {
                "account_id": case.account_id,
                "date": chosen.booking.day,
                "trans_id": chosen.booking.trans_id,
                "kind": chosen.kind,
                "recorded": chosen.recorded / 100,
                "expected": chosen.expected / 100,
            },
            "reason": _because(chosen),
            "evidence": queries,
            "confidence": _confidence(chosen, usual),
        }
    )


def _because(chosen: Reading) -> str:
    met = "" if chosen.met is None else f" after a balance of {chosen.met / 100:.2f}"
    what = {
        "sign": "with the sign of its amount turned, every balance is continued",
        "duplicate": "it is booked twice; without the copy every balance is continued",
        "balance": f"with the balance {chosen.expected / 100:.2f} both breaks go away",
        "amount": f"with the amount {chosen.expected / 100:.2f} every balance is continued",
        "missing": f"a booking of {chosen.expected / 100:.2f} is missing before it",
    }[chosen.kind]
    return f"Booking {chosen.booking.trans_id} of {chosen.booking.day}{met}: {what}."


def _confidence(chosen: Reading, usual: dict[tuple[Any, int], float]) -> float:
    if chosen.kind in _SURE:
        return _SURE[chosen.kind]
    share = usual.get((chosen.kind, chosen.booking.row), 0.0) / (sum(usual.values()) or 1)
    return round(_UNDECIDED + (0.95 - _UNDECIDED) * share, 2)


def _readings(case: _Case, shown: dict[str, Any]) -> list[Reading]:
    """Return what would mend the break; fewer days after it where another fault is near."""
    days = by_day(_bookings(shown))
    if shown.get("more") and days and days[-1][0].day > case.break_day:
        days.pop()  # cut off somewhere in its middle
    at = next((i for i, day in enumerate(days) if day[0].day == case.break_day), None)
    if at is None:
        return []
    opening = START if case.opening_cents is None else State(case.opening_cents)
    normal = Normal(_cents(shown["rounding"]), max(1, _cents(shown["grain"])))
    for ahead in range(_AHEAD, -1, -1):
        window = Window(
            frozenset([opening]), tuple(tuple(day) for day in days[: at + 1 + ahead]), at
        )
        if found := readings(window, normal):
            return found
    return []


def _bookings(shown: dict[str, Any]) -> list[Booking]:
    bookings: list[Booking] = []
    for number, values in enumerate(shown["rows"]):
        row = dict(zip(shown["columns"], values, strict=True))
        label = f"{row['type']} / {row['operation']} / {row['k_symbol']}"
        bookings.append(
            Booking(
                number,
                row["trans_id"],
                row["date"],
                _cents(row["signed"]),
                _cents(row["balance"]),
                label,
            )
        )
    return bookings


def _nothing(reason: str, queries: list[str]) -> Reply:
    return answer(
        {
            "verdict": "no_finding",
            "finding": None,
            "reason": reason,
            "evidence": queries,
            "confidence": 0.5,
        }
    )


def _case(task: str) -> _Case | None:
    try:
        facts = (_object(task) or {})["candidate"]
        return _Case(
            account_id=facts["account_id"],
            first_day=facts["days"][0],
            break_day=facts["days"][-1],
            last_day=facts["until"],
            opening_cents=facts.get("opening_cents"),
        )
    except (KeyError, IndexError, TypeError):
        return None


def _last(conversation: Conversation, tool: str) -> dict[str, Any] | None:
    """Return the newest result of `tool` that is one, not an error told in words."""
    for result in reversed(conversation.results_of(tool)):
        if (parsed := _object(result.text)) is not None and "query" in parsed:
            return parsed
    return None


def _object(text: str) -> dict[str, Any] | None:
    try:
        # A warning may stand around a result; the result is the object in it.
        start, end = text.index("{"), text.rindex("}")
        value: Any = json.loads(text[start : end + 1])
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _cents(value: float) -> int:
    return round(value * 100)
