"""Standing approvals in the database: granted, taken one use at a time, revoked, withdrawn."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from domain.standing import Grant, Standing, StandingState, Taken, TakeRequest, Terms, breached
from runtime.database import Database
from runtime.tables import REVIEWS, STANDING_APPROVALS, STANDING_USES

_A: Final = STANDING_APPROVALS.c


class StandingNotFound(LookupError):
    """No standing approval has this id, or it holds no longer."""


class StandingApprovals:
    """What people have granted, and what calls have taken of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grant(self, given: Grant) -> Standing:
        """Keep a grant; the same id twice is one grant, with the first one's terms."""
        terms = given.terms
        row = {
            "id": given.id,
            "tenant": given.tenant,
            "agent": given.agent,
            "tool": given.tool,
            "state": "active",
            "granted_by": given.by[:255],
            "reason": given.reason,
            "uses": terms.uses,
            "taken": 0,
            "max_error_rate": terms.max_error_rate,
            "min_reviews": terms.min_reviews,
            "granted_at": given.at,
            "expires_at": given.at + terms.lasts,
        }
        statement = self._database.insert(STANDING_APPROVALS).on_conflict_do_nothing()
        await self._database.run(lambda connection: connection.execute(statement, row))
        return await self.get(given.id)

    async def take(self, request: TakeRequest) -> Taken:
        """Take one use for a call, or say that nothing covers it.

        Idempotent: a call that has taken its use gets the same answer again, also after the
        standing approval has ended. However many take at once, no limit is passed.
        """
        return await self._database.run(lambda connection: self._take(connection, request))

    def _take(self, connection: Connection, request: TakeRequest) -> Taken:
        if (before := _taken_before(connection, request.key)) is not None:
            return before
        now = datetime.now(UTC)
        # Written first: it holds off everyone else who asks for the same call.
        use = {"key": request.key, "approval": "", "at": now}
        if not self._database.add(connection, STANDING_USES, use):
            return _taken_before(connection, request.key) or Taken()
        mine = STANDING_USES.c.key == request.key
        for row in connection.execute(_candidates(request, now)).mappings().all():
            counted = (
                sa.update(STANDING_APPROVALS)
                .where(_A.id == row["id"], *_usable(now))
                .values(taken=_A.taken + 1)
            )
            if connection.execute(counted).rowcount:
                named = sa.update(STANDING_USES).where(mine).values(approval=row["id"])
                connection.execute(named)
                return _taken(row)
        connection.execute(sa.delete(STANDING_USES).where(mine))
        return Taken()

    async def covering(self, tenant: str, agent: str, tool: str) -> Standing | None:
        """Return a standing approval that a call could take a use of now, or None."""
        asked = TakeRequest(tenant=tenant, agent=agent, tool=tool, key="")
        query = _candidates(asked, datetime.now(UTC)).limit(1)

        def look(connection: Connection) -> Standing | None:
            row = connection.execute(query).mappings().one_or_none()
            return _standing(connection, row) if row else None

        return await self._database.run(look)

    async def get(self, standing_id: str) -> Standing:
        """Return one.

        Raises:
            StandingNotFound: No such id.
        """
        found = await self._select(_A.id == standing_id)
        if not found:
            raise StandingNotFound(
                f"no standing approval {standing_id!r}; `python starter.py standing list --all` "
                "shows those there are"
            )
        return found[0]

    async def list(self, tenant: str = "", *, ended: bool = False) -> list[Standing]:
        """Return standing approvals, newest first; also those that hold no longer if `ended`."""
        where = [_A.tenant == tenant] if tenant else []
        found = await self._select(*where)
        return [each for each in found if ended or each.state == "active"]

    async def revoke(self, standing_id: str, by: str, reason: str) -> Standing:
        """End one at once; calls that have taken a use before keep it.

        Raises:
            StandingNotFound: There is none, or it has ended already.
        """
        standing = await self.get(standing_id)
        why = reason or "revoked"

        def end(connection: Connection) -> bool:
            return ended(connection, standing_id, "revoked", by, why)

        if not await self._database.run(end):
            raise StandingNotFound(
                f"standing approval {standing_id!r} is {standing.state} already; nothing was "
                "changed"
            )
        return await self.get(standing_id)

    async def _select(self, *where: sa.ColumnElement[bool]) -> "list[Standing]":
        query = sa.select(STANDING_APPROVALS).where(*where).order_by(_A.granted_at.desc())

        def look(connection: Connection) -> list[Standing]:
            rows = connection.execute(query).mappings().all()
            return [_standing(connection, row) for row in rows]

        return await self._database.run(look)


