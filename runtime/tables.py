"""The database's tables. A change here needs a new file in runtime/migrations/versions/."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

from agents.encrypted import EncryptedBytes, EncryptedText

METADATA: Final = MetaData()

REVISION: Final = "0004"
"""The newest migration: a database that says so need not be looked at further."""


class Instant(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is put back when reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone, which would mean another one on each machine."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; use datetime.now(UTC)")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


ARTIFACTS: Final = Table(
    "artifacts",
    METADATA,
    Column("id", String(128), primary_key=True),
    Column("content", EncryptedBytes("artifacts.content"), nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("created_at", Instant, nullable=False),
)

DEAD_LETTERS: Final = Table(
    "dead_letters",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("run_id", String(255), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("reason", EncryptedText("dead_letters.reason"), nullable=False),
    Column("payload", EncryptedText("dead_letters.payload"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("dead_letters_by_state", "state", "created_at"),
)

SPEND: Final = Table(
    "spend",
    METADATA,
    Column("lineage", String(255), primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("attempt", String(255), primary_key=True),
    Column("tokens", BigInteger, nullable=False),
    # Billionths of a dollar: a token can cost less than a millionth, and sums stay exact.
    Column("cost_nano_usd", BigInteger, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("tenant", String(255), nullable=False, server_default="default"),
)

RUNS: Final = Table(
    "runs",
    METADATA,
    Column("run_id", String(255), primary_key=True),
    Column("agent", String(64), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("outcome", String(32)),
    Column("started_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("result", EncryptedText("runs.result")),
    # Who asked for it, as they claim: the history, which says so too, has a retention.
    Column("by", String(255), nullable=False, server_default=""),
    Index("runs_by_start", "started_at"),
)

FILINGS: Final = Table(
    "filings",
    METADATA,
    Column("key", String(128), primary_key=True),
    Column("run_id", String(255), nullable=False),
    Column("title", EncryptedText("filings.title"), nullable=False),
    Column("body", EncryptedText("filings.body"), nullable=False),
    Column("filed_at", Instant, nullable=False),
    Index("filings_by_run", "run_id"),
)

KEY_VALUES: Final = Table(
    "key_values",
    METADATA,
    Column("name", String(255), primary_key=True),
    Column("value", EncryptedText("key_values.value"), nullable=False),
)

TOKENS: Final = Table(
    "tokens",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("scopes", String(255), nullable=False),
    Column("workflows", String(1024), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
)

DOCUMENTS: Final = Table(
    "documents",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("characters", Integer, nullable=False),
    Column("passages", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
)

# The words of the passages are indexed in `passage_words`, whose form is the database's own.
PASSAGES: Final = Table(
    "passages",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("document", String(64), nullable=False),
    Column("position", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("place", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("passages_by_document", "document", "position"),
)

COLLECTIONS: Final = Table(
    "collections",
    METADATA,
    Column("collection", String(255), primary_key=True),
    Column("name", String(1024), primary_key=True),
    Column("document", String(64), nullable=False),
    Index("collections_by_document", "document", "collection"),
)

TRIAGES: Final = Table(
    "triages",
    METADATA,
    Column("lineage", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("taxonomy", EncryptedText("triages.taxonomy"), nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
)

TRIAGE_ACCOUNTS: Final = Table(
    "triage_accounts",
    METADATA,
    Column("triage", String(64), primary_key=True),
    Column("account", String(255), primary_key=True),
    Column("facts", EncryptedText("triage_accounts.facts"), nullable=False),
)

TICKETS: Final = Table(
    "tickets",
    METADATA,
    Column("triage", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("ticket", String(255), nullable=False),
    Column("account", String(255), nullable=False),
    Column("subject", EncryptedText("tickets.subject"), nullable=False),
    Column("text", EncryptedText("tickets.text"), nullable=False),
    Column("run_id", String(255), nullable=False, default=""),
    Column("category", String(64), nullable=False, default=""),
    Column("confidence", Float, nullable=False, default=0.0),
    Column("source", String(16), nullable=False, default=""),
    Column("calibrated", Float, nullable=False, default=0.0),
    Column("similarity", Float, nullable=False, default=0.0),
    Column("low_confidence", Boolean, nullable=False, default=False),
    Column("novel", Boolean, nullable=False, default=False),
    Column("reply", EncryptedText("tickets.reply"), nullable=False, default=""),
    Column("model", String(128), nullable=False, default=""),
    Column("route", String(16), nullable=False, default=""),
    Column("ended", String(16), nullable=False, default=""),
    Column("reason", EncryptedText("tickets.reason"), nullable=False, default=""),
    Column("decided_by", String(255), nullable=False, default=""),
    Column("standing", String(64), nullable=False, default=""),
    Column("decided_at", Instant),
    Index("tickets_by_decision", "tenant", "decided_at"),
)

EXAMPLES: Final = Table(
    "examples",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("category", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("source", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("examples_by_tenant", "tenant"),
)

EXAMPLE_WORDS: Final = Table(
    "example_words",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("word", String(64), primary_key=True),
    Column("example", String(32), primary_key=True),
)

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("key", String(128), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("ticket", String(255), nullable=False),
    Column("run_id", String(255), nullable=False),
    Column("category", String(64), nullable=False),
    Column("body", EncryptedText("outbox.body"), nullable=False),
    Column("sent_at", Instant, nullable=False),
    # Whatever run, whatever key: a ticket is answered once.
    Index("outbox_once_a_ticket", "tenant", "ticket", unique=True),
)

REVIEWS: Final = Table(
    "reviews",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("day", String(10), nullable=False),
    # Of the day's sample; none for a decision that a person took at the gate.
    Column("slot", Integer),
    Column("triage", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("category", String(64), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("source", String(16), nullable=False),
    Column("corrected", String(64), nullable=False, default=""),
    Column("reply", EncryptedText("reviews.reply"), nullable=False, default=""),
    Column("standing", String(64), nullable=False, default=""),
    Column("shown_to", String(255), nullable=False, default=""),
    Column("shown_at", Instant),
    Column("reviewed_by", String(255), nullable=False, default=""),
    Column("reviewed_at", Instant),
    Index("reviews_by_state", "tenant", "state"),
    Index("reviews_once_a_slot", "tenant", "day", "slot", unique=True),
    Index("reviews_once_a_ticket", "triage", "number", unique=True),
)

STANDING_APPROVALS: Final = Table(
    "standing_approvals",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("tool", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("granted_by", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("max_error_rate", Float, nullable=False),
    Column("min_reviews", Integer, nullable=False),
    Column("granted_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_by", String(255), nullable=False, default=""),
    Column("ended_why", Text, nullable=False, default=""),
    Column("ended_at", Instant),
    Index("standing_by_tool", "tenant", "agent", "tool", "state"),
)

STANDING_USES: Final = Table(
    "standing_uses",
    METADATA,
    Column("key", String(128), primary_key=True),
    Column("approval", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Index("standing_uses_by_approval", "approval"),
)
