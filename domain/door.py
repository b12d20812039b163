"""What a program says at the door, and what it is told: the same for every protocol."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from domain.approval import Question
from domain.contract import Contract
from domain.run import Status, Stop

MAX_KEY = 200  # characters of an idempotency key
Wait = Literal["", "answer", "repair"]


class Started(Contract):
    """The run that stands for an idempotency key.

    Attributes:
        run_id: Its id, from now on.
        workflow: What was started, as the registry calls it.
        new: It was started by this call, not by an earlier one with the same key.
        closed: It had ended before this call.
    """

    run_id: str
    workflow: str
    new: bool
    closed: bool = False


class RunView(Contract):
    """A run as the server lists it, and what the run says of itself.

    Attributes:
        workflow: As the registry calls it: `agent`, `audit`, `batch` and so on.
        state: Where in its lifecycle it is.
        status: The execution's: running, completed, failed, canceled, terminated, timed_out.
        waits: `answer`: a question is open; `repair`: it is stopped until a person says how to
            go on; empty: it waits for nobody.
        outcome: How it ended; empty while it is under way.
        cost_usd: As of the last change of state.
        said: Counters, question and stop, from the run itself; None where it has closed, or no
            worker answers for it.
    """

    run_id: str
    workflow: str
    agent: str = ""
    tenant: str = ""
    state: str = ""
    status: str = ""
    waits: Wait = ""
    outcome: str = ""
    cost_usd: float = 0
    started_at: datetime | None = None
    closed_at: datetime | None = None
    parent: str = ""
    said: Status | None = None


class RunEnd(Contract):
    """How a run ended.

    Attributes:
        outcome: One word.
        result: The workflow's own result; a run that failed may have left none.
        failure: Why it failed, or that it was cancelled.
    """

    run_id: str
    workflow: str
    outcome: str
    result: dict[str, Any] | None = None
    failure: str = ""


class Waiting(Contract):
    """A run that goes on only when a person says so.

    Attributes:
        question: The open question; None where the run is stopped, or no worker can say.
        stop: Why it stands still.
        answered: A worker said what it waits for; without one that cannot be known.
    """

    run_id: str
    workflow: str
    agent: str = ""
    state: str = ""
    started_at: datetime
    parent: str = ""
    question: Question | None = None
    stop: Stop | None = None
    answered: bool = True


class Page(Contract):
    """Some runs, newest first.

    Attributes:
        next: Where the next page begins; empty: there is none.
    """

    runs: tuple[RunView, ...] = ()
    next: str = ""


EventType = Literal[
    "started",
    "state",
    "question",
    "stop",
    "turn",
    "tool",
    "step",
    "child",
    "decision",
    "continued",
    "end",
]


class Event(Contract):
    """Something that happened in a run.

    Attributes:
        id: Where in the run's history it is; the events after it can be asked for by it.
        data: What it says, by its type; never the conversation.
    """

    id: str
    type: EventType
    at: datetime
    data: dict[str, Any] = Field(default_factory=dict)
