"""The tables of what keeps agents on course: a function each, so that each says its own.

Written out, not taken from runtime.tables: a migration says what the tables were then.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create them."""
    _halts()
    _memory()
    _artifact_uses()
    _resilience()
    _transcripts()
    _gateway()


def _memory() -> None:
    """What is remembered, the index of its words, and its embeddings."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "memories",
        sa.Column("number", number, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(255), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("topic", sa.String(255), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        *(sa.Column(name, sa.String(255), nullable=False) for name in ("by", "run_id")),
        sa.Column("untrusted", sa.Boolean, nullable=False),
        sa.Column("episode", sa.Text),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT),
    )
    op.create_index("memories_by_id", "memories", ["id"], unique=True)
    op.create_index("memories_by_scope", "memories", ["tenant", "agent", "kind", "number"])
    op.create_index("memories_by_requester", "memories", ["tenant", "by"])
    op.create_index("memories_by_expiry", "memories", ["expires_at"])
    vector = sa.LargeBinary().with_variant(sa.ARRAY(sa.REAL), "postgresql")
    op.create_table(
        "memory_vectors",
        sa.Column("number", number, primary_key=True, autoincrement=False),
        sa.Column("model", sa.String(128), primary_key=True),
        sa.Column("embedding", vector, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TABLE memory_words (number bigint PRIMARY KEY, words tsvector)")
        op.execute("CREATE INDEX memory_words_index ON memory_words USING gin (words)")
    else:
        op.execute(
            "CREATE VIRTUAL TABLE memory_words USING fts5("
            "scope, words, tokenize='porter unicode61 remove_diacritics 2')"
        )


def _artifact_uses() -> None:
    """Which runs use an artifact; what is kept already counts from today."""
    op.create_table(
        "artifact_uses",
        sa.Column("artifact", sa.String(128), primary_key=True),
        sa.Column("run_id", sa.String(255), primary_key=True),
        sa.Column("used_at", _MOMENT, nullable=False),
    )
    op.create_index("artifact_uses_by_time", "artifact_uses", ["used_at"])
    op.get_bind().execute(
        sa.text(
            "INSERT INTO artifact_uses (artifact, run_id, used_at) "
            "SELECT id, '', :now FROM artifacts"
        ).bindparams(sa.bindparam("now", datetime.now(UTC), _MOMENT))
    )


def _resilience() -> None:
    """Breakers and pauses, which all workers share."""
    op.create_table(
        "breakers",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("since", "began")),
        *(
            sa.Column(name, sa.Integer, nullable=False)
            for name in ("failures", "attempts", "failures_before", "attempts_before")
        ),
        sa.Column("next_probe", _MOMENT),
        sa.Column("opened", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "pauses",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("until", _MOMENT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )


def _halts() -> None:
    """What operators have stopped, and who let it go on."""
    op.create_table(
        "halts",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(1_100), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("name", sa.String(1_000), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("lifted_at", _MOMENT),
        sa.Column("lifted_by", sa.String(255), nullable=False),
        sa.Column("lifted_why", sa.Text, nullable=False),
    )
    op.create_index("halts_by_key", "halts", ["key", "lifted_at"])


def _transcripts() -> None:
    """Messages that workers read of each other, and what stands behind which head."""
    op.create_table(
        "transcript_messages",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_table(
        "transcript_links",
        sa.Column("head", sa.String(64), primary_key=True),
        sa.Column("parent", sa.String(64), nullable=False),
        sa.Column("message", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    for table in ("transcript_messages", "transcript_links"):
        op.create_index(f"{table}_by_time", table, ["at"])


def _gateway() -> None:
    """Whose a bill is, what tenants may spend and have spent, and replies that are used again."""
    name = sa.Column("tenant", sa.String(255), nullable=False, server_default="default")
    op.add_column("spend", name)
    op.create_table(
        "tenant_caps",
        sa.Column("tenant", sa.String(255), primary_key=True),
        sa.Column("period", sa.String(8), primary_key=True),
        *(sa.Column(name, sa.BigInteger) for name in ("tokens", "cost_nano_usd")),
        sa.Column("set_by", sa.String(255), nullable=False),
        sa.Column("set_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "tenant_spend",
        sa.Column("tenant", sa.String(255), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("tokens", "cost_nano_usd")),
    )
    op.create_table(
        "model_answers",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(255), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("hits", sa.Integer, nullable=False),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("kept_at", "expires_at")),
    )
    op.create_index("model_answers_by_age", "model_answers", ["kept_at"])
    op.create_index("model_answers_by_agent", "model_answers", ["tenant", "agent"])
