"""Who comes in by a protocol of its own: the tokens of the HTTP service, before any application.

There is one way to know a caller, `Tokens.holder`; this puts it before applications that others
have written, and leaves the token where they can find it.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final, cast

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from commands.doors import Door
from commands.http.access import known_as
from commands.http.problems import answer
from commands.refusals import NotAllowed
from commands.session import Session
from domain.access import Scope as May
from runtime.tokens import Token, Tokens

_MOST: Final = 200  # characters that any token of ours has at most
_HOLDER: Final = "holder"


class Gate:
    """Middleware: lets in whoever brings a good token, and anybody to what `is_open` names."""

    def __init__(self, app: ASGIApp, session: Session, is_open: Callable[[str], bool]) -> None:
        self._app = app
        self._tokens = Tokens(session.database)
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not self._is_open(scope["path"]):
            holder = await self._holder(Headers(scope=scope).get("authorization", ""))
            if holder is None:
                await _refusal()(scope, receive, send)
                return
            known_as(holder)
            scope.setdefault("state", {})[_HOLDER] = holder
        await self._app(scope, receive, send)

    async def _holder(self, header: str) -> Token | None:
        kind, _, text = header.partition(" ")
        if kind.lower() != "bearer" or not 0 < len(text) <= _MOST:
            return None
        return await self._tokens.holder(text.strip())


def _refusal() -> JSONResponse:
    return answer(
        HTTPStatus.UNAUTHORIZED,
        "no-token",
        "a good token is needed: Authorization: Bearer hf_...; "
        "`python starter.py tokens add NAME --role starter` makes one",
        headers={"WWW-Authenticate": "Bearer"},
    )


def door_of(session: Session, scope: Scope, may: May, starts: str = "") -> Door:
    """Return the door that the caller's token opens.

    Args:
        session: A connected session.
        scope: The request, which has passed the gate.
        may: The scope that the token needs.
        starts: A workflow that the caller wants to start.

    Raises:
        NotAllowed: The token lacks it, or may not start that.
    """
    holder = cast("Token", scope["state"][_HOLDER])
    if may not in holder.scopes:
        raise NotAllowed(
            f"the token of {holder.name!r} lacks the scope {may!r}; it has "
            f"{', '.join(holder.scopes)}"
        )
    if starts and holder.workflows and starts not in holder.workflows:
        raise NotAllowed(
            f"the token of {holder.name!r} may start only {', '.join(holder.workflows)}"
        )
    return Door.of(session, holder)
