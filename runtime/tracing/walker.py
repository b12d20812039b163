"""One execution's history, walked from its beginning: the spans that its events stand for.

A span is told by the event that ended it, so each event is told once, and what is under way is not
told yet. The same history gives the same spans, ids and all, whoever walks it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from temporalio.api.enums.v1 import EventType as Type
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent

from domain.state import AgentState
from runtime.tracing import genai
from runtime.tracing.content import Conversation, Redact
from runtime.tracing.family import AGENT, Standing
from runtime.tracing.ids import call_of, step_of
from runtime.tracing.payloads import Payloader, as_object, when
from runtime.tracing.sheet import Noted, Sheet
from runtime.tracing.span import Told
from runtime.tracing.steps import Step, Steps
from runtime.tracing.turns import Turns
from runtime.tracing.waits import Waits

Handler = Callable[[HistoryEvent], Awaitable[None]]

_RESET: Final = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW
_FAILED: Final = frozenset({"failed", "terminated", "timed out"})
_CHILD_ENDS: Final = {
    Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: "completed",
    Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: "failed",
    Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: "cancelled",
    Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED: "terminated",
    Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT: "timed out",
    Type.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED: "not started",
}
_CLOSES: Final = {
    Type.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: "completed",
    Type.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: "failed",
    Type.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: "cancelled",
    Type.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: "terminated",
    Type.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: "timed out",
    Type.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: "continued",
}


class Walker:
    """Takes an execution's events in order, each once.

    Attributes:
        last: Number of the last event that was taken.
        closed: The execution has closed.
        onward: Run id of what it continued as.
    """

    def __init__(
        self,
        standing: Standing,
        payloads: Payloader,
        redact: Redact,
        *,
        content: bool = False,
        noted: Noted | None = None,
    ) -> None:
        self._at = standing
        self._payloads = payloads
        self._said = Conversation(redact) if content else None
        self._steps = Steps(payloads, redact, self._said)
        self._sheet = Sheet(standing, noted)
        self._waits = Waits(self._sheet, payloads, self._steps.text)
        self.last = 0
        self.closed = False
        self.onward = ""
        self._turns = Turns(self._sheet)
        self._open: dict[int, Step] = {}
        self._agent = standing.began.agent
        self._task = ""
        self._began_at = standing.began.at
        self._handlers = self._by_type()

    def _by_type(self) -> dict[int, Handler]:
        waits = self._waits
        return {
            Type.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: self._start,
            Type.EVENT_TYPE_WORKFLOW_TASK_STARTED: self._task_started,
            Type.EVENT_TYPE_WORKFLOW_TASK_FAILED: self._task_failed,
            Type.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: self._scheduled,
            Type.EVENT_TYPE_ACTIVITY_TASK_STARTED: self._started,
            Type.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: self._completed,
            Type.EVENT_TYPE_ACTIVITY_TASK_FAILED: self._failed,
            Type.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: self._failed,
            Type.EVENT_TYPE_ACTIVITY_TASK_CANCELED: self._canceled,
            Type.EVENT_TYPE_MARKER_RECORDED: self._marked,
            Type.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: self._child_asked,
            Type.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: waits.upserted,
            Type.EVENT_TYPE_TIMER_STARTED: waits.timer_started,
            Type.EVENT_TYPE_TIMER_FIRED: waits.timer_fired,
            Type.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: waits.signalled,
            Type.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: waits.update_accepted,
            Type.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED: waits.update_completed,
            **dict.fromkeys(_CHILD_ENDS, self._child_ended),
            **dict.fromkeys(_CLOSES, self._close),
        }

    @property
    def told(self) -> list[Told]:
        """The spans so far, in the order of the events that ended them."""
        return self._sheet.told

    async def take(self, events: Sequence[HistoryEvent]) -> None:
        """Walk `events`, the next ones."""
        for event in events:
            if event.event_id <= self.last:
                continue
            if (handler := self._handlers.get(event.event_type)) is not None:
                await handler(event)
            self.last = event.event_id
        self._sheet.settle()

    # --- the run

    async def _start(self, event: HistoryEvent) -> None:
        started = event.workflow_execution_started_event_attributes
        asked = as_object(await self._payloads.first(started.input))
        self._agent = str(asked.get("agent") or "")
        self._task = str(asked.get("task") or "")
        if self._at.began.workflow != AGENT or not asked.get("state"):
            return
        state = AgentState.model_validate(asked["state"])
        self._steps.spec = state.spec
        self._turns.count = len(state.turns)
        if self._said is not None:
            self._said.begin(state.messages, state.head)

    async def _task_started(self, event: HistoryEvent) -> None:
        self._sheet.tasks += 1
        self._sheet.clock = when(event)
        self._sheet.settle()

    async def _task_failed(self, event: HistoryEvent) -> None:
        """Begin what is this execution's own: a reset has copied all that came before.

        That was told of the execution which it was copied from, up to its end.
        """
        failed = event.workflow_task_failed_event_attributes
        if failed.cause != _RESET or failed.new_run_id != self._at.run_id:
            return
        self._sheet.forget()
        self._began_at = when(event)
        self._waits.resume(event)
        for step in [*self._open.values(), *([self._turns.open] if self._turns.open else [])]:
            step.since = when(event)
            step.put["holdfast.resumed"] = True

    async def _close(self, event: HistoryEvent) -> None:
        self.closed = True
        how = _CLOSES[event.event_type]
        result = await self._ended(event)
        self._waits.close(event)
        for step in self._open.values():
            step.put["holdfast.unfinished"] = True
            self._sheet.tell(step, event, error=f"the run was {how} meanwhile")
        self._open.clear()
        self._turns.end(event)
        self._sheet.settle()
        if how == "continued":
            await self._continued(event)
        if how != "continued" or self._at.own_leg:
            self._tell_run(event, result, str(result.get("outcome") or how))

    async def _ended(self, event: HistoryEvent) -> dict[str, Any]:
        """Return the result; of a run that failed, why."""
        if event.event_type == Type.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            done = event.workflow_execution_completed_event_attributes
            return as_object(await self._payloads.first(done.result))
        if event.event_type == Type.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
            failure = event.workflow_execution_failed_event_attributes.failure
            kind, message = await self._payloads.failure(failure)
            return {"error.type": kind, "reason": message}
        return {}

    async def _continued(self, event: HistoryEvent) -> None:
        onward = event.workflow_execution_continued_as_new_event_attributes
        self.onward = onward.new_execution_run_id
        given = as_object(await self._payloads.first(onward.input))
        agent = str(given.get("agent") or "")
        if agent != self._agent:
            key = self._sheet.id("hand off", event)
            step = Step(f"hand off to {agent}", key, when(event), self._at.under)
            step.put = {"gen_ai.agent.name": self._agent, "holdfast.handed_to": agent}
            self._sheet.tell(step, event)

    def _tell_run(self, event: HistoryEvent, result: dict[str, Any], outcome: str) -> None:
        at, spec = self._at, self._steps.spec
        step = Step(genai.run_name(at.began), at.under, at.began.at, at.parent)
        step.put = genai.run(at.began) | {"holdfast.execution": at.run_id}
        if at.own_leg:
            step.since = max(self._began_at, at.began.at)
            step.put["holdfast.resumed"] = True
        step.put |= genai.came(result) if "outcome" in result else {}
        if self._said is not None:
            step.put |= self._said.task(self._task) | self._said.answer(result.get("answer"))
        if spec is not None and spec.prompt_version:
            step.put["gen_ai.agent.version"] = spec.prompt_version
        step.put["holdfast.outcome"] = outcome
        reason = self._steps.text(str(result.get("reason") or ""))
        if reason:
            step.put["holdfast.reason"] = reason
        if "error.type" in result:
            step.put["error.type"] = str(result["error.type"])
        error = (reason or outcome) if outcome in _FAILED else None
        self._sheet.tell(step, event, error=error)

    # --- steps

    async def _scheduled(self, event: HistoryEvent) -> None:
        asked = event.activity_task_scheduled_event_attributes
        key = step_of(self._at.run_id, asked.activity_id)
        step = Step(asked.activity_type.name, key, when(event), 0)
        await self._steps.scheduled(event, step)
        self._turns.begin(event, step, self._agent)
        step.above = self._sheet.above
        self._open[event.event_id] = step

    async def _started(self, event: HistoryEvent) -> None:
        started = event.activity_task_started_event_attributes
        if (step := self._open.get(started.scheduled_event_id)) is not None:
            await self._steps.started(event, step)

    async def _completed(self, event: HistoryEvent) -> None:
        done = event.activity_task_completed_event_attributes
        if (step := self._open.pop(done.scheduled_event_id, None)) is not None:
            await self._steps.completed(event, step)
            self._turns.note(step)
            self._sheet.tell(step, event)

    async def _failed(self, event: HistoryEvent) -> None:
        if event.event_type == Type.EVENT_TYPE_ACTIVITY_TASK_FAILED:
            failed = event.activity_task_failed_event_attributes
            scheduled, failure = failed.scheduled_event_id, failed.failure
        else:
            late = event.activity_task_timed_out_event_attributes
            scheduled, failure = late.scheduled_event_id, late.failure
        if (step := self._open.pop(scheduled, None)) is not None:
            await self._steps.failed(failure, step)
            self._sheet.tell(step, event)

    async def _canceled(self, event: HistoryEvent) -> None:
        canceled = event.activity_task_canceled_event_attributes
        if (step := self._open.pop(canceled.scheduled_event_id, None)) is not None:
            step.put["error.type"] = "cancelled"
            self._sheet.tell(step, event, error="cancelled")

    async def _marked(self, event: HistoryEvent) -> None:
        found = await self._steps.marked(event, self._sheet.clock)
        if found is not None:
            step, self._sheet.clock = found.step, max(found.ended, self._sheet.clock)
            step.id = step_of(self._at.run_id, found.activity_id)
            step.above = self._sheet.above
            self._sheet.tell(step, event, end=found.ended, check=found.check)

    # --- runs below

    async def _child_asked(self, event: HistoryEvent) -> None:
        """Note a call that a run below answers; those of other workflows hang under the run."""
        if self._at.began.workflow != AGENT:
            return
        asked = event.start_child_workflow_execution_initiated_event_attributes
        given = as_object(await self._payloads.first(asked.input))
        key = call_of(self._at.run_id, event.event_id)
        step = Step("", key, when(event), self._sheet.above)
        self._steps.below(asked.workflow_id, str(given.get("agent") or ""), step)
        self._open[event.event_id] = step

    async def _child_ended(self, event: HistoryEvent) -> None:
        ended: Any = getattr(event, str(event.WhichOneof("attributes")))
        step = self._open.pop(ended.initiated_event_id, None)
        if step is None:
            return
        how = _CHILD_ENDS[event.event_type]
        if how == "completed":
            result = as_object(await self._payloads.first(ended.result))
            how = str(result.get("outcome") or how)
        step.put["holdfast.outcome"] = how
        self._sheet.tell(step, event, error=None if how == "completed" else f"the run {how}")
