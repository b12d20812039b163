"""What is remembered, in the database. Nothing is asked without a `Scope` or a tenant's `Reach`."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from domain.memory import (
    KINDS,
    MAX_NAME,
    MAX_TEXT,
    Episode,
    Found,
    Kind,
    Memory,
    Reach,
    Scope,
    Vector,
    sound,
)
from runtime import memory_search
from runtime.database import Database
from runtime.tables_memory import MEMORIES

_M: Final = MEMORIES.c
_WHOLE: Final = 1_000_000
_SWEPT: Final = 1_000  # rows that one transaction deletes: others write in between


class MemoryNotFound(LookupError):
    """Nothing with this id is remembered within the reach that was given."""


@dataclass(frozen=True)
class Selection:
    """What is to be forgotten, or listed, within a reach: all that fits every field that is set.

    Attributes:
        ids: These; none: whatever the other fields say.
        by: A requester's.
        kinds: Of these kinds.
        source: From this file, whatever the place in it.
    """

    ids: Sequence[str] = ()
    by: str = ""
    kinds: Sequence[Kind] = KINDS
    source: str = ""


class Memories:
    """The long-term memory of all agents; each asks for its own.

    Args:
        database: Where it is kept.
        retention: How long, where a memory does not say itself; None: until it is forgotten.
    """

    def __init__(self, database: Database, retention: timedelta | None = None) -> None:
        self._database = database
        self._retention = retention

    async def keep(self, scope: Scope, memory: Memory, vector: Vector | None = None) -> None:
        """Keep a memory. Idempotent: one with the same id is replaced.

        Raises:
            ValueError: It belongs to another scope.
        """
        if memory.scope != scope:
            raise ValueError(f"memory {memory.id!r} is {memory.scope!r}'s, not {scope!r}'s")
        await self._database.run(lambda connection: self._keep(connection, memory, vector))

    async def preferences(self, scope: Scope, by: str, most: int) -> list[Memory]:
        """Return what a requester prefers, the newest first; nobody's are nobody's."""
        if not by or not most:
            return []
        query = _all(scope, ("preference",)).where(_M.by == by).limit(most)
        return await self._database.run(lambda connection: _read(connection, query))

    async def by_words(
        self, scope: Scope, kinds: Sequence[Kind], question: str, most: int
    ) -> list[Found]:
        """Return what shares words with a question, the best first."""

        def search(connection: Connection) -> list[Found]:
            scores = memory_search.by_words(connection, scope, kinds, question, most)
            return _found(connection, scope, kinds, scores, "words")

        return await self._database.run(search)

    async def by_meaning(
        self, scope: Scope, kinds: Sequence[Kind], question: Vector, most: int
    ) -> list[Found]:
        """Return what means nearly the same as a question, the nearest first."""

        def search(connection: Connection) -> list[Found]:
            scores = memory_search.by_meaning(connection, scope, kinds, question, most)
            return _found(connection, scope, kinds, scores, "meaning")

        return await self._database.run(search)

    # --- what an operator does

    async def get(self, reach: Reach, memory_id: str) -> Memory:
        """Return one memory.

        Raises:
            MemoryNotFound: There is none with this id in reach; another tenant's is none.
        """
        found = await self.list(reach, Selection(ids=(memory_id,)))
        if not found:
            raise MemoryNotFound(
                f"no memory {memory_id!r} of tenant {reach.tenant!r}"
                f"{f' and agent {reach.agent!r}' if reach.agent else ''}; "
                "`python starter.py memory list` shows what there is"
            )
        return found[0]

    async def list(
        self, reach: Reach, selection: Selection | None = None, most: int = 100
    ) -> list[Memory]:
        """Return what is remembered within a reach, the newest first."""
        chosen = _chosen(reach, selection or Selection())
        query = sa.select(MEMORIES).where(*chosen, memory_search.alive())
        query = query.order_by(_M.number.desc()).limit(most)
        return await self._database.run(lambda connection: _read(connection, query))

    async def count(self, reach: Reach, selection: Selection | None = None) -> int:
        """Return how much there is to forget."""
        chosen = _chosen(reach, selection or Selection())
        query = sa.select(sa.func.count()).select_from(MEMORIES).where(*chosen)
        return await self._database.run(lambda connection: connection.execute(query).scalar_one())

    async def forget(self, reach: Reach, selection: Selection) -> int:
        """Delete what fits, from the indexes too; return how much it was."""
        chosen = _chosen(reach, selection)
        forgotten = await self._until_none(lambda connection: _delete(connection, chosen))
        if forgotten:
            await self._database.run(memory_search.compact)
        return forgotten

    async def sweep(self, now: datetime) -> int:
        """Delete what had expired by `now`, whosever it was; return how much that is."""
        over: sa.ColumnElement[bool] = _M.expires_at <= now
        if self._retention is not None:  # it may have been longer when this was kept
            over = sa.or_(over, _M.at <= now - self._retention)
        expired = (over,)
        return await self._until_none(lambda connection: _delete(connection, expired))

    async def _until_none(self, delete: Callable[[Connection], int]) -> int:
        whole = 0
        while part := await self._database.run(delete):
            whole += part
        return whole

    # --- rows

    def _keep(self, connection: Connection, memory: Memory, vector: Vector | None) -> None:
        row = _row(memory, self._retention)
        insert = self._database.insert(MEMORIES)
        fresh = {name: insert.excluded[name] for name in row if name != "id"}
        upsert = insert.values(row).on_conflict_do_update(index_elements=["id"], set_=fresh)
        number = connection.execute(upsert.returning(_M.number)).scalar_one()
        memory_search.index(connection, number, memory.scope, f"{memory.topic} {memory.text}")
        if vector is not None:
            memory_search.keep_vector(connection, number, vector)


def _all(scope: Scope, kinds: Sequence[Kind]) -> sa.Select[Any]:
    query = sa.select(MEMORIES).where(*memory_search.mine(scope, kinds))
    return query.order_by(_M.at.desc(), _M.number.desc())


def _found(
    connection: Connection,
    scope: Scope,
    kinds: Sequence[Kind],
    scores: Mapping[int, float],
    how: str,
) -> list[Found]:
    if not scores:
        return []
    query = _all(scope, kinds).where(_M.number.in_(list(scores)))
    rows = connection.execute(query).mappings().all()
    ranked = sorted(rows, key=lambda row: (-scores[row["number"]], -row["number"]))
    return [
        Found.model_validate(
            {"memory": _memory(row), "relevance": scores[row["number"]], "how": how}
        )
        for row in ranked
    ]


def _chosen(reach: Reach, selection: Selection) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of what is within a reach and selected."""
    found: list[sa.ColumnElement[bool]] = [
        _M.tenant == reach.tenant,
        _M.kind.in_(list(selection.kinds)),
    ]
    if reach.agent:
        found.append(_M.agent == reach.agent)
    if selection.ids:
        found.append(_M.id.in_(list(selection.ids)))
    if selection.by:
        found.append(_M.by == selection.by)
    if selection.source:
        place = f"{_plain(selection.source)}, %"
        found.append(sa.or_(_M.source == selection.source, _M.source.like(place, escape="\\")))
    return tuple(found)


