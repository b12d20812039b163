"""The table of what operators did. A change here needs a new file in runtime/migrations/versions/.

Other tables say how things stand; who changed a cap or gave out a token is only here.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from runtime.tables import METADATA, Instant

# SQLite counts by itself only in a column of this very type.
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

OPERATIONS: Final = Table(
    "operations",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    # What was done: "cap.set", "token.revoke".
    Column("act", String(64), nullable=False),
    # To what: a token's id, a breaker's name.
    Column("subject", String(1_024), nullable=False),
    # Empty: no tenant's, or that of all.
    Column("tenant", String(255), nullable=False),
    # As they claim, and the account and host that the command ran under.
    Column("by", String(255), nullable=False),
    Column("identity", String(255), nullable=False),
    # JSON; never a secret.
    Column("detail", Text, nullable=False),
    Index("operations_by_time", "at"),
)
