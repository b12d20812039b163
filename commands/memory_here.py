"""Long-term memory as a command uses it: beside whatever embedding model the settings name."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from activities.memory import Remembrance
from agents.registry import agents
from commands.bench import OFFLINE_RECORD
from commands.remembrance import remembrance
from runtime.database import opened
from runtime.settings import Settings


@asynccontextmanager
async def from_here(agent: str) -> AsyncGenerator[tuple[Remembrance, bool]]:
    """Yield the memory as a command uses it, and whether the agent's words are private."""
    settings = Settings.load()
    spec = agents()[agent].spec() if agent in agents() else None
    async with opened(settings) as database:
        memory = remembrance(settings, database, _stand_in(settings))
        try:
            yield memory, spec is not None and spec.private
        finally:
            await memory.close()


def _stand_in(settings: Settings) -> str:
    """Return where the stand-in of `up` listens; nothing where a real model serves."""
    if settings.openai_api_key or settings.anthropic_api_key:
        return ""
    if settings.offline_url:
        return settings.offline_url
    with suppress(OSError, ValueError, KeyError):
        record = (settings.home / OFFLINE_RECORD).read_text(encoding="utf-8")
        return str(json.loads(record)["address"])
    return ""
