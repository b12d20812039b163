"""Secrets and personal data in what a run says or sends: where they are, and the text without.

Secrets are found by the forms that their issuers gave them, and by the values of our own settings.
Account and card numbers count only with a right checksum.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Final, NamedTuple

from stdnum import iban, luhn

from activities.guarding.linear import Pattern, linear
from domain.secret_forms import FORMS

MOST_CHARS: Final = 400_000
_SHORTEST_OWN: Final = 6  # a value that is shorter stands in too many words
_MOST: Final = 200
SECRETS: Final = FORMS
EMAIL: Final = r"\b[0-9A-Za-z._%+-]{1,64}@(?:[0-9A-Za-z-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"
IBAN: Final = r"\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?\b"
_CARD: Final = r"\b\d(?:[ -]?\d){12,18}\b"
_PHONE: Final = "+"


class Spill(NamedTuple):
    """Something that must not pass, and its place in the text."""

    start: int
    end: int
    kind: str


def secrets_in(text: str, own: Iterable[str] = ()) -> list[Spill]:
    """Return the secrets in a text.

    Args:
        text: What is about to be said.
        own: Values of our own settings.
    """
    text = text[:MOST_CHARS]
    found = [
        Spill(*match.span(), kind)
        for kind, pattern in forms().items()
        for match in _some(pattern, text)
    ]
    for value in own:
        if len(value) >= _SHORTEST_OWN:
            spots = [match.start() for match in re.finditer(re.escape(value), text)]
            found += [Spill(at, at + len(value), "own setting") for at in spots[:_MOST]]
    return _once(found)


def _once(found: Iterable[Spill]) -> list[Spill]:
    """Return what is found without what two forms found at one place."""
    seen: dict[int, Spill] = {}
    for spill in found:
        seen.setdefault(spill.start, spill)
    return list(seen.values())


@cache
def forms() -> dict[str, Pattern]:
    """Return what finds each kind of secret."""
    return {kind: linear([form], any_case=False) for kind, form in SECRETS.items()}


@cache
def _form(pattern: str) -> Pattern:
    return linear([pattern], any_case=False)


def _some(pattern: Pattern, text: str):
    return [match for match, _ in zip(pattern.finditer(text), range(_MOST), strict=False)]


def true_part(found: str, proved: Callable[[str], bool]) -> str:
    """Return what of a match is proved: without the words after it that look like more of it."""
    while found and not proved(found):
        found = found.rpartition(" ")[0]
    return found


def personal_in(text: str, kinds: Sequence[str]) -> list[Spill]:
    """Return the personal data of these kinds in a text."""
    text = text[:MOST_CHARS]
    found: list[Spill] = []
    if "email" in kinds and "@" in text:
        found += [Spill(*match.span(), "email") for match in _some(_form(EMAIL), text)]
    if "iban" in kinds:
        found += [
            Spill(match.span()[0], match.span()[0] + len(true), "iban")
            for match in _some(_form(IBAN), text)
            if (true := true_part(match[0], iban.is_valid))
        ]
    if "card" in kinds:
        found += [
            Spill(*match.span(), "card")
            for match in _some(_form(_CARD), text)
            if luhn.is_valid(re.sub(r"\D", "", match[0])) and len(set(match[0])) > 1
        ]
    if "phone" in kinds and _PHONE in text:
        found += _phones(text)
    return found


def _phones(text: str) -> list[Spill]:
    """Return international telephone numbers: without a country a number could be anything."""
    import phonenumbers  # noqa: PLC0415 - its tables take a tenth of a second to load

    matches = phonenumbers.PhoneNumberMatcher(text, None)
    return [
        Spill(match.start, match.end, "phone")
        for match, _ in zip(matches, range(_MOST), strict=False)
    ]


def without(text: str, spills: Iterable[Spill]) -> str:
    """Return `text` with a note in the place of each."""
    end = len(text)
    for spill in sorted(spills, reverse=True):
        if spill.end <= end:
            text = f"{text[: spill.start]}[{spill.kind} removed]{text[spill.end :]}"
            end = spill.start
        elif spill.start < end:  # it overlaps with one that is out already
            text = text[: spill.start] + text[end:]
            end = spill.start
    return text
