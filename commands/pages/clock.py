"""A run's time on a line of fixed length: long waits are shortened, and shown as shortened.

A run that works for ten seconds may wait for three days in between. Drawn to one scale its work
would be a hair's breadth; so a stretch in which nothing begins or ends gets at most a certain part
of the line, and the picture has a break there that says how long it was.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

_LONG_S: Final = 2.0
"""Shorter stretches are never shortened."""
_PART: Final = 0.25
"""Part of the line that one shortened stretch has."""
_PARTS: Final = 0.6
"""Part that all of them have together."""
_WORTH: Final = 3.0
"""A stretch is shortened where it would be at least so many times longer."""


class Break(NamedTuple):
    """A stretch that was shortened: where it is, 0 to 1, and how long it was."""

    left: float
    right: float
    seconds: float


@dataclass(frozen=True)
class Clock:
    """Tells where on the line a moment is.

    Attributes:
        moments: Seconds since the run began, ascending.
        places: Where each of them is, from 0 to 1.
        breaks: What was shortened.
    """

    moments: tuple[float, ...]
    places: tuple[float, ...]
    breaks: tuple[Break, ...] = ()

    def place(self, moment: float) -> float:
        """Return where a moment is, 0 to 1."""
        return _between(moment, self.moments, self.places)

    def moment(self, place: float) -> float:
        """Return what moment is at a place."""
        return _between(place, self.places, self.moments)


def clock(moments: Iterable[float]) -> Clock:
    """Return the clock of a run, by the moments at which anything began or ended in it."""
    found = sorted({max(moment, 0.0) for moment in moments} | {0.0})
    if len(found) == 1:
        found.append(found[0] + 1e-3)
    lengths = [after - before for before, after in pairwise(found)]
    cap = _cap(lengths)
    shown = [min(length, cap) for length in lengths]
    whole = sum(shown) or 1.0
    places = [0.0]
    for length in shown:
        places.append(places[-1] + length / whole)
    breaks = tuple(
        Break(places[at], places[at + 1], length)
        for at, length in enumerate(lengths)
        if length > cap
    )
    return Clock(tuple(found), tuple(places), breaks)


def _cap(lengths: Sequence[float]) -> float:
    """Return how long a stretch may be drawn; infinite where none is to be shortened."""
    long = sorted((each for each in lengths if each > _LONG_S), reverse=True)
    rest = sum(lengths)
    for number, longest in enumerate(long):
        rest -= longest
        many = number + 1
        if rest <= 0:
            return float("inf")
        alone = _PART * rest / (1 - _PART * many) if _PART * many < 1 else float("inf")
        cap = min(alone, _PARTS / (1 - _PARTS) * rest / many)
        after = long[many] if many < len(long) else 0.0
        if cap * _WORTH >= after:
            return cap if long[0] > cap * _WORTH else float("inf")
    return float("inf")


def _between(value: float, known: Sequence[float], wanted: Sequence[float]) -> float:
    at = min(max(bisect_right(known, value), 1), len(known) - 1)
    left, right = known[at - 1], known[at]
    part = (value - left) / (right - left) if right > left else 0.0
    return wanted[at - 1] + min(max(part, 0.0), 1.0) * (wanted[at] - wanted[at - 1])
