"""Batches and their documents: what was found in each, written once."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, delete, func, literal, select, update

from domain.batch import BatchRequest, Counts, Document, DocumentState
from domain.batch_steps import ListRequest
from domain.contract import canonical
from runtime.database import Database
from runtime.tables_batch import BATCH_DOCUMENTS, BATCHES

_NANO: Final = Decimal(10) ** 9
_DOC: Final = BATCH_DOCUMENTS.c


class Batches:
    """Where a batch's list is kept, in the order of its positions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def request(self, run_id: str) -> BatchRequest | None:
        """Return what a batch was asked; None where there is no such batch."""
        query = select(BATCHES.c.request).where(BATCHES.c.run_id == run_id)
        found = await self._database.run(lambda c: c.execute(query).scalar_one_or_none())
        return None if found is None else BatchRequest.model_validate_json(found)

    async def others(self, run_id: str) -> int:
        """Return how many files of other kinds the folder of a batch held."""
        query = select(BATCHES.c.others).where(BATCHES.c.run_id == run_id)
        return await self._database.run(lambda c: c.execute(query).scalar_one_or_none()) or 0

    async def create(
        self, run_id: str, asked: ListRequest, names: Sequence[str], others: int
    ) -> None:
        """Keep a batch and its list. Idempotent: this logical run's list stays as it is."""
        rows = [_listed(run_id, position, name) for position, name in enumerate(names, 1)]

        def work(connection: Connection) -> None:
            if self._open(connection, run_id, asked, others):
                connection.execute(self._database.insert(BATCH_DOCUMENTS), rows)

        await self._database.run(work)

    async def take_over(self, run_id: str, asked: ListRequest) -> None:
        """Keep a batch with another one's list: what that one finished stays so. Idempotent."""
        earlier = asked.request.resumes
        kept = _DOC.state.in_(("done", "unsure"))
        copied = select(
            literal(run_id), _DOC.position, _DOC.name, _DOC.state, literal(""), _DOC.fields,
            _DOC.child, literal(0), literal(0), _DOC.settled_at,
        ).where(_DOC.run_id == earlier, kept)  # fmt: skip
        again = select(
            literal(run_id), _DOC.position, _DOC.name, literal("listed"), literal(""), literal(""),
            literal(""), literal(0), literal(0),
        ).where(_DOC.run_id == earlier, ~kept)  # fmt: skip
        columns = [column.name for column in BATCH_DOCUMENTS.columns]
        others = await self.others(earlier)

        def work(connection: Connection) -> None:
            if self._open(connection, run_id, asked, others):
                insert = self._database.insert(BATCH_DOCUMENTS)
                connection.execute(insert.from_select(columns, copied))
                connection.execute(insert.from_select(columns[:-1], again))

        await self._database.run(work)

    def _open(self, connection: Connection, run_id: str, asked: ListRequest, others: int) -> bool:
        """Write the batch's own row; False where this logical run has written it, and its list."""
        lineage = select(BATCHES.c.lineage).where(BATCHES.c.run_id == run_id)
        if connection.execute(lineage).scalar_one_or_none() == asked.lineage:
            return False
        connection.execute(delete(BATCH_DOCUMENTS).where(_DOC.run_id == run_id))
        connection.execute(delete(BATCHES).where(BATCHES.c.run_id == run_id))
        row = {
            "run_id": run_id,
            "lineage": asked.lineage,
            "request": asked.request.model_dump_json(exclude={"state"}),
            "others": others,
            "created_at": datetime.now(UTC),
        }
        connection.execute(self._database.insert(BATCHES), row)
        return True

    async def counts(self, run_id: str) -> Counts:
        """Return how many documents are in each state."""
        query = select(_DOC.state, func.count()).where(_DOC.run_id == run_id).group_by(_DOC.state)
        rows = await self._database.run(lambda c: c.execute(query).all())
        return Counts(**{str(state): int(number) for state, number in rows})

    async def page(
        self, run_id: str, after: int = 0, most: int = 200, state: DocumentState | None = None
    ) -> list[Document]:
        """Return the next documents behind a position, with their fields where there are any."""
        query = select(BATCH_DOCUMENTS).where(_DOC.run_id == run_id, _DOC.position > after)
        if state is not None:
            query = query.where(_DOC.state == state)
        query = query.order_by(_DOC.position).limit(most)
        rows = await self._database.run(lambda c: c.execute(query).mappings().all())
        return [_document(row) for row in rows]

    async def get(self, run_id: str, positions: Sequence[int]) -> list[Document]:
        """Return these documents of a batch."""
        query = select(BATCH_DOCUMENTS).where(_DOC.run_id == run_id, _DOC.position.in_(positions))
        rows = await self._database.run(
            lambda c: c.execute(query.order_by(_DOC.position)).mappings().all()
        )
        return [_document(row) for row in rows]

    async def settle(self, run_id: str, document: Document) -> DocumentState:
        """Write what a document came to, once; return the state that it is in then."""
        values = _values(document) | {
            "child": document.run_id,
            "tokens": document.tokens,
            "cost_nano_usd": int(document.cost_usd * _NANO),
        }
        return await self._move(run_id, document.position, "listed", values)

    async def review(self, run_id: str, document: Document) -> DocumentState:
        """Write what a person decided on an unsure document, once."""
        return await self._move(run_id, document.position, "unsure", _values(document))

    async def _move(
        self, run_id: str, position: int, out_of: DocumentState, values: dict[str, Any]
    ) -> DocumentState:
        mine = (_DOC.run_id == run_id, _DOC.position == position)
        write = update(BATCH_DOCUMENTS).where(*mine, _DOC.state == out_of).values(**values)

        def work(connection: Connection) -> DocumentState:
            connection.execute(write)
            return connection.execute(select(_DOC.state).where(*mine)).scalar_one()

        return await self._database.run(work)


def _listed(run_id: str, position: int, name: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "position": position,
        "name": name,
        "state": "listed",
        "reason": "",
        "fields": "",
        "child": "",
        "tokens": 0,
        "cost_nano_usd": 0,
        "settled_at": None,
    }


def _values(document: Document) -> dict[str, Any]:
    fields = {name: found.model_dump(mode="json") for name, found in document.fields.items()}
    return {
        "state": document.state,
        "reason": _storable(document.reason),
        "fields": canonical(fields).decode("utf-8", "replace") if fields else "",
        "settled_at": datetime.now(UTC),
    }


def _storable(text: str) -> str:
    """Return a text as both databases hold it: without zeros, and without half characters."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _document(row: RowMapping) -> Document:
    return Document(
        position=row["position"],
        name=row["name"],
        state=row["state"],
        reason=row["reason"],
        fields=json.loads(row["fields"]) if row["fields"] else {},
        run_id=row["child"],
        tokens=row["tokens"],
        cost_usd=Decimal(row["cost_nano_usd"]) / _NANO,
    )
