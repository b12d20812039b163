"""The logbook reader's offline rules: one page after the other, then the line that fits best.

They know what they are shown, so what has left the window counts only if the memory has it.
"""

import re

from agents.offline import Conversation, Reply, answer, call, told

_PAGE = re.compile(r"^Page (\d+) of (\d+)$", re.MULTILINE)
_QUESTION = re.compile(r"^(?:- )?question: *(.+)$", re.IGNORECASE | re.MULTILINE)
_LINE = re.compile(r"^(?:- f\d+ \([^)]*\): |(?:Fact|Remember): *)(.+)$", re.MULTILINE)
_WORD = re.compile(r"[a-z0-9]+")
_COMMON = frozenset(["what", "which", "is", "the", "of", "a", "in", "on", "at", "to", "for", "was"])
_NOTE_EVERY = 100  # pages


def reply(conversation: Conversation) -> Reply:
    """Read on, write down how far that was, or answer."""
    read = _PAGE.findall("\n".join(each.text for each in conversation.results_of("read_page")))
    if not read:
        return call("read_page", page=1)
    page, last = (int(number) for number in read[-1])
    if page % _NOTE_EVERY == 0 and conversation.results[-1].name == "read_page":
        return call("note", page=page)
    if page < last:
        return call("read_page", page=page + 1)
    return _answered(conversation)


def _answered(conversation: Conversation) -> Reply:
    seen = "\n".join(said.text for said in conversation.messages)
    asked = _QUESTION.findall(seen) or [conversation.task]
    wanted = _words(asked[-1])
    lines = _LINE.findall(seen)
    best = max(lines, key=lambda line: len(wanted & _words(line)), default="")
    least = max(1, len(wanted) // 2) if told(conversation, "If no line does") else 0
    if len(wanted & _words(best)) < least:
        return answer({"answer": "the logbook does not say"})
    return answer({"answer": best})


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower())) - _COMMON
