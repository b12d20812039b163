"""Text into passages: parts short enough to be quoted and judged, each with its place.

A passage's id is the hash of its document and offset: whoever holds the document can recompute it,
so a citation resolves or is found out.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from agents.reading.files import Text
from domain.contract import digest

AIM: Final = 900
"""Characters after which a passage ends at the next paragraph."""
MOST: Final = 1_600
"""Characters that no passage exceeds."""
_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_END: Final = re.compile(r"(?<=[.!?])\s+|\n")
_ID: Final = 16  # hex digits


class Cut(NamedTuple):
    """A passage as it is cut out of its document."""

    id: str
    offset: int
    place: str
    text: str


def document_id(text: str) -> str:
    """Return the id of a document: the hash of its text, so a copy is the same document."""
    return digest("document", text, length=_ID)


def passage_id(document: str, offset: int) -> str:
    """Return the id of the passage that begins at `offset` of a document."""
    return digest("passage", document, str(offset), length=_ID)


def cut(read: Text) -> tuple[Cut, ...]:
    """Return the passages of a text, in order; none crosses a heading or the end of a page."""
    document = document_id(read.text)
    starts = [mark.offset for mark in read.marks]
    found: list[Cut] = []
    for start, end in _spans(read):
        text = read.text[start:end]
        offset = start + len(text) - len(text.lstrip())
        if text.strip():
            at = bisect_right(starts, offset) - 1
            place = read.marks[at].place if at >= 0 else ""
            found.append(Cut(passage_id(document, offset), offset, place, text.strip()))
    return tuple(found)


def _spans(read: Text) -> Iterator[tuple[int, int]]:
    """Yield from where to where each passage goes."""
    edges = sorted({0, *(mark.offset for mark in read.marks), len(read.text)})
    for start, end in pairwise(edges):
        yield from _within(read.text, start, end)


def _within(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield a part of the text in pieces that end at paragraphs where they can."""
    while start < end:
        stop = end if end - start <= AIM else _stop(text, start, end)
        yield start, stop
        start = stop


def _stop(text: str, start: int, end: int) -> int:
    """Return where a passage from `start` ends: a paragraph, a sentence, a word, in this order."""
    limit = min(start + MOST, end)
    paragraph = _PARAGRAPH.search(text, start + AIM // 2, limit)
    if paragraph:
        return paragraph.end()
    if end <= limit:
        return end
    sentence = _END.search(text, start + AIM, limit)
    if sentence:
        return sentence.end()
    word = text.rfind(" ", start + 1, limit)
    return word + 1 if word > start else limit
