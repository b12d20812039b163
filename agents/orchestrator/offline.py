"""The orchestrator's offline rules: fields are joined to what has their name, or their type.

It knows of the workers what the task shows: the schemas of what they take and give.
"""

import json
from typing import Any

from agents.offline import Conversation, Reply, answer

_Plan = dict[str, dict[str, Any]]


def reply(conversation: Conversation) -> Reply:
    """Plan every worker whose input can be had, in an order in which it can be had."""
    asked = json.loads(conversation.task)
    goal, cards = asked["goal"], asked["workers"]
    if goal.get("tasks"):
        return answer({"tasks": [_routed(task, cards) for task in goal["tasks"]]})
    return answer({"tasks": list(_planned(goal, cards).values())})


def _planned(goal: dict[str, Any], cards: list[dict[str, Any]]) -> _Plan:
    inputs = goal.get("inputs", {})
    files = {name for name, value in inputs.items() if _is_file(value)}
    there: dict[str, str] = dict.fromkeys(sorted(inputs.keys() - files), "")
    planned: _Plan = {}
    for _ in cards:
        for card in cards:
            if card["name"] in planned or not files.issuperset(card.get("files", ())):
                continue
            needs = _needs(card, there)
            if needs is not None:
                output = _output(card, cards)
                there[output] = str(card["gives"].get("title", ""))
                planned[card["name"]] = _task(card, needs, output)
    return planned


def _is_file(value: Any) -> bool:
    return isinstance(value, dict) and "file" in value


def _needs(card: dict[str, Any], there: dict[str, str]) -> list[dict[str, str]] | None:
    """Return where each field comes from; None where a required one cannot be had yet."""
    takes = card["takes"]
    found: list[dict[str, str]] = []
    for field, schema in takes.get("properties", {}).items():
        kind = str(schema.get("$ref", "")).rpartition("/")[2]
        names = [
            name for name, title in there.items() if (name == field or (kind and title == kind))
        ]
        if names:
            found.append({"field": field, "name": names[0]})
        elif field in takes.get("required", ()):
            return None
    return found


def _output(card: dict[str, Any], cards: list[dict[str, Any]]) -> str:
    """Return the name under which others take what a worker gives, else the worker's own."""
    title = card["gives"].get("title", "")
    for other in cards:
        for field, schema in other["takes"].get("properties", {}).items():
            if title and str(schema.get("$ref", "")).endswith(f"/{title}"):
                return field
    return str(card["name"])


def _task(card: dict[str, Any], needs: list[dict[str, str]], output: str) -> dict[str, Any]:
    return {
        "id": output,
        "worker": card["name"],
        "does": card.get("description", ""),
        "needs": needs,
        "output": output,
        "phase": "",
    }


def _routed(task: dict[str, Any], cards: list[dict[str, Any]]) -> dict[str, Any]:
    """Give a declared task to the worker that takes what it has, and speaks of what it does."""
    given = {*task.get("needs", {}), *task.get("give", {})}
    words = set(str(task.get("does", "")).lower().split())

    def fit(card: dict[str, Any]) -> tuple[bool, int]:
        takes = card["takes"]
        fields, required = set(takes.get("properties", ())), set(takes.get("required", ()))
        about = set(str(card.get("description", "")).lower().split())
        return required <= given <= fields, len(words & about)

    best = max(cards, key=fit)
    needs = [{"field": field, "name": name} for field, name in task.get("needs", {}).items()]
    planned = _task(best, needs, str(task.get("output") or task["id"]))
    return planned | {
        "id": task["id"],
        "worker": task.get("worker") or best["name"],
        "phase": task.get("phase", ""),
    }
