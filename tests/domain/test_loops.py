"""Runs in circles are found, and honest ones are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.loops import TIMES, Deed, Loop, find_loop


def deed(call: str, result: str = "", *, wrote: bool = False) -> Deed:
    """Return a deed; the tool is the first word of its call."""
    tool = call.partition(" ")[0]
    return Deed(tool=tool, call=call, result=result or f"result of {call}", wrote=wrote)


def first_loop(deeds: list[Deed]) -> int | None:
    """Return after how many deeds a loop is found first."""
    return next((n for n in range(1, len(deeds) + 1) if find_loop(deeds[:n])), None)


@pytest.mark.requirement("C6c:repeats")
@given(before=st.integers(0, 5), between=st.integers(0, 2))
def test_the_third_repeat_is_a_loop_also_with_other_calls_between(
    before: int, between: int
) -> None:
    """Never the second; the third at the latest."""
    other = iter(range(100))
    deeds = [deed(f"other {next(other)}") for _ in range(before)]
    for _ in range(TIMES):
        deeds += [deed("look a"), *(deed(f"other {next(other)}") for _ in range(between))]

    found = first_loop(deeds)

    assert found == before + 2 * (between + 1) + 1
    loop = find_loop(deeds[:found])
    assert loop is not None
    assert (loop.kind, loop.calls) == (Loop.REPEAT, ("look a",))


@pytest.mark.requirement("C6c:ping-pong")
def test_two_calls_that_take_turns_are_a_loop() -> None:
    """Also when one of them says something new at times."""
    deeds = [deed(("a 1", "b 2")[n % 2], f"r{min(n, 3)}") for n in range(6)]

    loop = find_loop(deeds)

    assert loop is not None
    assert loop.kind in {Loop.PING_PONG, Loop.REPEAT}


@pytest.mark.requirement("C6c:no-progress")
def test_four_questions_with_one_answer_are_a_loop() -> None:
    """Different arguments that all come to the same bring nothing."""
    deeds = [deed(f"search {n}", "nothing found") for n in range(6)]

    assert first_loop(deeds) == 4


@pytest.mark.requirement("C6c:honest")
@given(pages=st.integers(1, 60))
def test_paging_is_no_loop(pages: int) -> None:
    """Each page is another call with another result."""
    assert first_loop([deed(f"read page {n}") for n in range(pages)]) is None


@pytest.mark.requirement("C6c:honest")
@given(rounds=st.integers(1, 15), results=st.lists(st.sampled_from("abc"), min_size=15))
def test_editing_and_testing_is_no_loop(rounds: int, results: list[str]) -> None:
    """A test after a new edit is a new question, whatever it says."""
    deeds: list[Deed] = []
    for n in range(rounds):
        deeds += [deed(f"edit {n}", "ok", wrote=True), deed("test all", results[n])]

    assert first_loop(deeds) is None


@pytest.mark.requirement("C6c:honest")
@given(items=st.integers(1, 40))
def test_writing_many_things_is_no_loop(items: int) -> None:
    """The same acknowledgement each time is no standstill."""
    assert first_loop([deed(f"put {n}", "ok", wrote=True) for n in range(items)]) is None


@pytest.mark.requirement("C6c:repeats")
def test_the_same_write_over_and_over_is_a_loop() -> None:
    """A write that was made before is no news."""
    deeds = [d for _ in range(5) for d in (deed("put a", "ok", wrote=True), deed("get a", "x"))]

    assert first_loop(deeds) is not None


@pytest.mark.requirement("C6c:ends")
@given(
    calls=st.lists(st.sampled_from(["a 1", "b 1", "c 1"]), min_size=30, max_size=60),
)
def test_a_run_with_three_things_to_say_is_found_out(calls: list[str]) -> None:
    """Whatever the order, a run that only repeats what it knows is in a loop by its seventh."""
    found = first_loop([deed(call) for call in calls])

    assert found is not None
    assert found <= 3 * (TIMES - 1) + 1
