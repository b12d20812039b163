"""The service, put together; it is given what it works with when it starts."""

from typing import Final

from fastapi import FastAPI

from commands.http import (
    catalogue,
    decisions,
    document,
    events,
    health,
    operating,
    problems,
    runs,
    webhooks,
)
from commands.http.access import AccessLog
from commands.http.limits import BodyLimit
from commands.http.service import MAX_BODY_BYTES, Service

_ABOUT: Final = """\
Runs of agents that survive crashes, wait for people, and never pay twice.

A run is started once for each idempotency key. What waits for a person is listed and answered
here; who answers is in the token. Every problem is told as RFC 9457 has it.
"""
_TAGS: Final = [
    {"name": "runs", "description": "Start a run, see it, end it."},
    {"name": "events", "description": "What happens in a run, as it happens."},
    {"name": "decisions", "description": "What waits for a person, and their answers."},
    {"name": "operating", "description": "Halts, standing approvals, caps and breakers."},
    {"name": "webhooks", "description": "Signed deliveries that start runs."},
    {"name": "catalogue", "description": "What can be started, and with what."},
    {"name": "health", "description": "For whoever runs the service. No token is needed."},
]


def build(service: Service | None = None) -> FastAPI:
    """Return the service; without what it works with it can only say what it would do."""
    app = FastAPI(
        title="Holdfast",
        version="1",
        description=_ABOUT,
        openapi_tags=_TAGS,
        # Its pages load scripts from elsewhere; the document itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
    )
    for each in (runs, events, decisions, operating, webhooks, catalogue, health):
        app.include_router(each.ROUTES)
    app.include_router(runs.LAST)
    problems.install(app)
    app.add_middleware(BodyLimit, most=MAX_BODY_BYTES)
    app.add_middleware(AccessLog)
    document.install(app)
    app.state.service = service
    return app
