"""What a trace must have, read off the histories alone: one line for each step that they record.

Written apart from `runtime.tracing`, and simpler: it knows what there must be, not how to tell it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from temporalio.api.enums.v1 import EventType as Type
from temporalio.api.history.v1 import HistoryEvent

from commands import history
from commands.history import Leg
from commands.session import Session
from domain.thinking import TRANSCRIPT_MISS, Reply, ThinkRequest

_WAITS: Final = {"PENDING_APPROVAL": "gate approval", "STOPPED": "gate stop"}
_ENDS: Final = {
    Type.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: "activity_task_completed_event_attributes",
    Type.EVENT_TYPE_ACTIVITY_TASK_FAILED: "activity_task_failed_event_attributes",
    Type.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "activity_task_timed_out_event_attributes",
}


@dataclass
class Step:
    """A step that is in a history.

    Attributes:
        kind: model, tool, validation, transition, gate, turn, run or record.
        above: The name of the span above it.
        at: When it began where that is an event's time, else when it ended; 0: not compared.
        has: Attributes that its span must have.
    """

    kind: str
    name: str
    run: str
    above: str
    at: int = 0
    has: dict[str, Any] = field(default_factory=dict[str, Any])


async def steps(session: Session, run_id: str) -> list[Step]:
    """Return the steps of a run and of all runs below it."""
    legs = await history.legs(session, run_id)
    reader = _Reader(session, run_id)
    for leg in legs:
        await reader.read(leg)
    found = reader.found
    for below in reader.below:
        found += await steps(session, below)
    return found


class _Reader:
    def __init__(self, session: Session, run_id: str) -> None:
        self._converter = session.client.data_converter
        self._run = run_id
        self._root = ""
        self._turn = ""
        self._call = -1
        self._turns = 0
        self._state = ""
        self._calls: list[tuple[str, str]] = []
        self.found: list[Step] = []
        self.below: list[str] = []

    async def read(self, leg: Leg) -> None:
        """Read one execution."""
        # Neither a turn nor the state outlives its execution.
        self._turn, self._call, self._state = "", -1, ""
        ends = {
            getattr(event, _ENDS[event.event_type]).scheduled_event_id: event
            for event in leg.events
            if event.event_type in _ENDS
        }
        attempts = {
            event.activity_task_started_event_attributes.scheduled_event_id: event
            for event in leg.events
            if event.event_type == Type.EVENT_TYPE_ACTIVITY_TASK_STARTED
        }
        for event in leg.events:
            match event.event_type:
                case Type.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                    await self._begin(event, leg.events[-1])
                case Type.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                    end, started = ends[event.event_id], attempts.get(event.event_id)
                    await self._activity(event, end, started)
                case Type.EVENT_TYPE_MARKER_RECORDED:
                    await self._local(event)
                case Type.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
                    await self._moved(event)
                case Type.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                    await self._said(event)
                case Type.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
                    self._child(event)
                case _:
                    pass

    async def _begin(self, event: HistoryEvent, last: HistoryEvent) -> None:
        started = event.workflow_execution_started_event_attributes
        if started.continued_execution_run_id:
            return
        asked = await history.decoded(self._converter, started.input)
        self._root = f"invoke_agent {asked['agent']}"
        above = "execute_tool drill_ask" if started.parent_workflow_execution.run_id else ""
        self._add("run", self._root, above, _at(event))

    async def _activity(
        self, event: HistoryEvent, end: HistoryEvent, started: HistoryEvent | None
    ) -> None:
        asked = event.activity_task_scheduled_event_attributes
        kind = asked.activity_type.name
        tried = started.activity_task_started_event_attributes.attempt if started else 1
        has: dict[str, Any] = {"holdfast.attempts": tried}
        if kind == "llm.think":
            request = await history.typed(self._converter, asked.input, ThinkRequest)
            self._begin_turn(request, event)
            await self._model(event, end, has)
            return
        tool = "." not in kind
        self._add(
            "tool" if tool else "record",
            f"execute_tool {kind}" if tool else kind,
            self._turn or self._root,
            _at(event),
            has,
        )

    def _begin_turn(self, request: ThinkRequest, event: HistoryEvent) -> None:
        if request.aside is None and request.turn != self._call:
            self._turns += 1
            self._call = request.turn
            self._turn = f"turn {self._turns}"
            self._add("turn", self._turn, self._root, _at(event))

    async def _model(self, event: HistoryEvent, end: HistoryEvent, has: dict[str, Any]) -> None:
        if end.event_type != Type.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            failed = end.activity_task_failed_event_attributes.failure.application_failure_info
            miss = failed.type == TRANSCRIPT_MISS
            name = "hand over transcript" if miss else "chat gpt-5-mini"
            self._add("record" if miss else "model", name, self._turn, _at(event))
            return
        result = end.activity_task_completed_event_attributes.result
        reply = await history.typed(self._converter, result, Reply)
        self._calls = [(call.name, call.id) for call in reply.message.calls]
        has |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.usage.input_tokens": reply.usage.input_tokens,
            "gen_ai.usage.output_tokens": reply.usage.output_tokens,
            "gen_ai.response.model": reply.model,
            "gen_ai.response.finish_reasons": (reply.finish,),
            "holdfast.tools.chosen": tuple(name for name, _ in self._calls),
        }
        self._add("model", "chat gpt-5-mini", self._turn, _at(event), has)

    async def _local(self, event: HistoryEvent) -> None:
        details = event.marker_recorded_event_attributes.details
        if event.marker_recorded_event_attributes.marker_name != "core_local_activity":
            return
        about = await history.decoded(self._converter, details["data"])
        name, ended = str(about["activity_type"]), about["complete_time"]
        at = ended["seconds"] * 10**9 + ended["nanos"]
        check = name.startswith("check.")
        shown = f"validate {name.removeprefix('check.')}" if check else name
        has: dict[str, Any] = {}
        if check:
            said = await history.decoded(self._converter, details["result"])
            refused = any(said.get(word) for word in ("refused", "problems", "refusal"))
            has = {"holdfast.validation.outcome": "refused" if refused else "passed"}
        self._add("validation" if check else "record", shown, self._turn or self._root, at, has)

    async def _moved(self, event: HistoryEvent) -> None:
        changed = event.upsert_workflow_search_attributes_event_attributes.search_attributes
        if "AgentState" not in changed.indexed_fields:
            return
        (state,) = await self._converter.decode([changed.indexed_fields["AgentState"]])
        above = self._turn or self._root
        has = {"holdfast.state.from": self._state} if self._state else {}
        self._add("transition", f"state {state}", above, 0, has)
        if state in _WAITS:
            self._add("gate", _WAITS[state], above)
        self._state = state

    async def _said(self, event: HistoryEvent) -> None:
        """Take what a person says for the end of the gate that is open."""
        signal = event.workflow_execution_signaled_event_attributes
        if self._state in _WAITS and signal.signal_name == "approve":
            sent = await history.decoded(self._converter, signal.input)
            told = {
                "verdict": "approve",
                "via": "signal",
                "by": sent["by"],
                "reason": sent["reason"],
            }
            gate = next(step for step in reversed(self.found) if step.kind == "gate")
            gate.has = {f"holdfast.gate.{name}": value for name, value in told.items()}

    def _child(self, event: HistoryEvent) -> None:
        asked = event.start_child_workflow_execution_initiated_event_attributes
        self.below.append(asked.workflow_id)
        self._add("tool", "execute_tool drill_ask", self._turn, _at(event))

    def _add(
        self, kind: str, name: str, above: str, at: int = 0, has: dict[str, Any] | None = None
    ) -> None:
        self.found.append(Step(kind, name, self._run, above, at, has or {}))


def _at(event: HistoryEvent) -> int:
    return event.event_time.seconds * 10**9 + event.event_time.nanos


def count(found: Iterable[Step], kind: str) -> int:
    """Return how many steps are of a kind."""
    return sum(step.kind == kind for step in found)
