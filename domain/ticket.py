"""One ticket of a triage: what its run is given, what it remembers, what it comes to."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from domain.approval import Decision
from domain.contract import Contract
from domain.runs import RunRequest, RunResult, RunState
from domain.standing import KIND
from domain.taxonomy import Category, Example, Taxonomy

AGENT = "triage"
DRAFTER = "triage_reply"
SEND = "send_reply"
LOOK_UP = "lookup_account"

Route = Literal["", "alone", "person"]
Ended = Literal["sent", "not_sent", "failed"]
Source = Literal["logprobs", "stated"]


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


class TicketRequest(RunRequest):
    """Works on one ticket of a triage.

    Attributes:
        triage: Lineage of the triage.
        number: Of the ticket.
        min_confidence: As in the triage.
        min_similarity: As in the triage.
    """

    triage: str = ""
    number: int = 0
    min_confidence: float = 0.8
    min_similarity: float = 0.2
    state: "TicketState | None" = None


class EndedRequest(Contract):
    """Which of these tickets have ended?"""

    triage: str
    tenant: str
    numbers: tuple[int, ...]


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
    why_not: str = ""
    receipt: str = ""
    told: bool = False
    recorded: bool = False


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
        result: What it has come to.
    """

    kind: Literal["waits", "ended"]
    result: TicketResult


class AllEnded(Contract):
    """Tickets that have ended, as far as the database tells."""

    results: tuple[TicketResult, ...] = ()


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


def described(brief: Brief) -> str:
    """Return the ticket as a person reads it who is asked about its reply."""
    account = f" of account {brief.account}" if brief.account else ""
    subject = f" ({brief.subject})" if brief.subject else ""
    return f"ticket {brief.id}{account}{subject}: {brief.text}"


def inputs(brief: Brief, triage: str) -> dict[str, str]:
    """Return what the tools know of a ticket beside their arguments."""
    return {"triage": triage, "ticket": brief.id, "categories": ",".join(brief.categories)}


def route_of(made: Sequence[Decision]) -> Route:
    """Return who decided: a standing approval lets a ticket run alone, all else is a person."""
    if not made:
        return ""
    return "alone" if made[-1].kind == KIND else "person"


def end_of(state: TicketState, number: int, tenant: str, made: Sequence[Decision]) -> TicketEnd:
    """Return what is written down of a ticket that has ended."""
    last = made[-1] if made else None
    return TicketEnd(
        triage=state.triage,
        number=number,
        tenant=tenant,
        route=state.route,
        ended=state.ended,
        reason=state.why_not,
        category=str((last.arguments or {}).get("category", "")) if last else "",
        reply=state.reply,
        by=last.by if last else "",
        standing=last.approval_id if last and state.route == "alone" else "",
    )
