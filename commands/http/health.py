"""Routes for whoever runs the service: is it there, and can it work."""

import asyncio
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from commands.http.service import Served

ROUTES: Final = APIRouter(tags=["health"])
_PATIENCE_S: Final = 3.0


class Health(BaseModel):
    """Whether the service can work."""

    ready: bool
    missing: list[str] = Field(default=[], examples=[["the Temporal server"]])


@ROUTES.get("/healthz")
async def healthz() -> Health:
    """Say that the process answers; it asks nobody else."""
    return Health(ready=True)


@ROUTES.get("/readyz", responses={503: {"model": Health}})
async def readyz(service: Served, response: Response) -> Health:
    """Say whether the Temporal server and the database answer."""
    missing: list[str] = []
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await service.session.client.service_client.check_health()
    except (RPCError, TimeoutError, RuntimeError):
        missing.append("the Temporal server")
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await service.session.database.ping()
    except (SQLAlchemyError, OSError, TimeoutError):
        missing.append("the database")
    if service.stopping.is_set():
        missing.append("it is stopping")
    if missing:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Health(ready=not missing, missing=missing)
