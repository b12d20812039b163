"""The refunds agent's offline rules: what came broken or late is refunded whole."""

import json
import re

from agents.offline import Conversation, Reply, answer, call, told

_OURS = re.compile(r"\b(broken|late|missing|never came|damaged)\b", re.IGNORECASE)


def reply(conversation: Conversation) -> Reply:
    """Find, refund, answer."""
    task = json.loads(conversation.task)
    order_id = task["order_id"]
    found = conversation.results_of("find_order")
    if not found:
        return call("find_order", order_id=order_id)
    if found[-1].text.startswith("error"):
        return _done(order_id, 0, found[-1].text.removeprefix("error: "))
    if told(conversation, "a fault of ours") and not _OURS.search(task["reason"]):
        return _done(order_id, 0, "the reason is no fault of ours")
    made = conversation.results_of("refund")
    paid = json.loads(found[-1].text)["paid_cents"]
    if not made:
        return call("refund", order_id=order_id, cents=paid)
    if made[-1].text.startswith("refunded"):
        return _done(order_id, paid, "it came broken, late or not at all")
    return _done(order_id, 0, made[-1].text[:200])


def _done(order_id: str, cents: int, note: str) -> Reply:
    return answer({"order_id": order_id, "refunded_cents": cents, "note": note})
