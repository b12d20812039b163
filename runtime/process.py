"""What a worker process is made of, opened in order and closed in the opposite one."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.client import Client

from agents.interop.declared import McpConfigError
from runtime import logs
from runtime.database import Database, DatabaseError, opened
from runtime.encryption_keys import KeyFileError
from runtime.offline_process import OfflineModelFailed, offline_model
from runtime.search_attributes import SearchAttributesMissing, ensure_search_attributes
from runtime.serving import NothingToServe
from runtime.settings import Settings, SettingsError
from runtime.telemetry import Tracing, sdk_runtime
from runtime.temporal import NoServer, connect
from runtime.temporal_key import renewing

STARTUP_ERRORS: Final = (
    DatabaseError,
    KeyFileError,
    McpConfigError,
    NoServer,
    NothingToServe,
    OfflineModelFailed,
    SearchAttributesMissing,
    SettingsError,
)
"""What ends a process with one line that says what to do."""

# How long a step waits for a database that is away before its attempt fails: a restart or a
# failover. Below the 30 s of a step at a run's edges (`policies.RECORD`), whose retries wait again.
_PATIENCE: Final = timedelta(seconds=25)


@dataclass(frozen=True)
class Process:
    """The opened parts.

    Attributes:
        offline_url: Where the offline model serves; empty where a real one does.
        sdk_metrics: URL of the SDK's own metrics.
    """

    settings: Settings
    database: Database
    client: Client
    offline_url: str
    sdk_metrics: str


@asynccontextmanager
async def process(settings: Settings, redact: Callable[[str], str]) -> AsyncGenerator[Process]:
    """Yield a process's parts; everything is flushed and closed at the end.

    Args:
        settings: The process's own.
        redact: Takes personal data and secrets out of what is logged and traced.

    Raises:
        STARTUP_ERRORS: see there; nothing is left open.
    """
    logs.configure(settings, redact)
    tracing = Tracing(settings, redact)
    try:
        async with opened(settings, patience=_PATIENCE) as database:
            runtime, sdk_metrics = sdk_runtime()
            client = await connect(settings, database, runtime=runtime, plugins=tracing.plugins)
            await ensure_search_attributes(client)
            async with (
                tracing.following(client, database),
                renewing(client),
                offline_model(settings) as offline_url,
            ):
                yield Process(settings, database, client, offline_url, sdk_metrics)
    finally:
        tracing.close()
