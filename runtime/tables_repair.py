"""The table of repairs. A change here needs a new file in runtime/migrations/versions/."""

from typing import Final

from sqlalchemy import Boolean, Column, Integer, String, Table, Text

from agents.encrypted import EncryptedText
from runtime.tables import METADATA, Instant

REPAIR_EDITS: Final = Table(
    "repair_edits",
    METADATA,
    # The repair's lineage: a copy is a commit and the edits under this name.
    Column("copy", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", String(128), nullable=False),
    Column("takes_back", Boolean, nullable=False),
    Column("path", Text, nullable=False),
    Column("old", EncryptedText("repair_edits.old"), nullable=False),
    Column("new", EncryptedText("repair_edits.new"), nullable=False),
    Column("made_at", Instant, nullable=False),
)
