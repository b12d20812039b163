"""Personal data and secrets taken out of what leaves a process sideways: its logs and its traces.

The forms are those that guard a run's answers (`activities.guarding.spills`), held to more proof:
a log is full of numbers that look like cards and are not. What is one of our own ids stays whole.
Everything takes time in proportion to the text, whatever the text is.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Final

from stdnum import iban, luhn
from stdnum.fr import nir
from stdnum.us import ssn

from activities.guarding import spills
from activities.guarding.linear import Pattern, linear
from activities.guarding.spills import Spill, true_part

MOST_CHARS: Final = spills.MOST_CHARS
_SHORTEST_OWN: Final = 6  # a value that is shorter stands in too many words
# Each costs a look into tables. So many are proved; after that a number that looks so is out.
_MOST_PROVED: Final = 100
# By the issuers' ranges and the ways that cards are written: nanoseconds and ids are not cards.
_CARDS: Final = (
    r"\b(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|6[245]\d\d|35\d\d)([ -]?)\d{4}[ -]?\d{4}[ -]?\d{4}\b",
    r"\b3[47]\d\d[ -]?\d{6}[ -]?\d{5}\b",
    r"\b3(?:0[0-5]|[68]\d)\d[ -]?\d{6}[ -]?\d{4}\b",
    r"\b(?:4|62|50|5[6-9]|6[1-9])\d{15,17}\b",
    r"\b4\d{12}\b",
)
_PHONE: Final = r"\+[1-9](?:[ ().\-/]{0,2}\d){6,14}\b"
_SSN: Final = r"\b\d{3}-\d{2}-\d{4}\b"
_NIR: Final = r"\b[12] ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d\d\b"


def redactor(own: Iterable[str] = ()) -> Callable[[str], str]:
    """Return what takes personal data and secrets out of a text.

    Args:
        own: Values of our own settings, which are taken out wherever they stand.
    """
    hidden = sorted({each for each in own if len(each) >= _SHORTEST_OWN}, key=len, reverse=True)

    def redact(text: str) -> str:
        for secret in hidden:
            if secret in text:
                text = text.replace(secret, "[own setting removed]")
        if len(text) > MOST_CHARS:  # what is not looked at is not let out
            text = f"{text[:MOST_CHARS]}… ({len(text) - MOST_CHARS:,} characters cut)"
        if _hint().search(text) is None:
            return text
        return _without(text, list(_found(text)))

    return redact


def _found(text: str) -> Iterator[Spill]:
    for kind, pattern in spills.forms().items():
        yield from _spills(kind, pattern, text)
    yield from _spills("email", _one(spills.EMAIL), text)
    yield from _spills("iban", _one(spills.IBAN), text, _is_iban)
    for form in _CARDS:
        yield from _spills("card", _one(form), text, _is_card)
    yield from _spills("national id", _one(_SSN), text, ssn.is_valid)
    yield from _spills("national id", _one(_NIR), text, nir.is_valid)
    if "+" in text:
        yield from _spills("phone", _one(_PHONE), text, _phones())


def _spills(
    kind: str, pattern: Pattern, text: str, proved: Callable[[str], bool] = lambda _: True
) -> Iterator[Spill]:
    for match in pattern.finditer(text):
        start, _ = match.span()
        if length := len(true_part(match[0], proved)):
            yield Spill(start, start + length, kind)


def _is_iban(number: str) -> bool:
    # Without the countries' own rules: those do not know every bank, and the checksum will do.
    return iban.is_valid(number, check_country=False)


def _is_card(number: str) -> bool:
    digits = "".join(filter(str.isdigit, number))
    return len(set(digits)) > 1 and luhn.is_valid(digits)


def _phones() -> Callable[[str], bool]:
    """Return what tells telephone numbers, for one text."""
    left = _MOST_PROVED

    def is_phone(number: str) -> bool:
        import phonenumbers  # noqa: PLC0415 - its tables take a tenth of a second to load

        nonlocal left
        left -= 1
        if left < 0:
            return True
        try:
            return phonenumbers.is_possible_number(phonenumbers.parse(number, None))
        except phonenumbers.NumberParseException:
            return False

    return is_phone


def _without(text: str, found: Sequence[Spill]) -> str:
    """Return `text` with a note in the place of each; of two that overlap, of the first."""
    parts, at = list[str](), 0
    for spill in sorted(found):
        if spill.start >= at:
            parts += [text[at : spill.start], f"[{spill.kind} removed]"]
        at = max(at, spill.end)
    return "".join([*parts, text[at:]])


@cache
def _hint() -> Pattern:
    """Return one pattern for all of it, without the proofs: most texts are through with it."""
    personal = (spills.EMAIL, spills.IBAN, *_CARDS, _PHONE, _SSN, _NIR)
    return linear([*spills.SECRETS.values(), *personal], any_case=False)


@cache
def _one(pattern: str) -> Pattern:
    return linear([pattern], any_case=False)
