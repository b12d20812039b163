"""Tickets of triages: taken in once, read by number, and what was decided on each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from domain.taxonomy import Taxonomy
from domain.ticket import (
    EndedRequest,
    KeptTicket,
    Routed,
    RouteRequest,
    Ticket,
    TicketEnd,
    TicketKey,
    TicketResult,
)
from runtime.database import Database
from runtime.tables import OUTBOX, TICKETS, TRIAGE_ACCOUNTS, TRIAGES

_T: Final = TICKETS.c
_CHUNK: Final = 500


@dataclass(frozen=True)
class Sent:
    """A reply in the outbox."""

    key: str
    ticket: str
    run_id: str
    category: str
    body: str
    sent_at: datetime


class Tickets:
    """The tickets, and the outbox that their replies go to."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._taxonomies: dict[str, tuple[Taxonomy, int]] = {}

    async def answered(self, tenant: str, ids: Sequence[str]) -> set[str]:
        """Return those of `ids` that a reply has gone out to."""

        def look(connection: Connection) -> set[str]:
            found: set[str] = set()
            for start in range(0, len(ids), _CHUNK):
                some = OUTBOX.c.ticket.in_(ids[start : start + _CHUNK])
                query = sa.select(OUTBOX.c.ticket).where(OUTBOX.c.tenant == tenant, some)
                found |= {row[0] for row in connection.execute(query)}
            return found

        return await self._database.run(look)

    async def kept(self, triage: str) -> int:
        """Return how many tickets a triage has; 0 before it has taken any in."""
        query = sa.select(sa.func.count()).where(_T.triage == triage)
        return await self._database.run(
            lambda connection: int(connection.execute(query).scalar_one())
        )

    async def take_in(
        self,
        triage: str,
        tenant: str,
        taxonomy: Taxonomy,
        tickets: Sequence[Ticket],
        accounts: Mapping[str, str],
    ) -> int:
        """Keep a triage's tickets, numbered from 1, and return how many it has.

        Idempotent: the first time holds.

        Args:
            triage: Its lineage.
            tenant: Whose.
            taxonomy: Kept with it: an edit of the file does not change a triage under way.
            tickets: In their order.
            accounts: What is known of each account, as JSON.
        """
        head = {
            "lineage": triage,
            "tenant": tenant,
            "taxonomy": taxonomy.model_dump_json(),
            "accounts": len(accounts),
            "created_at": datetime.now(UTC),
        }
        rows = [
            {
                "triage": triage,
                "number": number,
                "tenant": tenant,
                "ticket": ticket.id,
                "account": ticket.account,
                "subject": ticket.subject,
                "text": ticket.text,
            }
            for number, ticket in enumerate(tickets, 1)
        ]
        facts = [
            {"triage": triage, "account": account, "facts": known}
            for account, known in accounts.items()
        ]

        def put(connection: Connection) -> int:
            if not self._database.add(connection, TRIAGES, head):
                there = sa.select(sa.func.count()).where(_T.triage == triage)
                return int(connection.execute(there).scalar_one())
            for table, values in ((TICKETS, rows), (TRIAGE_ACCOUNTS, facts)):
                for start in range(0, len(values), _CHUNK):
                    connection.execute(sa.insert(table), values[start : start + _CHUNK])
            return len(rows)

        return await self._database.run(put)

    async def get(self, key: TicketKey, tenant: str) -> KeptTicket | None:
        """Return a ticket, None where the tenant has none under this key."""
        query = sa.select(TICKETS).where(_is(key), _T.tenant == tenant)

        def look(connection: Connection) -> KeptTicket | None:
            row = connection.execute(query).mappings().one_or_none()
            triage = self._triage(connection, key.triage)
            if row is None or triage is None:
                return None
            taxonomy, accounts = triage
            return KeptTicket(
                id=row["ticket"],
                account=row["account"],
                subject=row["subject"],
                text=row["text"],
                taxonomy=taxonomy,
                accounts=accounts,
            )

        return await self._database.run(look)

    def _triage(self, connection: Connection, lineage: str) -> tuple[Taxonomy, int] | None:
        if lineage not in self._taxonomies:
            query = sa.select(TRIAGES).where(TRIAGES.c.lineage == lineage)
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                return None
            if len(self._taxonomies) > _CHUNK:
                self._taxonomies.clear()
            taxonomy = Taxonomy.model_validate_json(row["taxonomy"])
            self._taxonomies[lineage] = taxonomy, row["accounts"]
        return self._taxonomies[lineage]

    async def routed(self, request: RouteRequest, routed: Routed) -> None:
        """Write down what the model made of a ticket, and where it goes. Idempotent."""
        await self._change(
            request,
            run_id=request.run_id,
            category=request.category,
            confidence=request.confidence,
            source=request.source,
            calibrated=routed.calibrated,
            similarity=request.similarity,
            low_confidence=routed.low_confidence,
            novel=routed.novel,
            reply=request.reply,
            model=request.model[:128],
        )

    async def ended(self, end: TicketEnd) -> None:
        """Write down what became of a ticket. Idempotent."""
        told = {"reply": end.reply} if end.reply else {}
        await self._change(
            end,
            route=end.route,
            ended=end.ended,
            reason=end.reason,
            decided_by=end.by[:255],
            standing=end.standing,
            # The first time holds: a repeated write does not move a decision to another day.
            decided_at=sa.func.coalesce(
                _T.decided_at, sa.literal(datetime.now(UTC), _T.decided_at.type)
            ),
            **told,
        )

    async def _change(self, key: TicketKey, **values: Any) -> None:
        statement = sa.update(TICKETS).where(_is(key)).values(**values)
        await self._database.run(lambda connection: connection.execute(statement))

    async def those_ended(self, request: EndedRequest) -> list[TicketResult]:
        """Return what those of some tickets came to that have ended."""
        query = sa.select(TICKETS).where(
            _T.triage == request.triage,
            _T.tenant == request.tenant,
            _T.number.in_(request.numbers),
            _T.ended != "",
        )

        def look(connection: Connection) -> list[TicketResult]:
            rows = connection.execute(query).mappings().all()
            told = [{name: value for name, value in row.items() if value} for row in rows]
            return [TicketResult.model_validate(row) for row in told]

        return await self._database.run(look)

    async def of_tenant(self, tenant: str) -> list[str]:
        """Return the lineages of a tenant's triages, oldest first."""
        query = (
            sa.select(TRIAGES.c.lineage)
            .where(TRIAGES.c.tenant == tenant)
            .order_by(TRIAGES.c.created_at)
        )
        return await self._database.run(
            lambda connection: [row[0] for row in connection.execute(query)]
        )

    async def rows(self, triage: str) -> list[dict[str, Any]]:
        """Return all of a triage's tickets, in their order."""
        query = sa.select(TICKETS).where(_T.triage == triage).order_by(_T.number)
        return await self._database.run(
            lambda connection: [dict(row) for row in connection.execute(query).mappings()]
        )

    async def outbox(self, tenant: str) -> list[Sent]:
        """Return every reply that has gone out, oldest first."""
        query = sa.select(OUTBOX).where(OUTBOX.c.tenant == tenant).order_by(OUTBOX.c.sent_at)

        def look(connection: Connection) -> list[Sent]:
            return [
                Sent(row.key, row.ticket, row.run_id, row.category, row.body, row.sent_at)
                for row in connection.execute(query)
            ]

        return await self._database.run(look)


def _is(key: TicketKey) -> sa.ColumnElement[bool]:
    return sa.and_(_T.triage == key.triage, _T.number == key.number)
