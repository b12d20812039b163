"""What the reader's answer must be: a line that it has read."""

from collections.abc import Sequence
from typing import Any

from agents.toolkit import AnswerToCheck

SAYS_NOT = "the logbook does not say"


def is_written(given: AnswerToCheck) -> Sequence[str]:
    """Refuse an answer that stands on none of the pages that were read."""
    said: Any = given.answer
    answer = _flat(str(getattr(said, "answer", said)))
    if answer.rstrip(".") == SAYS_NOT:
        return []
    if any(answer in _flat(call.text) for call in given.made if call.tool == "read_page"):
        return []
    return [f"{answer[:100]!r} stands on no page that was read: copy the line word for word"]


def _flat(text: str) -> str:
    return " ".join(text.split()).casefold()
