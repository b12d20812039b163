"""What the stand-ins for checking models read: sections, marked data, rows and their words."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, cast

from agents.offline import Conversation

_MARKED: Final = re.compile(r"<outside ([0-9a-f]+) from \w+>\n(.*?)\n</outside \1>", re.DOTALL)
_SECTION: Final = re.compile(r"^# (.+)$", re.MULTILINE)
_PART: Final = re.compile(r"[a-z0-9]+")
TOKEN: Final = re.compile(r"\b(?:[A-Z]+-\d+|\d{4}-\d\d-\d\d|\d[\d.,]*\d|\d)\b")
"""Ids, dates and numbers: what these stand-ins can look up."""


class Row(NamedTuple):
    """An object that stands in some data, with the text it was read from."""

    values: dict[str, Any]
    text: str

    def says(self, value: str) -> bool:
        """Whether one of its simple values is `value`."""
        return any(written(each) == value for each in self.values.values())


def section(conversation: Conversation, title: str) -> str:
    """Return what stands under a heading of the first message."""
    parts = _SECTION.split(conversation.task)
    named = dict(zip(parts[1::2], parts[2::2], strict=True))
    return named.get(title, "").strip()


def marked(text: str) -> list[str]:
    """Return what stands between marks, in order."""
    return [found[2] for found in _MARKED.finditer(text)]


def rows(text: str) -> list[Row]:
    """Return every object that is written in a text, also those inside others."""
    decoder, found, at = json.JSONDecoder(), list[Row](), 0
    while (start := text.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(text, start)
        except ValueError:
            at = start + 1
            continue
        found += [Row(each, text) for each in _objects(value)]
    return found


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        yield {key: each for key, each in named.items() if not isinstance(each, dict | list)}
        value = list(named.values())
    if isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _objects(each)


def written(value: Any) -> str:
    """Return a simple value as answers write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def parts(text: str) -> set[str]:
    """Return the words of a text or of a field's name."""
    return set(_PART.findall(text.lower()))


def spelled(row: Row, field: str) -> str:
    """Return a row's field exactly as its text spells it."""
    value = json.dumps(row.values[field], ensure_ascii=False)
    found = re.search(rf'"{re.escape(field)}"\s*:\s*{re.escape(value)}', row.text)
    return found[0] if found else ""
