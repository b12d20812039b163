"""What goes wrong, as RFC 9457 has it: a kind for programs, and plain words for their authors.

Nothing of a cause that is ours is told to the outside; the log has it, under the request's id.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from temporalio.service import RPCError, RPCStatusCode

from commands.refusals import (
    DoorError,
    KeyReused,
    NobodyServes,
    NotAllowed,
    NotCounted,
    OwnRun,
    UnfitInput,
    UnknownRun,
)

MEDIA_TYPE: Final = "application/problem+json"
PREFIX: Final = "urn:holdfast:problem:"
_HOLE: Final = re.compile(r"\{[^}]+\}")
_AGAIN_S: Final = "5"
_log: Final = structlog.get_logger(__name__)

_STATUS: Final[dict[type[DoorError], int]] = {
    UnknownRun: HTTPStatus.NOT_FOUND,
    UnfitInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotCounted: HTTPStatus.CONFLICT,
    NobodyServes: HTTPStatus.SERVICE_UNAVAILABLE,
    NotAllowed: HTTPStatus.FORBIDDEN,
    OwnRun: HTTPStatus.FORBIDDEN,
}
_AWAY: Final = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED}


class Wrong(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Where it is.", examples=["input.limits.steps"])
    message: str = Field(examples=["Input should be greater than or equal to 1"])


class Problem(BaseModel):
    """Why a request was turned away; nothing was changed by it."""

    type: str = Field(description="The kind of problem.", examples=[f"{PREFIX}unfit-input"])
    title: str = Field(description="The status in words.", examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(
        description="What is the matter, and what to do.",
        examples=["input.limits.steps: Input should be greater than or equal to 1"],
    )
    errors: list[Wrong] = Field(default=[], description="The fields that are wrong.")


class ProblemError(HTTPException):
    """A problem that a route found itself."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.kind = kind
        self.fields = dict(fields or {})


def phrase(status: int) -> str:
    """Return a status in words, the same under every Python."""
    return {413: "Content Too Large", 422: "Unprocessable Content"}.get(
        status, HTTPStatus(status).phrase
    )


def answer(
    status: int,
    kind: str,
    detail: str,
    *,
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a problem as a response."""
    problem = Problem(
        type=f"{PREFIX}{kind}",
        title=phrase(status),
        status=status,
        detail=detail,
        errors=[Wrong(field=name, message=message) for name, message in (fields or {}).items()],
    )
    content = problem.model_dump(exclude_defaults=not fields)
    return JSONResponse(content, status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Tell every error of `app` as a problem."""
    handlers: dict[Any, Any] = {
        DoorError: _refused,
        RequestValidationError: _invalid,
        HTTPException: _http,
        RPCError: _server,
        DBAPIError: _database,
        Exception: _bug,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _refused(_: Request, error: DoorError) -> JSONResponse:
    status = _STATUS.get(type(error), HTTPStatus.BAD_REQUEST)
    fields = error.fields if isinstance(error, UnfitInput) else {}
    headers = {"Retry-After": _AGAIN_S} if isinstance(error, NobodyServes) else {}
    return answer(status, error.kind, str(error), fields=fields, headers=headers)


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    wrong = cast("list[dict[str, Any]]", error.errors())
    fields = {_place(each["loc"]): str(each["msg"]) for each in wrong}
    if fields.keys() == {"body"} and request.headers.get("content-length", "0") != "0":
        return _no_json(request, fields)
    where, what = next(iter(fields.items()))
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return answer(status, "unfit-request", f"{where}: {what}", fields=fields)


def _no_json(request: Request, fields: Mapping[str, str]) -> JSONResponse:
    media = request.headers.get("content-type", "")
    if "json" not in media:
        return answer(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            f"the body is declared as {media[:80]!r}; send Content-Type: application/json",
        )
    return answer(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "unfit-request",
        "the body is JSON, but not an object with the fields that this needs",
        fields=fields,
    )


def _place(where: tuple[str | int, ...]) -> str:
    """Return a field's place without where FastAPI has found it: body, path, query, header."""
    inner = where[1:] if where[0] in {"body", "path", "query", "header"} else where
    return ".".join(map(str, inner)) or str(where[0])


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_methods(request))}
    if isinstance(error, ProblemError):
        return answer(
            error.status_code, error.kind, error.detail, fields=error.fields, headers=headers
        )
    kind = phrase(error.status_code).lower().replace(" ", "-")
    return answer(error.status_code, kind, _WORDS.get(error.status_code, kind), headers=headers)


def _methods(request: Request) -> list[str]:
    """Return what can be done at an address, over all routes that have it."""
    found: set[str] = set()
    for template, item in request.app.openapi()["paths"].items():
        if re.fullmatch(_HOLE.sub(".+", template), request.url.path):
            found |= {method.upper() for method in item}
    return sorted(found)


_WORDS: Final[dict[int, str]] = {
    404: "there is nothing here; /openapi.json says what there is",
    405: "this is not done with that method; /openapi.json says with which",
}


async def _server(_: Request, error: RPCError) -> JSONResponse:
    _log.warning("the Temporal server refused", status=error.status.name, reason=error.message)
    if error.status in _AWAY:
        return answer(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "no-server",
            "the Temporal server does not answer; nothing is lost: send the same request again",
            headers={"Retry-After": _AGAIN_S},
        )
    return await _bug(_, error)


async def _database(_: Request, error: DBAPIError) -> JSONResponse:
    _log.warning("the database refused", exc_info=error)
    return answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "no-database",
        "the database does not answer; nothing is lost: send the same request again",
        headers={"Retry-After": _AGAIN_S},
    )


async def _bug(_: Request, error: Exception) -> JSONResponse:
    _log.error("unexpected error", exc_info=error)
    return answer(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "unexpected",
        "this is a bug of the service; its log has the cause, under this answer's X-Request-Id",
    )
