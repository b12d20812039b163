"""Telling Temporal that a long activity is alive, so that a dead worker costs seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from temporalio import activity


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Heartbeat at a third of the activity's timeout while the body runs."""
    timeout = activity.info().heartbeat_timeout
    if timeout is None:
        yield
        return
    task = asyncio.create_task(_beat(timeout.total_seconds() / 3))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _beat(seconds: float) -> None:
    while True:  # the start itself counts as the first beat
        await asyncio.sleep(seconds)
        activity.heartbeat()
