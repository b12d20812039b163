"""The drafter's offline rules: a letter from the guidance; it knows nothing that is not there."""

import json
from typing import Any, cast

from agents.offline import Conversation, Reply, answer, told


def reply(conversation: Conversation) -> Reply:
    """Write what the guidance says, in a frame."""
    task: dict[str, Any] = json.loads(conversation.task)
    subject = str(task["ticket"].get("subject") or "your message")
    name = _name(str(task.get("account", "")))
    guidance = task.get("guidance") if told(conversation, "`guidance`") else ""
    says = str(guidance or "We have read your message and look into it.")
    lines = [
        f"Hello{' ' + name if name else ''},",
        f'thank you for writing to us about "{subject}".',
        says,
        "Kind regards, the support team",
    ]
    return answer({"reply": "\n\n".join(lines)})


def _name(account: str) -> str:
    try:
        known = json.loads(account)
    except ValueError:
        return ""
    return str(cast("dict[str, Any]", known).get("name", "")) if isinstance(known, dict) else ""
