"""The tables of what keeps agents on course: a function each, so that each says its own.

Written out, not taken from runtime.tables: a migration says what the tables were then.
"""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create them."""