def ended(connection: Connection, standing_id: str, state: str, by: str, why: str) -> bool:
    """End an active standing approval; False where it was not active."""
    statement = (
        sa.update(STANDING_APPROVALS)
        .where(_A.id == standing_id, _A.state == "active")
        .values(state=state, ended_by=by[:255], ended_why=why, ended_at=datetime.now(UTC))
    )
    return bool(connection.execute(statement).rowcount)


def withdraw_if_breached(connection: Connection, standing_id: str) -> str:
    """Withdraw a standing approval whose reviewed error rate passes its bound; return why."""
    row = (
        connection.execute(
            # Locked where the database can: two reviews at once must not both see one too few.
            sa.select(STANDING_APPROVALS).where(_A.id == standing_id).with_for_update()
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return ""
    standing = _standing(connection, row)
    why = breached(standing.reviewed, standing.wrong, standing.terms)
    if why and ended(connection, standing_id, "withdrawn", "the reviews", why):
        return why
    return ""


def _usable(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (_A.state == "active", _A.taken < _A.uses, _A.expires_at > now)


def _candidates(request: TakeRequest, now: datetime) -> sa.Select[Any]:
    return (
        sa.select(STANDING_APPROVALS)
        .where(
            _A.tenant == request.tenant,
            _A.agent == request.agent,
            _A.tool == request.tool,
            *_usable(now),
        )
        .order_by(_A.expires_at)  # what would be lost first is used first
    )


def _taken_before(connection: Connection, key: str) -> Taken | None:
    query = (
        sa.select(STANDING_APPROVALS)
        .join(STANDING_USES, STANDING_USES.c.approval == _A.id)
        .where(STANDING_USES.c.key == key)
    )
    row = connection.execute(query).mappings().one_or_none()
    return _taken(row) if row else None


def _taken(row: Mapping[Any, Any]) -> Taken:
    return Taken(id=row["id"], by=row["granted_by"], reason=row["reason"])


def _standing(connection: Connection, row: Mapping[Any, Any]) -> Standing:
    reviews = connection.execute(
        sa.select(
            sa.func.count(), sa.func.sum(sa.case((REVIEWS.c.state == "corrected", 1), else_=0))
        ).where(REVIEWS.c.standing == row["id"], REVIEWS.c.state.in_(("accepted", "corrected")))
    ).one()
    return Standing(
        id=row["id"],
        tenant=row["tenant"],
        agent=row["agent"],
        tool=row["tool"],
        state=_state(row),
        by=row["granted_by"],
        reason=row["reason"],
        terms=Terms(
            uses=row["uses"],
            hours=(row["expires_at"] - row["granted_at"]).total_seconds() / 3600,
            max_error_rate=row["max_error_rate"],
            min_reviews=row["min_reviews"],
        ),
        granted_at=row["granted_at"],
        expires_at=row["expires_at"],
        taken=row["taken"],
        reviewed=int(reviews[0]),
        wrong=int(reviews[1] or 0),
        ended_by=row["ended_by"],
        ended_why=row["ended_why"],
    )


def _state(row: Mapping[Any, Any]) -> StandingState:
    if row["state"] != "active":
        return row["state"]
    if row["taken"] >= row["uses"]:
        return "used up"
    return "expired" if row["expires_at"] <= datetime.now(UTC) else "active"
