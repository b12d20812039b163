"""Decisions that people review: drawn by day, shown, accepted or corrected; and what they teach."""

import random
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from domain.calibration import Bin, binned
from domain.contract import digest
from domain.sampling import Sample
from domain.taxonomy import Example
from domain.ticket import TicketEnd
from runtime.database import Database
from runtime.examples import learn
from runtime.metrics import Meters
from runtime.standing import withdraw_if_breached
from runtime.tables import REVIEWS, TICKETS

_R: Final = REVIEWS.c
_T: Final = TICKETS.c
_JUDGED: Final = ("accepted", "corrected")
# What a model was worth a year ago says little.
_NEWEST: Final = 5_000
_OF_DECISION: Final = ["tenant", "triage", "number", "category", "confidence", "source", "standing"]
_OF_REVIEW: Final = ("id", "day", "state", "category", "confidence", "source", "standing")
_OF_TICKET: Final = ("triage", "number", "ticket", "account", "subject", "text", "reply", "run_id")


class ReviewNotFound(LookupError):
    """Nothing is to be reviewed under this id, or it was reviewed already."""


@dataclass(frozen=True)
class Review:
    """A decision to be reviewed, with the ticket that it was taken on."""

    id: str
    day: str
    state: str
    triage: str
    number: int
    ticket: str
    account: str
    subject: str
    text: str
    category: str
    confidence: float
    source: str
    reply: str
    run_id: str
    standing: str


@dataclass(frozen=True)
class Rates:
    """How reviews have gone: what the metric shows."""

    open: int = 0
    accepted: int = 0
    corrected: int = 0


