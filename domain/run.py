"""What starts an agent run, what it remembers, and what it comes to."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator

from domain.approval import Decision
from domain.budget import LimitsOverride, Spend
from domain.contract import Contract, canonical
from domain.messages import ROOT
from domain.state import AgentState, Effected

MAX_TASK_BYTES = 200_000


class Outcome(StrEnum):
    """How a run ended. None of these is an error of the workflow but `failed`."""

    COMPLETED = "completed"
    LIMIT = "limit"
    REJECTED = "rejected"
    ABORTED = "aborted"
    CANCELLED = "cancelled"
    FAILED = "failed"


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
