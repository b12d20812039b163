"""The first tables.

Written out, not taken from runtime.tables: a migration says what the tables were then.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create them."""
    _create_evidence()
    _create_accounts()


def _create_evidence() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("media_type", sa.String(128), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("run_id", sa.String(255), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_index("dead_letters_by_state", "dead_letters", ["state", "created_at"])
    op.create_table(
        "filings",
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("run_id", sa.String(255), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("filed_at", _MOMENT, nullable=False),
    )
    op.create_index("filings_by_run", "filings", ["run_id"])
    op.create_table(
        "key_values",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _create_accounts() -> None:
    op.create_table(
        "spend",
        sa.Column("lineage", sa.String(255), primary_key=True),
        sa.Column("turn", sa.Integer, primary_key=True),
        sa.Column("attempt", sa.String(255), primary_key=True),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(255), primary_key=True),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(32)),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT),
        sa.Column("result", sa.Text),
    )
    op.create_index("runs_by_start", "runs", ["started_at"])


def downgrade() -> None:
    """Drop them, and what they hold."""
    for table in ("runs", "spend", "key_values", "filings", "dead_letters", "artifacts"):
        op.drop_table(table)
