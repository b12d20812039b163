"""`mcp`: the MCP server, on stdin and stdout for a program that starts it, or over HTTP."""

import asyncio
import os
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from activities.guarding.redacting import redactor
from agents.registry import agents
from commands import console, options
from commands.doors import Door
from commands.errors import Exit
from commands.guard import guarded
from commands.mcp import check
from commands.serve import Host, is_local, listen
from commands.session import Session, session, whoami
from domain.access import Scope
from runtime import logs
from runtime.lent_tools import as_pinned
from runtime.settings import Settings

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context

_CONNECTIONS = 500
Port = Annotated[
    int | None,
    typer.Option("--port", min=0, max=65535, help="Serve HTTP there; 0 takes a free one."),
]


async def serve(
    *,
    port: Port = None,
    host: Host = "127.0.0.1",
    tenant: options.Tenant = "default",
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Be an MCP server: start runs, tell their status and result.

    On stdin and stdout, for a program that starts it: {"command": "python", "args":
    ["starter.py", "mcp"]}. With --port over HTTP, behind the tokens of `tokens add`, which say
    whose runs and who. What a run asks of a person cannot be answered through it.
    """
    settings = Settings.load()
    if port is None:
        await _on_stdio(settings, tenant, by or whoami())
    else:
        await _over_http(settings, host, port, as_json=json)
    return Exit.OK


async def _on_stdio(settings: Settings, tenant: str, by: str) -> None:
    # The SDK takes a second to load, which no other command shall pay.
    from commands.mcp_server import server  # noqa: PLC0415

    logs.configure(settings, redactor(settings.secrets()))
    if sys.stdin.isatty():
        console.note("an MCP server on stdin and stdout, for a program to start; Ctrl-C ends it")
    async with session(settings) as opened:
        own = Door(opened, tenant, by)

        def door(*_: object) -> Door:
            return own

        await server(door, as_pinned(settings, agents())).run_stdio_async()


async def _over_http(settings: Settings, host: str, port: int, *, as_json: bool) -> None:
    from commands.http.serving import run_app  # noqa: PLC0415

    async with session(settings) as opened:
        made, app = _application(opened, host)
        with closing(listen(host, port)) as listening:
            address = f"http://{host}:{listening.getsockname()[1]}/mcp"
            _announce(address, host, as_json=as_json)
            logs.configure(settings, redactor(settings.secrets()))
            async with made.session_manager.run():
                await run_app(app, asyncio.Event(), listening, {}, _CONNECTIONS)


def _application(opened: Session, host: str) -> tuple[Any, Any]:
    """Return the server and the application that serves it over HTTP, behind the gate."""
    from commands.gate import Gate, door_of  # noqa: PLC0415
    from commands.http.access import AccessLog  # noqa: PLC0415
    from commands.mcp_server import server  # noqa: PLC0415

    def door(context: "Context[Any, Any]", may: Scope, starts: str) -> Door:
        request: Any = context.request_context.request
        return door_of(opened, request.scope, may, starts)

    made = server(door, as_pinned(opened.settings, agents()))
    # No sessions: any copy answers any request.
    inner = made.streamable_http_app(stateless_http=True, host=host)
    return made, AccessLog(Gate(inner, opened, is_open=lambda _: False))


def _announce(address: str, host: str, *, as_json: bool) -> None:
    if as_json:
        console.emit({"address": address, "pid": os.getpid()})
    else:
        console.out().print(f"serving MCP at {address}")
        console.note("make tokens with `python starter.py tokens add`; Ctrl-C ends the service")
    if not is_local(host):
        console.warn(f"{host} can be reached by others: put a reverse proxy with TLS before it")
    for stream in (console.out(), console.err()):
        stream.file.flush()


def group() -> typer.Typer:
    """Return `mcp`, which alone on the line serves: that is what MCP clients start."""
    made = typer.Typer(
        help="Serve MCP clients; look at the MCP servers whose tools agents get.",
        invoke_without_command=True,
    )

    @made.callback()
    def alone(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            guarded(serve)()

    made.command("serve")(guarded(serve))
    made.command("check")(guarded(check))
    return made
