"""The extracting agent's offline rules: a field's value is what follows its name in a line.

`Invoice number: 2026-17` gives the field `invoice_number`. A document can ask the stand-in to
misbehave, so that a failing batch can be made: lines such as `offline-model: no answer`,
`offline-model: misquote`, `offline-model: unsure` and `offline-model: 3000 ms`.
"""

import re
from datetime import datetime
from typing import Any, cast

from agents.offline import Conversation, Reply, answer, calls, told

_ASKED = re.compile(r"^\s*offline-model:\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE)
_OFFSETS = re.compile(r"at the offsets ([\d, ]+\d)")
_NUMBER = re.compile(r"[-+]?\d[\d,']*(?:\.\d+)?")
_VAGUE = re.compile(r"\?|\b(about|approx\w*|ca\.|circa|unclear|roughly)\b", re.IGNORECASE)
_DATES = ("%Y-%m-%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%d.%m.%Y", "%d/%m/%Y")
_YES = {"yes", "true", "paid", "y", "1"}
_NO = {"no", "false", "unpaid", "n", "0"}
_SURE, _UNSURE = 0.95, 0.4


def reply(conversation: Conversation) -> Reply:
    """Read the document to its end, then answer field by field."""
    pages = conversation.results_of("read_document")
    offsets = _OFFSETS.search(conversation.task)
    if offsets and not pages:
        return calls(("read_document", {"offset": int(at)}) for at in offsets[1].split(","))
    text = "\n".join([_document(conversation.task), *(page.text for page in pages)])
    asked = {wish.lower() for wish in _ASKED.findall(text)}
    if not told(conversation, "under 0.5 where"):
        asked.add("certain")
    if "no answer" in asked:
        return answer("I cannot make anything of this document.")
    schema = conversation.wants or {}
    definitions = {**schema.get("$defs", {}), **schema.get("definitions", {})}
    fields: dict[str, Any] = schema.get("properties", {})
    return answer(
        {
            name: _taken(name, _wanted(field, definitions), text, asked)
            for name, field in fields.items()
        }
    )


def latency_ms(conversation: Conversation) -> float:
    """Think as long as the document asks."""
    found = re.search(r"^\s*offline-model:\s*(\d+) ms\s*$", conversation.task, re.MULTILINE)
    return float(found[1]) if found else 0


def _document(task: str) -> str:
    """Return what stands between the marks."""
    return task.partition(" begins ===\n")[2].rpartition("\n=== document ")[0]


def _wanted(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field's value."""
    value: dict[str, Any] = field.get("properties", {}).get("value", {})
    wanted: dict[str, Any] = value.get("anyOf", [value])[0]
    if "$ref" in wanted:
        return definitions.get(str(wanted["$ref"]).rpartition("/")[2], {})
    return wanted


def _taken(name: str, wanted: dict[str, Any], text: str, asked: set[str]) -> dict[str, Any]:
    label = re.escape(name).replace("_", r"[\s_-]+").replace(r"\-", r"[\s_-]+")
    found = re.search(
        rf"^[\s*#>|-]*{label}\**\s*[:|=]\s*\**\s*(.+?)\s*[|*]*\s*$",
        text,
        re.MULTILINE | re.IGNORECASE,
    )
    if found is None:
        return {"value": None, "confidence": _SURE, "quote": ""}
    value = _value(found[1], wanted)
    vague = value is None or _VAGUE.search(found[1]) is not None or "unsure" in asked
    vague = vague and "certain" not in asked
    quote = found[0].strip()
    if "misquote" in asked:
        quote = f"{quote} (as the document says elsewhere)"
    return {"value": value, "confidence": _UNSURE if vague else _SURE, "quote": quote}


def _value(words: str, wanted: dict[str, Any]) -> Any:
    """Return what is written in the type that is wanted; None where it cannot be had."""
    kind = wanted.get("type", "string")
    kinds = cast("list[str]", kind) if isinstance(kind, list) else [str(kind)]
    if wanted.get("enum"):
        options = {str(option).casefold(): option for option in wanted["enum"]}
        return options.get(words.casefold().rstrip("?. "))
    if "integer" in kinds or "number" in kinds:
        return _number(words, whole="number" not in kinds)
    if "boolean" in kinds:
        word = words.casefold().rstrip("?. ")
        return True if word in _YES else False if word in _NO else None
    if "array" in kinds:
        return [part.strip() for part in re.split(r"[,;]", words) if part.strip()]
    return _date(words) if wanted.get("format") == "date" else words


def _number(words: str, *, whole: bool) -> float | int | None:
    found = _NUMBER.search(words)
    if found is None:
        return None
    number = float(found[0].replace(",", "").replace("'", ""))
    return int(number) if whole or number.is_integer() else number


def _date(words: str) -> str | None:
    for form in _DATES:
        try:
            return datetime.strptime(words.strip(), form).date().isoformat()  # noqa: DTZ007
        except ValueError:
            continue
    return None
