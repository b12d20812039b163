"""Where a history and the code part, in words: what was recorded, what this code does instead."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from commands import history
from commands.replaying.notes import Asked, Notes

_MESSAGE: Final = re.compile(r'Nondeterminism error: (.*?)(?:", source:|$)', re.DOTALL)
_ID: Final = re.compile(r"HistoryEvent\(id: (\d+)|event_id: (\d+)")
_CHECK: Final = re.compile(r"LocalActivity\((\d+)\)")
_PATCH: Final = re.compile(r"[Pp]atch.*?change (?:id )?[`'\"]?([\w.:-]+)")
_NAMED: Final = re.compile(rb'"id":\s*"([^"]+)"')
_INSTEAD: Final = {
    "Timer machine": "begins to wait",
    "Child workflow machine": "starts a run below",
    "Fail workflow machine": "fails the run",
    "Complete workflow machine": "ends the run",
    "Continue as new": "continues the run as new",
    "Cancel workflow machine": "cancels the run",
}
_SCHEDULED: Final = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
_BELOW: Final = EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
_MARKER: Final = EventType.EVENT_TYPE_MARKER_RECORDED


def diverged(events: Sequence[HistoryEvent], error: str, notes: Notes) -> tuple[int, str]:
    """Return the event that the code does not fit, 0 where none is known, and a sentence.

    Args:
        events: The history.
        error: What the SDK says of it.
        notes: What the code did.
    """
    found = _MESSAGE.search(error)
    message = found[1].replace('\\"', '"') if found else error
    recorded = recorded_steps(events)
    more = _extra([step for _, step in recorded], notes.asked)
    event = _event(events, recorded, message, notes.asked)
    if event is None:
        return 0, f"this code asks for {more}, which the run has not done" if more else message
    return event.event_id, _sentence(event, message, more)


def _sentence(event: HistoryEvent, message: str, more: Asked | None) -> str:
    if patch := _patch_of(event):
        return (
            f"the run was served by code with the change {patch!r}, which this code does not have"
        )
    did = f"where the run has {describe(event)}, this code"
    if more is not None:
        return f"{did} asks for {more} first"
    instead = next((what for name, what in _INSTEAD.items() if name in message), None)
    return f"{did} {instead or 'does something else'}"


def recorded_steps(events: Iterable[HistoryEvent]) -> list[tuple[HistoryEvent, Asked]]:
    """Return what a history says was asked for, with the events that say so."""
    found: list[tuple[HistoryEvent, Asked]] = []
    for event in events:
        if event.event_type == _SCHEDULED:
            name = event.activity_task_scheduled_event_attributes.activity_type.name
            found.append((event, Asked("activity", name)))
        elif event.event_type == _BELOW:
            below = event.start_child_workflow_execution_initiated_event_attributes
            found.append((event, Asked("run", below.workflow_id)))
        elif check := _check_of(event):
            found.append((event, Asked("check", check[1])))
    return found


def describe(event: HistoryEvent) -> str:
    """Return what an event records, in a few words."""
    steps = recorded_steps([event])
    if steps:
        return str(steps[0][1])
    if patch := _patch_of(event):
        return f"the mark of the change {patch!r}"
    if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
        seconds = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
        return f"a wait of {seconds}"
    return f"the event {history.name(event)}"


def _event(
    events: Sequence[HistoryEvent],
    recorded: Sequence[tuple[HistoryEvent, Asked]],
    message: str,
    asked: Sequence[Asked],
) -> HistoryEvent | None:
    """Return the event that a message of the SDK's core means."""
    if found := _ID.search(message):
        number = int(found[1] or found[2])
        return next((each for each in events if each.event_id == number), None)
    if found := _CHECK.search(message):
        number = int(found[1])
        return next((each for each in events if (_check_of(each) or (0,))[0] == number), None)
    if found := _PATCH.search(message):
        return next((each for each in events if _patch_of(each) == found[1]), None)
    # Two activities, or runs, of different names at one place: those are recorded in order.
    ours = [step for step in asked if step.kind != "check"]
    theirs = [(event, step) for event, step in recorded if step.kind != "check"]
    pairs = zip(theirs, ours, strict=False)
    return next((event for (event, step), mine in pairs if step != mine), None)


def _extra(recorded: Iterable[Asked], asked: Iterable[Asked]) -> Asked | None:
    """Return the first thing that the code asks for more often than it is recorded."""
    left = Counter(recorded)
    for step in asked:
        left[step] -= 1
        if left[step] < 0:
            return step
    return None


def _check_of(event: HistoryEvent) -> tuple[int, str] | None:
    """Return number and name of the local activity that a marker records."""
    if event.event_type != _MARKER:
        return None
    marker = event.marker_recorded_event_attributes
    if "data" not in marker.details or not marker.details["data"].payloads:
        return None
    try:
        about = json.loads(marker.details["data"].payloads[0].data)
        return int(about["seq"]), str(about["activity_type"])
    except (ValueError, KeyError, TypeError):
        return None


def _patch_of(event: HistoryEvent) -> str:
    """Return the change that a marker of `workflow.patched` names; empty for another event."""
    if event.event_type != _MARKER:
        return ""
    marker = event.marker_recorded_event_attributes
    if "patch" not in marker.marker_name.lower():
        return ""
    for payloads in marker.details.values():
        for payload in payloads.payloads:
            if named := _NAMED.search(payload.data):
                return named[1].decode()
    return marker.marker_name
