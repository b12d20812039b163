"""What operators did beside the runs, kept for good: caps, tokens, breakers, memory, letters.

A store that changes such a thing writes one row here in the same transaction, so that neither
is there without the other. Nothing updates or removes a row.
"""

import getpass
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from runtime.database import Database
from runtime.tables_operations import OPERATIONS

_O: Final = OPERATIONS.c
_MOST: Final = 255


@dataclass(frozen=True)
class Operation:
    """One thing that an operator did.

    Attributes:
        act: `cap.set`, `token.revoke`: what was changed, and how.
        subject: To what: a token's id, a breaker's name.
        tenant: Whose it is; empty for none, or all.
        by: Who did it, as they claim.
        identity: The account and the host that it was done from.
        detail: What it was changed to; never a secret.
    """

    at: datetime
    act: str
    subject: str
    tenant: str
    by: str
    identity: str
    detail: Mapping[str, Any]


class Operations:
    """Reads what was noted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, statement: sa.Insert) -> None:
        """Keep what `noted` says, where what is done has no transaction of its own."""
        await self._database.run(lambda connection: connection.execute(statement))

    async def between(
        self, since: datetime | None = None, until: datetime | None = None, tenant: str = ""
    ) -> list[Operation]:
        """Return what was done from `since` to before `until`, oldest first."""
        query = sa.select(OPERATIONS).order_by(_O.number)
        if since is not None:
            query = query.where(_O.at >= since)
        if until is not None:
            query = query.where(_O.at < until)
        if tenant:
            query = query.where(_O.tenant == tenant)

        def look(connection: sa.Connection) -> list[Operation]:
            return [_operation(row) for row in connection.execute(query).mappings()]

        return await self._database.run(look)


def noted(act: str, subject: str, *, by: str = "", tenant: str = "", **detail: Any) -> sa.Insert:
    """Return the statement that notes what an operator does, for the transaction that does it."""
    return OPERATIONS.insert().values(
        at=datetime.now(UTC),
        act=act,
        subject=subject[:1_024],
        tenant=tenant[:_MOST],
        by=by[:_MOST],
        identity=identity(),
        detail=json.dumps(detail, default=str, ensure_ascii=False),
    )


def identity() -> str:
    """Return the account and the host of this process, as the SDK names a client."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):
        account = f"uid {os.getuid()}"
    return f"{account}@{socket.gethostname()}"[:_MOST]


def _operation(row: Mapping[Any, Any]) -> Operation:
    fields = {name: row[name] for name in Operation.__dataclass_fields__ if name != "detail"}
    return Operation(**fields, detail=json.loads(row["detail"]))
