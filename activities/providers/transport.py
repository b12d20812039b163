"""The connection both vendors' SDKs use: no reply above a size, no proxy before loopback."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx2

MAX_REPLY_BYTES = 1_000_000
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class ReplyTooLargeError(httpx2.RemoteProtocolError):
    """A reply went on beyond `MAX_REPLY_BYTES`; reading it was given up."""


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > MAX_REPLY_BYTES:
                raise ReplyTooLargeError(f"the reply is over {MAX_REPLY_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream)


def client_options(base_url: str | None) -> dict[str, Any]:
    """Return what an SDK's HTTP client is made with.

    A response hook and not a transport, since a transport of one's own turns the environment's
    proxies off. They are off for loopback alone, where the offline model serves.
    """
    options: dict[str, Any] = {"event_hooks": {"response": [_bound]}}
    if base_url and urlsplit(base_url).hostname in _LOOPBACK:
        options["trust_env"] = False
    return options
