"""What triage reads and does: an account is looked up, a reply is sent, once."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from agents.databases import engine_of, insert_once
from agents.encrypted import EncryptedText
from agents.toolkit import Proposal, ToolContext, ToolError, tool
from domain.contract import Contract

# The runtime's migrations make the tables; these are the columns that the tools need to know.
_OUTBOX = sa.table(
    "outbox",
    sa.column("key", sa.String),
    sa.column("tenant", sa.String),
    sa.column("ticket", sa.String),
    sa.column("run_id", sa.String),
    sa.column("category", sa.String),
    sa.column("body", EncryptedText("outbox.body")),
    sa.column("sent_at", sa.DateTime(timezone=True)),
)
_ACCOUNTS = sa.table(
    "triage_accounts",
    sa.column("triage", sa.String),
    sa.column("account", sa.String),
    sa.column("facts", EncryptedText("triage_accounts.facts")),
)
MAX_REPLY = 10_000


class Sent(Contract):
    """A reply as it stands in the outbox."""

    ticket: str
    key: str
    sent_at: str


@tool(effect="read", source="ours", timeout=20)
async def lookup_account(context: ToolContext, account: str) -> str:
    """Look a customer's account up.

    Args:
        context: The run; names its triage and the database.
        account: Its id, as the ticket has it.
    """
    query = sa.select(_ACCOUNTS.c.facts).where(
        _ACCOUNTS.c.triage == context.data.get("triage", ""), _ACCOUNTS.c.account == account
    )
    engine = engine_of(context.database)
    try:
        async with engine.connect() as connection:
            facts: str | None = (await connection.execute(query)).scalar_one_or_none()
    finally:
        await engine.dispose()
    if facts is None:
        raise ToolError(f"there is no account {account!r}")
    return facts


async def was_sent(context: ToolContext) -> bool | None:
    """Say whether a reply stands in the outbox under this call's key."""
    engine = engine_of(context.database)
    try:
        async with engine.connect() as connection:
            return await _under(connection, context.key) is not None
    except OperationalError:
        return None  # unreachable: it cannot tell
    finally:
        await engine.dispose()


def may_go_out(proposal: Proposal) -> str:
    """Let a reply pass to the run's own ticket, in a known category, with words in it."""
    told = proposal.arguments
    return _wrong(proposal.data, told["ticket"], told["category"], told["reply"])


@tool(
    effect="irreversible",
    timeout=30,
    attempts=8,
    idempotent=True,
    reconcile=was_sent,
    second_check=may_go_out,
)
async def send_reply(context: ToolContext, ticket: str, category: str, reply: str) -> Sent:
    """Send the reply to a ticket. It has gone out then, and cannot be taken back.

    Args:
        context: The run; gives the key and the database.
        ticket: The ticket's id.
        category: What the ticket is about; kept as what is known of such tickets.
        reply: The message, as the customer reads it.
    """
    if wrong := _wrong(context.data, ticket, category, reply):
        raise ToolError(wrong)
    row = {
        "key": context.key,
        "tenant": context.tenant,
        "ticket": ticket,
        "run_id": context.run_id,
        "category": category,
        "body": reply,
        "sent_at": datetime.now(UTC),
    }
    engine = engine_of(context.database)
    try:
        async with engine.begin() as connection:
            # Written first: neither the same key nor the same ticket goes out a second time.
            await connection.execute(insert_once(engine.dialect, _OUTBOX), row)
            sent = await _under(connection, context.key)
            before = None if sent else await _answered(connection, context.tenant, ticket)
    finally:
        await engine.dispose()
    if sent is None:
        raise ToolError(f"ticket {ticket!r} was answered already, {before or 'elsewhere'}")
    return Sent(ticket=ticket, key=context.key, sent_at=str(sent))


def _wrong(data: dict[str, str], ticket: str, category: str, reply: str) -> str:
    """Return why a reply must not go out; a person may have changed the arguments."""
    known = data.get("categories", "").split(",")
    if ticket != data.get("ticket"):
        return f"this run answers ticket {data.get('ticket')!r}, not {ticket!r}"
    if category not in known:
        return f"there is no category {category!r}; the categories are {sorted(known)}"
    if not reply.strip() or len(reply) > MAX_REPLY:
        return f"the reply has {len(reply)} characters; expected 1 to {MAX_REPLY}, not only spaces"
    return ""


async def _under(connection: AsyncConnection, key: str) -> datetime | None:
    query = sa.select(_OUTBOX.c.sent_at).where(_OUTBOX.c.key == key)
    found: datetime | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def _answered(connection: AsyncConnection, tenant: str, ticket: str) -> str:
    where = (_OUTBOX.c.tenant == tenant, _OUTBOX.c.ticket == ticket)
    query = sa.select(_OUTBOX.c.run_id, _OUTBOX.c.sent_at).where(*where)
    row = (await connection.execute(query)).one_or_none()
    return f"by run {row[0]} at {row[1]}" if row else ""
