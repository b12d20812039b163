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
    _create_documents()


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


def downgrade() -> None:
    """Drop them, and what they hold."""
    for table in ("passage_words", "collections", "passages", "documents"):
        op.drop_table(table)
