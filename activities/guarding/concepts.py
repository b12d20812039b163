"""What the words of a text mean, in seventeen languages: the least that tells an order from data.

`words.json` has stems by concept and language; one with a full stop behind it is a whole word.
"""

import json
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from activities.guarding.plain import apart, folded, has_cjk, words_of

_FILE: Final = Path(__file__).with_name("words.json")
_FORMS: Final = Path(__file__).with_name("forms.json")
_TOOL: Final = "xtoolx"
_ADDRESS: Final = "xaddressx"
_LINES_END: Final = "xlinex"
_SENTENCES_END: Final = "xendx"
_ENDS: Final = {_LINES_END: 4, _SENTENCES_END: 7}
_END: Final = re.compile(r"[.!?;](?=\s|$)|[\u3002\uff01\uff1f\uff1b]|\n\s*\n")
_OWN: Final = {_TOOL: "tool", _ADDRESS: "address"}
_MAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_SHORTEST_NAME: Final = 5
_BEFORE: Final = ("call", "use", "run", "invoke", "execute", "tool", "function")
_SHORTEST_STEM: Final = 3
_LONGEST_STEM: Final = 14


class Hit(NamedTuple):
    """A concept at a place of a text: the place is counted in words.

    Attributes:
        far: The place where the ends of lines and sentences count as words too.
    """

    place: int
    concept: str
    far: int = 0


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
    ended = _END.sub(f" {_SENTENCES_END} ", text)
    words = words_of(_spaced(ended.replace("\n", f" {_LINES_END} "), names))
    hits: list[Hit] = []
    place = far = 0
    for word in words:
        if (end := _ENDS.get(word)) is not None:
            far += end
            continue
        hits += [Hit(place, concept, far) for concept in _of(word)]
        place += 1
        far += 1
    return hits


def _spaced(text: str, names: Iterable[str]) -> str:
    """Return a text in which what is looked for stands as words of its own."""
    for spelled in {each for name in names for each in _spellings(folded(name))}:
        if len(spelled) >= _SHORTEST_NAME:
            text = text.replace(spelled, f" {_TOOL} ")
    if "@" in text:
        text = _MAIL.sub(f" {_ADDRESS} ", text)
    text = text.replace("://", f" {_ADDRESS} ")
    for word, phrases in _phrases().items():
        for phrase in phrases:
            text = text.replace(phrase, f" {word} ")
    return _parted(text) if has_cjk(text) else text


def _spellings(name: str) -> tuple[str, ...]:
    """Return how strangers would write a tool's name.

    A name that is a word of everyday speech counts only where it is spoken of as a tool: what a
    tool says of itself ("refunded 300 cents") would else look like an order to call it.
    """
    if "_" in name:
        return name, name.replace("_", " "), name.replace("_", "")
    spoken = tuple(f"{before} {name}" for before in _BEFORE)
    return (*spoken, f"{name}(", f"`{name}`", f"{name} tool", f"{name} function")


def _parted(text: str) -> str:
    for run in lexicon().runs:
        text = text.replace(run, f" {run} ")
    return apart(text)


@cache
def _phrases() -> dict[str, list[str]]:
    """Return what several words together mean, by the word that stands for them."""
    told: dict[str, dict[str, list[str]]] = json.loads(_FORMS.read_text(encoding="utf-8"))
    return {word: [folded(each) for each in said] for word, said in told["phrases"].items()}


@lru_cache(maxsize=20_000)
def _of(word: str) -> tuple[str, ...]:
    """Return what a word means; most words mean nothing here."""
    if word in _OWN:
        return (_OWN[word],)
    known = lexicon()
    found = {*known.words.get(word, ()), *known.runs.get(word, ())}
    for size in range(_SHORTEST_STEM, min(len(word), _LONGEST_STEM) + 1):
        found.update(known.stems.get(word[:size], ()))
    return tuple(found)
