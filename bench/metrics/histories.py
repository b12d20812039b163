"""Every number once more, from the histories alone: by events, not by what the workers counted."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.converter import DataConverter

_E: Final = EventType
_FINAL: Final = {
    _E.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
    _E.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
    _E.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
}
_WAITS: Final = ("PENDING_APPROVAL", "STOPPED")


@dataclass
class Attempted:
    """One activity, or one local activity, to its end.

    Attributes:
        attempts: How often it was tried.
        failure: Type of its last failure, where it failed for good; `cancelled` where that.
        given: Its input, which a marker of a local activity does not have.
        lost: An attempt before the last was not heard of in time: what it came to is in no history.
    """

    name: str
    attempts: int
    result: Any = None
    failure: str = ""
    given: Any = None
    lost: bool = False


@dataclass
class Shown:
    """A state that a run has shown, and when.

    Attributes:
        task: The workflow task that it came out of.
    """

    state: str
    at: datetime
    task: int
    event: int


@dataclass
class Look:
    """What the history of one execution says.

    Attributes:
        outcome: As the server and the result have it; empty while it is open.
        below: Ids of the runs below it.
    """

    run_id: str
    execution: str
    workflow: str
    given: dict[str, Any]
    tasks: dict[int, datetime] = field(default_factory=dict[int, datetime])
    attempted: list[Attempted] = field(default_factory=list[Attempted])
    shown: list[Shown] = field(default_factory=list[Shown])
    said: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    below: list[str] = field(default_factory=list[str])
    outcome: str = ""
    result: dict[str, Any] = field(default_factory=dict[str, Any])
    started: datetime | None = None
    last: datetime | None = None

    @property
    def agent(self) -> str:
        """Whose run it is, as numbers name it."""
        names = {"TriageWorkflow": "triage", "TicketWorkflow": "ticket"}
        return names.get(self.workflow) or str(self.given.get("agent", ""))

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return str(self.given.get("tenant", "default"))

    @property
    def closed(self) -> bool:
        """Whether the run itself came to its end: its last step is in the history."""
        return any(each.name == "runs.put" for each in self.attempted)

    @property
    def window(self) -> int:
        """Tokens that the agent's window has; 0 where its spec says none."""
        for each in self.attempted:
            if each.name == "agent.resolve" and each.result and each.result.get("spec"):
                window: dict[str, Any] = each.result["spec"].get("window") or {}
                return int(window.get("tokens", 0))
        return 0

    def seconds(self) -> float:
        """From its first task to its end: as the result says, else by its last task."""
        if "seconds" in self.result:
            return float(self.result["seconds"])
        if self.started is None or self.last is None:
            return 0
        return (self.last - self.started).total_seconds()

    def waits(self) -> Iterator[tuple[Shown, Shown | None, str]]:
        """Return each wait: when it began and ended, and what ended it."""
        for number, shown in enumerate(self.shown):
            if shown.state in _WAITS:
                after = self.shown[number + 1] if number + 1 < len(self.shown) else None
                until = after.event if after else 10**9
                said = [what for event, what in self.said if shown.event < event < until]
                yield shown, after, said[0] if said else "silence"


async def looked(client: Client) -> list[Look]:
    """Return what every history of the namespace says, runs below others included."""
    found: list[Look] = []
    async for run in client.list_workflows():
        history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        found.append(await _look(run.id, run.run_id, list(history.events), client.data_converter))
    return found


async def _look(run_id: str, execution: str, events: Sequence[HistoryEvent], how: Any) -> Look:
    first = events[0].workflow_execution_started_event_attributes
    given = await _plain(how, first.input)
    look = Look(run_id, execution, first.workflow_type.name, given or {})
    scheduled: dict[int, tuple[str, Any]] = {}
    started: dict[int, tuple[int, bool]] = {}
    for event in events:
        await _take(look, event, scheduled, started, how)
    return look


