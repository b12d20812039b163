"""Working memory: a run's own fields, declared by the agent's author and set by its model.

They stand beside the transcript, so that what the model must not lose does not depend on what is
still in its window. A call of `note` changes them; the workflow applies it, and no activity runs.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from domain.contract import canonical, strict_json
from domain.messages import Message
from domain.tools import ToolSpec

NOTE = "note"
MAX_BYTES = 4_000
"""UTF-8 bytes that all fields have at most: they are in every window."""
NOTED = "[noted] "
_NOT_NOTED = ("refused: ", "error: ", "not approved")


def note_tool(fields: Mapping[str, Any]) -> ToolSpec:
    """Return the tool that changes the fields of the JSON Schema `fields`.

    A call names the fields to change only; null clears one.
    """
    schema = dict(fields)
    properties = {
        name: _nullable(dict(each)) for name, each in schema.pop("properties", {}).items()
    }
    more = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return ToolSpec(
        name=NOTE,
        description=(
            "Write into your working memory, which you keep for the whole run, also when older "
            "messages are folded away. Give the fields that change, whole; null clears one."
            + (f" {schema['description']}" if schema.get("description") else "")
        ),
        parameters={
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "minProperties": 1,
            **more,
        },
        attempts=1,
    )


def _nullable(field: dict[str, Any]) -> dict[str, Any]:
    field.pop("default", None)
    field.pop("title", None)
    about = {"description": field.pop("description")} if "description" in field else {}
    choices: list[Any] = field["anyOf"] if list(field) == ["anyOf"] else [field]
    null = {"type": "null"}
    return {"anyOf": choices if null in choices else [*choices, null], **about}


def noted(notes: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the fields after a call of `note`, and what the model is told.

    Args:
        notes: The fields that have a value.
        arguments: Checked against the tool's schema.
    """
    changed = {**notes, **arguments}
    changed = {name: value for name, value in changed.items() if value is not None}
    size = len(canonical(changed))
    if size > MAX_BYTES:
        return dict(notes), (
            f"error: the working memory would have {size} bytes of {MAX_BYTES}; nothing was "
            "noted: shorten a field, or clear one with null"
        )
    return changed, NOTED + _json(dict(arguments))


def replayed(notes: Mapping[str, Any], messages: Sequence[Message]) -> dict[str, Any]:
    """Return the fields after all that was noted in `messages`.

    The result of each call says what was really noted: a person or a guard may have refused it.
    """
    found = dict(notes)
    open_calls: set[str] = set()
    for message in messages:
        if message.role == "assistant":
            open_calls = {call.id for call in message.calls if call.name == NOTE}
        elif message.call_id in open_calls and not message.text.startswith(_NOT_NOTED):
            # What looks at results may have put a warning before it.
            _, _, said = message.text.partition(NOTED)
            found, _ = noted(found, cast("dict[str, Any]", strict_json(said)))
    return found


def shown(notes: Mapping[str, Any]) -> list[str]:
    """Return the fields, a line each."""
    return [
        f"- {name}: {value if isinstance(value, str) else _json(value)}"
        for name, value in notes.items()
    ]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
