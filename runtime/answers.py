"""Models' replies that are kept to be used again, for agents that allow it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, select, update

from runtime.database import Database
from runtime.tables_gateway import MODEL_ANSWERS

MAX_BYTES: Final = 256_000
"""Of one reply; a longer one is not kept."""
MAX_ANSWERS: Final = 20_000
"""Over all tenants; the oldest go first."""
_BATCH: Final = 100
_TABLE: Final = MODEL_ANSWERS.c
_FIND: Final = select(_TABLE.reply).where(
    _TABLE.key == bindparam("wanted"), _TABLE.expires_at > bindparam("now")
)
_HIT: Final = (
    update(MODEL_ANSWERS).where(_TABLE.key == bindparam("wanted")).values(hits=_TABLE.hits + 1)
)


@dataclass(frozen=True)
class Held:
    """What is kept for one agent of a tenant.

    Attributes:
        hits: How often what is held now was used in place of a call.
    """

    tenant: str
    agent: str
    answers: int
    hits: int
    oldest: datetime


class Answers:
    """Replies by the hash of what was asked; the hash has the tenant and the agent in it."""

    def __init__(self, database: Database, max_answers: int = MAX_ANSWERS) -> None:
        self._database = database
        self._max_answers = max_answers
        row = database.insert(MODEL_ANSWERS)
        self._put = row.on_conflict_do_update(
            index_elements=["key"],
            set_={name: row.excluded[name] for name in ("reply", "kept_at", "expires_at", "hits")},
        )

    async def find(self, key: str) -> str | None:
        """Return the reply that is kept under `key`, and count its use; None: there is none."""
        who = {"wanted": key, "now": datetime.now(UTC)}

        def look(connection: Connection) -> str | None:
            found: str | None = connection.execute(_FIND, who).scalar_one_or_none()
            if found is not None:
                connection.execute(_HIT, who)
            return found

        return await self._database.run(look)

    async def keep(
        self, key: str, *, tenant: str, agent: str, model: str, reply: str, seconds: float
    ) -> bool:
        """Keep a reply for `seconds`; False where it is too large. Idempotent."""
        if len(reply.encode()) > MAX_BYTES:
            return False
        now = datetime.now(UTC)
        row: dict[str, Any] = {
            "key": key,
            "tenant": tenant,
            "agent": agent,
            "model": model,
            "reply": reply,
            "hits": 0,
            "kept_at": now,
            "expires_at": now + timedelta(seconds=seconds),
        }

        def put(connection: Connection) -> None:
            connection.execute(self._put, row)
            self._make_room(connection, now)

        await self._database.run(put)
        return True

    def _make_room(self, connection: Connection, now: datetime) -> None:
        """Drop the oldest beyond the bound, expired ones before others."""
        count = connection.execute(select(func.count()).select_from(MODEL_ANSWERS)).scalar_one()
        if count <= self._max_answers:
            return
        connection.execute(delete(MODEL_ANSWERS).where(_TABLE.expires_at <= now))
        count = connection.execute(select(func.count()).select_from(MODEL_ANSWERS)).scalar_one()
        if (over := count - self._max_answers) > 0:
            # Some more than needed, so that not every reply has to count and drop.
            most = max(over, min(_BATCH, self._max_answers // 10))
            oldest = select(_TABLE.key).order_by(_TABLE.kept_at).limit(most)
            connection.execute(delete(MODEL_ANSWERS).where(_TABLE.key.in_(oldest)))

    async def held(self, tenant: str = "", agent: str = "") -> list[Held]:
        """Return what is kept, by tenant and agent; empty names mean all."""
        query = (
            select(
                _TABLE.tenant,
                _TABLE.agent,
                func.count(),
                func.sum(_TABLE.hits),
                func.min(_TABLE.kept_at),
            )
            .where(*_of(tenant, agent), _TABLE.expires_at > datetime.now(UTC))
            .group_by(_TABLE.tenant, _TABLE.agent)
            .order_by(_TABLE.tenant, _TABLE.agent)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).all()
        return [Held(row[0], row[1], int(row[2]), int(row[3]), row[4]) for row in rows]

    async def clear(self, tenant: str = "", agent: str = "") -> int:
        """Forget what is kept; return how many replies that were. Empty names mean all."""
        async with self._database.transaction() as connection:
            statement = delete(MODEL_ANSWERS).where(*_of(tenant, agent))
            return (await connection.execute(statement)).rowcount


def _of(tenant: str, agent: str) -> list[Any]:
    wanted: list[Any] = []
    if tenant:
        wanted.append(_TABLE.tenant == tenant)
    if agent:
        wanted.append(_TABLE.agent == agent)
    return wanted
