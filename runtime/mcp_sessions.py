"""Connections to MCP servers: one long-lived session a server and worker process.

A session is opened when it is first wanted, opened anew when it has died, and closed in order
when the worker stops. The values of environment variables are read here and go nowhere else.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import structlog
from mcp import MCPError
from mcp.types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    REQUEST_TIMEOUT,
    CallToolResult,
)
from pydantic import ValidationError

from agents.interop.declared import Declared, DeclaredServer
from agents.interop.pins import PIN, Pin
from agents.toolkit import ToolChangedError, ToolError, ToolUnavailableError
from runtime.mcp_connection import Connection, Unreachable, text_of
from runtime.secret_files import secret

KEY: Final = "holdfast/idempotency-key"
"""Where a write's idempotency key stands in the `_meta` of its request."""

# How long a listing is believed before a read; a write is always preceded by a new one.
_FRESH_S: Final = 60.0
_CLOSING_S: Final = 8.0
_SHORTEST_SECRET: Final = 4
_REFUSED: Final = frozenset({INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND})

_log = structlog.stdlib.get_logger(__name__)


class McpSessions:
    """The sessions of one process, by the servers' names. It is what tools are called through."""

    def __init__(self, declared: Declared, folder: Path, *, quiet: bool = False) -> None:
        self._sessions = {
            name: _Session(name, entry, folder, quiet=quiet)
            for name, entry in declared.servers.items()
        }
        self._warming: list[asyncio.Task[None]] = []

    def warm(self, servers: AbstractSet[str]) -> None:
        """Open sessions in the background, so that the log says early what is not there."""
        self._warming = [asyncio.create_task(self._sessions[name].warm()) for name in servers]

    async def listing(self, server: str) -> Sequence[Pin]:
        """Return a server's tools as it describes them now.

        Raises:
            ToolUnavailableError: It cannot be reached.
        """
        return (await self._sessions[server].live(fresh=True)).tools

    async def call(
        self,
        server: str,
        tool: Pin,
        arguments: dict[str, Any],
        *,
        key: str,
        writes: bool,
        timeout_s: float,
    ) -> str:
        """Call a tool; see `agents.interop.tools.Caller`, which this is."""
        session = self._sessions[server]
        live = await session.ready(fresh=writes)
        _compare(server, tool, live)
        meta: Any = {KEY: key} if writes else None
        try:
            result = await live.client.call_tool(
                tool.name, arguments, read_timeout_seconds=timeout_s, meta=meta
            )
        except MCPError as error:
            raise session.explained(error, live, tool.name) from None
        except (ValidationError, RuntimeError) as error:
            # The call was made. `RuntimeError`, so that a write counts as in doubt.
            reason = f"the answer of {tool.name!r} breaks the protocol: {error}"
            raise RuntimeError(session.hidden(reason)) from None
        return session.read(result)

    async def close(self) -> None:
        """Close all sessions at once; a server that does not end is killed."""
        for task in self._warming:
            task.cancel()
        await asyncio.gather(*self._warming, return_exceptions=True)
        await asyncio.gather(*(each.close() for each in self._sessions.values()))


@asynccontextmanager
async def mcp_sessions(
    declared: Declared, folder: Path, *, quiet: bool = False
) -> AsyncGenerator[McpSessions]:
    """Yield the sessions of `declared`, and close them.

    Args:
        declared: The servers.
        folder: Working folder of the programs that name none: where the file of servers is.
        quiet: The caller tells a person what happens, so that it need not be logged.
    """
    sessions = McpSessions(declared, folder, quiet=quiet)
    try:
        yield sessions
    finally:
        await sessions.close()


def _compare(server: str, tool: Pin, live: Connection) -> None:
    """Refuse a call of what is no longer what was pinned.

    Raises:
        ToolChangedError: The server describes it otherwise, or has it no more.
    """
    now = next((each for each in live.tools if each.name == tool.name), None)
    if now is not None and now.hash == tool.hash:
        return
    what = (
        f"no longer has the tool {tool.name!r}"
        if now is None
        else f"describes the tool {tool.name!r} otherwise ({now.hash}) than pinned ({tool.hash})"
    )
    raise ToolChangedError(
        f"the MCP server {server!r} {what}, so it was not called: compare with `python starter.py "
        f"mcp check`; pin what you accept ({PIN}) and restart the worker, then retry"
    )


