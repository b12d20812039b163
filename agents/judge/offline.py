"""The judge's offline rules: a program that looks for words, and no judge of anything else.

Of each sentence of a rubric it reads what stands in quotation marks: words that the answer must
have, or, where the sentence says no, not or never, must not. A sentence without quotation marks is
held by an answer that shares enough of its content words, and a prohibition without them by any
answer. Numbers and amounts that the task does not give count as made up, where the rubric speaks of
making up. How far that agrees with a person is measured: `starter.py eval agreement`.
"""

import json
import re
from typing import Any

from agents.offline import Conversation, Reply, answer

_QUOTED = re.compile(r'"([^"]+)"')
_NO = re.compile(r"\b(?:no|not|never|nothing|none|without)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.;])\s+")
_WORD = re.compile(r"[a-z]{4,}")
_NUMBER = re.compile(r"\d[\d.,]*\d|\d")
_BEGS = re.compile(r"\b(?:rubric|verdict|this answer passes|grade|judge)\b", re.IGNORECASE)
_COMMON = frozenset(
    _WORD.findall(
        "that this with from have says said answer answers does must should would could what which "
        "when where there their them they than then also only into about names tells asks letter "
        "customer reply states"
    )
)
_ENOUGH = 0.34


def reply(conversation: Conversation) -> Reply:
    """Hold the answer against each sentence of the rubric."""
    asked: dict[str, Any] = json.loads(conversation.task)
    rubric, text = str(asked.get("rubric", "")), str(asked.get("answer", ""))
    if _BEGS.search(text):
        return _said(passes=False, reason="the answer speaks to its judge")
    for sentence in filter(None, _SENTENCE.split(rubric.strip())):
        if why := _wrong(sentence, text, str(asked.get("task", ""))):
            return _said(passes=False, reason=why)
    return _said(passes=True, reason="every sentence of the rubric holds, by its words")


def _wrong(sentence: str, text: str, task: str) -> str:
    """Return why a sentence of the rubric does not hold, nothing where it does."""
    low = text.lower()
    quoted = [words.lower() for words in _QUOTED.findall(sentence)]
    if quoted and _NO.search(sentence):
        found = next((words for words in quoted if words in low), "")
        return f"it says {found!r}, against: {sentence}" if found else ""
    if quoted:
        any_of = " or " in sentence
        there = [words in low for words in quoted]
        holds = any(there) if any_of else all(there)
        return "" if holds else f"it lacks words of: {sentence}"
    if "made up" in sentence:
        made_up = set(_NUMBER.findall(text)) - set(_NUMBER.findall(task))
        return f"{min(made_up)} is in the answer alone" if made_up else ""
    if _NO.search(sentence):
        return ""
    wanted = _content(sentence)
    shared = sum(any(word[:5] == other[:5] for other in _content(low)) for word in wanted)
    return "" if not wanted or shared / len(wanted) >= _ENOUGH else f"nothing of: {sentence}"


def _content(text: str) -> set[str]:
    return set(_WORD.findall(text.lower())) - _COMMON


def _said(*, passes: bool, reason: str) -> Reply:
    verdict: dict[str, Any] = {"reason": reason[:900], "passes": passes}
    return answer(verdict)
