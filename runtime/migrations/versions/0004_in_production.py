"""The tables of what runs in production: a function each, so that each says its own.

Written out, not taken from runtime.tables: a migration says what the tables were then.
"""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create them."""
