"""HTTP/1.1 for one host that is loopback: keep-alive, content-length, and replies cut at will.

Not a web framework's: none sends a reply that breaks off, which is what is to be exercised here,
and each would take longer over a body of megabytes than the rest of a turn does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Literal

MAX_BODY: Final = 64_000_000
_MAX_HEAD: Final = 65_536
_BUFFER: Final = 4_000_000


@dataclass(frozen=True)
class Request:
    """What was asked; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """What is answered.

    Attributes:
        fault: `cut`: half of the body, then the connection closes; `hang`: nothing at all, until
            the other side gives up.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/json"
    fault: Literal["", "cut", "hang"] = ""

    def head(self) -> bytes:
        """Return the status line and the headers."""
        known = self.status in HTTPStatus.__members__.values()
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase if known else 'Unknown'}",
            f"content-type: {self.content_type}",
            f"content-length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


Handler = Callable[[Request], Awaitable[Response]]


class Server:
    """Serves one handler; a request that it raises on costs that connection only."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port; 0 takes a free one."""
        self._server = await asyncio.start_server(self._connection, host, port, limit=_BUFFER)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while (request := await _read(reader)) is not None:
                if not await _send(reader, writer, await self._answer(request)):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the other side went away, or does not speak HTTP
        except asyncio.CancelledError:
            pass  # the server stops; asyncio would print the cancelled connection as an error
        finally:
            self._open.discard(writer)
            with suppress(ConnectionError):
                writer.close()

    async def _answer(self, request: Request | Response) -> Response:
        return request if isinstance(request, Response) else await self._handler(request)


async def _read(reader: asyncio.StreamReader) -> Request | Response | None:
    """Return the next request, the refusal of one, or None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
    }
    method, _, rest = first.partition(" ")
    path = rest.rpartition(" ")[0].partition("?")[0]
    size = headers.get("content-length", "0")
    if not size.isdigit() or int(size) > MAX_BODY or len(head) > _MAX_HEAD:
        return Response(413, b'{"error":{"message":"the request is too large"}}', fault="cut")
    if "transfer-encoding" in headers:
        return Response(411, b'{"error":{"message":"send a content-length"}}', fault="cut")
    return Request(method, path, headers, await reader.readexactly(int(size)))


async def _send(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, response: Response
) -> bool:
    """Send `response`; return whether the connection goes on."""
    if response.fault == "hang":
        await reader.read()
        return False
    cut = response.fault == "cut"
    body = response.body[: len(response.body) // 2] if cut else response.body
    writer.write(response.head() + body)
    await writer.drain()
    return not cut
