"""What the routes work with; set when the service starts, the same in every request."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from commands.http.hooks import Webhook
from commands.session import Session

MAX_BODY_BYTES = 2_000_000
HEARTBEAT_S = 15.0


@dataclass(frozen=True)
class Service:
    """One copy of the service.

    Attributes:
        webhooks: By their name.
        stopping: Set when it is asked to end; streams end then.
        heartbeat_s: A stream says so often that it is there.
        four_eyes: Who asked for a run does not answer what it asks.
    """

    session: Session
    webhooks: Mapping[str, Webhook] = field(default_factory=dict[str, Webhook])
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    heartbeat_s: float = HEARTBEAT_S
    four_eyes: bool = True


async def _service(request: Request) -> Service:
    return cast("Service", request.app.state.service)


Served = Annotated[Service, Depends(_service)]
