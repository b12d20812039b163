"""The drill agent's offline rules.

Its task is the script:

`{"steps": [[["drill_look", "a"], ["drill_pay", "b"]], ...], "drafts": 1, "slow_turn": 2,
"latency_ms": 4000}`: the calls of each turn, then so many drafts before the answer. A call of
`drill_ask` finds the script for the run below in `"asks"`, by its item.
"""

import json
from typing import Any

from agents.offline import Conversation, Reply, answer, calls


def reply(conversation: Conversation) -> Reply:
    """Make the first step's calls that have not gone through yet, else answer."""
    script = json.loads(conversation.task)
    done = {
        (result.name, str(result.arguments.get("item")))
        for result in conversation.results
        if not result.text.startswith("error")
    }
    for step in script.get("steps", ()):
        asks = script.get("asks", {})
        left = [
            (name, {"item": item, **asks.get(item, {})})
            for name, item in step
            if (name, item) not in done
        ]
        if left:
            return calls(left)
    return answer(_answer(conversation, script))


def _answer(conversation: Conversation, script: dict[str, Any]) -> str:
    refused = sum(
        said.role == "user" and said.text.startswith("The answer was refused")
        for said in conversation.messages
    )
    return f"draft {refused + 1}" if refused < int(script.get("drafts", 0)) else "done"


def latency_ms(conversation: Conversation) -> float:
    """Think long in the turn that the script names."""
    script = json.loads(conversation.task)
    return float(script.get("latency_ms", 0)) if conversation.turn == script.get("slow_turn") else 0
