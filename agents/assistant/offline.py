"""The assistant's offline rules: a stand-in cannot choose tools, so its task names the calls.

`{"calls": [["time_convert_time", {"source_timezone": "Europe/Paris", ...}], ...]}`: one call a
turn, each once; then it answers with what the last one returned.
"""

import json
from typing import Any, cast

from agents.offline import Conversation, Reply, answer, call


def reply(conversation: Conversation) -> Reply:
    """Make the next call of the task's list, else answer with the last result."""
    wanted = _calls(conversation.task)
    if wanted is None:
        offered = ", ".join(conversation.tools) or "none"
        return answer(
            "I am the offline stand-in and choose no tools; name the calls in the task, as in "
            f'{{"calls": [["tool", {{}}]]}}. I am offered: {offered}'
        )
    done = len(conversation.results)
    if done < len(wanted):
        name, arguments = wanted[done]
        return call(name, **arguments)
    return answer(conversation.results[-1].text if done else "There was nothing to call.")


def _calls(task: str) -> list[tuple[str, dict[str, Any]]] | None:
    try:
        script: Any = json.loads(task)
        calls = cast("list[tuple[str, dict[str, Any]]]", script["calls"])
        return [(str(name), dict(arguments)) for name, arguments in calls]
    except (ValueError, TypeError, KeyError):
        return None
