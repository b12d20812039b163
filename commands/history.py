"""A run's history, over all that it continued as, with its payloads decoded."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel
from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter

from commands.errors import Misuse
from commands.session import Session

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Leg:
    """One execution: what lies between two continue-as-news."""

    execution: str
    events: list[HistoryEvent]


async def legs(session: Session, run_id: str) -> list[Leg]:
    """Return the executions that the latest run under `run_id` consists of, oldest first."""
    execution = (await session.handle(run_id).describe()).run_id
    found: list[Leg] = []
    while execution:
        handle = session.client.get_workflow_handle(run_id, run_id=execution)
        events = [event async for event in handle.fetch_history_events()]
        found.append(Leg(execution, events))
        started = events[0].workflow_execution_started_event_attributes
        execution = started.continued_execution_run_id
    return found[::-1]


def from_file(path: Path) -> list[Leg]:
    """Return the execution that `temporal workflow show --output json` has written.

    Raises:
        Misuse: The file holds something else.
    """
    try:
        history = WorkflowHistory.from_json("exported", path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError) as error:
        raise Misuse(
            f"{str(path)!r} is not an exported history ({type(error).__name__}); expected what "
            "`temporal workflow show --output json` prints"
        ) from None
    if not history.events:
        raise Misuse(f"{str(path)!r} holds no events")
    return [Leg("exported", list(history.events))]


async def decoded(converter: DataConverter, payloads: Payloads) -> Any:
    """Return the first of `payloads` as JSON types, None where there is none."""
    if not payloads.payloads:
        return None
    return (await converter.decode(payloads.payloads[:1]))[0]


async def reason(converter: DataConverter, failure: Failure) -> str:
    """Return the innermost message of a failure, decrypted where it is a payload."""
    while failure.HasField("cause"):
        failure = failure.cause
    if not failure.HasField("encoded_attributes"):
        return failure.message
    told = (await converter.decode([failure.encoded_attributes]))[0]
    said = cast("dict[str, Any]", told).get("message") if isinstance(told, dict) else None
    return str(said or failure.message)


async def typed(converter: DataConverter, payloads: Payloads, model: type[_Model]) -> _Model:
    """Return the first of `payloads` as a contract."""
    return model.model_validate(await decoded(converter, payloads) or {})


async def local_result(
    converter: DataConverter, event: HistoryEvent, name: str, model: type[_Model]
) -> _Model | None:
    """Return what the local activity `name` came to, where the event is its record."""
    details = event.marker_recorded_event_attributes.details
    if "result" not in details or "data" not in details:
        return None
    about = await decoded(converter, details["data"])
    if not isinstance(about, dict) or cast("dict[str, Any]", about).get("activity_type") != name:
        return None
    return await typed(converter, details["result"], model)


async def local_results(converter: DataConverter, events: Iterable[HistoryEvent]) -> list[Any]:
    """Return what the local activities of an execution came to, in order, as JSON types."""
    marked = (
        event.marker_recorded_event_attributes.details["result"]
        for event in events
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
        and "result" in event.marker_recorded_event_attributes.details
    )
    return [await decoded(converter, payloads) for payloads in marked]


@dataclass(frozen=True)
class Scheduled:
    """An activity that was scheduled, and the events that belong to it."""

    event: HistoryEvent
    done: HistoryEvent | None = None
    failed: HistoryEvent | None = None
    attempts: int = 0

    @property
    def type(self) -> str:
        """The activity's name."""
        return self.event.activity_task_scheduled_event_attributes.activity_type.name


def activities(events: Iterable[HistoryEvent]) -> list[Scheduled]:
    """Return the activities of one execution in the order they were scheduled."""
    found: dict[int, Scheduled] = {}
    for event in events:
        match event.event_type:
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                found[event.event_id] = Scheduled(event)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                started = event.activity_task_started_event_attributes
                _update(found, started.scheduled_event_id, attempts=started.attempt)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                completed = event.activity_task_completed_event_attributes
                _update(found, completed.scheduled_event_id, done=event)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
                failed = event.activity_task_failed_event_attributes
                _update(found, failed.scheduled_event_id, failed=event)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
                timed_out = event.activity_task_timed_out_event_attributes
                _update(found, timed_out.scheduled_event_id, failed=event)
            case _:
                pass
    return list(found.values())


def _update(found: dict[int, Scheduled], key: int, **changes: Any) -> None:
    found[key] = replace(found[key], **changes)


def name(event: HistoryEvent) -> str:
    """Return an event's type as the UI writes it: `ActivityTaskScheduled`."""
    raw = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
    return "".join(part.capitalize() for part in raw.split("_"))
