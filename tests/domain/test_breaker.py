"""Breakers as values: when they open, what a probe changes, what counts for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.rate_limit import windows
from domain.breaker import Breaker, BreakerPolicy, BreakerState, new_breaker
from domain.cascade import CascadePolicy, Trouble, cascade
from domain.tools import hard_timeout

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = BreakerPolicy(failures=5, share=0.5, window_s=60, probe_s=20)


def after(seconds: float) -> datetime:
    """Return the moment so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def failed(breaker: Breaker, times: int, at: float = 0, answered: int = 0) -> Breaker:
    """Return the breaker after so many failures at one moment."""
    for _ in range(times):
        breaker = breaker.failed(after(at), POLICY, "down", answered=answered)
    return breaker


@pytest.mark.requirement("C5.4:opens")
def test_it_opens_at_the_declared_number_of_failures() -> None:
    """Four of five leave it closed; the fifth opens it, and names the next look."""
    four = failed(new_breaker("tool.x", START), 4)
    five = failed(four, 1, at=3)

    assert four.state is BreakerState.CLOSED
    assert five.state is BreakerState.OPEN
    assert (five.since, five.next_probe, five.opened) == (after(3), after(23), 1)


@pytest.mark.requirement("C5.4:opens")
def test_a_tool_that_mostly_answers_stays_closed() -> None:
    """Ten failures among forty attempts are no outage."""
    breaker = failed(new_breaker("tool.x", START), 10, answered=3)

    assert (breaker.state, breaker.failures, breaker.attempts) == (BreakerState.CLOSED, 10, 40)


@pytest.mark.requirement("C5.4:window")
def test_failures_of_long_ago_do_not_count() -> None:
    """Four failures, two windows of quiet, and one more: that is one."""
    breaker = failed(failed(new_breaker("tool.x", START), 4), 1, at=121)

    assert breaker.state is BreakerState.CLOSED
    assert (breaker.failures, breaker.failures_before) == (1, 0)


@pytest.mark.requirement("C5.4:window")
def test_failures_on_both_sides_of_a_windows_edge_count() -> None:
    """Four late in one window and two early in the next are one outage."""
    breaker = failed(failed(new_breaker("tool.x", START), 4, at=59), 2, at=62)

    assert breaker.state is BreakerState.OPEN


@pytest.mark.requirement("C5.4:probe")
def test_one_attempt_looks_and_its_answer_closes_the_breaker() -> None:
    """Nobody looks before the interval is over; what the one finds decides."""
    down = failed(new_breaker("tool.x", START), 5)
    looking = down.probing(after(20), POLICY)
    again = looking.failed(after(21), POLICY, "still down", probe=True)
    back = looking.answered(after(21), POLICY, probe=True)

    assert down.wait(after(19)) == timedelta(seconds=1)
    assert (looking.state, looking.wait(after(20))) == (
        BreakerState.HALF_OPEN,
        timedelta(seconds=20),
    )
    assert (again.state, again.wait(after(21))) == (BreakerState.OPEN, timedelta(seconds=19))
    assert (back.state, back.failures, back.next_probe) == (BreakerState.CLOSED, 0, None)


@pytest.mark.requirement("C5.4:probe")
def test_a_probe_that_never_reports_costs_an_interval() -> None:
    """Its worker was lost: after the interval the next attempt may look."""
    lost = failed(new_breaker("tool.x", START), 5).probing(after(20), POLICY)

    assert lost.wait(after(39)) == timedelta(seconds=1)
    assert lost.wait(after(40)) == timedelta()


@pytest.mark.requirement("C5.4:probe")
def test_what_was_under_way_when_it_opened_changes_nothing() -> None:
    """Late answers neither close it nor count; late failures do not put the next look off."""
    down = failed(new_breaker("tool.x", START), 5)

    assert down.failed(after(9), POLICY, "late") is down
    assert down.answered(after(9), POLICY) is down


@pytest.mark.requirement("C5.4:probe")
@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=60))
def test_however_it_goes_at_most_one_attempt_an_interval_reaches_a_tool_that_is_down(
    steps: list[tuple[float, bool]],
) -> None:
    """Asked at any moments, with probes that report or are lost: three in a minute at most."""
    breaker, now, let = failed(new_breaker("tool.x", START), 5), 0.0, list[float]()
    for pause, reports in steps:
        now += pause
        if breaker.wait(after(now)):
            continue
        breaker = breaker.probing(after(now), POLICY)
        let.append(now)
        if reports:
            breaker = breaker.failed(after(now), POLICY, "down", probe=True)

    assert breaker.state is not BreakerState.CLOSED
    assert max(windows(let, 60), default=0) <= 3


@pytest.mark.requirement("C5.4:windows")
def test_the_fullest_window_is_found_wherever_it_begins() -> None:
    """Windows are looked at from every call on, not by the clock."""
    assert max(windows([0, 9, 9.5, 10, 10.5, 18.9, 19.1], 10)) == 5


@pytest.mark.requirement("C5.4:cascade")
def test_failed_attempts_of_all_steps_count_together_and_for_their_window() -> None:
    """The reason names the steps, the worst first; what is older than the window is forgotten."""
    policy = CascadePolicy(failures=6, window_s=100)
    troubles = [
        Trouble(step="search", count=9, at=after(0)),
        Trouble(step="llm.think", count=2, at=after(90)),
        Trouble(step="search", count=4, at=after(95)),
    ]

    assert "6 attempts" in cascade(troubles, policy, after(110))
    assert "search 4, llm.think 2" in cascade(troubles, policy, after(110))
    assert not cascade(troubles, policy, after(191))


@pytest.mark.requirement("C5.4:kinds")
def test_a_timeout_above_its_kinds_most_is_refused_with_what_to_do() -> None:
    """A call has at most a minute, processing ten; what is not declared is the usual."""
    assert hard_timeout("x", "call", None) == 30
    assert hard_timeout("x", "processing", None) == 300
    assert hard_timeout("x", "processing", 600) == 600
    with pytest.raises(ValueError, match=r"'x' has a timeout of 90 s.*at most 60.*processing"):
        hard_timeout("x", "call", 90)
    with pytest.raises(ValueError, match="at most 600"):
        hard_timeout("x", "processing", 601)
