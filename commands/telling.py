"""What an event of a history means, in words for a program; never the conversation itself."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, cast

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import EventType as Type
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from commands import history
from commands.errors import one_line
from commands.kinds import name_of
from domain.acting import ActOutcome
from domain.door import EventType
from domain.thinking import TRANSCRIPT_MISS, Reply, ThinkRequest

Told = tuple[EventType, dict[str, Any]]
THINK: Final = "llm.think"
SAYS: Final = frozenset({"approve", "reject", "modify", "retry", "skip", "abort"})
_UPDATES: Final = frozenset({"decide", "unstop"})
_SILENCE: Final = "waiting for a person"
_CLOSED: Final[dict[int, tuple[str, str]]] = {
    Type.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: ("cancelled", "cancelled"),
    Type.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: ("failed", "ended by an operator"),
    Type.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: ("failed", "timed out"),
}
_CHILD_ENDS: Final[dict[int, tuple[str, str]]] = {
    Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: ("completed", ""),
    Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: ("failed", ""),
    Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: ("cancelled", ""),
    Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED: ("failed", "terminated"),
    Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT: ("failed", "timed out"),
}


@dataclass
class Teller:
    """Reads one execution's events in order, and remembers what later ones refer to.

    Attributes:
        ended: The execution has closed, and nothing follows it.
        next: The execution that this one continued as.
    """

    converter: DataConverter
    ended: bool = False
    next: str = ""
    _scheduled: dict[int, HistoryEvent] = field(default_factory=dict[int, HistoryEvent])
    _timers: dict[int, str] = field(default_factory=dict[int, str])
    _updates: dict[int, tuple[str, Payloads]] = field(
        default_factory=dict[int, tuple[str, Payloads]]
    )

    async def tell(self, event: HistoryEvent) -> AsyncGenerator[Told]:
        """Yield what `event` means; most mean nothing to a program."""
        for told in (
            self._begin(event),
            self._state(event),
            await self._activity(event),
            await self._child(event),
            await self._said(event),
            await self._silence(event),
            await self._end(event),
        ):
            if told is not None:
                yield told

    def _begin(self, event: HistoryEvent) -> Told | None:
        if event.event_type != Type.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            return None
        started = event.workflow_execution_started_event_attributes
        if started.continued_execution_run_id:
            return None
        return "started", {
            "workflow": name_of(started.workflow_type.name),
            "parent": started.parent_workflow_execution.workflow_id,
        }

    def _state(self, event: HistoryEvent) -> Told | None:
        if event.event_type != Type.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
            return None
        changed = event.upsert_workflow_search_attributes_event_attributes.search_attributes
        values = {name: _plain(value) for name, value in changed.indexed_fields.items()}
        if "AgentState" not in values:
            return None
        told = {"state": values["AgentState"]}
        return "state", told | ({"cost_usd": values["CostUsd"]} if "CostUsd" in values else {})

    # --- activities: model calls, tools, and the workflow's own steps

    async def _activity(self, event: HistoryEvent) -> Told | None:
        match event.event_type:
            case Type.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                self._scheduled[event.event_id] = event
                return None
            case Type.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                done = event.activity_task_completed_event_attributes
                scheduled = self._scheduled.pop(done.scheduled_event_id)
                return await self._done(scheduled, event, done.result)
            case Type.EVENT_TYPE_ACTIVITY_TASK_FAILED:
                failed = event.activity_task_failed_event_attributes
                scheduled = self._scheduled.pop(failed.scheduled_event_id)
                return await self._broken(scheduled, event, failed.failure)
            case Type.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
                late = event.activity_task_timed_out_event_attributes
                scheduled = self._scheduled.pop(late.scheduled_event_id)
                return await self._broken(scheduled, event, late.failure)
            case _:
                return None

    async def _done(self, scheduled: HistoryEvent, event: HistoryEvent, result: Payloads) -> Told:
        attributes = scheduled.activity_task_scheduled_event_attributes
        name = attributes.activity_type.name
        seconds = _seconds(scheduled, event)
        if name == THINK:
            asked = await history.typed(self.converter, attributes.input, ThinkRequest)
            return "turn", _turn(asked, await history.typed(self.converter, result, Reply), seconds)
        if _is_tool(name):
            outcome = await history.typed(self.converter, result, ActOutcome)
            return "tool", {"tool": name, "ok": outcome.kind == "ok", "seconds": seconds}
        return "step", {"step": name, "ok": True, "seconds": seconds}

    async def _broken(
        self, scheduled: HistoryEvent, event: HistoryEvent, failure: Failure
    ) -> Told | None:
        if failure.application_failure_info.type == TRANSCRIPT_MISS:
            return None  # a new worker asks for the conversation; no model was called
        name = scheduled.activity_task_scheduled_event_attributes.activity_type.name
        kind: EventType = "tool" if _is_tool(name) else "turn" if name == THINK else "step"
        return kind, {
            kind if kind != "turn" else "step": name,
            "ok": False,
            "seconds": _seconds(scheduled, event),
            "failure": await self._why(failure),
        }

    # --- runs below this one

    async def _child(self, event: HistoryEvent) -> Told | None:
        if event.event_type == Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
            begun = event.child_workflow_execution_started_event_attributes
            workflow = name_of(begun.workflow_type.name)
            return "child", {
                "run_id": begun.workflow_execution.workflow_id,
                "workflow": workflow,
                "outcome": "",
            }
        if event.event_type not in _CHILD_ENDS:
            return None
        outcome, reason = _CHILD_ENDS[event.event_type]
        ended: Any = _attributes(event)
        if event.event_type == Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED:
            outcome = _outcome(await history.decoded(self.converter, ended.result))
        elif event.event_type == Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
            reason = await self._why(ended.failure)
        told = {"run_id": ended.workflow_execution.workflow_id, "outcome": outcome}
        return "child", told | ({"reason": reason} if reason else {})

    # --- what people said, and did not say

    async def _said(self, event: HistoryEvent) -> Told | None:
        match event.event_type:
            case Type.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                signal = event.workflow_execution_signaled_event_attributes
                if signal.signal_name not in SAYS:
                    return None
                sent = _object(await history.decoded(self.converter, signal.input))
                # A signal asks for no reply: whether it counted, the run's decisions show.
                return "decision", {"verdict": signal.signal_name, "counted": None, **_who(sent)}
            case Type.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
                accepted = event.workflow_execution_update_accepted_event_attributes
                asked = accepted.accepted_request.input
                self._updates[event.event_id] = (asked.name, asked.args)
                return None
            case Type.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
                return await self._updated(event)
            case _:
                return None

    async def _updated(self, event: HistoryEvent) -> Told | None:
        done = event.workflow_execution_update_completed_event_attributes
        name, args = self._updates.pop(done.accepted_event_id, ("", Payloads()))
        if name not in _UPDATES:
            return None
        sent = _object(await history.decoded(self.converter, args))
        told = {"verdict": str(sent.get("verdict", "")), **_who(sent)}
        if done.outcome.HasField("failure"):
            why = await self._why(done.outcome.failure)
            return "decision", {**told, "counted": False, "why": why}
        return "decision", {**told, "counted": True}

    async def _silence(self, event: HistoryEvent) -> Told | None:
        if event.event_type == Type.EVENT_TYPE_TIMER_STARTED:
            if event.user_metadata.HasField("summary"):
                summary = await self.converter.decode([event.user_metadata.summary])
                self._timers[event.event_id] = str(summary[0])
        elif event.event_type == Type.EVENT_TYPE_TIMER_FIRED:
            fired = event.timer_fired_event_attributes
            if _SILENCE in self._timers.pop(fired.started_event_id, ""):
                return "decision", {"verdict": "silence", "counted": True}
        return None

    async def _why(self, failure: Failure) -> str:
        return one_line(await history.reason(self.converter, failure))

    # --- the end

    async def _end(self, event: HistoryEvent) -> Told | None:
        match event.event_type:
            case Type.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
                onward = event.workflow_execution_continued_as_new_event_attributes
                self.next = onward.new_execution_run_id
                return "continued", {}
            case Type.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
                self.ended = True
                completed = event.workflow_execution_completed_event_attributes
                result = await history.decoded(self.converter, completed.result)
                reason = str(_object(result).get("reason", ""))
                return "end", {"outcome": _outcome(result), "reason": reason}
            case Type.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
                self.ended = True
                failed = event.workflow_execution_failed_event_attributes
                return "end", {"outcome": "failed", "reason": await self._why(failed.failure)}
            case closed if closed in _CLOSED:
                self.ended = True
                outcome, reason = _CLOSED[closed]
                return "end", {"outcome": outcome, "reason": reason}
            case _:
                return None


def _is_tool(activity: str) -> bool:
    """Whether an activity is a tool: the workflow's own steps have a dot in their names.

    Which tools there are only the workers know: some are lent by MCP servers.
    """
    return "." not in activity


def at(event: HistoryEvent) -> datetime:
    """Return when an event happened."""
    return event.event_time.ToDatetime(UTC)


def _turn(asked: ThinkRequest, reply: Reply, seconds: float) -> dict[str, Any]:
    return {
        "turn": asked.turn,
        "purpose": asked.aside.purpose if asked.aside else asked.purpose,
        "ok": True,
        "model": reply.model,
        "finish": reply.finish,
        "calls": [call.name for call in reply.message.calls],
        "tokens": reply.usage.total,
        "cost_usd": str(reply.cost_usd),
        "seconds": seconds,
    }


def _who(sent: dict[str, Any]) -> dict[str, Any]:
    return {name: sent[name] for name in ("approval_id", "by", "reason") if sent.get(name)}


def _outcome(result: Any) -> str:
    return str(_object(result).get("outcome", "completed"))


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _attributes(event: HistoryEvent) -> Message:
    return getattr(event, str(event.WhichOneof("attributes")))


def _seconds(scheduled: HistoryEvent, event: HistoryEvent) -> float:
    return round((at(event) - at(scheduled)).total_seconds(), 3)


def _plain(payload: Payload) -> Any:
    """Return what the server itself can read: no codec has been over it."""
    try:
        return json.loads(payload.data)
    except ValueError:
        return ""