class Reviews:
    """The decisions drawn for review."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def draw(self, sample: Sample) -> tuple[int, int]:
        """Draw decisions of a day that no person has taken; return how many now, and in all.

        Idempotent: a day has at most `size`, however often and by how many it is drawn. The
        same seed draws the same.
        """
        begin = datetime.fromisoformat(sample.day).replace(tzinfo=UTC)
        free = (
            sa.select(TICKETS)
            .outerjoin(REVIEWS, sa.and_(_R.triage == _T.triage, _R.number == _T.number))
            .where(
                _T.tenant == sample.tenant,
                _T.decided_at >= begin,
                _T.decided_at < begin + timedelta(days=1),
                _T.route == "alone",
                _T.ended == "sent",
                _R.id.is_(None),
            )
            .order_by(_T.triage, _T.number)
        )
        there = sa.select(_R.slot).where(
            _R.tenant == sample.tenant, _R.day == sample.day, _R.slot.is_not(None)
        )

        def put(connection: Connection) -> tuple[int, int]:
            taken = {row[0] for row in connection.execute(there)}
            slots = [slot for slot in range(1, sample.size + 1) if slot not in taken]
            rows = connection.execute(free).mappings().all()
            # Drawn from all, so that what was drawn before does not decide what is drawn now.
            drawn = random.Random(sample.seed).sample(rows, min(len(slots), len(rows)))  # noqa: S311 - repeatable on purpose
            new = sum(
                self._database.add(connection, REVIEWS, _drawn(sample, slot, row))
                for slot, row in zip(slots, drawn, strict=False)
            )
            total = len({row[0] for row in connection.execute(there)})
            return new, total

        return await self._database.run(put)

    # --- reviewing

    async def next(self, tenant: str, by: str) -> Review | None:
        """Return the oldest decision that waits, and note that it was shown to `by`."""
        waiting = (
            _select()
            .where(_R.tenant == tenant, _R.state == "open")
            .order_by(_R.day, _R.slot, _R.id)
            .limit(1)
        )
        return await self._shown(waiting, by)

    async def shown(self, tenant: str, by: str) -> Review | None:
        """Return the decision that was last shown to `by` and waits still."""
        query = (
            _select()
            .where(_R.tenant == tenant, _R.state == "open", _R.shown_to == by)
            .order_by(_R.shown_at.desc())
            .limit(1)
        )
        return await self._database.run(lambda connection: _one(connection, query))

    async def get(self, review_id: str) -> Review:
        """Return one.

        Raises:
            ReviewNotFound: No such id.
        """
        query = _select().where(_R.id == review_id)
        found = await self._database.run(lambda connection: _one(connection, query))
        if found is None:
            raise ReviewNotFound(
                f"no decision {review_id!r} was drawn for review; `python starter.py review next` "
                "shows the one that waits longest"
            )
        return found

    async def _shown(self, query: sa.Select[Any], by: str) -> Review | None:
        def look(connection: Connection) -> Review | None:
            found = _one(connection, query)
            if found is not None:
                seen = {"shown_to": by[:255], "shown_at": datetime.now(UTC)}
                connection.execute(sa.update(REVIEWS).where(_R.id == found.id).values(**seen))
            return found

        return await self._database.run(look)

    async def judge(
        self, review: Review, tenant: str, by: str, *, corrected: str = "", reply: str = ""
    ) -> str:
        """Accept a decision, or correct it; either way it becomes an example.

        Returns:
            Why the standing approval that it ran under was withdrawn by this, or nothing.

        Args:
            review: The decision.
            tenant: Whose.
            by: The person.
            corrected: The right category; empty accepts the one it has.
            reply: What should have been said, where that was wrong.

        Raises:
            ReviewNotFound: It was reviewed already; nothing was changed.
        """
        wrong = bool(corrected or reply)
        values = {
            "state": "corrected" if wrong else "accepted",
            "corrected": corrected,
            "reply": reply,
            "reviewed_by": by[:255],
            "reviewed_at": datetime.now(UTC),
        }
        statement = (
            sa.update(REVIEWS).where(_R.id == review.id, _R.state == "open").values(**values)
        )

        def put(connection: Connection) -> str:
            if not connection.execute(statement).rowcount:
                raise ReviewNotFound(
                    f"the decision {review.id!r} was reviewed already; nothing was changed"
                )
            example = Example(
                text=_whole(review.subject, review.text), category=corrected or review.category
            )
            learn(self._database, connection, tenant, [example], "review")
            return withdraw_if_breached(connection, review.standing) if review.standing else ""

        return await self._database.run(put)

    # --- what a person decides at the gate is reviewed too

    async def at_the_gate(self, end: TicketEnd) -> None:
        """Keep a person's yes to a reply as a review of its category. Idempotent."""

        def put(connection: Connection) -> None:
            where = (_T.triage == end.triage, _T.number == end.number)
            row = connection.execute(sa.select(TICKETS).where(*where)).mappings().one_or_none()
            if row is None or not row["category"]:
                return
            wrong = bool(end.category) and end.category != row["category"]
            values = _review(row, digest("gate", end.triage, str(end.number))) | {
                "state": "corrected" if wrong else "accepted",
                "corrected": end.category if wrong else "",
                "reviewed_by": end.by[:255],
                "reviewed_at": datetime.now(UTC),
            }
            if self._database.add(connection, REVIEWS, values):
                whole = _whole(row["subject"], row["text"])
                example = Example(text=whole, category=end.category or row["category"])
                learn(self._database, connection, end.tenant, [example], "person")

        await self._database.run(put)

    # --- what reviews say

    async def correction(self, run_id: str) -> dict[str, str]:
        """Return the fields that a review has corrected of a ticket's run, or of one below it."""
        parts = run_id.split("/")
        ids = ["/".join(parts[: number + 1]) for number in range(len(parts))]
        query = (
            sa.select(_R.corrected)
            .join(TICKETS, sa.and_(_R.triage == _T.triage, _R.number == _T.number))
            .where(_T.run_id.in_(ids), _R.state == "corrected", _R.corrected != "")
        )
        found = await self._database.run(lambda connection: connection.scalar(query))
        return {"category": str(found)} if found else {}

    async def bins(self, tenant: str, source: str) -> tuple[Bin, ...]:
        """Return the reviewed decisions of one kind of claim, in bins of what was claimed."""
        query = (
            sa.select(_R.confidence, _R.corrected)
            .where(_R.tenant == tenant, _R.source == source, _R.state.in_(_JUDGED))
            .order_by(_R.reviewed_at.desc())
            .limit(_NEWEST)
        )
        return await self._database.run(
            lambda connection: binned((row[0], not row[1]) for row in connection.execute(query))
        )

    async def measure(self, meters: Meters) -> None:
        """Show on the metrics page how reviews have gone, over all tenants."""
        every = [astuple(each) for each in (await self.rates()).values()]
        meters.reviews(*(sum(column) for column in zip((0, 0, 0), *every, strict=True)))

    async def rates(self) -> dict[str, Rates]:
        """Return by tenant how the reviews of drawn decisions have gone."""
        query = (
            sa.select(_R.tenant, _R.state, sa.func.count())
            .where(_R.slot.is_not(None))
            .group_by(_R.tenant, _R.state)
        )

        def look(connection: Connection) -> dict[str, Rates]:
            counted: dict[str, dict[str, int]] = {}
            for tenant, state, count in connection.execute(query):
                counted.setdefault(tenant, {})[state] = count
            return {tenant: Rates(**states) for tenant, states in counted.items()}

        return await self._database.run(look)


def _whole(subject: str, text: str) -> str:
    return f"{subject}\n{text}" if subject else text


def _drawn(sample: Sample, slot: int, row: Mapping[Any, Any]) -> dict[str, Any]:
    drawn = {"day": sample.day, "slot": slot, "state": "open"}
    return _review(row, digest("sample", sample.tenant, sample.day, str(slot))) | drawn


def _review(row: Mapping[Any, Any], review_id: str) -> dict[str, Any]:
    taken = {name: row[name] for name in _OF_DECISION}
    day = f"{row['decided_at'] or datetime.now(UTC):%Y-%m-%d}"
    return {**taken, "id": review_id[:12], "day": day, "slot": None}


def _select() -> sa.Select[Any]:
    on = sa.and_(_R.triage == _T.triage, _R.number == _T.number)
    shown = [*(_R[name] for name in _OF_REVIEW), *(_T[name] for name in _OF_TICKET)]
    return sa.select(*shown).join(TICKETS, on)


def _one(connection: Connection, query: sa.Select[Any]) -> Review | None:
    row = connection.execute(query).mappings().one_or_none()
    return Review(**row) if row else None
