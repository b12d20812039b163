"""The refunds agent's offline rules: what came broken or late is refunded whole."""

import json
import re

from agents.offline import Conversation, Reply, answer, call, told

_ORDER = re.compile(r"\b[A-Z]-\d+\b")
_REFUNDED = re.compile(r"^refunded (\d+) cents", re.MULTILINE)
_OURS = re.compile(r"\b(broken|late|missing|never came|damaged)\b", re.IGNORECASE)


def reply(conversation: Conversation) -> Reply:
    """Find, refund, answer."""
    order_id, reason = _asked(conversation.task)
    found = conversation.results_of("find_order")
    if not found:
        return call("find_order", order_id=order_id)
    if found[-1].text.startswith("error"):
        return _done(order_id, 0, found[-1].text.removeprefix("error: "))
    if told(conversation, "a fault of ours") and not _OURS.search(reason):
        return _done(order_id, 0, "the reason is no fault of ours")
    made = conversation.results_of("refund")
    paid = json.loads(found[-1].text)["paid_cents"]
    if not made:
        return call("refund", order_id=order_id, cents=paid)
    if done := _REFUNDED.search(made[-1].text):
        return _done(order_id, int(done[1]), "it came broken, late or not at all")
    return _done(order_id, 0, made[-1].text[:200])


def _asked(task: str) -> tuple[str, str]:
    """Return the order and the reason, of another agent's request or of a person's words."""
    try:
        given = json.loads(task)
        return given["order_id"], given["reason"]
    except (ValueError, TypeError, KeyError):
        named = _ORDER.search(task)
        return named[0] if named else "", task


def _done(order_id: str, cents: int, note: str) -> Reply:
    return answer({"order_id": order_id, "refunded_cents": cents, "note": note})
