"""What workers' rules for the offline model are written with: the task, and the three answers."""

import json
from typing import Any, cast

from agents.offline import Conversation, Reply, answer


def task_of(conversation: Conversation) -> dict[str, Any]:
    """Return the worker's task; empty where the conversation has none."""
    try:
        found = json.loads(conversation.task)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def success(output: Any) -> Reply:
    """Answer that the task is done."""
    return answer({"result": {"kind": "success", "output": output}})


def failure(reason: str) -> Reply:
    """Answer that it could not be done this time."""
    return answer({"result": {"kind": "failure", "reason": reason}})


def needs_human(question: str) -> Reply:
    """Answer that a person has to decide something first."""
    return answer({"result": {"kind": "needs_human", "question": question}})
