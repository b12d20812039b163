"""Telling Temporal that a long activity is alive, so that a dead worker costs seconds."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from temporalio import activity

# A long timeout is long so that many may be late, not so that few are sent.
_EVERY_S = 1.0


@asynccontextmanager
async def beating() -> AsyncGenerator[None]:
    """Heartbeat every second, or at a third of a shorter timeout, while the body runs."""
    timeout = activity.info().heartbeat_timeout
    if timeout is None:
        yield
        return
    task = asyncio.create_task(_beat(min(_EVERY_S, timeout.total_seconds() / 3)))
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
