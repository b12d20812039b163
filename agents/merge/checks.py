"""The merging agent's rule: a statement rests on rows that were read."""

import json
from collections.abc import Sequence
from typing import Any

from agents.merge.answer import Synthesis
from agents.toolkit import AnswerToCheck

_MOST = 5


def rests_on_rows(made: AnswerToCheck) -> Sequence[str]:
    """Refuse statements that name no document, or one whose row the model has not read."""
    if not isinstance(made.answer, Synthesis):
        return []  # a form of the user's own, whose fields have a meaning that is not known here
    read = {
        row["document"]
        for call in made.made
        if call.tool == "batch_rows"
        for row in _rows(call.text)
    }
    wrong: list[str] = []
    for statement in made.answer.statements:
        if not statement.documents:
            wrong.append(f"the statement {statement.text[:80]!r} names no document")
        wrong += [
            f"no row of a document {name!r} was read; name documents as the rows do"
            for name in statement.documents
            if name not in read
        ]
    return wrong[:_MOST]


def _rows(text: str) -> list[dict[str, Any]]:
    try:
        return json.loads(text)["rows"]
    except (ValueError, KeyError, TypeError):
        return []  # a page that was cut; its documents count as unread
