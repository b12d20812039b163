"""The table of what was traced. A change here needs a new file in runtime/migrations/versions/."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from runtime.tables import METADATA, Instant

TRACES: Final = Table(
    "traces",
    METADATA,
    # Of an execution; empty for the row that says until when closed runs were looked for.
    Column("run_id", String(64), primary_key=True),
    Column("workflow_id", String(1_024), nullable=False),
    # The last event whose spans have been sent.
    Column("event", Integer, nullable=False),
    Column("closed", Boolean, nullable=False),
    # Which worker sends now, and until when nobody else may.
    Column("owner", String(64), nullable=False),
    Column("until", Instant, nullable=False),
    Column("at", Instant, nullable=False),
    Index("traces_by_end", "closed", "at"),
)