async def _take(
    look: Look,
    event: HistoryEvent,
    scheduled: dict[int, tuple[str, Any]],
    started: dict[int, tuple[int, bool]],
    how: DataConverter,
) -> None:
    kind = event.event_type
    at = event.event_time.ToDatetime()
    if kind == _E.EVENT_TYPE_WORKFLOW_TASK_STARTED:
        look.tasks[event.event_id] = at
        look.started, look.last = look.started or at, at
    elif kind == _E.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
        asked = event.activity_task_scheduled_event_attributes
        scheduled[event.event_id] = asked.activity_type.name, await _plain(how, asked.input)
    elif kind == _E.EVENT_TYPE_ACTIVITY_TASK_STARTED:
        begun = event.activity_task_started_event_attributes
        late = begun.last_failure.HasField("timeout_failure_info")
        started[begun.scheduled_event_id] = begun.attempt, late
    elif kind in _ENDS:
        await _ended(look, event, scheduled, started, how)
    elif kind == _E.EVENT_TYPE_MARKER_RECORDED:
        await _marked(look, event, how)
    else:
        await _told(look, event, at, how)


async def _told(look: Look, event: HistoryEvent, at: datetime, how: DataConverter) -> None:
    kind = event.event_type
    if kind == _E.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
        made = event.upsert_workflow_search_attributes_event_attributes
        state = made.search_attributes.indexed_fields.get("AgentState")
        if state is not None:
            task = made.workflow_task_completed_event_id
            look.shown.append(Shown(json.loads(state.data), look.last or at, task, event.event_id))
    elif kind == _E.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
        name = event.workflow_execution_signaled_event_attributes.signal_name
        look.said.append((event.event_id, name))
    elif kind == _E.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
        look.said.append((event.event_id, "cancel"))
    elif kind == _E.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
        request = event.workflow_execution_update_accepted_event_attributes.accepted_request
        answer: dict[str, Any] = await _plain(how, request.input.args) or {}
        look.said.append((event.event_id, str(answer.get("verdict", ""))))
    elif kind == _E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
        child = event.start_child_workflow_execution_initiated_event_attributes
        look.below.append(child.workflow_id)
    elif kind in _FINAL:
        await _closed(look, event, how)


_ENDS: Final = {
    _E.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: "activity_task_completed_event_attributes",
    _E.EVENT_TYPE_ACTIVITY_TASK_FAILED: "activity_task_failed_event_attributes",
    _E.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "activity_task_timed_out_event_attributes",
    _E.EVENT_TYPE_ACTIVITY_TASK_CANCELED: "activity_task_canceled_event_attributes",
}


async def _ended(
    look: Look,
    event: HistoryEvent,
    scheduled: Mapping[int, tuple[str, Any]],
    started: Mapping[int, tuple[int, bool]],
    how: DataConverter,
) -> None:
    said: Any = getattr(event, _ENDS[event.event_type])
    name, given = scheduled[said.scheduled_event_id]
    attempts, lost = started.get(said.scheduled_event_id, (0, False))
    made = Attempted(name, attempts, given=given, lost=lost)
    if event.event_type == _E.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
        made.result = await _plain(how, said.result)
    elif event.event_type == _E.EVENT_TYPE_ACTIVITY_TASK_FAILED:
        made.failure = said.failure.application_failure_info.type or "failed"
    else:
        made.failure = "cancelled"
    look.attempted.append(made)


async def _marked(look: Look, event: HistoryEvent, how: DataConverter) -> None:
    marker = event.marker_recorded_event_attributes
    if marker.marker_name != "core_local_activity":
        return
    about = json.loads(marker.details["data"].payloads[0].data)
    made = Attempted(about["activity_type"], int(about["attempt"]))
    if "result" in marker.details:
        made.result = await _plain(how, marker.details["result"])
    if marker.failure.message:
        made.failure = marker.failure.application_failure_info.type or "failed"
    look.attempted.append(made)


async def _closed(look: Look, event: HistoryEvent, how: DataConverter) -> None:
    if event.event_type == _E.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
        done = event.workflow_execution_completed_event_attributes
        look.result = await _plain(how, done.result)
        look.outcome = str(look.result.get("outcome", "completed"))
    elif event.event_type == _E.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
        look.outcome = "failed"
    else:
        look.outcome = "cancelled"


async def _plain(how: DataConverter, payloads: Payloads | Sequence[Payload]) -> Any:
    """Return the first value, as JSON has it."""
    every = payloads.payloads if isinstance(payloads, Payloads) else payloads
    values = await how.decode(list(every))
    return values[0] if values else None
