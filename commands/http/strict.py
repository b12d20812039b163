"""JSON bodies as RFC 8259 has them: no NaN, no key twice, no nesting without end."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from commands.http.problems import ProblemError
from domain.contract import strict_json


class StrictRequest(Request):
    """A request whose body is parsed as strictly as what a model writes."""

    async def json(self) -> Any:
        """Return the body.

        Raises:
            ProblemError: It is not JSON.
        """
        return parsed(await self.body())


class StrictRoute(APIRoute):
    """A route whose bodies are parsed strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, given a strict request."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return strict


def parsed(body: bytes) -> Any:
    """Return a JSON body.

    Raises:
        ProblemError: It is not JSON.
    """
    try:
        return strict_json(body.decode())
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except ValueError as error:
        reason = str(error)
    raise ProblemError(
        HTTPStatus.BAD_REQUEST, "malformed-json", f"the body cannot be read as JSON: {reason}"
    )
