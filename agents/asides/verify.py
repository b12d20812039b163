"""What stands in for a model that answers from evidence: it looks fields up in rows."""

import re
from typing import Any

from agents.asides import rows
from agents.offline import Conversation, Reply, answer

_QUESTION = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
_FIELD = re.compile(r"What is `([^`]+)`(?: of (.+))?\?")
_SUBJECT = re.compile(r"`([^`]+)`")
_BLANK = re.compile(r'What stands for ___ in "(.*)"\?')


def reply(conversation: Conversation) -> Reply:
    """Answer each question, or say that nothing answers it."""
    evidence = rows.section(conversation, "Evidence")
    known = rows.rows("\n".join(rows.marked(evidence)))
    asked = _QUESTION.findall(rows.section(conversation, "Questions"))
    found = [_answered(int(number), question, known) for number, question in asked]
    return answer({"answers": found})


def _answered(number: int, question: str, known: list[rows.Row]) -> dict[str, Any]:
    field, blank = _FIELD.fullmatch(question), _BLANK.fullmatch(question)
    held: tuple[rows.Row, str] | None = None
    if field:
        held = _of_field(field[1], _SUBJECT.findall(field[2] or ""), known)
    elif blank:
        held = _of_blank(blank[1], known)
    if held is None:
        return {"question": number, "found": False, "answer": "", "quotes": list[str]()}
    row, name = held
    return {
        "question": number,
        "found": True,
        "answer": rows.written(row.values[name]),
        "quotes": [rows.spelled(row, name)],
    }


def _of_field(
    field: str, subjects: list[str], known: list[rows.Row]
) -> tuple[rows.Row, str] | None:
    """Return the row that speaks of all subjects, and its field that is called most alike."""
    about = [row for row in known if all(row.says(each) for each in subjects)]
    named = [(row, name) for row in about for name in row.values if name == field]
    if named:
        return named[-1]
    alike = [
        (len(rows.parts(name) & rows.parts(field.replace("_", " "))), row, name)
        for row in about
        for name in row.values
        if rows.written(row.values[name]) not in subjects
    ]
    best = max(alike, key=lambda each: each[0], default=None)
    return (best[1], best[2]) if best and best[0] else None


def _of_blank(text: str, known: list[rows.Row]) -> tuple[rows.Row, str] | None:
    """Return the field whose whole name is in the sentence, of a row with all else it names."""
    others = rows.TOKEN.findall(text)
    said = rows.parts(text)
    fits = [
        (len(rows.parts(name.replace("_", " "))), row, name)
        for row in known
        if all(row.says(each) for each in others)
        for name in row.values
        if rows.parts(name.replace("_", " ")) <= said
    ]
    best = max(fits, key=lambda each: each[0], default=None)
    return (best[1], best[2]) if best else None
