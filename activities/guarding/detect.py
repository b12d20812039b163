"""Does a text address the model? In many dresses and languages, by rules and weights.

It is a smoke detector. What keeps a write from being made is the taint of whoever has read
strangers' words; this one says why, and warns of content that was thought to be ours.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from activities.guarding.concepts import lexicon, meant
from activities.guarding.decode import decoded, leet, turned
from activities.guarding.linear import Pattern, linear
from activities.guarding.plain import (
    folded,
    one_line,
    pulled_together,
    smuggled,
    unseen,
    visible,
    without_fields,
    without_markup,
)
from activities.guarding.rules import Stems, run_together, weighed

SUSPICIOUS: Final = 2.0
CERTAIN: Final = 5.0
MOST_CHARS: Final = 400_000
_LAST: Final = 50_000
_DRESSED: Final = 1.5  # what it adds that an order was in a dress
_UNSEEN: Final = 4  # characters that nobody sees, from which on they are no accident
_SEAM: Final = 600  # characters of two results that are read as one
_LETTERS: Final = 5  # of a stem that is looked for without spaces
_HIDING: Final = ("display:none", "visibility:hidden", "font-size:0", "opacity:0", "color:#fff")


@dataclass(frozen=True)
class Found:
    """What was found in a text.

    Attributes:
        kinds: What it is, the heaviest first; empty for nothing.
        weight: From `SUSPICIOUS` on it is told, from `CERTAIN` on it may be withheld.
        quoted: It speaks about attacks, so it may be about an order and not one.
    """

    kinds: tuple[str, ...] = ()
    weight: float = 0
    quoted: bool = False

    @property
    def suspicious(self) -> bool:
        """Whether the model is warned."""
        return self.weight >= SUSPICIOUS

    @property
    def certain(self) -> bool:
        """Whether a policy that withholds does so."""
        return self.weight >= CERTAIN and not self.quoted


def look(
    text: str, tools: Iterable[str] = (), before: Sequence[str] = (), *, ours: bool = False
) -> Found:
    """Return what is found in a text.

    Args:
        text: Of a result, a task or a document.
        tools: Names of the tools that write: strangers have no reason to know them.
        before: The ends of results read before, for an order that is split over several.
        ours: Our own data: an order in it is looked for in plain letters alone.
    """
    names = tuple(tools)
    if len(text) > MOST_CHARS:  # the middle of what is longer is not looked at
        text = f"{text[: MOST_CHARS - _LAST]} {text[-_LAST:]}"
    found = _in(text, names, dressed=not ours)
    for end in () if found.suspicious else before:
        seam = visible(f"{end[-_SEAM:]} {text[:_SEAM]}")
        found = _joined(found, _weigh(folded(without_markup(seam)), names, seam), "split")
    return found


def _in(text: str, names: tuple[str, ...], *, dressed: bool) -> Found:
    seen = visible(text)
    plain = folded(without_markup(seen))
    found = _weigh(plain, names, seen)
    if (hidden := smuggled(text)) and not found.certain:
        found = _joined(found, _weigh(folded(hidden), names, hidden), "hidden")
    if unseen(text) >= _UNSEEN or _styled(seen):
        found = _heavier(found, "hidden")
    if found.certain or not dressed:
        return found
    for name, read in decoded(without_markup(seen)):
        found = _joined(found, _weigh(folded(read), names, read), f"encoded: {name}")
    if not found.suspicious:
        found = _undressed(plain, seen, names, found)
    return found


def _undressed(plain: str, seen: str, names: tuple[str, ...], found: Found) -> Found:
    """Look at what the text would say if its letters were others, or in another order."""
    for joined in filter(None, (pulled_together(seen), without_fields(seen))):
        found = _joined(found, _weigh(folded(joined), names, joined), "split")
    for read in leet(seen):
        found = _joined(found, _weigh(folded(read), names, read), "encoded: leet")
    if _worth().search(plain):
        for name, read in turned(plain):
            if _override().search(read):
                found = _joined(found, _weigh(read, names, read), f"encoded: {name}")
    if not found.suspicious and run_together(plain, _stems()):
        found = Found(("override", "split"), SUSPICIOUS + _DRESSED, found.quoted)
    return found


def _weigh(plain: str, names: tuple[str, ...], raw: str) -> Found:
    hits = meant(plain, names)
    weights = weighed(hits, plain)
    for kind, weight in weighed((), folded(raw)).items():  # forms of markup, before it is taken out
        weights[kind] = max(weight, weights.get(kind, 0))
    kinds = tuple(sorted(weights, key=lambda kind: -weights[kind]))
    quoted = any(hit.concept == "mention" for hit in hits)
    return Found(kinds, sum(weights.values()), quoted)


def _joined(known: Found, more: Found, dress: str) -> Found:
    """Return the heavier of two; an order in a dress weighs more than a plain one."""
    if not more.suspicious or more.weight + _DRESSED <= known.weight:
        return known
    return Found((*more.kinds, dress), more.weight + _DRESSED, more.quoted)


def _heavier(found: Found, kind: str) -> Found:
    return Found((*found.kinds, kind), found.weight + _DRESSED, found.quoted)


def _styled(seen: str) -> bool:
    low = one_line(seen).lower().replace(" ", "") if "style" in seen else ""
    return any(style in low for style in _HIDING)


@cache
def _override() -> Pattern:
    """Return what finds the words by which an order begins."""
    return linear(map(re.escape, _stems().override))


@cache
def _worth() -> Pattern:
    """Return what finds those words whatever dress all of the text wears: in one walk, not 27."""
    worn = {read for stem in _stems().override for _, read in turned(stem)}
    return linear(map(re.escape, sorted(worn)))


@cache
def _stems() -> Stems:
    """Return the stems that are long enough to be found inside a run of letters."""
    listed: dict[str, list[str]] = {"override": [], "prior": [], "instr": []}
    known = lexicon()
    for words in (known.words, known.stems):
        for word, concepts in words.items():
            for concept in set(concepts) & listed.keys():
                if len(word) >= (_LETTERS if concept == "override" else 3):
                    listed[concept].append(word)
    return Stems(*(tuple(listed[name]) for name in ("override", "prior", "instr")))
