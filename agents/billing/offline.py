"""The billing agent's offline rules; asked to invent, it is wrong in one of eight ways."""

import json
import random
import re
from typing import Any, Final

from agents.billing.inventing import wrong_answer, wrong_credit
from agents.offline import Conversation, Reply, answer, call, told

_DONE: Final = re.compile(r"^credited \d+ cents", re.MULTILINE)
_MOST_TRIES: Final = 3


def reply(conversation: Conversation) -> Reply:
    """Read, credit, answer."""
    task = json.loads(conversation.task)
    read = conversation.results_of("read_account")
    if not read or read[-1].text.startswith(("error", "refused")):
        return call("read_account", customer=task["customer"])
    account = json.loads(read[-1].text)
    named = task.get("credit", "")
    row = next((each for each in account["invoices"] if each["invoice_id"] == named), None)
    tried = conversation.results_of("credit")
    # A warning may stand before a result.
    done = [each for each in tried if _DONE.search(each.text)]
    due = row and (row["delivered"] == "no" or not told(conversation, "was not delivered"))
    if row and due and not done and not _given_up(tried):
        return call("credit", invoice_id=named, cents=row["billed_cents"])
    return _answer(account, row["billed_cents"] if row and done else 0)


def _given_up(tried: list[Any]) -> bool:
    return any(each.text.startswith("not approved") for each in tried) or len(tried) > _MOST_TRIES


def _answer(account: dict[str, Any], credited: int) -> Reply:
    unpaid = [each for each in account["invoices"] if each["open_cents"]]
    note = f"The oldest due date is {account['oldest_due']}." if unpaid else "Nothing is owed."
    return answer(
        {
            "customer": account["customer"],
            "invoices": [
                {name: each[name] for name in ("invoice_id", "item", "open_cents")}
                for each in unpaid
            ],
            "total_open_cents": account["total_open_cents"],
            "credited_cents": credited,
            "note": note,
        }
    )


def invent(conversation: Conversation, said: Reply, rng: random.Random) -> Reply:
    """Return the same with something in it that is not so."""
    read = conversation.results_of("read_account")
    if not read or read[-1].text.startswith(("error", "refused")):
        return said
    account = json.loads(read[-1].text)
    if not said.calls:
        return answer(wrong_answer(json.loads(said.text), account, rng))
    made = said.calls[0]
    if made.name != "credit" or isinstance(made.arguments, str):
        return said
    return call("credit", **wrong_credit(made.arguments, account, rng))
