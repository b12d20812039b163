"""How probable a model found each part of its answer: from the log probabilities of its tokens.

An answer is a JSON object; a field's probability is that of all tokens that spell its value, given
what stands before. So a category that was chosen among several has the probability of the choice,
and the braces and the other fields say nothing about it.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

_LEAST = -100.0  # a provider writes "never" as minus infinity or -9999, which JSON and sums dislike
_MOST_FIELDS = 50


class Token(NamedTuple):
    """A piece of the answer's text, and the natural logarithm of its probability."""

    text: str
    logprob: float


def field_logprobs(tokens: Sequence[Token]) -> dict[str, float]:
    """Return the log probability of each simple field of the JSON object that `tokens` spell.

    Empty where they spell none: then there is nothing to be certain of.
    """
    text = "".join(token.text for token in tokens)
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    sums: dict[str, float] = {}
    start = 0
    for name, value in list(cast("dict[str, Any]", found).items())[:_MOST_FIELDS]:
        begin, end = _span(text, name, value, start)
        if begin < 0:
            continue
        if not isinstance(value, dict | list):
            sums[name] = _sum(tokens, begin, end)
        start = end
    return sums


def _span(text: str, name: str, value: Any, start: int) -> tuple[int, int]:
    """Return where a field's value stands in `text`, at or after `start`; -1 where unknown."""
    for key in (json.dumps(name), json.dumps(name, ensure_ascii=False)):
        at = text.find(key, start)
        colon = text.find(":", at + len(key)) if at >= 0 else -1
        if colon < 0:
            continue
        begin = colon + 1
        while begin < len(text) and text[begin].isspace():
            begin += 1
        try:
            read, end = json.JSONDecoder().raw_decode(text, begin)
        except ValueError:
            return -1, start
        if read == value:
            return begin, end
    return -1, start


def _sum(tokens: Sequence[Token], begin: int, end: int) -> float:
    """Return the sum over the tokens that spell any character from `begin` up to `end`."""
    total, at = 0.0, 0
    for token in tokens:
        after = at + len(token.text)
        if at < end and after > begin:
            total += max(_LEAST, min(0.0, token.logprob))
        at = after
    return total
