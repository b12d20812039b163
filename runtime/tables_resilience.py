"""The tables of breakers and pauses. A change here needs a new file in runtime/migrations/."""

from typing import Final

from sqlalchemy import Column, Integer, String, Table, Text

from runtime.tables import METADATA, Instant

BREAKERS: Final = Table(
    "breakers",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("since", Instant, nullable=False),
    # The window under way and the one before it: see domain/breaker.py.
    Column("began", Instant, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failures_before", Integer, nullable=False),
    Column("attempts_before", Integer, nullable=False),
    Column("next_probe", Instant),
    Column("opened", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    # Whoever writes says which version it has read; another one is not written over.
    Column("version", Integer, nullable=False),
)

PAUSES: Final = Table(
    "pauses",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("until", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
