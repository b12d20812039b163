"""Filing the report: the one thing an audit does to the world, and it cannot be taken back."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from agents.databases import engine_of, insert_once
from agents.encrypted import EncryptedText
from agents.toolkit import Proposal, ToolContext, ToolError, tool
from domain.contract import Contract

# The runtime's migrations make the table; these are the columns that filing needs to know.
_FILINGS = sa.table(
    "filings",
    sa.column("key", sa.String),
    sa.column("run_id", sa.String),
    sa.column("title", EncryptedText("filings.title")),
    sa.column("body", EncryptedText("filings.body")),
    sa.column("filed_at", sa.DateTime(timezone=True)),
)


class Filed(Contract):
    """A report as it stands in the filings."""

    key: str
    title: str
    filed_at: str


async def was_filed(context: ToolContext) -> bool | None:
    """Say whether a report stands under this call's key."""
    engine = engine_of(context.database)
    try:
        async with engine.connect() as connection:
            return await _under(connection, context.key) is not None
    except OperationalError:
        return None  # unreachable: it cannot tell
    finally:
        await engine.dispose()


def is_whole(proposal: Proposal) -> str:
    """Let a report pass that has a title and a body."""
    whole = proposal.arguments["title"].strip() and proposal.arguments["body"].strip()
    return "" if whole else "a report needs a title and a body"


@tool(
    effect="irreversible",
    timeout=30,
    attempts=5,
    idempotent=True,
    reconcile=was_filed,
    second_check=is_whole,
)
async def file_report(context: ToolContext, title: str, body: str) -> Filed:
    """File an audit report. It is public from then on and cannot be withdrawn.

    Args:
        context: The run; gives the key and the database.
        title: One line.
        body: The report, as Markdown.
    """
    if not title.strip() or not body.strip():
        raise ToolError("a report needs a title and a body: nothing was filed")
    row = {
        "key": context.key,
        "run_id": context.run_id,
        "title": title,
        "body": body,
        "filed_at": datetime.now(UTC),
    }
    engine = engine_of(context.database)
    try:
        async with engine.begin() as connection:
            # One key is one filing: a second attempt finds the first one's.
            if await _under(connection, context.key) is None:
                await connection.execute(insert_once(engine.dialect, _FILINGS), row)
            stands = await _under(connection, context.key)
    finally:
        await engine.dispose()
    if stands is None:
        raise RuntimeError(f"filing {context.key!r} was written and is not there")
    return Filed(key=context.key, title=stands[0], filed_at=str(stands[1]))


async def _under(connection: AsyncConnection, key: str) -> tuple[str, datetime] | None:
    query = sa.select(_FILINGS.c.title, _FILINGS.c.filed_at).where(_FILINGS.c.key == key)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])
