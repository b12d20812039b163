"""What the words of a text mean, in seventeen languages: the least that tells an order from data.

`words.json` has stems by concept and language; one with a full stop behind it is a whole word.
"""

import json
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from activities.guarding.plain import folded, has_cjk, words_of

_FILE: Final = Path(__file__).with_name("words.json")
_SHORTEST_STEM: Final = 3
_LONGEST_STEM: Final = 14


class Hit(NamedTuple):
    """A concept at a place of a text: the place is counted in words."""

    place: int
    concept: str


class Lexicon(NamedTuple):
    """Concepts by whole words, by stems, and by the runs of scripts that do not part words."""

    words: dict[str, tuple[str, ...]]
    stems: dict[str, tuple[str, ...]]
    runs: dict[str, tuple[str, ...]]


@cache
def lexicon() -> Lexicon:
    """Return the words of `words.json`."""
    found = Lexicon({}, {}, {})
    told: dict[str, dict[str, str]] = json.loads(_FILE.read_text(encoding="utf-8"))
    for concept, languages in told.items():
        for listed in languages.values():
            for each in listed.split():
                word = folded(each.rstrip("."))
                place = found.words if each.endswith(".") else found.stems
                if has_cjk(word):
                    place = found.runs
                place[word] = (*place.get(word, ()), concept)
    return found


def meant(text: str, names: Iterable[str] = ()) -> list[Hit]:
    """Return the concepts in a folded text, in order.

    Args:
        text: Folded.
        names: Names of tools; each is a concept `tool`.
    """
    called = {folded(name) for name in names}
    joined = {name.replace("_", ""): name for name in called}
    hits: list[Hit] = []
    # Tools are called by names with underscores, which part words everywhere else.
    for place, word in enumerate(words_of(text)):
        hits.extend([Hit(place, concept) for concept in _of(word)])
        if word in joined:
            hits.append(Hit(place, "tool"))
    if has_cjk(text):
        hits.extend(_in_runs(text, lexicon()))
    named = [name for name in called if name in text]
    hits.extend(Hit(len(words_of(text[: text.index(name)])), "tool") for name in named)
    return sorted(hits)


@lru_cache(maxsize=20_000)
def _of(word: str) -> tuple[str, ...]:
    """Return what a word means; most words mean nothing here."""
    known = lexicon()
    found = set(known.words.get(word, ()))
    for size in range(_SHORTEST_STEM, min(len(word), _LONGEST_STEM) + 1):
        found.update(known.stems.get(word[:size], ()))
    return tuple(found)


def _in_runs(text: str, known: Lexicon) -> list[Hit]:
    """Return the concepts of scripts without spaces; two characters count as a word."""
    hits: list[Hit] = []
    for run, concepts in known.runs.items():
        start = text.find(run)
        while start >= 0:
            hits.extend(Hit(start // 2, concept) for concept in concepts)
            start = text.find(run, start + len(run))
    return hits
