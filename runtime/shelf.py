"""Messages of shared transcripts in the database, for the workers that did not make them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, literal, select

from runtime.database import Database
from runtime.tables_transcripts import TRANSCRIPT_LINKS, TRANSCRIPT_MESSAGES

_AT_ONCE: Final = 500  # bound values of one statement; SQLite takes 999
KEPT: Final = timedelta(days=7)
"""A run that was silent for longer sends its transcript by value, once."""


class Shelf:
    """A second level behind the workers' memories; implements `activities.shared.Shelf`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self, messages: Mapping[str, str], links: Sequence[tuple[str, str, str]] = ()
    ) -> None:
        """Keep messages by their ids, and links `(head, parent, message id)`. Idempotent."""
        now = datetime.now(UTC)
        rows = [{"id": each, "message": text, "at": now} for each, text in messages.items()]
        behind = [
            {"head": head, "parent": parent, "message": message, "at": now}
            for head, parent, message in links
        ]
        async with self._database.transaction() as connection:
            for table, wanted in ((TRANSCRIPT_MESSAGES, rows), (TRANSCRIPT_LINKS, behind)):
                if wanted:
                    statement = self._database.insert(table).on_conflict_do_nothing()
                    await connection.execute(statement, wanted)

    async def messages(self, ids: Sequence[str]) -> dict[str, str]:
        """Return what is kept of `ids`."""
        columns = TRANSCRIPT_MESSAGES.c
        found: dict[str, str] = {}
        async with self._database.transaction() as connection:
            for start in range(0, len(ids), _AT_ONCE):
                part = ids[start : start + _AT_ONCE]
                query = select(columns.id, columns.message).where(columns.id.in_(part))
                found |= {row[0]: row[1] for row in await connection.execute(query)}
        return found

    async def chain(self, head: str, root: str) -> list[str]:
        """Return the ids of the messages from `root` to `head`, in order; empty: not all kept."""
        links = TRANSCRIPT_LINKS.c
        first = select(links.parent, links.message, literal(0).label("back")).where(
            links.head == head
        )
        walk = first.cte("walk", recursive=True)
        walk = walk.union_all(
            select(links.parent, links.message, walk.c.back + 1).join(
                walk, links.head == walk.c.parent
            )
        )
        async with self._database.transaction() as connection:
            found = (await connection.execute(select(walk).order_by(walk.c.back.desc()))).all()
        whole = bool(found) and found[0].parent == root
        return [row.message for row in found] if whole else []

    async def sweep(self, now: datetime) -> int:
        """Delete what has not been put for a week; return how many messages that were."""
        before = now - KEPT
        async with self._database.transaction() as connection:
            links = TRANSCRIPT_LINKS
            await connection.execute(delete(links).where(links.c.at < before))
            messages = TRANSCRIPT_MESSAGES
            gone = await connection.execute(delete(messages).where(messages.c.at < before))
        return gone.rowcount
