"""What starts an agent run, what it remembers, and what it comes to."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from domain.approval import Decision
from domain.budget import LimitsOverride, Spend
from domain.contract import Contract, canonical
from domain.loops import Deed
from domain.messages import ROOT, Message, chain, link
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
        watched: Deeds since the loop detector last found something.
    """

    model_config = ConfigDict(extra="ignore")

    lineage: str
    spec: AgentSpec | None = None
    messages: list[Message] = []
    base: int = 0
    base_head: str = ROOT
    head: str = ROOT
    made: set[str] = set()
    spend: Spend = Spend()
    turns: list[Turn] = []
    decisions: list[Decision] = []
    ignored: list[str] = []
    writes: list[Effected] = []
    watched: list[Deed] = []
    backtracks: int = 0
    forbid: tuple[str, ...] = ()
    route: int = 0
    revisions: int = 0
    planned: bool = False
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
            self.made.add(message.id)

    def hold(self) -> None:
        """Note that a worker holds the transcript up to here."""
        self.base = len(self.messages)
        self.base_head = self.head
        self.made.clear()

    def new(self) -> tuple[str | Message, ...]:
        """Return what a worker that holds the base still lacks, ids for what it made."""
        return tuple(m.id if m.id in self.made else m for m in self.messages[self.base :])

    def proven(self) -> bool:
        """Whether the head is the hash of the messages."""
        return self.head == chain(ROOT, (message.id for message in self.messages))


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
    data: dict[str, str] = {}
    limits: LimitsOverride | None = None
    tenant: str = "default"
    by: str = ""
    dry_run: bool = False
    forked_from: str = ""
    state: AgentState | None = None

    @field_validator("task", mode="before")
    @classmethod
    def _as_text(cls, task: Any) -> Any:  # noqa: ANN401 - JSON
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
    limits: dict[str, Any] = {}
    plan: tuple[str, ...] = ()
    question: dict[str, Any] | None = None
    stop: Stop | None = None
    ignored: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    extra: dict[str, Any] = Field(default={})
