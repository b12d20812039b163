"""A triage's own steps: taking tickets in, what is known that is like one, where one goes.

All are idempotent: a ticket has one row, and what is written again is written the same.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from temporalio import activity

from activities.heartbeat import beating
from agents.triage import intake
from domain.calibration import Bin, calibrated
from domain.sampling import (
    Drawn,
    Sample,
)
from domain.standing import Grant, Standing, Taken
from domain.taxonomy import Example, Taxonomy
from domain.ticket import (
    AGENT,
    SEND,
    AllEnded,
    Brief,
    BriefRequest,
    EndedRequest,
    KeptTicket,
    Routed,
    RouteRequest,
    Ticket,
    TicketEnd,
    TicketKey,
    TicketResult,
    whose,
)
from domain.triage import (
    Granting,
    TakeIn,
    TakenIn,
)

_EXAMPLES = 6
_MOST_NAMED = 1_000


class Tickets(Protocol):
    """Where tickets are kept."""

    async def answered(self, tenant: str, ids: Sequence[str]) -> set[str]:
        """Return those that a reply has gone out to."""
        ...

    async def kept(self, triage: str) -> int:
        """Return how many tickets a triage has."""
        ...

    async def take_in(
        self,
        triage: str,
        tenant: str,
        taxonomy: Taxonomy,
        tickets: Sequence[Ticket],
        accounts: Mapping[str, str],
    ) -> int:
        """Keep a triage's tickets and return how many; the first time holds."""
        ...

    async def get(self, key: TicketKey, tenant: str) -> KeptTicket | None:
        """Return a tenant's ticket."""
        ...

    async def routed(self, request: RouteRequest, routed: Routed) -> None:
        """Write down where a ticket goes."""
        ...

    async def ended(self, end: TicketEnd) -> None:
        """Write down what became of a ticket."""
        ...

    async def those_ended(self, request: EndedRequest) -> Sequence[TicketResult]:
        """Return what those that have ended came to."""
        ...


class Examples(Protocol):
    """What is known."""

    async def add(self, tenant: str, examples: Iterable[Example], source: str) -> None:
        """Keep examples."""
        ...

    async def nearest(
        self, tenant: str, text: str, categories: Sequence[str], most: int
    ) -> list[tuple[Example, float]]:
        """Return what is most like `text`, best first, and how like it is."""
        ...


class Reviews(Protocol):
    """Decisions that people have looked at."""

    async def draw(self, sample: Sample) -> tuple[int, int]:
        """Draw a day's sample; return how many now, and in all."""
        ...

    async def at_the_gate(self, end: TicketEnd) -> None:
        """Keep a person's yes as a review."""
        ...

    async def bins(self, tenant: str, source: str) -> Sequence[Bin]:
        """Return the reviewed decisions, in bins of what was claimed."""
        ...


class Grants(Protocol):
    """Where standing approvals are given."""

    async def grant(self, given: Grant) -> Standing:
        """Keep a grant; the same id twice is one."""
        ...


