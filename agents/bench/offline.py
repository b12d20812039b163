"""The bench agent's offline rules.

Its task is the script: `{"turns": 200, "result_bytes": 8000, "latency_ms": 0, "parallel": 1}`; with
`"slip"` the second call is wrong: `type` (an argument), `unknown` (the tool), `error` (the tool
fails on what it is given).
"""

import json
from typing import Any, Final, cast

from agents.offline import Conversation, Reply, answer, calls

# A superscript passes for a digit, and is no number.
_SLIPS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "type": ("lookup", {"key": 7}),
    "unknown": ("look_up_all", {"key": "1|200"}),
    "error": ("lookup", {"key": "1|²"}),
}


def reply(conversation: Conversation) -> Reply:
    """Look up new keys each turn until the script's turns are done."""
    script = _script(conversation)
    each = int(script.get("parallel", 1))
    turn = len(conversation.results) // each
    if turn >= int(script.get("turns", 10)):
        return answer("done")
    slip = script.get("slip")
    if slip and turn == 1:
        return calls([_SLIPS[slip]])
    keys = [str(turn), *(f"{turn}.{number}" for number in range(1, each))]
    size = script.get("result_bytes", 2000)
    return calls([("lookup", {"key": f"{key}|{size}"}) for key in keys])


def latency_ms(conversation: Conversation) -> float:
    """Take as long as the script says, as a model that thinks would."""
    return float(_script(conversation).get("latency_ms", 0))


def _script(conversation: Conversation) -> dict[str, Any]:
    script: Any = json.loads(conversation.task)
    if not isinstance(script, dict):
        raise TypeError(f"task {conversation.task!r}: expected a JSON object")
    return cast("dict[str, Any]", script)
