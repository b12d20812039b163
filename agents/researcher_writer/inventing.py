"""Claims that are made up, as a model that is sure of itself makes them: six ways, each likely."""

import random
import re
from collections.abc import Sequence
from typing import Any, Final

MADE_UP: Final = 20
"""Claims that one draft gets."""
_SUBJECTS: Final = ("The service", "Every worker", "The whole system", "The default setup", "A run")
_PREDICATES: Final = (
    "was certified by an independent laboratory in Zurich last spring",
    "keeps a second copy of each record on tape for eleven years",
    "is about forty per cent faster than the previous generation",
    "sends a summary to the regulator at the end of each quarter",
    "has been used by more than three hundred hospitals since 2019",
)
_EXCHANGED: Final = ("discarded", "encrypted", "archived", "postponed", "translated", "duplicated")
_TURNED: Final = (
    (" is ", " is not "), (" are ", " are not "), (" can ", " cannot "), (" never ", " always "),
    (" not ", " "), (" has ", " has no "), (" before ", " long after "), (" one ", " ninety-one "),
)  # fmt: skip


def made_up(number: int, true: Sequence[dict[str, Any]], rng: random.Random) -> dict[str, Any]:
    """Return one claim of the `number`-th kind; the kinds take turns."""
    subject, predicate = rng.choice(_SUBJECTS), rng.choice(_PREDICATES)
    invented = f"{subject} {predicate} ({rng.randint(100, 999)})."
    borrowed: list[dict[str, str]] = rng.choice(true)["citations"][:1] if true else []
    passage = borrowed[0]["passage"] if borrowed else f"{rng.randrange(16**16):016x}"
    kinds: tuple[dict[str, Any], ...] = (
        {"text": invented, "citations": []},
        {"text": invented, "citations": [{"passage": passage, "quote": invented}]},
        {"text": invented, "citations": [_nowhere(invented, rng)]},
        {"text": invented, "citations": borrowed},
        _turned(true, rng) or {"text": invented, "citations": borrowed},
        _exchanged(true, rng) or {"text": invented, "citations": borrowed},
    )
    return kinds[number % len(kinds)]


def _nowhere(quote: str, rng: random.Random) -> dict[str, str]:
    return {"passage": f"{rng.randrange(16**16):016x}", "quote": quote}


def _turned(true: Sequence[dict[str, Any]], rng: random.Random) -> dict[str, Any] | None:
    """Return a true claim with one thing changed: a number, or what it denies."""
    for claim in rng.sample(list(true), len(true)):
        text: str = claim["text"]
        numbered = re.sub(r"\d+", lambda found: str(int(found[0]) * 3 + 7), text, count=1)
        if numbered != text:
            return {**claim, "text": numbered}
        for plain, turned in _TURNED:
            if plain in text:
                return {**claim, "text": text.replace(plain, turned, 1)}
    return None


def _exchanged(true: Sequence[dict[str, Any]], rng: random.Random) -> dict[str, Any] | None:
    """Return a true claim with its longest plain word exchanged: no rule over words sees that."""
    if not true:
        return None
    claim, other = rng.choice(list(true)), rng.choice(_EXCHANGED)
    plain = [word for word in re.findall(r"\b[a-z]{5,}\b", claim["text"]) if word != other]
    if not plain:
        return None
    return {**claim, "text": claim["text"].replace(max(plain, key=len), other, 1)}
