"""Whether an evaluation is worse than a saved one, by more than noise: see `statistics`."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from commands.evals.results import Case, Evaluation, Run
from commands.evals.statistics import ALPHA, Interval, Paired, difference, holm, mean, worse

LEAST: Final = 0.05
"""A drop of a score that is worth an alarm."""
LEAST_RATIO: Final = 1.1
"""A rise of steps, tokens or cost that is worth one: a tenth."""
TIMES: Final = "\N{MULTIPLICATION SIGN}"
# Seconds are shown and raise no alarm: they are the machine's as much as the agent's.
NUMBERS: Final = ("steps", "tokens", "cost_usd")


@dataclass(frozen=True)
class Change:
    """One scorer, before and after.

    Attributes:
        name: The scorer, or the number.
        before: The mean over cases.
        by: How much it went up, with its interval; of a number the ratio.
        chance: Of so low a score, or a lower one, if nothing has changed; by Holm's step-down.
        alarm: It got worse by more than noise, and enough to matter.
    """

    name: str
    cases: int
    before: float
    after: float
    by: Interval
    chance: float
    alarm: bool


@dataclass(frozen=True)
class Comparison:
    """An evaluation against a baseline.

    Attributes:
        changes: By scorer.
        left_out: Cases that only one of the two has, or that were changed since.
    """

    changes: Sequence[Change]
    left_out: Sequence[str]

    @property
    def alarms(self) -> frozenset[str]:
        """Names of what got worse."""
        return frozenset(change.name for change in self.changes if change.alarm)


def compared(baseline: Evaluation, now: Evaluation, alpha: float = ALPHA) -> Comparison:
    """Return what changed, scorer by scorer, over the cases that both have."""
    before = {case.name: case for case in baseline.cases}
    both = [
        (before[case.name], case)
        for case in now.cases
        if case.name in before and before[case.name].identity == case.identity
    ]
    names = {case.name for _, case in both}
    left_out = sorted(({*before} | {case.name for case in now.cases}) - names)
    paired = {name: _scores(both, name) for name in now.scorers}
    paired |= {name: _numbers(both, name) for name in NUMBERS}
    paired = {name: cases for name, cases in paired.items() if cases}
    chances = holm({name: worse(cases) for name, cases in paired.items()})
    changes = [_change(name, paired[name], chances[name], alpha) for name in paired]
    return Comparison(changes, left_out)


def both_samples(one: Comparison, other: Comparison) -> frozenset[str]:
    """Return what got worse in two samples."""
    return one.alarms & other.alarms


def _change(name: str, cases: Sequence[Paired], chance: float, alpha: float) -> Change:
    by = difference(cases)
    before = mean([mean(old) for old, _ in cases])
    after = mean([mean(new) for _, new in cases])
    if name not in NUMBERS:
        alarm = chance < alpha and by.value <= -LEAST
        return Change(name, len(cases), before, after, by, chance, alarm)
    # A number goes in as the negative of its logarithm: worse is lower, and steps are ratios.
    ratio = Interval(math.exp(-by.value), math.exp(-by.high), math.exp(-by.low))
    alarm = chance < alpha and ratio.value >= LEAST_RATIO
    return Change(name, len(cases), math.exp(-before), math.exp(-after), ratio, chance, alarm)


def _scores(both: Iterable[tuple[Case, Case]], name: str) -> list[Paired]:
    return _paired(both, lambda run: run.scores.get(name))


def _numbers(both: Iterable[tuple[Case, Case]], name: str) -> list[Paired]:
    def of(run: Run) -> float | None:
        value = run.numbers.get(name, 0.0)
        return -math.log(value) if value > 0 else None

    return _paired(both, of)


def _paired(both: Iterable[tuple[Case, Case]], of: Callable[[Run], float | None]) -> list[Paired]:
    found: list[Paired] = []
    for old, new in both:
        before = [value for run in old.runs if (value := of(run)) is not None]
        after = [value for run in new.runs if (value := of(run)) is not None]
        if before and after:
            found.append((before, after))
    return found
