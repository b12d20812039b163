"""Whether a claim agrees with what was found by somebody who has not seen it: rules over words.

The rules are coarse on purpose, like those of a research (`agents/reading/support.py`), which they
take for quotations in prose: what cannot be shown to agree is not supported.
"""

import re
from collections.abc import Sequence
from typing import Final

from agents.reading import support, words
from domain.claims import Claim, Compared, CompareRequest, Found, Source, Verdict

_LEAST_SHARED: Final = 0.5
_PROSE: Final = 8  # words; a shorter quotation is a value or a row, not a sentence
_TRUE: Final = frozenset({"true", "yes", "it is", "correct"})
_FALSE: Final = frozenset({"false", "no", "not", "it is not", "none"})
_NOT_PROSE: Final = re.compile(r"[{}\[\]|<>=_]|\":")


def compare(request: CompareRequest) -> Compared:
    """Return a verdict on each claim, in their order."""
    return Compared(
        verdicts=tuple(
            verdict(claim, found, request.sources)
            for claim, found in zip(request.claims, request.found, strict=True)
        )
    )


def verdict(claim: Claim, found: Found | None, sources: Sequence[Source]) -> Verdict:
    """Return what the evidence makes of one claim."""
    if found is None or not found.found or not found.answer.strip():
        return _not("nothing that was read answers it")
    standing = [quote for quote in found.quotes if stands(quote, sources)]
    if not standing:
        return _not("what it is said to rest on stands in nothing that was read")
    quoted = " ".join(standing)
    if not borne_out(found.answer, quoted):
        return _not("the words that are quoted do not say it")
    if wrong := _differs(claim.value, found.answer):
        return Verdict(finding="contradicted", because=f"{wrong}: {found.answer.strip()[:200]!r}")
    if not agrees(claim.value, found.answer):
        return _not(f"what was read says {found.answer.strip()[:200]!r}")
    return _in_prose(claim, standing, sources)


def stands(quote: str, sources: Sequence[Source]) -> bool:
    """Whether a quotation is in what was read, word for word, and addresses nobody."""
    flat = words.flat(quote)
    if not flat or support.addresses(quote):
        return False
    return any(flat in words.flat(source.text) for source in sources)


def borne_out(answer: str, quoted: str) -> bool:
    """Whether the words that are quoted hold the answer: its numbers, and half of its words."""
    if _truth(answer) is not None:
        return True  # whether something is so is said in words of all kinds
    if not words.numbers(answer) <= words.numbers(quoted):
        return False
    return _shared(answer, quoted) >= _LEAST_SHARED


def agrees(value: str, answer: str) -> bool:
    """Whether two values say the same."""
    if words.flat(value).strip(".") in words.flat(answer) or _same_truth(value, answer):
        return True
    numbers = words.numbers(value)
    if not numbers <= words.numbers(answer):
        return False
    return bool(numbers) if not words.key_words(value) else _shared(value, answer) >= _LEAST_SHARED


def _differs(value: str, answer: str) -> str:
    """Return how an answer contradicts a value; nothing where it only does not bear it out."""
    own, other = _truth(value), _truth(answer)
    if own is not None and other is not None and own != other:
        return "what was read says otherwise"
    if words.numbers(value) and words.numbers(answer):
        if not words.numbers(value) & words.numbers(answer):
            return "what was read has another number"
    elif not agrees(value, answer) and not _shared(value, answer):
        return "what was read says something else"
    if (words.denials(value) - words.denials(answer)) % 2 and _shared(value, answer):
        return "one of the two denies it"
    return ""


def _in_prose(claim: Claim, standing: Sequence[str], sources: Sequence[Source]) -> Verdict:
    """Put a claim in prose before the rules of a research, where its evidence is prose too."""
    prose = [q for q in standing if len(words.words(q)) >= _PROSE and not _NOT_PROSE.search(q)]
    if len(prose) < len(standing) or len(words.words(claim.part)) < _PROSE:
        return Verdict(finding="supported")
    holding = [
        source.text
        for source in sources
        if any(words.flat(q) in words.flat(source.text) for q in prose)
    ]
    cited = [support.Cited(text="\n".join(holding), about="", quotes=tuple(prose))]
    problems = support.claim_problems(claim.part, cited)
    return _not("; ".join(problems)) if problems else Verdict(finding="supported")


def _shared(one: str, other: str) -> float:
    """Return the share of the key words of `one` that are in `other`; 1 where it has none."""
    # The names of a row's fields are words too: `paid_cents` says cents.
    wanted = words.key_words(one.replace("_", " "))
    there = words.key_words(other.replace("_", " "))
    return len(wanted & there) / len(wanted) if wanted else 1.0


def _truth(text: str) -> bool | None:
    flat = words.flat(text).strip(".! ")
    first = flat.split(",")[0].split(" ")[0] if flat else ""
    if flat in _TRUE or first in {"yes", "true"}:
        return True
    return False if flat in _FALSE or first in {"no", "false"} else None


def _same_truth(value: str, answer: str) -> bool:
    own = _truth(value)
    return own is not None and own == _truth(answer)


def _not(because: str) -> Verdict:
    return Verdict(finding="unsupported", because=because)
