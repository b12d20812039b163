"""Activities, local activities and runs below, each one span: what each is called and says."""

from dataclasses import dataclass, field
from typing import Any, Final

from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent

from domain.acting import ActOutcome, ActRequest
from domain.messages import ToolCall
from domain.spec import AgentSpec
from domain.thinking import TRANSCRIPT_MISS, Reply, ThinkRequest
from runtime.tracing import genai
from runtime.tracing.content import Conversation, Redact
from runtime.tracing.genai import Put
from runtime.tracing.payloads import Payloader, as_object, when
from runtime.tracing.span import Happened

THINK: Final = "llm.think"
_MOST_TEXT: Final = 500


@dataclass
class Step:
    """A step that has begun.

    Attributes:
        since: Nanoseconds since 1970.
        above: Id of the span that it is under.
    """

    name: str
    id: int
    since: int
    above: int
    put: Put = field(default_factory=dict[str, genai.Value])
    happened: list[Happened] = field(default_factory=list[Happened])
    error: str | None = None
    client: bool = False
    think: ThinkRequest | None = None
    reply: Reply | None = None
    tool: ActRequest | None = None


@dataclass(frozen=True)
class Marked:
    """A local activity's record.

    Attributes:
        ended: Nanoseconds since 1970.
        check: It judges something.
    """

    step: Step
    activity_id: str
    ended: int
    check: bool


class Steps:
    """Says what steps are, by what their events hold.

    Attributes:
        spec: The agent, as it was when the run began.
        calls: What the model wanted last, in its order.
    """

    def __init__(self, payloads: Payloader, redact: Redact, said: Conversation | None) -> None:
        self._payloads = payloads
        self._redact = redact
        self._said = said
        self.spec: AgentSpec | None = None
        self.calls: tuple[ToolCall, ...] = ()

    def text(self, text: str) -> str:
        """Return a few words of others as they may be told."""
        cut = text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
        return self._redact(cut)

    # --- activities

    async def scheduled(self, event: HistoryEvent, step: Step) -> None:
        """Say what an activity is, and what is known before it runs."""
        asked = event.activity_task_scheduled_event_attributes
        kind = asked.activity_type.name
        step.put["holdfast.activity"] = kind
        if kind == THINK:
            step.think = await self._payloads.typed(asked.input, ThinkRequest)
        elif "." not in kind:  # the workflow's own steps have a dot in their names
            step.tool = await self._payloads.typed(asked.input, ActRequest)
        if step.think is not None:
            step.name, put = genai.asked(step.think, self.spec)
            step.put |= put
            step.client = True
            if self._said is not None:
                step.put |= self._said.think(step.think, self.spec)
        elif step.tool is not None:
            step.name = f"execute_tool {kind}"
            step.put |= genai.tool(kind, step.tool, self.spec)
            if self._said is not None:
                step.put |= self._said.tool(step.tool)

    async def started(self, event: HistoryEvent, step: Step) -> None:
        """Take in the attempt that came to something; those before it failed."""
        started = event.activity_task_started_event_attributes
        step.put["holdfast.attempts"] = max(started.attempt, 1)
        step.put["holdfast.worker"] = started.identity
        if started.attempt > 1 and started.HasField("last_failure"):
            kind, message = await self._payloads.failure(started.last_failure)
            put: Put = {"error.type": kind, "holdfast.reason": self.text(message)}
            step.happened.append(Happened("attempt failed", when(event), put))

    async def completed(self, event: HistoryEvent, step: Step) -> None:
        """Take in what an activity came to."""
        result = event.activity_task_completed_event_attributes.result
        if step.think is not None:
            self._replied(step.think, await self._payloads.typed(result, Reply), step)
        elif step.tool is not None:
            self._ran(step.tool, await self._payloads.typed(result, ActOutcome), step)

    def _replied(self, asked: ThinkRequest, reply: Reply | None, step: Step) -> None:
        if reply is None:
            return
        step.reply = reply
        step.put |= genai.replied(reply)
        if self._said is not None:
            step.put |= self._said.reply(asked, reply)
        if asked.aside is None:
            self.calls = reply.message.calls

    def _ran(self, asked: ActRequest, outcome: ActOutcome | None, step: Step) -> None:
        if outcome is None:
            return
        step.put |= genai.outcome(outcome)
        step.error = None if outcome.kind == "ok" else f"the tool says {outcome.kind}"
        if self._said is not None:
            self._said.ran(asked.call_id, outcome)
            step.put |= self._said.outcome(outcome)

    async def failed(self, failure: Failure, step: Step) -> None:
        """Take in why a step came to nothing."""
        kind, message = await self._payloads.failure(failure)
        step.put |= {"error.type": kind}
        if kind == TRANSCRIPT_MISS:
            # A new worker asks for the conversation: no model was called, and nothing is wrong.
            step.name, step.client = "hand over transcript", False
            step.put = {k: v for k, v in step.put.items() if not k.startswith("gen_ai.")}
            return
        step.error = self.text(message)

    # --- local activities

    async def marked(self, event: HistoryEvent, clock: int) -> Marked | None:
        """Return what a local activity's record stands for; None where it is no such record.

        When it was asked for the record does not say: at the run's own time, the `clock`.
        """
        marker = event.marker_recorded_event_attributes
        if marker.marker_name != "core_local_activity":
            return None
        about = as_object(await self._payloads.first(marker.details["data"]))
        kind, check = str(about.get("activity_type", "")), False
        ended = _moment(about.get("complete_time")) or when(event)
        step = Step(kind, 0, min(clock, ended), 0)
        step.put = {"holdfast.activity": kind, "holdfast.attempts": int(about.get("attempt") or 1)}
        if kind.startswith("check."):
            check, step.name = True, f"validate {kind.removeprefix('check.')}"
        if marker.HasField("failure"):
            await self.failed(marker.failure, step)
        if "result" in marker.details:
            self._local_result(kind, await self._payloads.first(marker.details["result"]), step)
        return Marked(step, str(about.get("activity_id", "")), ended, check)

    def _local_result(self, kind: str, result: Any, step: Step) -> None:
        found = as_object(result)
        if kind == "agent.resolve" and found.get("spec"):
            self.spec = AgentSpec.model_validate(found["spec"])
            step.put["gen_ai.agent.name"] = self.spec.name
        if kind.startswith("check.") or found.get("refusal"):
            outcome, reasons = genai.judged(found)
            step.put["holdfast.validation.outcome"] = outcome
            if reasons:
                step.put["holdfast.validation.reasons"] = tuple(map(self.text, reasons))

    # --- runs below

    def below(self, child_id: str, agent: str, step: Step) -> None:
        """Say which of the model's calls a run below answers: its id names the position."""
        place, _, _ = child_id.rpartition("/")[2].partition("-")
        position = place.rpartition(".")[2]
        called = int(position) if position.isdigit() else len(self.calls)
        call = self.calls[called] if called < len(self.calls) else None
        name = call.name if call else agent or child_id.rpartition("/")[2]
        step.name = f"execute_tool {name}"
        step.put |= genai.called(name, call.id if call else "", self.spec)
        step.put |= {"gen_ai.tool.type": "agent", "holdfast.below": child_id}
        if self._said is not None and call is not None:
            step.put["gen_ai.tool.call.arguments"] = self.text(call.arguments)


def _moment(value: Any) -> int:
    """Return a moment as the SDK's core writes it, in nanoseconds."""
    found = as_object(value)
    return int(found.get("seconds", 0)) * 1_000_000_000 + int(found.get("nanos", 0))
