"""One connection to an MCP server: a program that was started, or an address, until it dies.

The SDK wants a connection to be entered and left by the same task, so one owns it.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import IO, Final, cast

import httpx2
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    CONNECTION_CLOSED,
    INVALID_REQUEST,
    AudioContent,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    Implementation,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
    ToolListChangedNotification,
)
from pydantic import ValidationError

from agents.interop.declared import DeclaredServer
from agents.interop.pins import Pin
from domain.contract import canonical
from runtime.secret_files import secret

_LOOK_S: Final = 10.0
_MOST_PAGES: Final = 50
_MOST_TOOLS: Final = 1_000
_TAIL: Final = 600
# What a program says on stderr is kept for its last words, and no more of it than this.
_MOST_LOG: Final = 1_000_000
_ME: Final = Implementation(name="holdfast", version="0.1.0")


class Unreachable(Exception):
    """The server cannot be reached, or does not answer as one."""


class Connection:
    """A connection.

    Attributes:
        client: The SDK's client, once it is open.
        tools: As the server last listed them.
        dirty: The server has said that its tools have changed since.
    """

    def __init__(self, name: str, entry: DeclaredServer, folder: Path) -> None:
        self._name = name
        self._entry = entry
        self._folder = folder
        self._stop = asyncio.Event()
        self._owner: asyncio.Task[None] | None = None
        self._log: IO[str] | None = None
        self._failure = ""
        self._http_status = 0
        self.client: Client
        self.tools: tuple[Pin, ...] = ()
        self.listed_at = 0.0
        self.dirty = False

    @property
    def alive(self) -> bool:
        """Whether nothing is known against it; a server may have died unnoticed."""
        return self._owner is not None and not self._owner.done() and not self._stop.is_set()

    async def open(self) -> None:
        """Start the program or connect, shake hands, list the tools.

        Raises:
            Unreachable: One of that failed, or took longer than it may.
        """
        opened: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(self._own(opened))
        try:
            async with asyncio.timeout(self._entry.connect_s):
                self.client = await asyncio.shield(opened)
                await self.look()
        except TimeoutError:
            words = self.last_words()
            await self.close(_LOOK_S)
            limit = f"no answer in {self._entry.connect_s:g} s"
            raise Unreachable(f"{limit}. {words}".strip()) from None
        except BaseException:
            await self.close(_LOOK_S)
            raise

    async def _own(self, opened: "asyncio.Future[Client]") -> None:
        """Hold the connection from its beginning to its end."""
        try:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(await self._client(stack))
                opened.set_result(client)
                await self._stop.wait()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the connection is gone
            self._failure = self._failure or _innermost(error)
            if not opened.done():
                words = self.last_words()
                opened.set_exception(Unreachable(words))
        finally:
            self._stop.set()
            if not opened.done():
                opened.cancel()

    async def look(self) -> None:
        """List the server's tools.

        Raises:
            Unreachable: It does not answer, or not with a list.
        """
        found: list[Pin] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(min(_LOOK_S, self._entry.connect_s)):
                for _ in range(_MOST_PAGES):
                    page = await self.client.list_tools(cursor=cursor, cache_mode="refresh")
                    found += [_pin(tool) for tool in page.tools]
                    cursor = page.next_cursor
                    if cursor is None or len(found) > _MOST_TOOLS:
                        break
        except (MCPError, TimeoutError, ValidationError, RuntimeError) as error:
            self._failure = self._failure or f"listing its tools: {error or 'no answer'}"
            raise Unreachable(self.last_words()) from None
        self.tools = tuple(found[:_MOST_TOOLS])
        self.listed_at = time.monotonic()
        self.dirty = False
        self._shorten_log()

    def notice(self, error: MCPError) -> None:
        """Give the connection up where an error says that it has ended."""
        # A server that was restarted has forgotten its sessions, and refuses whatever is asked.
        forgotten = error.code == INVALID_REQUEST and error.message == "Session terminated"
        if forgotten or error.code == CONNECTION_CLOSED:
            self._stop.set()

    async def close(self, patience_s: float) -> None:
        """End the connection, and the program with it."""
        owner = self._owner
        self._stop.set()
        if owner is not None and not owner.done():
            if not hasattr(self, "client"):
                owner.cancel()  # it has not come far enough to look at `_stop`
            await asyncio.wait({owner}, timeout=patience_s)
            owner.cancel()
            await asyncio.wait({owner}, timeout=1)
        if self._log is not None:
            self._log.close()
            self._log = None

    # --- what it is made of

    async def _client(self, stack: AsyncExitStack) -> Client:
        entry = self._entry
        if entry.url:
            http = httpx2.AsyncClient(
                headers=_values(entry.headers),
                timeout=httpx2.Timeout(30, read=None),
                event_hooks={"response": [self._note_status]},
            )
            await stack.enter_async_context(http)
            transport = streamable_http_client(entry.url, http_client=http)
        else:
            # The file is the connection's: `close` closes it, after its last words were read.
            self._log = tempfile.TemporaryFile("a+", encoding="utf-8", errors="replace")  # noqa: SIM115
            transport = stdio_client(self._program(), errlog=self._log)
        return Client(
            transport,
            client_info=_ME,
            read_timeout_seconds=entry.connect_s,
            message_handler=self._heard,
            cache=None,
        )

    def _program(self) -> StdioServerParameters:
        entry = self._entry
        # A program that was installed with Holdfast is found although the PATH lacks its folder.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        command = shutil.which(entry.command, path=path)
        if command is None:
            raise Unreachable(f"there is no program {entry.command!r}; install it, or correct it")
        cwd = self._folder / entry.cwd
        if not cwd.is_dir():
            raise Unreachable(f"its working folder {str(cwd)!r} is not there")
        return StdioServerParameters(
            command=command, args=list(entry.args), env=_values(entry.env), cwd=cwd
        )

    async def _note_status(self, response: httpx2.Response) -> None:
        self._http_status = response.status_code

    async def _heard(self, message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            self.dirty = True

    # --- its last words

    def last_words(self) -> str:
        """Return why it failed, and what a program said last, in one line."""
        parts = [self._failure]
        if self._http_status >= httpx2.codes.BAD_REQUEST:
            parts.append(f"it answered HTTP {self._http_status}")
        if self._log is not None and not self._log.closed:
            with suppress(OSError, ValueError):
                size = self._log.seek(0, os.SEEK_END)
                self._log.seek(max(size - _TAIL, 0))
                lines = [line.strip() for line in self._log.read().splitlines() if line.strip()]
                parts += [f"it said: {lines[-1]}"] if lines else []
        return "; ".join(part for part in parts if part)

    def _shorten_log(self) -> None:
        """Forget what a talkative program said, which appends, before it fills the disk."""
        if self._log is not None and os.fstat(self._log.fileno()).st_size > _MOST_LOG:
            os.ftruncate(self._log.fileno(), 0)


def _values(names: dict[str, str]) -> dict[str, str]:
    """Return the values that the worker's environment has under `names`.

    Raises:
        Unreachable: One is not set.
    """
    values = {name: secret(name) for name in names.values()}
    lacking = sorted(name for name, value in values.items() if not value)
    if lacking:
        raise Unreachable(f"the variable {lacking[0]} is not set where the worker runs; set it")
    return {ours: values[name] for ours, name in names.items()}


def _pin(tool: Tool) -> Pin:
    parameters = tool.input_schema
    return Pin(name=tool.name, description=tool.description or "", parameters=parameters)


def _innermost(error: BaseException) -> str:
    found: BaseException = error
    while isinstance(found, BaseExceptionGroup):
        found = cast("BaseExceptionGroup[BaseException]", found).exceptions[0]
    if isinstance(found, Unreachable):
        return str(found)
    text = " ".join(str(found).split())
    return f"{type(found).__name__}: {text}" if text else type(found).__name__


def text_of(result: CallToolResult) -> str:
    """Return a result as the text that a model reads; what is no text is named and left out."""
    parts = [_text(block) for block in result.content]
    if not parts and result.structured_content is not None:
        return canonical(result.structured_content).decode()
    return "\n".join(parts)


def _text(block: object) -> str:
    if isinstance(block, TextContent):
        return block.text
    if isinstance(block, ImageContent | AudioContent):
        return f"[{block.type} of type {block.mime_type}: not shown]"
    if isinstance(block, ResourceLink):
        return f"[resource {block.name}: {block.uri}]"
    if isinstance(block, EmbeddedResource):
        inner = block.resource
        if isinstance(inner, TextResourceContents):
            return inner.text
        return f"[resource {inner.uri} of type {inner.mime_type}: not shown]"
    return "[content of an unknown type: not shown]"
