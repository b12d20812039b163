"""The tables of what is measured of closed runs. A change needs a new file in migrations/."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, String, Table

from runtime.tables import METADATA, Instant

NUMBERS: Final = Table(
    "numbers",
    METADATA,
    Column("name", String(96), primary_key=True),
    # Values of the labels, as a JSON list.
    Column("labels", String(512), primary_key=True),
    # Of the smallest unit of `domain/measures.py`: whole numbers, so that sums are exact.
    Column("units", BigInteger, nullable=False),
)

COUNTED: Final = Table(
    "counted",
    METADATA,
    # An execution of a run; kept for as long as its last step could be taken again.
    Column("execution", String(64), primary_key=True),
    Column("at", Instant, nullable=False),
    Index("counted_by_time", "at"),
)
