"""The tables of the model gateway. A change needs a new file in runtime/migrations/versions/."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from agents.encrypted import EncryptedText
from runtime.tables import METADATA, Instant

MODEL_ANSWERS: Final = Table(
    "model_answers",
    METADATA,
    # Hash of tenant, agent, model and request: what is equal in all of them is one answer.
    Column("key", String(64), primary_key=True),
    Column("tenant", String(255), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("model", String(128), nullable=False),
    Column("reply", EncryptedText("model_answers.reply"), nullable=False),
    Column("hits", Integer, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("model_answers_by_age", "kept_at"),
    Index("model_answers_by_agent", "tenant", "agent"),
)

TENANT_CAPS: Final = Table(
    "tenant_caps",
    METADATA,
    Column("tenant", String(255), primary_key=True),
    Column("period", String(8), primary_key=True),
    # None: not capped.
    Column("tokens", BigInteger),
    Column("cost_nano_usd", BigInteger),
    Column("set_by", String(255), nullable=False),
    Column("set_at", Instant, nullable=False),
)

TENANT_SPEND: Final = Table(
    "tenant_spend",
    METADATA,
    Column("tenant", String(255), primary_key=True),
    # Of the reservation, in UTC, as 2026-01-31: a month is the sum of its days.
    Column("day", String(10), primary_key=True),
    Column("tokens", BigInteger, nullable=False),
    Column("cost_nano_usd", BigInteger, nullable=False),
)
