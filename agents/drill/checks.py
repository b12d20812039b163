"""The drill agent's rule: slow where the drill holds it, so that a kill can land in it."""

import json
from collections.abc import Sequence

from agents.drill.place import Place
from agents.toolkit import AnswerToCheck


def no_draft(made: AnswerToCheck) -> Sequence[str]:
    """Refuse an answer that calls itself a draft."""
    text = str(made.answer)
    place = Place(json.loads(made.task)["drill"])
    place.note("check", answer=text)
    place.block_at(text.replace(" ", "-"))
    return [f"{text!r} is a draft"] if text.startswith("draft") else []
