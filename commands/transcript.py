"""A run's conversation and decisions, read from its history; no worker is needed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from commands import history
from commands.history import Leg, Scheduled
from domain.acting import ActOutcome, ActRequest
from domain.messages import ROOT, Message, link
from domain.run import AgentRequest
from domain.thinking import Reply, ThinkRequest


@dataclass
class Step:
    """One model call, and what its calls came to.

    Attributes:
        purpose: `turn` or `plan`; else it was beside the conversation, for this.
        began: When it was asked for.
    """

    number: int
    purpose: str
    reply: Reply
    seconds: float
    attempts: int
    results: dict[str, str] = field(default_factory=dict[str, str])
    began: datetime | None = None

    @property
    def is_turn(self) -> bool:
        """Whether the conversation grew by it."""
        return self.purpose in {"turn", "plan"}


@dataclass
class Transcript:
    """What can be told of a run."""

    request: AgentRequest
    steps: list[Step] = field(default_factory=list[Step])
    _heads: dict[str, list[Message]] = field(default_factory=lambda: {ROOT: []})
    _known: dict[str, Message] = field(default_factory=dict[str, Message])

    def think(self, request: ThinkRequest) -> list[Message]:
        """Take in what a call was given; return its conversation."""
        conversation = list(self._heads.get(request.base, []))
        for item in request.new:
            message = item if isinstance(item, Message) else self._known.get(item)
            if message is None:
                continue
            self._known[message.id] = message
            conversation.append(message)
            if message.role == "tool":
                self._result(message)
        self._heads[request.head] = conversation
        return conversation

    @property
    def turns(self) -> list[Step]:
        """The model calls that the conversation is made of."""
        return [step for step in self.steps if step.is_turn]

    def reply(self, request: ThinkRequest, step: Step) -> None:
        """Take in what the model said."""
        if not step.is_turn:
            self.steps.append(step)
            return
        message = step.reply.message
        self._known[message.id] = message
        conversation = [*self._heads.get(request.head, []), message]
        self._heads[link(request.head, message.id)] = conversation
        self.steps.append(step)

    def outcome(self, message: Message) -> None:
        """Take in what a tool said; shown even where no model call has read it."""
        self._known[message.id] = message
        self._result(message)

    def _result(self, message: Message) -> None:
        for step in reversed(self.steps):
            if any(call.id == message.call_id for call in step.reply.message.calls):
                step.results[message.call_id] = message.text
                return


async def read(converter: DataConverter, legs: list[Leg]) -> Transcript:
    """Return the transcript of a run's executions, oldest first."""
    first = legs[0].events[0].workflow_execution_started_event_attributes
    found = Transcript(await history.typed(converter, first.input, AgentRequest))
    for leg in legs:
        tasks = {task.event.event_id: task for task in history.activities(leg.events)}
        for event in leg.events:
            await _take(converter, found, event, tasks)
    return found


async def _take(
    converter: DataConverter,
    found: Transcript,
    event: HistoryEvent,
    tasks: dict[int, Scheduled],
) -> None:
    if event.event_type != EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
        return
    completed = event.activity_task_completed_event_attributes
    task = tasks[completed.scheduled_event_id]
    given = task.event.activity_task_scheduled_event_attributes.input
    if task.type == "llm.think":
        request = await history.typed(converter, given, ThinkRequest)
        found.think(request)
        reply = await history.typed(converter, completed.result, Reply)
        took = event.event_time.ToNanoseconds() - task.event.event_time.ToNanoseconds()
        purpose = request.aside.purpose if request.aside else request.purpose
        step = Step(request.turn, purpose, reply, took / 1e9, task.attempts)
        step.began = task.event.event_time.ToDatetime(tzinfo=UTC)
        found.reply(request, step)
    elif "." not in task.type:
        acted = await history.typed(converter, given, ActRequest)
        outcome = await history.typed(converter, completed.result, ActOutcome)
        found.outcome(Message(role="tool", text=outcome.text, call_id=acted.call_id))
