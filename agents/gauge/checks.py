"""The gauge's rule."""

from collections.abc import Sequence

from agents.toolkit import AnswerToCheck


def not_a_draft(made: AnswerToCheck) -> Sequence[str]:
    """Refuse an answer that calls itself a draft."""
    note = str(getattr(made.answer, "note", ""))
    return [f"{note!r} is a draft"] if note.startswith("draft") else []
