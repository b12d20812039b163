"""The service as a process: it listens until it is asked to end, and then ends in order."""

import asyncio
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

from starlette.types import ASGIApp
from uvicorn import Config, Server

from commands.http.app import build
from commands.http.service import Service

_GRACE_S: Final = 10


async def run(
    service: Service,
    listening: socket.socket,
    tls: dict[str, Any],
    connections: int,
    ready: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT; then streams end, and other answers are finished.

    Args:
        service: What the routes work with.
        listening: A socket that listens.
        tls: uvicorn's `ssl_certfile` and `ssl_keyfile`; nothing for plain HTTP.
        connections: More at once are told 503.
        ready: Called once a signal would end the service in order.
    """
    await run_app(build(service), service.stopping, listening, tls, connections, ready=ready)


async def run_app(
    app: ASGIApp,
    stopping: asyncio.Event,
    listening: socket.socket,
    tls: dict[str, Any],
    connections: int,
    *,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve any application so; see `run`.

    Args:
        app: What is served.
        stopping: Set at the signal; streams look at it.
        listening: A socket that listens.
        tls: uvicorn's `ssl_certfile` and `ssl_keyfile`; nothing for plain HTTP.
        connections: More at once are told 503.
        ready: Called once a signal would end it in order.
    """
    serving = server(app, tls, connections)

    def stop() -> None:
        stopping.set()
        serving.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    ready()
    await serving.serve(sockets=[listening])


def server(app: ASGIApp, tls: dict[str, Any] | None = None, connections: int = 500) -> Server:
    """Return the server of one application; it logs as everything here does, and not by itself."""
    return _Server(
        Config(
            app,
            access_log=False,
            log_config=None,
            lifespan="off",
            limit_concurrency=connections,
            timeout_graceful_shutdown=_GRACE_S,
            server_header=False,
            **(tls or {}),
        )
    )


class _Server(Server):
    """uvicorn's, but for signals: it would end the process by the signal it was sent."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave them to whoever serves."""
        yield
