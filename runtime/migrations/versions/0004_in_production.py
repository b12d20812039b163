"""The tables of what runs in production: a function each, so that each says its own.

Written out, not taken from runtime.tables: a migration says what the tables were then.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create them."""
    _traces()
    _versions()
    _operations()
    _roles()
    _numbers()


def _versions() -> None:
    """Which code can use the tables: these only add, so that of the version before can too."""
    versions = op.create_table(
        "schema_versions",
        sa.Column("revision", sa.String(32), primary_key=True),
        sa.Column("oldest", sa.String(32), nullable=False),
    )
    op.bulk_insert(versions, [{"revision": revision, "oldest": "0003"}])


def _operations() -> None:
    """What operators did, and who asked for a run whose history may be gone."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "operations",
        sa.Column("number", number, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(1_024), nullable=False),
        *(sa.Column(name, sa.String(255), nullable=False) for name in ("tenant", "by", "identity")),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("operations_by_time", "operations", ["at"])
    op.add_column("runs", sa.Column("by", sa.String(255), nullable=False, server_default=""))


def _roles() -> None:
    """Name what tokens could do until now without its being named, so that they still can.

    Starting allowed to cancel any run of the tenant, approving to answer stopped ones.
    """
    tokens = sa.table("tokens", *(sa.column(name, sa.String) for name in ("id", "scopes")))
    more = {"start": "cancel", "approve": "mend"}
    for row in op.get_bind().execute(sa.select(tokens)).all():
        had = row.scopes.split(",")
        now = [*had, *(more[each] for each in had if each in more and more[each] not in had)]
        op.execute(sa.update(tokens).where(tokens.c.id == row.id).values(scopes=",".join(now)))


def _numbers() -> None:
    """What is measured of closed runs, each counted once."""
    op.create_table(
        "numbers",
        sa.Column("name", sa.String(96), primary_key=True),
        sa.Column("labels", sa.String(512), primary_key=True),
        sa.Column("units", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "counted",
        sa.Column("execution", sa.String(64), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("counted_by_time", "counted", ["at"])


def _traces() -> None:
    """How far each execution has been traced."""
    op.create_table(
        "traces",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("workflow_id", sa.String(1_024), nullable=False),
        sa.Column("event", sa.Integer, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("traces_by_end", "traces", ["closed", "at"])
