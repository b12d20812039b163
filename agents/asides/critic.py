"""What stands in for a critic: rules over what is proposed and what the run has read.

It accepts what stands in one row of the evidence, or in the goal. It knows no more than that: an
exchanged word in a sentence without names and numbers goes by it.
"""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

from agents.asides import rows
from agents.offline import Conversation, Reply, answer

_NOTHING = frozenset({"", "0", "none", "false"})
_PROSE = 60  # characters; a longer text is held against the evidence by its ids and numbers


def reply(conversation: Conversation) -> Reply:
    """Accept, or say what nothing bears out."""
    goal = rows.section(conversation, "The goal")
    evidence = rows.section(conversation, "What the run's calls brought")
    proposed = rows.marked(rows.section(conversation, "The proposal"))
    reasons = list(_wrong("\n".join(proposed), goal, evidence))
    verdict = "revise" if reasons else "accept"
    return answer({"verdict": verdict, "reasons": reasons[:8]})


def invent(conversation: Conversation, said: Reply, rng: random.Random) -> Reply:
    """Return a verdict that accepts whatever was proposed."""
    return answer({"verdict": "accept", "reasons": []})


def _wrong(proposed: str, goal: str, evidence: str) -> Iterator[str]:
    known = rows.rows("\n".join(rows.marked(evidence)))
    for row in rows.rows(proposed) or [rows.Row({"answer": proposed}, proposed)]:
        yield from _unfounded(row, known, goal, evidence)


def _unfounded(row: rows.Row, known: list[rows.Row], goal: str, evidence: str) -> Iterator[str]:
    """Name the values of a proposed object that no one row holds together."""
    simple = {name: each for name, each in row.values.items() if not _is_prose(each)}
    fitting = max(known, key=lambda each: _held(simple, each, goal), default=None)
    for name, value in simple.items():
        written = rows.written(value)
        if written in _NOTHING or written in goal or (fitting and fitting.says(written)):
            continue
        if not re.search(rf"^[^{{]*\b{re.escape(written)}\b", evidence, re.MULTILINE):
            yield f"{name} is {json.dumps(value)}, which nothing that was read bears out"
    for name, value in row.values.items():
        if _is_prose(value):
            missing = [each for each in rows.TOKEN.findall(value) if each not in evidence + goal]
            if missing:
                yield f"{name} says {missing[0]}, which nothing that was read says"


def _held(simple: dict[str, Any], row: rows.Row, goal: str) -> int:
    values = [rows.written(each) for each in simple.values()]
    return sum(row.says(each) for each in values if each not in goal)


def _is_prose(value: Any) -> bool:
    return isinstance(value, str) and (len(value) > _PROSE or " " in value.strip())
