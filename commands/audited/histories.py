"""What a run's history tells the audit log: who started it, what was said to it, what it did."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, cast

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from commands import history
from commands.audited.entry import Entry, sha256
from commands.heard import Heard, heard
from commands.history import Scheduled
from domain.acting import ActOutcome, ActRequest
from domain.approval import arguments_hash

_STATE: Final = "AgentState"
_WAITS: Final = b'"PENDING_APPROVAL"'
_RESOLVE: Final = "agent.resolve"
_READ: Final = "read"


@dataclass
class Past:
    """What the executions of one run came to tell.

    Attributes:
        said: What was sent to it.
        asked: When it began to wait for a person, each time.
        turns: When each of its model calls was answered.
        result: What it came to, where an execution has ended with a result.
    """

    run_id: str
    entries: list[Entry] = field(default_factory=list[Entry])
    said: list[Heard] = field(default_factory=list[Heard])
    asked: list[datetime] = field(default_factory=list[datetime])
    turns: list[datetime] = field(default_factory=list[datetime])
    result: dict[str, Any] = field(default_factory=dict[str, Any])
    _effects: dict[str, str] = field(default_factory=dict[str, str])
    _seen: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])

    async def add(self, converter: DataConverter, events: Sequence[HistoryEvent]) -> None:
        """Take in one execution; the next is what it continued as, or was reset to."""
        # A reset copies what went before it, with its numbers and times.
        new = [each for each in events if _mark(each) not in self._seen]
        self._seen.update(map(_mark, new))
        await self._tools(converter, events)
        for event in new:
            if found := await self._entry(converter, event):
                self.entries.append(found)
            if _asks(event):
                self.asked.append(_at(event))
        said = await heard(converter, new)
        self.said += said
        self.entries += [_answer(self.run_id, each) for each in said]
        fresh = {event.event_id for event in new}
        for task in history.activities(events):
            if task.event.event_id in fresh:
                await self._activity(converter, task)

    async def _tools(self, converter: DataConverter, events: Sequence[HistoryEvent]) -> None:
        """Learn what the tools of this run do to the world, as they declared it at its start."""
        started = events[0].workflow_execution_started_event_attributes.input
        request = await history.decoded(converter, started)
        for spec in _specs(request):
            self._declare(spec)
        for event in events:
            if event.event_type != EventType.EVENT_TYPE_MARKER_RECORDED:
                continue
            details = event.marker_recorded_event_attributes.details
            about = await history.decoded(converter, details["data"]) if "data" in details else None
            if not isinstance(about, dict) or "result" not in details:
                continue
            if cast("dict[str, Any]", about).get("activity_type") == _RESOLVE:
                resolved = await history.decoded(converter, details["result"])
                for spec in _specs({"state": resolved}):
                    self._declare(spec)

    def _declare(self, spec: dict[str, Any]) -> None:
        for tool in spec.get("tools") or ():
            self._effects[str(tool.get("name", ""))] = str(tool.get("effect") or _READ)

    async def _activity(self, converter: DataConverter, task: Scheduled) -> None:
        if task.type == "llm.think":
            self.turns.append(_at(task.done or task.failed or task.event))
        elif "." not in task.type and self._effects.get(task.type) != _READ:
            self.entries.append(await self._effect(converter, task))

    async def _effect(self, converter: DataConverter, task: Scheduled) -> Entry:
        given = task.event.activity_task_scheduled_event_attributes.input
        asked = await history.typed(converter, given, ActRequest)
        fields: dict[str, Any] = {
            "tool": task.type,
            "effect": self._effects.get(task.type, "not declared in this history"),
            "arguments_hash": arguments_hash(asked.arguments),
            "arguments_sha256": sha256(asked.arguments),
            "idempotency_key": asked.key,
            "agent": asked.agent,
            "attempts": task.attempts,
            "event": task.event.event_id,
            "outcome": await _came_to(converter, task),
        }
        if asked.of:
            fields["undoes"] = True
        return Entry(_at(task.event), "effect", self.run_id, fields)

    async def _entry(self, converter: DataConverter, event: HistoryEvent) -> Entry | None:
        kind = event.event_type
        if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            return await self._started(converter, event)
        if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            given = event.workflow_execution_completed_event_attributes.result
            found = await history.decoded(converter, given)
            self.result = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
            told = {key: self.result.get(key) for key in ("outcome", "reason", "head")}
            return Entry(_at(event), "run.closed", self.run_id, told)
        if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
            failure = event.workflow_execution_failed_event_attributes.failure
            told = {"outcome": "failed", "reason": await history.reason(converter, failure)}
            return Entry(_at(event), "run.closed", self.run_id, told)
        return next(_by_operators(self.run_id, event), None)

    async def _started(self, converter: DataConverter, event: HistoryEvent) -> Entry | None:
        started = event.workflow_execution_started_event_attributes
        if started.continued_execution_run_id:
            return None  # the same run goes on; nobody asked for that
        found = await history.decoded(converter, started.input)
        request = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
        fields: dict[str, Any] = {
            "workflow": started.workflow_type.name,
            "agent": request.get("agent") or "",
            "tenant": request.get("tenant") or "default",
            "by": request.get("by") or "",
            "identity": started.identity,
            "input_sha256": sha256(found),
        }
        if above := started.parent_workflow_execution.workflow_id:
            fields["parent"] = above
        if forked := request.get("forked_from"):
            fields["forked_from"] = forked
        if request.get("dry_run"):
            fields["dry_run"] = True
        return Entry(_at(event), "run.started", self.run_id, fields)


def _by_operators(run_id: str, event: HistoryEvent) -> Iterator[Entry]:
    """Return what was done to a run from outside, and how else it closed."""
    at, kind = _at(event), event.event_type
    if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
        asked = event.workflow_execution_cancel_requested_event_attributes
        above = asked.external_workflow_execution.workflow_id
        yield Entry(
            at,
            "cancel.requested",
            run_id,
            {"identity": asked.identity, "cause": asked.cause, "by_run": above},
        )
    elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
        ended = event.workflow_execution_terminated_event_attributes
        told = {"identity": ended.identity, "reason": ended.reason}
        yield Entry(at, "run.terminated", run_id, told)
    elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
        yield Entry(at, "run.closed", run_id, {"outcome": "cancelled", "reason": ""})
    elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
        yield Entry(at, "run.closed", run_id, {"outcome": "timed out", "reason": ""})
    elif kind == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
        task = event.workflow_task_failed_event_attributes
        if task.cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW:
            told = {"identity": task.identity, "reason": task.failure.message}
            yield Entry(at, "run.resumed", run_id, told)


async def _came_to(converter: DataConverter, task: Scheduled) -> str:
    if task.done is None:
        return "failed" if task.failed is not None else "not known: no end is recorded"
    result = task.done.activity_task_completed_event_attributes.result
    outcome = await history.typed(converter, result, ActOutcome)
    return "in doubt" if outcome.doubt else outcome.kind


def _answer(run_id: str, said: Heard) -> Entry:
    return Entry(
        said.at,
        "answer.sent",
        run_id,
        {
            "way": said.way,
            "verdict": said.verdict,
            "by": said.by,
            "identity": said.identity,
            "approval_id": said.approval_id,
            "reason": said.reason,
            "event": said.event,
        },
    )


def _specs(request: Any) -> Iterator[dict[str, Any]]:
    """Return the agents' specs that a request carries over, or that was resolved."""
    state = cast("dict[str, Any]", request).get("state") if isinstance(request, dict) else None
    if isinstance(state, dict):
        spec = cast("dict[str, Any]", state).get("spec")
        if isinstance(spec, dict):
            yield cast("dict[str, Any]", spec)


def _asks(event: HistoryEvent) -> bool:
    if event.event_type != EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
        return False
    shown = event.upsert_workflow_search_attributes_event_attributes.search_attributes
    return _STATE in shown.indexed_fields and shown.indexed_fields[_STATE].data == _WAITS


def _mark(event: HistoryEvent) -> tuple[int, int]:
    return event.event_id, event.event_time.ToNanoseconds()


def _at(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(tzinfo=UTC)
