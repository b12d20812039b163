"""Support triage: what starts it, what it remembers, what it and each of its tickets come to.

The tickets are in the database, under the lineage of the triage that took them in, numbered from
1. Workflows carry the number.
"""

from decimal import Decimal

from pydantic import Field

from domain.contract import Contract
from domain.runs import RunRequest, RunResult, RunState
from domain.standing import Terms


class TriageRequest(RunRequest):
    """Starts a triage of support tickets. A CSV file of them is all that it needs.

    Attributes:
        tickets: CSV file with a header, a ticket a row; the worker must reach it.
        columns: Which column of the file is our `id`, `account`, `subject`, `text`, where it is
            called otherwise.
        taxonomy: YAML or JSON file of the categories; empty for the one that comes along.
        accounts: CSV file with a column `account`, or `sqlite:///FILE#TABLE` and the like; empty
            for none.
        min_confidence: A ticket whose calibrated confidence is lower goes to a person.
        min_similarity: A ticket that is less like any known example goes to a person.
        parallel: Tickets worked on at once; those that wait for a person do not count.
        offer: Ask at the start for a standing approval, where there is none.
        ticket_tokens: One ticket may use so many.
        ticket_cost_usd: One ticket may cost so much.
    """

    tickets: str = ""
    columns: dict[str, str] = Field(default_factory=dict)
    taxonomy: str = ""
    accounts: str = ""
    min_confidence: float = Field(default=0.8, ge=0, le=1)
    min_similarity: float = Field(default=0.2, ge=0, le=1)
    parallel: int = Field(default=16, ge=1, le=200)
    offer: bool = True
    ticket_tokens: int = Field(default=60_000, ge=1)
    ticket_cost_usd: Decimal = Field(default=Decimal("0.10"), ge=0)
    state: "TriageState | None" = None


class TakenIn(Contract):
    """What became of the file of tickets.

    Attributes:
        refusal: Why nothing can be triaged; empty where something can.
        tickets: How many were taken in, numbered from 1.
        left_out: Rows that were not, a sentence each.
        accounts: Accounts that can be looked up.
    """

    refusal: str = ""
    tickets: int = 0
    left_out: tuple[str, ...] = ()
    accounts: int = 0


class TakeIn(Contract):
    """Read the file of tickets, and what belongs to it, into the database."""

    lineage: str
    request: TriageRequest


class TriageState(RunState):
    """What a triage remembers.

    Attributes:
        next: Number of the first ticket that was not begun.
        waiting: Numbers of the tickets that wait for a person.
        standing: The standing approval that a person gave at the start.
        counts: Tickets by what became of them.
        offered: A standing approval was asked for.
    """

    taken_in: TakenIn | None = None
    next: int = 1
    waiting: list[int] = Field(default_factory=list[int])
    standing: str = ""
    counts: dict[str, int] = Field(default_factory=dict[str, int])
    offered: bool = False


class TriageResult(RunResult):
    """What a triage came to.

    Attributes:
        tickets: How many were taken in.
        left_out: Rows of the file that were not, a sentence each.
        sent_alone: Replies that went out under a standing approval.
        sent_by_person: Replies that a person approved.
        not_sent: Tickets whose reply a person, or nobody, approved.
        failed: Tickets that could not be worked on.
        asked: Tickets that went to a person, for whatever reason.
        low_confidence: Of those, for their confidence.
        novel: Of those, for being unlike anything known.
        waiting: Tickets that wait for a person still.
    """

    tickets: int = 0
    left_out: tuple[str, ...] = ()
    sent_alone: int = 0
    sent_by_person: int = 0
    not_sent: int = 0
    failed: int = 0
    asked: int = 0
    low_confidence: int = 0
    novel: int = 0
    waiting: int = 0


class Granting(Contract):
    """Keep the standing approval that a person gave at a triage's start."""

    id: str
    tenant: str
    by: str
    reason: str = ""
    terms: Terms
