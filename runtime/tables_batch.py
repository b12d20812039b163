"""The tables of batches. A change here needs a new file in runtime/migrations/versions/."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from agents.encrypted import EncryptedText
from runtime.tables import METADATA, Instant

BATCHES: Final = Table(
    "batches",
    METADATA,
    Column("run_id", String(255), primary_key=True),
    # The logical run: started again under its id, a batch begins anew.
    Column("lineage", String(64), nullable=False),
    # What the batch was asked, so that another one can go on where it ended.
    Column("request", EncryptedText("batches.request"), nullable=False),
    Column("others", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
)

BATCH_DOCUMENTS: Final = Table(
    "batch_documents",
    METADATA,
    Column("run_id", String(255), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", EncryptedText("batch_documents.reason"), nullable=False),
    Column("fields", EncryptedText("batch_documents.fields"), nullable=False),
    Column("child", String(255), nullable=False),
    Column("tokens", BigInteger, nullable=False),
    # Billionths of a dollar, as in the spend ledger.
    Column("cost_nano_usd", BigInteger, nullable=False),
    Column("settled_at", Instant),
    Index("batch_documents_by_state", "run_id", "state", "position"),
)
