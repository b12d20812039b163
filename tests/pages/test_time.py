"""The picture of a run's time: nothing is missing in it, and a long wait leaves room for work."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import history
from commands.pages.clock import clock
from commands.pages.happened import BELOW, MODEL, TOOL, WAIT, Happened, Stretch, happened
from commands.pages.lanes import WIDTH, Drawn, draw
from tests.pages.recorded import EVERY, legs

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _past(*stretches: tuple[str, float, float | None]) -> Happened:
    found = [
        Stretch(lane, f"{lane} {number}", _at(began), None if ended is None else _at(ended))
        for number, (lane, began, ended) in enumerate(stretches)
    ]
    last = max(each.ended or each.began for each in found)
    return Happened(tuple(found), (), _NOON, last)


def _at(seconds: float) -> datetime:
    return _NOON + timedelta(seconds=seconds)


def _drawn(past: Happened) -> Drawn:
    found = draw(past)
    assert found is not None
    return found


@pytest.mark.requirement("C6.3:page-time")
@pytest.mark.parametrize("name", EVERY)
def test_every_activity_child_and_wait_of_a_history_is_in_its_picture(name: str) -> None:
    """Whatever the workflow: what the history has is there, within the picture, in time's order."""
    events = legs(name)[0].events
    past = happened(legs(name))

    tasks = len(history.activities(events))
    begun = sum(each.lane not in {BELOW, WAIT} for each in past.stretches)
    below = sum(history.name(event) == "StartChildWorkflowExecutionInitiated" for event in events)
    assert begun == tasks
    assert sum(each.lane == BELOW for each in past.stretches) == below
    if (found := draw(past)) is not None:
        assert all(
            84 <= mark.x <= WIDTH and mark.x + mark.width <= WIDTH + 2 for mark in found.marks
        )
        assert len(found.about) < 120


def test_a_wait_of_days_leaves_room_for_the_work() -> None:
    """Three days between two model calls take a part of the line, and the picture says so."""
    days = 3 * 86_400.0
    past = _past(
        (MODEL, 0, 1), (WAIT, 1, days), (TOOL, days, days + 1), (MODEL, days + 1, days + 2)
    )

    found = _drawn(past)

    assert [cut.text for cut in found.cuts] == ["2 d 23 h"]
    widths = {mark.told.partition(",")[0]: mark.width for mark in found.marks}
    assert widths["model 0"] > WIDTH / 10
    assert widths["people 1"] < WIDTH / 2


def test_what_is_alike_all_along_is_not_shortened() -> None:
    """Ten calls of ten seconds each are drawn to one scale."""
    past = _past(*((MODEL, 10.0 * at, 10.0 * at + 9) for at in range(10)))

    assert not _drawn(past).cuts


def test_what_is_too_near_to_be_told_apart_is_one_bar() -> None:
    """Ten thousand calls have a picture of some hundred bars, which say how many they are."""
    past = _past(*((MODEL, at / 10, at / 10 + 0.09) for at in range(10_000)))

    found = _drawn(past)

    assert len(found.marks) < WIDTH
    assert "together" in found.marks[0].told


def test_what_goes_on_at_once_has_rows_of_its_own() -> None:
    """Fifty runs below at once are drawn in a few rows, and none is left out."""
    past = _past(*((BELOW, 0.0, 10.0 + at) for at in range(50)))

    found = _drawn(past)

    assert len({mark.y for mark in found.marks}) == 6


@given(st.lists(st.floats(min_value=0, max_value=1e7), max_size=40))
def test_time_never_runs_backwards(moments: list[float]) -> None:
    """Whatever is shortened: what was later is not further to the left, and all of it fits."""
    line = clock(moments)

    places = [line.place(moment) for moment in sorted(moments)]
    assert all(after >= before - 1e-9 for before, after in pairwise(places))
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)
