"""How alike two texts are: the cosine of their words, each weighted by how rare it is (TF-IDF)."""

import math
import re
from collections import Counter
from collections.abc import Mapping

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_SHORTEST = 2
_MOST_WORDS = 400  # a longer text is known by its first words, which keeps a search short
_PLURAL = 4
# They say how a sentence is built and nothing of its subject; in a small corpus, where nothing
# is frequent, they would make strangers alike.
COMMON = frozenset(
    [
        "a",
        "about",
        "after",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "but",
        "by",
        "can",
        "cannot",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "get",
        "got",
        "had",
        "has",
        "have",
        "he",
        "hello",
        "help",
        "her",
        "hi",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "like",
        "made",
        "make",
        "me",
        "more",
        "my",
        "need",
        "no",
        "not",
        "now",
        "of",
        "on",
        "one",
        "only",
        "or",
        "our",
        "out",
        "over",
        "please",
        "she",
        "should",
        "since",
        "so",
        "some",
        "than",
        "thank",
        "thanks",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "they",
        "this",
        "to",
        "too",
        "up",
        "us",
        "was",
        "way",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "yes",
        "you",
        "your",
        "dear",
        "regards",
        "i'm",
        "i've",
        "it's",
        "don't",
        "can't",
        "doesn't",
        "isn't",
        "won't",
    ]
)


def words(text: str) -> Counter[str]:
    """Return the words of a text that say what it is about, and how often each stands there."""
    found: Counter[str] = Counter()
    for number, match in enumerate(_WORD.finditer(text.lower())):
        if number >= _MOST_WORDS:
            break
        word = match[0]
        if word not in COMMON and len(word) >= _SHORTEST:
            found[_stem(word)] += 1
    return found


def _stem(word: str) -> str:
    """Return a word without the endings that say nothing of its subject."""
    if len(word) > _PLURAL and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= _PLURAL:
            word = word[: -len(ending)]
    return word[:-1] if len(word) > _PLURAL and word.endswith("e") else word


def rarity(documents: int, frequency: int) -> float:
    """Return a word's weight: the more documents have it, the less it says (smoothed IDF)."""
    return math.log((1 + documents) / (1 + frequency)) + 1


def cosine(one: Counter[str], other: Counter[str], weights: Mapping[str, float]) -> float:
    """Return how alike two bags of words are, 0 to 1.

    Args:
        one: Words of a text.
        other: Words of the other.
        weights: Each word's rarity; a word that is not there is as rare as can be.
    """
    rarest = max(weights.values(), default=1.0)

    def weighed(bag: Counter[str]) -> dict[str, float]:
        # The logarithm keeps a word that is repeated from drowning all others.
        return {
            word: (1 + math.log(count)) * weights.get(word, rarest) for word, count in bag.items()
        }

    left, right = weighed(one), weighed(other)
    norm = math.sqrt(sum(x * x for x in left.values()) * sum(x * x for x in right.values()))
    if not norm:
        return 0.0
    return min(1.0, sum(value * right.get(word, 0.0) for word, value in left.items()) / norm)
