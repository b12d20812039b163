"""Route: a delivery of a known sender starts a run."""

import time
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request

from commands.doors import Door
from commands.http import hooks
from commands.http.problems import ProblemError
from commands.http.runs import told
from commands.http.service import Served
from commands.http.strict import parsed
from domain.door import Started

ROUTES: Final = APIRouter(prefix="/v1", tags=["webhooks"])
_HEADERS: Final[tuple[tuple[str, str], ...]] = (
    (hooks.ID, "The delivery's id: the same again is the same run."),
    (hooks.TIMESTAMP, "Seconds since 1970, at most the webhook's tolerance away."),
    (hooks.SIGNATURE, "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."),
)
_DOCUMENTED: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": name,
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": about,
        }
        for name, about in _HEADERS
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
    "security": [],
}


@ROUTES.post(
    "/webhooks/{name}",
    status_code=HTTPStatus.ACCEPTED,
    responses={
        status: model
        for status, model in told(400, 413, 422).items()
        if status != HTTPStatus.FORBIDDEN
    },
    openapi_extra=_DOCUMENTED,
)
async def receive_webhook(name: str, request: Request, service: Served) -> Started:
    """Take a signed delivery as a start of what the webhook is configured for.

    Signed as standardwebhooks.com has it. A delivery that is not signed, signed by someone else,
    or too old is told 401 and no more. One that comes twice is one run.
    """
    body = await request.body()
    webhook = service.webhooks.get(name, hooks.NOBODY)
    if not webhook.is_signed(request.headers, body, time.time()):
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED, "not-signed", "the delivery is not one of a known sender"
        )
    door = Door(service.session, webhook.tenant, f"webhook:{webhook.name}")
    return await door.start(
        webhook.workflow,
        webhook.filled(parsed(body)),
        f"webhook:{webhook.name}:{request.headers[hooks.ID]}",
    )
