"""How large a body may be, whether it says so beforehand or not."""

from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from commands.http.problems import ProblemError, answer

_KIND: Final = "content-too-large"
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
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _KIND, self._told)
            return message

        await self._app(scope, counted, send)
