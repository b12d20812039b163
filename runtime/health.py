"""A worker's own page: /metrics, /healthz and /readyz, on loopback unless told otherwise."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog

_READ_TIMEOUT_S: Final = 5.0
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Page:
    """What is answered to one request."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK


Handler = Callable[[], Awaitable[Page]]


@asynccontextmanager
async def served(host: str, port: int, pages: dict[str, Handler]) -> AsyncGenerator[str]:
    """Serve `pages` by path and yield the address; a taken port is another worker's, so any.

    A worker must not fail because its page cannot have the port it asked for.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            await asyncio.wait_for(_answer(reader, writer, pages), _READ_TIMEOUT_S)
        writer.close()

    try:
        server = await asyncio.start_server(answer, host, port)
    except OSError:
        server = await asyncio.start_server(answer, host, 0)
    bound: tuple[str, int] = server.sockets[0].getsockname()[:2]
    address = f"http://{bound[0]}:{bound[1]}"
    if port not in {0, bound[1]}:
        _log.warning("metrics port taken, using another", wanted=port, address=address)
    async with server:
        yield address


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pages: dict[str, Handler]
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    method, path, *_ = head.split(" ", 2)
    handler = pages.get(path.partition("?")[0])
    if method not in {"GET", "HEAD"} or handler is None:
        page = Page(f"not found; there are {sorted(pages)}\n".encode(), HTTPStatus.NOT_FOUND)
    else:
        page = await handler()
    writer.write(
        f"HTTP/1.1 {page.status.value} {page.status.phrase}\r\nContent-Type: {_TEXT}\r\n"
        f"Content-Length: {len(page.body)}\r\nConnection: close\r\n\r\n".encode()
        + (b"" if method == "HEAD" else page.body)
    )
    await writer.drain()
