"""The classifier's offline rules: the category of what is alike, and how clearly so.

It counts the words that the ticket shares with the known tickets it is shown and with the
categories' descriptions. What it says of its own confidence is too high, as models' claims are.
"""

import json
import math
import re
from typing import Any

from agents.offline import Conversation, Reply, answer, told

_WORD = re.compile(r"[a-z][a-z'-]{2,}")
_COMMON = frozenset(
    _WORD.findall(
        "the and for you your are was with that this have has not but can how what when why from "
        "our please thank thanks hello dear would could does did just get got into about any all "
        "been there will they them its i'm i've it's"
    )
)
_SHARPNESS = 9.0
_OF_DESCRIPTION = 0.25


def reply(conversation: Conversation) -> Reply:
    """Choose the likeliest category."""
    task: dict[str, Any] = json.loads(conversation.task)
    ticket = _words(f"{task['ticket'].get('subject', '')} {task['ticket'].get('text', '')}")
    scores = {
        name: _OF_DESCRIPTION * _alike(ticket, _words(f"{name} {description}"))
        for name, description in task["categories"].items()
    }
    knows = told(conversation, "tickets that people have sorted")
    for known in task.get("known", ()) if knows else ():
        if known["category"] in scores:
            score = _alike(ticket, _words(known["text"]))
            scores[known["category"]] = max(scores[known["category"]], score)
    chances = {name: math.exp(_SHARPNESS * score) for name, score in scores.items()}
    best = max(chances, key=lambda name: chances[name])
    probability = chances[best] / sum(chances.values())
    said = answer({"category": best, "confidence": round(math.sqrt(probability), 3)})
    return Reply(text=said.text, probable={f'{best}"': probability})


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) - _COMMON


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of words that two texts have in common, as a cosine."""
    return len(one & other) / math.sqrt(len(one) * len(other)) if one and other else 0.0
