"""What starts an agent run, what it remembers, and what it comes to."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator

from domain.approval import Decision
from domain.budget import LimitsOverride, Spend
from domain.contract import Contract, canonical, strict_json
from domain.loops import Deed, withheld
from domain.messages import ROOT, Message, ToolCall, chain, link
from domain.spec import AgentSpec

MAX_TASK_BYTES = 200_000


class Outcome(StrEnum):
    """How a run ended. None of these is an error of the workflow but `failed`."""

    COMPLETED = "completed"
    LIMIT = "limit"
    REJECTED = "rejected"
    ABORTED = "aborted"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Effected(Contract):
    """A write that happened: what it would take to undo it."""

    tool: str
    arguments: dict[str, Any]
    key: str
    text: str
    compensation: str = ""


class Turn(Contract):
    """Where a model call left the run: what `fork` cuts at and reports draw."""

    messages: int
    tokens: int
    cost_usd: Decimal
    model: str


class AgentState(BaseModel):
    """All that a run remembers, and all that continue-as-new carries over.

    Attributes:
        lineage: The logical run; survives continue-as-new and resets, not `--again`.
        messages: The transcript, in order.
        base: Messages that a worker is known to hold under `base_head`.
        made: Ids of messages that an activity made and a worker may hold.
        counted_tokens: Tokens of the last call, input and output, as its provider counted.
        counted_messages: Messages that count covers.
        watched: Deeds since the loop detector last found something.
    """

    model_config = ConfigDict(extra="ignore")

    lineage: str
    spec: AgentSpec | None = None
    messages: list[Message] = []
    base: int = 0
    base_head: str = ROOT
    head: str = ROOT
    made: list[str] = []
    spend: Spend = Spend()
    counted_tokens: int = 0
    counted_messages: int = 0
    turns: list[Turn] = []
    decisions: list[Decision] = []
    ignored: list[str] = []
    writes: list[Effected] = []
    undone: list[str] = []
    not_done: list[str] = []
    plan: list[str] = []
    watched: list[Deed] = []
    backtracks: int = 0
    forbid: tuple[str, ...] = ()
    route: int = 0
    revisions: int = 0
    phase: Literal["start", "work"] = "start"
    worked_s: float = 0
    continued: int = 0

    def add(self, message: Message, *, made: bool) -> None:
        """Put `message` behind the transcript.

        Args:
            message: What was said.
            made: An activity made it, so that a worker can be asked for it by its id.
        """
        self.messages.append(message)
        self.head = link(self.head, message.id)
        if made:
            self.made.append(message.id)

    def hold(self) -> None:
        """Note that a worker holds the transcript up to here."""
        self.base = len(self.messages)
        self.base_head = self.head
        self.made.clear()

    def new(self) -> tuple[str | Message, ...]:
        """Return what a worker that holds the base still lacks, ids for what it made."""
        return tuple(m.id if m.id in self.made else m for m in self.messages[self.base :])

    def done(self, most: int = 8) -> tuple[str, ...]:
        """Return the last calls the model made, a line each, for a person to read."""
        calls = [f"{call.name} {call.arguments}" for m in self.messages for call in m.calls]
        before = len(calls) - most
        return (*([f"({before} calls before these)"] if before > 0 else []), *calls[-most:])

    def at(self, turn: int) -> "AgentState":
        """Return the state after `turn` model calls and what they led to.

        Raises:
            ValueError: The run has not come that far.
        """
        if not 0 <= turn <= len(self.turns):
            raise ValueError(f"turn {turn}: the run has turns 0 to {len(self.turns)}")
        last = turn == len(self.turns)
        end = len(self.messages) if last else self.turns[turn].messages - 1  # the next reply
        spent = self.turns[turn - 1] if turn else None
        earlier = self.model_copy(deep=True)
        earlier.messages = self.messages[:end]
        earlier.turns = self.turns[:turn]
        earlier.spend = Spend(
            steps=turn,
            tokens=spent.tokens if spent else 0,
            cost_usd=spent.cost_usd if spent else Decimal(0),
        )
        earlier.counted_tokens = earlier.counted_messages = 0
        earlier.watched, earlier.backtracks, earlier.forbid = [], 0, ()
        earlier.rebase()
        return earlier

    def rebase(self) -> None:
        """Start the chain over after messages were taken out: no worker holds this transcript.

        Their bytes may still be there: what a worker made is asked for by its id.
        """
        self.head = chain(ROOT, (message.id for message in self.messages))
        self.base, self.base_head = 0, ROOT
        self.made = [message.id for message in self.messages if message.role != "user"]

    def drop_tail(self, calls: tuple[str, ...]) -> None:
        """Take out the last turns that only repeat `calls`, all but the first of each.

        A turn that wrote anything stays: what happened must not be forgotten.
        """
        if self.writes:
            return
        repeats = self._repeating_turns(frozenset(calls))
        if len(repeats) > len(calls):
            self.messages = self.messages[: repeats[len(calls)]]
            end = len(self.messages)
            self.turns = [
                turn.model_copy(update={"messages": min(turn.messages, end)}) for turn in self.turns
            ]
            self.counted_tokens = self.counted_messages = 0
            self.rebase()

    def _repeating_turns(self, calls: frozenset[str]) -> list[int]:
        """Return where each of the last turns begins that makes nothing but `calls`."""
        starts: list[int] = []
        for index in range(len(self.messages) - 1, -1, -1):
            message = self.messages[index]
            if message.role == "tool":
                continue
            if not message.calls or not calls.issuperset(map(_spelling, message.calls)):
                break
            starts.append(index)
        return starts[::-1]

    def proven(self) -> bool:
        """Whether the head is the hash of the messages."""
        return self.head == chain(ROOT, (message.id for message in self.messages))


def _spelling(call: ToolCall) -> str:
    try:
        arguments = strict_json(call.arguments or "{}")
    except ValueError:
        return ""
    if not isinstance(arguments, dict):
        return ""
    return withheld(call.name, cast("dict[str, Any]", arguments))


class AgentRequest(Contract):
    """Starts a run. Every field has a default, so that `{}` is a refusal and not a crash.

    Attributes:
        agent: Name of the agent.
        task: What to do; a JSON object is handed on as its text.
        data: Inputs for the tools, which the model can neither see nor set.
        limits: The limits that differ from the agent's.
        tenant: Whose run it is.
        by: Who asked for it, as they claim.
        dry_run: Writes are not made; what would have been done is listed instead.
        state: Set by continue-as-new and fork.
    """

    agent: str = ""
    task: str = ""
    data: dict[str, str] = Field(default_factory=dict)
    limits: LimitsOverride | None = None
    tenant: str = "default"
    by: str = ""
    dry_run: bool = False
    forked_from: str = ""
    state: AgentState | None = None

    @field_validator("task", mode="before")
    @classmethod
    def _as_text(cls, task: Any) -> Any:
        return canonical(task).decode() if isinstance(task, dict | list) else task


class AgentResult(Contract):
    """What a run came to.

    Attributes:
        answer: Typed by the agent's answer schema, or its text.
        reason: Why it ended, where the outcome is not `completed`.
        not_done: What a limit or a person kept from being done.
        decisions: Who decided what, when and why.
        head: Head of the transcript's chain.
    """

    run_id: str
    agent: str
    outcome: Outcome
    answer: Any = None
    reason: str = ""
    not_done: tuple[str, ...] = ()
    turns: int = 0
    tool_calls: int = 0
    spend: Spend = Spend()
    model: str = ""
    decisions: tuple[Decision, ...] = ()
    writes: tuple[Effected, ...] = ()
    undone: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    head: str = ROOT
    continued: int = 0
    closed_at: datetime | None = None


class Stop(Contract):
    """Why a run stands still, and since when.

    Attributes:
        step: What was being done: an activity's name.
        reason: What went wrong.
        hint: What a person can do about it.
    """

    step: str
    reason: str
    hint: str
    at: datetime


class Status(Contract):
    """What a query answers: counters and what the run waits for, never the transcript."""

    run_id: str
    agent: str
    state: str
    turn: int = 0
    tool: str = ""
    spend: Spend = Spend()
    limits: dict[str, Any] = Field(default_factory=dict)
    plan: tuple[str, ...] = ()
    question: dict[str, Any] | None = None
    stop: Stop | None = None
    ignored: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    extra: dict[str, Any] = Field(default_factory=dict)
