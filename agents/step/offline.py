"""The offline stand-in's rules for a step: it fills the schema from the input, by rule.

It understands no instruction. What the input has under the same name is taken over; a text is made
of the input's sentences, a list of its sentences or items, a number of its numbers, a choice of
the words that the input uses most.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from agents.offline import Conversation, Reply, answer, plan

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_LONGEST: Final = 600
_MOST_ITEMS: Final = 5
_DEEPEST: Final = 12
_MARKS: Final = "-*#> \t"


def reply(conversation: Conversation) -> Reply:
    """Answer at once."""
    if conversation.asks_plan:
        return plan(conversation)
    given = _given(conversation.task)
    if conversation.wants is None:
        return answer(_text(" ".join(_sentences(given)), {}))
    return answer(_value(conversation.wants, "", given, conversation.wants, 0))


def _given(task: str) -> Any:
    try:
        found: Any = json.loads(task)
    except ValueError:
        return task
    named = cast("dict[str, Any]", found) if isinstance(found, dict) else {"input": found}
    return named.get("input", named)


def _value(schema: Mapping[str, Any], name: str, given: Any, root: Any, depth: int) -> Any:
    """Return what fits `schema` and comes from `given`."""
    schema = _followed(schema, root)
    if depth > _DEEPEST:
        return None
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return _choice(schema["enum"], given)
    same = _named(given, name)
    kind = _kind(schema)
    if kind in {"object", "array"}:
        make = _object if kind == "object" else _array
        return make(schema, given if same is None else same, root, depth)
    return _scalar(schema, kind, same, given)


def _scalar(schema: Mapping[str, Any], kind: str, same: Any, given: Any) -> Any:
    if kind == "string":
        return _text(same if isinstance(same, str) else " ".join(_sentences(given)), schema)
    if kind in {"number", "integer"}:
        return _number(schema, kind, same, given)
    return bool(same) if kind == "boolean" else None


def _followed(schema: Mapping[str, Any], root: Any) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        found: Any = root
        for part in reference.lstrip("#/").split("/"):
            found = found.get(part, {})
        return found
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return _followed(schema[key][0], root)
    return schema


def _kind(schema: Mapping[str, Any]) -> str:
    kind: Any = schema.get("type", "object" if "properties" in schema else "string")
    return kind if isinstance(kind, str) else str(kind[0])


def _named(given: Any, name: str) -> Any:
    return cast("dict[str, Any]", given).get(name) if isinstance(given, dict) else None


def _object(schema: Mapping[str, Any], given: Any, root: Any, depth: int) -> dict[str, Any]:
    return {
        name: _value(each, name, given, root, depth + 1)
        for name, each in schema.get("properties", {}).items()
    }


def _array(schema: Mapping[str, Any], given: Any, root: Any, depth: int) -> list[Any]:
    most = min(int(schema.get("maxItems", _MOST_ITEMS)), _MOST_ITEMS)
    least = int(schema.get("minItems", 0))
    parts: list[Any] = cast("list[Any]", given) if isinstance(given, list) else _sentences(given)
    parts = (parts or [""])[: max(most, least)]
    while len(parts) < least:
        parts.append(parts[-1])
    return [_value(schema.get("items", {}), "", part, root, depth + 1) for part in parts]


def _text(text: str, schema: Mapping[str, Any]) -> str:
    """Return as many whole sentences as fit, or the beginning of the first."""
    most = min(int(schema.get("maxLength", _LONGEST)), _LONGEST)
    kept = ""
    for sentence in _SENTENCE.split(text):
        longer = f"{kept} {sentence}".strip()
        if len(longer) > most:
            break
        kept = longer
    kept = kept or text[: max(most - 1, 0)].rstrip() + "…" * bool(text)
    return kept[:most].ljust(int(schema.get("minLength", 0)), ".")


def _number(schema: Mapping[str, Any], kind: str, same: Any, given: Any) -> float:
    numbers = [float(found) for found in _NUMBER.findall(" ".join(_sentences(given)))]
    number = float(same) if isinstance(same, int | float) else (numbers or [0.0])[0]
    number = max(number, float(schema.get("minimum", number)))
    number = min(number, float(schema.get("maximum", number)))
    return int(number) if kind == "integer" else number


def _choice(options: list[Any], given: Any) -> Any:
    """Return the option whose words the input uses most; the first where it uses none."""
    words = " ".join(_sentences(given)).lower()
    return max(options, key=lambda option: words.count(str(option).lower()))


def _sentences(given: Any) -> list[str]:
    """Return the sentences of all texts in the input, in order."""
    return [
        sentence
        for text in _texts(given)
        for part in _SENTENCE.split(text)
        if (sentence := part.strip(_MARKS))
    ]


def _texts(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict):
        for value in cast("dict[str, Any]", given).values():
            yield from _texts(value)
    elif isinstance(given, list):
        for value in cast("list[Any]", given):
            yield from _texts(value)
    elif isinstance(given, int | float) and not isinstance(given, bool):
        yield str(given)
