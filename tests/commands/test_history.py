"""What is read out of histories: where to resume, what was asked again, what a turn costs."""

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from commands.bench import measured
from commands.demo_counts import again
from commands.errors import CommandError
from commands.history import Leg, activities
from commands.resume import before_failure


def task_completed(number: int) -> HistoryEvent:
    """Return the end of a workflow task."""
    return HistoryEvent(event_id=number, event_type=EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)


def scheduled(number: int, task: int, name: str = "llm.think") -> HistoryEvent:
    """Return an activity that a workflow task decided on."""
    event = HistoryEvent(event_id=number, event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    attributes = event.activity_task_scheduled_event_attributes
    attributes.workflow_task_completed_event_id = task
    attributes.activity_type.name = name
    return event


def failed(number: int, activity: int) -> HistoryEvent:
    """Return the failure of an activity."""
    event = HistoryEvent(event_id=number, event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED)
    event.activity_task_failed_event_attributes.scheduled_event_id = activity
    return event


def completed(number: int, activity: int) -> HistoryEvent:
    """Return the end of an activity."""
    event = HistoryEvent(event_id=number, event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
    event.activity_task_completed_event_attributes.scheduled_event_id = activity
    return event


def test_a_run_resumes_before_the_last_step_that_failed() -> None:
    """The workflow task that decided on it is done again; what came before is kept."""
    events = [
        task_completed(4),
        scheduled(5, 4),
        completed(7, 5),
        task_completed(9),
        scheduled(10, 9),
        failed(12, 10),
        task_completed(14),
    ]

    assert before_failure(events) == 9


def test_a_run_that_was_ended_resumes_at_its_last_task() -> None:
    """Where nothing went wrong, nothing but the last decision is taken back."""
    assert before_failure([task_completed(4), scheduled(5, 4), task_completed(9)]) == 9


def test_a_run_that_never_worked_cannot_resume() -> None:
    """There is nothing to go back to."""
    with pytest.raises(CommandError, match="--again"):
        before_failure([])


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [([5.0], (0, 1)), ([1.5], (1, 0)), ([], (0, 1))],
)
def test_a_call_counts_as_repeated_only_after_its_reply_was_recorded(
    recorded: list[float], expected: tuple[int, int]
) -> None:
    """What the kill cut off is asked again by right; what was recorded never is."""
    arrivals = [{"request": "a", "at": 1.0}, {"request": "a", "at": 2.0}]

    assert again(arrivals, recorded) == expected


def test_bytes_are_summed_up_to_the_end_of_every_tenth_turn() -> None:
    """The eleventh call's schedule closes the tenth turn."""
    events = [scheduled(number, 1) for number in range(1, 13)]
    turns = {("x", number): number for number in range(1, 13)}

    found = measured([Leg("x", events)], turns)

    assert found.by_turn == [sum(event.ByteSize() for event in events[:10])]
    assert found.repeated == 0


def test_activities_know_how_they_ended() -> None:
    """An activity is found with its last event."""
    found = activities([scheduled(5, 4), completed(7, 5), scheduled(8, 4, "lookup"), failed(9, 8)])

    assert [(task.type, task.done is not None, task.failed is not None) for task in found] == [
        ("llm.think", True, False),
        ("lookup", False, True),
    ]
