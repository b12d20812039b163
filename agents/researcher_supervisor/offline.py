"""The stand-in's rules for the supervisor: one search for each part of the question."""

import re
from typing import Any, Final, cast

from agents.offline import Conversation, Reply, answer
from agents.reading.standin import told

_PARTS: Final = re.compile(
    r"[?;]\s+|,\s+(?:and|or)\s+|\s+and\s+(?=how|what|when|why|which|who|where)"
)
_MOST: Final = 4
_LEAST: Final = 12  # characters; less is no question of its own


def reply(conversation: Conversation) -> Reply:
    """Plan, or decide on a failure."""
    task = told(conversation.task)
    if conversation.asks_plan or not task:
        return answer({"tasks": [], "decision": None})
    return _decision(task) if task.get("want") == "decision" else _plan(task)


def _plan(task: dict[str, Any]) -> Reply:
    question = str(task.get("question", ""))
    parts = [part.strip(" ?.") for part in _PARTS.split(question)]
    aspects = [part for part in parts if len(part) >= _LEAST][:_MOST] or [question]
    tasks: list[dict[str, object]] = []
    for number, aspect in enumerate(aspects, 1):
        tasks.append(_task(f"search-{number}", "researcher_search", aspect))
    for number, aspect in enumerate(aspects, 1):
        tasks.append(_task(f"put-{number}", "researcher_synthesis", aspect, f"search-{number}"))
    needs = [f"put-{number}" for number in range(1, len(aspects) + 1)]
    tasks.append(_task("write", "researcher_writer", f"Write the report on: {question}", *needs))
    return answer({"tasks": tasks, "decision": None})


def _task(name: str, specialist: str, instruction: str, *needs: str) -> dict[str, object]:
    return {"id": name, "specialist": specialist, "instruction": instruction, "needs": list(needs)}


def _decision(task: dict[str, Any]) -> Reply:
    """Try once more, then another specialist, then a person; a vain search is not repeated."""
    others = cast("list[str]", task.get("others") or [])
    attempts = cast("list[str]", task.get("attempts") or [])
    decided: dict[str, str] = {"action": "ask", "reason": "every specialist of its kind has failed"}
    if task.get("failure") == "it found nothing" and others:
        reason = "the words find nothing, so another one looks"
        decided = {"action": "reassign", "specialist": others[0], "reason": reason}
    elif len(attempts) <= 1:
        decided = {"action": "retry", "reason": "it failed once, which may pass"}
    elif others:
        reason = f"it failed {len(attempts)} times, so another one takes it"
        decided = {"action": "reassign", "specialist": others[0], "reason": reason}
    return answer({"tasks": [], "decision": decided})
