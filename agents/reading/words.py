"""Words of a text as they are compared: stems, numbers, names, and whether something is denied.

English is what the lists know. Other languages are compared word by word, without the lists.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_][\w'\u2019]*(?:-[^\W\d_]\w*)*")
_NUMBER: Final = re.compile(
    r"(?<![\w.])\d+(?:[.,:]\d+)*(?=\D|$)|(?<=[a-zA-Z$€£(v.])\d+(?:[.,]\d+)*"
)
_NAME: Final = re.compile(
    r"`[^`\n]+`"  # what is written as code
    r"|\b(?:[A-Za-z]+\d[\w.]*|\w+_\w+|[a-z]+[A-Z]\w*|[A-Z]{2,}\w*)\b"  # S3, a_b, camelCase, ABC
    r"|(?<=[\w,;:)] )[A-Z][\w'\u2019-]*\w"  # a capital in mid-sentence
)
_SENTENCE: Final = re.compile(
    r"(?<=[.!?])[\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[`*_]*[A-Z0-9`])"
    r"|\n\s*\n|\n(?=\s*(?:[-*+]\s|\d+\.\s|\||#|```|>))"  # a paragraph, an item, a row, a heading
)
_PARTS: Final = re.compile(r"[A-Za-z]+|\d+")
_SUFFIXES: Final = (
    "ations", "ation", "ingly", "edly", "ments",
    "ment",  # codespell:ignore ment
    "ings", "ing", "ies", "ied", "ers", "ness",
    "able", "ible", "ions", "ion", "ed", "er", "es", "ly", "s", "e", "y",
)  # fmt: skip
_LEAST_STEM: Final = 3
_STOP = """
a about above after again all also although an and any are as at be because been before
being between both but by can could did do does doing down during each either else ever
every few for from further had has have having he her here hers him his how however i if in
into is it its itself just let like made make makes many may me might more most much must my
nor of off often on once one only onto or other others our out over own per quite rather
same shall she should since so some such than that the their them then there therefore these
they this those through thus to too toward under until up upon us use used uses using very
via was we were what when where whether which while who whom whose why will with within
would yes yet you your
"""
STOP: Final = frozenset(_STOP.split())
# Words that deny: a claim and its quote must agree in whether one of them is there.
_DENIALS = """
not no never none nothing nobody nowhere neither nor without outside cannot lack lacks lacking
absent fails refuse refuses refused forbid forbids forbidden prevent prevents deny denies
denied reject rejects rejected exclude excludes excluded unless except instead avoid avoids
impossible unable disable disables disabled missing hardly rarely ignore ignores ignored
stop stops
"""
DENIALS: Final = frozenset(_DENIALS.split())
_COUNTED: Final = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "twenty": "20", "fifty": "50",
    "hundred": "100", "thousand": "1000", "million": "1000000",
}  # fmt: skip


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, in order."""
    return [found[0].lower().replace("\u2019", "'") for found in _WORD.finditer(text)]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return what a word has in common with its other forms, roughly."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _LEAST_STEM:
            short = word.removesuffix(suffix)
            # `planned` and `planning` are `plan`.
            doubled = len(short) > _LEAST_STEM and short[-1] == short[-2] and short[-1] not in "ls"
            return short[:-1] if doubled else short
    return word


def key_words(text: str) -> set[str]:
    """Return the stems of the words that carry a text's meaning."""
    return {stem(part) for word in words(text) if word not in STOP for part in _meant(word)}


def _meant(word: str) -> Iterator[str]:
    """Yield a word, and the parts of a compound instead of it."""
    for part in word.removesuffix("'s").split("-"):
        if len(part) > 1 and part not in STOP and part not in DENIALS and not part.endswith("n't"):
            yield part


def numbers(text: str) -> set[str]:
    """Return the numbers of a text, in digits and without separators; `three` is 3."""
    found = {match[0].replace(",", "").rstrip(".:") for match in _NUMBER.finditer(text)}
    return found | {_COUNTED[word] for word in words(text) if word in _COUNTED}


def names(text: str) -> set[str]:
    """Return what is named in a text, in lower case: code, acronyms, capitals in mid-sentence."""
    found = {match[0].strip("`").casefold() for match in _NAME.finditer(text)}
    return {name for name in found if name not in STOP and len(name) > 1}


def named_parts(text: str) -> set[str]:
    """Return the letters and digits that names are made of, to look names up in."""
    return {part.casefold() for part in _PARTS.findall(text)}


def denials(text: str) -> int:
    """Return how often something is denied in a text."""
    return sum(word in DENIALS or word.endswith("n't") for word in words(text))


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, in order."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def flat(text: str) -> str:
    """Return `text` as quotes are compared: one space between words, no difference of case."""
    return " ".join(text.split()).casefold()
