"""What stands in for a model that lists claims: each value, and each id or number of a sentence."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from agents.asides import rows
from agents.offline import Conversation, Reply, answer

_UNIT = re.compile(r"^(\d+)\. ([^:\s]+): (.*)$", re.MULTILINE)
_PROSE = 60


class _Unit(NamedTuple):
    number: int
    path: str
    text: str

    @property
    def field(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def object(self) -> str:
        return self.path.rpartition("/")[0]


def reply(conversation: Conversation) -> Reply:
    """List what the answer claims, each with a question."""
    shown = "\n".join(rows.marked(rows.section(conversation, "The answer")))
    units = [_Unit(int(found[1]), found[2], found[3]) for found in _UNIT.finditer(shown)]
    named = rows.TOKEN.search(rows.section(conversation, "The task"))
    above = named[0] if named else ""
    return answer({"claims": [claim for unit in units for claim in _claims(unit, units, above)]})


def _claims(unit: _Unit, units: list[_Unit], above: str) -> Iterator[dict[str, Any]]:
    if not _is_prose(unit.text):
        told = _subjects(unit, units) or [above]
        of = f" of {', '.join(f'`{each}`' for each in told)}" if told[0] else ""
        yield _claim(unit, unit.text, unit.text, f"What is `{unit.field}`{of}?")
        return
    for found in rows.TOKEN.finditer(unit.text):
        blank = f"{unit.text[: found.start()]}___{unit.text[found.end() :]}".strip().rstrip(".")
        yield _claim(unit, unit.text, found[0], f'What stands for ___ in "{blank}"?')


def _claim(unit: _Unit, part: str, value: str, question: str) -> dict[str, Any]:
    return {"of": unit.number, "part": part, "value": value, "question": question[:500]}


def _subjects(unit: _Unit, units: list[_Unit]) -> list[str]:
    """Return what tells the object apart that a value is of: the values beside it."""
    beside = [each for each in units if each.object == unit.object and each.path != unit.path]
    return [each.text for each in beside if unit.object and not _is_prose(each.text)]


def _is_prose(text: str) -> bool:
    return len(text) > _PROSE or (" " in text and text.rstrip().endswith("."))
