"""The tables of shared transcripts. A change here needs a new file in runtime/migrations/versions/.

A message is there once, whoever says it; a link says what stands behind which head.
"""

from typing import Final

from sqlalchemy import Column, Index, String, Table

from agents.encrypted import EncryptedText
from runtime.tables import METADATA, Instant

TRANSCRIPT_MESSAGES: Final = Table(
    "transcript_messages",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("message", EncryptedText("transcript_messages.message"), nullable=False),
    Column("at", Instant, nullable=False),
    Index("transcript_messages_by_time", "at"),
)

TRANSCRIPT_LINKS: Final = Table(
    "transcript_links",
    METADATA,
    Column("head", String(64), primary_key=True),
    Column("parent", String(64), nullable=False),
    Column("message", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Index("transcript_links_by_time", "at"),
)
