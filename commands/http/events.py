"""Route: a run's events as they happen, by server-sent events."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, Final

import structlog
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from commands import events
from commands.http import bodies
from commands.http.auth import Reader, door
from commands.http.runs import told
from commands.http.service import Served, Service
from domain.door import Event

ROUTES: Final = APIRouter(prefix="/v1", tags=["events"])
_COME_BACK_MS: Final = 2_000
_log: Final = structlog.get_logger(__name__)
_STREAM: Final[dict[str, Any]] = {
    "description": "Events, each with an `id`, an `event` type and `data`: JSON with `at`.",
    "content": {
        "text/event-stream": {
            "schema": {"type": "string"},
            "example": (
                "event: state\nid: 0193...:5.0\n"
                'data: {"at":"2026-01-01T12:00:00Z","state":"EXECUTING"}\n\n'
                "event: end\nid: 0193...:31.0\n"
                'data: {"at":"2026-01-01T12:00:04Z","outcome":"completed","reason":""}\n\n'
            ),
        }
    },
}


@ROUTES.get(
    "/runs/{run_id:path}/events",
    response_class=StreamingResponse,
    responses={200: _STREAM, **told(404, 422)},
)
async def stream_events(
    run_id: bodies.RunId, service: Served, token: Reader, last_event_id: bodies.LastEventId = ""
) -> StreamingResponse:
    """Stream what happens in a run, from its start to its end, over all that it continues as.

    Types: `started`, `state`, `turn` (a model call), `tool`, `step`, `child` (a run below began or
    ended), `question`, `stop`, `decision`, `continued`, `end`. After `end` the stream closes. One
    that closes without it was cut: come back with `Last-Event-ID`, to any copy of the service. A
    question or a stop that is still open is told anew to everyone who begins to listen.
    """
    opened = door(service, token)
    events.place(last_event_id)
    await opened.need(run_id)  # an unknown run is a 404, not an empty stream
    return StreamingResponse(
        _stream(service, opened.events(run_id, last_event_id)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(service: Service, happening: AsyncGenerator[Event]) -> AsyncGenerator[bytes]:
    """Yield events as they come, a comment where none do, and nothing once the service stops."""
    stopping = asyncio.ensure_future(service.stopping.wait())
    coming: asyncio.Future[Event] | None = None
    try:
        yield format_sse_event(retry=_COME_BACK_MS)
        while not stopping.done():
            coming = coming or asyncio.ensure_future(anext(happening))
            await asyncio.wait(
                {coming, stopping},
                timeout=service.heartbeat_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if coming.done():
                event, coming = coming.result(), None
                yield _written(event)
            elif not stopping.done():
                yield KEEPALIVE_COMMENT
    except StopAsyncIteration:
        return
    except (RPCError, SQLAlchemyError) as error:
        # The client has its last event's id, and comes back with it.
        _log.warning("a stream was cut", exc_info=error)
    finally:
        stopping.cancel()
        if coming is not None:
            coming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, RPCError):
                await coming
        await happening.aclose()


def _written(event: Event) -> bytes:
    told = {"at": event.at.isoformat(), **event.data}
    return format_sse_event(
        id=event.id, event=event.type, data_str=json.dumps(told, ensure_ascii=False)
    )
