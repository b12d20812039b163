"""Whether a passage bears a claim out, by rules over words that no model can influence.

Two checks. A citation stands if its passage is one of the run's and holds the quoted words. A claim
is borne out if its numbers, its names and most of its key words are in what it cites, and if it
denies what its quotation denies. The rules are coarse on purpose: they take out what cannot be
true of the passage; what remains is judged by the verifier, which can only take out more.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from agents.reading import words

LEAST_IN_QUOTES: Final = 0.5
"""Share of a claim's key words that its quotations must hold."""
LEAST_IN_PASSAGES: Final = 0.65
"""Share of them that the whole passages, with their headings, must hold."""
_SAME: Final = 0.8  # share of a quotation's key words; a claim that has them says it all over
_LEAST_QUOTE: Final = 3  # words; fewer are in any text
# The same phrases that results of tools are looked at for: a quotation that addresses a model is
# no statement about the world.
_ADDRESSES: Final = re.compile(
    r"(ignore|disregard|forget)\s+(all\s+|any\s+|the\s+|your\s+)*(previous|prior|above|earlier)"
    r"|you are now\b|new instructions\s*:|system prompt|</?(system|assistant)>",
    re.IGNORECASE,
)


class Cited(NamedTuple):
    """A passage that a claim cites, and the words it quotes of it."""

    text: str
    about: str
    quotes: tuple[str, ...]


def citation_problem(quote: str, passage: str | None) -> str:
    """Return why a citation does not stand, nothing where it does.

    Args:
        quote: The words that are said to be in the passage.
        passage: The passage's text; None where the run has no such passage.
    """
    if passage is None:
        return "no document of this run has such a passage"
    if len(words.words(quote)) < _LEAST_QUOTE:
        return f"the quotation {quote[:80]!r} is too short to bear anything out"
    if words.flat(quote) not in words.flat(passage):
        return f"the passage does not hold the words {quote[:120]!r}"
    if found := addresses(quote):
        return f"the quotation speaks to a model ({found!r}); it is no evidence"
    return ""


def addresses(quote: str) -> str:
    """Return the words with which a text speaks to a model; nothing where it does not."""
    found = _ADDRESSES.search(quote)
    return found[0][:60] if found else ""


def claim_problems(claim: str, cited: Sequence[Cited]) -> list[str]:
    """Return why what is cited does not bear `claim` out, one sentence each."""
    quotes = "\n\n".join(quote for each in cited for quote in each.quotes)
    whole = "\n\n".join(f"{each.about}\n{each.text}" for each in cited)
    return [
        *_numbers(claim, quotes),
        *_names(claim, whole),
        *_key_words(claim, quotes, whole),
        *_denial(claim, quotes),
    ]


def _numbers(claim: str, quotes: str) -> list[str]:
    missing = sorted(words.numbers(claim) - words.numbers(quotes))
    return [f"the quotation does not hold the number {number}" for number in missing]


def _names(claim: str, whole: str) -> list[str]:
    there, parts = words.flat(whole), words.named_parts(whole)
    return [
        f"the passage does not name {name!r}"
        for name in sorted(words.names(claim))
        if name not in there and not words.named_parts(name) <= parts
    ]


def _key_words(claim: str, quotes: str, whole: str) -> list[str]:
    wanted = words.key_words(claim)
    if not wanted:
        return ["the claim says nothing that could be looked up"]
    missing = wanted - words.key_words(whole)
    quoted = len(wanted & words.key_words(quotes)) / len(wanted)
    if 1 - len(missing) / len(wanted) < LEAST_IN_PASSAGES:
        said = [word for word in words.words(claim) if words.key_words(word) & missing]
        return [f"the passage says nothing of {', '.join(dict.fromkeys(said[:6]))}"]
    if quoted < LEAST_IN_QUOTES:
        return [f"only {quoted:.0%} of the claim's key words are in the quotation"]
    return []


def _denial(claim: str, quotes: str) -> list[str]:
    claimed, denied = words.denials(claim), words.denials(quotes)
    said = words.key_words(quotes)
    all_over = bool(said) and len(said & words.key_words(claim)) / len(said) >= _SAME
    if claimed > denied and (all_over or not denied):
        return ["the claim denies something, and the quotation does not"]
    if claimed < denied and (all_over or not claimed):
        every = all(map(words.denials, words.sentences(quotes)))
        return ["the quotation denies something, and the claim leaves that out"] if every else []
    return []
