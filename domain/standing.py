"""Standing approvals: a person's yes to a tool's calls to come, limited and withdrawn by evidence.

One call takes one use, keyed by the call's idempotency key: however often a call is repeated, by
a retry, a replay or a resumed run, it takes one.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from domain.approval import Decision, arguments_hash
from domain.contract import Contract, Strict

StandingState = Literal["active", "revoked", "withdrawn", "used up", "expired"]

KIND = "standing approval"


class Terms(Strict):
    """What a person grants; every limit has a value, so nothing is granted for ever.

    Attributes:
        uses: Calls that it covers.
        hours: How long it holds.
        max_error_rate: Share of reviewed calls found wrong, above which it is withdrawn.
        min_reviews: Reviews that must be in before the rate counts.
    """

    uses: int = Field(default=1_000, ge=1, le=1_000_000)
    hours: float = Field(default=24, gt=0, le=24 * 366)
    max_error_rate: float = Field(default=0.1, ge=0, le=1)
    min_reviews: int = Field(default=10, ge=1)

    @property
    def lasts(self) -> timedelta:
        """How long it holds."""
        return timedelta(hours=self.hours)


class Grant(Contract):
    """A standing approval to be given.

    Attributes:
        id: Given by whoever grants, so that a repeated grant is one grant.
        by: The person.
        reason: Why, in their words.
        at: When; the time limit counts from here.
    """

    id: str
    tenant: str
    agent: str
    tool: str
    by: str
    reason: str = ""
    terms: Terms = Terms()
    at: datetime


class Standing(Contract):
    """A standing approval as it stands now.

    Attributes:
        taken: Uses that calls have taken.
        reviewed: Calls under it that a person has reviewed.
        wrong: Those of them that were corrected.
        ended_why: Why it holds no longer, where it does not.
    """

    id: str
    tenant: str
    agent: str
    tool: str
    state: StandingState
    by: str
    reason: str = ""
    terms: Terms
    granted_at: datetime
    expires_at: datetime
    taken: int = 0
    reviewed: int = 0
    wrong: int = 0
    ended_by: str = ""
    ended_why: str = ""

    @property
    def left(self) -> int:
        """Uses that are left."""
        return max(0, self.terms.uses - self.taken)

    @property
    def error_rate(self) -> float | None:
        """Share of the reviewed calls that were wrong; None before the first review."""
        return self.wrong / self.reviewed if self.reviewed else None


class TakeRequest(Contract):
    """May this call run under a standing approval?

    Attributes:
        key: The call's idempotency key.
    """

    tenant: str
    agent: str
    tool: str
    key: str


class Taken(Contract):
    """The use that a call took; an empty `id` where no standing approval covers it."""

    id: str = ""
    by: str = ""
    reason: str = ""


class WhichRequest(Contract):
    """Is there a standing approval for a tool of an agent that has uses left?"""

    tenant: str
    agent: str
    tool: str


def breached(reviewed: int, wrong: int, terms: Terms) -> str:
    """Return why a standing approval must be withdrawn, or nothing while it may stand."""
    if reviewed < terms.min_reviews or wrong <= terms.max_error_rate * reviewed:
        return ""
    return (
        f"{wrong} of {reviewed} reviewed calls were wrong ({wrong / reviewed:.0%}), "
        f"over the bound of {terms.max_error_rate:.0%}"
    )


def decision(taken: Taken, tool: str, arguments: dict[str, Any], at: datetime) -> Decision:
    """Return the decision that a standing approval makes, to be kept like any other."""
    return Decision(
        approval_id=taken.id,
        kind=KIND,
        verdict="approve",
        title=f"run {tool}",
        tool=tool,
        reason=taken.reason,
        by=f"standing approval {taken.id} of {taken.by}",
        at=at,
        arguments=arguments,
        arguments_hash=arguments_hash(arguments),
    )
