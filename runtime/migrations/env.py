"""Runs the migrations on the connection that runtime.database hands over."""

from alembic import context

import runtime.tables_batch  # its tables are in METADATA
import runtime.tables_repair  # noqa: F401 - the same
from runtime.tables import METADATA

# transactional_ddl: SQLite can roll tables back too, and runtime.database holds its write
# lock around the whole upgrade, so that processes that start together do not race.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
