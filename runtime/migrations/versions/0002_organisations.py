"""The tables of the organisations: a function each, so that each says what is its own.

Written out, not taken from runtime.tables: a migration says what the tables were then.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create them."""
    _tokens()
    _triage()
    _create_documents()
    _batch()
    _repair()


def _tokens() -> None:
    """Who may come in by the HTTP service's door."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("scopes", sa.String(255), nullable=False),
        sa.Column("workflows", sa.String(1024), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.Column("revoked_at", _MOMENT),
    )


def _create_documents() -> None:
    """Documents of a research, their passages, and the index of the passages' words."""
    op.create_table(
        "documents",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("characters", sa.Integer, nullable=False),
        sa.Column("passages", sa.Integer, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "passages",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("document", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("passages_by_document", "passages", ["document", "position"])
    op.create_table(
        "collections",
        sa.Column("collection", sa.String(255), primary_key=True),
        sa.Column("name", sa.String(1024), primary_key=True),
        sa.Column("document", sa.String(64), nullable=False),
    )
    op.create_index("collections_by_document", "collections", ["document", "collection"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TABLE passage_words (passage varchar(64) PRIMARY KEY, words tsvector)")
        op.execute("CREATE INDEX passage_words_index ON passage_words USING gin (words)")
    else:
        op.execute(
            "CREATE VIRTUAL TABLE passage_words USING fts5("
            "passage UNINDEXED, words, tokenize='porter unicode61 remove_diacritics 2')"
        )


def _batch() -> None:
    """Batches, and the documents of each with what was found in them."""
    op.create_table(
        "batches",
        sa.Column("run_id", sa.String(255), primary_key=True),
        sa.Column("lineage", sa.String(64), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("others", sa.Integer, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "batch_documents",
        sa.Column("run_id", sa.String(255), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "reason", "fields")),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("child", sa.String(255), nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger, nullable=False),
        sa.Column("settled_at", _MOMENT),
    )
    columns = ["run_id", "state", "position"]
    op.create_index("batch_documents_by_state", "batch_documents", columns)


def _triage() -> None:
    """Tickets, what is known of them, their reviews, and the standing approvals."""
    _create_tickets()
    _create_known()
    _create_reviews()
    _create_standing()


def _create_tickets() -> None:
    op.create_table(
        "triages",
        sa.Column("lineage", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("taxonomy", sa.Text, nullable=False),
        sa.Column("accounts", sa.Integer, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "triage_accounts",
        sa.Column("triage", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(255), primary_key=True),
        sa.Column("facts", sa.Text, nullable=False),
    )
    op.create_table(
        "tickets",
        sa.Column("triage", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        *(
            sa.Column(name, sa.String(size), nullable=False)
            for name, size in (
                ("tenant", 64), ("ticket", 255), ("account", 255), ("run_id", 255),
                ("category", 64), ("source", 16), ("model", 128), ("route", 16), ("ended", 16),
                ("decided_by", 255), ("standing", 64),
            )
        ),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("subject", "text", "reply", "reason")
        ),
        *(
            sa.Column(name, sa.Float, nullable=False)
            for name in ("confidence", "calibrated", "similarity")
        ),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("low_confidence", "novel")),
        sa.Column("decided_at", _MOMENT),
    )  # fmt: skip
    op.create_index("tickets_by_decision", "tickets", ["tenant", "decided_at"])
    op.create_table(
        "outbox",
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("ticket", sa.String(255), nullable=False),
        sa.Column("run_id", sa.String(255), nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=False),
    )
    op.create_index("outbox_once_a_ticket", "outbox", ["tenant", "ticket"], unique=True)


def _create_known() -> None:
    op.create_table(
        "examples",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_index("examples_by_tenant", "examples", ["tenant"])
    op.create_table(
        "example_words",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("word", sa.String(64), primary_key=True),
        sa.Column("example", sa.String(32), primary_key=True),
    )


def _create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("slot", sa.Integer),
        sa.Column("triage", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("corrected", sa.String(64), nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("standing", sa.String(64), nullable=False),
        sa.Column("shown_to", sa.String(255), nullable=False),
        sa.Column("shown_at", _MOMENT),
        sa.Column("reviewed_by", sa.String(255), nullable=False),
        sa.Column("reviewed_at", _MOMENT),
    )
    op.create_index("reviews_by_state", "reviews", ["tenant", "state"])
    op.create_index("reviews_once_a_slot", "reviews", ["tenant", "day", "slot"], unique=True)
    op.create_index("reviews_once_a_ticket", "reviews", ["triage", "number"], unique=True)


def _create_standing() -> None:
    op.create_table(
        "standing_approvals",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("tool", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("granted_by", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.Column("max_error_rate", sa.Float, nullable=False),
        sa.Column("min_reviews", sa.Integer, nullable=False),
        sa.Column("granted_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("ended_by", sa.String(255), nullable=False),
        sa.Column("ended_why", sa.Text, nullable=False),
        sa.Column("ended_at", _MOMENT),
    )
    columns = ["tenant", "agent", "tool", "state"]
    op.create_index("standing_by_tool", "standing_approvals", columns)
    op.create_table(
        "standing_uses",
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("approval", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_index("standing_uses_by_approval", "standing_uses", ["approval"])


def _repair() -> None:
    """The edits that a repair's working copy is made of, besides its commit."""
    op.create_table(
        "repair_edits",
        sa.Column("copy", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("takes_back", sa.Boolean, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("old", sa.Text, nullable=False),
        sa.Column("new", sa.Text, nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
    )


def downgrade() -> None:
    """Drop them, and what they hold."""
    for table in (
        "repair_edits",
        "batch_documents",
        "batches",
        "standing_uses",
        "standing_approvals",
        "reviews",
        "example_words",
        "examples",
        "outbox",
        "tickets",
        "triage_accounts",
        "triages",
        "passage_words",
        "collections",
        "passages",
        "documents",
    ):
        op.drop_table(table)
