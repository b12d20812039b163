"""The agents of a worker, with the tools that MCP servers lend them."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import NoReturn

import structlog

from agents.interop import declared, pins
from agents.interop.tools import equipped
from agents.toolkit import Agent, ToolUnavailableError
from runtime.settings import Settings

_log = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def lent(settings: Settings, agents: Mapping[str, Agent]) -> AsyncGenerator[dict[str, Agent]]:
    """Yield `agents` with their lent tools; the servers' sessions are closed at the end.

    What agents are offered comes from the pins, so no server needs to be there: one that is not
    is named in the log, and its tools are not available until it is.

    Raises:
        McpConfigError: The file of servers, or the pins, cannot be used.
    """
    file = settings.mcp_file
    if file is None:
        yield dict(agents)
        return
    # A worker without servers starts without their SDK.
    from runtime.mcp_sessions import mcp_sessions  # noqa: PLC0415

    servers = declared.load(file)
    pinned = pins.load(file)
    async with mcp_sessions(servers, file.parent) as sessions:
        ready = equipped(agents, servers, pinned, sessions)
        for problem in ready.problems:
            _log.warning("mcp tools not offered", reason=problem)
        sessions.warm({server for server, _ in ready.names})
        yield ready.agents


def as_pinned(settings: Settings, agents: Mapping[str, Agent]) -> dict[str, Agent]:
    """Return `agents` with their lent tools, to tell of: none of those can be called.

    Raises:
        McpConfigError: The file of servers, or the pins, cannot be used.
    """
    file = settings.mcp_file
    if file is None:
        return dict(agents)
    return equipped(agents, declared.load(file), pins.load(file), _Nobody()).agents


class _Nobody:
    """Calls no server."""

    async def call(self, *_: object, **__: object) -> NoReturn:
        """Refuse.

        Raises:
            ToolUnavailableError: Always.
        """
        raise ToolUnavailableError("this process calls no tools; a worker does")
