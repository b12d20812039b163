"""Waiting for a database that is away: restarted, failed over, or cut off.

Only PostgreSQL can be. A worker's step waits for it instead of failing, since what failed would
use up attempts that are meant for other troubles, and in the end put a person before a run that
nothing is wrong with.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

# A host that has vanished says nothing: without these a statement waits for it for hours.
_ALIVE: Final[Mapping[str, int]] = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0

_Out = TypeVar("_Out")


class _AwayError(Exception):
    """The server is away, and nothing of the work is kept; `error` says it in its own words."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__(str(error))
        self.error = error


async def patiently(ask: Callable[[], Awaitable[_Out]], patience: timedelta) -> _Out:
    """Ask again while the database is away and the patience lasts; holds no thread meanwhile.

    Raises:
        DBAPIError: It stayed away.
    """
    until = time.monotonic() + patience.total_seconds()
    pause = _FIRST_PAUSE_S
    while True:
        try:
            return await ask()
        except _AwayError as away:
            if time.monotonic() + pause > until:
                raise away.error from None
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


async def connected(engine: AsyncEngine) -> AsyncConnection:
    """Return a connection that answered a moment ago."""
    try:
        return await engine.connect()
    except OperationalError as error:
        raise _AwayError(error) from error


def in_transaction(engine: Engine, work: Callable[[Connection], _Out]) -> _Out:
    """Do `work` in a transaction; one that broke before its commit counts as not begun."""
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise _AwayError(error) from error
    with connection, connection.begin() as transaction:
        try:
            made = work(connection)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise _AwayError(error) from error
            raise
        transaction.commit()
        return made


def connecting(url: URL) -> dict[str, Any]:
    """Return what a connection is made with; what the URL says itself holds."""
    if url.get_backend_name() == "sqlite":
        return {}
    return {name: value for name, value in _ALIVE.items() if name not in url.query}
