"""The API key to a Temporal server, taken from a file again and again: signed names expire."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from temporalio.client import Client

from runtime.secret_files import SecretFileError, secret

API_KEY: Final = "TEMPORAL_API_KEY"
_EVERY_S: Final = 30.0
_log: Final = structlog.get_logger(__name__)


@asynccontextmanager
async def renewing(client: Client, every_s: float = _EVERY_S) -> AsyncGenerator[None]:
    """Let `client` come in with what the key's file has now, for as long as this is open."""
    task = asyncio.create_task(_renew(client, every_s)) if client.api_key else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _renew(client: Client, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        try:
            key = await asyncio.to_thread(secret, API_KEY)
        except SecretFileError as error:
            # The old one may be good for a while, and a file that is being replaced comes back.
            _log.warning("the Temporal server's key cannot be read", reason=str(error))
            continue
        if key and key != client.api_key:
            client.api_key = key
            _log.info("the Temporal server's key was renewed")
