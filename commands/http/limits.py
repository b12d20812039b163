"""How large a body may be, whether it says so beforehand or not, and how long it may take."""

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from commands.http.problems import ProblemError, answer

_KIND: Final = "content-too-large"
_SLOW: Final = "too-slow"
_PATIENCE_S: Final = 30.0  # for the whole body: whoever sends a byte a minute holds a connection
_TOO_SLOW: Final = f"the body did not come within {_PATIENCE_S:.0f} s; nothing was changed"
_TOLD: Final = (
    "the body is larger than {:,} bytes; put long material where a tool of the agent can read it"
)


class BodyLimit:
    """Middleware: refuses what is declared too large, and stops reading what turns out so."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._told = _TOLD.format(most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > self._most:
            refusal = answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _KIND, self._told)
            await refusal(scope, receive, send)
            return
        read, whole = 0, False
        until = asyncio.get_running_loop().time() + _PATIENCE_S

        async def counted() -> Message:
            nonlocal read, whole
            if whole:  # what comes now is that the client has gone, which may take for ever
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise ProblemError(HTTPStatus.REQUEST_TIMEOUT, _SLOW, _TOO_SLOW) from None
            whole = not message.get("more_body", False)
            read += len(message.get("body", b""))
            if read > self._most:
                raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _KIND, self._told)
            return message

        await self._app(scope, counted, send)
