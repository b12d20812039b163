"""The front desk's offline rules: an order's number means a refund, a lawyer means a complaint."""

import json
import re

from agents.offline import Conversation, Reply, answer, call, told

_ORDER = re.compile(r"\b[A-Z]-\d+\b")
_SHARP = re.compile(r"\b(lawyer|rude|complain)", re.IGNORECASE)


def reply(conversation: Conversation) -> Reply:
    """Hand on, ask, or answer."""
    letter = conversation.task
    asked = conversation.results_of("ask_refunds")
    if asked:
        return answer(_said(asked[-1].text))
    if told(conversation, "hand the letter to complaints") and _SHARP.search(letter):
        return call("hand_to_complaints", letter=letter, about="how we treated the customer")
    if found := _ORDER.search(letter):
        return call("ask_refunds", order_id=found[0], reason=letter[:500])
    return answer("Thank you for your letter. We have read it and will write again.")


def _said(result: str) -> str:
    try:
        done = json.loads(result)
    except ValueError:
        return f"We could not settle this yet ({result[:200]}). A colleague will write to you."
    if done["refunded_cents"]:
        return f"We have refunded {done['refunded_cents'] / 100:.2f} for order {done['order_id']}."
    return f"Order {done['order_id']} was not refunded: {done['note']}."
