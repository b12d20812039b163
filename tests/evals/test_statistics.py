"""How sure a score is, and whether it got worse."""

import itertools
import random
from collections.abc import Sequence

import pytest

from commands.evals import statistics
from commands.evals.statistics import agreement, difference, holm, mean, wilson, worse


def by_counting(cases: Sequence[tuple[Sequence[float], Sequence[float]]]) -> float:
    """Return the test's p by trying every way of dealing the runs out."""

    def ways(old: Sequence[float], new: Sequence[float]) -> list[float]:
        runs = [*old, *new]
        found: list[float] = []
        for chosen in itertools.combinations(range(len(runs)), len(new)):
            taken = [runs[i] for i in chosen]
            left = [run for i, run in enumerate(runs) if i not in chosen]
            found.append(mean(taken) - mean(left))
        return found

    seen = sum(mean(new) - mean(old) for old, new in cases)
    sums = [sum(each) for each in itertools.product(*(ways(*case) for case in cases))]
    return sum(each <= seen + 1e-9 for each in sums) / len(sums)


@pytest.mark.requirement("C6.4:exact")
def test_the_chance_is_what_counting_every_way_gives() -> None:
    """Cases with different numbers of runs, and scores that are no halves."""
    chance = random.Random(4)
    for _ in range(20):
        cases = [
            (
                [chance.choice((0, 0.25, 1)) for _ in range(chance.randint(1, 3))],
                [chance.choice((0, 0.25, 1)) for _ in range(chance.randint(1, 2))],
            )
            for _ in range(4)
        ]

        # The grid joins what differs by less than a thousandth a case.
        assert worse(cases) == pytest.approx(by_counting(cases), abs=0.02)


@pytest.mark.requirement("C6.4:exact")
def test_a_drop_in_every_case_is_no_chance_and_a_rise_is_no_alarm() -> None:
    """Eight cases that always passed and now always fail: one way in 4 to the 8th."""
    fell = [((1, 1, 1), (0,))] * 8
    rose = [((0, 0, 0), (1,))] * 8

    assert worse(fell) == pytest.approx(0.25**8)
    assert worse(rose) == 1
    assert worse([((1,), (1,))] * 5) == 1


@pytest.mark.requirement("C6.4:exact", "C6.4:no-false-alarm")
def test_where_nothing_has_changed_so_few_are_called_worse_as_was_said() -> None:
    """A thousand pairs of samples of the same: p under 5 % in at most 5 % of them, and a bit."""
    chance = random.Random(11)
    rates = [chance.choice((0.5, 0.8, 0.95)) for _ in range(20)]

    def runs(rate: float, count: int) -> list[float]:
        return [float(chance.random() < rate) for _ in range(count)]

    found = [worse([(runs(rate, 3), runs(rate, 2)) for rate in rates]) for _ in range(1_000)]

    assert 0.02 < mean([each < 0.05 for each in found]) < 0.065
    assert mean([each < 0.01 for each in found]) < 0.017


@pytest.mark.requirement("C6.4:several")
def test_holm_asks_more_of_each_the_more_there_are() -> None:
    """By its definition: the smallest times all, the next times one fewer, never falling."""
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx(
        {"a": 0.03, "c": 0.06, "b": 0.06}
    )
    assert holm({"a": 0.5, "b": 0.9}) == {"a": 1.0, "b": 1.0}


def test_a_rate_has_wilsons_interval() -> None:
    """The textbook's figure, and both ends."""
    some = wilson(0.8, 20)

    assert (round(some.low, 3), round(some.high, 3)) == (0.584, 0.919)
    assert wilson(1.0, 20).high == 1.0
    assert wilson(0.0, 20).low == 0.0
    assert tuple(wilson(0.0, 0)) == (0.0, 0.0, 1.0)


def test_a_difference_has_an_interval_that_holds_it() -> None:
    """Repeatable, around the mean, and no interval where there is one case."""
    cases = [((1, 1), (0, 1)), ((1,), (1,)), ((0,), (0,)), ((1,), (0,))]

    assert difference(cases) == difference(cases)
    assert difference(cases).value == pytest.approx(-0.375)
    assert difference(cases).low <= -0.375 <= difference(cases).high
    assert difference(cases[:1]).low == -0.5


@pytest.mark.requirement("C6.4:agreement")
def test_kappa_is_what_is_left_of_agreement_after_chance() -> None:
    """Cohen's own example: 20 and 15 of 50 alike, 5 and 10 not."""
    both = [(True, True)] * 20 + [(False, False)] * 15 + [(True, False)] * 5 + [(False, True)] * 10
    found = agreement([a for a, _ in both], [b for _, b in both])

    assert found.kappa.value == pytest.approx(0.4)
    assert found.kappa.low < 0.4 < found.kappa.high
    assert (found.share, found.judged) == (0.7, 50)
    assert agreement([True] * 9, [True] * 9).kappa.value == 0


def test_what_is_drawn_is_drawn_again_alike() -> None:
    """The bootstrap has a seed of its own."""
    values = [0.0, 0.5, 1.0, 1.0]

    assert statistics.mean_interval(values) == statistics.mean_interval(values)
