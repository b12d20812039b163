"""What makes a text one that addresses the model: concepts close together, and forms of markup."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from activities.guarding.concepts import Hit
from activities.guarding.linear import Pattern, linear

_FILE: Final = Path(__file__).with_name("forms.json")


class Near(NamedTuple):
    """Concepts within so many words of each other.

    Attributes:
        kind: What it is called.
        concepts: All of them, in any order.
        within: Words.
        weight: What it counts; two points are suspicious.
    """

    kind: str
    concepts: frozenset[str]
    within: int
    weight: float


class Form(NamedTuple):
    """A form of markup or of speech."""

    kind: str
    pattern: Pattern
    weight: float


def _near(kind: str, concepts: str, within: int, weight: float) -> Near:
    return Near(kind, frozenset(concepts.split()), within, weight)


NEAR: Final = (
    _near("override", "override prior instr", 6, 4),
    _near("override", "override instr", 5, 1.5),
    _near("new task", "new instr ai", 9, 2),
    _near("new task", "new instr", 2, 0.7),
    _near("new task", "new instr act must", 12, 1),
    _near("addressed", "ai must act", 14, 1.4),
    _near("addressed", "ai act instr", 14, 1),
    _near("addressed", "ai act", 9, 0.6),
    _near("order", "ai act address", 22, 1.9),
    _near("addressed", "ai address must", 22, 1.5),
    _near("order", "act address prior instr", 22, 1.5),
    _near("order", "act address secret", 14, 1.2),
    _near("order", "act address must", 14, 0.5),
    _near("role", "persona ai", 6, 1.2),
    _near("role", "persona must act", 10, 0.8),
    _near("role", "persona act address", 16, 1.2),
    _near("exfiltration", "act secret prior", 9, 1.2),
    _near("exfiltration", "act secret ai", 12, 1.2),
    _near("exfiltration", "tell secret instr", 8, 1.2),
    _near("concealment", "not tell user", 7, 1.3),
    _near("approval", "skip approval act", 12, 1.2),
    _near("approval", "not approval tool", 12, 1.5),
    _near("authority", "authority act must", 14, 0.8),
    _near("authority", "urgent act must", 12, 0.6),
    _near("tool", "tool act", 8, 2.5),
    _near("tool", "tool must", 8, 2.5),
    _near("tool", "tool", 1, 1.5),
)


@cache
def _told() -> list[dict[str, Any]]:
    """Return what `forms.json` has."""
    return json.loads(_FILE.read_text(encoding="utf-8"))["forms"]


@cache
def forms() -> tuple[Form, ...]:
    """Return the forms of `forms.json`."""
    return tuple(Form(each["kind"], linear(each["patterns"]), each["weight"]) for each in _told())


def weighed(hits: Sequence[Hit], text: str) -> dict[str, float]:
    """Return the weight of each kind that is found: the heaviest rule of each counts."""
    found: dict[str, float] = {}
    for rule in NEAR:
        if rule.weight > found.get(rule.kind, 0) and _close(hits, rule):
            found[rule.kind] = rule.weight
    if _any_form().search(text):
        for form in forms():
            if form.weight > found.get(form.kind, 0) and form.pattern.search(text):
                found[form.kind] = form.weight
    return found


@cache
def _any_form() -> Pattern:
    """Return all forms as one: most texts have none, and are walked through once."""
    return linear(pattern for each in _told() for pattern in each["patterns"])


def _close(hits: Sequence[Hit], rule: Near) -> bool:
    """Whether all concepts of a rule stand within its words, by one walk over the hits."""
    last: dict[str, int] = {}
    weak = rule.weight < _STRONG
    for near, concept, far in hits:
        if concept not in rule.concepts:
            continue
        place = far if weak else near
        # One word may mean two things, and is not both of them at once.
        taken = any(at == place for other, at in last.items() if other != concept)
        if taken and place - last.get(concept, -rule.within) < rule.within:
            continue
        last[concept] = place
        whole = len(last) == len(rule.concepts) == len(set(last.values()))
        if whole and place - min(last.values()) <= rule.within:
            return True
    return False


def run_together(text: str, stems: "Stems") -> bool:
    """Whether an order to override stands in a text that parts its words where none end."""
    letters = "".join(filter(str.isalpha, text))
    split = [stem for stem in stems.override if stem in letters and stem not in text]
    for start in _places(letters, split):
        around = letters[max(0, start - _SPAN) : start + _SPAN]
        if _any_in(around, stems.prior) and _any_in(around, stems.instr):
            return True
    return False


def _any_in(letters: str, stems: Iterable[str]) -> bool:
    return any(stem in letters for stem in stems)


def _places(letters: str, stems: Iterable[str]) -> list[int]:
    found: list[int] = []
    for stem in stems:
        place = letters.find(stem)
        while place >= 0 and len(found) < _MOST_PLACES:
            found.append(place)
            place = letters.find(stem, place + 1)
    return found


class Stems(NamedTuple):
    """Stems long enough to be found without the spaces around them."""

    override: tuple[str, ...]
    prior: tuple[str, ...]
    instr: tuple[str, ...]


_STRONG: Final = 2.0  # a weaker rule does not reach over the end of a sentence
_SPAN: Final = 60  # letters
_MOST_PLACES: Final = 500
