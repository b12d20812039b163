"""The bench agent's offline rules.

Its task is the script: `{"turns": 200, "result_bytes": 8000, "latency_ms": 0}`.
"""

import json
from typing import Any, cast

from agents.offline import Conversation, Reply, answer, call


def reply(conversation: Conversation) -> Reply:
    """Look up one key a turn until the script's turns are done."""
    script = _script(conversation)
    turn = len(conversation.results)
    if turn < int(script.get("turns", 10)):
        return call("lookup", key=f"{turn}|{script.get('result_bytes', 2000)}")
    return answer("done")


def latency_ms(conversation: Conversation) -> float:
    """Take as long as the script says, as a model that thinks would."""
    return float(_script(conversation).get("latency_ms", 0))


def _script(conversation: Conversation) -> dict[str, Any]:
    script: Any = json.loads(conversation.task)
    if not isinstance(script, dict):
        raise TypeError(f"task {conversation.task!r}: expected a JSON object")
    return cast("dict[str, Any]", script)
