"""Circles as runs see them: found in time in traces that nothing was made by, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.loops import judged, made
from domain.loops import Deed, LoopPolicy, deed, find_loop
from domain.loops_before import find_plain_loop
from domain.sameness import said, wanted
from tests.domain.given import JSON

HELD_OUT = range(1_000, 1_002)


def did(tool: str, arguments: dict[str, Any], text: str, *, writes: bool = False) -> Deed:
    """Return a call and what it brought."""
    return deed(tool, arguments, said(text, arguments), writes=writes)


def first(deeds: list[Deed]) -> int | None:
    """Return after how many deeds a loop is found first."""
    return next((n for n in range(1, len(deeds) + 1) if find_loop(deeds[:n])), None)


@pytest.mark.requirement("C5.6:found")
@pytest.mark.requirement("C5.6:honest")
def test_circles_are_told_from_honest_work_in_held_out_traces() -> None:
    """Precision and recall are at least 0.95 where the words and the seeds are new."""
    score = judged(trace for seed in HELD_OUT for trace in made(seed, 80))

    assert score.hits + score.missed >= 60
    assert score.precision >= 0.95
    assert score.recall >= 0.95


@pytest.mark.requirement("C5.6:found")
@pytest.mark.parametrize(
    ("results", "at"),
    [
        (["14 degrees, cloudy"] * 5, 3),
        ([f'{{"state": "idle", "ts": "2026-01-01T00:00:0{n}Z"}}' for n in range(5)], 3),
        (["error: 503 service unavailable"] * 5, 4),
        (["pending"] * 5, 4),
        ([("no such file", "permission denied")[n % 2] for n in range(5)], 4),
        (["waiting for lock\n" * (n + 1) for n in range(5)], 4),
        (["10 %", "20 %", "30 %", "40 %", "50 %"], None),
        (["4 left", "3 left", "3 left", "3 left", "2 left"], None),
    ],
)
def test_one_call_is_judged_by_what_it_tells(results: list[str], at: int | None) -> None:
    """The same news three times; once more where waiting is asked for; never while it changes."""
    assert first([did("look", {"job": "j1"}, text) for text in results]) == at


@pytest.mark.requirement("C5.6:found")
@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"q": "late  orders "}, {"q": "Late orders?"}, True),
        ({"q": "a", "limit": 5}, {"limit": 50, "q": "a"}, True),
        ({"q": "a", "request_id": "1"}, {"q": "a", "request_id": "2"}, True),
        ({"q": "a", "page": 1}, {"q": "a", "page": 2}, False),
        ({"q": "late orders"}, {"q": "late invoices"}, False),
    ],
)
def test_what_a_call_means_is_not_its_spelling(
    one: dict[str, Any], other: dict[str, Any], alike: bool
) -> None:
    """Spaces, order, case, how much is asked for and a nonce mean nothing; a page does."""
    same = wanted("t", one, writes=False).alike == wanted("t", other, writes=False).alike

    assert same is alike


@pytest.mark.requirement("C5.6:honest")
def test_writes_mean_what_they_say() -> None:
    """Two records that differ in a letter's case are two records."""
    assert first([did("add", {"name": name}, "ok", writes=True) for name in "aAbBcC"]) is None
    assert first([did("add", {"name": "a " + " " * n}, "ok", writes=True) for n in range(4)]) == 3


@pytest.mark.requirement("C5.6:honest")
@given(arguments=st.dictionaries(st.text(max_size=5), JSON, max_size=3), text=st.text() | JSON)
def test_whatever_comes_back_can_be_compared(arguments: dict[str, Any], text: Any) -> None:
    """No arguments and no result break the comparison, and one call is no loop."""
    made_of = did("t", arguments, str(text))

    assert find_loop([made_of, made_of]) is None
    assert find_loop([made_of] * 5) is not None


@pytest.mark.requirement("C5.6:as-before")
def test_runs_from_before_the_policy_are_judged_as_they_were() -> None:
    """Six with one answer, where it now takes four; a repeat at the third."""
    barren = [Deed(tool="s", call=f"s {n}", result="none") for n in range(6)]
    same = [Deed(tool="s", call="s", result="x")] * 3

    assert find_plain_loop(barren[:5]) is None
    assert find_plain_loop(barren) is not None
    assert find_plain_loop(same[:2]) is None
    assert find_plain_loop(same) is not None


@pytest.mark.requirement("C5.6:ladder")
def test_patience_is_declared() -> None:
    """A policy may allow more repeats; fewer than two would be no circle."""
    same = [did("t", {}, "x")] * 4

    assert find_loop(same[:3], times=4) is None
    assert find_loop(same, times=4) is not None
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        LoopPolicy(times=1)
