"""The table of halts. A change here needs a new file in runtime/migrations/versions/."""

from typing import Final

from sqlalchemy import Column, Index, String, Table, Text

from runtime.tables import METADATA, Instant

HALTS: Final = Table(
    "halts",
    METADATA,
    Column("id", String(32), primary_key=True),
    # Scope and name: "agent:refunds"; looked for at each attempt, so it has an index.
    Column("key", String(1_100), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("name", String(1_000), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(255), nullable=False),
    Column("at", Instant, nullable=False),
    # Lifted ones stay, so that it can be said afterwards who stopped what, and why.
    Column("lifted_at", Instant),
    Column("lifted_by", String(255), nullable=False),
    Column("lifted_why", Text, nullable=False),
    Index("halts_by_key", "key", "lifted_at"),
)
