"""What all runs share: how one is asked for, what it remembers, what it comes to.

`domain/run.py` has one agent's run; every organisation of several has a file of its own.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.approval import Decision
from domain.budget import Limits, LimitsOverride, Spend
from domain.contract import Contract
from domain.people import People
from domain.taint import Taint, joined


class Outcome(StrEnum):
    """How a run ended. None of these is an error of the workflow but `failed`."""

    COMPLETED = "completed"
    LIMIT = "limit"
    REJECTED = "rejected"
    ABORTED = "aborted"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Request(Contract):
    """What every start has.

    Attributes:
        tenant: Whose run it is.
        by: Who asked for it, as they claim.
        dry_run: Writes are not made and nobody is asked; what would have been is listed.
    """

    tenant: str = "default"
    by: str = ""
    dry_run: bool = False


class RunRequest(Request):
    """Starts a run of several runs.

    Attributes:
        limits: What differs from the agents' own limits, for each run below this one.
        tokens: All runs together may use so many.
        cost_usd: All runs together may cost so much.
    """

    limits: LimitsOverride | None = None
    tokens: int = Field(default=20_000_000, ge=1)
    cost_usd: Decimal = Field(default=Decimal(20), ge=0)

    @property
    def budget(self) -> Limits:
        """What all runs together may use; model calls and time are bounded in each."""
        return Limits(steps=10**9, tokens=self.tokens, cost_usd=self.cost_usd, wall_clock_s=10.0**9)


class RunState(BaseModel):
    """All that a run remembers, and all that continue-as-new carries over.

    Attributes:
        lineage: The logical run; survives continue-as-new and resets.
        spend: Its own model calls, and those of the runs below it.
        model: The model that answered last.
        not_done: What a limit, a failure or a person kept from being done.
        worked_s: Seconds worked before it continued as new.
        waited_s: Seconds waited for people before that.
        continued: How often it continued as new.
        alerted: Most of a budget is used, and somebody was told.
        private_agent: A private agent that took part in a run of several; then all are.
        other_agent: One that is not private; then none is.
        tainted: Which words of strangers it, or a run below it, has read.
        people: What it has wanted of people.
    """

    model_config = ConfigDict(extra="ignore")

    def model_post_init(self, _: Any) -> None:
        """Count every field as set: the converter drops unset ones, and lists change in place."""
        self.model_fields_set.update(type(self).model_fields)

    lineage: str
    started_at: datetime | None = None
    spend: Spend = Spend()
    model: str = ""
    decisions: list[Decision] = Field(default_factory=list[Decision])
    ignored: list[str] = Field(default_factory=list[str])
    not_done: list[str] = Field(default_factory=list[str])
    worked_s: float = 0
    waited_s: float = 0
    continued: int = 0
    alerted: bool = False
    private_agent: str = ""
    other_agent: str = ""
    tainted: list[Taint] = Field(default_factory=list[Taint])
    people: People = People()

    def taint(self, found: Iterable[Taint]) -> None:
        """Note what strangers' words were read; nothing ever takes that back."""
        self.tainted = joined(self.tainted, found)


class RunResult(Contract):
    """What a run came to.

    Attributes:
        reason: Why it ended, where the outcome is not `completed`.
        not_done: What a limit, a failure or a person kept from being done.
        decisions: Who decided what, when and why.
        ignored: What was said to the run and did not count.
        spend: Its own model calls, and those of the runs below it.
        model: The model that answered last.
        seconds: From its start to its end, waiting included.
        tainted: Which words of strangers it, or a run below it, has read.
        people: What it has wanted of people; None where that is nothing.
    """

    run_id: str = ""
    outcome: Outcome = Outcome.COMPLETED
    reason: str = ""
    not_done: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    ignored: tuple[str, ...] = ()
    spend: Spend = Spend()
    model: str = ""
    seconds: float = 0
    continued: int = 0
    closed_at: datetime | None = None
    tainted: tuple[Taint, ...] = ()
    people: People | None = None

    @property
    def whole(self) -> bool:
        """Whether all of it was done, so that a caller may take it for a success."""
        return self.outcome is Outcome.COMPLETED
