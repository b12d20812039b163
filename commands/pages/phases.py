"""An audit's phases, read from its history: what ran, from when to when, how often."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from commands import history
from commands.history import Leg
from commands.pages.timeline import Phase

_WORDS: Final = {
    "agent.resolve": "resolve the auditor",
    "audit.prepare": "take a snapshot of the ledger",
    "audit.profile": "find out what is normal",
    "audit.screen": "screen a batch of accounts",
    "audit.confirm": "confirm a finding",
    "audit.render": "write the report",
    "file_report": "file the report",
}
_CANDIDATE: Final = "look at a candidate, in a run of its own"
CHILD_ENDED: Final = {
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: (
        "child_workflow_execution_completed_event_attributes",
        False,
    ),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: (
        "child_workflow_execution_failed_event_attributes",
        True,
    ),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: (
        "child_workflow_execution_canceled_event_attributes",
        True,
    ),
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED: (
        "child_workflow_execution_terminated_event_attributes",
        True,
    ),
}


class _Stretch(NamedTuple):
    name: str
    began: datetime
    ended: datetime | None
    attempts: int = 1
    failed: bool = False


def of(legs: Sequence[Leg]) -> list[Phase]:
    """Return the phases of a run in the order in which they began, like ones together."""
    stretches = [each for leg in legs for each in (*_activities(leg), *_children(leg))]
    alike: dict[str, list[_Stretch]] = {}
    for each in sorted(stretches, key=lambda stretch: stretch.began):
        alike.setdefault(each.name, []).append(each)
    return [_phase(name, group) for name, group in alike.items()]


def _phase(name: str, group: Sequence[_Stretch]) -> Phase:
    ends = [each.ended for each in group if each.ended is not None]
    return Phase(
        name=name,
        began=group[0].began,
        ended=max(ends) if len(ends) == len(group) else None,
        times=len(group),
        attempts=sum(each.attempts for each in group),
        failed=sum(each.failed for each in group),
    )


def _activities(leg: Leg) -> Iterator[_Stretch]:
    for task in history.activities(leg.events):
        closed = task.done or task.failed
        yield _Stretch(
            name=_WORDS.get(task.type, task.type),
            began=_at(task.event),
            ended=_at(closed) if closed else None,
            attempts=max(task.attempts, 1),
            failed=task.failed is not None,
        )


def _children(leg: Leg) -> Iterator[_Stretch]:
    began: dict[int, datetime] = {}
    for event in leg.events:
        if event.event_type == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
            began[event.event_id] = _at(event)
        elif event.event_type in CHILD_ENDED:
            attributes, failed = CHILD_ENDED[event.event_type]
            initiated: int = getattr(event, attributes).initiated_event_id
            yield _Stretch(_CANDIDATE, began.pop(initiated), _at(event), failed=failed)
    for at in began.values():
        yield _Stretch(_CANDIDATE, at, None)


def _at(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(tzinfo=UTC)
