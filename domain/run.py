"""What starts an agent run, what it remembers, and what it comes to."""

from datetime import datetime
from typing import Any

from pydantic import Field, field_validator

from domain.approval import Decision
from domain.budget import LimitsOverride, Spend
from domain.contract import Contract, canonical
from domain.folding import Remembered
from domain.loops import Turned
from domain.memory import Recalled
from domain.messages import ROOT, Message
from domain.near import Near
from domain.rejections import Rejection
from domain.rule_log import Act
from domain.rules import Ruled
from domain.runs import Outcome, Request, RunResult
from domain.selfcheck import SelfChecks
from domain.state import AgentState, Effected
from domain.taint import Taint

__all__ = [
    "AgentRequest",
    "AgentResult",
    "Came",
    "Kept",
    "KeptRequest",
    "Outcome",
    "Status",
    "Stop",
]

MAX_TASK_BYTES = 200_000


class AgentRequest(Request):
    """Starts a run. Every field has a default, so that `{}` is a refusal and not a crash.

    Attributes:
        agent: Name of the agent.
        task: What to do; a JSON object is handed on as its text.
        data: Inputs for the tools, which the model can neither see nor set.
        limits: The limits that differ from the agent's.
        ceiling: Limits that neither the agent's nor `limits` exceed: a share of another's.
        answer_schema: JSON Schema of the answer, where it is not the agent's.
        lineage: Names the logical run where it starts again under another id; a run below
            another has one of its caller's, so that its writes keep their keys.
        depth: How many runs are above this one.
        private: The run above is a private agent's: its data goes to the local endpoint only.
        tainted: Which words of strangers its caller had read, so that the task may be theirs.
        ruled_by: The rules of the runs above it, which hold for it too.
        acts: What those rules have to know of what the runs above have done.
        undo: What is to be undone, and nothing else: the writes of a run of this agent.
        state: Set by continue-as-new, by a hand-off and by fork.
    """

    agent: str = ""
    task: str = ""
    data: dict[str, str] = Field(default_factory=dict)
    limits: LimitsOverride | None = None
    ceiling: LimitsOverride | None = None
    answer_schema: dict[str, Any] | None = None
    lineage: str = ""
    depth: int = 0
    private: bool = False
    tainted: tuple[Taint, ...] = ()
    ruled_by: tuple[Ruled, ...] = ()
    acts: tuple[Act, ...] = ()
    undo: tuple[Effected, ...] = ()
    forked_from: str = ""
    state: AgentState | None = None

    @field_validator("task", mode="before")
    @classmethod
    def _as_text(cls, task: Any) -> Any:
        return canonical(task).decode() if isinstance(task, dict | list) else task


class AgentResult(RunResult):
    """What a run came to.

    Attributes:
        answer: Typed by the agent's answer schema, or its text.
        logprobs: Of each simple field of the answer, where the provider says and no person
            changed it.
        turns: Model calls of its own.
        cached_turns: Of these, answered by a reply that was kept, and so free.
        writes: What it did and has not undone.
        degraded: What it had to do without, or otherwise, since a tool was not there: the answer
            may be poorer for it.
        handed: The agents that it was handed on by, in order.
        rejections: What its guards refused: calls and answers.
        checks: What it had checked of its own work; None where nothing was.
        waited_s: Seconds that it waited for people.
        recalled: What of its long-term memory it was told at its start.
        loops: The circles it was found in, and what was done about each.
        near: The last alert that most of a budget is used.
        acts: What it did that rules of the run above ask about.
        memory: Its working memory, and what is kept of turns that were folded away.
        lineage: The logical run that its starter named, if one was named.
        head: Head of the transcript's chain.
        held: The last head that a model call had, where more was said after it.
        unread: What was said after it: an id where an event has it, else the message.
    """

    agent: str
    answer: Any = None
    logprobs: dict[str, float] = Field(default_factory=dict)
    turns: int = 0
    cached_turns: int = 0
    tool_calls: int = 0
    writes: tuple[Effected, ...] = ()
    undone: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    handed: tuple[str, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    loops: tuple[Turned, ...] = ()
    near: Near | None = None
    acts: tuple[Act, ...] = ()
    checks: SelfChecks | None = None
    waited_s: float = 0
    recalled: tuple[Recalled, ...] = ()
    memory: Remembered | None = None
    lineage: str = ""
    head: str = ROOT
    held: str = ROOT
    unread: tuple[str | Message, ...] = ()


class KeptRequest(Contract):
    """What did the closed run under this id come to, if it was this logical run?"""

    run_id: str
    lineage: str


class Kept(Contract):
    """None: it was another logical run, so nothing of it is this one's."""

    result: AgentResult | None = None


class Came(Contract):
    """What a run below another one came to.

    Attributes:
        id: What the run above calls it.
        run_id: Its workflow id.
        logprobs: Of each simple field of the answer, where the provider says.
        reason: Why there is no answer, or not a whole one.
        spend: What it used; the whole of its share where it left no account.
        writes: What it did and has not undone.
        unaccounted: It left no account, so `spend` is its whole share.
        acts: What it did that rules of the run above ask about.
        adopted: It had run before, for the same request; nothing was done again.
        tainted: Which words of strangers it had read.
    """

    id: str
    run_id: str
    agent: str
    outcome: Outcome
    answer: Any = None
    logprobs: dict[str, float] = Field(default_factory=dict)
    reason: str = ""
    spend: Spend = Spend()
    model: str = ""
    not_done: tuple[str, ...] = ()
    writes: tuple[Effected, ...] = ()
    undone: tuple[str, ...] = ()
    waited_s: float = 0
    unaccounted: bool = False
    adopted: bool = False
    tainted: tuple[Taint, ...] = ()
    acts: tuple[Act, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it has an answer that stands."""
        return self.outcome is Outcome.COMPLETED


class Stop(Contract):
    """Why a run stands still, and since when.

    Attributes:
        step: What was being done: an activity's name.
        reason: What went wrong.
        hint: What a person can do about it.
        halted: An operator stopped it, and it goes on by itself once that is lifted.
    """

    step: str
    reason: str
    hint: str
    at: datetime
    halted: bool = False


class Status(Contract):
    """What a query answers: counters and what the run waits for, never the transcript.

    Attributes:
        memory: Its working memory, and what is kept of turns that were folded away.
    """

    run_id: str
    agent: str
    state: str
    turn: int = 0
    tool: str = ""
    spend: Spend = Spend()
    limits: dict[str, Any] = Field(default_factory=dict)
    plan: tuple[str, ...] = ()
    memory: Remembered | None = None
    question: dict[str, Any] | None = None
    stop: Stop | None = None
    ignored: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    extra: dict[str, Any] = Field(default_factory=dict)