class TriageActivities:
    """What a triage reads and writes."""

    def __init__(
        self, tickets: Tickets, examples: Examples, reviews: Reviews, grants: Grants
    ) -> None:
        self._tickets = tickets
        self._examples = examples
        self._reviews = reviews
        self._grants = grants

    @activity.defn(name="triage.take_in")
    async def take_in(self, asked: TakeIn) -> TakenIn:
        """Read the files into the database, or say why there is nothing to triage."""
        request = asked.request
        async with beating():
            try:
                taxonomy = await asyncio.to_thread(intake.categories, request.taxonomy)
                read = await asyncio.to_thread(intake.tickets, request.tickets, request.columns)
                accounts = (
                    await asyncio.to_thread(intake.accounts, request.accounts)
                    if request.accounts
                    else {}
                )
            except intake.IntakeError as error:
                return TakenIn(refusal=str(error))
            known = _examples(taxonomy)
            await self._examples.add(request.tenant, known, "taxonomy")
            return await self._kept(asked, taxonomy, read, accounts)

    async def _kept(
        self, asked: TakeIn, taxonomy: Taxonomy, read: intake.Read, accounts: Mapping[str, str]
    ) -> TakenIn:
        tenant = asked.request.tenant
        if kept := await self._tickets.kept(asked.lineage):  # it was reset: its numbers hold
            return TakenIn(tickets=kept, left_out=_named(read.left_out), accounts=len(accounts))
        before = await self._tickets.answered(tenant, [ticket.id for ticket in read.tickets])
        new = [ticket for ticket in read.tickets if ticket.id not in before]
        left_out = [
            *read.left_out,
            *(f"ticket {each!r}: answered before" for each in sorted(before)),
        ]
        if not new:
            return TakenIn(refusal=f"no ticket is left to triage: {'; '.join(left_out[:5])}")
        kept = await self._tickets.take_in(asked.lineage, tenant, taxonomy, new, accounts)
        return TakenIn(tickets=kept, left_out=_named(left_out), accounts=len(accounts))

    @activity.defn(name="triage.brief")
    async def brief(self, request: BriefRequest) -> Brief:
        """Return a ticket, and what is known that is most like it."""
        ticket = await self._tickets.get(request, request.tenant)
        if ticket is None:
            return Brief(
                refusal=f"there is no ticket {request.number} of triage {request.triage!r}"
            )
        categories = ticket.taxonomy.categories
        text = f"{ticket.subject}\n{ticket.text}"
        near = await self._examples.nearest(request.tenant, text, list(categories), _EXAMPLES)
        return Brief(
            id=ticket.id,
            account=ticket.account,
            subject=ticket.subject,
            text=ticket.text,
            categories=categories,
            examples=tuple(example for example, _ in near),
            similarity=near[0][1] if near else 0.0,
            has_accounts=ticket.accounts > 0,
        )

    @activity.defn(name="triage.route")
    async def route(self, request: RouteRequest) -> Routed:
        """Weigh a claimed confidence by what reviews found, and say where the ticket goes."""
        bins = await self._reviews.bins(request.tenant, request.source)
        worth = calibrated(request.confidence, bins)
        routed = Routed(
            why=whose(worth, request.similarity, request),
            calibrated=worth,
            low_confidence=worth < request.min_confidence,
            novel=request.similarity < request.min_similarity,
        )
        await self._tickets.routed(request, routed)
        return routed

    @activity.defn(name="triage.end")
    async def end(self, end: TicketEnd) -> None:
        """Write down what became of a ticket; a person's yes teaches what is known."""
        await self._tickets.ended(end)
        if end.route == "person" and end.ended == "sent":
            await self._reviews.at_the_gate(end)

    @activity.defn(name="triage.ended")
    async def ended(self, request: EndedRequest) -> AllEnded:
        """Say which of some tickets have ended: the word of one may have been lost."""
        return AllEnded(results=tuple(await self._tickets.those_ended(request)))

    @activity.defn(name="triage.grant")
    async def grant(self, given: Granting) -> Taken:
        """Keep the standing approval that a person gave when the triage asked for it."""
        grant = Grant(
            id=given.id,
            tenant=given.tenant,
            agent=AGENT,
            tool=SEND,
            by=given.by or "a person",
            reason=given.reason,
            terms=given.terms,
            at=datetime.now(UTC),
        )
        standing = await self._grants.grant(grant)
        return Taken(id=standing.id, by=standing.by, reason=standing.reason)

    @activity.defn(name="triage.sample")
    async def sample(self, sample: Sample) -> Drawn:
        """Draw decisions of a day for review; a day has no more than its size."""
        taken, total = await self._reviews.draw(sample)
        return Drawn(taken=taken, total=total)


def _examples(taxonomy: Taxonomy) -> list[Example]:
    return [
        Example(text=text, category=name)
        for name, category in taxonomy.categories.items()
        for text in category.examples
    ]


def _named(left_out: Sequence[str]) -> tuple[str, ...]:
    """Return what was left out, as many lines as a result should hold."""
    more = len(left_out) - _MOST_NAMED
    return (*left_out[:_MOST_NAMED], *([f"… and {more:,} more"] if more > 0 else []))
