"""Whether a claim can be asked about, by rules over words that no model can influence.

A claim must be a part of the answer, and its question must not give the claim away: else whoever
looks it up is led. What an answer says and no claim covers is found out here too, so that nothing
is let through by leaving it out.
"""

import re
from collections.abc import Iterator, Sequence

from agents.reading import words
from domain.claims import Claim, Sorted, SortRequest, Unit

_EDGE = r"(?<!\w){}(?!\w)"
_TRUTHS = frozenset({"true", "false", "yes", "no"})


def sort(request: SortRequest) -> Sorted:
    """Return which claims can be asked about, together with which, and what none covers."""
    wrong = {
        index: problem
        for index, claim in enumerate(request.claims)
        if (problem := claim_problem(claim, request.units))
    }
    right = [index for index in range(len(request.claims)) if index not in wrong]
    return Sorted(
        wrong=wrong,
        missing=tuple(_missing(request.units, request.claims, right)),
        batches=_batches(request.claims, right, request.together),
    )


def claim_problem(claim: Claim, units: Sequence[Unit]) -> str:
    """Return why a claim cannot be asked about; nothing where it can."""
    if not 1 <= claim.of <= len(units):
        return f"there is no part {claim.of}; they go from 1 to {len(units)}"
    if not claim.part.strip() or words.flat(claim.part) not in words.flat(units[claim.of - 1].text):
        return f"part {claim.of} does not hold the words {claim.part[:80]!r}"
    if not claim.value.strip() or words.flat(claim.value) not in words.flat(claim.part):
        return f"the value {claim.value[:80]!r} is not in {claim.part[:80]!r}"
    return question_problem(claim)


def question_problem(claim: Claim) -> str:
    """Return what is wrong with a claim's question; nothing where it leads nobody."""
    asked = words.flat(claim.question)
    if not asked.endswith("?"):
        return f"{claim.question[:80]!r} is no question"
    if gives_away(claim.question, claim.value):
        return f"the question {claim.question[:80]!r} gives its answer away"
    long = len(words.words(claim.part)) > len(words.words(claim.value)) + 2
    if long and words.flat(claim.part).rstrip(".") in asked:
        return f"the question {claim.question[:80]!r} repeats the claim"
    return ""


def gives_away(question: str, value: str) -> bool:
    """Whether somebody who reads `question` has read `value`."""
    if words.flat(value) in _TRUTHS:
        return False  # either could be the answer to a question of whether
    if re.search(_EDGE.format(re.escape(words.flat(value))), words.flat(question)):
        return True
    if words.numbers(value) & words.numbers(question):
        return True
    carried = words.key_words(value)
    return bool(carried) and carried <= words.key_words(question)


def _missing(units: Sequence[Unit], claims: Sequence[Claim], right: Sequence[int]) -> Iterator[int]:
    """Yield the numbers of the units that say something which no right claim is about."""
    listed = {claim.of for claim in claims}
    for number, unit in enumerate(units, 1):
        about = [claims[index] for index in right if claims[index].of == number]
        if not _covers(about, unit) or (number in listed and not about):
            yield number


def _covers(claims: Sequence[Claim], unit: Unit) -> bool:
    """Whether claims cover what rules can see: a value whole; numbers and names of a sentence."""
    if not unit.prose:
        return any(words.flat(claim.part) == words.flat(unit.text) for claim in claims)
    valued = " ".join(claim.value for claim in claims)
    if words.numbers(unit.text) - words.numbers(valued):
        return False
    return bool(claims) or not words.names(unit.text)


def _batches(
    claims: Sequence[Claim], right: Sequence[int], together: int
) -> tuple[tuple[int, ...], ...]:
    """Put questions together, as many as allowed, where none holds another one's answer."""
    batches: list[list[int]] = []
    for index in right:
        for batch in batches:
            if len(batch) < together and not any(
                _tells(claims[index], claims[other]) for other in batch
            ):
                batch.append(index)
                break
        else:
            batches.append([index])
    return tuple(tuple(batch) for batch in batches)


def _tells(one: Claim, other: Claim) -> bool:
    return gives_away(one.question, other.value) or gives_away(other.question, one.value)
