"""What happened in a run and when, from its history: model calls, tools, waits, runs below."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from commands import history
from commands.history import Leg
from commands.pages.phases import CHILD_ENDED
from commands.reading import WAITS

MODEL, TOOL, STEP, BELOW, WAIT = "model", "tools", "steps", "runs below", "people"
_STATE: Final = "AgentState"


class Stretch(NamedTuple):
    """Something that went on for a while.

    Attributes:
        lane: What kind of thing it is: one of the constants here.
        ended: None: it is under way.
        how: `well`, `failed`, `again` (it took more than one attempt), `asks` or `stopped`.
        turn: The turn that it is, of a model call; 0 for none.
    """

    lane: str
    name: str
    began: datetime
    ended: datetime | None
    how: str = "well"
    turn: int = 0


class Happened(NamedTuple):
    """All that went on.

    Attributes:
        renewed: When the run continued as new.
        until: Its last event.
    """

    stretches: tuple[Stretch, ...]
    renewed: tuple[datetime, ...]
    began: datetime
    until: datetime


def happened(legs: Sequence[Leg], turns: Mapping[datetime, int] | None = None) -> Happened:
    """Return what happened in a run.

    Args:
        legs: Its history.
        turns: Numbers of the model calls that are turns, by when they were begun.
    """
    found = [each for leg in legs for each in (*_activities(leg, turns or {}), *_children(leg))]
    found += _waits([event for leg in legs for event in leg.events])
    return Happened(
        stretches=tuple(sorted(found, key=lambda each: each.began)),
        renewed=tuple(at(leg.events[0]) for leg in legs[1:]),
        began=at(legs[0].events[0]),
        until=at(legs[-1].events[-1]),
    )


def _activities(leg: Leg, turns: Mapping[datetime, int]) -> Iterator[Stretch]:
    for task in history.activities(leg.events):
        closed = task.done or task.failed
        began, name, lane = at(task.event), task.type, TOOL
        turn = turns.get(began, 0)
        if name == "llm.think":
            lane, name = MODEL, f"turn {turn}" if turn else "beside the conversation"
        elif "." in name:
            lane = STEP
        how = "failed" if task.failed else "again" if task.attempts > 1 else "well"
        yield Stretch(lane, name, began, at(closed) if closed else None, how, turn)


def _children(leg: Leg) -> Iterator[Stretch]:
    begun: dict[int, tuple[str, datetime]] = {}
    for event in leg.events:
        if event.event_type == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
            child = event.start_child_workflow_execution_initiated_event_attributes
            begun[event.event_id] = (child.workflow_id, at(event))
        elif event.event_type in CHILD_ENDED:
            attributes, failed = CHILD_ENDED[event.event_type]
            initiated: int = getattr(event, attributes).initiated_event_id
            name, began = begun.pop(initiated)
            yield Stretch(BELOW, name, began, at(event), "failed" if failed else "well")
    for name, began in begun.values():
        yield Stretch(BELOW, name, began, None)


def _waits(events: Sequence[HistoryEvent]) -> Iterator[Stretch]:
    """Return when the run stood still for a person: its state says so, at each change."""
    waits: tuple[str, datetime] | None = None
    for event in events:
        state = _state(event)
        if state is None:
            continue
        if waits is not None:
            yield _wait(waits, at(event))
        waits = (state, at(event)) if state in WAITS else None
    if waits is not None:
        yield _wait(waits, None)


def _wait(waits: tuple[str, datetime], ended: datetime | None) -> Stretch:
    stopped = waits[0] == "STOPPED"
    name = "stopped" if stopped else "waited for an answer"
    return Stretch(WAIT, name, waits[1], ended, "stopped" if stopped else "asks")


def _state(event: HistoryEvent) -> str | None:
    if event.event_type != EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
        return None
    shown = event.upsert_workflow_search_attributes_event_attributes.search_attributes
    if _STATE not in shown.indexed_fields:
        return None
    try:
        return str(json.loads(shown.indexed_fields[_STATE].data))
    except ValueError:
        return None


def at(event: HistoryEvent) -> datetime:
    """Return when an event was written, in UTC."""
    return event.event_time.ToDatetime(tzinfo=UTC)
