"""Support triage: what starts it, what it remembers, what it and each of its tickets come to.

The tickets are in the database, under the lineage of the triage that took them in, numbered from
1. Workflows carry the number.
"""

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from domain.budget import Spend
from domain.contract import Contract
from domain.runs import Request, RunRequest, RunResult, RunState
from domain.standing import Terms
from domain.taxonomy import Category, Example, Taxonomy

AGENT = "triage"
DRAFTER = "triage_reply"
SEND = "send_reply"
LOOK_UP = "lookup_account"

Route = Literal["", "alone", "person"]
Ended = Literal["sent", "not_sent", "failed"]
Source = Literal["logprobs", "stated"]


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


class Ticket(Contract):
    """A ticket as its file has it."""

    id: str
    account: str = ""
    subject: str = ""
    text: str


class KeptTicket(Ticket):
    """A ticket of a triage.

    Attributes:
        taxonomy: Its triage's, as it was when the file was read.
        accounts: How many accounts its triage knows.
    """

    taxonomy: Taxonomy
    accounts: int = 0


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
        counts: Tickets by what became of them.
        offered: A standing approval was asked for.
    """

    taken_in: TakenIn | None = None
    next: int = 1
    waiting: list[int] = Field(default_factory=list[int])
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


# --- one ticket


class TicketRequest(RunRequest):
    """Works on one ticket of a triage.

    Attributes:
        triage: Lineage of the triage.
        number: Of the ticket.
        min_confidence: As in the triage.
        min_similarity: As in the triage.
        parent: Run that is told when the ticket waits for a person, and when it has ended.
    """

    triage: str = ""
    number: int = 0
    min_confidence: float = 0.8
    min_similarity: float = 0.2
    parent: str = ""
    state: "TicketState | None" = None


class TicketKey(Contract):
    """Names a ticket."""

    triage: str
    number: int


class Brief(Contract):
    """A ticket, and what is known that is like it.

    Attributes:
        refusal: Why there is none; empty where there is.
        id: Of the ticket, as its file has it.
        categories: The taxonomy.
        examples: The known tickets that are most like this one, best first.
        similarity: Of the best of them, 0 to 1.
        has_accounts: Accounts can be looked up.
    """

    refusal: str = ""
    id: str = ""
    account: str = ""
    subject: str = ""
    text: str = ""
    categories: dict[str, Category] = Field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    similarity: float = 0
    has_accounts: bool = False


class BriefRequest(TicketKey):
    """Asks for a ticket's brief."""

    tenant: str


class RouteRequest(TicketKey):
    """What the model made of a ticket, to be weighed and written down.

    Attributes:
        confidence: Probability of the category, as claimed.
        source: Whether the claim is the provider's log probabilities or the model's own words.
    """

    tenant: str
    run_id: str
    category: str
    confidence: float
    source: Source
    similarity: float
    reply: str
    model: str = ""
    min_confidence: float
    min_similarity: float


class Routed(Contract):
    """Where a ticket goes.

    Attributes:
        why: Why it goes to a person; empty where it need not.
        calibrated: What the claimed confidence is worth.
    """

    why: str = ""
    calibrated: float
    low_confidence: bool = False
    novel: bool = False


class TicketEnd(TicketKey):
    """What became of a ticket, to be written down.

    Attributes:
        category: As a person corrected it, or as it was.
        by: The person who decided, empty for none.
    """

    tenant: str
    route: Route
    ended: Ended
    reason: str = ""
    category: str = ""
    reply: str = ""
    by: str = ""
    standing: str = ""


class TicketState(RunState):
    """What a ticket's run remembers."""

    triage: str = ""
    brief: Brief | None = None
    category: str = ""
    confidence: float = 0
    source: Source = "stated"
    reply: str = ""
    routed: Routed | None = None
    route: Route = ""
    ended: Ended = "failed"
    told: bool = False


class TicketResult(RunResult):
    """What a ticket came to.

    Attributes:
        ticket: Its id.
        confidence: As claimed.
        calibrated: What that is worth.
        route: Whether it ran alone or a person decided.
    """

    number: int = 0
    ticket: str = ""
    category: str = ""
    confidence: float = 0
    calibrated: float = 0
    source: Source = "stated"
    similarity: float = 0
    route: Route = ""
    ended: Ended = "failed"
    low_confidence: bool = False
    novel: bool = False
    why: str = ""
    receipt: str = ""


class News(Contract):
    """What a ticket's run tells its triage.

    Attributes:
        kind: It waits for a person, or it has ended.
        result: What it came to.
    """

    number: int
    kind: Literal["waits", "ended"]
    result: TicketResult | None = None
    spend: Spend = Spend()


class Granting(Contract):
    """Keep the standing approval that a person gave at a triage's start."""

    id: str
    tenant: str
    by: str
    reason: str = ""
    terms: Terms


# --- the daily sample


class SamplingRequest(Request):
    """Takes decisions of one day at random, for a person to review.

    Attributes:
        day: As 2026-01-31, in UTC; empty for the day before the run starts.
        size: How many; a day never has more.
    """

    day: str = ""
    size: int = Field(default=20, ge=1, le=1_000)


class Sample(Contract):
    """Take decisions of `day`; the same seed takes the same."""

    tenant: str
    day: str
    size: int
    seed: int


class Drawn(Contract):
    """How many decisions were drawn now, and in all for the day."""

    taken: int = 0
    total: int = 0


class Sampled(RunResult):
    """What was taken.

    Attributes:
        taken: New ones.
        total: With those that were taken before, for the same day.
    """

    day: str = ""
    taken: int = 0
    total: int = 0


def classification_task(brief: Brief) -> dict[str, Any]:
    """Return what the classifier is asked: everything foreign is a JSON value, never prose."""
    return {
        "categories": {name: each.description for name, each in brief.categories.items()},
        "known": [example.model_dump() for example in brief.examples],
        "ticket": {"subject": brief.subject, "text": brief.text},
    }


def drafting_task(brief: Brief, category: str, account: str) -> dict[str, Any]:
    """Return what the drafter is asked."""
    kind = brief.categories.get(category)
    return {
        "category": category,
        "guidance": kind.guidance if kind else "",
        "account": account,
        "ticket": {"id": brief.id, "subject": brief.subject, "text": brief.text},
    }


def whose(confidence: float, similarity: float, request: RouteRequest) -> str:
    """Return why a person decides on a ticket, or nothing where none must."""
    reasons: list[str] = []
    if similarity < request.min_similarity:
        reasons.append(
            f"it is like nothing known: its similarity to the nearest example is "
            f"{similarity:.2f}, under {request.min_similarity:.2f}"
        )
    if confidence < request.min_confidence:
        reasons.append(
            f"its calibrated confidence is {confidence:.2f}, under {request.min_confidence:.2f}"
        )
    return "; ".join(reasons)
