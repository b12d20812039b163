"""The tables of what runs in production: a function each, so that each says its own.

Written out, not taken from runtime.tables: a migration says what the tables were then.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create them."""
    _operations()


def _operations() -> None:
    """What operators did, and who asked for a run whose history may be gone."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "operations",
        sa.Column("number", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(1_024), nullable=False),
        *(sa.Column(name, sa.String(255), nullable=False) for name in ("tenant", "by", "identity")),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("operations_by_time", "operations", ["at"])
    op.add_column("runs", sa.Column("by", sa.String(255), nullable=False, server_default=""))