class _Session:
    """One server's session, whichever connection it has at the moment."""

    def __init__(self, name: str, entry: DeclaredServer, folder: Path, *, quiet: bool) -> None:
        self._name = name
        self._quiet = quiet
        self._entry = entry
        self._folder = folder
        self._live: Connection | None = None
        self._opening = asyncio.Lock()
        names = {*entry.env.values(), *entry.headers.values()}
        values = {secret(each) for each in names}
        # A value of a few letters is no secret, and would be found in any text.
        kept = (each for each in values if len(each) >= _SHORTEST_SECRET)
        self._secrets = sorted(kept, key=len, reverse=True)

    async def warm(self) -> None:
        with suppress(ToolUnavailableError):
            await self.live(fresh=False)

    async def ready(self, *, fresh: bool) -> Connection:
        """Return a connection, as `live` does, while there is time left for a call.

        A call whose time is up is given up by whoever made it; sent after that, a write would
        happen that nobody counts on any more.

        Raises:
            ToolUnavailableError: It cannot be reached, or only after too long.
        """
        began = time.monotonic()
        live = await self.live(fresh=fresh)
        if time.monotonic() - began > self._entry.connect_s:
            limit = f"it was not ready in {self._entry.connect_s:g} s, so nothing was sent"
            raise ToolUnavailableError(f"the MCP server {self._name!r} is not available: {limit}")
        return live

    async def live(self, *, fresh: bool) -> Connection:
        """Return an open connection whose listing is known, opened anew where it has died.

        Args:
            fresh: The server must have answered just now. What died since the last call is so
                found before anything is sent that could not be taken back.

        Raises:
            ToolUnavailableError: It cannot be reached.
        """
        async with self._opening:
            live = self._live
            if live is not None and live.alive:
                old = live.dirty or time.monotonic() - live.listed_at > _FRESH_S
                if not (fresh or old):
                    return live
                with suppress(Unreachable):
                    await live.look()
                    return live
            await self._drop()
            return await self._open()

    async def _open(self) -> Connection:
        began = time.monotonic()
        live = Connection(self._name, self._entry, self._folder)
        try:
            await live.open()
        except Unreachable as error:
            reason = self.hidden(f"the MCP server {self._name!r} is not available: {error}")
            self._note(logging.WARNING, "mcp server unavailable", reason=reason)
            raise ToolUnavailableError(reason) from None
        self._live = live
        took = round(time.monotonic() - began, 3)
        self._note(logging.INFO, "mcp server connected", tools=len(live.tools), seconds=took)
        return live

    async def _drop(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            reason = self.hidden(live.last_words())
            self._note(logging.WARNING, "mcp server lost", reason=reason)
            await live.close(_CLOSING_S)

    async def close(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            await live.close(_CLOSING_S)

    def _note(self, level: int, event: str, **fields: object) -> None:
        if not self._quiet:
            _log.log(level, event, server=self._name, **fields)

    # --- what came back

    def explained(self, error: MCPError, live: Connection, tool: str) -> Exception:
        """Return what a failed call means: refused, or unknown whether it happened."""
        said = self.hidden(f"{tool}: {error.message}")
        live.notice(error)
        if error.code == REQUEST_TIMEOUT:
            return TimeoutError(f"the MCP server {self._name!r} did not answer {said}")
        if error.code in _REFUSED and live.alive:
            return ToolError(f"the MCP server {self._name!r} refused {said}")
        reason = self.hidden(live.last_words())
        return ConnectionError(f"the MCP server {self._name!r} failed in {said}. {reason}".strip())

    def read(self, result: CallToolResult) -> str:
        """Return a result's text.

        Raises:
            ToolError: The tool says that it failed.
        """
        text = self.hidden(text_of(result))
        if result.is_error:
            raise ToolError(text or "the tool failed and does not say why")
        return text

    def hidden(self, text: str) -> str:
        """Return `text` without the values that this server was given in confidence."""
        for each in self._secrets:
            text = text.replace(each, "[secret]")
        return text
