"""What the dead letter of a failed task says, and how it is mended before it is sent again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from commands.errors import Misuse
from domain.goals import file_of


def facts(payload: Mapping[str, Any]) -> dict[str, str]:
    """Return what a failed task's letter would do; nothing for a refused input."""
    if not payload.get("task"):
        return {}
    request = _mapping(payload.get("input"))
    goal = _mapping(request.get("goal"))
    tasks = [str(_mapping(task).get("id")) for task in _list(goal.get("tasks"))]
    return {
        "task": str(payload["task"]),
        "does again": ", ".join(tasks),
        "given": ", ".join(_mapping(request.get("outputs"))),
    }


def mended(letter_id: str, request: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, Any]:
    """Return a task's request with inputs of its goal exchanged; a file stays a file.

    Raises:
        Misuse: It is no task's letter, or its goal has no such input.
    """
    goal = _mapping(request.get("goal"))
    there = _mapping(goal.get("inputs"))
    for name in inputs:
        if name not in there:
            raise Misuse(
                f"--set {name}: letter {letter_id!r} has no such input of a goal; "
                f"it has {sorted(there)}"
            )
    changed = {
        name: {"file": str(Path(value).expanduser().absolute())} if file_of(there[name]) else value
        for name, value in inputs.items()
    }
    return {**request, "goal": {**goal, "inputs": {**there, **changed}}}


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
