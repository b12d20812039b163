"""The passages of a run's evidence that speak of some questions, where all of it is too much."""

import re
from collections.abc import Iterator
from typing import Final

from agents.reading import words
from domain.claims import Picked, PickRequest

_PASSAGE: Final = 1_200  # characters
_BREAK: Final = re.compile(r"\n\s*\n|\n|(?<=[.;}\]])\s|(?<=,)\s?")


def pick(request: PickRequest) -> Picked:
    """Return the passages that share most words and numbers with the questions, in order."""
    asked = [words.key_words(each) | words.numbers(each) for each in request.questions]
    scored = [
        (_score(text, asked), source, start, start + len(text))
        for source, each in enumerate(request.sources)
        for start, text in _passages(each.text)
    ]
    left, taken = request.most_bytes, list[tuple[int, int, int]]()
    for _, source, start, end in sorted(scored, key=lambda each: (-each[0], each[1:])):
        size = len(request.sources[source].text[start:end].encode("utf-8", "replace"))
        if size > left:
            continue
        left -= size
        taken.append((source, start, end))
    return Picked(cuts=tuple(sorted(taken)))


def _score(text: str, asked: list[set[str]]) -> float:
    there = words.key_words(text) | words.numbers(text)
    return max((len(each & there) / (len(each) or 1) for each in asked), default=0)


def _passages(text: str) -> Iterator[tuple[int, str]]:
    """Yield passages with the character each begins at; together they are the whole text."""
    start = 0
    while start < len(text):
        end = min(start + _PASSAGE, len(text))
        if end < len(text):
            ends = [found.end() for found in _BREAK.finditer(text, start + _PASSAGE // 2, end)]
            end = ends[-1] if ends else end
        yield start, text[start:end]
        start = end
