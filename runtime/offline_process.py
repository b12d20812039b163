"""The offline model beside a worker that has no key: a process of its own, on loopback."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from runtime.settings import PROJECT, Settings

_START_TIMEOUT_S: Final = 20.0
_STOP_TIMEOUT_S: Final = 5.0

_log = structlog.stdlib.get_logger(__name__)


class OfflineModelFailed(RuntimeError):
    """The offline model did not start."""


@asynccontextmanager
async def offline_model(settings: Settings) -> AsyncGenerator[str]:
    """Yield the offline model's URL: empty where a key is set, the one given, or a new process's.

    Raises:
        OfflineModelFailed: it ended, or said nothing in twenty seconds.
    """
    if settings.openai_api_key or settings.anthropic_api_key:
        yield ""
    elif settings.offline_url:
        yield settings.offline_url
    else:
        async with _started() as url:
            yield url


@asynccontextmanager
async def _started() -> AsyncGenerator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "runtime.offline",
        # It must not outlive a worker that was killed.
        "--with-parent",
        cwd=PROJECT,
        stdin=DEVNULL,
        stdout=PIPE,
        # Ctrl-C reaches the worker, which ends it when nothing needs it any more.
        start_new_session=True,
    )
    try:
        url = await _address(process)
        _log.warning("no model key is set: the offline stand-in serves", address=url)
        yield url
    finally:
        await _end(process)


async def _address(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        raise OfflineModelFailed("the offline model has no output; report this as a bug")
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_TIMEOUT_S)
        return str(json.loads(line)["address"])
    except (TimeoutError, ValueError) as error:
        raise OfflineModelFailed(
            "the offline model did not start; run `python -m runtime.offline` to see why"
        ) from error


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
