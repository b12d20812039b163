"""The access log: a line a request, with who and how long, without what was said."""

import secrets
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.tokens import Token

_log: Final = structlog.get_logger(__name__)
_QUIET: Final = ("/healthz", "/readyz")
# Answers are data for programs: no page, no frame, no script, and nobody else's to keep.
_FOR_BROWSERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_BY_TLS_ONLY: Final = ((b"strict-transport-security", b"max-age=31536000"),)
_caller: ContextVar[dict[str, str]] = ContextVar("caller")


def known_as(holder: Token) -> None:
    """Note who makes the request that is under way."""
    _caller.get({}).update(caller=holder.name, tenant=holder.tenant, token=holder.id)


class AccessLog:
    """Middleware: names each request, and logs it when it has ended."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, since = secrets.token_hex(8), time.monotonic()
        who: dict[str, str] = {}
        status = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *_hardened(message.get("headers", []), scope),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        _caller.set(who)
        structlog.contextvars.bind_contextvars(request=request_id)
        try:
            await self._app(scope, receive, named)
        finally:
            if scope["path"] not in _QUIET:
                _tell(scope, status, since, who)
            structlog.contextvars.unbind_contextvars("request")


def _hardened(headers: Iterable[tuple[bytes, bytes]], scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with those that keep browsers and caches from using it."""
    given = list(headers)
    there = {name.lower() for name, _ in given}
    more = _FOR_BROWSERS + (_BY_TLS_ONLY if scope.get("scheme") == "https" else ())
    return [*given, *(each for each in more if each[0] not in there)]


def _tell(scope: Scope, status: int, since: float, who: dict[str, Any]) -> None:
    route = scope.get("route")
    # The pattern and not the address: an address can hold what somebody wrote.
    where = getattr(route, "path", "(nothing there)")
    took = round((time.monotonic() - since) * 1000, 1)
    _log.info("request", method=scope["method"], route=where, status=int(status), ms=took, **who)
