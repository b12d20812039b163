"""How well a text fits a question: the part of the question's words that it holds.

The rarer a word is in the memory that is searched, the more it counts. Only that memory's own
numbers enter, so what one tenant keeps cannot change what another is shown.
"""

import math
import re
from collections.abc import Mapping, Set

from domain.likeness import COMMON

_WORD = re.compile(r"[^\W_]+")
_MOST_TERMS = 32
_MOST_LETTERS = 64
_UNKNOWN = 0.5  # documents; a word that no text holds is rarer than one that a single text holds


def terms(text: str) -> list[str]:
    """Return the words to look for, in order, each once: small, and without the common ones."""
    found = dict.fromkeys(
        word[:_MOST_LETTERS]
        for word in _WORD.findall(text.lower())
        if word not in COMMON and (len(word) > 1 or word.isdigit())
    )
    return list(found)[:_MOST_TERMS]


def spelled(text: str) -> str:
    """Return a text as it is indexed: its words alone, so that every database cuts it the same."""
    return " ".join(word[:_MOST_LETTERS] for word in _WORD.findall(text.lower()))


def coverage(wanted: Mapping[str, int], held: Set[str], texts: int) -> float:
    """Return how well a text that holds the words `held` fits, 0 to 1.

    Args:
        wanted: The question's words, each with the number of texts that hold it.
        held: Those of them that this text holds.
        texts: How many texts there are.
    """
    weights = {word: math.log(1 + texts / (count or _UNKNOWN)) for word, count in wanted.items()}
    whole = sum(weights.values())
    return sum(weights[word] for word in wanted if word in held) / whole if whole else 0.0
