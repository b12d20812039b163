"""What the auditor is told about one candidate: the task's text, the same for every model."""

import asyncio
import json
from datetime import date
from typing import Any

from agents.auditor.tools import account_days, check_balance
from agents.toolkit import ToolContext
from domain.audit import Candidate, LedgerProfile


def task(candidate: Candidate, profile: LedgerProfile) -> str:
    """Return the task of the run that looks into `candidate`."""
    notes = "\n".join(f"- {note}" for note in profile.notes)
    return (
        "Find the fault in one account of a ledger, or say that there is none.\n"
        f"Screening says: {candidate.why}.\n"
        f"What is normal in this ledger:\n{notes}\n"
        f"Candidate: {json.dumps(_facts(candidate, profile), ensure_ascii=False)}"
    )


def one_shot(path: str, candidate: Candidate, profile: LedgerProfile) -> str:
    """Return the same task with everything the tools would show, for a single prompt without them.

    It is what the audit is compared with, not a way that the audit goes.
    """
    context = ToolContext(run_id="", tenant="", key="", data={"ledger": path})
    account = candidate.account_id
    start, end = candidate.days[0], candidate.until

    async def shown() -> tuple[str, str]:
        days = {"account_id": account, "start": start, "end": end}
        check = {"account_id": account, "day": candidate.days[-1]}
        return await account_days(context, days), await check_balance(context, check)

    bookings, balance = asyncio.run(shown())
    return f"{task(candidate, profile)}\nBookings: {bookings}\nBalance check: {balance}"


def _facts(candidate: Candidate, profile: LedgerProfile) -> dict[str, Any]:
    opening = candidate.opening_cents

    def text(day: date) -> str:
        return day.isoformat()

    return {
        "account_id": candidate.account_id,
        "first_day": text(candidate.days[0]),
        "break_day": text(candidate.days[-1]),
        "last_day": text(candidate.until),
        "opening_balance": None if opening is None else opening / 100,
        "rounding": profile.tolerance_cents / 100,
        "grain": profile.grain_cents / 100,
    }
