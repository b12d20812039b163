"""Who comes in: a token, what it may do, and whose runs it sees."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from commands.doors import Door
from commands.http.access import known_as
from commands.http.problems import ProblemError
from commands.http.service import Served
from domain.access import Scope
from runtime.tokens import Token, Tokens

_BEARER: Final = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token of `python starter.py tokens add NAME --role starter`.",
)
_MOST: Final = 200  # characters that any token of ours has at most

Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


class Needs:
    """A dependency: the caller, who must have one of these scopes."""

    def __init__(self, *scopes: Scope) -> None:
        self._scopes = scopes

    async def __call__(self, service: Served, given: Given) -> Token:
        """Return the caller's token.

        Raises:
            ProblemError: There is none, it is not good, or it lacks the scope.
        """
        holder = await _holder(service, given)
        if holder is None:
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED,
                "no-token",
                "a good token is needed: Authorization: Bearer hf_...",
                headers={"WWW-Authenticate": "Bearer"},
            )
        known_as(holder)
        if not set(self._scopes) & set(holder.scopes):
            raise ProblemError(
                HTTPStatus.FORBIDDEN,
                "not-allowed",
                f"the token of {holder.name!r} lacks the scope {' or '.join(self._scopes)}; "
                f"it has {', '.join(holder.scopes)}",
            )
        return holder


async def _holder(service: Served, given: HTTPAuthorizationCredentials | None) -> Token | None:
    if given is None or len(given.credentials) > _MOST:
        return None
    return await Tokens(service.session.database).holder(given.credentials)


def door(service: Served, holder: Token) -> Door:
    """Return the door that a token opens."""
    return Door.of(service.session, holder, four_eyes=service.four_eyes)


Reader = Annotated[Token, Depends(Needs("read"))]
Starter = Annotated[Token, Depends(Needs("start"))]
Approver = Annotated[Token, Depends(Needs("approve"))]
Canceller = Annotated[Token, Depends(Needs("start", "cancel"))]
Mender = Annotated[Token, Depends(Needs("mend"))]
Operator = Annotated[Token, Depends(Needs("operate"))]
