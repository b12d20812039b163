"""What the vendors refuse in a transcript, so that the stand-in refuses it too.

A conversation that goes on at another vendor must be one that this vendor takes: the ids of calls,
a result for each call and where it stands, who speaks after whom.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

_OPENAI_ID_LENGTH: Final = 40
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ANTHROPIC_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_MOST_MARKS: Final = 4

Json = Mapping[str, Any]


def openai_refusal(body: Json) -> str:
    """Return why OpenAI would refuse the transcript; empty where it would not."""
    open_calls: set[str] = set()
    for number, message in enumerate(body["messages"]):
        where = f"messages[{number}]"
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                return f"{where}: role 'tool' must be a response to a preceding tool call"
            open_calls.discard(message["tool_call_id"])
            continue
        if open_calls:
            return f"{where}: these tool calls have no response: {sorted(open_calls)}"
        for call in message.get("tool_calls") or ():
            if wrong := _wrong_call(call["id"], call["function"]["name"]):
                return f"{where}.tool_calls: {wrong}"
            open_calls.add(call["id"])
    return f"these tool calls have no response: {sorted(open_calls)}" if open_calls else ""


def _wrong_call(call_id: str, name: str) -> str:
    if not 0 < len(call_id) <= _OPENAI_ID_LENGTH:
        return f"id {call_id!r}: expected a string with maximum length {_OPENAI_ID_LENGTH}"
    return "" if _NAME.fullmatch(name) else f"name {name!r} does not match {_NAME.pattern}"


def anthropic_refusal(body: Json) -> str:
    """Return why Anthropic would refuse the transcript; empty where it would not."""
    if _marks(body) > _MOST_MARKS:
        return f"a maximum of {_MOST_MARKS} blocks with cache_control may be provided"
    last, calls = "assistant", set[str]()
    for number, message in enumerate(body["messages"]):
        where, role = f"messages.{number}", message["role"]
        if role == last:
            return f"{where}: roles must alternate, and begin with 'user'"
        blocks = _blocks(message)
        if wrong := _wrong_results(blocks, calls) or _wrong_blocks(blocks):
            return f"{where}: {wrong}"
        calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
        last = role
    return f"`tool_use` ids without `tool_result`: {sorted(calls)}" if calls else ""


def _blocks(message: Json) -> list[Json]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _wrong_results(blocks: list[Json], calls: set[str]) -> str:
    """Return what is wrong with the results that a message begins with."""
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    if set(results) != calls or len(results) != len(calls):
        return f"`tool_use` ids {sorted(calls)} need one `tool_result` each; found {results}"
    first = [block["type"] for block in blocks[: len(results)]]
    return "" if set(first) <= {"tool_result"} else "`tool_result` blocks must come first"


def _wrong_blocks(blocks: list[Json]) -> str:
    for block in blocks:
        if block["type"] == "text" and not block["text"].strip():
            return "text content blocks must contain non-whitespace text"
        if block["type"] == "tool_use":
            if not _ANTHROPIC_ID.fullmatch(block["id"]):
                return f"tool_use.id {block['id']!r} does not match {_ANTHROPIC_ID.pattern}"
            if not _NAME.fullmatch(block["name"]):
                return f"tool_use.name {block['name']!r} does not match {_NAME.pattern}"
    return "" if blocks else "content must not be empty"


def _marks(body: Json) -> int:
    system = body.get("system") or ()
    parts = [*(() if isinstance(system, str) else system), *(body.get("tools") or ())]
    for message in body["messages"]:
        parts += _blocks(message)
    return sum("cache_control" in part for part in parts)
