"""The courier's offline rules: price, pick-up, answer; or the calls that a script names.

Where the task has rounds, as in `{"parcel": "p", "turns": 9, "rounds": [["quote"], ["book"]]}`,
it is load for measurements: turn by turn what the rounds say is asked of the carrier, for a parcel
of its own each time, whatever comes of it, and with `"until": "back"` only until a carrier that was
away has answered again. `latency_ms` is how long each turn thinks.
"""

import json
from typing import Any

from agents.offline import Conversation, Reply, answer, call, calls, told


def reply(conversation: Conversation) -> Reply:
    """Take the next step."""
    task = json.loads(conversation.task)
    if "rounds" in task:
        return _scripted(conversation, task)
    parcel = str(task["parcel"])
    priced = conversation.results_of("carrier_quote")
    if not priced:
        return call("carrier_quote", parcel=parcel)
    booked = conversation.results_of("carrier_book")
    if not booked:
        return call("carrier_book", parcel=parcel)
    honest = told(conversation, "Never say that something was booked")
    away = honest and booked[-1].text.startswith("error")
    return answer(f"{priced[-1].text}; {'not booked: the carrier is away' if away else 'booked'}")


def _scripted(conversation: Conversation, task: dict[str, Any]) -> Reply:
    turn = conversation.turn - 1
    if turn >= int(task["turns"]) or (task.get("until") == "back" and _is_back(conversation)):
        return answer("done")
    asked = task["rounds"][turn % len(task["rounds"])]
    return calls(
        (f"carrier_{what}", {"parcel": f"{task['parcel']}-{turn}-{number}"})
        for number, what in enumerate(asked)
    )


def _is_back(conversation: Conversation) -> bool:
    """Whether all of the carrier that was away has answered since."""
    away: dict[str, list[bool]] = {}
    for result in conversation.results:
        gone = "error" in result.text or "tariff" in result.text
        away.setdefault(result.name, []).append(gone)
    were = [each for each in away.values() if any(each)]
    return bool(were) and not any(each[-1] for each in were)


def latency_ms(conversation: Conversation) -> float:
    """Take as long as the script says."""
    return float(json.loads(conversation.task).get("latency_ms", 0))
