"""The tables of long-term memory, and of who uses an artifact.

A change here needs a new file in runtime/migrations/versions/.
"""

from typing import Final

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from runtime.tables import METADATA, Instant

# SQLite counts by itself only in a column of this very type.
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

# The words of the memories are indexed in `memory_words`, whose form is the database's own.
MEMORIES: Final = Table(
    "memories",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False),
    Column("tenant", String(255), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("topic", String(255), nullable=False, default=""),
    Column("source", Text, nullable=False, default=""),
    Column("by", String(255), nullable=False, default=""),
    Column("run_id", String(255), nullable=False, default=""),
    Column("untrusted", Boolean, nullable=False, default=False),
    # JSON of `domain.memory.Episode`, where it is one.
    Column("episode", Text),
    Column("at", Instant, nullable=False),
    Column("expires_at", Instant),
    Index("memories_by_id", "id", unique=True),
    Index("memories_by_scope", "tenant", "agent", "kind", "number"),
    Index("memories_by_requester", "tenant", "by"),
    Index("memories_by_expiry", "expires_at"),
)

MEMORY_VECTORS: Final = Table(
    "memory_vectors",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    # Vectors of two models cannot be compared.
    Column("model", String(128), primary_key=True),
    # Of length one, so that a product is a cosine; on SQLite 32-bit floats, one after the other.
    Column("embedding", LargeBinary().with_variant(ARRAY(REAL), "postgresql"), nullable=False),
)

ARTIFACT_USES: Final = Table(
    "artifact_uses",
    METADATA,
    Column("artifact", String(128), primary_key=True),
    # The workflow's id; empty for what was kept before this was written down.
    Column("run_id", String(255), primary_key=True),
    Column("used_at", Instant, nullable=False),
    Index("artifact_uses_by_time", "used_at"),
)
