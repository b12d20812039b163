"""The A2A service: a card and an endpoint for each agent, behind the gate."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from a2a.server.context import ServerCallContext
from a2a.server.routes import (
    DefaultServerCallContextBuilder,
    create_agent_card_routes,
    create_jsonrpc_routes,
    create_rest_routes,
)
from a2a.utils.constants import AGENT_CARD_WELL_KNOWN_PATH
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from commands.a2a import cards
from commands.a2a.handler import AgentTasks
from commands.doors import Door
from commands.gate import Gate, door_of
from commands.http.access import AccessLog
from commands.session import Session
from domain.access import Scope
from domain.spec import AgentSpec

_OPEN: Final = frozenset({"/", "/healthz"})
_GRACE_S: Final = 3.0
_SCOPE: Final = "scope"


class _Context(DefaultServerCallContextBuilder):
    """Hands the request on to the handler, which finds the caller's token in it."""

    def build(self, request: Request) -> ServerCallContext:
        """Return what a handler knows of a request."""
        context = super().build(request)
        context.state[_SCOPE] = request.scope
        return context


def build(
    session: Session, agents: Mapping[str, AgentSpec], address: str, stopping: asyncio.Event
) -> Starlette:
    """Return the service.

    Args:
        session: A connected session.
        agents: Who is spoken to, by name.
        address: How the service is reached from outside, without a slash at its end.
        stopping: Set when the service is asked to end.
    """

    def door(context: ServerCallContext, may: Scope, starts: str) -> Door:
        return door_of(session, context.state[_SCOPE], may, starts)

    async def index(_: Request) -> Response:
        """Say who is here: there is one card an agent."""
        found = [
            {"name": name, "card": f"{address}{cards.path(name)}{AGENT_CARD_WELL_KNOWN_PATH}"}
            for name in sorted(agents)
        ]
        return JSONResponse({"agents": found})

    async def healthz(_: Request) -> Response:
        return Response("ok\n")

    routes: list[BaseRoute] = [Route("/", index), Route("/healthz", healthz)]
    for spec in agents.values():
        routes += _routes(spec, address, AgentTasks(spec, door, stopping))
    gate: Any = Middleware(Gate, session=session, is_open=_is_open)
    return Starlette(routes=routes, middleware=[Middleware(AccessLog), gate])


def _routes(spec: AgentSpec, address: str, handler: AgentTasks) -> list[BaseRoute]:
    path = cards.path(spec.name)
    rest = create_rest_routes(
        handler, context_builder=_Context(), path_prefix=path, shutdown_grace_period=_GRACE_S
    )
    return [
        *create_agent_card_routes(
            cards.card(spec, address), card_url=f"{path}{AGENT_CARD_WELL_KNOWN_PATH}"
        ),
        *create_jsonrpc_routes(
            handler,
            path,
            context_builder=_Context(),
            enable_v0_3_compat=True,
            shutdown_grace_period=_GRACE_S,
        ),
        # The SDK's mount for a tenant in the path would swallow the agents after this one.
        *(route for route in rest if isinstance(route, Route)),
    ]


def _is_open(path: str) -> bool:
    """Whether no token is needed: a card is for those who look for an agent."""
    return path in _OPEN or path.endswith(AGENT_CARD_WELL_KNOWN_PATH)
