"""How sure one can be of a score, and whether it got worse by more than noise.

What is compared are the runs of the same cases before and after a change, case by case.

- **A rate** (cases passed) has Wilson's interval, which also holds near 0 and 1. Its n is the
  number of cases, however often each was run: runs of one case are alike, and counting them as if
  they were independent would promise more than there is.
- **A difference** has a bootstrap interval over cases: the cases are drawn again, each with its
  runs of both sides, so that a hard case is hard on both.
- **Worse?** A permutation test, stratified by case and exact. If nothing has changed, which of a
  case's runs are the new ones is chance; so all ways of dealing a case's runs out are equally
  likely, and the distribution of the mean difference follows from counting them, case by case.
  Nothing is assumed of the scores' distribution, and the two sides may have different numbers of
  runs. One-sided: getting better is no alarm.
- **Several scorers** are several chances of a false alarm. Holm's step-down holds the chance of
  any at `alpha`, whatever depends on what (and scores of one run do depend on each other).
- **Alarm** only where the adjusted p is under `alpha`, the change is large enough to matter
  (`least`), and all of it shows again in a second sample, which is drawn for the purpose. The
  second sample squares the chance, or nearly so: what the two share is the baseline's own luck, so
  save a baseline of several repeats.

Source: Wilson 1927; Fisher 1935 (permutation); Holm 1979; Efron 1979 (bootstrap); Cohen 1960.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

ALPHA: Final = 0.01
"""Chance that any alarm is raised where nothing has changed, before the second sample."""
_Z: Final = 1.959964  # of 95 %
_DRAWS: Final = 2_000
_SEED: Final = 20_240
# Sums are counted on a grid: scores are fractions, logs of costs are anything.
_GRID: Final = 1_000
_T = TypeVar("_T")
Paired = tuple[Sequence[float], Sequence[float]]
"""A case's scores: in the baseline's runs, and in the new ones."""


class Interval(NamedTuple):
    """An estimate and the 95 % interval around it."""

    value: float
    low: float
    high: float


class Agreement(NamedTuple):
    """How far two who judge the same agree.

    Attributes:
        kappa: Cohen's: 0 is what chance would give, 1 is always.
        share: Of what both judged, what they judged alike.
    """

    kappa: Interval
    share: float
    judged: int


def wilson(rate: float, cases: int) -> Interval:
    """Return a rate over `cases` with Wilson's 95 % interval; 0 to 1 where there are none."""
    if cases == 0:
        return Interval(rate, 0.0, 1.0)
    z2 = _Z * _Z
    middle = (rate + z2 / (2 * cases)) / (1 + z2 / cases)
    half = _Z * math.sqrt(rate * (1 - rate) / cases + z2 / (4 * cases * cases)) / (1 + z2 / cases)
    return Interval(rate, max(0.0, middle - half), min(1.0, middle + half))


def mean(values: Sequence[float]) -> float:
    """Return the mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def mean_interval(values: Sequence[float]) -> Interval:
    """Return a mean over cases, one value each, with its bootstrap interval."""
    return _bootstrapped(values, mean)


def difference(cases: Sequence[Paired]) -> Interval:
    """Return by how much the new runs are above the baseline's, and its bootstrap interval."""
    return _bootstrapped([mean(new) - mean(old) for old, new in cases], mean)


def worse(cases: Sequence[Paired]) -> float:
    """Return the chance of so low a mean difference, or a lower one, if nothing has changed."""
    total: dict[int, float] = {0: 1.0}
    seen = 0
    for old, new in cases:
        dealt = _dealt([*old, *new], len(new))
        if len(dealt) > 1:
            total = _summed(total, dealt)
        seen += _step(mean(new) - mean(old))
    return min(1.0, sum(chance for step, chance in total.items() if step <= seen))


def holm(chances: Mapping[str, float]) -> dict[str, float]:
    """Return each chance as it is where one of so many is looked at; by Holm's step-down."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    ordered = sorted(chances.items(), key=lambda item: (item[1], item[0]))
    for rank, (name, chance) in enumerate(ordered):
        highest = max(highest, min(1.0, chance * (len(ordered) - rank)))
        adjusted[name] = highest
    return adjusted


def agreement(one: Sequence[bool], other: Sequence[bool]) -> Agreement:
    """Return Cohen's kappa of two who judged the same things, with its bootstrap interval.

    Where both always say the same one thing, chance explains all of it, and kappa is 0.
    """
    both = list(zip(one, other, strict=True))
    return Agreement(_bootstrapped(both, _kappa), mean([a == b for a, b in both]), len(both))


def _kappa(both: Sequence[tuple[bool, bool]]) -> float:
    alike = mean([a == b for a, b in both])
    yes, other_yes = mean([a for a, _ in both]), mean([b for _, b in both])
    chance = yes * other_yes + (1 - yes) * (1 - other_yes)
    return 0.0 if chance >= 1 else (alike - chance) / (1 - chance)


def _bootstrapped(values: Sequence[_T], statistic: Callable[[Sequence[_T]], float]) -> Interval:
    """Return a statistic and the middle 95 % of what it is in samples drawn from the same."""
    found = statistic(values)
    if len(values) < 2:  # noqa: PLR2004 - of one there is nothing to draw
        return Interval(found, found, found)
    chance = random.Random(_SEED)  # noqa: S311 - repeatable on purpose
    drawn = sorted(statistic(chance.choices(values, k=len(values))) for _ in range(_DRAWS))
    return Interval(found, drawn[int(_DRAWS * 0.025)], drawn[int(_DRAWS * 0.975) - 1])


def _dealt(runs: Sequence[float], new: int) -> dict[int, float]:
    """Return how likely each difference is where chance says which of the runs are new."""
    ways: dict[tuple[int, float], int] = {(0, 0.0): 1}
    for value in runs:
        more = dict(ways)
        for (taken, total), count in ways.items():
            if taken < new:
                key = (taken + 1, round(total + value, 9))
                more[key] = more.get(key, 0) + count
        ways = more
    whole, old = sum(runs), len(runs) - new
    all_ways = math.comb(len(runs), new)
    dealt: dict[int, float] = {}
    for (taken, total), count in ways.items():
        if taken == new:
            step = _step(total / new - (whole - total) / old)
            dealt[step] = dealt.get(step, 0.0) + count / all_ways
    return dealt


def _step(value: float) -> int:
    return round(value * _GRID)


def _summed(one: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    summed: dict[int, float] = {}
    for a, chance in one.items():
        for b, more in other.items():
            summed[a + b] = summed.get(a + b, 0.0) + chance * more
    return summed
