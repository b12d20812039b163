"""Runs the migrations on the connection that runtime.database hands over."""

from alembic import context

from runtime import (
    tables_batch,
    tables_gateway,
    tables_halts,
    tables_memory,
    tables_numbers,
    tables_operations,
    tables_repair,
    tables_resilience,
    tables_traces,
    tables_transcripts,
)
from runtime.tables import METADATA

# Imported for the tables that they put into METADATA.
__all__ = [
    "tables_batch",
    "tables_gateway",
    "tables_halts",
    "tables_memory",
    "tables_numbers",
    "tables_operations",
    "tables_repair",
    "tables_resilience",
    "tables_traces",
    "tables_transcripts",
]

# transactional_ddl: SQLite can roll tables back too, and runtime.database holds its write
# lock around the whole upgrade, so that processes that start together do not race.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
