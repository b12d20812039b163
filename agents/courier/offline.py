"""The courier's offline rules: price, pick-up, answer; or the calls that a script names.

A script is `{"steps": [[["carrier_track", "p-1"], ...], ...], "latency_ms": 0}`: the calls of
each turn, each made once, whatever comes of it.
"""

import json
from typing import Any

from agents.offline import Conversation, Reply, answer, call, calls


def reply(conversation: Conversation) -> Reply:
    """Take the next step."""
    task = json.loads(conversation.task)
    if "steps" in task:
        return _scripted(conversation, task)
    parcel = str(task["parcel"])
    priced = conversation.results_of("carrier_quote")
    if not priced:
        return call("carrier_quote", parcel=parcel)
    booked = conversation.results_of("carrier_book")
    if not booked:
        return call("carrier_book", parcel=parcel)
    return answer(f"{priced[-1].text}; {booked[-1].text}")


def _scripted(conversation: Conversation, task: dict[str, Any]) -> Reply:
    turn = conversation.turn - 1
    if turn < len(task["steps"]):
        return calls((name, {"parcel": parcel}) for name, parcel in task["steps"][turn])
    return answer("done")


def latency_ms(conversation: Conversation) -> float:
    """Take as long as the script says."""
    return float(json.loads(conversation.task).get("latency_ms", 0))
