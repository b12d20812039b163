"""The stand-in's rules for writing; asked to invent, it makes claims up in six ways."""

import json
import random
from typing import Any

from agents.offline import Conversation, Reply, answer
from agents.reading.standin import draft, told
from agents.researcher_writer.inventing import MADE_UP, made_up


def reply(conversation: Conversation) -> Reply:
    """Set the claims under headings."""
    return answer(draft(told(conversation.task)))


def invent(conversation: Conversation, said: Reply, rng: random.Random) -> Reply:
    """Return the report with `MADE_UP` claims in it that no passage bears out."""
    if said.calls or conversation.asks_plan:
        return said
    report: dict[str, Any] = json.loads(said.text)
    sections: list[dict[str, Any]] = report["sections"] or [{"heading": "Summary", "claims": []}]
    true = [claim for section in sections for claim in section["claims"]]
    for number in range(MADE_UP):
        claims: list[dict[str, Any]] = rng.choice(sections)["claims"]
        claims.insert(rng.randint(0, len(claims)), made_up(number, true, rng))
    return answer({**report, "sections": sections})
