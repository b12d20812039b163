"""What deletes what has been kept for long enough: a task beside the worker, once an hour.

Several workers may sweep at once; what one has deleted the other does not find. Without a retention
in the settings, nothing is deleted but what said itself when it expires, and the copies of messages
that a run's history has anyway.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from random import uniform
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from runtime.artifact_uses import ArtifactUses, Standing, StandingOf
from runtime.database import Database
from runtime.memory import Memories
from runtime.settings import Settings
from runtime.shelf import Shelf

_EVERY: Final = timedelta(hours=1)
_FIRST: Final = timedelta(minutes=1)  # not while the runs of before are being taken up again

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Swept:
    """How much a sweep has deleted."""

    memories: int = 0
    artifacts: int = 0
    messages: int = 0


def standings(client: Client) -> StandingOf:
    """Return what asks the server whether a run is under way."""

    async def standing_of(run_id: str) -> Standing:
        if not run_id:
            return "gone"
        try:
            found = await client.get_workflow_handle(run_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return "gone"
            raise
        return "open" if found.status is WorkflowExecutionStatus.RUNNING else "closed"

    return standing_of


async def sweep_memories(settings: Settings, database: Database) -> int:
    """Delete what is remembered beyond its time; return how much that was."""
    now = datetime.now(UTC)
    return await Memories(database, settings.memory_retention).sweep(now)


async def sweep_artifacts(database: Database, client: Client, retention: timedelta | None) -> int:
    """Delete artifacts that nobody has used for the retention; return how many."""
    if retention is None:
        return 0
    uses = ArtifactUses(database)
    return await uses.sweep(retention, standings(client), datetime.now(UTC))


@asynccontextmanager
async def sweeping(settings: Settings, database: Database, client: Client) -> AsyncGenerator[None]:
    """Sweep once an hour, for as long as the context lasts."""

    async def sweep() -> None:
        wait = _FIRST
        while True:
            # By chance, so that workers that were started together do not sweep together.
            await asyncio.sleep(wait.total_seconds() * uniform(0.9, 1.1))  # noqa: S311
            wait = _EVERY
            try:
                swept = Swept(
                    await sweep_memories(settings, database),
                    await sweep_artifacts(database, client, settings.artifact_retention),
                    await Shelf(database).sweep(datetime.now(UTC)),
                )
            except (SQLAlchemyError, RPCError, OSError) as error:
                _log.warning("nothing was swept away; the next hour will do", reason=str(error))
                continue
            if swept != Swept():
                _log.info("swept", **asdict(swept))

    task = asyncio.create_task(sweep())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
