"""One prompt with everything in it: what the audit is compared with, not a way that it goes."""

import asyncio
import json

from agents.auditor.tools import account_days, check_balance
from agents.toolkit import ToolContext
from domain.audit import Candidate, LedgerProfile, brief


def one_shot(path: str, candidate: Candidate, profile: LedgerProfile) -> str:
    """Return a candidate's task with all that the tools would show, for a model without them.

    Must not be called on an event loop: it reads the ledger, and takes its time.
    """
    context = ToolContext(run_id="", tenant="", key="", data={"ledger": path})
    account, days = candidate.account_id, {"start": candidate.days[0], "end": candidate.until}
    bookings = asyncio.run(account_days(context, {"account_id": account, **days}))
    day = {"account_id": account, "day": candidate.days[-1]}
    balance = asyncio.run(check_balance(context, day))
    shown = {"bookings": json.loads(bookings), "balance_check": json.loads(balance)}
    return json.dumps(json.loads(brief(candidate, profile)) | shown, ensure_ascii=False)
