"""The merging agent's one tool: the rows of its batch, page by page."""

import json
from typing import Annotated, Any, Final

import sqlalchemy as sa
from pydantic import Field

from agents.databases import engine_of
from agents.encrypted import EncryptedText
from agents.toolkit import ToolContext, ToolError, tool
from domain.contract import Contract

PAGE: Final = 100
_MOST_BYTES: Final = 24_000
# The runtime's migrations make the table; these are the columns that reading needs to know.
_DOCUMENTS: Final = sa.table(
    "batch_documents",
    sa.column("run_id", sa.String),
    sa.column("position", sa.Integer),
    sa.column("name", sa.Text),
    sa.column("state", sa.String),
    sa.column("fields", EncryptedText("batch_documents.fields")),
)


_BATCHES: Final = sa.table(
    "batches",
    sa.column("run_id", sa.String),
    sa.column("request", EncryptedText("batches.request")),
)


class Row(Contract):
    """What was found in one document; None where it does not say."""

    document: str
    values: dict[str, Any]


class Rows(Contract):
    """A page of rows.

    Attributes:
        more_after: Ask for the next page with this; None at the end.
    """

    rows: tuple[Row, ...]
    more_after: int | None = None


@tool(effect="read", source="outside", timeout=30, result_bytes=_MOST_BYTES * 2)
async def batch_rows(context: ToolContext, after: Annotated[int, Field(ge=0)] = 0) -> Rows:
    """Read rows of the batch, in the order of its documents.

    Args:
        context: Names the batch; the model cannot choose another one.
        after: 0 for the first page, then what the page before says.
    """
    engine = engine_of(context.database)
    try:
        async with engine.connect() as connection:
            asked = (await connection.execute(_asked(context))).scalar_one_or_none()
            if asked is None or json.loads(asked).get("tenant") != (context.tenant or "default"):
                raise ToolError("there is no such batch, or it is not this tenant's")
            found = (await connection.execute(_query(context, after))).all()
    finally:
        await engine.dispose()
    rows: list[Row] = []
    size, last = 0, after
    for each in found[:PAGE]:
        row = _row(each.name, each.fields)
        size += len(row.model_dump_json().encode())
        if rows and size > _MOST_BYTES:
            break
        rows.append(row)
        last = int(each.position)
    more = len(rows) < len(found)
    return Rows(rows=tuple(rows), more_after=last) if more else Rows(rows=tuple(rows))


def _row(name: str, fields: str) -> Row:
    found: dict[str, dict[str, Any]] = json.loads(fields or "{}")
    return Row(document=name, values={field: each.get("value") for field, each in found.items()})


def _asked(context: ToolContext) -> sa.Select[Any]:
    """Return the query for what the batch was asked, which says whose it is."""
    return sa.select(_BATCHES.c.request).where(_BATCHES.c.run_id == context.data.get("batch", ""))


def _query(context: ToolContext, after: int) -> sa.Select[Any, Any, Any]:
    return (
        sa.select(_DOCUMENTS.c.position, _DOCUMENTS.c.name, _DOCUMENTS.c.fields)
        .where(
            _DOCUMENTS.c.run_id == context.data.get("batch", ""),
            _DOCUMENTS.c.state == "done",
            _DOCUMENTS.c.position > after,
        )
        .order_by(_DOCUMENTS.c.position)
        .limit(PAGE + 1)
    )