def _plain(text: str) -> str:
    """Return `text` without anything that `LIKE` reads as a sign."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _delete(connection: Connection, chosen: Sequence[sa.ColumnElement[bool]]) -> int:
    some = sa.select(_M.number).where(*chosen).limit(_SWEPT)
    numbers = [int(row[0]) for row in connection.execute(some)]
    memory_search.unindex(connection, numbers)
    if numbers:
        connection.execute(sa.delete(MEMORIES).where(_M.number.in_(numbers)))
    return len(numbers)


def _read(connection: Connection, query: sa.Select[Any]) -> list[Memory]:
    return [_memory(row) for row in connection.execute(query).mappings()]


def _row(memory: Memory, retention: timedelta | None) -> dict[str, Any]:
    expires = memory.expires_at
    if retention is not None:
        expires = min(expires or memory.at + retention, memory.at + retention)
    names = {"topic": MAX_NAME, "by": MAX_NAME, "source": MAX_TEXT, "text": MAX_TEXT}
    texts = {name: sound(getattr(memory, name), most) for name, most in names.items()}
    episode = memory.episode and memory.episode.model_dump(mode="json")
    return {
        **texts,
        "id": memory.id,
        "kind": memory.kind,
        "run_id": memory.run_id,
        "tenant": memory.scope.tenant,
        "agent": memory.scope.agent,
        "untrusted": memory.untrusted,
        "episode": sound(json.dumps(episode, ensure_ascii=False), _WHOLE) if episode else None,
        "at": memory.at,
        "expires_at": expires,
    }


def _memory(row: Mapping[Any, Any]) -> Memory:
    fields = {name: row[name] for name in Memory.model_fields if name in row}
    episode = Episode.model_validate_json(row["episode"]) if row["episode"] else None
    scope = Scope(tenant=row["tenant"], agent=row["agent"])
    return Memory.model_validate({**fields, "scope": scope, "episode": episode})
